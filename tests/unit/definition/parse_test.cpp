#include <fnstack/definition.hpp>
#include <fstream>
#include <sstream>

#include "reading.hpp"
#include "support/catch.hpp"

using fnstack_test::parse;
using fnstack_test::problems;
using fnstack_test::summary;

namespace {

const std::string step = R"({"function":"Wait"})";

std::string definition(const std::string& name) {
  return R"({"function_name":")" + name + R"(","steps":[)" + step + "]}";
}

std::string file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

// tests/, from where this file lies
std::string tests_folder() {
  const std::string here = __FILE__;
  return here.substr(0, here.rfind("unit/"));
}

}  // namespace

TEST_CASE("names fold") {
  CHECK(fnstack::fold_name("External API Request") == "external_api_request");
  CHECK(fnstack::fold_name("external_api_request") == "external_api_request");
  CHECK(fnstack::fold_name("Try-Catch") == "try_catch");
  CHECK(fnstack::fold_name("Try/Catch") == "try_catch");
  CHECK(fnstack::fold_name("Data Caching (Redis)") == "data_caching_redis");
  CHECK(fnstack::fold_name("  For   Each ") == "for_each");
  CHECK(fnstack::fold_name("Größe 2") == "größe_2");
  CHECK(fnstack::fold_name("--") == "");
  CHECK(fnstack::fold_name("") == "");
}

TEST_CASE("the source document: twelve definitions, and one note") {
  const fnstack::Module module = parse(file(tests_folder() + "cases/documentation/seed.md"), "seed.md");
  CHECK(module.diagnostics.to_text() ==
        "seed.md:615:1: note: not a definition: no steps in it\n"
        "  615 | {\n"
        "      | ^\n"
        "  hint: a definition is a step (an object with \"function\"), a list of steps, or an object with \"steps\"\n");
  CHECK(summary(module) ==
        "1 anonymous @: .\n"
        "2 anonymous @: .\n"
        "3 anonymous @: authentication_setup=/authentication_setup api_request=/api_request\n"
        "4 anonymous @: header_based=/header_based query_parameter_based=/query_parameter_based\n"
        "token_refresh_workflow @/token_refresh_workflow: /token_refresh_workflow/0 /token_refresh_workflow/1\n"
        "fetch_all_pages = pagination_workflow @/pagination_workflow: /pagination_workflow/steps/0 "
        "/pagination_workflow/steps/1 /pagination_workflow/steps/2 /pagination_workflow/steps/3\n"
        "safe_api_request = rate_limited_request @/rate_limited_request: /rate_limited_request/steps/0\n"
        "stripe_payment_flow @/stripe_payment_flow: Create Customer=/stripe_payment_flow/0 "
        "Create Payment Intent=/stripe_payment_flow/1 Store Payment Record=/stripe_payment_flow/2\n"
        "hubspot_sync @/hubspot_sync: create_contact=/hubspot_sync/create_contact "
        "update_xano_record=/hubspot_sync/update_xano_record\n"
        "shopify_product_sync @/shopify_product_sync: fetch_products=/shopify_product_sync/fetch_products "
        "process_products=/shopify_product_sync/process_products\n"
        "error_handling_framework @: error_handling_framework=/error_handling_framework\n"
        "cached_external_request = cached_api_request @/cached_api_request: /cached_api_request/steps/0 "
        "/cached_api_request/steps/1\n");
  REQUIRE(module.definitions.size() == 12);
  std::string inputs;
  for (const fnstack::Parameter& parameter : module.definitions[6].parameters) {
    inputs += parameter.name + ":" + parameter.type + " ";
  }
  CHECK(inputs == "url:text method:text data:object ");
}

TEST_CASE("several documents are a module, and an anonymous one goes by its position") {
  CHECK(summary(definition("a") + "\n" + step + "\n// third\n[" + step + "]") ==
        "a @: /steps/0\n2 anonymous @: .\n3 anonymous @: /0\n");
}

TEST_CASE("a name given twice is an error that shows both places") {
  CHECK(problems(definition("a") + "\n" + definition("b") + "\n" + definition("a")) ==
        "3:18 error duplicate-name: the name \"a\" is given twice; the first definition of that name is in line 1, "
        "column 18 [rename one of them]\n");
  CHECK(problems("{\"b\": " + definition("a") + "}\n" + definition("b")) ==
        "2:18 error duplicate-name: the name \"b\" is given twice; the first definition of that name is in line 1, "
        "column 2 [rename one of them]\n");
  // The same name twice for one definition is none.
  CHECK(summary("{\"a\": " + definition("a") + "}") == "a @/a: /a/steps/0\n");
  // Anonymous ones never clash, whatever others are called.
  CHECK(problems(step + definition("1")) == "");
}

TEST_CASE("endpoints are told apart by their method") {
  const auto endpoint = [](const std::string& method) {
    return R"({"endpoint":"/users","method":")" + method + R"(","steps":[{"function":"Wait"}]})";
  };
  CHECK(summary(endpoint("GET")) == "/users @: /steps/0\n");
  CHECK(summary(endpoint("get") + endpoint("POST")) == "GET /users @: /steps/0\nPOST /users @: /steps/0\n");
  CHECK(problems(endpoint("get") + endpoint("POST")) == "");
  CHECK(
      problems(endpoint("GET") + "\n" + endpoint("get")) ==
      "2:13 error duplicate-name: the name \"/users\" is given twice; the first definition of that name is in line 1, "
      "column 13 [rename one of them]\n");
}

TEST_CASE("documentation beside a definition is a note, alone it is an error") {
  CHECK(problems(definition("a") + "\n{\"notes\": 1}") ==
        "2:1 note not-a-definition: not a definition: no steps in it [a definition is a step (an object with "
        "\"function\"), a list of steps, or an object with \"steps\"]\n");
  CHECK_FALSE(parse(definition("a") + "\n{\"notes\": 1}").diagnostics.has_errors());
  const fnstack::Module alone = parse("{\"notes\": 1}\n{\"more\": 2}");
  CHECK(alone.definitions.empty());
  CHECK(alone.diagnostics.items().size() == 2);
  CHECK(alone.diagnostics.has_errors());
  // A definition that can't be read yet is one all the same.
  CHECK(problems("{\n\"function\": x\n}\n{\"notes\": 1}") ==
        "2:13 error syntax: expected a value, got \"x\" [text stands in double quotes] (/function)\n"
        "4:1 note not-a-definition: not a definition: no steps in it [a definition is a step (an object with "
        "\"function\"), a list of steps, or an object with \"steps\"]\n");
}

TEST_CASE("texts without a definition") {
  CHECK(problems("") == "1:1 error not-a-definition: expected a definition, got an empty text\n");
  CHECK(problems(" // nothing\n") == "1:1 error not-a-definition: expected a definition, got an empty text\n");
  CHECK(problems("\xFF\xFE{\0", "f") == "1:1 error syntax: expected UTF-8, got UTF-16 [save the file as UTF-8]\n");
}

TEST_CASE("a byte order mark is skipped") {
  CHECK(summary("\xEF\xBB\xBF" + step) == "1 anonymous @: .\n");
  CHECK(summary("\xEF\xBB\xBF# Title\n```\n" + step + "\n```\n") == "1 anonymous @: .\n");
}

TEST_CASE("diagnostics come in the order of their places") {
  CHECK(problems("{\"function_name\":\"a\",\"fnstack\":3,\n\"steps\":[" + step + ",\n1]}\n{\n\"a\": x\n}") ==
        "1:32 error version: fnstack: expected language version 1, got 3 (/fnstack)\n"
        "3:1 error wrong-type: steps[1]: expected a step, got a number [a step is an object with \"function\"] "
        "(/steps/1) {a}\n"
        "5:6 error syntax: expected a value, got \"x\" [text stands in double quotes] (/a)\n");
}

TEST_CASE("limits of a definition's text: one below, at and one above each") {
  const auto errors = [](const std::string& text, const fnstack::Limits& limits) {
    return problems(parse(text, "flow.json", limits));
  };
  fnstack::Limits limits;
  limits.definition_bytes = static_cast<std::int64_t>(step.size()) + 1;
  CHECK(errors(step, limits) == "");
  limits.definition_bytes -= 1;
  CHECK(errors(step, limits) == "");
  limits.definition_bytes -= 1;
  CHECK(errors(step, limits) ==
        "1:1 error limit: a text of 19 bytes; the limit definition_bytes allows 18 [split the file, or raise the "
        "limit]\n");

  limits = {};
  limits.definition_nodes = 3;
  CHECK(errors(step, limits) == "");
  limits.definition_nodes = 2;
  CHECK(errors(step, limits) == "");
  limits.definition_nodes = 1;
  CHECK(
      errors(step, limits) ==
      "1:13 error limit: more values than the limit definition_nodes allows in one text [split the file, or raise the "
      "limit] (/function)\n");

  const auto nested = [](int depth) {
    // The step's own object is one level.
    return R"({"function":"Wait","a":)" + std::string(static_cast<std::size_t>(depth - 1), '[') +
           std::string(static_cast<std::size_t>(depth - 1), ']') + "}";
  };
  CHECK(errors(nested(511), {}) == "");
  CHECK(errors(nested(512), {}) == "");
  CHECK(parse(nested(513)).diagnostics.items().at(0).message == "nesting deeper than 512 levels");
  limits = {};
  limits.definition_nesting = 100'000;
  CHECK(parse(nested(513), "flow.json", limits).diagnostics.items().at(0).message == "nesting deeper than 512 levels");
  limits.definition_nesting = 3;
  CHECK(errors(nested(3), limits) == "");
  CHECK(errors(nested(4), limits) ==
        "1:26 error limit: nesting deeper than 3 levels [move inner stacks into definitions of their own and call them "
        "with Custom Function] (/a/0/0)\n");
}

TEST_CASE("a text of a megabyte is read or refused, never half") {
  std::string text = "[";
  while (text.size() < (1U << 20U) - 64) text += R"({"function":"Wait","duration_seconds":1000000000},)";
  text += "]";
  const fnstack::Module module = parse(text);
  REQUIRE(module.diagnostics.items().size() == 1);
  CHECK(module.diagnostics.items()[0].code == "limit");
  CHECK(module.definitions.empty());
}

TEST_CASE("of very many problems the first hundred are listed, errors and warnings apart") {
  std::string text = R"({"inputs":{)";
  for (int i = 0; i < 150; ++i) text += "\"a" + std::to_string(i) + "\":\"file\",";
  text += R"(},"steps":[1]})";
  const fnstack::Module module = parse(R"({"function_name":"f",)" + text.substr(1));
  REQUIRE(module.diagnostics.items().size() == 102);
  CHECK(module.diagnostics.items()[100].message == "steps[0]: expected a step, got a number");
  CHECK(module.diagnostics.items()[101].message == "50 more problems are not listed");
}

TEST_CASE("definition-level metadata") {
  const fnstack::Module module = parse(
      R"({"function_name":"f","schedule":"0 6 * * *","response":"{{x}}","steps":[{"function":"Wait"}],"result":1})");
  CHECK(problems(module) == "");
  const fnstack::Definition& f = module.definitions.at(0);
  REQUIRE(f.response != nullptr);
  CHECK(f.response->scalar.as_string() == "{{x}}");
  CHECK(f.node->find("schedule")->scalar.as_string() == "0 6 * * *");
  CHECK(f.default_inputs.empty());
}
