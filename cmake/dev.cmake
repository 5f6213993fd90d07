# How our own code is compiled: warnings, sanitizers, ccache; and how folders and tests become targets. Not installed.

find_program(FNSTACK_CCACHE ccache)
if(FNSTACK_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${FNSTACK_CCACHE}")
endif()

add_library(fnstack_flags INTERFACE)
target_compile_features(fnstack_flags INTERFACE cxx_std_20)
target_compile_options(fnstack_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(FNSTACK_DEVELOPER)
  target_compile_options(fnstack_flags INTERFACE -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's own inlining makes it see these in std::string and std::variant where there is nothing; they stay
    # visible as warnings.
    target_compile_options(fnstack_flags INTERFACE -Wno-error=maybe-uninitialized -Wno-error=restrict
                           -Wno-error=stringop-overflow -Wno-error=array-bounds -Wno-error=free-nonheap-object)
    # GCC 12, when it optimises, says these of every move of a std::variant and of text + text (its bug 105651).
    target_compile_options(fnstack_flags INTERFACE "$<$<NOT:$<CONFIG:Debug>>:-Wno-maybe-uninitialized;-Wno-restrict>")
  endif()
endif()
target_include_directories(fnstack_flags INTERFACE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")

set(fnstack_sanitizers "${FNSTACK_SANITIZE}")
if(FNSTACK_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "fnstack: FNSTACK_FUZZ needs clang: -DCMAKE_CXX_COMPILER=clang++")
  endif()
  set(fnstack_sanitizers "address,undefined,fuzzer-no-link")
endif()
if(fnstack_sanitizers)
  # On everything in this build, third-party sources compiled here too: half an instrumented program reports nonsense.
  add_compile_options(-fsanitize=${fnstack_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${fnstack_sanitizers})
endif()

# fnstack_folder(NAME LIBRARIES lib... SOURCES file...): the object library fnstack_NAME of src/NAME.
function(fnstack_folder name)
  cmake_parse_arguments(arg "" "" "LIBRARIES;SOURCES" ${ARGN})
  add_library(fnstack_${name} OBJECT ${arg_SOURCES})
  set_target_properties(fnstack_${name} PROPERTIES CXX_EXTENSIONS OFF)
  if(BUILD_SHARED_LIBS)
    set_target_properties(fnstack_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  target_link_libraries(fnstack_${name} PRIVATE fnstack_flags PUBLIC ${arg_LIBRARIES})
endfunction()

# fnstack_test(NAME FOLDERS folder... LIBRARIES lib... SOURCES file...): a Catch2 program and its entry in ctest. It
# links the object libraries of the folders it tests and of those to their left, so a wrong dependency doesn't link.
function(fnstack_test name)
  cmake_parse_arguments(arg "" "" "FOLDERS;LIBRARIES;SOURCES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  foreach(folder IN LISTS arg_FOLDERS)
    if(TARGET fnstack_${folder})  # a backend that is off has none
      target_link_libraries(${name} PRIVATE fnstack_${folder})
    endif()
  endforeach()
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} fnstack_catch fnstack_flags)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_compile_definitions(${name} PRIVATE FNSTACK_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  if(FNSTACK_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)  # under sanitizers optimising the tests takes longer than running them
    set_tests_properties(${name} PROPERTIES TIMEOUT 1800)
  endif()
endfunction()
