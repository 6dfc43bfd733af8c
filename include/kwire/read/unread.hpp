/// A frame whose header is read and whose body is not yet.
#pragma once

#include <kwire/api.hpp>
#include <kwire/read/message.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// In place of a message: only the header, a request_header or a response_header, has been read.
template <class Header>
struct unread {};

/// A frame of any API and version: what the header says, the body to be given to `parse`, and the whole to be
/// passed on unchanged. parse_request_frame and parse_response_frame make it.
///
/// A value with one reference on the frame's bytes: copies share them.
template <class Header>
class message<unread<Header>, any_version> {
public:
    using message_type = unread<Header>;

    /// The API of the request, or of the request that the response answers; may be a number that no API has.
    [[nodiscard]] api_key api() const noexcept { return place_.api; }
    /// The version of the body; may be one that kwire does not know. That of a response is the version of its
    /// request, but for an ApiVersions response to a version that the broker does not know: that is version 0
    /// (KIP-511).
    [[nodiscard]] std::int16_t api_version() const noexcept { return place_.api_version; }
    /// The number that pairs a request with its response.
    [[nodiscard]] std::int32_t correlation_id() const noexcept { return place_.correlation_id; }
    /// What the client calls itself; nullopt for null. Empty in header version 0, which lacks it. Requests
    /// only.
    [[nodiscard]] std::optional<std::string_view> client_id() const& noexcept KWIRE_LIFETIMEBOUND
        requires(std::is_same_v<Header, request_header>)
    {
        return header().client_id();
    }
    std::optional<std::string_view> client_id() const&& = delete;
    /// The header with its tags, a request_header::view or response_header::view; valid while the bytes are.
    [[nodiscard]] auto header() const& noexcept KWIRE_LIFETIMEBOUND {
        detail::require(!frame_.empty()); // it was moved from
        return detail::header_at<Header>(frame_.data(), place_);
    }
    void header() const&& = delete;

    /// The whole frame, header and body, without its length: what a proxy passes on unchanged (with_length).
    [[nodiscard]] const shared_buffer& frame() const& noexcept KWIRE_LIFETIMEBOUND { return frame_; }
    /// The whole frame alone, with this reference.
    [[nodiscard]] shared_buffer frame() && noexcept { return std::move(frame_); }
    /// The bytes after the header, with a reference of their own. O(1).
    [[nodiscard]] shared_buffer body() const& noexcept {
        return frame_.slice(place_.body, detail::body_in(frame_.span(), place_).size())
            .value_or(shared_buffer());
    }
    /// The same, and gives up the reference on the frame: the body may be the last one then.
    [[nodiscard]] shared_buffer body() && noexcept {
        shared_buffer out = std::as_const(*this).body();
        frame_ = {};
        return out;
    }

private:
    friend detail::message_access;
    message(shared_buffer frame, const detail::frame_place& place) noexcept
        : frame_(std::move(frame)), place_(place) {}

    shared_buffer frame_;
    detail::frame_place place_;
};

/// A request whose body is not read yet.
using request_frame = message<unread<request_header>>;
/// A response whose body is not read yet.
using response_frame = message<unread<response_header>>;

namespace detail {

/// The refusal of a frame of another API than the one that was to be read: names what came.
template <class Header>
[[nodiscard]] error mismatch_of(const message<unread<Header>>& frame) noexcept {
    const std::string_view name = facts_of(frame.api()).name;
    return {.code = errc::api_mismatch,
            .message = name.empty() ? std::string_view("unassigned API") : name,
            .version = frame.api_version(),
            .located = false};
}

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
