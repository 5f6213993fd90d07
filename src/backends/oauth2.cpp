#include "backends/oauth2.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/base64.hpp"
#include "base/url.hpp"

namespace fnstack::backends {
namespace {

// A token answer is a few hundred bytes; tokens with many claims some thousand.
constexpr std::int64_t most_answer_bytes = std::int64_t{1} << 20;
constexpr std::int64_t token_timeout_ms = 30'000;
constexpr std::int64_t longest_lifetime_s = std::int64_t{366} * 86'400;
constexpr std::int64_t most_margin_ms = 60'000;
constexpr std::size_t longest_error_code = 64;

std::string form_encoded(std::string_view text) {
  std::string out;
  append_form_encoded(out, text);
  return out;
}

void add_field(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form += name;
  form += '=';
  append_form_encoded(form, value);
}

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 6750 2.1, which keeps out all that could break a header.
bool is_b64token(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
  });
}

// OAuth's error code if it is one: a word, and none that repeats a secret.
std::string error_code(const OAuth2& oauth2, const Value& answer) {
  const std::string_view code = answer.get("error").as_string();
  const bool is_word = !code.empty() && code.size() <= longest_error_code &&
                       std::all_of(code.begin(), code.end(),
                                   [](char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '.'; });
  if (!is_word) return {};
  for (const std::string* secret : {&oauth2.client_secret, &oauth2.refresh_token}) {
    if (!secret->empty() && (code.find(*secret) != std::string_view::npos || secret->find(code) != std::string::npos)) {
      return {};
    }
  }
  return std::string(code);
}

std::int64_t lifetime_ms(const Value& expires_in) {
  double seconds = -1;
  if (expires_in.is_number()) {
    seconds = expires_in.as_number();
  } else if (expires_in.is_string()) {
    const std::string_view text = expires_in.as_string();
    std::int64_t number = -1;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc() && end == text.data() + text.size()) seconds = static_cast<double>(number);
  }
  if (!(seconds >= 0)) return -1;
  return static_cast<std::int64_t>(std::min(std::floor(seconds), static_cast<double>(longest_lifetime_s))) * 1'000;
}

}  // namespace

std::string token_key(const OAuth2& oauth2) {
  std::string secrets;
  for (const std::string* secret : {&oauth2.client_secret, &oauth2.refresh_token}) {
    secrets += std::to_string(secret->size()) + ":" + *secret;
  }
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(secrets.data()), secrets.size(), hash);
  std::string key;
  for (const std::string* part : {&oauth2.token_url, &oauth2.client_id, &oauth2.scope, &oauth2.audience}) {
    key += std::to_string(part->size()) + ":" + *part;
  }
  key += oauth2.refresh_token.empty() ? "c" : "r";
  key += oauth2.credentials_in_body ? "b" : "h";
  key.append(reinterpret_cast<const char*>(hash), sizeof hash);
  return key;
}

Result<HttpRequest> token_request(const OAuth2& oauth2, std::string_view refresh_token) {
  Result<Url> url = parse_url(oauth2.token_url);
  if (!url) {
    Error error = std::move(url).error();
    error.message = "token_url: " + error.message;
    return error;
  }
  HttpRequest request;
  request.method = "POST";
  request.url = url->text();
  request.shown_url = url->origin() + url->target.substr(0, url->target.find('?'));
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.timeout_ms = token_timeout_ms;
  request.max_response_bytes = most_answer_bytes;
  request.has_body = true;
  std::string& form = request.body;
  if (oauth2.refresh_token.empty()) {
    add_field(form, "grant_type", "client_credentials");
  } else {
    add_field(form, "grant_type", "refresh_token");
    add_field(form, "refresh_token", refresh_token.empty() ? std::string_view(oauth2.refresh_token) : refresh_token);
  }
  if (!oauth2.scope.empty()) add_field(form, "scope", oauth2.scope);
  if (!oauth2.audience.empty()) add_field(form, "audience", oauth2.audience);
  if (oauth2.credentials_in_body || oauth2.client_secret.empty()) {
    // A client without a secret only says who it is (RFC 6749 3.2.1).
    if (!oauth2.client_id.empty()) add_field(form, "client_id", oauth2.client_id);
    if (!oauth2.client_secret.empty()) add_field(form, "client_secret", oauth2.client_secret);
  } else {
    std::string credentials = "Basic ";
    base::append_base64(credentials, form_encoded(oauth2.client_id) + ":" + form_encoded(oauth2.client_secret));
    request.headers.emplace_back("Authorization", std::move(credentials));
  }
  return request;
}

Result<Token> read_token(const OAuth2& oauth2, const HttpRequest& request, const HttpResponse& response) {
  const auto failure = [&](int status, const std::string& what) {
    Error error = make_error(error_type::http, "POST " + request.shown_url + ": " + what);
    error.status_code = status;
    return error;
  };
  const Result<Value> answer = parse_json(response.body);
  const bool is_object = answer.ok() && answer->is_object();
  // Some endpoints answer 200 with an error in it.
  const std::string code = is_object ? error_code(oauth2, *answer) : std::string();
  const std::string said = code.empty() ? std::string() : ", error " + code;
  if (response.status < 200 || response.status > 299) {
    const int status = response.status >= 400 ? response.status : 502;
    return failure(status, "answered " + std::to_string(response.status) + said);
  }
  if (!is_object) return failure(502, "expected a JSON object with an access_token");
  const Value& token = answer->get("access_token");
  if (!token.is_string() || token.as_string().empty()) return failure(502, "the answer has no access_token" + said);
  const Value& type = answer->get("token_type");
  if (type.is_string() && !base::same_word(type.as_string(), "bearer")) {
    return failure(502, "the answer's token_type is not bearer");
  }
  if (!is_b64token(token.as_string())) {
    return failure(502, "the access_token has characters that a bearer token can't have");
  }
  Token out;
  out.access_token = token.as_string();
  out.lifetime_ms = lifetime_ms(answer->get("expires_in"));
  if (!oauth2.refresh_token.empty()) out.refresh_token = answer->get("refresh_token").as_string();
  return out;
}

std::int64_t usable_ms(std::int64_t lifetime_ms) { return lifetime_ms - std::min(lifetime_ms / 10, most_margin_ms); }

}  // namespace fnstack::backends
