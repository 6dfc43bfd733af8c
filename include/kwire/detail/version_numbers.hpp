/// Internal: the version of kwire, and the name of the namespace that holds it; public by
/// <kwire/version.hpp>.
#pragma once

/// The version, as in CMakeLists.txt: docs/versions.md says what each number stands for.
#define KWIRE_VERSION_MAJOR 0
#define KWIRE_VERSION_MINOR 1
#define KWIRE_VERSION_PATCH 0

/// The inline namespace between `kwire` and everything in it: two versions of kwire, or one with
/// std::expected and one with kwire's own, have other names for the linker and can be in one program. A
/// program that defines it before kwire's first header, in each of its sources, chooses the name.
#if !defined(KWIRE_ABI)
#if KWIRE_OWN_EXPECTED
#define KWIRE_ABI v0_1_0_own
#else
#define KWIRE_ABI v0_1_0
#endif
#endif
