// Effect: what a machine asks of the world, as data. EffectResult: what the world answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack {

// What a request shares with those of other runs. resilient_http (http.hpp) keeps the state of it and sleeps for none:
// what has to wait is an Error whose not_before_ms says until when.

// Closed until `failures` requests in a row have failed within window_s (error, or a status of 500 and more); then
// nothing is sent for open_s; then one request at a time tries.
struct CircuitBreaker {
  std::string key;  // requests with the same key share a breaker
  std::int64_t failures = 5;
  std::int64_t window_s = 60;
  std::int64_t open_s = 30;
};

// A token bucket: `requests` in `period_ms`, of them at most `burst` at once.
struct RateLimit {
  std::string key;
  std::int64_t requests = 1;
  std::int64_t period_ms = 1'000;
  std::int64_t burst = 0;  // 0: as many as `requests`
};

// OAuth 2 (RFC 6749): a token from the client's credentials (section 4.4) or a refresh token (section 6) is fetched
// when there is none, kept until it expires, and fetched once again after a 401. It goes out as Authorization: Bearer.
struct OAuth2 {
  std::string token_url;
  std::string client_id;
  std::string client_secret;
  std::string refresh_token;         // empty: the client credentials grant
  std::string scope;                 // empty: not sent
  std::string audience;              // empty: not sent
  bool credentials_in_body = false;  // client_id and client_secret as form fields instead of HTTP Basic
};

struct HttpPolicy {
  std::optional<CircuitBreaker> circuit_breaker;
  std::optional<RateLimit> rate_limit;
  std::optional<OAuth2> oauth2;
  // Not empty: of requests with the same key that are under way together only the first is sent; all get its answer.
  std::string share_key;
};

// One HTTP exchange, redirects included. Everything is checked and escaped already.
struct HttpRequest {
  std::string method = "GET";  // upper case
  std::string url;             // absolute, http or https, ASCII
  std::string shown_url;       // for messages and logs: origin and literal path, each hole as {…}
  std::vector<std::pair<std::string, std::string>> headers;  // as they go out; framing headers are not among them
  bool has_body = false;
  std::string body;
  std::int64_t timeout_ms = 30'000;                          // of the whole exchange
  std::int64_t max_response_bytes = std::int64_t{16} << 20;  // decoded
  std::int64_t max_response_headers = 100;
  std::int64_t max_response_header_bytes = std::int64_t{64} << 10;
  std::uint32_t max_redirects = 5;
  bool verify_tls = true;                    // false asks; the host's HttpClient decides
  std::string connection;                    // one that the host has named (proxy, certificates); empty: the usual one
  std::shared_ptr<const HttpPolicy> policy;  // null: none
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // in order; names in lower case
  std::string body;                                          // content decoding (gzip …) undone, charset as it came
};

// The reply is a Value: see each kind.
struct CacheCommand {
  enum class Kind : std::uint8_t {
    get,        // -> null on a miss, else {"text": the JSON text, "age": whole seconds since set, or null}; age only if
                // want_age
    set,        // text, ttl_s (0: never expires) -> null
    has,        // -> boolean
    remove,     // key -> boolean: was there
    increment,  // amount (negative: decrement) -> the new integer; error `cache` if the value is no integer
    keys,       // pattern in `key`, with * and ? -> array of keys, sorted
    push,
    pop,
    unshift,
    shift,             // a list of JSON texts; push/unshift: text -> new length; pop/shift -> text or null
    range,             // start, stop (inclusive; negative from the end) -> array of texts
    count,             // -> length of the list
    remove_from_list,  // text -> number removed
    rate_limit  // amount: permitted in ttl_s seconds -> {"allowed": boolean, "remaining": integer, "retry_after":
                // seconds}
  };
  Kind kind = Kind::get;
  std::string key;
  std::string text;  // JSON
  std::int64_t ttl_s = 0;
  std::int64_t amount = 1;
  std::int64_t start = 0, stop = -1;
  bool want_age = false;
};

// The reply is a Value: see each kind. Identifiers are checked against [A-Za-z_][A-Za-z0-9_]{0,62} already;
// the backend checks them against the schema and quotes them.
struct DatabaseCommand {
  enum class Kind : std::uint8_t {
    query,        // filter, sort, limit, offset -> array of rows (objects)
    count,        // filter -> integer
    get,          // record_id -> the row or null
    insert,       // data (object) -> the stored row with its id
    insert_many,  // data (array of objects) -> array of stored rows; all or none
    update,       // record_id, data -> the updated row; error `not_found` if there is none
    upsert,       // data, key_column -> the stored row
    remove,       // record_id -> the removed row's count, 0 or 1
    remove_many,  // filter -> number removed
    sql,  // sql (one statement), bindings (for ? in order, or $1…) -> array of rows; [] for one without result
    // transaction, isolation -> null. Other commands wait for its end. After commit or rollback, whatever they
    // answer, it is over; ending one that is not open is an error.
    begin,
    commit,
    rollback
  };
  Kind kind = Kind::query;
  std::string table;
  Value record_id;  // integer, number or non-empty string
  Value data;
  // null (all rows), or a tree of arrays:
  //   ["and", f…] ["or", f…] ["not", f]
  //   [op, column, value]; op one of eq ne gt gte lt lte like not_like regex not_regex contains not_contains;
  //   ["in", column, [values]] ["not_in", column, [values]]
  // eq and ne with null mean IS NULL and IS NOT NULL; beyond that a null cell, or a column that isn't there, matches
  // nothing but an `in` with a null in its list. "not" is true wherever its filter is not.
  // A number and its text (as ECMAScript prints it) are equal (DIALECT 2.3); other kinds never match each other, and
  // order only compares numbers with numbers, text with text (by bytes), booleans with booleans. Containers are equal
  // if their JSON is. like: % and _, ASCII letters without case. regex: RE2, found anywhere. contains: a text's part,
  // with case, or an array's element. The not_ kinds and ne: all other cells that are not null.
  Value filter;
  // Column, descending; ties and none: by id. Null is the smallest; then numbers, text, the rest.
  std::vector<std::pair<std::string, bool>> sort;
  std::int64_t limit = -1;  // -1: none given, then max_rows bounds the answer with an error `limit`
  std::int64_t offset = 0;
  std::int64_t max_rows = 10'000;  // of a query or sql
  std::int64_t max_bytes = std::int64_t{64}
                           << 20;  // Value::byte_size of a query's or sql's rows; more is an error `limit`
  std::string key_column;  // upsert: the first record (by id) with data's value there is updated, else data is inserted
  bool want_rows = true;   // false: nobody reads the row that insert, update or upsert answers: it may be null
  // What the definition itself spells, and not its data: all that auto schema may create.
  bool declared_table = true;
  std::vector<std::string> declared_columns;
  std::string sql;
  std::vector<Value> bindings;
  std::string isolation;    // begin: "", "read_committed", "repeatable_read", "serializable"
  std::string transaction;  // empty, or the name that `begin` opened
};

struct Sleep {
  std::int64_t duration_ms = 0;
};

// A function of the host.
struct HostCall {
  std::string function;
  Value arguments;  // an object
};

// A named outside event. No driver performs it yet; the kind keeps its number.
struct AwaitEvent {
  std::string name;
  std::int64_t deadline_ms = 0;  // epoch; 0: none
};

// Another run of a function of the same program, which goes its own way.
struct StartRun {
  std::string function;
  Value inputs;
  std::int64_t delay_ms = 0;
};

// The position in this list is the kind's number in journals: never reorder, only add.
using Effect = std::variant<HttpRequest, CacheCommand, DatabaseCommand, Sleep, HostCall, AwaitEvent, StartRun>;

// What HTTP answers, or a Value for every other kind.
using EffectReply = std::variant<Value, HttpResponse>;
using EffectResult = Result<EffectReply>;

// "http", "cache", "database", "sleep", "host_call", "await_event", "start_run".
[[nodiscard]] std::string_view kind_name(const Effect& effect) noexcept;

// Names one effect of one run, whatever the order of answers: the strand's path of branch indices from the
// root, and the effect's ordinal in that strand.
struct EffectId {
  std::string run;
  std::vector<std::uint32_t> strand;
  std::uint64_t ordinal = 0;

  [[nodiscard]] std::string to_string() const;  // "run/0.2:7"; the root strand is empty: "run/:7"
  void append_to(std::string& text) const;      // the same, behind what is there
  friend bool operator==(const EffectId&, const EffectId&) = default;
};

}  // namespace fnstack
