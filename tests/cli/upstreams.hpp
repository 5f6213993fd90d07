// What the tests of the command line set a run against: the mock services of the examples as a process, and a server
// to which a definition tells how it fared. Both on free ports of loopback.
#pragma once

#include <httplib.h>
#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_directory.hpp"

namespace fnstack_test {

class MockServices {
 public:
  MockServices();
  ~MockServices();
  MockServices(const MockServices&) = delete;
  MockServices& operator=(const MockServices&) = delete;

  [[nodiscard]] std::string origin() const { return "http://" + address(); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + port_; }
  // What `fnstack run` needs to reach them in place of Stripe, HubSpot and the Shopify shop, with an env for those.
  [[nodiscard]] std::vector<std::string> options() const;

 private:
  TemporaryDirectory directory_;
  pid_t process_ = -1;
  std::string port_;
};

// Takes POST /stored {"run"} and POST /caught {"run", "type", "status_code", "message"}.
class Reports {
 public:
  struct Caught {
    std::string type, message;
    int status_code = 0;
  };

  Reports();
  ~Reports();
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // False: not within a minute.
  [[nodiscard]] bool wait_for_stored(std::size_t count);
  [[nodiscard]] bool wait_for_caught(std::size_t count);
  // While held, who tells of an error gets no answer, and so makes no further run.
  void hold_caught(bool held);

  [[nodiscard]] std::set<std::string> stored() const;
  [[nodiscard]] std::vector<Caught> caught() const;
  // Those of the last reports in a row that told of something stored.
  [[nodiscard]] std::size_t stored_at_the_end() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> stored_;
  std::vector<Caught> caught_;
  std::size_t stored_in_a_row_ = 0;
  bool held_ = false;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

// A definition that calls one of the given functions within a Try-Catch and tells `reports` how it went.
[[nodiscard]] std::string telling_definition(const std::string& function, const std::string& parameters,
                                             const Reports& reports);

}  // namespace fnstack_test
