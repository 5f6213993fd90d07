// What databases with one connection share: commands are performed one at a time, and while a transaction is open
// only its own commands are. Others queue and are answered, in order, when it ends (so nobody blocks a thread, and
// one thread may drive many runs), or when their deadline passes or their stop is requested. Knows no data.
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fnstack/database.hpp>

namespace fnstack::backends {

class SerialDatabase : public Database {
 public:
  ~SerialDatabase() override;
  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) final;

 protected:
  // Called by one thread at a time. For begin, commit and rollback the transaction is known to be right. After
  // commit and rollback, whatever they answer, no transaction is open.
  virtual Result<Value> perform(const DatabaseCommand& command, const Call& call) = 0;

 private:
  struct Wake {
    SerialDatabase* database;
    void operator()() const { database->wake(); }
  };
  struct Waiting {
    DatabaseCommand command;
    Call call;
    Reply<Value> reply;
    std::optional<std::stop_callback<Wake>> on_stop;
  };
  struct Answer {
    Reply<Value> reply;
    Result<Value> result;
  };

  // All with mutex_ held.
  [[nodiscard]] bool must_wait(const DatabaseCommand& command) const noexcept;
  [[nodiscard]] Result<Value> run(const DatabaseCommand& command, const Call& call);
  void enqueue(DatabaseCommand command, const Call& call, Reply<Value> reply);
  void run_waiting(std::vector<Answer>& answers);

  void wake();
  void watch();

  std::mutex mutex_;
  std::optional<std::string> open_;  // the transaction's name
  std::list<Waiting> waiting_;

  // The thread that answers what has waited too long; started by the first command that waits.
  std::thread watcher_;
  std::mutex wake_mutex_;  // never held while mutex_ is taken
  std::condition_variable woken_;
  bool wake_ = false, closing_ = false;
};

}  // namespace fnstack::backends
