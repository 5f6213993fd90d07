// `fnstack run --database postgresql://…`: the Stripe, HubSpot and Shopify flows against mock services and a real
// server, with the same result as on SQLite.
#include "cli/command.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#if defined(FNSTACK_HAS_POSTGRES) && defined(FNSTACK_HAS_SQLITE) && defined(FNSTACK_HAS_CURL)

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/postgres_server.hpp"

namespace {

using Json = nlohmann::ordered_json;
using namespace fnstack_test;

const std::string root = std::filesystem::path(FNSTACK_TEST_DATA).parent_path().string();

class MockServices {
 public:
  explicit MockServices(const std::string& port_file) {
    const pid_t parent = ::getpid();
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(125);
      ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
      ::execl(FNSTACK_MOCK_SERVICES, FNSTACK_MOCK_SERVICES, "--port-file", port_file.c_str(), nullptr);
      ::_exit(127);
    }
    for (int wait = 0; wait < 1'000 && port_.empty(); ++wait) {
      if (std::filesystem::exists(port_file)) port_ = read_file(port_file);
      if (port_.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    while (!port_.empty() && (port_.back() == '\n' || port_.back() == ' ')) port_.pop_back();
  }
  ~MockServices() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  [[nodiscard]] std::string origin() const { return "http://127.0.0.1:" + port_; }

 private:
  pid_t process_ = -1;
  std::string port_;
};

// The three flows one after another; their variables, and what the tables hold then.
Json run_flows(const std::string& database, const std::string& port_file) {
  const MockServices services(port_file);
  const auto run = [&](const std::string& file, const std::string& inputs) {
    const Said said =
        fnstack({"run", root + "/examples/" + file, "--inputs", inputs, "--env-file", root + "/examples/demo/demo.env",
                 "--database", database, "--skip-waits", "--rewrite", "https://api.stripe.com=" + services.origin(),
                 "--rewrite", "https://api.hubapi.com=" + services.origin(), "--rewrite",
                 "https://demo-shop.myshopify.com=" + services.origin()});
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
  const Json on_sqlite = run_flows("sqlite:" + directory.file("t.db"), directory.file("port1"));
  CHECK(on_sqlite.at("products").size() > 1);
  CHECK(run_flows(server->url(server->create_database()) + "?schema=auto", directory.file("port2")) == on_sqlite);
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
  CHECK(run_flows(server->url(name), directory.file("port3")) == on_sqlite);
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
