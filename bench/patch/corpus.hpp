/// Records fields of a Produce request, and what the broker's log must hold of them: other offsets, another
/// leader epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/harness/corpus.hpp"

namespace bench {

/// The batch of `records` records so many times over, as producers send it: each begins at offset 0.
inline input make_batches(std::size_t batches, std::span<const std::byte> batch) {
    input made;
    for (std::size_t i = 0; i < batches; ++i) made.bytes.insert(made.bytes.end(), batch.begin(), batch.end());
    return made;
}

/// The same batches with offsets from a first one on, without gaps, and with a leader epoch.
inline input make_stamped_batches(std::size_t batches, std::span<const std::byte> batch,
                                  std::int64_t records) {
    input made = make_batches(batches, batch);
    const auto put = [&made](std::size_t at, std::size_t width, std::int64_t value) {
        for (std::size_t i = 0; i < width; ++i)
            made.bytes[at + i] =
                static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * (width - 1 - i)) & 0xff);
    };
    std::int64_t offset = 0x0102030405060708;
    for (std::size_t i = 0; i < batches; ++i, offset += records) {
        put(i * batch.size(), 8, offset);
        put(i * batch.size() + 12, 4, 0x1020304);
    }
    made.sum = static_cast<std::uint64_t>(offset);
    return made;
}

} // namespace bench
