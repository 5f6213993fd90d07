#include "program/operand_compile.hpp"

#include <utility>

#include <fnstack/json.hpp>

#include "base/suggest.hpp"
#include "definition/words.hpp"

namespace fnstack::program {

namespace {

Tree constant_tree(Value value) {
  Tree tree;
  tree.constant = std::move(value);
  return tree;
}

Tree array_tree(std::vector<Tree> items) {
  Tree tree;
  tree.kind = Tree::Kind::array;
  tree.items = std::move(items);
  return tree;
}

expr::Piece literal_piece(std::string text) {
  expr::Piece piece;
  piece.literal = std::move(text);
  return piece;
}

// A tree without holes as the value it always is.
std::optional<Value> fold(const Tree& tree) {
  switch (tree.kind) {
    case Tree::Kind::constant:
      return tree.constant;
    case Tree::Kind::text:
      return std::nullopt;
    case Tree::Kind::array: {
      Value array = Value::array();
      for (const Tree& item : tree.items) {
        auto value = fold(item);
        if (!value) return std::nullopt;
        array.push_back(std::move(*value));
      }
      return array;
    }
    case Tree::Kind::object: {
      Value object = Value::object();
      for (const Tree::Member& member : tree.members) {
        if (member.key_template) return std::nullopt;
        auto value = fold(member.value);
        if (!value) return std::nullopt;
        object.set(member.key, std::move(*value));
      }
      return object;
    }
  }
  return std::nullopt;
}

Operand constant_operand(Value value) {
  Operand operand;
  operand.constant = std::move(value);
  return operand;
}

Operand expression_operand(expr::Expression expression) {
  Operand operand;
  if (const Value* constant = expression.constant()) {
    operand.constant = *constant;
    return operand;
  }
  operand.kind = Operand::Kind::expression;
  operand.slot = expression.slot();
  operand.grows = expression.grown_slot();
  operand.expression = std::move(expression);
  return operand;
}

}  // namespace

expr::Resolver OperandCompiler::at(Span literal) const {
  return [this, literal](const expr::NameUse& use) { return resolver_(use, literal); };
}

void OperandCompiler::error(const Node& node, std::string code, std::string message, std::string hint) {
  error(definition::mark(node), std::move(code), std::move(message), std::move(hint));
}

void OperandCompiler::error(Span span, std::string code, std::string message, std::string hint) {
  Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  diagnostic.source = source_;
  diagnostic.span = span;
  report_(std::move(diagnostic));
}

void OperandCompiler::warning(const Node& node, std::string code, std::string message, std::string hint) {
  Diagnostic diagnostic;
  diagnostic.severity = Diagnostic::Severity::warning;
  diagnostic.code = std::move(code);
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  diagnostic.source = source_;
  diagnostic.span = node.span;
  report_(std::move(diagnostic));
}

void OperandCompiler::pass_on(const Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : diagnostics.items()) report_(diagnostic);
}

std::optional<expr::Template> OperandCompiler::parse_text(std::string_view text, Span literal) {
  Diagnostics diagnostics;
  auto parsed = expr::parse_template(text, TextPlace{source_, literal}, diagnostics, {false, expression_nodes_});
  pass_on(diagnostics);
  return parsed;
}

Tree OperandCompiler::tree(const Node& node) {
  switch (node.kind) {
    case Node::Kind::array: {
      std::vector<Tree> items;
      items.reserve(node.items.size());
      for (const Node& item : node.items) items.push_back(tree(item));
      return array_tree(std::move(items));
    }
    case Node::Kind::object: {
      Tree result;
      result.kind = Tree::Kind::object;
      result.members.reserve(node.members.size());
      for (const Member& member : node.members) {
        Tree::Member compiled;
        compiled.key = member.key;
        if (expr::may_hold_template(member.key)) {
          auto parsed = parse_text(member.key, member.key_span);
          if (parsed && !parsed->is_constant()) compiled.key_template = expr::bind(*parsed, at(member.key_span));
        }
        compiled.value = tree(member.value);
        result.members.push_back(std::move(compiled));
      }
      Value model = Value::object();
      for (const Tree::Member& member : result.members) {
        if (!member.key_template) model.set(member.key, Value());
      }
      if (model.size() == result.members.size()) result.model = std::move(model);
      return result;
    }
    case Node::Kind::string: {
      if (!expr::may_hold_template(node.scalar.as_string())) return constant_tree(node.scalar);
      auto parsed = parse_text(node.scalar.as_string(), node.span);
      if (!parsed || parsed->is_constant()) {
        return constant_tree(parsed && !parsed->pieces.empty() ? Value(parsed->pieces[0].literal) : node.scalar);
      }
      Tree result;
      result.kind = Tree::Kind::text;
      result.text = expr::bind(*parsed, at(node.span));
      return result;
    }
    default:
      return constant_tree(node.scalar);
  }
}

Operand OperandCompiler::from_tree(Tree tree) {
  if (auto value = fold(tree)) return constant_operand(std::move(*value));
  Operand operand;
  operand.kind = Operand::Kind::tree;
  operand.tree = std::make_shared<const Tree>(std::move(tree));
  return operand;
}

// As it is written, whatever looks like a template.
Value OperandCompiler::literal(const Node& node) {
  switch (node.kind) {
    case Node::Kind::array: {
      Value list = Value::array();
      for (const Node& item : node.items) list.push_back(literal(item));
      return list;
    }
    case Node::Kind::object: {
      Value object = Value::object();
      for (const Member& member : node.members) object.set(member.key, literal(member.value));
      return object;
    }
    default:
      return node.scalar;
  }
}

Operand OperandCompiler::value(const Node& node) {
  if (node.kind == Node::Kind::string) {
    if (!expr::may_hold_template(node.scalar.as_string())) return constant_operand(node.scalar);
    auto parsed = parse_text(node.scalar.as_string(), node.span);
    if (!parsed) return constant_operand(Value());
    if (parsed->is_constant()) return constant_operand(parsed->pieces.empty() ? "" : parsed->pieces[0].literal);
    expr::Template bound = expr::bind(*parsed, at(node.span));
    if (bound.is_single_hole()) return expression_operand(bound.pieces[0].hole);
    Operand operand;
    operand.kind = Operand::Kind::text;
    operand.text = std::make_shared<const expr::Template>(std::move(bound));
    return operand;
  }
  if (node.kind == Node::Kind::array || node.kind == Node::Kind::object) return from_tree(tree(node));
  return constant_operand(node.scalar);
}

Operand OperandCompiler::expression(const Node& node) {
  if (node.kind != Node::Kind::string) return value(node);
  Diagnostics diagnostics;
  auto parsed =
      expr::parse(node.scalar.as_string(), 0, TextPlace{source_, node.span}, diagnostics, {true, expression_nodes_});
  pass_on(diagnostics);
  if (!parsed) return constant_operand(Value());
  return expression_operand(expr::bind(*parsed, at(node.span)));
}

Operand OperandCompiler::url(const Node& node) {
  if (node.kind != Node::Kind::string) {
    error(node, "bad-value", "expected a URL as text, got " + std::string(definition::kind_words(node)));
    return {};
  }
  auto parsed = parse_text(node.scalar.as_string(), node.span);
  if (!parsed) return {};
  Diagnostics diagnostics;
  auto compiled = expr::compile_url(*parsed, TextPlace{source_, node.span}, diagnostics);
  pass_on(diagnostics);
  if (!compiled) return {};
  Operand operand;
  operand.kind = Operand::Kind::url;
  operand.url = std::make_shared<const expr::UrlTemplate>(expr::bind(*compiled, at(node.span)));
  return operand;
}

Operand OperandCompiler::schema(const Node& node) {
  Operand operand;
  auto compiled = base::JsonSchema::compile(literal(node));
  if (compiled.ok()) {
    operand.schema = std::make_shared<const base::JsonSchema>(std::move(*compiled));
  } else {
    error(node, "bad-schema", compiled.error().message);
  }
  return operand;
}

Operand OperandCompiler::headers(const Node& node) {
  if (node.kind == Node::Kind::object) {
    Operand operand;
    operand.kind = Operand::Kind::headers;
    operand.tree = std::make_shared<const Tree>(tree(node));
    for (const Member& member : node.members) {
      if (!expr::may_hold_template(member.key)) {
        if (expr::check_header_name(member.key)) {
          error(member.key_span, "bad-header",
                "headers: " + definition::in_quotes(member.key) +
                    " is no name of a header: it has a character other than letters, digits and !#$%&'*+-.^_`|~");
        } else if (expr::is_framing_header(member.key)) {
          error(member.key_span, "bad-header",
                "headers: " + definition::in_quotes(member.key) + " can't be set: it belongs to the connection");
        }
      }
      if (member.value.kind == Node::Kind::array || member.value.kind == Node::Kind::object) {
        error(member.value, "bad-header",
              "headers: " + definition::in_quotes(member.key) + ": expected text, got " +
                  std::string(definition::kind_words(member.value)));
      }
    }
    return operand;
  }
  Operand operand = value(node);
  if (operand.kind == Operand::Kind::constant && !operand.constant.is_null()) {
    error(node, "bad-value", "expected an object of headers, or a template that yields one");
  }
  if (operand.kind != Operand::Kind::constant) {
    if (operand.kind != Operand::Kind::expression) {
      error(node, "bad-value",
            "expected an object of headers, or one template that yields it, got text around a template");
      return {};
    }
    operand.kind = Operand::Kind::headers_data;
  }
  return operand;
}

Operand OperandCompiler::body(const Node& node, std::string_view content_type) {
  if (node.kind != Node::Kind::string) return value(node);
  auto parsed = parse_text(node.scalar.as_string(), node.span);
  if (!parsed) return {};
  if (parsed->is_constant()) return constant_operand(parsed->pieces.empty() ? "" : parsed->pieces[0].literal);
  if (parsed->is_single_hole()) {
    if (parsed->pieces[0].hole.is_concatenation()) {
      warning(node, "unescaped-body", "a body put together with + is sent as it is: values in it are not escaped",
              "write the literal text outside the braces, as in \"a={{x}}&b={{y}}\"");
    }
    expr::Template bound = expr::bind(*parsed, at(node.span));
    const expr::Expression& hole = bound.pieces[0].hole;
    return expression_operand(hole.outermost_opt_out() == "raw" ? hole.without_opt_out() : hole);
  }
  Diagnostics diagnostics;
  auto compiled = expr::compile_body(*parsed, content_type, TextPlace{source_, node.span}, diagnostics);
  pass_on(diagnostics);
  if (!compiled) return {};
  Operand operand;
  operand.kind = Operand::Kind::body;
  operand.body = std::make_shared<const expr::BodyTemplate>(expr::bind(*compiled, at(node.span)));
  return operand;
}

void OperandCompiler::filter_member(const Member& member, std::vector<Tree>& parts) {
  const Node& node = member.value;
  if (member.key == "$and" || member.key == "$or") {
    std::vector<Tree> items;
    items.push_back(constant_tree(member.key == "$and" ? "and" : "or"));
    if (node.kind != Node::Kind::array) {
      error(node, "bad-filter", "filter: " + member.key + " expects a list of conditions");
      return;
    }
    for (const Node& item : node.items) items.push_back(filter_tree(item));
    parts.push_back(array_tree(std::move(items)));
    return;
  }
  if (member.key == "$not") {
    std::vector<Tree> items;
    items.push_back(constant_tree("not"));
    items.push_back(filter_tree(node));
    parts.push_back(array_tree(std::move(items)));
    return;
  }
  if (!member.key.empty() && member.key[0] == '$') {
    static constexpr std::string_view known[] = {"$and", "$or", "$not"};
    auto near = suggest(member.key, known);
    error(member.key_span, "bad-filter", "filter: unknown operator \"" + member.key + "\"" + did_you_mean(near));
    return;
  }
  const bool is_template = expr::may_hold_template(member.key);
  auto column = [&] {
    if (!is_template) return constant_tree(member.key);
    Node key;
    key.kind = Node::Kind::string;
    key.span = member.key_span;
    key.scalar = Value(member.key);
    return tree(key);
  };
  if (!is_template) {
    if (auto wrong = expr::check_identifier(member.key, "column"))
      error(member.key_span, "bad-filter", "filter: " + wrong->message);
  }
  auto condition = [&](std::string_view op, Tree operand) {
    std::vector<Tree> items;
    items.push_back(constant_tree(op));
    items.push_back(column());
    items.push_back(std::move(operand));
    parts.push_back(array_tree(std::move(items)));
  };
  bool operators = node.kind == Node::Kind::object && !node.members.empty();
  if (operators) {
    operators = false;
    for (const Member& inner : node.members) {
      if (!filter_operator(inner.key).empty() || inner.key.starts_with('$')) operators = true;
    }
  }
  if (!operators) {
    condition("eq", tree(node));
    return;
  }
  const Node* options = node.find("$options");
  for (const Member& inner : node.members) {
    if (inner.key == "$options") continue;
    if (inner.key == "$exists") {
      const bool wanted = inner.value.scalar.as_boolean();
      condition(wanted ? "ne" : "eq", constant_tree(Value()));
      continue;
    }
    const std::string_view op = filter_operator(inner.key);
    if (op.empty()) {
      static constexpr std::string_view known[] = {"$eq",    "$ne",        "$gt",       "$gte",         "$lt",
                                                   "$lte",   "$in",        "$nin",      "$like",        "$not_like",
                                                   "$regex", "$not_regex", "$includes", "$not_includes"};
      auto near = suggest(inner.key, known);
      error(inner.key_span, "bad-filter", "filter: unknown operator \"" + inner.key + "\"" + did_you_mean(near));
      continue;
    }
    Tree operand = tree(inner.value);
    if (options != nullptr && (op == "regex" || op == "not_regex") &&
        options->scalar.as_string().find('i') != std::string_view::npos) {
      if (operand.kind == Tree::Kind::constant) {
        operand.constant = Value("(?i)" + to_text(operand.constant));
      } else if (operand.kind == Tree::Kind::text) {
        if (operand.text.pieces[0].is_hole()) {
          operand.text.pieces.insert(operand.text.pieces.begin(), literal_piece("(?i)"));
        } else {
          operand.text.pieces[0].literal.insert(0, "(?i)");
        }
      }
    }
    condition(op, std::move(operand));
  }
}

Tree OperandCompiler::filter_tree(const Node& node) {
  if (node.kind != Node::Kind::object) {
    error(node, "bad-filter", "filter: expected an object of conditions");
    return constant_tree(Value());
  }
  std::vector<Tree> parts;
  parts.push_back(constant_tree("and"));
  for (const Member& member : node.members) filter_member(member, parts);
  if (parts.size() == 2) return std::move(parts[1]);
  return array_tree(std::move(parts));
}

Operand OperandCompiler::filter(const Node& node) {
  if (node.kind == Node::Kind::null) return {};
  if (node.kind == Node::Kind::object) {
    if (node.members.empty()) return {};
    Operand operand = from_tree(filter_tree(node));
    if (operand.kind == Operand::Kind::tree) operand.kind = Operand::Kind::filter;
    return operand;
  }
  Operand operand = node.kind == Node::Kind::string ? value(node) : Operand{};
  if (operand.kind != Operand::Kind::expression) {
    error(node, "bad-filter", "filter: expected an object of conditions, or one template that yields it");
    return {};
  }
  const bool raw = operand.expression.outermost_opt_out() == "raw";
  operand.kind = raw ? Operand::Kind::filter_raw : Operand::Kind::filter_data;
  if (raw) operand.expression = operand.expression.without_opt_out();
  return operand;
}

Operand OperandCompiler::cache_key(const Node& node) {
  if (node.kind != Node::Kind::string) {
    Operand operand = value(node);
    if (!operand.constant.is_number()) error(node, "bad-value", "expected a cache key as text");
    operand.constant = Value(to_text(operand.constant));
    return operand;
  }
  auto parsed = parse_text(node.scalar.as_string(), node.span);
  if (!parsed) return {};
  Operand operand;
  operand.kind = Operand::Kind::cache_key;
  operand.text = std::make_shared<const expr::Template>(expr::bind(*parsed, at(node.span)));
  return operand;
}

void OperandCompiler::check_constant(const Node& node, FieldType type, const Operand& operand) {
  if (operand.kind != Operand::Kind::constant) return;
  const Value& value = operand.constant;
  if (value.is_null()) return;
  std::optional<Error> wrong;
  switch (type) {
    case FieldType::method: {
      auto checked = expr::check_method(value);
      if (!checked) wrong = checked.error();
      break;
    }
    case FieldType::identifier:
      if (!value.is_string()) {
        wrong = make_error(error_type::validation, "expected a name as text");
      } else {
        wrong = expr::check_identifier(value.as_string(), "name");
      }
      break;
    case FieldType::integer:
    case FieldType::number: {
      const Value number = expr::to_number(value);
      if (value.is_boolean() || number.is_null() || (type == FieldType::integer && !number.is_integer())) {
        wrong = make_error(error_type::validation, std::string("expected ") +
                                                       (type == FieldType::integer ? "a whole number" : "a number") +
                                                       ", got " + to_json(value));
      }
      break;
    }
    case FieldType::text:
      if (value.is_container()) wrong = make_error(error_type::validation, "expected text, got a list or an object");
      break;
    case FieldType::query:
      if (!value.is_object()) wrong = make_error(error_type::validation, "expected an object of query parameters");
      break;
    case FieldType::record_id:
      wrong = expr::check_record_id(value);
      break;
    default:
      break;
  }
  if (wrong) error(node, "bad-value", wrong->message);
}

Operand OperandCompiler::field(const Node& node, FieldType type, std::string_view content_type) {
  Operand operand;
  switch (type) {
    case FieldType::expression:
      return expression(node);
    case FieldType::url:
      return url(node);
    case FieldType::headers:
      return headers(node);
    case FieldType::body:
      return body(node, content_type);
    case FieldType::filter:
      return filter(node);
    case FieldType::schema:
      return schema(node);
    case FieldType::cache_key:
      return cache_key(node);
    case FieldType::data: {
      operand = value(node);
      const auto spell = [&](const Node& object) {
        for (const Member& member : object.members) {
          if (expr::may_hold_template(member.key)) continue;
          if (auto wrong = expr::check_identifier(member.key, "column"))
            error(member.key_span, "bad-column", wrong->message);
          operand.spelled.push_back(member.key);
        }
      };
      if (node.kind == Node::Kind::object) spell(node);
      for (const Node& item : node.items) spell(item);
      return operand;
    }
    default:
      operand = value(node);
      check_constant(node, type, operand);
      if (type == FieldType::identifier && operand.constant.is_string())
        operand.spelled.emplace_back(operand.constant.as_string());
      return operand;
  }
}

}  // namespace fnstack::program
