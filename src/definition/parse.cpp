// From a text to its definitions: finds the documents in it, has each recognised, and sees to what concerns several
// of them: names given twice, and what is no definition beside those that are.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fnstack/definition.hpp>

#include "base/ascii.hpp"
#include "base/first_problems.hpp"
#include "definition/json_reader.hpp"
#include "definition/markdown.hpp"
#include "definition/shapes.hpp"
#include "definition/words.hpp"

namespace fnstack {
namespace {

// Trees are read, walked and destroyed recursively, so no setting may exceed this.
constexpr std::int64_t deepest_nesting = 512;

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80U;
}

// Does a fence that isn't tagged as JSON begin like JSON? Code, prose and lone templates don't.
bool begins_like_json(std::string_view text, std::size_t begin, bool tagged) noexcept {
  if (begin >= text.size() || (text[begin] != '{' && text[begin] != '[')) return false;
  if (text.substr(begin, 2) == "{{") return false;
  if (tagged) return true;
  const std::size_t next = definition::skip_blank(text, begin + 1);
  if (next >= text.size()) return false;
  return std::string_view(text[begin] == '{' ? "\"'}" : "{[\"]").find(text[next]) != std::string_view::npos;
}

class Parser {
 public:
  Parser(const SourcePtr& source, const std::function<bool(std::string_view)>& is_step_kind, const Limits& limits)
      : source_(source), text_(source->text()), is_step_kind_(is_step_kind), limits_(limits) {
    budget_.nodes = limits.definition_nodes;
    budget_.nesting = std::min(limits.definition_nesting, deepest_nesting);
  }

  Module parse() {
    const std::int64_t most_bytes =
        std::min<std::int64_t>(limits_.definition_bytes, std::numeric_limits<std::uint32_t>::max());
    if (text_.size() > static_cast<std::uint64_t>(std::max<std::int64_t>(most_bytes, 0))) {
      report("limit", Span{},
             "a text of " + std::to_string(text_.size()) + " bytes; the limit definition_bytes allows " +
                 std::to_string(most_bytes),
             "split the file, or raise the limit");
      return std::move(module_);
    }
    if (text_.substr(0, 2) == "\xFF\xFE" || text_.substr(0, 2) == "\xFE\xFF") {
      report("syntax", Span{0, 2}, "expected UTF-8, got UTF-16", "save the file as UTF-8");
      return std::move(module_);
    }
    const std::size_t begin = text_.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
    if (definition::is_markdown(source_->name(), text_.substr(begin))) {
      read_markdown();
    } else {
      read_region(Span{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(text_.size())},
                  "the end of the text");
      if (positions_ == 0 && !module_.diagnostics.has_errors()) {
        report("not-a-definition", Span{}, "expected a definition, got an empty text");
      }
    }
    report_others();
    give_names();
    keep_first_problems(module_.diagnostics);
    return std::move(module_);
  }

 private:
  void report(const char* code, Span span, std::string message, std::string hint = {}, std::string path = {}) {
    module_.diagnostics.add(definition::make_diagnostic(Diagnostic::Severity::error, code, source_, span,
                                                        std::move(path), std::move(message), std::move(hint)));
  }

  void read_markdown() {
    for (const definition::Fence& fence : definition::find_fences(text_)) {
      const bool json = fence.tag == "json" || fence.tag == "jsonc";
      const bool javascript = fence.tag == "javascript" || fence.tag == "js";
      if (!json && !javascript && !fence.tag.empty()) continue;
      const std::string_view until_end = text_.substr(0, fence.content.end);
      const std::size_t first = definition::skip_blank(until_end, fence.content.begin);
      if (first >= until_end.size()) continue;
      if (json || begins_like_json(until_end, first, javascript)) {
        read_region(fence.content, "the end of the fence");
      } else if (javascript) {
        code_fences_.push_back(fence.opening);
      }
    }
    if (positions_ == 0 && code_fences_.empty()) {
      report("not-a-definition", Span{}, "no definition in this Markdown",
             "a definition stands in a fence tagged json, jsonc, javascript or js, or in one without a tag");
    }
  }

  void read_region(Span region, std::string_view end_words) {
    for (definition::Document& document :
         definition::read_documents(source_, region, end_words, budget_, module_.diagnostics)) {
      ++positions_;
      if (document.root == nullptr) {
        unreadable_ = true;
        continue;
      }
      auto found = definition::read_shapes(document.root, source_, is_step_kind_, module_.diagnostics);
      if (found.empty()) others_.push_back(std::move(document.root));
      for (definition::Recognised& recognised : found) {
        recognised.definition.anonymous = recognised.names.empty();
        if (recognised.definition.anonymous) recognised.definition.names = {std::to_string(positions_)};
        recognised_.push_back(std::move(recognised));
      }
    }
  }

  // Documentation beside definitions is a note; a text that holds nothing else is a mistake.
  void report_others() {
    const bool alone = recognised_.empty() && !unreadable_;
    const auto severity = alone ? Diagnostic::Severity::error : Diagnostic::Severity::note;
    for (const auto& root : others_) {
      module_.diagnostics.add(definition::not_a_definition(*root, source_, severity));
    }
    for (const Span opening : code_fences_) {
      module_.diagnostics.add(definition::make_diagnostic(severity, "not-a-definition", source_, opening, {},
                                                          "not a definition: this fence holds code, not JSON"));
    }
  }

  // GET /users and POST /users are two names, if both are there.
  void tell_methods_apart() {
    std::map<std::string, std::set<std::string>> methods;
    for (const definition::Recognised& recognised : recognised_) {
      for (const definition::GivenName& given : recognised.names) {
        if (given.is_endpoint) methods[given.name].insert(given.method);
      }
    }
    for (definition::Recognised& recognised : recognised_) {
      for (definition::GivenName& given : recognised.names) {
        if (given.is_endpoint && methods[given.name].size() > 1) given.name = given.method + " " + given.name;
      }
    }
  }

  void give_names() {
    tell_methods_apart();
    std::map<std::string, Span> places;
    int clashes = 0;
    for (definition::Recognised& recognised : recognised_) {
      for (definition::GivenName& given : recognised.names) {
        const auto [known, is_new] = places.try_emplace(given.name, given.span);
        if (!is_new && known->second != given.span && ++clashes <= most_problems) {
          report("duplicate-name", given.span,
                 "the name " + definition::in_quotes(given.name) +
                     " is given twice; the first definition of that name is in " +
                     definition::place_words(*source_, known->second.begin),
                 "rename one of them", recognised.definition.path);
        }
        recognised.definition.names.push_back(std::move(given.name));
      }
      module_.definitions.push_back(std::move(recognised.definition));
    }
  }

  const SourcePtr& source_;
  std::string_view text_;
  const std::function<bool(std::string_view)>& is_step_kind_;
  const Limits& limits_;
  definition::ReadBudget budget_;
  Module module_;
  std::vector<definition::Recognised> recognised_;
  std::vector<std::shared_ptr<const Node>> others_;
  std::vector<Span> code_fences_;
  std::size_t positions_ = 0;
  bool unreadable_ = false;
};

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::string fold_name(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  bool gap = false;
  for (const char c : name) {
    if (!is_letter_or_digit(c)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out.push_back('_');
    gap = false;
    out.push_back(base::ascii_lower(c));
  }
  return out;
}

Module parse(const SourcePtr& source, const std::function<bool(std::string_view)>& is_step_kind, const Limits& limits) {
  return Parser(source, is_step_kind, limits).parse();
}

}  // namespace fnstack
