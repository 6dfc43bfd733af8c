/// From bytes to a view: one walk that checks every length, then accessors that need not check again.
///
///     auto request = kwire::parse<kwire::produce_request>(body, version);   // held: keeps the bytes alive
///     if (!request) return reject(request.error());
///     for (auto topic : (*request)->topic_data()) ...
#pragma once

#include <kwire/held.hpp>
#include <kwire/schema/view.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace kwire {

/// What `parse` lets pass although it should not be there; each is something that real peers send.
struct parse_options {
    /// Bytes behind the body: librdkafka since 2.12 sends some after requests, and Kafka ignores them.
    bool trailing_bytes = false;
};

namespace detail {

/// Room for an error that is only made when there is one.
union error_room {
    error_room() noexcept {}
    error none_until_refused;
};

inline check_state start_of(std::span<const std::byte> body, error_room& room) noexcept {
    check_state state;
    state.body = body.empty() ? nothing : body.data(); // a position of a walk is never nullptr
    state.end = state.body + body.size();
    state.failure = &room.none_until_refused;
    return state;
}

/// The part of a parse that all messages share: whether the body is sound, else an error in `room`.
KWIRE_NOINLINE inline bool check_body(const message_facts& facts, const struct_layout* layouts,
                                      std::span<const std::byte> body, int version, parse_options options,
                                      std::uint32_t* ends, error_room& room) noexcept {
    check_state state = start_of(body, room);
    if (!facts.versions.contains(version)) [[unlikely]] {
        refuse(state, nullptr, errc::unsupported_version, state.body);
    } else if (body.size() > 0x7fffffff) [[unlikely]] {
        refuse(state, nullptr, errc::too_large, state.body);
    } else {
        const std::byte* const end =
            check_struct(layouts[version - facts.versions.first], state.body, state, ends);
        if (end == state.end || (end != nullptr && options.trailing_bytes)) [[likely]]
            return true;
        if (end != nullptr) refuse(state, nullptr, errc::trailing_bytes, end);
    }
    room.none_until_refused.message = facts.name;
    room.none_until_refused.version = static_cast<std::int16_t>(version);
    return false;
}

template <class M, int V>
[[nodiscard]] std::expected<typename M::template basic_view<V>, error>
parse_body(std::span<const std::byte> body, int version, parse_options options) noexcept {
    std::uint32_t ends[tables_of<M>::max_steps + 1];
    error_room room;
    bool sound = false;
    if constexpr (V != any_version) {
        check_state state = start_of(body, room);
        const std::byte* const end =
            body.size() <= 0x7fffffff ? check_struct_at<M, V>(state.body, state, ends) : nullptr;
        sound = end == state.end || (end != nullptr && options.trailing_bytes);
    }
    if (!sound && !check_body(M::facts, tables_of<M>::layouts.data(), body, version, options, ends, room))
        [[unlikely]]
        return std::unexpected(room.none_until_refused);
    typename M::template basic_view<V> view;
    view_access::adopt(view, body.empty() ? nothing : body.data(),
                       tables_of<M>::layouts[static_cast<std::size_t>(version - M::facts.versions.first)],
                       ends);
    return view;
}

} // namespace detail

/// Checks the body of message `M` at `version` and shows it, without keeping the bytes alive.
///
/// `body` starts behind the header and must outlive the view. Nothing is allocated. Errors carry the byte
/// offset in `body` and the field path: truncated, bad_length, null_not_allowed, string_too_long,
/// count_exceeds_input, bad_varint, tag_order, duplicate_tag, tag_size_mismatch, tag_not_in_version,
/// trailing_bytes, unsupported_version, and too_large for bodies of 2 GiB and more.
template <class M>
[[nodiscard]] std::expected<typename M::view, error> parse_view(std::span<const std::byte> body, int version,
                                                                parse_options options = {}) noexcept {
    return detail::parse_body<M, any_version>(body, version, options);
}

/// The same where the version is known at compile time: a faster view of a type of its own.
template <class M, int V>
[[nodiscard]] std::expected<typename M::template basic_view<V>, error>
parse_view(std::span<const std::byte> body, parse_options options = {}) noexcept {
    static_assert(M::facts.versions.contains(V), "the message has no such version");
    return detail::parse_body<M, V>(body, V, options);
}

/// Checks the body of message `M` at `version` and keeps its bytes alive together with the view.
///
/// Takes a reference on the buffer, copies nothing. Errors: as `parse_view`.
template <class M>
[[nodiscard]] std::expected<held<typename M::view>, error> parse(shared_buffer body, int version,
                                                                 parse_options options = {}) noexcept {
    auto view = parse_view<M>(body.span(), version, options);
    if (!view) return std::unexpected(view.error());
    return held<typename M::view>(*view, std::move(body));
}

/// The same where the version is known at compile time.
template <class M, int V>
[[nodiscard]] std::expected<held<typename M::template basic_view<V>>, error>
parse(shared_buffer body, parse_options options = {}) noexcept {
    auto view = parse_view<M, V>(body.span(), options);
    if (!view) return std::unexpected(view.error());
    return held<typename M::template basic_view<V>>(*view, std::move(body));
}

/// Calls `f` with the view as one of the compile-time versions `Vs` if it has one of them, else as it is.
///
/// For hot loops: list the versions that matter, and `f` is compiled once for each and once for all others.
template <int... Vs, class S, int V, class F>
decltype(auto) visit_version(const struct_view<S, V>& view, F&& f) {
    static_assert(V == any_version);
    using general = typename S::template basic_view<any_version>;
    using access = detail::view_access;
    const auto as_general = [&] { return access::make<general>(access::base(view), access::layout(view)); };
    using result = decltype(f(as_general()));
    const std::int16_t version = version_of(view);
    if constexpr (std::is_void_v<result>) {
        const bool known =
            ((version == Vs ? (static_cast<void>(f(access::make<typename S::template basic_view<Vs>>(
                                   access::base(view), detail::layout_at<S, Vs>))),
                               true)
                            : false) ||
             ...);
        if (!known) f(as_general());
    } else {
        std::optional<result> answer;
        static_cast<void>(
            ((version == Vs ? (answer.emplace(f(access::make<typename S::template basic_view<Vs>>(
                                   access::base(view), detail::layout_at<S, Vs>))),
                               true)
                            : false) ||
             ...));
        if (!answer) answer.emplace(f(as_general()));
        return result(*std::move(answer));
    }
}

} // namespace kwire
