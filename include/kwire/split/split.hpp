/// One request to several upstreams, and their answers to one.
///
///     auto split = kwire::split(*request, [&](const kwire::split_topic& topic, std::int32_t partition) {
///         return leader_of(topic.name, partition);
///     });
///     for (auto& part : split.parts()) send(part.key, part.request);
///     ...
///     split.answer(0, kwire::to_data(*response));             // to the first part
///     split.fail(1, kwire::error_code::leader_not_available); // the upstream of the second is gone
///     if (split.done()) reply(std::move(split).merge());
///
/// Each partition goes into the part with the key that the function returned, its records by reference; what
/// belongs to no partition goes into all parts. The merged answer has the topics and partitions of the
/// request, in its order, and says an error for those that were not answered. docs/split.md tells of each
/// field. A program includes the APIs that it splits, `<kwire/split/produce.hpp>` and its siblings, or
/// `<kwire/split/all.hpp>`.
#pragma once

#include <kwire/buffer/held.hpp>
#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>
#include <kwire/split/detail/asked.hpp>
#include <kwire/split/detail/merge.hpp>
#include <kwire/split/detail/shape.hpp>
#include <kwire/split/error_answer.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// A topic of a request that is split. Valid during the call that receives it.
struct split_topic {
    std::string_view name; ///< empty where the version has ids
    uuid id{};             ///< zero where it has names
    /// The group of an OffsetFetch request (v8+), the transactional id of AddPartitionsToTxn (v4+); else
    /// empty.
    std::string_view around;
    std::int64_t producer_id = -1; ///< of the marker of a WriteTxnMarkers request; else -1
};

/// A group, transaction or marker, of a request with many, that names no partition. Valid during the call.
struct split_group {
    /// The topic, group or whatever the parts are chosen by.
    std::string_view name;
    bool all_topics = false;       ///< it asks for all topics, by a null list
    std::int64_t producer_id = -1; ///< as for split_topic
};

namespace detail {

template <class T>
struct split_key {
    using type = T;
};
template <class T>
struct split_key<expected<T, error_code>> {
    using type = T;
};

template <class Request, class Key>
class splitter;

} // namespace detail

/// A request in parts, and what became of them. Made by `split`.
///
/// Owns what it needs; of the original request it keeps names and numbers. Not for two threads at a time.
template <class Request, class Key>
class split_request {
public:
    /// What is split.
    using request_data = typename Request::data;
    /// What the answers are joined to.
    using answer_data = typename detail::split_api<Request>::response::data;

    /// What one upstream is to be asked: a request like the original, with less in it. The caller may change
    /// it, or move it away.
    struct part {
        /// Which upstream it is for.
        Key key;
        /// What to ask it.
        request_data request;
    };

    /// In the order in which their keys came up. Empty if no upstream is to be asked: then the answer is
    /// there already.
    [[nodiscard]] std::span<part> parts() noexcept { return parts_; }
    [[nodiscard]] std::span<const part> parts() const noexcept { return parts_; }

    /// Whether the client waits for an answer, and upstreams send some. Not for Produce with acks=0: that is
    /// never done(), and where a part of it fails, Kafka closes the connection.
    [[nodiscard]] bool expects_answer() const noexcept { return expects_answer_; }

    /// What part number `index` was answered, at the version of the request. A second answer replaces the
    /// first. Parts that do not exist are ignored.
    void answer(std::size_t index, answer_data answer) {
        settle(index, {.answer = std::move(answer), .failure = {}, .settled = true});
    }
    /// Part number `index` gets no answer: its partitions say `code`. As for `answer`.
    void fail(std::size_t index, error_code code) {
        settle(index, {.answer = std::nullopt,
                       .failure = code == error_code::none ? error_code::unknown_server_error : code,
                       .settled = true});
    }
    /// Whether all parts are answered or failed, and the client waits for its answer.
    [[nodiscard]] bool done() const noexcept { return expects_answer_ && open_ == 0; }

    /// The answer to the original request. Parts of which nothing is known yet failed, with `unanswered`.
    ///
    /// Records are those of the answers, by reference. O(n log n) for n partitions asked and answered. If
    /// memory runs out, std::bad_alloc passes, and the answers are lost.
    [[nodiscard]] answer_data merge(error_code unanswered = error_code::request_timed_out) && {
        if (refusal_ != error_code::none) {
            answer_data refused{};
            if constexpr (requires { refused.error_code; }) refused.error_code = refusal_;
            return refused;
        }
        for (std::size_t i = 0; i != outcomes_.size(); ++i)
            if (!outcomes_[i].settled) fail(i, unanswered);
        return detail::split_api<Request>::at(version_, [this]<class Shape>(Shape) {
            return detail::merger<Shape>(outcomes_, version_).merge(asked_);
        });
    }

private:
    friend class detail::splitter<Request, Key>;
    split_request() = default;

    void settle(std::size_t index, detail::part_outcome<answer_data> outcome) {
        if (index >= outcomes_.size()) return;
        if (!outcomes_[index].settled) --open_;
        outcomes_[index] = std::move(outcome);
    }

    std::vector<part> parts_;
    std::vector<detail::part_outcome<answer_data>> outcomes_;
    std::vector<detail::asked_around> asked_;
    std::size_t open_ = 0;
    int version_ = 0;
    error_code refusal_{};
    bool expects_answer_ = true;
};

namespace detail {

/// Takes a request apart: first the function decides on all partitions, then they move into their parts.
template <class Request, class Key>
class splitter {
    using data = typename Request::data;
    using route = expected<Key, error_code>;

public:
    template <class F>
    [[nodiscard]] static split_request<Request, Key> split(data&& request, int version, F& key_of,
                                                           std::span<const Key> everyone) {
        splitter work(version);
        split_api<Request>::at(version, [&]<class Shape>(Shape) {
            if constexpr (requires { Shape::prepare(request, version); })
                work.out_.refusal_ = Shape::prepare(request, version);
            if constexpr (requires { Shape::expects_answer(request); })
                work.out_.expects_answer_ = Shape::expects_answer(request);
            if (work.out_.refusal_ == error_code::none) {
                for (const Key& key : everyone) static_cast<void>(work.part_of(key));
                work.template decide<Shape>(request, key_of);
                work.template distribute<Shape>(request);
            }
        });
        work.out_.outcomes_.resize(work.out_.parts_.size());
        work.out_.open_ = work.out_.parts_.size();
        return std::move(work.out_);
    }

private:
    explicit splitter(int version) { out_.version_ = version; }

    [[nodiscard]] std::uint32_t part_of(const Key& key) {
        const auto [at, is_new] = part_of_.try_emplace(key, static_cast<std::uint32_t>(out_.parts_.size()));
        if (is_new) out_.parts_.push_back({key, data{}});
        return at->second;
    }
    [[nodiscard]] std::uint32_t part_of(const route& decided, error_code& error) {
        if (decided) return part_of(*decided);
        error = decided.error() != error_code::none ? decided.error() : error_code::unknown_server_error;
        return no_part;
    }

    template <class Shape, class F>
    void decide(const data& request, F& key_of) {
        each_asked_around<Shape>(request, [&](const auto& around) {
            const auto& topics = around.*Shape::asked_topics;
            const around_key key = asked_around_key<Shape>(around);
            asked_around asked{
                .name = std::string(key.name), .producer = key.producer, .all_topics = is_null_list(topics)};
            asked.topics.reserve(topics.size());
            bool names_any = false;
            for (const auto& topic : topics) {
                asked_topic& known = asked.topics.emplace_back();
                known.name = topic.*Shape::asked_name;
                known.id = asked_topic_id<Shape>(topic);
                const split_topic shown{
                    .name = known.name, .id = known.id, .around = asked.name, .producer_id = asked.producer};
                known.partitions.reserve((topic.*Shape::asked_partitions).size());
                for (const auto& partition : topic.*Shape::asked_partitions) {
                    names_any = true;
                    asked_partition& decided = known.partitions.emplace_back();
                    decided.number = asked_number<Shape>(partition);
                    decided.part = part_of(route(key_of(shown, decided.number)), decided.error);
                    if (decided.part != no_part) asked.parts.push_back(decided.part);
                }
            }
            if constexpr (with_around<Shape> && std::is_invocable_v<F&, const split_group&>)
                if (!names_any) {
                    const split_group shown{
                        .name = asked.name, .all_topics = asked.all_topics, .producer_id = asked.producer};
                    const std::uint32_t part = part_of(route(key_of(shown)), asked.error);
                    if (part != no_part) asked.parts.push_back(part);
                }
            std::ranges::sort(asked.parts);
            const auto repeated = std::ranges::unique(asked.parts);
            asked.parts.erase(repeated.begin(), repeated.end());
            asked.names_any = names_any;
            out_.asked_.push_back(std::move(asked));
        });
    }

    template <class Shape>
    void distribute(data& request) {
        std::vector<std::uint32_t> all(out_.parts_.size());
        for (std::uint32_t i = 0; i != all.size(); ++i) all[i] = i;
        in_part_.resize(all.size());
        if constexpr (with_around<Shape>) {
            auto list = std::exchange(request.*Shape::asked_around, {});
            for (auto& part : out_.parts_) part.request = request; // what belongs to no group
            auto asked = out_.asked_.begin();
            for (auto& around : list) {
                if (asked->parts.empty() && asked->error == error_code::none && !asked->names_any)
                    asked->parts = all;
                auto topics = take_topics<Shape>(around);
                for (const std::uint32_t part : asked->parts)
                    (out_.parts_[part].request.*Shape::asked_around).push_back(around);
                move_topics<Shape>(topics, *asked++);
            }
        } else {
            auto topics = take_topics<Shape>(request);
            for (auto& part : out_.parts_) part.request = request;
            out_.asked_.front().parts = std::move(all);
            move_topics<Shape>(topics, out_.asked_.front());
        }
    }

    /// The topics, which move out; a list that is null stays, for all parts to say so.
    template <class Shape, class Around>
    [[nodiscard]] static auto take_topics(Around& around) {
        auto& topics = around.*Shape::asked_topics;
        auto taken = std::move(topics);
        topics.clear();
        if constexpr (requires { topics = nullptr; })
            if (taken.is_null()) topics = nullptr;
        return taken;
    }

    template <class Shape, class Topics>
    void move_topics(Topics& topics, const asked_around& asked) {
        auto known = asked.topics.begin();
        for (auto& topic : topics) {
            ++topic_number_;
            auto partitions = std::move(topic.*Shape::asked_partitions);
            (topic.*Shape::asked_partitions).clear();
            // All would answer the same of a topic without partitions: that there is nothing to say.
            if (partitions.empty() && !asked.parts.empty())
                topics_of<Shape>(asked.parts.front()).push_back(topic);
            auto decided = known++->partitions.begin();
            for (auto& partition : partitions) {
                const std::uint32_t part = decided++->part;
                if (part == no_part) continue;
                auto& its_topics = topics_of<Shape>(part);
                if (std::exchange(in_part_[part], topic_number_) != topic_number_)
                    its_topics.push_back(topic);
                (its_topics.back().*Shape::asked_partitions).push_back(std::move(partition));
            }
        }
    }
    template <class Shape>
    [[nodiscard]] auto& topics_of(std::uint32_t part) {
        data& request = out_.parts_[part].request;
        if constexpr (with_around<Shape>)
            return (request.*Shape::asked_around).back().*Shape::asked_topics;
        else
            return request.*Shape::asked_topics;
    }

    split_request<Request, Key> out_;
    std::map<Key, std::uint32_t> part_of_;
    std::vector<std::size_t> in_part_; ///< the last topic of each part
    std::size_t topic_number_ = 0;
};

template <class F>
using split_key_of =
    typename split_key<std::remove_cvref_t<std::invoke_result_t<F&, const split_topic&, std::int32_t>>>::type;

} // namespace detail

/// Divides a request by the keys of its partitions.
///
/// `key_of(topic, partition)` returns the key of the upstream that is to be asked, which has `operator<`; or
/// a `kwire::expected` of it, whose error_code then answers for the partition, and no upstream is asked. It
/// may have an overload for `const split_group&`, for groups that name no partition (`overloaded` makes one
/// function of two); without it those go into every part. Keys in `everyone` have a part in any case.
///
/// A Fetch request that refers to a session has no parts: the merged answer refuses it, and the client sends
/// a full one. O(n log k) for n partitions and k keys, and for each group without a partition a copy in each
/// part. If memory runs out, std::bad_alloc passes.
template <class Data, class F, class Key = detail::split_key_of<F>>
    requires requires { typename Data::struct_type; }
[[nodiscard]] auto split(Data request, int version, F&& key_of, std::span<const Key> everyone = {}) {
    return detail::splitter<typename Data::struct_type, Key>::split(std::move(request), version, key_of,
                                                                    everyone);
}
/// The same for a parsed message. Its `data` may take more memory than its bytes: of what strangers send,
/// give `split` what `to_data` makes within a limit.
template <class View, class F, class Key = detail::split_key_of<F>>
[[nodiscard]] auto split(const held<View>& request, F&& key_of, std::span<const Key> everyone = {}) {
    return split(to_data(request), version_of(request.view()), std::forward<F>(key_of), everyone);
}

} // namespace kwire::inline KWIRE_ABI
