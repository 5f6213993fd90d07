#include <string>

#include <fnstack/backends/redis.hpp>

#include "support/store_commands.hpp"

using namespace fnstack_test;

namespace {

// The options that matter as one line, or the message.
std::string parsed(std::string_view url) {
  const auto options = parse_redis_url(url);
  if (!options) return options.error().type + ": " + options.error().message;
  return (options->unix_socket.empty() ? options->host + "|" + std::to_string(options->port)
                                       : "unix|" + options->unix_socket) +
         "|" + options->user + "|" + options->password + "|" + std::to_string(options->database);
}

std::string checked(const RedisOptions& options) {
  const auto fine = check(options);
  return fine ? "fine" : fine.error().type + ": " + fine.error().message;
}

}  // namespace

TEST_CASE("redis URLs name host, port, database and who asks") {
  CHECK(parsed("redis://localhost") == "localhost|6379|||0");
  CHECK(parsed("redis://localhost/") == "localhost|6379|||0");
  CHECK(parsed("redis://10.0.0.1:7000/3") == "10.0.0.1|7000|||3");
  CHECK(parsed("redis://[::1]:7000") == "::1|7000|||0");
  CHECK(parsed("redis://[::1]") == "::1|6379|||0");
  CHECK(parsed("redis://:secret@h") == "h|6379||secret|0");
  CHECK(parsed("redis://ada:p%40ss%2f%3a@h:1/2") == "h|1|ada|p@ss/:|2");
  CHECK(parsed("redis://ada:a:b@h") == "h|6379|ada|a:b|0");
  CHECK(parsed("redis://h?db=4") == "h|6379|||4");
  CHECK(parsed("unix:///run/redis.sock") == "unix|/run/redis.sock|||0");
  CHECK(parsed("unix:///run/my%20redis.sock?db=2") == "unix|/run/my redis.sock|||2");
  CHECK(parsed("unix://:secret@/run/redis.sock") == "unix|/run/redis.sock||secret|0");
}

TEST_CASE("what is wrong with a redis URL, without the password in the message") {
  CHECK(parsed("http://h") ==
        "validation: cache URL: expected redis://HOST[:PORT][/DATABASE], rediss:// or unix:///PATH[?db=N]");
  CHECK(parsed("redis://") == "validation: cache URL: there is no host; expected redis://HOST[:PORT][/DATABASE]");
  CHECK(parsed("redis://h:0") == "validation: cache URL: the port: expected a number from 1 to 65535");
  CHECK(parsed("redis://h:65536") == "validation: cache URL: the port: expected a number from 1 to 65535");
  CHECK(parsed("redis://h:") == "validation: cache URL: the port: expected a number from 1 to 65535");
  CHECK(parsed("redis://ada:secret/more@h") == "validation: cache URL: the port: expected a number from 1 to 65535");
  CHECK(parsed("redis://h/x") == "validation: cache URL: the database: expected a number from 0, got \"x\"");
  CHECK(parsed("redis://h/-1") == "validation: cache URL: the database: expected a number from 0, got \"-1\"");
  CHECK(parsed("redis://ada@h") ==
        "validation: cache URL: expected USER:PASSWORD or :PASSWORD before the \"@\", got no \":\"");
  CHECK(parsed("redis://ada:@h") == "validation: cache URL: the password before the \"@\" is empty");
  CHECK(parsed("redis://ada:%zz@h") ==
        "validation: cache URL: user or password: % is not followed by two hexadecimal digits");
  CHECK(parsed("redis://ada:s#cret@h") == "validation: cache URL: \"#\" in it; write %23 in a password or path");
  CHECK(parsed("redis://[::1") == "validation: cache URL: the host: \"[\" without \"]\"");
  CHECK(parsed("redis://h?tiemout=2") == "validation: cache URL: unknown option \"tiemout\"; known are db and ca_file");
  CHECK(parsed("redis://h?ca_fil=2") == "validation: cache URL: unknown option \"ca_fil\"; did you mean \"ca_file\"?");
  CHECK(parsed("redis://h?ca_file=a.pem") ==
        "validation: cache URL: ca_file: means something with TLS only (rediss://)");
  CHECK(parsed("unix://host/path") ==
        "validation: cache URL: a unix socket has no host; write three slashes: unix:///PATH");
  CHECK(parsed("unix://") == "validation: cache URL: expected the path of a socket: unix:///PATH");
  CHECK(parsed("unix:///" + std::string(107, 'x')) ==
        "validation: cache URL: unix_socket: a path of a socket has at most 107 bytes, got 108");
}

TEST_CASE("what is wrong with redis options is every command's answer") {
  RedisOptions options;
  CHECK(checked(options) == "fine");
  options.connections = 0;
  CHECK(checked(options) == "validation: Redis options: connections: expected 1 to 64, got 0");
  CHECK(ask(*redis_cache(options), 0, R"({"kind": "get", "key": "a"})") ==
        "error validation: Redis options: connections: expected 1 to 64, got 0");
  options = {.command_timeout_ms = 0};
  CHECK(checked(options) == "validation: Redis options: command_timeout_ms: expected 1 to 3600000 milliseconds, got 0");
  options = {.user = "ada"};
  CHECK(checked(options) == "validation: Redis options: user: there is no password with it");
  options = {.host = "a b"};
  CHECK(checked(options) == "validation: Redis options: host: has a blank or a control character in it");
#ifndef FNSTACK_REDIS_TLS
  CHECK(
      parsed("rediss://h") ==
      "validation: cache URL: tls: this build has no TLS for Redis; build it with hiredis 1.0 or later and its library "
      "hiredis_ssl");
#endif
}
