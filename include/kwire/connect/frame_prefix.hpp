/// The front of a frame of which the rest is not there: what of its header is, and where its body begins.
///
///     auto seen = kwire::parse_request_prefix(first_bytes, {.whole_size = length_of_frame});
///     if (!seen) return reject(seen.error());
///     if (seen->api == kwire::api_key::metadata && seen->body_begun)
///         auto body = kwire::parse_prefix<kwire::metadata_request>(seen->body, *seen->api_version);
///
/// Frames are without their length, as the frame readers yield them.
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/request_start.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/view/request_header.hpp>
#include <kwire/messages/view/response_header.hpp>
#include <kwire/read/prefix.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// What is there of a request's header. It refers to the frame's bytes.
struct request_prefix {
    std::optional<api_key> api{};              ///< may be a number that Kafka has not assigned
    std::optional<std::int16_t> api_version{}; ///< may be a version that kwire does not know
    /// Chosen by the client.
    std::optional<std::int32_t> correlation_id{};
    std::optional<cut_bytes> client_id{}; ///< as much of it as is there; null in headers without one
    bool body_begun = false;              ///< whether the whole header is there
    std::span<const std::byte> body{};    ///< the bytes after the header
    prefix_options body_options{};        ///< for `parse_prefix` of the body: what is known of its size
};

/// What is there of a response's header. It refers to the frame's bytes.
struct response_prefix {
    /// The number of the request that this answers.
    std::optional<std::int32_t> correlation_id{};
    /// Whether the whole header is there.
    bool body_begun = false;
    /// The bytes after the header.
    std::span<const std::byte> body{};
    /// For `parse_prefix` of the body: what is known of its size.
    prefix_options body_options{};
};

namespace detail {

/// The front of the header of a frame; the body may follow.
template <class Header>
[[nodiscard]] expected<prefix_view<Header>, error>
parse_header_prefix(std::span<const std::byte> frame, int version, prefix_options options) noexcept {
    options.tolerate.trailing_bytes = true;
    return parse_prefix<Header>(frame, version, options);
}

/// Fills in what requests and responses have in common.
template <class Header, class Prefix>
void take_body(const prefix_view<Header>& header, std::span<const std::byte> frame, prefix_options options,
               Prefix& out) noexcept {
    out.correlation_id = header.template get<"correlation_id">();
    out.body_options = options;
    if (!header.is_whole()) return;
    const std::size_t size = bytes_of(header).size();
    out.body_begun = true;
    if (options.whole_size < frame.size()) frame = frame.first(static_cast<std::size_t>(options.whole_size));
    out.body = frame.subspan(size);
    if (options.whole_size != unknown_size) out.body_options.whole_size = options.whole_size - size;
}

} // namespace detail

/// Reads what is there of the header of a request frame.
///
/// `frame` is without its length, which goes into `options.whole_size` if it is known. What is missing is
/// nullopt. Errors: those of `parse_prefix`, with offsets into the frame. The time is linear in the bytes
/// that are there.
[[nodiscard]] inline expected<request_prefix, error>
parse_request_prefix(std::span<const std::byte> frame, prefix_options options = {}) noexcept {
    std::int16_t header_version = 0; // has what all others begin with
    if (const auto start = peek_request(frame))
        header_version = request_header_version(start->api, start->api_version);
    const auto header = detail::parse_header_prefix<request_header>(frame, header_version, options);
    if (!header) return unexpected(header.error());
    request_prefix out;
    out.api = header->get<"request_api_key">();
    out.api_version = header->get<"request_api_version">();
    detail::take_body(*header, frame, options, out);
    if (out.correlation_id) out.client_id = header->part<"client_id">();
    return out;
}

/// Reads what is there of the header of a response frame to a request of this API and version. Otherwise as
/// parse_request_prefix.
[[nodiscard]] inline expected<response_prefix, error>
parse_response_prefix(std::span<const std::byte> frame, api_key api, std::int16_t version,
                      prefix_options options = {}) noexcept {
    const auto header =
        detail::parse_header_prefix<response_header>(frame, response_header_version(api, version), options);
    if (!header) return unexpected(header.error());
    response_prefix out;
    detail::take_body(*header, frame, options, out);
    return out;
}

} // namespace kwire::inline KWIRE_ABI
