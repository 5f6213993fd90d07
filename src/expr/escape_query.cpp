// Objects as queries and forms: encode_query, encode_form.
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <fnstack/json.hpp>

#include "base/kind_in_words.hpp"
#include "base/url.hpp"
#include "expr/escape.hpp"
#include "expr/escape_hole.hpp"

namespace fnstack::expr {
namespace {

constexpr std::uint32_t max_depth = 128;  // as deep as any value may be

enum class Style { query, form };

class Encoder {
 public:
  explicit Encoder(Style style) : style_(style) {}

  Result<std::string> encode(const Value& members) {
    if (members.is_null()) return std::string();
    if (!members.is_object()) {
      return refused(whole(), "expected an object, got " + std::string(base::kind_in_words(members)));
    }
    if (members.depth() > max_depth) {
      return make_error(error_type::limit, std::string(whole()) + " are nested deeper than value_depth, 128");
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      std::string name;
      append_encoded(name, members.key_at(i));
      if (auto error = add(name, members[i])) return std::move(*error);
    }
    return std::move(out_);
  }

 private:
  std::string_view whole() const noexcept { return style_ == Style::query ? "query parameters" : "form fields"; }

  void append_encoded(std::string& out, std::string_view text) const {
    if (style_ == Style::query) {
      append_percent_encoded(out, text);
    } else {
      append_form_encoded(out, text);
    }
  }

  // `name` is encoded already.
  std::optional<Error> add(const std::string& name, const Value& value) {
    if (value.is_null()) return std::nullopt;
    if (value.is_object()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        std::string inner = name + "%5B";
        append_encoded(inner, value.key_at(i));
        inner += "%5D";
        if (auto error = add(inner, value[i])) return error;
      }
      return std::nullopt;
    }
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (style_ == Style::query && value[i].is_container()) {
          return refused(whole(),
                         "in the list " + shown(name) + " stands " + std::string(base::kind_in_words(value[i])) +
                             ", which has no form in a query; write the list as json(…) to send its JSON text");
        }
        const std::string inner = style_ == Style::query ? name : name + "%5B" + std::to_string(i) + "%5D";
        if (auto error = add(inner, value[i])) return error;
      }
      return std::nullopt;
    }
    if (!is_plain_scalar(value)) {
      return refused(whole(), shown(name) + " is " + std::string(base::kind_in_words(value)) +
                                  ", expected text, a number or a boolean");
    }
    if (!out_.empty()) out_ += '&';
    out_ += name;
    out_ += '=';
    if (value.is_string()) {
      append_encoded(out_, value.as_string());
    } else {
      append_encoded(out_, to_text(value));
    }
    return std::nullopt;
  }

  // Names are shown encoded, which is safe for any message.
  static std::string shown(std::string_view name) {
    constexpr std::size_t most = 60;
    return "\"" + std::string(name.substr(0, most)) + (name.size() > most ? "…\"" : "\"");
  }

  Style style_;
  std::string out_;
};

}  // namespace

Result<std::string> encode_query(const Value& parameters) { return Encoder(Style::query).encode(parameters); }

Result<std::string> encode_form(const Value& fields) { return Encoder(Style::form).encode(fields); }

}  // namespace fnstack::expr
