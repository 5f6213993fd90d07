// The registry of step kinds and what is made from their tables: lookup by folded name, the reference page.
#include <algorithm>

#include <fnstack/definition.hpp>
#include <fnstack/json.hpp>
#include <fnstack/step_kind.hpp>

namespace fnstack {

namespace {

std::string_view name_of(FieldType type) {
  switch (type) {
    case FieldType::value:
      return "any";
    case FieldType::text:
      return "text";
    case FieldType::integer:
      return "integer";
    case FieldType::number:
      return "number";
    case FieldType::boolean:
      return "boolean";
    case FieldType::literal:
      return "literal";
    case FieldType::expression:
      return "expression";
    case FieldType::variable:
      return "variable name";
    case FieldType::item:
      return "item name";
    case FieldType::steps:
      return "steps";
    case FieldType::cases:
      return "cases";
    case FieldType::branches:
      return "branches";
    case FieldType::requests:
      return "requests";
    case FieldType::url:
      return "URL";
    case FieldType::headers:
      return "headers";
    case FieldType::query:
      return "query";
    case FieldType::body:
      return "body";
    case FieldType::method:
      return "method";
    case FieldType::identifier:
      return "identifier";
    case FieldType::data:
      return "record";
    case FieldType::filter:
      return "filter";
    case FieldType::record_id:
      return "record id";
    case FieldType::cache_key:
      return "cache key";
    case FieldType::schema:
      return "JSON Schema";
    case FieldType::options:
      return "object";
    case FieldType::annotation:
      return "annotation";
  }
  return "";
}

}  // namespace

StepKinds::StepKinds() = default;

bool StepKinds::add(StepKind kind) {
  const int ways = static_cast<int>(static_cast<bool>(kind.compute)) +
                   static_cast<int>(static_cast<bool>(kind.request)) +
                   static_cast<int>(static_cast<bool>(kind.converse)) + static_cast<int>(kind.lower != nullptr);
  if (ways != 1 || kind.name.empty()) return false;
  std::vector<std::string> names{fold_name(kind.name)};
  for (const std::string& alias : kind.aliases) names.push_back(fold_name(alias));
  for (const std::string& name : names) {
    if (name.empty() || index_.find(name) != index_.end()) return false;
  }
  for (std::string& name : names) index_.try_emplace(std::move(name), kinds_.size());
  kinds_.push_back(std::make_shared<const StepKind>(std::move(kind)));
  return true;
}

const StepKind* StepKinds::find(std::string_view name) const {
  const auto found = index_.find(fold_name(name));
  return found == index_.end() ? nullptr : kinds_[found->second].get();
}

std::vector<std::string_view> StepKinds::names() const {
  std::vector<std::string_view> names;
  for (const auto& kind : kinds_) {
    names.emplace_back(kind->name);
    names.insert(names.end(), kind->aliases.begin(), kind->aliases.end());
  }
  return names;
}

std::string step_reference(const StepKinds& kinds) {
  std::string page =
      "# Step kinds\n\nMade from the tables that checking uses. Every step may also carry `step`, `description`, "
      "`purpose`, `use_case`, `comment`, `note` and keys beginning `x-`; a step with a result names its variable in "
      "`output_variable` (= `return_as`, `return_variable`).\n";
  std::vector<std::string> groups;
  for (const auto& kind : kinds.all()) {
    if (std::find(groups.begin(), groups.end(), kind->group) == groups.end()) groups.push_back(kind->group);
  }
  for (const std::string& group : groups) {
    page += "\n## " + (group.empty() ? std::string("Others") : group) + "\n";
    for (const auto& kind : kinds.all()) {
      if (kind->group != group) continue;
      page += "\n### " + kind->name + "\n\n" + kind->doc + "\n";
      if (!kind->aliases.empty()) {
        page += "\nAlso written:";
        for (std::size_t i = 0; i < kind->aliases.size(); ++i) page += (i == 0 ? " `" : ", `") + kind->aliases[i] + "`";
        page += ".\n";
      }
      if (!kind->has_result) page += "\nNo result.\n";
      if (kind->fields.empty()) continue;
      page += "\n| field | also | type | default | |\n|---|---|---|---|---|\n";
      for (const Field& field : kind->fields) {
        std::string aliases;
        for (const std::string& alias : field.aliases) aliases += (aliases.empty() ? "`" : ", `") + alias + "`";
        const std::string fallback = field.required                  ? "required"
                                     : field.default_value.is_null() ? ""
                                                                     : "`" + to_json(field.default_value) + "`";
        page += "| `" + field.name + "` | " + aliases + " | " + std::string(name_of(field.type)) + " | " + fallback +
                " | " + field.doc + " |\n";
      }
    }
  }
  return page;
}

}  // namespace fnstack
