// http_request: from a step's fields to one HttpRequest, as it would go out if nothing had to be signed. Shared by the
// kinds that speak HTTP. Entry points: build_request, http_content.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>
#include <fnstack/step_kind.hpp>

namespace fnstack::steps {

// The value of a request's header, empty if it has none.
[[nodiscard]] std::string_view header_of(const HttpRequest& request, std::string_view name) noexcept;

// From the fields url, method, headers, timeout, ssl_verify, connection and `body`, the body's value.
[[nodiscard]] Result<HttpRequest> build_request(Fields& fields, const Value& body);

// The error of a status of 400 or more; `body` is the decoded body.
[[nodiscard]] Error status_error(const HttpResponse& response, std::string_view shown_url, Value body);

// The decoded body of an answer, or the error that it is: by its status, unless `error_on_status` is false.
[[nodiscard]] Result<Value> http_content(Fields& fields, const HttpResponse& response);

}  // namespace fnstack::steps
