// `fnstack run`: what it prints, and its exit status.
#include <signal.h>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

namespace {

using Json = nlohmann::ordered_json;
using namespace fnstack_test;

const char* const greet = R"({
  "function_name": "greet",
  "steps": [
    {"function": "Create Variable", "variable_name": "text", "value": "hello {{inputs.name}}"},
    {"function": "Response", "status_code": 201, "headers": {"X-Kind": "greeting"}, "body": {"text": "{{text}}"}}
  ]
})";

// The printed object, its duration checked and set to 0, which no test can know.
Json printed(const Said& said) {
  Json json = Json::parse(said.out);
  CHECK(json.at("stats").at("duration_ms").is_number());
  json["stats"]["duration_ms"] = 0;
  return json;
}

struct Files {
  TemporaryDirectory directory;
  std::string add(const std::string& name, const std::string& text) const {
    write_file(directory.file(name), text);
    return directory.file(name);
  }
};

}  // namespace

TEST_CASE("run prints one object") {
  const Files files;
  const Said said = fnstack({"run", files.add("greet.json", greet), "--inputs", R"({"name": "Ada"})"});
  CHECK(said.status == 0);
  CHECK(said.err == "");
  CHECK(printed(said) == Json::parse(R"({
    "status": "completed",
    "response": {"status_code": 201, "headers": {"X-Kind": "greeting"}, "body": {"text": "hello Ada"}},
    "variables": {"text": "hello Ada"},
    "error": null,
    "stats": {"steps": 2, "effects": 0, "duration_ms": 0}
  })"));
  CHECK(said.out.find('\n') == said.out.size() - 1);
}

TEST_CASE("inputs come as text, from a file or from stdin") {
  const Files files;
  const std::string file = files.add("greet.json", greet);
  const auto text_of = [&](const std::string& inputs, const std::string& on_stdin) {
    return printed(fnstack({"run", file, "--inputs", inputs}, on_stdin)).at("variables").at("text").get<std::string>();
  };
  CHECK(text_of(R"({"name":"a"})", "") == "hello a");
  CHECK(text_of("@" + files.add("inputs.json", R"({"name":"b"})"), "") == "hello b");
  CHECK(text_of("-", R"({"name":"c"})") == "hello c");
  CHECK(text_of("{}", "") == "hello ");
  CHECK(fnstack({"run", file, "--inputs={\"name\":\"d\"}"}).status == 0);
}

TEST_CASE("inputs that are no object are bad usage") {
  const Files files;
  const std::string file = files.add("greet.json", greet);
  CHECK(fnstack({"run", file, "--inputs", "[1]"}).err == "fnstack: --inputs: expected a JSON object, got a list\n");
  CHECK(fnstack({"run", file, "--inputs", "[1]"}).status == 2);
  CHECK(fnstack({"run", file, "--inputs", "{}"}).status == 0);
  CHECK(fnstack({"run", file, "--inputs", "null"}).err == "fnstack: --inputs: expected a JSON object, got null\n");
  const Said missing = fnstack({"run", file, "--inputs", "@" + files.directory.file("none.json")});
  CHECK(missing.status == 2);
  CHECK(missing.out == "");
  CHECK(missing.err ==
        "fnstack: --inputs: can't read \"" + files.directory.file("none.json") + "\": no such file or directory\n");
  const Said cut = fnstack({"run", file, "--inputs", "-"}, "{\"a\":");
  CHECK(cut.status == 2);
  CHECK_THAT(cut.err, starts_with("fnstack: --inputs: stdin: JSON, line 1, column "));
}

TEST_CASE("a failed run has status 1 and its error printed") {
  const Files files;
  const std::string file = files.add("fail.json", R"({"steps": [
    {"function": "Throw Error", "message": "no such luck", "code": 422}
  ]})");
  const Said said = fnstack({"run", file});
  CHECK(said.status == 1);
  CHECK(said.err == "");
  CHECK(printed(said) == Json::parse(R"({
    "status": "failed", "response": null, "variables": {},
    "error": {"type": "thrown", "message": "no such luck", "status_code": 422, "headers": null, "response": null,
              "step": "Throw Error at /steps/0"},
    "stats": {"steps": 1, "effects": 0, "duration_ms": 0}
  })"));
}

TEST_CASE("several definitions: one has to be named") {
  const Files files;
  const std::string file = files.add("two.json", R"({"function_name": "charge_card", "steps": [
      {"function": "Create Variable", "variable_name": "which", "value": "charge"}]}
    {"function_name": "refund_card", "steps": [
      {"function": "Create Variable", "variable_name": "which", "value": "refund"}]})");
  const Said none = fnstack({"run", file});
  CHECK(none.status == 2);
  CHECK(none.out == "");
  CHECK(none.err ==
        "fnstack: " + file + ": 2 definitions; say with --flow which one to run: charge_card, refund_card\n");
  const Said wrong = fnstack({"run", file, "--flow", "refund_crad"});
  CHECK(wrong.status == 2);
  CHECK(wrong.err == "fnstack: " + file + ": there is no definition \"refund_crad\"; did you mean \"refund_card\"?\n");
  const Said far = fnstack({"run", file, "--flow", "weather"});
  CHECK(far.status == 2);
  CHECK(far.err == "fnstack: " + file + ": there is no definition \"weather\"; it has: charge_card, refund_card\n");
  const Said right = fnstack({"run", file, "--flow", "refund_card"});
  CHECK(right.status == 0);
  CHECK(printed(right).at("variables") == Json{{"which", "refund"}});
}

TEST_CASE("an invalid definition is bad usage and nothing runs") {
  const Files files;
  const std::string file = files.add("bad.json", R"({"steps": [
  {"function": "Creat Variable", "variable_name": "x", "value": 1}
]})");
  const Said said = fnstack({"run", file});
  CHECK(said.status == 2);
  CHECK(said.out == "");
  CHECK_THAT(said.err, starts_with(file + ":2:"));
  CHECK_THAT(said.err, contains("did you mean \"Create Variable\"?"));
  CHECK_THAT(said.err, ends_with("fnstack: " + file + ": not a valid definition: 1 error\n"));
}

TEST_CASE("functions of other files can be called") {
  const Files files;
  const std::string main = files.add("main.json", R"({"steps": [
    {"function": "Custom Function", "custom_function": "double_it", "arguments": {"n": 21}, "output_variable": "n"}]})");
  const std::string library = files.add("library.json", R"({"function_name": "double_it", "steps": [
    {"function": "Response", "body": "{{inputs.n * 2}}"}]})");
  const Said said = fnstack({"run", main, "--functions", library});
  CHECK(said.status == 0);
  CHECK(printed(said).at("variables") == Json{{"n", 42}});
  // It can be called, not run.
  const Said flow = fnstack({"run", main, "--functions", library, "--flow", "double_it"});
  CHECK(flow.status == 2);
  CHECK(flow.err == "fnstack: " + main + ": there is no definition \"double_it\"; it has: 1\n");
  const Said broken = fnstack({"run", main, "--functions", files.add("broken.json", "{")});
  CHECK(broken.status == 2);
  CHECK_THAT(broken.err, ends_with("fnstack: --functions: " + files.directory.file("broken.json") +
                                   ": not a valid definition: 1 error\n"));
}

TEST_CASE("env is what was given and nothing else") {
  const Files files;
  const std::string file = files.add("env.json", R"({"steps": [
    {"function": "Create Variable", "variable_name": "seen",
     "value": ["{{env.A}}", "{{env.B}}", "{{env.C}}", "{{env.HOME}}"]}]})");
  const std::string env_file = files.add(".env",
                                         "# a comment\r\n"
                                         "A = from file # and a comment\n"
                                         "\n"
                                         "B='it is \"quoted\" # no comment'\n"
                                         "C=\"a=b#c\"  # comment\n");
  const auto seen = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"run", file});
    return printed(fnstack(arguments, "", {"HOME=/home/ada", "B=inherited"})).at("variables").at("seen");
  };
  CHECK(seen({}) == Json::parse("[null,null,null,null]"));
  CHECK(seen({"--env", "A=1=2", "--env", "B", "--env", "C="}) == Json::parse(R"(["1=2","inherited","",null])"));
  CHECK(seen({"--env-file", env_file}) == Json::parse(R"(["from file","it is \"quoted\" # no comment","a=b#c",null])"));
  CHECK(seen({"--env", "A=typed", "--env-file", env_file}).at(0) == "typed");
}

TEST_CASE("what is wrong with env is said without a value") {
  const Files files;
  const std::string file = files.add("greet.json", greet);
  const auto error = [&](const std::string& text) {
    const std::string env_file = files.add("e.env", text);
    const Said said = fnstack({"run", file, "--env-file", env_file});
    CHECK(said.status == 2);
    return said.err.substr(std::min(said.err.size(), ("fnstack: --env-file: " + env_file).size()));
  };
  CHECK(error("A=1\nsecret-without-name\n") == ":2: expected NAME=VALUE\n");
  CHECK(error("export A=1\n") == ":1: expected a name without blanks and quotes before \"=\"\n");
  CHECK(error("A=\"open\n") == ":1: A: the quote is not closed\n");
  CHECK(error("A=\"a\"b\n") == ":1: A: expected the end of the line or a comment after the closing quote\n");
  CHECK(error("A=\xff\n") == ":1: A: the value is not UTF-8\n");
  const Said unset = fnstack({"run", file, "--env", "STRIPE_KEY"});
  CHECK(unset.status == 2);
  CHECK(unset.err ==
        "fnstack: --env STRIPE_KEY: the process environment has no such variable; give --env STRIPE_KEY=VALUE\n");
}

TEST_CASE("a failed run's variables and error are masked, a response is not") {
  const Files files;
  const std::string fails = files.add("fails.json", R"({"steps": [
    {"function": "Create Variable", "variable_name": "header", "value": "Bearer {{env.TOKEN}}"},
    {"function": "Throw Error", "message": "refused: {{env.TOKEN}}"}]})");
  const Said failed = fnstack({"run", fails, "--env", "TOKEN=sk_live_123456"});
  CHECK(failed.status == 1);
  CHECK(printed(failed).at("variables") == Json{{"header", "Bearer [env.TOKEN]"}});
  CHECK(printed(failed).at("error").at("message") == "refused: [env.TOKEN]");
  const std::string answers = files.add("answers.json", R"({"steps": [
    {"function": "Response", "body": {"token": "{{env.TOKEN}}"}}]})");
  const Said answered = fnstack({"run", answers, "--env", "TOKEN=sk_live_123456"});
  CHECK(printed(answered).at("response").at("body") == Json{{"token", "sk_live_123456"}});
}

TEST_CASE("waits are skipped on a virtual clock") {
  const Files files;
  const std::string file = files.add("wait.json", R"({"steps": [
    {"function": "Create Variable", "variable_name": "before", "value": "{{timestamp}}"},
    {"function": "Wait", "duration": 3600},
    {"function": "Create Variable", "variable_name": "passed", "value": "{{timestamp - before}}"}]})");
  const Said said = fnstack({"run", file, "--skip-waits"});
  CHECK(said.status == 0);
  const auto passed = printed(said).at("variables").at("passed").get<std::int64_t>();
  CHECK(passed >= 3'600'000);
  CHECK(passed < 3'660'000);
}

TEST_CASE("a timeout ends a run as failed") {
  const Files files;
  const std::string file = files.add("wait.json", R"({"steps": [{"function": "Wait", "duration": 3600}]})");
  const Said said = fnstack({"run", file, "--timeout", "0.05"});
  CHECK(said.status == 1);
  const Json json = printed(said);
  CHECK(json.at("status") == "failed");
  CHECK(json.at("error").at("type") == "limit");
  CHECK(json.at("error").at("message") == "timeout: the run takes more than 50 ms");
  CHECK(fnstack({"run", file, "--timeout", "0"}).err ==
        "fnstack: --timeout: expected seconds from 0.001 to 1000000000, got \"0\"\n");
  CHECK(fnstack({"run", file, "--timeout", "nan"}).status == 2);
  CHECK(fnstack({"run", file, "--timeout", "-1"}).status == 2);
}

TEST_CASE("a signal cancels the run, which still prints its object") {
  const Files files;
  const std::string file = files.add("wait.json", R"({"steps": [
    {"function": "Create Variable", "variable_name": "x", "value": 1},
    {"function": "Log", "message": "now"},
    {"function": "Wait", "duration": 3600}]})");
  for (const int signal : {SIGINT, SIGTERM}) {
    // Not before the process has said to the system that it wants these signals.
    const Said said = fnstack_meanwhile({"run", file}, [&](pid_t id) {
      const std::string status_file = "/proc/" + std::to_string(id) + "/status";
      for (bool listens = false; !listens;) {
        const std::string status = read_file(status_file);
        const std::size_t at = status.find("SigCgt:\t");
        const std::uint64_t caught = at == std::string::npos ? 0 : std::stoull(status.substr(at + 8, 16), nullptr, 16);
        listens = (caught >> (SIGTERM - 1) & 1) != 0 && (caught >> (SIGINT - 1) & 1) != 0;
      }
      ::kill(id, signal);
    });
    CHECK(said.status == 1);
    CHECK(said.err == "");
    const Json json = printed(said);
    CHECK(json.at("status") == "cancelled");
    CHECK(json.at("error").at("type") == "cancelled");
  }
}

#ifdef FNSTACK_HAS_SQLITE
TEST_CASE("a file that is no database is an error that can be caught") {
  const Files files;
  const std::string database = "sqlite:" + files.add("text.db", std::string(5'000, 'x'));
  const std::string query = R"({"function": "Query All Records", "table": "t"})";
  const std::string caught = files.add("caught.json", R"({"steps": [{"function": "Try-Catch", "try_steps": [)" + query +
                                                          R"(], "catch_steps": [{"function": "Response", "status_code":
      "{{error.status_code}}", "body": "{{error.type}}: {{error.message}}"}]}]})");
  const Json answer = printed(fnstack({"run", caught, "--database", database})).at("response");
  CHECK(answer.at("status_code") == 500);
  const std::string text = answer.at("body");
  CHECK_THAT(text, starts_with("database: "));
  CHECK_THAT(text, contains("is not a SQLite database"));
  const Said failed = fnstack({"run", files.add("plain.json", "[" + query + "]"), "--database", database});
  CHECK(failed.status == 1);
  CHECK(printed(failed).at("error").at("type") == "database");
}
#endif

TEST_CASE("limits can be set, within reason") {
  const Files files;
  const std::string file = files.add("greet.json", greet);
  const auto error = [&](const std::string& limit) {
    const Said said = fnstack({"run", file, "--limit", limit});
    CHECK(said.status == 2);
    CHECK(said.out == "");
    return said.err;
  };
  CHECK(error("stepz=3") == "fnstack: --limit: there is no limit \"stepz\"; did you mean \"steps\"?\n");
  CHECK(error("steps") == "fnstack: --limit: expected NAME=VALUE, got \"steps\"\n");
  for (const std::string value : {"-1", "0", "x", "", "1.5", "1e3", "99999999999999999999"}) {
    CHECK(error("steps=" + value) ==
          "fnstack: --limit steps: expected a whole number from 1 to 1000000000000000, got \"" + value + "\"\n");
  }
  CHECK(error("redirects=-1") == "fnstack: --limit redirects: expected a whole number from 0 to 1000, got \"-1\"\n");
  CHECK(error("definition_nesting=513") ==
        "fnstack: --limit definition_nesting: expected a whole number from 1 to 512, got \"513\"\n");
  CHECK_THAT(error("weather=1"), starts_with("fnstack: --limit: there is no limit \"weather\"; expected one of "
                                             "definition_bytes, definition_nodes, "));
  CHECK(fnstack({"run", file, "--limit", "redirects=0", "--limit", "steps=1000"}).status == 0);
  const Said budget = fnstack({"run", file, "--limit", "steps=1"});
  CHECK(budget.status == 1);
  CHECK(printed(budget).at("error").at("type") == "limit");
  CHECK(fnstack({"run", file, "--limit", "definition_bytes=20"}).status == 2);
  const std::string sum = files.add(
      "sum.json", R"j([{"function": "Create Variable", "name": "x", "value": "{{ inputs.a || inputs.b }}"}])j");
  CHECK(fnstack({"run", sum, "--limit", "expression_nodes=5"}).status == 0);  // inputs, a, inputs, b, ||
  const Said nodes = fnstack({"run", sum, "--limit", "expression_nodes=4"});
  CHECK(nodes.status == 2);
  CHECK_THAT(nodes.err, contains("expression: more than 4 nodes (limit expression_nodes)"));
}

TEST_CASE("a cache or database that this build or anyone lacks is bad usage") {
  const Files files;
  const std::string file = files.add("greet.json", greet);
  const auto error = [&](const std::string& option, const std::string& value) {
    const Said said = fnstack({"run", file, option, value});
    CHECK(said.status == 2);
    CHECK(said.out == "");
    return said.err;
  };
  CHECK(error("--cache", "disk") ==
        "fnstack: --cache: expected memory or redis://HOST[:PORT][/DATABASE], got \"disk\"\n");
  CHECK(error("--cache", "reddis://:secret@h") ==
        "fnstack: --cache: expected memory, redis://HOST[:PORT][/DATABASE], rediss:// or unix:///PATH\n");
  CHECK(error("--database", "mysql://root:secret@db/x") ==
        "fnstack: --database: expected sqlite:PATH, sqlite::memory: or postgresql://USER@HOST/DATABASE\n");
#ifndef FNSTACK_HAS_REDIS
  CHECK(error("--cache", "redis://127.0.0.1") ==
        "fnstack: --cache: this build has no Redis cache; build it with -DFNSTACK_WITH_REDIS=ON\n");
#else
  CHECK(error("--cache", "redis://:secret@127.0.0.1:x") ==
        "fnstack: --cache: cache URL: the port: expected a number from 1 to 65535\n");
#endif
#ifndef FNSTACK_HAS_POSTGRES
  CHECK(error("--database", "postgresql://ada:secret@127.0.0.1/x") ==
        "fnstack: --database: this build has no PostgreSQL; build it with -DFNSTACK_WITH_POSTGRES=ON\n");
#endif
  CHECK(fnstack({"run", file, "--cache", "memory"}).status == 0);
}

#ifdef FNSTACK_HAS_SQLITE
TEST_CASE("records stay in the database that was named, and nowhere else") {
  const Files files;
  const std::string file = files.add("count.json", R"({"steps": [
    {"function": "Add Record", "table": "visits", "data": {"by": "{{inputs.by}}"}},
    {"function": "Query All Records", "table": "visits", "output_variable": "visits"}]})");
  const auto visits = [&](const std::string& url) {
    return printed(fnstack({"run", file, "--inputs", R"({"by":"ada"})", "--database", url}))
        .at("variables")
        .at("visits");
  };
  const std::string url = "sqlite:" + files.directory.file("visits.db");
  CHECK(visits(url) == Json::parse(R"([{"id":1,"by":"ada"}])"));
  CHECK(visits(url) == Json::parse(R"([{"id":1,"by":"ada"},{"id":2,"by":"ada"}])"));
  CHECK(visits("sqlite::memory:") == Json::parse(R"([{"id":1,"by":"ada"}])"));
  const Said strict = fnstack({"run", file, "--database", "sqlite::memory:?schema=strict"});
  CHECK(strict.status == 1);
  CHECK(printed(strict).at("error").at("type") == "database");
  // One that can't be opened fails the run that needs it.
  const Said none = fnstack({"run", file, "--database", "sqlite:" + files.directory.file("no/such/folder.db")});
  CHECK(none.status == 1);
  CHECK(printed(none).at("error").at("type") == "database");
}
#endif

TEST_CASE("many runs print statistics only") {
  const Files files;
  const Said said = fnstack({"run", files.add("greet.json", greet), "--repeat", "50", "--concurrency", "3"});
  CHECK(said.status == 0);
  CHECK(said.err == "");
  const Json json = Json::parse(said.out);
  CHECK(json.size() == 1);
  std::vector<std::string> names;
  const Json& stats = json.at("stats");
  for (const auto& item : stats.items()) {
    names.push_back(item.key());
    CHECK(item.value().is_number());
  }
  CHECK(names == std::vector<std::string>{"runs", "failed", "seconds", "runs_per_second", "p50_ms", "p99_ms",
                                          "cpu_seconds", "peak_rss_mb"});
  CHECK(stats.at("runs") == 50);
  CHECK(stats.at("failed") == 0);
  CHECK(stats.at("p50_ms") > 0);
  CHECK(stats.at("p99_ms") >= stats.at("p50_ms"));
  CHECK(stats.at("peak_rss_mb") > 1);
}

TEST_CASE("one failed run among many is a failure") {
  const Files files;
  // The first run adds the only record; each later one finds it there.
  const std::string file = files.add("once.json", R"({"steps": [
    {"function": "Query All Records", "table": "seen", "output_variable": "seen"},
    {"function": "Conditional", "condition": "{{seen.length > 0}}",
     "true_steps": [{"function": "Throw Error", "message": "again"}],
     "false_steps": [{"function": "Add Record", "table": "seen", "data": {"a": 1}}]}]})");
  const Said said = fnstack({"run", file, "--repeat", "3"});
  CHECK(said.status == 1);
  CHECK(said.err == "fnstack: a run failed: thrown: again\n");
  CHECK(Json::parse(said.out).at("stats").at("runs") == 3);
  CHECK(Json::parse(said.out).at("stats").at("failed") == 2);
  CHECK(fnstack({"run", file, "--repeat", "0"}).status == 2);
  CHECK(fnstack({"run", file, "--concurrency", "2"}).err ==
        "fnstack: --concurrency: how many of --repeat N at a time; --repeat is missing\n");
}

TEST_CASE("a trace has one event a line, and what is logged is there and not on stdout") {
  const Files files;
  const std::string trace = files.directory.file("trace.jsonl");
  const std::string file = files.add("log.json", R"({"function_name": "logs", "steps": [
    {"function": "Debug Log", "message": "key is {{env.KEY}}"}]})");
  const Said said = fnstack({"run", file, "--trace", trace, "--env", "KEY=abcdefgh"});
  CHECK(said.status == 0);
  CHECK(said.out.find("key is") == std::string::npos);
  CHECK(said.err == "");
  std::vector<std::string> events;
  std::string logged;
  std::istringstream lines(read_file(trace));
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line);
    events.push_back(event.at("event").get<std::string>());
    if (events.back() == "log") logged = event.at("detail").get<std::string>();
  }
  CHECK(events == std::vector<std::string>{"run_started", "step", "log", "run_ended"});
  CHECK(logged == "key is [env.KEY]");
  const Said none = fnstack({"run", file, "--trace", files.directory.file("no/such/file")});
  CHECK(none.status == 2);
  CHECK(none.err ==
        "fnstack: --trace: can't write \"" + files.directory.file("no/such/file") + "\": no such file or directory\n");
}

TEST_CASE("files that can't be read are bad usage") {
  const TemporaryDirectory directory;
  CHECK(fnstack({"run", directory.file("none.json")}).err ==
        "fnstack: can't read \"" + directory.file("none.json") + "\": no such file or directory\n");
  CHECK(fnstack({"run", directory.file("none.json")}).status == 2);
  CHECK(fnstack({"run", directory.file("")}).err ==
        "fnstack: can't read \"" + directory.file("") + "\": is a directory\n");
  // What never ends is read no further than a definition may go.
  CHECK(fnstack({"run", "/dev/zero"}).status == 2);
}
