// Calls, strands, effects, backends, snapshots: what a run does besides computing.
#include <atomic>
#include <future>
#include <sstream>

#include "growth.hpp"
#include "host.hpp"

namespace bench {

namespace {

using fnstack::Value;

Value with_n(long n) { return Value::object({{"n", n}}); }

std::string times(std::string_view step, std::string_view more = {}) {
  return R"({"function": "Loop", "times": "{{inputs.n}}", "loop_item_variable": "i", )" + std::string(more) +
         R"("steps": [)" + std::string(step) + "]}";
}

// Time stands still, but a Wait moves it on at once.
fnstack::EngineOptions on_virtual_time() {
  fnstack::EngineOptions options;
  options.clock = fnstack::manual_clock(1'800'000'000'000);
  return options;
}

constexpr std::string_view twice = R"({"function_name": "twice", "steps": [
    {"function": "Create Variable", "variable_name": "b", "value": "{{inputs.a * 2}}"},
    {"function": "Response", "body": "{{b}}"}]})";

// `main` beside a function `twice`.
std::string with_function(std::string_view steps) {
  return R"({"function_name": "main", "steps": [)" + std::string(steps) + "]}\n" + std::string(twice);
}

Work running_main(const std::string& definition, long n, fnstack::EngineOptions options = on_virtual_time()) {
  options.limits = boundless();
  auto engine = std::make_shared<fnstack::Engine>(std::move(options));
  engine->add_function("host", [](const Value& arguments) -> fnstack::Result<Value> { return arguments.get("a"); });
  const auto program = load(*engine, "growth.json", definition);
  return [engine, program, n] {
    fnstack::RunOptions run_options;
    run_options.flow = "main";
    const auto outcome = engine->run(program, with_n(n), run_options);
    if (outcome.error) give_up(outcome.error->message);
  };
}

// Answers a page of ten items, `pages` times in a row, then an empty one.
std::shared_ptr<fnstack::HttpClient> pages() {
  return fnstack::callback_http([](const fnstack::HttpRequest&) -> fnstack::Result<fnstack::HttpResponse> {
    return fnstack::HttpResponse{
        200, {{"content-type", "application/json"}}, R"({"items": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]})"};
  });
}

Growth run_row(std::string name, long n, std::string steps) {
  return {std::move(name), n,
          [definition = with_function(steps)](long size) { return running_main(definition, size); }};
}

}  // namespace

void add_runs(std::vector<Growth>& rows) {
  rows.push_back(run_row("calls, one after the other", 2'000, times(R"({"function": "Custom Function",
      "custom_function": "twice", "parameters": {"a": "{{i}}"}, "output_variable": "x"})")));
  rows.push_back(run_row("calls of the host", 2'000, times(R"({"function": "Custom Function",
      "custom_function": "host", "parameters": {"a": "{{i}}"}, "output_variable": "x"})")));
  rows.push_back({"calls in each other", 500, [](long n) {
                    return running_main(R"({"function_name": "main", "steps": [{"function": "Conditional",
                        "condition": "{{inputs.n > 0}}", "true_steps": [{"function": "Custom Function",
                        "custom_function": "main", "parameters": {"n": "{{inputs.n - 1}}"}}]}]})",
                                        n);
                  }});
  rows.push_back({"calls in each other, an error at the end", 500, [](long n) {
                    return running_main(
                        R"({"function_name": "main", "steps": [{"function": "Try-Catch", "catch_steps": [],
                        "try_steps": [{"function": "Custom Function", "custom_function": "down",
                                       "parameters": {"n": "{{inputs.n}}"}}]}]}
                        {"function_name": "down", "steps": [{"function": "Precondition", "condition": "{{inputs.n > 0}}"},
                        {"function": "Custom Function", "custom_function": "down", "parameters": {"n": "{{inputs.n - 1}}"}}]})",
                        n);
                  }});
  rows.push_back(
      {"calls by name of n definitions", 250, [](long n) {
         return running_main(
             R"({"function_name": "main", "steps": [)" +
                 times(R"({"function": "Custom Function", "custom_function": "f{{i}}", "output_variable": "x"})") +
                 "]}\n" +
                 listed(
                     n,
                     [](long i) {
                       return R"({"function_name": "f)" + number(i) +
                              R"(", "steps": [{"function": "Return Value", "value": 1}]})";
                     },
                     "\n"),
             n);
       }});

  rows.push_back(
      {"Parallel: branches", 250, [](long n) {
         return running_main(
             with_function(R"({"function": "Parallel", "output_variable": "all", "branches": [)" +
                           listed(n,
                                  [](long i) {
                                    return R"([{"function": "Create Variable", "variable_name": "x", "value": )" +
                                           number(i) + "}]";
                                  }) +
                           "]}"),
             n);
       }});
  rows.push_back(
      {"Parallel: branches that wait", 250, [](long n) {
         return running_main(
             with_function(
                 R"({"function": "Parallel", "output_variable": "all", "branches": [)" +
                 listed(n, [](long i) { return R"([{"function": "Wait", "seconds": )" + number(i % 10) + "}]"; }) +
                 "]}"),
             n);
       }});
  rows.push_back(
      {"Parallel: the first cancels the others", 250, [](long n) {
         return running_main(
             with_function(
                 R"({"function": "Parallel", "mode": "first", "output_variable": "all", "branches": [)" +
                 listed(n, [](long i) { return R"([{"function": "Wait", "seconds": )" + number(i + 1) + "}]"; }) +
                 "]}"),
             n);
       }});
  rows.push_back(run_row("parallel loop, 16 at a time", 500,
                         times(R"({"function": "Create Variable", "variable_name": "x", "value": "{{i}}"})",
                               R"("parallel": true, "output_variable": "all", )")));
  rows.push_back(
      run_row("parallel loop, all at once", 250,
              times(R"({"function": "Wait", "seconds": "{{i % 7}}"}, {"function": "Return Value", "value": "{{i}}"})",
                    R"("parallel": true, "max_concurrency": "{{inputs.n}}", "output_variable": "all", )")));
  rows.push_back(run_row(
      "asynchronous calls, awaited", 250,
      R"({"function": "Create Variable", "variable_name": "ids", "value": []}, )" +
          times(
              R"({"function": "Custom Function", "custom_function": "twice", "parameters": {"a": "{{i}}"}, "execution_mode": "async", "output_variable": "id"},
               {"function": "Arrays", "operation": "push", "array": "{{ids}}", "value": "{{id}}", "output_variable": "ids"})") +
          R"(, {"function": "Async Function Await", "execution_ids": "{{ids}}", "output_variable": "all"})"));
  rows.push_back(run_row(
      "asynchronous calls of the host, awaited", 250,
      R"({"function": "Create Variable", "variable_name": "ids", "value": []}, )" +
          times(
              R"({"function": "Custom Function", "custom_function": "host", "parameters": {"a": "{{i}}"}, "execution_mode": "async", "output_variable": "id"},
               {"function": "Arrays", "operation": "push", "array": "{{ids}}", "value": "{{id}}", "output_variable": "ids"})") +
          R"(, {"function": "Async Function Await", "execution_ids": "{{ids}}", "output_variable": "all"})"));
  rows.push_back(run_row(
      "asynchronous calls, each awaited at once", 250,
      times(
          R"({"function": "Custom Function", "custom_function": "twice", "parameters": {"a": "{{i}}"}, "execution_mode": "async", "output_variable": "id"},
               {"function": "Async Function Await", "execution_ids": "{{id}}", "output_variable": "all"})")));
  rows.push_back(run_row("Waits, one after the other", 1'000, times(R"({"function": "Wait", "seconds": 1})")));
  rows.push_back({"background tasks", 500, [](long n) {
                    const auto definition = with_function(
                        times(R"({"function": "Background Task", "task": "twice", "data": {"a": "{{i}}"}})"));
                    auto engine = std::make_shared<fnstack::Engine>();
                    const auto program = load(*engine, "growth.json", definition);
                    return Work([engine, program, n] {
                      fnstack::RunOptions options;
                      options.flow = "main";
                      if (engine->run(program, with_n(n), options).error) give_up("background tasks");
                      if (engine->drain()) give_up("the loop does not end");
                    });
                  }});

  // Requests, answered from a function.
  const auto request = [&](std::string name, long n, std::string steps) {
    rows.push_back({std::move(name), n, [definition = with_function(steps)](long size) {
                      auto options = on_virtual_time();
                      options.http = pages();
                      return running_main(definition, size, std::move(options));
                    }});
  };
  request("requests, one after the other", 500,
          times(R"({"function": "External API Request", "url": "https://a.example/{{i}}", "output_variable": "x"})"));
  request("requests: pages by paginate", 500,
          R"({"function": "External API Request", "url": "https://a.example/", "output_variable": "x",
      "paginate": {"items": "{{response.body.items}}", "max_pages": 100000, "next": "{{page < inputs.n ? {page: page} : null}}"}})");
  request(
      "requests: Batch", 250,
      R"({"function": "Batch", "requests": "{{range(inputs.n)|map(i => ({url: 'https://a.example/' + i}))}}", "output_variable": "x"})");
  request("requests: rate limits and breakers by key", 250,
          times(R"({"function": "External API Request", "url": "https://a.example/{{i}}",
      "rate_limit": {"requests": 1000, "key": "k{{i}}"}, "circuit_breaker": {"key": "k{{i}}"}, "output_variable": "x"})"));
  request(
      "requests: cached", 250,
      times(
          R"({"function": "External API Request", "url": "https://a.example/{{i}}", "cache": {"ttl": 60}, "output_variable": "x"})"));
  request("requests: a form of n fields", 500,
          R"({"function": "External API Request", "url": "https://a.example/", "method": "POST",
      "headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": "{{create_object(range(inputs.n)|map(i => 'k' + i), range(inputs.n))}}"})");
  request("requests: a query of n parameters", 500, R"({"function": "External API Request", "url": "https://a.example/",
      "query_parameters": "{{create_object(range(inputs.n)|map(i => 'k' + i), range(inputs.n))}}"})");
  request("requests: signed for AWS, n parameters", 500,
          R"({"function": "External API Request", "url": "https://a.example/",
      "query_parameters": "{{create_object(range(inputs.n)|map(i => 'k' + i), range(inputs.n))}}",
      "auth": {"aws_sigv4": {"access_key_id": "a", "secret_access_key": "b", "region": "c", "service": "d"}}})");
  rows.push_back(
      {"requests: an answer against a schema", 500, [](long n) {
         auto options = on_virtual_time();
         const std::string body =
             "[" + listed(n, [](long i) { return "{\"id\": " + number(i) + ", \"name\": \"x\"}"; }) + "]";
         options.http =
             fnstack::callback_http([body](const fnstack::HttpRequest&) -> fnstack::Result<fnstack::HttpResponse> {
               return fnstack::HttpResponse{200, {{"content-type", "application/json"}}, body};
             });
         return running_main(
             with_function(R"({"function": "External API Request", "url": "https://a.example/", "output_variable": "x",
                        "expect": {"schema": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}}}})"),
             n, std::move(options));
       }});

  // The memory cache and database begin empty each time the work is done: only what is put there in the work grows.
  const auto fresh = [&](std::string name, long n, std::string steps, std::string before = {}) {
    rows.push_back({std::move(name), n, [definition = with_function(steps), before](long size) {
                      return Work([definition, before, size] { running_main(definition, size)(); });
                    }});
  };
  const std::string add = times(
      R"({"function": "Add Record", "table": "items", "data": {"name": "item {{i}}", "price": "{{i * 7919 % 100003}}"}})");
  fresh("cache: keys set and got", 1'000,
        times(R"({"function": "Cache Set", "key": "k{{i}}", "value": "{{i}}", "ttl": 60},
      {"function": "Cache Get", "key": "k{{i}}", "output_variable": "x"})"));
  fresh("cache: one list pushed to", 1'000,
        times(R"({"function": "Data Caching", "operation": "push", "key": "k", "value": "{{i}}"
})"));
  fresh("cache: a list as a queue",
        1'000, times(R"({"function": "Data Caching", "operation": "push", "key": "k", "value": "{{i}}"
})") + ", " + times(R"({"function": "Data Caching", "operation": "shift", "key": "k", "output_variable": "x"
})"));
  fresh("cache: a counter", 1'000, times(R"({"function": "Cache Increment", "key": "k"})"));
  fresh("cache: rate limits", 1'000,
        times(R"({"function": "Data Caching", "operation": "ratelimit", "key": "k{{i}}", "max": 5, "ttl": 60
  })"));
  fresh("database: records added", 500, add);
  fresh(
      "database: records added, one query", 500,
      add +
          R"(, {"function": "Query All Records", "table": "items", "sort": "price desc, name", "output_variable": "x"})");
  fresh("database: records added, got and edited by id", 500,
        add + ", " +
            times(R"({"function": "Get Record", "table": "items", "record_id": "{{i + 1}}", "output_variable": "x"},
      {"function": "Edit Record", "table": "items", "record_id": "{{i + 1}}", "data": {"price": 0}})"));
  fresh("database: records added and deleted by id", 500,
        add + ", " + times(R"({"function": "Delete Record", "table": "items", "record_id": "{{i + 1}}"})"));
  fresh("database: added in bulk, one query", 500,
        R"({"function": "Add Record", "table": "items", "data": {"name": "first", "price": 0}},
      {"function": "Bulk Add Records", "table": "items", "data": "{{range(inputs.n)|map(i => ({name: 'item ' + i, price: i}))}}"},
      {"function": "Query All Records", "table": "items", "filter": {"price": {"$gte": 10}}, "output_variable": "x"},
      {"function": "Count Records", "table": "items", "filter": {"name": {"$like": "%9%"}}, "output_variable": "y"})");
  rows.push_back(
      {"database: rows of n columns", 60, [](long n) {
         const std::string data = listed(n, [](long i) { return "\"k" + number(i) + "\": 1"; });
         return Work([definition = with_function(R"({"function": "Loop", "times": 20, "steps": [
                        {"function": "Add Record", "table": "items", "data": {)" +
                                                 data + R"(}}]}, {"function": "Query All Records", "table": "items"})"),
                      n] { running_main(definition, n)(); });
       }});
  fresh("database: a transaction of many steps", 250,
        R"({"function": "Database Transaction", "steps": [)" + add + "]}");
  fresh(
      "database: transactions on a table of n", 60,
      R"({"function": "Add Record", "table": "items", "data": {"name": "first"}},
      {"function": "Bulk Add Records", "table": "items", "data": "{{range(1000)|map(i => ({name: 'item ' + i}))}}"}, )" +
          times(
              R"({"function": "Database Transaction", "steps": [{"function": "Add Record", "table": "items", "data": {"name": "x"}}]})"));
  fresh("Validate Input: a list of n", 250, R"({"function": "Validate Input", "input": "{{ {list: range(inputs.n)} }}",
      "schema": {"list": {"type": "array", "items": {"type": "integer", "min": 0}}}, "output_variable": "x"})");
  fresh("Debug Log", 1'000, times(R"({"function": "Debug Log", "message": "{{i}}"})"));

  rows.push_back({"trace of steps", 1'000, [](long n) {
                    auto options = on_virtual_time();
                    auto out = std::make_shared<std::ostringstream>();
                    options.env = Value::object({{"SECRET", "a secret of some bytes"}});
                    options.observers = {fnstack::trace_observer(*out)};
                    auto work = running_main(with_function(times(R"({"function": "Debug Log", "message": "{{i}}"})")),
                                             n, std::move(options));
                    return Work([work, out] {
                      out->str({});
                      work();
                    });
                  }});
  rows.push_back({"masked: a text of n, one secret", 10'000, [](long n) {
                    const fnstack::SecretMask mask(Value::object({{"A", "a secret"}}));
                    const std::string text = listed(
                        n, [](long i) { return i % 10 == 0 ? "a secret" : "word"; }, " ");
                    return Work([mask, text] { (void)mask.apply_to_text(text); });
                  }});
  rows.push_back({"masked: a text, n secrets", 100, [](long n) {
                    auto env = Value::object();
                    for (long i = 0; i < n; ++i) env.set("A" + number(i), "a secret of " + number(i));
                    const fnstack::SecretMask mask(env);
                    const std::string text = listed(
                        1'000, [](long) { return "word"; }, " ");
                    return Work([mask, text] { (void)mask.apply_to_text(text); });
                  }});
  rows.push_back(
      {"snapshot and back, n values", 1'000, [](long n) {
         auto engine = std::make_shared<fnstack::Engine>();
         const auto program = load(
             *engine, "growth.json",
             R"([{"function": "Create Variable", "variable_name": "x", "value": "{{inputs}}"}, {"function": "Wait", "seconds": 1}])");
         auto list = Value::array();
         for (long i = 0; i < n; ++i) list.push_back(Value::object({{"id", i}, {"name", "item " + number(i)}}));
         auto machine = std::make_shared<fnstack::Machine>(engine->machine(program, Value::object({{"list", list}})));
         if (!std::holds_alternative<fnstack::Machine::Perform>(machine->next())) give_up("it does not wait");
         return Work([engine, program, machine] {
           fnstack::Start start;
           if (!std::holds_alternative<fnstack::Machine>(
                   fnstack::Machine::restore(program, machine->snapshot(), std::move(start))))
             give_up("not restored");
         });
       }});
  rows.push_back({"snapshots, each at one of n effects", 60, [](long n) {
                    auto engine = std::make_shared<fnstack::Engine>();
                    const auto program =
                        load(*engine, "growth.json", with_function(times(R"({"function": "Wait", "seconds": 1})")));
                    return Work([engine, program, n] {
                      fnstack::RunOptions options;
                      options.flow = "main";
                      auto machine = engine->machine(program, with_n(n), options);
                      for (;;) {
                        auto next = machine.next();
                        auto* asked = std::get_if<fnstack::Machine::Perform>(&next);
                        if (asked == nullptr) break;
                        if (machine.snapshot().empty()) give_up("no snapshot");
                        machine.resume(asked->id, fnstack::EffectReply(Value()), 0);
                      }
                    });
                  }});
  rows.push_back({"runs, one after the other", 500, [](long n) {
                    auto engine = std::make_shared<fnstack::Engine>();
                    const auto program = load(*engine, "growth.json", std::string(twice));
                    return Work([engine, program, n] {
                      for (long i = 0; i < n; ++i) (void)run(*engine, program, Value::object({{"a", i}}));
                    });
                  }});
  rows.push_back({"runs on the event loop, all at once", 500, [](long n) {
                    auto engine = std::make_shared<fnstack::Engine>(on_virtual_time());
                    const auto program = load(*engine, "growth.json", R"([{"function": "Wait", "seconds": 1},
                        {"function": "Return Value", "value": "{{inputs.a}}"}])");
                    return Work([engine, program, n] {
                      auto ended = std::make_shared<std::atomic<long>>(0);
                      auto all = std::make_shared<std::promise<void>>();
                      for (long i = 0; i < n; ++i) {
                        engine->start(program, Value::object({{"a", i}}),
                                      [ended, all, n](const fnstack::Outcome& outcome) {
                                        if (outcome.error) give_up(outcome.error->message);
                                        if (++*ended == n) all->set_value();
                                      });
                      }
                      all->get_future().wait();
                    });
                  }});
  rows.push_back({"runs side by side, each waiting", 500, [](long n) {
                    auto engine = std::make_shared<fnstack::Engine>();
                    const auto program = load(*engine, "growth.json", R"([{"function": "Wait", "seconds": 1}])");
                    return Work([engine, program, n] {
                      std::vector<std::pair<fnstack::Machine, fnstack::EffectId>> waiting;
                      for (long i = 0; i < n; ++i) {
                        auto machine = engine->machine(program, Value::object());
                        auto asked = std::get<fnstack::Machine::Perform>(machine.next());
                        waiting.emplace_back(std::move(machine), std::move(asked.id));
                      }
                      for (auto& [machine, id] : waiting) {
                        machine.resume(id, fnstack::EffectReply(Value()), 0);
                        if (!std::holds_alternative<fnstack::Machine::Ended>(machine.next())) give_up("it goes on");
                      }
                    });
                  }});
}

}  // namespace bench
