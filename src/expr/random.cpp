// Random: bits for a run, from its seed alone, so that a run can be repeated, copied and written out.
// AES-256 in counter mode: any position is reached at once.
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "expr/expression.hpp"
#include "expr/uuid.hpp"

namespace fnstack::expr {
namespace {

constexpr std::uint64_t block = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

}  // namespace

void Random::fill(std::uint8_t* out, std::size_t size) {
  if (size == 0) return;
  // libcrypto fails here only for want of memory.
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  if (context == nullptr) throw std::bad_alloc();
  std::uint8_t counter[block] = {};
  const std::uint64_t first = position / block;
  for (unsigned i = 0; i < 8; ++i) {
    counter[15 - i] = static_cast<std::uint8_t>(first >> (8U * i));
    counter[7 - i] = static_cast<std::uint8_t>(stream >> (8U * i));
  }
  if (EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, seed, counter) != 1) throw std::bad_alloc();

  std::uint8_t scratch[block] = {};
  int written = 0;
  const int skip = static_cast<int>(position % block);
  if (skip > 0 && EVP_EncryptUpdate(context.get(), scratch, &written, scratch, skip) != 1) throw std::bad_alloc();
  position += size;
  std::memset(out, 0, size);
  constexpr std::size_t most = std::size_t{1} << 30;  // libcrypto counts in int
  while (size > 0) {
    const std::size_t part = std::min(size, most);
    if (EVP_EncryptUpdate(context.get(), out, &written, out, static_cast<int>(part)) != 1) throw std::bad_alloc();
    out += part;
    size -= part;
  }
}

std::string Random::uuid() {
  std::uint8_t random[16];
  fill(random, sizeof random);
  return uuid_of(random);
}

std::string uuid_of(const std::uint8_t* random) {
  std::uint8_t bytes[16];
  std::memcpy(bytes, random, sizeof bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);  // version 4
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);  // the variant of RFC 9562
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    out.push_back(digits[bytes[i] >> 4U]);
    out.push_back(digits[bytes[i] & 0x0FU]);
  }
  return out;
}

}  // namespace fnstack::expr
