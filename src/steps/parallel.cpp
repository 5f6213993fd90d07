// "Parallel": runs blocks of steps side by side, as branches. "Batch": the same for requests, written as a list.
#include "definition/words.hpp"
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

using program::ForkSite;
using program::Op;

// Requests at a time of a batch that says nothing else.
constexpr std::uint64_t usual_requests = 8;

void set_mode(program::Lowering& step, ForkSite& site, bool may_be_first) {
  const std::string mode = fold_name(step.literal("mode", "all"));
  if (mode == "settled" || mode == "all_settled" || mode == "allsettled") {
    site.mode = ForkSite::Mode::settled;
  } else if (may_be_first && (mode == "first" || mode == "any" || mode == "race")) {
    site.mode = ForkSite::Mode::first;
  } else if (mode != "all") {
    step.error("bad-value",
               "unknown mode \"" + step.literal("mode", "") +
                   (may_be_first ? "\"; expected all, first or settled" : "\"; expected all or settled"),
               step.node("mode"));
  }
}

void lower_parallel(program::Lowering& step) {
  ForkSite site;
  set_mode(step, site, true);
  site.max_concurrency = step.operand("max_concurrency");
  const Node* given = step.node("branches");
  if (given == nullptr) return;
  std::vector<std::pair<const Node*, std::string>> blocks;
  const std::string path = step.path_of("branches");
  if (given->kind == Node::Kind::object && given->find("function") == nullptr) {
    site.is_named = true;
    for (const Member& member : given->members) {
      site.names.push_back(member.key);
      blocks.emplace_back(&member.value, definition::pointer(path, member.key));
    }
  } else if (given->kind == Node::Kind::array) {
    for (std::size_t i = 0; i < given->items.size(); ++i)
      blocks.emplace_back(&given->items[i], definition::pointer(path, i));
  } else {
    step.error("bad-value", "branches: expected an object of blocks by name, or a list of blocks", given);
  }
  program::Lowering::Fork fork = step.begin_fork(std::move(site));
  for (const auto& [block, block_path] : blocks) {
    step.begin_branch(fork);
    step.block(*block, block_path);
    step.end_branch(fork);
  }
  step.end_fork(fork);
}

void lower_batch(program::Lowering& step) {
  ForkSite site;
  set_mode(step, site, false);
  site.usual_concurrency = usual_requests;
  const Node* given = step.node("requests");
  if (given == nullptr) return;
  if (given->kind == Node::Kind::array) {
    site.max_concurrency = step.operand("max_concurrency");
    program::Lowering::Fork fork = step.begin_fork(std::move(site));
    for (std::size_t i = 0; i < step.request_count("requests"); ++i) {
      step.begin_branch(fork);
      step.request("requests", i);
      step.end_branch(fork);
    }
    step.end_fork(fork);
    return;
  }
  site.source = ForkSite::Source::list;
  site.from = step.hidden(2);
  site.item = step.hidden();
  site.index = site.from + 1;
  const program::Slot list = site.from;
  const program::Slot item = site.item;
  step.emit(Op::each_begin, step.operand("requests"), list);
  site.max_concurrency = step.operand("max_concurrency");
  program::Lowering::Fork fork = step.begin_fork(std::move(site));
  step.begin_branch(fork);
  step.push_name("item", item);
  step.request("requests", 0);
  step.pop_names(1);
  step.end_branch(fork);
  step.end_fork(fork);
  step.emit(Op::assign, list, step.constant(Value()));
}

}  // namespace

StepKind parallel() {
  return {
      .name = "Parallel",
      .aliases = {"Parallel Steps", "Parallel Execution", "Run in Parallel", "run_parallel", "concurrent"},
      .doc =
          "Runs blocks of steps side by side. Each begins with the variables as they are; what it assigns is its "
          "own, and only its result comes back: the value of a Return Value in it, else the result of its last step "
          "(or the variable which that sets), else null. The result holds them by name, or in order for a list.",
      .group = "Flow",
      .fields = {{.name = "branches",
                  .aliases = {"parallel_steps", "parallel_branches", "tasks", "steps", "functions"},
                  .type = FieldType::branches,
                  .required = true,
                  .doc = "an object of blocks by name, or a list of blocks (a step alone is one)"},
                 {.name = "mode",
                  .type = FieldType::literal,
                  .default_value = "all",
                  .doc = "all: an error cancels the other branches (their finally steps don't run) and is this "
                         "step's; first: the first result is this step's and cancels the others, an error only if "
                         "all fail (the last one's); settled: each branch gives {status: completed, value} or "
                         "{status: failed, error}"},
                 {.name = "max_concurrency",
                  .aliases = {"concurrency"},
                  .type = FieldType::integer,
                  .doc = "how many branches at a time; all unless given"}},
      .lower = lower_parallel};
}

StepKind batch() {
  return {
      .name = "Batch",
      .aliases = {"Batch Request", "Batch Requests", "Batch API Request"},
      .doc = "Performs requests side by side, so many at a time. The result is the list of their results, in order.",
      .group = "Services",
      .fields = {{.name = "requests",
                  .aliases = {"batch", "calls"},
                  .type = FieldType::requests,
                  .required = true,
                  .doc = "a list of objects with the fields of External API Request; or a template giving a list of "
                         "{url, method, headers, query_parameters, body, timeout} with whole URLs"},
                 {.name = "mode",
                  .type = FieldType::literal,
                  .default_value = "all",
                  .doc = "all: an error cancels the other requests and is this step's; settled: each gives {status: "
                         "completed, value} or {status: failed, error}"},
                 {.name = "max_concurrency",
                  .aliases = {"concurrency"},
                  .type = FieldType::integer,
                  .doc = "how many requests at a time; 8 unless given"}},
      .lower = lower_batch};
}

}  // namespace fnstack::steps
