// Records into a file of SQLite's, each on disk before its answer: from one thread in the blocking form, and with 64
// in flight in the form for event loops, where they share commits.  bench_sqlite_writer FILE RECORDS IN_FLIGHT
// (0 in flight: the blocking form.)
#include <atomic>
#include <fnstack/backends/sqlite.hpp>
#include <future>

#include "host.hpp"
#include "measure.hpp"

namespace {

fnstack::DatabaseCommand record(long number) {
  fnstack::DatabaseCommand command;
  command.kind = fnstack::DatabaseCommand::Kind::insert;
  command.table = "records";
  command.data =
      fnstack::Value::object({{"run", number}, {"state", "done"}, {"note", "a text that is no longer short"}});
  command.declared_columns = {"run", "state", "note"};
  command.want_rows = false;
  return command;
}

// Sends the next when one is answered, on whatever thread that is.
class Sender {
 public:
  Sender(fnstack::Database& database, long records) : database_(database), records_(records) {}
  void send() {
    const long number = next_.fetch_add(1);
    if (number >= records_) return;
    database_.send(record(number), {}, fnstack::Reply<fnstack::Value>([this](fnstack::Result<fnstack::Value> result) {
                     if (!result) bench::give_up(result.error().message);
                     if (answered_.fetch_add(1) + 1 == records_) {
                       done_.set_value();
                     } else {
                       send();
                     }
                   }));
  }
  void wait() { done_.get_future().wait(); }

 private:
  fnstack::Database& database_;
  const long records_;
  std::atomic<long> next_ = 0, answered_ = 0;
  std::promise<void> done_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "bench_sqlite_writer.db";
  const long records = bench::argument(argc, argv, 2, 20'000), in_flight = bench::argument(argc, argv, 3, 64);
  auto opened = fnstack::sqlite_database({.path = path});
  if (!opened) bench::give_up(opened.error().message);
  const auto database = in_flight == 0 ? *opened : (*opened)->not_blocking();
  const bench::Stopwatch watch;
  if (in_flight == 0) {
    for (long number = 0; number < records; ++number) {
      (*opened)->send(record(number), {}, fnstack::Reply<fnstack::Value>([](fnstack::Result<fnstack::Value> result) {
                        if (!result) bench::give_up(result.error().message);
                      }));
    }
  } else {
    Sender sender(*database, records);
    for (long at = 0; at < in_flight; ++at) sender.send();
    sender.wait();
  }
  watch.report(std::to_string(records) + " records");
}
