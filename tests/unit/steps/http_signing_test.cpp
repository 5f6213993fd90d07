// Signing of requests: AWS's own test suite for Signature Version 4 (aws-sig-v4-test-suite), GitHub's documented
// webhook signature, RFC 7617's examples, and HMACs computed by another program.
#include "steps/http_signing.hpp"

#include <random>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/url.hpp"
#include "support/catch.hpp"

using namespace fnstack;
using namespace fnstack::steps;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

HttpRequest request_of(std::string method, std::string url, Headers headers = {}, std::string body = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.shown_url = "https://shown/{…}";
  request.headers = std::move(headers);
  request.has_body = !body.empty();
  request.body = std::move(body);
  return request;
}

std::string header(const HttpRequest& request, std::string_view name) {
  for (const auto& [given, value] : request.headers) {
    if (given == name) return value;
  }
  return "(none)";
}

std::string message(const std::optional<Error>& error) { return error ? error->type + ": " + error->message : "ok"; }

constexpr std::int64_t suite_time = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
const AwsCredentials suite_credentials = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", "us-east-1",
                                          "service"};
const std::string suite_host = "https://example.amazonaws.com";

struct SuiteCase {
  std::string name;
  std::string method;
  std::string target;
  Headers headers;
  std::string body;
  std::string signed_headers;
  std::string signature;
};

const std::string session_token =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthA"
    "x7mSEI/qkPpKPi/"
    "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6"
    "d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const std::string unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const std::string plain = "host;x-amz-date";

const std::vector<SuiteCase> suite = {
    {"get-vanilla", "GET", "/", {}, "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/?Param1=value1",
     {},
     "",
     plain,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-key",
     "GET",
     "/?Param1=value2&Param1=Value1",
     {},
     "",
     plain,
     "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/?Param2=value2&Param1=value1",
     {},
     "",
     plain,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-value",
     "GET",
     "/?Param1=value2&Param1=value1",
     {},
     "",
     plain,
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/?" + unreserved + "=" + unreserved,
     {},
     "",
     plain,
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "/?%E1%88%B4=bar",
     {},
     "",
     plain,
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved",
     "GET",
     "/" + unreserved,
     {},
     "",
     plain,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-slash", "GET", "//", {}, "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slashes",
     "GET",
     "//example//",
     {},
     "",
     plain,
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "host;my-header1;x-amz-date",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "GET",
     "/",
     {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
     "",
     "host;my-header1;x-amz-date",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla", "POST", "/", {}, "", plain, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query",
     "POST",
     "/?Param1=value1",
     {},
     "",
     plain,
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-header-key-sort",
     "POST",
     "/",
     {{"My-Header1", "value1"}},
     "",
     "host;my-header1;x-amz-date",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     {{"My-Header1", "VALUE1"}},
     "",
     "host;my-header1;x-amz-date",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {{"Content-Type", "application/x-www-form-urlencoded"}},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
};

}  // namespace

TEST_CASE("AWS Signature Version 4: the test suite's requests") {
  for (const SuiteCase& one : suite) {
    INFO(one.name);
    HttpRequest request = request_of(one.method, suite_host + one.target, one.headers, one.body);
    CHECK(message(sign_aws_sigv4(request, suite_credentials, suite_time)) == "ok");
    CHECK(header(request, "X-Amz-Date") == "20150830T123600Z");
    CHECK(header(request, "Authorization") ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
              one.signed_headers + ", Signature=" + one.signature);
    CHECK(request.shown_url == "https://shown/{…}");
  }
  SECTION("post-sts-header-before: the session token is signed") {
    AwsCredentials credentials = suite_credentials;
    credentials.session_token = session_token;
    HttpRequest request = request_of("POST", suite_host + "/");
    CHECK(message(sign_aws_sigv4(request, credentials, suite_time)) == "ok");
    CHECK(header(request, "X-Amz-Security-Token") == session_token);
    CHECK(header(request, "Authorization") ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
          "SignedHeaders=host;x-amz-date;x-amz-security-token, "
          "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
  }
}

TEST_CASE("AWS canonical paths and queries") {
  // The suite's normalize-path and get-utf8; a URL with dot segments is refused before it could be signed.
  CHECK(aws_canonical_path("/example/..", false) == "/");
  CHECK(aws_canonical_path("/example1/example2/../..", false) == "/");
  CHECK(aws_canonical_path("/./", false) == "/");
  CHECK(aws_canonical_path("/./example", false) == "/example");
  CHECK(aws_canonical_path("//example//", false) == "/example/");
  CHECK(aws_canonical_path("", false) == "/");
  CHECK(aws_canonical_path("/\xE1\x88\xB4", false) == "/%E1%88%B4");
  CHECK(aws_canonical_path("/example space/", false) == "/example%20space/");
  // What is sent encoded is encoded twice, but for S3.
  CHECK(aws_canonical_path("/a%20b/c:d", false) == "/a%2520b/c%3Ad");
  CHECK(aws_canonical_path("/a%20b/c:d+e%2ff", true) == "/a%20b/c%3Ad%2Be%2Ff");
  CHECK(aws_canonical_path("//a/./b//", true) == "//a/./b//");
  CHECK(aws_canonical_path("", true) == "/");

  CHECK(aws_canonical_query("") == "");
  CHECK(aws_canonical_query("b&a=&&c=1=2&a=%7e") == "a=&a=~&b=&c=1%3D2");
  CHECK(aws_canonical_query("x=a+b&y=a%2Bb&z=/,:%c3%a9") == "x=a%20b&y=a%2Bb&z=%2F%2C%3A%C3%A9");
  CHECK(aws_canonical_query("a=1&a-b=1&ab=1") == "a=1&a-b=1&ab=1");
}

TEST_CASE("AWS Signature Version 4 for S3") {
  // The example of "Authenticating Requests: Using the Authorization Header" in the S3 reference.
  const AwsCredentials credentials = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "",
                                      "us-east-1", "s3"};
  constexpr std::int64_t time = 1'369'353'600'000;  // 2013-05-24T00:00:00Z
  const std::string credential =
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=";
  const std::string of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

  HttpRequest get = request_of("GET", "https://examplebucket.s3.amazonaws.com/test.txt", {{"Range", "bytes=0-9"}});
  CHECK(message(sign_aws_sigv4(get, credentials, time)) == "ok");
  CHECK(header(get, "X-Amz-Content-Sha256") == of_nothing);
  CHECK(header(get, "Authorization") ==
        credential +
            "host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

  HttpRequest put =
      request_of("PUT", "https://examplebucket.s3.amazonaws.com/test%24file.text",
                 {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                 "Welcome to Amazon S3.");
  CHECK(message(sign_aws_sigv4(put, credentials, time)) == "ok");
  CHECK(header(put, "Authorization") ==
        credential +
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
            "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

  HttpRequest lifecycle = request_of("GET", "https://examplebucket.s3.amazonaws.com/?lifecycle");
  CHECK(message(sign_aws_sigv4(lifecycle, credentials, time)) == "ok");
  CHECK(header(lifecycle, "Authorization") ==
        credential +
            "host;x-amz-content-sha256;x-amz-date, "
            "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

  HttpRequest list = request_of("GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J");
  CHECK(message(sign_aws_sigv4(list, credentials, time)) == "ok");
  CHECK(header(list, "Authorization") ==
        credential +
            "host;x-amz-content-sha256;x-amz-date, "
            "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");

  HttpRequest unsigned_payload = request_of("PUT", "https://examplebucket.s3.amazonaws.com/a",
                                            {{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}}, "body");
  CHECK(message(sign_aws_sigv4(unsigned_payload, credentials, time)) == "ok");
  CHECK(header(unsigned_payload, "X-Amz-Content-Sha256") == "(none)");
  CHECK(header(unsigned_payload, "Authorization") ==
        credential +
            "host;x-amz-content-sha256;x-amz-date, "
            "Signature=fc66b094f7c941aac40f574dbeb472a04d39dbbe34fe677097438917d086f14b");
}

TEST_CASE("AWS Signature Version 4: headers, ports and what is refused") {
  SECTION("a port is part of the host, and what the client may change is not signed") {
    HttpRequest request = request_of("GET", "http://LOCALHOST:8000/tables",
                                     {{"User-Agent", "x"}, {"Accept-Encoding", "gzip"}, {"X-Tab", "a\tb"}});
    CHECK(message(sign_aws_sigv4(request, suite_credentials, suite_time)) == "ok");
    CHECK(header(request, "Authorization") ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
          "SignedHeaders=host;x-amz-date;x-tab, "
          "Signature=60a6ac205d3aaa316e8d091d7ebdd631b1dfce51baf1318febfa471879b56f59");
  }
  SECTION("refused, and the request is as it was") {
    const auto refused = [](AwsCredentials credentials, Headers headers = {}, std::int64_t now = suite_time,
                            std::string url = suite_host + "/") {
      HttpRequest request = request_of("GET", std::move(url), headers);
      const std::string text = message(sign_aws_sigv4(request, credentials, now));
      CHECK(request.headers == headers);
      return text;
    };
    AwsCredentials bad = suite_credentials;
    bad.access_key_id = "";
    CHECK(refused(bad) == "validation: auth: aws_sigv4: access_key_id is empty");
    bad = suite_credentials;
    bad.region = "us/east";
    CHECK(refused(bad) == "validation: auth: aws_sigv4: region has a character other than letters, digits and -_.");
    bad = suite_credentials;
    bad.service = "s3\r\nX: y";
    CHECK(refused(bad) == "validation: auth: aws_sigv4: service has a character other than letters, digits and -_.");
    bad = suite_credentials;
    bad.secret_access_key += "\n";
    CHECK(refused(bad) ==
          "validation: auth: aws_sigv4: secret_access_key begins or ends with a blank or a line break; trim it");
    bad = suite_credentials;
    bad.session_token = "a\nb";
    CHECK(
        refused(bad) ==
        "validation: auth: header X-Amz-Security-Token: its value has a line break, which would begin another header");
    CHECK(refused(suite_credentials, {{"authorization", "Bearer x"}}) ==
          "validation: auth: the headers have Authorization already; leave it out there or leave out auth");
    CHECK(refused(suite_credentials, {{"x-amz-date", "20150830T123600Z"}}) ==
          "validation: auth: the headers have X-Amz-Date already; leave it out there or leave out auth");
    CHECK(refused(suite_credentials, {}, -1) ==
          "validation: auth: aws_sigv4: the time is not within the years 1970 to 9999");
    CHECK(refused(suite_credentials, {}, INT64_MAX) ==
          "validation: auth: aws_sigv4: the time is not within the years 1970 to 9999");
    CHECK(refused(suite_credentials, {}, suite_time, "https://h/../x") ==
          "validation: invalid URL: its path has a segment . or .. (%2e counts as a dot)");
  }
}

TEST_CASE("HMAC of the request") {
  HmacSigning signing;
  signing.secret = "s3cr\xC3\xA9t";
  HttpRequest request = request_of("POST", "https://api.example.com/v1/orders%20x?b=2&a=1&b=10",
                                   {{"Content-Type", "application/json"}}, "{\"a\":1}");
  SECTION("hex of SHA-256 is the default") {
    CHECK(message(sign_hmac(request, signing, 1'700'000'000'999)) == "ok");
    CHECK(request.headers ==
          Headers{{"Content-Type", "application/json"},
                  {"X-Timestamp", "1700000000"},
                  {"X-Signature", "b65bcb60d5f92886fa5373781e854bd7d25ba8a39ba75408adccfa4b9d81ed3e"}});
    CHECK(request.url == "https://api.example.com/v1/orders%20x?b=2&a=1&b=10");
  }
  SECTION("names, prefix, base64, SHA-512 and a key's name") {
    signing.algorithm = HmacSigning::Algorithm::sha512;
    signing.encoding = HmacSigning::Encoding::base64;
    signing.prefix = "v1=";
    signing.key_id = "key-7";
    signing.header = "X-Sig";
    signing.timestamp_header = "X-Time";
    signing.key_id_header = "X-Key";
    request.url = "https://api.example.com";
    request.method = "GET";
    request.headers.clear();
    request.body.clear();
    CHECK(message(sign_hmac(request, signing, 0)) == "ok");
    CHECK(request.headers ==
          Headers{{"X-Time", "0"},
                  {"X-Key", "key-7"},
                  {"X-Sig",
                   "v1=ZeSLYkqqQxd8QqqJn18PL99J55MkbZzFoxbFDKfX+YD3LJiF+Buxs5jiBJvQFCfKjY7W1y/D11XiDhCSHfCA4g=="}});
  }
  SECTION("the body alone, as GitHub documents it") {
    signing.secret = "It's a Secret to Everybody";
    signing.payload = HmacSigning::Payload::body;
    signing.header = "X-Hub-Signature-256";
    signing.prefix = "sha256=";
    HttpRequest hook = request_of("POST", "https://h/", {}, "Hello, World!");
    CHECK(message(sign_hmac(hook, signing, -5)) == "ok");
    CHECK(hook.headers ==
          Headers{{"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}});
  }
  SECTION("the body alone with SHA-1") {
    signing.secret = "key";  // the example of Wikipedia's "HMAC"
    signing.payload = HmacSigning::Payload::body;
    signing.algorithm = HmacSigning::Algorithm::sha1;
    HttpRequest hook = request_of("POST", "https://h/", {}, "The quick brown fox jumps over the lazy dog");
    CHECK(message(sign_hmac(hook, signing, 0)) == "ok");
    CHECK(header(hook, "X-Signature") == "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9");
  }
  SECTION("refused, and the request is as it was") {
    const Headers before = request.headers;
    const auto refused = [&] {
      const std::string text = message(sign_hmac(request, signing, 1'700'000'000'000));
      CHECK(request.headers.size() >= before.size());
      return text;
    };
    SECTION("secret") {
      signing.secret.clear();
      CHECK(refused() == "validation: auth: hmac: the secret is empty");
    }
    SECTION("header name") {
      signing.header = "X Sig";
      CHECK(refused() ==
            "validation: auth: headers: a name has a character other than letters, digits and !#$%&'*+-.^_`|~");
    }
    SECTION("framing header") {
      signing.header = "Content-Length";
      CHECK(refused() == "validation: auth: header Content-Length: it frames the request and may not come from data");
    }
    SECTION("key_id") {
      signing.key_id = "a\r\nb";
      CHECK(refused() ==
            "validation: auth: header X-Key-Id: its value has a line break, which would begin another header");
    }
    SECTION("one name for two") {
      signing.timestamp_header = signing.header;
      CHECK(refused() ==
            "validation: auth: the headers have X-Signature already; leave it out there or leave out auth");
    }
    SECTION("given already") {
      request.headers.emplace_back("x-signature", "1");
      CHECK(refused() ==
            "validation: auth: the headers have X-Signature already; leave it out there or leave out auth");
      request.headers.pop_back();
    }
    CHECK(request.headers == before);
  }
}

TEST_CASE("bearer, basic and API key") {
  HttpRequest request = request_of("GET", "https://h/p?a=1");
  SECTION("bearer") {
    CHECK(message(set_bearer(request, "abc.DEF-1_~+/=|")) == "ok");
    CHECK(request.headers == Headers{{"Authorization", "Bearer abc.DEF-1_~+/=|"}});
    CHECK(message(set_bearer(request, "x")) ==
          "validation: auth: the headers have Authorization already; leave it out there or leave out auth");
    request.headers.clear();
    CHECK(message(set_bearer(request, "")) == "validation: auth: bearer: the token is empty");
    CHECK(message(set_bearer(request, "Bearer x")) ==
          "validation: auth: bearer: the token has a blank or a character that is not visible ASCII; give it without "
          "\"Bearer\"");
    CHECK(message(set_bearer(request, "x\r\nX: y")) ==
          "validation: auth: bearer: the token has a blank or a character that is not visible ASCII; give it without "
          "\"Bearer\"");
    CHECK(message(set_bearer(request, "x\n")) ==
          "validation: auth: bearer: the token begins or ends with a blank or a line break; trim it");
    Limits limits;
    CHECK(message(set_bearer(request, std::string(8185, 'x'), limits)) == "ok");
    request.headers.clear();
    CHECK(message(set_bearer(request, std::string(8186, 'x'), limits)) ==
          "limit: auth: header Authorization is longer than header_bytes, 8192 bytes");
    CHECK(request.headers.empty());
  }
  SECTION("basic") {
    CHECK(message(set_basic(request, "Aladdin", "open sesame")) == "ok");
    CHECK(request.headers == Headers{{"Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}});
    request.headers.clear();
    CHECK(message(set_basic(request, "test", "123\xC2\xA3")) == "ok");
    CHECK(header(request, "Authorization") == "Basic dGVzdDoxMjPCow==");
    request.headers.clear();
    CHECK(message(set_basic(request, "sk_test", "")) == "ok");
    CHECK(header(request, "Authorization") == "Basic c2tfdGVzdDo=");
    request.headers.clear();
    CHECK(message(set_basic(request, "u", "p:q")) == "ok");
    request.headers.clear();
    CHECK(message(set_basic(request, "a:b", "c")) ==
          "validation: auth: basic: the user has a colon, which would end it; nothing can escape it");
    CHECK(message(set_basic(request, "a", "c\n")) == "validation: auth: basic: the password has a control character");
    CHECK(message(set_basic(request, "\xFF", "c")) == "validation: auth: basic: the user is not UTF-8");
    CHECK(message(set_basic(request, "", "")) == "validation: auth: basic: user and password are empty");
    CHECK(request.headers.empty());
  }
  SECTION("API key in a header") {
    CHECK(message(set_api_key(request, "X-API-Key", "k 1", ApiKeyPlace::header)) == "ok");
    CHECK(request.headers == Headers{{"X-API-Key", "k 1"}});
    CHECK(message(set_api_key(request, "x-api-key", "k", ApiKeyPlace::header)) ==
          "validation: auth: the headers have x-api-key already; leave it out there or leave out auth");
    CHECK(message(set_api_key(request, "Host", "k", ApiKeyPlace::header)) ==
          "validation: auth: header Host: it frames the request and may not come from data");
    CHECK(message(set_api_key(request, "K", "a\x01z", ApiKeyPlace::header)) ==
          "validation: auth: header K: its value has a control character");
    CHECK(message(set_api_key(request, "K", "", ApiKeyPlace::header)) ==
          "validation: auth: api_key: the value is empty");
    CHECK(message(set_api_key(request, "", "k", ApiKeyPlace::header)) ==
          "validation: auth: api_key: the name is empty");
    CHECK(request.url == "https://h/p?a=1");
  }
  SECTION("API key in the query") {
    CHECK(message(set_api_key(request, "api key", "k&x=1#\xC3\xA9", ApiKeyPlace::query)) == "ok");
    CHECK(request.url == "https://h/p?a=1&api%20key=k%26x%3D1%23%C3%A9");
    CHECK(request.shown_url == "https://shown/{…}");
    CHECK(request.headers.empty());
    CHECK(message(set_api_key(request, "api key", "k", ApiKeyPlace::query)) ==
          "validation: auth: api_key: the query has this parameter already; leave it out there or leave out auth");
    request.url = "https://h";
    CHECK(message(set_api_key(request, "k", "v", ApiKeyPlace::query)) == "ok");
    CHECK(request.url == "https://h/?k=v");
    request.url = "https://h/?";
    CHECK(message(set_api_key(request, "k", "v", ApiKeyPlace::query)) == "ok");
    CHECK(request.url == "https://h/?k=v");
    Limits limits;
    limits.url_bytes = 13;
    request.url = "https://h/";
    CHECK(message(set_api_key(request, "k", "v", ApiKeyPlace::query, limits)) ==
          "limit: auth: api_key: the URL becomes longer than url_bytes, 13 bytes");
    CHECK(request.url == "https://h/");
    limits.url_bytes = 14;
    CHECK(message(set_api_key(request, "k", "v", ApiKeyPlace::query, limits)) == "ok");
  }
}

// Whatever credentials are: headers that are valid or an error that does not show them, and the request unharmed.
TEST_CASE("random credentials never break a request or show in a message") {
  std::mt19937 random(7);
  const auto text = [&](std::size_t longest) {
    static const std::string_view pieces[] = {"a",  "B", "7", "=", ":", "/", "%", "\r\n",     "\n",   " ", "\t", "\x01",
                                              "\"", ",", ";", "&", "?", "#", "+", "\xC3\xA9", "\xFF", "-", "_",  "."};
    std::string out = "Zq9Secret";
    for (std::size_t n = random() % (longest + 1); n > 0; --n) out += pieces[random() % std::size(pieces)];
    if (random() % 8 == 0) out.insert(0, "\0 ", 1 + random() % 2);
    return out;
  };
  std::size_t fine = 0;
  for (int i = 0; i < 100'000; ++i) {
    HttpRequest request = request_of("GET", "https://example.com/a?b=c");
    const HttpRequest before = request;
    std::optional<Error> error;
    switch (i % 6) {
      case 0:
        error = set_bearer(request, text(6));
        break;
      case 1:
        error = set_basic(request, text(6), text(6));
        break;
      case 2:
        error = set_api_key(request, "X-K" + text(2).substr(9), text(6), ApiKeyPlace::header);
        break;
      case 3:
        error = set_api_key(request, text(6), text(6), ApiKeyPlace::query);
        break;
      case 4: {
        HmacSigning signing;
        signing.secret = text(6);
        signing.prefix = text(2);
        signing.key_id = text(2);
        error = sign_hmac(request, signing, 1'700'000'000'000);
        break;
      }
      default:
        error = sign_aws_sigv4(request, {text(1), text(4), text(2), text(1), text(1)}, suite_time);
    }
    if (error) {
      CHECK(request.headers == before.headers);
      CHECK(request.url == before.url);
      CHECK(error->message.find("Zq9") == std::string::npos);
      CHECK((error->type == error_type::validation || error->type == error_type::limit));
      continue;
    }
    ++fine;
    bool valid = parse_url(request.url).ok() && request.shown_url == before.shown_url;
    for (const auto& [name, value] : request.headers) {
      for (const char c : name + value) valid = valid && c >= ' ' && c < 0x7f;
    }
    if (!valid) FAIL("case " << i);
  }
  CHECK(fine > 20'000);
}
