# What `cmake --install` puts where: libraries, public headers, the CMake package, the pkg-config file, the command.
include(CMakePackageConfigHelpers)

install(TARGETS ${fnstack_installed} EXPORT fnstackTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET fnstack_command)
  install(TARGETS fnstack_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# A backend's header goes along only if the backend does.
install(DIRECTORY include/fnstack DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp" PATTERN "backends" EXCLUDE)
foreach(component IN LISTS FNSTACK_COMPONENTS)
  install(FILES include/fnstack/backends/${component}.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fnstack/backends)
endforeach()

set(fnstack_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fnstack)
set(FNSTACK_SHARED ${BUILD_SHARED_LIBS})
configure_package_config_file(cmake/fnstackConfig.cmake.in "${PROJECT_BINARY_DIR}/fnstackConfig.cmake"
                              INSTALL_DESTINATION ${fnstack_config_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/fnstackConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/fnstackConfig.cmake" "${PROJECT_BINARY_DIR}/fnstackConfigVersion.cmake"
              cmake/FindFnstackHiredis.cmake cmake/FindFnstackRe2.cmake cmake/FindFnstackUtf8proc.cmake
              cmake/FindLibpqxx.cmake
        DESTINATION ${fnstack_config_dir})
install(EXPORT fnstackTargets NAMESPACE fnstack:: DESTINATION ${fnstack_config_dir})

set(FNSTACK_PC_LIBS)
set(FNSTACK_PC_REQUIRES)
# Static archives name nothing they need, so pkg-config must, without --static: that would ask for static libraries
# of the whole system too.
set(FNSTACK_PC_REQUIRES_KEY Requires)
if(BUILD_SHARED_LIBS)
  set(FNSTACK_PC_REQUIRES_KEY Requires.private)
endif()
foreach(component IN LISTS FNSTACK_COMPONENTS)
  string(APPEND FNSTACK_PC_LIBS " -lfnstack-${component}")
endforeach()
if(TARGET fnstack_curl)
  string(APPEND FNSTACK_PC_REQUIRES " libcurl zlib")
endif()
if(TARGET fnstack_sqlite)
  string(APPEND FNSTACK_PC_REQUIRES " sqlite3")
endif()
if(TARGET fnstack_postgres)
  string(APPEND FNSTACK_PC_REQUIRES " libpqxx")
endif()
if(TARGET fnstack_redis)
  string(APPEND FNSTACK_PC_REQUIRES " hiredis")
  if(TARGET hiredis::hiredis_ssl)
    string(APPEND FNSTACK_PC_REQUIRES " hiredis_ssl libssl")
  endif()
endif()
if(TARGET fnstack_spdlog)
  string(APPEND FNSTACK_PC_REQUIRES " spdlog")
endif()
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" OUTPUT_VARIABLE FNSTACK_PC_PREFIX)
configure_file(cmake/fnstack.pc.in "${PROJECT_BINARY_DIR}/fnstack.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/fnstack.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
