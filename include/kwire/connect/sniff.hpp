/// Is this Kafka? From the first 8 to 64 bytes of a stream or of a frame in it, and where the next frame
/// begins in the middle of a stream.
///
///     const kwire::sniffed found = kwire::sniff(first_64_bytes);
///     if (found.certainty >= kwire::certainty::likely && found.kind == kwire::frame_kind::request)
///         count(found.api, found.version);
///
///     if (auto next = kwire::resync(stream_after_a_gap)) skip(next->offset);
///
/// This header brings the tables of all messages: include it in one source file of a program.
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/detail/body_front.hpp>
#include <kwire/connect/detail/foreign_peer.hpp>
#include <kwire/connect/frame_prefix.hpp>
#include <kwire/connect/request_start.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/prefix.hpp>
#include <kwire/wire/endian.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

/// How much speaks for a frame of Kafka's.
enum class certainty : std::uint8_t {
    none,     ///< it is not one
    possible, ///< it can be one, and so can other things: there are too few bytes, or it is a response
    likely,   ///< the header of a request of a known API and version; or the response that was expected
    sure,     ///< and the body begins as the schema says
};

/// The name of the enumerator, such as "likely".
[[nodiscard]] constexpr std::string_view name_of(certainty level) noexcept {
    switch (level) {
    case certainty::none: return "none";
    case certainty::possible: return "possible";
    case certainty::likely: return "likely";
    case certainty::sure: return "sure";
    }
    return "unknown";
}

/// Which direction a frame has.
enum class frame_kind : std::uint8_t {
    unknown,  ///< the bytes do not say it
    request,  ///< a client has sent it
    response, ///< a broker has sent it
};

/// The name of the enumerator, such as "request".
[[nodiscard]] constexpr std::string_view name_of(frame_kind kind) noexcept {
    switch (kind) {
    case frame_kind::unknown: break;
    case frame_kind::request: return "request";
    case frame_kind::response: return "response";
    }
    return "unknown";
}

/// What the first bytes of a frame say.
struct sniffed {
    kwire::certainty certainty = certainty::none; ///< how sure that is
    frame_kind kind = frame_kind::unknown;        ///< which direction it has
    api_key api{};                   ///< of a request, and of a response that shows it or was expected
    std::int16_t version = -1;       ///< likewise; -1 if it is not known
    std::int32_t correlation_id = 0; ///< if the certainty is not `none`
    std::uint32_t size = 0;          ///< of the frame, without the four bytes of its length; likewise
    std::string_view client_id{};    ///< of a request, as much of it as is there, in its bytes
    std::string_view foreign{};      ///< the other protocol that it looks like; static storage
};

/// The request to which a response is awaited.
struct expected_response {
    std::int32_t correlation_id = 0; ///< of that request
    api_key api{};                   ///< what it asked
    std::int16_t version = 0;        ///< in which version
};

/// What is known beside the bytes.
struct sniff_options {
    /// The longest frame. Brokers refuse requests of more than 100 MiB unless they are set up otherwise
    /// (`socket.request.max.bytes`), and clients limit responses to half of that (`fetch.max.bytes`).
    std::uint32_t max_frame_size = 104'857'600;
};

namespace detail {

/// How many bytes of a frame `sniff` looks at, its length included; enough for a client id and the first
/// fields.
inline constexpr std::size_t sniff_bytes = 320;

/// How many bytes of the body of a request `sniff` looks at.
// cost: more would make it surer than sure.
inline constexpr std::size_t most_of_body = 48;

/// Whether one of the first `count` of eight bytes is a control character. @pre 0 < count <= 8
// A subtraction borrows from a high bit where a byte is too small, and may then do so in bytes after it.
[[nodiscard]] KWIRE_ALWAYS_INLINE bool holds_control(const std::byte* eight, std::size_t count) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101, highs = ones << 7, deletes = ones * 0x7f;
    std::uint64_t bytes;
    std::memcpy(&bytes, eight, sizeof bytes);
    if constexpr (std::endian::native == std::endian::big) bytes = byteswap(bytes); // the first is the lowest
    const std::uint64_t small = (bytes - ones * 0x20) & ~bytes;
    const std::uint64_t deleted = ((bytes ^ deletes) - ones) & ~(bytes ^ deletes);
    return (((small | deleted) & highs) << (64 - 8 * count)) != 0;
}

/// Whether all of these bytes can be in the name of a client.
[[nodiscard]] KWIRE_APART inline bool is_name(std::span<const std::byte> text) noexcept {
    const std::byte* p = text.data();
    std::size_t left = text.size();
    if (left < 8) {
        for (; left != 0; --left, ++p)
            if (*p < std::byte{0x20} || *p == std::byte{0x7f}) return false;
        return true;
    }
    for (; left > 8; left -= 8, p += 8)
        if (holds_control(p, 8)) return false;
    return !holds_control(p + left - 8, 8); // some of them for the second time
}

/// The other protocol that a stream looks like by its first bytes, eight at least; empty for any other.
[[nodiscard]] KWIRE_APART inline std::string_view foreign_name(std::span<const std::byte> start) noexcept {
    // cost: all names are compared only if the first bytes can begin one: 900 instructions instead of 20.
    const std::uint8_t first = octet(start, 0);
    const bool binary = (first >= 0x14 && first <= 0x18) || first == 0x80 || first == 0x60;
    if (!binary)
        for (std::size_t i = 0; i < 4; ++i)
            if (!is_line_text(octet(start, i))) return {};
    return foreign_peer_of(start.first(start.size() < foreign_peer_bytes ? start.size() : foreign_peer_bytes))
        .name;
}

/// The other protocol that a frame of `size` bytes looks like although it begins as `request`: the start-up
/// message of PostgreSQL, whose version reads as Metadata, before the name of its first parameter; or what
/// HTTP/2 begins with, SETTINGS of stream 0, whose zeros read as Produce. An HTTP/2 setting has six bytes,
/// and its value is where the client id would be.
[[nodiscard]] KWIRE_COLD inline std::string_view
foreign_request(std::span<const std::byte> frame, std::uint32_t size, const request_start& request) noexcept {
    constexpr std::int16_t newest_minor = 2; // of PostgreSQL's protocol 3
    if (request.api == api_key::metadata) {
        if (request.api_version > newest_minor) return {};
        for (std::size_t i = 4; i < 8; ++i)
            if (octet(frame, i) < 'a' || octet(frame, i) > 'z') return {};
        return "PostgreSQL";
    }
    if (request.api != api_key::produce || request.api_version != 0) return {};
    constexpr std::uint32_t settings = 4, setting_size = 6, most_settings = 16, last_setting = 16;
    const std::uint32_t length = size >> 8;
    const auto first = static_cast<std::uint32_t>(request.correlation_id) >> 8;
    const bool no_client_id = frame.size() < 10 || wire::load_be<std::int16_t>(frame.data() + 8) <= 0;
    return (size & 0xff) == settings && length != 0 && length % setting_size == 0 &&
                   length <= setting_size * most_settings && first != 0 && first <= last_setting &&
                   no_client_id
               ? "HTTP/2"
               : "";
}

/// Whether the first numbers of a Produce request, which are those of old versions, are some that no client
/// sends: how many acknowledgements it wants, how long it waits, and how many topics follow.
[[nodiscard]] KWIRE_COLD inline bool begins_no_produce(std::int16_t version,
                                                       std::span<const std::byte> body) noexcept {
    constexpr std::int16_t first_transactional = 3;
    if (version >= first_transactional || body.size() < 2) return false;
    const auto acks = wire::load_be<std::int16_t>(body.data());
    if (acks < -1 || acks > 1) return true;
    if (body.size() < 10) return false;
    return wire::load_be<std::int32_t>(body.data() + 2) < 0 ||
           wire::load_be<std::int32_t>(body.data() + 6) < 1;
}

/// Whether the array of APIs in an ApiVersions response begins at `elements`, of which `count` are claimed,
/// and how many of them are there. 0: it does not.
[[nodiscard]] inline std::size_t api_ranges(std::span<const std::byte> elements, std::size_t stride,
                                            std::uint64_t count) noexcept {
    constexpr std::uint64_t most = 256;
    if (count == 0 || count > most) return 0;
    std::int32_t previous = -1;
    std::size_t seen = 0;
    for (; seen < count && (seen + 1) * stride <= elements.size(); ++seen) {
        const std::byte* const p = elements.data() + seen * stride;
        const std::int32_t key = wire::load_be<std::int16_t>(p);
        const auto least = wire::load_be<std::int16_t>(p + 2), newest = wire::load_be<std::int16_t>(p + 4);
        constexpr std::int16_t most_versions = 32;
        if (key <= previous || key > static_cast<std::int32_t>(most) || least < 0 || newest < least ||
            newest >= most_versions || (stride == 7 && p[6] != std::byte{0}))
            return 0;
        previous = key;
    }
    return seen;
}

/// The version of an ApiVersions response that begins with `body`; -1 if it is none. Of those that look alike
/// it is the oldest.
[[nodiscard]] inline std::int16_t api_versions_look(std::span<const std::byte> body) noexcept {
    constexpr std::size_t enough = 2, classic = 2 + 4, compact = 2 + 1;
    if (body.size() < classic) return -1;
    const auto error = wire::load_be<std::int16_t>(body.data());
    constexpr std::int16_t unsupported_version = 35;
    if (error != 0 && error != unsupported_version) return -1;
    if (api_ranges(body.subspan(classic), 6, wire::load_be<std::uint32_t>(body.data() + 2)) >= enough)
        return 0;
    if (api_ranges(body.subspan(compact), 7, std::to_integer<std::uint64_t>(body[2]) - 1) >= enough) return 3;
    return -1;
}

/// Where the body of a request begins if that cannot be seen, or if there is none.
inline constexpr std::uint32_t body_unseen = 0xffff'fffe, no_body = 0xffff'ffff;

/// Where the body of a request begins whose header has tags, of which Kafka has defined none so far.
[[nodiscard]] KWIRE_COLD inline std::uint32_t body_after_tags(std::span<const std::byte> frame,
                                                              std::uint32_t size) noexcept {
    const auto seen =
        parse_request_prefix(frame, {.tolerate = parse_options::as_kafka(), .whole_size = size});
    if (!seen) return no_body;
    return seen->body_begun ? static_cast<std::uint32_t>(frame.size() - seen->body.size()) : body_unseen;
}

/// What a frame of `size` bytes looks like whose first bytes are an API and a version that requests have;
/// false if what follows is none.
[[nodiscard]] KWIRE_ALWAYS_INLINE bool look_at_request(std::span<const std::byte> frame, std::uint32_t size,
                                                       const body_front& front, api_key api,
                                                       std::int16_t version, sniffed& out) noexcept {
    constexpr std::uint32_t before_client_id = 8, before_text = before_client_id + 2;
    const auto all_there = static_cast<std::uint32_t>(frame.size());
    if (size < front.min_frame) return false;
    auto unseen = certainty::possible, right = certainty::sure; // by what is seen of the body
    std::uint32_t at = body_unseen;
    if (all_there >= before_client_id) [[likely]] {
        out.correlation_id = wire::load_be<std::int32_t>(frame.data() + 4);
        if (front.resembles_others) [[unlikely]]
            if (const auto other = foreign_request(frame, size, {api, version, out.correlation_id});
                !other.empty()) {
                out = {};
                out.foreign = other;
                return true;
            }
        if (front.header_version == 0) at = before_client_id;
    }
    if (all_there >= before_text && front.header_version != 0) [[likely]] {
        const std::int32_t length = wire::load_be<std::int16_t>(frame.data() + before_client_id);
        const std::uint32_t text = length > 0 ? static_cast<std::uint32_t>(length) : 0;
        if (length < -1 || text + front.min_frame > size) return false;
        const std::uint32_t left = all_there - before_text;
        const std::uint32_t seen = text < left ? text : left;
        const std::byte* const name = frame.data() + before_text;
        // cost: most clients have short names, and more than eight bytes follow.
        if (text > 8 || left < 8) {
            if (!is_name({name, seen})) return false;
        } else if (text != 0 && holds_control(name, text)) {
            return false;
        }
        out.client_id = {reinterpret_cast<const char*>(name), seen};
        if (length == 0) { // two zeros, of which other protocols are full, and so is Produce
            constexpr std::uint32_t enough_without_name = before_text + 12;
            right = api != api_key::produce && all_there >= enough_without_name ? certainty::likely
                                                                                : certainty::possible;
        } else if (seen == text || seen >= 8) {
            unseen = certainty::likely;
        }
        at = before_text + text;
        if (front.header_version >= 2) {
            if (at >= all_there)
                at = body_unseen;
            else if (frame[at] == std::byte{0}) [[likely]]
                ++at;
            else if (at = body_after_tags(frame, size); at == no_body)
                return false;
        }
    }
    out.kind = frame_kind::request;
    out.api = api;
    out.version = version;
    out.size = size;
    out.certainty = unseen;
    if (at > all_there) return true;

    const std::byte* const body = frame.data() + at;
    const std::uint32_t there = all_there - at < most_of_body ? all_there - at : most_of_body;
    if (front.resembles_others) [[unlikely]]
        if (api == api_key::produce && begins_no_produce(version, {body, there})) return false;
    body_look look = look_at_front(request_fronts.steps_of(front), body, there, size - at);
    if (look == body_look::in_doubt) [[unlikely]]
        look = look_closely(*find_request(api), version, body, there, size - at);
    if (look == body_look::right) [[likely]]
        out.certainty = right;
    return look != body_look::wrong;
}

/// What a frame looks like that does not begin as requests do; `start` has its length too.
KWIRE_APART inline void look_at_other(std::span<const std::byte> start, std::uint32_t size,
                                      sniffed& out) noexcept {
    constexpr std::size_t prefix = 4, least_of_body = prefix + 4;
    out = {};
    const auto id = wire::load_be<std::int32_t>(start.data() + prefix); // a response begins with any number
    std::size_t end = start.size() - prefix < size ? start.size() : prefix + std::size_t{size};
    if (end > sniff_bytes) end = sniff_bytes;
    constexpr std::int32_t most_requests = 1 << 24; // of one connection, before anybody looks
    if (const std::int16_t found = api_versions_look(start.subspan(least_of_body, end - least_of_body));
        found >= 0) {
        out.api = api_key::api_versions;
        out.version = found;
        out.certainty = certainty::sure;
    } else if (const auto foreign = foreign_name(start); !foreign.empty()) {
        out.foreign = foreign;
        return;
    } else if (id >= 0 && id < most_requests) {
        out.certainty = certainty::possible;
    } else {
        return;
    }
    out.kind = frame_kind::response;
    out.correlation_id = id;
    out.size = size;
}

} // namespace detail

/// What `start`, the first bytes of a stream or of a frame in it with its length, looks like.
///
/// Eight bytes at least tell something; 64 are enough for nearly all requests; more than 320 are not looked
/// at. A response says little: `possible`, unless it is one to ApiVersions, which shows what it is. Who knows
/// the request calls `sniff_response`. Takes time linear in what it looks at, and allocates nothing.
[[nodiscard]] inline sniffed sniff(std::span<const std::byte> start, sniff_options options = {}) noexcept {
    sniffed out;
    constexpr std::size_t prefix = 4, least = 8;
    if (start.size() < least) return out;
    const auto size = wire::load_be<std::uint32_t>(start.data());
    if (size < prefix || size > options.max_frame_size) [[unlikely]] {
        out.foreign = detail::foreign_name(start);
        return out;
    }
    const auto api = wire::load_be<std::uint16_t>(start.data() + prefix);
    const auto version = wire::load_be<std::uint16_t>(start.data() + prefix + 2);
    if (const detail::body_front* const front = detail::request_fronts.find(api, version)) [[likely]] {
        const std::size_t seen = start.size() < detail::sniff_bytes ? start.size() : detail::sniff_bytes;
        const std::size_t there = seen - prefix < size ? seen - prefix : size;
        if (detail::look_at_request({start.data() + prefix, there}, size, *front, static_cast<api_key>(api),
                                    static_cast<std::int16_t>(version), out)) [[likely]]
            return out;
    }
    detail::look_at_other(start, size, out);
    return out;
}

namespace detail {

/// What `body` looks like, the first bytes of a body of `size` bytes, as that of a response.
[[nodiscard]] inline body_look look_at_response(const message_info& message, std::int16_t version,
                                                std::span<const std::byte> body,
                                                std::uint64_t size) noexcept {
    if (!message.facts.versions.contains(version)) return body_look::nothing_seen;
    const auto api = static_cast<std::uint16_t>(message.facts.key);
    const body_front& front = *response_fronts.find(api, static_cast<std::uint16_t>(version));
    const std::byte* const start = body.empty() ? nothing : body.data();
    const body_look look = look_at_front(response_fronts.steps_of(front), start, body.size(), size);
    return look == body_look::in_doubt ? look_closely(message, version, start, body.size(), size) : look;
}

} // namespace detail

/// What `start`, the first bytes of a response frame with its length, looks like, if `expected` is the
/// request that is to be answered next.
///
/// `none` if the correlation id is not that of the request; `possible` if it is, and the body is not one of
/// its response; `likely` if there is too little of the body. ApiVersions in a version that the broker does
/// not know is answered in version 0, and the result says so.
[[nodiscard]] inline sniffed sniff_response(std::span<const std::byte> start,
                                            const expected_response& expected,
                                            sniff_options options = {}) noexcept {
    constexpr std::size_t prefix = 4, least = 8;
    if (start.size() < least) return {};
    const auto size = wire::load_be<std::uint32_t>(start.data());
    const auto id = wire::load_be<std::int32_t>(start.data() + prefix);
    const message_info* const message = find_response(expected.api);
    if (size < prefix || size > options.max_frame_size || id != expected.correlation_id || message == nullptr)
        return {};
    if (start.size() > detail::sniff_bytes) start = start.first(detail::sniff_bytes);
    std::span<const std::byte> frame = start.subspan(prefix);
    if (frame.size() > size) frame = frame.first(size);
    sniffed out{.certainty = certainty::likely,
                .kind = frame_kind::response,
                .api = expected.api,
                .version = expected.version,
                .correlation_id = id,
                .size = size};
    const auto header = parse_response_prefix(frame, expected.api, expected.version,
                                              {.tolerate = parse_options::as_kafka(), .whole_size = size});
    if (!header) return {};
    if (!header->body_begun) return out;
    const std::uint64_t whole = header->body_options.whole_size;
    auto look = detail::look_at_response(*message, expected.version, header->body, whole);
    if (expected.api == api_key::api_versions && look != detail::body_look::right) {
        const auto fallback = detail::look_at_response(*message, 0, header->body, whole);
        if (fallback == detail::body_look::right) {
            look = fallback;
            out.version = 0;
        }
    }
    constexpr std::size_t enough_ranges = 2 + 4 + 2 * 7;
    if (expected.api == api_key::api_versions && header->body.size() >= enough_ranges &&
        detail::api_versions_look(header->body) < 0)
        look = detail::body_look::wrong; // zeros can be the front of this response, but no API is there twice
    if (look == detail::body_look::wrong) out.certainty = certainty::possible;
    if (look == detail::body_look::right) out.certainty = certainty::sure;
    return out;
}

/// A frame in the middle of a stream.
struct resynced {
    std::size_t offset = 0; ///< where its length begins
    sniffed frame;          ///< what it looks like
};

namespace detail {

/// What follows a frame of `size` bytes that begins at `offset`, if enough of it is there to be looked at.
[[nodiscard]] inline std::optional<std::span<const std::byte>>
next_frame(std::span<const std::byte> stream, std::size_t offset, std::uint32_t size) noexcept {
    constexpr std::size_t prefix = 4, least = 14;
    const std::size_t left = stream.size() - offset - prefix;
    if (size > left || left - size < least) return std::nullopt;
    return stream.subspan(offset + prefix + size);
}

/// Whether the values that are there are such as peers send: text without control characters, booleans that
/// are 0 or 1, and error codes of which there can be so many.
[[nodiscard]] inline bool has_usual_values(const dynamic_prefix& message) noexcept;
[[nodiscard]] inline bool is_usual(const dynamic_prefix_value& value) noexcept {
    constexpr std::int64_t least_error = -1, greatest_error = 255;
    if (value.state() == seen_state::absent || value.state() == seen_state::missing) return true;
    switch (value.kind()) {
    case field_kind::string: return is_name(value.content().there);
    case field_kind::boolean: return *value.bytes().data() <= std::byte{1};
    case field_kind::int16: {
        if (value.info().enumerators != enumeration::error_code) return true;
        const std::int64_t error = value.value().number();
        return error >= least_error && error <= greatest_error;
    }
    case field_kind::structure: return value.is_null() || has_usual_values(value.structure());
    case field_kind::array: break;
    default: return true;
    }
    if (width_of(value.info().element) != 0) return true;
    for (const dynamic_prefix_value element : value.elements())
        if (!is_usual(element)) return false;
    return true;
}
inline bool has_usual_values(const dynamic_prefix& message) noexcept {
    for (std::size_t i = 0; i < message.field_count(); ++i)
        if (!is_usual(message.field(i))) return false;
    return true;
}

/// The same of the body of a frame that begins at `start` with its length. Versions that kwire does not know
/// have no values to look at.
[[nodiscard]] inline bool has_usual_body(std::span<const std::byte> start, const sniffed& found) noexcept {
    constexpr std::size_t prefix = 4;
    if (start.size() > sniff_bytes) start = start.first(sniff_bytes);
    const auto frame = start.subspan(prefix);
    const bool request = found.kind == frame_kind::request;
    const message_info* const message = request ? find_request(found.api) : find_response(found.api);
    if (message == nullptr || !message->facts.versions.contains(found.version)) return true;
    const prefix_options options{.tolerate = parse_options::as_kafka(), .whole_size = found.size};
    const auto look = [&](const auto& header) noexcept {
        if (!header || !header->body_begun) return false;
        const auto body = parse_prefix(*message, header->body, found.version, header->body_options);
        return body.has_value() && has_usual_values(*body);
    };
    return request ? look(parse_request_prefix(frame, options))
                   : look(parse_response_prefix(frame, found.api, found.version, options));
}

} // namespace detail

/// The first request frame in `stream`, the bytes that clients send from the middle on; nullopt if there is
/// none.
///
/// A frame is taken if it is `sure`, its values are such as clients send, and what follows it can be a
/// request too, as far as it is there; one without the name of a client only if a request follows. Payloads
/// that hold frames of Kafka's, such as a topic of captured traffic, can deceive it. Takes time linear in the
/// size of the stream. What begins in its last bytes is not found: look again when there are more.
[[nodiscard]] inline std::optional<resynced> resync(std::span<const std::byte> stream,
                                                    sniff_options options = {}) noexcept {
    constexpr std::size_t least = 14;
    constexpr std::uint32_t most_versions = 32;
    for (std::size_t i = 0; stream.size() - i >= least; ++i) {
        const std::byte* const p = stream.data() + i;
        const auto start = wire::load_be<std::uint32_t>(p + 4);
        if (start >> 16 >= detail::apis.size() || (start & 0xffff) >= most_versions) [[likely]]
            continue;
        const sniffed found = sniff(stream.subspan(i), options);
        if (found.certainty < certainty::likely || found.kind != frame_kind::request) continue;
        const bool named = !found.client_id.empty() && found.certainty == certainty::sure;
        const auto next = detail::next_frame(stream, i, found.size);
        if (next) {
            const sniffed after = sniff(*next, options);
            const certainty least_next = named ? certainty::possible : certainty::likely;
            if (after.kind != frame_kind::request || after.certainty < least_next) continue;
        } else if (!named) {
            continue;
        }
        if (detail::has_usual_body(stream.subspan(i), found)) return resynced{i, found};
    }
    return std::nullopt;
}

/// The first response frame in `stream`, the bytes that a broker sends from the middle on, to one of the
/// requests that are not answered yet; nullopt if there is none.
///
/// `awaited(correlation_id)` returns the request as a std::optional<expected_response>; it is called for each
/// position at which a frame could begin. Otherwise as resync of requests.
template <class Awaited>
    requires std::is_invocable_r_v<std::optional<expected_response>, Awaited&, std::int32_t>
[[nodiscard]] std::optional<resynced> resync_responses(std::span<const std::byte> stream, Awaited awaited,
                                                       sniff_options options = {}) {
    constexpr std::size_t least = 10;
    const auto look = [&](std::span<const std::byte> start) -> sniffed {
        const auto size = wire::load_be<std::uint32_t>(start.data());
        if (size < 4 || size > options.max_frame_size) return {};
        const std::optional<expected_response> request =
            awaited(wire::load_be<std::int32_t>(start.data() + 4));
        return request ? sniff_response(start, *request, options) : sniffed{};
    };
    for (std::size_t i = 0; stream.size() - i >= least; ++i) {
        const sniffed found = look(stream.subspan(i));
        if (found.certainty != certainty::sure) continue;
        if (const auto next = detail::next_frame(stream, i, found.size)) {
            const auto size = wire::load_be<std::uint32_t>(next->data()); // its request may be unknown
            if (size < 4 || size > options.max_frame_size) continue;
        } else if (constexpr std::size_t enough = 36; // or the whole frame
                   stream.size() - i < enough && stream.size() - i - 4 < found.size) {
            continue;
        }
        if (detail::has_usual_body(stream.subspan(i), found)) return resynced{i, found};
    }
    return std::nullopt;
}

} // namespace kwire::inline KWIRE_ABI
