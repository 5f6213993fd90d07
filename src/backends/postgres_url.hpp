// What an address of a PostgreSQL server says, beside what libpq reads from it. Connects to nothing.
#pragma once

#include <string>

#include <fnstack/backends/postgres.hpp>

namespace fnstack::backends {

// The options' URL with the time bounds that it does not give itself, for libpq.
[[nodiscard]] std::string connection_string(const PostgresOptions& options);

// Takes the URL's password out of a text that somebody else wrote.
[[nodiscard]] std::string without_password(const std::string& url, std::string text);

}  // namespace fnstack::backends
