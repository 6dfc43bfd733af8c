/// The only place with compiler tests: the language standard, and attributes that GCC and Clang spell
/// differently.
#pragma once

#if defined(_MSVC_LANG) ? _MSVC_LANG <= 202002L : __cplusplus <= 202002L
#error "kwire needs C++23: compile with -std=c++23"
// Compilers go on after an #error, but not after a header that they cannot find.
#define KWIRE_STOPS_HERE <kwire needs C++23>
#include KWIRE_STOPS_HERE
#endif

#if defined(__clang__)
#define KWIRE_LIFETIMEBOUND [[clang::lifetimebound]]
/// For classes that point at bytes of another object.
#define KWIRE_POINTER [[gsl::Pointer]]
/// For classes that keep bytes alive.
#define KWIRE_OWNER [[gsl::Owner]]
/// Before a loop that has few turns as a rule, for which vectors take longer to set up than to use.
#define KWIRE_SHORT_LOOP _Pragma("clang loop vectorize(disable) unroll(disable)")
#else
#define KWIRE_LIFETIMEBOUND
#define KWIRE_POINTER
#define KWIRE_OWNER
#define KWIRE_SHORT_LOOP
#endif

#if defined(__GNUC__)
#define KWIRE_ALWAYS_INLINE [[gnu::always_inline]] inline
/// For lambdas, after their parameters.
#define KWIRE_INLINED __attribute__((always_inline))
#define KWIRE_COLD [[gnu::cold, gnu::noinline]]
#define KWIRE_NOINLINE [[gnu::noinline]]
/// For functions that are called a lot and whose bodies their callers can learn nothing from. GCC would study
/// in each program again what they and their callers could know of each other, which takes time and finds
/// nothing.
#if defined(__clang__)
#define KWIRE_APART [[gnu::noinline]]
#else
#define KWIRE_APART [[gnu::noipa]]
#endif
/// Hides from the optimiser how the variable came by its value.
#define KWIRE_OPAQUE(variable) asm volatile("" : "+r"(variable))
#else
#define KWIRE_ALWAYS_INLINE inline
#define KWIRE_INLINED
#define KWIRE_COLD
#define KWIRE_NOINLINE
#define KWIRE_APART
#define KWIRE_OPAQUE(variable) static_cast<void>(variable)
#endif
