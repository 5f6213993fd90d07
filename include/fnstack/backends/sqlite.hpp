// Records in SQLite: one file, or memory. Component fnstack::sqlite.
#pragma once

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
};

// Opens or creates the file and reads its head. Errors: `database` (no database, damaged, can't be opened).
// A file is kept in WAL mode and every commit is on disk (synchronous=FULL) before its command is answered. One
// connection: commands are performed one at a time on the thread that sends them, and answered inline unless another
// transaction is open.
[[nodiscard]] Result<std::shared_ptr<Database>> sqlite_database(SqliteOptions options);

// "sqlite:PATH?schema=strict&busy_timeout=2000&mode=ro", "sqlite::memory:". All options may be left out. The path
// is taken as it is up to the first "?". Errors: `validation`.
[[nodiscard]] Result<SqliteOptions> parse_sqlite_url(std::string_view url);

}  // namespace fnstack
