/// KWIRE_TEST_SANITIZED: a sanitizer's operator new is used, which does not throw and cannot be replaced.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KWIRE_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KWIRE_TEST_SANITIZED
#endif
#endif
