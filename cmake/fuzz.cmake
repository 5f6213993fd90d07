# The fuzzers of tests/fuzz: libFuzzer programs, clang only.
function(fnstack_fuzzer name)
  add_executable(${name}_fuzzer tests/fuzz/${name}_fuzzer.cpp)
  target_link_libraries(${name}_fuzzer PRIVATE ${ARGN} fnstack_flags)
  target_link_options(${name}_fuzzer PRIVATE -fsanitize=fuzzer)
endfunction()

fnstack_fuzzer(definition fnstack_core)
fnstack_fuzzer(expression fnstack_core)
if(TARGET fnstack_curl)
  fnstack_fuzzer(http_response fnstack_curl)
endif()
