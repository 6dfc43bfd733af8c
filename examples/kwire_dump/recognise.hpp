/// Whether bytes begin a frame of Kafka's protocol.
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/request_start.hpp>
#include <kwire/wire/endian.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace dump {

/// Longer frames are not believed. A broker's default for requests is 100 MiB, and clients ask for less.
inline constexpr std::uint32_t longest_frame = 1 << 30;

/// Whether `bytes`, a frame with its length or the first bytes of one, begin a request of an API and version
/// that Kafka has or may soon have, with a client id of printable characters.
[[nodiscard]] inline bool begins_request(std::span<const std::byte> bytes) noexcept {
    constexpr std::size_t length_size = 4, least = 14;
    constexpr std::int16_t versions_to_come = 4;
    if (bytes.size() < least) return false;
    const auto size = kwire::wire::load_be<std::uint32_t>(bytes.data());
    if (size < 8 || size > longest_frame) return false;
    const auto start = kwire::peek_request(bytes.subspan(length_size));
    if (!start) return false;
    const kwire::api_facts facts = kwire::facts_of(start->api);
    if (!facts.assigned || start->api_version < 0 ||
        start->api_version > facts.last_version + versions_to_come)
        return false;
    if (kwire::request_header_version(start->api, start->api_version) == 0) return true;
    const auto id_size = kwire::wire::load_be<std::int16_t>(bytes.data() + 12);
    if (id_size < -1 || id_size > 1024 || (id_size > 0 && static_cast<std::uint32_t>(id_size) > size - 10))
        return false;
    const auto id = bytes.subspan(least).first(
        std::min(bytes.size() - least, static_cast<std::size_t>(std::max<std::int16_t>(id_size, 0))));
    return std::ranges::all_of(id, [](std::byte c) { return c >= std::byte{0x20} && c != std::byte{0x7f}; });
}

/// Whether `frame`, without its length, or the first four or more bytes of one, may begin a request of any
/// release: for a stream of requests, of which the ones before were valid.
[[nodiscard]] inline bool begins_request_of_any_kind(std::span<const std::byte> frame) noexcept {
    constexpr std::int16_t most_apis = 256, most_versions = 32;
    const auto api = kwire::wire::load_be<std::int16_t>(frame.data());
    const auto version = kwire::wire::load_be<std::int16_t>(frame.data() + 2);
    return api >= 0 && api < most_apis && version >= 0 && version < most_versions;
}

} // namespace dump
