/// Offsets and leader epoch of a sequence of batches set by hand, with the checks that kwire makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

/// Returns the offset after the last record, or -1 if a batch is not whole or not of magic 2.
[[gnu::noinline]] inline std::int64_t stamp(std::span<std::byte> bytes, std::int64_t offset,
                                            std::int32_t epoch) noexcept {
    std::byte* p = bytes.data();
    std::byte* const end = p + bytes.size();
    while (p != end) {
        if (left(p, end) < 61 || p[16] != std::byte{2}) return -1;
        const auto length = load<std::int32_t>(p + 8);
        if (length < 49 || static_cast<std::uint64_t>(length) + 12 > left(p, end)) return -1;
        const auto last = load<std::int32_t>(p + 23);
        if (last < 0) return -1;
        put(p, offset);
        put(p + 12, epoch);
        offset += std::int64_t{last} + 1;
        p += 12 + length;
    }
    return offset;
}

} // namespace bench::by_hand
