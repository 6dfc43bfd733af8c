# For developers of kwire only: tests, examples, benchmarks, and warnings as errors.
option(KWIRE_BUILD_TESTS "build the tests" ON)
option(KWIRE_BUILD_EXAMPLES "build the examples" ON)
option(KWIRE_BUILD_CONVERT "build kwire-convert, which contains every message and takes minutes to compile" ON)
option(KWIRE_BUILD_BENCHMARKS "build the benchmarks" OFF)
option(KWIRE_BUILD_FUZZERS "build only the libFuzzer targets of the tests; needs Clang and its fuzzer-no-link in the flags" OFF)
option(KWIRE_BUILD_ORACLE "build only the tests that compare with Kafka's classes: tests/oracle" OFF)
option(KWIRE_BUILD_INTEROP "build only the tests that compare with another implementation: tests/interop" OFF)
option(KWIRE_BUILD_PACKAGES "build only the consumers by package managers: tests/consumer" OFF)
option(KWIRE_BUILD_KAFKA_PROXY "build only the test of the proxy before Apache Kafka: tests/interop/proxy" OFF)
option(KWIRE_BUILD_MUTANTS "build only what shows whether tests notice mistakes: tests/mutants" OFF)
option(KWIRE_BARE "build only the proof that the core works without exceptions and run-time type information" OFF)
option(KWIRE_CHECK_HEADERS "compile every header alone" ON)
option(KWIRE_WERROR "turn warnings into errors" ON)
set(KWIRE_TESTS_MATCH "" CACHE STRING "build only the test files whose path below tests/ matches this expression")
set(KWIRE_SCRIPTS_MATCH "" CACHE STRING "test the example programs only with the scripts whose path below tests/ matches this expression")

# Users choose between C++20, the least that kwire needs, and later; the tests do where nothing else is said.
if(NOT DEFINED CMAKE_CXX_STANDARD)
  set(CMAKE_CXX_STANDARD 23)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# No source here imports a module, and newer releases of CMake would look into each.
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(KWIRE_CCACHE ccache)
  if(KWIRE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${KWIRE_CCACHE}")
  endif()
endif()

# Any Python 3; only its standard library is needed.
find_program(KWIRE_PYTHON NAMES python3 REQUIRED)

add_library(kwire_warnings INTERFACE)
target_compile_options(kwire_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  $<$<BOOL:${KWIRE_WERROR}>:-Werror>)


enable_testing()
if(KWIRE_BUILD_EXAMPLES)
  add_subdirectory(examples)
endif()
if(KWIRE_BUILD_BENCHMARKS)
  add_subdirectory(bench)
endif()
if(KWIRE_BUILD_TESTS)
  add_subdirectory(tests)
endif()
