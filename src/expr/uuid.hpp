// The text of a UUID.
#pragma once

#include <cstdint>
#include <string>

namespace fnstack::expr {

// The version 4 UUID that 16 random bytes make.
[[nodiscard]] std::string uuid_of(const std::uint8_t* random);

}  // namespace fnstack::expr
