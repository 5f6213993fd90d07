// A cache that works on an engine's loops, as backends over sockets do. It answers with the key, in a way that the test
// chooses for each, and counts what it saw.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fnstack/fnstack.hpp>

namespace fnstack::testing {

class LoopCache final : public Cache {
 public:
  enum class Answer {
    in_a_turn,
    by_descriptor,  // in the turn after its descriptor was made readable
    by_time,        // in the turn that the one before asked for, 5 ms later
    when_stopped,   // an error then
    never
  };
  struct Seen {
    std::atomic<int> loops = 0, loops_gone = 0, turns = 0;
    std::atomic<int> shared = 0;   // commands that came by no loop
    std::atomic<int> stopped = 0;  // commands
    std::atomic<int> foreign = 0;  // commands that another thread performed than sent them
    std::atomic<int> moved = 0;    // turns, and ends, on another thread than the loop began on
  };
  using Choice = std::function<Answer(const std::string& key)>;

  LoopCache(std::shared_ptr<Seen> seen, Choice choice) : seen_(std::move(seen)), choice_(std::move(choice)) {}

  void send(CacheCommand command, const Call&, Reply<Value> reply) override {
    ++seen_->shared;
    reply(entry(command.key));
  }
  OnLoop<Cache> on_loop() override {
    ++seen_->loops;
    auto work = std::make_shared<Work>(seen_, choice_);
    return {std::make_shared<Bound>(work), work};
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Command {
    std::string key;
    std::stop_token stop;
    Reply<Value> reply;
    std::thread::id from;
    bool is_announced = false;  // the descriptor has been made readable for it
    Clock::time_point due = Clock::time_point::max();
  };

  struct Work final : LoopWork {
    Work(std::shared_ptr<Seen> by, Choice how)
        : seen(std::move(by)),
          choice(std::move(how)),
          thread(std::this_thread::get_id()),
          event(::eventfd(0, EFD_NONBLOCK)) {}
    ~Work() override {
      if (std::this_thread::get_id() != thread) ++seen->moved;
      ++seen->loops_gone;
      ::close(event);
    }
    [[nodiscard]] int descriptor() const noexcept override { return event; }
    Clock::time_point turn() override {
      ++seen->turns;
      if (std::this_thread::get_id() != thread) ++seen->moved;
      std::uint64_t count = 0;
      const bool is_readable = ::read(event, &count, sizeof(count)) == sizeof(count);
      Clock::time_point next = Clock::time_point::max();
      for (Command& command : std::exchange(commands, {})) {
        if (command.from != std::this_thread::get_id()) ++seen->foreign;
        if (answer(command, is_readable)) continue;
        next = std::min(next, command.due);
        commands.push_back(std::move(command));
      }
      return next;
    }

    // False: not yet.
    bool answer(Command& command, bool is_readable) {
      switch (choice(command.key)) {
        case Answer::in_a_turn:
          break;
        case Answer::by_descriptor: {
          if (command.is_announced && is_readable) break;
          const std::uint64_t one = 1;
          command.is_announced = ::write(event, &one, sizeof(one)) == sizeof(one);
          return false;
        }
        case Answer::by_time:
          if (Clock::now() >= command.due) break;
          if (command.due == Clock::time_point::max()) command.due = Clock::now() + std::chrono::milliseconds(5);
          return false;
        case Answer::when_stopped:
          if (!command.stop.stop_requested()) return false;
          ++seen->stopped;
          command.reply(make_error(error_type::cancelled, "stopped"));
          return true;
        case Answer::never:
          return false;
      }
      command.reply(entry(command.key));
      return true;
    }

    std::shared_ptr<Seen> seen;
    Choice choice;
    std::thread::id thread;
    int event;
    std::vector<Command> commands;
  };

  struct Bound final : Cache {
    explicit Bound(std::shared_ptr<Work> by) : work(std::move(by)) {}
    void send(CacheCommand command, const Call& call, Reply<Value> reply) override {
      work->commands.push_back({std::move(command.key), call.stop, std::move(reply), std::this_thread::get_id()});
    }
    std::shared_ptr<Work> work;
  };

  static Value entry(const std::string& key) { return Value::object({{"text", Value("\"" + key + "\"")}}); }

  std::shared_ptr<Seen> seen_;
  Choice choice_;
};

}  // namespace fnstack::testing
