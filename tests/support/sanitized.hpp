/// KWIRE_TEST_SANITIZED: the address or thread sanitizer is on. Its operator new does not throw.
/// KWIRE_TEST_THREAD_SANITIZED: the thread sanitizer is on, whose operator new cannot be replaced.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KWIRE_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KWIRE_TEST_SANITIZED
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define KWIRE_TEST_THREAD_SANITIZED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KWIRE_TEST_THREAD_SANITIZED
#endif
#endif
