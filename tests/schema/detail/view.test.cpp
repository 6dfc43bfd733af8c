#include <kwire/messages/fetch.hpp>
#include <kwire/messages/list_offsets.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/splice.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::test::exact_bytes;
using kwire::test::from_hex;

namespace {

// A view is a pointer to bytes, a pointer to a layout unless the version is known, and the ends of variable
// parts.
template <class View>
inline constexpr bool is_a_value =
    std::is_trivially_copyable_v<View> && std::is_trivially_destructible_v<View> &&
    std::is_nothrow_default_constructible_v<View>;

static_assert(is_a_value<kwire::metadata_response::view> &&
              is_a_value<kwire::metadata_response::basic_view<12>>);
static_assert(is_a_value<kwire::fetch_response::partition_data::view>);
static_assert(sizeof(kwire::metadata_request::view) == 24);
static_assert(sizeof(kwire::metadata_response::partition::view) == 32);
static_assert(sizeof(kwire::metadata_response::partition::basic_view<12>) == 24);
// Only fixed-width fields: one pointer.
static_assert(sizeof(kwire::list_offsets_request::partition::basic_view<6>) == sizeof(void*));

// Fetch response v12: throttle, error, session, one topic "t", one partition 9 without records and tags.
constexpr std::string_view fetch_v12 = "00000000 0000 00000000 02 02 74 02 00000009 0000 0000000000000064 "
                                       "0000000000000063 0000000000000001 00 ffffffff 00 00 00 00";

template <class View>
concept has_diverging_epoch = requires(const View& view) { view.diverging_epoch(); };

} // namespace

TEST_CASE(
    "a struct that is absent shows its defaults, in every version and in every view that may ask for it") {
    const exact_bytes flexible(from_hex(fetch_v12));
    const exact_bytes classic(
        from_hex("00000000 00000001 0001 74 00000001 00000009 0000 0000000000000064 00000000"));
    const auto check = [](const auto& response) {
        REQUIRE(response);
        REQUIRE(response->responses().size() == 1);
        for (const auto topic : response->responses())
            for (const auto partition : topic.partitions()) {
                CHECK(partition.partition_index() == 9);
                CHECK(partition.high_watermark() == 100);
                if constexpr (requires { partition.diverging_epoch(); }) {
                    const auto diverging = partition.diverging_epoch();
                    CHECK(diverging.epoch() == -1);
                    CHECK(diverging.end_offset() == -1);
                    CHECK(partition.current_leader().leader_id() == -1);
                    CHECK(partition.current_leader().leader_epoch() == -1);
                    CHECK(partition.snapshot_id().end_offset() == -1);
                    CHECK(kwire::bytes_of(diverging).empty());
                    CHECK(kwire::unknown_tags(diverging).empty());
                    CHECK(kwire::version_of(diverging) == kwire::version_of(*response));
                }
            }
    };
    check(kwire::parse_view<kwire::fetch_response>(flexible.span(), 12));
    check(kwire::parse_view<kwire::fetch_response, 12>(flexible.span()));
    check(kwire::parse_view<kwire::fetch_response>(classic.span(), 1));
    check(kwire::parse_view<kwire::fetch_response, 1>(classic.span()));

    // The schema has the tagged structs from version 12 on: a view of version 1 has no accessors for them.
    static_assert(has_diverging_epoch<kwire::fetch_response::partition_data::view>);
    static_assert(has_diverging_epoch<kwire::fetch_response::partition_data::basic_view<12>>);
    static_assert(!has_diverging_epoch<kwire::fetch_response::partition_data::basic_view<1>>);
}

TEST_CASE("a tagged struct that is there shows what it holds, and the rest its defaults") {
    // The same with tag 1, CurrentLeader{3, 4}, and an unknown tag 5 in it.
    const exact_bytes bytes(from_hex("00000000 0000 00000000 02 02 74 02 00000009 0000 0000000000000064 "
                                     "0000000000000063 0000000000000001 00 ffffffff 00 "
                                     "01 01 0c 00000003 00000004 01 05 01 aa 00 00"));
    const auto response = kwire::parse_view<kwire::fetch_response>(bytes.span(), 12);
    REQUIRE(response);
    for (const auto topic : response->responses())
        for (const auto partition : topic.partitions()) {
            const auto leader = partition.current_leader();
            CHECK(leader.leader_id() == 3);
            CHECK(leader.leader_epoch() == 4);
            CHECK(kwire::bytes_of(leader).size() == 12);
            CHECK((*kwire::unknown_tags(leader).begin()).number == 5);
            CHECK(partition.diverging_epoch().epoch() == -1);
        }
}

TEST_CASE("an absent struct can be held like one that is there") {
    const auto response =
        kwire::parse<kwire::fetch_response>(kwire::shared_buffer::copy_of(from_hex(fetch_v12)), 12);
    REQUIRE(response);
    for (const auto topic : response->responses())
        for (const auto partition : topic.partitions()) {
            const auto leader = response.hold(partition.current_leader());
            REQUIRE(leader);
            CHECK((*leader)->leader_id() == -1);
        }
}

TEST_CASE("a field that the version lacks has the schema's default") {
    const exact_bytes empty(from_hex("00000000"));
    const auto v0 = kwire::parse_view<kwire::metadata_request>(empty.span(), 0);
    REQUIRE(v0);
    CHECK(v0->allow_auto_topic_creation());
    CHECK_FALSE(v0->include_cluster_authorized_operations());
    const exact_bytes nothing(from_hex("00000000 00000000"));
    const auto response = kwire::parse_view<kwire::metadata_response>(nothing.span(), 0);
    REQUIRE(response);
    CHECK_FALSE(response->cluster_id()); // null by default
    CHECK(response->controller_id() == -1);
    CHECK(response->cluster_authorized_operations() == INT32_MIN);
    // Fetch request v1: replica state and max bytes came later, with defaults of their own.
    const exact_bytes old(from_hex("ffffffff 00000001 00000002 00000000"));
    const auto fetch = kwire::parse_view<kwire::fetch_request>(old.span(), 1);
    REQUIRE(fetch);
    CHECK(fetch->max_bytes() == 0x7fffffff);
    CHECK(fetch->replica_state().replica_id() == -1);
    CHECK(fetch->replica_state().replica_epoch() == -1);
    CHECK(fetch->session_epoch() == -1);
    CHECK(fetch->rack_id().empty());
    CHECK_FALSE(fetch->cluster_id());
    CHECK(fetch->forgotten_topics_data().empty());
}

TEST_CASE("a nullable string tells null from empty") {
    const auto name = [](std::string_view hex) {
        const exact_bytes bytes(from_hex(hex));
        const auto view = kwire::parse_view<kwire::produce_request>(bytes.span(), 3);
        REQUIRE(view);
        return view->transactional_id().has_value();
    };
    CHECK_FALSE(name("ffff ffff 00000000 00000000"));
    CHECK(name("0000 ffff 00000000 00000000"));
}

TEST_CASE("structs of an array may differ in shape in any order, up to the end of their memory") {
    // Walks expect each struct to look like the one before; where the last one is short there is nothing
    // after it.
    const std::vector<std::vector<std::size_t>> sizes{
        {60, 0}, {0, 60}, {3, 3, 3, 0}, {126, 127, 126}, {2, 2, 1, 1, 0, 0}, {0, 0, 1}, {120, 120, 0}};
    const auto check = [](const auto& response, const std::vector<std::size_t>& replicas) {
        REQUIRE(response);
        std::size_t at = 0;
        for (const auto topic : response->topics())
            for (const auto partition : topic.partitions()) {
                CHECK(partition.partition_index() == static_cast<std::int32_t>(at));
                const std::size_t size = replicas[at % replicas.size()] + at / replicas.size();
                CHECK(partition.replica_nodes().size() == size);
                CHECK(partition.offline_replicas().size() == size / 2);
                ++at;
            }
        CHECK(at == 2 * replicas.size());
    };
    for (const std::vector<std::size_t>& replicas : sizes)
        for (const bool tagged : {false, true}) {
            kwire::metadata_response::data data;
            std::int32_t index = 0;
            for (std::size_t topic = 0; topic < 2; ++topic) // as many partitions, but of another size
                for (data.topics.emplace_back(); const std::size_t size : replicas) {
                    auto& partition = data.topics.back().partitions.emplace_back();
                    partition.partition_index = index++;
                    partition.replica_nodes.assign(size + topic, 7);
                    partition.offline_replicas.assign((size + topic) / 2, 8);
                    if (tagged && index % 2 == 0)
                        partition.unknown_tags = {
                            {9, kwire::shared_buffer::from_static(std::string_view("\0", 1))}};
                }
            for (const int version : {7, 9, 12}) {
                if (tagged && version == 7) continue;
                const auto chain = kwire::encode<kwire::metadata_response>(data, version);
                REQUIRE(chain);
                const kwire::shared_buffer written = chain->to_bytes();
                const exact_bytes bytes(written.span());
                CAPTURE(replicas, tagged, version);
                check(kwire::parse_view<kwire::metadata_response>(bytes.span(), version), replicas);
                if (version == 7)
                    check(kwire::parse_view<kwire::metadata_response, 7>(bytes.span()), replicas);
                if (version == 9)
                    check(kwire::parse_view<kwire::metadata_response, 9>(bytes.span()), replicas);
                if (version == 12)
                    check(kwire::parse_view<kwire::metadata_response, 12>(bytes.span()), replicas);
            }
        }
}

namespace {

// Produce request v9: no transaction, acks, timeout, topics "a" and "bc" with partitions 1 and 2, and 3. The
// first topic has an unknown tag 4.
constexpr std::string_view first_topic = "02 61 03 00000001 04 aabbcc 00 00000002 00 00 01 04 02 dead";
constexpr std::string_view second_topic = "03 6263 02 00000003 01 00 00";

std::vector<std::byte> produce_v9() {
    return from_hex("00 ffff 000003e8 03" + std::string(first_topic) + std::string(second_topic) + "00");
}

template <class Parse>
void check_ends_of_topics(Parse parse) {
    const exact_bytes bytes(produce_v9());
    const auto request = parse(bytes.span());
    REQUIRE(request);
    const std::vector<std::vector<std::byte>> parts{from_hex(first_topic), from_hex(second_topic)};
    std::size_t index = 0;
    for (const auto topic : request->topic_data()) {
        const auto covered = kwire::bytes_of(topic);
        CHECK(std::vector<std::byte>(covered.begin(), covered.end()) == parts[index]);
        CHECK(kwire::unknown_tags(topic).empty() == (index != 0));
        const auto dynamic = kwire::as_dynamic(topic);
        CHECK(kwire::bytes_of(dynamic).size() == covered.size());
        CHECK(dynamic.unknown_tags().empty() == (index != 0));
        ++index;
    }
    CHECK(index == 2);
}

} // namespace

TEST_CASE("a struct that ends in an array of structs is found to end after it and its tags") {
    check_ends_of_topics([](auto bytes) { return kwire::parse_view<kwire::produce_request>(bytes, 9); });
    check_ends_of_topics([](auto bytes) { return kwire::parse_view<kwire::produce_request, 9>(bytes); });
}

TEST_CASE("a struct that ends in an array of structs has the same end as a view of another kind") {
    const exact_bytes bytes(produce_v9());
    const auto request = kwire::parse_view<kwire::produce_request>(bytes.span(), 9);
    REQUIRE(request);
    auto topic = *++request->topic_data().begin();
    kwire::visit_version<9>(topic, [&](const auto& view) {
        CHECK(kwire::bytes_of(view).data() == kwire::bytes_of(topic).data());
        CHECK(kwire::bytes_of(view).size() == from_hex(second_topic).size());
    });
}

TEST_CASE("part of a message that ends in an array of structs can be edited at its end") {
    const auto request = kwire::parse<kwire::produce_request>(kwire::shared_buffer::copy_of(produce_v9()), 9);
    REQUIRE(request);
    kwire::splice edits(*request);
    for (const auto topic : request->topic_data()) kwire::erase_unknown_tags(edits, topic);
    const auto out = edits.apply();
    REQUIRE(out);
    CHECK(out->size() == produce_v9().size() - from_hex("04 02 dead").size());
}
