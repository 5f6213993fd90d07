#include "backends/response_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace fnstack::backends {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// RFC 9110 5.6.2: what a field's name may consist of, each in lower case; 0: nothing.
constexpr std::array<char, 256> name_characters = [] {
  std::array<char, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) {
    table[static_cast<unsigned char>(c)] = c;
    if (c >= 'a' && c <= 'z') table[static_cast<unsigned char>(c - 'a' + 'A')] = c;
  }
  return table;
}();

// Empty: it is none.
std::string lower_name(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    c = name_characters[static_cast<unsigned char>(c)];
    if (c == 0) return {};
  }
  return name;
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Error not_http(const char* what) {
  return make_error(error_type::network, "the answer is not valid HTTP: " + std::string(what));
}

}  // namespace

void ResponseReader::start(const Bounds& bounds) {
  bounds_ = bounds;
  response_ = {};
  status_ = 0;
  fields_ = 0;
  header_bytes_ = 0;
  content_length_ = -1;
  last_field_kept_ = false;
  headers_complete_ = false;
  decoder_.start("", bounds.body_bytes);
}

std::optional<Error> ResponseReader::header_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  // Trailers bring nothing that could be trusted in place of a header; they are counted and dropped.
  // So do status lines count, of interim answers: those might never end.
  const bool starts_section = !headers_complete_ && line.starts_with("HTTP/");
  const bool counts = starts_section ? status_ != 0 : !line.empty();
  if (counts) header_bytes_ += static_cast<std::int64_t>(line.size() + 2);
  if (header_bytes_ > bounds_.header_bytes) {
    return make_error(error_type::limit, "the response headers are larger than response_header_bytes = " +
                                             std::to_string(bounds_.header_bytes));
  }
  if (starts_section) return status_line(line);
  if (status_ == 0) return not_http("it does not begin with a status line");
  if (line.empty()) return headers_complete_ ? std::nullopt : end_of_headers();
  return field(line);
}

std::optional<Error> ResponseReader::body(std::string_view raw) { return decoder_.write(raw); }

std::optional<Error> ResponseReader::finish() {
  if (!headers_complete_) return not_http("it ends within its headers");
  return decoder_.finish();
}

const std::string* ResponseReader::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : response_.headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

HttpResponse ResponseReader::take() {
  response_.status = status_;
  response_.body = decoder_.take_body();
  return std::move(response_);
}

// libcurl reads the first three digits of whatever stands there: 1000 would be an interim answer.
std::optional<Error> ResponseReader::status_line(std::string_view line) {
  const std::size_t blank = line.find(' ');
  const std::string_view rest = blank == line.npos ? std::string_view() : line.substr(blank + 1);
  const bool three_digits = rest.size() >= 3 && is_digit(rest[0]) && is_digit(rest[1]) && is_digit(rest[2]) &&
                            (rest.size() == 3 || rest[3] == ' ');
  const int status = three_digits ? (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0') : 0;
  if (status < 100 || status > 599) return not_http("its status is not a number from 100 to 599");
  if (status == 101) return not_http("it switches protocols (101), which was not asked for");
  status_ = status;
  response_.headers.clear();
  content_length_ = -1;
  last_field_kept_ = false;
  return std::nullopt;
}

std::optional<Error> ResponseReader::field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {  // a folded line continues the one before it
    if (last_field_kept_ && !headers_complete_) {
      std::string& value = response_.headers.back().second;
      if (!value.empty()) value += ' ';
      value += trimmed(line);
    }
    return std::nullopt;
  }
  if (++fields_ > bounds_.headers) {
    return make_error(error_type::limit,
                      "the response has more headers than response_headers = " + std::to_string(bounds_.headers));
  }
  last_field_kept_ = false;
  if (headers_complete_) return std::nullopt;
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return std::nullopt;
  std::string name = lower_name(line.substr(0, colon));
  if (name.empty()) return std::nullopt;  // browsers pass over these too
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-length") {
    if (auto error = check_length(value)) return error;
  }
  if (response_.headers.empty()) response_.headers.reserve(16);
  response_.headers.emplace_back(std::move(name), std::string(value));
  last_field_kept_ = true;
  return std::nullopt;
}

std::optional<Error> ResponseReader::check_length(std::string_view value) {
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) {
    return not_http("its Content-Length is not a number");
  }
  std::int64_t length = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (failed != std::errc()) length = std::numeric_limits<std::int64_t>::max();
  if (content_length_ >= 0 && content_length_ != length) return not_http("it has two different Content-Length headers");
  content_length_ = length;
  return std::nullopt;
}

std::optional<Error> ResponseReader::end_of_headers() {
  if (status_ < 200) return std::nullopt;
  headers_complete_ = true;
  last_field_kept_ = false;
  std::string coding;
  bool chunked = false;
  for (const auto& [name, value] : response_.headers) {
    if (name == "content-encoding")
      coding += (coding.empty() ? "" : ",") + value;
    else if (name == "transfer-encoding")
      chunked = true;
  }
  decoder_.start(coding, std::max<std::int64_t>(bounds_.body_bytes, 0));
  const bool has_body = bounds_.body_expected && status_ != 204 && status_ != 304;
  if (!has_body || chunked || content_length_ <= 0) return std::nullopt;
  // Not worth reading the first byte, where nothing has to be unpacked before its size is known.
  if (coding.empty() && content_length_ > bounds_.body_bytes) {
    return make_error(error_type::limit,
                      "the response body is larger than response_bytes = " + std::to_string(bounds_.body_bytes));
  }
  decoder_.reserve(content_length_);
  return std::nullopt;
}

}  // namespace fnstack::backends
