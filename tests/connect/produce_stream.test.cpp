#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/produce_stream.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/write/encode.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::produce_request;

namespace {

std::string noise(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

std::string text(const kwire::shared_buffer& b) {
    return {reinterpret_cast<const char*>(b.begin()), b.size()};
}
std::string text(const kwire::buffer_chain& chain) {
    std::string out;
    for (const kwire::chain_segment& each : chain) out += text(each.buffer());
    return out;
}

kwire::uuid id_of(std::size_t topic) {
    kwire::uuid id{};
    id.bytes[15] = static_cast<std::byte>(topic + 1);
    return id;
}

/// A request of two topics, whose partitions have records of these sizes in turn; -1 is null.
std::string request_of(const std::vector<int>& sizes, std::int16_t version,
                       const std::string& client = "a client") {
    produce_request::data out;
    out.acks = 1;
    out.timeout_ms = 5;
    const std::size_t half = (sizes.size() + 1) / 2;
    for (std::size_t topic = 0; topic < 2; ++topic) {
        auto& each = out.topic_data.emplace_back();
        if (version < 13)
            each.name = "topic " + std::to_string(topic);
        else
            each.topic_id = id_of(topic);
        for (std::size_t i = topic * half; i < std::min(sizes.size(), (topic + 1) * half); ++i) {
            auto& partition = each.partition_data.emplace_back();
            partition.index = static_cast<std::int32_t>(10 + i);
            if (sizes[i] < 0)
                partition.records = nullptr;
            else
                partition.records = kwire::shared_buffer::copy_of(
                    std::string_view(noise(static_cast<std::size_t>(sizes[i]), static_cast<unsigned>(i))));
        }
    }
    return text(kwire::encode_request<produce_request>(out, version, 7, client).value());
}

using place = std::tuple<std::string, int, int>; ///< topic, last byte of its id, partition

/// What came out of a stream of frames.
struct outcome {
    std::map<place, std::string> records; ///< of the chunks
    std::vector<kwire::message<produce_request>> requests;
    std::vector<std::string> whole;
    std::optional<kwire::error> failure;
    std::size_t most_memory = 0;
};

template <class Step>
outcome read(std::string_view stream, Step step, std::size_t from = 1000) {
    outcome out;
    kwire::request_reader reader;
    kwire::produce_stream large;
    while (!out.failure) {
        auto piece = reader.next_piece(from);
        if (!piece) {
            out.failure = piece.error();
        } else if (*piece && (*piece)->is_whole()) {
            out.whole.push_back(text((*piece)->bytes));
        } else if (*piece) {
            auto rest = large.add(**piece, [&](const kwire::produce_chunk& chunk) {
                std::string& to =
                    out.records[{std::string(chunk.topic), std::to_integer<int>(chunk.topic_id.bytes[15]),
                                 chunk.partition}];
                CHECK(chunk.offset == to.size());
                CHECK(chunk.is_first() == to.empty());
                to += text(chunk.bytes);
                CHECK(chunk.is_last() == (to.size() == chunk.records_size));
            });
            if (!rest)
                out.failure = rest.error();
            else if (*rest)
                out.requests.push_back(**std::move(rest));
        } else if (stream.empty()) {
            CHECK_FALSE(reader.end_of_stream());
            return out;
        } else {
            const auto room = reader.prepare();
            REQUIRE_FALSE(room.empty());
            const std::size_t n = std::min({room.size(), stream.size(), step()});
            std::memcpy(room.data(), stream.data(), n);
            reader.commit(n);
            stream.remove_prefix(n);
            out.most_memory = std::max(out.most_memory, reader.capacity());
        }
    }
    return out;
}

constexpr auto all_at_once = [] { return std::size_t{1} << 30; };

void check(const outcome& seen, const std::vector<int>& sizes, std::int16_t version) {
    REQUIRE_FALSE(seen.failure);
    REQUIRE(seen.requests.size() == 1);
    const auto& request = seen.requests[0];
    CHECK(request.correlation_id() == 7);
    CHECK(request->timeout_ms() == 5);
    std::size_t i = 0, topics = 0;
    for (auto topic : request->topic_data()) {
        const std::string name(topic.name());
        if (version < 13)
            CHECK(name == "topic " + std::to_string(topics));
        else
            CHECK(topic.topic_id() == id_of(topics));
        for (auto partition : topic.partition_data()) {
            INFO("partition " << i << " of " << sizes[i]);
            CHECK(partition.index() == static_cast<std::int32_t>(10 + i));
            const place here{name, version < 13 ? 0 : static_cast<int>(topics + 1), partition.index()};
            const auto found = seen.records.find(here);
            const std::string expected =
                noise(static_cast<std::size_t>(std::max(sizes[i], 0)), static_cast<unsigned>(i));
            if (sizes[i] <= 0) {
                CHECK(found == seen.records.end());
                CHECK(partition.records().has_value() == (sizes[i] >= 0));
                const auto bytes = partition.records().value_or(std::span<const std::byte>());
                CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == expected);
            } else {
                REQUIRE(found != seen.records.end());
                CHECK(found->second == expected);
                CHECK(partition.records().value().empty());
            }
            ++i;
        }
        ++topics;
    }
    CHECK(i == sizes.size());
}

} // namespace

TEST_CASE(
    "records come in chunks under the name of their partition, and the rest of the request at the end") {
    const std::vector<int> sizes{100, 20'000, -1, 16'384, 16'383, 300'000, 0, 200'000};
    std::mt19937 random(1);
    for (std::int16_t version = 0; version <= 13; ++version) {
        CAPTURE(version);
        const std::string stream = request_of(sizes, version);
        check(read(stream, all_at_once), sizes, version);
        check(read(stream, [] { return std::size_t{777}; }), sizes, version);
        for (int round = 0; round < 5; ++round)
            check(read(stream, [&] { return std::size_t{1} + random() % 50'000; }), sizes, version);
    }
}

TEST_CASE("a request that arrives byte by byte is taken apart alike") {
    const std::vector<int> sizes{100, 20'000, 30'000};
    for (const std::int16_t version : {std::int16_t{3}, std::int16_t{12}})
        check(read(request_of(sizes, version), [] { return std::size_t{1}; }), sizes, version);
}

TEST_CASE("small frames between large ones come whole") {
    const std::vector<int> sizes{50'000};
    const std::string large = request_of(sizes, 9), small = request_of({3}, 9);
    const outcome seen = read(small + large + small + small, all_at_once, 10'000);
    check(seen, sizes, 9);
    CHECK(seen.whole == std::vector<std::string>(3, small.substr(4)));
}

TEST_CASE("a request of 100 MB passes in flat memory, and without a copy") {
    produce_request::data body;
    body.topic_data.push_back({.name = "orders"});
    const std::size_t size = 100'000'000;
    auto bytes = kwire::unique_buffer::with_capacity(size);
    std::memset(bytes.spare().data(), 'x', size);
    bytes.commit(size);
    body.topic_data[0].partition_data.push_back({.index = 3, .records = std::move(bytes).freeze()});
    const auto frame = kwire::encode_request<produce_request>(body, 9, 1, "me").value();

    const auto copied = kwire::copied_bytes();
    support::largest_allocation = 0;
    kwire::request_reader reader({.max_frame_bytes = 200'000'000});
    kwire::produce_stream large;
    std::uint64_t received = 0, ends = 0;
    for (const kwire::chain_segment& segment : frame)
        for (auto rest = segment.bytes(); !rest.empty();) {
            const auto room = reader.prepare();
            const std::size_t n = std::min(room.size(), rest.size());
            std::memcpy(room.data(), rest.data(), n);
            reader.commit(n);
            rest = rest.subspan(n);
            REQUIRE(reader.capacity() <= 128 * 1024);
            while (auto piece = reader.next_piece().value())
                if (large
                        .add(*piece,
                             [&](const kwire::produce_chunk& chunk) { received += chunk.bytes.size(); })
                        .value())
                    ++ends;
        }
    CHECK(received == size);
    CHECK(ends == 1);
    CHECK(kwire::copied_bytes() - copied < 1000); // the header
    if (support::counts_allocations) CHECK(support::largest_allocation <= 128 * 1024);
}

TEST_CASE("every partition of many is named, however the request is cut") {
    std::mt19937 random(4);
    for (const std::int16_t version : {std::int16_t{0}, std::int16_t{3}, std::int16_t{9}, std::int16_t{13}})
        for (const std::size_t partitions : {2U, 16U, 40U, 100U, 300U}) {
            std::vector<int> sizes(partitions);
            for (int& each : sizes) each = random() % 5 == 0 ? static_cast<int>(random() % 3) - 1 : 20'000;
            sizes[0] = 20'000; // so that it does not come whole
            const std::string stream = request_of(sizes, version, std::string(random() % 600, 'c'));
            check(read(stream, all_at_once, 0), sizes, version);
            check(read(stream, [&] { return std::size_t{1} + random() % 3000; }, 0), sizes, version);
        }
}

TEST_CASE("many topics of one partition each are named") {
    for (const std::int16_t version : {std::int16_t{9}, std::int16_t{13}}) {
        produce_request::data body;
        for (std::size_t i = 0; i < 200; ++i) {
            auto& topic = body.topic_data.emplace_back();
            if (version < 13)
                topic.name = "a topic with a longer name, number " + std::to_string(i);
            else
                topic.topic_id = id_of(i);
            topic.partition_data.push_back({.index = static_cast<std::int32_t>(i),
                                            .records = kwire::shared_buffer::copy_of(
                                                std::string_view(noise(5000, static_cast<unsigned>(i))))});
        }
        const outcome seen =
            read(text(kwire::encode_request<produce_request>(body, version, 1, "me").value()), all_at_once);
        REQUIRE_FALSE(seen.failure);
        REQUIRE(seen.records.size() == 200);
        for (const auto& [where, bytes] : seen.records) {
            const int i = std::get<2>(where);
            CHECK(std::get<0>(where) ==
                  (version < 13 ? "a topic with a longer name, number " + std::to_string(i) : ""));
            if (version == 13) CHECK(std::get<1>(where) == i + 1);
            CHECK(bytes == noise(5000, static_cast<unsigned>(i)));
        }
    }
}

TEST_CASE("unknown tags are passed over wherever they are, one by one") {
    std::string frame = request_of({20'000, 30'000}, 9);
    frame.pop_back(); // no tags
    frame += '\x03';  // three of them, of no bytes, two and no bytes
    frame += std::string("\x07\0\x08\2ab\x09\0", 8);
    kwire::wire::store_be(reinterpret_cast<std::byte*>(frame.data()),
                          static_cast<std::uint32_t>(frame.size() - 4));
    check(read(frame, all_at_once), {20'000, 30'000}, 9);
    check(read(frame, [] { return std::size_t{1}; }), {20'000, 30'000}, 9);

    // 300,000 tags of no bytes take 600 kB: an answer at once, and not after their square.
    std::string many = request_of({20'000}, 9);
    many.pop_back();
    many += "\xe0\xa7\x12";
    for (int i = 0; i < 300'000; ++i) many += std::string("\x09\0", 2);
    kwire::wire::store_be(reinterpret_cast<std::byte*>(many.data()),
                          static_cast<std::uint32_t>(many.size() - 4));
    CHECK(read(many, all_at_once).requests.size() == 1);
}

TEST_CASE("records that do not fit into their frame are refused before a byte of them is given") {
    for (const std::int16_t version : {std::int16_t{3}, std::int16_t{9}}) {
        std::string frame = request_of({20'000}, version);
        frame.resize(frame.size() - 15'000);
        kwire::wire::store_be(reinterpret_cast<std::byte*>(frame.data()),
                              static_cast<std::uint32_t>(frame.size() - 4));
        const outcome seen = read(frame, all_at_once);
        REQUIRE(seen.failure);
        CHECK(*seen.failure == errc::truncated);
        CHECK(seen.records.empty());
    }
}

TEST_CASE("a request that is cut or malformed is refused with the place of its defect") {
    std::string stream = request_of({20'000, 100}, 9);
    stream.back() = 7; // a count of tags at the end that nothing follows
    const outcome seen = read(stream, all_at_once);
    REQUIRE(seen.failure);
    CHECK(*seen.failure == errc::count_exceeds_input);
    CHECK(seen.records.size() == 2);

    std::string unknown = request_of({20'000}, 9);
    unknown[7] = 99; // a version that does not exist
    CHECK(*read(unknown, all_at_once).failure == errc::unsupported_version);
}

TEST_CASE("a large frame that is not a Produce request is refused") {
    kwire::metadata_request::data body;
    for (int i = 0; i < 1000; ++i) body.topics.push_back({.name = "topic " + std::to_string(i)});
    const auto stream = text(kwire::encode_request<kwire::metadata_request>(body, 9, 1, "me").value());
    const outcome seen = read(stream, all_at_once);
    REQUIRE(seen.failure);
    CHECK(*seen.failure == errc::bad_value);
}

TEST_CASE("a request that is large without records is refused") {
    produce_request::data body;
    for (int i = 0; i < 200'000; ++i) body.topic_data.push_back({.name = "topic " + std::to_string(i)});
    const auto stream = text(kwire::encode_request<produce_request>(body, 9, 1, "me").value());
    const outcome seen = read(stream, [] { return std::size_t{100}; });
    REQUIRE(seen.failure);
    INFO(std::string(describe(*seen.failure)));
    CHECK(*seen.failure == errc::frame_too_large);
}
