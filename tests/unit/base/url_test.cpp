#include "base/url.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"

using fnstack::parse_url;
using fnstack::resolve_url;
using fnstack::Result;
using fnstack::Url;

namespace {

std::string shown(const Result<Url>& url) {
  return url.ok() ? url->text() : url.error().type + ": " + url.error().message;
}
std::string parsed(std::string_view text) { return shown(parse_url(text)); }
std::string resolved(std::string_view base, std::string_view reference) {
  const Result<Url> from = parse_url(base);
  REQUIRE(from.ok());
  return shown(resolve_url(*from, reference));
}

const std::string not_absolute =
    "validation: invalid URL: it is not absolute; expected http:// or https:// at its start";
const std::string no_slashes = "validation: invalid URL: expected // after the scheme";
const std::string no_host = "validation: invalid URL: it has no host";
const std::string ambiguous =
    "validation: invalid URL: its host is an ambiguous number; write an IPv4 address as four decimal numbers from 0 to "
    "255";
const std::string host_character =
    "validation: invalid URL: its host has a character other than letters, digits, dots and hyphens";
const std::string no_ipv6 = "validation: invalid URL: what stands in brackets is no IPv6 address";
const std::string dots = "validation: invalid URL: its path has a segment . or .. (%2e counts as a dot)";
const std::string port = "validation: invalid URL: its port is no integer from 1 to 65535";
const std::string user_info =
    "validation: invalid URL: it has user info (an @ in front of the host); give credentials by a header or by auth";
const std::string control = "validation: invalid URL: it has a control character";
const std::string blank = "validation: invalid URL: it has a blank; write %20";
const std::string backslash = "validation: invalid URL: it has a backslash; write / or %5C";
const std::string percent =
    "validation: invalid URL: a % is not followed by two hexadecimal digits; write %25 for a percent sign";
const std::string not_ascii =
    "validation: invalid URL: it has a character that is not ASCII; percent-encode it (a host: write it in Punycode)";
const std::string empty_label = "validation: invalid URL: its host has an empty label (a dot too many)";
const std::string hyphen = "validation: invalid URL: a label of its host begins or ends with a hyphen";

}  // namespace

TEST_CASE("a URL is taken apart") {
  const Result<Url> url = parse_url("https://api.example.com:8443/v1/x?a=b%20c&d=%2F#top");
  REQUIRE(url.ok());
  CHECK(url->scheme == "https");
  CHECK(url->host == "api.example.com");
  CHECK(url->port == 8443);
  CHECK(url->target == "/v1/x?a=b%20c&d=%2F");
  CHECK(url->origin() == "https://api.example.com:8443");
  CHECK(url->text() == "https://api.example.com:8443/v1/x?a=b%20c&d=%2F");
}

TEST_CASE("only scheme, host, default port, fragment and empty path change") {
  CHECK(parsed("HTTPS://API.Example.COM:443/a#frag") == "https://api.example.com/a");
  CHECK(parsed("http://h.example:80/") == "http://h.example/");
  CHECK(parsed("http://h.example:443/") == "http://h.example:443/");
  CHECK(parsed("https://h.example:80/") == "https://h.example:80/");
  CHECK(parsed("https://h.example") == "https://h.example/");
  CHECK(parsed("https://h.example?q=1") == "https://h.example/?q=1");
  CHECK(parsed("https://h.example#x") == "https://h.example/");
  CHECK(parsed("https://h.example/#?x") == "https://h.example/");
  CHECK(parsed("https://h.example/A//B/;x=1/%7e%7E?") == "https://h.example/A//B/;x=1/%7e%7E?");
  CHECK(parsed("https://h.example/a@b:c?d@e=/../") == "https://h.example/a@b:c?d@e=/../");
  CHECK(parsed("https://h.example/x?filter[a]=1|2&b='") == "https://h.example/x?filter[a]=1|2&b='");
  CHECK(parsed("https://h.example/...") == "https://h.example/...");
  CHECK(parsed("https://h.example/.a/..b/a.") == "https://h.example/.a/..b/a.");
}

TEST_CASE("hosts: names and addresses") {
  CHECK(parsed("http://localhost:3000/") == "http://localhost:3000/");
  CHECK(parsed("http://my_service/") == "http://my_service/");
  CHECK(parsed("http://xn--mnchen-3ya.example/") == "http://xn--mnchen-3ya.example/");
  CHECK(parsed("http://1password.example/") == "http://1password.example/");
  CHECK(parsed("http://169.254.169.254/latest/") == "http://169.254.169.254/latest/");
  CHECK(parsed("http://0.0.0.0/") == "http://0.0.0.0/");
  CHECK(parsed("http://1.2.3.4.example/") == "http://1.2.3.4.example/");
  CHECK(parsed("http://[::1]/") == "http://[::1]/");
  CHECK(parsed("http://[::]/") == "http://[::]/");
  CHECK(parsed("http://[FD00:EC2::254]:8080/x") == "http://[fd00:ec2::254]:8080/x");
  CHECK(parsed("http://[::ffff:127.0.0.1]/") == "http://[::ffff:127.0.0.1]/");
  CHECK(parsed("http://[64:ff9b::7f00:1]/") == "http://[64:ff9b::7f00:1]/");
  CHECK(parsed("http://[1:2:3:4:5:6:7:8]/") == "http://[1:2:3:4:5:6:7:8]/");
  CHECK(parsed("http://[1:2:3:4:5:6:7::]/") == "http://[1:2:3:4:5:6:7::]/");
  CHECK(parsed("http://[1:2:3:4:5:6:1.2.3.4]/") == "http://[1:2:3:4:5:6:1.2.3.4]/");

  CHECK(parsed("http:///x") == no_host);
  CHECK(parsed("http://") == no_host);
  CHECK(parsed("http://:80/") == no_host);
  CHECK(parsed("http://?x") == no_host);
  CHECK(parsed("http://#x") == no_host);
  for (const char* text : {"http://2130706433/", "http://0x7f000001/", "http://0177.1/", "http://127.1/", "http://0/",
                           "http://0x/", "http://0X7F.0.0.1/", "http://127.0.0.01/", "http://127.0.0.256/",
                           "http://1.2.3.4.5/", "http://127.0.0.0x1/", "http://a.1/", "http://0177.0.0.1/"}) {
    INFO(text);
    CHECK(parsed(text) == ambiguous);
  }
  CHECK(parsed("http://127.0.0.1./") == empty_label);
  CHECK(parsed("http://a..b/") == empty_label);
  CHECK(parsed("http://.a/") == empty_label);
  CHECK(parsed("http://-a.example/") == hyphen);
  CHECK(parsed("http://a-.example/") == hyphen);
  CHECK(parsed("http://" + std::string(63, 'a') + "/") == "http://" + std::string(63, 'a') + "/");
  CHECK(parsed("http://" + std::string(64, 'a') + "/") ==
        "validation: invalid URL: its host has a label longer than 63 characters");
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  CHECK(parsed("http://" + longest + "a/") == "http://" + longest + "a/");
  CHECK(parsed("http://" + longest + "aa/") == "validation: invalid URL: its host is longer than 253 characters");
  CHECK(parsed("http://a%2eb/") == host_character);
  CHECK(parsed("http://a,b/") == host_character);
  CHECK(parsed("http://a]b/") == host_character);
  for (const char* text :
       {"http://[::1/", "http://[]/", "http://[:]/", "http://[:::]/", "http://[1::2::3]/", "http://[::1%25eth0]/",
        "http://[1:2:3:4:5:6:7]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[1:2:3:4:5:6:7:8::]/", "http://[12345::]/",
        "http://[::1.2.3]/", "http://[::1.2.3.04]/", "http://[1:2:3:4:5:6:7:1.2.3.4]/", "http://[v1.a]/",
        "http://[::1]a/", "http://[1:]/", "http://[:1]/", "http://[g::]/"}) {
    INFO(text);
    CHECK(parsed(text) == no_ipv6);
  }
}

TEST_CASE("ports") {
  CHECK(parsed("http://h:1/") == "http://h:1/");
  CHECK(parsed("http://h:65535/") == "http://h:65535/");
  for (const char* text : {"http://h:/", "http://h:0/", "http://h:65536/", "http://h:080/", "http://h:+80/",
                           "http://h:8a/", "http://h:80:80/", "http://h:99999999999/", "http://[::1]:/"}) {
    INFO(text);
    CHECK(parsed(text) == port);
  }
}

TEST_CASE("schemes: others are blocked, a missing one is named") {
  const std::string only = " is refused; only http and https are allowed";
  CHECK(parsed("ftp://h/x") == "blocked: the scheme of the URL (ftp)" + only);
  CHECK(parsed("FILE:///etc/passwd") == "blocked: the scheme of the URL (file)" + only);
  CHECK(parsed("file:/etc/passwd") == "blocked: the scheme of the URL (file)" + only);
  CHECK(parsed("gopher://h/_x") == "blocked: the scheme of the URL (gopher)" + only);
  CHECK(parsed("javascript:alert(1)") == "blocked: the scheme of the URL (javascript)" + only);
  CHECK(parsed("data:text/plain,x") == "blocked: the scheme of the URL (data)" + only);
  CHECK(parsed("s3cret://h/") == "blocked: the scheme of the URL" + only);  // a piece of a secret is not repeated
  CHECK(parsed("httpx://h/") == "blocked: the scheme of the URL" + only);
  CHECK(parsed("") == "validation: invalid URL: it is empty");
  CHECK(parsed("api.example.com/x") == not_absolute);
  CHECK(parsed("localhost:8080/x") == not_absolute);
  CHECK(parsed("//h/x") == not_absolute);
  CHECK(parsed("/x") == not_absolute);
  CHECK(parsed(" https://h/") == not_absolute);
  CHECK(parsed("://h/") == not_absolute);
  CHECK(parsed("http:/127.0.0.1/x") == no_slashes);
  CHECK(parsed("http:h/x") == no_slashes);
  CHECK(parsed("https:") == no_slashes);
  CHECK(parsed("http:\\\\h\\x") == backslash);
}

TEST_CASE("what may stand nowhere") {
  CHECK(parsed("https://h.example/a b") == blank);
  CHECK(parsed("https://h.example/ ") == blank);
  CHECK(parsed("https://h.example/\r\nX-A: b") == control);
  CHECK(parsed(std::string_view("https://h.example/\0x", 20)) == control);
  CHECK(parsed("https://h.example/\t") == control);
  CHECK(parsed("https://h.example/\x7f") == control);
  CHECK(parsed("https://h.example/#a\nb") == control);
  CHECK(parsed("https://h.example/\xc3\xa9") == not_ascii);
  CHECK(parsed("https://h.example/?q=\xc3\xa9") == not_ascii);
  CHECK(parsed("http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/") == not_ascii);
  CHECK(parsed("http://h1\\@h2/") == backslash);
  CHECK(parsed("http://h/..\\x") == backslash);
  CHECK(parsed("https://h.example/%zz") == percent);
  CHECK(parsed("https://h.example/%2") == percent);
  CHECK(parsed("https://h.example/?a=%") == percent);
  CHECK(parsed("https://user:pass@h/") == user_info);
  CHECK(parsed("https://@h/") == user_info);
  CHECK(parsed("https://h1@h2@h3/") == user_info);
  for (const char* path : {"/a/../admin", "/.", "/..", "/./", "/a/.", "/a/..", "/%2e/x", "/%2E%2e/x", "/.%2e", "/%2e.",
                           "/a/%2E", "/../?q"}) {
    INFO(path);
    CHECK(parsed(std::string("https://h.example") + path) == dots);
  }
}

TEST_CASE("redirect targets are resolved (RFC 3986 section 5.4)") {
  const char* base = "http://a/b/c/d;p?q";
  CHECK(resolved(base, "g") == "http://a/b/c/g");
  CHECK(resolved(base, "./g") == "http://a/b/c/g");
  CHECK(resolved(base, "g/") == "http://a/b/c/g/");
  CHECK(resolved(base, "/g") == "http://a/g");
  CHECK(resolved(base, "//g") == "http://g/");
  CHECK(resolved(base, "?y") == "http://a/b/c/d;p?y");
  CHECK(resolved(base, "g?y") == "http://a/b/c/g?y");
  CHECK(resolved(base, "#s") == "http://a/b/c/d;p?q");
  CHECK(resolved(base, "g#s") == "http://a/b/c/g");
  CHECK(resolved(base, ";x") == "http://a/b/c/;x");
  CHECK(resolved(base, "") == "http://a/b/c/d;p?q");
  CHECK(resolved(base, ".") == "http://a/b/c/");
  CHECK(resolved(base, "./") == "http://a/b/c/");
  CHECK(resolved(base, "..") == "http://a/b/");
  CHECK(resolved(base, "../") == "http://a/b/");
  CHECK(resolved(base, "../g") == "http://a/b/g");
  CHECK(resolved(base, "../..") == "http://a/");
  CHECK(resolved(base, "../../../../g") == "http://a/g");
  CHECK(resolved(base, "/./g") == "http://a/g");
  CHECK(resolved(base, "/../g") == "http://a/g");
  CHECK(resolved(base, "g.") == "http://a/b/c/g.");
  CHECK(resolved(base, "..g") == "http://a/b/c/..g");
  CHECK(resolved(base, "./../g") == "http://a/b/g");
  CHECK(resolved(base, "g/./h") == "http://a/b/c/g/h");
  CHECK(resolved(base, "g/../h") == "http://a/b/c/h");
  CHECK(resolved(base, "%2e%2E/g") == "http://a/b/g");
  CHECK(resolved(base, "g?y/../x") == "http://a/b/c/g?y/../x");
  CHECK(resolved(base, "https://H.example:443/a/../b#f") == "https://h.example/b");
  CHECK(resolved("https://h:8443/x?secret=1", "y") == "https://h:8443/y");
  CHECK(resolved("http://h", "y") == "http://h/y");
}

TEST_CASE("redirect targets are as strict as URLs") {
  const char* base = "https://a.example/b";
  CHECK(resolved(base, "file:///etc/passwd") ==
        "blocked: the scheme of the URL (file) is refused; only http and https are allowed");
  CHECK(resolved(base, "javascript:x") ==
        "blocked: the scheme of the URL (javascript) is refused; only http and https are allowed");
  CHECK(resolved(base, "g:h") == "blocked: the scheme of the URL is refused; only http and https are allowed");
  CHECK(resolved(base, "http:g") == no_slashes);
  CHECK(resolved(base, "//user@h/") == user_info);
  CHECK(resolved(base, "//127.1/") == ambiguous);
  CHECK(resolved(base, "//h:0/") == port);
  CHECK(resolved(base, "///x") == no_host);
  CHECK(resolved(base, "/\\evil.example") == backslash);
  CHECK(resolved(base, "/a b") == blank);
  CHECK(resolved(base, "/a\r\nb") == control);
  CHECK(resolved(base, "/\xc3\xa9") == not_ascii);
  CHECK(resolved(base, "/%") == percent);
}

TEST_CASE("origins are compared by scheme, host and port") {
  const auto same = [](const char* left, const char* right) { return parse_url(left)->same_origin(*parse_url(right)); };
  CHECK(same("https://H.example/a", "https://h.example:443/b"));
  CHECK_FALSE(same("https://h.example/", "http://h.example/"));
  CHECK_FALSE(same("https://h.example/", "https://h.example:8443/"));
  CHECK_FALSE(same("https://h.example/", "https://a.h.example/"));
}

TEST_CASE("dot segments") {
  for (const char* text : {".", "..", "%2e", "%2E", ".%2e", "%2e.", "%2E%2e"}) {
    INFO(text);
    CHECK(fnstack::is_dot_segment(text));
  }
  for (const char* text : {"", "...", "a", ".a", "a.", "%2", "%2f", "..%2e", "%252e"}) {
    INFO(text);
    CHECK_FALSE(fnstack::is_dot_segment(text));
  }
}

TEST_CASE("encoders") {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  std::string out = "x=";
  fnstack::append_percent_encoded(out, "a&b=c d+e#f/\xc3\xa9-._~*");
  CHECK(out == "x=a%26b%3Dc%20d%2Be%23f%2F%C3%A9-._~%2A");
  out.clear();
  fnstack::append_form_encoded(out, "a&b=c d+e#f/\xc3\xa9-._~*\r\n");
  CHECK(out == "a%26b%3Dc+d%2Be%23f%2F%C3%A9-._%7E*%0D%0A");
  out.clear();
  fnstack::append_percent_encoded(out, every);
  CHECK(out.size() == 66 + (256 - 66) * 3);
  out.clear();
  fnstack::append_form_encoded(out, every);
  CHECK(out.size() == 66 + 1 + (256 - 67) * 3);
  out.clear();
  fnstack::append_percent_encoded(out, "");
  CHECK(out.empty());
}
