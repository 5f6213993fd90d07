// Checks from the #include lines which way dependencies point: a folder of src includes only folders to its left, a
// third-party header stands in the few files that are meant to know it, and public headers show std and fnstack only.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace fs = std::filesystem;

// For each folder of src the folders it may include, itself among them.
const std::map<std::string, std::set<std::string>> may_include = {
    {"base", {"base"}},
    {"expr", {"base", "expr"}},
    {"definition", {"base", "expr", "definition"}},
    {"program", {"base", "expr", "definition", "program"}},
    {"steps", {"base", "expr", "definition", "program", "steps"}},
    {"machine", {"base", "expr", "program", "machine"}},
    {"backends", {"base", "backends"}},
    {"drivers", {"base", "expr", "definition", "program", "steps", "machine", "backends", "drivers"}},
    // `eval` is about templates, which have no public header; the rest of the command line is thin over the public
    // ones.
    {"cli", {"base", "expr", "cli"}},
};

// For each folder of src the public headers it may not see, because they belong to somebody to its right.
const std::map<std::string, std::set<std::string>> may_not_see = {
    {"base", {"definition", "step_kind", "program", "machine", "driver", "engine", "observer", "fnstack"}},
    {"expr", {"definition", "step_kind", "program", "machine", "driver", "engine", "observer", "fnstack"}},
    {"definition", {"program", "machine", "driver", "engine", "observer", "fnstack"}},
    {"program", {"machine", "driver", "engine", "observer", "fnstack"}},
    {"steps", {"machine", "driver", "engine", "observer", "fnstack"}},
    {"machine", {"definition", "driver", "engine", "observer", "fnstack"}},
    {"backends", {"definition", "step_kind", "machine", "driver", "engine", "fnstack"}},
};

// Third-party headers, by how their names begin, and the files that may include them (a path ending in / is a folder).
struct Rule {
  std::string header;
  std::vector<std::string> files;
};
const std::vector<Rule> third_party = {
    {"curl/", {"src/backends/curl_"}},
    {"zlib.h", {"src/backends/"}},
    {"sqlite3.h", {"src/backends/sqlite_"}},
    {"spdlog/", {"src/backends/spdlog_"}},
    {"fmt/", {"src/backends/spdlog_"}},
    {"hiredis/", {"src/backends/redis_"}},
    {"pqxx/", {"src/backends/postgres_"}},
    {"uv.h", {"src/drivers/"}},
    {"simdjson.h", {"src/base/"}},
    {"re2/", {"src/base/json_schema", "src/expr/", "src/steps/", "src/backends/"}},
    {"utf8proc.h", {"src/base/", "src/expr/"}},
    {"openssl/",
     {"src/base/", "src/expr/", "src/program/", "src/machine/", "src/steps/", "src/drivers/engine.cpp",
      "src/backends/oauth2.cpp", "src/backends/redis_tls.cpp"}},
    {"valijson/", {"src/base/json_schema"}},
    {"CLI/", {"src/cli/"}},
    {"nlohmann/", {"src/cli/", "include/fnstack/nlohmann.hpp"}},
};

struct Include {
  std::string file;  // from the project's root
  int line = 0;
  std::string header;

  std::string place() const { return file + ":" + std::to_string(line) + ": #include " + header; }
};

bool begins(const std::string& text, const std::string& with) { return text.compare(0, with.size(), with) == 0; }

// "src/expr/lexer.cpp" with depth 1: "expr"; nothing if it stands directly in src.
std::string folder_of(const std::string& path, const std::string& root) {
  if (!begins(path, root)) return "";
  const auto slash = path.find('/', root.size());
  return slash == std::string::npos ? "" : path.substr(root.size(), slash - root.size());
}

std::string header_in(const std::string& line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return "";
  const auto word = line.find_first_not_of(" \t", hash + 1);
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return "";
  const auto open = line.find_first_of("<\"", word);
  if (open == std::string::npos) return "";
  const auto close = line.find(line[open] == '<' ? '>' : '"', open + 1);
  return close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

std::vector<Include> includes_under(const std::string& folder) {
  const fs::path root = fs::path(FNSTACK_TEST_DATA).parent_path();
  std::vector<Include> found;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const auto extension = entry.path().extension();
    if (!entry.is_regular_file() || (extension != ".cpp" && extension != ".hpp" && extension != ".def")) continue;
    std::ifstream in(entry.path());
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      auto header = header_in(line);
      if (!header.empty())
        found.push_back({fs::relative(entry.path(), root).generic_string(), number, std::move(header)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Include& a, const Include& b) { return a.place() < b.place(); });
  return found;
}

// A standard header has no dot and no slash in its name.
bool is_standard(const std::string& header) { return header.find_first_of("./") == std::string::npos; }

}  // namespace

TEST_CASE("a folder includes only folders to its left") {
  std::vector<std::string> wrong;
  for (const auto& include : includes_under("src")) {
    const auto from = folder_of(include.file, "src/");
    const auto rule = may_include.find(from);
    if (rule == may_include.end()) {
      wrong.push_back(include.place() + ": no rule says what the folder \"" + from + "\" may include");
      continue;
    }
    const auto to = include.header.substr(0, include.header.find('/'));
    if (to == include.header || may_include.count(to) == 0) continue;  // not a header of src
    if (rule->second.count(to) == 0) wrong.push_back(include.place());
  }
  CHECK(wrong == std::vector<std::string>{});
}

TEST_CASE("a folder sees no public header of what stands to its right") {
  std::vector<std::string> wrong;
  for (const auto& include : includes_under("src")) {
    const auto rule = may_not_see.find(folder_of(include.file, "src/"));
    if (rule == may_not_see.end() || !begins(include.header, "fnstack/")) continue;
    const auto name = include.header.substr(8, include.header.size() - 8 - 4);
    // An observer is a backend's business where the backend is one.
    if (name == "observer" && include.file.find("_observer.") != std::string::npos) continue;
    if (rule->second.count(name) != 0) wrong.push_back(include.place());
  }
  CHECK(wrong == std::vector<std::string>{});
}

TEST_CASE("a third-party header stands only where it is meant to be known") {
  std::vector<std::string> wrong;
  auto all = includes_under("src");
  const auto of_public = includes_under("include");
  all.insert(all.end(), of_public.begin(), of_public.end());
  for (const auto& include : all) {
    for (const auto& rule : third_party) {
      if (!begins(include.header, rule.header)) continue;
      const bool allowed = std::any_of(rule.files.begin(), rule.files.end(),
                                       [&](const std::string& prefix) { return begins(include.file, prefix); });
      if (!allowed) wrong.push_back(include.place());
    }
  }
  CHECK(wrong == std::vector<std::string>{});
}

TEST_CASE("one source alone compiles CLI11") {
  std::set<std::string> files;
  for (const auto& include : includes_under("src")) {
    if (begins(include.header, "CLI/")) files.insert(include.file);
  }
  CHECK(files.size() <= 1);
}

TEST_CASE("public headers show nothing but std and fnstack") {
  std::vector<std::string> wrong;
  for (const auto& include : includes_under("include")) {
    if (include.file == "include/fnstack/nlohmann.hpp" && begins(include.header, "nlohmann/")) continue;
    if (!is_standard(include.header) && !begins(include.header, "fnstack/")) wrong.push_back(include.place());
  }
  CHECK(wrong == std::vector<std::string>{});
}

TEST_CASE("the one header that includes all leaves out what is opt-in") {
  std::vector<std::string> wrong;
  for (const auto& include : includes_under("include")) {
    const bool opt_in = include.header == "fnstack/nlohmann.hpp" || begins(include.header, "fnstack/backends/");
    if (opt_in && !begins(include.file, "include/fnstack/backends/")) wrong.push_back(include.place());
  }
  CHECK(wrong == std::vector<std::string>{});
}

TEST_CASE("a source includes its own header first") {
  std::vector<std::string> wrong;
  const fs::path root = fs::path(FNSTACK_TEST_DATA).parent_path();
  for (const auto& entry : fs::recursive_directory_iterator(root / "src")) {
    if (entry.path().extension() != ".cpp") continue;
    auto own = entry.path();
    own.replace_extension(".hpp");
    if (!fs::exists(own)) continue;
    const auto expected = fs::relative(own, root / "src").generic_string();
    std::ifstream in(entry.path());
    std::string line;
    while (std::getline(in, line)) {
      const auto header = header_in(line);
      if (header.empty()) continue;
      if (header != expected)
        wrong.push_back(fs::relative(entry.path(), root).generic_string() + " begins with " + header);
      break;
    }
  }
  CHECK(wrong == std::vector<std::string>{});
}
