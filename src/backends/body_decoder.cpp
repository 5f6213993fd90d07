#include "backends/body_decoder.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/ascii.hpp"

namespace fnstack::backends {
namespace {

// SAFETY 1.3: 64 MiB came out of 65 kB in 0.13 s. Honest text stays far below 100 : 1; the first MiB is free.
constexpr std::int64_t ratio_cap = 100;
constexpr std::int64_t ratio_free_bytes = std::int64_t{1} << 20;
constexpr std::size_t reserve_cap = std::size_t{1} << 20;

constexpr int gzip_window = 15 + 16;
constexpr int zlib_window = 15;
constexpr int raw_window = -15;

std::string lower_trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return base::ascii_lower(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

Error broken(const std::string& coding, const char* how) {
  return make_error(error_type::network, "the " + coding + " body " + how);
}

}  // namespace

struct BodyDecoder::Inflater {
  z_stream stream{};
  bool open = false;     // inflateInit was called
  bool ended = false;    // the end of a member was reached, and nothing after it has been seen
  bool padding = false;  // only zeros may follow
  std::string header;    // deflate: the first two bytes tell zlib's form from the bare one

  ~Inflater() {
    if (open) inflateEnd(&stream);
  }
  bool start(int window) {
    open = inflateInit2(&stream, window) == Z_OK;
    return open;
  }
};

BodyDecoder::BodyDecoder() = default;
BodyDecoder::~BodyDecoder() = default;

void BodyDecoder::start(std::string_view content_encoding, std::int64_t max_bytes) {
  coding_ = Coding::identity;
  coding_name_.clear();
  max_bytes_ = max_bytes;
  raw_bytes_ = 0;
  body_.clear();
  inflater_.reset();
  while (!content_encoding.empty()) {
    const std::size_t comma = std::min(content_encoding.find(','), content_encoding.size());
    const std::string name = lower_trimmed(content_encoding.substr(0, comma));
    content_encoding.remove_prefix(std::min(comma + 1, content_encoding.size()));
    if (name.empty() || name == "identity") continue;
    if (coding_ != Coding::identity)
      coding_ = Coding::unknown;  // one upon the other: nobody asked for that
    else if (name == "gzip" || name == "x-gzip")
      coding_ = Coding::gzip;
    else if (name == "deflate")
      coding_ = Coding::deflate;
    else
      coding_ = Coding::unknown;
    coding_name_ += (coding_name_.empty() ? "" : ", ") + name;
  }
}

void BodyDecoder::reserve(std::int64_t expected_bytes) {
  if (expected_bytes <= 0) return;
  body_.reserve(
      std::min({static_cast<std::size_t>(expected_bytes), static_cast<std::size_t>(max_bytes_), reserve_cap}));
}

std::optional<Error> BodyDecoder::write(std::string_view raw) {
  if (raw.empty()) return std::nullopt;
  raw_bytes_ += static_cast<std::int64_t>(raw.size());
  switch (coding_) {
    case Coding::identity:
      return append(raw);
    case Coding::unknown:
      return make_error(error_type::network, "the body has content encoding \"" + coding_name_.substr(0, 60) +
                                                 "\"; expected gzip, deflate or none");
    case Coding::gzip:
    case Coding::deflate:
      return inflate_some(raw);
  }
  return std::nullopt;
}

std::optional<Error> BodyDecoder::finish() {
  if (raw_bytes_ == 0 || (coding_ != Coding::gzip && coding_ != Coding::deflate)) return std::nullopt;
  if (inflater_ && inflater_->ended) return std::nullopt;
  return broken(coding_name_, "stops short of its end");
}

std::optional<Error> BodyDecoder::inflate_some(std::string_view raw) {
  if (!inflater_) inflater_ = std::make_unique<Inflater>();
  Inflater& in = *inflater_;
  std::string joined;
  if (!in.open) {
    int window = gzip_window;
    if (coding_ == Coding::deflate) {
      in.header.append(raw);
      if (in.header.size() < 2) return std::nullopt;
      joined = std::move(in.header);
      raw = joined;
      const unsigned first = static_cast<unsigned char>(raw[0]);
      const unsigned second = static_cast<unsigned char>(raw[1]);
      window = (first & 0x0f) == 8 && (first * 256 + second) % 31 == 0 ? zlib_window : raw_window;
    }
    if (!in.start(window)) return broken(coding_name_, "could not be decoded: out of memory");
  }
  std::array<char, 32 * 1024> out;
  while (true) {
    if (in.ended) {
      // gzip may be several members in a row, and be padded with zeros; nothing else may follow.
      const bool another_member = coding_ == Coding::gzip && !in.padding && raw.starts_with('\x1f');
      if (!another_member) {
        in.padding = in.padding || !raw.empty();
        if (raw.find_first_not_of('\0') != std::string_view::npos)
          return broken(coding_name_, "has data after its end");
        return std::nullopt;
      }
      inflateReset(&in.stream);
      in.ended = false;
    }
    in.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
    in.stream.avail_in = static_cast<uInt>(raw.size());
    in.stream.next_out = reinterpret_cast<Bytef*>(out.data());
    in.stream.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&in.stream, Z_NO_FLUSH);
    const std::size_t produced = out.size() - in.stream.avail_out;
    raw.remove_prefix(raw.size() - in.stream.avail_in);
    if (produced > 0) {
      if (auto error = append({out.data(), produced})) return error;
    }
    if (result == Z_STREAM_END) {
      in.ended = true;
      continue;
    }
    if (result == Z_BUF_ERROR || (result == Z_OK && raw.empty() && in.stream.avail_out > 0)) return std::nullopt;
    if (result != Z_OK) return broken(coding_name_, "is malformed");
  }
}

std::optional<Error> BodyDecoder::append(std::string_view decoded) {
  const std::int64_t size = static_cast<std::int64_t>(body_.size() + decoded.size());
  if (size > max_bytes_) {
    return make_error(error_type::limit,
                      "the response body is larger than response_bytes = " + std::to_string(max_bytes_));
  }
  if (coding_ != Coding::identity && size > ratio_free_bytes && size > ratio_cap * raw_bytes_) {
    return make_error(error_type::limit, "the " + coding_name_ + " body expands more than 100 : 1");
  }
  body_.append(decoded);
  return std::nullopt;
}

}  // namespace fnstack::backends
