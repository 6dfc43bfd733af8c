/// What the tests of `split` do with any of its requests, whichever API it is.
#pragma once

#include <kwire/error_text.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/split/all.hpp>
#include <kwire/write/encode.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "support/bytes.hpp"
#include "support/golden.hpp"

namespace support {

using kwire::detail::split_api;
using kwire::detail::with_around;
using kwire::detail::with_ids;

/// Calls `f` with a description of each API that can be split: `f.operator()<Request>("ProduceRequest")`.
template <class F>
void each_split_api(F&& f) {
    f.template operator()<kwire::add_partitions_to_txn_request>();
    f.template operator()<kwire::delete_records_request>();
    f.template operator()<kwire::describe_producers_request>();
    f.template operator()<kwire::fetch_request>();
    f.template operator()<kwire::list_offsets_request>();
    f.template operator()<kwire::offset_commit_request>();
    f.template operator()<kwire::offset_fetch_request>();
    f.template operator()<kwire::offset_for_leader_epoch_request>();
    f.template operator()<kwire::produce_request>();
    f.template operator()<kwire::txn_offset_commit_request>();
    f.template operator()<kwire::write_txn_markers_request>();
}

/// What is around topics, as a text.
inline std::string around_text(const kwire::detail::around_key& key) {
    return std::string(key.name) + (key.producer != -1 ? std::to_string(key.producer) : std::string());
}

/// The key of a partition, out of `count`, that depends on all that it is known by.
inline int key_among(int count, std::string_view around, std::string_view name, const kwire::uuid& id,
                     std::int32_t partition) {
    std::uint32_t hash = static_cast<std::uint32_t>(partition) + 1;
    const auto add = [&](unsigned byte) { hash = (hash ^ byte) * 16777619u; };
    for (const char c : around) add(static_cast<unsigned char>(c));
    for (const char c : name) add(static_cast<unsigned char>(c));
    for (const std::byte b : id.bytes) add(std::to_integer<unsigned>(b));
    return static_cast<int>((hash >> 3) % static_cast<std::uint32_t>(count));
}

/// The same as a function for `split`.
inline auto by_hash(int count) {
    return [count](const kwire::split_topic& topic, std::int32_t partition) {
        return key_among(count, around_text({topic.around, topic.producer_id}), topic.name, topic.id,
                         partition);
    };
}

template <class M>
std::string encoded(const typename M::data& data, int version) {
    const auto out = kwire::encode<M>(data, version);
    if (!out) return kwire::to_string(out.error());
    const kwire::shared_buffer bytes = out->to_bytes();
    return kwire::test::to_hex(bytes);
}

/// Calls `f(topics, name)` with each list of topics, in the request or in the answer.
template <class Shape, class Data, class F>
void each_topics(Data& data, F&& f) {
    if constexpr (requires { data.*Shape::asked_topics; }) {
        f(data.*Shape::asked_topics, std::string_view());
    } else if constexpr (requires { data.*Shape::answered_topics; }) {
        f(data.*Shape::answered_topics, std::string_view());
    } else if constexpr (requires { data.*Shape::asked_around; }) {
        for (auto& around : data.*Shape::asked_around)
            f(around.*Shape::asked_topics, around_text(kwire::detail::asked_around_key<Shape>(around)));
    } else {
        for (auto& around : data.*Shape::answered_around)
            f(around.*Shape::answered_topics, around_text(kwire::detail::answered_around_key<Shape>(around)));
    }
}
template <class Shape, class Topic>
auto& partitions_in(Topic& topic) {
    if constexpr (requires { topic.*Shape::asked_partitions; })
        return topic.*Shape::asked_partitions;
    else
        return topic.*Shape::answered_partitions;
}
template <class Shape, class Partition>
std::int32_t number_in(const Partition& partition) {
    if constexpr (requires { partition.*Shape::answered_index; })
        return partition.*Shape::answered_index;
    else
        return kwire::detail::asked_number<Shape>(partition);
}
template <class Shape, class Topic>
std::tuple<std::string_view, kwire::uuid> name_in(const Topic& topic) {
    if constexpr (requires { topic.*Shape::asked_name; }) {
        if constexpr (with_ids<Shape>)
            return {topic.*Shape::asked_name, topic.*Shape::asked_id};
        else
            return {topic.*Shape::asked_name, {}};
    } else if constexpr (with_ids<Shape>) {
        return {topic.*Shape::answered_name, topic.*Shape::answered_id};
    } else {
        return {topic.*Shape::answered_name, {}};
    }
}

/// All partitions, in order: what is around them, name and id of the topic, the number.
using partition_list = std::vector<std::tuple<std::string, std::string, kwire::uuid, std::int32_t>>;
template <class Shape, class Data>
partition_list partitions_of(const Data& data) {
    partition_list all;
    each_topics<Shape>(data, [&](const auto& topics, std::string_view around) {
        for (const auto& topic : topics) {
            const auto [name, id] = name_in<Shape>(topic);
            for (const auto& partition : partitions_in<Shape>(topic))
                all.emplace_back(around, name, id, number_in<Shape>(partition));
        }
    });
    return all;
}
/// Whether a partition or a topic comes twice: then an answer in another order is another answer.
template <class Shape, class Data>
bool has_repeated(const Data& data) {
    partition_list all = partitions_of<Shape>(data);
    each_topics<Shape>(data, [&](const auto& topics, std::string_view around) {
        for (const auto& topic : topics) {
            const auto [name, id] = name_in<Shape>(topic);
            all.emplace_back(std::string(around) + " (a topic)", name, id, 0);
        }
    });
    std::ranges::sort(all);
    return std::ranges::adjacent_find(all) != all.end();
}

/// Leaves the partitions of one key, and what has none: a topic without any is the first part's, a group
/// without any that of all.
template <class Shape, class Data>
void keep_key(Data& data, int key, int count) {
    const auto is_foreign = [&](std::string_view around, const auto& topic, std::int32_t number) {
        const auto [name, id] = name_in<Shape>(topic);
        return key_among(count, around, name, id, number) != key;
    };
    // Of each group: its keys, before anything is removed.
    std::vector<std::set<int>> keys;
    each_topics<Shape>(data, [&](auto& topics, std::string_view around) {
        std::set<int>& its = keys.emplace_back();
        for (auto& topic : topics) {
            const auto [name, id] = name_in<Shape>(topic);
            for (auto& partition : partitions_in<Shape>(topic))
                its.insert(key_among(count, around, name, id, number_in<Shape>(partition)));
        }
        if (its.empty() || !with_around<Shape>)
            for (int i = 0; i != count; ++i) its.insert(i);
    });
    std::size_t at = 0;
    each_topics<Shape>(data, [&](auto& topics, std::string_view around) {
        const bool is_first = *keys[at++].begin() == key;
        auto old = std::move(topics);
        topics.clear();
        if constexpr (requires { topics = nullptr; })
            if (old.is_null()) topics = nullptr;
        for (auto& topic : old) {
            auto& list = partitions_in<Shape>(topic);
            const bool was_empty = list.empty();
            auto some = std::move(list);
            list.clear();
            for (auto& partition : some)
                if (!is_foreign(around, topic, number_in<Shape>(partition))) list.push_back(partition);
            if (was_empty ? is_first : !list.empty()) topics.push_back(topic);
        }
    });
    const auto drop = [&](auto& list) {
        auto old = std::move(list);
        list.clear();
        std::size_t i = 0;
        for (auto& around : old)
            if (keys[i++].contains(key)) list.push_back(around);
    };
    if constexpr (requires { data.*Shape::asked_around; })
        drop(data.*Shape::asked_around);
    else if constexpr (requires { data.*Shape::answered_around; })
        drop(data.*Shape::answered_around);
}

/// A request for what an answer tells of.
template <class Shape>
typename Shape::request::data request_for(const typename Shape::response::data& answer) {
    typename Shape::request::data request{};
    const auto ask = [](auto& asked_topics, const auto& topics) {
        for (const auto& topic : topics) {
            auto& asked = asked_topics.emplace_back();
            std::tie(asked.*Shape::asked_name, std::ignore) = name_in<Shape>(topic);
            if constexpr (with_ids<Shape>) asked.*Shape::asked_id = topic.*Shape::answered_id;
            for (const auto& partition : topic.*Shape::answered_partitions) {
                auto& added = (asked.*Shape::asked_partitions).emplace_back();
                if constexpr (requires { Shape::asked_index; })
                    added.*Shape::asked_index = number_in<Shape>(partition);
                else
                    added = number_in<Shape>(partition);
            }
        }
    };
    if constexpr (with_around<Shape>)
        for (const auto& around : answer.*Shape::answered_around) {
            auto& asked = (request.*Shape::asked_around).emplace_back();
            if constexpr (kwire::detail::with_producers<Shape>)
                asked.*Shape::asked_producer = around.*Shape::answered_producer;
            else
                asked.*Shape::asked_around_name = around.*Shape::answered_around_name;
            ask(asked.*Shape::asked_topics, around.*Shape::answered_topics);
        }
    else
        ask(request.*Shape::asked_topics, answer.*Shape::answered_topics);
    return request;
}

/// Turns lists around: an upstream that answers in an order of its own.
template <class Shape, class Data>
void reverse_lists(Data& data) {
    each_topics<Shape>(data, [](auto& topics, std::string_view) {
        std::reverse(topics.begin(), topics.end());
        for (auto& topic : topics) {
            auto& partitions = partitions_in<Shape>(topic);
            std::reverse(partitions.begin(), partitions.end());
        }
    });
    if constexpr (requires { data.*Shape::answered_around; })
        std::reverse((data.*Shape::answered_around).begin(), (data.*Shape::answered_around).end());
}

/// A Fetch request or response as if no session had been.
template <class Data>
void without_session(Data& data) {
    if constexpr (requires { data.session_id; }) data.session_id = 0;
    if constexpr (requires { data.session_epoch; }) data.session_epoch = -1;
    if constexpr (requires { data.forgotten_topics_data; }) data.forgotten_topics_data.clear();
}

/// Calls `f(line, message)` with each golden value of a message.
template <class M, class F>
void each_golden(F&& f) {
    for (const golden_message& line : golden_messages()) {
        if (line.rejected() || line.message != M::facts.name) continue;
        const auto message = kwire::parse<M>(kwire::shared_buffer::copy_of(line.bytes), line.version);
        if (!message) throw std::runtime_error(line.name() + ": " + kwire::to_string(message.error()));
        f(line, *message);
    }
}

} // namespace support
