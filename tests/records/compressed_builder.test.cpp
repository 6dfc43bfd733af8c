// needs: gzip snappy lz4 zstd
#include <kwire/records/builder.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/detail/decompress.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/record_range.hpp>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"

using kwire::batch_builder;
using kwire::compression_type;
using kwire::errc;

using kwire::test::every_codec;

namespace {

const compression_type all_types[]{compression_type::gzip, compression_type::snappy, compression_type::lz4,
                                   compression_type::zstd};

/// The same records for the compressed batch and for the uncompressed one.
void append_records(batch_builder& builder, unsigned seed, bool attach) {
    std::mt19937 random(seed);
    for (auto n = 1 + random() % 60; n != 0; --n) {
        const std::string text(random() % 500, static_cast<char>('a' + random() % 26));
        const auto bytes = std::as_bytes(std::span(text));
        const kwire::header_view header{.name = "name", .value = std::nullopt};
        kwire::record_to_write record{.timestamp = static_cast<std::int64_t>(random()),
                                      .headers = {&header, random() % 2}};
        if (random() % 3 != 0) record.key = bytes.first(bytes.size() / 2);
        const bool by_reference = random() % 2 == 0;
        if (attach && by_reference) {
            REQUIRE(builder.append(record, kwire::shared_buffer::copy_of(bytes)));
        } else {
            record.value = bytes;
            REQUIRE(builder.append(record));
        }
    }
}

/// Compares all header fields except size, compression and checksum.
void check_same_header(const kwire::batch_view& a, const kwire::batch_view& b) {
    CHECK(a.base_offset() == b.base_offset());
    CHECK(a.partition_leader_epoch() == b.partition_leader_epoch());
    CHECK((a.attributes() & ~7) == (b.attributes() & ~7));
    CHECK(a.last_offset() == b.last_offset());
    CHECK(a.header()->base_timestamp == b.header()->base_timestamp);
    CHECK(a.max_timestamp() == b.max_timestamp());
    CHECK(a.producer_id() == b.producer_id());
    CHECK(a.producer_epoch() == b.producer_epoch());
    CHECK(a.base_sequence() == b.base_sequence());
    CHECK(a.record_count() == b.record_count());
}

} // namespace

TEST_CASE("builders and codecs are members of an aggregate that braces make") {
    struct producer {
        batch_builder batch;
        kwire::legacy_builder set;
        kwire::gzip_codec gzip;
        kwire::snappy_codec snappy;
        kwire::lz4_codec lz4;
        kwire::zstd_codec zstd;
    };
    producer one{{}, {}, {}, {}, {}, {}};
    append_records(one.batch, 1, false);
    CHECK(std::move(one.batch).finish(one.zstd));
}

TEST_CASE("builder: a compressed batch has the records and the header of the uncompressed one") {
    every_codec codecs;
    for (unsigned seed = 0; seed < 60; ++seed)
        for (const auto type : all_types) {
            CAPTURE(seed, name_of(type));
            kwire::batch_options options{.base_offset = seed,
                                         .partition_leader_epoch = 5,
                                         .producer_id = 7,
                                         .producer_epoch = 2,
                                         .base_sequence = 11,
                                         .is_transactional = seed % 2 == 0};
            if (seed % 3 == 0) options.append_time = 123456;
            batch_builder compressed(options), plain(options);
            append_records(compressed, seed, seed % 5 == 0);
            append_records(plain, seed, false);
            const auto size = plain.size();
            const auto expected = std::move(plain).finish().to_bytes();
            REQUIRE(expected.size() == size);
            const auto made = std::move(compressed).finish(*codecs.set.find(type));
            REQUIRE(made);
            const kwire::test::exact_bytes block(made->span());
            const auto batch = kwire::batch_at(block.span()).value();
            CHECK(bytes_of(batch).size() == block.span().size());
            CHECK(crc_matches(batch));
            CHECK(batch.compression() == type);
            check_same_header(batch, kwire::batch_at(expected.span()).value());
            const auto records = kwire::decompress(batch, codecs.set, 1 << 20);
            REQUIRE(records);
            CHECK(std::ranges::equal(*records, expected.span().subspan(61)));
            CHECK(compressed.empty()); // NOLINT(bugprone-use-after-move)
        }
}

TEST_CASE("builder: after a failure of the codec the records can be written in another way") {
    const std::vector<std::byte> value(1, std::byte{3});
    batch_builder builder({.max_bytes = 70});
    REQUIRE(builder.append({.timestamp = 5, .value = value}));
    kwire::gzip_codec no_such_level(77), gzip;
    CHECK(std::move(builder).finish(no_such_level).error() ==
          errc::bad_value);                                 // NOLINT(bugprone-use-after-move)
    const auto too_large = std::move(builder).finish(gzip); // NOLINT(bugprone-use-after-move)
    REQUIRE(!too_large);
    CHECK(too_large.error() == errc::too_large);
    CHECK(too_large.error().needed > 70);
    CHECK(too_large.error().left == 70);
    const auto batch = std::move(builder).finish().to_bytes(); // NOLINT(bugprone-use-after-move)
    CHECK(kwire::check_records(kwire::batch_at(batch.span()).value()) == 1U);
}

TEST_CASE("builder: a batch without records is not compressed, as in Kafka") {
    kwire::zstd_codec zstd;
    const auto batch = batch_builder({.base_offset = 7}).finish(zstd);
    REQUIRE(batch);
    CHECK(batch->size() == 61);
    CHECK(kwire::batch_at(batch->span())->compression() == compression_type::none);
    CHECK(kwire::check_records(kwire::batch_at(batch->span()).value()) == 0U);
}
