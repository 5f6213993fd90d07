// JSON and CSV: text of values and values of text.
#include <string>
#include <utility>
#include <vector>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::json {
namespace {

class JsonWriter {
 public:
  JsonWriter(Invocation& call, std::string_view gap, const Value& allowed) : meter_(call), call_(call), gap_(gap) {
    if (!allowed.is_array()) return;
    filtered_ = true;
    for (std::size_t i = 0; i < allowed.size(); ++i) allowed_.push_back(to_text(allowed[i]));
  }
  // False: over a limit. Recursion is bounded by the greatest depth of values.
  bool write(const Value& value) {
    if (!value.is_container()) {
      append_json(out_, value);
      return meter_.add(1, value.byte_size()) && call_.fits(out_.size());
    }
    const bool object = value.is_object();
    out_ += object ? '{' : '[';
    bool any = false;
    ++level_;
    const std::size_t count = object && filtered_ ? allowed_.size() : value.size();
    for (std::size_t i = 0; i < count; ++i) {
      // A list of names also says in which order.
      const Value* member = object && filtered_ ? value.find(allowed_[i]) : &value[i];
      if (member == nullptr) continue;
      if (any) out_ += ',';
      any = true;
      break_line();
      if (object) {
        append_json_string(out_, filtered_ ? std::string_view(allowed_[i]) : value.key_at(i));
        out_ += gap_.empty() ? ":" : ": ";
      }
      if (!meter_.add(1) || !write(*member)) return false;
    }
    --level_;
    if (any) break_line();
    out_ += object ? '}' : ']';
    return true;
  }
  [[nodiscard]] std::string& text() noexcept { return out_; }

 private:
  void break_line() {
    if (gap_.empty()) return;
    out_ += '\n';
    for (std::size_t i = 0; i < level_; ++i) out_ += gap_;
  }
  Meter meter_;
  Invocation& call_;
  std::string gap_;
  std::vector<std::string> allowed_;
  bool filtered_ = false;
  std::size_t level_ = 0;
  std::string out_;
};

Result<Value> json_text(Invocation& call, std::string_view gap, const Value& allowed) {
  if (!call.fits(call[0].byte_size() / 8) || !call.charge(0, call[0].byte_size())) return call.failure();
  JsonWriter writer(call, gap, allowed);
  if (!writer.write(call[0])) return call.failure();
  return Value(std::move(writer.text()));
}

Result<Value> parsed(Invocation& call) {
  if (call[0].is_null()) return Value();
  Reader in(call);
  const std::string_view text = in.any_text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  JsonLimits limits;
  limits.depth = call.scope().limits.value_depth;
  limits.bytes = call.scope().limits.value_bytes;
  Result<Value> value = parse_json(text, limits);
  if (value.ok() || value.error().type == error_type::limit) return value;
  return call.error("the text is no JSON: " + value.error().message);
}

}  // namespace

Result<Value> json_parse(Invocation& call) {
  if (call.is_arrow(1)) return call.error("a reviver is not supported; map the parsed value instead");
  return parsed(call);
}

Result<Value> json_stringify(Invocation& call) {
  if (call.is_arrow(1)) return call.error("a replacer function is not supported; give a list of names, or null");
  std::string gap;
  if (call[2].is_number()) {
    const double width = call[2].as_number();
    gap.assign(static_cast<std::size_t>(width < 1 ? 0 : width > 10 ? 10 : width), ' ');
  } else if (call[2].is_string()) {
    gap = code_points(call[2].as_string(), 0, 10);
  }
  return json_text(call, gap, call[1]);
}

Result<Value> json_encode(Invocation& call) { return json_text(call, is_truthy(call[1]) ? "  " : "", Value()); }

Result<Value> csv_parse(Invocation& call) {
  Reader in(call);
  const std::string_view text = in.text(0);
  const bool header = call[1].is_null() || is_truthy(call[1]);
  const std::string_view separator = in.text_or(2, ",", "the separator");
  if (in.failed()) return in.error();
  if (separator.size() != 1 || separator == "\"" || separator == "\n") {
    return call.error("expected one character for the separator, such as ',' or ';'");
  }
  if (!call.charge(0, text.size() * 2) || !call.fits(text.size())) return call.failure();
  std::vector<std::vector<Value>> rows;
  std::vector<Value> row;
  std::string field;
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  std::uint64_t cells = 0;
  Meter meter(call);
  while (at < text.size()) {
    field.clear();
    if (text[at] == '"') {
      for (++at;; ++at) {
        const std::size_t quote = text.find('"', at);
        if (quote == std::string_view::npos) return call.error("a quoted field of the CSV text does not end");
        field.append(text, at, quote - at);
        at = quote + 1;
        if (at >= text.size() || text[at] != '"') break;
        field += '"';
      }
    } else {
      while (at < text.size() && text[at] != separator[0] && text[at] != '\n' && text[at] != '\r') field += text[at++];
    }
    row.emplace_back(field);
    if (!meter.add(1) || !call.fits(text.size() + 16 * ++cells)) return call.failure();
    if (at < text.size() && text[at] == separator[0]) {
      if (++at == text.size()) row.emplace_back("");
      continue;
    }
    if (at < text.size() && text[at] != '\r' && text[at] != '\n') {
      return call.error("a quoted field of the CSV text is followed by more text");
    }
    if (at < text.size() && text[at] == '\r') ++at;
    if (at < text.size() && text[at] == '\n') ++at;
    const bool blank = row.size() == 1 && row[0].as_string().empty();
    if (!blank) rows.push_back(std::move(row));
    row.clear();
  }
  if (!row.empty()) rows.push_back(std::move(row));
  std::vector<Value> out;
  if (!header) {
    for (std::vector<Value>& cells_of_row : rows) out.push_back(Value::array(std::move(cells_of_row)));
    return Value::array(std::move(out));
  }
  std::uint64_t bytes = 16;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].size() > rows[0].size()) {
      return call.error("row " + std::to_string(i + 1) + " of the CSV text has more fields than the header");
    }
    Value object = Value::object();
    for (std::size_t n = 0; n < rows[0].size(); ++n) {
      object.set(rows[0][n].as_string(), n < rows[i].size() ? std::move(rows[i][n]) : Value());
    }
    bytes += object.byte_size();
    if (!meter.add(rows[0].size()) || !call.fits(bytes)) return call.failure();
    out.push_back(std::move(object));
  }
  return Value::array(std::move(out));
}

Result<Value> csv_create(Invocation& call) {
  Reader in(call);
  const Value list = in.list(0);
  const std::string separator(in.text_or(1, ",", "the separator"));
  if (in.failed()) return in.error();
  if (separator.size() != 1 || separator == "\"" || separator == "\n") {
    return call.error("expected one character for the separator, such as ',' or ';'");
  }
  std::string out;
  Meter meter(call);
  const auto field = [&](std::string_view text, bool first) {
    if (!first) out += separator;
    if (text.find_first_of("\"\r\n") == std::string_view::npos && text.find(separator[0]) == std::string_view::npos) {
      out += text;
    } else {
      out += '"';
      for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
      }
      out += '"';
    }
    return meter.add(1, text.size()) && call.fits(out.size());
  };
  const Value head = list[0];
  if (head.is_object()) {
    for (std::size_t i = 0; i < head.size(); ++i) {
      if (!field(head.key_at(i), i == 0)) return call.failure();
    }
    out += "\r\n";
  }
  for (std::size_t r = 0; r < list.size(); ++r) {
    const Value& row = list[r];
    if (!row.is_container() || row.is_object() != head.is_object()) {
      return call.error("expected rows that are all objects or all lists, got " +
                        std::string(base::kind_in_words(row)) + " at position " + std::to_string(r));
    }
    const std::size_t count = head.is_object() ? head.size() : row.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (!field(to_text(head.is_object() ? row.get(head.key_at(i)) : row[i]), i == 0)) return call.failure();
    }
    out += "\r\n";
  }
  return Value(std::move(out));
}

}  // namespace fnstack::expr::functions::json
