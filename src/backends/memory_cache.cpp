// The memory cache: what Redis would do, in this process and gone with it. It keeps no clock: the time is the
// one that comes with each call, so a virtual clock works. callback_cache() at the end is the interface as a function.
//
// Expired entries go when their key is touched, and by a sweep on writes that looks at the soonest expiries.
#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <fnstack/cache.hpp>

#include "base/in_quotes.hpp"

namespace fnstack {
namespace {

constexpr std::int64_t never = INT64_MAX;

struct Entry {
  using List = std::deque<std::string>;
  std::variant<std::string, List> content;
  std::int64_t set_ms = 0;
  std::int64_t expires_ms = never;
};

// `pattern` with * (any run of bytes) and ? (one byte); everything else stands for itself. Linear backtracking:
// only the last star is ever tried again.
bool glob(std::string_view text, std::string_view pattern) {
  std::size_t at = 0, in_pattern = 0, star = std::string_view::npos, after_star = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      after_star = at;
    } else if (in_pattern < pattern.size() && (pattern[in_pattern] == '?' || pattern[in_pattern] == text[at])) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++after_star;
    } else {
      return false;
    }
  }
  while (in_pattern < pattern.size() && pattern[in_pattern] == '*') ++in_pattern;
  return in_pattern == pattern.size();
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Error cache_error(std::string message) { return make_error(error_type::cache, std::move(message)); }

using base::in_quotes;

class MemoryCache final : public Cache {
 public:
  void send(CacheCommand command, const Call& call, Reply<Value> reply) override {
    auto answer = [&]() -> Result<Value> {
      if (call.stop.stop_requested()) return make_error(error_type::cancelled, "cancelled");
      const std::lock_guard lock(mutex_);
      return perform(command, call.now_ms);
    }();
    reply(std::move(answer));
  }

 private:
  using Entries = std::unordered_map<std::string, Entry>;
  using List = Entry::List;

  // The live entry of a key, or null.
  Entry* live(const std::string& key, std::int64_t now_ms) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    if (found->second.expires_ms <= now_ms) {
      drop(found);
      return nullptr;
    }
    return &found->second;
  }

  void drop(Entries::iterator entry) {
    set_expiry(entry->first, entry->second, never);
    entries_.erase(entry);
  }

  void set_expiry(const std::string& key, Entry& entry, std::int64_t expires_ms) {
    if (entry.expires_ms != never) by_expiry_.erase({entry.expires_ms, key});
    entry.expires_ms = expires_ms;
    if (expires_ms != never) by_expiry_.emplace(std::pair(expires_ms, key), 0);
  }

  // Each write removes at most two dead entries: memory stays bounded by the live ones and no write is slow.
  void sweep(std::int64_t now_ms) {
    for (int turn = 0; turn < 2 && !by_expiry_.empty() && by_expiry_.begin()->first.first <= now_ms; ++turn) {
      drop(entries_.find(by_expiry_.begin()->first.second));
    }
  }

  static std::int64_t expiry(std::int64_t now_ms, std::int64_t ttl_s) {
    if (ttl_s == 0 || ttl_s > (never - std::max<std::int64_t>(now_ms, 0)) / 1000) return never;
    return now_ms + ttl_s * 1000;
  }

  Result<Value> perform(CacheCommand& command, std::int64_t now_ms) {
    using Kind = CacheCommand::Kind;
    if (command.kind != Kind::keys && command.key.empty()) {
      return make_error(error_type::validation, "cache key: expected text, got an empty one");
    }
    switch (command.kind) {
      case Kind::get:
        return get(command, now_ms);
      case Kind::set:
        return set(command, now_ms);
      case Kind::has:
        return Value(live(command.key, now_ms) != nullptr);
      case Kind::remove: {
        if (live(command.key, now_ms) == nullptr) return Value(false);
        drop(entries_.find(command.key));
        return Value(true);
      }
      case Kind::increment:
        return increment(command, now_ms);
      case Kind::keys:
        return keys(command, now_ms);
      case Kind::rate_limit:
        return rate_limit(command, now_ms);
      case Kind::push:
      case Kind::pop:
      case Kind::unshift:
      case Kind::shift:
      case Kind::range:
      case Kind::count:
      case Kind::remove_from_list:
        return on_list(command, now_ms);
    }
    return cache_error("unknown cache command");
  }

  Result<Value> get(const CacheCommand& command, std::int64_t now_ms) {
    const Entry* entry = live(command.key, now_ms);
    if (entry == nullptr) return Value();
    const auto* text = std::get_if<std::string>(&entry->content);
    if (text == nullptr)
      return cache_error("get: the cache key " + in_quotes(command.key) + " holds a list; use range");
    // A clock that went backwards must not give a negative age.
    const std::int64_t age = std::max<std::int64_t>(0, now_ms - entry->set_ms) / 1000;
    return Value::object({{"text", Value(*text)}, {"age", command.want_age ? Value(age) : Value()}});
  }

  Result<Value> set(CacheCommand& command, std::int64_t now_ms) {
    if (command.ttl_s < 0)
      return make_error(error_type::validation,
                        "set: ttl: expected 0 or more seconds, got " + std::to_string(command.ttl_s));
    sweep(now_ms);
    Entry& entry = entries_[command.key];
    entry.content = std::move(command.text);
    entry.set_ms = now_ms;
    set_expiry(command.key, entry, expiry(now_ms, command.ttl_s));
    return Value();
  }

  Result<Value> increment(const CacheCommand& command, std::int64_t now_ms) {
    Entry* entry = live(command.key, now_ms);
    std::int64_t number = 0;
    if (entry != nullptr) {
      const auto* text = std::get_if<std::string>(&entry->content);
      const auto stored = text != nullptr ? whole_number(*text) : std::nullopt;
      if (!stored)
        return cache_error("increment: the cache key " + in_quotes(command.key) + " does not hold an integer");
      number = *stored;
    }
    if (__builtin_add_overflow(number, command.amount, &number)) {
      return cache_error("increment: the cache key " + in_quotes(command.key) +
                         " would leave the range of 64-bit integers");
    }
    if (entry == nullptr) {
      sweep(now_ms);
      entry = &entries_[command.key];
    }
    entry->content = std::to_string(number);
    entry->set_ms = now_ms;
    return Value(number);
  }

  Result<Value> keys(const CacheCommand& command, std::int64_t now_ms) {
    std::vector<std::string_view> found;
    for (const auto& [key, entry] : entries_) {
      if (entry.expires_ms > now_ms && glob(key, command.key)) found.push_back(key);
    }
    std::sort(found.begin(), found.end());
    return Value::array(std::vector<Value>(found.begin(), found.end()));
  }

  // A fixed window: it begins with the first call and lasts ttl_s seconds. A refused call does not count.
  Result<Value> rate_limit(const CacheCommand& command, std::int64_t now_ms) {
    if (command.amount < 1 || command.ttl_s < 1) {
      return make_error(error_type::validation,
                        "rate limit: expected at least 1 permitted call in at least 1 second, got " +
                            std::to_string(command.amount) + " in " + std::to_string(command.ttl_s));
    }
    Entry* entry = live(command.key, now_ms);
    std::int64_t used = 0;
    if (entry != nullptr) {
      const auto* text = std::get_if<std::string>(&entry->content);
      const auto stored = text != nullptr ? whole_number(*text) : std::nullopt;
      if (!stored)
        return cache_error("rate limit: the cache key " + in_quotes(command.key) + " does not hold a counter");
      used = *stored;
    } else {
      sweep(now_ms);
      entry = &entries_[command.key];
      entry->set_ms = now_ms;
    }
    if (entry->expires_ms == never) set_expiry(command.key, *entry, expiry(now_ms, command.ttl_s));
    const bool allowed = used < command.amount;
    if (allowed) entry->content = std::to_string(++used);
    const std::int64_t wait_s = allowed ? 0 : (entry->expires_ms - now_ms + 999) / 1000;
    return Value::object({{"allowed", Value(allowed)},
                          {"remaining", Value(std::max<std::int64_t>(0, command.amount - used))},
                          {"retry_after", Value(wait_s)}});
  }

  Result<Value> on_list(CacheCommand& command, std::int64_t now_ms) {
    using Kind = CacheCommand::Kind;
    Entry* entry = live(command.key, now_ms);
    List* list = entry != nullptr ? std::get_if<List>(&entry->content) : nullptr;
    if (entry != nullptr && list == nullptr) {
      return cache_error("the cache key " + in_quotes(command.key) + " holds a value, not a list");
    }
    const bool adds = command.kind == Kind::push || command.kind == Kind::unshift;
    if (list == nullptr && adds) {
      sweep(now_ms);
      Entry& made = entries_[command.key];
      made.set_ms = now_ms;
      list = &made.content.emplace<List>();
    }
    switch (command.kind) {
      case Kind::push:
        list->push_back(std::move(command.text));
        return Value(list->size());
      case Kind::unshift:
        list->push_front(std::move(command.text));
        return Value(list->size());
      case Kind::count:
        return Value(list == nullptr ? std::size_t{0} : list->size());
      case Kind::range:
        return list == nullptr ? Value::array() : range(*list, command.start, command.stop);
      case Kind::pop:
      case Kind::shift: {
        if (list == nullptr) return Value();
        const bool last = command.kind == Kind::pop;
        Value text(last ? list->back() : list->front());
        last ? list->pop_back() : list->pop_front();
        forget_if_empty(command.key, *list);
        return text;
      }
      default: {  // remove_from_list
        if (list == nullptr) return Value(0);
        const auto removed = std::erase(*list, command.text);
        forget_if_empty(command.key, *list);
        return Value(removed);
      }
    }
  }

  // A list without elements does not exist, as in Redis.
  void forget_if_empty(const std::string& key, const List& list) {
    if (list.empty()) drop(entries_.find(key));
  }

  static Value range(const List& list, std::int64_t start, std::int64_t stop) {
    const auto length = static_cast<std::int64_t>(list.size());
    if (start < 0) start = std::max<std::int64_t>(0, start < -length ? 0 : start + length);
    if (stop < 0) stop = stop < -length ? -1 : stop + length;
    stop = std::min(stop, length - 1);
    Value texts = Value::array();
    for (std::int64_t at = start; at <= stop; ++at) texts.push_back(Value(list[static_cast<std::size_t>(at)]));
    return texts;
  }

  std::mutex mutex_;
  Entries entries_;
  // The entries that expire, soonest first.
  std::map<std::pair<std::int64_t, std::string>, char> by_expiry_;
};

class CallbackCache final : public Cache {
 public:
  explicit CallbackCache(std::function<Result<Value>(const CacheCommand&)> answer) : answer_(std::move(answer)) {}

  void send(CacheCommand command, const Call&, Reply<Value> reply) override {
    auto answer = [&]() -> Result<Value> {
      try {
        return answer_(command);
      } catch (const std::exception& problem) {
        return cache_error(std::string("the cache callback threw: ") + problem.what());
      } catch (...) {
        return cache_error("the cache callback threw something that is no std::exception");
      }
    }();
    reply(std::move(answer));
  }

 private:
  std::function<Result<Value>(const CacheCommand&)> answer_;
};

}  // namespace

std::shared_ptr<Cache> memory_cache() { return std::make_shared<MemoryCache>(); }

std::shared_ptr<Cache> callback_cache(std::function<Result<Value>(const CacheCommand&)> answer) {
  return std::make_shared<CallbackCache>(std::move(answer));
}

}  // namespace fnstack
