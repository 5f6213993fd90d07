// One HTTP answer being put together from what the transport hands up: header lines one by one, then pieces of the
// body with chunking undone. It keeps every limit on the way in and refuses what does not add up (SAFETY 1.8).
// It does not know libcurl. Entry points: start(), header_line(), body(), finish().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>

#include "backends/body_decoder.hpp"

namespace fnstack::backends {

class ResponseReader {
 public:
  struct Bounds {
    std::int64_t headers = 100;
    std::int64_t header_bytes = std::int64_t{64} << 10;
    std::int64_t body_bytes = std::int64_t{16} << 20;
    bool body_expected = true;  // false: the answer to HEAD
  };

  void start(const Bounds& bounds);
  // A status line, a field, or the blank line after them, line ends included. Errors: `network`, `limit`.
  [[nodiscard]] std::optional<Error> header_line(std::string_view line);
  [[nodiscard]] std::optional<Error> body(std::string_view raw);
  // All is there, as far as the transport knows.
  [[nodiscard]] std::optional<Error> finish();

  // After the blank line that ends the header section of a final answer.
  [[nodiscard]] bool headers_complete() const noexcept { return headers_complete_; }
  [[nodiscard]] bool nothing_yet() const noexcept { return status_ == 0; }
  [[nodiscard]] int status() const noexcept { return status_; }
  // The first field of this lower-case name, or null.
  [[nodiscard]] const std::string* header(std::string_view name) const noexcept;
  [[nodiscard]] HttpResponse take();

 private:
  std::optional<Error> status_line(std::string_view line);
  std::optional<Error> field(std::string_view line);
  std::optional<Error> end_of_headers();
  std::optional<Error> check_length(std::string_view value);

  Bounds bounds_;
  HttpResponse response_;
  BodyDecoder decoder_;
  int status_ = 0;
  std::int64_t fields_ = 0;
  std::int64_t header_bytes_ = 0;  // of all header sections: interim answers and trailers count
  std::int64_t content_length_ = -1;
  bool last_field_kept_ = false;
  bool headers_complete_ = false;
};

}  // namespace fnstack::backends
