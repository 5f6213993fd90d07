// The tables of a PostgreSQL database as far as one connection asked for them, and auto schema: making the tables and
// columns that a command writes. Reads no rows but to see whether a column is still empty.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fnstack/effect.hpp>

#include "backends/postgres_connection.hpp"
#include "backends/postgres_types.hpp"
#include "backends/sql_identifiers.hpp"

namespace fnstack::backends {

// Auto schema gives a column the type of its first value: bigint, double precision, boolean, text, bytea, or json for
// arrays and objects. When a value of another kind comes, the column is widened: numbers to numeric, everything else to
// json, where each kind comes back as it was stored. Only columns that auto schema made are ever changed: their comment
// says so.
enum class PgOwner : std::uint8_t {
  somebody,  // never changed
  ours,
  ours_without_value  // made by a null: its first value decides its type
};

struct PgColumn {
  std::string name;
  PgType type;
  bool is_deterministic = true;  // its collation calls texts equal only if their bytes are
  PgOwner owner = PgOwner::somebody;
  friend bool operator==(const PgColumn& left, const PgColumn& right) noexcept {
    return left.name == right.name && left.type.kind == right.type.kind && left.type.is_array == right.type.is_array &&
           left.type.width == right.type.width && left.owner == right.owner;
  }
};

struct PgTable {
  std::string name;  // as the database spells it
  std::vector<PgColumn> columns;

  [[nodiscard]] const PgColumn* column(std::string_view name) const noexcept;
  [[nodiscard]] bool is_ours() const noexcept;
};
using PgTablePtr = std::shared_ptr<const PgTable>;

// Counts the changes that this process makes to the schema: what a connection remembers of before is worth nothing.
using PgSchemaVersion = std::shared_ptr<std::atomic<std::uint64_t>>;

class PgCatalog {
 public:
  PgCatalog(PgConnection& connection, bool auto_schema, PgSchemaVersion version)
      : connection_(connection), auto_(auto_schema), version_(std::move(version)) {}

  [[nodiscard]] bool makes_schema() const noexcept { return auto_; }
  // Null: there is none, under auto schema; else an error that names near ones.
  [[nodiscard]] Result<PgTablePtr> find(std::string_view name);
  // The table holds all these columns; else it is read anew. Missing ones are an error, unless under auto schema.
  [[nodiscard]] Result<Done> expect_columns(PgTablePtr& table, const std::vector<std::string_view>& columns);
  // The record can be written without changing the schema.
  [[nodiscard]] static bool holds(const PgTable& table, const Value& record) noexcept;
  // Makes what is missing for the records. To be called inside a transaction; if that is rolled back, forget().
  [[nodiscard]] Result<PgTablePtr> make_room(const DatabaseCommand& command, const std::vector<Value>& records);
  void forget() noexcept { tables_.clear(); }
  // To be called before each command: forgets what others have changed, or may have changed, since it was read.
  void freshen();
  // The schema is changed, or what was changed is kept or undone now.
  void changed() noexcept {
    tables_.clear();
    ++*version_;
    seen_ = *version_;
  }
  // make_room has changed something since this was last asked.
  [[nodiscard]] bool take_changed() noexcept { return std::exchange(has_made_, false); }
  // True: the table is not as it was remembered.
  [[nodiscard]] bool has_changed(std::string_view name);

  // A type by its number, asked of the database if it is a user's.
  [[nodiscard]] Result<PgType> type(std::uint32_t oid);

 private:
  [[nodiscard]] Result<PgTablePtr> load(std::string_view name);
  [[nodiscard]] Result<Done> run(const std::string& text);

  PgConnection& connection_;
  bool auto_;
  struct Remembered {
    PgTablePtr table;
    std::chrono::steady_clock::time_point until;
  };
  PgSchemaVersion version_;
  std::uint64_t seen_ = 0;
  bool has_made_ = false;
  std::chrono::steady_clock::time_point now_;
  std::unordered_map<std::string, Remembered, NameHash, NameEqual> tables_;
  std::unordered_map<std::uint32_t, PgType> types_;
};

}  // namespace fnstack::backends
