/// A checked message and the bytes that it was read from, as one value.
///
///     auto request = kwire::parse<kwire::fetch_request>(body, version);
///     for (auto topic : request->topics()) ...                         // `->` is the view
///
/// `parse`, `dispatch` and the frame parsers return it; `edit` makes it writable and gives it back.
#pragma once

#include <kwire/api.hpp>
#include <kwire/buffer/held.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/schema/detail/view.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

struct request_header;  // messages/request_header.hpp
struct response_header; // messages/response_header.hpp

namespace detail {

/// Where a body lies in its frame, and what every program asks of the header.
// cost: 16 bytes without padding, to be copied as one. With two bytes of it, GCC 12 copies the other 14 in
// two pieces that overlap, and the second waits for the first: 3 ns of 41 ns for a dispatch.
struct frame_place {
    std::uint32_t body = 0;           ///< the body's first byte, counted from the header's
    std::int32_t correlation_id = 0;  ///< as the header has it
    std::int32_t header_version = -1; ///< -1: the bytes are those of the body alone
    std::int16_t api_version = 0;     ///< of the body
    api_key api{};

    [[nodiscard]] bool in_frame() const noexcept { return header_version >= 0; }
};

/// The body's bytes in those of the frame; none of a frame that was moved from.
[[nodiscard]] inline std::span<const std::byte> body_in(std::span<const std::byte> frame,
                                                        const frame_place& place) noexcept {
    return frame.size() < place.body ? std::span<const std::byte>{} : frame.subspan(place.body);
}

template <class M>
consteval bool is_request() {
    return M::facts.name.ends_with("Request");
}
/// The header of frames that carry messages like M. Incomplete until the program includes connect/frame.hpp.
template <class M>
using header_of = std::conditional_t<is_request<M>(), request_header, response_header>;

/// The header of the frame that begins at `frame`.
template <class Header>
[[nodiscard]] typename Header::view header_at(const std::byte* frame, const frame_place& place) noexcept {
    const auto index = static_cast<std::size_t>(place.header_version - Header::facts.versions.first);
    return view_access::make<typename Header::view>(frame, tables_of<Header>::layouts[index]);
}

struct message_access;

} // namespace detail

/// Message `M`, checked, with one reference on its bytes: the body alone, or the whole frame that it came in.
///
/// `V` is its version where that is known at compile time. A value: copies share the bytes in O(1) and never
/// allocate. `->` and view() reach the fields; hold(view) and slice(bytes) keep a part of it, O(1), and say
/// no to what lies elsewhere. What the view hands out is valid while this, a part kept from it, or another
/// reference on the same memory lives. A temporary gives no access.
///
/// Threads: as shared_buffer. Copies may be used and destroyed on different threads.
template <class M, int V = any_version>
class KWIRE_OWNER message : public held<typename M::template basic_view<V>> {
    using base = held<typename M::template basic_view<V>>;

public:
    using message_type = M;
    using typename base::view_type;

    /// An empty message; assign to it before use.
    message() noexcept = default;

    /// Whether the message came in a frame: then it has a header, and frame() is what to pass on.
    [[nodiscard]] bool in_frame() const noexcept { return place_.in_frame() && !base::buffer().empty(); }
    /// The frame's header, with its tags, a request_header::view or response_header::view; valid while
    /// the bytes are. Needs <kwire/connect/frame.hpp>. Aborts unless in_frame().
    [[nodiscard]] auto header() const& noexcept KWIRE_LIFETIMEBOUND {
        detail::require(in_frame());
        return detail::header_at<detail::header_of<M>>(base::buffer().data(), place_);
    }
    void header() const&& = delete;
    /// The number that pairs a request with its response. Aborts unless in_frame().
    [[nodiscard]] std::int32_t correlation_id() const noexcept {
        detail::require(in_frame());
        return place_.correlation_id;
    }
    /// What the client calls itself; nullopt for null. Empty in header version 0, which lacks it. Requests
    /// only. Aborts unless in_frame().
    [[nodiscard]] std::optional<std::string_view> client_id() const& noexcept KWIRE_LIFETIMEBOUND
        requires(detail::is_request<M>())
    {
        return header().client_id();
    }
    std::optional<std::string_view> client_id() const&& = delete;
    /// The version of the body. That of a response is the version of its request, but for an ApiVersions
    /// response to a version that the broker does not know: that is version 0 (KIP-511).
    [[nodiscard]] std::int16_t api_version() const noexcept { return version_of(base::view()); }

    /// The whole frame, header and body, without its length: what a proxy passes on unchanged (with_length of
    /// connect/frame.hpp). Aborts unless in_frame().
    [[nodiscard]] const shared_buffer& frame() const& noexcept KWIRE_LIFETIMEBOUND {
        detail::require(in_frame());
        return base::buffer();
    }
    [[nodiscard]] shared_buffer frame() && noexcept {
        detail::require(in_frame());
        return static_cast<base&&>(*this).buffer();
    }
    /// The body alone, with a reference of its own. O(1).
    [[nodiscard]] shared_buffer body() const noexcept {
        const std::size_t size = detail::body_in(base::bytes(), place_).size();
        return base::buffer().slice(place_.body, size).value_or(shared_buffer());
    }

private:
    friend detail::message_access;
    message(const view_type& view, shared_buffer bytes, const detail::frame_place& place) noexcept
        : base(view, std::move(bytes)), place_(place) {}
    explicit message(shared_buffer bytes) noexcept : base(view_type(), std::move(bytes)) {}

    detail::frame_place place_;
};

namespace detail {

/// For those who have checked a body.
struct message_access {
    template <class M, int V>
    [[nodiscard]] static message<M, V> make(const typename M::template basic_view<V>& view,
                                            shared_buffer bytes, const frame_place& place = {}) noexcept {
        return {view, std::move(bytes), place};
    }
    template <class Unread>
    [[nodiscard]] static message<Unread> make_unread(shared_buffer frame, const frame_place& place) noexcept {
        return {std::move(frame), place};
    }
    /// A message whose bytes are not checked yet: its view is to be filled by the check.
    template <class M>
    [[nodiscard]] static message<M> unchecked(shared_buffer bytes) noexcept {
        return message<M>(std::move(bytes));
    }
    template <class M>
    [[nodiscard]] static auto& view(message<M>& of) noexcept {
        return of.view_;
    }
    template <class M, int V>
    [[nodiscard]] static const frame_place& place(const message<M, V>& from) noexcept {
        return from.place_;
    }
    template <class M, int V>
    [[nodiscard]] static frame_place& place(message<M, V>& of) noexcept {
        return of.place_;
    }
};

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
