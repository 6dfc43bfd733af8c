#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/consumer_group_member_metadata_record.hpp>
#include <kwire/messages/delete_topics.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/sync_group.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/schema/parse_options.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::errc;
using kwire::parse_options;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::to_hex;

namespace {

enum leniency : unsigned {
    trailing = 1,
    null = 2,
    negative = 4,
    order = 8,
    size = 16,
    other_version = 32,
    all = 63,
};

parse_options options_of(unsigned bits) {
    return {.trailing_bytes = (bits & trailing) != 0,
            .null_as_empty = (bits & null) != 0,
            .negative_as_null = (bits & negative) != 0,
            .any_tag_order = (bits & order) != 0,
            .any_tag_size = (bits & size) != 0,
            .tags_of_other_versions = (bits & other_version) != 0};
}

/// What a view shows was made of these bytes of the message; how the others are written by a correct peer.
struct outcome {
    std::string body;
    std::string canonical;
};

/// Reads bytes that are refused with `code` unless everything in `needed` is tolerated, in all three ways.
///
/// Each way must show the same, cover the same bytes, and become `expected.canonical` through `data`.
template <class M, int V>
typename M::data read(std::string_view hex, unsigned needed, errc code, const outcome& expected) {
    const exact_bytes bytes(from_hex(hex));
    const kwire::message_info& info = kwire::message_info_of<M>;
    CAPTURE(M::facts.name, V, hex);
    const auto refused = kwire::parse_view<M>(bytes.span(), V);
    REQUIRE(!refused);
    CHECK(refused.error().code == code);
    CHECK(refused.error().message == M::facts.name);
    for (unsigned bits = 0; bits <= all; ++bits) {
        const parse_options options = options_of(bits);
        const auto general = kwire::parse_view<M>(bytes.span(), V, options);
        const auto fixed = kwire::parse_view<M, V>(bytes.span(), options);
        const auto dynamic = kwire::parse_view(info, bytes.span(), V, options);
        CAPTURE(bits);
        REQUIRE(general.has_value() == ((bits & needed) == needed));
        REQUIRE(general.has_value() == fixed.has_value());
        REQUIRE(general.has_value() == dynamic.has_value());
        if (!general) continue;
        CHECK(to_hex(kwire::bytes_of(*general)) == to_hex(from_hex(expected.body)));
        CHECK(to_hex(kwire::bytes_of(*fixed)) == to_hex(from_hex(expected.body)));
        CHECK(to_hex(dynamic->bytes()) == to_hex(from_hex(expected.body)));
        CHECK(kwire::same_content(kwire::as_dynamic(*general), *dynamic));
        CHECK(kwire::same_content(kwire::as_dynamic(*fixed), *dynamic));
        CHECK(kwire::encode<M>(kwire::copy_to_data(*general), V).value() ==
              kwire::encode<M>(kwire::copy_to_data(*fixed), V).value());
    }
    const auto view = kwire::parse_view<M>(bytes.span(), V, parse_options::lenient());
    typename M::data data = kwire::copy_to_data(*view);
    const auto written = kwire::encode<M>(data, V);
    REQUIRE(written);
    const kwire::shared_buffer again = written->to_bytes();
    CHECK(to_hex(again.span()) == to_hex(from_hex(expected.canonical)));
    const auto canonical = kwire::parse_view(info, again.span(), V, options_of(needed & other_version));
    REQUIRE(canonical);
    CHECK(kwire::same_content(*canonical, kwire::as_dynamic(*view)));
    return data;
}
template <class M, int V>
typename M::data read(std::string_view hex, unsigned needed, errc code, const std::string& canonical) {
    return read<M, V>(hex, needed, code, outcome{std::string(hex), canonical});
}

using versions = kwire::api_versions_response;

/// An ApiVersions response v3 without APIs, with this tag section.
std::string with_tags(std::string_view tags) { return "0000 01 00000000" + std::string(tags); }

} // namespace

TEST_CASE("nothing is tolerated unless it is asked for, and lenient() tolerates everything") {
    const parse_options none;
    CHECK_FALSE((none.trailing_bytes || none.null_as_empty || none.negative_as_null || none.any_tag_order ||
                 none.any_tag_size || none.tags_of_other_versions || none.missing_newer_fields));
    constexpr parse_options every = parse_options::lenient();
    CHECK((every.trailing_bytes && every.null_as_empty && every.negative_as_null && every.any_tag_order &&
           every.any_tag_size && every.tags_of_other_versions && every.missing_newer_fields));
}

TEST_CASE("as_kafka() tolerates what Kafka's own classes read, and nothing else") {
    constexpr parse_options kafka = parse_options::as_kafka();
    CHECK((kafka.trailing_bytes && kafka.negative_as_null && kafka.any_tag_order && kafka.any_tag_size));
    CHECK_FALSE((kafka.null_as_empty || kafka.tags_of_other_versions || kafka.missing_newer_fields));

    // MetadataRequest v13 for no topics, as librdkafka 2.12 and later sends it.
    const auto librdkafka = from_hex("01 00 00 00 00");
    CHECK(kwire::parse_view<kwire::metadata_request>(librdkafka, 13).error().code == errc::trailing_bytes);
    const auto request = kwire::parse_view<kwire::metadata_request>(librdkafka, 13, kafka);
    REQUIRE(request);
    CHECK((!request->topics().is_null() && request->topics().empty()));
}

TEST_CASE("bytes after the body are not part of the view") {
    read<versions, 3>(with_tags("00 00"), trailing, errc::trailing_bytes,
                      outcome{with_tags("00"), with_tags("00")});
    const auto body = kwire::shared_buffer::copy_of(from_hex(with_tags("00 c0ffee")));
    const auto held = kwire::parse<versions>(body, 3, {.trailing_bytes = true});
    REQUIRE(held);
    CHECK(to_hex((*held).bytes().subspan(kwire::bytes_of(**held).size())) == "c0ffee");
}

TEST_CASE("null where there is none is empty") {
    using sync = kwire::sync_group_response;
    CHECK(read<sync, 0>("0000 ffffffff", null, errc::null_not_allowed, "0000 00000000").assignment.empty());
    read<sync, 4>("00000000 0000 00 00", null, errc::null_not_allowed, "00000000 0000 01 00");

    using metadata = kwire::metadata_request;
    const auto all_topics = read<metadata, 0>("ffffffff", null, errc::null_not_allowed, "00000000");
    CHECK_FALSE(all_topics.topics.is_null()); // v0 says "all" with an empty array
    const auto unnamed = read<metadata, 9>("02 00 00 01 00 00 00", null, errc::null_not_allowed, //
                                           "02 01 00 01 00 00 00");
    CHECK(unnamed.topics.front().name == "");
}

TEST_CASE("null strings in an array are empty ones") {
    using find = kwire::find_coordinator_request;
    const auto keys = read<find, 4>("00 04 02 61 00 02 62 00", null, errc::null_not_allowed, //
                                    "00 04 02 61 01 02 62 00");
    CHECK(keys.coordinator_keys == std::vector<std::string>{"a", "", "b"});
    using deletion = kwire::delete_topics_request;
    const auto names = read<deletion, 1>("00000003 0001 61 ffff 0001 62 00000007", null,
                                         errc::null_not_allowed, "00000003 0001 61 0000 0001 62 00000007");
    CHECK(names.topic_names == std::vector<std::string>{"a", "", "b"});
    CHECK(names.timeout_ms == 7);
    read<deletion, 4>("03 00 02 62 00000007 00", null, errc::null_not_allowed, "03 01 02 62 00000007 00");
}

TEST_CASE("negative lengths are null, and empty where there is no null") {
    using metadata = kwire::metadata_request;
    CHECK(read<metadata, 1>("fffffffe", negative, errc::bad_length, "ffffffff").topics.is_null());
    read<metadata, 1>("80000000", negative, errc::bad_length, "ffffffff");
    const auto compact =
        read<metadata, 12>("ff ff ff ff 0f 01 00 00", negative, errc::bad_length, "00 01 00 00");
    CHECK(compact.topics.is_null());
    read<metadata, 12>("81 80 80 80 08 01 00 00", negative, errc::bad_length, "00 01 00 00"); // -2^31
    const std::string id(32, '0');
    const auto name = read<metadata, 12>("02" + id + "ffffffff0f 00 01 00 00", negative, errc::bad_length,
                                         "02" + id + "00 00 01 00 00");
    CHECK_FALSE(name.topics.front().name.has_value());

    // Two partitions of a topic, of which the second is found after the first one's lengths.
    using fetched = kwire::fetch_response;
    const auto partitions = [](const std::string& aborted, const std::string& records) {
        const std::string fixed = "0000 0000000000000007 0000000000000007";
        return "00000000 00000001 0001 74 00000002 00000000" + fixed + aborted + records + "00000001" +
               fixed + "00000000 00000001 aa";
    };
    for (const std::string other : {"fffffffe", "80000000"}) {
        const auto both = read<fetched, 4>(partitions(other, other), negative, errc::bad_length,
                                           partitions("ffffffff", "ffffffff"));
        CHECK(both.responses.front().partitions.back().partition_index == 1);
        CHECK(both.responses.front().partitions.back().records.size() == 1);
        const exact_bytes bytes(from_hex(partitions(other, other)));
        const auto fixed = kwire::parse_view<fetched, 4>(bytes.span(), {.negative_as_null = true});
        REQUIRE(fixed);
        std::vector<std::size_t> sizes;
        for (const auto topic : fixed->responses())
            for (const auto partition : topic.partitions()) {
                sizes.push_back(partition.records() ? partition.records()->size() : 0);
            }
        CHECK(sizes == std::vector<std::size_t>{0, 1});
    }

    using sync = kwire::sync_group_response;
    read<sync, 0>("0000 fffffffe", negative | null, errc::bad_length, "0000 00000000");
    read<sync, 4>("00000000 0000 ffffffff0f 00", negative | null, errc::bad_length, "00000000 0000 01 00");
    using deletion = kwire::delete_topics_request;
    read<deletion, 1>("00000002 8000 0001 62 00000007", negative | null, errc::bad_length,
                      "00000002 0000 0001 62 00000007");
    read<deletion, 4>("03 ffffffff0f 02 62 00000007 00", negative | null, errc::bad_length,
                      "03 01 02 62 00000007 00");
    read<deletion, 1>("fffffff0 00000007", negative | null, errc::bad_length, "00000000 00000007");
}

TEST_CASE("a negative marker of a tagged struct is null") {
    using value = kwire::consumer_group_member_metadata_value;
    const auto body = kwire::encode<value>({}, 0).value().to_bytes();
    const std::string untagged = to_hex(body.span().first(body.size() - 1));
    const auto data = read<value, 0>(untagged + "01 00 05 ffffffff0f", negative, errc::bad_length,
                                     untagged + "01 00 01 00");
    CHECK_FALSE(data.classic_member_metadata.has_value());
    read<value, 0>(untagged + "01 00 05 8080808008", negative, errc::bad_length, untagged + "01 00 01 00");
}

TEST_CASE("tags in any order are written in theirs, and the last of a number counts") {
    const std::string epoch_7 = "01 08 0000000000000007", epoch_8 = "01 08 0000000000000008";
    CHECK(read<versions, 3>(with_tags("02 09 01 aa" + epoch_7), order, errc::tag_order,
                            with_tags("02" + epoch_7 + "09 01 aa"))
              .finalized_features_epoch == 7);
    CHECK(read<versions, 3>(with_tags("02" + epoch_8 + epoch_7), order, errc::duplicate_tag,
                            with_tags("01" + epoch_7))
              .finalized_features_epoch == 7);
    const auto unknown = read<versions, 3>(with_tags("06 09 01 aa 05 00 09 01 bb 07 01 cc 05 01 dd 09 00"),
                                           order, errc::tag_order, with_tags("03 05 01 dd 07 01 cc 09 00"));
    CHECK(unknown.unknown_tags.size() == 3);
    read<versions, 3>(with_tags("02 05 01 aa 05 01 bb"), order, errc::duplicate_tag,
                      with_tags("01 05 01 bb"));
    // A tag that carries the default was there all the same, and takes back what an earlier one said.
    read<versions, 3>(with_tags("02" + epoch_8 + "01 08 ffffffffffffffff"), order, errc::duplicate_tag,
                      with_tags("00"));
}

TEST_CASE("a view shows unknown tags in the order of the bytes") {
    const exact_bytes bytes(from_hex(with_tags("03 09 01 aa 05 00 09 01 bb")));
    const auto view = kwire::parse_view<versions>(bytes.span(), 3, {.any_tag_order = true});
    REQUIRE(view);
    std::string seen;
    for (const kwire::unknown_tag_view tag : kwire::unknown_tags(*view)) seen += std::to_string(tag.number);
    CHECK(seen == "959");
}

TEST_CASE("the type of a known tag tells where it ends, whatever its size says") {
    const std::string plain = with_tags("02 01 08 0000000000000007 05 01 aa");
    for (const std::string_view lie : {"00", "07", "09", "7f", "ff ff ff ff 0f"}) {
        const auto data = read<versions, 3>(
            with_tags("02 01" + std::string(lie) + "0000000000000007 05 01 aa"), size,
            lie.size() > 2 || lie == "7f" ? errc::truncated : errc::tag_size_mismatch, plain);
        CHECK(data.finalized_features_epoch == 7);
        CHECK(data.unknown_tags.size() == 1);
    }
    // An array of structs with tags of their own, one of them lying too.
    const std::string feature = "02 61 0001 0002";
    read<versions, 3>(with_tags("01 00 01 03" + feature + "00" + feature + "01 06 00"), size,
                      errc::count_exceeds_input,
                      with_tags("01 00 11 03" + feature + "00" + feature + "01 06 00"));
}

TEST_CASE("a tag of the schema at a version without it is kept among the unknown ones") {
    const std::string front = "ffffffff 00000000 00000000 00000000 00 00000000 00000000 01 01 01";
    using fetch = kwire::fetch_request;
    const auto data = read<fetch, 12>(front + "01 01 02 c0de", other_version, errc::tag_not_in_version,
                                      front + "01 01 02 c0de");
    REQUIRE(data.unknown_tags.size() == 1);
    CHECK(data.unknown_tags.front().number == 1);
    CHECK(data.replica_state.replica_id == -1);

    // A version that knows it cannot take it from there: its content was not checked.
    const auto body = kwire::shared_buffer::copy_of(from_hex(front + "01 01 02 c0de"));
    const auto later =
        kwire::transcode(kwire::message_info_of<fetch>, body, 12, 16, parse_options::lenient());
    REQUIRE(!later);
    CHECK(later.error().code == errc::duplicate_tag);
    CHECK(kwire::encode<fetch>(data, 16).error().code == errc::duplicate_tag);
    const auto same = kwire::transcode(kwire::message_info_of<fetch>, body, 12, 12, parse_options::lenient());
    REQUIRE(same);
    CHECK(*same == kwire::buffer_chain(body));
}

TEST_CASE("another version gets tags in their order, whatever the order was") {
    const auto body = kwire::shared_buffer::copy_of(from_hex(with_tags("03 09 01 aa 05 00 09 01 bb")));
    const auto& info = kwire::message_info_of<versions>;
    const auto at_4 = kwire::transcode(info, body, 3, 4, parse_options::lenient());
    REQUIRE(at_4);
    const kwire::shared_buffer bytes = at_4->to_bytes();
    CHECK(to_hex(bytes.span()) == to_hex(from_hex(with_tags("02 05 00 09 01 bb"))));
}

TEST_CASE("damage after what is tolerated is still found") {
    const auto code = [](std::string_view hex) {
        const exact_bytes bytes(from_hex(hex));
        const auto view = kwire::parse_view<versions>(bytes.span(), 3, parse_options::lenient());
        REQUIRE(!view);
        return view.error().code;
    };
    CHECK(code(with_tags("02 09 01 aa 01 00 00000000000000")) == errc::truncated);
    CHECK(code(with_tags("03 09 01 aa 05 7f aa")) == errc::truncated);
    CHECK(code(with_tags("ff ff ff ff 0f")) == errc::count_exceeds_input);
    CHECK(code(with_tags("01 00 00 09")) == errc::count_exceeds_input);
    CHECK(code("0000 05 00000000 00") == errc::count_exceeds_input);
    CHECK(code("0000 ff ff ff ff 10 00000000 00") == errc::bad_varint);
}
