// paginate: where the next page of an answer is. Knows nothing of how pages are fetched.
// Entry points: next_page, without_parameter, link_target.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack::steps {

// From what `next` evaluated to: null, false or "" ends; text is the next URL, relative or absolute, of the same
// origin; an object's members replace query parameters of `url`, and one that is null ends. Empty: there is none.
// Errors: `validation`, `blocked` for another origin: a step's headers may hold credentials.
[[nodiscard]] Result<std::optional<std::string>> next_page(const std::string& url, const Value& next);

// The URL without the query parameters of this name.
[[nodiscard]] std::string without_parameter(const std::string& url, std::string_view name);

// The target of the first link of a Link header (RFC 8288) whose rel has the word "next"; empty: none.
[[nodiscard]] std::string_view link_target(std::string_view header, std::string_view relation) noexcept;

}  // namespace fnstack::steps
