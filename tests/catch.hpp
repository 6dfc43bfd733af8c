/// Catch2, version 2 (Debian 12) or version 3, whichever is installed.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

// Where std::size_t has 32 bits, tests that make sizes of random numbers would have a cast in each of these
// lines. The headers of kwire, which come before this one, are compiled with the warning.
#if __SIZEOF_POINTER__ == 4
#pragma GCC diagnostic ignored "-Wconversion"
#endif
