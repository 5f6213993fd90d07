#include "program/foreign_steps.hpp"

#include <algorithm>
#include <string>

#include <fnstack/definition.hpp>

namespace fnstack::program {

namespace {

constexpr ForeignStep foreign_steps[] = {
    {"publish_realtime_message realtime_publish send_realtime_message subscribe_to_channel unsubscribe_from_channel "
     "grant_channel_access revoke_channel_access",
     "realtime messages", ""},
    {"streaming_api_response streaming_response stream_response streaming_api_request streaming_request "
     "streaming_http",
     "streaming", "External API Request reads the whole answer"},
    {"mcp_call_tool mcp_list_tools", "Model Context Protocol", ""},
    {"ai_agent run_ai_agent call_agent create_embedding generate_embedding", "model services",
     "most are reached by an External API Request"},
    {"upload_file create_file create_attachment create_image create_video sign_url sign_private_url delete_file "
     "return_file read_file_resource create_file_resource",
     "file storage", ""},
    {"run_api_endpoint expect_*", "test runner", ""},
    {"set_auth_user authenticate_user create_auth_token create_authentication_token", "sign-in", ""},
    {"hash_password verify_password check_password", "password hashing", ""},
    {"jwt_encode jwt_decode jwt_verify jwt_sign create_jwt verify_jwt generate_jwt generate_jwt_token "
     "validate_jwt_token "
     "verify_jwt_token jws_encode jws_decode jwe_encode jwe_decode",
     "JSON web tokens", ""},
    {"verify_signature verify_webhook_signature", "signatures",
     "compare with {{ hmac_sha256(text, key) }} by secure_compare"},
    {"encrypt decrypt", "encryption", ""},
    {"template_engine render_template", "other template languages", "templates stand in the text of any step"},
    {"aggregate_query", "aggregation pipelines", "use Direct Database Query, or the filters sum, group_by … on rows"},
    {"set_request_context update_response skip_middleware execute_auth_middleware", "middleware state", ""},
    {"send_email", "mail", "most services are reached by an External API Request"},
    {"lambda run_lambda lambda_function", "JavaScript", "expressions know most of it: x.map(i => i.name)"},
    {"elasticsearch_request elasticsearch_query opensearch_request algolia_request s3_* gcs_* azure_*",
     "cloud connectors", "most are reached by an External API Request"},
    {"ip_lookup geo_distance create_zip_archive zip_* csv_stream jsonl_stream set_data_source", "cloud library", ""},
};

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

}  // namespace

const ForeignStep* find_foreign_step(std::string_view name) {
  const std::string folded = fold_name(name);
  for (const ForeignStep& entry : foreign_steps) {
    std::string_view names = entry.names;
    while (!names.empty()) {
      const std::size_t end = std::min(names.find(' '), names.size());
      if (matches(names.substr(0, end), folded)) return &entry;
      names.remove_prefix(std::min(end + 1, names.size()));
    }
  }
  return nullptr;
}

}  // namespace fnstack::program
