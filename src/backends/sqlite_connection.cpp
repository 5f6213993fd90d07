#include "backends/sqlite_connection.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <thread>
#include <utility>

#include "backends/sqlite_functions.hpp"

namespace fnstack::backends {
namespace {

using Clock = std::chrono::steady_clock;

// Statement texts differ by table, columns and shape of filter: a program has dozens. Filters built from data
// could make endless new ones.
constexpr std::size_t most_statements = 256;
// How many of SQLite's instructions pass between two looks at the clock: about a tenth of a millisecond.
constexpr int progress_interval = 10'000;

Error database_error(std::string message) { return make_error(error_type::database, std::move(message)); }

// "UNIQUE constraint failed: t.c" says names only, never values; a trigger's own words are the schema's.
std::string constraint_message(std::string text) {
  for (const std::string_view word : {"UNIQUE", "NOT NULL", "CHECK", "FOREIGN KEY", "PRIMARY KEY"}) {
    if (!text.starts_with(word)) continue;
    for (std::size_t at = 0; at < word.size(); ++at)
      text[at] = static_cast<char>(text[at] == ' ' ? ' ' : text[at] - 'A' + 'a');
  }
  return text;
}

}  // namespace

SqliteStatement::~SqliteStatement() { sqlite3_finalize(handle); }

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const SqliteOptions& options) {
  if (options.path.empty())
    return make_error(error_type::validation, "sqlite: the path is empty; \":memory:\" is a database in memory");
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection);
  connection->read_only_ = options.read_only;
  connection->in_memory_ = options.path == ":memory:";
  connection->busy_timeout_ms_ = options.busy_timeout_ms;
  const int mode = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(options.path.c_str(), &connection->handle_,
                                   mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) {
    Error error = connection->failure(code);
    error.message = "sqlite: " + options.path + ": " + error.message;
    return error;
  }
  if (auto configured = connection->configure(options); !configured) {
    Error error = std::move(configured).error();
    error.message = "sqlite: " + options.path + ": " + error.message;
    return error;
  }
  return connection;
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

Result<Done> SqliteConnection::configure(const SqliteOptions& options) {
  // An unknown "column" must be an error, never a text: DQS. The others keep a hostile file harmless.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  sqlite3_busy_handler(handle_, &SqliteConnection::on_busy, this);
  sqlite3_progress_handler(handle_, progress_interval, &SqliteConnection::on_progress, this);
  // Set once: setting it later would have every prepared statement prepared again.
  sqlite3_set_authorizer(handle_, &SqliteConnection::authorize, this);
  if (!register_sqlite_functions(handle_)) return database_error("SQLite refused its functions");
  // Reading the head says whether this is a database at all.
  if (auto read = run("SELECT count(*) FROM sqlite_schema"); !read) return std::move(read).error();
  if (options.max_bytes > 0) {
    auto page = run("PRAGMA page_size");
    if (!page) return std::move(page).error();
    const std::int64_t pages = std::max<std::int64_t>(1, options.max_bytes / std::max<std::int64_t>(1, *page));
    if (auto set = run("PRAGMA max_page_count = " + std::to_string(pages)); !set) return std::move(set).error();
  }
  if (in_memory_ || options.read_only) return Done{};
  if (auto mode = run("PRAGMA journal_mode = WAL"); !mode && last_failure_ != SQLITE_BUSY)
    return std::move(mode).error();
  if (auto full = run("PRAGMA synchronous = FULL"); !full) return std::move(full).error();
  return Done{};
}

Result<Done> SqliteConnection::check_file() const {
  if (in_memory_) return Done{};
  int moved = 0;
  if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0) {
    return database_error("the database file was moved, replaced or deleted while it was open");
  }
  return Done{};
}

Result<SqliteStatement*> SqliteConnection::prepare(std::string_view text) {
  const auto found = statements_.find(text);
  if (found != statements_.end()) {
    found->second->last_use = ++uses_;
    return found->second.get();
  }
  if (statements_.size() >= most_statements) {
    statements_.erase(std::min_element(statements_.begin(), statements_.end(), [](const auto& left, const auto& right) {
      return left.second->last_use < right.second->last_use;
    }));
  }
  auto statement = prepare_own(text);
  if (!statement) return std::move(statement).error();
  (*statement)->last_use = ++uses_;
  return statements_.emplace(std::string(text), std::move(*statement)).first->second.get();
}

Result<std::unique_ptr<SqliteStatement>> SqliteConnection::prepare_own(std::string_view text) {
  auto statement = std::make_unique<SqliteStatement>();
  const int code = sqlite3_prepare_v3(handle_, text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement->handle, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return statement;
}

Result<std::unique_ptr<SqliteStatement>> SqliteConnection::prepare_foreign(std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    return make_error(error_type::validation, "sql: the text has a NUL character in it");
  if (text.size() > 1'000'000) return make_error(error_type::limit, "sql: the text is longer than 1000000 bytes");
  const char* rest = text.data();
  const char* const end = text.data() + text.size();
  std::unique_ptr<SqliteStatement> first;
  while (rest != end) {
    auto statement = std::make_unique<SqliteStatement>();
    const int code = sqlite3_prepare_v2(handle_, rest, static_cast<int>(end - rest), &statement->handle, &rest);
    if (code != SQLITE_OK || statement->handle != nullptr) {
      if (first != nullptr) return make_error(error_type::validation, "sql: expected one statement, got several");
      if (code != SQLITE_OK) {
        Error error = failure(code);
        error.message = "sql: " + error.message;
        return error;
      }
      first = std::move(statement);
    }
  }
  if (first == nullptr) return make_error(error_type::validation, "sql: expected a statement, got an empty text");
  return first;
}

Result<Done> SqliteConnection::bind(SqliteStatement& statement, const std::vector<Value>& bindings) {
  int place = 0;
  for (const Value& value : bindings) {
    if (auto bound = bind_at(statement, ++place, value); !bound) return bound;
  }
  return Done{};
}

Result<Done> SqliteConnection::bind_at(SqliteStatement& statement, int place, const Value& value) {
  int code = SQLITE_OK;
  const std::string_view content = value.as_string();
  switch (value.kind()) {
    case Value::Kind::null:
      code = sqlite3_bind_null(statement.handle, place);
      break;
    case Value::Kind::integer:
      code = sqlite3_bind_int64(statement.handle, place, value.as_integer());
      break;
    case Value::Kind::number:
      code = sqlite3_bind_double(statement.handle, place, value.as_number());
      break;
    case Value::Kind::string: {
      const char* text = content.empty() ? "" : content.data();  // a null pointer would be NULL
      code = sqlite3_bind_text64(statement.handle, place, text, content.size(), SQLITE_STATIC, SQLITE_UTF8);
      break;
    }
    case Value::Kind::bytes:
      code = content.empty()
                 ? sqlite3_bind_zeroblob(statement.handle, place, 0)
                 : sqlite3_bind_blob64(statement.handle, place, content.data(), content.size(), SQLITE_STATIC);
      break;
    default:
      code = SQLITE_MISMATCH;
      break;
  }
  if (code != SQLITE_OK) return failure(code);
  return Done{};
}

Result<Done> SqliteConnection::bind_foreign(SqliteStatement& statement, const std::vector<Value>& bindings) {
  const int places = sqlite3_bind_parameter_count(statement.handle);
  std::vector<Value> ordered;
  std::size_t needed = 0;
  for (int place = 1; place <= places; ++place) {
    // SQLite takes $2 for a name and numbers it by appearance; other databases, by what it says.
    std::size_t number = static_cast<std::size_t>(place);
    if (const char* name = sqlite3_bind_parameter_name(statement.handle, place); name != nullptr && name[0] == '$') {
      const std::string_view digits(name + 1);
      const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (problem != std::errc() || end != digits.data() + digits.size() || number == 0) {
        return make_error(error_type::validation,
                          "sql: expected ? or $1, $2 … as places for bindings, got " + std::string(name));
      }
    }
    needed = std::max(needed, number);
    ordered.push_back(number <= bindings.size() ? bindings[number - 1] : Value());
  }
  if (needed != bindings.size()) {
    return make_error(error_type::validation,
                      "sql: expected " + std::to_string(needed) + " bindings, got " + std::to_string(bindings.size()));
  }
  // The statement borrows what it is given.
  statement.own_bindings = std::move(ordered);
  return bind(statement, statement.own_bindings);
}

Result<bool> SqliteConnection::step(SqliteStatement& statement) {
  const int code = sqlite3_step(statement.handle);
  const int times = sqlite3_stmt_status(statement.handle, SQLITE_STMTSTATUS_REPREPARE, 0);
  if (times != statement.prepared_times) {
    statement.prepared_times = times;
    met_new_schema_ = true;
  }
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(code);
}

void SqliteConnection::describe(SqliteStatement& statement) const {
  if (statement.described_times == statement.prepared_times) return;
  statement.described_times = statement.prepared_times;
  statement.cells.clear();
  statement.slots.clear();
  statement.model = Value::object();
  const int columns = sqlite3_column_count(statement.handle);
  std::vector<std::string_view> names;
  for (int at = 0; at < columns; ++at) {
    const char* declared = sqlite3_column_decltype(statement.handle, at);
    const char* name = sqlite3_column_name(statement.handle, at);
    statement.cells.push_back(class_of_declared_type(declared != nullptr ? declared : ""));
    const std::string_view text = name != nullptr ? name : "";
    const auto known = std::find(names.begin(), names.end(), text);
    statement.slots.push_back(static_cast<std::size_t>(known - names.begin()));
    if (known != names.end()) continue;
    names.push_back(text);
    statement.model.set(text, Value());
  }
  statement.row.resize(names.size());
}

Value SqliteConnection::row(SqliteStatement& statement) {
  describe(statement);
  for (std::size_t at = 0; at < statement.cells.size(); ++at) {
    const int column = static_cast<int>(at);
    const CellClass cell = statement.cells[at];
    Value& value = statement.row[statement.slots[at]];
    switch (sqlite3_column_type(statement.handle, column)) {
      case SQLITE_INTEGER:
        value = decode_integer(cell, sqlite3_column_int64(statement.handle, column));
        break;
      case SQLITE_FLOAT:
        value = Value(sqlite3_column_double(statement.handle, column));
        break;
      case SQLITE_TEXT: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.handle, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement.handle, column));
        value = decode_text(cell, text == nullptr ? std::string_view() : std::string_view(text, size));
        break;
      }
      case SQLITE_BLOB: {
        const auto* content = static_cast<const char*>(sqlite3_column_blob(statement.handle, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement.handle, column));
        value = decode_blob(cell, content == nullptr ? std::string_view() : std::string_view(content, size));
        break;
      }
      default:
        value = Value();
        break;
    }
  }
  return Value::object_like(statement.model, statement.row);
}

void SqliteConnection::reset(SqliteStatement& statement) noexcept { sqlite3_reset(statement.handle); }

std::int64_t SqliteConnection::set_largest_value(std::int64_t bytes) noexcept {
  return sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, static_cast<int>(std::clamp<std::int64_t>(bytes, 1, INT_MAX)));
}

bool SqliteConnection::is_read_only(const SqliteStatement& statement) const noexcept {
  return sqlite3_stmt_readonly(statement.handle) != 0;
}

Result<std::int64_t> SqliteConnection::run(std::string_view text, const std::vector<Value>& bindings,
                                           std::int64_t otherwise) {
  auto prepared = prepare(text);
  if (!prepared) return std::move(prepared).error();
  SqliteStatement& statement = **prepared;
  std::int64_t answer = otherwise;
  auto bound = bind(statement, bindings);
  Result<bool> more = true;
  for (bool first = true; bound && more && *more; first = false) {
    more = step(statement);
    if (first && more && *more) answer = sqlite3_column_int64(statement.handle, 0);
  }
  reset(statement);
  if (!bound) return std::move(bound).error();
  if (!more) return std::move(more).error();
  return answer;
}

int SqliteConnection::scanned_rows(const SqliteStatement& statement) const noexcept {
  return sqlite3_stmt_status(statement.handle, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
}

bool SqliteConnection::run_at_once(std::string_view text) {
  const int patience = std::exchange(busy_timeout_ms_, 0);
  const bool done = run(text).ok();
  busy_timeout_ms_ = patience;
  return done;
}

bool SqliteConnection::is_busy() const noexcept { return last_failure_ == SQLITE_BUSY; }

std::int64_t SqliteConnection::changes() const noexcept { return sqlite3_changes64(handle_); }

std::int64_t SqliteConnection::last_inserted() const noexcept { return sqlite3_last_insert_rowid(handle_); }

bool SqliteConnection::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

Error SqliteConnection::failure(int code) {
  last_failure_ = code & 0xFF;
  const char* said = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (last_failure_) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (closing_) return database_error("the database was closed while the command waited for another process");
      if (call_ != nullptr && call_->stop.stop_requested()) return make_error(error_type::cancelled, "cancelled");
      if (call_ != nullptr && Clock::now() >= call_->deadline) {
        return make_error(error_type::timeout, "the time was up while another process held the database's lock");
      }
      return database_error("the database is busy: another connection held its lock for " +
                            std::to_string(busy_timeout_ms_) + " ms; try again");
    case SQLITE_INTERRUPT:
      if (closing_) return database_error("the database was closed while the command was performed");
      if (call_ != nullptr && call_->stop.stop_requested()) return make_error(error_type::cancelled, "cancelled");
      return make_error(error_type::timeout, "the time was up while the database worked");
    case SQLITE_FULL:
      return database_error("the database, or the disk it is on, is full");
    case SQLITE_READONLY:
      if (code == SQLITE_READONLY_DBMOVED)
        return database_error("the database file was moved, replaced or deleted while it was open");
      return database_error("the database is read-only");
    case SQLITE_CORRUPT:
      return database_error("the database file is damaged");
    case SQLITE_NOTADB:
      return database_error("the file is not a SQLite database");
    case SQLITE_CANTOPEN:
      return database_error("the database file can't be opened; its directory must exist and be writable");
    case SQLITE_IOERR:
      return database_error(std::string("reading or writing the database file failed: ") + sqlite3_errstr(code));
    case SQLITE_PERM:
      return database_error("no permission to open the database file");
    case SQLITE_TOOBIG:
      return make_error(error_type::limit, "a value or the statement is too big for the database");
    case SQLITE_NOMEM:
      return make_error(error_type::limit, "the database ran out of memory");
    case SQLITE_MISMATCH:
      return make_error(error_type::validation, "id: expected an integer");
    case SQLITE_CONSTRAINT:
      return database_error(constraint_message(said));
    case SQLITE_AUTH:
      return database_error(
          "this kind of statement is refused: transactions belong in a Database Transaction step, and ATTACH, DETACH, "
          "PRAGMA and VACUUM are not for definitions");
    default:
      return database_error(said);
  }
}

int SqliteConnection::on_busy(void* self, int count) {
  auto& connection = *static_cast<SqliteConnection*>(self);
  const auto now = Clock::now();
  if (count == 0) connection.busy_since_ = now;
  auto end = connection.busy_since_ + std::chrono::milliseconds(connection.busy_timeout_ms_);
  if (connection.call_ != nullptr) {
    if (connection.call_->stop.stop_requested()) return 0;
    end = std::min(end, connection.call_->deadline);
  }
  if (now >= end || connection.closing_) return 0;
  // SQLite tells nobody when a lock is free: look again, soon at first.
  const auto pause = std::chrono::milliseconds(count < 5 ? 1 : 10);
  std::this_thread::sleep_for(std::min<Clock::duration>(pause, end - now));
  return 1;
}

int SqliteConnection::on_progress(void* self) {
  const auto& connection = *static_cast<SqliteConnection*>(self);
  if (connection.closing_) return 1;
  const Call* call = connection.call_;
  if (call == nullptr) return 0;
  return call->stop.stop_requested() || (call->deadline != Clock::time_point::max() && Clock::now() >= call->deadline);
}

int SqliteConnection::authorize(void* self, int action, const char*, const char*, const char*, const char*) {
  if (!static_cast<SqliteConnection*>(self)->restricted_) return SQLITE_OK;
  switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
      return SQLITE_DENY;
    default:
      return SQLITE_OK;
  }
}

SqliteAtomic::~SqliteAtomic() {
  if (!open_) return;
  // SQLite may have rolled back by itself; then there is nothing to undo.
  if (!connection_.in_transaction()) return;
  const Call* none = nullptr;
  connection_.serve(none);  // an undo is not subject to the deadline that may have caused it
  if (nested_) {
    (void)connection_.run("ROLLBACK TO fnstack_step").ok();
    (void)connection_.run("RELEASE fnstack_step").ok();
  } else {
    (void)connection_.run("ROLLBACK").ok();
  }
}

Result<Done> SqliteAtomic::begin() {
  nested_ = connection_.in_transaction();
  auto begun = connection_.run(nested_ ? "SAVEPOINT fnstack_step" : "BEGIN IMMEDIATE");
  if (!begun) return std::move(begun).error();
  open_ = true;
  return Done{};
}

Result<Done> SqliteAtomic::commit() {
  auto committed = connection_.run(nested_ ? "RELEASE fnstack_step" : "COMMIT");
  if (!committed) return std::move(committed).error();
  open_ = false;
  return Done{};
}

}  // namespace fnstack::backends
