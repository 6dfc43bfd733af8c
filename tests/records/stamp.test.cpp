#include <kwire/records/check.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/stamp.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/record_sets.hpp"

using kwire::append_stamp;
using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::to_hex;
using kwire::test::two_messages_v0;
using kwire::test::two_messages_v1;
using kwire::test::two_records;

TEST_CASE("stamp: all batches of a field get offsets one behind the other, the epoch and the broker's time") {
    exact_bytes block(from_hex(two_messages_v0 + two_messages_v1 + two_records + two_records));
    const auto done = kwire::stamp(
        block.writable(), {.base_offset = 100, .partition_leader_epoch = 9, .append_time = 1234567890123});
    REQUIRE(done);
    CHECK(done->batches == 6);
    CHECK(done->next_offset == 108);
    std::int64_t next = 100;
    for (auto batch : kwire::record_batches(block.span())) {
        CHECK(crc_matches(batch));
        CHECK(batch.base_offset() == next);
        next = batch.next_offset();
        if (batch.magic() == 0) continue;
        CHECK(batch.timestamp_type() == kwire::timestamp_type::log_append_time);
        CHECK(batch.max_timestamp() == 1234567890123);
        CHECK(batch.partition_leader_epoch() == (batch.is_legacy() ? -1 : 9));
    }
    CHECK(next == 108);
}

TEST_CASE("stamp: without a time the checksums stay, and an empty field is well") {
    exact_bytes block(from_hex(two_records));
    const auto crc = kwire::batch_at(block.span())->crc();
    CHECK(kwire::stamp(block.writable(), {.base_offset = 5})->next_offset == 7);
    CHECK(kwire::batch_at(block.span())->crc() == crc);
    CHECK(kwire::batch_at(block.span())->partition_leader_epoch() == -1);
    CHECK(kwire::stamp(std::span<std::byte>(), {.base_offset = 5})->batches == 0);
}

TEST_CASE("stamp: what is no whole batch is refused where it stands") {
    exact_bytes cut(from_hex(two_records + "0000000000000000000000"));
    const auto truncated = kwire::stamp(cut.writable(), {.base_offset = 5});
    REQUIRE(!truncated);
    CHECK(truncated.error() == errc::truncated);
    CHECK(truncated.error().offset == 84);
    exact_bytes wrapped(from_hex(two_messages_v1));
    wrapped.writable()[17] = std::byte{1};
    const auto compressed = kwire::stamp(wrapped.writable(), {.base_offset = 5});
    REQUIRE(!compressed);
    CHECK(compressed.error() == errc::bad_value);
    CHECK(compressed.error().offset == 17);
    CHECK(kwire::batch_at(wrapped.span())->base_offset() == 0);
}

TEST_CASE(
    "stamp: a batch whose last offset lies in front of its first would turn the log back, and is refused") {
    for (const std::int32_t delta : {-1, -2, std::numeric_limits<std::int32_t>::min()}) {
        exact_bytes backwards(from_hex(two_records + two_records));
        const auto size = static_cast<std::uint64_t>(two_records.size() / 2);
        const auto second = kwire::mutable_batch_at(backwards.writable().subspan(size));
        REQUIRE(second);
        REQUIRE(apply({.last_offset_delta = delta}, *second));
        const auto refused = kwire::stamp(backwards.writable(), {.base_offset = 5});
        REQUIRE(!refused);
        CHECK(refused.error() == errc::bad_value);
        CHECK(refused.error().offset == size + 23);
        const kwire::error_text path = kwire::path_of(refused.error());
        CHECK(path.view() == "batches[1].last_offset_delta");
        const auto set = kwire::shared_buffer::copy_of(backwards.span());
        kwire::shared_buffer same = set.detach();
        CHECK(kwire::stamp(same, {.base_offset = 5}).error() == errc::bad_value);
    }
}

TEST_CASE("stamp: bytes that were checked are stamped as those that were not, one batch or many") {
    const append_stamp with{.base_offset = 100, .partition_leader_epoch = 9, .append_time = 1234567890123};
    for (const std::string& hex : {two_records, two_messages_v0.substr(0, 56), two_records + two_records,
                                   two_messages_v1 + two_records, std::string()}) {
        exact_bytes checked_bytes(from_hex(hex)), plain(from_hex(hex)), copy(from_hex(hex));
        const auto checked = kwire::check_batches(checked_bytes.span());
        REQUIRE(checked);
        const auto done = kwire::stamp(checked_bytes.writable(), *checked, with);
        const auto expected = kwire::stamp(plain.writable(), with);
        REQUIRE(done);
        REQUIRE(expected);
        CHECK(done->batches == expected->batches);
        CHECK(done->next_offset == expected->next_offset);
        CHECK(to_hex(checked_bytes.span()) == to_hex(plain.span()));
        REQUIRE(kwire::stamp(copy.writable(), *checked, with)); // other bytes than the summary's
        CHECK(to_hex(copy.span()) == to_hex(plain.span()));
    }
}

TEST_CASE("stamp: a checked wrapper of magic 1 is refused, since its offsets are inside the compression") {
    exact_bytes wrapped(from_hex(two_messages_v1.substr(0, 72)));
    wrapped.writable()[17] = std::byte{1};
    const auto checked = kwire::check_batches(wrapped.span(), kwire::crc_policy::skip);
    REQUIRE(checked);
    const auto refused = kwire::stamp(wrapped.writable(), *checked, {.base_offset = 5});
    REQUIRE(!refused);
    CHECK(refused.error() == errc::bad_value);
    CHECK(refused.error().offset == 17);
    CHECK(kwire::test::path_text(refused.error()) == "batches[0].attributes");
    CHECK(kwire::batch_at(wrapped.span())->base_offset() == 0);
}
