// W8 by hand: a process that reads one small JSON document and prints a greeting made from it.
#include <simdjson.h>

#include <cstdio>
#include <string>

int main() {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(std::string(R"({"name": "world"})")).get(document)) return 1;
  std::string_view name;
  if (document["name"].get(name)) return 1;
  std::printf("{\"text\":\"hello %.*s\"}\n", static_cast<int>(name.size()), name.data());
}
