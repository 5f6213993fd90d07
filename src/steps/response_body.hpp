// What a response's bytes mean (DESIGN 2, External API Request; DIALECT 4.1): JSON to a value, text by its charset,
// the rest as bytes.
#pragma once

#include <string>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/value.hpp>

namespace fnstack::steps {

// The header's first value, or empty. Names in a response are in lower case.
[[nodiscard]] std::string_view header(const HttpResponse& response, std::string_view lower_case_name) noexcept;
// All headers as {{error.headers}} shows them: looked up without case, repeats joined by ", ", set-cookie a list.
[[nodiscard]] Value headers_value(const HttpResponse& response);
// An empty body is null. A body of a JSON type that is no JSON is an Error `http`, status 502, with the text as its
// response. Without a Content-Type, JSON of an object or array is that, anything else text.
[[nodiscard]] Result<Value> decode_body(const HttpResponse& response, const Limits& limits);
// The text of bytes in a charset: UTF-8 or ISO-8859-1; another charset or invalid UTF-8 stays bytes.
[[nodiscard]] Value decode_text(std::string_view bytes, std::string_view content_type);

}  // namespace fnstack::steps
