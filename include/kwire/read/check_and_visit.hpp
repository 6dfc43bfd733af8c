/// Checks a message and hands its structs to a visitor on the way: for who reads everything of it once.
///
///     std::string_view topic_name;
///     auto response = kwire::check_and_visit<kwire::metadata_response>(body, version, kwire::overloaded{
///         [&](const kwire::before<"partitions", kwire::metadata_response::topic::view>& topic) {
///             topic_name = topic.name().value_or("");
///         },
///         [&](const kwire::metadata_response::partition::view& partition) {
///             leads(topic_name, partition.partition_index(), partition.leader_id());
///         },
///     });
///     if (!response) return reject(response.error()); // and forget what was noted
///
/// `parse` walks the message once, and a loop over its arrays walks each array again to find where its
/// elements end. Here both are one walk.
#pragma once

#include <kwire/expected.hpp>
#include <kwire/read/before.hpp>
#include <kwire/read/detail/visiting_walk.hpp>
#include <kwire/read/overloaded.hpp>
#include <kwire/read/parse.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace kwire {

namespace detail {

/// Whether each function of a visitor is for a struct of message `M`.
template <class M, int V, class F>
inline constexpr bool each_is_called_of = wishes<F, M, V>::any;
template <class M, int V, class... Fs>
inline constexpr bool each_is_called_of<M, V, overloaded<Fs...>> = (wishes<Fs, M, V>::any && ...);

template <class M, int V, class F>
[[nodiscard]] KWIRE_ALWAYS_INLINE expected<view_at<M, V>, error>
visit_body(std::span<const std::byte> body, int version, F& f, parse_options options) {
    static_assert(
        each_is_called_of<M, V, std::remove_const_t<F>>,
        "a function of the visitor is never called: each takes the view of a struct of this message, of "
        "the version that is given (x::view if that is known at run time, x::basic_view<V> if it is V), "
        "or `before` such a view");
    view_at<M, V> view;
    const std::byte* const start = body.empty() ? nothing : body.data();
    const int asked = version;
    if constexpr (M::facts.alias >= 0) version = M::facts.canonical(version);
    error_slot refusal;
    if (body.size() <= wire::max_length && M::facts.versions.contains(version)) [[likely]] {
        check_state state(start, body.size(), refusal, options);
        const struct_layout& layout =
            tables_of<M>::layouts[static_cast<std::size_t>(version - M::facts.versions.first)];
        const std::byte* const end = visiting_walk<M, V, F>(layout, state, f).one(start, view);
        if (end != nullptr && (state.left(end) == 0 || options.trailing_bytes)) [[likely]] {
            if (!state.irregular_tags) view_access::trust_tags(view);
            if constexpr (wishes<F, M, V>::whole) f(view);
            return view;
        }
    }
    // Why: from the walk of parse, so that both refuse alike.
    std::uint32_t ends[max_struct_steps];
    refusal.emplace() = {};
    check_body(M::facts, tables_of<M>::layouts, start, body.size(), version, options, ends, refusal);
    refusal->version = static_cast<std::int16_t>(asked);
    return unexpected(*refusal);
}

} // namespace detail

/// Checks the body of message `M` at `version`, as `parse_view` does, and calls `visitor` with each struct
/// for which it has a function, when the check has gone over it.
///
/// `visitor` is an object with functions, such as `overloaded`, for views of structs of the message. That for
/// `const topic::view&` takes whole structs, after the structs in them; that for the message itself is called
/// last, and only if all of the message is sound. That for `const before<"partitions", topic::view>&` takes
/// the fields before a field that holds structs, before those, even if there are none; but not if the version
/// lacks the field.
///
/// Structs for which it has no function are checked only. The structs in an array come in its order, those of
/// a struct in the order of its fields, those in tagged fields last. A struct that is not there (null, or a
/// tag that is not set) does not come.
///
/// If the message is refused, throw away what the visitor has noted: it has seen some of the structs before
/// the defect, and each of them was sound by itself.
///
/// Returns the view of the message. It and all views that the visitor was given are valid while the bytes
/// are, so the visitor may keep them. Nothing is allocated; what the visitor throws passes through. Errors
/// and options: as `parse_view`.
// cost: inlined, or the visitor would be in memory, which each sum goes through: 18 % of the instructions of
// a Fetch request.
template <class M, class Visitor>
[[nodiscard]] KWIRE_ALWAYS_INLINE expected<typename M::view, error>
check_and_visit(std::span<const std::byte> body, int version, Visitor&& visitor, parse_options options = {}) {
    return detail::visit_body<M, any_version>(body, version, visitor, options);
}

/// The same where the version is known at compile time: faster, with views of types of their own
/// (`topic::basic_view<V>`).
template <class M, int V, class Visitor>
[[nodiscard]] KWIRE_ALWAYS_INLINE expected<typename M::template basic_view<V>, error>
check_and_visit(std::span<const std::byte> body, Visitor&& visitor, parse_options options = {}) {
    return detail::visit_body<M, V>(body, V, visitor, options);
}

/// Not for temporary owners, whose bytes are gone before the view is looked at.
template <class M, class Visitor, detail::temporary_owner Owner>
expected<typename M::view, error> check_and_visit(Owner&& body, int version, Visitor&& visitor,
                                                  parse_options options = {}) = delete;
template <class M, int V, class Visitor, detail::temporary_owner Owner>
expected<typename M::template basic_view<V>, error> check_and_visit(Owner&& body, Visitor&& visitor,
                                                                    parse_options options = {}) = delete;

} // namespace kwire
