// Records in SQLite: one file, or memory. Component fnstack::sqlite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <fnstack/database.hpp>

namespace fnstack {

struct SqliteOptions {
  std::string path = {};  // ":memory:" is a database of its own, gone with this object
  // False: tables and columns that the definition spells are created when they are first written, and one that is
  // not there yet has no rows and reads as null. True: an unknown one is an error that names near ones.
  bool strict_schema = false;
  // How long a command waits for another process that holds the file's lock; a call's deadline may end it sooner.
  int busy_timeout_ms = 5'000;
  bool read_only = false;      // the file must exist
  std::int64_t max_bytes = 0;  // what would make the file bigger fails as on a full disk; 0: no bound
  std::size_t queue = 10'000;  // commands that wait in not_blocking(); one more is an error `limit`
};

// Opens or creates the file and reads its head. Errors: `database` (no database, damaged, can't be opened).
// A file is kept in WAL mode and every commit is on disk (synchronous=FULL) before its command is answered. One
// connection: commands are performed one at a time on the thread that sends them, and answered inline unless another
// transaction is open.
//
// Its not_blocking() form leaves them to a thread, beside which both forms may be used at once. What queues up while
// that thread is busy shares its next commit: each command is still kept or undone by itself, and answered once it is
// on disk. What reads a file, outside of transactions, goes to up to four connections of its own, which see what has
// been committed and wait for nobody. Threads start with the first command and end with the last form of the database;
// what waits then is answered with an error `database`, and what is being performed is interrupted.
[[nodiscard]] Result<std::shared_ptr<Database>> sqlite_database(SqliteOptions options);

// "sqlite:PATH?schema=strict&busy_timeout=2000&mode=ro", "sqlite::memory:". All options may be left out. The path
// is taken as it is up to the first "?". Errors: `validation`.
[[nodiscard]] Result<SqliteOptions> parse_sqlite_url(std::string_view url);

}  // namespace fnstack
