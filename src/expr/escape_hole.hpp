// What the escaping of all places shares: reading one hole, and saying which one was refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

#include "expr/escape.hpp"

namespace fnstack::expr {

// Strings, numbers and booleans: what has one text form without escaping. Not null, not bytes.
[[nodiscard]] bool is_plain_scalar(const Value& value) noexcept;

// `validation`: "<place>: hole {{x}} <reason>".
[[nodiscard]] Error refused_hole(std::string_view place, const Piece& hole, std::string_view reason);
[[nodiscard]] Error refused(std::string_view place, std::string_view reason);
// `limit`: "<place> is longer than <name>, <max> bytes".
[[nodiscard]] Error too_long(std::string_view place, std::string_view limit_name, std::size_t max_bytes);

[[nodiscard]] OptOut opt_out_of(const Expression& expression) noexcept;
[[nodiscard]] std::string_view name_of(OptOut opt_out) noexcept;

// A diagnostic at a piece.
void complain(Diagnostics& diagnostics, const TextPlace& place, const Piece& piece, Diagnostic::Severity severity,
              const char* code, std::string message, std::string hint = {});

}  // namespace fnstack::expr
