#include "backends/response_reader.hpp"

#include "support/catch.hpp"

using fnstack::backends::ResponseReader;

namespace {

using Lines = std::vector<std::string>;

// "status headers | body", or "type: message".
std::string read(const Lines& lines, const Lines& body = {}, ResponseReader::Bounds bounds = {}) {
  ResponseReader reader;
  reader.start(bounds);
  for (const std::string& line : lines) {
    if (auto error = reader.header_line(line + "\r\n")) return error->type + ": " + error->message;
  }
  for (const std::string& piece : body) {
    if (auto error = reader.body(piece)) return error->type + ": " + error->message;
  }
  if (auto error = reader.finish()) return error->type + ": " + error->message;
  const fnstack::HttpResponse response = reader.take();
  std::string out = std::to_string(response.status);
  for (const auto& [name, value] : response.headers) out += " " + name + "=" + value + ";";
  return out + " | " + response.body;
}

constexpr const char* ok = "HTTP/1.1 200 OK";
const std::string invalid = "network: the answer is not valid HTTP: ";

}  // namespace

TEST_CASE("an answer is put together") {
  CHECK(read({ok, "Content-Type: text/plain", "X-A:1", "x-a:  2 \t", "X-Empty:", ""}, {"he", "llo"}) ==
        "200 content-type=text/plain; x-a=1; x-a=2; x-empty=; | hello");
  CHECK(read({"HTTP/1.0 404", ""}) == "404 | ");
  CHECK(read({"HTTP/2 204 ", ""}) == "204 | ");
}

TEST_CASE("interim answers are passed over, trailers dropped") {
  CHECK(read({"HTTP/1.1 100 Continue", "", "HTTP/1.1 103 Early Hints", "Link: </a>", "Content-Length: 9", "", ok,
              "X: y", ""},
             {"b"}) == "200 x=y; | b");
  ResponseReader reader;
  reader.start({});
  for (const char* line : {ok, "X: y", ""}) CHECK_FALSE(reader.header_line(std::string(line) + "\r\n").has_value());
  CHECK_FALSE(reader.body("b").has_value());
  for (const char* line : {"X: trailer", "HTTP/1.1 500 No", ""})
    CHECK_FALSE(reader.header_line(std::string(line) + "\r\n").has_value());
  CHECK_FALSE(reader.finish().has_value());
  const auto response = reader.take();
  CHECK(response.status == 200);
  CHECK(response.headers == std::vector<std::pair<std::string, std::string>>{{"x", "y"}});
}

TEST_CASE("a folded line continues the one before; what is no field is passed over") {
  CHECK(read({ok, "X: a", "  b", "\tc", "no colon", " of nothing", "b d: x", ": x", "Y: z", ""}) ==
        "200 x=a b c; y=z; | ");
}

TEST_CASE("statuses") {
  for (const char* line :
       {"HTTP/1.1 99 Low", "HTTP/1.1 1000 High", "HTTP/1.1 600 Odd", "HTTP/1.1 000 Nil", "HTTP/1.1 abc X", "HTTP/1.1",
        "HTTP/1.1  200 OK", "HTTP/1.1 20 0", "HTTP/1.1 -20 X", "HTTP/1.1 200OK"}) {
    INFO(line);
    CHECK(read({line, ""}) == invalid + "its status is not a number from 100 to 599");
  }
  CHECK(read({"HTTP/1.1 599 Yes", ""}) == "599 | ");
  CHECK(read({"HTTP/1.1 101 Switching", ""}) == invalid + "it switches protocols (101), which was not asked for");
  CHECK(read({"X: y", ""}) == invalid + "it does not begin with a status line");
  CHECK(read({ok, "X: y"}) == invalid + "it ends within its headers");
  CHECK(read({"HTTP/1.1 100 Continue", ""}) == invalid + "it ends within its headers");
}

TEST_CASE("Content-Length has to be one number") {
  CHECK(read({ok, "Content-Length: 5", "content-length: 5", ""}, {"hello"}) ==
        "200 content-length=5; content-length=5; | hello");
  CHECK(read({ok, "Content-Length: 5", "Content-Length: 6", ""}) ==
        invalid + "it has two different Content-Length headers");
  for (const char* value : {"-5", "+5", "5, 5", "five", "", "0x5", "5.0"}) {
    INFO(value);
    CHECK(read({ok, "Content-Length: " + std::string(value), ""}) == invalid + "its Content-Length is not a number");
  }
  CHECK(read({ok, "Content-Length: 99999999999999999999999", ""}) ==
        "limit: the response body is larger than response_bytes = 16777216");
}

TEST_CASE("limits at their edges") {
  ResponseReader::Bounds bounds;
  bounds.headers = 3;
  CHECK(read({ok, "A: 1", "B: 2", "C: 3", ""}, {}, bounds) == "200 a=1; b=2; c=3; | ");
  CHECK(read({ok, "A: 1", "B: 2", "C: 3", "D: 4", ""}, {}, bounds) ==
        "limit: the response has more headers than response_headers = 3");
  CHECK(read({ok, "no", "field", "at", "all", ""}, {}, bounds) ==
        "limit: the response has more headers than response_headers = 3");

  bounds = {};
  bounds.header_bytes = 20;  // "A: 12345678" and its line end are 13, "B: 12" 7
  CHECK(read({ok, "A: 12345678", "B: 12", ""}, {}, bounds) == "200 a=12345678; b=12; | ");
  CHECK(read({ok, "A: 12345678", "B: 123", ""}, {}, bounds) ==
        "limit: the response headers are larger than response_header_bytes = 20");

  bounds = {};
  bounds.body_bytes = 5;
  CHECK(read({ok, "Content-Length: 5", ""}, {"hello"}, bounds) == "200 content-length=5; | hello");
  CHECK(read({ok, "Content-Length: 6", ""}, {}, bounds) ==
        "limit: the response body is larger than response_bytes = 5");
  CHECK(read({ok, ""}, {"hel", "lo!"}, bounds) == "limit: the response body is larger than response_bytes = 5");
  bounds.body_expected = false;
  CHECK(read({ok, "Content-Length: 6", ""}, {}, bounds) == "200 content-length=6; | ");
}

TEST_CASE("interim answers without end run into the header limit") {
  ResponseReader reader;
  reader.start({});
  std::optional<fnstack::Error> error;
  int rounds = 0;
  while (!error && rounds < 100'000) {
    error = reader.header_line("HTTP/1.1 100 Continue\r\n");
    if (!error) error = reader.header_line("\r\n");
    ++rounds;
  }
  REQUIRE(error.has_value());
  CHECK(error->message == "the response headers are larger than response_header_bytes = 65536");
}
