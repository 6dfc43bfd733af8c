// needs: gzip snappy lz4 zstd
#include <kwire/records/builder.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/list_offsets.hpp>

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"
#include "support/record_sets.hpp"

using kwire::errc;
using kwire::listed_offset;
using kwire::offset_at_time;
using kwire::offset_of_max_timestamp;
using namespace kwire::test;

namespace {

constexpr std::size_t cap = 64 << 20;

std::vector<kwire::codec*> all(every_codec& codecs) {
    return {nullptr, &codecs.gzip, &codecs.snappy, &codecs.lz4, &codecs.zstd};
}

/// A batch from offset 100 on with these timestamps, compressed unless `codec` is null.
kwire::shared_buffer batch_of(const std::vector<std::int64_t>& times, kwire::codec* codec,
                              kwire::batch_options options = {}) {
    options.base_offset = 100;
    options.partition_leader_epoch = 7;
    kwire::batch_builder builder(options);
    for (const std::int64_t time : times) REQUIRE(builder.append({.timestamp = time}));
    if (codec == nullptr) return std::move(builder).finish().to_bytes();
    return std::move(builder).finish(*codec).value();
}

kwire::batch_view view_of(const kwire::shared_buffer& bytes) { return kwire::batch_at(bytes.span()).value(); }

} // namespace

TEST_CASE("offset_at_time: names the first record of that time or later, with its own offset and timestamp") {
    every_codec codecs;
    for (kwire::codec* codec : all(codecs)) {
        // Ten records, one second apart: a question at 5.5 s is answered with the sixth second.
        std::vector<std::int64_t> times;
        for (int i = 0; i < 10; ++i) times.push_back(1000 * i);
        const auto bytes = batch_of(times, codec);
        const auto at = [&](std::int64_t time) {
            return *offset_at_time(view_of(bytes), time, codecs.set, cap);
        };
        CHECK(at(5500) == listed_offset{106, 6000, 7});
        CHECK(at(6000) == listed_offset{106, 6000, 7});
        CHECK(at(0) == listed_offset{100, 0, 7});
        CHECK(at(-5) == listed_offset{100, 0, 7});
        CHECK(at(9000) == listed_offset{109, 9000, 7});
        CHECK(at(9001) == std::nullopt);
    }
}

TEST_CASE("offset_at_time: records need not be in the order of their timestamps, and may be before `from`") {
    every_codec codecs;
    const auto bytes = batch_of({10, 50, 20, 50, 30}, &codecs.zstd);
    CHECK(offset_at_time(view_of(bytes), 15, codecs.set, cap).value() == listed_offset{101, 50, 7});
    CHECK(offset_at_time(view_of(bytes), 15, codecs.set, cap, 102).value() == listed_offset{102, 20, 7});
    CHECK(offset_at_time(view_of(bytes), 40, codecs.set, cap, 104).value() == std::nullopt);
    CHECK(offset_at_time(view_of(bytes), 0, codecs.set, cap, 105).value() == std::nullopt);
}

TEST_CASE("offset_at_time: with log_append_time all records have the time of the batch") {
    every_codec codecs;
    for (kwire::codec* codec : all(codecs)) {
        const auto bytes = batch_of({10, 50, 20}, codec, {.append_time = 77});
        CHECK(offset_at_time(view_of(bytes), 60, codecs.set, cap).value() == listed_offset{100, 77, 7});
        CHECK(offset_at_time(view_of(bytes), 78, codecs.set, cap).value() == std::nullopt);
        CHECK(offset_of_max_timestamp(view_of(bytes), codecs.set, cap).value() == listed_offset{100, 77, 7});
    }
}

TEST_CASE("offset_at_time: looks into wrappers of magic 0 and 1") {
    every_codec codecs;
    for (const bool appended : {false, true}) {
        kwire::legacy_builder builder(
            {.magic = 1, .base_offset = 40, .append_time = appended ? std::optional(900) : std::nullopt});
        for (const int time : {100, 300, 200}) REQUIRE(builder.append({.timestamp = time}));
        const auto bytes = std::move(builder).finish(codecs.lz4).value();
        CHECK(offset_at_time(view_of(bytes), 150, codecs.set, cap).value() ==
              (appended ? listed_offset{40, 900, -1} : listed_offset{41, 300, -1}));
        CHECK(offset_of_max_timestamp(view_of(bytes), codecs.set, cap).value() ==
              (appended ? listed_offset{40, 900, -1} : listed_offset{41, 300, -1}));
    }
    kwire::legacy_builder builder({.magic = 0, .base_offset = 40});
    REQUIRE(builder.append({}));
    const auto bytes = std::move(builder).finish(codecs.gzip).value();
    CHECK(offset_at_time(view_of(bytes), 0, codecs.set, cap).value() == std::nullopt);
    CHECK(offset_of_max_timestamp(view_of(bytes), codecs.set, cap).value() == std::nullopt);
}

TEST_CASE(
    "offset_of_max_timestamp: is the first record with the largest timestamp, whatever the header says") {
    every_codec codecs;
    for (kwire::codec* codec : all(codecs)) {
        const auto bytes = batch_of({10, 50, 20, 50}, codec);
        CHECK(offset_of_max_timestamp(view_of(bytes), codecs.set, cap).value() == listed_offset{101, 50, 7});
    }
    std::vector<std::byte> wrong(from_hex(two_records));
    auto& header = *kwire::overlay_writable<kwire::batch_header>(wrong).value();
    header.max_timestamp = 5000;
    header.crc = kwire::crc32c(std::span<const std::byte>(wrong).subspan(21));
    CHECK(offset_of_max_timestamp(*kwire::batch_at(wrong), codecs.set, cap).value() ==
          listed_offset{1, 1003, -1});
    const auto untimed = batch_of({-1, -1}, nullptr);
    CHECK(offset_of_max_timestamp(view_of(untimed), codecs.set, cap).value() == std::nullopt);
}

TEST_CASE("offset_at_time and offset_of_max_timestamp: search a field batch by batch") {
    every_codec codecs;
    kwire::buffer_chain chain;
    chain.put_bytes(batch_of({10, 20}, &codecs.gzip));
    chain.put_bytes(batch_of({30, 90}, &codecs.snappy));
    chain.put_bytes(batch_of({90, 60}, nullptr));
    const auto bytes = chain.to_bytes();
    CHECK(offset_at_time(bytes.span(), 15, codecs.set, cap).value() == listed_offset{101, 20, 7});
    CHECK(offset_at_time(bytes.span(), 25, codecs.set, cap).value() == listed_offset{100, 30, 7});
    CHECK(offset_at_time(bytes.span(), 91, codecs.set, cap).value() == std::nullopt);
    CHECK(offset_of_max_timestamp(bytes.span(), codecs.set, cap).value() == listed_offset{101, 90, 7});
    CHECK(offset_at_time(std::span<const std::byte>(), 0, codecs.set, cap).value() == std::nullopt);

    // A last batch that is cut short is not an error, other bytes are.
    CHECK(offset_at_time(bytes.span().first(bytes.size() - 1), 91, codecs.set, cap).value() == std::nullopt);
    const std::vector<std::byte> zeros(100);
    chain.put_slice(zeros);
    const auto damaged = chain.to_bytes();
    CHECK(offset_at_time(damaged.span(), 15, codecs.set, cap).value() == listed_offset{101, 20, 7});
    const auto beyond = offset_at_time(damaged.span(), 91, codecs.set, cap);
    REQUIRE(!beyond);
    CHECK(beyond.error() == errc::bad_batch_length);
    CHECK(path_text(beyond.error()) == "batches[3].batch_length");
    CHECK(!offset_of_max_timestamp(damaged.span(), codecs.set, cap));
}

TEST_CASE("offset_at_time: batches that are too early are not decompressed, and the cap holds") {
    every_codec codecs;
    const auto bytes = batch_of(std::vector<std::int64_t>(1000, 10), &codecs.zstd);
    const kwire::codec_set none;
    CHECK(offset_at_time(view_of(bytes), 11, none, 0).value() == std::nullopt);
    CHECK(offset_at_time(view_of(bytes), 10, none, 0).error() == errc::unsupported_compression);
    CHECK(offset_at_time(view_of(bytes), 10, codecs.set, 100).error() == errc::decompressed_too_large);
}
