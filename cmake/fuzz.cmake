# The fuzzers of tests/fuzz: libFuzzer programs, clang only.
foreach(fuzzer IN ITEMS definition expression json url)
  if(EXISTS "${PROJECT_SOURCE_DIR}/tests/fuzz/${fuzzer}_fuzzer.cpp")
    add_executable(${fuzzer}_fuzzer tests/fuzz/${fuzzer}_fuzzer.cpp)
    target_link_libraries(${fuzzer}_fuzzer PRIVATE fnstack_core fnstack_flags)
    target_link_options(${fuzzer}_fuzzer PRIVATE -fsanitize=fuzzer)
  endif()
endforeach()
