/// Frames read from a stream by hand: one block of memory, nothing that lives longer than the loop, and the
/// two requests that the stream has.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "bench/fetch_request/by_hand.hpp"
#include "bench/hand/read.hpp"
#include "bench/harness/sinks.hpp"

namespace bench::by_hand {

/// Correlation id and one field of a request; nullopt if its header or body is malformed or unknown.
[[gnu::noinline]] inline std::optional<std::uint64_t>
handle_request(std::span<const std::byte> frame) noexcept {
    const std::byte* p = frame.data();
    const std::byte* const end = p + frame.size();
    if (left(p, end) < 11) return std::nullopt;
    const auto key = load<std::int16_t>(p), version = load<std::int16_t>(p + 2);
    const auto correlation = static_cast<std::uint32_t>(load<std::int32_t>(p + 4));
    const std::int16_t client = load<std::int16_t>(p + 8);
    p += 10;
    if (client < -1 || (client > 0 && static_cast<std::uint64_t>(client) >= left(p, end)))
        return std::nullopt;
    if (client > 0) p += client;
    p = end_struct(p, end);
    if (p == nullptr) return std::nullopt;
    no_sink sink;
    if (key == 1 && version == 12) {
        if (!fetch_request::read_by_hand({p, end}, sink).accepted) return std::nullopt;
        return correlation + static_cast<std::uint32_t>(load<std::int32_t>(p + 12));
    }
    if (key != 12 || version != 4 || p == end) return std::nullopt;
    p = read_string<false>(p, end, 4, sink);
    if (p == nullptr || left(p, end) < 5) return std::nullopt;
    const auto generation = static_cast<std::uint32_t>(load<std::int32_t>(p));
    p = read_string<false>(p + 4, end, 1, sink);
    if (p != nullptr) p = read_string<true>(p, end, 1, sink);
    if (p == nullptr || end_struct(p, end) != end) return std::nullopt;
    return correlation + generation;
}

/// Reads in blocks of 64 KiB; the beginning of a frame at the end of a block is moved to the front.
[[gnu::noinline]] inline std::uint64_t read_frames(std::span<const std::byte> stream) {
    std::vector<std::byte> block(65536);
    std::size_t filled = 0;
    std::uint64_t sum = 0;
    while (!stream.empty()) {
        const std::size_t n = std::min(block.size() - filled, stream.size());
        std::memcpy(block.data() + filled, stream.data(), n);
        stream = stream.subspan(n);
        filled += n;
        std::size_t at = 0;
        while (filled - at >= 4) {
            const auto size = load<std::int32_t>(block.data() + at);
            if (size < 8 || size > 65000) return 0;
            if (filled - at - 4 < static_cast<std::size_t>(size)) break;
            const auto answer = handle_request({block.data() + at + 4, static_cast<std::size_t>(size)});
            if (!answer) return 0;
            sum += *answer;
            at += 4 + static_cast<std::size_t>(size);
        }
        std::memmove(block.data(), block.data() + at, filled - at);
        filled -= at;
    }
    return sum;
}

} // namespace bench::by_hand
