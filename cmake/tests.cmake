# Tests (one program a folder of tests/), examples and benchmarks. Part of a developer's build only.

fnstack_require(Catch2::Catch2 Catch2 "FNSTACK_DEVELOPER" catch2)
fnstack_require(nlohmann_json::nlohmann_json nlohmann_json "FNSTACK_DEVELOPER" nlohmann-json3-dev)
fnstack_require(httplib::httplib FnstackHttplib "FNSTACK_DEVELOPER" "libcpp-httplib-dev pkg-config")

if(TARGET Catch2::Catch2WithMain)
  add_library(fnstack_catch INTERFACE)
  target_link_libraries(fnstack_catch INTERFACE Catch2::Catch2WithMain)
else()
  add_library(fnstack_catch OBJECT tests/support/catch_main.cpp)
  target_link_libraries(fnstack_catch PUBLIC Catch2::Catch2)
  target_compile_features(fnstack_catch PRIVATE cxx_std_20)
endif()

# ---- unit tests

fnstack_test(test_base
  FOLDERS base
  LIBRARIES nlohmann_json::nlohmann_json
  SOURCES
    tests/unit/base/array_test.cpp
    tests/unit/base/ascii_test.cpp
    tests/unit/base/effect_test.cpp
    tests/unit/base/error_test.cpp
    tests/unit/base/json_test.cpp
    tests/unit/base/json_schema_test.cpp
    tests/unit/base/key_list_test.cpp
    tests/unit/base/nlohmann_test.cpp
    tests/unit/base/number_test.cpp
    tests/unit/base/source_test.cpp
    tests/unit/base/suggest_test.cpp
    tests/unit/base/text_place_test.cpp
    tests/unit/base/url_test.cpp
    tests/unit/base/utf8_test.cpp
    tests/unit/base/value_test.cpp
)

fnstack_test(test_expr
  FOLDERS base expr
  LIBRARIES nlohmann_json::nlohmann_json
  SOURCES
    tests/unit/expr/arithmetic_test.cpp
    tests/unit/expr/escape_body_test.cpp
    tests/unit/expr/escape_header_test.cpp
    tests/unit/expr/escape_scalars_test.cpp
    tests/unit/expr/escape_test.cpp
    tests/unit/expr/escape_url_test.cpp
    tests/unit/expr/evaluate_test.cpp
    tests/unit/expr/expression_table_test.cpp
    tests/unit/expr/functions_test.cpp
    tests/unit/expr/grow_test.cpp
    tests/unit/expr/javascript_oracle_test.cpp
    tests/unit/expr/lexer_test.cpp
    tests/unit/expr/parser_test.cpp
    tests/unit/expr/template_test.cpp
    tests/unit/expr/unicode_test.cpp
)

fnstack_test(test_definition
  FOLDERS base definition
  SOURCES
    tests/unit/definition/json_reader_test.cpp
    tests/unit/definition/markdown_test.cpp
    tests/unit/definition/parse_test.cpp
    tests/unit/definition/shapes_test.cpp
    tests/unit/definition/steps_test.cpp
)

fnstack_test(test_program
  FOLDERS base expr definition program steps machine
  SOURCES
    tests/unit/program/compile_test.cpp
    tests/unit/program/errors_test.cpp
)

fnstack_test(test_machine
  FOLDERS base expr definition program steps machine
  SOURCES
    tests/unit/machine/machine_test.cpp
    tests/unit/machine/strands_test.cpp
)

fnstack_test(test_steps
  FOLDERS base expr definition program steps machine backends drivers
  LIBRARIES nlohmann_json::nlohmann_json
  SOURCES
    tests/support/case_runner.cpp
    tests/unit/steps/http_signing_test.cpp
    tests/unit/steps/multipart_test.cpp
    tests/unit/steps/paginate_test.cpp
    tests/unit/steps/retry_test.cpp
    tests/unit/steps/steps_test.cpp
)

# ---- backends and drivers

fnstack_test(test_backends
  FOLDERS base expr backends curl_backend spdlog_backend
  LIBRARIES httplib::httplib
  SOURCES
    tests/backends/network_guard_test.cpp
    tests/backends/scripted_http_test.cpp
)

if(TARGET fnstack_spdlog_backend)
  fnstack_test(test_spdlog
    FOLDERS base spdlog_backend
    SOURCES
      tests/backends/spdlog_observer_test.cpp
  )
endif()

if(FNSTACK_WITH_SQLITE)
fnstack_test(test_stores
  FOLDERS base backends sqlite_backend
  LIBRARIES nlohmann_json::nlohmann_json SQLite::SQLite3
  SOURCES
    tests/backends/memory_cache_test.cpp
    tests/backends/memory_database_test.cpp
    tests/backends/serial_database_test.cpp
    tests/backends/sql_test.cpp
    tests/backends/sqlite_database_test.cpp
    tests/backends/sqlite_faults_test.cpp
    tests/backends/sqlite_not_blocking_test.cpp
)
endif()

if(TARGET fnstack_postgres_backend)
  fnstack_test(test_postgres
    FOLDERS base expr definition program steps machine backends drivers postgres_backend sqlite_backend
    LIBRARIES libpqxx::pqxx
    SOURCES
      tests/support/postgres_server.cpp
      tests/support/tcp_proxy.cpp
      tests/backends/postgres_database_test.cpp
      tests/backends/postgres_parts_test.cpp
      tests/backends/postgres_faults_test.cpp  # last: it prints a table of what the faults took
  )
endif()

if(TARGET fnstack_curl_backend)
  fnstack_require(OpenSSL::SSL OpenSSL "FNSTACK_DEVELOPER" libssl-dev)
  fnstack_test(test_http
    FOLDERS base backends curl_backend
    LIBRARIES OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
    SOURCES
      tests/support/fault_scripts.cpp
      tests/support/fault_server.cpp
      tests/support/fault_table.cpp
      tests/support/proxy_server.cpp
      tests/support/test_certificate.cpp
      tests/backends/body_decoder_test.cpp
      tests/backends/callback_http_test.cpp
      tests/backends/curl_http_connections_test.cpp
      tests/backends/curl_http_faults_test.cpp
      tests/backends/curl_http_on_loop_test.cpp
      tests/backends/curl_http_test.cpp
      tests/backends/curl_http_tls_test.cpp
      tests/backends/http_redirect_test.cpp
      tests/backends/response_reader_test.cpp
  )
  # The same once more with the client's work on the tests' own event loop.
  add_test(NAME test_http_on_loop COMMAND test_http)
  set_tests_properties(test_http_on_loop PROPERTIES ENVIRONMENT FNSTACK_TEST_ON_LOOP=1)
endif()

if(TARGET fnstack_curl_backend)
  fnstack_test(test_resilient
    FOLDERS base backends curl_backend
    LIBRARIES OpenSSL::SSL OpenSSL::Crypto
    SOURCES
      tests/support/fault_server.cpp
      tests/backends/circuit_breaker_test.cpp
      tests/backends/oauth2_test.cpp
      tests/backends/resilient_http_test.cpp
      tests/backends/token_bucket_test.cpp
  )
endif()

if(TARGET fnstack_redis_backend)
  fnstack_require(OpenSSL::SSL OpenSSL "FNSTACK_DEVELOPER" libssl-dev)
  fnstack_test(test_redis
    FOLDERS base backends redis_backend
    LIBRARIES OpenSSL::SSL OpenSSL::Crypto
    SOURCES
      tests/support/fault_server.cpp
      tests/support/redis_server.cpp
      tests/backends/redis_cache_test.cpp
      tests/backends/redis_faults_test.cpp
      tests/backends/redis_on_loop_test.cpp
      tests/backends/redis_url_test.cpp
  )
  add_test(NAME test_redis_on_loop COMMAND test_redis)
  set_tests_properties(test_redis_on_loop PROPERTIES ENVIRONMENT FNSTACK_TEST_ON_LOOP=1)
  if(TARGET hiredis::hiredis_ssl)
    target_sources(test_redis PRIVATE tests/support/test_certificate.cpp)
    target_compile_definitions(test_redis PRIVATE FNSTACK_REDIS_TLS)
  endif()
endif()

fnstack_test(test_drivers
  FOLDERS base expr definition program steps machine backends drivers curl_backend sqlite_backend spdlog_backend
  LIBRARIES httplib::httplib nlohmann_json::nlohmann_json
  SOURCES
    tests/support/case_runner.cpp
    tests/drivers/blocking_test.cpp
    tests/drivers/caller_loops_test.cpp
    tests/drivers/event_loop_test.cpp
    tests/drivers/every_driver_test.cpp
    tests/drivers/readme_test.cpp
    tests/drivers/resilience_test.cpp
    tests/drivers/slab_test.cpp
)

# GCC 12 destroys temporaries of a co_await twice.
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
   OR (CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 15))
  target_sources(test_drivers PRIVATE tests/drivers/coroutine_test.cpp)
else()
  message(STATUS "fnstack: no test of fnstack/coroutine.hpp: it needs GCC 13 or clang 15")
endif()

# Definitions on real servers, through the engine: whatever backends this build has.
fnstack_require(OpenSSL::SSL OpenSSL "FNSTACK_DEVELOPER" libssl-dev)
fnstack_test(test_services
  FOLDERS base expr definition program steps machine backends drivers curl_backend sqlite_backend postgres_backend
          redis_backend
  LIBRARIES OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
  SOURCES
    tests/support/every_store.cpp
    tests/support/fault_scripts.cpp
    tests/support/fault_server.cpp
    tests/support/fault_table.cpp
    tests/support/test_certificate.cpp
    tests/services/injection_test.cpp
    tests/services/same_flows_test.cpp
    tests/services/faults_test.cpp  # last: a table of what the faults took is printed when the program ends
)
if(TARGET fnstack_postgres_backend)
  target_sources(test_services PRIVATE tests/support/postgres_server.cpp tests/support/tcp_proxy.cpp)
  target_link_libraries(test_services PRIVATE libpqxx::pqxx)
endif()
if(TARGET fnstack_redis_backend)
  target_sources(test_services PRIVATE tests/support/redis_server.cpp)
endif()
if(TARGET fnstack_sqlite_backend)
  target_link_libraries(test_services PRIVATE SQLite::SQLite3)
endif()
foreach(component IN LISTS FNSTACK_COMPONENTS)
  string(TOUPPER "${component}" upper)
  target_compile_definitions(test_services PRIVATE FNSTACK_HAS_${upper})
endforeach()

# ---- the whole

fnstack_test(test_architecture
  SOURCES
    tests/architecture/include_order_test.cpp
)

if(TARGET fnstack_command)
  fnstack_test(test_cli
    LIBRARIES httplib::httplib nlohmann_json::nlohmann_json
    SOURCES
      tests/cli/check_test.cpp
      tests/cli/command.cpp
      tests/cli/eval_test.cpp
      tests/cli/run_http_test.cpp
      tests/cli/run_postgres_test.cpp
      tests/cli/run_test.cpp
      tests/cli/upstreams.cpp
      tests/cli/usage_test.cpp
  )
  if(TARGET fnstack_postgres)
    target_sources(test_cli PRIVATE tests/support/postgres_server.cpp)
    target_link_libraries(test_cli PRIVATE libpqxx::pqxx)
  endif()
  add_dependencies(test_cli fnstack_command mock_services)
  target_compile_definitions(test_cli PRIVATE FNSTACK_MOCK_SERVICES="$<TARGET_FILE:mock_services>")
  if(TARGET fnstack_redis)
    target_sources(test_cli PRIVATE tests/support/redis_server.cpp tests/cli/run_redis_test.cpp)
  endif()
  target_compile_definitions(test_cli PRIVATE FNSTACK_COMMAND="$<TARGET_FILE:fnstack_command>")
  foreach(component IN LISTS FNSTACK_COMPONENTS)
    string(TOUPPER "${component}" upper)
    target_compile_definitions(test_cli PRIVATE FNSTACK_HAS_${upper})
  endforeach()
endif()

# An installed tree serves a project of its own.
if(FNSTACK_INSTALL)
  set(flags "${CMAKE_CXX_FLAGS}")
  if(FNSTACK_SANITIZE)
    string(APPEND flags " -fsanitize=${FNSTACK_SANITIZE}")
  endif()
  list(JOIN FNSTACK_COMPONENTS "," components)
  add_test(NAME test_install
           COMMAND "${CMAKE_COMMAND}" "-DBUILD=${PROJECT_BINARY_DIR}" "-DSOURCE=${PROJECT_SOURCE_DIR}/tests/install"
                   "-DWORK=${PROJECT_BINARY_DIR}/install_test" "-DCOMPILER=${CMAKE_CXX_COMPILER}"
                   "-DGENERATOR=${CMAKE_GENERATOR}" "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}" "-DFLAGS=${flags}"
                   "-DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}" "-DCOMPONENTS=${components}"
                   -P "${PROJECT_SOURCE_DIR}/tests/install/run.cmake")
  set_tests_properties(test_install PROPERTIES TIMEOUT 300)
endif()

# ---- examples: the services that the flows of examples/flows call, and what shows the demo

add_executable(mock_services examples/mock_services.cpp)
target_link_libraries(mock_services PRIVATE httplib::httplib nlohmann_json::nlohmann_json fnstack_flags)
add_executable(show_demo examples/demo/show.cpp)
target_link_libraries(show_demo PRIVATE httplib::httplib nlohmann_json::nlohmann_json fnstack_flags)

# Host programs, and the README's first one as it stands there.
function(fnstack_example name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(example_${name} ${arg_SOURCES})
  target_link_libraries(example_${name} PRIVATE fnstack_core ${arg_LIBRARIES} fnstack_flags)
endfunction()
fnstack_example(custom_step SOURCES examples/custom_step.cpp)
fnstack_example(custom_backend SOURCES examples/custom_backend.cpp)
fnstack_example(own_event_loop SOURCES examples/own_event_loop.cpp)
if(TARGET fnstack_curl AND TARGET fnstack_sqlite)
  fnstack_example(run_file SOURCES examples/run_file.cpp LIBRARIES fnstack_curl fnstack_sqlite)
endif()
file(READ README.md readme)
string(REGEX MATCH "```cpp\n([^`]*)```" found "${readme}")
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/readme_example.cpp" CONTENT "${CMAKE_MATCH_1}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS README.md)
fnstack_example(readme SOURCES "${PROJECT_BINARY_DIR}/readme_example.cpp")
add_test(NAME example_readme COMMAND example_readme)
set_tests_properties(example_readme PROPERTIES PASS_REGULAR_EXPRESSION "^{\"text\":\"HELLO ADA\"}\n$")
add_test(NAME example_custom_step COMMAND example_custom_step)
set_tests_properties(example_custom_step PROPERTIES PASS_REGULAR_EXPRESSION "{\"title\":\"The old man \",\"entry\":1}\n$")
add_test(NAME example_custom_backend COMMAND example_custom_backend)
add_test(NAME example_own_event_loop COMMAND example_own_event_loop)
set_tests_properties(example_own_event_loop PROPERTIES PASS_REGULAR_EXPRESSION "run 1: price 17\nrun 0: price 17\n$")
set_tests_properties(example_custom_backend PROPERTIES PASS_REGULAR_EXPRESSION "3 visits of home\n6 commands\n$")

# ---- benchmarks

include(cmake/bench.cmake)
