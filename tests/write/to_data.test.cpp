#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/to_data.hpp>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::shared_buffer;
using kwire::test::from_hex;

TEST_CASE("data made of a held message refers to its bytes, data made of a view has copies") {
    const auto request = kwire::parse<kwire::produce_request>(
        shared_buffer::copy_of(
            from_hex("ffff ffff 000005dc 00000001 0001 74 00000001 00000005 00000003 aabbcc")),
        3);
    REQUIRE(request);
    const auto records_of = [](const kwire::produce_request::data& data) {
        return data.topic_data.at(0).partition_data.at(0).records.to_bytes();
    };
    const shared_buffer shared = records_of(kwire::to_data(*request));
    const shared_buffer copied = records_of(kwire::to_data(**request));
    CHECK(shared.data() == (*request).bytes().data() + 27);
    CHECK(copied.data() != (*request).bytes().data() + 27);
    CHECK(kwire::test::to_hex(copied.span()) == "aabbcc");
}

TEST_CASE("unknown tags come along into data") {
    const auto request = kwire::parse<kwire::metadata_request>(
        shared_buffer::copy_of(from_hex("01 01 00 00 02 03 01 aa 09 00")), 9);
    REQUIRE(request);
    const auto data = kwire::to_data(*request);
    REQUIRE(data.unknown_tags.size() == 2);
    CHECK(data.unknown_tags[0].number == 3);
    CHECK(kwire::test::to_hex(data.unknown_tags[0].payload.span()) == "aa");
    CHECK(data.unknown_tags[1].number == 9);
    CHECK(data.unknown_tags[1].payload.empty());
    CHECK_FALSE(data.topics.is_null());
    CHECK(data.topics.empty());
}
