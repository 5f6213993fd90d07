#include "backends/curl_transfer.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <system_error>

namespace fnstack::backends {
namespace {

constexpr std::string_view known_methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
constexpr std::string_view framing_headers[] = {
    "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "keep-alive"};

bool is_known_method(std::string_view method) {
  return std::find(std::begin(known_methods), std::end(known_methods), method) != std::end(known_methods);
}

bool is_framing_header(std::string_view name) {
  return std::any_of(std::begin(framing_headers), std::end(framing_headers),
                     [&](std::string_view entry) { return same_word(name, entry); }) ||
         (name.size() >= 6 && same_word(name.substr(0, 6), "proxy-"));
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string lower_first(std::string text) {
  // "SSL certificate problem" keeps its capitals.
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z')) {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string system_text(int error_number) { return lower_first(std::generic_category().message(error_number)); }

bool is_tls_code(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
      return true;
    default:
      return false;
  }
}

std::int64_t ms_between(SteadyTime from, SteadyTime to) {
  return std::chrono::ceil<std::chrono::milliseconds>(to - from).count();
}

}  // namespace

// What libcurl calls. No exception may pass through C: out of memory ends the transfer.
struct Transfer::Callbacks {
  static Transfer& of(void* data) { return *static_cast<Transfer*>(data); }

  static std::size_t refuse(Transfer& transfer, Error error) {
    transfer.refused_ = std::make_unique<Error>(std::move(error));
    return 0;
  }

  static std::size_t header(char* data, std::size_t size, std::size_t count, void* user) {
    try {
      if (auto error = of(user).reader().header_line({data, size * count})) return refuse(of(user), std::move(*error));
      return size * count;
    } catch (...) {
      return 0;
    }
  }

  static std::size_t write(char* data, std::size_t size, std::size_t count, void* user) {
    try {
      if (auto error = of(user).reader().body({data, size * count})) return refuse(of(user), std::move(*error));
      return size * count;
    } catch (...) {
      return 0;
    }
  }

  static curl_socket_t open(void* user, curlsocktype, curl_sockaddr* address) {
    Transfer& transfer = of(user);
    try {
      if (transfer.guarded_) {
        const std::optional<IpAddress> ip = to_ip(&address->addr);
        std::optional<std::string> reason = "it has an address that is neither IPv4 nor IPv6";
        if (ip) reason = transfer.policy_->guard.check(transfer.hop_.url.host, transfer.hop_.url.port, *ip);
        if (reason) {
          transfer.blocked_ = base::Box(std::move(*reason));
          return CURL_SOCKET_BAD;
        }
      }
      const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
      if (fd < 0) {
        refuse(transfer, make_error(error_type::network, "could not open a socket: " + system_text(errno)));
        return CURL_SOCKET_BAD;
      }
      ++transfer.sockets_;
      transfer.keeper_->opened(fd);
      return fd;
    } catch (...) {
      return CURL_SOCKET_BAD;
    }
  }

  static int close(void* keeper, curl_socket_t fd) {
    static_cast<SocketKeeper*>(keeper)->closing(fd);
    return ::close(fd);
  }

  // On every attempt, also over a kept connection, which open() never sees (SAFETY 1.6).
  static int before_request(void* user, char* remote_ip, char*, int, int) {
    Transfer& transfer = of(user);
    try {
      if (++transfer.attempts_ > 1 && !is_safe_method(transfer.hop_.method)) {
        refuse(transfer, make_error(error_type::network, "the kept connection broke before the answer; a " +
                                                             transfer.hop_.method + " is not sent again by itself"));
        return CURL_PREREQFUNC_ABORT;
      }
      if (!transfer.guarded_) return CURL_PREREQFUNC_OK;
      const std::optional<IpAddress> ip = parse_ip(remote_ip);
      std::optional<std::string> reason = "the address of the connection is unknown";
      if (ip) reason = transfer.policy_->guard.check(transfer.hop_.url.host, transfer.hop_.url.port, *ip);
      if (!reason) return CURL_PREREQFUNC_OK;
      refuse(transfer, make_error(error_type::blocked, std::move(*reason)));
    } catch (...) {
    }
    return CURL_PREREQFUNC_ABORT;
  }
};

Transfer::Transfer(HttpRequest request, const Call& call, Reply<HttpResponse> reply)
    : request_(std::move(request)),
      stop_(call.stop),
      reply_(std::move(reply)),
      started_(std::chrono::steady_clock::now()) {
  // A day bounds what nobody bounds, and keeps the sum in range.
  const std::int64_t timeout_ms = std::clamp<std::int64_t>(request_.timeout_ms, 0, 86'400'000);
  deadline_ = std::min(call.deadline, started_ + std::chrono::milliseconds(timeout_ms));
}

std::optional<Error> Transfer::begin(const CurlPolicy& policy) {
  if (!is_known_method(request_.method)) {
    request_.method = "request";
    return located(
        make_error(error_type::validation, "unknown method; expected GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"));
  }
  Result<Url> url = parse_url(request_.url);
  if (!url) return located(std::move(url).error());
  if (request_.shown_url.empty()) request_.shown_url = url->origin();
  Result<const CurlConnection*> connection = policy.connection_of(request_.connection);
  if (!connection) return located(std::move(connection).error());
  connection_ = *connection;
  if (auto error = check_headers()) return error;
  if (request_.method == "HEAD" && request_.has_body) {
    return located(make_error(error_type::validation, "a HEAD request can't have a body"));
  }
  hop_ = Hop{request_.method, std::move(url).value(), std::move(request_.headers), request_.has_body};
  std::string().swap(request_.url);
  return std::nullopt;
}

ResponseReader& Transfer::reader() {
  if (!reader_) {
    ResponseReader::Bounds bounds;
    bounds.headers = request_.max_response_headers;
    bounds.header_bytes = request_.max_response_header_bytes;
    bounds.body_bytes = request_.max_response_bytes;
    bounds.body_expected = hop_.method != "HEAD";
    reader_ = std::make_unique<ResponseReader>();
    reader_->start(bounds);
  }
  return *reader_;
}

std::optional<Error> Transfer::check_headers() const {
  for (const auto& [name, value] : request_.headers) {
    if (!is_header_name(name)) {
      return located(
          make_error(error_type::validation, "a header's name is empty or has a character that names can't have"));
    }
    if (is_framing_header(name)) {
      return located(
          make_error(error_type::validation, "header \"" + name + "\" can't be set: it belongs to the connection"));
    }
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return located(
          make_error(error_type::validation, "header \"" + name + "\" has a line break or a NUL in its value"));
    }
  }
  return std::nullopt;
}

// libcurl keeps the list as it is given, so it is put together here: one text, and the links pointing into it.
curl_slist* Transfer::build_headers(const CurlPolicy& policy, bool rewritten, bool posts) {
  header_text_.clear();
  header_list_.clear();
  std::size_t starts = 0;
  const auto add = [&](std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) header_text_ += part;
    header_text_ += '\0';
    ++starts;
  };
  // What may come below, each with a colon, a blank and its end.
  std::size_t size = std::string_view("Accept-Encoding: gzip, deflate User-Agent:  ").size() +
                     policy.options.user_agent.size() +
                     (posts ? std::string_view("Content-Type: Expect: ").size() : 0) +
                     (rewritten ? std::string_view("Host: :65535 ").size() + hop_.url.host.size() : 0);
  for (const auto& [name, value] : hop_.headers) size += name.size() + value.size() + 3;
  header_text_.reserve(size);
  bool has_type = false;
  bool has_encoding = false;
  bool has_agent = false;
  for (const auto& [name, value] : hop_.headers) {
    has_type = has_type || same_word(name, "content-type");
    has_encoding = has_encoding || same_word(name, "accept-encoding");
    has_agent = has_agent || same_word(name, "user-agent");
    // "X-E:" would drop a header, "X-E;" sends it empty (SAFETY 1.8).
    const bool blank = value.find_first_not_of(" \t") == std::string::npos;
    if (blank)
      add({name, ";"});
    else
      add({name, ": ", value});
  }
  if (posts && !has_type) add({"Content-Type:"});  // or libcurl would say it is a form (SAFETY 1.17)
  if (!has_encoding) add({"Accept-Encoding: gzip, deflate"});
  if (!has_agent && !policy.options.user_agent.empty()) add({"User-Agent: ", policy.options.user_agent});
  if (posts) add({"Expect:"});  // libcurl asks before it sends a large body
  if (rewritten) {
    const std::string origin = hop_.url.origin();
    add({"Host: ", std::string_view(origin).substr(origin.find("//") + 2)});
  }
  header_list_.resize(starts);
  char* line = header_text_.data();
  for (std::size_t i = 0; i < starts; ++i) {
    header_list_[i] = {line, i + 1 < starts ? &header_list_[i + 1] : nullptr};
    line += std::strlen(line) + 1;
  }
  return starts == 0 ? nullptr : header_list_.data();
}

std::optional<Error> Transfer::prepare(CURL* handle, const CurlPolicy& policy, SocketKeeper& keeper) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now >= deadline_) return timed_out();
  policy_ = &policy;
  keeper_ = &keeper;
  attempts_ = 0;
  sockets_ = 0;
  refused_.reset();
  blocked_.reset();
  reader_.reset();

  const CurlOptions& options = policy.options;
  const Url* rewrite = policy.rewrite_of(hop_.url);
  const CurlConnection& connection = *connection_;
  const bool proxied = !connection.proxy.empty() && rewrite == nullptr;
  guarded_ = rewrite == nullptr && !proxied;
  if (proxied) {
    if (auto reason = policy.guard.check_name(hop_.url.host, hop_.url.port)) {
      return located(make_error(error_type::blocked, std::move(*reason)));
    }
  }
  const bool safe = is_safe_method(hop_.method);
  const bool length_expected = hop_.method == "POST" || hop_.method == "PUT" || hop_.method == "PATCH";
  const bool posts = hop_.has_body || length_expected;

  bool ok = true;
  const auto set = [&](CURLoption option, auto value) {
    ok = ok && curl_easy_setopt(handle, option, value) == CURLE_OK;
  };
  const std::string url = rewrite == nullptr ? hop_.url.text() : rewrite->origin() + hop_.url.target;
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOPROGRESS, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // a name server that hangs must not hold up the loop when a transfer is given up
  set(CURLOPT_PROXY, proxied ? connection.proxy.c_str() : "");
  set(CURLOPT_NOPROXY, proxied ? "" : "*");
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_PRIVATE, static_cast<void*>(this));

  const std::int64_t left = std::max<std::int64_t>(ms_between(now, deadline_), 1);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(left));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(left, options.connect_timeout_ms)));

  if (proxied || url.starts_with("https:")) {
    if (!detail_) detail_ = std::make_unique<char[]>(CURL_ERROR_SIZE);
    detail_[0] = '\0';
    set(CURLOPT_ERRORBUFFER, detail_.get());
    const bool verify = request_.verify_tls || !connection.allow_insecure_tls;
    set(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    if (!connection.ca_file.empty()) set(CURLOPT_CAINFO, connection.ca_file.c_str());
    if (!connection.client_certificate.empty()) set(CURLOPT_SSLCERT, connection.client_certificate.c_str());
    if (!connection.client_key.empty()) set(CURLOPT_SSLKEY, connection.client_key.c_str());
    if (!connection.client_key_password.empty()) set(CURLOPT_KEYPASSWD, connection.client_key_password.c_str());
  }

  set(CURLOPT_HTTPHEADER, build_headers(policy, rewrite != nullptr, posts));
  set(CURLOPT_HEADERFUNCTION, &Callbacks::header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Callbacks::write);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_CLOSESOCKETFUNCTION, &Callbacks::close);
  set(CURLOPT_CLOSESOCKETDATA, static_cast<void*>(&keeper));
  set(CURLOPT_PREREQFUNCTION, &Callbacks::before_request);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));

  // A body is given whole. That it is not sent a second time is seen to before each attempt (SAFETY 1.16).
  if (hop_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (posts) {
    const std::size_t size = hop_.has_body ? request_.body.size() : 0;
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
    set(CURLOPT_POSTFIELDS, size == 0 ? "" : request_.body.data());
  }
  const bool by_itself = hop_.method == "HEAD" || hop_.method == (posts ? "POST" : "GET");
  if (!by_itself) set(CURLOPT_CUSTOMREQUEST, hop_.method.c_str());
  // Without a body there is nothing whose rewinding could fail (SAFETY 1.16).
  if (!safe && (!hop_.has_body || request_.body.empty())) set(CURLOPT_FRESH_CONNECT, 1L);

  if (!ok) return located(make_error(error_type::network, "libcurl could not be set up: out of memory"));
  easy = handle;
  return std::nullopt;
}

std::optional<Result<HttpResponse>> Transfer::hop_done(CURLcode code) {
  if (refused_) return located(std::move(*refused_));
  if (code != CURLE_OK) return failure(code);
  ResponseReader& answer = reader();
  if (auto error = answer.finish()) return located(std::move(*error));
  const std::string* location = answer.header("location");
  if (!is_redirect(answer.status()) || location == nullptr) return answer.take();
  if (redirects_ >= request_.max_redirects) {
    return located(make_error(error_type::limit,
                              "more than redirects = " + std::to_string(request_.max_redirects) + " redirects"));
  }
  if (auto followed = follow_redirect(hop_, answer.status(), *location); !followed) {
    return located(std::move(followed).error());
  }
  ++redirects_;
  return std::nullopt;
}

void Transfer::answer(Result<HttpResponse> result) {
  on_stop.reset();  // waits for a stop that is being delivered; nothing may be locked here
  reply_(std::move(result));
}

Error Transfer::timed_out() const {
  return located(
      make_error(error_type::timeout, "timed out after " + std::to_string(ms_between(started_, deadline_)) + " ms"));
}

Error Transfer::cancelled() const { return located(make_error(error_type::cancelled, "cancelled")); }

// "GET https://api.example.com/users/{…}: " and, on a later hop, where that went: its origin alone, for path and
// query of a redirect may be secrets.
Error Transfer::located(Error error) const {
  std::string place = request_.method;
  if (!request_.shown_url.empty()) place += " " + request_.shown_url;
  place += ": ";
  if (redirects_ > 0) place += "redirected to " + hop_.url.origin() + ": ";
  error.message = place + error.message;
  return error;
}

Error Transfer::failure(CURLcode code) const {
  const bool has_headers = reader_ && reader_->headers_complete();
  if (blocked_ && sockets_ == 0) return located(make_error(error_type::blocked, *blocked_));
  const auto network = [&](const std::string& what) { return located(make_error(error_type::network, what)); };
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: {
      if (std::chrono::steady_clock::now() + std::chrono::milliseconds(2) >= deadline_) return timed_out();
      return located(make_error(error_type::timeout,
                                "no connection within " + std::to_string(policy_->options.connect_timeout_ms) + " ms"));
    }
    case CURLE_COULDNT_RESOLVE_HOST:
      return network("the host name can't be resolved");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return network("the proxy's name can't be resolved");
    case CURLE_COULDNT_CONNECT: {
      long error_number = 0;
      curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error_number);
      if (error_number == 0) return network("could not connect");
      return network("could not connect: " + system_text(static_cast<int>(error_number)));
    }
    case CURLE_GOT_NOTHING:
      return network("the connection was closed without an answer");
    case CURLE_PARTIAL_FILE:
      return network("the connection was closed before the whole body had arrived");
    case CURLE_SEND_ERROR:
      return network("the connection broke while the request was sent");
    case CURLE_SEND_FAIL_REWIND:
      return network("the kept connection broke before the answer; a " + hop_.method + " is not sent again by itself");
    case CURLE_RECV_ERROR:
      if (has_headers) return network("the connection broke or its framing is malformed, within the body");
      return network(!reader_ || reader_->nothing_yet() ? "the connection broke before the answer"
                                                        : "the connection broke within the headers of the answer");
    case CURLE_BAD_FUNCTION_ARGUMENT:  // a header line without a name, which it hands to a function of its own
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // an answer in HTTP/0.9, that is without a status line
    case CURLE_BAD_CONTENT_ENCODING:
      return network("the answer is not valid HTTP");
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return network("the HTTP/2 connection failed");
    default:
      break;
  }
  // So libcurl calls a header line or section beyond bounds of its own; the second since 8.6.
  constexpr int too_large = 100;
  if ((code == CURLE_OUT_OF_MEMORY || static_cast<int>(code) == too_large) && !has_headers) {
    return located(make_error(error_type::limit, "the response headers are larger than response_header_bytes = " +
                                                     std::to_string(request_.max_response_header_bytes)));
  }
  if (code == CURLE_SSL_CACERT_BADFILE) {
    return network(
        "TLS: the file of trusted authorities can't be read; install ca-certificates or name another (ca_file)");
  }
  if (is_tls_code(code)) {
    return network("TLS: " + lower_first(detail_ && detail_[0] != '\0' ? detail_.get() : curl_easy_strerror(code)));
  }
  return network(lower_first(curl_easy_strerror(code)));
}

}  // namespace fnstack::backends
