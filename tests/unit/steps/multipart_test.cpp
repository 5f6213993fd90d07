// multipart/form-data: the exact bytes, what is refused, and a small parser of its own that must find the same parts.
#include "steps/multipart.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <fnstack/json.hpp>

#include "support/catch.hpp"

using namespace fnstack;
using namespace fnstack::steps;

namespace {

constexpr std::array<unsigned char, 16> seed = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                                0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
const std::string boundary = "00112233445566778899aabbccddeeff";

std::string refused(const Value& parts, const Limits& limits = {}) {
  const auto body = encode_multipart(parts, seed, limits);
  return body ? "ok" : body.error().type + ": " + body.error().message;
}

Value file(Value filename, Value content) {
  return Value::object({{"filename", std::move(filename)}, {"content", std::move(content)}});
}

struct Part {
  std::string name, filename, type, content;
  friend bool operator==(const Part&, const Part&) = default;
};

// The text in quotes after `key`, with the three escapes undone; "(none)" if it is not there.
std::string quoted(const std::string& line, const std::string& key) {
  const auto begin = line.find("; " + key + "=\"");
  if (begin == std::string::npos) return "(none)";
  const auto from = begin + key.size() + 4;
  std::string text = line.substr(from, line.find('"', from) - from);
  for (const auto& [escape, plain] : {std::pair{"%22", "\""}, std::pair{"%0D", "\r"}, std::pair{"%0A", "\n"}}) {
    for (auto at = text.find(escape); at != std::string::npos; at = text.find(escape, at + 1))
      text.replace(at, 3, plain);
  }
  return text;
}

// RFC 2046 section 5.1.1, read from the body and its Content-Type alone.
std::vector<Part> parse(const MultipartBody& sent) {
  const std::string marker = "\r\n--" + sent.content_type.substr(sent.content_type.find("boundary=") + 9);
  const std::string body = "\r\n" + sent.body;
  std::vector<Part> parts;
  std::size_t at = body.find(marker);
  REQUIRE(at == 0);
  while (body.compare(at + marker.size(), 2, "--") != 0) {
    at += marker.size();
    REQUIRE(body.compare(at, 2, "\r\n") == 0);
    const std::size_t head_end = body.find("\r\n\r\n", at);
    const std::string head = body.substr(at + 2, head_end - at - 2);
    const std::size_t end = body.find(marker, head_end + 4);
    REQUIRE(end != std::string::npos);
    const std::string line = head.substr(0, head.find("\r\n"));
    REQUIRE(line.rfind("Content-Disposition: form-data; ", 0) == 0);
    const auto type = head.find("\r\nContent-Type: ");
    parts.push_back({quoted(line, "name"), quoted(line, "filename"),
                     type == std::string::npos ? "" : head.substr(type + 16),
                     body.substr(head_end + 4, end - head_end - 4)});
    at = end;
  }
  REQUIRE(body.substr(at + marker.size()) == "--\r\n");
  return parts;
}

}  // namespace

TEST_CASE("multipart: the bytes") {
  const Value parts =
      Value::object({{"title", "a\r\nb"},
                     {"count", 3},
                     {"price", 1.5},
                     {"ok", true},
                     {"gone", Value()},
                     {"tag", Value::array({"x", Value(), 2})},
                     {"none", Value::array()},
                     {"notes", file("n\"o\r\nte.txt", "h\xC3\xA9")},
                     {"raw", file("r.bin", Value::bytes(std::string("\0\xFF", 2)))},
                     {"pic", Value::object({{"content", ""}, {"content_type", "image/png"}, {"filename", "p.png"}})}});
  const auto body = encode_multipart(parts, seed);
  REQUIRE(body.ok());
  CHECK(body->content_type == "multipart/form-data; boundary=" + boundary);
  const std::string next = "--" + boundary + "\r\nContent-Disposition: form-data; ";
  CHECK(body->body == next + "name=\"title\"\r\n\r\na\r\nb\r\n" +                           //
                          next + "name=\"count\"\r\n\r\n3\r\n" +                            //
                          next + "name=\"price\"\r\n\r\n1.5\r\n" +                          //
                          next + "name=\"ok\"\r\n\r\ntrue\r\n" +                            //
                          next + "name=\"tag\"\r\n\r\nx\r\n" +                              //
                          next + "name=\"tag\"\r\n\r\n2\r\n" +                              //
                          next + "name=\"notes\"; filename=\"n%22o%0D%0Ate.txt\"\r\n" +     //
                          "Content-Type: text/plain; charset=utf-8\r\n\r\nh\xC3\xA9\r\n" +  //
                          next + "name=\"raw\"; filename=\"r.bin\"\r\n" +                   //
                          "Content-Type: application/octet-stream\r\n\r\n" +                //
                          std::string("\0\xFF", 2) + "\r\n" +                               //
                          next + "name=\"pic\"; filename=\"p.png\"\r\n" +                   //
                          "Content-Type: image/png\r\n\r\n\r\n" +                           //
                          "--" + boundary + "--\r\n");
  CHECK(parse(*body).size() == 9);

  const auto empty = encode_multipart(Value::object(), seed);
  REQUIRE(empty.ok());
  CHECK(empty->body == "--" + boundary + "--\r\n");
}

TEST_CASE("multipart: the boundary never occurs in what is sent") {
  // The second boundary is the start of SHA-256 of the first one's bytes.
  const std::string second = "a8faed6abbf35c12a4b26e40f6feb19d";
  const std::string third = "3c1acfd8750755dc39c3ed988bec2af9";
  const auto once = encode_multipart(Value::object({{"a", "x" + boundary + "y"}}), seed);
  REQUIRE(once.ok());
  CHECK(once->content_type == "multipart/form-data; boundary=" + second);
  const auto twice = encode_multipart(Value::object({{"a", "\r\n--" + boundary + "--"}, {second, 1}}), seed);
  REQUIRE(twice.ok());
  CHECK(twice->content_type == "multipart/form-data; boundary=" + third);
  CHECK(parse(*twice) ==
        std::vector<Part>{{"a", "(none)", "", "\r\n--" + boundary + "--"}, {second, "(none)", "", "1"}});
  const auto in_file = encode_multipart(Value::object({{"a", file(boundary, Value::bytes(second))}}), seed);
  REQUIRE(in_file.ok());
  CHECK(in_file->content_type == "multipart/form-data; boundary=" + third);
}

TEST_CASE("multipart: what is refused") {
  CHECK(refused(Value::array({1})) == "validation: multipart: expected an object, got a list");
  CHECK(refused(Value()) == "validation: multipart: expected an object, got null");
  const auto member = [](Value value) { return refused(Value::object({{"doc", std::move(value)}})); };
  const std::string at = "validation: multipart: member \"doc\": ";
  CHECK(member(Value::bytes("x")) == at + "bytes are sent as a file: {\"filename\": …, \"content\": …}");
  CHECK(member(Value::array({Value::array({1})})) == at + "a list within a list has no form here; send it as json(…)");
  CHECK(member(Value::object({{"a", 1}})) ==
        at + "unknown key \"a\"; a file is {\"filename\", \"content\", \"content_type\"}, other objects are sent as "
             "json(…)");
  CHECK(member(Value::object({{"filename", "x"}, {"contents", "y"}})) ==
        at + "unknown key \"contents\"; did you mean \"content\"?");
  CHECK(member(Value::object({{"filename", "x"}, {"path", "/etc/passwd"}})) ==
        at + "unknown key \"path\"; a file is {\"filename\", \"content\", \"content_type\"}, other objects are sent as "
             "json(…)");
  CHECK(member(Value::object({{"content", "y"}})) == at + "filename: expected text, got null");
  CHECK(member(file("x", Value())) == at + "content: expected text or bytes, got null");
  CHECK(member(file("x", Value::object())) ==
        at + "content: expected text or bytes, got an object; send it as json(…)");
  CHECK(member(file("x", 5)) == at + "content: expected text or bytes, got a number");
  CHECK(member(file(std::string_view("x\0y", 3), "z")) == at + "filename: it has a control character");
  CHECK(refused(Value::object({{"a\tb", 1}})) ==
        "validation: multipart: member \"a\\tb\": the name has a control character");
  const auto typed = [&](Value type) {
    Value one = file("x", "y");
    one.set("content_type", std::move(type));
    return member(std::move(one));
  };
  CHECK(typed("text/csv; header=present") == "ok");
  CHECK(typed("text/csv\r\nX: y") ==
        at + "header Content-Type: its value has a line break, which would begin another header");
  CHECK(typed("png") == at + "content_type: expected a media type such as image/png");
  CHECK(typed("") == at + "content_type: expected a media type such as image/png");
  CHECK(typed(7) == at + "content_type: expected text, got a number");
}

TEST_CASE("multipart: the whole body is bounded") {
  const Value parts = Value::object({{"a", std::string(100, 'x')}, {"b", file("f", "content")}});
  const auto body = encode_multipart(parts, seed);
  REQUIRE(body.ok());
  Limits limits;
  limits.value_bytes = static_cast<std::int64_t>(body->body.size());
  CHECK(refused(parts, limits) == "ok");
  --limits.value_bytes;
  CHECK(refused(parts, limits) ==
        "limit: multipart: the body is longer than value_bytes, " + std::to_string(limits.value_bytes) + " bytes");
}

TEST_CASE("multipart: random values, read by another parser") {
  std::mt19937 random(11);
  const auto text = [&](bool for_name) {
    static const std::string_view pieces[] = {"a",
                                              "\r\n",
                                              "\n",
                                              "\r",
                                              "\"",
                                              "--",
                                              "%",
                                              ";",
                                              "=",
                                              "\xC3\xA9",
                                              "\\",
                                              "name=\"x\"",
                                              "00112233445566778899aabbccddeeff",
                                              "boundary",
                                              " "};
    std::string out;
    for (std::size_t n = random() % 5; n > 0; --n) out += pieces[random() % std::size(pieces)];
    if (!for_name && random() % 4 == 0) out += std::string("\0\x01", 2);
    // %22 in a name looks like an escape to whoever undoes them; the standard has no answer to that.
    return out;
  };
  const auto pick_seed = [&] {
    auto bytes = seed;
    if (random() % 2 == 0) bytes[random() % 16] = static_cast<unsigned char>(random());
    return bytes;
  };
  for (int i = 0; i < 100'000; ++i) {
    Value parts = Value::object();
    std::vector<Part> expected;
    const auto one = [&](const std::string& name) -> Value {
      switch (random() % 4) {
        case 0:
          return {};
        case 1: {
          const auto number = static_cast<int>(random() % 1000);
          expected.push_back({name, "(none)", "", std::to_string(number)});
          return number;
        }
        case 2: {
          std::string content = text(false);
          expected.push_back({name, "(none)", "", content});
          return Value(content);
        }
        default: {
          const std::string filename = text(true);
          std::string content = text(false);
          const bool is_bytes = random() % 2 == 0;
          expected.push_back(
              {name, filename, is_bytes ? "application/octet-stream" : "text/plain; charset=utf-8", content});
          return file(filename, is_bytes ? Value::bytes(content) : Value(content));
        }
      }
    };
    for (std::size_t n = random() % 4; n > 0; --n) {
      const std::string name = std::to_string(n) + text(true);
      if (random() % 3 == 0) {
        Value list = Value::array();
        for (std::size_t m = random() % 3; m > 0; --m) list.push_back(one(name));
        parts.set(name, std::move(list));
      } else {
        parts.set(name, one(name));
      }
    }
    const auto body = encode_multipart(parts, pick_seed());
    if (!body) FAIL(body.error().message << " for " << to_json(parts));
    if (parse(*body) != expected) FAIL("other parts for " << to_json(parts));
  }
}
