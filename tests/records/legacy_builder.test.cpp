// needs: gzip snappy lz4 zstd
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/detail/decompress.hpp>
#include <kwire/records/legacy_builder.hpp>

#include <boost/json.hpp>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/base64.hpp"
#include "support/bytes.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::errc;
using kwire::legacy_builder;
using kwire::test::exact_bytes;
using kwire::test::from_base64;
using kwire::test::from_hex;
using kwire::test::golden_sets;

namespace {

struct every_codec {
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    kwire::codec_set set{gzip, snappy, lz4};
};

std::optional<std::span<const std::byte>> view(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return std::as_bytes(std::span(*text));
}

struct owned_record {
    std::int64_t offset = 0, timestamp = 0;
    std::optional<std::string> key, value;

    explicit owned_record(const json::value& record)
        : offset(record.at("offset").to_number<std::int64_t>()),
          timestamp(record.at("timestamp").to_number<std::int64_t>()) {
        if (!record.at("key").is_null()) key = from_base64(record.at("key").as_string());
        if (!record.at("value").is_null()) value = from_base64(record.at("value").as_string());
    }
    [[nodiscard]] kwire::record_to_write to_write() const {
        return {
            .offset = offset, .timestamp = timestamp, .key = view(key), .value = view(value), .headers = {}};
    }
};

std::string to_hex(const kwire::shared_buffer& buffer) { return kwire::test::to_hex(buffer.span()); }

/// Three records with a gap, a decreasing timestamp, and nulls.
void append_three(legacy_builder& builder) {
    const std::string key = "k", value = "value", empty;
    REQUIRE(builder.append({.timestamp = 5000, .key = view(key), .value = view(value)}));
    REQUIRE(builder.append({.timestamp = 4000, .value = view(empty)}));
    REQUIRE(builder.append({.offset = 105, .timestamp = 6000, .key = view(empty)}));
}

// Written by Python's struct and zlib.
const std::string three_v0 = "0000000000000064000000148faa55880000000000016b0000000576616c7565000000000000006"
                             "50000000e795748e00000ffffffff00"
                             "00000000000000000000690000000e3d314895000000000000ffffffff";
const std::string three_v1 = "00000000000000640000001c0f14078a01000000000000001388000000016b0000000576616c756"
                             "5000000000000006500000016073b80"
                             "5b01000000000000000fa0ffffffff000000000000000000000069000000166323000b010000000"
                             "0000000177000000000ffffffff";
const std::string three_v1_append_time = "00000000000000640000001c7c2ca4c201080000000000001e61000000016b00000"
                                         "00576616c756500000000000000650000001686fb32"
                                         "1801080000000000001e61ffffffff00000000000000000000006900000016c29d3"
                                         "26d01080000000000001e6100000000ffffffff";
const std::string three_v1_relative = "00000000000000000000001c0f14078a01000000000000001388000000016b00000005"
                                      "76616c7565000000000000000100000016073b80"
                                      "5b01000000000000000fa0ffffffff000000000000000000000005000000166323000b"
                                      "0100000000000000177000000000ffffffff";

} // namespace

TEST_CASE("legacy_builder: messages have the bytes that Python's struct packs") {
    legacy_builder v0({.magic = 0, .base_offset = 100, .append_time = 7777}),
        v1({.magic = 1, .base_offset = 100}), append({.magic = 1, .base_offset = 100, .append_time = 7777});
    append_three(v0);
    append_three(v1);
    append_three(append);
    CHECK(v1.size() == three_v1.size() / 2);
    CHECK(v1.record_count() == 3);
    CHECK(to_hex(std::move(v0).finish()) == three_v0);
    CHECK(to_hex(std::move(v1).finish()) == three_v1);
    CHECK(to_hex(std::move(append).finish()) == three_v1_append_time);
    CHECK(std::move(v1).finish().empty()); // NOLINT(bugprone-use-after-move): the builder is empty
}

TEST_CASE(
    "legacy_builder: sets of Kafka are reproduced byte for byte, wrappers apart from the compressed bytes") {
    every_codec codecs;
    std::size_t plain = 0, wrapped = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("batches") || line.as_object().contains("lenient")) return;
        const std::string sample(line.at("sample").as_string());
        CAPTURE(sample);
        const auto set = from_hex(line.at("hex").as_string());
        std::size_t index = 0;
        for (const auto entry : kwire::record_batches(set)) {
            if (!entry) break;
            const auto batch = *entry;
            const auto& expected = line.at("batches").as_array().at(index++);
            if (!batch.is_legacy() || !expected.at("crc_valid").as_bool()) continue;
            kwire::legacy_options options{.magic = batch.magic(),
                                          .base_offset = std::numeric_limits<std::int64_t>::min()};
            if (batch.timestamp_type() == kwire::timestamp_type::log_append_time)
                options.append_time = batch.max_timestamp();
            legacy_builder builder(options);
            for (const auto& record : expected.at("records").as_array())
                REQUIRE(builder.append(owned_record(record).to_write()));
            if (batch.compression() == kwire::compression_type::none) {
                CHECK(to_hex(std::move(builder).finish()) == kwire::test::to_hex(bytes_of(batch)));
                ++plain;
                continue;
            }
            // Other writers, brokers and compaction change wrappers: gaps before the first offset, timestamps
            // inside that no longer apply.
            if (sample.find("relative-offsets") != sample.npos || sample.ends_with("append-time") ||
                sample.ends_with("outer-offset-zero"))
                continue;
            const auto made = std::move(builder).finish(*codecs.set.find(batch.compression()));
            REQUIRE(made);
            const exact_bytes block(made->span());
            const auto wrapper = kwire::batch_at(block.span()).value();
            CHECK(bytes_of(wrapper).size() == block.span().size());
            CHECK(crc_matches(wrapper));
            CHECK(wrapper.magic() == batch.magic());
            CHECK(wrapper.attributes() == batch.attributes());
            CHECK(wrapper.base_offset() == batch.base_offset());
            CHECK(wrapper.max_timestamp() == batch.max_timestamp());
            const auto inside = kwire::decompress(wrapper, codecs.set, 1 << 20);
            const auto inside_theirs = kwire::decompress(batch, codecs.set, 1 << 20);
            REQUIRE(inside);
            REQUIRE(inside_theirs);
            CHECK(to_hex(*inside) == to_hex(*inside_theirs));
            ++wrapped;
        }
    });
    CHECK(plain == 120);
    CHECK(wrapped == 44);
}

TEST_CASE("legacy_builder: offsets inside a wrapper count from the first message in magic 1 only") {
    kwire::gzip_codec gzip;
    const kwire::codec_set codecs(gzip);
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) {
        legacy_builder builder({.magic = magic, .base_offset = 100});
        append_three(builder);
        const auto made = std::move(builder).finish(gzip);
        REQUIRE(made);
        const auto wrapper = kwire::batch_at(made->span()).value();
        CHECK(wrapper.base_offset() == 105);
        CHECK(wrapper.max_timestamp() == (magic == 0 ? -1 : 6000));
        const auto inside = kwire::decompress(wrapper, codecs, 1000);
        REQUIRE(inside);
        CHECK(to_hex(*inside) == (magic == 0 ? three_v0 : three_v1_relative));
        CHECK(builder.empty()); // NOLINT(bugprone-use-after-move)
    }
}

TEST_CASE("legacy_builder: a record that these formats cannot hold is refused and changes nothing") {
    legacy_builder builder({.magic = 1, .base_offset = 100, .max_bytes = 200});
    append_three(builder);
    const kwire::header_view header{.name = "h", .value = std::nullopt};
    const auto headers = builder.append({.headers = {&header, 1}});
    REQUIRE(!headers);
    CHECK(headers.error() == errc::field_not_in_version);
    CHECK(headers.error().path[0].field == "headers");
    CHECK(builder.append({.offset = 105}).error() == errc::bad_value);
    CHECK(builder.append({.offset = std::numeric_limits<std::int64_t>::max()}).error() == errc::bad_value);
    const std::vector<std::byte> large(59);
    CHECK(!builder.has_room_for({.value = large}));
    CHECK(builder.has_room_for({.value = std::span(large).first(58)}));
    const auto refused = builder.append({.value = large});
    REQUIRE(!refused);
    CHECK(refused.error() == errc::too_large);
    CHECK(refused.error().needed == 93);
    CHECK(refused.error().left == 92);

    kwire::zstd_codec zstd;
    CHECK(std::move(builder).finish(zstd).error() == errc::unsupported_compression);
    kwire::gzip_codec no_such_level(77);
    CHECK(std::move(builder).finish(no_such_level).error() ==
          errc::bad_value); // NOLINT(bugprone-use-after-move)
    CHECK(to_hex(std::move(builder).finish()) == three_v1);
    CHECK(support::aborts([] { const legacy_builder v2({.magic = 2}); }));
}

TEST_CASE(
    "legacy_builder: a wrapper above the bound is refused, and the uncompressed set can still be finished") {
    kwire::gzip_codec gzip;
    legacy_builder builder({.magic = 1, .max_bytes = 34});
    REQUIRE(builder.append({.offset = 3, .timestamp = 5}));
    const auto refused = std::move(builder).finish(gzip);
    REQUIRE(!refused);
    CHECK(refused.error() == errc::too_large);
    const auto plain = std::move(builder).finish(); // NOLINT(bugprone-use-after-move)
    CHECK(kwire::batch_at(plain.span())->base_offset() == 3);
    CHECK(std::move(builder).finish(gzip)->empty()); // NOLINT(bugprone-use-after-move)
}

TEST_CASE(
    "legacy_builder: negative offsets are refused in a wrapper of magic 1, whose readers would see others") {
    // Inside, offsets count from the first; but those in a wrapper with offset 0 are absolute, and a negative
    // one is below the last inside.
    kwire::gzip_codec gzip;
    const kwire::codec_set codecs(gzip);
    for (const std::int64_t last : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{7}}) {
        legacy_builder builder({.magic = 1, .base_offset = -5});
        REQUIRE(builder.append({.offset = -5}));
        REQUIRE(builder.append({.offset = last}));
        const auto refused = std::move(builder).finish(gzip);
        REQUIRE(!refused);
        CHECK(refused.error() == errc::bad_value);
        CHECK(refused.error().path[0].field == "offset");
        const auto plain = std::move(builder).finish(); // NOLINT(bugprone-use-after-move)
        CHECK(kwire::batch_at(plain.span())->base_offset() == -5);
    }
    legacy_builder absolute({.magic = 0, .base_offset = -5});
    REQUIRE(absolute.append({}));
    CHECK(std::move(absolute).finish(gzip));
}

TEST_CASE("legacy_builder: a moved-from builder starts empty") {
    legacy_builder from({.magic = 1, .base_offset = 100});
    append_three(from);
    legacy_builder to = std::move(from);
    CHECK(from.empty()); // NOLINT(bugprone-use-after-move)
    CHECK(from.size() == 0);
    append_three(from);
    CHECK(to_hex(std::move(from).finish()) == three_v1);
    from = std::move(to);
    CHECK(to.empty()); // NOLINT(bugprone-use-after-move)
    CHECK(to_hex(std::move(from).finish()) == three_v1);
}

TEST_CASE("legacy_builder: key and value that are too long together are refused without reading them") {
    // Spans longer than their memory: only their sizes may be used, whose sum exceeds 32 bits.
    static const std::byte one{};
    const std::byte* volatile unknown = &one; // without it the compiler would warn
    const std::span<const std::byte> claimed(unknown, 0x7ffffff0);
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) {
        legacy_builder builder({.magic = magic, .max_bytes = std::numeric_limits<std::size_t>::max()});
        CHECK_FALSE(builder.has_room_for({.key = claimed, .value = claimed}));
        const auto refused = builder.append({.key = claimed, .value = claimed});
        REQUIRE(!refused);
        CHECK(refused.error() == errc::too_large);
        CHECK(refused.error().needed > std::uint64_t{0xffffffe0});
        CHECK(builder.empty());
    }
}
