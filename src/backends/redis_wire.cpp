// hiredis' reader builds redisReply trees by default and trusts the length of an array; here it builds ours and asks
// first. Its C frames stand between our callbacks and us, so nothing may throw through them.
#include "backends/redis_wire.hpp"

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include <array>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace fnstack::backends {
namespace {

// A list of more can't be a value of 64 MiB with anything in it worth having, and each costs memory before it came.
constexpr std::size_t most_elements = 1'000'000;
constexpr std::size_t deepest = 7;

// Where the reply of this task belongs: in its parent, or on its own.
RedisReply* place_of(const redisReadTask* task) {
  if (task->parent == nullptr) return new (std::nothrow) RedisReply;
  return &static_cast<RedisReply*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
}

void drop(const redisReadTask* task, RedisReply* reply) {
  if (task->parent == nullptr) delete reply;
}

void* create_string(const redisReadTask* task, char* text, std::size_t length) noexcept {
  RedisReply* reply = place_of(task);
  if (reply == nullptr) return nullptr;
  switch (task->type) {
    case REDIS_REPLY_ERROR:
      reply->type = RedisReply::Type::error;
      break;
    case REDIS_REPLY_STATUS:
      reply->type = RedisReply::Type::status;
      break;
    case REDIS_REPLY_STRING:
      reply->type = RedisReply::Type::text;
      break;
    default:
      reply->type = RedisReply::Type::other;
      break;
  }
  try {
    reply->text.assign(text, length);
  } catch (...) {
    drop(task, reply);
    return nullptr;
  }
  return reply;
}

#if HIREDIS_MAJOR >= 1
using ElementCount = std::size_t;
#else
using ElementCount = int;
#endif

void* create_array(const redisReadTask* task, ElementCount count) noexcept {
  auto& so_far = *static_cast<std::size_t*>(task->privdata);
  const auto wanted = static_cast<std::size_t>(count);
  if (wanted > most_elements || so_far + wanted > most_elements) {
    so_far = most_elements + 1;
    return nullptr;
  }
  // hiredis 0.14 has such a bound itself, 1.0 and later have none; replies are destroyed recursively.
  std::size_t depth = 1;
  for (const redisReadTask* outer = task->parent; outer != nullptr; outer = outer->parent) {
    if (++depth > deepest) return nullptr;
  }
  so_far += wanted;
  RedisReply* reply = place_of(task);
  if (reply == nullptr) return nullptr;
  reply->type = task->type == REDIS_REPLY_ARRAY ? RedisReply::Type::array : RedisReply::Type::other;
  try {
    reply->elements.resize(wanted);
  } catch (...) {
    drop(task, reply);
    return nullptr;
  }
  return reply;
}

void* create_integer(const redisReadTask* task, long long value) noexcept {
  RedisReply* reply = place_of(task);
  if (reply == nullptr) return nullptr;
  reply->type = RedisReply::Type::integer;
  reply->integer = value;
  return reply;
}

void* create_nil(const redisReadTask* task) noexcept {
  RedisReply* reply = place_of(task);
  if (reply != nullptr) reply->type = RedisReply::Type::nil;
  return reply;
}

#if HIREDIS_MAJOR >= 1
void* create_other(const redisReadTask* task) noexcept {
  RedisReply* reply = place_of(task);
  if (reply != nullptr) reply->type = RedisReply::Type::other;
  return reply;
}
void* create_double(const redisReadTask* task, double, char*, std::size_t) noexcept { return create_other(task); }
void* create_bool(const redisReadTask* task, int) noexcept { return create_other(task); }
#endif

void free_reply(void* reply) noexcept { delete static_cast<RedisReply*>(reply); }

redisReplyObjectFunctions* functions() {
  static redisReplyObjectFunctions ours = [] {
    redisReplyObjectFunctions made{};
    made.createString = create_string;
    made.createArray = create_array;
    made.createInteger = create_integer;
    made.createNil = create_nil;
#if HIREDIS_MAJOR >= 1
    made.createDouble = create_double;
    made.createBool = create_bool;
#endif
    made.freeObject = free_reply;
    return made;
  }();
  return &ours;
}

}  // namespace

bool append_command(std::string& out, std::initializer_list<std::string_view> arguments) {
  constexpr std::size_t most = 8;
  std::array<const char*, most> texts;
  std::array<std::size_t, most> lengths;
  std::size_t count = 0;
  for (const std::string_view argument : arguments) {
    if (count == most) return false;
    texts[count] = argument.data() == nullptr ? "" : argument.data();
    lengths[count++] = argument.size();
  }
  char* formatted = nullptr;
  const auto length = redisFormatCommandArgv(&formatted, static_cast<int>(count), texts.data(), lengths.data());
  if (length < 0) return false;
  const std::unique_ptr<char, void (*)(char*)> owned(formatted, redisFreeCommand);
  out.append(formatted, static_cast<std::size_t>(length));
  return true;
}

RedisReader::RedisReader(std::int64_t max_bytes)
    : reader_(redisReaderCreateWithFunctions(functions())), max_bytes_(max_bytes) {
  if (reader_ == nullptr) throw std::bad_alloc();
  reader_->privdata = &elements_;
}

RedisReader::~RedisReader() { redisReaderFree(reader_); }

bool RedisReader::feed(std::string_view bytes) {
  was_fed(bytes.size());
  return redisReaderFeed(reader_, bytes.data(), bytes.size()) == REDIS_OK;
}

std::size_t RedisReader::buffered() const noexcept { return reader_->len - reader_->pos; }

RedisReader::Next RedisReader::next(RedisReply& reply) {
  void* read = nullptr;
  if (redisReaderGetReply(reader_, &read) != REDIS_OK) {
    return elements_ > most_elements ? Next::too_big : Next::garbage;
  }
  if (read == nullptr) {
    return received_ > static_cast<std::size_t>(max_bytes_) ? Next::too_big : Next::need_more;
  }
  const std::unique_ptr<RedisReply> owned(static_cast<RedisReply*>(read));
  reply = std::move(*owned);
  // What came together with others counts only as far as it is this one's: the rest is still buffered.
  const std::size_t size = received_ - buffered();
  received_ = buffered();
  elements_ = 0;
  return size > static_cast<std::size_t>(max_bytes_) + 64 ? Next::too_big : Next::reply;
}

}  // namespace fnstack::backends
