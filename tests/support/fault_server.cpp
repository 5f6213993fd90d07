#include "support/fault_server.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "base/ascii.hpp"
#include "support/loopback.hpp"

namespace fnstack_test {
namespace {

ReceivedRequest parse_head(std::string_view head) {
  ReceivedRequest request;
  std::size_t end = head.find("\r\n");
  const std::string_view line = head.substr(0, end);
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, second - first - 1);
  while (end != head.npos) {
    const std::size_t begin = end + 2;
    end = head.find("\r\n", begin);
    const std::string_view field = head.substr(begin, end - begin);
    const std::size_t colon = field.find(':');
    if (colon == field.npos) continue;
    std::string_view value = field.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    request.headers.emplace_back(fnstack::base::ascii_lower(field.substr(0, colon)), value);
  }
  return request;
}

}  // namespace

std::optional<std::string> ReceivedRequest::header(std::string_view name) const {
  std::optional<std::string> out;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (out)
      *out += ", " + value;
    else
      out = value;
  }
  return out;
}

Connection::~Connection() { close(); }

std::optional<std::string> Connection::read_some() {
  if (fd_ < 0) return std::nullopt;
  char bytes[16384];
  const auto got = tls_ != nullptr ? SSL_read(tls_, bytes, sizeof bytes) : ::recv(fd_, bytes, sizeof bytes, 0);
  if (got <= 0) return std::nullopt;
  return std::string(bytes, static_cast<std::size_t>(got));
}

std::optional<ReceivedRequest> Connection::read_head() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    auto more = read_some();
    if (!more) return std::nullopt;
    buffer_ += *more;
  }
  ReceivedRequest request = parse_head(std::string_view(buffer_).substr(0, end));
  request.connection = index_;
  buffer_.erase(0, end + 4);
  server_.record(request);
  return request;
}

std::optional<ReceivedRequest> Connection::read_request() {
  auto request = read_head();
  if (!request) return std::nullopt;
  const auto length = request->header("content-length");
  const std::size_t size = length ? static_cast<std::size_t>(std::strtoull(length->c_str(), nullptr, 10)) : 0;
  while (buffer_.size() < size) {
    auto more = read_some();
    if (!more) return std::nullopt;
    buffer_ += *more;
  }
  request->body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  {
    const std::lock_guard lock(server_.mutex_);
    for (auto& recorded : server_.requests_) {
      if (recorded.connection == index_) recorded.body = request->body;  // the last of this connection wins
    }
  }
  return request;
}

bool Connection::write(std::string_view bytes) {
  while (fd_ >= 0 && !bytes.empty()) {
    const auto sent = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                      : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return fd_ >= 0;
}

bool Connection::answer(int status, std::string_view body, std::string_view header_lines) {
  return write("HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n" + std::string(header_lines) + "\r\n" + std::string(body));
}

void Connection::wait_for_close() {
  while (read_some()) {
  }
}

void Connection::close() {
  if (fd_ < 0) return;
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    SSL_free(tls_);
    tls_ = nullptr;
  }
  {
    const std::lock_guard lock(server_.mutex_);
    server_.open_.erase(index_);
  }
  ::close(fd_);
  fd_ = -1;
}

void Connection::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  if (tls_ != nullptr) {
    SSL_set_quiet_shutdown(tls_, 1);
  }
  close();
}

FaultServer::FaultServer(Script script) : script_(std::move(script)) { listen(); }

FaultServer::FaultServer(Script script, const std::string& certificate_file, const std::string& key_file,
                         const std::string& client_ca_file)
    : script_(std::move(script)), tls_(SSL_CTX_new(TLS_server_method())) {
  if (SSL_CTX_use_certificate_chain_file(tls_, certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls_, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    std::abort();
  }
  if (!client_ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(tls_, client_ca_file.c_str(), nullptr) != 1) std::abort();
    SSL_CTX_set_verify(tls_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    static constexpr unsigned char id[] = "fnstack";  // without one OpenSSL refuses to resume such a session
    SSL_CTX_set_session_id_context(tls_, id, sizeof id - 1);
  }
  listen();
}

FaultServer::~FaultServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [index, fd] : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
  if (tls_ != nullptr) SSL_CTX_free(tls_);
}

void FaultServer::listen() {
  listener_ = listening_socket(port_);
  acceptor_ = std::thread([this] { accept_all(); });
}

void FaultServer::accept_all() {
  // OpenSSL writes to a socket without MSG_NOSIGNAL. Only here and in the threads begun here: a SIGPIPE that the tested
  // client causes ends the test.
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (stopping_ || fd < 0) {
      if (fd >= 0) ::close(fd);
      return;
    }
    const int index = accepted_++;
    open_[index] = fd;
    threads_.emplace_back([this, fd, index] { serve(fd, index); });
  }
}

void FaultServer::serve(int fd, int index) {
  ssl_st* tls = nullptr;
  bool ready = true;
  if (tls_ != nullptr) {
    tls = SSL_new(tls_);
    SSL_set_fd(tls, fd);
    ready = SSL_accept(tls) == 1;
    if (!ready) {
      SSL_free(tls);
      tls = nullptr;
    }
  }
  {
    Connection connection(*this, fd, index, tls);
    if (ready) script_(connection);
  }
  const std::lock_guard lock(mutex_);
  ++ended_;
  changed_.notify_all();
}

void FaultServer::record(const ReceivedRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
}

std::vector<ReceivedRequest> FaultServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FaultServer::count(std::string_view method) const {
  const std::lock_guard lock(mutex_);
  std::size_t found = 0;
  for (const auto& request : requests_) found += request.method == method ? 1u : 0u;
  return found;
}

int FaultServer::connections() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

bool FaultServer::wait_until_ended(int connections) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return ended_ >= connections; });
}

FaultServer::Script answers_with(std::string bytes) {
  return [bytes = std::move(bytes)](Connection& connection) {
    if (connection.read_request()) connection.write(bytes);
  };
}

}  // namespace fnstack_test
