#include "backends/redis_tls.hpp"

#include <hiredis/hiredis.h>

#ifdef FNSTACK_REDIS_TLS
#include <arpa/inet.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#endif

namespace fnstack::backends {

#ifdef FNSTACK_REDIS_TLS

namespace {

Error tls_error(const std::string& why) { return make_error(error_type::cache, "TLS with Redis failed: " + why); }

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

std::optional<Error> start_tls(redisContext* redis, const RedisOptions& options) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> settings(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!settings) return tls_error("no memory");
  SSL_CTX_set_min_proto_version(settings.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(settings.get(), SSL_VERIFY_PEER, nullptr);
  const int trusted = options.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(settings.get())
                          : SSL_CTX_load_verify_locations(settings.get(), options.ca_file.c_str(), nullptr);
  if (trusted != 1) {
    ERR_clear_error();
    return tls_error("the certificates of ca_file could not be read");
  }
  std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(settings.get()), SSL_free);
  if (!tls) return tls_error("no memory");
  if (is_address(options.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), options.host.c_str());
  } else {
    SSL_set1_host(tls.get(), options.host.c_str());
    SSL_set_tlsext_host_name(tls.get(), options.host.c_str());
  }
  if (redisInitiateSSL(redis, tls.get()) != REDIS_OK) {
    const long verified = SSL_get_verify_result(tls.get());
    ERR_clear_error();
    return tls_error(verified == X509_V_OK ? redis->errstr : X509_verify_cert_error_string(verified));
  }
  static_cast<void>(tls.release());  // the context's from here
  return std::nullopt;
}

#else

std::optional<Error> start_tls(redisContext*, const RedisOptions&) {
  return make_error(error_type::cache, "this build has no TLS for Redis");
}

#endif

}  // namespace fnstack::backends
