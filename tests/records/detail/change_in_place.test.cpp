#include <kwire/records/detail/change_in_place.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/stamp.hpp>

#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/record_sets.hpp"

using kwire::errc;
using kwire::test::from_hex;
using kwire::test::two_records;

TEST_CASE("apply and stamp: an empty buffer is never shared") {
    kwire::shared_buffer none;
    const auto done = stamp(none, {.base_offset = 5});
    REQUIRE(done);
    CHECK(done->batches == 0);
    CHECK(done->next_offset == 5);
    CHECK(stamp(none, {.base_offset = 5}, kwire::if_shared::copy));
    CHECK(apply({.producer_id = 7}, none).error() == errc::truncated);
}

TEST_CASE("apply and stamp: bytes with another holder are not changed, but copied on request") {
    kwire::shared_buffer mine = kwire::shared_buffer::copy_of(from_hex(two_records));
    const auto* where = mine.data();
    REQUIRE(apply({.producer_id = 7}, mine));
    CHECK(mine.data() == where);
    CHECK(kwire::batch_at(mine.span())->producer_id() == 7);

    const kwire::shared_buffer theirs = mine;
    const auto refused = apply({.producer_id = 8}, mine);
    REQUIRE(!refused);
    CHECK(refused.error() == errc::buffer_shared);
    CHECK(stamp(mine, {.base_offset = 4}).error() == errc::buffer_shared);
    CHECK(mine.data() == where);
    CHECK(mine == theirs);

    REQUIRE(stamp(mine, {.base_offset = 4}, kwire::if_shared::copy));
    CHECK(mine.data() != where);
    CHECK(kwire::batch_at(mine.span())->base_offset() == 4);
    CHECK(kwire::batch_at(theirs.span())->base_offset() == 0);

    kwire::shared_buffer literal = kwire::shared_buffer::from_static(mine.span());
    CHECK(apply({.producer_id = 8}, literal).error() == errc::buffer_read_only);
    const auto bytes = from_hex(two_records);
    kwire::shared_buffer adopted =
        kwire::shared_buffer::adopt(std::vector<std::byte>(bytes.begin(), bytes.end()));
    CHECK(stamp(adopted, {.base_offset = 6}).has_value());
    CHECK(kwire::batch_at(adopted.span())->base_offset() == 6);
    kwire::shared_buffer short_one = kwire::shared_buffer::copy_of(mine.span().first(60));
    CHECK(apply({.producer_id = 8}, short_one).error() == errc::truncated);
    CHECK(short_one.size() == 60);
}
