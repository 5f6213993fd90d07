// `fnstack run --database postgresql://…`: the Stripe, HubSpot and Shopify flows against mock services and a real
// server, with the same result as on SQLite.
#include "cli/command.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#if defined(FNSTACK_HAS_POSTGRES) && defined(FNSTACK_HAS_SQLITE) && defined(FNSTACK_HAS_CURL)

#include <chrono>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/upstreams.hpp"
#include "support/postgres_server.hpp"

namespace {

using Json = nlohmann::ordered_json;
using namespace fnstack_test;

const std::string root = std::filesystem::path(FNSTACK_TEST_DATA).parent_path().string();

// The three flows one after another; their variables, and what the tables hold then.
Json run_flows(const std::string& database) {
  const MockServices services;
  const auto run = [&](const std::string& file, const std::string& inputs) {
    std::vector<std::string> words{
        "run", root + "/examples/" + file, "--inputs", inputs, "--database", database, "--skip-waits"};
    for (const std::string& word : services.options()) words.push_back(word);
    const Said said = fnstack(words);
    INFO(file << " " << said.err << said.out);
    CHECK(said.status == 0);
    Json result = Json::parse(said.out);
    result.erase("stats");
    return result;
  };
  Json all;
  all["stripe"] =
      run("flows/08_stripe_payment.jsonc",
          R"({"email": "ada@example.com", "name": "'; DROP TABLE payments; --", "user_id": 7, "amount": 2500,
                          "order_id": "A/17"})");
  run("demo/add_lead.jsonc", R"({"email": "'); DROP TABLE leads; --"})");
  all["hubspot"] = run("flows/09_hubspot_sync.jsonc",
                       R"({"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com", "phone": "1",
                           "company": "Navy", "lead_id": 1})");
  all["shopify"] = run("flows/10_shopify_products.jsonc", R"({"last_sync_time": "2026-01-01T00:00:00Z"})");
  all["shopify later"] = run("flows/10_shopify_products.jsonc", R"({"last_sync_time": "2026-02-01T00:00:00Z"})");
  for (const char* table : {"payments", "leads", "products"}) {
    Json rows = run("demo/show_table.jsonc", R"({"table": ")" + std::string(table) + "\"}").at("response").at("body");
    for (Json& row : rows) row.erase("synced_at");  // the time of the run
    all[table] = std::move(rows);
  }
  return all;
}

}  // namespace

TEST_CASE("the flows with records give the same on SQLite and PostgreSQL") {
  const auto server = PostgresServer::start();
  if (server == nullptr) return;
  const TemporaryDirectory directory;
  const Json on_sqlite = run_flows("sqlite:" + directory.file("t.db"));
  CHECK(on_sqlite.at("products").size() > 1);
  CHECK(run_flows(server->url(server->create_database()) + "?schema=auto") == on_sqlite);
  // Tables made by hand, and a strict schema.
  const std::string name = server->create_database();
  server->by_hand(
      "CREATE TABLE payments (id serial PRIMARY KEY, user_id int, stripe_customer_id text, stripe_payment_intent_id "
      "text UNIQUE, amount int, currency varchar(3), status text);"
      "CREATE TABLE leads (id serial PRIMARY KEY, email text, sync_status text, hubspot_contact_id text, synced_at "
      "timestamptz);"
      "CREATE TABLE products (id bigserial PRIMARY KEY, shopify_id bigint UNIQUE, title text, description text, price "
      "text, inventory int, created_at text, updated_at text)",
      name);
  CHECK(run_flows(server->url(name)) == on_sqlite);
}

TEST_CASE("PostgreSQL killed and restarted in the middle of a thousand runs: nothing that was stored is lost") {
  const auto server = PostgresServer::start();
  if (server == nullptr) return;
  const MockServices services;
  Reports reports;
  const TemporaryDirectory directory;
  const std::string file = directory.file("pay.json"), database = server->create_database();
  // The seed's Stripe flow as it stands. Whose row it is, is told by its user.
  write_file(file, telling_definition("stripe_payment_flow",
                                      R"({"email": "ada@example.com", "name": "'; DROP TABLE payments; --",
                                          "user_id": "{{run.id}}", "amount": 2500, "order_id": "A/17"})",
                                      reports));
  std::vector<std::string> words{"run",           file,
                                 "--functions",   root + "/examples/flows/08_stripe_payment.jsonc",
                                 "--database",    server->url(database) + "?schema=auto",
                                 "--repeat",      "1000",
                                 "--concurrency", "8",
                                 "--allow-host",  reports.address()};
  for (const std::string& word : services.options()) words.push_back(word);
  const Said said = fnstack_meanwhile(words, [&](pid_t) {
    CHECK(reports.wait_for_stored(250));
    reports.hold_caught(true);
    server->kill();
    CHECK(reports.wait_for_caught(8));  // all that run at once
    server->restart();
    reports.hold_caught(false);
  });
  INFO(said.out << said.err);
  CHECK(said.status == 0);
  const Json stats = Json::parse(said.out).at("stats");
  CHECK(stats.at("runs") == 1'000);
  CHECK(stats.at("failed") == 0);
  const auto stored = reports.stored();
  const auto caught = reports.caught();
  CHECK(stored.size() + caught.size() == 1'000);
  for (const Reports::Caught& error : caught) {
    INFO(error.message);
    CHECK(error.type == "database");
    CHECK(error.status_code == 500);
  }
  CHECK(reports.stored_at_the_end() >= 100);
  std::istringstream rows(server->by_hand("SELECT user_id FROM payments", database));
  std::multiset<std::string> users;
  for (std::string user; std::getline(rows, user);) users.insert(user);
  std::size_t lost = 0, doubled = 0;
  for (const std::string& run : stored) {
    lost += users.count(run) == 0;
    doubled += users.count(run) > 1;
  }
  CHECK(lost == 0);
  CHECK(doubled == 0);
  // Those of which it is not known whether they were stored: no more than were under way.
  CHECK(users.size() - stored.size() <= 8);
  std::cout << "PostgreSQL killed in the middle of 1000 runs: " << stored.size() << " stored, " << caught.size()
            << " ended in a caught error, " << lost << " stored rows lost, " << users.size() - stored.size()
            << " rows of runs that were told of an error\n";
}

TEST_CASE("a database that can't be reached is a failed run, not bad usage, and tells no password") {
  const TemporaryDirectory directory;
  const Said said = fnstack({"run", root + "/examples/demo/show_table.jsonc", "--inputs", R"({"table": "t"})",
                             "--database", "postgresql://ada:hushhush@127.0.0.1:1/x"});
  CHECK(said.status == 1);
  CHECK_THAT(said.out, contains("can't connect to the database"));
  CHECK_THAT(said.out + said.err, !contains("hushhush"));
  const Said wrong = fnstack(
      {"run", root + "/examples/demo/show_table.jsonc", "--database", "postgresql://ada:hush@hush@127.0.0.1/x"});
  CHECK(wrong.status == 2);
  CHECK(wrong.err ==
        "fnstack: --database: database URL: the user's name or password has characters that must be written as %XX\n");
}

#endif
