/// Messages written by hand without their payloads, which are referred to: one block of memory and a list of
/// segments, as `writev` needs them.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/write/payload.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "bench/hand/write.hpp"

namespace bench::by_hand {

/// A segment of the own memory has no owner; a payload is kept alive by its own.
struct segment {
    std::span<const std::byte> bytes;
    kwire::shared_buffer owner{};
};
struct gathered {
    std::unique_ptr<std::byte[]> memory;
    std::vector<segment> segments;
};

/// How a writer puts payloads, and how it counts them: copied.
struct copied_payloads {
    template <class Payload>
    BENCH_INLINE std::byte* put(std::byte* at, const Payload& payload) noexcept {
        return put_payload(at, payload);
    }
    template <class Payload>
    BENCH_INLINE std::size_t size(const Payload& payload) noexcept {
        return payload_size(payload);
    }
};
/// Counts what does not lie in payloads, and the payloads.
struct counted_payloads {
    std::size_t count = 0;
    template <class Payload>
    BENCH_INLINE std::size_t size(const Payload& payload) noexcept {
        if (payload.is_null()) return 1;
        ++count;
        return count_size(static_cast<std::size_t>(payload.size()));
    }
};
/// Makes a segment of what was written since the last payload, and one of the payload.
struct referred_payloads {
    std::vector<segment>& segments;
    const std::byte* begin;
    template <class Payload>
    BENCH_INLINE std::byte* put(std::byte* at, const Payload& payload) {
        if (payload.is_null()) {
            *at = std::byte{0};
            return at + 1;
        }
        at = put_count(at, static_cast<std::size_t>(payload.size()));
        segments.push_back({{begin, at}});
        payload.each_buffer([this](kwire::shared_buffer bytes) {
            const auto span = bytes.span();
            segments.push_back({span, std::move(bytes)});
        });
        begin = at;
        return at;
    }
};

/// The whole message `data` of the scenario `S`.
template <class S, class Data>
gathered gather(const Data& data) {
    gathered out;
    if constexpr (requires(counted_payloads payloads) { S::size_by_hand(data, payloads); }) {
        counted_payloads payloads;
        out.memory = std::make_unique_for_overwrite<std::byte[]>(S::size_by_hand(data, payloads));
        out.segments.reserve(2 * payloads.count + 1);
        referred_payloads referred{out.segments, out.memory.get()};
        const std::byte* const end = S::write_by_hand(data, out.memory.get(), referred);
        out.segments.push_back({{referred.begin, end}});
    } else {
        out.memory = std::make_unique_for_overwrite<std::byte[]>(S::size_by_hand(data));
        out.segments.push_back({{out.memory.get(), S::write_by_hand(data, out.memory.get())}});
    }
    return out;
}

/// Whether the segments hold these bytes, one after the other.
inline bool holds(const gathered& message, std::span<const std::byte> bytes) {
    for (const segment& each : message.segments) {
        if (each.bytes.size() > bytes.size() ||
            !std::equal(each.bytes.begin(), each.bytes.end(), bytes.begin()))
            return false;
        bytes = bytes.subspan(each.bytes.size());
    }
    return bytes.empty();
}

} // namespace bench::by_hand
