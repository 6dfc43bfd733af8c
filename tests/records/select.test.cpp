#include <kwire/records/check.hpp>
#include <kwire/records/select.hpp>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/batches.hpp"
#include "support/bytes.hpp"

using kwire::batch_patch;
using kwire::batch_view;
using kwire::errc;
using kwire::shared_buffer;
using kwire::test::batch_of;
using kwire::test::from_hex;
using kwire::test::message_v0;
using kwire::test::message_v1;
using kwire::test::names;
using kwire::test::set_of;
using kwire::test::to_hex;

namespace {

bool lies_in(const shared_buffer& whole, const kwire::chain_segment& part) {
    return whole.slice_of(part.bytes()).has_value();
}

} // namespace

TEST_CASE("select: batches are dropped without copying, and adjacent batches are one segment") {
    const std::string a = batch_of(1, 2), b = batch_of(2, 1), c = batch_of(3, 3), d = batch_of(4, 1);
    const auto set = set_of(a + b + message_v1 + c + d + message_v0 + "00000000000000");
    const auto before = kwire::copied_bytes();
    const auto kept = kwire::select_batches(
        set, [](batch_view batch) { return batch.producer_id() != 2 && batch.producer_id() != 4; });
    CHECK(kwire::copied_bytes() == before);
    REQUIRE(kept);
    REQUIRE(kept->segment_count() == 3);
    for (const auto& segment : *kept) CHECK(lies_in(set, segment));
    CHECK(to_hex(*kept) == a + message_v1 + c + message_v0);
    const auto all = kwire::select_batches(set, [](batch_view) { return true; });
    CHECK(all->segment_count() == 1);
    CHECK(kwire::select_batches(set, [](batch_view) { return false; })->empty());
    CHECK(kwire::select_batches({}, [](batch_view) { return true; })->empty());
}

TEST_CASE("select: rewritten batches have copied headers, and nothing else is copied") {
    const std::string a = batch_of(1, 2), b = batch_of(2, 1), c = batch_of(3, 3);
    const auto set = set_of(a + b + message_v0 + message_v1 + c);
    const shared_buffer other = set; // shared memory is allowed
    const auto before = kwire::copied_bytes();
    const auto made = kwire::rewrite_batches(set, [](batch_view batch) -> std::optional<batch_patch> {
        if (batch.producer_id() == 1) return std::nullopt;
        if (batch.producer_id() == 2) return batch_patch{.producer_id = 77, .base_sequence = 5};
        if (batch.magic() == 1) return batch_patch{.max_timestamp = 4711};
        if (batch.magic() == 0) return batch_patch{.base_offset = 9};
        return batch_patch{.producer_id = 3}; // the value it has already
    });
    CHECK(kwire::copied_bytes() - before == 61 + 26 + 26);
    REQUIRE(made);
    CHECK(lies_in(set, made->segments().back()));
    CHECK(made->segments().back().size() == c.size() / 2 + 10); // with the rest of the message of magic 1

    auto expected = from_hex(b + message_v0 + message_v1 + c);
    auto batches = kwire::mutable_record_batches(expected);
    auto i = batches.begin();
    REQUIRE(apply({.producer_id = 77, .base_sequence = 5}, **i++));
    REQUIRE(apply({.base_offset = 9}, **i++));
    REQUIRE(apply({.max_timestamp = 4711}, **i++));
    CHECK(to_hex(*made) == kwire::test::to_hex(expected));
    CHECK(kwire::check_batches(expected));
    CHECK(set == set_of(a + b + message_v0 + message_v1 + c));
}

TEST_CASE("select: rewriting gives the same bytes as patching in place, for random patches and batches") {
    std::mt19937_64 random(5);
    const auto maybe = [&]<class T>(std::optional<T>& field) {
        if (random() % 2 == 0) field = static_cast<T>(random());
    };
    for (int round = 0; round < 200; ++round) {
        std::string hex;
        std::vector<batch_patch> patches;
        for (auto n = random() % 5; n != 0; --n) {
            hex += batch_of(static_cast<std::int64_t>(random() % 100), static_cast<int>(1 + random() % 3));
            batch_patch patch;
            maybe(patch.base_offset);
            maybe(patch.partition_leader_epoch);
            maybe(patch.is_transactional);
            maybe(patch.is_control);
            maybe(patch.base_timestamp);
            maybe(patch.max_timestamp);
            maybe(patch.last_offset_delta);
            maybe(patch.producer_id);
            maybe(patch.producer_epoch);
            maybe(patch.base_sequence);
            patches.push_back(patch);
        }
        const auto set = set_of(hex);
        auto next = patches.begin();
        const auto made = kwire::rewrite_batches(set, [&](batch_view) { return *next++; });
        auto in_place = from_hex(hex);
        next = patches.begin();
        for (const auto batch : kwire::mutable_record_batches(in_place)) REQUIRE(apply(*next++, *batch));
        REQUIRE(made);
        CHECK(to_hex(*made) == kwire::test::to_hex(in_place));
    }
}

TEST_CASE("select: an error names the batch and its offset") {
    const std::string a = batch_of(1, 1);
    std::string wrong_magic = a;
    wrong_magic[33] = '7';
    const auto keep_all = [](batch_view) { return true; };

    const auto no_batch = kwire::select_batches(set_of(a + wrong_magic), keep_all);
    REQUIRE(!no_batch);
    CHECK(no_batch.error() == errc::unknown_magic);
    CHECK(no_batch.error().offset == a.size() / 2 + 16);
    CHECK(names(no_batch.error(), "batches[1].magic"));
    CHECK(kwire::rewrite_batches(set_of(wrong_magic), [](batch_view) { return batch_patch{}; }).error() ==
          errc::unknown_magic);

    const auto lacks = kwire::rewrite_batches(set_of(a + message_v1),
                                              [](batch_view) { return batch_patch{.producer_id = 7}; });
    REQUIRE(!lacks);
    CHECK(lacks.error() == errc::field_not_in_version);
    CHECK(names(lacks.error(), "batches[1].producer_id"));
}
