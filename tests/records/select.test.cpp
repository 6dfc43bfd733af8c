#include <kwire/records/builder.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/select.hpp>

#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::append_stamp;
using kwire::batch_patch;
using kwire::batch_view;
using kwire::errc;
using kwire::shared_buffer;
using kwire::test::from_hex;
using kwire::test::to_hex;

namespace {

// What Kafka's own classes wrote.
const std::string message_v0 = "0000000000000000000000101fecd70a0000000000016b0000000176";
const std::string message_v1 = "000000000000000000000018e4e321bc010000000000000003e8000000016b0000000176";

/// A batch of so many records with values of 2000 bytes.
std::string batch_of(std::int64_t producer, int records) {
    kwire::batch_builder builder({.producer_id = producer, .producer_epoch = 1, .base_sequence = 0});
    const std::vector<std::byte> value(2000, static_cast<std::byte>(producer));
    for (int i = 0; i < records; ++i) REQUIRE(builder.append({.timestamp = 1000 + i, .value = value}));
    const auto bytes = std::move(builder).finish().to_bytes();
    return to_hex(bytes.span());
}
shared_buffer set_of(const std::string& hex) { return shared_buffer::copy_of(from_hex(hex)); }
std::string to_hex(const kwire::buffer_chain& chain) {
    const auto bytes = chain.to_bytes();
    return kwire::test::to_hex(bytes.span());
}
bool names(const kwire::error& e, std::string_view path) {
    const auto text = describe(e);
    return text.view().find(path) != std::string_view::npos;
}
bool lies_in(const shared_buffer& whole, const kwire::chain_segment& part) {
    return whole.slice_of(part.bytes()).has_value();
}

} // namespace

TEST_CASE("select: batches are dropped without copying a byte, and neighbours stay one segment") {
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

TEST_CASE("select: batches are rewritten with a copy of their headers, and of nothing else") {
    const std::string a = batch_of(1, 2), b = batch_of(2, 1), c = batch_of(3, 3);
    const auto set = set_of(a + b + message_v0 + message_v1 + c);
    const shared_buffer other = set; // shared memory is not in the way
    const auto before = kwire::copied_bytes();
    const auto made = kwire::rewrite_batches(set, [](batch_view batch) -> std::optional<batch_patch> {
        if (batch.producer_id() == 1) return std::nullopt;
        if (batch.producer_id() == 2) return batch_patch{.producer_id = 77, .base_sequence = 5};
        if (batch.magic() == 1) return batch_patch{.max_timestamp = 4711};
        if (batch.magic() == 0) return batch_patch{.base_offset = 9};
        return batch_patch{.producer_id = 3}; // which it has
    });
    CHECK(kwire::copied_bytes() - before == 61 + 26 + 26);
    REQUIRE(made);
    CHECK(lies_in(set, made->segments().back()));
    CHECK(made->segments().back().size() == c.size() / 2 + 10); // with the rest of the message of magic 1

    auto expected = from_hex(b + message_v0 + message_v1 + c);
    auto batches = kwire::mutable_record_batches(expected);
    auto i = batches.begin();
    REQUIRE(apply({.producer_id = 77, .base_sequence = 5}, *i++));
    REQUIRE(apply({.base_offset = 9}, *i++));
    REQUIRE(apply({.max_timestamp = 4711}, *i++));
    CHECK(to_hex(*made) == kwire::test::to_hex(expected));
    CHECK(kwire::check_batches(expected));
    CHECK(set == set_of(a + b + message_v0 + message_v1 + c));
}

TEST_CASE("select: rewriting is what patching in place is, for random patches and batches") {
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
        for (const auto batch : kwire::mutable_record_batches(in_place)) REQUIRE(apply(*next++, batch));
        REQUIRE(made);
        CHECK(to_hex(*made) == kwire::test::to_hex(in_place));
    }
}

TEST_CASE("select: renumbering is what stamping those that are left is") {
    const std::string a = batch_of(1, 2), b = batch_of(2, 1), c = batch_of(3, 3);
    const auto set = set_of(a + message_v0 + b + message_v1 + c);
    const append_stamp with{.offset = 500, .partition_leader_epoch = 8, .append_time = 1234567};
    const auto before = kwire::copied_bytes();
    const auto made = kwire::renumber(set, with, [](batch_view batch) { return batch.producer_id() != 2; });
    CHECK(kwire::copied_bytes() - before == 2 * 61 + 2 * 26);
    REQUIRE(made);
    CHECK(made->done.batches == 4);
    CHECK(made->done.next_offset == 507);
    auto expected = from_hex(a + message_v0 + message_v1 + c);
    REQUIRE(kwire::stamp(expected, with));
    CHECK(to_hex(made->records) == kwire::test::to_hex(expected));
    CHECK(kwire::check_batches(expected));

    const auto all = kwire::renumber(set, {.offset = 0});
    REQUIRE(all);
    CHECK(all->done.next_offset == 8);
    CHECK(kwire::renumber({}, with)->done.next_offset == 500);
}

TEST_CASE("select: what cannot be done is refused at the batch where it lies") {
    const std::string a = batch_of(1, 1);
    std::string wrong_magic = a, wrapped = message_v1;
    wrong_magic[33] = '7';
    wrapped[35] = '1';
    const auto keep_all = [](batch_view) { return true; };

    const auto no_batch = kwire::select_batches(set_of(a + wrong_magic), keep_all);
    REQUIRE(!no_batch);
    CHECK(no_batch.error() == errc::unknown_magic);
    CHECK(no_batch.error().offset == a.size() / 2 + 16);
    CHECK(names(no_batch.error(), "batches[1].magic"));
    CHECK(kwire::rewrite_batches(set_of(wrong_magic), [](batch_view) { return batch_patch{}; }).error() ==
          errc::unknown_magic);
    CHECK(kwire::renumber(set_of(wrong_magic), {}).error() == errc::unknown_magic);

    const auto lacks = kwire::rewrite_batches(set_of(a + message_v1),
                                              [](batch_view) { return batch_patch{.producer_id = 7}; });
    REQUIRE(!lacks);
    CHECK(lacks.error() == errc::field_not_in_version);
    CHECK(names(lacks.error(), "batches[1].producer_id"));

    const auto cut = kwire::renumber(set_of(a + a.substr(0, 100)), {});
    REQUIRE(!cut);
    CHECK(cut.error() == errc::truncated);
    CHECK(cut.error().offset == a.size() / 2);
    const auto inside = kwire::renumber(set_of(a + wrapped), {});
    REQUIRE(!inside);
    CHECK(inside.error() == errc::bad_value);
    CHECK(inside.error().offset == a.size() / 2 + 17);
    std::string backwards = a;
    backwards.replace(46, 8, "ffffffff");
    const auto turned = kwire::renumber(set_of(a + backwards), {});
    REQUIRE(!turned);
    CHECK(turned.error() == errc::bad_value);
    CHECK(turned.error().offset == a.size() / 2 + 23);
    CHECK(names(turned.error(), "batches[1].last_offset_delta"));
    CHECK(kwire::renumber(set_of(a + wrapped), {}, [](batch_view b) { return !b.is_legacy(); }));
}

TEST_CASE("select: damaged sets are judged as by stamp, and renumbered to the same bytes") {
    std::mt19937_64 random(29);
    const auto sound = from_hex(batch_of(1, 1) + message_v1 + batch_of(2, 1) + message_v0 + message_v1);
    const append_stamp with{.offset = 77, .partition_leader_epoch = 1, .append_time = 99};
    std::size_t taken = 0, refused = 0;
    for (int round = 0; round < 3000; ++round) {
        auto set = sound;
        const std::size_t second = sound.size() - 2 * 36 - 28 - 2071 - 36;
        // Where headers are, which is where damage is seen here.
        const std::size_t at = random() % 2 == 0 ? random() % 61 : second + random() % 90;
        set[at] = static_cast<std::byte>(random() % 256);
        if (random() % 3 == 0) set.resize(random() % (set.size() + 1));
        const kwire::test::exact_bytes exact(set);
        const auto made = kwire::renumber(shared_buffer::from_static(exact.span()), with);
        const auto in_place = kwire::stamp(set, with);
        REQUIRE(made.has_value() == in_place.has_value());
        if (made) {
            CHECK(to_hex(made->records) == kwire::test::to_hex(set));
            CHECK(made->done.next_offset == in_place->next_offset);
            ++taken;
        } else {
            CHECK(made.error().code == in_place.error().code);
            CHECK(made.error().offset == in_place.error().offset);
            ++refused;
        }
    }
    CHECK(taken > 500);
    CHECK(refused > 500);
}
