// The code of docs/broker.md; tests/docs/test_pages.py looks for each of its blocks here.
#include <kwire/expected.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/produce.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

// Reads one connection until it ends, and calls `handle` for each frame.
kwire::expected<void, kwire::error>
read_frames(const std::function<std::size_t(std::span<std::byte> room)>& receive, // returns 0 at the end
            const std::function<void(kwire::shared_buffer frame)>& handle) {
    kwire::request_reader reader;
    for (;;) {
        auto frame = reader.next();
        if (!frame) return kwire::unexpected(frame.error());
        if (*frame) {
            handle(**std::move(frame));
        } else {
            const std::size_t received = receive(reader.prepare());
            if (received == 0) return {};
            reader.commit(received);
        }
    }
}

constexpr kwire::api_range served[] = {
    {kwire::api_key::produce, {3, 12}},
    {kwire::api_key::fetch, {4, 12}},
};

using reply = kwire::expected<kwire::buffer_chain, kwire::error>;

// One partition: its batches, in the order of their offsets.
struct partition_log {
    std::deque<kwire::held<kwire::batch_view>> batches;
    std::int64_t end_offset = 0;
};

std::map<std::pair<std::string, std::int32_t>, partition_log> logs; // by topic and partition

// The batch that a partition takes, or the code to refuse it with.
kwire::expected<kwire::batch_view, kwire::error_code>
check(std::optional<std::span<const std::byte>> records) {
    using kwire::error_code;
    if (!records) return kwire::unexpected(error_code::invalid_record);
    const auto summary = kwire::check_batches(*records);
    if (!summary) {
        switch (summary.error().code) {
        case kwire::errc::crc_mismatch: return kwire::unexpected(error_code::corrupt_message);
        case kwire::errc::unsupported_compression:
            return kwire::unexpected(error_code::unsupported_compression_type);
        default: return kwire::unexpected(error_code::invalid_record);
        }
    }
    if (summary->lowest_magic < 2) return kwire::unexpected(error_code::unsupported_for_message_format);
    if (summary->batches != 1 || summary->any_gap || summary->any_control)
        return kwire::unexpected(error_code::invalid_record);
    return summary->first;
}

reply produce(kwire::request_frame frame) {
    auto parsed = kwire::parse<kwire::produce_request>(std::move(frame), kwire::parse_options::as_kafka());
    if (!parsed) return kwire::unexpected(parsed.error());
    auto request = kwire::edit(*std::move(parsed)); // the last holder of the bytes: nothing is copied
    if (!request) return kwire::unexpected(request.error());

    kwire::produce_response::data answer;
    std::vector<std::pair<partition_log*, kwire::batch_view>> stamped;
    for (auto topic : request->topic_data()) {
        auto& topic_answer = answer.responses.emplace_back();
        topic_answer.name = topic.name();
        for (auto partition : topic.partition_data()) {
            auto& result = topic_answer.partition_responses.emplace_back();
            result.index = partition.index();
            result.base_offset = -1;
            const auto log = logs.find({std::string(topic.name()), partition.index()});
            if (log == logs.end()) {
                result.error_code = kwire::error_code::unknown_topic_or_partition;
                continue;
            }
            const auto batch = check(partition.records());
            if (!batch) {
                result.error_code = batch.error();
                continue;
            }
            std::int64_t& end_offset = log->second.end_offset;
            const auto done = kwire::stamp(*request, *batch, {.base_offset = end_offset});
            if (!done) { // none that check has accepted
                result.error_code = kwire::error_code::invalid_record;
                continue;
            }
            result.base_offset = std::exchange(end_offset, done->next_offset);
            stamped.emplace_back(&log->second, *batch);
        }
    }

    const auto shared = std::move(*request).freeze(); // read only from here on
    for (auto& [log, batch] : stamped)
        if (auto kept = shared.hold(batch)) log->batches.push_back(*std::move(kept));
    if (shared->acks() == 0) return kwire::buffer_chain{}; // Kafka sends no answer then
    return kwire::encode_response(answer, shared.api_version(), shared.correlation_id());
}

reply fetch(kwire::request_frame frame) {
    auto request = kwire::parse<kwire::fetch_request>(std::move(frame), kwire::parse_options::as_kafka());
    if (!request) return kwire::unexpected(request.error());

    kwire::fetch_response::data answer;
    for (auto topic : request->topics()) {
        auto& topic_answer = answer.responses.emplace_back();
        topic_answer.topic = topic.topic();
        for (auto partition : topic.partitions()) {
            auto& result = topic_answer.partitions.emplace_back();
            result.partition_index = partition.partition();
            const auto log = logs.find({std::string(topic.topic()), partition.partition()});
            if (log == logs.end()) {
                result.error_code = kwire::error_code::unknown_topic_or_partition;
                continue;
            }
            result.high_watermark = log->second.end_offset;
            kwire::buffer_chain records;
            for (const auto& batch : log->second.batches)
                if (batch->next_offset() > partition.fetch_offset())
                    records.put_bytes(batch.slice_or_copy(bytes_of(*batch)));
            result.records = std::move(records);
        }
    }
    return kwire::encode_response(answer, (*request).api_version(), (*request).correlation_id());
}

// The answer to any request; empty where there is none.
reply answer(kwire::shared_buffer bytes) {
    auto frame = kwire::parse_request_frame(std::move(bytes));
    if (!frame) return kwire::unexpected(frame.error());
    if (!kwire::versions_in(served, frame->api()).contains(frame->api_version()))
        return kwire::unexpected(kwire::error{.code = kwire::errc::unsupported_version,
                                              .message = kwire::facts_of(frame->api()).name,
                                              .version = frame->api_version(),
                                              .located = false});
    switch (frame->api()) {
    case kwire::api_key::produce: return produce(*std::move(frame));
    case kwire::api_key::fetch: return fetch(*std::move(frame));
    default: return kwire::unexpected(kwire::error{.code = kwire::errc::unknown_api, .located = false});
    }
}

kwire::shared_buffer frame_of(const kwire::buffer_chain& sent) {
    return kwire::without_length(sent.to_bytes()).value();
}

kwire::shared_buffer batch_of(std::initializer_list<std::string_view> values) {
    kwire::batch_builder builder;
    for (const std::string_view value : values)
        REQUIRE(builder.append({.timestamp = 1000, .value = kwire::bytes_of_text(value)}));
    return std::move(builder).finish().to_bytes();
}

} // namespace

TEST_CASE("the broker of the page stamps every partition of a request in place and copies nothing") {
    logs.clear();
    for (const std::int32_t partition : {0, 1, 2}) logs[{"orders", partition}];
    logs[{"bills", 0}];
    const kwire::produce_request::data request{
        .acks = -1,
        .timeout_ms = 1000,
        .topic_data = {
            {.name = "orders",
             .partition_data = {{.index = 0, .records = batch_of({"a", "b"})},
                                {.index = 1, .records = batch_of({"c"})},
                                {.index = 2, .records = kwire::shared_buffer::copy_of("garbage")}}},
            {.name = "bills",
             .partition_data = {{.index = 0, .records = batch_of({"d"})},
                                {.index = 9, .records = batch_of({"e"})}}}}};
    for (int round = 0; round < 2; ++round) {
        auto bytes = frame_of(kwire::encode_request(request, 9, 7, "page").value());
        const std::uint64_t copied = kwire::copied_bytes();
        const auto sent = answer(std::move(bytes));
        REQUIRE(sent);
        CHECK(kwire::copied_bytes() == copied);
        const auto frame = kwire::parse_response_frame(frame_of(*sent), kwire::api_key::produce, 9);
        REQUIRE(frame);
        const auto answered = kwire::parse<kwire::produce_response>(*frame);
        REQUIRE(answered);
        std::vector<std::int64_t> offsets;
        for (const auto topic : answered->responses())
            for (const auto partition : topic.partition_responses()) {
                offsets.push_back(partition.base_offset());
                CHECK((partition.error_code() == kwire::error_code::none) == (partition.base_offset() >= 0));
            }
        CHECK(offsets == std::vector<std::int64_t>{2 * round, round, -1, round, -1});
    }
    CHECK(logs.size() == 4);
    const auto& first = logs.at({"orders", 0});
    CHECK(first.end_offset == 4);
    REQUIRE(first.batches.size() == 2);
    CHECK(first.batches[1]->base_offset() == 2);
    CHECK(crc_matches(*first.batches[1]));

    const kwire::fetch_request::data wanted{
        .max_wait_ms = 0,
        .topics = {
            {.topic = "orders",
             .partitions = {{.partition = 0, .fetch_offset = 2}, {.partition = 9, .fetch_offset = 0}}}}};
    const std::uint64_t copied = kwire::copied_bytes();
    const auto sent = answer(frame_of(kwire::encode_request(wanted, 11, 8, "page").value()));
    REQUIRE(sent);
    const auto fetched = kwire::parse<kwire::fetch_response>(
        kwire::parse_response_frame(frame_of(*sent), kwire::api_key::fetch, 11).value());
    REQUIRE(fetched);
    const auto topic = *fetched->responses().begin();
    std::vector<std::string> values;
    for (const auto partition : topic.partitions()) {
        REQUIRE(partition.records());
        if (partition.partition_index() == 9)
            CHECK(partition.error_code() == kwire::error_code::unknown_topic_or_partition);
        for (const auto entry : kwire::record_batches(partition.records())) {
            if (!entry) break;
            const auto batch = *entry;
            for (const auto record : kwire::record_range(batch))
                values.emplace_back(kwire::text_of(record->value().value()));
        }
    }
    CHECK(values == std::vector<std::string>{"a", "b"});
    CHECK(kwire::copied_bytes() > copied); // by to_bytes of this test alone
}

TEST_CASE("the broker of the page refuses requests that it cannot read or does not serve") {
    auto cut =
        frame_of(kwire::encode_request(kwire::produce_request::data{.acks = -1}, 9, 7, "page").value());
    cut.truncate(cut.size() - 1);
    CHECK(answer(std::move(cut)).error() == kwire::errc::truncated);
    CHECK(answer(kwire::shared_buffer::copy_of(kwire::test::from_hex("0003 0001 00000001 ffff 00000000")))
              .error() == kwire::errc::unsupported_version);
}

TEST_CASE("the loop of the page yields the frames of a stream, however it is cut") {
    const auto first = kwire::encode_request(kwire::fetch_request::data{}, 11, 1, "page").value().to_bytes();
    const auto second =
        kwire::encode_request(kwire::produce_request::data{}, 9, 2, "page").value().to_bytes();
    std::vector<std::byte> stream(first.begin(), first.end());
    stream.insert(stream.end(), second.begin(), second.end());
    std::size_t at = 0;
    std::vector<kwire::shared_buffer> frames;
    const auto done = read_frames(
        [&](std::span<std::byte> room) {
            const std::size_t n = std::min({room.size(), stream.size() - at, std::size_t{3}});
            std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), n, room.begin());
            at += n;
            return n;
        },
        [&](kwire::shared_buffer frame) { frames.push_back(std::move(frame)); });
    REQUIRE(done);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0] == kwire::without_length(first));
    CHECK(frames[1] == kwire::without_length(second));
}
