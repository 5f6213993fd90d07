// A cache of the host's own: the whole interface is one function. This one keeps values in a std::map and counts
// what it is asked; a real one would hand the command to another thread and answer later.
#include <iostream>
#include <map>
#include <mutex>

#include <fnstack/fnstack.hpp>

namespace {

class CountingCache final : public fnstack::Cache {
 public:
  void send(fnstack::CacheCommand command, const fnstack::Call&, fnstack::Reply<fnstack::Value> reply) override {
    using Kind = fnstack::CacheCommand::Kind;
    const std::lock_guard lock(mutex_);
    ++asked_;
    switch (command.kind) {
      case Kind::get: {
        const auto found = values_.find(command.key);
        if (found == values_.end()) return reply(fnstack::Value());  // a miss
        return reply(fnstack::Value::object({{"text", fnstack::Value(found->second)}, {"age", fnstack::Value()}}));
      }
      case Kind::set:
        values_[command.key] = command.text;
        return reply(fnstack::Value());
      default:
        return reply(fnstack::make_error(fnstack::error_type::cache, "this cache only knows get and set"));
    }
  }
  int asked() const { return asked_; }

 private:
  std::mutex mutex_;  // send may be called from any thread
  std::map<std::string, std::string> values_;
  int asked_ = 0;
};

constexpr const char* definition = R"json([
  {"function": "Data Caching (Redis)", "operation": "get", "key": "visits:{{inputs.page}}", "output_variable": "visits"},
  {"function": "Math", "operation": "add", "value1": "{{visits || 0}}", "value2": 1, "output_variable": "visits"},
  {"function": "Data Caching (Redis)", "operation": "set", "key": "visits:{{inputs.page}}", "value": "{{visits}}"},
  {"function": "Response", "body": "{{visits}} visits of {{inputs.page}}"}
])json";

}  // namespace

int main() {
  auto cache = std::make_shared<CountingCache>();
  fnstack::Engine engine({.cache = cache});
  const auto loaded = engine.load("visits.json", definition);
  std::cerr << loaded.diagnostics.to_text();
  if (loaded.program.empty()) return 1;
  for (int i = 0; i < 3; ++i) {
    const auto outcome = engine.run(loaded.program, fnstack::Value::object({{"page", "home"}}));
    if (!outcome.response) return 1;
    std::cout << outcome.response->body.as_string() << "\n";
  }
  std::cout << cache->asked() << " commands\n";
}
