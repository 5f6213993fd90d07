// The SQL functions that fnstack adds to a connection: fnstack_matches(operator, cell class, cell, wanted), which asks
// one filter leaf of one cell with the meaning of cell_matches, and regexp, for `text REGEXP pattern` in SQL text.
#pragma once

struct sqlite3;

namespace fnstack::backends {

[[nodiscard]] bool register_sqlite_functions(sqlite3* connection);

}  // namespace fnstack::backends
