// needs: gzip snappy lz4 zstd
#include <kwire/records/crc.hpp>
#include <kwire/records/down_convert.hpp>

#include <boost/json.hpp>

#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/base64.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::compression_type;
using kwire::shared_buffer;
using kwire::test::every_codec;
using kwire::test::from_base64;
using kwire::test::from_hex;
using kwire::test::golden_count;
using kwire::test::golden_sets;
using kwire::test::to_hex;
using kwire::test::two_records;

namespace {

// Kafka's two records in the old formats, without their headers, written by Python's struct and zlib.
const std::string two_messages_v0 = "0000000000000000000000101fecd70a0000000000016b00000001760000000000000001"
                                    "0000000ea7ec68030000ffffffffffffffff";
const std::string two_messages_v1 = "000000000000000000000018e4e321bc010000000000000003e8000000016b0000000176"
                                    "0000000000000001000000169f7bddec010000000000000003ebffffffffffffffff";

struct plain_record {
    std::int64_t offset = 0, timestamp = 0;
    std::optional<std::string> key, value;
    friend bool operator==(const plain_record&, const plain_record&) = default;
};
std::optional<std::string> text(const std::optional<std::span<const std::byte>>& bytes) {
    if (!bytes) return std::nullopt;
    std::string text;
    for (const std::byte b : *bytes) text += static_cast<char>(b);
    return text;
}

/// All records of a set; fails if one of them or a checksum is wrong, or a format is newer than `magic`.
std::vector<plain_record> read(std::span<const std::byte> set, const kwire::codec_set& codecs,
                               std::int8_t magic) {
    std::vector<plain_record> found;
    const kwire::test::exact_bytes block(set);
    const auto batches = kwire::record_batches(block.span());
    for (const auto entry : batches) {
        if (!entry) break;
        const auto batch = *entry;
        CHECK(batch.magic() <= magic);
        const auto records = kwire::records(batch, codecs, 1 << 24);
        REQUIRE(records);
        for (const auto record : *records) {
            REQUIRE(record);
            found.push_back(
                {record->offset(), record->timestamp(), text(record->key()), text(record->value())});
        }
    }
    CHECK(batches.tail().left == 0);
    return found;
}

shared_buffer set_of(const std::string& hex) { return shared_buffer::copy_of(from_hex(hex)); }
std::string hex_of(const kwire::buffer_chain& chain) {
    const auto bytes = chain.to_bytes();
    return to_hex(bytes.span());
}

} // namespace

TEST_CASE("down_convert: records that Kafka wrote become the messages that another program writes") {
    const kwire::codec_set none;
    for (const auto& [magic, expected] :
         {std::pair{std::int8_t{0}, two_messages_v0}, {std::int8_t{1}, two_messages_v1}}) {
        const auto made = kwire::down_convert(set_of(two_records), {.magic = magic}, none);
        REQUIRE(made);
        CHECK(hex_of(made->records) == expected);
        CHECK(made->converted_batches == 1);
        CHECK(made->records_with_headers == 1);
    }
    CHECK(hex_of(kwire::down_convert(set_of(two_messages_v1), {.magic = 0}, none)->records) ==
          two_messages_v0);
}

TEST_CASE("down_convert: all sets of Kafka keep offsets, keys and values, and timestamps except in magic 0") {
    every_codec codecs;
    std::size_t sets = 0, converted = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view line_text) {
        const json::value line = json::parse({line_text.data(), line_text.size()});
        if (!line.as_object().contains("batches") || line.as_object().contains("lenient")) return;
        const std::string sample(line.at("sample").as_string());
        CAPTURE(sample);
        const auto set = shared_buffer::copy_of(from_hex(line.at("hex").as_string()));
        for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) {
            std::vector<plain_record> expected;
            std::uint32_t control = 0;
            bool valid = true;
            for (const auto& batch : line.at("batches").as_array()) {
                valid &= batch.at("crc_valid").as_bool();
                if (batch.at("magic").to_number<int>() == 2 && batch.at("is_control").as_bool()) {
                    ++control;
                    continue;
                }
                for (const auto& record : batch.at("records").as_array()) {
                    plain_record one{record.at("offset").to_number<std::int64_t>(),
                                     magic == 0 ? -1 : record.at("timestamp").to_number<std::int64_t>(),
                                     {},
                                     {}};
                    if (!record.at("key").is_null()) one.key = from_base64(record.at("key").as_string());
                    if (!record.at("value").is_null())
                        one.value = from_base64(record.at("value").as_string());
                    expected.push_back(std::move(one));
                }
            }
            if (!valid) return;
            const auto made = kwire::down_convert(
                set, {.magic = magic, .instead_of_zstd = compression_type::gzip}, codecs.set);
            if (!made) {
                const auto why = describe(made.error());
                FAIL(why.view());
            }
            const auto bytes = made->records.to_bytes();
            CHECK(read(bytes.span(), codecs.set, magic) == expected);
            CHECK(made->dropped_batches == control);
            converted += made->converted_batches;
            ++sets;
        }
    });
    CHECK(sets == 2 * (golden_count("record sets, valid") - 1)); // one has a wrong checksum
    CHECK(converted == 510);
}

TEST_CASE("down_convert: random batches keep what the old formats can hold, in every compression") {
    every_codec codecs;
    std::mt19937_64 random(17);
    const auto maybe_text = [&](std::size_t most) -> std::optional<std::string> {
        if (random() % 4 == 0) return std::nullopt;
        return std::string(random() % most, static_cast<char>(random() % 256));
    };
    const auto view = [](const std::optional<std::string>& s) {
        return s ? std::optional(std::as_bytes(std::span(*s))) : std::nullopt;
    };
    for (int round = 0; round < 300; ++round) {
        kwire::buffer_chain set;
        std::vector<plain_record> expected;
        std::int64_t next = static_cast<std::int64_t>(random() % 1000);
        const auto magic = static_cast<std::int8_t>(round % 2);
        std::uint64_t with_headers = 0;
        const auto replacement = static_cast<compression_type>(random() % 4);
        for (auto batches = random() % 4; batches != 0; --batches) {
            kwire::batch_options options{.base_offset = next, .producer_id = 3, .is_transactional = true};
            if (random() % 3 == 0) options.append_time = static_cast<std::int64_t>(random() >> 20);
            kwire::batch_builder builder(options);
            for (auto records = 1 + random() % 20; records != 0; --records) {
                plain_record one{next + static_cast<std::int64_t>(random() % 3),
                                 static_cast<std::int64_t>(random() >> 20), maybe_text(50), maybe_text(300)};
                const kwire::header_view header{"name", view(one.key)};
                const std::size_t headers = random() % 2;
                with_headers += headers;
                REQUIRE(builder.append({.offset = one.offset,
                                        .timestamp = one.timestamp,
                                        .key = view(one.key),
                                        .value = view(one.value),
                                        .headers = {&header, headers}}));
                next = one.offset + 1;
                one.timestamp = magic == 0 ? -1 : options.append_time.value_or(one.timestamp);
                expected.push_back(std::move(one));
            }
            const auto type = static_cast<compression_type>(random() % 5);
            if (type == compression_type::none)
                set.put(std::move(builder).finish());
            else
                set.put_bytes(std::move(builder).finish(*codecs.set.find(type)).value());
        }
        const auto made =
            kwire::down_convert(set.to_bytes(), {.magic = magic, .instead_of_zstd = replacement}, codecs.set);
        REQUIRE(made);
        CHECK(made->records_with_headers == with_headers);
        const auto bytes = made->records.to_bytes();
        CHECK(read(bytes.span(), codecs.set, magic) == expected);
        // And once more, from magic 1 to 0.
        for (auto& one : expected) one.timestamp = -1;
        const auto again = kwire::down_convert(bytes, {.magic = 0}, codecs.set);
        REQUIRE(again);
        const auto oldest = again->records.to_bytes();
        CHECK(read(oldest.span(), codecs.set, 0) == expected);
    }
}

TEST_CASE("down_convert: batches that are old enough are attached by reference") {
    const auto set = set_of(two_messages_v0 + two_messages_v1 + two_messages_v0);
    const auto before = kwire::copied_bytes();
    const auto made = kwire::down_convert(set, {.magic = 1}, {});
    CHECK(kwire::copied_bytes() == before);
    REQUIRE(made);
    REQUIRE(made->records.segment_count() == 1);
    CHECK(made->records.begin()->data() == set.data());
    CHECK(made->records.size() == set.size());
    CHECK(made->converted_batches == 0);
    CHECK(kwire::down_convert({}, {}, {})->records.empty());
}

TEST_CASE("down_convert: records before the first offset are dropped, except from compressed batches") {
    every_codec codecs;
    const auto batch = [&](bool compressed) {
        kwire::batch_builder builder({.base_offset = 10});
        for (int i = 0; i < 5; ++i) REQUIRE(builder.append({.timestamp = i}));
        return compressed ? std::move(builder).finish(codecs.lz4).value()
                          : std::move(builder).finish().to_bytes();
    };
    const auto read_from = [&](const shared_buffer& set, std::int64_t offset) {
        const auto made = kwire::down_convert(set, {.magic = 1, .first_offset = offset}, codecs.set);
        REQUIRE(made);
        CHECK(made->converted_batches == (made->records.empty() ? 0 : 1));
        const auto bytes = made->records.to_bytes();
        return read(bytes.span(), codecs.set, 1);
    };
    CHECK(read_from(batch(false), 13).size() == 2);
    CHECK(read_from(batch(false), 13).front().offset == 13);
    CHECK(read_from(batch(false), 15).empty());
    CHECK(read_from(batch(true), 13).size() == 5);
}

TEST_CASE("down_convert: an error names the batch that cannot be converted") {
    every_codec codecs;
    const std::byte value{7};
    kwire::batch_builder builder;
    REQUIRE(builder.append({.timestamp = 1, .value = {{&value, 1}}}));
    const auto zstd_batch = std::move(builder).finish(codecs.zstd).value();
    kwire::buffer_chain set = set_of(two_records);
    set.put_bytes(zstd_batch);
    const auto refusal = [&](const shared_buffer& records, const kwire::down_conversion& to,
                             const kwire::codec_set& with) {
        const auto made = kwire::down_convert(records, to, with);
        REQUIRE(!made);
        const auto text = describe(made.error());
        return std::string(name_of(made.error().code)) + ' ' +
               std::string(text.view().substr(0, text.view().find(':')));
    };
    CHECK(refusal(set.to_bytes(), {}, codecs.set) == "unsupported_compression batches[1].attributes");
    CHECK(refusal(zstd_batch, {.instead_of_zstd = compression_type::zstd}, codecs.set) ==
          "unsupported_compression batches[0].attributes");
    CHECK(refusal(zstd_batch, {.instead_of_zstd = compression_type::gzip}, kwire::codec_set(codecs.zstd)) ==
          "unsupported_compression batches[0].attributes");
    CHECK(refusal(zstd_batch, {.instead_of_zstd = compression_type::none}, kwire::codec_set(codecs.gzip)) ==
          "unsupported_compression batches[0].attributes");

    auto corrupt = from_hex(two_records + two_records);
    corrupt.back() ^= std::byte{1};
    CHECK(refusal(shared_buffer::copy_of(corrupt), {}, {}) == "crc_mismatch batches[1].crc");
    auto falling = from_hex(two_records);
    falling[73] = std::byte{0}; // the offset delta of the second record
    kwire::wire::store_be(&falling[17], kwire::crc32c(std::span(std::as_const(falling)).subspan(21)));
    CHECK(refusal(shared_buffer::copy_of(falling), {}, {}) == "bad_value batches[0].records[1].offset");
    CHECK(support::aborts([] { const auto never = kwire::down_convert({}, {.magic = 2}, {}); }));

    // A batch cut short at the end is usual in Fetch.
    const auto cut = kwire::down_convert(set_of(two_records + two_records.substr(0, 80)), {}, {});
    REQUIRE(cut);
    CHECK(hex_of(cut->records) == two_messages_v1);
}

TEST_CASE("down_convert: a small field of batches that become large stops at the bound for all of them") {
    every_codec codecs;
    constexpr std::int64_t batches = 8;
    constexpr std::size_t value_size = 100000, message = 34 + value_size;
    const std::vector<std::byte> value(value_size);
    for (const auto kept : {compression_type::none, compression_type::gzip})
        for (const std::int64_t alike : {std::int64_t{1}, batches}) { // batches that go into one piece
            kwire::buffer_chain field;
            for (std::int64_t i = 0; i != batches; ++i) {
                kwire::batch_builder builder({.base_offset = i, .append_time = i / alike});
                REQUIRE(builder.append({.timestamp = 1, .value = value}));
                field.put_bytes(std::move(builder).finish(codecs.zstd).value());
            }
            CHECK(field.size() < value_size / 50);
            const auto bytes = field.to_bytes();
            const auto convert = [&](std::size_t most) {
                return kwire::down_convert(bytes, {.instead_of_zstd = kept, .max_bytes = most}, codecs.set);
            };
            CHECK(convert(batches * message)->converted_batches == batches);
            for (const std::size_t fitting : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
                const auto refused = convert((fitting + 1) * message - 1);
                REQUIRE(!refused);
                CHECK(refused.error() == kwire::errc::too_large);
                CHECK(refused.error().path[0].index == static_cast<std::int64_t>(fitting));
            }
        }
}

TEST_CASE("down_convert: damaged sets are refused or converted to valid ones") {
    every_codec codecs;
    std::mt19937_64 random(23);
    std::vector<std::vector<std::byte>> sets;
    kwire::test::for_each_line(golden_sets, [&](std::string_view line_text) {
        const json::value line = json::parse({line_text.data(), line_text.size()});
        if (!line.as_object().contains("batches")) return;
        auto set = from_hex(line.at("hex").as_string());
        if (!set.empty() && set.size() < 2000) sets.push_back(std::move(set));
    });
    std::size_t taken = 0, refused = 0;
    for (int round = 0; round < 6000; ++round) {
        auto set = sets[random() % sets.size()];
        for (auto edits = 1 + random() % 3; edits != 0; --edits)
            set[random() % set.size()] =
                static_cast<std::byte>(random() % 3 == 0 ? random() % 256 : random() % 3);
        if (random() % 4 == 0) set.resize(random() % (set.size() + 1));
        // With matching checksums, or every error would be crc_mismatch.
        for (const auto entry : kwire::mutable_record_batches(set)) {
            if (!entry) break;
            const auto batch = *entry;
            auto bytes = writable_bytes_of(batch);
            if (batch_view(batch).is_legacy())
                kwire::wire::store_be(bytes.data() + 12, kwire::wire::crc32_ieee(bytes.subspan(16)));
            else
                kwire::wire::store_be(bytes.data() + 17, kwire::crc32c(bytes.subspan(21)));
        }
        // In a block of its exact size, so that reading past the end is detected.
        auto exact = std::make_unique<kwire::test::exact_bytes>(set);
        const auto all = exact->span();
        const auto input = shared_buffer::adopt(std::move(exact), all);
        const auto magic = static_cast<std::int8_t>(random() % 2);
        const auto made = kwire::down_convert(
            input, {.magic = magic, .instead_of_zstd = compression_type::none, .cap = 1 << 20}, codecs.set);
        if (!made) {
            ++refused;
            continue;
        }
        ++taken;
        if (made->converted_batches == 0) continue; // the rest is passed on as it is
        const auto bytes = made->records.to_bytes();
        for (const auto entry : kwire::record_batches(bytes.span())) {
            if (!entry) break;
            const auto batch = *entry;
            CHECK(batch.magic() <= magic);
            CHECK(crc_matches(batch));
        }
        CHECK(kwire::record_batches(bytes.span()).tail().left == 0);
    }
    CHECK(taken > 1000);
    CHECK(refused > 1000);
}

TEST_CASE("down_convert: batches whose offsets overlap are converted, as old clients wrote them") {
    const auto same = kwire::down_convert(set_of(two_records + two_records), {}, {});
    REQUIRE(same);
    CHECK(hex_of(same->records) == two_messages_v1 + two_messages_v1);
    CHECK(same->converted_batches == 2);
    const auto from_one = kwire::down_convert(set_of(two_records + two_records), {.first_offset = 1}, {});
    REQUIRE(from_one);
    CHECK(hex_of(from_one->records) == two_messages_v1.substr(72) + two_messages_v1.substr(72));
    const auto v0 = kwire::down_convert(set_of(two_records + two_records + two_records), {.magic = 0}, {});
    REQUIRE(v0);
    CHECK(hex_of(v0->records) == two_messages_v0 + two_messages_v0 + two_messages_v0);
}
