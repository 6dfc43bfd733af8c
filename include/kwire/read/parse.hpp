/// From bytes to a view: one walk that checks every length, then accessors that need not check again.
///
///     auto request = kwire::parse<kwire::produce_request>(body, version);   // keeps the bytes alive
///     if (!request) return reject(request.error());
///     for (auto topic : request->topic_data()) ...
#pragma once

#include <kwire/detail/cxx23.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/message.hpp>
#include <kwire/read/result.hpp>
#include <kwire/read/unread.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

/// What a check has found. Irregular tags are those that only a leniency has let pass.
enum class body_state : std::uint8_t {
    refused,
    sound,
    sound_with_irregular_tags,
};

/// The part of a parse that all messages share: whether the body is sound; if not, `refusal` says why.
/// Offsets are kept in 32 bits, and no frame can be longer.
// cost: APART, since GCC 12 would pass the options as six arguments: 30 instructions of a dispatch.
KWIRE_APART inline body_state check_body(const message_facts& facts, const struct_layout* layouts,
                                         const std::byte* start, std::size_t size, int version,
                                         parse_options options, std::uint32_t* ends,
                                         error_slot& refusal) noexcept {
    check_state state(start, size, refusal, options);
    const std::byte* at = start;
    errc code = errc::unsupported_version;
    if (facts.versions.contains(version)) [[likely]] {
        code = errc::too_large;
        if (size <= wire::max_length) [[likely]] {
            code = errc::trailing_bytes;
            at = check_struct(layouts[version - facts.versions.first], start, state, ends);
            if (at != nullptr && (state.left(at) == 0 || options.trailing_bytes)) [[likely]]
                return state.irregular_tags ? body_state::sound_with_irregular_tags : body_state::sound;
        }
    }
    if (at != nullptr) refuse(state, nullptr, code, at);
    refusal->message = facts.name;
    refusal->version = static_cast<std::int16_t>(version);
    return body_state::refused;
}

/// Checks `body` and makes `view` one of it; if it is not sound, `refusal` says why.
template <class M>
[[nodiscard]] bool check_view(typename M::view& view, std::span<const std::byte> body, int version,
                              parse_options options, error_slot& refusal) noexcept {
    const std::byte* const start =
        body.empty() ? nothing : body.data(); // a position of a walk is never nullptr
    [[maybe_unused]] const int asked = version;
    if constexpr (M::facts.alias >= 0) version = M::facts.canonical(version);
    const body_state found = check_body(M::facts, tables_of<M>::layouts, start, body.size(), version, options,
                                        view_access::ends(view), refusal);
    if (found == body_state::refused) [[unlikely]] {
        if constexpr (M::facts.alias >= 0) refusal->version = static_cast<std::int16_t>(asked);
        return false;
    }
    view_access::adopt(view, start,
                       tables_of<M>::layouts[static_cast<std::size_t>(version - M::facts.versions.first)]);
    if (found == body_state::sound) view_access::trust_tags(view);
    return true;
}

/// Whether frames with this header carry messages like M. It must hold where M is read from one.
template <class M, class Header>
consteval void require_direction(std::type_identity<message<unread<Header>>>) {
    static_assert(std::is_same_v<header_of<M>, Header> &&
                      (is_request<M>() || M::facts.name.ends_with("Response")),
                  "requests are read from request frames, responses from response frames");
}

/// The view of a body at a version that is a constant.
template <class M, int V>
[[nodiscard]] expected<typename M::template basic_view<V>, error> parse_body(std::span<const std::byte> body,
                                                                             parse_options options) noexcept {
    expected<typename M::template basic_view<V>, error> out;
    typename M::template basic_view<V>& view = *out; // where it stays: see parse_into
    std::uint32_t* const ends = view_access::ends(view);
    const std::byte* const start = body.empty() ? nothing : body.data();
    constexpr int version = M::facts.alias >= 0 ? M::facts.canonical(V) : V;
    error_slot refusal;
    check_state state(start, body.size(), refusal);
    const std::byte* const end =
        body.size() <= wire::max_length ? check_struct_at<M, V, true>(start, state, ends) : nullptr;
    body_state found = body_state::refused;
    if (end != nullptr && (state.left(end) == 0 || options.trailing_bytes)) [[likely]]
        found = body_state::sound;
    else
        found =
            check_body(M::facts, tables_of<M>::layouts, start, body.size(), version, options, ends, refusal);
    if (found == body_state::refused) [[unlikely]] {
        if constexpr (M::facts.alias >= 0) refusal->version = static_cast<std::int16_t>(V);
        out = unexpected(*refusal);
        return out;
    }
    view_access::adopt(view, start,
                       tables_of<M>::layouts[static_cast<std::size_t>(version - M::facts.versions.first)]);
    if (found == body_state::sound) view_access::trust_tags(view);
    return out;
}

/// A message whose body is checked where its view stays.
// cost: the check stores a view by fours. GCC 12 copies it by sixteens right after that, and waits until
// they are in memory: 6 ns of 67 ns for a dispatch.
template <class M>
[[nodiscard]] result<message<M>> parse_into(shared_buffer bytes, const frame_place& place, int version,
                                            parse_options options) noexcept {
    result<message<M>> out(message_access::unchecked<M>(std::move(bytes)));
    error_slot refusal;
    const std::span<const std::byte> body = body_in((*out).bytes(), place);
    if (check_view<M>(message_access::view(*out), body, version, options, refusal)) [[likely]]
        message_access::place(*out) = place;
    else
        out = unexpected(*refusal);
    return out;
}

template <class F, class General, int... Vs, class S>
decltype(auto) visit_first_version(const struct_view<S, any_version>& view, F& f) {
    if constexpr (sizeof...(Vs) == 0)
        return f(view_access::convert<General>(view));
    else
        return [&]<int First, int... Rest>(std::integer_sequence<int, First, Rest...>) -> decltype(auto) {
            if (version_of(view) == First)
                return f(view_access::convert<typename S::template basic_view<First>>(view));
            return visit_first_version<F, General, Rest...>(view, f);
        }(std::integer_sequence<int, Vs...>{});
}

} // namespace detail

/// Checks the body of message `M` at `version` and shows it, without keeping the bytes alive.
///
/// `body` starts after the header and must outlive the view. Nothing is allocated. `options` names what
/// passes although it is wrong: nothing unless it is asked for, and every accessor is safe on what passed.
/// Errors carry the byte offset in `body` and the field path: truncated, bad_length, null_not_allowed,
/// string_too_long, count_exceeds_input, bad_varint, tag_order, duplicate_tag, tag_size_mismatch,
/// tag_not_in_version, trailing_bytes, unsupported_version, and too_large for bodies of 2 GiB and more.
template <class M>
[[nodiscard]] expected<typename M::view, error> parse_view(std::span<const std::byte> body, int version,
                                                           parse_options options = {}) noexcept {
    expected<typename M::view, error> view; // in place, as in detail::parse_into
    detail::error_slot refusal;
    if (!detail::check_view<M>(*view, body, version, options, refusal)) [[unlikely]]
        view = unexpected(*refusal);
    return view;
}

/// The same where the version is known at compile time: a faster view of a type of its own.
template <class M, int V>
[[nodiscard]] expected<typename M::template basic_view<V>, error>
parse_view(std::span<const std::byte> body, parse_options options = {}) noexcept {
    return detail::parse_body<M, V>(body, options);
}

/// Not for temporary owners, whose bytes are gone before the view is looked at: `parse` keeps them.
template <class M, detail::temporary_owner Owner>
expected<typename M::view, error> parse_view(Owner&& body, int version, parse_options options = {}) = delete;
template <class M, int V, detail::temporary_owner Owner>
expected<typename M::template basic_view<V>, error> parse_view(Owner&& body,
                                                               parse_options options = {}) = delete;

/// Checks the body of message `M` at `version` and keeps its bytes alive together with the view.
///
/// Takes a reference on the buffer, copies nothing. Errors: as `parse_view`.
template <class M>
[[nodiscard]] result<message<M>> parse(shared_buffer body, int version, parse_options options = {}) noexcept {
    return detail::parse_into<M>(std::move(body), {}, version, options);
}

/// The same where the version is known at compile time.
template <class M, int V>
[[nodiscard]] result<message<M, V>> parse(shared_buffer body, parse_options options = {}) noexcept {
    const auto view = parse_view<M, V>(body.span(), options);
    if (!view) return unexpected(view.error());
    return detail::message_access::make<M, V>(*view, std::move(body));
}

/// Checks the body of a frame whose header is read: the message has the frame's header, and frame() is the
/// whole to be passed on.
///
/// `M` is a request for a request_frame, a response for a response_frame. Errors: as `parse_view`, and
/// api_mismatch, with the frame's API and version, if that is not the API of `M`. Move the frame in if the
/// message is to be edited: a copy of it holds the bytes too.
template <class M, class Header>
[[nodiscard]] result<message<M>> parse(message<unread<Header>> frame, parse_options options = {}) noexcept {
    detail::require_direction<M>(std::type_identity<message<unread<Header>>>());
    if (frame.api() != static_cast<api_key>(M::facts.key)) return unexpected(detail::mismatch_of(frame));
    const detail::frame_place place = detail::message_access::place(frame);
    return detail::parse_into<M>(std::move(frame).frame(), place, place.api_version, options);
}

/// Not for bytes without an owner: does not compile, and says what to call.
template <class M, class Bytes>
    requires(!std::is_convertible_v<Bytes, shared_buffer>) &&
            (std::is_convertible_v<Bytes, std::span<const std::byte>>)
result<message<M>> parse(Bytes&&, int, parse_options = {}) {
    static_assert(
        std::is_void_v<Bytes>,
        "parse keeps the bytes alive, so it takes a shared_buffer: call parse_view for bytes that you "
        "keep alive yourself, or give shared_buffer::copy_of(bytes), or shared_buffer::adopt(owner)");
    kwire::detail::unreachable();
}

/// Calls `f` with the view as one of the compile-time versions `Vs` if it has one of them, else as it is.
///
/// For hot loops: list the versions that matter, and `f` is compiled once for each and once for all others.
template <int... Vs, class S, class F>
decltype(auto) visit_version(const struct_view<S, any_version>& view, F&& f) {
    using general = typename S::template basic_view<any_version>;
    return detail::visit_first_version<F, general, Vs...>(view, f);
}

} // namespace kwire
