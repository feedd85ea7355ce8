# Installs every layer's library with its public headers, and a package with one component per layer:
# find_package(cafegram COMPONENTS protocol) needs neither CAF nor Protocol Buffers.
include(CMakePackageConfigHelpers)

set(CAFEGRAM_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/cafegram)

# The settings carry the language standard; they belong to the lowest layer.
set_target_properties(cafegram_settings PROPERTIES EXPORT_NAME settings)
install(TARGETS cafegram_settings EXPORT cafegram-base)

get_property(cafegram_libraries GLOBAL PROPERTY CAFEGRAM_LIBRARIES)
foreach(library IN LISTS cafegram_libraries)
  get_target_property(component ${library} EXPORT_NAME)
  install(TARGETS ${library} EXPORT cafegram-${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT cafegram-${component} NAMESPACE cafegram:: DESTINATION ${CAFEGRAM_PACKAGE_DIR}
    FILE cafegram-${component}-targets.cmake)
endforeach()
get_property(cafegram_headers GLOBAL PROPERTY CAFEGRAM_HEADERS)
foreach(header IN LISTS cafegram_headers)
  cmake_path(GET header PARENT_PATH folder)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cafegram/${folder})
endforeach()
# What the build itself has written, such as the API's types.
get_property(generated_headers GLOBAL PROPERTY CAFEGRAM_GENERATED_INCLUDE_DIRS)
foreach(folder IN LISTS generated_headers)
  install(DIRECTORY ${folder}/cafegram DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp")
endforeach()

if(TARGET cafegram_program)
  install(TARGETS cafegram_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY tl/schema DESTINATION ${CMAKE_INSTALL_DATADIR}/cafegram FILES_MATCHING
  PATTERN "*.tl")
install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES cmake/FindCAF.cmake cmake/FindHttplib.cmake DESTINATION ${CAFEGRAM_PACKAGE_DIR})

configure_package_config_file(cmake/cafegram-config.cmake.in
  ${PROJECT_BINARY_DIR}/cafegram-config.cmake INSTALL_DESTINATION ${CAFEGRAM_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cafegram-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cafegram-config.cmake
  ${PROJECT_BINARY_DIR}/cafegram-config-version.cmake DESTINATION ${CAFEGRAM_PACKAGE_DIR})
