/// What the requests that name partitions have in common, and where their fields lie.
///
/// Each API describes itself once, in its own header, by pointers to members: `asked_...` of its request,
/// `answered_...` of its response. A description whose topics lie in groups or transactions has
/// `asked_around` and what goes with it.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/write/unknown_tag_list.hpp>

#include <compare>
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
/// Whether what is around topics is known by a producer id, and not by a name.
template <class Shape>
concept with_producers = requires { Shape::asked_producer; };
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

/// What is around topics: a group or a transaction by its name, a producer by its id, or the message, which
/// has neither.
struct around_key {
    std::string_view name{};
    std::int64_t producer = -1;

    friend bool operator==(const around_key&, const around_key&) = default;
    friend std::strong_ordering operator<=>(const around_key&, const around_key&) = default;
};
template <class Shape, class Around>
[[nodiscard]] around_key asked_around_key(const Around& around) noexcept {
    if constexpr (with_producers<Shape>)
        return {.name = {}, .producer = around.*Shape::asked_producer};
    else if constexpr (with_around<Shape>)
        return {.name = around.*Shape::asked_around_name};
    else
        return {};
}
template <class Shape, class Around>
[[nodiscard]] around_key answered_around_key(const Around& around) noexcept {
    if constexpr (with_producers<Shape>)
        return {.name = {}, .producer = around.*Shape::answered_producer};
    else if constexpr (with_around<Shape>)
        return {.name = around.*Shape::answered_around_name};
    else
        return {};
}
template <class Shape, class Around>
void set_answered_around(Around& around, const around_key& key) {
    if constexpr (with_producers<Shape>)
        around.*Shape::answered_producer = key.producer;
    else
        around.*Shape::answered_around_name = key.name;
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

template <class Topic>
[[nodiscard]] consteval auto name_member() noexcept {
    if constexpr (requires { &Topic::name; })
        return &Topic::name;
    else
        return &Topic::topic;
}
template <class Topic>
[[nodiscard]] consteval auto partitions_member() noexcept {
    if constexpr (requires { &Topic::partitions; })
        return &Topic::partitions;
    else
        return &Topic::partition_indexes;
}
template <class Partition>
[[nodiscard]] consteval auto index_member() noexcept {
    if constexpr (requires { &Partition::partition_index; })
        return &Partition::partition_index;
    else
        return &Partition::partition;
}
template <class Struct, class List>
List list_behind(List Struct::*);
/// The elements of the list that a pointer to a member leads to.
template <auto Member>
using element_in = std::remove_cvref_t<decltype(*decltype(list_behind(Member))().begin())>;

template <class Partition>
struct asked_index_in {
    static constexpr auto asked_index = index_member<Partition>();
};
template <>
struct asked_index_in<std::int32_t> {}; // the number alone

/// Where topics and partitions lie in a request and its response, or in what is around topics there, by the
/// names that most APIs give them.
template <class Asked, class Answered>
struct usual_topics : asked_index_in<element_in<partitions_member<element_in<&Asked::topics>>()>> {
    using answered_topic = element_in<&Answered::topics>;
    using answered_partition = element_in<&answered_topic::partitions>;

    static constexpr auto asked_topics = &Asked::topics;
    static constexpr auto asked_name = name_member<element_in<&Asked::topics>>();
    static constexpr auto asked_partitions = partitions_member<element_in<&Asked::topics>>();

    static constexpr auto answered_topics = &Answered::topics;
    static constexpr auto answered_name = name_member<answered_topic>();
    static constexpr auto answered_partitions = &answered_topic::partitions;
    static constexpr auto answered_index = index_member<answered_partition>();
    static constexpr auto error = &answered_partition::error_code;

    static void fail(answered_partition&) noexcept {} // the defaults say nothing
};
/// The same of the message itself.
template <class Request, class Response>
struct usual_shape : usual_topics<typename Request::data, typename Response::data> {
    using request = Request;
    using response = Response;
};
/// The same with an id for each topic.
template <class Request, class Response>
struct usual_shape_with_ids : usual_shape<Request, Response> {
    using usual = usual_shape<Request, Response>;
    static constexpr auto asked_id = &element_in<usual::asked_topics>::topic_id;
    static constexpr auto answered_id = &usual::answered_topic::topic_id;
};

/// For requests that one description fits at all versions.
template <class Shape>
struct split_as {
    using response = typename Shape::response;
    template <class F>
    static decltype(auto) at(int, F&& f) {
        return std::forward<F>(f)(Shape{});
    }
};

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
