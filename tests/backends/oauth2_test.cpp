// Requests to a token endpoint and what is read from its answers.
#include "backends/oauth2.hpp"

#include "support/catch.hpp"

using fnstack::HttpResponse;
using fnstack::OAuth2;
using fnstack::backends::read_token;
using fnstack::backends::token_key;
using fnstack::backends::token_request;
using fnstack::backends::usable_ms;

namespace {

OAuth2 client() {
  OAuth2 out;
  out.token_url = "https://auth.example/oauth/token?tenant=t";
  out.client_id = "id one";
  out.client_secret = "s&cr:t+";
  return out;
}

std::string header(const fnstack::HttpRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "none";
}

// "token lifetime refresh", or the error.
std::string read(const OAuth2& oauth2, int status, const std::string& body) {
  const auto request = token_request(oauth2, "");
  REQUIRE(request.ok());
  HttpResponse response;
  response.status = status;
  response.body = body;
  const auto token = read_token(oauth2, *request, response);
  if (!token) {
    CHECK(token.error().headers.is_null());
    CHECK(token.error().response.is_null());
    return token.error().type + " " + std::to_string(token.error().status_code) + ": " + token.error().message;
  }
  return token->access_token + " " + std::to_string(token->lifetime_ms) + " " + token->refresh_token;
}

}  // namespace

TEST_CASE("oauth2: the request of the client credentials grant") {
  OAuth2 oauth2 = client();
  oauth2.scope = "read write";
  oauth2.audience = "https://api.example/";
  const auto request = token_request(oauth2, "");
  REQUIRE(request.ok());
  CHECK(request->method == "POST");
  CHECK(request->url == "https://auth.example/oauth/token?tenant=t");
  CHECK(request->shown_url == "https://auth.example/oauth/token");
  CHECK(request->has_body);
  CHECK(request->body == "grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Fapi.example%2F");
  CHECK(header(*request, "Content-Type") == "application/x-www-form-urlencoded");
  CHECK(header(*request, "Accept") == "application/json");
  CHECK(header(*request, "Authorization") == "Basic aWQrb25lOnMlMjZjciUzQXQlMkI=");  // id+one:s%26cr%3At%2B

  oauth2.credentials_in_body = true;
  oauth2.scope = oauth2.audience = "";
  const auto in_body = token_request(oauth2, "");
  CHECK(in_body->body == "grant_type=client_credentials&client_id=id+one&client_secret=s%26cr%3At%2B");
  CHECK(header(*in_body, "Authorization") == "none");
}

TEST_CASE("oauth2: the request of the refresh grant, the latest refresh token first") {
  OAuth2 oauth2 = client();
  oauth2.refresh_token = "r/1";
  CHECK(token_request(oauth2, "")->body == "grant_type=refresh_token&refresh_token=r%2F1");
  CHECK(token_request(oauth2, "r2")->body == "grant_type=refresh_token&refresh_token=r2");
  oauth2.client_secret = "";
  const auto public_client = token_request(oauth2, "");
  CHECK(public_client->body == "grant_type=refresh_token&refresh_token=r%2F1&client_id=id+one");
  CHECK(header(*public_client, "Authorization") == "none");
}

TEST_CASE("oauth2: an endpoint that is no URL") {
  OAuth2 oauth2 = client();
  oauth2.token_url = "auth.example/secret";
  const auto request = token_request(oauth2, "");
  REQUIRE(!request.ok());
  CHECK_THAT(request.error().message, fnstack_test::starts_with("token_url: "));
  CHECK(request.error().message.find("secret") == std::string::npos);
}

TEST_CASE("oauth2: answers") {
  OAuth2 oauth2 = client();
  const std::string at = "POST https://auth.example/oauth/token: ";
  CHECK(read(oauth2, 200, R"({"access_token":"abc.-_~+/9==","token_type":"Bearer","expires_in":3600})") ==
        "abc.-_~+/9== 3600000 ");
  CHECK(read(oauth2, 201, R"({"access_token":"a","token_type":"bearer","expires_in":"60"})") == "a 60000 ");
  CHECK(read(oauth2, 200, R"({"access_token":"a","expires_in":59.9})") == "a 59000 ");
  CHECK(read(oauth2, 200, R"({"access_token":"a","expires_in":0})") == "a 0 ");
  CHECK(read(oauth2, 200, R"({"access_token":"a"})") == "a -1 ");
  for (const char* odd : {"-5", "\"soon\"", "null", "[]", "\"\""}) {
    CHECK(read(oauth2, 200, R"({"access_token":"a","expires_in":)" + std::string(odd) + "}") == "a -1 ");
  }
  CHECK(read(oauth2, 200, R"({"access_token":"a","expires_in":1e300})") == "a 31622400000 ");
  // Only a refresh has use for it.
  CHECK(read(oauth2, 200, R"({"access_token":"a","refresh_token":"r"})") == "a -1 ");
  OAuth2 refreshing = client();
  refreshing.refresh_token = "r1";
  CHECK(read(refreshing, 200, R"({"access_token":"a","refresh_token":"r2"})") == "a -1 r2");

  CHECK(read(oauth2, 401, R"({"error":"invalid_client","error_description":"no s&cr:t+ here"})") ==
        "http 401: " + at + "answered 401, error invalid_client");
  CHECK(read(oauth2, 503, "down") == "http 503: " + at + "answered 503");
  CHECK(read(oauth2, 302, "") == "http 502: " + at + "answered 302");
  CHECK(read(oauth2, 200, R"({"error":"invalid_scope"})") ==
        "http 502: " + at + "the answer has no access_token, error invalid_scope");
  CHECK(read(oauth2, 200, R"({"access_token":""})") == "http 502: " + at + "the answer has no access_token");
  CHECK(read(oauth2, 200, R"({"access_token":5})") == "http 502: " + at + "the answer has no access_token");
  CHECK(read(oauth2, 200, "<html>") == "http 502: " + at + "expected a JSON object with an access_token");
  CHECK(read(oauth2, 200, "") == "http 502: " + at + "expected a JSON object with an access_token");
  CHECK(read(oauth2, 200, R"(["a"])") == "http 502: " + at + "expected a JSON object with an access_token");
  CHECK(read(oauth2, 200, R"({"access_token":"a","token_type":"mac"})") ==
        "http 502: " + at + "the answer's token_type is not bearer");
  for (const char* bad : {"a b", "a\\r\\nX: y", "ä", "=", "a=b", "a\\u0000", "\\\"a"}) {
    CHECK(read(oauth2, 200, R"({"access_token":")" + std::string(bad) + "\"}") ==
          "http 502: " + at + "the access_token has characters that a bearer token can't have");
  }
}

TEST_CASE("oauth2: an error code is shown only if it is one, and repeats no secret") {
  OAuth2 oauth2 = client();
  oauth2.client_secret = "topsecret";
  const std::string plain = "http 400: POST https://auth.example/oauth/token: answered 400";
  CHECK(read(oauth2, 400, R"({"error":"invalid_grant"})") == plain + ", error invalid_grant");
  for (const char* code : {"topsecret", "not_topsecret_", "topsec", "two words", "<b>", "", "a\\nb"}) {
    CHECK(read(oauth2, 400, R"({"error":")" + std::string(code) + "\"}") == plain);
  }
  CHECK(read(oauth2, 400, R"({"error":")" + std::string(65, 'x') + "\"}") == plain);
  CHECK(read(oauth2, 400, R"({"error":{"message":"topsecret"}})") == plain);
}

TEST_CASE("oauth2: what a token is kept under") {
  const OAuth2 one = client();
  CHECK(token_key(one) == token_key(client()));
  CHECK(token_key(one).find("s&cr:t+") == std::string::npos);
  std::vector<OAuth2> others(7, one);
  others[0].token_url += "x";
  others[1].client_id += "x";
  others[2].client_secret += "x";
  others[3].refresh_token = "x";
  others[4].scope = "x";
  others[5].audience = "x";
  others[6].credentials_in_body = true;
  for (const OAuth2& other : others) CHECK(token_key(other) != token_key(one));
  OAuth2 a = one;
  a.scope = "ab";
  a.audience = "c";
  OAuth2 b = one;
  b.scope = "a";
  b.audience = "bc";
  CHECK(token_key(a) != token_key(b));
}

TEST_CASE("oauth2: a token is used for a tenth less, at most a minute less") {
  CHECK(usable_ms(0) == 0);
  CHECK(usable_ms(100'000) == 90'000);
  CHECK(usable_ms(600'000) == 540'000);
  CHECK(usable_ms(3'600'000) == 3'540'000);
}
