// Undoes Content-Encoding gzip and deflate piece by piece, into a bounded body. libcurl could do it, but takes a cut
// gzip body for a whole one and does not show how many bytes went in, which the cap on expansion needs.
// Entry points: BodyDecoder::write(), finish().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/error.hpp>

namespace fnstack::backends {

class BodyDecoder {
 public:
  BodyDecoder();
  ~BodyDecoder();
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;

  // Before the first write: the joined Content-Encoding fields ("" and "identity": none) and the most bytes that
  // may come out.
  void start(std::string_view content_encoding, std::int64_t max_bytes);
  // Errors: `limit` (too large, or expanding more than 100 : 1 beyond 1 MiB), `network` (not what it says it is).
  [[nodiscard]] std::optional<Error> write(std::string_view raw);
  // At the end of the body: `network` if it stops short.
  [[nodiscard]] std::optional<Error> finish();

  [[nodiscard]] std::string take_body() { return std::move(body_); }
  void reserve(std::int64_t expected_bytes);

 private:
  enum class Coding : std::uint8_t { identity, gzip, deflate, unknown };
  struct Inflater;

  std::optional<Error> inflate_some(std::string_view raw);
  std::optional<Error> append(std::string_view decoded);

  Coding coding_ = Coding::identity;
  std::string coding_name_;
  std::int64_t max_bytes_ = 0;
  std::int64_t raw_bytes_ = 0;
  std::string body_;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace fnstack::backends
