# Tests that are not built here: the checks of layers and locks, and pytest.

find_package(Python3 COMPONENTS Interpreter REQUIRED)

if(EXISTS "${PROJECT_SOURCE_DIR}/tools/check_layers")
  add_test(NAME layers COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/check_layers")
  add_test(NAME layers_self_test COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/check_layers" --self-test)
endif()

if(EXISTS "${PROJECT_SOURCE_DIR}/tools/check_locks")
  add_test(NAME locks COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/check_locks")
  add_test(NAME locks_self_test COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/check_locks" --self-test)
  # 77: there is no Clang here, which the test says. Continuous integration installs it first.
  set_tests_properties(locks locks_self_test PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()

# Another compiler, or a sanitizer, has other vague symbols.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT TINE_SANITIZE)
  add_test(NAME exports COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tools/check_exports" "$<TARGET_FILE:tine>")
endif()

# Python loads the sanitizer's runtime too late by itself: it has to come first.
set(pytest_environment "PYTHONPATH=${CMAKE_BINARY_DIR}/python" "TINE_BUILD_DIR=${CMAKE_BINARY_DIR}"
    "TINE_PYTHON=${Python3_EXECUTABLE}" "PYTHONDONTWRITEBYTECODE=1")
if(TINE_SANITIZE MATCHES "address|thread")
  if(TINE_SANITIZE MATCHES "thread")
    set(runtime libtsan.so)
  else()
    set(runtime libasan.so)
  endif()
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${runtime}
                  OUTPUT_VARIABLE runtime_path OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.so
                  OUTPUT_VARIABLE stdcxx_path OUTPUT_STRIP_TRAILING_WHITESPACE)
  # libstdc++ too, or the interceptor of __cxa_throw finds nothing to call. Leaks: the interpreter's own drown ours.
  list(APPEND pytest_environment "LD_PRELOAD=${runtime_path}:${stdcxx_path}" "ASAN_OPTIONS=detect_leaks=0" "TSAN_OPTIONS=die_after_fork=0:suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp"
       "PYTHONMALLOC=malloc")
endif()

# One ctest entry for each folder under tests/ that has Python tests.
file(GLOB pytest_files CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/tests/*/test_*.py" "${PROJECT_SOURCE_DIR}/tests/*/*_test.py")
list(FILTER pytest_files EXCLUDE REGEX "/tests/pytorch/")  # these need PyTorch: `make test-pytorch`
list(FILTER pytest_files EXCLUDE REGEX "/tests/(debian|package)/")  # these need packages: tools/check_packages, tools/check_wheel
set(pytest_folders "")
foreach(file IN LISTS pytest_files)
  get_filename_component(folder "${file}" DIRECTORY)
  list(APPEND pytest_folders "${folder}")
endforeach()
list(REMOVE_DUPLICATES pytest_folders)
foreach(folder IN LISTS pytest_folders)
  get_filename_component(name "${folder}" NAME)
  add_test(NAME pytest_${name}
           COMMAND "${Python3_EXECUTABLE}" -m pytest -q -p no:cacheprovider --timeout=120 "${folder}"
           WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}/tests")
  # They start processes of their own and measure time: alone on the machine.
  set_tests_properties(pytest_${name} PROPERTIES
    TIMEOUT 1500 ENVIRONMENT "${pytest_environment}" LABELS pytest RUN_SERIAL ON)
endforeach()

# tests/fuzz/*_fuzz.cpp define LLVMFuzzerTestOneInput; the preset fuzz builds them, tools/fuzz runs them.
option(TINE_FUZZ "Build the fuzzers (needs Clang)" OFF)
if(TINE_FUZZ)
  file(GLOB fuzzers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp")
  get_property(folders GLOBAL PROPERTY TINE_FOLDERS)
  list(TRANSFORM folders PREPEND tine_)
  target_compile_options(tine_options INTERFACE -fsanitize=fuzzer-no-link)
  add_custom_target(fuzzers)
  foreach(file IN LISTS fuzzers)
    get_filename_component(name "${file}" NAME_WE)
    add_executable(${name} EXCLUDE_FROM_ALL "${file}")
    target_link_libraries(${name} PRIVATE ${folders} tine_options)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
    add_dependencies(fuzzers ${name})
  endforeach()
endif()
