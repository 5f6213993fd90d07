# Installs the build into a fresh prefix, builds the project beside this file against it, in two ways, and runs it:
# by find_package, and by pkg-config. Run as a test: cmake -D… -P run.cmake
foreach(name IN ITEMS BUILD SOURCE WORK COMPILER GENERATOR BUILD_TYPE)
  if(NOT DEFINED ${name})
    message(FATAL_ERROR "run.cmake: -D${name}= is missing")
  endif()
endforeach()

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "failed (${status}): ${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect_greeting)
  if(NOT output STREQUAL "{\"text\":\"hello world\"}\n")
    message(FATAL_ERROR "expected {\"text\":\"hello world\"}, got ${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
# Moved after it was installed: nothing in the package may name an absolute path.
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/first")
file(RENAME "${WORK}/first" "${WORK}/prefix")

set(launcher)
if(LAUNCHER)
  set(launcher "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")
endif()
run("${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_CXX_FLAGS=${FLAGS}" ${launcher} "-DCMAKE_PREFIX_PATH=${WORK}/prefix"
    "-DCOMPONENTS=${COMPONENTS}")
run("${CMAKE_COMMAND}" --build "${WORK}/build")
foreach(host IN ITEMS host host_of_all)
  run("${WORK}/build/${host}")
  expect_greeting()
endforeach()

# A component that this build lacks is refused by name.
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}/lacking" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
                        "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCOMPONENTS=teleport"
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0 OR NOT output MATCHES "without the component[ \n]+\"teleport\"")
  message(FATAL_ERROR "expected a refusal naming the component \"teleport\", got (${status}):\n${output}")
endif()

find_program(pkg_config pkg-config)
if(pkg_config)
  file(GLOB_RECURSE pc "${WORK}/prefix/fnstack.pc")
  cmake_path(GET pc PARENT_PATH pc_dir)
  cmake_path(GET pc_dir PARENT_PATH lib_dir)
  set(ENV{PKG_CONFIG_PATH} "${pc_dir}")
  run("${pkg_config}" --cflags --libs fnstack)
  separate_arguments(flags UNIX_COMMAND "${FLAGS} ${output}")
  run("${COMPILER}" -std=c++20 "${SOURCE}/host.cpp" ${flags} -o "${WORK}/by_pkg_config")
  set(ENV{LD_LIBRARY_PATH} "${lib_dir}")
  run("${WORK}/by_pkg_config")
  expect_greeting()
endif()
