#include "support/test_certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace fnstack_test {
namespace {

constexpr long day = 86'400;

void write_key(const std::string& path, EVP_PKEY* key, const std::string& password) {
  FILE* file = std::fopen(path.c_str(), "w");
  if (password.empty()) {
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(), reinterpret_cast<const unsigned char*>(password.data()),
                         static_cast<int>(password.size()), nullptr, nullptr);
  }
  std::fclose(file);
}

void write_certificate(const std::string& path, X509* certificate) {
  FILE* file = std::fopen(path.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) std::abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* blank_certificate(EVP_PKEY* key, const char* name, int serial, long begins, long ends) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), ends);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

}  // namespace

TestAuthority::TestAuthority() {
  std::string pattern = std::filesystem::temp_directory_path().string() + "/fnstack-tls-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  directory_ = pattern;
  // Its own name: two authorities that share one are taken for each other.
  const std::string name = "fnstack test authority " + directory_.substr(directory_.size() - 6);
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = blank_certificate(key, name.c_str(), 1, -day, day);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  X509_sign(certificate, key, EVP_sha256());
  write_certificate(ca_file(), certificate);
  key_ = key;
  certificate_ = certificate;
}

TestAuthority::~TestAuthority() {
  X509_free(static_cast<X509*>(certificate_));
  EVP_PKEY_free(static_cast<EVP_PKEY*>(key_));
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

TestAuthority::Identity TestAuthority::issue(Kind kind, const std::string& subject_alt_name,
                                             const std::string& password) {
  const int serial = ++issued_ + 1;
  const std::string stem = directory_ + "/" + std::to_string(serial);
  Identity identity{stem + ".pem", stem + ".key"};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  const bool expired = kind == Kind::expired;
  X509* certificate =
      blank_certificate(key, "fnstack test server", serial, expired ? -2 * day : -day, expired ? -day : day);
  const bool self_signed = kind == Kind::self_signed;
  auto* authority = static_cast<X509*>(certificate_);
  X509_set_issuer_name(certificate, X509_get_subject_name(self_signed ? certificate : authority));
  add_extension(certificate, self_signed ? certificate : authority, NID_subject_alt_name, subject_alt_name);
  X509_sign(certificate, self_signed ? key : static_cast<EVP_PKEY*>(key_), EVP_sha256());
  write_certificate(identity.certificate_file, certificate);
  write_key(identity.key_file, key, password);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

}  // namespace fnstack_test
