// Parser: text to nodes, by precedence climbing. The grammar is ECMAScript's for expressions, cut down, plus
// pipe filters, which bind tighter than every operator. Knows which functions there are (an unknown one is a
// mistake of the author's), not what names mean. Entry point: parse.
#include <algorithm>
#include <utility>

#include "base/in_quotes.hpp"
#include "expr/arithmetic.hpp"
#include "expr/builder.hpp"
#include "expr/parser_words.hpp"
#include "expr/signatures.hpp"

namespace fnstack::expr {
namespace {

// Parentheses, calls, conditions within each other. Bounds the recursion here and in the evaluation.
constexpr int max_nesting = 200;
constexpr std::uint32_t max_height = 1'000;  // a + a + a … : what reads the nodes goes as deep as they do

struct Operator {
  Punctuator punctuator;
  Op op;
  int level;
};
constexpr int level_or = 1, level_and = 2, level_equality = 3, level_relation = 4, level_sum = 5, level_product = 6;
constexpr Operator operators[] = {{Punctuator::or_or, Op::logical_or, level_or},
                                  {Punctuator::and_and, Op::logical_and, level_and},
                                  {Punctuator::equal, Op::equal, level_equality},
                                  {Punctuator::not_equal, Op::not_equal, level_equality},
                                  {Punctuator::strict_equal, Op::strict_equal, level_equality},
                                  {Punctuator::strict_not_equal, Op::strict_not_equal, level_equality},
                                  {Punctuator::less, Op::less, level_relation},
                                  {Punctuator::less_equal, Op::less_equal, level_relation},
                                  {Punctuator::greater, Op::greater, level_relation},
                                  {Punctuator::greater_equal, Op::greater_equal, level_relation},
                                  {Punctuator::plus, Op::add, level_sum},
                                  {Punctuator::minus, Op::subtract, level_sum},
                                  {Punctuator::star, Op::multiply, level_product},
                                  {Punctuator::slash, Op::divide, level_product},
                                  {Punctuator::percent, Op::remainder, level_product}};

using base::in_quotes;

class Parser : ParserWords {
 public:
  Parser(std::string_view text, std::size_t offset, const TextPlace& place, Diagnostics& diagnostics,
         const ParseOptions& options)
      : ParserWords(text, offset, place, diagnostics, options.slot_syntax),
        slot_syntax_(options.slot_syntax),
        builder_(text, offset, options.expression_nodes) {}

  std::optional<Expression> run() {
    if (peek().kind == Token::Kind::end) {
      fail(peek().span, "expression: empty, expected a value");
      return std::nullopt;
    }
    const std::uint32_t root = expression();
    if (root != no_node && peek().kind != Token::Kind::end) leftover();
    if (root != no_node && !failed()) too_big(builder_.span(root));
    if (const Span quotes = template_in_quotes(); quotes.end != 0) {
      report(Diagnostic::Severity::warning, "template-in-quotes", quotes,
             "expression: braces inside quotes are plain text here", "take the quotes away: {{x}} means (x)");
    }
    if (failed() || root == no_node) return std::nullopt;
    return builder_.finish(root);
  }

 private:
  struct Link {  // of a chain of .a [b] .c()
    enum class Kind : std::uint8_t { key, index, call };
    Kind kind = Kind::key;
    bool optional = false;
    Key key;
    std::uint32_t index = no_node;
    Call call;
    Span span;
  };

  // The expression has ended, the text has not.
  void leftover() {
    const Token& token = peek();
    std::string hint;
    if (token.is(Punctuator::assign)) {
      fail(token.span, "expression: an expression can't assign",
           "to compare write \"===\"; to change a variable use an Update Variable step");
      return;
    }
    if (token.is(Punctuator::arrow)) {
      fail(token.span, "expression: an arrow function can only be the argument of a call");
      return;
    }
    if (token.is(Punctuator::dot) || token.is(Punctuator::question_dot) || token.is(Punctuator::open_bracket)) {
      if (after_filter_) hint = "put the filter in parentheses: (x|first).name";
    } else if (token.is(Punctuator::open_paren)) {
      hint = "only names and methods can be called";
    } else if (token.is(Punctuator::close_hole) || token.is(Punctuator::open_hole)) {
      hint = "put an operator between the two values";
    } else if (token.kind == Token::Kind::number && text()[token.span.begin] == '.' && token.span.begin == last_end()) {
      hint = "for a list's element write x[" + std::string(word(token).substr(1)) + "]";
    } else if (token.kind == Token::Kind::name) {
      hint = hint_for_infix(word(token));
    } else if (token.is(Punctuator::colon) && after_filter_) {
      hint = "a filter's argument stands directly behind its colon: x|name:'a'; or write x|name('a')";
    }
    unexpected(token, "an operator or the end", std::move(hint));
  }

  bool too_big(Span span) {
    if (builder_.over_limit()) {
      too_many_nodes(span);
    } else if (builder_.height() > max_height) {
      fail(span, "expression: more than " + std::to_string(max_height) + " operations one within the other",
           "compute parts of it in variables of their own", "limit");
    } else {
      return false;
    }
    return true;
  }

  void too_many_nodes(Span span) {
    fail(span, "expression: more than " + std::to_string(builder_.max_nodes()) + " nodes (limit expression_nodes)",
         "compute parts of it in variables of their own", "limit");
  }

  struct Deeper {
    explicit Deeper(Parser& parser) : parser_(parser) { ++parser.nesting_; }
    ~Deeper() { --parser_.nesting_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    Parser& parser_;
  };
  bool too_deep() {
    if (nesting_ <= max_nesting) return false;
    fail(peek().span, "expression: nested more than " + std::to_string(max_nesting) + " deep",
         "compute parts of it in variables of their own", "limit");
    return true;
  }

  // ---- operators

  std::uint32_t expression() {
    const Deeper deeper(*this);
    if (too_deep()) return no_node;
    const std::uint32_t condition = coalescing();
    if (condition == no_node || !peek().is(Punctuator::question)) return condition;
    take();
    const std::uint32_t yes = expression();
    if (yes == no_node) return no_node;
    if (!peek().is(Punctuator::colon)) {
      std::string hint;
      if (colon_argument_) hint = "a colon that directly follows a filter begins its argument: write a blank before it";
      return unexpected(peek(), "\":\" of \"?\"", std::move(hint));
    }
    take();
    const std::uint32_t no = expression();
    if (no == no_node || too_big(builder_.span(no))) return no_node;
    return builder_.conditional(condition, yes, no);
  }

  std::uint32_t mixed(Span span) {
    return fail(span, "expression: ?? can't be mixed with || or && without parentheses",
                "write (a || b) ?? c or a || (b ?? c)");
  }

  std::uint32_t coalescing() {
    std::uint32_t left = operation(level_or);
    if (left == no_node || !peek().is(Punctuator::coalesce)) return left;
    if (logical_) return mixed(peek().span);
    while (accept(Punctuator::coalesce)) {
      const std::uint32_t right = operation(level_equality);
      if (right == no_node || too_big(builder_.span(right))) return no_node;
      left = builder_.binary(Op::coalesce, left, right);
    }
    if (peek().is(Punctuator::or_or) || peek().is(Punctuator::and_and)) return mixed(peek().span);
    return left;
  }

  // The operator that comes next, if it binds at least as tightly as `level`.
  bool peek_operator(int level, Operator& out) {
    const Token& token = peek();
    if (token.kind == Token::Kind::name) {
      out = {Punctuator::none, Op::in, level_relation};
      return level <= level_relation && word(token) == "in";
    }
    if (token.kind != Token::Kind::punctuator) return false;
    for (const Operator& candidate : operators) {
      if (candidate.punctuator == token.punctuator) {
        out = candidate;
        return candidate.level >= level;
      }
    }
    return false;
  }

  std::uint32_t operation(int level) {
    std::uint32_t left = unary();
    bool logical = false;
    Operator found{};
    while (left != no_node && peek_operator(level, found)) {
      take();
      const std::uint32_t right = operation(found.level + 1);
      if (right == no_node || too_big(builder_.span(right))) return no_node;
      left = builder_.binary(found.op, left, right);
      logical = found.level <= level_and;
    }
    logical_ = logical;  // for ?? behind it
    return left;
  }

  std::uint32_t unary(bool behind_sign = false) {
    const Token& token = peek();
    const Op op = token.is(Punctuator::bang)    ? Op::logical_not
                  : token.is(Punctuator::minus) ? Op::negate
                  : token.is(Punctuator::plus)  ? Op::plus
                                                : Op::constant;
    if (op == Op::constant) return power(behind_sign);
    const Deeper deeper(*this);
    if (too_deep()) return no_node;
    const std::uint32_t begin = take().span.begin;
    const std::uint32_t operand = unary(true);
    if (operand == no_node) return no_node;
    const Span span{begin, builder_.span(operand).end};
    if (too_big(span)) return no_node;
    return builder_.unary(op, operand, span);
  }

  // a ** b: right associative; as in ECMAScript its left side takes no sign, for nobody agrees what that means.
  std::uint32_t power(bool behind_sign) {
    const std::uint32_t left = filtered();
    if (left == no_node || !peek().is(Punctuator::star_star)) return left;
    if (behind_sign) {
      return fail(peek().span, "expression: a sign before ** needs parentheses", "write (-a) ** b or -(a ** b)");
    }
    take();
    const Deeper deeper(*this);
    if (too_deep()) return no_node;
    const std::uint32_t right = unary();
    if (right == no_node || too_big(builder_.span(right))) return no_node;
    return builder_.binary(Op::power, left, right);
  }

  // ---- filters

  std::uint32_t filtered() {
    std::uint32_t value = chain();
    after_filter_ = false;
    while (value != no_node && peek().is(Punctuator::pipe)) {
      take();
      if (peek().kind != Token::Kind::name) {
        return unexpected(peek(), "a filter's name behind \"|\"", "there are no bitwise operators; \"or\" is \"||\"");
      }
      const Token name = take();
      Call call;
      call.name = word(name);
      call.arguments.push_back({value, 0});
      std::vector<NamedArgument> named;
      if (peek().is(Punctuator::open_paren)) {
        take();
        if (!arguments(call, named)) return no_node;
      } else {
        while (peek().is(Punctuator::colon) && peek().span.begin == last_end() && peek(1).kind != Token::Kind::end &&
               peek(1).span.begin == peek().span.end) {
          take();
          colon_argument_ = true;
          const std::uint32_t argument = primary();
          if (argument == no_node) return no_node;
          call.arguments.push_back({argument, static_cast<std::uint32_t>(call.arguments.size())});
        }
      }
      const Span span{builder_.span(value).begin, last_end()};
      value = function_call(std::move(call), named, name.span, span, "filter");
      after_filter_ = true;
    }
    return value;
  }

  // Behind "(": up to and with ")".
  bool arguments(Call& call, std::vector<NamedArgument>& named) {
    const Deeper deeper(*this);
    while (!peek().is(Punctuator::close_paren)) {
      const Token& token = peek();
      if (token.is(Punctuator::ellipsis)) {
        const std::uint32_t begin = take().span.begin;
        const std::uint32_t value = expression();
        if (value == no_node) return false;
        call.spread = true;
        const Span span{begin, last_end()};
        call.arguments.push_back(
            {builder_.unary(Op::spread, value, span), static_cast<std::uint32_t>(call.arguments.size())});
      } else if (token.kind == Token::Kind::name && peek(1).is(Punctuator::assign)) {
        const Token name = take();
        take();
        const std::uint32_t value = argument();
        if (value == no_node) return false;
        named.push_back({std::string(word(name)), value, name.span});
      } else {
        const Span span = token.span;
        const std::uint32_t value = argument();
        if (value == no_node) return false;
        if (!named.empty()) {
          fail(span, "expression: an argument without a name can't follow a named one");
          return false;
        }
        call.arguments.push_back({value, static_cast<std::uint32_t>(call.arguments.size())});
      }
      if (too_big({last_end(), last_end()})) return false;
      if (!accept(Punctuator::comma)) break;
    }
    return expect(Punctuator::close_paren, "\",\" or \")\" after an argument");
  }

  std::uint32_t argument() { return at_arrow() ? arrow() : expression(); }

  // name => … or (name, name) => …
  bool at_arrow() {
    if (peek().kind == Token::Kind::name) return peek(1).is(Punctuator::arrow);
    if (!peek().is(Punctuator::open_paren)) return false;
    std::size_t i = 1;
    while (peek(i).kind == Token::Kind::name) {
      ++i;
      if (!peek(i).is(Punctuator::comma)) break;
      ++i;
    }
    return peek(i).is(Punctuator::close_paren) && peek(i + 1).is(Punctuator::arrow);
  }

  std::uint32_t arrow() {
    const std::uint32_t begin = peek().span.begin;
    const std::size_t outer = locals_.size();
    const bool parenthesised = accept(Punctuator::open_paren);
    while (peek().kind == Token::Kind::name) {
      const Token name = take();
      const std::string_view parameter = word(name);
      for (const std::string_view reserved : {"null", "true", "false", "undefined", "in", "this", "NaN", "Infinity"}) {
        if (parameter == reserved)
          return fail(name.span, "expression: " + in_quotes(parameter) + " can't be a parameter");
      }
      if (std::find(locals_.begin() + static_cast<std::ptrdiff_t>(outer), locals_.end(), parameter) != locals_.end()) {
        return fail(name.span, "expression: parameter " + in_quotes(parameter) + " stands twice");
      }
      locals_.push_back(parameter);
      if (!parenthesised || !accept(Punctuator::comma)) break;
    }
    if (parenthesised) take();
    take();  // =>
    if (peek().is(Punctuator::open_brace)) {
      return fail(peek().span, "expression: an arrow function's body is one expression",
                  "for an object write x => ({ … })");
    }
    const std::uint32_t body =
        at_arrow() ? fail(peek().span, "expression: an arrow function can't give a function") : expression();
    const std::size_t count = locals_.size() - outer;
    locals_.resize(outer);
    if (body == no_node) return no_node;
    return builder_.arrow(body, static_cast<std::uint32_t>(outer), static_cast<std::uint32_t>(count),
                          {begin, last_end()});
  }

  // ---- calls of functions: everything about them but the types of arguments is known now

  std::uint32_t function_call(Call call, const std::vector<NamedArgument>& named, Span name_span, Span span,
                              std::string_view what) {
    call.function = find_function(call.name);
    if (call.function == nullptr) {
      CallMistake mistake = unknown_function(call.name, what);
      complain("unknown-function", name_span, std::move(mistake.message), std::move(mistake.hint));
      return builder_.constant(Value(), span);
    }
    if (std::optional<CallMistake> mistake = place_arguments(call, named)) {
      const Span where = mistake->named != nullptr  ? mistake->named->span
                         : mistake->node != no_node ? builder_.span(mistake->node)
                                                    : name_span;
      complain("argument", where, std::move(mistake->message), std::move(mistake->hint));
      return builder_.constant(Value(), span);
    }
    return finish_call(std::move(call), span);
  }

  std::uint32_t finish_call(Call call, Span span) {
    for (const Argument& argument : call.arguments) {
      call.positions = std::max(call.positions, argument.position + 1);
    }
    if (too_big(span)) return no_node;
    return builder_.call(std::move(call), span);
  }

  // ---- chains

  // Behind "." or "?.": a key or a method.
  bool named_link(Link& link, const Token& dot, std::uint32_t base_begin) {
    const Token name = peek();
    if (name.kind != Token::Kind::name) {
      if (name.is(Punctuator::star)) {
        const std::string list(text().substr(base_begin, dot.span.begin - base_begin));
        std::string field = "name";
        if (peek(1).is(Punctuator::dot) && peek(2).kind == Token::Kind::name) field = word(peek(2));
        fail(name.span, "expression: there is no wildcard \"*\"", "write " + list + "|map(attribute='" + field + "')");
      } else if (name.kind == Token::Kind::number) {
        unexpected(name, "a name behind \".\"", "for a list's element write x[0]");
      } else if (name.is(Punctuator::open_bracket)) {
        unexpected(name, "a name behind \".\"", "leave the dot out: x[0]");
      } else {
        unexpected(name, "a name behind \"" + std::string(word(dot)) + "\"");
      }
      return false;
    }
    take();
    link.key = make_key(std::string(word(name)), true);
    if (!peek().is(Punctuator::open_paren)) return true;
    take();
    link.kind = Link::Kind::call;
    link.call.name = word(name);
    std::vector<NamedArgument> named;
    if (!arguments(link.call, named)) return false;
    if (!named.empty()) {
      fail(named[0].span, "expression: a method takes no named arguments",
           "filters do: x|" + link.call.name + "(" + named[0].name + "=…)");
      return false;
    }
    link.span = name.span;
    return true;
  }

  // Math.ceil(…), now(), split(…): a call of a name.
  std::uint32_t named_call(const Token& name) {
    Call call;
    call.name = word(name);
    std::vector<NamedArgument> named;
    take();  // (
    if (!arguments(call, named)) return no_node;
    const Span span{name.span.begin, last_end()};
    if (call.arguments.empty() && named.empty()) {
      if (call.name == "now" || call.name == "timestamp") return builder_.base(Base::timestamp, 0, span);
      if (call.name == "uuid") return builder_.base(Base::uuid, 0, span);
    }
    return function_call(std::move(call), named, name.span, span, "function");
  }

  std::uint32_t namespaced_call(const Token& space) {
    take();  // .
    const Token name = take();
    Call call;
    call.name = std::string(word(space)) + "." + std::string(word(name));
    std::vector<NamedArgument> named;
    take();  // (
    if (!arguments(call, named)) return no_node;
    return function_call(std::move(call), named, {space.span.begin, name.span.end}, {space.span.begin, last_end()},
                         "function");
  }

  void check_method(const Link& link, std::uint32_t begin) {
    const std::string& name = link.call.name;
    if (is_method_name(name)) return;
    CallMistake mistake = unknown_method(name, text().substr(begin, link.span.begin - 1 - begin));
    const auto end = static_cast<std::uint32_t>(link.span.begin + name.size());
    complain("unknown-function", {link.span.begin, end}, std::move(mistake.message), std::move(mistake.hint));
  }

  std::uint32_t build(std::uint32_t value, std::vector<Link> links, std::uint32_t begin) {
    // ?. matters only where a call follows that it can keep from happening: null's keys are null anyway.
    bool stops = false;
    bool calls_later = false;
    for (const Link& link : links) {
      stops = stops || link.optional;
      calls_later = calls_later || (stops && link.kind == Link::Kind::call);
    }
    stops = false;
    for (Link& link : links) {
      std::uint8_t flags = 0;
      if (calls_later) {
        if (link.optional) flags |= link_optional;
        if (stops) flags |= link_stops;
        stops = stops || link.optional;
      }
      const Span span{begin, link.span.end};
      switch (link.kind) {
        case Link::Kind::key:
          value = builder_.member(value, std::move(link.key), flags, span);
          break;
        case Link::Kind::index:
          value = builder_.index(value, link.index, flags, span);
          break;
        case Link::Kind::call: {
          check_method(link, begin);
          Call call = std::move(link.call);
          call.receiver = value;
          call.chain = flags;
          // Positions of a method count from its receiver.
          for (Argument& argument : call.arguments) ++argument.position;
          call.positions = 1;
          for (std::size_t kind = 0; kind < call.methods.size(); ++kind) {
            call.methods[kind] = find_method(static_cast<Value::Kind>(kind), call.name);
          }
          value = finish_call(std::move(call), span);
          break;
        }
      }
      if (value == no_node || too_big(span)) return no_node;
    }
    return stops ? builder_.unary(Op::chain, value, {begin, last_end()}) : value;
  }

  std::uint32_t chain() {
    const Token first = peek();
    std::uint32_t value = primary();
    if (value == no_node) return no_node;
    std::vector<Link> links;
    for (;;) {
      const Token token = peek();
      Link link;
      if (token.is(Punctuator::dot) || token.is(Punctuator::question_dot)) {
        take();
        link.optional = token.is(Punctuator::question_dot);
        if (link.optional && peek().is(Punctuator::open_bracket)) {
          take();
          if (!bracket_link(link)) return no_node;
        } else if (link.optional && peek().is(Punctuator::open_paren)) {
          return fail(token.span, "expression: a value can't be called", "only names and methods can be called");
        } else if (!named_link(link, token, first.span.begin)) {
          return no_node;
        }
      } else if (token.is(Punctuator::open_bracket)) {
        take();
        if (!bracket_link(link)) return no_node;
      } else {
        break;
      }
      link.span = {link.span.begin, last_end()};
      if (builder_.over_limit() || links.size() > builder_.max_nodes()) {
        too_many_nodes(token.span);
        return no_node;
      }
      links.push_back(std::move(link));
    }
    return build(value, std::move(links), first.span.begin);
  }

  // Behind "[".
  bool bracket_link(Link& link) {
    const std::uint32_t key = expression();
    if (key == no_node || !expect(Punctuator::close_bracket, "\"]\"")) return false;
    if (const Value* constant = builder_.constant_of(key); constant != nullptr && !constant->is_container()) {
      link.key = make_key(key_text(*constant), constant->is_string());
    } else {
      link.kind = Link::Kind::index;
      link.index = key;
    }
    return true;
  }

  // ---- values

  std::uint32_t primary() {
    const Token token = peek();
    switch (token.kind) {
      case Token::Kind::number:
      case Token::Kind::text:
        take();
        if (too_big(token.span)) return no_node;
        return builder_.constant(token.literal, token.span);
      case Token::Kind::name:
        return name();
      case Token::Kind::punctuator:
        if (token.is(Punctuator::open_paren)) return group(Punctuator::close_paren, "\")\"");
        if (token.is(Punctuator::open_hole)) {
          const bool braces = text()[token.span.begin] == '{';
          return group(Punctuator::close_hole, braces ? "}}" : ">>");
        }
        if (token.is(Punctuator::open_bracket)) return array();
        if (token.is(Punctuator::open_brace)) return object();
        if (token.is(Punctuator::slash)) {
          return fail(token.span, "expression: there are no regex literals",
                      "give the pattern as text: x|matches('[0-9]+')");
        }
        if (token.is(Punctuator::ellipsis)) {
          return fail(token.span, "expression: \"...\" stands only in lists, objects and calls");
        }
        break;
      default:
        break;
    }
    return unexpected(token, "a value");
  }

  std::uint32_t group(Punctuator closing, std::string_view expected) {
    if (at_arrow()) return fail(peek().span, "expression: an arrow function can only be the argument of a call");
    const std::uint32_t begin = take().span.begin;
    const std::uint32_t value = expression();
    if (value == no_node || !expect(closing, expected)) return no_node;
    builder_.set_span(value, {begin, last_end()});
    return value;
  }

  std::uint32_t name() {
    const Token token = take();
    const std::string_view text = word(token);
    if (text == "null" || text == "undefined") return builder_.constant(Value(), token.span);
    if (text == "true") return builder_.constant(Value(true), token.span);
    if (text == "false") return builder_.constant(Value(false), token.span);
    if (text == "NaN" || text == "Infinity") {
      return fail(token.span, "expression: there is no " + std::string(text),
                  "what has no answer is an error; Number(x) gives null for what is no number");
    }
    if (text == "this") return fail(token.span, "expression: there is no \"this\"", "write the variable's name");
    if (text == "in") return unexpected(token, "a value");
    const Token::Kind next = peek().kind;
    if (next == Token::Kind::name || next == Token::Kind::number || next == Token::Kind::text) {
      const std::string_view hint = hint_for_prefix(text);
      if (!hint.empty() && !peek_word("in")) {
        return fail(token.span, "expression: unexpected " + in_quotes(text), std::string(hint));
      }
    }
    if (peek().is(Punctuator::arrow)) {
      return fail(peek().span, "expression: an arrow function can only be the argument of a call");
    }
    if (too_big(token.span)) return no_node;
    if (peek().is(Punctuator::open_paren)) return named_call(token);
    // The innermost parameter of this name.
    for (std::size_t i = locals_.size(); i-- > 0;) {
      if (locals_[i] == text) return builder_.base(Base::local, static_cast<std::uint32_t>(i), token.span);
    }
    if (peek().is(Punctuator::dot) && peek(1).kind == Token::Kind::name && peek(2).is(Punctuator::open_paren) &&
        is_namespace(text)) {
      return namespaced_call(token);
    }
    return builder_.name(text, token.span);
  }

  std::uint32_t spread() {
    const std::uint32_t begin = take().span.begin;
    const std::uint32_t value = expression();
    return value == no_node ? no_node : builder_.unary(Op::spread, value, {begin, last_end()});
  }

  std::uint32_t array() {
    const std::uint32_t begin = take().span.begin;
    std::vector<std::uint32_t> elements;
    while (!peek().is(Punctuator::close_bracket)) {
      const std::uint32_t element = peek().is(Punctuator::ellipsis) ? spread() : expression();
      if (element == no_node || too_big({last_end(), last_end()})) return no_node;
      elements.push_back(element);
      if (!accept(Punctuator::comma)) break;
    }
    if (!expect(Punctuator::close_bracket, "\",\" or \"]\" after an element")) return no_node;
    return builder_.list(Op::array, elements, {begin, last_end()});
  }

  std::uint32_t object() {
    const std::uint32_t begin = take().span.begin;
    std::vector<std::uint32_t> members;
    while (!peek().is(Punctuator::close_brace)) {
      if (!object_member(members) || too_big({last_end(), last_end()})) return no_node;
      if (!accept(Punctuator::comma)) break;
    }
    if (!expect(Punctuator::close_brace, "\",\" or \"}\" after a member")) return no_node;
    return builder_.list(Op::object, members, {begin, last_end()});
  }

  bool object_member(std::vector<std::uint32_t>& members) {
    const Token key = peek();
    std::uint32_t key_node = no_node;
    if (key.is(Punctuator::ellipsis)) {
      const std::uint32_t value = spread();
      members.push_back(no_node);
      members.push_back(value);
      return value != no_node;
    }
    if (key.is(Punctuator::open_bracket)) {
      take();
      key_node = expression();
      if (key_node == no_node || !expect(Punctuator::close_bracket, "\"]\"")) return false;
    } else if (key.kind == Token::Kind::name) {
      take();
      key_node = builder_.constant(Value(word(key)), key.span);
      if (peek().is(Punctuator::comma) || peek().is(Punctuator::close_brace)) {  // {a} is {a: a}
        std::uint32_t value = no_node;
        for (std::size_t i = locals_.size(); i-- > 0 && value == no_node;) {
          if (locals_[i] == word(key)) value = builder_.base(Base::local, static_cast<std::uint32_t>(i), key.span);
        }
        members.push_back(key_node);
        members.push_back(value == no_node ? builder_.name(word(key), key.span) : value);
        return true;
      }
    } else if (key.kind == Token::Kind::text) {
      take();
      key_node = builder_.constant(key.literal, key.span);
    } else if (key.kind == Token::Kind::number) {
      take();
      key_node = builder_.constant(Value(key_text(key.literal)), key.span);
    } else {
      const bool braces = key.is(Punctuator::open_brace) && !slot_syntax_;
      unexpected(key, "a key", braces ? "templates don't nest: inside {{ }} write the name alone" : "");
      return false;
    }
    if (peek().is(Punctuator::open_paren)) {
      fail(peek().span, "expression: an object can't hold methods");
      return false;
    }
    if (!expect(Punctuator::colon, "\":\" after a key")) return false;
    const std::uint32_t value = expression();
    members.push_back(key_node);
    members.push_back(value);
    return value != no_node;
  }

  bool slot_syntax_;
  Builder builder_;
  std::vector<std::string_view> locals_;  // parameters of the arrows around
  int nesting_ = 0;
  bool logical_ = false;         // the last operation was || or &&
  bool after_filter_ = false;    // the last value was a filter's
  bool colon_argument_ = false;  // some filter took a colon argument
};

}  // namespace

std::optional<Expression> parse(std::string_view text, std::size_t offset_in_literal, const TextPlace& place,
                                Diagnostics& diagnostics, const ParseOptions& options) {
  return Parser(text, offset_in_literal, place, diagnostics, options).run();
}

}  // namespace fnstack::expr
