/// One answer made of the answers to the parts of a request.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/split/detail/answer_index.hpp>
#include <kwire/split/detail/asked.hpp>
#include <kwire/split/detail/shape.hpp>
#include <kwire/wire/uuid.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// Adds what an answer says beside its topics.
template <class Answer>
void join_answer(Answer& all, Answer& more, bool is_first, std::size_t part,
                 std::map<std::int32_t, std::size_t>& nodes) {
    if constexpr (requires { all.throttle_time_ms; })
        all.throttle_time_ms =
            is_first ? more.throttle_time_ms : std::max(all.throttle_time_ms, more.throttle_time_ms);
    join_tags(all.unknown_tags, more.unknown_tags);
    if constexpr (requires { all.node_endpoints; }) {
        for (auto& node : more.node_endpoints)
            if (nodes.try_emplace(node.node_id, part).first->second == part)
                all.node_endpoints.push_back(std::move(node)); // of no earlier answer
    }
}

/// Takes apart the answers, which it leaves in an unspecified state.
template <class Shape>
class merger {
    using answer_data = typename Shape::response::data;
    using outcome = part_outcome<answer_data>;
    using topic_data = typename Shape::answered_topic;
    using partition_data = typename Shape::answered_partition;

public:
    merger(std::span<outcome> outcomes, int version)
        : outcomes_(outcomes),
          indexes_(outcomes.size()),
          errors_(outcomes.size()),
          seen_in_(outcomes.size()),
          version_(version) {}

    [[nodiscard]] answer_data merge(std::span<const asked_around> asked) {
        answer_data all{};
        bool is_first = true;
        std::map<std::int32_t, std::size_t> nodes; // and the part that told of it
        for (std::size_t i = 0; i != outcomes_.size(); ++i) {
            if (!outcomes_[i].answer) continue;
            join_answer(all, *outcomes_[i].answer, std::exchange(is_first, false), i, nodes);
            index_answer(i);
        }
        if constexpr (with_top_error<Shape>) top_error_ = common_top_error(asked);
        for (const asked_around& around : asked) merge_around(all, around);
        if constexpr (with_top_error<Shape>)
            if (top_error_ != error_code::none) all.*Shape::top_error = top_error_;
        return all;
    }

private:
    static constexpr bool failure_goes_above = requires { Shape::failure_goes_above; };

    [[nodiscard]] bool by_id() const noexcept {
        if constexpr (with_ids<Shape>)
            return version_ >= Shape::ids_from;
        else
            return false;
    }
    [[nodiscard]] bool has_error_above() const noexcept {
        if constexpr (with_top_error<Shape> || with_around_error<Shape>)
            return version_ >= Shape::error_above_from;
        else
            return false;
    }
    [[nodiscard]] answer_key key_of(std::uint32_t around, std::string_view name, const uuid& id) {
        return by_id() ? answer_key{around, 0, id, answer_key::a_topic}
                       : answer_key{around, names_.of(name), {}, answer_key::a_topic};
    }
    [[nodiscard]] answer_key key_of(std::uint32_t around, const topic_data& topic) {
        if constexpr (with_ids<Shape>)
            return key_of(around, topic.*Shape::answered_name, topic.*Shape::answered_id);
        else
            return key_of(around, topic.*Shape::answered_name, {});
    }

    [[nodiscard]] auto& around_at(std::size_t part, const answer_place& place) {
        if constexpr (with_around<Shape>)
            return ((*outcomes_[part].answer).*Shape::answered_around)[place.around];
        else
            return *outcomes_[part].answer;
    }
    [[nodiscard]] topic_data& topic_at(std::size_t part, const answer_place& place) {
        return (around_at(part, place).*Shape::answered_topics)[place.topic];
    }

    void index_answer(std::size_t part) {
        const auto add = [&](auto& around, const around_key& known_by, answer_place place) {
            answer_index& index = indexes_[part];
            const std::uint32_t number = names_.of(known_by);
            index.add(answer_key{.around = number}, place);
            for (auto& topic : around.*Shape::answered_topics) {
                answer_key key = key_of(number, topic);
                place.partition = 0;
                index.add(key, place);
                for (const auto& partition : topic.*Shape::answered_partitions) {
                    key.partition = partition.*Shape::answered_index;
                    index.add(key, place);
                    ++place.partition;
                }
                ++place.topic;
            }
        };
        answer_data& answer = *outcomes_[part].answer;
        if constexpr (with_around<Shape>) {
            std::size_t i = 0;
            for (auto& around : answer.*Shape::answered_around)
                add(around, answered_around_key<Shape>(around), answer_place{i++, 0, 0});
        } else {
            add(answer, {}, {});
        }
    }

    /// The error above the topics of an answer, or that a failed part has above its topics.
    [[nodiscard]] error_code error_above(std::size_t part) const noexcept {
        const outcome& of_part = outcomes_[part];
        if (!has_error_above()) return error_code::none;
        if (!of_part.answer) return failure_goes_above ? of_part.failure : error_code::none;
        if constexpr (with_top_error<Shape>)
            return (*of_part.answer).*Shape::top_error;
        else
            return error_code::none;
    }
    /// What is above all topics: an error only if no part has something better, since clients read
    /// nothing else then.
    [[nodiscard]] error_code common_top_error(std::span<const asked_around> asked) const {
        error_code first = error_code::none;
        for (std::size_t i = 0; i != outcomes_.size(); ++i) {
            const error_code error = error_above(i);
            if (error == error_code::none) return error;
            if (first == error_code::none) first = error;
        }
        for (const asked_around& around : asked)
            if (has_unrouted(around)) return error_code::none;
        return first;
    }
    [[nodiscard]] static bool has_unrouted(const asked_around& around) {
        return std::ranges::any_of(around.topics, [](const asked_topic& topic) {
            return std::ranges::any_of(topic.partitions, [](auto& p) { return p.part == no_part; });
        });
    }

    void merge_around(answer_data& all, const asked_around& asked) {
        if constexpr (with_around<Shape>) {
            auto& list = all.*Shape::answered_around;
            auto& around = list.emplace_back();
            set_answered_around<Shape>(around, asked.key());
            // The error of the message says it all where no part has anything of this group.
            if (!fill_around(around, asked) && top_error_ != error_code::none &&
                error_covers_partitions<Shape>(version_))
                list.pop_back();
        } else {
            static_cast<void>(fill_around(all, asked));
        }
    }

    /// Whether an answer or a failure had something for it.
    template <class Around>
    bool fill_around(Around& around, const asked_around& asked) {
        bool any = false, all_above = has_error_above() && !asked.parts.empty() && !has_unrouted(asked);
        error_code first = asked.error;
        const std::uint32_t number = names_.of(asked.key());
        for (const std::uint32_t part : asked.parts) {
            part_error& error = errors_[part] = {};
            error.above = error_above(part);
            if (!outcomes_[part].answer) {
                error.missing = outcomes_[part].failure;
            } else if (indexes_[part].take(answer_key{.around = number}, error.place) ==
                       answer_lookup::found) {
                any = error.found = true;
                auto& found = around_at(part, error.place);
                if constexpr (with_around<Shape>) join_tags(around.unknown_tags, found.unknown_tags);
                if constexpr (with_around_error<Shape>)
                    if (found.*Shape::around_error != error_code::none)
                        error.above = found.*Shape::around_error;
                error.missing = error.above;
            } else {
                error.missing = error.above;
            }
            if (error.missing == error_code::none) {
                error.missing = error_code::unknown_server_error; // it was asked, and did not say
                if (!error.found && first == error_code::none && error.above == error_code::none)
                    first = error.missing;
            }
            all_above &= error.above != error_code::none;
            if (error.above != error_code::none && first == error_code::none) first = error.above;
        }
        if (asked.all_topics && asked.parts.empty() && first == error_code::none)
            first = error_code::unknown_server_error; // no upstream was asked
        covered_ = error_covers_partitions<Shape>(version_) &&
                   (with_top_error<Shape> ? top_error_ != error_code::none : all_above);

        if (asked.all_topics)
            take_all_topics(around, asked);
        else
            for (const asked_topic& topic : asked.topics) merge_topic(around, asked, number, topic);

        // Without a list of what was asked, what is missing can only be told by an error.
        const bool tell = all_above || asked.all_topics || (asked.parts.empty() && first != error_code::none);
        if constexpr (with_around_error<Shape>) {
            if (tell) around.*Shape::around_error = first;
        } else if constexpr (with_top_error<Shape>) {
            if (asked.all_topics && has_error_above() && top_error_ == error_code::none) top_error_ = first;
        }
        return any || !(around.*Shape::answered_topics).empty();
    }

    template <class Around>
    void merge_topic(Around& around, const asked_around& asked, std::uint32_t number,
                     const asked_topic& topic) {
        auto& topics = around.*Shape::answered_topics;
        topic_data& merged = topics.emplace_back();
        merged.*Shape::answered_name = topic.name;
        if constexpr (with_ids<Shape>) merged.*Shape::answered_id = topic.id;
        answer_key key = key_of(number, topic.name, topic.id);
        ++topic_number_;
        bool answered = false;
        const auto see_topic = [&](std::uint32_t part) {
            if (!outcomes_[part].answer || std::exchange(seen_in_[part], topic_number_) == topic_number_)
                return;
            answered = true;
            answer_place place;
            answer_key of_topic = key;
            of_topic.partition = answer_key::a_topic;
            if (indexes_[part].take(of_topic, place) == answer_lookup::found)
                join_tags(merged.unknown_tags, topic_at(part, place).unknown_tags);
        };
        auto& partitions = merged.*Shape::answered_partitions;
        partitions.reserve(topic.partitions.size());
        for (const asked_partition& partition : topic.partitions) {
            if (partition.part == no_part) {
                partitions.push_back(failed_partition<Shape>(partition.number, partition.error));
                continue;
            }
            see_topic(partition.part);
            const part_error& error = errors_[partition.part];
            answer_place place;
            key.partition = partition.number;
            const answer_lookup found = outcomes_[partition.part].answer
                                            ? indexes_[partition.part].take(key, place)
                                            : answer_lookup::missing;
            if (found == answer_lookup::found)
                partitions.push_back(std::move(
                    (topic_at(partition.part, place).*Shape::answered_partitions)[place.partition]));
            else if (found == answer_lookup::missing && !covered_)
                partitions.push_back(failed_partition<Shape>(partition.number, error.missing));
        }
        if (topic.partitions.empty()) {
            if (!asked.parts.empty()) see_topic(asked.parts.front());
            if (covered_ && !answered) topics.pop_back();
        } else if (partitions.empty()) {
            topics.pop_back(); // covered by an error above
        }
    }

    /// The topics of all parts, each topic and each partition once; an answer without an error before others.
    template <class Around>
    void take_all_topics(Around& around, const asked_around& asked) {
        auto& topics = around.*Shape::answered_topics;
        struct seen_place {
            std::size_t position;
            std::uint32_t part;
        };
        std::map<answer_key, seen_place> topic_of, partition_of;
        for (const std::uint32_t part : asked.parts) {
            const part_error& error = errors_[part];
            if (!error.found) continue;
            for (auto& found : around_at(part, error.place).*Shape::answered_topics) {
                answer_key key = key_of(0, found);
                const auto [at, is_new] = topic_of.try_emplace(key, seen_place{topics.size(), part});
                if (is_new) {
                    topic_data& created = topics.emplace_back();
                    created.*Shape::answered_name = found.*Shape::answered_name;
                    if constexpr (with_ids<Shape>) created.*Shape::answered_id = found.*Shape::answered_id;
                }
                topic_data& merged = topics[at->second.position];
                // Once for each part: what is joined here goes over all the tags that there are.
                if (is_new || std::exchange(at->second.part, part) != part)
                    join_tags(merged.unknown_tags, found.unknown_tags);
                auto& partitions = merged.*Shape::answered_partitions;
                key = at->first;
                for (auto& partition : found.*Shape::answered_partitions) {
                    key.partition = partition.*Shape::answered_index;
                    const auto [before, unseen] =
                        partition_of.try_emplace(key, seen_place{partitions.size(), part});
                    if (unseen || before->second.part == part)
                        partitions.push_back(std::move(partition)); // what one upstream says twice stays so
                    else if (partitions[before->second.position].*Shape::error != error_code::none)
                        partitions[before->second.position] = std::move(partition);
                }
            }
        }
    }

    struct part_error {
        error_code above{};   ///< above the topics
        error_code missing{}; ///< for partitions that the answer lacks
        answer_place place{};
        bool found = false; ///< the answer has the group, or the message is the group
    };

    std::span<outcome> outcomes_;
    name_numbers names_;
    std::vector<answer_index> indexes_;
    std::vector<part_error> errors_;   ///< of the group that is being merged
    std::vector<std::size_t> seen_in_; ///< the last topic that was looked up in the answer
    std::size_t topic_number_ = 0;
    int version_;
    error_code top_error_{};
    bool covered_ = false;
};

} // namespace kwire::inline KWIRE_ABI::detail
