// Shows, for people, what the demo's flows did.
//
//   show_demo sent PORT       what mock_services was asked since the last time, and what it answered
//   show_demo result FILE     what `fnstack run` printed
//   show_demo rows FILE       a run's response body, an array of records, as a table
//   show_demo ask FILE PATH   the value at a JSON pointer, as text: for the script's own checks
#include <httplib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

// Wide enough for what matters; a page of a hundred records is told by its size.
constexpr std::size_t width = 150;

std::string compact(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// By code points, so that a cut never leaves half a character.
std::string cut(const std::string& text, std::size_t limit) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && count++ == limit) return text.substr(0, i) + " …";
  }
  return text;
}

std::string brief(const Json& value) {
  const auto text = compact(value);
  if (text.size() <= width) return text;
  if (value.is_array()) return std::to_string(value.size()) + " items, the first " + cut(compact(value[0]), width - 40);
  return cut(text, width);
}

bool read(const char* file, Json& out) {
  std::ifstream in(file);
  out = Json::parse(in, nullptr, false);
  if (!out.is_discarded()) return true;
  std::cerr << "show_demo: " << file << " is no JSON\n";
  return false;
}

void show_request(const Json& entry) {
  std::cout << "  sent      " << entry["method"].get<std::string>() << " https://" << entry["host"].get<std::string>()
            << entry["target"].get<std::string>() << "\n";
  for (const auto& header : entry["headers"].items()) {
    if (header.key() == "User-Agent" && header.value() == "fnstack") continue;
    std::cout << "            " << header.key() << ": " << header.value().get<std::string>() << "\n";
  }
  const auto body = entry["body"].get<std::string>();
  if (!body.empty()) std::cout << "            " << cut(body, 2 * width) << "\n";
  std::cout << "  answer    " << entry["status"] << " " << brief(entry["answer"]) << "\n";
  for (const auto& header : entry["answer_headers"].items()) {
    std::cout << "            " << header.key() << ": " << header.value().get<std::string>() << "\n";
  }
}

int sent(int port) {
  httplib::Client client("127.0.0.1", port);
  const auto log = client.Get("/__log?new");
  if (!log || log->status != 200) {
    std::cerr << "show_demo: no answer from mock_services\n";
    return 1;
  }
  for (const auto& entry : Json::parse(log->body)) show_request(entry);
  return 0;
}

int result(const Json& run) {
  std::cout << "  outcome   " << run["status"].get<std::string>();
  if (run.contains("stats")) {
    const auto& steps = run["stats"]["steps"];
    std::cout << ", " << steps << (steps == 1 ? " step" : " steps");
  }
  std::cout << "\n";
  if (run.contains("response") && run["response"].is_object()) {
    const auto& response = run["response"];
    std::cout << "  response  " << response["status_code"] << " " << brief(response["body"]) << "\n";
    for (const auto& header : response["headers"].items()) {
      std::cout << "            " << header.key() << ": "
                << (header.value().is_string() ? header.value().get<std::string>() : compact(header.value())) << "\n";
    }
  }
  if (run.contains("error") && run["error"].is_object()) {
    const auto& error = run["error"];
    std::cout << "  error     " << error.value("type", std::string()) << ": " << error.value("message", std::string())
              << "\n";
    if (error.contains("step") && error["step"].is_string()) {
      std::cout << "            at " << error["step"].get<std::string>() << "\n";
    }
  }
  if (run.contains("variables")) {
    for (const auto& variable : run["variables"].items()) {
      std::cout << "  variable  " << variable.key() << " = " << brief(variable.value()) << "\n";
    }
  }
  return 0;
}

int rows(const Json& run) {
  const auto body = run.contains("response") && run["response"].is_object() ? run["response"]["body"] : Json();
  if (!body.is_array()) {
    std::cerr << "show_demo: no records\n";
    return 1;
  }
  for (const auto& record : body) std::cout << "  stored    " << cut(compact(record), 2 * width) << "\n";
  return 0;
}

int ask(const Json& document, const char* path) {
  const Json::json_pointer pointer(path);
  if (!document.contains(pointer)) return 1;
  const auto& value = document[pointer];
  std::cout << (value.is_string() ? value.get<std::string>() : compact(value)) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto is = [&](const char* name, int arguments) {
    return argc == arguments + 2 && std::strcmp(argv[1], name) == 0;
  };
  Json document;
  if (is("sent", 1)) return sent(std::atoi(argv[2]));
  if (is("result", 1)) return read(argv[2], document) ? result(document) : 1;
  if (is("rows", 1)) return read(argv[2], document) ? rows(document) : 1;
  if (is("ask", 2)) return read(argv[2], document) ? ask(document, argv[3]) : 1;
  std::cerr << "usage: show_demo sent PORT | result FILE | rows FILE | ask FILE POINTER\n";
  return 2;
}
