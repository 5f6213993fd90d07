// Base64 (RFC 4648, section 4, with padding): how bytes are written where only text can stand.
#pragma once

#include <string>
#include <string_view>

namespace fnstack::base {

void append_base64(std::string& out, std::string_view bytes);

}  // namespace fnstack::base
