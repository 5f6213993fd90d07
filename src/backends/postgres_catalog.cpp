#include "backends/postgres_catalog.hpp"

#include <charconv>
#include <utility>

#include "backends/record_rules.hpp"

namespace fnstack::backends {
namespace {

constexpr std::string_view own_comment = "fnstack";
constexpr std::string_view own_empty_comment = "fnstack: no value yet";
// Two processes that make the same table or column take turns.
constexpr std::string_view schema_lock = "SELECT pg_advisory_xact_lock(4917372936521463)";

// How long another process's change of a column's type may go unseen: a filter is written for the type. What is missing
// is looked up anew at once.
constexpr auto own_patience = std::chrono::seconds(1);
constexpr auto patience_of_others = std::chrono::seconds(10);

constexpr std::string_view columns_of_table = R"(
SELECT c.relname, a.attname, b.oid, b.typtype, CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE 0 END,
       coalesce(e.typtype, ''), CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
       coalesce(l.collisdeterministic, true), coalesce(pg_catalog.col_description(c.oid, a.attnum), '')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_catalog.pg_type e ON e.oid = b.typelem
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
WHERE lower(c.relname::text COLLATE "C") = lower($1::text COLLATE "C") AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND pg_catalog.pg_table_is_visible(c.oid) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY c.relname::text <> $1::text, c.relname, a.attnum)";

constexpr std::string_view names_of_tables = R"(
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY c.relname LIMIT 1000)";

std::int64_t integer_of(std::string_view text) noexcept {
  std::int64_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

PgType user_type(std::string_view form, std::uint32_t oid, std::uint32_t element, std::string_view element_form) {
  if (element != 0) {
    PgType type = builtin_type(element).value_or(PgType());
    if (element_form == "e") type.kind = PgKind::enumerated;
    type.is_array = true;
    return type;
  }
  if (auto known = builtin_type(oid)) return *known;
  PgType type;
  if (form == "e") type.kind = PgKind::enumerated;
  return type;
}

// A numeric of at most 15 digits is a double without loss.
bool keeps_digits(std::int64_t modifier) noexcept { return modifier >= 4 && ((modifier - 4) >> 16 & 0xFFFF) <= 15; }

// The kind that auto schema gives a column for this value.
PgKind kind_for(const Value& value) noexcept {
  switch (value.kind()) {
    case Value::Kind::integer:
      return PgKind::integer;
    case Value::Kind::number:
      return PgKind::number;
    case Value::Kind::boolean:
      return PgKind::boolean;
    case Value::Kind::bytes:
      return PgKind::bytea;
    case Value::Kind::array:
    case Value::Kind::object:
      return PgKind::json;
    default:
      return PgKind::text;
  }
}

bool is_number(PgKind kind) noexcept {
  return kind == PgKind::integer || kind == PgKind::number || kind == PgKind::numeric;
}

// The kind that holds all of both.
PgKind wider(PgKind left, PgKind right) noexcept {
  if (left == right) return left;
  return is_number(left) && is_number(right) ? PgKind::numeric : PgKind::json;
}

bool fits(const PgColumn& column, const Value& value) noexcept {
  if (column.owner == PgOwner::somebody || value.is_null() || same_name(column.name, "id")) return true;
  if (column.owner == PgOwner::ours_without_value) return false;
  const PgKind kind = column.type.kind, wanted = kind_for(value);
  return kind == wanted || (kind == PgKind::numeric && is_number(wanted)) ||
         (kind == PgKind::json && wanted != PgKind::bytea);
}

// What the records want of one column: nothing if all have null there.
std::optional<PgKind> wanted_kind(const std::vector<Value>& records, std::string_view name) {
  std::optional<PgKind> kind;
  for (const Value& record : records) {
    const Value* value = find_member(record, name);
    if (value == nullptr || value->is_null()) continue;
    kind = kind ? wider(*kind, kind_for(*value)) : kind_for(*value);
  }
  return kind;
}

std::string comment_on(std::string_view table, std::string_view column, std::string_view comment) {
  return "COMMENT ON COLUMN " + quote_identifier(table) + "." + quote_identifier(column) + " IS '" +
         std::string(comment) + "'";
}

}  // namespace

const PgColumn* PgTable::column(std::string_view wanted) const noexcept {
  for (const PgColumn& column : columns) {
    if (column.name == wanted) return &column;
  }
  for (const PgColumn& column : columns) {
    if (same_name(column.name, wanted)) return &column;
  }
  return nullptr;
}

bool PgTable::is_ours() const noexcept {
  const PgColumn* id = column("id");
  return id != nullptr && id->owner != PgOwner::somebody;
}

Result<PgTablePtr> PgCatalog::find(std::string_view name) {
  const auto found = tables_.find(name);
  if (found != tables_.end() && now_ < found->second.until) return found->second.table;
  auto loaded = load(name);
  if (!loaded || *loaded != nullptr || auto_) return loaded;
  auto listed = connection_.run(names_of_tables, {}, true);
  if (!listed) return std::move(listed).error();
  std::vector<std::string_view> names;
  for (std::size_t row = 0; row < listed->rows(); ++row) names.push_back(listed->text(row, 0));
  return no_such_table(name, names);
}

Result<Done> PgCatalog::expect_columns(PgTablePtr& table, const std::vector<std::string_view>& columns) {
  const auto missing = [&]() -> const std::string_view* {
    for (const std::string_view& column : columns) {
      if (table->column(column) == nullptr) return &column;
    }
    return nullptr;
  };
  if (missing() == nullptr) return Done{};
  const std::string name = table->name;
  tables_.erase(name);
  auto again = find(name);
  if (!again) return std::move(again).error();
  if (*again == nullptr)
    return make_error(error_type::database, "the table was dropped by another connection; try again");
  table = *again;
  const std::string_view* still = missing();
  if (still == nullptr || auto_) return Done{};
  std::vector<std::string_view> known;
  for (const PgColumn& column : table->columns) known.push_back(column.name);
  return no_such_column(table->name, *still, known);
}

bool PgCatalog::holds(const PgTable& table, const Value& record) noexcept {
  for (std::size_t at = 0; at < record.size(); ++at) {
    const PgColumn* column = table.column(record.key_at(at));
    if (column == nullptr || !fits(*column, record[at])) return false;
  }
  return true;
}

Result<Done> PgCatalog::run(const std::string& text) {
  auto done = connection_.run(text);
  if (!done) return std::move(done).error();
  return Done{};
}

Result<PgTablePtr> PgCatalog::make_room(const DatabaseCommand& command, const std::vector<Value>& records) {
  const auto holds_all = [&](const PgTable& table) {
    for (const Value& record : records) {
      if (!holds(table, record)) return false;
    }
    return true;
  };
  auto found = find(command.table);
  if (!found || (*found != nullptr && holds_all(**found))) return found;
  if (*found == nullptr) {
    if (!command.declared_table) return no_such_table(command.table, {});
    if (auto wrong = check_new_name("table", command.table)) return std::move(*wrong);
  }
  std::vector<std::string_view> names;
  for (const Value& record : records) {
    for (std::size_t at = 0; at < record.size(); ++at) {
      bool known = *found == nullptr && same_name(record.key_at(at), "id");
      for (const std::string_view name : names) known = known || same_name(name, record.key_at(at));
      if (!known) names.push_back(record.key_at(at));
    }
  }
  for (const std::string_view name : names) {
    if (*found != nullptr && (*found)->column(name) != nullptr) continue;
    if (!is_declared(command, name)) return not_declared(command, name);
    if (auto wrong = check_new_name("column", name)) return std::move(*wrong);
  }
  // From here on as things are now, not as they are remembered.
  if (auto locked = run(std::string(schema_lock)); !locked) return std::move(locked).error();
  auto loaded = load(command.table);
  if (!loaded || (*loaded != nullptr && holds_all(**loaded))) return loaded;
  std::string text;
  const std::string table = *loaded != nullptr ? (*loaded)->name : command.table;
  if (*loaded == nullptr) {
    text = "CREATE TABLE " + quote_identifier(table) +
           " (\"id\" bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY); " + comment_on(table, "id", own_comment) +
           "; ";
  }
  for (const std::string_view name : names) {
    const PgColumn* column = *loaded != nullptr ? (*loaded)->column(name) : nullptr;
    const auto kind = wanted_kind(records, name);
    const std::string_view comment = kind ? own_comment : own_empty_comment;
    const std::string altered = "ALTER TABLE " + quote_identifier(table);
    if (column == nullptr) {
      text += altered + " ADD COLUMN " + quote_identifier(name) + " " +
              std::string(cast_name(kind.value_or(PgKind::text))) + "; " + comment_on(table, name, comment) + "; ";
      continue;
    }
    if (column->owner == PgOwner::somebody || !kind || same_name(name, "id")) continue;
    const std::string quoted = quote_identifier(column->name);
    if (column->owner == PgOwner::ours_without_value) {
      text += altered + " ALTER COLUMN " + quoted + " TYPE " + std::string(cast_name(*kind)) + " USING NULL; " +
              comment_on(table, column->name, own_comment) + "; ";
      continue;
    }
    const PgKind wide = wider(column->type.kind, *kind);
    if (wide == column->type.kind) continue;
    if (column->type.kind == PgKind::bytea || *kind == PgKind::bytea) {
      return make_error(error_type::validation,
                        "column \"" + column->name + "\": bytes and other values can't stand in the same column");
    }
    text += altered + " ALTER COLUMN " + quoted + " TYPE " + std::string(cast_name(wide)) + " USING " +
            (wide == PgKind::numeric ? quoted + "::numeric; " : "to_json(" + quoted + "); ");
  }
  if (!text.empty()) {
    if (auto made = run(text); !made) return std::move(made).error();
  }
  has_made_ = true;
  connection_.forget_all();
  return load(command.table);
}

void PgCatalog::freshen() {
  now_ = std::chrono::steady_clock::now();
  if (const std::uint64_t version = *version_; version != seen_) {
    seen_ = version;
    tables_.clear();
    connection_.forget_all();
  }
}

bool PgCatalog::has_changed(std::string_view name) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) return false;
  const PgTablePtr before = found->second.table;
  auto now = load(name);
  if (!now) return false;
  return *now == nullptr || (*now)->name != before->name || (*now)->columns != before->columns;
}

Result<PgType> PgCatalog::type(std::uint32_t oid) {
  if (const auto known = builtin_type(oid)) return *known;
  if (const auto found = types_.find(oid); found != types_.end()) return found->second;
  auto asked = connection_.run(
      "SELECT t.typtype, CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END, coalesce(e.typtype, '') FROM "
      "pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem WHERE t.oid = $1::oid",
      {std::to_string(oid)}, true);
  if (!asked) return std::move(asked).error();
  PgType type;
  if (asked->rows() > 0) {
    type =
        user_type(asked->text(0, 0), oid, static_cast<std::uint32_t>(integer_of(asked->text(0, 1))), asked->text(0, 2));
  }
  types_.emplace(oid, type);
  return type;
}

Result<PgTablePtr> PgCatalog::load(std::string_view name) {
  if (const auto found = tables_.find(name); found != tables_.end()) tables_.erase(found);
  if (name.find('\0') != std::string_view::npos || name.size() > 63) return PgTablePtr();
  auto rows = connection_.run(columns_of_table, {std::string(name)}, true);
  if (!rows) return std::move(rows).error();
  auto table = std::make_shared<PgTable>();
  for (std::size_t row = 0; row < rows->rows(); ++row) {
    if (row > 0 && rows->text(row, 0) != table->name) break;  // another that differs in case only
    table->name = rows->text(row, 0);
    PgColumn column;
    column.name = rows->text(row, 1);
    column.type = user_type(rows->text(row, 3), static_cast<std::uint32_t>(integer_of(rows->text(row, 2))),
                            static_cast<std::uint32_t>(integer_of(rows->text(row, 4))), rows->text(row, 5));
    column.type.is_exact = column.type.kind == PgKind::numeric && keeps_digits(integer_of(rows->text(row, 6)));
    column.is_deterministic = rows->text(row, 7) == "t";
    if (rows->text(row, 8) == own_comment) column.owner = PgOwner::ours;
    if (rows->text(row, 8) == own_empty_comment) column.owner = PgOwner::ours_without_value;
    table->columns.push_back(std::move(column));
  }
  if (table->columns.empty()) return PgTablePtr();
  PgTablePtr kept = std::move(table);
  const auto patience = auto_ && kept->is_ours() ? own_patience : patience_of_others;
  tables_.insert_or_assign(std::string(name), Remembered{kept, now_ + patience});
  return kept;
}

}  // namespace fnstack::backends
