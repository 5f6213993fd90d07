// `fnstack run`: one definition, run once or many times. Entry point: run.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <fstream>
#include <optional>
#include <utility>

#include <fnstack/definition.hpp>
#include <fnstack/engine.hpp>
#include <fnstack/json.hpp>

#include "base/suggest.hpp"
#include "cli/cli.hpp"
#include "cli/engine_options.hpp"
#include "cli/input.hpp"
#include "cli/output.hpp"
#include "cli/repeat.hpp"
#include "cli/signals.hpp"

namespace fnstack::cli {
namespace {

// The one object that a run prints. A failed run's variables and error are masked; a response never is, because it is
// what the definition means to say.
std::string report(const Outcome& outcome, const SecretMask& mask, double duration_ms) {
  std::string json = "{\"status\":";
  append_json_string(json, name_of(outcome.status));
  json += ",\"response\":";
  if (outcome.response) {
    json += "{\"status_code\":" + std::to_string(outcome.response->status_code) + ",\"headers\":";
    append_json(json, outcome.response->headers);
    json += ",\"body\":";
    append_json(json, outcome.response->body);
    json += '}';
  } else {
    json += "null";
  }
  json += ",\"variables\":";
  append_json(json, outcome.status == Outcome::Status::completed ? outcome.variables : mask.apply(outcome.variables));
  json += ",\"error\":";
  append_json(json, outcome.error ? mask.apply(to_value(*outcome.error)) : Value());
  json += ",\"stats\":";
  append_json(json, Value::object({{"steps", Value(outcome.steps)},
                                   {"effects", Value(outcome.effects)},
                                   {"duration_ms", Value(std::round(duration_ms * 1000.0) / 1000.0)}}));
  json += "}\n";
  return json;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Does the file itself define it, under any of its names? What a --functions file defines can be called, not run.
bool has_flow(const std::vector<std::string>& flows, const SourcePtr& source, const Engine& engine,
              const std::string& name) {
  if (std::find(flows.begin(), flows.end(), name) != flows.end()) return true;
  const StepKinds& kinds = engine.step_kinds();
  const Module module = parse(source, [&kinds](std::string_view word) { return kinds.find(word) != nullptr; });
  for (const Definition& definition : module.definitions) {
    if (std::find(definition.names.begin(), definition.names.end(), name) != definition.names.end()) return true;
  }
  return false;
}

// Why the program can't be started so, if it can't: a flow it doesn't have, or several and none named.
std::optional<std::string> start_fault(const RunCommand& command, const SourcePtr& source, const Program& program,
                                       const Engine& engine, const RunOptions& options) {
  const std::vector<std::string> flows = program.flows();
  const Machine machine = engine.machine(program, Value::object(), options);
  const bool is_known = !command.flow || has_flow(flows, source, engine, *command.flow);
  if (is_known && !machine.fault()) return std::nullopt;
  if (!is_known) {
    std::string message = command.file + ": there is no definition \"" + *command.flow + "\"";
    const std::vector<std::string_view> names(flows.begin(), flows.end());
    if (const auto near = suggest(*command.flow, names)) {
      message += did_you_mean(near);
    } else {
      message += "; it has: " + listed(flows);
    }
    return message;
  }
  if (flows.size() > 1) {
    return command.file + ": " + std::to_string(flows.size()) +
           " definitions; say with --flow which one to run: " + listed(flows);
  }
  return command.file + ": " + machine.fault()->message;
}

// Repetitions and how many at a time, both 0 without --repeat.
struct Repetition {
  std::int64_t runs = 0, concurrency = 0;
};

Result<Repetition> read_repetition(const RunCommand& command) {
  Repetition repetition;
  if (!command.repeat) {
    if (command.concurrency) {
      return make_error(error_type::validation, "--concurrency: how many of --repeat N at a time; --repeat is missing");
    }
    return repetition;
  }
  const Result<std::int64_t> runs = read_integer("--repeat", *command.repeat, 1, 1'000'000'000'000);
  if (!runs) return runs.error();
  repetition.runs = *runs;
  repetition.concurrency = 1;
  if (command.concurrency) {
    const Result<std::int64_t> concurrency = read_integer("--concurrency", *command.concurrency, 1, 10'000);
    if (!concurrency) return concurrency.error();
    repetition.concurrency = *concurrency;
  }
  return repetition;
}

int run_repeatedly(const Engine& engine, const Program& program, const Value& inputs, const RunOptions& options,
                   const Repetition& repetition) {
  const RepeatResult result = repeat(engine, program, inputs, options, static_cast<std::uint64_t>(repetition.runs),
                                     static_cast<std::uint64_t>(repetition.concurrency));
  const bool printed = print("{\"stats\":" + to_json(result.stats) + "}\n");
  if (result.first_error) {
    complain("a run failed: " +
             engine.mask().apply_to_text(result.first_error->type + ": " + result.first_error->message));
  }
  return printed && result.all_completed ? status_ok : status_failed;
}

int run_once(const Engine& engine, const Program& program, Value inputs, const RunOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  const Outcome outcome = engine.run(program, std::move(inputs), options);
  const double duration_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  const bool printed = print(report(outcome, engine.mask(), duration_ms));
  return printed && outcome.status == Outcome::Status::completed ? status_ok : status_failed;
}

}  // namespace

int run(const RunCommand& command) {
  Result<EngineOptions> options = engine_options(command);
  if (!options) return refuse(options.error().message);
  const Limits limits = options->limits;
  Result<Repetition> repetition = read_repetition(command);
  if (!repetition) return refuse(repetition.error().message);
  RunOptions run_options;
  run_options.flow = command.flow.value_or("");
  if (command.timeout) {
    const Result<std::int64_t> timeout = read_seconds("--timeout", *command.timeout);
    if (!timeout) return refuse(timeout.error().message);
    run_options.timeout_ms = *timeout;
  }
  if (command.flow && command.flow->empty()) return refuse("--flow: expected a name");

  const Result<SourcePtr> source = read_source(command.file, limits.definition_bytes);
  if (!source) return refuse(source.error().message);
  std::vector<SourcePtr> libraries;
  for (const std::string& file : command.functions) {
    Result<SourcePtr> library = read_source(file, limits.definition_bytes);
    if (!library) return refuse("--functions: " + library.error().message);
    libraries.push_back(std::move(*library));
  }
  Value inputs = Value::object();
  if (command.inputs) {
    Result<Value> given = read_object("--inputs", *command.inputs, true,
                                      {.depth = static_cast<std::uint32_t>(limits.value_depth),
                                       .bytes = static_cast<std::uint64_t>(limits.value_bytes)});
    if (!given) return refuse(given.error().message);
    inputs = std::move(*given);
  }
  std::ofstream trace;
  if (command.trace) {
    errno = 0;
    trace.open(*command.trace, std::ios::out | std::ios::trunc | std::ios::binary);
    if (!trace) return refuse("--trace: can't write \"" + *command.trace + "\": " + system_reason(errno));
    options->observers.push_back(trace_observer(trace, static_cast<std::size_t>(limits.log_bytes)));
  }

  int status = status_ok;
  {
    Engine engine(std::move(*options));
    for (const SourcePtr& library : libraries) {
      const Diagnostics diagnostics = engine.add_library(library);
      if (diagnostics.has_errors()) {
        tell(diagnostics.to_text());
        return refuse("--functions: " + library->name() + ": not a valid definition: " + count_of(diagnostics));
      }
    }
    const Compiled compiled = engine.load(*source);
    if (compiled.program.empty()) {
      tell(compiled.diagnostics.to_text());
      return refuse(command.file + ": not a valid definition: " + count_of(compiled.diagnostics));
    }
    if (const auto fault = start_fault(command, *source, compiled.program, engine, run_options)) return refuse(*fault);
    {
      const StopOnSignal signals;
      run_options.stop = signals.token();
      status = repetition->runs > 0 ? run_repeatedly(engine, compiled.program, inputs, run_options, *repetition)
                                    : run_once(engine, compiled.program, std::move(inputs), run_options);
    }
    // What a run has sent to the background belongs to it. Signals end the process again by now.
    engine.drain();
  }
  if (command.trace && !trace.flush()) {
    complain("--trace: can't write \"" + *command.trace + "\": the file is not complete");
    status = status_failed;
  }
  return status;
}

}  // namespace fnstack::cli
