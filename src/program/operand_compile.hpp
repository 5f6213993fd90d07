// From a field's JSON to an Operand: templates parsed in the context of their place, names bound, constants
// folded. What is wrong with the text goes to the diagnostics.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <fnstack/definition.hpp>
#include <fnstack/step_kind.hpp>

#include "program/operand.hpp"

namespace fnstack::program {

class OperandCompiler {
 public:
  // What a name means that stands in the string literal at that place; the span of its use is in the decoded text.
  using Resolver = std::function<expr::Reference(const expr::NameUse&, Span literal)>;

  // `report` adds the diagnostics of one field, completed with path and context by the caller.
  OperandCompiler(SourcePtr source, Resolver resolver, std::function<void(Diagnostic)> report,
                  std::int64_t expression_nodes)
      : source_(std::move(source)),
        resolver_(std::move(resolver)),
        report_(std::move(report)),
        expression_nodes_(expression_nodes) {}

  // By the field's type; `content_type` is the step's literal Content-Type if it is known, for a body.
  [[nodiscard]] Operand field(const Node& node, FieldType type, std::string_view content_type = {});
  [[nodiscard]] Operand value(const Node& node);
  // The whole string is one expression; other JSON is a constant.
  [[nodiscard]] Operand expression(const Node& node);

 private:
  [[nodiscard]] expr::Resolver at(Span literal) const;
  [[nodiscard]] std::optional<expr::Template> parse_text(std::string_view text, Span literal);
  [[nodiscard]] Tree tree(const Node& node);
  [[nodiscard]] Operand from_tree(Tree tree);
  [[nodiscard]] Operand url(const Node& node);
  [[nodiscard]] static Value literal(const Node& node);
  [[nodiscard]] Operand schema(const Node& node);
  [[nodiscard]] Operand headers(const Node& node);
  [[nodiscard]] Operand body(const Node& node, std::string_view content_type);
  [[nodiscard]] Operand filter(const Node& node);
  [[nodiscard]] Tree filter_tree(const Node& node);
  void filter_member(const Member& member, std::vector<Tree>& parts);
  [[nodiscard]] Operand cache_key(const Node& node);
  void check_constant(const Node& node, FieldType type, const Operand& operand);
  void error(const Node& node, std::string code, std::string message, std::string hint = {});
  void error(Span span, std::string code, std::string message, std::string hint = {});
  void warning(const Node& node, std::string code, std::string message, std::string hint = {});
  void pass_on(const Diagnostics& diagnostics);

  SourcePtr source_;
  Resolver resolver_;
  std::function<void(Diagnostic)> report_;
  std::int64_t expression_nodes_;  // the limit
};

}  // namespace fnstack::program
