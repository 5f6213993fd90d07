// Message digests and HMAC by libcrypto, as bytes or hex: what signs requests. MD5 is not among them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fnstack::base {

enum class Digest : std::uint8_t { sha1, sha256, sha512 };

// The digest's bytes; empty if this libcrypto refuses the algorithm (FIPS has no SHA-1).
[[nodiscard]] std::string digest(Digest algorithm, std::string_view bytes);
[[nodiscard]] std::string hmac(Digest algorithm, std::string_view key, std::string_view bytes);
// Lower case.
[[nodiscard]] std::string to_hex(std::string_view bytes);
// SHA-256 in hex over the parts with their lengths: where one ends and the next begins makes a difference.
[[nodiscard]] std::string sha256_hex(std::span<const std::string_view> parts);

}  // namespace fnstack::base
