// RedisReply: one reply as data, whatever read it. Knows no library and no socket.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fnstack::backends {

struct RedisReply {
  enum class Type : std::uint8_t { nil, integer, status, text, error, array, other };
  Type type = Type::nil;
  std::int64_t integer = 0;
  std::string text;  // of status, text and error
  std::vector<RedisReply> elements;
};

}  // namespace fnstack::backends
