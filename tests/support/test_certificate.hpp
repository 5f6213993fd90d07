// Certificates made when a test runs, so that none in the repository can expire.
#pragma once

#include <string>

namespace fnstack_test {

// PEM files in a directory of their own, removed with it.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  [[nodiscard]] std::string ca_file() const { return directory_ + "/ca.pem"; }

  struct Identity {
    std::string certificate_file;
    std::string key_file;
  };
  enum class Kind { good, expired, self_signed };
  // `subject_alt_name` as OpenSSL writes it: "IP:127.0.0.1", "DNS:localhost".
  // With a password the key's file is encrypted.
  [[nodiscard]] Identity issue(Kind kind, const std::string& subject_alt_name, const std::string& password = "");

 private:
  std::string directory_;
  void* key_ = nullptr;          // EVP_PKEY
  void* certificate_ = nullptr;  // X509
  int issued_ = 0;
};

}  // namespace fnstack_test
