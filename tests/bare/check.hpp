/// A check for programs that cannot throw: says which expectation failed and counts it.
#pragma once

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "the bare programs exist to be built with -fno-exceptions -fno-rtti"
#endif

#include <cstdio>

inline int failed_checks = 0;

#define CHECK(...)                                                                                           \
    ((__VA_ARGS__)                                                                                           \
         ? void()                                                                                            \
         : (++failed_checks, void(std::printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #__VA_ARGS__))))
