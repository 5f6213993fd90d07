# The workloads of bench/: fnstack's side, the twin written by hand, and what runs them beside each other.
fnstack_require(benchmark::benchmark benchmark "the benchmarks (FNSTACK_DEVELOPER)" libbenchmark-dev)
if(NOT TARGET CURL::libcurl OR NOT TARGET SQLite::SQLite3)
  message(STATUS "fnstack: no benchmarks without FNSTACK_WITH_CURL and FNSTACK_WITH_SQLITE")
  return()
endif()

add_custom_target(bench)
function(fnstack_bench name)
  cmake_parse_arguments(arg "" "" "LIBRARIES;SOURCES" ${ARGN})
  add_executable(bench_${name} ${arg_SOURCES})
  target_link_libraries(bench_${name} PRIVATE ${arg_LIBRARIES} fnstack_flags)
  set_target_properties(bench_${name} PROPERTIES CXX_EXTENSIONS OFF)
  add_dependencies(bench bench_${name})
endfunction()

fnstack_bench(run LIBRARIES nlohmann_json::nlohmann_json SOURCES bench/run.cpp)
target_compile_definitions(bench_run PRIVATE FNSTACK_BENCH_SOURCES="${PROJECT_SOURCE_DIR}/bench")
fnstack_bench(page_server LIBRARIES Threads::Threads SOURCES bench/page_server.cpp)

fnstack_bench(http_server SOURCES bench/http_server.cpp)

fnstack_bench(w1_twin LIBRARIES nlohmann_json::nlohmann_json SOURCES bench/w1_twin.cpp)
fnstack_bench(w2_twin LIBRARIES CURL::libcurl simdjson::simdjson SOURCES bench/w2_twin.cpp)
fnstack_bench(w3_twin LIBRARIES CURL::libcurl simdjson::simdjson Threads::Threads SOURCES bench/w3_twin.cpp)
fnstack_bench(w6_twin LIBRARIES SQLite::SQLite3 SOURCES bench/w6_twin.cpp)
fnstack_bench(w8_twin LIBRARIES simdjson::simdjson SOURCES bench/w8_twin.cpp)
fnstack_bench(w9_twin LIBRARIES benchmark::benchmark nlohmann_json::nlohmann_json SOURCES bench/w9_twin.cpp)

fnstack_bench(w1 LIBRARIES fnstack_core SOURCES bench/w1.cpp)
fnstack_bench(w2 LIBRARIES fnstack_core fnstack_curl SOURCES bench/w2.cpp)
target_compile_definitions(bench_w2 PRIVATE FNSTACK_FLOWS="${PROJECT_SOURCE_DIR}/examples/flows")
fnstack_bench(w3 LIBRARIES fnstack_core fnstack_curl SOURCES bench/w3.cpp)
fnstack_bench(sqlite_writer LIBRARIES fnstack_core fnstack_sqlite SOURCES bench/sqlite_writer.cpp)
fnstack_bench(w6 LIBRARIES fnstack_core fnstack_sqlite SOURCES bench/w6.cpp)
fnstack_bench(w8 LIBRARIES fnstack_core SOURCES bench/w8.cpp)
fnstack_bench(w9 LIBRARIES fnstack_core benchmark::benchmark nlohmann_json::nlohmann_json SOURCES bench/w9.cpp)

if(TARGET fnstack_redis)
  fnstack_bench(redis LIBRARIES hiredis::hiredis SOURCES bench/redis.cpp)
  fnstack_bench(w5_twin LIBRARIES hiredis::hiredis simdjson::simdjson Threads::Threads SOURCES bench/w5_twin.cpp)
  fnstack_bench(w5 LIBRARIES fnstack_core fnstack_redis SOURCES bench/w5.cpp)
endif()

if(TARGET fnstack_postgres)
  fnstack_bench(postgres LIBRARIES libpqxx::pqxx SOURCES bench/postgres.cpp tests/support/postgres_server.cpp)
  target_include_directories(bench_postgres PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  fnstack_bench(w6_postgres_twin LIBRARIES libpqxx::pqxx Threads::Threads SOURCES bench/w6_postgres_twin.cpp)
  fnstack_bench(w6_postgres LIBRARIES fnstack_core fnstack_postgres SOURCES bench/w6_postgres.cpp)
endif()

# Does cost grow with the work and no faster?
fnstack_bench(growth
  LIBRARIES fnstack_core
  SOURCES bench/growth.cpp bench/growth_expressions.cpp bench/growth_loops.cpp bench/growth_runs.cpp bench/growth_texts.cpp)
# Does the process keep the memory it had, however many runs it does?
fnstack_bench(soak LIBRARIES fnstack_core fnstack_sqlite SOURCES bench/soak.cpp)

fnstack_bench(w4_server SOURCES bench/w4_server.cpp)
fnstack_bench(w4_twin LIBRARIES CURL::libcurl SOURCES bench/w4_twin.cpp)
fnstack_bench(w4 LIBRARIES fnstack_core fnstack_curl Threads::Threads SOURCES bench/w4.cpp)
