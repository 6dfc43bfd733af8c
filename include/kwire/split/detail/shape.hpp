/// What the requests that name partitions have in common, and where their fields lie.
///
/// Each API describes itself once, in its own header, by pointers to members: `asked_...` of its request,
/// `answered_...` of its response. A description whose topics lie in groups or transactions has
/// `asked_around` and what goes with it.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/write/unknown_tag_list.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// The descriptions of a request, specialized in the header of its API: `response` is the response's type,
/// and `at(version, f)` calls `f` with the description for that version.
template <class Request>
struct split_api;

template <class Shape>
concept with_around = requires { Shape::asked_around; };
/// Whether topics have ids.
template <class Shape>
concept with_ids = requires { Shape::asked_id; };
/// Whether the message has an error code of its own, above those of partitions.
template <class Shape>
concept with_top_error = requires { Shape::top_error; };
/// Whether each group has one.
template <class Shape>
concept with_around_error = requires { Shape::around_error; };

/// Calls `f` with each struct that has topics: each group or transaction, or the message itself.
template <class Shape, class Request, class F>
void each_asked_around(Request& request, F&& f) {
    if constexpr (with_around<Shape>)
        for (auto& around : request.*Shape::asked_around) f(around);
    else
        f(request);
}
template <class Shape, class Around>
[[nodiscard]] std::string_view asked_around_name(const Around& around) noexcept {
    if constexpr (with_around<Shape>)
        return around.*Shape::asked_around_name;
    else
        return {};
}
template <class Shape, class Topic>
[[nodiscard]] uuid asked_topic_id(const Topic& topic) noexcept {
    if constexpr (with_ids<Shape>)
        return topic.*Shape::asked_id;
    else
        return {};
}

/// The number of a partition in a request, which some requests give alone.
template <class Shape, class Partition>
[[nodiscard]] std::int32_t asked_number(const Partition& partition) noexcept {
    if constexpr (std::is_same_v<Partition, std::int32_t>)
        return partition;
    else
        return partition.*Shape::asked_index;
}

template <class Topics>
[[nodiscard]] bool is_null_list(const Topics& topics) noexcept {
    if constexpr (requires { topics.is_null(); })
        return topics.is_null();
    else
        return false;
}

/// The answer to a partition that no upstream answered.
template <class Shape>
[[nodiscard]] auto failed_partition(std::int32_t number, error_code code) {
    typename Shape::answered_partition partition{};
    partition.*Shape::answered_index = number;
    partition.*Shape::error = code;
    Shape::fail(partition);
    return partition;
}

/// Whether an error above the partitions takes their place.
template <class Shape>
[[nodiscard]] constexpr bool error_covers_partitions(int version) noexcept {
    if constexpr (with_top_error<Shape> || with_around_error<Shape>)
        return version >= Shape::error_covers_from;
    else
        return false;
}

/// Adds the tagged fields that `all` does not have yet; ascending by number, as both are.
inline void join_tags(unknown_tag_list& all, const unknown_tag_list& more) {
    if (more.empty()) return;
    if (all.empty()) {
        all = more;
        return;
    }
    unknown_tag_list joined;
    const auto* a = all.begin();
    for (const unknown_tag& tag : more) {
        for (; a != all.end() && a->number < tag.number; ++a) joined.push_back(*a);
        if (a == all.end() || a->number != tag.number) joined.push_back(tag);
    }
    for (; a != all.end(); ++a) joined.push_back(*a);
    all = std::move(joined);
}

} // namespace kwire::inline KWIRE_ABI::detail
