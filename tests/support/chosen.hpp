/// Which messages the tests of all messages read: all, or those that KWIRE_TEST_ONLY names, separated by
/// commas. For tools that run a test many times, such as tests/mutants.
#pragma once

#include <cstdlib>
#include <string_view>

namespace support {

inline bool reads_all() { return std::getenv("KWIRE_TEST_ONLY") == nullptr; }

inline bool reads(std::string_view message) {
    const char* const only = std::getenv("KWIRE_TEST_ONLY");
    if (only == nullptr) return true;
    std::string_view names = only;
    while (!names.empty()) {
        const std::size_t end = names.find(',');
        if (names.substr(0, end) == message) return true;
        names.remove_prefix(end == names.npos ? names.size() : end + 1);
    }
    return false;
}

} // namespace support
