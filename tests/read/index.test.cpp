#include <kwire/messages/controlled_shutdown.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/index.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#include <chrono>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/count_allocations.hpp"

namespace {

using kwire::indexed;
using response = kwire::metadata_response;

static_assert(std::forward_iterator<kwire::indexed_array<response::topic::view>::iterator>);

kwire::held<response::view> read_back(const response::data& data, int version = 12) {
    return kwire::parse<response>(kwire::encode<response>(data, version).value().to_bytes(), version).value();
}

/// A message of which version 0 has no key. Kafka has none such today.
struct late_key : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"LateKey", -1, {0, 1}, 32767};
    struct element {
        template <class M = late_key>
        static constexpr kwire::field_list<M, 2> fields{
            {{"number", int8, since(0)}, {"id", int32, since(1), map_key}}};
        template <int V>
        struct basic_view : kwire::struct_view<element, V> {
            [[nodiscard]] std::int32_t id() const noexcept { return kwire::get<1>(*this); }
        };
        using view = basic_view<kwire::any_version>;
    };
    template <class M = late_key>
    static constexpr kwire::field_list<M, 1, element> fields{{{"all", array<element>(), since(0)}}};
    template <int V>
    struct basic_view : kwire::struct_view<late_key, V> {
        [[nodiscard]] kwire::array_of<element::basic_view<V>> all() const noexcept {
            return kwire::get<0>(*this);
        }
    };
    using view = basic_view<kwire::any_version>;
};

template <class F>
std::chrono::duration<double> time_of(F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::steady_clock::now() - start;
}

} // namespace

TEST_CASE("elements are found by position, in the order of the bytes") {
    const auto view = read_back({.topics = {{.name = "c"}, {.name = "a"}, {.name = "b"}}});
    const auto topics = indexed(view->topics());
    REQUIRE(topics.size() == 3);
    CHECK(topics[1].name() == "a");
    std::string all;
    for (const auto& topic : topics) all += topic.name().value();
    CHECK(all == "cab");
}

TEST_CASE("elements are found by key, and those with equal keys in the order of the bytes") {
    const auto view = read_back({.brokers = {{.node_id = 1, .host = "a"},
                                             {.node_id = 2, .host = "b"},
                                             {.node_id = 1, .host = "c"},
                                             {.node_id = 1, .host = "d"}}});
    const auto brokers = indexed(view->brokers());
    CHECK(brokers.find(1)->host() == "a");
    CHECK(brokers.find(2)->host() == "b");
    CHECK_FALSE(brokers.find(3));
    std::string hosts;
    for (const auto& broker : brokers.all(1)) hosts += broker.host();
    CHECK(hosts == "acd");
    CHECK(std::next(brokers.all(2).begin()) == brokers.all(2).end());
    CHECK(brokers.all(3).empty());
    CHECK_FALSE(brokers.find((std::int64_t{1} << 32) + 1));
}

TEST_CASE("an index of nothing finds nothing") {
    const auto topics = indexed(kwire::nullable_array_of<response::topic::view>());
    CHECK(topics.empty());
    CHECK(topics.begin() == topics.end());
    CHECK_FALSE(topics.find("a"));
    CHECK(topics.all("a").empty());
    CHECK_FALSE(kwire::indexed_array<response::topic::view>().find("a"));
}

TEST_CASE("null is a key, keys may have several fields, and those that the version lacks do not count") {
    const auto view = read_back({.topics = {{.name = ""}, {.name = std::nullopt}}});
    CHECK_FALSE(indexed(view->topics()).find(std::nullopt)->name().has_value());
    CHECK(indexed(view->topics()).find("")->name() == "");

    using shutdown = kwire::controlled_shutdown_response;
    const auto left =
        kwire::encode<shutdown>({.remaining_partitions = {{.topic_name = "t", .partition_index = 1},
                                                          {.topic_name = "t", .partition_index = 2}}},
                                3)
            .value()
            .to_bytes();
    const auto partitions = indexed(kwire::parse_view<shutdown>(left.span(), 3)->remaining_partitions());
    CHECK(partitions.find("t", 2)->partition_index() == 2);
    CHECK_FALSE(partitions.find("t", 3));

    const auto id = kwire::uuid::from_halves(1, 2);
    using produce = kwire::produce_request;
    const auto by_name = kwire::encode<produce>({.topic_data = {{.name = "a"}}}, 12).value().to_bytes();
    const auto by_id = kwire::encode<produce>({.topic_data = {{.topic_id = id}}}, 13).value().to_bytes();
    CHECK(indexed(kwire::parse_view<produce>(by_name.span(), 12)->topic_data()).find("a", id));
    CHECK(indexed(kwire::parse_view<produce, 13>(by_id.span())->topic_data()).find("a", id));
}

TEST_CASE("structs without a key are indexed by position") {
    const auto view = read_back(
        {.topics = {{.name = "a", .partitions = {{.partition_index = 5}, {.partition_index = 6}}}}});
    const auto partitions = indexed(view->topics().begin().operator*().partitions());
    CHECK(partitions[1].partition_index() == 6);
}

TEST_CASE("where the version has no key nothing is found by one, and indexing is no slower") {
    static constexpr std::uint32_t count = 30'000;
    const auto body = [](std::size_t width) {
        std::vector<std::byte> bytes(4 + count * width);
        kwire::wire::store_be(bytes.data(), count);
        for (std::uint32_t i = 0; width == 5 && i < count; ++i)
            kwire::wire::store_be(bytes.data() + 4 + 5 * std::size_t{i} + 1, i);
        return bytes;
    };
    const auto without = body(1), with = body(5);
    const auto no_key = kwire::parse_view<late_key>(without, 0).value();
    const auto key = kwire::parse_view<late_key>(with, 1).value();
    CHECK(indexed(key.all()).find(7)->id() == 7);
    CHECK(indexed(no_key.all()).size() == count);
    CHECK_FALSE(indexed(no_key.all()).find(0).has_value());
    CHECK_FALSE(kwire::find(no_key.all(), 0).has_value());
    const auto honest = time_of([&] { REQUIRE(indexed(key.all()).size() == count); });
    const auto other = time_of([&] { REQUIRE(indexed(no_key.all()).size() == count); });
    CHECK(other < 50 * honest); // looking at all elements before each would take n times as long
}

TEST_CASE("an index takes one allocation, and looking things up none") {
    if (!support::counts_allocations) return;
    response::data data;
    for (int i = 0; i < 1000; ++i) data.topics.push_back({.name = "topic-" + std::to_string(i)});
    const auto view = read_back(data);
    kwire::indexed_array<response::topic::view> topics;
    CHECK(support::allocations_of([&] { topics = indexed(view->topics()); }) == 1);
    CHECK(support::allocations_of([&] { REQUIRE(topics.find("topic-999").has_value()); }) == 0);
}

TEST_CASE("an index agrees with a std::multimap over random keys, many of them equal") {
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        response::data data;
        std::multimap<std::int32_t, std::string> expected;
        const int size = static_cast<int>(random() % 200);
        for (int i = 0; i < size; ++i) {
            const auto id = static_cast<std::int32_t>(random() % 64) << (random() % 2 * 16);
            data.brokers.push_back({.node_id = id, .host = std::to_string(i)});
            expected.emplace(id, std::to_string(i));
        }
        const auto view = read_back(data);
        const auto brokers = indexed(view->brokers());
        for (std::int32_t id = 0; id < 64; ++id)
            for (const std::int32_t key : {id, id << 16}) {
                std::vector<std::string> found, wanted;
                for (const auto& broker : brokers.all(key)) found.emplace_back(broker.host());
                const auto [first, last] = expected.equal_range(key);
                for (auto i = first; i != last; ++i) wanted.push_back(i->second);
                REQUIRE(found == wanted);
                REQUIRE(brokers.find(key).has_value() == !wanted.empty());
            }
    }
}

TEST_CASE("a peer that repeats one key, or chooses those that simple hashes put together, gains nothing") {
    static constexpr std::int32_t count = 100'000;
    response::data distinct, equal, chosen;
    for (std::int32_t i = 0; i < count; ++i) {
        distinct.brokers.push_back({.node_id = i});
        equal.brokers.push_back({.node_id = 1});
        chosen.brokers.push_back({.node_id = static_cast<std::int32_t>(static_cast<std::uint32_t>(i) << 14)});
    }
    const auto seconds = [](const kwire::held<response::view>& view) {
        return time_of([&] { REQUIRE(indexed(view->brokers()).size() == count); }).count();
    };
    const auto a = read_back(distinct), b = read_back(equal), c = read_back(chosen);
    const double honest = seconds(a) + 0.01;
    CHECK(seconds(b) < 20 * honest); // quadratic would be 100 000 times as long
    CHECK(seconds(c) < 20 * honest);
}
