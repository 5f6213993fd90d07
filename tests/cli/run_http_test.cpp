// `fnstack run` over a real connection: where requests go, and what may be reached.
#include <httplib.h>

#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "cli/command.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#ifdef FNSTACK_HAS_CURL

namespace {

using Json = nlohmann::ordered_json;
using namespace fnstack_test;

// Answers with what it was asked, on a free port of the loopback.
class EchoServer {
 public:
  EchoServer() {
    server_.Get(".*", [](const httplib::Request& request, httplib::Response& response) {
      const Json answer{{"host", request.get_header_value("Host")}, {"path", request.path}};
      response.set_content(answer.dump(), "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~EchoServer() {
    server_.stop();
    thread_.join();
  }
  std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

std::string get(const std::string& url) {
  return R"({"steps": [{"function": "External API Request", "url": ")" + url +
         R"(", "method": "GET", "output_variable": "answer"}]})";
}

}  // namespace

TEST_CASE("a rewritten origin changes only where the connection goes") {
  const EchoServer server;
  const TemporaryDirectory directory;
  const std::string file = directory.file("get.json");
  write_file(file, get("https://api.example.com/v1/users"));
  const Said said = fnstack({"run", file, "--rewrite", "https://API.example.com:443=http://" + server.authority()});
  CHECK(said.status == 0);
  CHECK(Json::parse(said.out).at("variables").at("answer") == Json{{"host", "api.example.com"}, {"path", "/v1/users"}});
  CHECK(Json::parse(said.out).at("stats").at("effects") == 1);
}

// What the text of a URL can't tell, only the address it leads to.
TEST_CASE("escaping vectors that the network guard refuses") {
  const Json vectors = Json::parse(read_file(FNSTACK_TEST_DATA "/cases/escaping_vectors.json"));
  const std::set<std::string> refused = {"url_whole-024", "url_whole-027", "url_whole-030", "url_whole-031",
                                         "url_host-058"};
  const TemporaryDirectory directory;
  const std::string file = directory.file("get.json");
  std::size_t seen = 0;
  for (const Json& vector : vectors) {
    if (refused.count(vector.at("id").get<std::string>()) == 0) continue;
    ++seen;
    INFO(vector.dump());
    const Json step{{"function", "External API Request"}, {"url", vector.at("template")}};
    write_file(file, Json{{"steps", Json::array({step})}}.dump());
    const Said said = fnstack({"run", file, "--inputs", vector.at("vars").at("inputs").dump()});
    CHECK(said.status == 1);
    CHECK(Json::parse(said.out).at("error").at("type") == "blocked");
    CHECK(Json::parse(said.out).at("error").at("status_code") == 403);
  }
  CHECK(seen == refused.size());
}

TEST_CASE("an address that is not public has to be allowed") {
  const EchoServer server;
  const TemporaryDirectory directory;
  const std::string file = directory.file("get.json");
  write_file(file, get("http://" + server.authority() + "/x"));
  const Said refused = fnstack({"run", file});
  CHECK(refused.status == 1);
  CHECK(Json::parse(refused.out).at("error").at("type") == "blocked");
  CHECK(Json::parse(refused.out).at("error").at("status_code") == 403);
  CHECK(fnstack({"run", file, "--allow-host", server.authority()}).status == 0);
  CHECK(fnstack({"run", file, "--allow-host", "127.0.0.1"}).status == 0);
  CHECK(fnstack({"run", file, "--allow-host", "127.0.0.1:1"}).status == 1);
  CHECK(fnstack({"run", file, "--allow-private"}).status == 0);
}

TEST_CASE("rewrites and hosts that are none are bad usage") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("get.json");
  write_file(file, get("https://api.example.com/"));
  const Said no_pair = fnstack({"run", file, "--rewrite", "https://a.example"});
  CHECK(no_pair.status == 2);
  CHECK(no_pair.err ==
        "fnstack: --rewrite: expected ORIGIN=ORIGIN, such as https://api.example.com=http://127.0.0.1:4010, got "
        "\"https://a.example\"\n");
  const Said no_origin = fnstack({"run", file, "--rewrite", "a=b"});
  CHECK(no_origin.status == 2);
  CHECK(no_origin.err == "fnstack: --rewrite: expected an origin such as https://api.example.com, got \"a\"\n");
  const Said no_host = fnstack({"run", file, "--allow-host", "::::"});
  CHECK(no_host.status == 2);
  CHECK_THAT(no_host.err, starts_with("fnstack: --allow-host: expected HOST or HOST:PORT, got \"::::\""));
}

#endif  // FNSTACK_HAS_CURL
