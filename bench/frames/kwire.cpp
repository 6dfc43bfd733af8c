#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/heartbeat.hpp>

#include <algorithm>
#include <cstring>

#include "bench/frames/rows.hpp"

namespace {

std::uint64_t handle(const kwire::shared_buffer& frame) {
    const auto number = [](std::int32_t value) { return std::uint64_t{static_cast<std::uint32_t>(value)}; };
    return kwire::dispatch(
               frame,
               kwire::overloaded{[&](const kwire::message<kwire::fetch_request>& fetch) {
                                     return number(fetch.correlation_id()) + number(fetch->max_bytes());
                                 },
                                 [&](const kwire::message<kwire::heartbeat_request>& beat) {
                                     return number(beat.correlation_id()) + number(beat->generation_id());
                                 },
                                 [](const kwire::request_frame&) { return std::uint64_t{0}; }})
        .value();
}

std::uint64_t read_frames(std::span<const std::byte> stream) {
    kwire::request_reader reader;
    std::uint64_t sum = 0;
    while (!stream.empty()) {
        const std::span<std::byte> room = reader.prepare();
        const std::size_t n = std::min(room.size(), stream.size());
        std::memcpy(room.data(), stream.data(), n);
        reader.commit(n);
        stream = stream.subspan(n);
        while (const auto frame = reader.next().value()) sum += handle(*frame);
    }
    return sum;
}

const bench::scenario rows([] { bench::add_frame_rows("kwire", read_frames); });

} // namespace
