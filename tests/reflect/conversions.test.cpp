/// What Kafka's request and response classes make of one meaning at two versions
/// (tests/golden/conversions.jsonl.gz, written by tests/oracle/conversions.py).
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/transcode.hpp>

#include <boost/json/parse.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/gzip_lines.hpp"

namespace {

/// The two topics of the vectors.
struct two_topics {
    static kwire::uuid numbered_from(unsigned first) {
        kwire::uuid id;
        for (std::byte& b : id.bytes) b = static_cast<std::byte>(first++);
        return id;
    }
    [[nodiscard]] std::optional<kwire::uuid> id_of(std::string_view name) const {
        if (name == "orders") return numbered_from(0x01);
        if (name == "bills") return numbered_from(0x11);
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::string_view> name_of(const kwire::uuid& id) const {
        if (id == numbered_from(0x01)) return "orders";
        if (id == numbered_from(0x11)) return "bills";
        return std::nullopt;
    }
};

std::string told(const kwire::expected<kwire::buffer_chain, kwire::error>& result) {
    if (!result)
        return "refused: " + std::string(kwire::name_of(result.error().code)) + ' ' +
               std::string(kwire::path_of(result.error()));
    const kwire::shared_buffer whole = result->to_bytes();
    return kwire::test::to_hex(whole.span());
}

} // namespace

TEST_CASE("what Kafka's classes write of one meaning at two versions is what transcode makes of it") {
    std::size_t lines = 0, refused = 0, with_topics = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/conversions.jsonl.gz", [&](std::string_view line) {
        const boost::json::value parsed = boost::json::parse(line);
        const boost::json::object& vector = parsed.as_object();
        const auto text = [&](std::string_view key) {
            const boost::json::string& found = vector.at(key).as_string();
            return std::string(found.data(), found.size());
        };
        const std::string message = text("message");
        const int from = static_cast<int>(vector.at("from").as_int64());
        const int to = static_cast<int>(vector.at("to").as_int64());
        const kwire::message_info* const info = kwire::find_message(message);
        REQUIRE(info != nullptr);
        const auto body = kwire::shared_buffer::copy_of(kwire::test::from_hex(text("hex")));
        const bool topics = vector.contains("topics");
        const two_topics known;
        const std::string without = told(kwire::transcode(*info, body, from, to));
        const std::string result =
            topics ? told(kwire::transcode(*info, body, from, to, {}, known)) : without;
        CAPTURE(message, from, to, text("case"));
        ++lines;
        if (topics) {
            ++with_topics;
            CHECK(without.starts_with("refused: value_unknown "));
        }
        if (vector.contains("expect_hex")) {
            CHECK(result == text("expect_hex"));
        } else {
            ++refused;
            CHECK(result.starts_with("refused: "));
        }
    });
    CHECK(lines == 257);
    CHECK(refused > 10);
    CHECK(with_topics > 60);
}

TEST_CASE("codes that old versions do not have are those that Kafka's brokers send instead") {
    const auto other = [](std::string_view message, std::string_view hex, int from, int to) {
        const auto body = kwire::shared_buffer::copy_of(kwire::test::from_hex(hex));
        return told(kwire::transcode(*kwire::find_message(message), body, from, to));
    };
    const auto hex = [](std::string_view text) { return kwire::test::to_hex(kwire::test::from_hex(text)); };

    // PRODUCER_FENCED (90) is INVALID_PRODUCER_EPOCH (47).
    CHECK(other("EndTxnResponse", "00000000 005a 00", 3, 2) == hex("00000000 005a"));
    CHECK(other("EndTxnResponse", "00000000 005a 00", 3, 1) == hex("00000000 002f"));
    CHECK(other("EndTxnResponse", "00000000 0033 00", 3, 1) == hex("00000000 0033"));
    CHECK(other("EndTxnResponse", "00000000 002f", 1, 3) == hex("00000000 002f 00")); // not the other way
    CHECK(other("InitProducerIdResponse", "00000000 005a ffffffffffffffff ffff 00", 4, 3) ==
          hex("00000000 002f ffffffffffffffff ffff 00"));
    CHECK(other("AddOffsetsToTxnResponse", "00000000 005a 00", 3, 1) == hex("00000000 002f"));
    CHECK(other("AddPartitionsToTxnResponse", "00000000 02 02 74 02 00000001 005a 00 00 00", 3, 1) ==
          hex("00000000 00000001 0001 74 00000001 00000001 002f"));
    // TOPIC_DELETION_DISABLED (73) is INVALID_REQUEST (42).
    CHECK(other("DeleteTopicsResponse", "00000000 00000001 0001 74 0049", 3, 2) ==
          hex("00000000 00000001 0001 74 002a"));
    // OFFSET_NOT_AVAILABLE (78) is LEADER_NOT_AVAILABLE (5).
    constexpr std::string_view offset = "00000000 00000001 0001 74 00000001 00000000";
    CHECK(other("ListOffsetsResponse",
                std::string(offset) + "004e ffffffffffffffff ffffffffffffffff ffffffff", 5,
                3) == hex(std::string(offset) + "0005 ffffffffffffffff ffffffffffffffff"));
    // GROUP_ID_NOT_FOUND (69) is ILLEGAL_GENERATION (22).
    CHECK(other("OffsetCommitResponse", "00000000 02 02 74 02 00000000 0045 00 00 00", 9, 8) ==
          hex("00000000 02 02 74 02 00000000 0016 00 00 00"));
    // KAFKA_STORAGE_ERROR (56) is NOT_LEADER_OR_FOLLOWER (6).
    constexpr std::string_view fetched = "00000000 00000001 0001 74 00000001 00000000";
    constexpr std::string_view rest = "ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffff ffffffff";
    CHECK(other("FetchResponse", std::string(fetched) + "0038" + std::string(rest), 6, 5) ==
          hex(std::string(fetched) + "0006" + std::string(rest)));
}

TEST_CASE(
    "the id of a topic in a Metadata request is not lost, and asks for nothing else at another version") {
    const auto other = [](std::string_view hex, int from, int to) {
        const auto body = kwire::shared_buffer::copy_of(kwire::test::from_hex(hex));
        return told(kwire::transcode(*kwire::find_message("MetadataRequest"), body, from, to));
    };
    constexpr std::string_view with_id = "02 0102030405060708090a0b0c0d0e0f10 02 74 00 01 00 00";
    constexpr std::string_view by_name = "02 00000000000000000000000000000000 02 74 00 01 00 00";
    CHECK(other(with_id, 12, 9) == "refused: field_not_in_version topics[0].topic_id");
    CHECK(other(with_id, 12, 11) == "refused: meaning_differs topics[0].topic_id");
    CHECK(other(with_id, 12, 13) == kwire::test::to_hex(kwire::test::from_hex(with_id)));
    CHECK(other(by_name, 12, 9) == kwire::test::to_hex(kwire::test::from_hex("02 02 74 00 01 00 00 00")));
    CHECK(other(by_name, 12, 11).starts_with("0200000000"));
}

TEST_CASE("on the way by a version between, errors speak of the target, and leniencies stay allowed") {
    const kwire::message_info& info = *kwire::find_message("OffsetFetchRequest");
    const auto at = [&](std::string_view hex, int from, int to, kwire::parse_options options = {}) {
        const two_topics known;
        return kwire::transcode(info, kwire::shared_buffer::copy_of(kwire::test::from_hex(hex)), from, to,
                                options, known);
    };
    // Group "g", a topic that is not known, no partitions.
    const auto unknown = at("02 67 02 02 74 01 00 00 00", 7, 10);
    CHECK(told(unknown) == "refused: value_unknown groups[0].topics[0].topic_id");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().version == 10);
    CHECK(unknown.error().message == "OffsetFetchRequest");

    // Two groups with ids: too many for version 7.
    constexpr std::string_view group = "02 67 00 ffffffff 00 00";
    const auto many = at("03" + std::string(group) + std::string(group) + "00 00", 10, 7);
    CHECK(told(many) == "refused: meaning_differs groups");
    REQUIRE_FALSE(many);
    CHECK(many.error().version == 7);
    CHECK(told(at("02" + std::string(group) + "00 00", 10, 11)) == "refused: unsupported_version ");

    // An unknown tag of the message goes along; of two with one number, the last.
    CHECK(told(at("02 67 00 00 01 09 01 aa", 7, 10)) ==
          kwire::test::to_hex(kwire::test::from_hex("02 02 67 00 ffffffff 00 00 00 01 09 01 aa")));
    CHECK(told(at("02 67 00 00 02 09 01 aa 09 01 bb", 7, 10)).starts_with("refused: duplicate_tag"));
    CHECK(told(at("02 67 00 00 02 09 01 aa 09 01 bb", 7, 10, kwire::parse_options::lenient())) ==
          kwire::test::to_hex(kwire::test::from_hex("02 02 67 00 ffffffff 00 00 00 01 09 01 bb")));
}

TEST_CASE(
    "where a version lacks an array that it means, the array is written, and no other one is given up") {
    const kwire::message_info& info = *kwire::find_message("ListConfigResourcesRequest");
    const auto at = [&](std::string_view hex, int from, int to) {
        return told(
            kwire::transcode(info, kwire::shared_buffer::copy_of(kwire::test::from_hex(hex)), from, to));
    };
    // Version 0 asks for the resources of client metrics, which are of type 16.
    CHECK(at("00", 0, 1) == "021000");
    CHECK(at("02 10 00", 1, 0) == "00");
    CHECK(at("01 00", 1, 0) == "refused: meaning_differs resource_types"); // all types
    CHECK(at("02 02 00", 1, 0) == "refused: meaning_differs resource_types");
    CHECK(at("03 10 02 00", 1, 0) == "refused: meaning_differs resource_types");
    CHECK(at("01 01 07 02 aa bb", 1, 0) == "refused: meaning_differs resource_types");
    CHECK(at("00", 0, 0) == "00");
    CHECK(at("01 00", 1, 1) == "0100");
}
