#include <kwire/messages/describe_configs.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/write/encode.hpp>

#include <array>
#include <string>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/changing.hpp"
#include "support/count_allocations.hpp"

namespace {

const kwire::message_info& metadata = kwire::message_info_of<kwire::metadata_request>;
const kwire::message_info& fetched = kwire::message_info_of<kwire::fetch_response>;

std::string refusal(const kwire::expected<kwire::buffer_chain, kwire::error>& result) {
    if (result) return "none";
    return std::string(kwire::name_of(result.error().code)) + ' ' +
           std::string(kwire::path_of(result.error()));
}

/// A message with more tags than Kafka has in any, and with a struct that version 1 lacks, whose double is 5.
struct many_tags : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"ManyTags", -1, {0, 1}, 0};
    struct measured {
        template <class M = many_tags>
        static constexpr kwire::field_list<M, 1> fields{{{"value", float64, since(0), defaults_to(5)}}};
        template <int V>
        struct basic_view : kwire::struct_view<measured, V> {
            [[nodiscard]] double value() const noexcept { return kwire::get<0>(*this); }
        };
        using view = basic_view<kwire::any_version>;
    };
#define TAG(n) {"tag_" #n, int8, since(0), tag(n)}
#define TEN_TAGS(n)                                                                                          \
    TAG(n##0), TAG(n##1), TAG(n##2), TAG(n##3), TAG(n##4), TAG(n##5), TAG(n##6), TAG(n##7), TAG(n##8),       \
        TAG(n##9)
    template <class M = many_tags>
    static constexpr kwire::field_list<M, 41, measured> fields{
        {{"measured", structure<measured>(), only(0), ignorable},
         TEN_TAGS(),
         TEN_TAGS(1),
         TEN_TAGS(2),
         TEN_TAGS(3)}};
#undef TEN_TAGS
#undef TAG
    template <int V>
    struct basic_view : kwire::struct_view<many_tags, V> {
        [[nodiscard]] measured::basic_view<V> measurement() const noexcept { return kwire::get<0>(*this); }
    };
    using view = basic_view<kwire::any_version>;
};

} // namespace

TEST_CASE("tags above 31 and doubles that the version lacks are what the schema says") {
    const kwire::message_info& info = kwire::message_info_of<many_tags>;
    // measured 2.0, then tags 3 and 35 with one byte each
    const auto body =
        kwire::shared_buffer::copy_of(kwire::test::from_hex("4000000000000000 00 02 03 01 aa 23 01 bb"));
    const auto other = kwire::transcode(info, body, 0, 1);
    REQUIRE(other);
    const auto written = other->to_bytes();
    CHECK(kwire::test::to_hex(written.span()) ==
          kwire::test::to_hex(kwire::test::from_hex("02 03 01 aa 23 01 bb")));
    const auto view = kwire::parse_view<many_tags>(written, 1);
    REQUIRE(view);
    CHECK(view->measurement().value() == 5.0);
    CHECK(kwire::as_dynamic(*view).field(0).structure().field(0).real() == 5.0);
}

TEST_CASE("transcoding writes what the typed encoder writes of the same values") {
    const kwire::metadata_request::data request{.topics = {{{.name = "orders"}, {.name = "bills"}}}};
    for (int from = 0; from <= 13; ++from)
        for (int to = 0; to <= 13; ++to) {
            const auto body = kwire::encode<kwire::metadata_request>(request, from).value().to_bytes();
            const auto expected = kwire::encode<kwire::metadata_request>(request, to).value().to_bytes();
            CAPTURE(from, to);
            const auto other = kwire::transcode(metadata, body, from, to);
            REQUIRE(other);
            CHECK(*other == kwire::buffer_chain(expected));
        }
}

TEST_CASE("a value that the target cannot carry is an error with its path") {
    kwire::metadata_request::data request{.topics = std::nullopt};
    auto body = kwire::encode<kwire::metadata_request>(request, 12).value().to_bytes();
    request = {.topics = {{{.name = "a"}}}, .allow_auto_topic_creation = false};
    body = kwire::encode<kwire::metadata_request>(request, 12).value().to_bytes();
    CHECK(refusal(kwire::transcode(metadata, body, 12, 3)) ==
          "field_not_in_version allow_auto_topic_creation");
    CHECK(refusal(kwire::transcode(metadata, body, 12, 14)) == "unsupported_version ");

    request = {.topics = {{{.name = "a"}, {.name = "b", .unknown_tags = {{9, {}}}}}}};
    body = kwire::encode<kwire::metadata_request>(request, 12).value().to_bytes();
    CHECK(refusal(kwire::transcode(metadata, body, 12, 9)) == "none");
    CHECK(refusal(kwire::transcode(metadata, body, 12, 8)) == "field_not_in_version topics[1].unknown_tags");
}

TEST_CASE(
    "what another version lacks may be at its default only, and what it has is written as it writes it") {
    // support::changing, whose fields come and go.
    const auto other = [](std::string_view hex, int from, int to) {
        const auto body = kwire::shared_buffer::copy_of(kwire::test::from_hex(hex));
        const auto result = kwire::transcode(kwire::message_info_of<support::changing>, body, from, to);
        if (!result) return refusal(result);
        const auto written = result->to_bytes();
        return kwire::test::to_hex(written.span());
    };
    const auto hex = [](std::string_view text) { return kwire::test::to_hex(kwire::test::from_hex(text)); };

    // Version 4, with this struct that versions before it lack, and these tags.
    const auto body = [](std::string_view inner, std::string_view late, std::string_view tags) {
        return "02 61 00000009 02 00000005 03 02 62 01 03 aabb 0001 63" + std::string(inner) + "01" +
               std::string(late) + std::string(tags);
    };
    constexpr std::string_view inner = "01 00000007 02 74 00", late = "ffffffff 05 6e6f6e65 00", none = "00";
    CHECK(other(body(inner, late, none), 4, 3) ==
          hex("02 61 00000009 02 00000005 03 02 62 01 03 aabb 0001 63 01 00000007 02 74 00 01 00"));
    CHECK(other(body(inner, late, none), 4, 2) ==
          hex("0001 61 00000009 00000001 00000005 00000002 0001 62 0000 00000002 aabb 0001 63"
              "01 00000007 0001 74 01"));
    CHECK(other(body("ff", late, none), 4, 2) ==
          hex("0001 61 00000009 00000001 00000005 00000002 0001 62 0000 00000002 aabb 0001 63 ff 01"));
    CHECK(other(body("ff", late, none), 4, 1) == "field_not_in_version count");
    CHECK(other(body("ff", late, none), 4, 5) == "field_not_in_version count");
    CHECK(other(body(inner, "00000000 05 6e6f6e65 00", none), 4, 3) == "field_not_in_version late");
    CHECK(other(body(inner, "ffffffff 01 00", none), 4, 3) ==
          "field_not_in_version late"); // "" is not "none"
    CHECK(other(body(inner, "ffffffff 05 6e6f6e65 01 00 01 08", none), 4, 3) == "field_not_in_version late");
    CHECK(other(body(inner, "ffffffff 05 6e6f6e65 01 07 01 08", none), 4, 3) ==
          "field_not_in_version late"); // an unknown tag in it
    CHECK(other(body("01 00000007 02 74 01 00 01 09", late, none), 4, 2) ==
          other(body(inner, late, none), 4, 2)); // 9 is its default
    CHECK(other(body("01 00000007 02 74 01 00 01 08", late, none), 4, 2) ==
          "field_not_in_version inner.level");

    // Tags: of text, numbers and a struct.
    CHECK(other(body(inner, late, "01 00 05 05 6e6f6e65"), 4, 3) == other(body(inner, late, none), 4, 3));
    CHECK(other(body(inner, late, "01 00 01 01"), 4, 3) ==
          hex("02 61 00000009 02 00000005 03 02 62 01 03 aabb 0001 63 01 00000007 02 74 00 01 01 00 01 01"));
    CHECK(other(body(inner, late, "01 00 01 01"), 4, 2) == "field_not_in_version tagged_text");
    CHECK(other(body(inner, late, "01 01 05 02 00000008"), 4, 3) == "field_not_in_version tagged_numbers");
    CHECK(other(body(inner, late, "01 01 01 01"), 4, 3) == other(body(inner, late, none), 4, 3));
    CHECK(other(body(inner, late, "01 02 01 00"), 4, 3) == "field_not_in_version tagged_inner"); // null
    CHECK(other(body(inner, late, "01 07 01 aa"), 4, 3) ==
          hex("02 61 00000009 02 00000005 03 02 62 01 03 aabb 0001 63 01 00000007 02 74 00 01 01 07 01 aa"));
    CHECK(other(body(inner, late, "01 07 01 aa"), 4, 2) == "field_not_in_version unknown_tags");

    // Version 5 has no count, and tags that are null.
    constexpr std::string_view at_5 = "02 61  02 00000005  02 aa  00000007 01 00  01 " //
                                      "00000003 02 6c 00";
    CHECK(other(std::string(at_5) + "01 02 01 00", 5, 4) ==
          hex("02 61 00000007 02 00000005 01 02 aa 0000 01 00000007 01 00 01 00000003 02 6c 00"
              "01 02 01 00"));
    CHECK(other(std::string(at_5) + "01 02 0b 01 00000004 05 6e6f6e65 00", 5, 4) ==
          hex("02 61 00000007 02 00000005 01 02 aa 0000 01 00000007 01 00 01 00000003 02 6c 00"
              "01 02 0b 01 00000004 05 6e6f6e65 00"));
    CHECK(other(std::string(at_5) + "02 00 01 00 09 01 aa", 5, 4) == "null_not_allowed tagged_text");
    CHECK(other(std::string(at_5) + "02 02 01 00 ff ff ff ff 0f 01 aa", 5, 4) ==
          hex("02 61 00000007 02 00000005 01 02 aa 0000 01 00000007 01 00 01 00000003 02 6c 00"
              "02 02 01 00 ff ff ff ff 0f 01 aa")); // the greatest number of a tag
}

TEST_CASE("at its own version a message is written as it lies, padded varints and all") {
    // topics: one, its count padded to two bytes; the name "a"; no tags
    constexpr std::array<unsigned char, 9> padded{0x82, 0x00, 0x02, 'a', 0x00, 0x01, 0x00, 0x00, 0x00};
    const auto body = kwire::shared_buffer::copy_of(std::as_bytes(std::span(padded)));
    const auto same = kwire::transcode(metadata, body, 9, 9);
    REQUIRE(same);
    CHECK(*same == kwire::buffer_chain(body));
    CHECK(same->segment_count() == 1);
    CHECK(same->begin()->bytes().data() == body.data());
    const auto fewer = kwire::transcode(metadata, body, 9, 12);
    CHECK(fewer.has_value());

    // Version 0 of this message is called 1 as well: a key whose group is null, where none may be.
    const kwire::message_info& key = kwire::message_info_of<kwire::offset_commit_key>;
    const auto lenient = kwire::shared_buffer::copy_of(kwire::test::from_hex("ffff 0001 74 00000003"));
    for (const int from : {0, 1})
        for (const int to : {0, 1}) {
            const auto as_it_came = kwire::transcode(key, lenient, from, to, {.null_as_empty = true});
            CAPTURE(from, to);
            REQUIRE(as_it_came);
            CHECK(*as_it_came == kwire::buffer_chain(lenient));
        }
}

TEST_CASE("records go over by reference") {
    const auto records = kwire::shared_buffer::copy_of(std::as_bytes(std::span("not looked into", 15)));
    const kwire::fetch_response::data response{
        .responses = {{.topic = "t", .partitions = {{.partition_index = 1, .records = records}}}}};
    const auto body = kwire::encode<kwire::fetch_response>(response, 12).value().to_bytes();
    const auto other = kwire::transcode(fetched, body, 12, 4);
    REQUIRE(other);
    const auto inside = [&](const kwire::chain_segment& segment) {
        return body.slice_of(segment.bytes()).has_value();
    };
    CHECK(std::ranges::count_if(*other, inside) == 1);
    const auto expected = kwire::encode<kwire::fetch_response>(response, 4).value().to_bytes();
    CHECK(*other == kwire::buffer_chain(expected));
}

TEST_CASE("many payloads go over by reference, and nothing else keeps their memory") {
    const auto records = kwire::shared_buffer::copy_of(std::as_bytes(std::span("not looked into", 15)));
    kwire::fetch_response::data response{.responses = {{.topic = "t"}}};
    for (std::int32_t i = 0; i < 300; ++i)
        response.responses[0].partitions.push_back({.partition_index = i, .records = records});
    auto body = kwire::encode<kwire::fetch_response>(response, 12).value().to_bytes();
    {
        const std::uint64_t copied = kwire::copied_bytes();
        const auto other = kwire::transcode(fetched, body, 12, 4);
        REQUIRE(other);
        CHECK(kwire::copied_bytes() == copied);
        CHECK(other->segment_count() == 600); // each payload, and what is before it
        CHECK(*other == kwire::encode<kwire::fetch_response>(response, 4).value());
        auto held = body;
        CHECK_FALSE(std::move(held).try_into_unique());
    }
    CHECK(std::move(body).try_into_unique());
}

TEST_CASE("long messages of small elements fit the room that is made for them at every version") {
    kwire::metadata_response::data response{.brokers = {}, .cluster_id = std::nullopt};
    for (std::int32_t i = 0; i < 400; ++i) {
        response.brokers.push_back({.node_id = i, .host = std::string(i % 7 == 0 ? 200 : 0, 'h')});
        response.topics.push_back({.name = std::string(i % 3 == 0 ? 40 : 0, 't')});
        for (std::int32_t p = 0; p < i % 4; ++p)
            response.topics.back().partitions.push_back({.partition_index = p});
    }
    const kwire::message_info& info = kwire::message_info_of<kwire::metadata_response>;
    std::size_t bounded = 0, pairs = 0;
    for (int from = 0; from <= info.facts.versions.last; ++from) {
        const auto body = kwire::encode<kwire::metadata_response>(response, from).value().to_bytes();
        const auto view = kwire::parse(info, body, from).value();
        for (int to = 0; to <= info.facts.versions.last; ++to) {
            CAPTURE(from, to);
            const auto other = kwire::transcode(info, body, from, to);
            const auto expected = kwire::encode(info, view, to);
            REQUIRE(other.has_value() == expected.has_value());
            if (!other || from == to) continue;
            CHECK(*other == *expected);
            kwire::detail::transcode_program program(info, from, to);
            ++pairs;
            if (!program.complete() || program.must_measure()) continue;
            ++bounded;
            CHECK(other->size() <= program.most_of(body.size()));
        }
    }
    CHECK(bounded > pairs / 8);
    CHECK(bounded < pairs);
}

TEST_CASE("a large message that loses its texts keeps no memory for them") {
    kwire::describe_configs_response::data response;
    for (std::int32_t i = 0; i < 100; ++i)
        response.results.emplace_back().configs.push_back(
            {.name = "retention.ms", .value = "1", .documentation = std::string(8000, 'd')});
    const kwire::message_info& info = kwire::message_info_of<kwire::describe_configs_response>;
    const auto body = kwire::encode<kwire::describe_configs_response>(response, 3).value().to_bytes();
    const std::size_t live = support::live_allocations;
    const auto other = kwire::transcode(info, body, 3, 2);
    const std::size_t kept = support::live_allocations - live, size_of_last = support::last_allocation;
    REQUIRE(other);
    CHECK(other->size() < 10'000);
    CHECK(*other == kwire::encode<kwire::describe_configs_response>(response, 2).value());
    if (support::counts_allocations) {
        CHECK(kept == 1);
        CHECK(size_of_last < 2 * other->size());
    }
}

TEST_CASE("a message whose last element needs more than steps is written again from its beginning") {
    kwire::metadata_response::data response{.brokers = {}, .topics = {{.name = "t"}}};
    for (std::int32_t p = 0; p < 100; ++p)
        response.topics[0].partitions.push_back({.partition_index = p, .replica_nodes = {1, 2, 3}});
    response.topics[0].partitions.back().error_code = kwire::error_code{72}; // LISTENER_NOT_FOUND
    const kwire::message_info& info = kwire::message_info_of<kwire::metadata_response>;
    const auto body = kwire::encode<kwire::metadata_response>(response, 12).value().to_bytes();
    const auto other = kwire::transcode(info, body, 12, 4);
    REQUIRE(other);
    response.topics[0].partitions.back().error_code = kwire::error_code{5}; // what old clients know
    CHECK(*other == kwire::encode<kwire::metadata_response>(response, 4).value());
}
