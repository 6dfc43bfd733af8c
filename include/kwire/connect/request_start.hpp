/// The first bytes of a request, and what follows from its API and version: light enough for a router.
///
///     auto start = kwire::peek_request(frame.span());
///     if (!start) return drop(start.error());
///     if (start->api == kwire::api_key::produce) return to_writers(frame);
#pragma once

#include <kwire/api.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/endian.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// The first flexible version of an API. One that is not assigned is flexible at every version, as every API
/// added since Kafka 2.4 is.
// cost: GCC 12 copies all that facts_of returns.
[[nodiscard]] constexpr std::int16_t first_flexible_of(api_key api) noexcept {
    const auto number = static_cast<std::uint16_t>(api);
    if (number >= apis.size() || !apis[number].assigned) return -0x8000;
    return apis[number].first_flexible;
}

} // namespace detail

/// The version of a request's header: 2 from the first flexible version on, else 1, and 0 for
/// ControlledShutdown v0, which has no client id.
///
/// Unknown versions use the same rule, as in Kafka. Unknown APIs are treated as flexible, as every API added
/// since Kafka 2.4 is.
[[nodiscard]] constexpr std::int16_t request_header_version(api_key api, std::int16_t version) noexcept {
    if (api == api_key::controlled_shutdown && version == 0) return 0;
    return version >= detail::first_flexible_of(api) ? 2 : 1;
}

/// The version of a response's header: 1 from the first flexible version on, else 0, and always 0 for
/// ApiVersions, since a client must be able to read that response before it knows the broker (KIP-511).
[[nodiscard]] constexpr std::int16_t response_header_version(api_key api, std::int16_t version) noexcept {
    if (api == api_key::api_versions) return 0;
    return version >= detail::first_flexible_of(api) ? 1 : 0;
}

/// The first bytes of every request, the same in all header versions: enough to route it.
struct request_start {
    api_key api{};                ///< may be a number that Kafka has not assigned
    std::int16_t api_version = 0; ///< may be a version that kwire does not know
    /// The number that the response repeats.
    std::int32_t correlation_id = 0;
};

/// Reads the first eight bytes of a request frame. `truncated` if there are fewer.
[[nodiscard]] inline expected<request_start, error> peek_request(std::span<const std::byte> frame) noexcept {
    if (frame.size() < 8) {
        error short_frame;
        short_frame.code = errc::truncated;
        short_frame.needed = 8;
        short_frame.left = frame.size();
        short_frame.message = "RequestHeader";
        return unexpected(short_frame);
    }
    return request_start{static_cast<api_key>(wire::load_be<std::int16_t>(frame.data())),
                         wire::load_be<std::int16_t>(frame.data() + 2),
                         wire::load_be<std::int32_t>(frame.data() + 4)};
}

namespace detail {

/// Whether a client id of at least this length fits a frame of `size` bytes that begins with `start`. What
/// the start does not show counts as right.
[[nodiscard]] inline bool client_id_fits(std::span<const std::byte> start, std::size_t size,
                                         std::int16_t header_version, std::int16_t least_length) noexcept {
    constexpr std::size_t before_client_id = 8 + 2;
    if (header_version == 0) return true;
    const std::size_t tags = header_version >= 2 ? 1 : 0; // at least their number
    if (size < before_client_id + tags) return false;
    if (start.size() < before_client_id) return true;
    const auto length = wire::load_be<std::int16_t>(start.data() + 8);
    return length >= least_length &&
           (length <= 0 || static_cast<std::size_t>(length) <= size - before_client_id - tags);
}

/// Whether `start`, the first bytes of a frame of `size` bytes, begins a request of a known API and version:
/// what tells requests from other protocols, which do not name their kind.
///
/// ApiVersions is known in every version, since clients send versions that the broker may not know. The
/// client id must fit the frame.
[[nodiscard]] inline bool begins_known_request(std::span<const std::byte> start, std::size_t size) noexcept {
    const auto request = peek_request(start);
    if (!request) return false;
    const auto [api, version, id] = *request;
    const api_facts facts = facts_of(api);
    const std::int16_t last = api == api_key::api_versions ? std::int16_t{0x7fff} : facts.last_version;
    if (!facts.assigned || version < facts.first_version || version > last) return false;
    constexpr std::int16_t of_null = -1;
    return client_id_fits(start, size, request_header_version(api, version), of_null);
}

/// How many first bytes of a request these functions look at.
inline constexpr std::size_t request_start_bytes = 10;

/// Whether `frame`, or the first request_start_bytes of a frame of `size` bytes, can be a request to a broker
/// of any release, and so not a raw SASL token.
///
/// A broker may know APIs and versions that kwire does not, and it takes every negative length for null:
/// with a narrower rule a client could pass requests through a proxy as tokens. Of Kafka's mechanisms only
/// PLAIN has tokens whose first byte is zero, and text after it, which as a version is above 31.
[[nodiscard]] inline bool begins_any_request(std::span<const std::byte> frame, std::size_t size) noexcept {
    const auto request = peek_request(frame);
    if (!request) return false;
    const auto [api, version, id] = *request;
    constexpr std::int16_t most_apis = 256, most_versions = 32, any_length = -0x8000;
    const auto key = static_cast<std::int16_t>(api);
    if (key < 0 || key >= most_apis || version < 0) return false;
    if (version >= most_versions && api != api_key::api_versions) return false;
    return client_id_fits(frame, size, request_header_version(api, version), any_length);
}

[[nodiscard]] inline bool begins_any_request(std::span<const std::byte> frame) noexcept {
    return begins_any_request(frame, frame.size());
}

/// Whether this is a SaslHandshake of version 0, after which SASL tokens are frames without a header.
[[nodiscard]] constexpr bool is_raw_handshake(api_key api, std::int16_t version) noexcept {
    return api == api_key::sasl_handshake && version == 0;
}

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
