// Encodings and hashes: base64, hex, percent-encoding, query strings, message digests and HMAC; random tokens.
#include <memory>
#include <string>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/base64.hpp"
#include "base/utf8.hpp"
#include "expr/escape.hpp"
#include "expr/functions_parts.hpp"
#include "expr/unicode.hpp"

namespace fnstack::expr::functions::codec {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

constexpr std::string_view upper_hex_digits = "0123456789ABCDEF";

using base::hex_digit;

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 0xFU];
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  base::append_base64(out, bytes);
  return out;
}

std::string to_base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

// Both alphabets, with padding or without it, line breaks left out. False: it is no base64.
bool from_base64(std::string_view text, std::string& out) {
  std::uint32_t bits = 0;
  int count = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0' + 52);
    } else if (c == '+' || c == '-') {
      value = 62;
    } else if (c == '/' || c == '_') {
      value = 63;
    } else {
      return false;
    }
    if (padding > 0) return false;
    ++digits;
    bits = bits << 6 | value;
    if (++count == 4) {
      out += static_cast<char>(bits >> 16 & 0xFFU);
      out += static_cast<char>(bits >> 8 & 0xFFU);
      out += static_cast<char>(bits & 0xFFU);
      bits = 0;
      count = 0;
    }
  }
  if (count == 1 || padding > 2 || (padding > 0 && (digits + padding) % 4 != 0)) return false;
  if (count == 2) out += static_cast<char>(bits >> 4 & 0xFFU);
  if (count == 3) {
    out += static_cast<char>(bits >> 10 & 0xFFU);
    out += static_cast<char>(bits >> 2 & 0xFFU);
  }
  return true;
}

// Percent-encoding; `kept` are the characters beside letters and digits that stay.
std::string percent_encoded(std::string_view text, std::string_view kept, bool plus_for_blank = false) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       kept.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else if (c == ' ' && plus_for_blank) {
      out += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += upper_hex_digits[byte >> 4];
      out += upper_hex_digits[byte & 0xFU];
    }
  }
  return out;
}

// ECMAScript's Decode: malformed sequences are errors; what decodes to one of `reserved` stays encoded.
bool strict_decoded(std::string_view text, std::string_view reserved, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return false;
    const char decoded = static_cast<char>(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
    if (reserved.find(decoded) != std::string_view::npos) {
      out += text.substr(i, 3);
    } else {
      out += decoded;
    }
    i += 2;
  }
  return base::is_utf8(out);
}

Result<Value> encoded(Invocation& call, std::string_view kept, bool plus_for_blank = false) {
  if (call[0].is_null()) return Value();
  Reader in(call);
  const std::string_view text = in.octets(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size()) || !call.fits(text.size())) return call.failure();
  std::string out = percent_encoded(text, kept, plus_for_blank);
  if (!call.fits(out.size())) return call.failure();
  return Value(std::move(out));
}

Result<Value> decoded(Invocation& call, bool plus_is_blank) {
  Reader in(call);
  const std::string_view text = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  return text_or_bytes(percent_decoded(text, plus_is_blank));
}

Result<Value> decoded_component(Invocation& call, std::string_view reserved) {
  if (call[0].is_null()) return Value();
  Reader in(call);
  const std::string_view text = in.any_text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  std::string out;
  if (!strict_decoded(text, reserved, out)) return call.error("the text has a % that is not followed by UTF-8 in hex");
  return Value(std::move(out));
}

template <std::string (*encode)(std::string_view)>
Result<Value> bytes_encoded(Invocation& call) {
  Reader in(call);
  const std::string_view bytes = in.octets(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, bytes.size()) || !call.fits(bytes.size() * 2)) return call.failure();
  return Value(encode(bytes));
}

// A digest as the argument at `position` says: hex (the default), base64, base64url, bytes.
Result<Value> shown(Invocation& call, std::string_view digest, std::size_t position) {
  Reader in(call);
  const std::string encoding = expr::to_lower(in.text_or(position, "hex", "the encoding"));
  if (in.failed()) return in.error();
  if (encoding == "hex") return Value(to_hex(digest));
  if (encoding == "base64") return Value(to_base64(digest));
  if (encoding == "base64url") return Value(to_base64url(digest));
  if (encoding == "bytes" || encoding == "binary" || encoding == "raw") return Value::bytes(digest);
  return call.error("expected the encoding hex, base64, base64url or bytes");
}

// The digest of the value at 0; its encoding is named at `encoding`.
Result<Value> digest(Invocation& call, const EVP_MD* algorithm, std::size_t encoding) {
  Reader in(call);
  const std::string_view bytes = in.octets(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, bytes.size())) return call.failure();
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (algorithm == nullptr || EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm, nullptr) != 1) {
    return call.error("this algorithm is not available here");
  }
  return shown(call, std::string_view(reinterpret_cast<const char*>(out), size), encoding);
}

Result<Value> keyed_digest(Invocation& call, const EVP_MD* algorithm, std::size_t encoding) {
  Reader in(call);
  const std::string_view bytes = in.octets(0);
  if (call[1].is_null()) return call.error("expected text or bytes for the key, got null");
  const std::string_view key = in.octets(1, "the key");
  if (in.failed()) return in.error();
  if (key.empty()) return call.error("the key is empty");
  if (!call.charge(0, bytes.size() + key.size())) return call.failure();
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (key.size() > INT32_MAX || algorithm == nullptr ||
      HMAC(algorithm, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
           bytes.size(), out, &size) == nullptr) {
    return call.error("this algorithm is not available here");
  }
  return shown(call, std::string_view(reinterpret_cast<const char*>(out), size), encoding);
}

const EVP_MD* find_algorithm(std::string_view name) {
  std::string plain;
  for (const char c : expr::to_lower(name)) {
    if (c != '-' && c != '_') plain += c;
  }
  if (plain == "md5") return EVP_md5();
  if (plain == "sha1") return EVP_sha1();
  if (plain == "sha256") return EVP_sha256();
  if (plain == "sha384") return EVP_sha384();
  if (plain == "sha512") return EVP_sha512();
  return nullptr;
}

// ---- Query strings.

// a[b][]=1: sets the value in `target` at the keys, as PHP does; an empty one but the first appends.
void set_query_field(Value& target, const std::vector<std::string>& keys, std::size_t at, Value value) {
  if (at == keys.size()) {
    target = std::move(value);
    return;
  }
  if (keys[at].empty() && at > 0) {
    if (!target.is_array()) target = Value::array();
    Value inner;
    set_query_field(inner, keys, at + 1, std::move(value));
    target.push_back(std::move(inner));
    return;
  }
  if (target.is_array()) {
    // A list that gets a name becomes an object of its positions.
    Value object = Value::object();
    for (std::size_t i = 0; i < target.size(); ++i) object.set(std::to_string(i), target[i]);
    target = std::move(object);
  }
  if (!target.is_object()) target = Value::object();
  Value inner = target.get(keys[at]);
  set_query_field(inner, keys, at + 1, std::move(value));
  target.set(keys[at], std::move(inner));
}

constexpr std::size_t max_query_depth = 16;

std::vector<std::string> query_keys(std::string_view name) {
  const std::size_t open = name.find('[');
  if (open == std::string_view::npos || open == 0 || !name.ends_with(']')) return {std::string(name)};
  std::vector<std::string> keys = {std::string(name.substr(0, open))};
  std::string_view rest = name.substr(open);
  while (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return {std::string(name)};
    keys.emplace_back(rest.substr(1, close - 1));
    rest.remove_prefix(close + 1);
  }
  if (!rest.empty() || keys.size() > max_query_depth) return {std::string(name)};
  return keys;
}

Value query_text(std::string_view part) {
  const std::string decoded = percent_decoded(part, true);
  return text_or_bytes(decoded);
}

}  // namespace

Result<Value> base64_encode(Invocation& call) { return bytes_encoded<to_base64>(call); }

Result<Value> base64url_encode(Invocation& call) { return bytes_encoded<to_base64url>(call); }

Result<Value> hex_encode(Invocation& call) { return bytes_encoded<to_hex>(call); }

Result<Value> base64_decode(Invocation& call) {
  Reader in(call);
  const std::string_view text = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  std::string out;
  if (!from_base64(text, out)) return call.error("the text is no base64");
  return text_or_bytes(out);
}

Result<Value> hex_decode(Invocation& call) {
  Reader in(call);
  const std::string_view text = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  if (text.size() % 2 != 0) return call.error("the text is no hex: it has an odd number of digits");
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (hex_digit(text[i]) < 0 || hex_digit(text[i + 1]) < 0) return call.error("the text is no hex");
    out += static_cast<char>(hex_digit(text[i]) << 4 | hex_digit(text[i + 1]));
  }
  return text_or_bytes(out);
}

Result<Value> encode_uri_component(Invocation& call) { return encoded(call, "-_.!~*'()"); }

Result<Value> encode_uri(Invocation& call) { return encoded(call, ";/?:@&=+$,#-_.!~*'()"); }

Result<Value> decode_uri_component(Invocation& call) { return decoded_component(call, ""); }

Result<Value> decode_uri(Invocation& call) { return decoded_component(call, ";/?:@&=+$,#"); }

Result<Value> url_encode(Invocation& call) { return encoded(call, "-._~"); }

Result<Value> form_encode(Invocation& call) { return encoded(call, "*-._", true); }

Result<Value> url_decode(Invocation& call) { return decoded(call, true); }

Result<Value> url_decode_rfc3986(Invocation& call) { return decoded(call, false); }

Result<Value> querystring_parse(Invocation& call) {
  Reader in(call);
  std::string_view text = in.text(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, text.size())) return call.failure();
  if (text.starts_with('?')) text.remove_prefix(1);
  Value out = Value::object();
  Meter meter(call);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    Value name = query_text(pair.substr(0, equals));
    Value content = query_text(pair.substr(std::min(equals + 1, pair.size())));
    // What is changed below may be as long as all that came before.
    if (!meter.add(4) || !call.fits(out.byte_size())) return call.failure();
    const std::vector<std::string> keys = query_keys(name.as_string());
    if (keys.size() > 1 && !meter.add(out.get(keys[0]).size())) return call.failure();
    set_query_field(out, keys, 0, std::move(content));
  }
  return out;
}

Result<Value> querystring(Invocation& call) {
  Reader in(call);
  const Value parameters = in.object(0);
  if (in.failed()) return in.error();
  if (!call.charge(0, parameters.byte_size()) || !call.fits(parameters.byte_size())) return call.failure();
  Result<std::string> text = encode_query(parameters);
  if (!text.ok()) return call.error(text.error().message);
  if (!call.fits(text->size())) return call.failure();
  return Value(std::move(*text));
}

Result<Value> md5(Invocation& call) { return digest(call, EVP_md5(), 1); }

Result<Value> sha1(Invocation& call) { return digest(call, EVP_sha1(), 1); }

Result<Value> sha256(Invocation& call) { return digest(call, EVP_sha256(), 1); }

Result<Value> sha384(Invocation& call) { return digest(call, EVP_sha384(), 1); }

Result<Value> sha512(Invocation& call) { return digest(call, EVP_sha512(), 1); }

Result<Value> hmac_md5(Invocation& call) { return keyed_digest(call, EVP_md5(), 2); }

Result<Value> hmac_sha1(Invocation& call) { return keyed_digest(call, EVP_sha1(), 2); }

Result<Value> hmac_sha256(Invocation& call) { return keyed_digest(call, EVP_sha256(), 2); }

Result<Value> hmac_sha384(Invocation& call) { return keyed_digest(call, EVP_sha384(), 2); }

Result<Value> hmac_sha512(Invocation& call) { return keyed_digest(call, EVP_sha512(), 2); }

Result<Value> hash(Invocation& call) {
  Reader in(call);
  if (call[1].is_null()) {
    return call.error(
        "name the algorithm, as in hash('sha256'): md5, sha1, sha256, sha384 or sha512; for passwords use a password "
        "hash of the host, never one of these");
  }
  const std::string_view name = in.text(1, "the algorithm");
  if (in.failed()) return in.error();
  const EVP_MD* algorithm = find_algorithm(name);
  if (algorithm == nullptr) return call.error("expected the algorithm md5, sha1, sha256, sha384 or sha512");
  return digest(call, algorithm, 2);
}

Result<Value> secure_compare(Invocation& call) {
  if (call[0].is_null() || call[1].is_null()) return Value(false);
  Reader in(call);
  const std::string_view left = in.octets(0);
  const std::string_view right = in.octets(1);
  if (in.failed()) return in.error();
  if (!call.charge(0, left.size())) return call.failure();
  return Value(left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0);
}

Result<Value> random_token(Invocation& call) {
  Reader in(call);
  const std::int64_t bytes = in.whole_or(0, 32, "the bytes");
  if (in.failed()) return in.error();
  if (bytes < 1 || bytes > 1024) return call.error("expected 1 to 1024 bytes");
  if (call.scope().random == nullptr) return no_random(call);
  std::string out(static_cast<std::size_t>(bytes), '\0');
  call.scope().random->fill(reinterpret_cast<std::uint8_t*>(out.data()), out.size());
  return shown(call, out, 1);
}

Result<Value> uuid(Invocation& call) {
  if (call.scope().random == nullptr) return no_random(call);
  return Value(call.scope().random->uuid());
}

}  // namespace fnstack::expr::functions::codec
