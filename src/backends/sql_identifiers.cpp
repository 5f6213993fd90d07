#include "backends/sql_identifiers.hpp"

#include "base/ascii.hpp"
#include "base/suggest.hpp"

namespace fnstack::backends {
namespace {

using base::ascii_lower;

// Names in messages are cut: a table's name may come from data.
std::string shown(std::string_view name) {
  constexpr std::size_t longest = 80;
  std::string text = "\"";
  for (const char letter : name.substr(0, longest)) {
    const bool plain = static_cast<unsigned char>(letter) >= 0x20 && letter != '\x7f';
    text += plain ? letter : '?';
  }
  text += name.size() > longest ? "…\"" : "\"";
  return text;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& candidates) {
  const auto near = suggest(name, candidates);
  return near ? "; did you mean " + shown(*near) + "?" : std::string();
}

}  // namespace

bool same_name(std::string_view left, std::string_view right) noexcept { return base::same_word(left, right); }

std::size_t NameHash::operator()(std::string_view name) const noexcept {
  std::size_t hash = 14695981039346656037U;  // FNV-1a: names are short
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(ascii_lower(letter))) * 1099511628211U;
  return hash;
}

bool is_identifier(std::string_view name) noexcept {
  if (name.empty() || name.size() > 63 || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char letter : name) {
    const char small = ascii_lower(letter);
    if (!((small >= 'a' && small <= 'z') || (letter >= '0' && letter <= '9') || letter == '_')) return false;
  }
  return true;
}

void append_quoted(std::string& out, std::string_view name) {
  out += '"';
  for (std::size_t quote = name.find('"'); quote != std::string_view::npos; quote = name.find('"')) {
    out += name.substr(0, quote + 1);
    out += '"';
    name.remove_prefix(quote + 1);
  }
  out += name;
  out += '"';
}

std::string quote_identifier(std::string_view name) {
  std::string quoted;
  append_quoted(quoted, name);
  return quoted;
}

Error no_such_table(std::string_view name, const std::vector<std::string_view>& tables) {
  return make_error(error_type::database, "no table " + shown(name) + did_you_mean(name, tables));
}

Error no_such_column(std::string_view table, std::string_view name, const std::vector<std::string_view>& columns) {
  return make_error(error_type::database,
                    "table " + shown(table) + " has no column " + shown(name) + did_you_mean(name, columns));
}

std::optional<Error> check_new_name(std::string_view what, std::string_view name) {
  if (!is_identifier(name)) {
    return make_error(
        error_type::validation,
        std::string(what) + " " + shown(name) +
            ": expected a name of up to 63 letters, digits and underscores that does not begin with a digit");
  }
  if (what == "table" && same_name(name.substr(0, 7), "sqlite_")) {
    return make_error(error_type::database,
                      "table " + shown(name) + ": names beginning with sqlite_ are the database's own");
  }
  return std::nullopt;
}

}  // namespace fnstack::backends
