/// How the fuzz targets fail: with the claim that does not hold, and an abort that libFuzzer reports together
/// with the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace support {

/// Aborts unless `truth`; `claim` says what should be true, `detail` what was seen instead.
inline void insist(bool truth, const char* claim, std::string_view detail = "") {
    if (truth) return;
    std::fprintf(stderr, "not true: %s\n%.*s\n", claim, static_cast<int>(detail.size()), detail.data());
    std::abort();
}

} // namespace support
