// ProgramData: what a Program is inside. Filled by compile, read by the machine; never changed afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/source.hpp>
#include <fnstack/step_kind.hpp>
#include <fnstack/value.hpp>

#include "program/operand.hpp"

namespace fnstack::program {

inline constexpr std::uint32_t none = UINT32_MAX;
// Raised whenever an instruction's meaning changes: part of the fingerprint.
inline constexpr int op_version = 3;

enum class Op : std::uint8_t {
#define X(name, doc) name,
#include "program/ops.def"
#undef X
};

struct Instruction {
  Op op;
  bool begins_step = false;  // counts as an execution of its step
  std::uint32_t a = none;
  std::uint32_t b = none;
  std::uint32_t c = none;
  std::uint32_t step = none;  // whose instruction this is: errors say so
};

// Slots that every frame has.
namespace slot {
inline constexpr std::uint32_t inputs = 0;
inline constexpr std::uint32_t response = 1;  // a response on its way out
inline constexpr std::uint32_t headers = 2;   // set by Set Response Header
inline constexpr std::uint32_t first_free = 3;
}  // namespace slot

// Roots that every run has, before those of the host.
namespace root {
inline constexpr std::uint32_t env = 0;
inline constexpr std::uint32_t run = 1;
inline constexpr std::uint32_t first_free = 2;
}  // namespace root

// What a completion slot of a finally block holds.
namespace completion {
inline constexpr std::int64_t normal = 0;
inline constexpr std::int64_t error = 1;
inline constexpr std::int64_t restart = 2;     // an error that asks for the transaction again
inline constexpr std::int64_t first_jump = 3;  // place n - first_jump of the jump table
}  // namespace completion

struct StepInfo {
  std::string name;  // as written
  std::string label;
  std::string path;  // JSON pointer
  std::uint32_t function = none;
  Span span;
  [[nodiscard]] std::string describe() const;  // what error.step says
};

// One pure or effect step: which kind, with which fields.
struct KindCall {
  std::shared_ptr<const StepKind> kind;
  std::vector<std::uint32_t> operands;  // one for each field of the kind; none: not given, the default counts
  std::vector<std::uint16_t> given;     // positions of those that are given
  std::vector<std::uint16_t> places;    // for each field its place among the given, or UINT16_MAX
  std::shared_ptr<const FieldNames> names;
  std::uint32_t rest = none;          // operand: an object of free arguments
  std::vector<std::uint32_t> locals;  // first slot of an expression field's locals, one for each field; none
  std::uint32_t function = none;      // whose slots these are
  std::uint32_t in_place = none;      // position of the kind's in_place field, if it is given by an expression
  bool wants_age = false;
  std::uint32_t age_slot = none;  // filled by a cache get whose variable's .age is read
};

struct CallSite {
  std::uint32_t function = none;  // resolved when compiling
  std::uint32_t callee = none;    // operand, if the name is only known at run time
  std::string name;               // as written, for host functions and messages
  bool host = false;
  std::uint32_t arguments = none;  // operand: an object
  std::uint32_t result = none;     // slot
  bool full = false;               // the whole response, not its body
  bool async = false;              // result is an execution id
  bool background = false;         // an effect of its own: start run
  std::uint32_t delay_s = none;    // background: operand
};

struct ResponseSite {
  std::uint32_t status = none;
  std::uint32_t body = none;
  std::uint32_t headers = none;
  bool raw_value = false;  // Return Value: the body, nothing else
};

// A part of a variable, or an operation on it: Update Variable.
struct UpdateSite {
  enum class Operation : std::uint8_t { set, merge, append, set_key, lowercase, remove };
  Operation operation = Operation::set;
  std::uint32_t slot = none;
  std::vector<Value> path;     // keys and indices below the variable
  std::uint32_t value = none;  // operand
  std::uint32_t key = none;    // operand
};

struct SwitchTable {
  std::vector<std::pair<std::string, std::uint32_t>> cases;  // canonical text to place; sorted, of equal ones the first
  std::uint32_t otherwise = none;
};

// Where a strand splits into branches, and how their results come together. Each branch begins with the frame's
// variables as they are.
struct ForkSite {
  enum class Source : std::uint8_t {
    written,  // a branch for each of `branches`
    list,     // one for each element of the list in slot `from`
    count     // one for each number after the one in slot `from` and before the one next to it
  };
  enum class Mode : std::uint8_t {
    all,     // the first error cancels the others and is the fork's
    first,   // the first result cancels the others and is the fork's; an error only if none succeeds
    settled  // each branch's own end: {"status", "value" or "error"}
  };
  struct Branch {
    std::uint32_t begin = 0;  // instructions [begin, end)
    std::uint32_t end = 0;
  };
  Source source = Source::written;
  Mode mode = Mode::all;
  std::vector<Branch> branches;  // list, count: one, for all
  std::uint32_t from = none;
  std::uint32_t item = none;             // list, count: slot of a branch's element or number
  std::uint32_t index = none;            // slot of loop.index
  std::uint32_t max_concurrency = none;  // operand: how many at a time
  std::uint64_t usual_concurrency = 0;   // without it; 0: all
  bool is_named = false;                 // the result is an object with `names` as keys; else a list
  std::vector<std::string> names;
  std::uint32_t on_response = none;  // where the function leaves with the Response of a branch in slot::response
};

// Instructions [begin, end) whose errors go to `handler`. In the order of their ends, so inner ones before outer ones.
struct Region {
  enum class Kind : std::uint8_t { catch_, finally, transaction };
  Kind kind = Kind::catch_;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t handler = 0;
  std::uint32_t slot = none;  // catch: the error; finally, transaction: the completion and, next to it, its error
  std::uint32_t transaction = none;  // transaction: slot of its name
};

struct ParameterInfo {
  std::string name;
  std::string type;
  bool required = false;
  std::uint32_t default_value = none;  // operand
};

struct FunctionInfo {
  std::vector<std::string> names;  // best first
  bool callable = true;            // anonymous ones are not
  bool main = true;                // of a main text: can be run
  std::uint32_t entry = 0;
  std::uint32_t slots = slot::first_free;
  std::vector<std::pair<std::string, std::uint32_t>> variables;  // by name, in order of first mention
  std::vector<std::pair<std::string, std::uint32_t>> inputs;     // names read that nothing sets
  std::vector<ParameterInfo> parameters;
  std::vector<Region> regions;
  SourcePtr source;
  Span span;  // of its definition
};

struct ProgramData {
  std::vector<Instruction> code;
  std::vector<Operand> operands;
  std::vector<KindCall> kind_calls;
  std::map<const StepKind*, std::shared_ptr<const FieldNames>> field_names;
  std::vector<CallSite> call_sites;
  std::vector<ResponseSite> response_sites;
  std::vector<UpdateSite> update_sites;
  std::vector<SwitchTable> switch_tables;
  std::vector<std::vector<std::uint32_t>> jump_tables;
  std::vector<ForkSite> fork_sites;
  std::vector<StepInfo> steps;
  std::vector<FunctionInfo> functions;
  std::map<std::string, std::uint32_t, std::less<>> function_index;  // every name that can be called
  std::vector<std::string> roots;                                    // the host's, in order from root::first_free
  std::vector<std::string> host_functions;
  SourcePtr step_defaults;   // CompileOptions'
  bool reads_run = false;    // something reads the root `run`
  bool reads_roots = false;  // something reads any root: env, run, the host's

  // Program::fingerprint. Made when it is first asked for: most runs are never written down, and the first digest of a
  // process costs more than a short run. Any thread.
  [[nodiscard]] const std::string& fingerprint() const;
  // Once all functions are there. A best name goes before an alias (DIALECT 4.35), main texts before libraries.
  void index_functions();
  // By any of its names; none if there is none.
  [[nodiscard]] std::uint32_t find_function(std::string_view name) const noexcept;
  [[nodiscard]] bool is_host_function(std::string_view name) const noexcept;

 private:
  mutable std::once_flag fingerprint_made_;
  mutable std::string fingerprint_;
};

[[nodiscard]] std::string_view name_of(Op op) noexcept;

}  // namespace fnstack::program
