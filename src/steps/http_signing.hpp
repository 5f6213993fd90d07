// What proves to a service who sends a request: a bearer token, user and password, an API key, an HMAC of the request
// (also as webhooks do it) or AWS Signature Version 4. Each function takes the finished request (URL, headers, body)
// and adds headers, or a query parameter, to it; on an error the request is as it was. Pure: the time is an argument.
//
// A signature names its time: sign a fresh copy of the request for each attempt. What is refused is an Error of type
// `validation` (too long: `limit`) that never repeats a secret; `shown_url` is never touched. Fetching tokens is not
// done here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/effect.hpp>
#include <fnstack/error.hpp>
#include <fnstack/limits.hpp>

namespace fnstack::steps {

// ---- Authorization: Bearer (RFC 6750). Visible ASCII without blanks.
[[nodiscard]] std::optional<Error> set_bearer(HttpRequest& request, std::string_view token, const Limits& limits = {});

// ---- Authorization: Basic (RFC 7617, charset UTF-8). No colon in the user, no controls in either; not both empty.
[[nodiscard]] std::optional<Error> set_basic(HttpRequest& request, std::string_view user, std::string_view password,
                                             const Limits& limits = {});

// ---- A key as a header or as a query parameter of this name, which must not be there already.
enum class ApiKeyPlace : std::uint8_t { header, query };
[[nodiscard]] std::optional<Error> set_api_key(HttpRequest& request, std::string_view name, std::string_view value,
                                               ApiKeyPlace place, const Limits& limits = {});

// ---- HMAC of the request.
//
// Payload::request: the message is five parts joined by LF (no LF at the end):
//     1. the method, upper case
//     2. the path as it is sent (percent-encoded), at least "/"
//     3. the query as it is sent: its parts between "&" sorted by their bytes and joined by "&"; empty without one
//     4. the time in whole seconds since 1970, decimal, as it stands in the timestamp header
//     5. SHA-256 of the body's bytes in lower-case hex (of nothing: e3b0c442…b855)
// and the signature header's value is prefix + encoding(HMAC(algorithm, secret, message)). Who verifies, in Python:
//     path, _, query = target.partition("?")                       # the request line's target
//     message = "\n".join([method, path, "&".join(sorted(query.split("&"))), headers["X-Timestamp"],
//                          hashlib.sha256(body).hexdigest()])
//     expected = prefix + hmac.new(secret, message.encode(), "sha256").hexdigest()
//     ok = hmac.compare_digest(expected, headers["X-Signature"]) and abs(time.time() - int(headers["X-Timestamp"])) <=
//     300
// The time is what limits replay: a request that someone recorded is good for as long as the verifier's window (five
// minutes here), so keep it as short as clocks allow, or remember the signatures of the window and refuse the second.
// The host is not part of the message: give each service a secret of its own.
//
// Payload::body: the message is the body alone and no time is sent, as GitHub (X-Hub-Signature-256, prefix "sha256=",
// hex) and Shopify (X-Shopify-Hmac-Sha256, base64) do. Nothing limits replay then.
struct HmacSigning {
  enum class Algorithm : std::uint8_t { sha256, sha512, sha1 };
  enum class Encoding : std::uint8_t { hex, base64 };
  enum class Payload : std::uint8_t { request, body };
  std::string secret;  // its bytes are the key
  std::string key_id;  // which secret it is; empty: not sent
  Algorithm algorithm = Algorithm::sha256;
  std::string header = "X-Signature";
  std::string timestamp_header = "X-Timestamp";
  std::string key_id_header = "X-Key-Id";
  Encoding encoding = Encoding::hex;
  std::string prefix;
  Payload payload = Payload::request;
};
[[nodiscard]] std::optional<Error> sign_hmac(HttpRequest& request, const HmacSigning& signing, std::int64_t now_ms,
                                             const Limits& limits = {});

// ---- AWS Signature Version 4, in the Authorization header.
//
// Signed are host, x-amz-date, x-amz-security-token if there is a session token, and every header of the request but
// those that a proxy or the HTTP client may change (User-Agent, Accept-Encoding, Connection, X-Amzn-Trace-Id, …). For
// S3 x-amz-content-sha256 is added, or signed as the author gave it ("UNSIGNED-PAYLOAD").
struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
  std::string region;
  std::string service;  // as in the credential scope: "s3", "execute-api", "dynamodb"
};
[[nodiscard]] std::optional<Error> sign_aws_sigv4(HttpRequest& request, const AwsCredentials& credentials,
                                                  std::int64_t now_ms, const Limits& limits = {});

// The path as AWS signs it. S3: each byte encoded once, nothing else changed. Other services: empty and dot segments
// taken out, and what is sent (encoded already) encoded once more.
[[nodiscard]] std::string aws_canonical_path(std::string_view sent_path, bool is_s3);
// Parts decoded (+ is a blank), encoded anew by AWS's rule and sorted by name, then value.
[[nodiscard]] std::string aws_canonical_query(std::string_view sent_query);

}  // namespace fnstack::steps
