// http_cache: responses kept in the engine's cache, and asked for again with their validators (RFC 9111 section 4.3).
// Knows nothing of when that is done. Entry points: cache_key, store_command, read_stored, revalidate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fnstack/effect.hpp>

namespace fnstack::steps {

struct StoredResponse {
  HttpResponse response;
  std::int64_t stored_ms = 0;  // when it was last known to be true
};

// Method, URL and every header, hashed, with what else tells callers apart: two that may see different things never
// share an entry.
[[nodiscard]] std::string cache_key(const HttpRequest& request, std::string_view identity);

// Only status 200 without `Cache-Control: no-store` is kept.
[[nodiscard]] bool may_store(const HttpResponse& response);
// Kept for ttl_s; with a validator a day longer, so that it can be asked whether it still holds.
[[nodiscard]] CacheCommand store_command(const std::string& key, const StoredResponse& stored, std::int64_t ttl_s,
                                         bool revalidates);
// From the text that the cache gave; nothing for what is none of ours.
[[nodiscard]] std::optional<StoredResponse> read_stored(std::string_view text);

[[nodiscard]] bool has_validator(const HttpResponse& response);
// Adds If-None-Match and If-Modified-Since, unless the author has set them.
void revalidate(HttpRequest& request, const HttpResponse& stored);
// After a 304: the stored response with the new one's headers.
void refresh(StoredResponse& stored, const HttpResponse& not_modified, std::int64_t now_ms);

}  // namespace fnstack::steps
