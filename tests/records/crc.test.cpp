#include <kwire/records/crc.hpp>

#include <cstddef>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/record_sets.hpp"

using kwire::crc_matches;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::two_records;

TEST_CASE("crc_matches notices a changed byte after the checksum, and none before it") {
    const auto good = from_hex(two_records);
    for (std::size_t i = 0; i < good.size(); ++i) {
        if (i >= 8 && i < 12) continue; // the length: another batch
        exact_bytes block(good);
        block.writable()[i] ^= i == 16 ? std::byte{1} : std::byte{0x40};
        const auto batch = kwire::batch_at(block.span());
        if (i == 16) {
            CHECK(!batch);
            continue;
        }
        REQUIRE(batch);
        CHECK(crc_matches(*batch) == (i < 16));
    }
}
