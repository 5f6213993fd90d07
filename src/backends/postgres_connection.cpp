#include "backends/postgres_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <pqxx/pqxx>
#include <unordered_map>

#include "backends/postgres_url.hpp"

namespace fnstack::backends {
namespace {

// Statement texts differ by table, columns and form of filter: a program has dozens. Filters built from data could
// make endless new ones; very long texts are not worth keeping.
constexpr std::size_t most_statements = 256;
constexpr std::size_t longest_kept_text = 8'192;

// ---- libpqxx 6 and 7: what differs stands here and nowhere else

void set_verbose(pqxx::connection& connection) {
#if PQXX_VERSION_MAJOR >= 7
  connection.set_verbosity(pqxx::error_verbosity::verbose);
#else
  connection.set_verbosity(pqxx::connection_base::verbose);
#endif
}

#if PQXX_VERSION_MAJOR >= 7
pqxx::params params_of(const PgParameters& parameters) {
  pqxx::params params;
  params.reserve(parameters.size());
  for (const auto& parameter : parameters) {
    if (parameter) {
      params.append(*parameter);
    } else {
      params.append();
    }
  }
  return params;
}
#else
std::vector<const char*> params_of(const PgParameters& parameters) {
  std::vector<const char*> params;
  params.reserve(parameters.size());
  for (const auto& parameter : parameters) params.push_back(parameter ? parameter->c_str() : nullptr);
  return params;
}
#endif

pqxx::result execute(pqxx::transaction_base& work, const std::string& text, const PgParameters& parameters) {
#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)
  return work.exec(text, params_of(parameters));
#elif PQXX_VERSION_MAJOR == 7
  return work.exec_params(text, params_of(parameters));
#else
  return work.exec_params(text, pqxx::prepare::make_dynamic_params(params_of(parameters)));
#endif
}

pqxx::result execute_prepared(pqxx::transaction_base& work, const std::string& name, const PgParameters& parameters) {
#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)
  return work.exec(pqxx::prepped{name}, params_of(parameters));
#elif PQXX_VERSION_MAJOR == 7
  return work.exec_prepared(name, params_of(parameters));
#else
  return work.exec_prepared(name, pqxx::prepare::make_dynamic_params(params_of(parameters)));
#endif
}

#if PQXX_VERSION_MAJOR >= 7
int row_number(std::size_t row) { return static_cast<int>(row); }
int column_number(std::size_t column) { return static_cast<int>(column); }
#else
pqxx::result::size_type row_number(std::size_t row) { return static_cast<pqxx::result::size_type>(row); }
pqxx::row_size_type column_number(std::size_t column) { return static_cast<pqxx::row_size_type>(column); }
#endif

// ---- messages

// "CONSTRAINT NAME:  users_email_key" at the beginning of a line of a verbose message.
std::string field_of(std::string_view message, std::string_view label) {
  const std::string wanted = "\n" + std::string(label) + ":  ";
  const std::size_t at = message.find(wanted);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + wanted.size());
  return std::string(rest.substr(0, rest.find('\n')));
}

bool is_sqlstate(std::string_view text) noexcept {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char letter) {
           return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z');
         });
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char letter : text) {
    const bool blank = letter == '\n' || letter == '\t' || letter == '\r';
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line += blank ? ' ' : letter;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string session_settings(const PostgresOptions& options, int server_version) {
  std::string text =
      "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET client_encoding = 'UTF8'; SET bytea_output = 'hex';"
      " SET standard_conforming_strings = on; SET client_min_messages = error; SET extra_float_digits = 1;"
      " SET statement_timeout = " +
      std::to_string(options.statement_timeout_ms) + "; SET lock_timeout = " + std::to_string(options.lock_timeout_ms);
  // A statement whose client has cut the line ends within half a second, and gives its locks back.
  if (server_version >= 140'000) text += "; SET client_connection_check_interval = 500";
  return text;
}

Error error(const char* type, std::string message) { return make_error(type, std::move(message)); }

std::string milliseconds(int number) { return std::to_string(number) + " ms"; }

}  // namespace

// ---- the line

void PgLine::connect(int socket) {
  const std::lock_guard lock(mutex_);
  socket_ = socket;
}
void PgLine::disconnect() { connect(-1); }
void PgLine::cut() {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

void PgLine::ask() noexcept {
  asked_.store(std::chrono::steady_clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

std::optional<std::chrono::steady_clock::time_point> PgLine::waits_since() const noexcept {
  const auto since = asked_.load(std::memory_order_relaxed);
  if (since == 0) return std::nullopt;
  return std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(since));
}

// ---- failures

PgFailure read_failure(std::string_view sqlstate, std::string_view message) {
  PgFailure failure;
  failure.sqlstate = sqlstate;
  failure.constraint = field_of(message, "CONSTRAINT NAME");
  failure.table = field_of(message, "TABLE NAME");
  failure.column = field_of(message, "COLUMN NAME");
  for (const std::string_view severity : {"ERROR:  ", "FATAL:  ", "PANIC:  "}) {
    const std::size_t at = message.find(severity);
    if (at == std::string_view::npos) continue;
    message.remove_prefix(at + severity.size());
    if (message.size() > 7 && is_sqlstate(message.substr(0, 5)) && message.substr(5, 2) == ": ") {
      if (failure.sqlstate.empty()) failure.sqlstate = message.substr(0, 5);
      message.remove_prefix(7);
    }
    break;
  }
  failure.message = one_line(message.substr(0, message.find('\n')));
  return failure;
}

Error error_of(const PgFailure& failure, const PostgresOptions& options) {
  const std::string& state = failure.sqlstate;
  if (state == "40001" || state == "40P01") {
    Error again =
        error(error_type::database, state == "40P01" ? "deadlock: the transaction waited for another that waited for it"
                                                     : "the transaction could not be serialised with others");
    again.restart_transaction = true;
    return again;
  }
  if (state == "40003")
    return error(error_type::database,
                 "the connection was lost while the transaction was committed: it is not known "
                 "whether it took place");
  if (failure.lost) return error(error_type::database, "the connection to the database was lost");
  if (state == "57014") {
    if (failure.message.find("user request") != std::string::npos)
      return error(error_type::database, "the statement was cancelled at the server");
    return error(error_type::timeout, "the statement took longer than " + milliseconds(options.statement_timeout_ms));
  }
  if (state == "55P03") {
    return error(error_type::timeout, "another transaction held a lock for longer than " +
                                          milliseconds(options.lock_timeout_ms) + "; try again");
  }
  if (state == "25006") return error(error_type::database, "the database is read-only");
  if (state == "25P02") return error(error_type::database, "the transaction was rolled back by an earlier error in it");
  if (state == "53100") return error(error_type::database, "the database, or the disk it is on, is full");
  if (state == "53200") return error(error_type::limit, "the database ran out of memory");
  if (state.starts_with("54")) return error(error_type::limit, "the command is too big for the database");
  if (state == "22001") return error(error_type::validation, "a text is longer than its column allows");
  if (state == "22003") return error(error_type::validation, "a number is outside the range of its column");
  if (state == "22012") return error(error_type::database, "division by zero");
  if (state.starts_with("22"))
    return error(error_type::validation, "a value does not fit the type of its column or place");
  if (state.starts_with("23")) {
    const std::string_view what = state == "23505"   ? "unique constraint"
                                  : state == "23502" ? "not null constraint"
                                  : state == "23503" ? "foreign key constraint"
                                  : state == "23514" ? "check constraint"
                                  : state == "23P01" ? "exclusion constraint"
                                                     : "constraint";
    std::string message(what);
    if (!failure.constraint.empty()) message += " \"" + failure.constraint + "\"";
    message += " failed";
    if (!failure.table.empty())
      message += ": " + failure.table + (failure.column.empty() ? std::string() : "." + failure.column);
    return error(error_type::database, std::move(message));
  }
  return error(error_type::database, failure.message.empty() ? "the database failed without a word" : failure.message);
}

// ---- results

struct PgResult::Content {
  pqxx::result rows;
};

std::size_t PgResult::rows() const noexcept { return static_cast<std::size_t>(content_->rows.size()); }
std::size_t PgResult::columns() const noexcept { return static_cast<std::size_t>(content_->rows.columns()); }
std::string_view PgResult::name(std::size_t column) const { return content_->rows.column_name(column_number(column)); }
std::uint32_t PgResult::type(std::size_t column) const { return content_->rows.column_type(column_number(column)); }
bool PgResult::is_null(std::size_t row, std::size_t column) const {
  return content_->rows[row_number(row)][column_number(column)].is_null();
}
std::string_view PgResult::text(std::size_t row, std::size_t column) const {
  const auto field = content_->rows[row_number(row)][column_number(column)];
  return {field.c_str(), static_cast<std::size_t>(field.size())};
}
std::int64_t PgResult::affected() const noexcept { return static_cast<std::int64_t>(content_->rows.affected_rows()); }

// ---- the connection

struct PgConnection::Handle {
  explicit Handle(const std::string& url) : connection(url) {}

  struct Statement {
    std::string name;
    std::uint64_t last_use = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  pqxx::connection connection;
  std::unordered_map<std::string, Statement, TextHash, std::equal_to<>> statements;
  std::uint64_t uses = 0, names = 0;
};

PgConnection::PgConnection(const PostgresOptions& options, PgLine& line) : options_(options), line_(line) {}

PgConnection::~PgConnection() { line_.disconnect(); }

Result<std::unique_ptr<PgConnection>> PgConnection::open(const PostgresOptions& options, PgLine& line) {
  std::unique_ptr<PgConnection> made(new PgConnection(options, line));
  const auto refused = [&](std::string_view said) {
    return error(error_type::database,
                 "can't connect to the database: " + without_password(options.url, one_line(said).substr(0, 500)));
  };
  try {
    made->handle_ = std::make_unique<Handle>(connection_string(options));
    set_verbose(made->handle_->connection);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& problem) {
    return refused(problem.what());
  }
  line.connect(made->handle_->connection.sock());
  auto settled = made->run(session_settings(options, made->handle_->connection.server_version()));
  if (!settled) return refused(settled.error().message);
  return made;
}

bool PgConnection::is_open() const noexcept { return handle_->connection.is_open(); }

bool PgConnection::is_idle_and_alive() const noexcept {
  if (!is_open()) return false;
  // Nobody asked for anything, so whatever is there to read is the end, or the reason for it.
  pollfd waiting{handle_->connection.sock(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

template <class F>
Result<PgResult> PgConnection::attempt(F&& work) {
  failure_ = PgFailure();
  const auto failed = [&](std::string_view sqlstate, std::string_view message) -> Error {
    failure_ = read_failure(sqlstate, message);
    failure_.lost = !is_open() || failure_.sqlstate.starts_with("08") || failure_.sqlstate.starts_with("57P");
    return error_of(failure_, options_);
  };
  // libpqxx 6 would quietly connect anew, in the middle of a transaction too.
  if (!is_open()) return failed("08003", "the connection is closed");
  struct Waiting {
    explicit Waiting(PgLine& its_line) : line(its_line) { line.ask(); }
    ~Waiting() { line.answered(); }
    PgLine& line;
  } waiting(line_);
  try {
    pqxx::nontransaction direct(handle_->connection);
    return PgResult(std::make_shared<const PgResult::Content>(PgResult::Content{work(direct)}));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const pqxx::in_doubt_error& problem) {
    return failed("40003", problem.what());
  } catch (const pqxx::serialization_failure& problem) {
    return failed("40001", problem.what());
  } catch (const pqxx::deadlock_detected& problem) {
    return failed("40P01", problem.what());
  } catch (const pqxx::statement_completion_unknown& problem) {
    return failed("40003", problem.what());
  } catch (const pqxx::broken_connection& problem) {
    return failed("08006", problem.what());
  } catch (const pqxx::sql_error& problem) {
    return failed(problem.sqlstate(), problem.what());
  } catch (const std::exception& problem) {
    return failed("", problem.what());
  }
}

Result<PgResult> PgConnection::run(std::string_view text) {
  return attempt([&](pqxx::transaction_base& direct) { return direct.exec(std::string(text)); });
}

Result<PgResult> PgConnection::run(std::string_view text, const PgParameters& parameters, bool keep) {
  if (!keep || text.size() > longest_kept_text) {
    return attempt([&](pqxx::transaction_base& direct) { return execute(direct, std::string(text), parameters); });
  }
  auto name = prepared(text);
  if (!name) return std::move(name).error();
  const bool first = handle_->statements.find(text)->second.last_use == 0;
  auto result = attempt([&](pqxx::transaction_base& direct) { return execute_prepared(direct, *name, parameters); });
  const auto statement = handle_->statements.find(text);
  statement->second.last_use = ++handle_->uses;
  // Whether the server has it is not known.
  if (!result && first) handle_->statements.erase(statement);
  return result;
}

Result<std::string> PgConnection::prepared(std::string_view text) {
  auto& statements = handle_->statements;
  const auto found = statements.find(text);
  if (found != statements.end()) return found->second.name;
  if (statements.size() >= most_statements) {
    const auto oldest = std::min_element(statements.begin(), statements.end(), [](const auto& left, const auto& right) {
      return left.second.last_use < right.second.last_use;
    });
    const std::string name = oldest->second.name;
    statements.erase(oldest);
    // In a failed transaction the server refuses even this; then it keeps one statement too many.
    try {
      if (is_open()) handle_->connection.unprepare(name);
    } catch (const std::exception&) {
      failure_ = PgFailure();
    }
  }
  const std::string name = "fnstack_" + std::to_string(++handle_->names);
  // libpqxx 6 sends it with the first use, 7 at once.
  auto made = attempt([&](pqxx::transaction_base&) {
    handle_->connection.prepare(name, std::string(text));
    return pqxx::result();
  });
  if (!made) return std::move(made).error();
  statements.emplace(std::string(text), Handle::Statement{name, 0});
  return name;
}

void PgConnection::forget(std::string_view text) noexcept {
  const auto found = handle_->statements.find(text);
  if (found != handle_->statements.end()) handle_->statements.erase(found);
}

void PgConnection::forget_all() noexcept { handle_->statements.clear(); }

}  // namespace fnstack::backends
