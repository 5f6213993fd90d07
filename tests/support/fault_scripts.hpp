// What a FaultServer says on a bad day, for tests of HTTP and of definitions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "support/fault_server.hpp"

namespace fnstack_test {

using Misdeed = std::function<void(Connection&)>;

// "/good" is answered with `good`, anything else gets the misdeed.
inline FaultServer::Script good_but(Misdeed misdeed) {
  return [misdeed = std::move(misdeed)](Connection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target == "/good") {
        if (!connection.answer(200, "good")) return;
        continue;
      }
      misdeed(connection);
      return;
    }
  };
}

inline Misdeed bytes(std::string text) {
  return [text = std::move(text)](Connection& connection) { connection.write(text); };
}

inline Misdeed bytes_then_reset(std::string text) {
  return [text = std::move(text)](Connection& connection) {
    connection.write(text);
    connection.reset();
  };
}

inline Misdeed bytes_then_stall(std::string text) {
  return [text = std::move(text)](Connection& connection) {
    connection.write(text);
    connection.wait_for_close();
  };
}

// As fast as it is taken, until the client has had enough.
inline Misdeed endless(std::string head, std::string piece) {
  return [head = std::move(head), piece = std::move(piece)](Connection& connection) {
    connection.write(head);
    while (connection.write(piece)) {
    }
  };
}

inline std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// A whole answer with its length.
inline std::string sized(const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
}

// As zlib packs it; `window` says in which form: 31 gzip, 15 zlib, -15 neither's frame.
[[nodiscard]] std::string deflated(const std::string& text, int window);
[[nodiscard]] inline std::string gzipped(const std::string& text) { return deflated(text, 31); }

// The first `bad` connections do as the script says, the others answer every command of Redis with a miss.
inline FaultServer::Script redis_misbehaving(int bad, FaultServer::Script script) {
  return [bad, script = std::move(script)](Connection& connection) {
    if (connection.index() < bad) {
      script(connection);
      return;
    }
    while (connection.read_bytes()) connection.write("$-1\r\n");
  };
}
// Answers the first command with these bytes, then stands still.
inline FaultServer::Script redis_saying(std::string bytes) {
  return [bytes = std::move(bytes)](Connection& connection) {
    if (!connection.read_bytes()) return;
    connection.write(bytes);
    connection.wait_for_close();
  };
}

}  // namespace fnstack_test
