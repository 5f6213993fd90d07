#include <stdexcept>

#include <fnstack/http.hpp>

#include "contracts/http_contract.hpp"

using fnstack::HttpRequest;
using fnstack::HttpResponse;
using fnstack::Result;
using fnstack_test::ask;
using fnstack_test::get;
using fnstack_test::summary;

TEST_CASE("callback_http keeps the HTTP contract") {
  fnstack_test::check_http_contract(
      [] {
        return fnstack::callback_http([](const HttpRequest& request) -> Result<HttpResponse> {
          std::string type;
          for (const auto& [name, value] : request.headers) {
            if (name == "Content-Type") type = value;
          }
          HttpResponse response =
              fnstack_test::http_contract_answer(request.method, request.url.substr(11), type, request.body);
          for (auto& [name, value] : response.headers) {
            for (char& c : name) c = static_cast<char>(std::tolower(c));
          }
          return response;
        });
      },
      "http://test");
}

TEST_CASE("callback_http: what the function throws becomes an error") {
  const auto client =
      fnstack::callback_http([](const HttpRequest&) -> Result<HttpResponse> { throw std::runtime_error("oops"); });
  CHECK(summary(ask(*client, get("http://test/"))) == "network: the function given to callback_http threw: oops");
  const auto odd = fnstack::callback_http([](const HttpRequest&) -> Result<HttpResponse> { throw 7; });
  CHECK(summary(ask(*odd, get("http://test/"))) == "network: the function given to callback_http threw");
  const auto none = fnstack::callback_http({});
  CHECK(summary(ask(*none, get("http://test/"))) == "network: callback_http was given no function");
}
