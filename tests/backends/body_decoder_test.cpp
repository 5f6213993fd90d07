#include "backends/body_decoder.hpp"

#include "support/catch.hpp"
#include "support/fault_scripts.hpp"

using fnstack::backends::BodyDecoder;
using fnstack_test::deflated;

namespace {

constexpr int gzip = 31;
constexpr int zlib = 15;
constexpr int bare = -15;

// The body, or "type: message".
std::string decoded(const std::string& coding, const std::string& raw, std::size_t piece = 1'000'000,
                    std::int64_t limit = 16 << 20) {
  BodyDecoder decoder;
  decoder.start(coding, limit);
  for (std::size_t at = 0; at < raw.size(); at += piece) {
    if (auto error = decoder.write(std::string_view(raw).substr(at, piece))) return error->type + ": " + error->message;
  }
  if (auto error = decoder.finish()) return error->type + ": " + error->message;
  return decoder.take_body();
}

std::string sample() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * i) + " ";
  return text;
}

}  // namespace

TEST_CASE("bodies are unpacked, in whatever pieces they come") {
  const std::string text = sample();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{1000}, std::size_t{1'000'000}}) {
    INFO(piece);
    CHECK(decoded("", text, piece) == text);
    CHECK(decoded("identity", text, piece) == text);
    CHECK(decoded(" GZIP ", deflated(text, gzip), piece) == text);
    CHECK(decoded("x-gzip, identity", deflated(text, gzip), piece) == text);
    CHECK(decoded("deflate", deflated(text, zlib), piece) == text);
    CHECK(decoded("deflate", deflated(text, bare), piece) == text);
    CHECK(decoded("gzip", deflated("one ", gzip) + deflated("two", gzip), piece) == "one two");
    CHECK(decoded("gzip", deflated("padded", gzip) + std::string(7, '\0'), piece) == "padded");
  }
  CHECK(decoded("gzip", deflated("", gzip)) == "");
  CHECK(decoded("gzip", "") == "");
}

TEST_CASE("a body that is cut, broken or something else is an error") {
  const std::string whole = deflated(sample(), gzip);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1'000'000}}) {
    for (const std::size_t length :
         {std::size_t{1}, std::size_t{9}, std::size_t{15}, whole.size() / 2, whole.size() - 8, whole.size() - 1}) {
      INFO(length);
      CHECK(decoded("gzip", whole.substr(0, length), piece) == "network: the gzip body stops short of its end");
    }
    const std::string broken = whole.substr(0, 200) + std::string(100, '\xff') + whole.substr(300);
    CHECK(decoded("gzip", broken, piece) == "network: the gzip body is malformed");
    CHECK(decoded("gzip", "plain text", piece) == "network: the gzip body is malformed");
    CHECK(decoded("deflate", "x", piece) == "network: the deflate body stops short of its end");
    CHECK(decoded("gzip", whole + "tail", piece) == "network: the gzip body has data after its end");
    CHECK(decoded("gzip", whole + std::string(2, '\0') + "tail", piece) ==
          "network: the gzip body has data after its end");
    CHECK(decoded("deflate", deflated("a", zlib) + "tail", piece) ==
          "network: the deflate body has data after its end");
  }
  std::string wrong_sum = whole;
  wrong_sum[whole.size() - 6] = static_cast<char>(wrong_sum[whole.size() - 6] ^ 1);
  CHECK(decoded("gzip", wrong_sum) == "network: the gzip body is malformed");
  CHECK(decoded("br", "x") == "network: the body has content encoding \"br\"; expected gzip, deflate or none");
  CHECK(decoded("gzip, gzip", "x") ==
        "network: the body has content encoding \"gzip, gzip\"; expected gzip, deflate or none");
}

TEST_CASE("the size limit is kept to the byte, on what comes out") {
  const std::string at(1000, 'a');
  for (const char* coding : {"", "gzip"}) {
    const auto as_sent = [&](const std::string& text) { return *coding != '\0' ? deflated(text, gzip) : text; };
    CHECK(decoded(coding, as_sent(std::string(999, 'a')), 100, 1000) == std::string(999, 'a'));
    CHECK(decoded(coding, as_sent(at), 100, 1000) == at);
    CHECK(decoded(coding, as_sent(at + "a"), 100, 1000) ==
          "limit: the response body is larger than response_bytes = 1000");
  }
  CHECK(decoded("", "a", 1, 0) == "limit: the response body is larger than response_bytes = 0");
}

TEST_CASE("expansion beyond 100 : 1 is refused above 1 MiB only") {
  const std::string free_of_it(std::size_t{1} << 20, '\0');
  CHECK(decoded("gzip", deflated(free_of_it, gzip)) == free_of_it);  // 1000 : 1, but small
  const std::string bomb(8 << 20, '\0');
  CHECK(decoded("gzip", deflated(bomb, gzip)) == "limit: the gzip body expands more than 100 : 1");
  CHECK(decoded("deflate", deflated(bomb, bare), 10) == "limit: the deflate body expands more than 100 : 1");
  CHECK(decoded("", std::string(2 << 20, 'a'), 1000) == std::string(2 << 20, 'a'));
}
