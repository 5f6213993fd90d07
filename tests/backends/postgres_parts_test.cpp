// The parts of the PostgreSQL backend that need no server: addresses, times.
#include "backends/postgres_time.hpp"
#include "backends/postgres_url.hpp"
#include "support/store_commands.hpp"

using namespace fnstack_test;
using namespace fnstack::backends;

TEST_CASE("postgres: URLs") {
  const auto parse = [](std::string_view url) -> std::string {
    auto options = parse_postgres_url(url);
    if (!options) return options.error().type + ": " + options.error().message;
    return options->url + (options->auto_schema ? " auto " : " strict ") + std::to_string(options->connections) + " " +
           std::to_string(options->statement_timeout_ms) + " " + std::to_string(options->lock_timeout_ms);
  };
  CHECK(parse("postgresql://ada:p%40ss@db.example.com:5433/shop") ==
        "postgresql://ada:p%40ss@db.example.com:5433/shop strict 4 30000 10000");
  CHECK(parse("postgresql://h/d?schema=auto&sslmode=require&connections=8&statement_timeout=100&lock_timeout=50") ==
        "postgresql://h/d?sslmode=require auto 8 100 50");
  CHECK(parse("postgres://[::1]:5432,b/d?schema=strict") == "postgres://[::1]:5432,b/d strict 4 30000 10000");
  CHECK(parse("postgresql://%2Frun%2Fpostgresql/d?host=/tmp") ==
        "postgresql://%2Frun%2Fpostgresql/d?host=/tmp strict 4 30000 10000");
  CHECK(parse("postgresql://") == "postgresql:// strict 4 30000 10000");
  CHECK(parse("mysql://x") == "validation: database URL: expected postgresql://USER@HOST/DATABASE");
  CHECK(parse("postgresql://ada:se@cret@h/d") ==
        "validation: database URL: the user's name or password has characters that must be written as %XX");
  CHECK(parse("postgresql://ada:secret/x@h/d") == "validation: database URL: expected a port from 1 to 65535");
  CHECK(parse("postgresql://h:99999/d") == "validation: database URL: expected a port from 1 to 65535");
  CHECK(parse("postgresql://a b/d") ==
        "validation: database URL: the host has characters that no host has; in a user's name or password write them "
        "as %XX");
  CHECK(parse("postgresql://h/d%00") ==
        "validation: database URL: the database's name has characters that must be written as %XX");
  CHECK(parse("postgresql://h/d?shema=auto") ==
        "validation: database URL: unknown option \"shema\"; did you mean \"schema\"?");
  CHECK(parse("postgresql://h/d?client_encoding=LATIN1") ==
        "validation: database URL: unknown option \"client_encoding\"");
  CHECK(parse("postgresql://h/d?schema=loose") ==
        "validation: database URL: schema: expected strict or auto, got \"loose\"");
  CHECK(parse("postgresql://h/d?connections=0") ==
        "validation: database URL: connections: expected a number from 1, got \"0\"");
  CHECK(parse("postgresql://h/d?schema") == "validation: database URL: option \"schema\": expected NAME=VALUE");
}

TEST_CASE("postgres: the password is in no message") {
  CHECK(without_password("postgresql://ada:p%40ss@h/d", "auth of p@ss failed (p%40ss)") == "auth of … failed (…)");
  CHECK(without_password("postgresql://h/d?password=hush", "hush") == "…");
  CHECK(without_password("postgresql://ada@h/d", "no user ada") == "no user ada");
}

TEST_CASE("postgres: times") {
  CHECK(read_timestamp("1970-01-01") == 0);
  CHECK(read_timestamp("1970-01-01 00:00:00.000001") == 1);
  CHECK(read_timestamp("1970-01-01T01:00:00+01") == 0);
  CHECK(read_timestamp("1970-01-01T00:00:00-0130") == 5'400'000'000);
  CHECK(read_timestamp("2024-02-29 12:30:00.25+00") == 1'709'209'800'250'000);
  CHECK(read_timestamp("0001-01-01 00:00:00 BC") == -62'167'219'200'000'000);
  CHECK(read_timestamp("294246-12-31 23:59:59.999999").has_value());
  CHECK_FALSE(read_timestamp("294276-12-31 23:59:59.999999").has_value());
  for (const char* text : {"", "now", "infinity", "2024-02-30", "2024-2-1", "2024-01-01T25:00", "2024-01-01x",
                           "2024-01-01T", "999999-01-01", "12:00"}) {
    INFO(text);
    CHECK_FALSE(read_timestamp(text).has_value());
  }
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'709'209'800'250'001},
                                  std::int64_t{-62'167'219'200'000'001}, std::int64_t{9'000'000'000'000'000'000}}) {
    const auto text = write_timestamp(time);
    REQUIRE(text.has_value());
    INFO(*text);
    CHECK(read_timestamp(*text) == time);
  }
  CHECK(write_timestamp(-1) == "1969-12-31 23:59:59.999999+00");
  CHECK(write_timestamp(-62'167'219'200'000'000) == "0001-01-01 00:00:00+00 BC");
  CHECK_FALSE(write_timestamp_ms(INT64_MAX).has_value());
}
