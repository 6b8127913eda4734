# For size rather than speed.
function(tine_small target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O2>)
endfunction()

# tine_folder(<name> [SMALL] [DEPS <folder>...] [LIBS <library>...] [TESTS_APART <folder>...])
#
# src/<name>/**.cpp, but for *_test.cpp, become the object library tine_<name>; the tests become the
# executable <name>_test, linked against the object libraries of all folders that <name> reaches.
# LIBS: names of tine_find_lib() (TineLibraries.cmake), or any target. TESTS_APART: sub-folders whose tests are executables of
# their own, <name>_<sub-folder>_test. SMALL: its code runs once for each script or program, so its size counts for more than its
# speed: -O2 (GCC's -O3 makes it a sixth larger).
function(tine_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SMALL" "" "DEPS;LIBS;TESTS_APART")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR
      "tine_folder(${name}): unexpected ${arg_UNPARSED_ARGUMENTS}; expected SMALL, DEPS, LIBS or TESTS_APART first")
  endif()

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")

  set(libs "")
  foreach(lib IN LISTS arg_LIBS)
    tine_find_lib(${lib} found)
    list(APPEND libs ${found})
  endforeach()

  if(sources)
    add_library(tine_${name} OBJECT ${sources})
    target_link_libraries(tine_${name} PUBLIC tine_options ${libs})
    if(arg_SMALL)
      tine_small(tine_${name})
    endif()
  else()
    add_library(tine_${name} INTERFACE)
    target_link_libraries(tine_${name} INTERFACE tine_options ${libs})
  endif()

  set(reached ${name})
  foreach(dep IN LISTS arg_DEPS)
    if(TARGET tine_${dep})
      get_property(more GLOBAL PROPERTY TINE_REACHED_${dep})
      list(APPEND reached ${more})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES reached)
  set_property(GLOBAL PROPERTY TINE_REACHED_${name} ${reached})
  set_property(GLOBAL APPEND PROPERTY TINE_FOLDERS ${name})

  # A folder's own headers see the usage requirements of what it reaches (include paths of msgpack, ...).
  foreach(dep IN LISTS reached)
    if(NOT dep STREQUAL name AND sources)
      target_include_directories(tine_${name} PRIVATE $<TARGET_PROPERTY:tine_${dep},INTERFACE_INCLUDE_DIRECTORIES>)
      target_compile_definitions(tine_${name} PRIVATE $<TARGET_PROPERTY:tine_${dep},INTERFACE_COMPILE_DEFINITIONS>)
    endif()
  endforeach()

  list(TRANSFORM reached PREPEND tine_)
  if(NOT TINE_TESTS)
    return()
  endif()
  foreach(part IN LISTS arg_TESTS_APART)
    set(own ${tests})
    list(FILTER own INCLUDE REGEX "/src/${name}/${part}/")
    list(FILTER tests EXCLUDE REGEX "/src/${name}/${part}/")
    tine_test(${name}_${part} "${own}" "${reached}")
  endforeach()
  if(tests)
    tine_test(${name} "${tests}" "${reached}")
  endif()
endfunction()

# What a sanitizer takes for a fault and is none: see the files.
function(tine_under_sanitizer executable test)
  if(TINE_SANITIZE MATCHES "thread")
    target_sources(${executable} PRIVATE "${PROJECT_SOURCE_DIR}/cmake/tsan_exceptions.cpp")
    set_tests_properties(${test} PROPERTIES
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp")
  elseif(TINE_SANITIZE MATCHES "address")
    set_tests_properties(${test} PROPERTIES
      ENVIRONMENT "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/lsan.supp")
  endif()
endfunction()

# The executable <name>_test of those files, linked against those libraries, and its ctest entry <name>.
function(tine_test name files libs)
  add_executable(${name}_test ${files})
  target_link_libraries(${name}_test PRIVATE ${libs} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
  tine_under_sanitizer(${name}_test ${name})
endfunction()

# libtine.so: every folder's objects. It lies beside the Python module, which finds it by $ORIGIN.
function(tine_library)
  get_property(folders GLOBAL PROPERTY TINE_FOLDERS)
  if(NOT folders)
    return()
  endif()
  list(TRANSFORM folders PREPEND tine_)
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/version.c" CONTENT
       "__attribute__((visibility(\"default\"))) const char tine_version[] = \"@PROJECT_VERSION@\";\n" @ONLY)
  add_library(tine SHARED "${CMAKE_CURRENT_BINARY_DIR}/version.c")
  target_link_libraries(tine PRIVATE ${folders})
  target_link_libraries(tine PUBLIC tine_options)
  target_link_options(tine PRIVATE -Wl,--no-undefined)
  if(TINE_SANITIZE)
    target_link_options(tine PRIVATE -Wl,--warn-unresolved-symbols)
  endif()
  set_target_properties(tine PROPERTIES
    LINKER_LANGUAGE CXX
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/python/tine")
  tine_name_library()
  tine_install_cpp()
endfunction()
