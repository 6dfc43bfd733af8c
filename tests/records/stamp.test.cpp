#include <kwire/records/check.hpp>
#include <kwire/records/crc.hpp>
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

TEST_CASE("stamp: all batches of a field get consecutive offsets, the epoch and the append time") {
    exact_bytes block(from_hex(two_messages_v0 + two_messages_v1 + two_records + two_records));
    const auto done = kwire::stamp(
        block.writable(), {.base_offset = 100, .partition_leader_epoch = 9, .append_time = 1234567890123});
    REQUIRE(done);
    CHECK(done->batches == 6);
    CHECK(done->next_offset == 108);
    std::int64_t next = 100;
    for (const auto entry : kwire::record_batches(block.span())) {
        if (!entry) break;
        const auto batch = *entry;
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

TEST_CASE("stamp: of messages of magic 0 only the offset changes, since they have no timestamp") {
    const auto before = from_hex(two_messages_v0);
    exact_bytes block(before);
    REQUIRE(kwire::stamp(block.writable(),
                         {.base_offset = 7, .partition_leader_epoch = 9, .append_time = 1234567890123}));
    constexpr std::size_t second = 28; // the first message takes so many bytes
    auto expected = before;
    expected[7] = std::byte{7};
    expected[second + 7] = std::byte{8};
    CHECK(to_hex(block.span()) == to_hex(expected));
}

TEST_CASE("stamp: a batch of one record takes one offset") {
    exact_bytes one(from_hex(two_records));
    REQUIRE(apply({.last_offset_delta = 0}, kwire::mutable_batch_at(one.writable()).value()));
    const auto done = kwire::stamp(one.writable(), {.base_offset = 5});
    REQUIRE(done);
    CHECK(done->next_offset == 6);
}

TEST_CASE("stamp: a batch of an unknown format is refused at its magic") {
    auto bytes = from_hex(two_records + two_records);
    bytes[84 + 16] = std::byte{3};
    exact_bytes block(bytes);
    const auto refused = kwire::stamp(block.writable(), {.base_offset = 5});
    REQUIRE(!refused);
    CHECK(refused.error() == errc::unknown_magic);
    CHECK(refused.error().offset == 84 + 16);
    CHECK(kwire::test::path_text(refused.error()) == "batches[1].magic");
}

TEST_CASE("stamp: without an append time the checksums do not change, and an empty field is valid") {
    exact_bytes block(from_hex(two_records));
    const auto crc = kwire::batch_at(block.span())->crc();
    CHECK(kwire::stamp(block.writable(), {.base_offset = 5})->next_offset == 7);
    CHECK(kwire::batch_at(block.span())->crc() == crc);
    CHECK(kwire::batch_at(block.span())->partition_leader_epoch() == -1);
    CHECK(kwire::stamp(std::span<std::byte>(), {.base_offset = 5})->batches == 0);
}

TEST_CASE("stamp: a batch that is cut short and a wrapper are refused at their offsets") {
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
    "stamp: a batch whose last offset is below its first is refused, since the log would go backwards") {
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

TEST_CASE("stamp: a batch that was checked is stamped as the field that holds it") {
    const append_stamp with{.base_offset = 100, .partition_leader_epoch = 9, .append_time = 1234567890123};
    for (const std::string& hex :
         {two_records, two_messages_v0.substr(0, 56), two_messages_v1.substr(0, 72)}) {
        exact_bytes batch(from_hex(hex)), field(from_hex(hex));
        REQUIRE(kwire::check_batches(batch.span()));
        const auto done = kwire::stamp(kwire::mutable_batch_at(batch.writable()).value(), with);
        const auto expected = kwire::stamp(field.writable(), with);
        REQUIRE(done);
        REQUIRE(expected);
        CHECK(done->batches == 1);
        CHECK(expected->batches == 1);
        CHECK(done->next_offset == expected->next_offset);
        CHECK(to_hex(batch.span()) == to_hex(field.span()));
    }
}

TEST_CASE("stamp: one batch that cannot be stamped is refused at its field, and nothing has changed") {
    const std::string message = two_messages_v1.substr(0, 72);
    exact_bytes wrapped(from_hex(message));
    wrapped.writable()[17] = std::byte{1};
    const auto refused =
        kwire::stamp(kwire::mutable_batch_at(wrapped.writable()).value(), {.base_offset = 5});
    REQUIRE(!refused);
    CHECK(refused.error() == errc::bad_value);
    CHECK(refused.error().offset == 17);
    CHECK(kwire::test::path_text(refused.error()) == "attributes");
    CHECK(kwire::batch_at(wrapped.span())->base_offset() == 0);
}
