#include "steps/http_signing.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/ascii.hpp"
#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/url.hpp"
#include "base/utf8.hpp"
#include "expr/escape.hpp"

namespace fnstack::steps {
namespace {

using base::Digest;
using Headers = std::vector<std::pair<std::string, std::string>>;

Error wrong(std::string message) { return make_error(error_type::validation, "auth: " + std::move(message)); }

const std::string* find_header(const Headers& headers, std::string_view name) noexcept {
  for (const auto& [given, value] : headers) {
    if (base::same_word(given, name)) return &value;
  }
  return nullptr;
}

bool is_visible(char c) noexcept { return c > ' ' && c < 0x7f; }

// The header to be added: by the rules for headers, and not there already. `value` may be a secret; the checks'
// messages name the header alone.
std::optional<Error> check_new_header(const HttpRequest& request, std::string_view name, std::string_view value,
                                      const Limits& limits) {
  const auto checked = expr::check_headers(Value::object({{name, Value(value)}}), true,
                                           static_cast<std::size_t>(std::max<std::int64_t>(limits.header_bytes, 0)));
  if (!checked) return make_error(checked.error().type.c_str(), "auth: " + checked.error().message);
  if (find_header(request.headers, name) != nullptr) {
    return wrong("the headers have " + std::string(name) + " already; leave it out there or leave out auth");
  }
  return std::nullopt;
}

std::optional<Error> add_header(HttpRequest& request, std::string name, std::string value, const Limits& limits) {
  if (auto error = check_new_header(request, name, value, limits)) return error;
  request.headers.emplace_back(std::move(name), std::move(value));
  return std::nullopt;
}

std::string_view path_of(const Url& url) { return std::string_view(url.target).substr(0, url.target.find('?')); }

std::string_view query_of(const Url& url) {
  const std::size_t mark = url.target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(url.target).substr(mark + 1);
}

std::vector<std::string_view> split_query(std::string_view query) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = query.find('&', begin);
    parts.push_back(query.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

// ---- AWS

// What the HTTP client sets by itself or what changes on the way.
bool is_unsigned_header(std::string_view lower_name) noexcept {
  static constexpr std::string_view names[] = {"accept-encoding",
                                               "authorization",
                                               "cache-control",
                                               "connection",
                                               "content-length",
                                               "expect",
                                               "from",
                                               "keep-alive",
                                               "max-forwards",
                                               "pragma",
                                               "referer",
                                               "te",
                                               "trailer",
                                               "transfer-encoding",
                                               "upgrade",
                                               "user-agent",
                                               "x-amzn-trace-id"};
  return std::find(std::begin(names), std::end(names), lower_name) != std::end(names) ||
         lower_name.starts_with("proxy-") || lower_name.starts_with("sec-");
}

// Edge blanks off, runs of blanks as one.
std::string trimmed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c != ' ' && c != '\t') {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

struct CanonicalHeaders {
  std::string lines;  // "name:value\n" each
  std::string names;  // joined by ;
};

CanonicalHeaders canonical(const Headers& headers) {
  Headers sorted;
  for (const auto& [name, value] : headers) {
    std::string lower_name = base::ascii_lower(name);
    if (!is_unsigned_header(lower_name)) sorted.emplace_back(std::move(lower_name), trimmed(value));
  }
  // Values of one name stay in their order.
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  CanonicalHeaders out;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i].first == sorted[i - 1].first) {
      out.lines.back() = ',';
    } else {
      if (!out.names.empty()) out.names += ';';
      out.names += sorted[i].first;
      out.lines += sorted[i].first + ':';
    }
    out.lines += sorted[i].second + '\n';
  }
  return out;
}

// 20150830T123600Z; empty beyond the years of four digits.
std::string amz_date(std::int64_t now_ms) {
  constexpr std::int64_t year_10000_ms = 253'402'300'800'000;
  if (now_ms < 0 || now_ms >= year_10000_ms) return {};
  const std::chrono::sys_seconds now{std::chrono::seconds(now_ms / 1000)};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

// These stand in the credential scope, whose parts are separated by slashes.
std::optional<Error> check_scope_part(std::string_view field, std::string_view value) {
  if (value.empty()) return wrong("aws_sigv4: " + std::string(field) + " is empty");
  for (const char c : value) {
    const bool fits =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    if (!fits) {
      return wrong("aws_sigv4: " + std::string(field) + " has a character other than letters, digits and -_.");
    }
  }
  return std::nullopt;
}

std::optional<Error> check_secret(std::string_view field, std::string_view value) {
  if (value.empty()) return wrong(std::string(field) + " is empty");
  // A line break at the end is what a secret read from a file has.
  if (static_cast<unsigned char>(value.front()) <= ' ' || static_cast<unsigned char>(value.back()) <= ' ') {
    return wrong(std::string(field) + " begins or ends with a blank or a line break; trim it");
  }
  return std::nullopt;
}

std::optional<Error> check_credentials(const AwsCredentials& credentials) {
  if (auto error = check_scope_part("access_key_id", credentials.access_key_id)) return error;
  if (auto error = check_secret("aws_sigv4: secret_access_key", credentials.secret_access_key)) return error;
  if (auto error = check_scope_part("region", credentials.region)) return error;
  return check_scope_part("service", credentials.service);
}

bool is_s3(std::string_view service) noexcept {
  return service == "s3" || service == "s3express" || service == "s3-object-lambda" || service == "s3-outposts";
}

constexpr const char* no_digest = "this libcrypto refuses the algorithm";

}  // namespace

std::optional<Error> set_bearer(HttpRequest& request, std::string_view token, const Limits& limits) {
  if (auto error = check_secret("bearer: the token", token)) return error;
  if (!std::all_of(token.begin(), token.end(), is_visible)) {
    return wrong("bearer: the token has a blank or a character that is not visible ASCII; give it without \"Bearer\"");
  }
  return add_header(request, "Authorization", "Bearer " + std::string(token), limits);
}

std::optional<Error> set_basic(HttpRequest& request, std::string_view user, std::string_view password,
                               const Limits& limits) {
  if (user.empty() && password.empty()) return wrong("basic: user and password are empty");
  if (user.find(':') != std::string_view::npos) {
    return wrong("basic: the user has a colon, which would end it; nothing can escape it");
  }
  for (const auto& [what, text] : {std::pair{"user", user}, std::pair{"password", password}}) {
    if (!base::is_utf8(text)) return wrong("basic: the " + std::string(what) + " is not UTF-8");
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) return wrong("basic: the " + std::string(what) + " has a control character");
    }
  }
  std::string pair(user);
  pair += ':';
  pair += password;
  std::string value = "Basic ";
  base::append_base64(value, pair);
  return add_header(request, "Authorization", std::move(value), limits);
}

std::optional<Error> set_api_key(HttpRequest& request, std::string_view name, std::string_view value, ApiKeyPlace place,
                                 const Limits& limits) {
  if (name.empty()) return wrong("api_key: the name is empty");
  if (auto error = check_secret("api_key: the value", value)) return error;
  if (place == ApiKeyPlace::header) return add_header(request, std::string(name), std::string(value), limits);
  auto url = parse_url(request.url);
  if (!url) return std::move(url).error();
  const std::string_view query = query_of(*url);
  for (const std::string_view part : split_query(query)) {
    if (!query.empty() && percent_decoded(part.substr(0, part.find('=')), true) == name) {
      return wrong("api_key: the query has this parameter already; leave it out there or leave out auth");
    }
  }
  if (url->target.find('?') == std::string::npos) {
    url->target += '?';
  } else if (!query.empty() && !query.ends_with('&')) {
    url->target += '&';
  }
  append_percent_encoded(url->target, name);
  url->target += '=';
  append_percent_encoded(url->target, value);
  std::string text = url->text();
  if (text.size() > static_cast<std::size_t>(std::max<std::int64_t>(limits.url_bytes, 0))) {
    return make_error(error_type::limit, "auth: api_key: the URL becomes longer than url_bytes, " +
                                             std::to_string(limits.url_bytes) + " bytes");
  }
  request.url = std::move(text);
  return std::nullopt;
}

std::optional<Error> sign_hmac(HttpRequest& request, const HmacSigning& signing, std::int64_t now_ms,
                               const Limits& limits) {
  if (signing.secret.empty()) return wrong("hmac: the secret is empty");
  const bool with_time = signing.payload == HmacSigning::Payload::request;
  std::string timestamp;
  std::string message;
  if (with_time) {
    if (now_ms < 0) return wrong("hmac: the time is before 1970");
    timestamp = std::to_string(now_ms / 1000);
    const auto url = parse_url(request.url);
    if (!url) return url.error();
    auto parts = split_query(query_of(*url));
    std::sort(parts.begin(), parts.end());
    message = request.method + '\n' + std::string(path_of(*url)) + '\n';
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) message += '&';
      message += parts[i];
    }
    message += '\n' + timestamp + '\n' + base::to_hex(base::digest(Digest::sha256, request.body));
  }
  const Digest algorithm = signing.algorithm == HmacSigning::Algorithm::sha256   ? Digest::sha256
                           : signing.algorithm == HmacSigning::Algorithm::sha512 ? Digest::sha512
                                                                                 : Digest::sha1;
  const std::string mac = base::hmac(algorithm, signing.secret, with_time ? message : request.body);
  if (mac.empty()) return wrong(std::string("hmac: ") + no_digest);
  std::string signature = signing.prefix;
  if (signing.encoding == HmacSigning::Encoding::hex) {
    signature += base::to_hex(mac);
  } else {
    base::append_base64(signature, mac);
  }
  const std::size_t before = request.headers.size();
  std::optional<Error> error;
  if (with_time) error = add_header(request, signing.timestamp_header, std::move(timestamp), limits);
  if (!error && !signing.key_id.empty()) error = add_header(request, signing.key_id_header, signing.key_id, limits);
  if (!error) error = add_header(request, signing.header, std::move(signature), limits);
  if (error) request.headers.resize(before);
  return error;
}

std::string aws_canonical_path(std::string_view sent_path, bool is_s3) {
  if (sent_path.empty()) sent_path = "/";
  std::string out;
  if (is_s3) {
    for (std::size_t begin = 0;;) {
      const std::size_t end = sent_path.find('/', begin);
      append_percent_encoded(out, percent_decoded(sent_path.substr(begin, end - begin), false));
      if (end == std::string_view::npos) return out;
      out += '/';
      begin = end + 1;
    }
  }
  std::vector<std::string_view> segments;
  for (std::size_t begin = 1; begin <= sent_path.size();) {
    const std::size_t end = std::min(sent_path.find('/', begin), sent_path.size());
    const std::string_view segment = sent_path.substr(begin, end - begin);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    begin = end + 1;
  }
  for (const std::string_view segment : segments) {
    out += '/';
    append_percent_encoded(out, segment);
  }
  if (segments.empty() || sent_path.ends_with('/')) out += '/';
  return out;
}

std::string aws_canonical_query(std::string_view sent_query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const std::string_view part : split_query(sent_query)) {
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    auto& [name, value] = parameters.emplace_back();
    append_percent_encoded(name, percent_decoded(part.substr(0, equals), true));
    append_percent_encoded(value, percent_decoded(part.substr(std::min(equals + 1, part.size())), true));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::optional<Error> sign_aws_sigv4(HttpRequest& request, const AwsCredentials& credentials, std::int64_t now_ms,
                                    const Limits& limits) {
  if (auto error = check_credentials(credentials)) return error;
  const auto url = parse_url(request.url);
  if (!url) return url.error();
  const std::string date = amz_date(now_ms);
  if (date.empty()) return wrong("aws_sigv4: the time is not within the years 1970 to 9999");
  const std::string scope = date.substr(0, 8) + '/' + credentials.region + '/' + credentials.service + "/aws4_request";

  std::string payload_hash;
  const std::string* const given_hash = find_header(request.headers, "X-Amz-Content-Sha256");
  payload_hash = given_hash != nullptr ? *given_hash : base::to_hex(base::digest(Digest::sha256, request.body));

  const std::size_t before = request.headers.size();
  std::optional<Error> error = add_header(request, "X-Amz-Date", date, limits);
  if (!error && !credentials.session_token.empty()) {
    error = add_header(request, "X-Amz-Security-Token", credentials.session_token, limits);
  }
  if (!error && is_s3(credentials.service) && given_hash == nullptr) {
    error = add_header(request, "X-Amz-Content-Sha256", payload_hash, limits);
  }
  if (!error) {
    Headers headers = request.headers;
    if (find_header(headers, "Host") == nullptr)
      headers.emplace_back("host", url->origin().substr(url->scheme.size() + 3));
    const CanonicalHeaders signed_headers = canonical(headers);
    const std::string canonical_request = request.method + '\n' +
                                          aws_canonical_path(path_of(*url), is_s3(credentials.service)) + '\n' +
                                          aws_canonical_query(query_of(*url)) + '\n' + signed_headers.lines + '\n' +
                                          signed_headers.names + '\n' + payload_hash;
    const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + '\n' + scope + '\n' +
                                base::to_hex(base::digest(Digest::sha256, canonical_request));
    std::string key = base::hmac(Digest::sha256, "AWS4" + credentials.secret_access_key, date.substr(0, 8));
    key = base::hmac(Digest::sha256, key, credentials.region);
    key = base::hmac(Digest::sha256, key, credentials.service);
    key = base::hmac(Digest::sha256, key, "aws4_request");
    const std::string signature = base::to_hex(base::hmac(Digest::sha256, key, to_sign));
    error = signature.empty() ? wrong(std::string("aws_sigv4: ") + no_digest)
                              : add_header(request, "Authorization",
                                           "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + '/' + scope +
                                               ", SignedHeaders=" + signed_headers.names + ", Signature=" + signature,
                                           limits);
  }
  if (error) request.headers.resize(before);
  return error;
}

}  // namespace fnstack::steps
