#include "steps/http_auth.hpp"

#include <initializer_list>
#include <utility>

#include <fnstack/json.hpp>

#include "base/url.hpp"
#include "steps/http_signing.hpp"

namespace fnstack::steps {

namespace {

Error wrong(std::string message) { return make_error(error_type::validation, std::move(message)); }

std::string text(const Fields& fields, std::string_view name) { return to_text(fields[name]); }

// Null where a text must stand: a request without the credentials it was meant to have must not go out.
std::optional<Error> need(const Fields& fields, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (fields[name].is_null()) return wrong(std::string(name) + ": expected text, got null");
  }
  return std::nullopt;
}

// One of a few words.
template <class T>
std::optional<Error> choose(const Fields& fields, std::string_view name,
                            std::initializer_list<std::pair<std::string_view, T>> words, T& out) {
  std::string expected;
  for (const auto& [word, meaning] : words) {
    if (fields[name].as_string() == word) {
      out = meaning;
      return std::nullopt;
    }
    expected += (expected.empty() ? "\"" : ", \"") + std::string(word) + "\"";
  }
  return wrong(std::string(name) + ": expected one of " + expected);
}

}  // namespace

std::optional<Error> set_credentials(const Fields& fields, HttpRequest& request) {
  if (!fields.given("auth")) return std::nullopt;
  if (fields.given("auth.bearer")) {
    if (auto error = need(fields, {"auth.bearer"})) return error;
    return set_bearer(request, text(fields, "auth.bearer"), fields.limits());
  }
  if (fields.given("auth.basic")) {
    if (auto error = need(fields, {"auth.basic.username", "auth.basic.password"})) return error;
    return set_basic(request, text(fields, "auth.basic.username"), text(fields, "auth.basic.password"),
                     fields.limits());
  }
  if (fields.given("auth.api_key")) {
    if (auto error = need(fields, {"auth.api_key.name", "auth.api_key.value"})) return error;
    const std::string in = text(fields, "auth.api_key.in");
    if (in != "header" && in != "query") return wrong("auth.api_key.in: expected \"header\" or \"query\"");
    return set_api_key(request, text(fields, "auth.api_key.name"), text(fields, "auth.api_key.value"),
                       in == "header" ? ApiKeyPlace::header : ApiKeyPlace::query, fields.limits());
  }
  return std::nullopt;
}

std::optional<Error> sign(const Fields& fields, HttpRequest& request, std::int64_t now_ms) {
  if (!fields.given("auth")) return std::nullopt;
  if (fields.given("auth.hmac")) {
    if (auto error = need(fields, {"auth.hmac.secret"})) return error;
    HmacSigning signing;
    signing.secret = text(fields, "auth.hmac.secret");
    signing.key_id = text(fields, "auth.hmac.key_id");
    if (auto error = choose(fields, "auth.hmac.algorithm",
                            {{"sha256", HmacSigning::Algorithm::sha256},
                             {"sha512", HmacSigning::Algorithm::sha512},
                             {"sha1", HmacSigning::Algorithm::sha1}},
                            signing.algorithm)) {
      return error;
    }
    signing.header = text(fields, "auth.hmac.header");
    signing.timestamp_header = text(fields, "auth.hmac.timestamp_header");
    if (auto error = choose(fields, "auth.hmac.encoding",
                            {{"hex", HmacSigning::Encoding::hex}, {"base64", HmacSigning::Encoding::base64}},
                            signing.encoding)) {
      return error;
    }
    signing.prefix = text(fields, "auth.hmac.prefix");
    if (auto error = choose(fields, "auth.hmac.payload",
                            {{"request", HmacSigning::Payload::request}, {"body", HmacSigning::Payload::body}},
                            signing.payload)) {
      return error;
    }
    return sign_hmac(request, signing, now_ms, fields.limits());
  }
  if (fields.given("auth.aws_sigv4")) {
    if (auto error = need(fields, {"auth.aws_sigv4.access_key_id", "auth.aws_sigv4.secret_access_key",
                                   "auth.aws_sigv4.region", "auth.aws_sigv4.service"})) {
      return error;
    }
    AwsCredentials credentials;
    credentials.access_key_id = text(fields, "auth.aws_sigv4.access_key_id");
    credentials.secret_access_key = text(fields, "auth.aws_sigv4.secret_access_key");
    credentials.session_token = text(fields, "auth.aws_sigv4.session_token");
    credentials.region = text(fields, "auth.aws_sigv4.region");
    credentials.service = text(fields, "auth.aws_sigv4.service");
    return sign_aws_sigv4(request, credentials, now_ms, fields.limits());
  }
  return std::nullopt;
}

Result<std::optional<OAuth2>> read_oauth2(const Fields& fields) {
  if (!fields.given("auth")) return std::optional<OAuth2>();
  const bool refreshes = fields.given("auth.oauth2_refresh");
  if (!refreshes && !fields.given("auth.oauth2_client_credentials")) return std::optional<OAuth2>();
  const std::string group = refreshes ? "auth.oauth2_refresh." : "auth.oauth2_client_credentials.";
  const auto member = [&](std::string_view name) { return text(fields, group + std::string(name)); };
  if (auto error = need(fields, {group + "token_url", group + "client_id"})) return std::move(*error);
  if (auto error = need(fields, {group + (refreshes ? "refresh_token" : "client_secret")})) return std::move(*error);
  OAuth2 oauth;
  auto url = parse_url(member("token_url"));
  if (!url) {
    url.error().message.insert(0, group + "token_url: ");
    return std::move(url).error();
  }
  oauth.token_url = url->text();
  oauth.client_id = member("client_id");
  oauth.client_secret = member("client_secret");
  oauth.scope = member("scope");
  if (refreshes) oauth.refresh_token = member("refresh_token");
  if (!refreshes) oauth.audience = member("audience");
  const std::string place = member("credentials_in");
  if (place != "header" && place != "body") return wrong(group + "credentials_in: expected \"header\" or \"body\"");
  oauth.credentials_in_body = place == "body";
  return std::optional<OAuth2>(std::move(oauth));
}

std::string identity_of(const Fields& fields) {
  std::string identity;
  for (const std::string_view name :
       {std::string_view("auth.hmac.key_id"), std::string_view("auth.hmac.secret"),
        std::string_view("auth.aws_sigv4.access_key_id"), std::string_view("auth.oauth2_client_credentials.token_url"),
        std::string_view("auth.oauth2_client_credentials.client_id"),
        std::string_view("auth.oauth2_client_credentials.scope"), std::string_view("auth.oauth2_refresh.token_url"),
        std::string_view("auth.oauth2_refresh.client_id"), std::string_view("auth.oauth2_refresh.refresh_token")}) {
    const std::string part = text(fields, name);
    identity += std::to_string(part.size()) + ":" + part;
  }
  return identity;
}

}  // namespace fnstack::steps
