#include "steps/multipart.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <fnstack/json.hpp>

#include "base/digest.hpp"
#include "base/in_quotes.hpp"
#include "base/kind_in_words.hpp"
#include "base/suggest.hpp"
#include "expr/escape.hpp"
#include "expr/escape_hole.hpp"

namespace fnstack::steps {
namespace {

struct Part {
  std::string head;          // header lines, and the empty line after them
  std::string text;          // a number or boolean as text; `content` may point to it
  std::string_view content;  // of the value that is sent, or of `text` (then empty here)
};

Error wrong(std::string_view name, std::string_view reason) {
  return make_error(error_type::validation, "multipart: member " + base::in_quotes(name) + ": " + std::string(reason));
}

Error too_long(std::int64_t most) {
  return make_error(error_type::limit,
                    "multipart: the body is longer than value_bytes, " + std::to_string(most) + " bytes");
}

bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\r' && byte != '\n') || byte == 0x7f;
  });
}

// WHATWG, "multipart/form-data encoding algorithm": these three and no others.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else {
      out += c;
    }
  }
  out += '"';
}

bool is_media_type(std::string_view type) noexcept {
  const std::size_t slash = type.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < type.size() && type.find(' ') > slash + 1;
}

class Encoder {
 public:
  explicit Encoder(const Limits& limits) : limits_(limits) {}

  std::optional<Error> add(std::string_view name, const Value& value) {
    if (value.is_null()) return std::nullopt;
    if (has_control(name)) return wrong(name, "the name has a control character");
    if (!value.is_array()) return add_one(name, value);
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i].is_array()) return wrong(name, "a list within a list has no form here; send it as json(…)");
      if (value[i].is_null()) continue;
      if (auto error = add_one(name, value[i])) return error;
    }
    return std::nullopt;
  }

  MultipartBody finish(const std::array<unsigned char, 16>& random) const {
    std::string seed(random.begin(), random.end());
    std::string boundary = base::to_hex(seed);
    while (occurs(boundary)) {
      seed = base::digest(base::Digest::sha256, seed).substr(0, 16);
      boundary = base::to_hex(seed);
    }
    MultipartBody out;
    out.content_type = "multipart/form-data; boundary=" + boundary;
    out.body.reserve(static_cast<std::size_t>(size_) + closing);
    for (const Part& part : parts_) {
      out.body += "--" + boundary + "\r\n";
      out.body += part.head;
      out.body += content_of(part);
      out.body += "\r\n";
    }
    out.body += "--" + boundary + "--\r\n";
    return out;
  }

 private:
  static constexpr std::int64_t boundary_size = 32;
  static constexpr std::int64_t framing = 2 + boundary_size + 2 + 2;  // of each part, its head aside
  static constexpr std::int64_t closing = 2 + boundary_size + 2 + 2;

  static std::string_view content_of(const Part& part) noexcept {
    return part.text.empty() ? part.content : std::string_view(part.text);
  }

  bool occurs(std::string_view boundary) const noexcept {
    return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
      return content_of(part).find(boundary) != std::string_view::npos || part.head.find(boundary) != std::string::npos;
    });
  }

  std::optional<Error> add_one(std::string_view name, const Value& value) {
    Part part;
    part.head = "Content-Disposition: form-data; name=";
    append_quoted(part.head, name);
    if (value.is_object()) {
      if (auto error = read_file(name, value, part)) return error;
    } else if (value.is_bytes()) {
      return wrong(name, "bytes are sent as a file: {\"filename\": …, \"content\": …}");
    } else {
      part.head += "\r\n\r\n";
      if (value.is_string()) {
        part.content = value.as_string();
      } else {
        part.text = to_text(value);
      }
    }
    size_ += static_cast<std::int64_t>(part.head.size() + content_of(part).size()) + framing;
    if (size_ > limits_.value_bytes - closing) return too_long(limits_.value_bytes);
    parts_.push_back(std::move(part));
    return std::nullopt;
  }

  std::optional<Error> read_file(std::string_view name, const Value& file, Part& part) const {
    static constexpr std::string_view known[] = {"filename", "content", "content_type"};
    for (std::size_t i = 0; i < file.size(); ++i) {
      const std::string_view key = file.key_at(i);
      if (std::find(std::begin(known), std::end(known), key) != std::end(known)) continue;
      const auto near = suggest(key, known);
      return wrong(name, "unknown key " + base::in_quotes(key) +
                             (near ? did_you_mean(near)
                                   : "; a file is {\"filename\", \"content\", \"content_type\"}, other objects are "
                                     "sent as json(…)"));
    }
    const Value& filename = file.get("filename");
    if (!filename.is_string()) {
      return wrong(name, "filename: expected text, got " + std::string(base::kind_in_words(filename)));
    }
    if (has_control(filename.as_string())) return wrong(name, "filename: it has a control character");
    const Value& content = file.get("content");
    if (!content.is_string() && !content.is_bytes()) {
      return wrong(name, "content: expected text or bytes, got " + std::string(base::kind_in_words(content)) +
                             (content.is_container() ? "; send it as json(…)" : ""));
    }
    const Value& given_type = file.get("content_type");
    if (!given_type.is_null() && !given_type.is_string()) {
      return wrong(name, "content_type: expected text, got " + std::string(base::kind_in_words(given_type)));
    }
    const std::string_view type = given_type.is_string() ? given_type.as_string()
                                  : content.is_bytes()   ? "application/octet-stream"
                                                         : "text/plain; charset=utf-8";
    const auto checked = expr::check_headers(Value::object({{"Content-Type", Value(type)}}), false,
                                             static_cast<std::size_t>(std::max<std::int64_t>(limits_.header_bytes, 0)));
    if (!checked) {
      Error error = checked.error();
      error.message = "multipart: member " + base::in_quotes(name) + ": " + error.message;
      return error;
    }
    if (!is_media_type(type)) return wrong(name, "content_type: expected a media type such as image/png");
    part.head += "; filename=";
    append_quoted(part.head, filename.as_string());
    part.head += "\r\nContent-Type: ";
    part.head += type;
    part.head += "\r\n\r\n";
    part.content = content.as_string();
    return std::nullopt;
  }

  const Limits& limits_;
  std::vector<Part> parts_;
  std::int64_t size_ = 0;
};

}  // namespace

Result<MultipartBody> encode_multipart(const Value& parts, const std::array<unsigned char, 16>& random,
                                       const Limits& limits) {
  if (!parts.is_object()) {
    return make_error(error_type::validation,
                      "multipart: expected an object, got " + std::string(base::kind_in_words(parts)));
  }
  Encoder encoder(limits);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (auto error = encoder.add(parts.key_at(i), parts[i])) return std::move(*error);
  }
  return encoder.finish(random);
}

}  // namespace fnstack::steps
