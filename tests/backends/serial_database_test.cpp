// Taking turns: what waits for a transaction is answered once, whatever happens meanwhile.
#include "backends/serial_database.hpp"

#include <future>
#include <thread>

#include "support/store_commands.hpp"

using namespace fnstack_test;

namespace {

std::future<std::string> send(Database& database, std::string_view command, const Call& call = {}) {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto answer = promise->get_future();
  database.send(database_command(command), call,
                Reply<Value>([promise](Result<Value> result) { promise->set_value(answer_text(result)); }));
  return answer;
}

constexpr const char* begin_x = R"({"kind": "begin", "transaction": "x"})";
constexpr const char* commit_x = R"({"kind": "commit", "transaction": "x"})";
constexpr const char* count = R"({"kind": "count", "table": "t"})";

}  // namespace

TEST_CASE("a command that waits is answered at its deadline") {
  const auto database = memory_database();
  CHECK(send(*database, begin_x).get() == "null");
  Call call;
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  CHECK(send(*database, count, call).get() ==
        "error timeout: database: the time was up while the command waited for its turn");
  CHECK(send(*database, commit_x).get() == "null");
  CHECK(send(*database, count).get() == "0");
}

TEST_CASE("a command that waits is answered when it is stopped") {
  const auto database = memory_database();
  CHECK(send(*database, begin_x).get() == "null");
  std::stop_source stop;
  Call call;
  call.stop = stop.get_token();
  auto answer = send(*database, count, call);
  std::thread([&] { stop.request_stop(); }).join();
  CHECK(answer.get() == "error cancelled: cancelled");
  CHECK(send(*database, commit_x).get() == "null");
}

TEST_CASE("what still waits when the database goes is answered with an error") {
  auto database = memory_database();
  CHECK(send(*database, begin_x).get() == "null");
  Call call;
  call.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
  auto first = send(*database, count), second = send(*database, count, call);
  database.reset();
  CHECK(first.get() == "error database: the database was closed while the command waited for its turn");
  CHECK(second.get() == "error database: the database was closed while the command waited for its turn");
}

TEST_CASE("a command whose time is up is not performed") {
  const auto database = memory_database();
  Call call;
  call.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  CHECK(send(*database, R"({"kind": "insert", "table": "t", "data": {"a": 1}})", call).get() ==
        "error timeout: database: the time was up before the command was performed");
  CHECK(send(*database, count).get() == "0");
}

TEST_CASE("a reply may send the next command") {
  const auto database = memory_database();
  std::string inner;
  database->send(database_command(R"({"kind": "insert", "table": "t", "data": {"a": 1}})"), Call{},
                 Reply<Value>([&](Result<Value>) { inner = ask(*database, count); }));
  CHECK(inner == "1");
}

TEST_CASE("transactions of many threads do not mix") {
  const auto database = memory_database();
  CHECK(send(*database, R"({"kind": "insert", "table": "t", "data": {"n": 0}})").get() == R"({"id":1,"n":0})");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int at = 0; at < 50; ++at) {
        const std::string name = std::to_string(thread) + "-" + std::to_string(at);
        const auto in = [&](std::string_view rest) {
          return R"({"transaction": ")" + name + R"(", )" + std::string(rest) + "}";
        };
        send(*database, in(R"("kind": "begin")")).get();
        const Value row = json(send(*database, in(R"("kind": "get", "table": "t", "record_id": 1)")).get());
        const auto next = std::to_string(row.get("n").as_integer() + 1);
        send(*database, in(R"("kind": "update", "table": "t", "record_id": 1, "data": {"n": )" + next + "}")).get();
        send(*database, in(at % 2 == 0 ? R"("kind": "commit")" : R"("kind": "rollback")")).get();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(send(*database, R"({"kind": "get", "table": "t", "record_id": 1})").get() == R"({"id":1,"n":100})");
}
