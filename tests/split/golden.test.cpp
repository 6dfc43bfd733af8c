#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/error_text.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/split/all.hpp>

#include <array>
#include <map>
#include <numeric>

#include "catch.hpp"
#include "split/requests.hpp"

namespace {

std::vector<int> keys_below(int count) {
    std::vector<int> keys(static_cast<std::size_t>(count));
    std::iota(keys.begin(), keys.end(), 0);
    return keys;
}

} // namespace

TEST_CASE(
    "split: a part has the partitions of its key, in their order, and all that belongs to no partition") {
    std::size_t parts = 0;
    support::each_split_api([&]<class Request> {
        support::each_golden<Request>([&](const support::golden_message& line, const auto& message) {
            INFO(line.name());
            const int version = line.version;
            auto original = kwire::to_data(message);
            support::without_session(original);
            for (const int count : {1, 2, 3, 7}) {
                const std::vector<int> keys = keys_below(count);
                const auto split =
                    kwire::split(original, version, support::by_hash(count), std::span<const int>(keys));
                REQUIRE(split.parts().size() == keys.size());
                for (const auto& part : split.parts()) {
                    ++parts;
                    auto expected = original;
                    support::split_api<Request>::at(version, [&]<class Shape>(Shape) {
                        support::keep_key<Shape>(expected, part.key, count);
                    });
                    CHECK(support::encoded<Request>(part.request, version) ==
                          support::encoded<Request>(expected, version));
                }
            }
        });
    });
    CHECK(parts > 5000);
}

TEST_CASE("split: one key for all partitions gives the request itself") {
    support::each_split_api([&]<class Request> {
        support::each_golden<Request>([&](const support::golden_message& line, const auto& message) {
            auto original = kwire::to_data(message);
            support::without_session(original);
            const std::array everyone{5};
            const auto split = kwire::split(
                original, line.version, [](const kwire::split_topic&, std::int32_t) { return 5; },
                std::span<const int>(everyone));
            REQUIRE(split.parts().size() == 1);
            INFO(line.name());
            CHECK(support::encoded<Request>(split.parts()[0].request, line.version) ==
                  support::encoded<Request>(original, line.version));
        });
    });
}

TEST_CASE(
    "merge: the parts of an answer make that answer again, in whatever order each upstream tells them") {
    std::size_t merged = 0, reversed = 0;
    support::each_split_api([&]<class Request> {
        using response = typename support::split_api<Request>::response;
        support::each_golden<response>([&](const support::golden_message& line, const auto& message) {
            INFO(line.name());
            const int version = line.version;
            auto original = kwire::to_data(message);
            support::without_session(original);
            const std::string expected = support::encoded<response>(original, version);
            support::split_api<Request>::at(version, [&]<class Shape>(Shape) {
                auto request = support::request_for<Shape>(original);
                if constexpr (requires { request.acks; }) request.acks = -1;
                for (const int count : {1, 2, 3, 7})
                    for (const bool turned : {false, true}) {
                        if (turned && support::has_repeated<Shape>(original)) continue;
                        const std::vector<int> keys = keys_below(count);
                        auto split = kwire::split(request, version, support::by_hash(count),
                                                  std::span<const int>(keys));
                        REQUIRE_FALSE(split.done());
                        for (std::size_t i = split.parts().size(); i-- != 0;) {
                            auto answer = original;
                            support::keep_key<Shape>(answer, split.parts()[i].key, count);
                            if (turned) support::reverse_lists<Shape>(answer);
                            split.answer(i, std::move(answer));
                        }
                        REQUIRE(split.done());
                        INFO(count << " parts" << (turned ? ", in reversed order" : ""));
                        CHECK(support::encoded<response>(std::move(split).merge(), version) == expected);
                        ++(turned ? reversed : merged);
                    }
            });
        });
    });
    CHECK(merged > 2000);
    CHECK(reversed > 1000);
}

TEST_CASE("merge: whatever upstreams answer, the answer has the partitions of the request") {
    std::size_t merged = 0;
    support::each_split_api([&]<class Request> {
        using response = typename support::split_api<Request>::response;
        std::map<int, std::vector<typename response::data>> answers;
        support::each_golden<response>([&](const support::golden_message& line, const auto& message) {
            answers[line.version].push_back(kwire::to_data(message));
        });
        support::each_golden<Request>([&](const support::golden_message& line, const auto& message) {
            INFO(line.name());
            const int version = line.version;
            auto original = kwire::to_data(message);
            support::without_session(original);
            if constexpr (requires { original.acks; })
                if (original.acks == 0) original.acks = 1;
            support::split_api<Request>::at(version, [&]<class Shape>(Shape) {
                // Of a partition that is asked for twice, an upstream may tell once.
                const auto once = [](support::partition_list all) {
                    std::ranges::sort(all);
                    const auto repeated = std::ranges::unique(all);
                    all.erase(repeated.begin(), repeated.end());
                    return all;
                };
                const bool repeated = support::has_repeated<Shape>(original);
                const support::partition_list asked = support::partitions_of<Shape>(original);
                for (const auto& answer : answers.at(version)) {
                    auto split = kwire::split(original, version, support::by_hash(2));
                    for (std::size_t i = 0; i != split.parts().size(); ++i) split.answer(i, answer);
                    const auto made = std::move(split).merge();
                    REQUIRE(kwire::encode<response>(made, version).has_value());
                    const support::partition_list told = support::partitions_of<Shape>(made);
                    ++merged;
                    bool all_topics = false;
                    support::each_topics<Shape>(original, [&](const auto& topics, std::string_view) {
                        all_topics |= kwire::detail::is_null_list(topics);
                    });
                    // An error above all partitions may take their place, and all topics are no list.
                    if (all_topics || kwire::detail::error_covers_partitions<Shape>(version)) continue;
                    CHECK((repeated ? once(told) == once(asked) : told == asked));
                }
            });
        });
    });
    CHECK(merged > 3000);
}

TEST_CASE("split and merge: records and unknown tags are the original memory, and nothing is copied") {
    std::size_t records = 0;
    std::uint64_t copied = 0;
    support::each_golden<kwire::produce_request>([&](const auto& line, const auto& message) {
        const auto before = kwire::copied_bytes();
        auto split = kwire::split(message, support::by_hash(3));
        copied += kwire::copied_bytes() - before;
        for (const auto& part : split.parts())
            for (const auto& topic : part.request.topic_data)
                for (const auto& partition : topic.partition_data)
                    partition.records.each_buffer([&](const kwire::shared_buffer& bytes) {
                        INFO(line.name());
                        CHECK(bytes.shares_memory_with(message.buffer()));
                        ++records;
                    });
    });
    support::each_golden<kwire::fetch_response>([&](const auto& line, const auto& message) {
        const auto before = kwire::copied_bytes();
        const auto original = kwire::to_data(message);
        auto split = kwire::split(support::request_for<kwire::detail::fetch_shape>(original), line.version,
                                  support::by_hash(3));
        for (std::size_t i = 0; i != split.parts().size(); ++i) {
            auto answer = original;
            support::keep_key<kwire::detail::fetch_shape>(answer, split.parts()[i].key, 3);
            split.answer(i, std::move(answer));
        }
        const auto merged = std::move(split).merge();
        copied += kwire::copied_bytes() - before;
        for (const auto& topic : merged.responses)
            for (const auto& partition : topic.partitions)
                partition.records.each_buffer([&](const kwire::shared_buffer& bytes) {
                    INFO(line.name());
                    CHECK(bytes.shares_memory_with(message.buffer()));
                    ++records;
                });
    });
    CHECK(records > 200);
    CHECK(copied == 0);
}
