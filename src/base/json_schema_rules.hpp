// The keywords of JSON Schema that look at one value alone (type, minimum, pattern, required …): read from a schema and
// applied to a value. Schemas within schemas are not known here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fnstack/error.hpp>
#include <fnstack/value.hpp>

namespace re2 {
class RE2;
}

namespace fnstack::base {

// RE2, found anywhere, with a memory budget. An Error says what is wrong with it; `place` begins its message.
[[nodiscard]] Result<std::shared_ptr<const re2::RE2>> compile_schema_pattern(std::string_view pattern,
                                                                             const std::string& place);
[[nodiscard]] bool matches(const re2::RE2& pattern, std::string_view text);

class SchemaRules {
 public:
  // Is this a keyword of these rules?
  [[nodiscard]] static bool knows(std::string_view keyword) noexcept;
  // Reads one of them. `place` ("schema: /a: minimum: ") begins the message.
  [[nodiscard]] std::optional<Error> read(std::string_view keyword, const Value& value, const std::string& place);
  // Nothing is right here: the schema `false`.
  void refuse_all() { never_ = true; }

  // What is wrong with the value, as texts without its place; with `problems` null it stops at the first. `effort` is
  // lowered by what the check costs; it may be below zero afterwards: then the answer means nothing.
  [[nodiscard]] bool check(const Value& value, std::int64_t& effort, std::vector<std::string>* problems) const;

 private:
  [[nodiscard]] bool check_number(const Value& value, std::vector<std::string>* problems) const;
  [[nodiscard]] bool check_text(const Value& value, std::int64_t& effort, std::vector<std::string>* problems) const;
  [[nodiscard]] bool check_list(const Value& value, std::int64_t& effort, std::vector<std::string>* problems) const;
  [[nodiscard]] bool check_object(const Value& value, std::vector<std::string>* problems) const;

  struct Dependency {
    std::string name;
    std::vector<std::string> needed;
  };

  bool never_ = false;
  unsigned types_ = 0;  // bits; 0: any
  std::optional<std::vector<Value>> allowed_;
  std::optional<Value> constant_;
  std::optional<Value> minimum_, maximum_, above_, below_, multiple_of_;
  std::optional<std::int64_t> min_length_, max_length_, min_items_, max_items_, min_members_, max_members_;
  std::shared_ptr<const re2::RE2> pattern_, format_;
  std::string format_name_;
  bool unique_ = false;
  std::vector<std::string> required_;
  std::vector<Dependency> dependencies_;
};

}  // namespace fnstack::base
