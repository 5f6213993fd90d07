// Start here. Everything but the backends that need another library (fnstack/backends/*.hpp) and the opt-in
// bridge fnstack/nlohmann.hpp.
//
// The way through: text -> Definition -> Program -> Machine -> Effect -> backend, and back as EffectResult,
// until an Outcome. Engine does all of it in one call.
#pragma once

#include <fnstack/backend.hpp>
#include <fnstack/cache.hpp>
#include <fnstack/clock.hpp>
#include <fnstack/database.hpp>
#include <fnstack/definition.hpp>
#include <fnstack/driver.hpp>
#include <fnstack/effect.hpp>
#include <fnstack/engine.hpp>
#include <fnstack/error.hpp>
#include <fnstack/http.hpp>
#include <fnstack/json.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/machine.hpp>
#include <fnstack/observer.hpp>
#include <fnstack/program.hpp>
#include <fnstack/source.hpp>
#include <fnstack/step_kind.hpp>
#include <fnstack/value.hpp>
