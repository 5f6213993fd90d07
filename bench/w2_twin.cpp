// W2 by hand: libcurl's easy interface with one reused handle, and simdjson's DOM with a parser kept for each page,
// so that all records are there at the end, as the flow keeps them.  w2_twin PORT
#include <curl/curl.h>
#include <simdjson.h>

#include <memory>
#include <string>
#include <vector>

#include "measure.hpp"

namespace {

std::size_t append(char* data, std::size_t size, std::size_t count, void* out) {
  static_cast<std::string*>(out)->append(data, size * count);
  return size * count;
}

}  // namespace

int main(int argc, char** argv) {
  const auto base =
      "http://127.0.0.1:" + std::to_string(bench::argument(argc, argv, 1, 0)) + "/data?per_page=100&page=";
  const bench::Stopwatch watch;
  CURL* curl = curl_easy_init();
  std::string body;
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  std::vector<std::unique_ptr<simdjson::dom::parser>> pages;
  std::vector<simdjson::dom::element> records;
  bool more = true;
  for (long page = 1; more; ++page) {
    body.clear();
    curl_easy_setopt(curl, CURLOPT_URL, (base + std::to_string(page)).c_str());
    if (curl_easy_perform(curl) != CURLE_OK) return 1;
    pages.push_back(std::make_unique<simdjson::dom::parser>());
    simdjson::dom::element document;
    if (pages.back()->parse(body).get(document)) return 1;
    simdjson::dom::array data;
    if (document["data"].get(data) || document["has_next_page"].get(more)) return 1;
    for (const auto record : data) records.push_back(record);
  }
  std::int64_t last = 0;
  if (records.back()["id"].get(last)) return 1;
  watch.report(std::to_string(records.size()) + " records, last " + std::to_string(last));
  curl_easy_cleanup(curl);
}
