// The pool: commands wait in one queue, threads with a connection each take them, the one that worked last first. A
// caller that would only wait borrows a connection and does the work itself. A transaction belongs to the thread that
// began it, which serves nothing else until it is over. A watcher answers what waits too long and cuts the line
// of what takes too long. Knows no SQL. Entry point: postgres_database().
#include <algorithm>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fnstack/backends/postgres.hpp>

#include "backends/postgres_connection.hpp"
#include "backends/postgres_records.hpp"

namespace fnstack {
namespace {

using namespace backends;  // NOLINT: this file is made of nothing else
using Clock = std::chrono::steady_clock;
using Kind = DatabaseCommand::Kind;

// After a failed connection the next is tried no sooner than this, twice as long each time up to the greater one.
// Meanwhile commands fail at once, with the reason.
constexpr auto first_backoff = std::chrono::milliseconds(50);
constexpr auto longest_backoff = std::chrono::milliseconds(1'000);
// What the server should have ended by itself, and has not even told, is given up after so much more.
constexpr auto grace = std::chrono::milliseconds(5'000);

Error database_error(std::string message) { return make_error(error_type::database, std::move(message)); }

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  explicit Pool(PostgresOptions options) : options_(std::move(options)) { idle_.reserve(options_.connections); }

  void send(DatabaseCommand command, const Call& call, Reply<Value> reply);
  void close();

 private:
  struct Wake {
    Pool* pool;
    void operator()() const { pool->wake(); }
  };
  struct Transaction;
  struct Job {
    DatabaseCommand command;
    Call call;
    Reply<Value> reply;  // empty: answered
    std::shared_ptr<Transaction> transaction;
    std::optional<std::stop_callback<Wake>> on_stop;
  };
  using JobPtr = std::shared_ptr<Job>;
  struct Transaction {
    std::list<JobPtr> jobs;
    std::condition_variable more;
  };
  struct Worker {
    std::thread thread;
    PgLine line;
    std::unique_ptr<PgRecords> records;        // the thread's own
    std::shared_ptr<Transaction> transaction;  // the thread's own
    std::string transaction_name;
    JobPtr current;
    std::condition_variable called;
    bool is_called = false;  // no longer among the idle ones
    bool is_lent = false;    // a caller works with what is the thread's own
    bool is_connecting = false;
    std::optional<Error> interrupted;  // why the line was cut
  };
  struct Answer {
    JobPtr job;
    Reply<Value> reply;
    Result<Value> result;
  };

  // Whom to notify once mutex_ is free; null: nobody.
  [[nodiscard]] Worker* call_idle();
  [[nodiscard]] Result<Done> add_worker();
  [[nodiscard]] Worker* borrow(const JobPtr& job);
  void give_back(Worker& worker);
  void work(Worker& worker);
  [[nodiscard]] JobPtr next_job(Worker& worker);
  void serve_and_recover(Worker& worker, const JobPtr& job);
  void serve(Worker& worker, const JobPtr& job);
  // False: the job was answered, or put back.
  [[nodiscard]] bool connect(Worker& worker, const JobPtr& job);
  void disconnect(Worker& worker);
  void end_transaction(Worker& worker, const std::string& name, std::vector<Answer>& answers);
  void answer(const JobPtr& job, Result<Value> result);

  void wake();
  void watch();
  [[nodiscard]] std::optional<Error> too_late(const Job& job, Clock::time_point now, const char* doing) const;
  [[nodiscard]] Clock::time_point look_after(std::vector<Answer>& answers);
  [[nodiscard]] std::chrono::milliseconds statement_bound() const {
    return std::chrono::milliseconds(options_.statement_timeout_ms) + grace;
  }
  [[nodiscard]] std::optional<Clock::time_point> patience_end(const Worker& worker) const;
  static Answer take(const JobPtr& job, Result<Value> result) {
    return Answer{job, std::move(job->reply), std::move(result)};
  }
  static void give(std::vector<Answer>& answers) {
    for (Answer& each : answers) {
      each.job->on_stop.reset();
      if (each.reply) each.reply(std::move(each.result));
    }
  }

  const PostgresOptions options_;
  const PgSchemaVersion version_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::mutex mutex_;
  std::list<JobPtr> queue_;
  std::map<std::string, std::shared_ptr<Transaction>, std::less<>> transactions_;
  std::list<Worker> workers_;
  std::vector<Worker*> idle_;  // the last is the one that worked last
  std::size_t connected_ = 0;
  bool closing_ = false;
  Clock::time_point connect_again_;
  std::chrono::milliseconds backoff_{0};
  std::optional<Error> connect_error_;

  std::thread watcher_;
  std::mutex wake_mutex_;  // never held while mutex_ is taken
  std::condition_variable woken_;
  bool wake_ = false, watcher_ends_ = false;
  Clock::time_point soonest_ = Clock::time_point::max();  // with wake_mutex_
};

// ---- taking commands

void Pool::send(DatabaseCommand command, const Call& call, Reply<Value> reply) {
  auto job = std::make_shared<Job>();
  job->command = std::move(command);
  job->call = call;
  job->reply = std::move(reply);
  const std::string& name = job->command.transaction;
  std::optional<Error> refused;
  std::shared_ptr<Transaction> transaction;
  Worker* borrowed = nullptr;
  std::condition_variable* to_notify = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto open = transactions_.find(name);
    const bool is_open = !name.empty() && open != transactions_.end();
    if (closing_) {
      refused = database_error("the database was closed");
    } else if (job->command.kind == Kind::begin) {
      if (name.empty()) refused = database_error("begin: the transaction has no name");
      if (is_open) refused = database_error("begin: the transaction \"" + name + "\" is open already");
    } else if (name.empty()) {
      if (job->command.kind == Kind::commit || job->command.kind == Kind::rollback)
        refused = database_error("there is no open transaction to end");
    } else if (!is_open) {
      refused = database_error("no transaction \"" + name + "\" is open");
    }
    if (!refused && !is_open && queue_.size() >= options_.queue) {
      refused = make_error(error_type::limit, "more than " + std::to_string(options_.queue) +
                                                  " commands wait for the database; try again later");
    }
    if (!refused) {
      if (call.stop.stop_possible()) job->on_stop.emplace(call.stop, Wake{this});
      if (is_open) {
        open->second->jobs.push_back(job);
        transaction = open->second;
        to_notify = &transaction->more;
      } else if (borrowed = borrow(job); borrowed == nullptr) {
        if (job->command.kind == Kind::begin) {
          job->transaction = std::make_shared<Transaction>();
          transactions_.emplace(name, job->transaction);
        }
        queue_.push_back(job);
        if (Worker* worker = call_idle()) {
          to_notify = &worker->called;
        } else if (auto added = add_worker(); !added) {
          queue_.remove(job);
          if (job->transaction) transactions_.erase(name);
          refused = std::move(added).error();
        }
      }
    }
  }
  if (refused) return answer(job, std::move(*refused));
  if (to_notify != nullptr) to_notify->notify_one();
  // The watcher looks no later than this.
  auto due = call.deadline;
  if (options_.statement_timeout_ms > 0) due = std::min(due, Clock::now() + statement_bound());
  bool earlier = false;
  {
    const std::lock_guard lock(wake_mutex_);
    earlier = due < soonest_;
    if (earlier) soonest_ = due;
  }
  if (earlier) wake();
  if (borrowed == nullptr) return;
  // The reply may drop the last handle.
  const auto self = shared_from_this();
  serve_and_recover(*borrowed, job);
}

Pool::Worker* Pool::call_idle() {
  if (idle_.empty()) return nullptr;
  Worker* worker = idle_.back();
  idle_.pop_back();
  worker->is_called = true;
  return worker;
}

// A connection that there is already, and that is as good as it was. With mutex_ held.
Pool::Worker* Pool::borrow(const JobPtr& job) {
  if (!job->call.may_block || job->command.kind == Kind::begin || !queue_.empty() || idle_.empty()) return nullptr;
  Worker* worker = idle_.back();
  if (!worker->records || !worker->records->connection().is_idle_and_alive()) return nullptr;
  idle_.pop_back();
  worker->is_lent = true;
  worker->current = job;
  return worker;
}

void Pool::give_back(Worker& worker) {
  {
    const std::lock_guard lock(mutex_);
    worker.is_lent = false;
    if (!closing_ && queue_.empty()) return idle_.push_back(&worker);
    worker.is_called = true;
  }
  worker.called.notify_one();
}

Result<Done> Pool::add_worker() {
  if (workers_.size() >= options_.connections) return Done{};
  try {
    if (!watcher_.joinable()) watcher_ = std::thread([self = shared_from_this()] { self->watch(); });
    Worker& worker = workers_.emplace_back();
    try {
      worker.thread = std::thread([self = shared_from_this(), &worker] { self->work(worker); });
    } catch (const std::system_error&) {
      workers_.pop_back();
      throw;
    }
  } catch (const std::system_error& problem) {
    if (workers_.empty()) return database_error(std::string("no thread for a connection: ") + problem.what());
  }
  return Done{};
}

void Pool::answer(const JobPtr& job, Result<Value> result) {
  job->on_stop.reset();
  Reply<Value> reply;
  {
    const std::lock_guard lock(mutex_);
    reply = std::move(job->reply);
  }
  if (reply) reply(std::move(result));
}

// ---- the threads

void Pool::work(Worker& worker) {
  while (const JobPtr job = next_job(worker)) serve_and_recover(worker, job);
  disconnect(worker);
}

void Pool::serve_and_recover(Worker& worker, const JobPtr& job) {
  const bool is_lent = worker.is_lent;
  try {
    serve(worker, job);
  } catch (const std::exception& problem) {
    // Memory ran out: the connection is in an unknown state.
    disconnect(worker);
    std::vector<Answer> answers;
    {
      const std::lock_guard lock(mutex_);
      worker.current.reset();
      if (!job->command.transaction.empty()) end_transaction(worker, job->command.transaction, answers);
    }
    if (is_lent) give_back(worker);
    answer(job, make_error(error_type::limit, std::string("the database command failed: ") + problem.what()));
    give(answers);
  }
}

Pool::JobPtr Pool::next_job(Worker& worker) {
  std::unique_lock lock(mutex_);
  if (worker.transaction) {
    const auto transaction = worker.transaction;
    transaction->more.wait_for(lock, std::chrono::milliseconds(options_.transaction_idle_ms),
                               [&] { return closing_ || !transaction->jobs.empty(); });
    if (closing_) return nullptr;
    if (!transaction->jobs.empty()) {
      JobPtr job = std::move(transaction->jobs.front());
      transaction->jobs.pop_front();
      worker.current = job;
      return job;
    }
    // Nobody goes on with it: its locks and its connection are needed.
    std::vector<Answer> none;
    end_transaction(worker, worker.transaction_name, none);
    lock.unlock();
    if (!worker.records->clean_up()) disconnect(worker);
    lock.lock();
  }
  while (queue_.empty() && !closing_) {
    worker.is_called = false;
    idle_.push_back(&worker);
    worker.called.wait(lock, [&] { return worker.is_called || (closing_ && !worker.is_lent); });
  }
  if (closing_) return nullptr;
  JobPtr job = std::move(queue_.front());
  queue_.pop_front();
  worker.current = job;
  return job;
}

void Pool::serve(Worker& worker, const JobPtr& job) {
  const DatabaseCommand& command = job->command;
  const bool ends = command.kind == Kind::commit || command.kind == Kind::rollback;
  std::optional<Result<Value>> result;
  // A transaction that is out of time must still be rolled back.
  if (command.kind != Kind::rollback) {
    if (auto late = too_late(*job, Clock::now(), "before the command was performed")) result = Result<Value>(*late);
  }
  // Who is lent a connection was told that it is alive, and must not wait for a new one.
  if (!result && !worker.transaction && !worker.is_lent && !connect(worker, job)) return;
  if (!result) result = worker.records->perform(command);
  std::vector<Answer> answers;
  bool cut = false;
  {
    const std::lock_guard lock(mutex_);
    worker.current.reset();
    cut = worker.interrupted.has_value();
    if (cut && !*result) {
      // Only a COMMIT leaves something unknown behind, and that is what must be said then.
      const bool in_doubt = command.kind == Kind::commit;
      if (!in_doubt) *result = std::move(*worker.interrupted);
    }
    worker.interrupted.reset();
    if (command.kind == Kind::begin) {
      if (result->ok()) {
        worker.transaction = job->transaction;
        worker.transaction_name = command.transaction;
      } else {
        end_transaction(worker, command.transaction, answers);
      }
    } else if (ends) {
      end_transaction(worker, command.transaction, answers);
    }
  }
  if (!worker.transaction && worker.records && (cut || !worker.records->clean_up())) disconnect(worker);
  // Before the answer, in which the database may be closed.
  if (worker.is_lent) give_back(worker);
  answer(job, std::move(*result));
  give(answers);
}

bool Pool::connect(Worker& worker, const JobPtr& job) {
  if (worker.records && !worker.records->connection().is_idle_and_alive()) disconnect(worker);
  if (worker.records) return true;
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    if (connect_error_ && Clock::now() < connect_again_) {
      refused = connect_error_;
    } else {
      worker.is_connecting = true;
    }
  }
  if (!refused) {
    auto opened = PgConnection::open(options_, worker.line);
    const std::lock_guard lock(mutex_);
    worker.is_connecting = false;
    if (opened) {
      worker.records = std::make_unique<PgRecords>(std::move(*opened), version_);
      ++connected_;
      backoff_ = {};
      connect_error_.reset();
      if (!job->reply) {  // too late: it was answered meanwhile
        worker.current.reset();
        if (job->transaction) transactions_.erase(job->command.transaction);
        return false;
      }
      return true;
    }
    backoff_ = std::clamp(backoff_ * 2, first_backoff, longest_backoff);
    connect_again_ = Clock::now() + backoff_;
    connect_error_ = opened.error();
    refused = connect_error_;
  }
  std::vector<Answer> answers;
  {
    std::unique_lock lock(mutex_);
    worker.current.reset();
    if (connected_ > 0 && job->reply && !closing_) {
      // The server takes no more connections of ours; those that there are will do.
      queue_.push_front(job);
      if (Worker* other = call_idle()) other->called.notify_one();
      const auto until = connect_again_;
      // Not waked by new commands: others are meant to take them.
      std::condition_variable nobody;
      nobody.wait_until(lock, std::min(until, Clock::now() + first_backoff), [this] { return closing_; });
      return false;
    }
    if (job->transaction) end_transaction(worker, job->command.transaction, answers);
  }
  answer(job, std::move(*refused));
  give(answers);
  return false;
}

void Pool::disconnect(Worker& worker) {
  if (!worker.records) return;
  worker.records.reset();
  const std::lock_guard lock(mutex_);
  --connected_;
}

// With mutex_ held.
void Pool::end_transaction(Worker& worker, const std::string& name, std::vector<Answer>& answers) {
  const auto found = transactions_.find(name);
  if (found == transactions_.end()) return;
  for (const JobPtr& job : found->second->jobs)
    answers.push_back(take(job, database_error("no transaction \"" + name + "\" is open")));
  transactions_.erase(found);
  worker.transaction.reset();
  worker.transaction_name.clear();
}

// ---- the watcher

void Pool::wake() {
  {
    const std::lock_guard lock(wake_mutex_);
    wake_ = true;
  }
  woken_.notify_all();
}

std::optional<Error> Pool::too_late(const Job& job, Clock::time_point now, const char* doing) const {
  if (job.call.stop.stop_requested()) return make_error(error_type::cancelled, "cancelled");
  if (now < job.call.deadline) return std::nullopt;
  return make_error(error_type::timeout, std::string("database: the time was up ") + doing);
}

std::optional<Clock::time_point> Pool::patience_end(const Worker& worker) const {
  if (options_.statement_timeout_ms == 0) return std::nullopt;
  return worker.line.waits_since().value_or(Clock::now()) + statement_bound();
}

Clock::time_point Pool::look_after(std::vector<Answer>& answers) {
  auto soonest = Clock::time_point::max();
  const auto now = Clock::now();
  const auto sweep = [&](std::list<JobPtr>& jobs, const char* doing) {
    for (auto at = jobs.begin(); at != jobs.end();) {
      // The end of a transaction is never left out.
      const bool must_run = (*at)->command.kind == Kind::rollback;
      if (auto late = must_run ? std::nullopt : too_late(**at, now, doing)) {
        if ((*at)->transaction) transactions_.erase((*at)->command.transaction);
        answers.push_back(take(*at, std::move(*late)));
        at = jobs.erase(at);
      } else {
        if (!must_run) soonest = std::min(soonest, (*at)->call.deadline);
        ++at;
      }
    }
  };
  // The server may be asked at any moment what waits now; nobody wakes the watcher then.
  const auto may_be_asked = [&] {
    if (options_.statement_timeout_ms > 0) soonest = std::min(soonest, now + statement_bound());
  };
  const std::lock_guard lock(mutex_);
  sweep(queue_, "while all connections were busy");
  if (!queue_.empty()) may_be_asked();
  for (auto& [name, transaction] : transactions_) {
    sweep(transaction->jobs, "before the command was performed");
    if (!transaction->jobs.empty()) may_be_asked();
  }
  for (Worker& worker : workers_) {
    if (!worker.current || worker.interrupted) continue;
    const bool is_rollback = worker.current->command.kind == Kind::rollback;
    std::optional<Error> late;
    if (!is_rollback) late = too_late(*worker.current, now, "while the database worked");
    const auto end = worker.is_connecting ? std::nullopt : patience_end(worker);
    if (!late && end && now >= *end) {
      late = make_error(error_type::timeout,
                        "database: no answer within " + std::to_string(statement_bound().count()) + " ms");
    }
    if (!late) {
      if (!is_rollback) soonest = std::min(soonest, worker.current->call.deadline);
      if (end) soonest = std::min(soonest, *end);
      if (worker.is_connecting) may_be_asked();
      continue;
    }
    if (worker.is_connecting) {
      // Nobody can hurry libpq here, and nothing was asked yet.
      if (worker.current->reply) answers.push_back(take(worker.current, std::move(*late)));
    } else {
      worker.interrupted = std::move(late);
      worker.line.cut();
    }
  }
  return soonest;
}

void Pool::watch() {
  for (;;) {
    {
      std::unique_lock lock(wake_mutex_);
      const auto due = [this] { return wake_ || watcher_ends_; };
      if (soonest_ == Clock::time_point::max()) {
        woken_.wait(lock, due);
      } else {
        woken_.wait_until(lock, soonest_, due);
      }
      if (watcher_ends_) return;
      wake_ = false;
      soonest_ = Clock::time_point::max();
    }
    std::vector<Answer> answers;
    const auto soonest = look_after(answers);
    {
      const std::lock_guard lock(wake_mutex_);
      soonest_ = std::min(soonest_, soonest);
    }
    give(answers);
  }
}

// ---- the end

void Pool::close() {
  std::vector<Answer> answers;
  const Error closed = database_error("the database was closed");
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const JobPtr& job : queue_) answers.push_back(take(job, closed));
    queue_.clear();
    for (auto& [name, transaction] : transactions_) {
      for (const JobPtr& job : transaction->jobs) answers.push_back(take(job, closed));
      transaction->jobs.clear();
      transaction->more.notify_all();
    }
    for (Worker& worker : workers_) {
      if (!worker.current) continue;
      if (worker.is_connecting) {
        if (worker.current->reply) answers.push_back(take(worker.current, closed));
      } else if (!worker.interrupted) {
        worker.interrupted = closed;
        worker.line.cut();
      }
    }
  }
  for (Worker& worker : workers_) worker.called.notify_one();
  {
    const std::lock_guard lock(wake_mutex_);
    watcher_ends_ = true;
  }
  woken_.notify_all();
  give(answers);
  // A reply may hold the last handle; then this is one of the threads, which ends by itself.
  const auto end = [](std::thread& thread) {
    if (!thread.joinable()) return;
    thread.get_id() == std::this_thread::get_id() ? thread.detach() : thread.join();
  };
  end(watcher_);
  for (Worker& worker : workers_) end(worker.thread);
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(PostgresOptions options) : pool_(std::make_shared<Pool>(std::move(options))) {}
  ~PostgresDatabase() override { pool_->close(); }
  PostgresDatabase(const PostgresDatabase&) = delete;
  PostgresDatabase& operator=(const PostgresDatabase&) = delete;

  void send(DatabaseCommand command, const Call& call, Reply<Value> reply) override {
    pool_->send(std::move(command), call, std::move(reply));
  }

 private:
  std::shared_ptr<Pool> pool_;
};

}  // namespace

Result<std::shared_ptr<Database>> postgres_database(PostgresOptions options) {
  if (auto checked = check(options); !checked) return std::move(checked).error();
  return std::shared_ptr<Database>(std::make_shared<PostgresDatabase>(std::move(options)));
}

}  // namespace fnstack
