// The outside world of the twelve flows in one process: a user list, a CRM, a paged API, an OAuth server, Stripe,
// HubSpot and a Shopify shop, on 127.0.0.1 and a free port. It goes by the Host header, so point a flow at it with
// `fnstack run … --rewrite https://api.stripe.com=http://127.0.0.1:PORT`.
//
//   mock_services [--port N] [--port-file FILE]      prints its address, serves until it is ended
//
// Bad days: /answer/CODE of any host answers with that status; /limited says 429 with Retry-After once for each
// query text, then 200; a payment of 4002 is declined; the refresh token "expired" is refused; a HubSpot contact can
// be created once. GET /__log tells every request and its answer as JSON (?new: those since the last such question);
// POST /__reset forgets all of it.
#include <httplib.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Answer {
  int status = 200;
  Json body;
  std::map<std::string, std::string> headers;
};

struct Question {
  std::string method, host, path, body;
  Fields query;
  Fields form;  // of a body sent as a form
  Json json;    // of a body sent as JSON; discarded if it is none
  std::string authorization, api_key, shopify_token;

  static std::string find(const Fields& fields, const std::string& name) {
    for (const auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return "";
  }
  std::string query_value(const std::string& name) const { return find(query, name); }
  std::string form_value(const std::string& name) const { return find(form, name); }
};

// What the services remember between requests.
struct World {
  std::mutex mutex;
  Json log = Json::array();
  int next_customer = 1, next_payment = 1, next_contact = 1, shop_visits = 0;
  std::set<std::string> hubspot_emails;
  std::map<std::string, int> limited_calls;  // by query text

  void forget() {
    log = Json::array();
    next_customer = next_payment = next_contact = 1;
    shop_visits = 0;
    hubspot_emails.clear();
    limited_calls.clear();
  }
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string form_decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

Fields form_fields(const std::string& text) {
  Fields fields;
  for (std::size_t begin = 0; begin < text.size();) {
    auto end = text.find('&', begin);
    if (end == std::string::npos) end = text.size();
    const auto pair = text.substr(begin, end - begin);
    const auto equals = pair.find('=');
    fields.emplace_back(form_decoded(pair.substr(0, equals)),
                        equals == std::string::npos ? "" : form_decoded(pair.substr(equals + 1)));
    begin = end + 1;
  }
  return fields;
}

// metadata[user_id]=7 of a form, as Stripe gives it back.
Json metadata_of(const Fields& form) {
  Json metadata = Json::object();
  for (const auto& [key, value] : form) {
    if (key.rfind("metadata[", 0) == 0 && key.back() == ']') metadata[key.substr(9, key.size() - 10)] = value;
  }
  return metadata;
}

int number_or(const std::string& text, int otherwise) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  return text.empty() || *end != 0 ? otherwise : static_cast<int>(value);
}

Answer refused(int status, const std::string& message) {
  return {status, {{"error", message}, {"message", message}}, {}};
}

// ---- the services

Answer users(const Question& q) {
  Json list = Json::array();
  const std::vector<std::pair<const char*, const char*>> people = {
      {"Ada Lovelace", "ada@example.com"}, {"Alan Turing", "alan@example.com"}, {"Grace Hopper", "grace@example.com"}};
  int id = 1;
  for (const auto& [name, email] : people) {
    list.push_back({{"id", id++}, {"name", name}, {"email", email}, {"status", q.query_value("status")}});
  }
  return {200, {{"page", number_or(q.query_value("page"), 1)}, {"users", list}}, {}};
}

Answer crm_contact(const Question& q) {
  if (!q.json.is_object() || !q.json.contains("email") || !q.json["email"].is_string()) {
    return refused(422, "a contact needs an email");
  }
  Json body = {{"id", 9001}};
  body.update(q.json);
  body["created"] = true;
  return {201, body, {{"Location", "https://api.crm.com/contacts/9001"}}};
}

// 250 records, page by page; without page= a short note.
Answer data(const Question& q) {
  if (q.query_value("page").empty()) {
    return {200, {{"data", Json::array({"one", "two", "three"})}, {"authorized", !q.authorization.empty()}}, {}};
  }
  const int page = number_or(q.query_value("page"), 1), per_page = number_or(q.query_value("per_page"), 100);
  constexpr int total = 250;
  Json records = Json::array();
  for (int i = (page - 1) * per_page + 1; i <= page * per_page && i <= total; ++i) {
    records.push_back({{"id", i}, {"name", "record " + std::to_string(i)}});
  }
  return {200, {{"data", records}, {"page", page}, {"has_next_page", page * per_page < total}}, {}};
}

Answer keyed_endpoint(const Question& q) {
  const bool by_header = !q.api_key.empty(), by_query = !q.query_value("api_key").empty();
  if (!by_header && !by_query) return refused(401, "no API key");
  return {200, {{"ok", true}, {"key_came_in", by_header ? "header" : "query"}}, {}};
}

Answer limited(const Question& q, World& world, const std::string& query_text) {
  if (world.limited_calls[query_text]++ == 0) {
    return {429, {{"error", "too many requests"}, {"message", "slow down"}}, {{"Retry-After", "2"}}};
  }
  return {200, {{"ok", true}, {"received", q.json}}, {}};
}

Answer answer_code(const Question& q) {
  const int status = number_or(q.path.substr(std::strlen("/answer/")), 200);
  if (status < 200 || status > 599) return refused(400, "no such status");
  Answer answer{status, {{"message", "you asked for " + std::to_string(status)}}, {}};
  if (status == 429 || status == 503) answer.headers["Retry-After"] = "2";
  return answer;
}

Answer oauth_token(const Question& q) {
  if (q.form_value("grant_type") != "refresh_token") return refused(400, "unsupported_grant_type");
  const auto token = q.form_value("refresh_token");
  if (token.empty() || token == "expired") {
    return {400, {{"error", "invalid_grant"}, {"error_description", "the refresh token has expired"}}, {}};
  }
  return {200,
          {{"access_token", "access-for-" + q.form_value("client_id")},
           {"token_type", "Bearer"},
           {"expires_in", 3600},
           {"refresh_token", token}},
          {{"Cache-Control", "no-store"}}};
}

Answer stripe(const Question& q, World& world) {
  if (q.authorization.rfind("Bearer sk_", 0) != 0) {
    return {401, {{"error", {{"type", "invalid_request_error"}, {"message", "Invalid API Key provided"}}}}, {}};
  }
  if (q.path == "/v1/customers") {
    return {200,
            {{"id", "cus_" + std::to_string(1000 + world.next_customer++)},
             {"object", "customer"},
             {"email", q.form_value("email")},
             {"name", q.form_value("name")},
             {"metadata", metadata_of(q.form)}},
            {}};
  }
  const int amount = number_or(q.form_value("amount"), 0);
  if (amount == 4002) {
    return {402,
            {{"error",
              {{"type", "card_error"},
               {"code", "card_declined"},
               {"decline_code", "generic_decline"},
               {"message", "Your card was declined."}}}},
            {{"Request-Id", "req_declined"}}};
  }
  if (amount <= 0) {
    return {
        400, {{"error", {{"type", "invalid_request_error"}, {"param", "amount"}, {"message", "Invalid integer"}}}}, {}};
  }
  return {200,
          {{"id", "pi_" + std::to_string(2000 + world.next_payment++)},
           {"object", "payment_intent"},
           {"amount", amount},
           {"currency", q.form_value("currency")},
           {"customer", q.form_value("customer")},
           {"status", "requires_payment_method"},
           {"metadata", metadata_of(q.form)}},
          {}};
}

Answer hubspot_contact(const Question& q, World& world) {
  if (q.authorization.rfind("Bearer ", 0) != 0) return refused(401, "authentication credentials not found");
  if (!q.json.is_object() || !q.json.contains("properties")) return refused(400, "properties are missing");
  const auto& properties = q.json["properties"];
  const auto email = properties.value("email", std::string());
  if (!world.hubspot_emails.insert(email).second) {
    return {409, {{"status", "error"}, {"category", "CONFLICT"}, {"message", "Contact already exists"}}, {}};
  }
  return {
      201, {{"id", std::to_string(51000 + world.next_contact++)}, {"properties", properties}, {"archived", false}}, {}};
}

// Prices and stock move on from visit to visit, so that a second sync has something to update.
Answer shopify_products(const Question& q, World& world) {
  if (q.shopify_token.empty()) return refused(401, "[API] Invalid API key or access token");
  const int visit = world.shop_visits++;
  Json products = Json::array();
  const std::vector<std::pair<const char*, const char*>> goods = {
      {"Mug \"Classic\"", "<p>A mug & nothing but a mug</p>"}, {"Tea; DROP TABLE", "<p>Assam</p>"}, {"Kettle", ""}};
  std::int64_t id = 632910392;
  for (const auto& [title, html] : goods) {
    products.push_back({{"id", id},
                        {"title", title},
                        {"body_html", html},
                        {"created_at", "2026-01-05T10:00:00-05:00"},
                        {"updated_at", visit == 0 ? "2026-01-05T10:00:00-05:00" : "2026-02-01T09:30:00-05:00"},
                        {"variants", Json::array({{{"price", visit == 0 ? "12.50" : "13.90"},
                                                   {"inventory_quantity", 40 - 7 * visit}}})}});
    ++id;
  }
  return {200, {{"products", products}}, {}};
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Whose door it is. A request that names this server itself as host goes by its path alone.
Answer answer_to(const Question& q, const std::string& query_text, World& world) {
  const bool any_host = q.host.empty() || q.host.rfind("127.0.0.1", 0) == 0 || q.host.rfind("localhost", 0) == 0;
  const auto at = [&](const char* host, const char* method, const char* path) {
    return (any_host || q.host == host) && q.method == method && q.path == path;
  };
  if (q.path.rfind("/answer/", 0) == 0) return answer_code(q);
  if (q.path == "/limited") return limited(q, world, query_text);
  if (at("api.example.com", "GET", "/users")) return users(q);
  if (at("api.crm.com", "POST", "/contacts")) return crm_contact(q);
  if (at("api.service.com", "GET", "/data")) return data(q);
  if (at("api.service.com", "GET", "/endpoint")) return keyed_endpoint(q);
  if (at("oauth.provider.com", "POST", "/token")) return oauth_token(q);
  if (at("api.stripe.com", "POST", "/v1/customers")) return stripe(q, world);
  if (at("api.stripe.com", "POST", "/v1/payment_intents")) return stripe(q, world);
  if (at("api.hubapi.com", "POST", "/crm/v3/objects/contacts")) return hubspot_contact(q, world);
  const bool shop = any_host || ends_with(q.host, ".myshopify.com");
  if (shop && q.method == "GET" && q.path == "/admin/api/2023-10/products.json") return shopify_products(q, world);
  return refused(404, "nothing at " + q.method + " " + q.host + q.path);
}

// ---- HTTP

Question question_of(const httplib::Request& request, std::string& query_text) {
  Question q;
  q.method = request.method;
  q.host = request.get_header_value("Host");
  q.path = request.path;
  q.body = request.body;
  const auto mark = request.target.find('?');
  query_text = mark == std::string::npos ? "" : request.target.substr(mark + 1);
  q.query = form_fields(query_text);
  const auto type = request.get_header_value("Content-Type");
  if (type.rfind("application/x-www-form-urlencoded", 0) == 0) q.form = form_fields(q.body);
  q.json = Json::parse(q.body, nullptr, false);
  if (q.json.is_discarded()) q.json = nullptr;
  q.authorization = request.get_header_value("Authorization");
  q.api_key = request.get_header_value("X-API-Key");
  q.shopify_token = request.get_header_value("X-Shopify-Access-Token");
  return q;
}

Json log_entry(const httplib::Request& request, const Question& q, const Answer& answer) {
  Json headers = Json::object();
  for (const char* name :
       {"Authorization", "Content-Type", "User-Agent", "X-API-Key", "X-Shopify-Access-Token", "Idempotency-Key"}) {
    if (request.has_header(name)) headers[name] = request.get_header_value(name);
  }
  return {{"method", q.method}, {"host", q.host},          {"target", request.target},         {"headers", headers},
          {"body", q.body},     {"status", answer.status}, {"answer_headers", answer.headers}, {"answer", answer.body}};
}

void serve(const httplib::Request& request, httplib::Response& response, World& world) {
  const std::lock_guard lock(world.mutex);
  // Header and body texts come from strangers and need not be UTF-8.
  const auto text_of = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  if (request.path == "/__log") {
    response.set_content(text_of(world.log), "application/json");
    if (request.has_param("new")) world.log = Json::array();
    return;
  }
  if (request.path == "/__reset") {
    world.forget();
    return response.set_content("{}", "application/json");
  }
  std::string query_text;
  const auto question = question_of(request, query_text);
  const auto answer = answer_to(question, query_text, world);
  world.log.push_back(log_entry(request, question, answer));
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  response.set_content(text_of(answer.body), "application/json");
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  const char* port_file = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
      port = number_or(argv[++i], 0);
    } else if (std::strcmp(argv[i], "--port-file") == 0 && i + 1 < argc) {
      port_file = argv[++i];
    } else {
      std::fprintf(stderr, "usage: mock_services [--port N] [--port-file FILE]\n");
      return 2;
    }
  }
  World world;
  httplib::Server server;
  const auto handler = [&](const httplib::Request& request, httplib::Response& response) {
    serve(request, response, world);
  };
  server.Get(".*", handler).Post(".*", handler).Put(".*", handler).Patch(".*", handler).Delete(".*", handler);
  server.set_tcp_nodelay(true);
  if (port != 0 ? !server.bind_to_port("127.0.0.1", port) : (port = server.bind_to_any_port("127.0.0.1")) <= 0) {
    std::fprintf(stderr, "mock_services: cannot listen on 127.0.0.1\n");
    return 1;
  }
  std::printf("mock services at http://127.0.0.1:%d\n", port);
  std::fflush(stdout);
  if (port_file != nullptr) std::ofstream(port_file) << port << "\n";
  return server.listen_after_bind() ? 0 : 1;
}
