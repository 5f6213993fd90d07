// What can go wrong, by whom it concerns:
//   Diagnostic  for the author of a definition: everything wrong with the text, in one go.
//   Error       for the running definition: what Try-Catch catches and `{{error}}` shows.
//   Fault       for the host: misuse of this library. Another type, so that it can't be caught by mistake.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fnstack/source.hpp>
#include <fnstack/value.hpp>

namespace fnstack {

// A failure inside a run. The fields from `type` to `step` are what `{{error}}` shows: a public format.
struct Error {
  // One of error_type's names, or the type that a Throw Error step names.
  std::string type;
  // Lower case, no full stop. Never holds request headers, bodies, queries or values of env.
  std::string message;
  // 0: the one that belongs to the type (see status_of).
  int status_code = 0;
  Value headers;     // of the response that failed; else null
  Value response;    // its decoded body; else null
  std::string step;  // label, function name and path; filled in by the machine

  // Ends the run: no Try-Catch sees it. For run budgets and cancellation.
  bool fatal = false;
  // The database asks for the whole transaction again: a serialisation failure or a deadlock.
  bool restart_transaction = false;
  // Nothing was sent: a rate limit or an open circuit breaker says to try again from this time on (epoch ms); 0: none.
  std::int64_t not_before_ms = 0;
};

namespace error_type {
inline constexpr const char* http = "http";
inline constexpr const char* network = "network";
inline constexpr const char* timeout = "timeout";
inline constexpr const char* blocked = "blocked";
inline constexpr const char* expression = "expression";
inline constexpr const char* validation = "validation";
inline constexpr const char* not_found = "not_found";
inline constexpr const char* database = "database";
inline constexpr const char* cache = "cache";
inline constexpr const char* limit = "limit";
inline constexpr const char* function = "function";
inline constexpr const char* unknown_function = "unknown_function";
inline constexpr const char* thrown = "thrown";
inline constexpr const char* cancelled = "cancelled";
}  // namespace error_type

// The status code an error of this type has when it names none: 502 network, 504 timeout, 403 blocked,
// 400 validation, 404 not_found, 500 for all others (DESIGN: every error has a status_code).
[[nodiscard]] int status_of(std::string_view type) noexcept;
// The object that `{{error}}` is: {type, message, status_code, headers, response, step}.
[[nodiscard]] Value to_value(const Error& error);

[[nodiscard]] inline Error make_error(const char* type, std::string message) {
  Error error;
  error.type = type;
  error.message = std::move(message);
  return error;
}

// A T, or the Error that took its place.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(const T& value) : content_(std::in_place_index<0>, value) {}
  Result(T&& value) : content_(std::in_place_index<0>, std::move(value)) {}
  // Its value is made in place.
  template <class... Arguments>
  explicit Result(std::in_place_t, Arguments&&... arguments)
      : content_(std::in_place_index<0>, std::forward<Arguments>(arguments)...) {}
  Result(Error error) : content_(std::in_place_index<1>, std::make_unique<Error>(std::move(error))) {}

  Result(const Result& other) : content_(copy(other)) {}
  Result(Result&&) noexcept = default;
  Result& operator=(const Result& other) {
    content_ = copy(other);
    return *this;
  }
  Result& operator=(Result&&) noexcept = default;
  ~Result() = default;

  [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  // Only when ok().
  [[nodiscard]] T& value() & noexcept { return *std::get_if<0>(&content_); }
  [[nodiscard]] const T& value() const& noexcept { return *std::get_if<0>(&content_); }
  [[nodiscard]] T&& value() && noexcept { return std::move(*std::get_if<0>(&content_)); }
  [[nodiscard]] T& operator*() & noexcept { return value(); }
  [[nodiscard]] const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() noexcept { return &value(); }
  [[nodiscard]] const T* operator->() const noexcept { return &value(); }
  // Only when not ok().
  [[nodiscard]] Error& error() & noexcept { return **std::get_if<1>(&content_); }
  [[nodiscard]] const Error& error() const& noexcept { return **std::get_if<1>(&content_); }
  [[nodiscard]] Error&& error() && noexcept { return std::move(**std::get_if<1>(&content_)); }

 private:
  // An Error is large and rare: it lives on the heap, so that a Result is hardly larger than its T.
  using Content = std::variant<T, std::unique_ptr<Error>>;
  static Content copy(const Result& other) {
    if (other.ok()) return Content(std::in_place_index<0>, other.value());
    return Content(std::in_place_index<1>, std::make_unique<Error>(other.error()));
  }
  Content content_;
};

// Success without a value, or an Error.
struct Done {};

// One thing wrong with a definition's text, at its place.
struct Diagnostic {
  enum class Severity { error, warning, note };
  Severity severity = Severity::error;
  std::string code;     // stable, for tools: "unknown-field", "syntax", "unset-variable", …
  std::string message;  // "Try-Catch: unknown field \"catch_step\"; did you mean \"catch_steps\"?"
  std::string hint;     // the cure, on a line of its own; may be empty
  SourcePtr source;
  Span span;
  std::string path;     // JSON pointer of the place: "/steps/2/catch_step"
  std::string context;  // "fetch_orders, steps[2] \"Charge card\""; may be empty
};

class Diagnostics {
 public:
  void add(Diagnostic diagnostic) { items_.push_back(std::move(diagnostic)); }
  [[nodiscard]] bool has_errors() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] const std::vector<Diagnostic>& items() const noexcept { return items_; }
  // In order of place: file, then offset. Stable.
  void sort();
  // One block each, the last three lines only where there is something to say:
  //     orders.json:14:7: error: Try-Catch: unknown field "catch_step"; did you mean "catch_steps"?
  //       14 |       "catch_step": [
  //          |       ^~~~~~~~~~~~
  //       in fetch_orders, steps[2] "Charge card" (/steps/2/catch_step)
  //       hint: the cure
  // Without a context the fourth line is "  at /steps/2/catch_step". Lines of more than 160 columns are cut around
  // the place. Controls and marks that turn the reading direction are escaped.
  [[nodiscard]] std::string to_text() const;

 private:
  std::vector<Diagnostic> items_;
};
[[nodiscard]] std::string to_text(const Diagnostic& diagnostic);

// The host's own mistake (or a broken snapshot, or a replay that differs). A machine with a fault stays failed.
struct Fault {
  enum class Kind { usage, storage, nondeterminism };
  Kind kind = Kind::usage;
  std::string message;
};

}  // namespace fnstack
