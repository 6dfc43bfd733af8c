/// The only place with compiler tests: attributes that GCC and Clang spell differently.
#pragma once

#if defined(__clang__)
#define KWIRE_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define KWIRE_LIFETIMEBOUND
#endif

#if defined(__GNUC__)
#define KWIRE_ALWAYS_INLINE [[gnu::always_inline]] inline
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
#define KWIRE_COLD
#define KWIRE_NOINLINE
#define KWIRE_APART
#define KWIRE_OPAQUE(variable) static_cast<void>(variable)
#endif
