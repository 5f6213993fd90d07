// How each kind of command is spelled for Redis. What has to be atomic over several steps is a script, its data always
// in KEYS and ARGV. Replies come from a stranger: each is checked for its type before it is used.
#include "backends/redis_commands.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "backends/redis_companion.hpp"
#include "backends/redis_errors.hpp"
#include "backends/redis_wire.hpp"
#include "base/in_quotes.hpp"
#include "base/utf8.hpp"

namespace fnstack::backends {
namespace {

using base::in_quotes;
using Kind = CacheCommand::Kind;
using Type = RedisReply::Type;

// 30,000 years: what is longer means for ever, and Redis computes with milliseconds of 64 bits.
constexpr std::int64_t longest_ttl_s = 1'000'000'000'000;

// Lua's numbers are doubles: the sum itself goes back as the text that Redis stored.
constexpr std::string_view increment_script =
    "local n = redis.pcall('INCRBY', KEYS[1], ARGV[1]) "
    "if type(n) == 'table' then return n end "
    "local v = redis.call('GET', KEYS[1]) "
    "local left = redis.call('PTTL', KEYS[1]) "
    "local at = ARGV[2] .. ' =' .. v "
    "if left >= 0 then redis.pcall('SET', KEYS[2], at, 'PX', math.max(left, 1)) "
    "else redis.pcall('SET', KEYS[2], at) end "
    "return v";

// A fixed window: it begins with the first call. A refused call does not count.
constexpr std::string_view rate_limit_script =
    "local c = redis.pcall('GET', KEYS[1]) "
    "if type(c) == 'table' then return c end "
    "if not c then "
    "local s = redis.pcall('SET', KEYS[1], '1', 'PX', ARGV[2]) "
    "if type(s) == 'table' and s.err then return s end "
    "return {1, '1', ARGV[2]} end "
    "if not string.match(c, '^%-?%d+$') then return redis.error_reply('NOTACOUNTER') end "
    "local left = redis.call('PTTL', KEYS[1]) "
    "if left < 0 then left = ARGV[2] redis.call('PEXPIRE', KEYS[1], left) end "
    "if tonumber(c) >= tonumber(ARGV[1]) then return {0, c, string.format('%.0f', left)} end "
    "local n = redis.pcall('INCR', KEYS[1]) "
    "if type(n) == 'table' then return n end "
    "return {1, redis.call('GET', KEYS[1]), string.format('%.0f', left)}";

Error cache_error(std::string message) { return make_error(error_type::cache, std::move(message)); }

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// UTF-8, most of it ASCII: eight bytes at a time as far as that goes.
bool is_text(std::string_view text) {
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    if ((word & 0x8080808080808080ULL) != 0) break;
    text.remove_prefix(8);
  }
  return base::is_utf8(text);
}

// In a pattern of ours only * and ? are special.
std::string pattern_of(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '[' || c == ']' || c == '\\' || c == '^') out += '\\';
    out += c;
  }
  return out;
}

std::string ttl_of(const CacheCommand& command) { return std::to_string(std::min(command.ttl_s, longest_ttl_s)); }

bool is_list_kind(Kind kind) noexcept {
  return kind == Kind::push || kind == Kind::pop || kind == Kind::unshift || kind == Kind::shift ||
         kind == Kind::range || kind == Kind::count || kind == Kind::remove_from_list;
}

}  // namespace

RedisExchange::RedisExchange(CacheCommand command, std::int64_t now_ms, std::int64_t max_bytes)
    : command_(std::move(command)), now_ms_(now_ms), max_bytes_(max_bytes) {}

Result<RedisExchange> RedisExchange::make(CacheCommand command, std::int64_t now_ms, std::int64_t max_bytes) {
  if (command.kind != Kind::keys && command.key.empty()) {
    return make_error(error_type::validation, "cache key: expected text, got an empty one");
  }
  if (command.kind == Kind::set && command.ttl_s < 0) {
    return make_error(error_type::validation,
                      "set: ttl: expected 0 or more seconds, got " + std::to_string(command.ttl_s));
  }
  if (command.kind == Kind::rate_limit && (command.amount < 1 || command.ttl_s < 1)) {
    return make_error(error_type::validation,
                      "rate limit: expected at least 1 permitted call in at least 1 second, got " +
                          std::to_string(command.amount) + " in " + std::to_string(command.ttl_s));
  }
  RedisExchange exchange(std::move(command), now_ms, max_bytes);
  exchange.first_round();
  return exchange;
}

void RedisExchange::send(std::initializer_list<std::string_view> arguments) {
  if (!append_command(bytes_, arguments)) throw std::bad_alloc();
  ++expected_;
}

void RedisExchange::restart() {
  bytes_.clear();
  expected_ = 0;
  asks_type_ = false;
  found_.clear();
  found_bytes_ = 0;
  first_round();
}

void RedisExchange::first_round() {
  const std::string& key = command_.key;
  switch (command_.kind) {
    case Kind::get:
      send({"GET", key});
      if (command_.want_age) send({"GET", companion_of(key)});
      break;
    case Kind::set: {
      const std::string at = companion_text(now_ms_, command_.text);
      if (command_.ttl_s == 0) {
        send({"SET", key, command_.text});
        send({"SET", companion_of(key), at});
      } else {
        const std::string ttl = ttl_of(command_);
        send({"SET", key, command_.text, "EX", ttl});
        send({"SET", companion_of(key), at, "EX", ttl});
      }
      break;
    }
    case Kind::has:
      send({"EXISTS", key});
      break;
    case Kind::remove:
      send({"DEL", key});
      send({"DEL", companion_of(key)});
      break;
    case Kind::increment:
      send({"EVAL", increment_script, "2", key, companion_of(key), std::to_string(command_.amount),
            std::to_string(now_ms_)});
      break;
    case Kind::keys:
      send({"SCAN", "0", "MATCH", pattern_of(key), "COUNT", "1000"});
      break;
    case Kind::push:
      send({"RPUSH", key, command_.text});
      break;
    case Kind::unshift:
      send({"LPUSH", key, command_.text});
      break;
    case Kind::pop:
      send({"RPOP", key});
      break;
    case Kind::shift:
      send({"LPOP", key});
      break;
    case Kind::range:
      send({"LRANGE", key, std::to_string(command_.start), std::to_string(command_.stop)});
      break;
    case Kind::count:
      send({"LLEN", key});
      break;
    case Kind::remove_from_list:
      send({"LREM", key, "0", command_.text});
      break;
    case Kind::rate_limit:
      send({"EVAL", rate_limit_script, "1", key, std::to_string(command_.amount), ttl_of(command_) + "000"});
      break;
  }
}

bool RedisExchange::repeatable() const noexcept {
  switch (command_.kind) {
    case Kind::get:
    case Kind::set:
    case Kind::has:
    case Kind::keys:
    case Kind::range:
    case Kind::count:
      return true;
    default:
      // A delete done twice does no harm either, but answers that there was nothing.
      return false;
  }
}

std::string_view RedisExchange::name() const noexcept {
  switch (command_.kind) {
    case Kind::get:
      return "get";
    case Kind::set:
      return "set";
    case Kind::has:
      return "has";
    case Kind::remove:
      return "delete";
    case Kind::increment:
      return "increment";
    case Kind::keys:
      return "keys";
    case Kind::push:
      return "push";
    case Kind::pop:
      return "pop";
    case Kind::unshift:
      return "unshift";
    case Kind::shift:
      return "shift";
    case Kind::range:
      return "range";
    case Kind::count:
      return "count";
    case Kind::remove_from_list:
      return "remove";
    case Kind::rate_limit:
      return "rate limit";
  }
  return "cache";
}

namespace {

Error unexpected(std::string_view doing) {
  return cache_error(std::string(doing) + ": Redis answered with another type of reply than the command has");
}

Result<Value> text_or_null(const RedisReply& reply, const CacheCommand& command, std::string_view doing) {
  if (reply.type == Type::nil) return Value();
  if (reply.type != Type::text) return unexpected(doing);
  if (!is_text(reply.text)) {
    return cache_error(std::string(doing) + ": the cache key " + in_quotes(command.key) +
                       " holds bytes that are no UTF-8");
  }
  return Value(reply.text);
}

}  // namespace

std::optional<Result<Value>> RedisExchange::advance(std::vector<RedisReply>& replies) {
  RedisReply& first = replies.front();
  if (asks_type_) return wrong_type(first);
  if (first.type == Type::error) return refused(first);
  const auto integer = [&]() -> Result<Value> {
    if (first.type != Type::integer) return unexpected(name());
    return Value(first.integer);
  };
  switch (command_.kind) {
    case Kind::get:
      return got(replies);
    case Kind::set:
      // The companion may fail alone: then the value has no age.
      if (first.type != Type::status) return Result<Value>(unexpected(name()));
      return Result<Value>(Value());
    case Kind::has:
    case Kind::remove:
      if (first.type != Type::integer) return Result<Value>(unexpected(name()));
      return Result<Value>(Value(first.integer != 0));
    case Kind::push:
    case Kind::unshift:
    case Kind::count:
    case Kind::remove_from_list:
      return integer();
    case Kind::pop:
    case Kind::shift:
      return text_or_null(first, command_, name());
    case Kind::range:
      return listed(first);
    case Kind::increment:
      return counted(first);
    case Kind::keys:
      return scanned(first);
    case Kind::rate_limit:
      return rate_limited(first);
  }
  return Result<Value>(cache_error("unknown cache command"));
}

std::optional<Result<Value>> RedisExchange::refused(const RedisReply& reply) {
  const std::string_view code = redis_error_code(reply.text);
  const std::string quoted = in_quotes(command_.key);
  if (code == "WRONGTYPE") {
    if (command_.kind == Kind::get || is_list_kind(command_.kind)) {
      bytes_.clear();
      expected_ = 0;
      asks_type_ = true;
      send({"TYPE", command_.key});
      return std::nullopt;
    }
    if (command_.kind == Kind::increment) {
      return Result<Value>(cache_error("increment: the cache key " + quoted + " does not hold an integer"));
    }
    if (command_.kind == Kind::rate_limit) {
      return Result<Value>(cache_error("rate limit: the cache key " + quoted + " does not hold a counter"));
    }
  }
  if (command_.kind == Kind::increment) {
    if (reply.text.find("not an integer") != std::string::npos) {
      return Result<Value>(cache_error("increment: the cache key " + quoted + " does not hold an integer"));
    }
    if (reply.text.find("overflow") != std::string::npos) {
      return Result<Value>(
          cache_error("increment: the cache key " + quoted + " would leave the range of 64-bit integers"));
    }
  }
  if (command_.kind == Kind::rate_limit &&
      (reply.text.find("NOTACOUNTER") != std::string::npos || reply.text.find("not an integer") != std::string::npos)) {
    return Result<Value>(cache_error("rate limit: the cache key " + quoted + " does not hold a counter"));
  }
  return Result<Value>(redis_refusal(reply.text, name()));
}

Result<Value> RedisExchange::wrong_type(const RedisReply& type) const {
  const std::string quoted = "the cache key " + in_quotes(command_.key);
  const std::string_view held = type.type == Type::status ? std::string_view(type.text) : std::string_view();
  std::string other = "another type of Redis";
  for (const std::string_view known : {"hash", "set", "zset", "stream", "list"}) {
    if (held == known) other = "a Redis " + std::string(known);
  }
  if (command_.kind == Kind::get) {
    return cache_error("get: " + quoted +
                       (held == "list" ? " holds a list; use range" : " holds " + other + ", not a value"));
  }
  return cache_error(quoted + " holds " + (held == "string" ? "a value" : other) + ", not a list");
}

std::optional<Result<Value>> RedisExchange::got(const std::vector<RedisReply>& replies) {
  auto text = text_or_null(replies[0], command_, name());
  if (!text || text->is_null()) return text;
  Value age;
  if (command_.want_age && replies.size() > 1 && replies[1].type == Type::text) {
    // A clock that went backwards must not give a negative age.
    if (const auto at = stored_at(replies[1].text, replies[0].text); at && *at >= 0) {
      age = Value(std::max<std::int64_t>(0, now_ms_ - *at) / 1000);
    }
  }
  return Result<Value>(Value::object({{"text", std::move(*text)}, {"age", std::move(age)}}));
}

Result<Value> RedisExchange::counted(const RedisReply& reply) const {
  const auto number = reply.type == Type::text ? whole_number(reply.text) : std::nullopt;
  if (!number) return unexpected(name());
  return Value(*number);
}

Result<Value> RedisExchange::rate_limited(const RedisReply& reply) const {
  if (reply.type != Type::array || reply.elements.size() != 3 || reply.elements[0].type != Type::integer ||
      reply.elements[1].type != Type::text || reply.elements[2].type != Type::text) {
    return unexpected(name());
  }
  const bool allowed = reply.elements[0].integer != 0;
  const auto used = whole_number(reply.elements[1].text);
  const auto left_ms = whole_number(reply.elements[2].text);
  if (!used) return cache_error("rate limit: the cache key " + in_quotes(command_.key) + " does not hold a counter");
  if (!left_ms || *left_ms < 0) return unexpected(name());
  const std::int64_t remaining = *used < 0 ? command_.amount : std::max<std::int64_t>(0, command_.amount - *used);
  const std::int64_t wait_s = allowed ? 0 : std::max<std::int64_t>(1, *left_ms / 1000 + (*left_ms % 1000 != 0));
  return Value::object({{"allowed", Value(allowed)}, {"remaining", Value(remaining)}, {"retry_after", Value(wait_s)}});
}

Result<Value> RedisExchange::listed(RedisReply& reply) const {
  if (reply.type != Type::array) return unexpected(name());
  Value texts = Value::array();
  texts.reserve(reply.elements.size());
  for (const RedisReply& element : reply.elements) {
    if (element.type != Type::text) return unexpected(name());
    auto text = text_or_null(element, command_, name());
    if (!text) return text;
    texts.push_back(std::move(*text));
  }
  return texts;
}

std::optional<Result<Value>> RedisExchange::scanned(RedisReply& reply) {
  if (reply.type != Type::array || reply.elements.size() != 2 || reply.elements[0].type != Type::text ||
      reply.elements[1].type != Type::array) {
    return Result<Value>(unexpected(name()));
  }
  const std::string cursor = reply.elements[0].text;
  if (cursor.empty() || cursor.size() > 20 || cursor.find_first_not_of("0123456789") != std::string::npos) {
    return Result<Value>(unexpected(name()));
  }
  for (RedisReply& key : reply.elements[1].elements) {
    if (key.type != Type::text) return Result<Value>(unexpected(name()));
    // A key that is no text can't be named by a definition.
    if (is_companion(key.text) || !is_text(key.text)) continue;
    found_bytes_ += 16 + static_cast<std::int64_t>(key.text.size());
    if (found_bytes_ > max_bytes_) {
      return Result<Value>(make_error(error_type::limit, "keys: the keys take more than " + std::to_string(max_bytes_) +
                                                             " bytes (max_reply_bytes)"));
    }
    found_.push_back(std::move(key.text));
  }
  if (cursor != "0") {
    bytes_.clear();
    expected_ = 0;
    send({"SCAN", cursor, "MATCH", pattern_of(command_.key), "COUNT", "1000"});
    return std::nullopt;
  }
  // SCAN may name a key more than once.
  std::sort(found_.begin(), found_.end());
  found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  Value keys = Value::array();
  keys.reserve(found_.size());
  for (const std::string& key : found_) keys.push_back(Value(key));
  return Result<Value>(std::move(keys));
}

}  // namespace fnstack::backends
