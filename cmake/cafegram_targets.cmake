# One function makes each layer's library, one each test program: a layer's CMakeLists.txt names
# its sources and what it may use, nothing else.
include(GNUInstallDirs)

set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

# Headers are included as <cafegram/folder/file.hpp>, in the tree as when installed.
set(CAFEGRAM_INCLUDE_ROOT ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${CAFEGRAM_INCLUDE_ROOT})
if(NOT EXISTS ${CAFEGRAM_INCLUDE_ROOT}/cafegram)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${CAFEGRAM_INCLUDE_ROOT}/cafegram SYMBOLIC)
endif()

find_program(CAFEGRAM_CCACHE ccache)
if(CAFEGRAM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CAFEGRAM_CCACHE})
endif()

add_library(cafegram_settings INTERFACE)
add_library(cafegram::settings ALIAS cafegram_settings)
target_compile_features(cafegram_settings INTERFACE cxx_std_23)
if(CAFEGRAM_SANITIZE)
  # CAF's own headers take references of null pointers on purpose.
  target_compile_options(cafegram_settings INTERFACE -fsanitize=${CAFEGRAM_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(CAFEGRAM_SANITIZE MATCHES undefined)
    target_compile_options(cafegram_settings INTERFACE -fno-sanitize=null)
  endif()
  target_link_options(cafegram_settings INTERFACE -fsanitize=${CAFEGRAM_SANITIZE})
endif()

# g++ collects its garbage from 128 MB on. Sources that are compiled together need 800 MB anyway, and collecting
# on the way there takes a sixth of their time.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:--param ggc-min-heapsize=700000>")
endif()

add_library(cafegram_warnings INTERFACE)
# What shadows a name of another source is none of its business: found where each is compiled for itself.
set(warn_of_shadows -Wshadow)
if(CAFEGRAM_UNITY)
  set(warn_of_shadows $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
endif()
target_compile_options(cafegram_warnings INTERFACE -Wall -Wextra -Wpedantic ${warn_of_shadows} -Wconversion
  -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(CAFEGRAM_WERROR)
  target_compile_options(cafegram_warnings INTERFACE -Werror)
endif()

# cafegram_join(<target> [count]): with CAFEGRAM_UNITY so many sources are one for the compiler, which then
# makes what they all need of CAF's templates once. Names in anonymous namespaces must differ within a target.
function(cafegram_join target)
  set(count 8)
  if(ARGC GREATER 1)
    set(count ${ARGV1})
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${CAFEGRAM_UNITY} UNITY_BUILD_BATCH_SIZE ${count})
  # g++ warns of types from anonymous namespaces outside what it takes for the main file.
  if(CAFEGRAM_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# cafegram_library(<folder> SOURCES a.cpp ... HEADERS a.hpp ... [PUBLIC target ...]
# [PRIVATE target ...]) makes the static library `cafegram_<folder>`, known as `cafegram::<folder>`.
# HEADERS are those for everybody: they are installed, and include no others of ours.
function(cafegram_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  add_library(cafegram_${folder} STATIC ${ARG_SOURCES})
  add_library(cafegram::${folder} ALIAS cafegram_${folder})
  set_target_properties(cafegram_${folder} PROPERTIES EXPORT_NAME ${folder}
    POSITION_INDEPENDENT_CODE ON)
  target_include_directories(cafegram_${folder} PUBLIC
    $<BUILD_INTERFACE:${CAFEGRAM_INCLUDE_ROOT}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(cafegram_${folder} PUBLIC cafegram_settings ${ARG_PUBLIC}
    PRIVATE ${ARG_PRIVATE} $<BUILD_INTERFACE:cafegram_warnings>)
  cafegram_join(cafegram_${folder})
  set_property(GLOBAL APPEND PROPERTY CAFEGRAM_LIBRARIES cafegram_${folder})
  foreach(header IN LISTS ARG_HEADERS)
    cmake_path(ABSOLUTE_PATH header NORMALIZE)
    set_property(GLOBAL APPEND PROPERTY CAFEGRAM_HEADERS ${header})
  endforeach()
endfunction()

# cafegram_precompile(<target> header ... | REUSE_FROM other): headers that most sources of a target read,
# read once. CAF's and the API's cost more than the code that uses them. Who reuses another target's needs
# that target's code generation, hence -fPIC, and is built after all of it: for one that it links anyway, or that
# is there for this. No source may count on these headers: clang-tidy reads each without.
function(cafegram_precompile target)
  if(ARGV1 STREQUAL REUSE_FROM)
    target_precompile_headers(${target} REUSE_FROM ${ARGV2})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
  target_compile_options(${target} PRIVATE -fPIC)
endfunction()

# cafegram_compile_fast(<target>): code that is run once for each time that it is compiled; the libraries that it
# tests keep what the preset says. A sanitizer's build of a test is half as dear without optimization.
function(cafegram_compile_fast target)
  if(CAFEGRAM_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  elseif(NOT CMAKE_BUILD_TYPE STREQUAL Debug)
    target_compile_options(${target} PRIVATE -O1)
  endif()
endfunction()

# cafegram_test(<folder> [PROGRAM name] SOURCES a.cpp ... [LIBRARIES target ...]) makes the program
# `test_<folder>`, or `test_<name>`, from tests of one folder and registers each of its cases with CTest.
function(cafegram_test folder)
  cmake_parse_arguments(ARG "" "PROGRAM" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT ARG_PROGRAM)
    set(ARG_PROGRAM ${folder})
  endif()
  add_executable(test_${ARG_PROGRAM} ${ARG_SOURCES})
  target_link_libraries(test_${ARG_PROGRAM} PRIVATE cafegram_warnings cafegram_test_folders ${ARG_LIBRARIES} GTest::gtest
    GTest::gtest_main)
  target_include_directories(test_${ARG_PROGRAM} PRIVATE ${CAFEGRAM_INCLUDE_ROOT})
  cafegram_join(test_${ARG_PROGRAM})
  cafegram_compile_fast(test_${ARG_PROGRAM})
  # Rows of tables have names of their own.
  gtest_discover_tests(test_${ARG_PROGRAM} TEST_PREFIX ${folder}. DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES
    PROPERTIES TIMEOUT 300 LABELS "${folder};${ARG_LABELS}")
endfunction()
