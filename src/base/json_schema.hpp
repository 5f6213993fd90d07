// JsonSchema: is a value as a JSON Schema (draft 7) says? For responses: `expect: {schema}`. valijson walks the schema;
// what it does unsafely or not at all (regular expressions, formats, numbers, references) is done here.
//
// Differences from draft 7, all of them found when the schema is compiled, never silently: references stay within the
// document ("#/definitions/x"), an unknown keyword or format is an error, and so is anything beside a $ref. Regular
// expressions are RE2's. `format` is checked: date-time, date, time, email, uri, uuid, ipv4, hostname.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace fnstack::base {

// Compiled once; copies share it, and any number of threads may check by it.
class JsonSchema {
 public:
  // `validation`: what is wrong with the schema and where ("schema: /properties/a: type: …").
  [[nodiscard]] static Result<JsonSchema> compile(const Value& schema);

  // Nothing if the value is as the schema says. Else the first problems in one line, each with its place as a JSON
  // pointer: "/items/3/price: expected number, got text; /total: is missing". Names of members may stand in it, values
  // never do. A check that would take too long, or too deep a recursion, is a problem too.
  [[nodiscard]] std::optional<std::string> check(const Value& value) const;

 private:
  struct Compiled;
  explicit JsonSchema(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace fnstack::base
