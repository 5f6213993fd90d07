#include "backends/postgres_types.hpp"

namespace fnstack::backends {

std::optional<PgType> builtin_type(std::uint32_t oid) noexcept {
  const auto of = [](PgKind kind, std::uint8_t width = 8) {
    PgType type;
    type.kind = kind;
    type.width = width;
    return type;
  };
  const auto time = [&](bool is_date, bool has_zone) {
    PgType type = of(PgKind::timestamp);
    type.is_date = is_date;
    type.has_zone = has_zone;
    return type;
  };
  const auto array = [](std::optional<PgType> element) {
    element->is_array = true;
    return element;
  };
  // The numbers are fixed: src/include/catalog/pg_type.dat.
  switch (oid) {
    case 16:
      return of(PgKind::boolean);
    case 17:
      return of(PgKind::bytea);
    case 18:
    case 19:
    case 25:
    case 1043:
      return of(PgKind::text);
    case 1042:
      return of(PgKind::padded);
    case 20:
    case 26:
      return of(PgKind::integer, 8);
    case 21:
      return of(PgKind::integer, 2);
    case 23:
      return of(PgKind::integer, 4);
    case 114:
      return of(PgKind::json);
    case 3802:
      return of(PgKind::jsonb);
    case 700:
      return of(PgKind::real);
    case 701:
      return of(PgKind::number);
    case 1700:
      return of(PgKind::numeric);
    case 2950:
      return of(PgKind::uuid);
    case 1082:
      return time(true, false);
    case 1114:
      return time(false, false);
    case 1184:
      return time(false, true);
    case 1000:
      return array(builtin_type(16));
    case 1001:
      return array(builtin_type(17));
    case 1003:
    case 1009:
    case 1015:
      return array(builtin_type(25));
    case 1014:
      return array(builtin_type(1042));
    case 1016:
      return array(builtin_type(20));
    case 1005:
      return array(builtin_type(21));
    case 1007:
      return array(builtin_type(23));
    case 199:
      return array(builtin_type(114));
    case 3807:
      return array(builtin_type(3802));
    case 1021:
      return array(builtin_type(700));
    case 1022:
      return array(builtin_type(701));
    case 1231:
      return array(builtin_type(1700));
    case 2951:
      return array(builtin_type(2950));
    case 1182:
      return array(builtin_type(1082));
    case 1115:
      return array(builtin_type(1114));
    case 1185:
      return array(builtin_type(1184));
    default:
      // The first 16384 are PostgreSQL's own.
      return oid < 16'384 ? std::optional(of(PgKind::other)) : std::nullopt;
  }
}

std::string_view cast_name(PgKind kind) noexcept {
  switch (kind) {
    case PgKind::integer:
      return "bigint";
    case PgKind::real:
    case PgKind::number:
      return "double precision";
    case PgKind::numeric:
      return "numeric";
    case PgKind::boolean:
      return "boolean";
    case PgKind::uuid:
      return "uuid";
    case PgKind::timestamp:
      return "timestamptz";
    case PgKind::json:
      return "json";
    case PgKind::jsonb:
      return "jsonb";
    case PgKind::bytea:
      return "bytea";
    default:
      return "text";
  }
}

}  // namespace fnstack::backends
