// W5 by hand: hiredis, blocking, a connection for each thread; GET, is it there, an answer with two headers, one of
// them the value's own field `age`, read by simdjson; the body's bytes as they came.  w5_twin RUNS IN_FLIGHT PORT
#include <hiredis/hiredis.h>
#include <simdjson.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "measure.hpp"
#include "w5_value.hpp"

namespace {

struct Answer {
  int status = 500;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

Answer cached(redisContext* redis, simdjson::ondemand::parser& parser, const std::string& key) {
  const char* words[] = {"GET", key.c_str()};
  const std::size_t lengths[] = {3, key.size()};
  Answer answer;
  auto* reply = static_cast<redisReply*>(redisCommandArgv(redis, 2, words, lengths));
  if (reply != nullptr && reply->type == REDIS_REPLY_STRING) {
    const simdjson::padded_string text(reply->str, reply->len);
    auto document = parser.iterate(text);
    answer = {200,
              {{"X-Cache", "HIT"}, {"X-Cache-Age", std::to_string(std::int64_t(document["age"]))}},
              std::string(reply->str, reply->len)};
  }
  freeReplyObject(reply);
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  const long runs = bench::argument(argc, argv, 1, 20'000);
  const long in_flight = bench::argument(argc, argv, 2, 1);
  const int port = static_cast<int>(bench::argument(argc, argv, 3, 6379));
  std::atomic<long> left = runs;
  std::atomic<long> hits = 0;
  const std::string wanted = bench::cached_value();
  const auto work = [&] {
    redisContext* redis = redisConnect("127.0.0.1", port);
    if (redis == nullptr || redis->err != 0) return;
    simdjson::ondemand::parser parser;
    while (left.fetch_sub(1) > 0) {
      const Answer answer = cached(redis, parser, bench::cached_key);
      if (answer.status == 200 && answer.body == wanted && answer.headers.size() == 2) ++hits;
    }
    redisFree(redis);
  };
  const bench::Stopwatch watch;
  std::vector<std::thread> threads;
  for (long thread = 1; thread < in_flight; ++thread) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  watch.report(std::to_string(hits) + " hits");
}
