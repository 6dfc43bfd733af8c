#include <kwire/embedded/stored_message.hpp>
#include <kwire/messages/group_metadata_record.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/messages/share_snapshot_record.hpp>
#include <kwire/messages/topic_record.hpp>
#include <kwire/messages/transaction_log_record.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "embedded/stored_records.hpp"

using kwire::consumer_offsets;
using kwire::errc;
using kwire::stored_message_of;
using kwire::test::stored_record;

namespace {

template <class Topic>
auto of(const stored_record& record) {
    return stored_message_of<Topic>(record.key, record.value);
}
template <class Topic>
std::string refusal(std::string_view key, std::string_view value) {
    const auto stored = of<Topic>(stored_record(key, value));
    return stored ? "" : std::string(std::string_view(kwire::describe(stored.error())));
}

} // namespace

TEST_CASE("the number before a key says which message key and value are") {
    const stored_record record(kwire::test::offset_key, kwire::test::offset_value);
    const auto stored = of<consumer_offsets>(record);
    REQUIRE(stored);
    CHECK(stored->type() == 1);
    CHECK(stored->known());
    CHECK(stored->key_message() == "OffsetCommitKey");
    CHECK(stored->value_message() == "OffsetCommitValue");
    CHECK(stored->value_version() == 3);
    CHECK(stored->is<kwire::offset_commit_key>());
    CHECK(stored->is<kwire::offset_commit_value>());
    CHECK(!stored->is<kwire::group_metadata_key>());

    const auto key = stored->key<kwire::offset_commit_key>();
    REQUIRE(key);
    CHECK((key->group() == "g" && key->topic() == "orders" && key->partition() == 3));
    const auto value = stored->value<kwire::offset_commit_value>();
    REQUIRE((value && *value));
    CHECK(((*value)->offset() == 42 && (*value)->leader_epoch() == 7 && (*value)->metadata() == "m"));
    CHECK(stored->key<kwire::group_metadata_key>().error() == errc::bad_value);
    CHECK(stored->value<kwire::group_metadata_value>().error() == errc::bad_value);
}

TEST_CASE("null is a tombstone, and an empty value is an error") {
    const stored_record tombstone(kwire::test::offset_key, "-");
    const auto stored = of<consumer_offsets>(tombstone);
    REQUIRE(stored);
    CHECK(stored->is_tombstone());
    CHECK(!stored->value_version());
    CHECK(stored->value_bytes().empty());
    const auto value = stored->value<kwire::offset_commit_value>();
    REQUIRE(value);
    CHECK(!*value);

    const stored_record empty(kwire::test::offset_key, "");
    CHECK(of<consumer_offsets>(empty)->value<kwire::offset_commit_value>().error() == errc::absent);
    const stored_record one_byte(kwire::test::offset_key, "00");
    CHECK(!of<consumer_offsets>(one_byte)->value_version());
    CHECK(of<consumer_offsets>(one_byte)->value<kwire::offset_commit_value>().error() == errc::truncated);
}

TEST_CASE("types that a later Kafka adds are reported, whatever is after them") {
    for (const std::string_view key : {"0063 00", "0012", "ffff", "7fff 0001 67"}) {
        const stored_record record(key, "99");
        const auto stored = of<consumer_offsets>(record);
        REQUIRE(stored);
        CHECK(!stored->known());
        CHECK(stored->key_message().empty());
        CHECK(stored->value_message().empty());
        CHECK(!stored->is<kwire::offset_commit_key>());
    }
    const stored_record record("0063 aabb", "0005 ccdd");
    const auto stored = of<consumer_offsets>(record);
    CHECK(stored->type() == 99);
    CHECK(stored->value_version() == 5);
    CHECK(kwire::test::to_hex(stored->key_bytes()) == "aabb");
    CHECK(kwire::test::to_hex(stored->value_bytes()) == "ccdd");
}

TEST_CASE("a value of a version that is not known is refused, as by Kafka's coordinators") {
    for (const std::string_view value : {"0005 000000000021d4a8ffffffff010000019964f2d83600 77", "ffff 00"}) {
        const stored_record record(kwire::test::offset_key, value);
        const auto stored = of<consumer_offsets>(record);
        REQUIRE(stored);
        const auto read = stored->value<kwire::offset_commit_value>(kwire::parse_options::as_kafka());
        REQUIRE(!read);
        CHECK(read.error() == errc::unsupported_version);
        CHECK(read.error().offset == 0);
    }
}

TEST_CASE("spare bytes in keys and values pass if they are tolerated, as by Kafka") {
    const stored_record record(std::string(kwire::test::offset_key) + "00",
                               std::string(kwire::test::offset_value) + "00");
    const auto stored = of<consumer_offsets>(record);
    CHECK(stored->key<kwire::offset_commit_key>().error() == errc::trailing_bytes);
    CHECK(stored->key<kwire::offset_commit_key>().error().offset == 17);
    CHECK(stored->value<kwire::offset_commit_value>().error() == errc::trailing_bytes);
    CHECK(stored->value<kwire::offset_commit_value>().error().offset == 25);
    CHECK(stored->key<kwire::offset_commit_key>(kwire::parse_options::as_kafka()));
    CHECK(stored->value<kwire::offset_commit_value>(kwire::parse_options::as_kafka()));
}

TEST_CASE("the same number means other messages in another topic") {
    const stored_record transaction(kwire::test::transaction_key, kwire::test::transaction_value);
    CHECK(of<kwire::transaction_state>(transaction)->value_message() == "TransactionLogValue");
    CHECK(of<kwire::share_group_state>(transaction)->value_message() == "ShareSnapshotValue");
    CHECK(of<consumer_offsets>(transaction)->value_message() == "LegacyOffsetCommitValue");
    const auto value = of<kwire::transaction_state>(transaction)->value<kwire::transaction_log_value>();
    REQUIRE((value && *value));
    CHECK((*value)->producer_id() == 11);

    const stored_record share(kwire::test::snapshot_key, kwire::test::snapshot_value);
    const auto snapshot = of<kwire::share_group_state>(share)->value<kwire::share_snapshot_value>();
    REQUIRE((snapshot && *snapshot));
    CHECK((*snapshot)->start_offset() == 4);
}

TEST_CASE("keys that are missing or cut are refused") {
    CHECK(refusal<consumer_offsets>("-", "0000") == "key: null_not_allowed at byte 0");
    CHECK(refusal<consumer_offsets>("", "0000") == "key: truncated at byte 0, needs 2 bytes, 0 left");
    CHECK(refusal<consumer_offsets>("00", "0000") == "key: truncated at byte 0, needs 2 bytes, 1 left");
}

TEST_CASE("records of the metadata log say their message in three numbers") {
    const stored_record record("-", kwire::test::topic_record);
    const auto stored = of<kwire::cluster_metadata>(record);
    REQUIRE(stored);
    CHECK(stored->type() == 2);
    CHECK(stored->value_message() == "TopicRecord");
    CHECK(stored->key_message().empty());
    CHECK(stored->value_version() == 0);
    CHECK(stored->value<kwire::topic_record>()->name() == "orders");

    // Padded numbers, which Kafka reads too.
    const stored_record padded("-", "8100 8200 8000 02 61 00000000000000000000000000000001 00");
    CHECK(of<kwire::cluster_metadata>(padded)->value<kwire::topic_record>()->name() == "a");

    const stored_record spare("-", std::string(kwire::test::topic_record) + "00");
    CHECK(of<kwire::cluster_metadata>(spare)->value<kwire::topic_record>().error().offset == 27);
    const stored_record newer("-", "01 02 01 02 61 00000000000000000000000000000001 00");
    CHECK(of<kwire::cluster_metadata>(newer)->value<kwire::topic_record>().error() ==
          errc::unsupported_version);
    const stored_record unknown("-", "01 06 00 02 61");
    CHECK(of<kwire::cluster_metadata>(unknown)->type() == 6);
    CHECK(!of<kwire::cluster_metadata>(unknown)->known());
}

TEST_CASE("records of the metadata log that Kafka refuses are refused") {
    using log = kwire::cluster_metadata;
    CHECK(refusal<log>("-", "-") == "value: null_not_allowed at byte 0");
    CHECK(refusal<log>("-", "") == "frame_version: truncated at byte 0");
    CHECK(refusal<log>("-", "00 02 00 02 61") == "frame_version: unsupported_version at byte 0");
    CHECK(refusal<log>("-", "02 02 00 02 61") == "frame_version: unsupported_version at byte 0");
    CHECK(refusal<log>("-", "01") == "type: truncated at byte 1");
    CHECK(refusal<log>("-", "01 ffffffff0f 00") == "type: bad_value at byte 1");
    CHECK(refusal<log>("-", "01 808002 00") == "type: bad_value at byte 1");
    CHECK(refusal<log>("-", "01 02 8080808080") == "version: bad_varint at byte 2");
    CHECK(refusal<log>("-", "01 02 80") == "version: truncated at byte 2");
}

TEST_CASE("every cut of a stored record is refused without a read past its end") {
    const auto cut_all = [](std::string_view key_hex, std::string_view value_hex) {
        const auto key = kwire::test::from_hex(key_hex);
        const auto value = kwire::test::from_hex(value_hex);
        for (std::size_t size = 0; size < key.size(); ++size) {
            const kwire::test::exact_bytes cut(std::span<const std::byte>(key).first(size));
            const auto stored = stored_message_of<consumer_offsets>(cut.span(), std::nullopt);
            CHECK(stored.has_value() == (size >= 2));
            if (stored) CHECK(!stored->key<kwire::offset_commit_key>());
        }
        for (std::size_t size = 0; size < value.size(); ++size) {
            const kwire::test::exact_bytes cut(std::span<const std::byte>(value).first(size));
            const auto stored = stored_message_of<consumer_offsets>(key, cut.span());
            REQUIRE(stored);
            CHECK(!stored->value<kwire::offset_commit_value>(kwire::parse_options::lenient()));
        }
    };
    cut_all(kwire::test::offset_key, kwire::test::offset_value);
    cut_all(kwire::test::offset_key, "0004 000000000021d4a8ffffffff010000019964f2d83600");

    const auto topic = kwire::test::from_hex(kwire::test::topic_record);
    for (std::size_t size = 0; size < topic.size(); ++size) {
        const kwire::test::exact_bytes cut(std::span<const std::byte>(topic).first(size));
        const auto stored = stored_message_of<kwire::cluster_metadata>(std::nullopt, cut.span());
        CHECK(stored.has_value() == (size >= 3));
        if (stored) CHECK(!stored->value<kwire::topic_record>());
    }
}

TEST_CASE("each message of Kafka's own topics is found by its name, and only once") {
    std::map<std::string_view, int> seen;
    const auto check = [&]<class Topic>(Topic) {
        for (const auto& type : Topic::types) {
            for (const std::string_view name : {type.key, type.value}) {
                if (name.empty()) {
                    CHECK(!Topic::keyed);
                    continue;
                }
                ++seen[name];
                const kwire::message_info* const info = kwire::find_message(name);
                REQUIRE(info != nullptr);
                CHECK(info->facts.key == type.number);
            }
        }
    };
    check(consumer_offsets{});
    check(kwire::transaction_state{});
    check(kwire::share_group_state{});
    check(kwire::cluster_metadata{});
    check(kwire::remote_log_metadata{});
    for (const auto& [name, times] : seen) CHECK(times == 1);
    CHECK(seen.size() == 2 * (23 + 1 + 2) + 27 + 4);
}
