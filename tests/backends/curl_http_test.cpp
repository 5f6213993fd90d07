// curl_http against a server that behaves: the contract, what goes over the wire, connections, redirects, the guard.
#include <fnstack/backends/curl.hpp>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "contracts/http_contract.hpp"
#include "support/catch.hpp"
#include "support/fault_server.hpp"
#include "support/http_ask.hpp"
#include "support/loopback.hpp"
#include "support/new_curl_http.hpp"

using fnstack::Call;
using fnstack::CurlOptions;
using fnstack::HttpRequest;
using fnstack_test::ask;
using fnstack_test::Connection;
using fnstack_test::FaultServer;
using fnstack_test::get;
using fnstack_test::Pending;
using fnstack_test::summary;
using fnstack_test::with_body;
using namespace std::chrono_literals;

namespace {

void serve_contract(Connection& connection) {
  while (auto request = connection.read_request()) {
    const auto answer = fnstack_test::http_contract_answer(request->method, request->target,
                                                           request->header("content-type").value_or(""), request->body);
    std::string fields;
    for (const auto& [name, value] : answer.headers) fields += name + ": " + value + "\r\n";
    if (!connection.answer(answer.status, answer.body, fields)) return;
  }
}

// Answers every request with "ok".
void serve_ok(Connection& connection) {
  while (connection.read_request()) {
    if (!connection.answer(200, "ok")) return;
  }
}

std::shared_ptr<fnstack::HttpClient> local_client() {
  CurlOptions options;
  options.allow_private = true;
  return fnstack_test::new_curl_http(std::move(options));
}

HttpRequest with_method(const char* method, const std::string& url) {
  HttpRequest request = get(url);
  request.method = method;
  return request;
}

}  // namespace

TEST_CASE("curl_http keeps the HTTP contract") {
  FaultServer server(serve_contract);
  fnstack_test::check_http_contract(local_client, server.origin());
}

TEST_CASE("curl_http: what goes over the wire") {
  FaultServer server(serve_ok);
  const auto client = local_client();
  const auto sent = [&](HttpRequest request) {
    REQUIRE(ask(*client, std::move(request)).ok());
    return server.requests().back();
  };
  using Fields = fnstack_test::Fields;
  const std::string host = server.address();

  auto request = get(server.origin() + "/a/%2F/b?x=1&y=%20");
  CHECK(sent(request).target == "/a/%2F/b?x=1&y=%20");
  CHECK(sent(request).headers ==
        Fields{{"host", host}, {"accept", "*/*"}, {"accept-encoding", "gzip, deflate"}, {"user-agent", "fnstack"}});

  request.headers = {{"Accept", "a/b"}, {"X-Empty", ""},      {"X-Two", "1"},
                     {"x-two", "2"},    {"User-Agent", "me"}, {"Accept-Encoding", "identity"}};
  CHECK(sent(request).headers == Fields{{"host", host},
                                        {"accept", "a/b"},
                                        {"x-empty", ""},
                                        {"x-two", "1"},
                                        {"x-two", "2"},
                                        {"user-agent", "me"},
                                        {"accept-encoding", "identity"}});

  const auto post = sent(with_body("POST", server.origin() + "/", "{}"));
  CHECK(post.header("content-type") == std::nullopt);  // not libcurl's form
  CHECK(post.header("content-length") == "2");
  CHECK(post.body == "{}");

  const auto large = sent(with_body("PUT", server.origin() + "/", std::string(2'000'000, 'x')));
  CHECK(large.method == "PUT");
  CHECK(large.header("expect") == std::nullopt);
  CHECK(large.body.size() == 2'000'000);

  for (const char* method : {"POST", "PUT", "PATCH"}) {
    const auto empty = sent(with_method(method, server.origin() + "/"));
    CHECK(empty.method == method);
    CHECK(empty.header("content-length") == "0");
    CHECK(empty.header("content-type") == std::nullopt);
  }
  for (const char* method : {"DELETE", "OPTIONS", "GET"}) {
    const auto bare = sent(with_method(method, server.origin() + "/"));
    CHECK(bare.method == method);
    CHECK(bare.header("content-length") == std::nullopt);
  }
  CHECK(sent(with_body("GET", server.origin() + "/", "q")).body == "q");
  CHECK(sent(with_body("DELETE", server.origin() + "/", "q")).body == "q");
}

TEST_CASE("curl_http: HEAD has the headers and no body") {
  FaultServer server([](Connection& connection) {
    while (connection.read_request())
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nContent-Encoding: gzip\r\n\r\n");
  });
  const auto client = local_client();
  for (int i = 0; i < 2; ++i) {
    const auto result = ask(*client, with_method("HEAD", server.origin() + "/"));
    CHECK(summary(result) == "200 ");
    CHECK(result->headers == fnstack_test::Fields{{"content-length", "99999999"}, {"content-encoding", "gzip"}});
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("curl_http: connections are kept, unsafe requests without a body take a fresh one") {
  FaultServer server(serve_ok);
  const auto client = local_client();
  for (int i = 0; i < 5; ++i) CHECK(summary(ask(*client, get(server.origin() + "/"))) == "200 ok");
  for (int i = 0; i < 5; ++i) CHECK(summary(ask(*client, with_body("POST", server.origin() + "/", "b"))) == "200 ok");
  CHECK(server.connections() == 1);
  CHECK(summary(ask(*client, with_method("DELETE", server.origin() + "/"))) == "200 ok");
  CHECK(server.connections() == 2);
}

TEST_CASE("curl_http: 200 exchanges at once") {
  constexpr int count = 200;
  std::mutex mutex;
  std::condition_variable all_here;
  int here = 0;
  FaultServer server([&](Connection& connection) {
    if (!connection.read_request()) return;
    {
      std::unique_lock lock(mutex);
      if (++here == count)
        all_here.notify_all();
      else
        all_here.wait_for(lock, 30s, [&] { return here >= count; });
    }
    connection.answer(200, "together", "Connection: close\r\n");
  });
  const auto client = local_client();
  std::vector<Pending> pending(count);
  for (Pending& one : pending) client->send(get(server.origin() + "/"), {}, one.reply());
  int right = 0;
  for (Pending& one : pending) right += summary(one.get()) == "200 together" ? 1 : 0;
  CHECK(right == count);
}

TEST_CASE("curl_http: no more exchanges at once than max_connections; those that wait time out, stop and go on") {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  FaultServer server([&](Connection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target == "/held") released.wait();
      if (!connection.answer(200, request->target)) return;
    }
  });
  CurlOptions options;
  options.allow_private = true;
  options.max_connections = 1;
  const auto client = fnstack_test::new_curl_http(options);
  Pending held;
  Pending late;
  Pending stopped;
  Pending next;
  client->send(get(server.origin() + "/held"), {}, held.reply());
  HttpRequest impatient = get(server.origin() + "/late");
  impatient.timeout_ms = 50;
  client->send(impatient, {}, late.reply());
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  client->send(get(server.origin() + "/stopped"), call, stopped.reply());
  client->send(get(server.origin() + "/next"), {}, next.reply());
  CHECK(summary(late.get()) == "timeout: GET " + server.origin() + "/late: timed out after 50 ms");
  stop.request_stop();
  CHECK(summary(stopped.get()) == "cancelled: GET " + server.origin() + "/stopped: cancelled");
  release.set_value();
  CHECK(summary(held.get()) == "200 /held");
  CHECK(summary(next.get()) == "200 /next");
  CHECK(server.connections() == 1);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("curl_http: in a crowd a large answer arrives whole too") {
  constexpr std::size_t crowd = 2'100;
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  if (files.rlim_max < crowd + 100) return;  // nobody can have a crowd here
  files.rlim_cur = std::max<rlim_t>(files.rlim_cur, crowd + 100);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
  // Nobody answers there.
  std::uint16_t port = 0;
  const int listener = fnstack_test::listening_socket(port, 4'096);
  const std::string silent = "http://127.0.0.1:" + std::to_string(port) + "/";
  const std::string body(100'000, 'b');
  FaultServer server([&](Connection& connection) {
    if (connection.read_request()) connection.answer(200, body, "Connection: close\r\n");
  });
  CurlOptions options;
  options.allow_private = true;
  options.max_connections = crowd + 1;
  auto client = fnstack_test::new_curl_http(std::move(options));
  std::vector<Pending> waiting(crowd);
  for (Pending& one : waiting) client->send(get(silent), {}, one.reply());
  CHECK(summary(ask(*client, get(server.origin() + "/"))) == "200 " + body);
  client.reset();
  std::size_t cancelled = 0;
  for (Pending& one : waiting) cancelled += summary(one.get()).starts_with("cancelled: ") ? 1 : 0;
  CHECK(cancelled == crowd);
  ::close(listener);
}

TEST_CASE("curl_http: a stop ends an exchange in flight") {
  std::promise<void> arrived;
  FaultServer server([&](Connection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target == "/ok") {
        connection.answer(200, "ok");
        continue;
      }
      arrived.set_value();
      connection.wait_for_close();
    }
  });
  const auto client = local_client();
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  Pending pending;
  client->send(get(server.origin() + "/stall"), call, pending.reply());
  arrived.get_future().wait();
  stop.request_stop();
  CHECK(summary(pending.get()) == "cancelled: GET " + server.origin() + "/stall: cancelled");
  CHECK(server.wait_until_ended(1));  // the connection is closed, not left behind
  CHECK(summary(ask(*client, get(server.origin() + "/ok"))) == "200 ok");
}

TEST_CASE("curl_http: the call's deadline bounds the exchange as the request's timeout does") {
  FaultServer server([](Connection& connection) { connection.wait_for_close(); });
  const auto client = local_client();
  Call call;
  call.deadline = std::chrono::steady_clock::now() + 100ms;
  const auto result = ask(*client, get(server.origin() + "/"), call);
  REQUIRE(!result.ok());
  CHECK(result.error().type == "timeout");
  HttpRequest never = get(server.origin() + "/");
  never.timeout_ms = 0;
  CHECK(summary(ask(*client, never)) == "timeout: GET " + server.origin() + "/: timed out after 0 ms");
}

TEST_CASE("curl_http: a client that goes away answers what is outstanding") {
  std::promise<void> arrived;
  FaultServer server([&](Connection& connection) {
    if (connection.read_request()) arrived.set_value();
    connection.wait_for_close();
  });
  auto client = local_client();
  Pending pending;
  client->send(get(server.origin() + "/"), {}, pending.reply());
  arrived.get_future().wait();
  client.reset();
  CHECK(summary(pending.get()) == "cancelled: GET " + server.origin() + "/: cancelled");
  CHECK(server.wait_until_ended(1));
}

TEST_CASE("curl_http: a client that is never used starts nothing") { (void)local_client(); }

TEST_CASE("curl_http: redirects are followed, five hops far") {
  FaultServer server([](Connection& connection) {
    while (auto request = connection.read_request()) {
      const std::string& target = request->target;
      if (target.starts_with("/hop/")) {
        const int left = std::stoi(target.substr(5));
        connection.answer(
            302, "moved",
            "Location: " + (left == 1 ? std::string("/end") : "/hop/" + std::to_string(left - 1)) + "\r\n");
      } else if (target.starts_with("/again/")) {
        connection.answer(std::stoi(target.substr(7)), "", "Location: /end?x=1\r\n");
      } else if (target == "/nowhere") {
        connection.answer(302, "no location");
      } else if (target == "/same") {
        connection.answer(304, "", "Location: /end\r\n");
      } else {
        connection.answer(200, request->method + " " + target + " " + request->body);
      }
    }
  });
  const auto client = local_client();
  const std::string& origin = server.origin();
  CHECK(summary(ask(*client, get(origin + "/hop/1"))) == "200 GET /end ");
  CHECK(summary(ask(*client, get(origin + "/hop/5"))) == "200 GET /end ");
  CHECK(summary(ask(*client, get(origin + "/hop/6"))) ==
        "limit: GET " + origin + "/hop/6: redirected to " + origin + ": more than redirects = 5 redirects");
  HttpRequest none = get(origin + "/hop/1");
  none.max_redirects = 0;
  CHECK(summary(ask(*client, none)) == "limit: GET " + origin + "/hop/1: more than redirects = 0 redirects");
  CHECK(summary(ask(*client, get(origin + "/nowhere"))) == "302 no location");
  CHECK(summary(ask(*client, get(origin + "/same"))) == "304 ");
  for (const char* status : {"301", "302", "303"}) {
    CHECK(summary(ask(*client, with_body("POST", origin + "/again/" + status, "b"))) == "200 GET /end?x=1 ");
  }
  for (const char* status : {"307", "308"}) {
    CHECK(summary(ask(*client, with_body("POST", origin + "/again/" + status, "b"))) == "200 POST /end?x=1 b");
  }
}

TEST_CASE("curl_http: to another origin only four headers go along, and no body") {
  FaultServer other(serve_ok);
  FaultServer server([&](Connection& connection) {
    while (connection.read_request()) connection.answer(307, "", "Location: " + other.origin() + "/there?token=t\r\n");
  });
  const auto client = local_client();
  HttpRequest request = get(server.origin() + "/");
  request.headers = {{"Authorization", "Bearer t"}, {"X-Api-Key", "k"}, {"Accept", "a/b"}};
  CHECK(summary(ask(*client, request)) == "200 ok");
  CHECK(other.requests().at(0).headers == fnstack_test::Fields{{"host", other.address()},
                                                               {"accept", "a/b"},
                                                               {"accept-encoding", "gzip, deflate"},
                                                               {"user-agent", "fnstack"}});
  CHECK(summary(ask(*client, with_body("POST", server.origin() + "/", "secret"))) ==
        "blocked: POST " + server.origin() + "/: redirected to another origin (" + other.origin() +
            ") with status 307, which would take the request's body there");
  CHECK(other.requests().size() == 1);
}

TEST_CASE("curl_http: the guard refuses what is not public and says how to allow it") {
  FaultServer server(serve_ok);
  const auto client = fnstack_test::new_curl_http();
  const std::string port = std::to_string(server.port());
  CHECK(summary(ask(*client, get(server.origin() + "/a?token=t"))) ==
        "blocked: GET " + server.origin() + "/a: 127.0.0.1 is a loopback address; allow it with --allow-host " +
            server.address() + " or --allow-private");
  const auto by_name = ask(*client, get("http://localhost:" + port + "/"));
  REQUIRE(!by_name.ok());
  CHECK(by_name.error().type == "blocked");
  for (const char* host :
       {"[::ffff:127.0.0.1]", "0.0.0.0", "[::1]", "[64:ff9b::7f00:1]", "169.254.169.254", "10.1.2.3", "[fe80::1]"}) {
    INFO(host);
    const auto result = ask(*client, get("http://" + std::string(host) + ":" + port + "/"));
    REQUIRE(!result.ok());
    CHECK(result.error().type == "blocked");
  }
  CHECK(server.connections() == 0);

  CurlOptions options;
  options.allow_hosts = {"localhost:" + port};
  const auto named = fnstack_test::new_curl_http(options);
  CHECK(summary(ask(*named, get("http://localhost:" + port + "/"))) == "200 ok");
  CHECK(ask(*named, get(server.origin() + "/")).ok() == false);
}

TEST_CASE("curl_http: a redirect passes the guard too, and a kept connection does not get around it") {
  FaultServer inner(serve_ok);
  FaultServer server([&](Connection& connection) {
    while (auto request = connection.read_request()) {
      const std::string path = request->target;
      connection.answer(
          302, "",
          "Location: " + (path == "/file" ? std::string("file:///etc/passwd") : inner.origin() + "/?t=1") + "\r\n");
    }
  });
  CurlOptions options;
  options.allow_hosts = {server.address(), "localhost"};
  const auto client = fnstack_test::new_curl_http(options);
  const std::string refused = "blocked: GET " + server.origin() + "/: redirected to " + inner.origin() +
                              ": 127.0.0.1 is a loopback address; allow it with --allow-host " + inner.address() +
                              " or --allow-private";
  CHECK(summary(ask(*client, get(server.origin() + "/"))) == refused);
  CHECK(summary(ask(*client, get(server.origin() + "/file"))) ==
        "blocked: GET " + server.origin() + "/file: redirected to an address that is not a valid http or https URL");
  CHECK(inner.connections() == 0);

  // The rewrite opens a connection to the inner server; asked for by its own name it stays out of reach.
  options.rewrites = {{"http://api.example", inner.origin()}};
  const auto rewriting = fnstack_test::new_curl_http(options);
  CHECK(summary(ask(*rewriting, get("http://api.example/"))) == "200 ok");
  CHECK(summary(ask(*rewriting, get(inner.origin() + "/"))) ==
        "blocked: GET " + inner.origin() + "/: 127.0.0.1 is a loopback address; allow it with --allow-host " +
            inner.address() + " or --allow-private");
  CHECK(summary(ask(*rewriting, get("http://api.example/"))) == "200 ok");
  CHECK(inner.requests().size() == 2);
}

TEST_CASE("curl_http: a rewrite changes only where the connection goes") {
  FaultServer server([](Connection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target == "/relative")
        connection.answer(302, "", "Location: /end\r\n");
      else if (request->target == "/absolute")
        connection.answer(302, "", "Location: https://api.example/end\r\n");
      else if (request->target == "/down")
        connection.answer(302, "", "Location: http://api.example/end\r\n");
      else if (request->target == "/away")
        connection.answer(307, "", "Location: https://other.example:8443/end\r\n");
      else
        connection.answer(200, request->header("host").value_or("") + request->target + " " +
                                   request->header("authorization").value_or("-"));
    }
  });
  CurlOptions options;
  options.rewrites = {{"HTTPS://API.example:443", server.origin()}, {"https://other.example:8443/", server.origin()}};
  const auto client = fnstack_test::new_curl_http(options);
  const auto asked = [&](const std::string& path) {
    HttpRequest request = get("https://api.example" + path);
    request.headers = {{"Authorization", "t"}};
    return summary(ask(*client, request));
  };
  CHECK(asked("/x?y=1") == "200 api.example/x?y=1 t");
  CHECK(asked("/relative") == "200 api.example/end t");
  CHECK(asked("/absolute") == "200 api.example/end t");
  CHECK(asked("/away") == "200 other.example:8443/end -");
  CHECK(asked("/down") ==
        "blocked: GET https://api.example/down: redirected from https to http (http://api.example), which is refused");
}

TEST_CASE("curl_http: the environment's proxy is ignored, the host's is used; the guard then goes by names") {
  FaultServer proxy([](Connection& connection) {
    while (auto request = connection.read_request()) connection.answer(200, "proxied " + request->target);
  });
  FaultServer direct(serve_ok);
  ::setenv("http_proxy", proxy.origin().c_str(), 1);
  ::setenv("ALL_PROXY", proxy.origin().c_str(), 1);
  ::setenv("no_proxy", "*", 1);
  CHECK(summary(ask(*local_client(), get(direct.origin() + "/"))) == "200 ok");

  CurlOptions options;
  options.proxy = proxy.origin();
  options.rewrites = {{"http://mock.example", direct.origin()}};
  const auto client = fnstack_test::new_curl_http(options);
  CHECK(summary(ask(*client, get("http://api.example/x"))) == "200 proxied http://api.example/x");
  CHECK(summary(ask(*client, get("http://mock.example/x"))) == "200 ok");
  CHECK(summary(ask(*client, get(direct.origin() + "/"))) ==
        "blocked: GET " + direct.origin() + "/: 127.0.0.1 is a loopback address; allow it with --allow-host " +
            direct.address() + " or --allow-private");
  CHECK(summary(ask(*client, get("http://localhost/"))) ==
        "blocked: GET http://localhost/: localhost is at 127.0.0.1, a loopback address; allow it with --allow-host "
        "localhost:80 or --allow-private");
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  ::unsetenv("no_proxy");
}

TEST_CASE("curl_http: a request that is not fit to be sent is not sent") {
  FaultServer server(serve_ok);
  const auto client = local_client();
  const std::string url = server.origin() + "/";
  const auto with_header = [&](std::string name, std::string value) {
    HttpRequest request = get(url);
    request.headers = {{std::move(name), std::move(value)}};
    return summary(ask(*client, request));
  };
  CHECK(summary(ask(*client, with_method("GET /\r\nX: y", url))) ==
        "validation: request " + url + ": unknown method; expected GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS");
  CHECK(summary(ask(*client, with_body("HEAD", url, "b"))) ==
        "validation: HEAD " + url + ": a HEAD request can't have a body");
  for (const char* value : {"a\r\nX: y", "a\nb", "a\rb"}) {
    CHECK(with_header("X-A", value) ==
          "validation: GET " + url + ": header \"X-A\" has a line break or a NUL in its value");
  }
  CHECK(with_header("X-A", std::string("a\0b", 3)) ==
        "validation: GET " + url + ": header \"X-A\" has a line break or a NUL in its value");
  for (const char* name : {"", "X A", "X:A", "X\r\nY"}) {
    CHECK(with_header(name, "v") ==
          "validation: GET " + url + ": a header's name is empty or has a character that names can't have");
  }
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Trailer", "Upgrade",
                           "Expect", "Proxy-Authorization"}) {
    CHECK(with_header(name, "v") ==
          "validation: GET " + url + ": header \"" + name + "\" can't be set: it belongs to the connection");
  }
  HttpRequest broken;
  broken.url = "http://a.test/%zz?token=secret";
  broken.shown_url = "http://a.test/{…}";
  const auto result = ask(*client, broken);
  REQUIRE(!result.ok());
  CHECK(result.error().type == "validation");
  CHECK(result.error().message.find("secret") == std::string::npos);
  CHECK(server.connections() == 0);
}

TEST_CASE("curl_http: wrong options are named") {
  const auto said = [](const CurlOptions& options) {
    const auto checked = fnstack::check(options);
    const auto asked = ask(*fnstack_test::new_curl_http(options), get("http://a.test/"));
    REQUIRE(!checked.ok());
    CHECK(summary(asked) == "validation: " + checked.error().message);
    return checked.error().message;
  };
  CHECK(fnstack::check({}).ok());
  CurlOptions options;
  options.allow_hosts = {"http://x"};
  CHECK(said(options) ==
        "allowed host: expected HOST or HOST:PORT, got \"http://x\"; an IPv6 address with a port stands in brackets");
  options = {};
  options.rewrites = {{"api.example", "http://127.0.0.1:1"}};
  CHECK(said(options) == "rewrite: expected an origin such as https://api.example.com, got \"api.example\"");
  options.rewrites = {{"http://api.example", "http://127.0.0.1:1/path"}};
  CHECK(said(options) == "rewrite: expected an origin without path or query, got \"http://127.0.0.1:1/path\"");
  options.rewrites = {{"http://api.example", "http://a.test"}, {"http://API.example:80/", "http://b.test"}};
  CHECK(said(options) == "rewrite: \"http://API.example:80/\" is rewritten twice");
  options = {};
  options.proxy = "ftp://user:password@host";
  CHECK(said(options) == "proxy: expected http://HOST:PORT, or https, socks5 or socks5h in place of http");
  options = {};
  options.ca_file = "/nonexistent/ca.pem";
  CHECK(said(options) == "ca_file: \"/nonexistent/ca.pem\" can't be read");
  options = {};
  options.connect_timeout_ms = 0;
  CHECK(said(options) == "connect_timeout_ms: expected a positive number");
  options = {};
  options.max_connections = 0;
  CHECK(said(options) == "max_connections: expected a positive number");
  options = {};
  options.user_agent = "a\r\nX: y";
  CHECK(said(options) == "user_agent: it has a control character");
}
