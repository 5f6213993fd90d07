// Database: EXTENSION. Tables of rows with an integer `id`, as effect.hpp's DatabaseCommand says.
#pragma once

#include <functional>
#include <memory>

#include <fnstack/backend.hpp>
#include <fnstack/effect.hpp>

namespace fnstack {

class Database {
 public:
  virtual ~Database() = default;
  // Any thread. Commands of one transaction come one after another. Errors: `database`, `not_found`,
  // `validation`, `limit`, `timeout`.
  virtual void send(DatabaseCommand command, const Call& call, Reply<Value> reply) = 0;
  // Null if send() never waits for a disk, a lock or a server. Otherwise the same database, answering from threads of
  // its own, for event loops: one for all of them.
  [[nodiscard]] virtual std::shared_ptr<Database> not_blocking() { return nullptr; }
};

// In this process, gone with it; tables and columns appear as they are used (auto schema). No SQL text.
[[nodiscard]] std::shared_ptr<Database> memory_database();
[[nodiscard]] std::shared_ptr<Database> callback_database(std::function<Result<Value>(const DatabaseCommand&)> answer);

}  // namespace fnstack
