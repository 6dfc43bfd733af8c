#include <kwire/records/check.hpp>
#include <kwire/records/renumber.hpp>

#include <random>
#include <string>

#include "catch.hpp"
#include "support/batches.hpp"
#include "support/bytes.hpp"

using kwire::append_stamp;
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

TEST_CASE("renumber: the result has the bytes of the kept batches after stamp") {
    const std::string a = batch_of(1, 2), b = batch_of(2, 1), c = batch_of(3, 3);
    const auto set = set_of(a + message_v0 + b + message_v1 + c);
    const append_stamp with{.base_offset = 500, .partition_leader_epoch = 8, .append_time = 1234567};
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

    const auto all = kwire::renumber(set, {.base_offset = 0});
    REQUIRE(all);
    CHECK(all->done.next_offset == 8);
    CHECK(kwire::renumber({}, with)->done.next_offset == 500);
}

TEST_CASE("renumber: a batch that cannot be stamped is refused at its offset") {
    const std::string a = batch_of(1, 1);
    std::string wrong_magic = a, wrapped = message_v1;
    wrong_magic[33] = '7';
    wrapped[35] = '1';
    CHECK(kwire::renumber(set_of(wrong_magic), {}).error() == errc::unknown_magic);

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

TEST_CASE("renumber: damaged sets have the same errors as from stamp, others the same bytes") {
    std::mt19937_64 random(29);
    const auto sound = from_hex(batch_of(1, 1) + message_v1 + batch_of(2, 1) + message_v0 + message_v1);
    const append_stamp with{.base_offset = 77, .partition_leader_epoch = 1, .append_time = 99};
    std::size_t taken = 0, refused = 0;
    for (int round = 0; round < 3000; ++round) {
        auto set = sound;
        const std::size_t second = sound.size() - 2 * 36 - 28 - 2071 - 36;
        // In headers, the only bytes in which renumber notices damage.
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
