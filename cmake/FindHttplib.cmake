# Finds cpp-httplib as a compiled library, for which Debian ships a pkg-config file only.
#
# Target: Httplib::httplib
# Result: Httplib_FOUND, Httplib_VERSION
include(FindPackageHandleStandardArgs)

find_path(Httplib_INCLUDE_DIR NAMES httplib.h)
find_library(Httplib_LIBRARY NAMES cpp-httplib)
mark_as_advanced(Httplib_INCLUDE_DIR Httplib_LIBRARY)

if(Httplib_INCLUDE_DIR)
  file(STRINGS ${Httplib_INCLUDE_DIR}/httplib.h httplib_line REGEX "#define CPPHTTPLIB_VERSION \"")
  string(REGEX REPLACE ".*\"([0-9.]+)\".*" "\\1" Httplib_VERSION "${httplib_line}")
endif()

find_package_handle_standard_args(Httplib REQUIRED_VARS Httplib_INCLUDE_DIR Httplib_LIBRARY
  VERSION_VAR Httplib_VERSION)

if(Httplib_FOUND AND NOT TARGET Httplib::httplib)
  find_package(Threads REQUIRED)
  add_library(Httplib::httplib UNKNOWN IMPORTED)
  # The library is built with OpenSSL: without this definition `Request` has another layout here than
  # there. What zlib and Brotli add to the header is no part of any class.
  set_target_properties(Httplib::httplib PROPERTIES IMPORTED_LOCATION ${Httplib_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${Httplib_INCLUDE_DIR} INTERFACE_LINK_LIBRARIES Threads::Threads
    INTERFACE_COMPILE_DEFINITIONS CPPHTTPLIB_OPENSSL_SUPPORT)
endif()
