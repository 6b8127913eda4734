# What every target is compiled with, the libraries that most folders need, and where the results go.

option(TINE_TESTS "Build the tests, the benchmarks and the examples" ${PROJECT_IS_TOP_LEVEL})
option(TINE_PYTHON "Build the Python package" ON)
option(TINE_WHEEL "Build what a wheel carries: the command and the library inside the package, OpenBLAS of PyPI" OFF)
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

find_program(TINE_CCACHE ccache)
if(TINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/cmake/cached_compile;${PROJECT_SOURCE_DIR};${TINE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_C_COMPILER_LAUNCHER}")
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

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "tine is for Linux; this is ${CMAKE_SYSTEM_NAME}.")
endif()

set(oldest_python 3.11)
find_package(Python3 COMPONENTS Interpreter QUIET)
if(NOT Python3_Interpreter_FOUND)
  message(FATAL_ERROR "tine is built with the help of CPython ${oldest_python} or later, and CMake found no Python. Name one by "
    "-DPython3_EXECUTABLE=...")
elseif(Python3_VERSION VERSION_LESS oldest_python OR NOT Python3_INTERPRETER_ID STREQUAL "Python")
  message(FATAL_ERROR "tine is for CPython ${oldest_python} and later; ${Python3_EXECUTABLE} is ${Python3_INTERPRETER_ID} "
    "${Python3_VERSION}. Name another one by -DPython3_EXECUTABLE=...")
endif()
if(TINE_PYTHON)
  find_package(Python3 COMPONENTS Interpreter Development.Module QUIET)
  if(NOT Python3_Development.Module_FOUND)
    message(FATAL_ERROR "The C headers of ${Python3_EXECUTABLE} are missing: install them (Debian: apt install python3-dev), or "
      "build without the Python package by -DTINE_PYTHON=OFF")
  endif()
endif()

find_package(Threads REQUIRED)
tine_find_lib(fmt fmt)
if(TINE_TESTS)
  find_package(GTest REQUIRED)
endif()

add_library(tine_options INTERFACE)
target_include_directories(tine_options INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
# Thread-locals are one addition away also in the shared libraries. They are small: the loader has room for them.
target_compile_options(tine_options INTERFACE -Wall -Wextra -ftls-model=initial-exec)
# GCC sees overlaps in std::string's own assignments (its bug 105651), and overflows in atomic operations, that are not
# there.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tine_options INTERFACE -Wno-restrict -Wno-stringop-overflow)
else()
  # What guards what: include/tine/detail/mutex.h.
  target_compile_options(tine_options INTERFACE -Wthread-safety)
endif()
target_link_libraries(tine_options INTERFACE ${fmt} Threads::Threads)
if(TINE_SANITIZE)
  target_compile_options(tine_options INTERFACE
    -fsanitize=${TINE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tine_options INTERFACE -fsanitize=${TINE_SANITIZE})
endif()
