// Records that lie in many places are one field of a message: written by reference, read back as one.
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/share_fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/wire/text.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"

using kwire::buffer_chain;
using kwire::shared_buffer;

namespace {

shared_buffer batch(char c) { return shared_buffer::copy_of(std::string(50, c)); }

kwire::fetch_response::data answer(kwire::payload records) {
    kwire::fetch_response::data out;
    out.responses.emplace_back().topic = "orders";
    out.responses.back().partitions.emplace_back().records = std::move(records);
    return out;
}

std::string text(const buffer_chain& chain) {
    const shared_buffer all = chain.to_bytes();
    return std::string(kwire::text_of(all.span()));
}

/// What a reader of the whole finds in the one records field.
std::optional<std::string> read_back(const buffer_chain& body, int version) {
    auto message = kwire::parse<kwire::fetch_response>(body.to_bytes(), version);
    REQUIRE(message);
    for (auto topic : message->responses())
        for (auto partition : topic.partitions())
            if (auto records = partition.records())
                return std::string(reinterpret_cast<const char*>(records->data()), records->size());
    return std::nullopt;
}

} // namespace

TEST_CASE("every segment of a records field is attached by reference, in order") {
    const int version = GENERATE(4, 11, 12);
    const shared_buffer first = batch('1');
    const shared_buffer second = batch('2');
    const shared_buffer third = batch('3');
    buffer_chain records;
    for (const shared_buffer& b : {first, second, third}) records.put_bytes(b);

    const auto before = kwire::copied_bytes();
    const auto body = kwire::encode<kwire::fetch_response>(answer(records), version);
    CHECK(kwire::copied_bytes() == before);
    REQUIRE(body);
    REQUIRE(body->segment_count() >= 4);
    const auto pieces = body->segments();
    CHECK(pieces[1].data() == first.data());
    CHECK(pieces[2].data() == second.data());
    CHECK(pieces[3].data() == third.data());
    CHECK(body->size() == *kwire::encoded_size<kwire::fetch_response>(answer(records), version));
    CHECK(read_back(*body, version) == std::string(50, '1') + std::string(50, '2') + std::string(50, '3'));
}

TEST_CASE("neighbouring slices of one buffer go out as one segment") {
    const shared_buffer log = shared_buffer::copy_of(std::string(40, 'a') + std::string(60, 'b'));
    buffer_chain records;
    records.put_bytes(*log.slice(0, 40));
    records.put_bytes(*log.slice(40, 60));
    const auto body = kwire::encode<kwire::fetch_response>(answer(records), 11);
    REQUIRE(body);
    REQUIRE(body->segment_count() == 2);
    CHECK(body->segments()[1].data() == log.data());
    CHECK(body->segments()[1].size() == 100);
}

TEST_CASE("records that are null, empty or one plain buffer stay what they are") {
    CHECK(read_back(*kwire::encode<kwire::fetch_response>(answer(nullptr), 11), 11) == std::nullopt);
    CHECK(read_back(*kwire::encode<kwire::fetch_response>(answer(buffer_chain{}), 11), 11) == "");
    CHECK(read_back(*kwire::encode<kwire::fetch_response>(answer(batch('x')), 11), 11) ==
          std::string(50, 'x'));
}

TEST_CASE("records that are not mentioned go out empty, and null where it is asked for") {
    kwire::produce_request::data request{.topic_data = {{.partition_data = {{.index = 1}}}}};
    const auto last_byte = [&] {
        const shared_buffer body = kwire::encode(request, 3)->to_bytes();
        return body.span().back(); // of the records' length
    };
    CHECK(last_byte() == std::byte{0});
    request.topic_data[0].partition_data[0].records = nullptr;
    CHECK(last_byte() == std::byte{0xff});
    // Where null is not allowed it is refused, and does not become empty.
    kwire::share_fetch_response::data answer{
        .responses = {{.partitions = {{.partition_index = 1, .records = nullptr}}}}};
    CHECK(kwire::encode(answer, 1).error() == kwire::errc::null_not_allowed);
}

TEST_CASE("a held message becomes data whose records are a slice of it") {
    kwire::produce_request::data request{.acks = 1, .topic_data = {{.name = "orders"}}};
    request.topic_data[0].partition_data.push_back({.index = 3, .records = batch('r')});
    const auto body = kwire::encode<kwire::produce_request>(request, 9);
    REQUIRE(body);
    const auto message = kwire::parse<kwire::produce_request>(body->to_bytes(), 9);
    REQUIRE(message);
    const auto before = kwire::copied_bytes();
    const auto data = to_data(*message);
    CHECK(kwire::copied_bytes() == before);
    const auto& records = data.topic_data.at(0).partition_data.at(0).records;
    REQUIRE(records.segment_count() == 1);
    CHECK(records == batch('r'));
    const shared_buffer kept = records.to_bytes();
    CHECK(message.slice(kept.span()));
}

TEST_CASE("an encoded chain has a reference for each of its segments, whatever memory they share") {
    const auto made = [](int partitions, const shared_buffer& log, bool others) {
        kwire::fetch_response::data out;
        out.responses.emplace_back().topic = "orders";
        for (int p = 0; p < partitions; ++p)
            out.responses.back().partitions.emplace_back().records =
                others && p % 3 == 2 ? batch('o') : log.slice(static_cast<std::size_t>(p), 1).value();
        return out;
    };
    const int partitions = GENERATE(1, 2, 3, 40);
    const bool others = GENERATE(false, true);
    const shared_buffer log = shared_buffer::copy_of(std::string(100, 'l'));
    {
        auto data = made(partitions, log, others);
        auto chain = kwire::encode(data, 12).value();
        const std::string bytes = text(chain);
        data = {};
        CHECK_FALSE(log.is_unique());

        // Each segment by itself keeps what it shows.
        std::vector<shared_buffer> segments;
        const buffer_chain copy = chain;
        std::move(chain).take_segments([&](shared_buffer&& one) { segments.push_back(std::move(one)); });
        CHECK(copy.to_bytes() == shared_buffer::copy_of(bytes));
        std::string together;
        while (!segments.empty()) {
            together.insert(0, kwire::text_of(segments.back().span()));
            segments.pop_back();
        }
        CHECK(together == bytes);
        CHECK_FALSE(log.is_unique());
    }
    CHECK(log.is_unique());
}

TEST_CASE("what is encoded after other bytes goes on in their memory, and each segment keeps it") {
    const shared_buffer log = shared_buffer::copy_of(std::string(100, 'l'));
    buffer_chain chain;
    chain.reserve_scratch(2000);
    chain.put_u32(7);
    const bool with_records = GENERATE(false, true);
    const auto data = with_records ? answer(log) : answer(nullptr);
    const std::string body = text(kwire::encode(data, 12).value());
    std::string all("\0\0\0\7", 4);
    for (int times = 0; times < 3; ++times) {
        REQUIRE(kwire::encode_into(chain, data, 12).value() == body.size());
        all += body;
    }
    chain.put_u32(7);
    all.append("\0\0\0\7", 4);
    CHECK(chain.size() == all.size());
    CHECK(chain.segment_count() == (with_records ? 7U : 1U));

    std::vector<shared_buffer> segments;
    std::move(chain).take_segments([&](shared_buffer&& one) { segments.push_back(std::move(one)); });
    chain = {};
    std::string together;
    for (shared_buffer& one : segments) {
        together += kwire::text_of(one.span());
        one = {};
    }
    CHECK(together == all);
}

TEST_CASE("the last segment of an encoded chain can be the only holder of its memory") {
    const shared_buffer log = shared_buffer::copy_of(std::string(100, 'l'));
    auto chain = kwire::encode(answer(log), 12).value();
    REQUIRE(chain.segment_count() == 3);
    shared_buffer end = chain.segments()[2].buffer();
    CHECK_FALSE(end.is_unique());
    chain = {};
    CHECK(end.is_unique());
    CHECK(std::move(end).try_into_unique());
}
