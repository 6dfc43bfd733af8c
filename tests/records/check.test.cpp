#include <kwire/records/check.hpp>

#include <boost/json.hpp>

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::check_batches;
using kwire::crc_policy;
using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::golden_count;
using kwire::test::golden_sets;
using kwire::test::path_text;
using kwire::test::two_records;

namespace {

std::string text_of(const kwire::error& e) {
    const auto text = describe(e);
    return std::string(text.view());
}

/// A batch with changed header fields and the checksum that matches them.
template <class Edit>
exact_bytes edited(std::span<const std::byte> batch, Edit edit) {
    exact_bytes block(batch);
    auto& header = *kwire::overlay_writable<kwire::batch_header>(block.writable()).value();
    edit(header);
    header.crc = kwire::crc32c(block.span().subspan(21));
    return block;
}

} // namespace

TEST_CASE("check_batches: accepts all that Kafka accepts, except cut tails and checksums that Kafka did not "
          "verify") {
    std::size_t sets = 0, cut = 0, corrupt = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (line.as_object().contains("reject") || line.as_object().contains("patch")) return;
        INFO(std::string(line.at("sample").as_string()));
        ++sets;
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        bool all_valid = true;
        std::uint64_t records = 0;
        for (const auto& batch : line.at("batches").as_array()) {
            all_valid &= batch.at("crc_valid").as_bool();
            if (const auto* count = batch.as_object().if_contains("count"))
                records += count->to_number<std::uint64_t>();
        }
        const auto summary = check_batches(block.span());
        if (!all_valid) {
            ++corrupt;
            REQUIRE(!summary);
            CHECK(summary.error() == errc::crc_mismatch);
            CHECK(check_batches(block.span(), crc_policy::skip));
        } else if (line.at("truncated_tail").to_number<std::uint64_t>() != 0) {
            ++cut;
            REQUIRE(!summary);
            CHECK(summary.error() == errc::truncated);
            CHECK(summary.error().left == line.at("truncated_tail").to_number<std::uint64_t>());
        } else {
            if (!summary) FAIL(text_of(summary.error()));
            CHECK(summary->batches == line.at("batches").as_array().size());
            CHECK(summary->records == records);
        }
    });
    CHECK(sets == golden_count("record sets, valid") + golden_count("record sets, lenient"));
    CHECK(cut == 22);
    CHECK(corrupt == 1);
}

TEST_CASE("check_batches: refuses what Kafka refuses when it splits a set or checks a batch") {
    std::size_t refused = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("reject") || line.at("stage").as_string() == "records") return;
        INFO(std::string(line.at("sample").as_string()));
        ++refused;
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        const auto summary = check_batches(block.span());
        REQUIRE(!summary);
        const std::string_view reason = line.at("reject").as_string();
        CHECK(summary.error() == (reason == "crc"     ? errc::crc_mismatch
                                  : reason == "magic" ? errc::unknown_magic
                                                      : errc::bad_batch_length));
        CHECK(summary.error().path[0].field == "batches");
    });
    CHECK(refused ==
          golden_count("record sets, refused at batches") + golden_count("record sets, refused at crc"));
}

TEST_CASE("check_batches: every flipped bit after the length is refused") {
    const auto good = from_hex(two_records);
    for (std::size_t bit = 17 * 8; bit < good.size() * 8; ++bit) {
        exact_bytes block(good);
        block.writable()[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
        const auto summary = check_batches(block.span());
        REQUIRE(!summary);
        CHECK(summary.error() == errc::crc_mismatch);
        CHECK(summary.error().offset == 17);
        CHECK(path_text(summary.error()) == "batches[0].crc");
    }
}

TEST_CASE("check_batches: an error names the batch, the field and the offset") {
    auto bytes = from_hex(two_records + two_records + two_records);
    bytes[84 * 2 + 80] ^= std::byte{1};
    const auto summary = check_batches(bytes);
    REQUIRE(!summary);
    CHECK(path_text(summary.error()) == "batches[2].crc");
    CHECK(summary.error().offset == 84 * 2 + 17);
    const auto cut = check_batches(std::span(bytes).first(100));
    REQUIRE(!cut);
    CHECK(path_text(cut.error()) == "batches[1]");
    CHECK(cut.error() == errc::truncated);
    CHECK(cut.error().offset == 84);
    CHECK(cut.error().needed == 17); // 16 bytes are there, one more tells how many it takes
    CHECK(cut.error().left == 16);
}

TEST_CASE("check_batches: impossible counts and offsets are refused even if the checksum matches") {
    const auto good = from_hex(two_records);
    const auto code = [&](auto edit) {
        const auto block = edited(good, edit);
        const auto summary = check_batches(block.span());
        return summary ? std::optional<errc>() : summary.error().code;
    };
    using header = kwire::batch_header;
    CHECK(!code([](header&) {}));
    CHECK(code([](header& h) { h.record_count = -1; }) == errc::bad_length);
    CHECK(code([](header& h) { h.record_count = std::numeric_limits<std::int32_t>::max(); }) ==
          errc::count_exceeds_input);
    CHECK(code([](header& h) { h.record_count = 4; }) ==
          errc::count_exceeds_input); // 23 bytes hold three at most
    CHECK(!code([](header& h) { h.record_count = 3; }));
    CHECK(!code([](header& h) { // compressed, the bytes tell nothing about the count
        h.record_count = 4;
        h.attributes = 1;
    }));
    for (std::int16_t codec = 5; codec <= 7; ++codec)
        CHECK(code([&](header& h) { h.attributes = codec; }) == errc::unsupported_compression);
    CHECK(code([](header& h) { h.last_offset_delta = -1; }) == errc::bad_value);
    CHECK(code([](header& h) { h.base_offset = std::numeric_limits<std::int64_t>::max(); }) ==
          errc::bad_value);
    CHECK(!code([](header& h) { h.base_offset = std::numeric_limits<std::int64_t>::max() - 1; }));
}

TEST_CASE("check_batches: the summary has what a broker needs next") {
    const auto good = from_hex(two_records);
    const auto second = edited(good, [](kwire::batch_header& h) {
        h.base_offset = 2;
        h.attributes = 0x10 | 0x20 | 3;
        h.max_timestamp = 999;
    });
    std::vector<std::byte> bytes(good);
    bytes.insert(bytes.end(), second.begin(), second.end());
    const auto summary = check_batches(bytes);
    REQUIRE(summary);
    CHECK(summary->batches == 2);
    CHECK(summary->records == 4);
    CHECK(bytes_of(summary->first).data() == bytes.data());
    CHECK(bytes_of(summary->first).size() == good.size());
    CHECK(summary->first_offset == 0);
    CHECK(summary->last_offset == 3);
    CHECK(summary->max_timestamp == 1003);
    CHECK(summary->lowest_magic == 2);
    CHECK(summary->any_control);
    CHECK(summary->any_transactional);
    CHECK(summary->any_compressed);
    CHECK_FALSE(summary->any_gap);
    for (const std::int32_t delta : {0, 2, std::numeric_limits<std::int32_t>::max()}) {
        const auto gap = edited(good, [&](kwire::batch_header& h) { h.last_offset_delta = delta; });
        CHECK(check_batches(gap)->any_gap);
    }

    const auto none = check_batches({});
    REQUIRE(none);
    CHECK(none->batches == 0);
    CHECK(none->last_offset < none->first_offset);
}

TEST_CASE("check_batches: the summary is of all batches, not of the last one") {
    auto bytes = from_hex(kwire::test::two_messages_v0 + two_records + two_records);
    const std::size_t second = kwire::test::two_messages_v0.size() / 2;
    bytes[second + 26] = std::byte{5}; // the last offset delta of a batch of two records
    const auto summary = check_batches(bytes, kwire::crc_policy::skip);
    REQUIRE(summary);
    CHECK(summary->batches == 4);
    CHECK(summary->lowest_magic == 0);
    CHECK(summary->any_gap);
}

TEST_CASE("check_batches: a records field that is null holds no batches") {
    std::optional<std::span<const std::byte>> field;
    const auto none = check_batches(field);
    REQUIRE(none);
    CHECK(none->batches == 0);
    const auto bytes = from_hex(two_records);
    field = bytes;
    CHECK(check_batches(field)->batches == 1);
    field = field->first(field->size() - 1);
    CHECK(check_batches(field).error() == errc::truncated);
}

template <class T>
concept checks = requires { check_batches(std::declval<T>()); };
static_assert(checks<std::vector<std::byte>&> && checks<std::span<const std::byte>>);
static_assert(!checks<std::vector<std::byte>>, "the summary would refer to bytes that are gone");

TEST_CASE("check_batches: zstd and unassigned compressions are refused in messages of magic 0 and 1") {
    for (const std::string& hex :
         {kwire::test::two_messages_v0.substr(0, 56), kwire::test::two_messages_v1.substr(0, 72)})
        for (const int attributes : {4, 5, 7}) {
            auto bytes = from_hex(hex);
            REQUIRE(check_batches(bytes, crc_policy::skip));
            bytes[17] = static_cast<std::byte>(attributes);
            const auto refused = check_batches(bytes, crc_policy::skip);
            REQUIRE(!refused);
            CHECK(refused.error() == errc::unsupported_compression);
            CHECK(refused.error().offset == 17);
            CHECK(path_text(refused.error()) == "batches[0].attributes");
        }
}
