// curl_http in the form that the test program was started for.
#pragma once

#include <memory>
#include <utility>

#include <fnstack/backends/curl.hpp>

#include "support/polled.hpp"

namespace fnstack_test {

inline std::shared_ptr<fnstack::HttpClient> new_curl_http(fnstack::CurlOptions options = {}) {
  return in_form(fnstack::curl_http(std::move(options)));
}

}  // namespace fnstack_test
