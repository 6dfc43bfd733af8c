/// The only place with compiler tests: the language standard, and attributes that GCC, Clang and MSVC spell
/// differently. Only the checksums by instructions (wire/detail/crc32c_*.hpp) have tests of their own.
#pragma once

#if defined(_MSVC_LANG) ? _MSVC_LANG < 202002L : __cplusplus < 202002L
#error "kwire needs C++20: compile with -std=c++20 or later"
// Compilers go on after an #error, but not after a header that they cannot find.
#define KWIRE_STOPS_HERE <kwire needs C++20>
#include KWIRE_STOPS_HERE
#endif

#include <version>

#if defined(__GNUC__) || defined(__clang__)
/// For the rest of a header: no warnings, as for those of the standard library.
#define KWIRE_SYSTEM_HEADER _Pragma("GCC system_header")
#else
#define KWIRE_SYSTEM_HEADER
#endif

/// Whether kwire::expected is kwire's own: 1 where the standard library has no std::expected.
#if !defined(KWIRE_OWN_EXPECTED)
#if defined(__cpp_lib_expected)
#define KWIRE_OWN_EXPECTED 0
#else
#define KWIRE_OWN_EXPECTED 1
#endif
#endif

#include <kwire/detail/version_numbers.hpp>

/// Whether the compiler asks for a constant now, as `if consteval` finds out since C++23.
#define KWIRE_IS_CONSTEVAL() __builtin_is_constant_evaluated() // MSVC has it under this name too

#if defined(_MSC_VER)
/// Before a member that may be empty: it then takes no room. MSVC, and Clang where it has MSVC's layout,
/// ignore the attribute of the standard.
#define KWIRE_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define KWIRE_NO_UNIQUE_ADDRESS [[no_unique_address]]
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
#if defined(_MSC_VER)
#define KWIRE_SHORT_LOOP __pragma(loop(no_vector))
#else
#define KWIRE_SHORT_LOOP
#endif
#endif

#if defined(__GNUC__) || defined(__clang__)
#define KWIRE_ALWAYS_INLINE [[gnu::always_inline]] inline
/// For small functions that every optimising compiler inlines where that pays: in debug builds a call of each
/// would take most of the time.
#if defined(__OPTIMIZE__)
#define KWIRE_SMALL inline
#else
#define KWIRE_SMALL KWIRE_ALWAYS_INLINE
#endif
/// For functions that have one caller as a rule, and leave what it has in registers there if they are a part
/// of it: which of them are so short is not left to the compiler. Sanitizers make of each load what is long
/// enough without that.
// cost: without it GCC 12 -O3 executed 267 k instructions instead of 223 k for encoding a Fetch response of
// 1000 partitions, or not, by what else was in the function; Clang 19 307 k.
#if defined(__clang__)
#if defined(__OPTIMIZE__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define KWIRE_ONE_CALLER __attribute__((always_inline))
#endif
/// The same, and for lambdas after their parameters, where GCC can be relied on.
// cost: with Clang 19 -O3 the check of a Fetch response of 1000 partitions took 121 k instructions instead of
// 72 k.
#define KWIRE_PART KWIRE_ONE_CALLER
#elif defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define KWIRE_ONE_CALLER __attribute__((always_inline))
#endif
#if !defined(KWIRE_ONE_CALLER)
#define KWIRE_ONE_CALLER
#endif
#if !defined(KWIRE_PART)
#define KWIRE_PART
#endif
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
#define KWIRE_UNREACHABLE() __builtin_unreachable()
/// The number of 16, 32 or 64 bits with its bytes in reverse order; not there if no such thing can be a
/// constant.
#define KWIRE_BYTESWAP(bits, value) __builtin_bswap##bits(value)
#else
#define KWIRE_SMALL inline
#define KWIRE_ONE_CALLER
#define KWIRE_PART
#define KWIRE_INLINED
#define KWIRE_OPAQUE(variable) static_cast<void>(variable)
#if defined(_MSC_VER)
#define KWIRE_ALWAYS_INLINE [[msvc::forceinline]] inline
#define KWIRE_COLD [[msvc::noinline]]
#define KWIRE_NOINLINE [[msvc::noinline]]
#define KWIRE_APART [[msvc::noinline]]
#define KWIRE_UNREACHABLE() __assume(false)
#else
#define KWIRE_ALWAYS_INLINE inline
#define KWIRE_COLD
#define KWIRE_NOINLINE
#define KWIRE_APART
#define KWIRE_UNREACHABLE() static_cast<void>(0)
#endif
#endif

/// Whether the calls that only Linux has are used. A program that defines KWIRE_PORTABLE, in all its sources,
/// goes without them, as on other systems: frames grow by copying instead of mremap, files are read instead
/// of sendfile, and the key of hashes comes from the clock.
#if defined(__linux__) && !defined(KWIRE_PORTABLE)
#define KWIRE_ON_LINUX 1
#endif
