// "Switch": runs the block whose key is the subject's text, or the default block; nothing falls through.
#include <set>
#include <string>

#include <fnstack/json.hpp>

#include "expr/template.hpp"
#include "program/lowering.hpp"
#include "steps/steps.hpp"

namespace fnstack::steps {

namespace {

void lower(program::Lowering& step) {
  const Node* cases = step.node("cases");
  if (cases == nullptr) return;
  const program::OperandIndex subject = step.operand("variable");
  std::vector<std::pair<std::string, program::Label>> table;
  std::vector<std::pair<const Node*, std::string>> blocks;
  std::set<std::string> keys;
  const auto add = [&](std::string key, const Node& at, const Node& steps, std::string path) {
    if (expr::may_hold_template(key)) {
      step.error("bad-value", "case \"" + key + "\": a template can't stand here", &at,
                 "compare by a Conditional with else_if");
    }
    if (!keys.insert(key).second) step.error("case-twice", "case \"" + key + "\" is given twice", &at);
    table.emplace_back(std::move(key), step.new_label());
    blocks.emplace_back(&steps, std::move(path));
  };
  const std::string path = step.path_of("cases");
  const Node* inner_default = nullptr;
  if (cases->kind == Node::Kind::object) {
    for (const Member& member : cases->members) {
      if (member.key == "default" && !step.given("default")) {
        inner_default = &member.value;
        continue;
      }
      add(member.key, member.value, member.value, path + "/" + member.key);
    }
  } else {
    for (std::size_t i = 0; i < cases->items.size(); ++i) {
      const Node& item = cases->items[i];
      const Node* value = item.find("value") != nullptr ? item.find("value") : item.find("case");
      const Node* steps = item.find("steps") != nullptr ? item.find("steps") : item.find("function_stack");
      if (value == nullptr || steps == nullptr) {
        step.error("missing-field", "cases: expected objects with \"value\" and \"steps\"", &item);
        continue;
      }
      if (value->kind == Node::Kind::array || value->kind == Node::Kind::object) {
        step.error("bad-value", "cases: expected text, a number, true, false or null as \"value\"", value);
        continue;
      }
      add(value->kind == Node::Kind::null ? "null" : to_text(value->scalar), item, *steps,
          path + "/" + std::to_string(i) + "/steps");
    }
  }
  if (cases->kind != Node::Kind::object && cases->kind != Node::Kind::array) {
    step.error("bad-value", "cases: expected an object of blocks by key, or a list of {value, steps}", cases);
  }
  const program::Label otherwise = step.new_label();
  const program::Label end = step.new_label();
  step.emit(program::Op::select, subject, step.switch_table(table, otherwise));
  bool all_leave = true;
  for (std::size_t i = 0; i < table.size(); ++i) {
    step.place(table[i].second);
    step.block(*blocks[i].first, blocks[i].second);
    all_leave = all_leave && step.terminated();
    step.emit_jump(end);
  }
  step.place(otherwise);
  step.note_terminated(false);
  if (inner_default != nullptr) {
    step.block(*inner_default, path + "/default");
  } else {
    step.block("default");
  }
  all_leave = all_leave && step.terminated();
  step.place(end);
  step.note_terminated(all_leave);
}

}  // namespace

StepKind switch_() {
  return {
      .name = "Switch",
      .doc =
          "Runs the case whose key equals the subject as text (429 finds \"429\"); without one the default; nothing "
          "falls through.",
      .group = "Flow",
      .fields =
          {{.name = "variable", .aliases = {"input", "value", "expression"}, .required = true, .doc = "the subject"},
           {.name = "cases",
            .type = FieldType::cases,
            .required = true,
            .doc = "blocks by key, or a list of `{value, steps}`"},
           {.name = "default", .aliases = {"default_steps"}, .type = FieldType::steps, .doc = "run if no case fits"}},
      .has_result = false,
      .lower = lower};
}

}  // namespace fnstack::steps
