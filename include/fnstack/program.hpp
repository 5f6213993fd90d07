// Program: definitions checked, linked and lowered to flat instructions. Immutable; shared by threads and runs;
// a copy is a handle.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/definition.hpp>
#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/step_kind.hpp>

namespace fnstack {

namespace program {
struct ProgramData;
}

class Program {
 public:
  Program() = default;  // empty: nothing to run
  explicit Program(std::shared_ptr<const program::ProgramData> data) : data_(std::move(data)) {}

  [[nodiscard]] bool empty() const noexcept { return data_ == nullptr; }
  // The flows of the main texts (not of libraries), each by its best name, in order.
  [[nodiscard]] std::vector<std::string> flows() const;
  // Is there a function of that name or alias, in the main texts or the libraries?
  [[nodiscard]] bool has(std::string_view name) const;
  // Names the texts, the defaults and the version of the instructions: a snapshot fits only the same fingerprint.
  [[nodiscard]] const std::string& fingerprint() const;
  // One line an instruction: for people and tests.
  [[nodiscard]] std::string disassemble() const;

  [[nodiscard]] const program::ProgramData& data() const noexcept { return *data_; }

 private:
  std::shared_ptr<const program::ProgramData> data_;
};

struct CompileOptions {
  // Names of functions that the host performs, beyond those the definitions define.
  std::vector<std::string> host_functions = {};
  // Names of roots that the host supplies with each run: "request", "auth", "trigger" …
  std::vector<std::string> roots = {};
  // Fields for steps that don't give them: an object of step names, each with an object of fields, as a definition
  // would write them: {"External API Request": {"timeout": 5000, "retry": {"attempts": 3}}}. Null: none.
  SourcePtr step_defaults = {};
  Limits limits = {};
};

struct Compiled {
  Program program;          // empty if there are errors
  Diagnostics diagnostics;  // errors and warnings, sorted by place
};

// Checks everything and reports all of it. `definitions` are the main texts' and can be run and called;
// `libraries` can be called only.
[[nodiscard]] Compiled compile(std::vector<Definition> definitions, const StepKinds& kinds,
                               const CompileOptions& options = {}, std::vector<Definition> libraries = {});

}  // namespace fnstack
