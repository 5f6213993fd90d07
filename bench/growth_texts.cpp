// Definitions read and checked, mistakes told, JSON read and written.
#include "growth.hpp"
#include "host.hpp"

namespace bench {

namespace {

// A list of n steps.
template <class Part>
std::string steps(long n, Part part) {
  return "[" + listed(n, part, ",\n") + "]";
}

fnstack::Value record(long i) {
  return fnstack::Value::object({{"id", i},
                                 {"name", "Item number " + number(i)},
                                 {"price", 0.25 + static_cast<double>(i)},
                                 {"tags", fnstack::Value::array({"a", "bb \"quoted\"\n", nullptr, true})}});
}

Work reading_json(std::string text) {
  const fnstack::JsonLimits limits{1'000, std::uint64_t{1} << 40};
  return [text = std::move(text), limits] {
    if (!fnstack::parse_json(text, limits)) give_up("the JSON text does not parse");
  };
}

}  // namespace

void add_texts(std::vector<Growth>& rows) {
  const auto add = [&](std::string name, long n, auto text, Expected expected = Expected::program) {
    rows.push_back({std::move(name), n, [text, expected](long size) { return loading(text(size), expected); }});
  };
  add("load: steps", 500, [](long n) {
    return steps(n, [](long i) {
      return R"({"function": "Update Variable", "variable_name": "v", "value": "{{inputs.a.b[)" + number(i) +
             "] + 1}}\"}";
    });
  });
  add("load: all in one line", 500, [](long n) {
    return "[" +
           listed(n,
                  [](long) {
                    return R"({"function": "Create Variable", "variable_name": "v", "value": "{{nothing}}"})";
                  }) +
           "]";
  });
  add("load: definitions that call each other", 250, [](long n) {
    return listed(
        n,
        [&](long i) {
          return R"({"function_name": "f)" + number(i) +
                 R"(", "steps": [{"function": "Custom Function", "custom_function": "f)" + number((i + 1) % n) +
                 R"(", "output_variable": "x"}]})";
        },
        "\n");
  });
  add("load: Markdown with a fence for each", 250, [](long n) {
    return "# Flows\n" + listed(
                             n,
                             [](long i) {
                               return "\nText.\n\n```json\n{\"function_name\": \"f" + number(i) +
                                      "\", \"steps\": [{\"function\": \"Create Variable\", \"variable_name\": \"v\", "
                                      "\"value\": 1}]}\n```\n";
                             },
                             "");
  });
  add("load: variables", 500, [](long n) {
    return steps(n, [](long i) {
      return R"({"function": "Create Variable", "variable_name": "v)" + number(i) + R"(", "value": "{{v)" +
             number(i / 2) + "}}\"}";
    });
  });
  add("load: inputs that nothing sets", 500, [](long n) {
    return steps(n, [](long i) {
      return R"({"function": "Create Variable", "variable_name": "v", "value": "{{unset)" + number(i) + "}}\"}";
    });
  });
  add("load: inputs in one text", 500, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": ")" +
           listed(
               n, [](long i) { return "{{unset" + number(i) + "}}"; }, " ") +
           "\"}]";
  });
  add("load: implicit results", 500, [](long n) {
    return steps(n, [](long i) { return R"({"function": "Query All Records", "table": "t)" + number(i) + "\"}"; });
  });
  add("load: ages of cached values", 500, [](long n) {
    return steps(n, [](long i) {
      return R"({"function": "Cache Get", "key": "k", "output_variable": "v)" + number(i) +
             R"("}, {"function": "Create Variable", "variable_name": "w", "value": "{{v)" + number(i) + ".age}}\"}";
    });
  });
  add("load: loops beside each other", 250, [](long n) {
    return steps(n, [](long i) {
      return R"({"function": "Loop", "times": 3, "loop_item_variable": "x)" + number(i) +
             R"(", "steps": [{"function": "Break Loop"}]})";
    });
  });
  add("load: Parallel blocks beside each other", 250, [](long n) {
    return steps(n, [](long i) {
      return R"({"function": "Parallel", "branches": [[{"function": "Create Variable", "variable_name": "x)" +
             number(i) + R"(", "value": "{{v}}"}], []], "output_variable": "v"})";
    });
  });
  add("load: branches of one Parallel", 250, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": 1},
               {"function": "Parallel", "branches": [)" +
           listed(n,
                  [](long) { return R"([{"function": "Create Variable", "variable_name": "x", "value": "{{v}}"}])"; }) +
           R"(], "output_variable": "all"}])";
  });
  add("load: Try-Catch with finally, beside each other", 250, [](long n) {
    return steps(n, [](long) {
      return R"({"function": "Try-Catch", "try_steps": [{"function": "Return Value", "value": 1}],
                 "finally_steps": [{"function": "Create Variable", "variable_name": "x", "value": 1}]})";
    });
  });
  add("load: Returns in one Try-Catch with finally", 250, [](long n) {
    return R"([{"function": "Try-Catch", "finally_steps": [], "try_steps": )" +
           steps(n,
                 [](long i) {
                   return R"({"function": "Conditional", "condition": "{{inputs.a == )" + number(i) +
                          R"(}}", "true_steps": [{"function": "Return Value", "value": 1}]})";
                 }) +
           "}]";
  });
  add(
      "load: blocks in each other", 15,
      [](long n) {
        return listed(
                   n, [](long) { return R"([{"function": "Conditional", "condition": "{{a}}", "true_steps": )"; }, "") +
               "[]" +
               listed(
                   n, [](long) { return "}]"; }, "");
      },
      Expected::program);
  add("load: loops in each other", 15, [](long n) {
    return listed(
               n,
               [](long i) {
                 return R"([{"function": "Loop", "times": 2, "loop_item_variable": "x)" + number(i) + R"(", "steps": )";
               },
               "") +
           "[]" +
           listed(
               n, [](long) { return "}]"; }, "");
  });
  add("load: try blocks in each other", 15, [](long n) {
    return listed(
               n, [](long) { return R"([{"function": "Try-Catch", "finally_steps": [], "try_steps": )"; }, "") +
           R"([{"function": "Return Value", "value": 1}])" +
           listed(
               n, [](long) { return "}]"; }, "");
  });
  add("load: Switch cases", 500, [](long n) {
    return R"([{"function": "Switch", "variable": "{{inputs.x}}", "cases": {)" +
           listed(n, [](long i) { return "\"c" + number(i) + "\": []"; }) + "}}]";
  });
  add("load: an expression of many parentheses", 12, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": "{{)" +
           std::string(static_cast<std::size_t>(n), '(') + "a" + std::string(static_cast<std::size_t>(n), ')') +
           "}}\"}]";
  });
  add("load: a text without holes", 50'000, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": ")" +
           std::string(static_cast<std::size_t>(n), 'x') + "\"}]";
  });
  add("load: a text full of <<", 10'000, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": ")" +
           listed(
               n, [](long) { return "<< "; }, "") +
           "\"}]";
  });
  add("load: a body of many templates", 500, [](long n) {
    return R"([{"function": "External API Request", "url": "https://a.example/", "headers": {"Content-Type": "application/json"}, "body": "{)" +
           listed(n, [](long i) { return "\\\"k" + number(i) + "\\\": \\\"{{inputs.a}}\\\""; }) + "}\"}]";
  });
  add("load: a query of many templates", 500, [](long n) {
    return R"([{"function": "External API Request", "url": "https://a.example/?)" +
           listed(
               n, [](long i) { return "k" + number(i) + "={{inputs.a}}"; }, "&") +
           "\"}]";
  });
  add("load: comments", 2'000, [](long n) {
    return listed(
               n, [](long) { return "// a comment\n/* and another */\n"; }, "") +
           R"([{"function": "Create Variable", "variable_name": "v", "value": 1}])";
  });
  add("load: validation rules", 250, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": {)" +
           listed(n, [](long i) { return "\"k" + number(i) + "\": {\"deep\": [1, 2, {\"a\": \"{{inputs.a}}\"}]}"; }) +
           "}}]";
  });
  add("load: parameters", 500, [](long n) {
    return R"({"function_name": "f", "parameters": {)" +
           listed(n, [](long i) { return "\"p" + number(i) + "\": {\"type\": \"integer\", \"default\": 1}"; }) +
           R"(}, "steps": [{"function": "Create Variable", "variable_name": "v", "value": "{{p1}}"}]})";
  });

  // Full of mistakes: a text for each.
  const auto bad = [&](std::string name, long n, auto text) { add("mistakes: " + name, n, text, Expected::errors); };
  const auto bad_steps = [&](std::string name, long n, auto part) {
    bad(std::move(name), n, [part](long size) { return steps(size, part); });
  };
  bad_steps("unknown steps", 500, [](long i) { return R"({"function": "Creat Varable )" + number(i) + "\"}"; });
  bad_steps("unknown fields", 500, [](long i) {
    return R"({"function": "Create Variable", "variable_name": "v", "value": 1, "valeu)" + number(i) + "\": 2}";
  });
  bad("unknown fields of one step", 500, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": 1, )" +
           listed(n, [](long i) { return "\"valeu" + number(i) + "\": 2"; }) + "}]";
  });
  bad_steps("missing fields", 500, [](long) { return R"({"function": "Create Variable"})"; });
  bad_steps("bad expressions", 500, [](long i) {
    return R"({"function": "Create Variable", "variable_name": "v", "value": "{{a + * )" + number(i) + "}}\"}";
  });
  bad("bad expressions of one text", 500, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": ")" +
           listed(
               n, [](long) { return "{{a + *}}"; }, " ") +
           "\"}]";
  });
  bad("bad expressions in one line", 500, [](long n) {
    return "[" +
           listed(
               n,
               [](long) { return R"({"function": "Create Variable", "variable_name": "v", "value": "{{a + *}}"})"; }) +
           "]";
  });
  bad_steps("unknown functions", 500, [](long i) {
    return R"({"function": "Create Variable", "variable_name": "v", "value": "{{a|uper)" + number(i) + "}}\"}";
  });
  bad("names of definitions twice", 250, [](long n) {
    return listed(
        n,
        [](long) {
          return R"({"function_name": "f", "steps": [{"function": "Create Variable", "variable_name": "v", "value": 1}]})";
        },
        "\n");
  });
  bad("keys twice", 500, [](long n) {
    return R"([{"function": "Create Variable", "variable_name": "v", "value": {)" +
           listed(n, [](long) { return R"("k": 1)"; }) + "}}]";
  });
  bad_steps("unknown calls", 250, [](long i) {
    return R"({"function": "Custom Function", "custom_function": "calcualte_)" + number(i) +
           R"("}, {"function": "Nothing"})";
  });
  bad("unknown calls among many definitions", 1'000, [](long n) {
    return listed(
        n,
        [](long i) {
          return R"({"function_name": "calculate_)" + number(i) +
                 R"(", "steps": [{"function": "Custom Function",
                       "custom_function": "calcualte_)" +
                 number(i) + R"("}, {"function": "Nothing"}]})";
        },
        "\n");
  });
  bad("variables nearly named", 1'000, [](long n) {
    return "[" +
           listed(
               n,
               [](long i) {
                 return R"({"function": "Create Variable", "variable_name": "variable_)" + number(i) +
                        R"(", "value": "{{varaible_)" + number(i) + "}}\"}";
               },
               ",\n") +
           R"(, {"function": "Nothing"}])";
  });
  bad("unreachable steps", 500, [](long n) {
    return R"([{"function": "Return Value", "value": 1}, )" +
           listed(n, [](long) { return R"({"function": "Create Variable", "variable_name": "v", "value": 1})"; }) +
           R"(, {"function": "Nothing"}])";
  });
  bad("prose", 500, [](long n) {
    return listed(
        n, [](long) { return "no JSON at all"; }, "\n");
  });
  bad("an open bracket each", 5'000, [](long n) { return std::string(static_cast<std::size_t>(n), '['); });
  bad("an open string", 5'000, [](long n) { return "[\"" + std::string(static_cast<std::size_t>(n), 'a'); });
  bad("open comments", 5'000, [](long n) {
    return listed(
        n, [](long) { return "/* "; }, "");
  });
  bad("open templates", 500, [](long n) {
    return steps(n, [](long) { return R"({"function": "Create Variable", "variable_name": "v", "value": "{{ a"})"; });
  });

  rows.push_back({"JSON read: records", 1'000, [](long n) {
                    return reading_json("[" + listed(n, [](long i) { return fnstack::to_json(record(i)); }) + "]");
                  }});
  rows.push_back({"JSON read: one object", 2'000, [](long n) {
                    return reading_json("{" + listed(n, [](long i) { return "\"key" + number(i) + "\": 1"; }) + "}");
                  }});
  rows.push_back({"JSON read: objects of n forms", 1'000, [](long n) {
                    return reading_json(
                        "[" + listed(n, [](long i) { return "{\"key" + number(i) + "\": 1, \"b\": 2}"; }) + "]");
                  }});
  rows.push_back({"JSON read: one key again and again", 2'000,
                  [](long n) { return reading_json("{" + listed(n, [](long) { return "\"key\": 1"; }) + "}"); }});
  rows.push_back({"JSON read: so deep", 30, [](long n) {
                    return reading_json(std::string(static_cast<std::size_t>(n), '[') +
                                        std::string(static_cast<std::size_t>(n), ']'));
                  }});
  rows.push_back({"JSON read: one text", 50'000, [](long n) {
                    return reading_json("\"" +
                                        listed(
                                            n, [](long) { return "\\n\xc3\xa9"; }, "") +
                                        "\"");
                  }});
  rows.push_back({"JSON read: huge numbers", 1'000, [](long n) {
                    return reading_json("[" + listed(n, [](long) { return "123456789012345678901234567890"; }) + "]");
                  }});
  rows.push_back({"JSON written", 1'000, [](long n) {
                    auto list = fnstack::Value::array();
                    for (long i = 0; i < n; ++i) list.push_back(record(i));
                    return Work([list] {
                      if (fnstack::to_json(list).empty()) give_up("nothing written");
                    });
                  }});
  rows.push_back({"JSON written, with line breaks", 1'000, [](long n) {
                    auto list = fnstack::Value::array();
                    for (long i = 0; i < n; ++i) list.push_back(record(i));
                    return Work([list] {
                      if (fnstack::to_pretty_json(list).empty()) give_up("nothing written");
                    });
                  }});
}

}  // namespace bench
