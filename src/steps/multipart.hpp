// An object as multipart/form-data (RFC 7578; names escaped as browsers do it, WHATWG). Files are made of values:
// nothing is ever read from a path.
#pragma once

#include <array>
#include <string>

#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>
#include <fnstack/value.hpp>

namespace fnstack::steps {

struct MultipartBody {
  std::string body;
  std::string content_type;  // "multipart/form-data; boundary=…"
};

// Members of `parts` in order: text, numbers and booleans are text parts as they are (no line break is changed), null
// is left out, a list repeats the name, and an object is a file:
//     {"filename": text, "content": text or bytes, "content_type": text}
// whose content_type is text/plain; charset=utf-8 for text and application/octet-stream for bytes unless it is given.
// The boundary comes from `random`, and anew from its digest if it occurs in what is sent. Errors: `validation` names
// the member, never a value; `limit` if the body were longer than value_bytes.
[[nodiscard]] Result<MultipartBody> encode_multipart(const Value& parts, const std::array<unsigned char, 16>& random,
                                                     const Limits& limits = {});

}  // namespace fnstack::steps
