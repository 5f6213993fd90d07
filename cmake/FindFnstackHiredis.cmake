# hiredis as hiredis::hiredis, and hiredis::hiredis_ssl where its library for TLS is installed (1.0 and later). By
# looking for files: Debian 12's has no CMake package, and the package of others sets the include folder to hiredis/
# itself. Our sources say <hiredis/hiredis.h>.
if(NOT TARGET hiredis::hiredis)
  find_path(FNSTACK_HIREDIS_INCLUDE hiredis/hiredis.h)
  find_library(FNSTACK_HIREDIS_LIBRARY hiredis)
  find_library(FNSTACK_HIREDIS_SSL_LIBRARY hiredis_ssl)
  mark_as_advanced(FNSTACK_HIREDIS_INCLUDE FNSTACK_HIREDIS_LIBRARY FNSTACK_HIREDIS_SSL_LIBRARY)
  if(FNSTACK_HIREDIS_INCLUDE AND FNSTACK_HIREDIS_LIBRARY)
    add_library(hiredis::hiredis UNKNOWN IMPORTED)
    set_target_properties(hiredis::hiredis PROPERTIES IMPORTED_LOCATION "${FNSTACK_HIREDIS_LIBRARY}"
                          INTERFACE_INCLUDE_DIRECTORIES "${FNSTACK_HIREDIS_INCLUDE}")
  endif()
endif()
if(TARGET hiredis::hiredis AND NOT TARGET hiredis::hiredis_ssl AND FNSTACK_HIREDIS_SSL_LIBRARY
   AND EXISTS "${FNSTACK_HIREDIS_INCLUDE}/hiredis/hiredis_ssl.h")
  find_package(OpenSSL QUIET)
  if(TARGET OpenSSL::SSL)
    add_library(hiredis::hiredis_ssl UNKNOWN IMPORTED)
    set_target_properties(hiredis::hiredis_ssl PROPERTIES IMPORTED_LOCATION "${FNSTACK_HIREDIS_SSL_LIBRARY}"
                          INTERFACE_INCLUDE_DIRECTORIES "${FNSTACK_HIREDIS_INCLUDE}")
    target_link_libraries(hiredis::hiredis_ssl INTERFACE hiredis::hiredis OpenSSL::SSL OpenSSL::Crypto)
  endif()
endif()
if(TARGET hiredis::hiredis)
  set(FnstackHiredis_FOUND TRUE)
else()
  set(FnstackHiredis_FOUND FALSE)
  if(FnstackHiredis_FIND_REQUIRED)
    message(FATAL_ERROR "fnstack: hiredis not found; Debian: apt-get install libhiredis-dev")
  endif()
endif()
