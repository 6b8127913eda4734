# What every target is compiled with, the libraries that most folders need, and where the results go.

option(TINE_TESTS "Build the tests, the benchmarks and the examples" ${PROJECT_IS_TOP_LEVEL})
option(TINE_PYTHON "Build the Python package" ON)
set(TINE_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Relative paths in the cache's key: checkouts of the same sources share their objects.
find_program(TINE_CCACHE ccache)
if(TINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${TINE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

# A warning is an error where developers and continuous integration build: their presets say so by
# CMAKE_COMPILE_WARNING_AS_ERROR, and TINE_WERROR=1 in the environment of the first configuration does. The next compiler
# of a user may warn of anything.
if(NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR AND "$ENV{TINE_WERROR}")
  set(CMAKE_COMPILE_WARNING_AS_ERROR ON CACHE BOOL "Treat warnings as errors")
endif()

set(oldest_GNU 12)
set(oldest_Clang 16)
set(oldest ${oldest_${CMAKE_CXX_COMPILER_ID}})
if(NOT oldest OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS oldest)
  message(FATAL_ERROR "tine is built by GCC ${oldest_GNU} or Clang ${oldest_Clang}, or later ones; ${CMAKE_CXX_COMPILER} is "
    "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. Name another one by -DCMAKE_CXX_COMPILER=...")
endif()

find_package(Python3 COMPONENTS Interpreter REQUIRED)
if(Python3_VERSION VERSION_LESS 3.11)
  message(FATAL_ERROR "tine needs CPython 3.11 or later; ${Python3_EXECUTABLE} is ${Python3_VERSION}. Name another one by "
    "-DPython3_EXECUTABLE=...")
endif()
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
if(TINE_TESTS)
  find_package(GTest REQUIRED)
endif()

add_library(tine_options INTERFACE)
target_include_directories(tine_options INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/include")
# Thread-locals are one addition away also in the shared libraries. They are small: the loader has room for them.
target_compile_options(tine_options INTERFACE -Wall -Wextra -ftls-model=initial-exec)
# GCC sees overlaps in std::string's own assignments (its bug 105651), and overflows in atomic operations, that are not
# there.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tine_options INTERFACE -Wno-restrict -Wno-stringop-overflow)
endif()
target_link_libraries(tine_options INTERFACE fmt::fmt Threads::Threads)
if(TINE_SANITIZE)
  target_compile_options(tine_options INTERFACE
    -fsanitize=${TINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tine_options INTERFACE -fsanitize=${TINE_SANITIZE})
endif()

# Libraries that only some folders need: `tine_folder(x LIBS openblas)` looks its name up here, so that
# a library nobody uses yet is not required.
function(tine_find_lib name out)
  if(name STREQUAL "openblas")
    # Debian's openblas64-less package: the pkg-config file names the threaded build.
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(OPENBLAS REQUIRED GLOBAL IMPORTED_TARGET openblas)
    set(${out} PkgConfig::OPENBLAS PARENT_SCOPE)
  elseif(name STREQUAL "hwy")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(HWY REQUIRED GLOBAL IMPORTED_TARGET libhwy)
    set(${out} PkgConfig::HWY PARENT_SCOPE)
  elseif(name STREQUAL "openssl")
    find_package(OpenSSL REQUIRED GLOBAL)
    set(${out} OpenSSL::SSL OpenSSL::Crypto PARENT_SCOPE)
  elseif(name STREQUAL "msgpack")
    if(NOT TARGET tine_msgpack)
      add_library(tine_msgpack INTERFACE IMPORTED GLOBAL)
      target_compile_definitions(tine_msgpack INTERFACE MSGPACK_NO_BOOST)
    endif()
    set(${out} tine_msgpack PARENT_SCOPE)
  else()
    set(${out} ${name} PARENT_SCOPE)
  endif()
endfunction()
