// What fnstack's sides of the benchmarks share: loading a definition, and ending loudly when something is wrong.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fnstack/fnstack.hpp>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>

namespace bench {

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) give_up("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline fnstack::Program load(const fnstack::Engine& engine, const std::string& name, std::string text) {
  auto compiled = engine.load(name, std::move(text));
  if (compiled.program.empty()) {
    give_up(compiled.diagnostics.empty() ? name + " does not compile" : compiled.diagnostics.to_text());
  }
  return std::move(compiled.program);
}

inline fnstack::Outcome run(const fnstack::Engine& engine, const fnstack::Program& program, fnstack::Value inputs) {
  auto outcome = engine.run(program, std::move(inputs));
  if (outcome.status != fnstack::Outcome::Status::completed) {
    give_up(outcome.error ? outcome.error->message : "the run did not complete");
  }
  return outcome;
}

// `runs` of them on the engine's event loop, `in_flight` at a time: each that ends starts the next. inputs(n) and
// look(outcome) are called on the loop's threads.
template <class Inputs, class Look>
void run_many(const fnstack::Engine& engine, const fnstack::Program& program, long runs, long in_flight,
              const Inputs& inputs, const Look& look) {
  std::atomic<long> next = 0;
  std::function<void()> start_next = [&] {
    const long number = next++;
    if (number >= runs) return;
    engine.start(program, inputs(number), [&](fnstack::Outcome outcome) {
      if (outcome.status != fnstack::Outcome::Status::completed) {
        give_up(outcome.error ? outcome.error->message : "a run did not complete");
      }
      look(outcome);
      start_next();
    });
  };
  for (long i = 0; i < in_flight; ++i) start_next();
  (void)engine.drain();
}

}  // namespace bench
