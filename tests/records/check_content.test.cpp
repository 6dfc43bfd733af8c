// needs: gzip snappy lz4 zstd
#include <kwire/records/builder.hpp>
#include <kwire/records/check_content.hpp>
#include <kwire/records/legacy_builder.hpp>

#include <boost/json.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/every_codec.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::check_batches;
using kwire::crc_policy;
using kwire::errc;
using kwire::error_code;
using namespace kwire::test;

namespace {

constexpr std::size_t cap = 64 << 20;

/// A batch of `records` with another header and other bytes of records, and the checksum that matches them.
template <class Edit>
std::vector<std::byte> batch_with(std::span<const std::byte> records, Edit edit) {
    std::vector<std::byte> bytes(from_hex(two_records));
    bytes.resize(61);
    bytes.insert(bytes.end(), records.begin(), records.end());
    auto& header = *kwire::overlay_writable<kwire::batch_header>(bytes).value();
    header.batch_length = static_cast<std::int32_t>(bytes.size() - 12);
    edit(header);
    header.crc = kwire::crc32c(std::span<const std::byte>(bytes).subspan(21));
    return bytes;
}
std::vector<std::byte> batch_with(const std::string& hex) {
    return batch_with(from_hex(hex), [](kwire::batch_header&) {});
}

kwire::error error_of(std::span<const std::byte> bytes, std::size_t limit = cap) {
    every_codec codecs;
    const auto summary = check_batches(bytes, codecs.set, limit);
    REQUIRE(!summary);
    return summary.error();
}

/// Records with a key of a byte, the deltas given, in wire form.
std::string records_at(const std::vector<int>& deltas) {
    std::string hex;
    for (const int delta : deltas) {
        const unsigned zigzag = static_cast<unsigned>(delta) << 1 ^ static_cast<unsigned>(delta >> 31);
        const auto byte = to_hex(std::vector<std::byte>{static_cast<std::byte>(zigzag)});
        hex += "0e0000" + byte + "026b0100";
    }
    return hex;
}

} // namespace

TEST_CASE("check_batches with codecs: accepts what Kafka's leader accepts, and refuses the rest") {
    every_codec codecs;
    kwire::unique_buffer scratch;
    std::size_t accepted = 0, mixed = 0;
    for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (line.as_object().contains("patch")) return;
        const std::string sample = line.at("sample").as_string().c_str();
        INFO(sample);
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        const auto headers = check_batches(block.span());
        const auto summary = check_batches(block.span(), codecs.set, cap, scratch);
        if (!headers) {
            REQUIRE(!summary);
            CHECK(summary.error() == headers.error().code);
            return;
        }
        if (line.as_object().contains("reject")) {
            CHECK(!summary);
            return;
        }
        if (sample.starts_with("lenient-")) {
            // Messages of two magics in one wrapper are for readers of old logs only; docs/records.md has the
            // rest.
            if (summary) return;
            if (sample.find("-wrapper-around-") != std::string::npos) {
                ++mixed;
                CHECK(summary.error() == errc::bad_value);
                CHECK(path_text(summary.error()).ends_with(".magic"));
            }
            return;
        }
        if (!summary) FAIL(path_text(summary.error()));
        ++accepted;
        CHECK(summary->batches == headers->batches);
        CHECK(summary->records == headers->records);
        CHECK(summary->any_gap == headers->any_gap);
    });
    CHECK(accepted > 100);
    CHECK(mixed == 6);
}

TEST_CASE("check_batches with codecs: garbage under a valid checksum is an invalid record") {
    const auto garbage = batch_with("ffffffffffffffffffffffffffffff");
    REQUIRE(check_batches(garbage));
    const auto e = error_of(garbage);
    CHECK(e == errc::bad_varint);
    CHECK(path_text(e) == "batches[0].records[0].length");
    CHECK(e.offset == 61);
    CHECK(kwire::produce_error(e) == error_code::invalid_record);
}

TEST_CASE("check_batches with codecs: a count that is not that of the records is refused") {
    const auto two = from_hex(two_records);
    const auto records = std::span<const std::byte>(two).subspan(61);
    for (const int count : {1, 3}) {
        const auto bytes = batch_with(records, [&](kwire::batch_header& h) {
            h.record_count = count;
            h.last_offset_delta = count - 1;
        });
        INFO(count);
        REQUIRE(check_batches(bytes));
        const auto e = error_of(bytes);
        CHECK(e == (count == 1 ? errc::trailing_bytes : errc::truncated));
        CHECK(kwire::produce_error(e) == error_code::invalid_record);
    }
}

TEST_CASE("check_batches with codecs: offsets rise, and none is beyond last_offset_delta") {
    const auto batch = [](const std::vector<int>& deltas, int last) {
        return batch_with(from_hex(records_at(deltas)), [&](kwire::batch_header& h) {
            h.record_count = static_cast<std::int32_t>(deltas.size());
            h.last_offset_delta = last;
            h.base_offset = 100;
        });
    };
    every_codec codecs;
    const auto accepts = [&](const std::vector<int>& deltas, int last) {
        const auto bytes = batch(deltas, last);
        return check_batches(bytes, codecs.set, cap).has_value();
    };
    CHECK(accepts({0, 1, 2}, 2));
    CHECK(accepts({0, 5, 7}, 9)); // as compaction leaves them
    CHECK_FALSE(accepts({0, 0, 2}, 2));
    CHECK_FALSE(accepts({1, 0, 2}, 2));
    CHECK_FALSE(accepts({-1, 0, 1}, 2));
    CHECK_FALSE(accepts({0, 1, 3}, 2));
    const auto e = error_of(batch({0, 1, 3}, 2));
    CHECK(e == errc::bad_value);
    CHECK(path_text(e) == "batches[0].records[2].offset_delta");
    CHECK(e.offset == 61 + 8 + 8 + 3);
    CHECK(kwire::produce_error(e) == error_code::invalid_record);

    // Two batches: the offset counts from the first byte of the field.
    auto both = batch({0, 1, 2}, 2);
    const auto good = both.size();
    const auto bad = batch({0, 0, 2}, 2);
    both.insert(both.end(), bad.begin(), bad.end());
    const auto second = error_of(both);
    CHECK(path_text(second) == "batches[1].records[1].offset_delta");
    CHECK(second.offset == good + 61 + 8 + 3);
}

TEST_CASE("check_batches with codecs: what does not decompress is refused, within the cap") {
    for (const int type : {1, 2, 3, 4}) {
        INFO(type);
        const auto bytes = batch_with(from_hex("00112233445566778899aabbccddeeff0011"),
                                      [&](auto& h) { h.attributes = static_cast<std::int16_t>(type); });
        REQUIRE(check_batches(bytes));
        CHECK(kwire::produce_error(error_of(bytes)) == error_code::invalid_record);
    }

    every_codec codecs;
    kwire::batch_builder builder({.max_bytes = 8 << 20});
    REQUIRE(builder.append({.value = std::vector<std::byte>(1 << 20)}));
    const auto bomb = std::move(builder).finish(codecs.gzip).value();
    REQUIRE(check_batches(bomb, codecs.set, 2 << 20));
    const auto e = error_of(bomb.span(), 4096);
    CHECK(e == errc::decompressed_too_large);
    CHECK(e.offset >= 61);
    CHECK(kwire::produce_error(e) == error_code::invalid_record);

    const kwire::codec_set none;
    const auto unknown = check_batches(bomb, none, cap);
    REQUIRE(!unknown);
    CHECK(kwire::produce_error(unknown.error()) == error_code::unsupported_compression_type);
}

TEST_CASE("check_batches with codecs: errors in decompressed records say so in their path") {
    every_codec codecs;
    for (kwire::codec* codec :
         {static_cast<kwire::codec*>(&codecs.gzip), static_cast<kwire::codec*>(&codecs.snappy),
          static_cast<kwire::codec*>(&codecs.lz4), static_cast<kwire::codec*>(&codecs.zstd)}) {
        const auto plain = from_hex(records_at({0, 2, 1}));
        const auto packed = codec->compress(plain).value();
        const auto bytes = batch_with(packed, [&](kwire::batch_header& h) {
            h.attributes = static_cast<std::int16_t>(codec->type());
            h.record_count = 3;
            h.last_offset_delta = 2;
        });
        const auto e = error_of(bytes);
        CHECK(path_text(e) == "batches[0].decompressed.records[2].offset_delta");
        CHECK(e.offset == 8 + 8 + 3);
    }
}

TEST_CASE("check_batches with codecs: a wrapper holds whole messages of its magic with valid checksums") {
    every_codec codecs;
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) {
        INFO(int{magic});
        const auto wrapper = [&](auto edit) {
            kwire::legacy_builder inner({.magic = magic});
            REQUIRE(inner.append({.timestamp = 5, .key = kwire::bytes_of_text("k")}));
            REQUIRE(inner.append({.timestamp = 7, .key = kwire::bytes_of_text("k")}));
            auto plain = std::move(inner).finish();
            auto bytes = *std::move(plain).try_into_unique();
            edit(bytes);
            kwire::legacy_builder outer({.magic = magic, .base_offset = 1});
            const auto packed = codecs.gzip.compress(std::as_const(bytes).span()).value();
            REQUIRE(outer.append({.timestamp = 7, .value = packed.span()}));
            auto whole = *std::move(outer).finish().try_into_unique();
            whole.span()[17] |= std::byte{1};
            kwire::wire::store_be(whole.data() + 12,
                                  kwire::wire::crc32_ieee(std::as_const(whole).span().subspan(16)));
            return std::move(whole).freeze();
        };
        const auto good = wrapper([](kwire::unique_buffer&) {});
        const auto summary = check_batches(good, codecs.set, cap);
        if (!summary) FAIL(path_text(summary.error()));
        CHECK(summary->max_timestamp == (magic == 0 ? -1 : 7));

        const std::size_t second = magic == 0 ? 27 : 35;
        const auto damaged = wrapper([&](kwire::unique_buffer& b) { b.span()[second + 13] ^= std::byte{1}; });
        CHECK(error_of(damaged.span()) == errc::crc_mismatch);
        CHECK(path_text(error_of(damaged.span())) == "batches[0].decompressed.records[1].crc");
        CHECK(error_of(damaged.span()).offset == second + 12);
        CHECK(kwire::produce_error(error_of(damaged.span())) == error_code::corrupt_message);
        CHECK(check_batches(damaged, codecs.set, cap, crc_policy::skip));

        const auto equal = wrapper([&](kwire::unique_buffer& b) { b.span()[second + 7] = std::byte{0}; });
        CHECK(error_of(equal.span()) == errc::bad_value);
        CHECK(path_text(error_of(equal.span())) == "batches[0].decompressed.records[1].offset");

        const auto cut = wrapper([&](kwire::unique_buffer& b) { b.truncate(b.size() - 1); });
        CHECK(error_of(cut.span()) == errc::truncated);
        CHECK(kwire::produce_error(error_of(cut.span())) == error_code::invalid_record);
    }
}

TEST_CASE("check_batches with codecs: the summary has the largest timestamp of the records") {
    every_codec codecs;
    const auto two = from_hex(two_records);
    const auto bytes = batch_with(std::span<const std::byte>(two).subspan(61),
                                  [](kwire::batch_header& h) { h.max_timestamp = 999999; });
    CHECK(check_batches(bytes)->max_timestamp == 999999);
    CHECK(check_batches(bytes, codecs.set, cap)->max_timestamp == 1003);
    const auto appended = batch_with(std::span<const std::byte>(two).subspan(61), [](kwire::batch_header& h) {
        h.attributes = 8;
        h.max_timestamp = 999999;
    });
    CHECK(check_batches(appended, codecs.set, cap)->max_timestamp == 999999);
}

TEST_CASE(
    "check_batches with codecs: uncompressed records cost no allocation, compressed ones reuse scratch") {
    if (!support::counts_allocations) return;
    every_codec codecs;
    kwire::unique_buffer scratch;
    const auto plain = from_hex(two_records);
    CHECK(support::allocations_of([&] {
              if (!check_batches(plain, codecs.set, cap, scratch)) std::abort();
          }) == 0);

    for (kwire::codec* codec :
         {static_cast<kwire::codec*>(&codecs.gzip), static_cast<kwire::codec*>(&codecs.snappy),
          static_cast<kwire::codec*>(&codecs.lz4), static_cast<kwire::codec*>(&codecs.zstd)}) {
        kwire::batch_builder builder;
        REQUIRE(builder.append({.value = std::vector<std::byte>(100000)}));
        const auto batch = std::move(builder).finish(*codec).value();
        REQUIRE(check_batches(batch, codecs.set, cap, scratch));
        CHECK(support::allocations_of([&] {
                  if (!check_batches(batch, codecs.set, cap, scratch)) std::abort();
              }) == 0);
    }
}

TEST_CASE("produce_error: each reason has the code that Kafka's leader answers with") {
    const auto code = [](std::span<const std::byte> bytes) { return kwire::produce_error(error_of(bytes)); };
    auto bytes = from_hex(two_records);
    const auto changed = [&](std::size_t at, int value) {
        auto copy = bytes;
        copy[at] = static_cast<std::byte>(value);
        return copy;
    };
    CHECK(code(changed(70, 0xee)) == error_code::corrupt_message);                       // the checksum
    CHECK(code(changed(16, 3)) == error_code::corrupt_message);                          // the magic
    CHECK(code(changed(11, 1)) == error_code::corrupt_message);                          // the length
    CHECK(code(std::span(bytes).first(bytes.size() - 1)) == error_code::invalid_record); // cut short
    CHECK(code(batch_with(from_hex(records_at({0, 1})), [](auto& h) { h.attributes = 5; })) ==
          error_code::unsupported_compression_type);
    CHECK(kwire::produce_error({.code = errc::out_of_memory}) == error_code::unknown_server_error);
}

TEST_CASE("check_batches with codecs: a records field that is null holds no batches") {
    every_codec codecs;
    std::optional<std::span<const std::byte>> field;
    CHECK(check_batches(field, codecs.set, cap)->batches == 0);
    const auto bytes = from_hex(two_records);
    field = bytes;
    CHECK(check_batches(field, codecs.set, cap)->batches == 1);
}

template <class T>
concept checks =
    requires(const kwire::codec_set& codecs) { check_batches(std::declval<T>(), codecs, std::size_t{1}); };
static_assert(checks<std::vector<std::byte>&> && checks<std::span<const std::byte>>);
static_assert(!checks<std::vector<std::byte>>, "the summary would refer to bytes that are gone");
