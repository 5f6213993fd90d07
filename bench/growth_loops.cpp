// Passes, variables, and values put together piece by piece.
#include "growth.hpp"

namespace bench {

namespace {

// A definition that sets `all` to `start` and then, n times, does `step` with `i` as the number of the pass.
std::string n_times(std::string_view start, std::string_view step) {
  return R"([{"function": "Create Variable", "variable_name": "all", "value": )" + std::string(start) +
         R"(}, {"function": "Loop", "times": "{{inputs.n}}", "loop_item_variable": "i", "steps": [)" +
         std::string(step) + "]}]";
}

fnstack::Value with_n(long n) { return fnstack::Value::object({{"n", n}}); }

// The same definition for each n.
Growth passes(std::string name, long n, std::string definition, fnstack::Value (*inputs)(long) = with_n) {
  return {std::move(name), n,
          [definition = std::move(definition), inputs](long size) { return running(definition, inputs(size)); }};
}

// {"n": n, "list": [0, …], "big": {"key0": 0, …}}
fnstack::Value with_collections(long n) {
  auto list = fnstack::Value::array();
  auto big = fnstack::Value::object();
  for (long i = 0; i < n; ++i) {
    list.push_back(i);
    big.set("key" + number(i), i);
  }
  return fnstack::Value::object({{"n", n}, {"list", std::move(list)}, {"big", std::move(big)}});
}

// Containers in each other, n deep: {"a": {"a": … 0}}.
fnstack::Value nested(long n) {
  fnstack::Value value = 0;
  for (long i = 0; i < n; ++i) value = fnstack::Value::object({{"a", std::move(value)}});
  return fnstack::Value::object({{"deep", std::move(value)}});
}

std::string set(std::string_view value) {
  return R"({"function": "Update Variable", "variable_name": "all", "value": )" + in_quotes(value) + "}";
}

}  // namespace

void add_loops(std::vector<Growth>& rows) {
  rows.push_back(passes("passes: times", 4'000, n_times("0", set("{{all + i}}"))));
  rows.push_back(passes("passes: a list", 4'000,
                        R"([{"function": "Loop", "input_array": "{{inputs.list}}", "steps": [
                             {"function": "Update Variable", "variable_name": "all", "value": "{{item}}"}]}])",
                        with_collections));
  rows.push_back(passes("passes: an object", 4'000,
                        R"([{"function": "Loop", "input_array": "{{inputs.big}}", "steps": [
                             {"function": "Update Variable", "variable_name": "all", "value": "{{item.value}}"}]}])",
                        with_collections));
  rows.push_back(passes("passes: a condition", 4'000,
                        R"([{"function": "Create Variable", "variable_name": "i", "value": 0},
                            {"function": "Loop", "condition": "{{i < inputs.n}}", "max_iterations": "{{inputs.n}}",
                             "steps": [{"function": "Update Variable", "variable_name": "i", "value": "{{i + 1}}"}]}])"));
  rows.push_back(passes("passes: continue and break", 4'000,
                        n_times("0", R"({"function": "Conditional", "condition": "{{i % 2 == 0}}",
                                         "true_steps": [{"function": "Continue Loop"}]},
                                        {"function": "Conditional", "condition": "{{i > inputs.n}}",
                                         "true_steps": [{"function": "Break Loop"}]})")));

  // One value that grows with each pass.
  rows.push_back(
      passes("list: Arrays push", 4'000,
             n_times("[]", R"({"function": "Arrays", "operation": "push", "array": "{{all}}", "value": "{{i}}",
                                          "output_variable": "all"})")));
  rows.push_back(passes("list: Arrays concat", 4'000,
                        n_times("[]", R"({"function": "Arrays", "operation": "concat", "array": "{{all}}",
                                          "array2": ["{{i}}", 1, 2, 3], "output_variable": "all"})")));
  rows.push_back(passes("list: Arrays pop", 1'000,
                        R"([{"function": "Create Variable", "variable_name": "all", "value": "{{inputs.list}}"},
                            {"function": "Loop", "times": "{{inputs.n}}", "steps": [
                              {"function": "Arrays", "operation": "pop", "array": "{{all}}", "output_variable": "all"}]}])",
                        with_collections));
  rows.push_back(passes("list: Arrays shift", 1'000,
                        R"([{"function": "Create Variable", "variable_name": "all", "value": "{{inputs.list}}"},
                            {"function": "Loop", "times": "{{inputs.n}}", "steps": [
                              {"function": "Arrays", "operation": "shift", "array": "{{all}}", "output_variable": "all"}]}])",
                        with_collections));
  rows.back().most = 0;  // those behind it move up, 16 bytes each
  rows.push_back(passes("list: all.concat(page)", 1'000, n_times("[]", set("{{all.concat([i, 1, 2, 3])}}"))));
  rows.push_back(passes("list: [...all, x]", 1'000, n_times("[]", set("{{[...all, i]}}"))));
  rows.push_back(passes("list: all|append(x)", 1'000, n_times("[]", set("{{all|append(i)}}"))));
  rows.push_back(passes("list: Update Variable append", 4'000,
                        n_times("[]", R"({"function": "Update Variable", "variable_name": "all", "operation": "append",
                                          "value": {"i": "{{i}}"}})")));
  rows.push_back(passes("list: append below a path", 4'000,
                        n_times(R"({"a": {"b": []}})", R"({"function": "Update Variable", "variable_name": "all.a.b",
                                          "operation": "append", "value": {"i": "{{i}}"}})")));
  rows.push_back(passes("list: reading all[i]", 4'000, n_times("0", set("{{inputs.list[i]}}")), with_collections));
  rows.push_back(passes("list: its length at each pass", 4'000,
                        n_times("[]", R"({"function": "Arrays", "operation": "push", "array": "{{all}}", "value": [],
                                          "output_variable": "all"},
                                         {"function": "Create Variable", "variable_name": "k", "value": "{{all.length}}"})")));

  rows.push_back(passes("text: {{all}}{{x}}", 4'000, n_times(R"("")", set("{{all}}{{i}}, a little more text\n"))));
  rows.push_back(passes("text: all + x", 4'000, n_times(R"("")", set("{{all + i + ', a little more text'}}"))));
  rows.push_back(
      passes("text: all.concat(x)", 4'000, n_times(R"("")", set("{{all.concat(i, ', a little more text')}}"))));

  rows.push_back(passes("object: Update Variable set_key", 4'000,
                        n_times("{}", R"({"function": "Update Variable", "variable_name": "all", "operation": "set_key",
                                          "key": "key{{i}}", "value": "{{i}}"})")));
  rows.push_back(passes("object: Objects set", 500,
                        n_times("{}", R"({"function": "Objects", "operation": "set", "object": "{{all}}",
                                          "key": "key{{i}}", "value": "{{i}}", "output_variable": "all"})")));
  rows.push_back(passes("object: Update Variable merge", 4'000,
                        n_times("{}", R"({"function": "Update Variable", "variable_name": "all", "operation": "merge",
                                          "value": {"key{{i}}": "{{i}}", "last": "{{i}}"}})")));
  rows.push_back(passes("object: all|set(key, x)", 500, n_times("{}", set("{{all|set('key' + i, i)}}"))));
  rows.push_back(passes("object: {...all, [key]: x}", 500, n_times("{}", set("{{ {...all, ['key' + i]: i} }}"))));
  rows.push_back(passes("object: keys read", 4'000, n_times("0", set("{{inputs.big['key' + i]}}")), with_collections));
  rows.push_back(passes("object: keys removed", 500,
                        R"([{"function": "Create Variable", "variable_name": "all", "value": "{{inputs.big}}"},
                            {"function": "Loop", "times": "{{inputs.n}}", "loop_item_variable": "i", "steps": [
                              {"function": "Update Variable", "variable_name": "all", "operation": "remove",
                               "key": "key{{i}}"}]}])",
                        with_collections));
  rows.back().most = 0;  // so do they here
  rows.push_back(passes("object: its deepest member replaced", 4'000,
                        R"([{"function": "Create Variable", "variable_name": "all", "value": "{{inputs.big}}"},
                            {"function": "Loop", "times": "{{inputs.n}}", "loop_item_variable": "i", "steps": [
                              {"function": "Update Variable", "variable_name": "all.key7", "value": [["{{i}}"]]},
                              {"function": "Update Variable", "variable_name": "all.key7", "value": "{{i}}"}]}])",
                        with_collections));
  rows.push_back(passes("list: its deepest element changed", 4'000,
                        R"([{"function": "Create Variable", "variable_name": "all", "value": "{{inputs.list}}"},
                            {"function": "Loop", "times": "{{inputs.n}}", "loop_item_variable": "i", "steps": [
                              {"function": "Update Variable", "variable_name": "all[7]", "value": {"a": [["{{i}}"]]}},
                              {"function": "Update Variable", "variable_name": "all[7].a", "value": []}]}])",
                        with_collections));

  // A definition that is longer with n.
  rows.push_back({"path: read so deep", 100, [](long n) {
                    const std::string path = "inputs.deep" + listed(
                                                                 n, [](long) { return ".a"; }, "");
                    return running(R"([{"function": "Loop", "times": 100, "steps": [
                      {"function": "Create Variable", "variable_name": "all", "value": "{{)" +
                                       path + R"(}}"}]}])",
                                   nested(n));
                  }});
  rows.back().most = 16;  // 100 levels are in the first cache, 800 are not
  rows.push_back({"path: changed so deep", 60, [](long n) {
                    const std::string path = "all" + listed(
                                                         n, [](long) { return ".a"; }, "");
                    return running(
                        R"([{"function": "Create Variable", "variable_name": "all", "value": "{{inputs.deep}}"},
                      {"function": "Loop", "times": 100, "loop_item_variable": "i", "steps": [
                      {"function": "Update Variable", "variable_name": ")" +
                            path + R"(", "value": "{{i}}"}]}])",
                        nested(n));
                  }});
  rows.push_back(
      {"Switch: n cases, n times", 500, [](long n) {
         const std::string cases = listed(n, [](long i) {
           return in_quotes(number(i)) + R"(: [{"function": "Create Variable", "variable_name": "all", "value": 1}])";
         });
         return running(n_times("0", R"({"function": "Switch", "variable": "{{i}}", "cases": {)" + cases + "}}"),
                        with_n(n));
       }});
  rows.push_back({"steps, one after the other", 1'000, [](long n) {
                    return running(
                        "[" +
                            listed(n,
                                   [](long i) {
                                     return R"({"function": "Create Variable", "variable_name": "v", "value": "{{)" +
                                            number(i) + "+inputs.n}}\"}";
                                   }) +
                            "]",
                        with_n(n));
                  }});
  rows.push_back({"steps: n variables set and read", 1'000, [](long n) {
                    return running("[" +
                                       listed(n,
                                              [](long i) {
                                                return R"({"function": "Create Variable", "variable_name": "v)" +
                                                       number(i) + R"(", "value": "{{v)" + number(i == 0 ? 0 : i - 1) +
                                                       "}}\"}";
                                              }) +
                                       "]",
                                   with_n(n));
                  }});
  rows.push_back({"text of n templates", 1'000, [](long n) {
                    return running(R"([{"function": "Create Variable", "variable_name": "all", "value": ")" +
                                       listed(
                                           n, [](long i) { return "{{inputs.n + " + number(i) + "}} "; }, "") +
                                       "\"}]",
                                   with_n(n));
                  }});
  rows.push_back({"object of n templates", 1'000, [](long n) {
                    return running(R"([{"function": "Create Variable", "variable_name": "all", "value": {)" +
                                       listed(n, [](long i) { return "\"key" + number(i) + "\": \"{{inputs.n}}\""; }) +
                                       "}}]",
                                   with_n(n));
                  }});
  rows.push_back(passes("errors caught", 1'000, n_times("0", R"({"function": "Try-Catch",
                            "try_steps": [{"function": "Throw Error", "message": "no {{i}}"}],
                            "catch_steps": [{"function": "Update Variable", "variable_name": "all", "value": "{{error.message}}"}]})")));
  rows.push_back({"errors caught by n blocks", 250, [](long n) {
                    const std::string block = R"({"function": "Try-Catch", "try_steps": [{"function": "Precondition",
                        "condition": "{{inputs.n < 0}}"}], "catch_steps": []})";
                    return running("[" + listed(n, [&](long) { return block; }) + "]", with_n(n));
                  }});
  rows.push_back({"Conditional: n else_if", 500, [](long n) {
                    return running(
                        R"([{"function": "Conditional", "condition": "{{false}}", "true_steps": [], "else_if": [)" +
                            listed(n,
                                   [](long i) {
                                     return R"({"condition": "{{inputs.n == -)" + number(i + 1) +
                                            R"(}}", "steps": []})";
                                   }) +
                            "]}]",
                        with_n(n));
                  }});
}

}  // namespace bench
