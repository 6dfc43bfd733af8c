/// What a broker reads from one connection: requests in frames, Fetch and Heartbeat in turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "bench/corpus/byte_writer.hpp"
#include "bench/fetch_request/corpus.hpp"

namespace bench {

/// Frames with headers of version 2. `sum` is that of all correlation ids, of `max_bytes` of each Fetch, and
/// of `generation_id` of each Heartbeat.
inline input make_frames(std::int32_t count) {
    const auto as_bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
    const input fetch = make_fetch_request(1, 1);
    input made;
    for (std::int32_t i = 0; i < count; ++i) {
        const bool is_fetch = i % 2 == 0;
        byte_writer frame;
        frame.number(std::int16_t{static_cast<std::int16_t>(is_fetch ? 1 : 12)});
        frame.number(std::int16_t{static_cast<std::int16_t>(is_fetch ? 12 : 4)});
        frame.number(i);
        frame.number(std::int16_t{12});
        frame.append(as_bytes("bench-client"));
        frame.empty_tag_section();
        if (is_fetch) {
            frame.append(fetch.bytes);
        } else {
            frame.text("group");
            frame.number(std::int32_t{3});
            frame.text("member-1-012345678901234567x");
            frame.text(std::nullopt);
            frame.empty_tag_section();
        }
        const input body = std::move(frame).finish();
        byte_writer whole;
        whole.number(static_cast<std::int32_t>(body.bytes.size()));
        whole.append(body.bytes);
        const input framed = std::move(whole).finish();
        made.bytes.insert(made.bytes.end(), framed.bytes.begin(), framed.bytes.end());
        made.sum += static_cast<std::uint64_t>(i) + (is_fetch ? 52428800U : 3U);
    }
    return made;
}

} // namespace bench
