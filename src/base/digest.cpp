#include "base/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace fnstack::base {
namespace {

const EVP_MD* algorithm_of(Digest algorithm) {
  switch (algorithm) {
    case Digest::sha1:
      return EVP_sha1();
    case Digest::sha256:
      return EVP_sha256();
    case Digest::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

std::string digest(Digest algorithm, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm_of(algorithm), nullptr) != 1) return {};
  return std::string(reinterpret_cast<const char*>(out), size);
}

std::string hmac(Digest algorithm, std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (key.size() > INT32_MAX) return {};
  // A null pointer would mean "the key of last time".
  const char* const key_bytes = key.empty() ? "" : key.data();
  if (HMAC(algorithm_of(algorithm), key_bytes, static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out, &size) == nullptr) {
    return {};
  }
  return std::string(reinterpret_cast<const char*>(out), size);
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string sha256_hex(std::span<const std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += std::to_string(part.size()) + ":" + std::string(part);
  return to_hex(digest(Digest::sha256, all));
}

}  // namespace fnstack::base
