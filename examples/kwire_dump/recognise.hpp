/// Where frames of Kafka's protocol begin in the streams of a connection.
#pragma once

#include <kwire/connect/request_start.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace dump {

/// Longer frames are not believed. A broker's default for requests is 100 MiB, and clients ask for less.
inline constexpr std::uint32_t longest_frame = 1 << 30;

/// How many bytes of a stream tell what it is, if there is no whole frame in them.
inline constexpr std::size_t enough_to_recognise = 64;

/// Where in `chunk` a request begins; nullopt if none does. At the beginning of a segment its header is
/// enough; elsewhere, which is looked at if `anywhere`, more must be right. `to_broker`: the peer is known to
/// be a broker, so that requests without the name of a client pass too.
[[nodiscard]] std::optional<std::size_t> find_request_in(std::span<const std::byte> chunk,
                                                         bool starts_segment, bool anywhere, bool to_broker);

/// The same for a response to one of the requests that wait, which `waiting` finds by their id.
[[nodiscard]] std::optional<std::size_t>
find_response_in(std::span<const std::byte> chunk, bool starts_segment,
                 const std::function<std::optional<kwire::request_start>(std::int32_t)>& waiting);

/// Whether `frame`, without its length, or the first four or more bytes of one, may begin a request of any
/// release: for a stream of requests, of which the ones before were valid.
[[nodiscard]] bool begins_request_of_any_kind(std::span<const std::byte> frame) noexcept;

} // namespace dump
