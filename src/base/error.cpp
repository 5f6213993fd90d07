#include <fnstack/error.hpp>

namespace fnstack {

int status_of(std::string_view type) noexcept {
  if (type == error_type::network) return 502;
  if (type == error_type::timeout) return 504;
  if (type == error_type::blocked) return 403;
  if (type == error_type::validation) return 400;
  if (type == error_type::not_found) return 404;
  return 500;
}

Value to_value(const Error& error) {
  Value headers = error.headers;
  if (headers.is_object() && !headers.keys_ignore_case()) {
    Value folded = Value::headers();
    for (std::size_t i = 0; i < headers.size(); ++i) folded.set(headers.key_at(i), headers[i]);
    headers = std::move(folded);
  }
  // One list of keys for the errors of a thread: a run that retries makes many.
  static thread_local const Value form = Value::object(
      {{"type", {}}, {"message", {}}, {"status_code", {}}, {"headers", {}}, {"response", {}}, {"step", {}}});
  Value fields[] = {Value(error.type),
                    Value(error.message),
                    Value(error.status_code != 0 ? error.status_code : status_of(error.type)),
                    std::move(headers),
                    error.response,
                    Value(error.step)};
  return Value::object_like(form, fields);
}

}  // namespace fnstack
