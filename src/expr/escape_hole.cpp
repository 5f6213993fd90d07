#include "expr/escape_hole.hpp"

#include <utility>

namespace fnstack::expr {

bool is_plain_scalar(const Value& value) noexcept {
  return value.is_string() || value.is_number() || value.is_boolean();
}

Error refused(std::string_view place, std::string_view reason) {
  return make_error(error_type::validation, std::string(place) + ": " + std::string(reason));
}

Error refused_hole(std::string_view place, const Piece& hole, std::string_view reason) {
  return refused(place, "hole " + hole.words + " " + std::string(reason));
}

Error too_long(std::string_view place, std::string_view limit_name, std::size_t max_bytes) {
  return make_error(error_type::limit, std::string(place) + " is longer than " + std::string(limit_name) + ", " +
                                           std::to_string(max_bytes) + " bytes");
}

OptOut opt_out_of(const Expression& expression) noexcept {
  const std::string_view name = expression.outermost_opt_out();
  if (name == "raw") return OptOut::raw;
  if (name == "host") return OptOut::host;
  if (name == "path") return OptOut::path;
  if (name == "json") return OptOut::json;
  return OptOut::none;
}

std::string_view name_of(OptOut opt_out) noexcept {
  switch (opt_out) {
    case OptOut::raw:
      return "raw";
    case OptOut::host:
      return "host";
    case OptOut::path:
      return "path";
    case OptOut::json:
      return "json";
    case OptOut::none:
      break;
  }
  return "";
}

void complain(Diagnostics& diagnostics, const TextPlace& place, const Piece& piece, Diagnostic::Severity severity,
              const char* code, std::string message, std::string hint) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.code = code;
  diagnostic.message = std::move(message);
  diagnostic.hint = std::move(hint);
  diagnostic.source = place.source;
  diagnostic.span = place.span(piece.span.begin, piece.span.end);
  diagnostics.add(std::move(diagnostic));
}

}  // namespace fnstack::expr
