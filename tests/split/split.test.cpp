#include <kwire/expected.hpp>
#include <kwire/read/overloaded.hpp>
#include <kwire/split/all.hpp>
#include <kwire/split/split.hpp>

#include <array>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"

using kwire::error_code;
using kwire::split_topic;

namespace {

/// To the upstream with the partition's number.
constexpr auto by_number = [](const split_topic&, std::int32_t partition) { return partition; };

kwire::produce_request::data produce(std::int16_t acks) {
    return {.acks = acks,
            .timeout_ms = 500,
            .topic_data = {{.name = "a", .partition_data = {{.index = 1}, {.index = 0}}},
                           {.name = "b", .partition_data = {{.index = 1}}}}};
}
kwire::produce_response::data answer_for(const kwire::produce_request::data& request, std::int64_t offset) {
    kwire::produce_response::data answer;
    for (const auto& topic : request.topic_data) {
        auto& told = answer.responses.emplace_back();
        told.name = topic.name;
        told.topic_id = topic.topic_id;
        for (const auto& partition : topic.partition_data)
            told.partition_responses.push_back({.index = partition.index, .base_offset = offset});
    }
    return answer;
}

/// What it costs to merge an answer that has the partitions of one topic in reverse, in CPU time.
std::clock_t reversed_merge(std::size_t name_bytes, std::int32_t count) {
    const std::string name(name_bytes, 't');
    kwire::list_offsets_request::data request{.topics = {{.name = name}}};
    kwire::list_offsets_response::data answer{.topics = {{.name = name}}};
    for (std::int32_t i = 0; i != count; ++i) {
        // Each twice: then the number of a partition does not tell which one is meant either.
        request.topics[0].partitions.push_back({.partition_index = i / 2});
        answer.topics[0].partitions.push_back({.partition_index = (count - 1 - i) / 2, .offset = i});
    }
    auto split = kwire::split(request, 5, [](const split_topic&, std::int32_t) { return 0; });
    split.answer(0, std::move(answer));
    const std::clock_t before = std::clock();
    const auto merged = std::move(split).merge();
    const std::clock_t after = std::clock();
    REQUIRE(merged.topics.size() == 1);
    REQUIRE(merged.topics[0].partitions.size() == static_cast<std::size_t>(count));
    CHECK(merged.topics[0].partitions[0].offset == count - 2);
    return after - before;
}

} // namespace

TEST_CASE("split: the parts have what belongs to no partition, and come in the order of their keys") {
    const auto split = kwire::split(produce(-1), 9, by_number);
    REQUIRE(split.parts().size() == 2);
    CHECK(split.parts()[0].key == 1);
    CHECK(split.parts()[1].key == 0);
    CHECK(split.parts()[0].request.topic_data.size() == 2);
    CHECK(split.parts()[1].request.topic_data.size() == 1);
    for (const auto& part : split.parts()) {
        CHECK(part.request.acks == -1);
        CHECK(part.request.timeout_ms == 500);
    }
}

TEST_CASE("merge: a failed part says its code for each of its partitions, the others say what they said") {
    auto split = kwire::split(produce(1), 9, by_number);
    auto told = answer_for(split.parts()[0].request, 42);
    told.throttle_time_ms = 30;
    CHECK_FALSE(split.done());
    split.answer(0, told);
    CHECK_FALSE(split.done());
    split.fail(1, error_code::not_leader_or_follower);
    CHECK(split.done());
    const auto merged = std::move(split).merge();
    CHECK(merged.throttle_time_ms == 30);
    REQUIRE(merged.responses.size() == 2);
    REQUIRE(merged.responses[0].partition_responses.size() == 2);
    CHECK(merged.responses[0].partition_responses[0].base_offset == 42);
    const auto& failed = merged.responses[0].partition_responses[1];
    CHECK(failed.index == 0);
    CHECK(failed.error_code == error_code::not_leader_or_follower);
    CHECK(failed.base_offset == -1);
    CHECK(merged.responses[1].partition_responses[0].base_offset == 42);
}

TEST_CASE("merge: what an upstream leaves out is an unknown_server_error, and what it adds is dropped") {
    auto split = kwire::split(produce(1), 9, by_number);
    auto told = answer_for(split.parts()[0].request, 42);
    told.responses[0].partition_responses[0].index = 7;
    split.answer(0, told);
    split.answer(1, {});
    const auto merged = std::move(split).merge();
    REQUIRE(merged.responses.size() == 2);
    REQUIRE(merged.responses[0].partition_responses.size() == 2);
    CHECK(merged.responses[0].partition_responses[0].error_code == error_code::unknown_server_error);
    CHECK(merged.responses[0].partition_responses[1].error_code == error_code::unknown_server_error);
    CHECK(merged.responses[1].partition_responses[0].error_code == error_code::none);
}

TEST_CASE(
    "merge: parts without an answer have timed out, or what the caller says, and a later answer counts") {
    auto split = kwire::split(produce(1), 9, by_number);
    split.fail(0, error_code::network_exception);
    split.answer(0, answer_for(split.parts()[0].request, 1));
    split.answer(9, {});
    auto copy = split;
    CHECK(std::move(split).merge().responses[0].partition_responses[1].error_code ==
          error_code::request_timed_out);
    const auto merged = std::move(copy).merge(error_code::broker_not_available);
    CHECK(merged.responses[0].partition_responses[0].error_code == error_code::none);
    CHECK(merged.responses[0].partition_responses[1].error_code == error_code::broker_not_available);
}

TEST_CASE("split: the function can answer for a partition itself") {
    auto split =
        kwire::split(produce(1), 9,
                     [](const split_topic& topic, std::int32_t) -> kwire::expected<std::string, error_code> {
                         if (topic.name == "b")
                             return kwire::unexpected(error_code::unknown_topic_or_partition);
                         return "host";
                     });
    REQUIRE(split.parts().size() == 1);
    CHECK(split.parts()[0].key == "host");
    CHECK(split.parts()[0].request.topic_data.size() == 1);
    split.answer(0, answer_for(split.parts()[0].request, 3));
    const auto merged = std::move(split).merge();
    CHECK(merged.responses[0].partition_responses[1].base_offset == 3);
    CHECK(merged.responses[1].partition_responses[0].error_code == error_code::unknown_topic_or_partition);
}

TEST_CASE("split: a Produce request with acks=0 has parts, but no answer") {
    auto split = kwire::split(produce(0), 9, by_number);
    CHECK(split.parts().size() == 2);
    CHECK_FALSE(split.expects_answer());
    split.fail(0, error_code::network_exception);
    split.fail(1, error_code::network_exception);
    CHECK_FALSE(split.done());
}

TEST_CASE("split: topics with ids are told apart by those, whatever name they have") {
    const kwire::uuid one{{std::byte{1}}}, two{{std::byte{2}}};
    kwire::produce_request::data request{.acks = 1,
                                         .topic_data = {{.topic_id = two, .partition_data = {{.index = 0}}},
                                                        {.topic_id = one, .partition_data = {{.index = 0}}}}};
    auto split = kwire::split(request, 13, [](const split_topic& topic, std::int32_t) { return topic.id; });
    REQUIRE(split.parts().size() == 2);
    CHECK(split.parts()[0].key == two);
    split.answer(0, {.responses = {{.name = "resolved",
                                    .topic_id = two,
                                    .partition_responses = {{.index = 0, .base_offset = 2}}}}});
    split.answer(1, answer_for(split.parts()[1].request, 1));
    const auto merged = std::move(split).merge();
    REQUIRE(merged.responses.size() == 2);
    CHECK(merged.responses[0].topic_id == two);
    CHECK(merged.responses[0].partition_responses[0].base_offset == 2);
    CHECK(merged.responses[1].topic_id == one);
    CHECK(merged.responses[1].partition_responses[0].base_offset == 1);
}

TEST_CASE("merge: node endpoints of all parts, each node once") {
    auto split = kwire::split(produce(1), 10, by_number);
    for (std::size_t i = 0; i != 2; ++i) {
        auto told = answer_for(split.parts()[i].request, 1);
        told.node_endpoints = {{.node_id = 1, .host = i == 0 ? "first" : "second"},
                               {.node_id = static_cast<std::int32_t>(10 + i)}};
        split.answer(i, std::move(told));
    }
    const auto merged = std::move(split).merge();
    REQUIRE(merged.node_endpoints.size() == 3);
    CHECK(merged.node_endpoints[0].host == "first");
    CHECK(merged.node_endpoints[2].node_id == 11);
}

TEST_CASE("split: a full fetch becomes fetches without a session, one of a session is refused") {
    kwire::fetch_request::data request{
        .session_id = 9, .session_epoch = 0, .topics = {{.topic = "a", .partitions = {{.partition = 3}}}}};
    auto full = kwire::split(request, 12, by_number);
    REQUIRE(full.parts().size() == 1);
    CHECK(full.parts()[0].request.session_id == 0);
    CHECK(full.parts()[0].request.session_epoch == -1);
    full.answer(0,
                {.session_id = 77,
                 .responses = {{.topic = "a", .partitions = {{.partition_index = 3, .high_watermark = 5}}}}});
    const auto merged = std::move(full).merge();
    CHECK(merged.session_id == 0);
    CHECK(merged.responses[0].partitions[0].high_watermark == 5);

    request.session_epoch = 4;
    auto refused = kwire::split(request, 12, by_number);
    CHECK(refused.parts().empty());
    CHECK(refused.done());
    const auto answer = std::move(refused).merge();
    CHECK(answer.error_code == error_code::fetch_session_id_not_found);
    CHECK(answer.session_id == 0);
    CHECK(answer.responses.empty());
}

TEST_CASE("merge: an error above the partitions stays there only if all parts have one") {
    const kwire::fetch_request::data request{
        .topics = {{.topic = "a", .partitions = {{.partition = 0}, {.partition = 1}}}}};
    auto split = kwire::split(request, 12, by_number);
    split.answer(0, {.error_code = error_code::kafka_storage_error});
    split.answer(1, {.responses = {{.topic = "a", .partitions = {{.partition_index = 1}}}}});
    auto both = split;
    const auto merged = std::move(split).merge();
    CHECK(merged.error_code == error_code::none);
    CHECK(merged.responses[0].partitions[0].error_code == error_code::kafka_storage_error);
    CHECK(merged.responses[0].partitions[1].error_code == error_code::none);

    both.answer(1, {.error_code = error_code::unknown_server_error});
    const auto all = std::move(both).merge();
    CHECK(all.error_code == error_code::kafka_storage_error);
    REQUIRE(all.responses.size() == 1);
    CHECK(all.responses[0].partitions[1].error_code == error_code::unknown_server_error);
}

TEST_CASE("split: groups go to their coordinators, those for all topics too if the function knows groups") {
    const kwire::offset_fetch_request::data request{
        .groups = {{.group_id = "one", .topics = nullptr},
                   {.group_id = "two", .topics = {{.name = "t", .partition_indexes = {1, 0}}}}},
        .require_stable = true};
    auto split =
        kwire::split(request, 8,
                     kwire::overloaded{
                         [](const split_topic& topic, std::int32_t) { return std::string(topic.around); },
                         [](const kwire::split_group& group) { return std::string(group.name); },
                     });
    REQUIRE(split.parts().size() == 2);
    CHECK(split.parts()[0].key == "one");
    REQUIRE(split.parts()[0].request.groups.size() == 1);
    CHECK(split.parts()[0].request.groups[0].topics.is_null());
    CHECK(split.parts()[0].request.require_stable);
    REQUIRE(split.parts()[1].request.groups.size() == 1);
    split.answer(0, {.groups = {{.group_id = "one",
                                 .topics = {{.name = "t", .partitions = {{.partition_index = 5}}}}}}});
    split.fail(1, error_code::not_coordinator);
    const auto merged = std::move(split).merge();
    REQUIRE(merged.groups.size() == 2);
    CHECK(merged.groups[0].error_code == error_code::none);
    CHECK(merged.groups[0].topics[0].partitions[0].partition_index == 5);
    CHECK(merged.groups[1].group_id == "two");
    CHECK(merged.groups[1].error_code == error_code::not_coordinator);
    CHECK(merged.groups[1].topics.empty());
}

TEST_CASE("merge: a group for all topics has those of all parts, each partition once, or an error") {
    const kwire::offset_fetch_request::data request{.group_id = "g", .topics = nullptr};
    const std::array everyone{1, 2};
    auto split = kwire::split(request, 7, by_number, std::span<const int>(everyone));
    REQUIRE(split.parts().size() == 2);
    CHECK(split.parts()[1].request.topics.is_null());
    split.answer(0, {.topics = {{.name = "a",
                                 .partitions = {{.partition_index = 0, .committed_offset = 1},
                                                {.partition_index = 1,
                                                 .error_code = error_code::unstable_offset_commit}}}}});
    split.answer(1, {.topics = {{.name = "b", .partitions = {{.partition_index = 0}}},
                                {.name = "a",
                                 .partitions = {{.partition_index = 1, .committed_offset = 8},
                                                {.partition_index = 0, .committed_offset = 9}}}}});
    auto broken = split;
    const auto merged = std::move(split).merge();
    CHECK(merged.error_code == error_code::none);
    REQUIRE(merged.topics.size() == 2);
    REQUIRE(merged.topics[0].partitions.size() == 2);
    CHECK(merged.topics[0].partitions[0].committed_offset == 1);
    CHECK(merged.topics[0].partitions[1].committed_offset == 8);
    CHECK(merged.topics[1].name == "b");

    broken.fail(1, error_code::coordinator_not_available);
    CHECK(std::move(broken).merge().error_code == error_code::coordinator_not_available);
    // Without an upstream there is no list, and an empty one would be a lie.
    auto lost = kwire::split(request, 7, by_number);
    CHECK(lost.done());
    CHECK(std::move(lost).merge().error_code == error_code::unknown_server_error);
}

TEST_CASE("split: transactions go to their coordinators, and each has its own answer") {
    const kwire::add_partitions_to_txn_request::data request{
        .transactions = {{.transactional_id = "x", .topics = {{.name = "t", .partitions = {0, 1}}}},
                         {.transactional_id = "y", .topics = {{.name = "t", .partitions = {0}}}}}};
    auto split = kwire::split(
        request, 4, [](const split_topic& topic, std::int32_t) { return std::string(topic.around); });
    REQUIRE(split.parts().size() == 2);
    split.answer(0, {.error_code = error_code::cluster_authorization_failed});
    split.answer(1,
                 {.results_by_transaction = {
                      {.transactional_id = "y",
                       .topic_results = {{.name = "t", .results_by_partition = {{.partition_index = 0}}}}}}});
    const auto merged = std::move(split).merge();
    CHECK(merged.error_code == error_code::none);
    REQUIRE(merged.results_by_transaction.size() == 2);
    const auto& failed = merged.results_by_transaction[0].topic_results[0].results_by_partition;
    REQUIRE(failed.size() == 2);
    CHECK(failed[1].partition_error_code == error_code::cluster_authorization_failed);
    CHECK(merged.results_by_transaction[1].topic_results[0].results_by_partition[0].partition_error_code ==
          error_code::none);
}

TEST_CASE("merge: a request without partitions has no parts, and an empty answer") {
    auto split = kwire::split(kwire::list_offsets_request::data{}, 5, by_number);
    CHECK(split.parts().empty());
    CHECK(split.done());
    CHECK(std::move(split).merge().topics.empty());
}

TEST_CASE("merge: the throttle time is the greatest, whichever part says it") {
    for (const std::int32_t first : {10, 30}) {
        auto split = kwire::split(produce(1), 9, by_number);
        REQUIRE(split.parts().size() == 2);
        split.answer(0, {.throttle_time_ms = first});
        split.answer(1, {.throttle_time_ms = 40 - first});
        CHECK(std::move(split).merge().throttle_time_ms == 30);
    }
}

TEST_CASE("split: a part that is answered twice is one part, and the second answer counts") {
    auto split = kwire::split(produce(1), 9, by_number);
    REQUIRE(split.parts().size() == 2);
    split.fail(0, error_code::not_leader_or_follower);
    split.answer(0, answer_for(split.parts()[0].request, 5));
    CHECK_FALSE(split.done());
    split.answer(1, answer_for(split.parts()[1].request, 6));
    CHECK(split.done());
    split.answer(1, answer_for(split.parts()[1].request, 7));
    CHECK(split.done());
    const auto merged = std::move(split).merge();
    CHECK(merged.responses[0].partition_responses[0].base_offset == 5);
    CHECK(merged.responses[0].partition_responses[1].base_offset == 7);
}

TEST_CASE("merge: a partition that was asked for twice is told of as often as its upstream tells of it") {
    kwire::list_offsets_request::data request{.topics = {{.name = "t"}}};
    for (const std::int32_t number : {0, 1, 0})
        request.topics[0].partitions.push_back({.partition_index = number});
    auto split = kwire::split(request, 5, [](const split_topic&, std::int32_t) { return 0; });
    split.answer(0, {.topics = {{.name = "t",
                                 .partitions = {{.partition_index = 0, .offset = 5},
                                                {.partition_index = 1, .offset = 6}}}}});
    const auto merged = std::move(split).merge();
    REQUIRE(merged.topics[0].partitions.size() == 2);
    CHECK(merged.topics[0].partitions[0].offset == 5);
    CHECK(merged.topics[0].partitions[1].offset == 6);
}

TEST_CASE("merge: many partitions that an upstream answers in reverse take no more than sorting them") {
    constexpr std::int32_t many = 100'000;
    kwire::list_offsets_request::data request{.topics = {{.name = "t"}}};
    kwire::list_offsets_response::data answer{.topics = {{.name = "t"}}};
    for (std::int32_t i = 0; i != many; ++i) {
        request.topics[0].partitions.push_back({.partition_index = i});
        answer.topics[0].partitions.push_back({.partition_index = many - 1 - i, .offset = i});
    }
    auto split = kwire::split(request, 5, [](const split_topic&, std::int32_t) { return 0; });
    split.answer(0, std::move(answer));
    const auto merged = std::move(split).merge();
    REQUIRE(merged.topics[0].partitions.size() == many);
    CHECK(merged.topics[0].partitions[0].offset == many - 1);
}

TEST_CASE("merge: the name of a topic is not compared again for each of its partitions") {
    constexpr std::int32_t many = 30'000;
    const std::clock_t with_a_short_name = reversed_merge(1, many);
    const std::clock_t with_the_longest = reversed_merge(32767, many);
    CHECK(with_the_longest < 5 * with_a_short_name + CLOCKS_PER_SEC / 10);
}

TEST_CASE("merge: a topic that one upstream tells of twice has the tags of the first time") {
    const auto tag = [](std::uint32_t number) {
        return kwire::unknown_tag{number, kwire::shared_buffer::from_static("x")};
    };
    const kwire::offset_fetch_request::data request{.group_id = "g", .topics = nullptr};
    const std::array everyone{1, 2};
    auto split = kwire::split(request, 7, by_number, std::span<const int>(everyone));
    split.answer(
        0, {.topics = {{.name = "a", .partitions = {{.partition_index = 0}}, .unknown_tags = {tag(5)}},
                       {.name = "a", .partitions = {{.partition_index = 1}}, .unknown_tags = {tag(6)}}}});
    split.answer(
        1, {.topics = {{.name = "a", .partitions = {{.partition_index = 2}}, .unknown_tags = {tag(7)}}}});
    const auto merged = std::move(split).merge();
    REQUIRE(merged.topics.size() == 1);
    CHECK(merged.topics[0].partitions.size() == 3);
    const auto& tags = merged.topics[0].unknown_tags;
    REQUIRE(tags.size() == 2);
    CHECK(tags[0].number == 5);
    CHECK(tags[1].number == 7);
}

TEST_CASE(
    "merge: an upstream that tells of one topic again and again takes no more than one with many topics") {
    const kwire::offset_fetch_request::data request{.group_id = "g", .topics = nullptr};
    const auto cost_of = [&](bool repeated) {
        constexpr std::uint32_t many = 20'000;
        kwire::offset_fetch_response::data answer;
        answer.topics.resize(many);
        for (std::uint32_t i = 0; i != many; ++i) {
            answer.topics[0].unknown_tags.push_back({i, {}});
            if (i != 0) answer.topics[i].unknown_tags.push_back({many + i, {}});
            if (!repeated) answer.topics[i].name = std::to_string(i);
        }
        const std::array everyone{1};
        auto split = kwire::split(request, 7, by_number, std::span<const int>(everyone));
        split.answer(0, std::move(answer));
        const std::clock_t before = std::clock();
        const auto merged = std::move(split).merge();
        const std::clock_t after = std::clock();
        CHECK(merged.topics.size() == (repeated ? 1 : many));
        return after - before;
    };
    const std::clock_t with_many = cost_of(false);
    CHECK(cost_of(true) < 5 * with_many + CLOCKS_PER_SEC / 10);
}
