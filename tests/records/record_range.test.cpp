#include <kwire/records/record_range.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_json.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::golden_count;
using kwire::test::golden_sets;
using kwire::test::path_text;
using kwire::test::shown;
using kwire::test::two_records;

static_assert(std::forward_iterator<kwire::record_range::iterator>);
static_assert(std::forward_iterator<kwire::header_range::iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, kwire::record_range::iterator>);

namespace {

const std::string message_v1 = "000000000000000000000018e4e321bc010000000000000003e8000000016b0000000176";

template <class Edit>
std::optional<kwire::error> defect_after(std::vector<std::byte> bytes, Edit edit) {
    edit(bytes);
    kwire::wire::store_be(bytes.data() + 8, static_cast<std::int32_t>(bytes.size() - 12));
    const exact_bytes block(bytes);
    return kwire::record_range(kwire::batch_at(block.span()).value()).defect();
}

} // namespace

TEST_CASE("records: every uncompressed record that Kafka wrote is read to its content") {
    std::size_t batches = 0, records = 0, compressed = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("batches") || line.as_object().contains("lenient")) return;
        INFO(std::string(line.at("sample").as_string()));
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        std::size_t n = 0;
        for (const auto entry : kwire::record_batches(block.span())) {
            if (!entry) break;
            const auto batch = *entry;
            const auto& expected = line.at("batches").at(n++);
            const auto range = kwire::record_range(batch);
            if (batch.compression() != kwire::compression_type::none) {
                ++compressed;
                REQUIRE(range.begin() != range.end());
                const auto element = *range.begin();
                REQUIRE(!element);
                CHECK(element.error() == errc::unsupported_compression);
                CHECK(std::next(range.begin()) == range.end());
                REQUIRE(range.defect());
                CHECK(*range.defect() == errc::unsupported_compression);
                CHECK(range.defect()->offset == (batch.is_legacy() ? 17 : 21));
                continue;
            }
            ++batches;
            std::size_t i = 0;
            const auto& all = expected.at("records").as_array();
            for (const auto each : range) {
                if (!each) break;
                const auto record = *each;
                REQUIRE(i < all.size());
                json::object known = all[i++].as_object();
                known.erase("control");
                CHECK(json::serialize(shown(record)) == json::serialize(known));
                CHECK(record.headers().size() == known.at("headers").as_array().size());
                ++records;
            }
            CHECK(i == all.size());
            CHECK(!range.defect());
            CHECK(kwire::check_records(batch, kwire::crc_policy::skip) == i);
        }
    });
    CHECK(batches > 150);
    CHECK(records > 1000);
    CHECK(compressed > 100);
}

TEST_CASE("records: defects that Kafka refuses in an uncompressed batch are refused, and a few more") {
    std::size_t refused = 0, lenient = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        const bool taken = line.as_object().contains("lenient");
        if (!taken && (!line.as_object().contains("reject") || line.at("stage").as_string() != "records"))
            return;
        INFO(std::string(line.at("sample").as_string()));
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        bool any_defect = false;
        for (const auto entry : kwire::record_batches(block.span())) {
            if (!entry) break;
            const auto batch = *entry;
            const auto range = kwire::record_range(batch);
            for (const auto record : range)
                if (record) (void)shown(*record);
            any_defect |= range.defect().has_value();
            CHECK(kwire::check_records(batch, kwire::crc_policy::skip).has_value() == !range.defect());
        }
        CHECK(any_defect);
        ++(taken ? lenient : refused);
    });
    CHECK(refused == golden_count("record sets, refused at records"));
    CHECK(lenient == golden_count("record sets, lenient"));
}

TEST_CASE("records: keys, values and names are slices of the batch") {
    const exact_bytes block(from_hex(two_records));
    const auto batch = kwire::batch_at(block.span()).value();
    const auto range = kwire::record_range(batch);
    auto i = range.begin();
    auto first = **i;
    CHECK(first.key()->data() == block.begin() + 66);
    auto second = **std::next(i);
    CHECK(i == range.begin());
    CHECK(!second.key());
    REQUIRE(second.headers().size() == 2);
    for (auto header : second.headers()) {
        CHECK(reinterpret_cast<const std::byte*>(header.name.data()) > block.begin());
        CHECK(reinterpret_cast<const std::byte*>(header.name.data()) < block.end());
    }
    CHECK(std::next(i, 2) == range.end());
}

TEST_CASE("records: reading does not allocate") {
    const exact_bytes block(from_hex(two_records));
    std::size_t seen = 0;
    const auto allocations = support::allocations_of([&] {
        for (auto batch : kwire::record_batches(block.span()))
            for (const auto record : kwire::record_range(*batch))
                for (auto header : record->headers()) seen += header.name.size();
    });
    CHECK(seen == 2);
    CHECK(allocations == 0);
}

TEST_CASE("records: a defect has a code, an offset and a path") {
    const auto good = from_hex(two_records);
    const auto defect = [&](std::size_t at, unsigned value) {
        return defect_after(good, [&](auto& bytes) { bytes[at] = static_cast<std::byte>(value); });
    };
    REQUIRE(!defect(60, 2));
    struct row {
        std::size_t at;
        unsigned value;
        errc code;
        std::uint64_t offset;
        std::string path;
    };
    // 61: length, attributes, timestamp, offset, key length, k, value length, v, headers; 70: the second
    // likewise, with its headers at 76.
    const row rows[] = {
        {57, 1, errc::count_exceeds_input, 57, "record_count"},
        {57, 0xff, errc::bad_length, 57, "record_count"},
        {60, 0, errc::trailing_bytes, 61, ""},
        {60, 1, errc::trailing_bytes, 70, ""},
        {60, 3, errc::truncated, 84, "records[2].length"},
        {61, 1, errc::bad_length, 61, "records[0].length"},
        {61, 0, errc::truncated, 62, "records[0].attributes"},
        {61, 2, errc::truncated, 63, "records[0].timestamp_delta"},
        {61, 4, errc::truncated, 64, "records[0].offset_delta"},
        {61, 6, errc::truncated, 65, "records[0].key"},
        {61, 8, errc::truncated, 66, "records[0].key"},
        {61, 10, errc::truncated, 67, "records[0].value"},
        {61, 12, errc::truncated, 68, "records[0].value"},
        {61, 14, errc::truncated, 69, "records[0].headers"},
        {61, 0x7e, errc::truncated, 62, "records[0]"},
        {61, 0x12, errc::bad_record, 70, "records[0]"},
        {65, 3, errc::bad_length, 65, "records[0].key"},
        {65, 0x20, errc::truncated, 66, "records[0].key"},
        {67, 0x20, errc::truncated, 68, "records[0].value"},
        {69, 1, errc::bad_length, 69, "records[0].headers"},
        {69, 2, errc::count_exceeds_input, 69, "records[0].headers"},
        {76, 2, errc::bad_record, 81, "records[1]"},
        {77, 1, errc::null_not_allowed, 77, "records[1].headers[0].name"},
        {77, 3, errc::bad_length, 77, "records[1].headers[0].name"},
        {79, 3, errc::bad_length, 79, "records[1].headers[0].value"},
        {83, 2, errc::truncated, 84, "records[1].headers[1].value"},
        {83, 3, errc::bad_length, 83, "records[1].headers[1].value"},
    };
    for (const row& r : rows) {
        CAPTURE(r.at, r.value);
        const auto found = defect(r.at, r.value);
        REQUIRE(found);
        CHECK(name_of(found->code) == name_of(r.code));
        CHECK(found->offset == r.offset);
        CHECK(path_text(*found) == r.path);
    }
}

TEST_CASE("records: a varint with more bits than its type is refused at its offset") {
    const auto found = defect_after(from_hex(two_records), [](auto& bytes) {
        for (std::size_t at = 61; at < 65; ++at) bytes[at] = std::byte{0xff};
        bytes[65] = std::byte{0x1f};
    });
    REQUIRE(found);
    CHECK(*found == errc::bad_varint);
    CHECK(found->offset == 61);
    CHECK(path_text(*found) == "records[0].length");
}

TEST_CASE("records: a message of magic 1 is one record, and its lengths are checked") {
    const auto good = from_hex(message_v1);
    const exact_bytes block(good);
    const auto range = kwire::record_range(kwire::batch_at(block.span()).value());
    REQUIRE(std::distance(range.begin(), std::ranges::next(range.begin(), range.end())) == 1);
    const auto record = **range.begin();
    CHECK(record.timestamp() == 1000);
    CHECK(record.sequence() == -1);
    CHECK(record.headers().empty());
    const auto path_after = [&](std::size_t at, unsigned value) {
        const auto found =
            defect_after(good, [&](auto& bytes) { bytes[at] = static_cast<std::byte>(value); });
        REQUIRE(found);
        return std::string(name_of(found->code)) + " " + path_text(*found) + " " +
               std::to_string(found->offset);
    };
    CHECK(path_after(26, 0x80) == "bad_length records[0].key 26");
    CHECK(path_after(26, 0x7f) == "truncated records[0].key 30");
    CHECK(path_after(29, 0) == "truncated records[0].value 34");
    CHECK(path_after(34, 0) == "bad_record records[0] 35");
    CHECK(path_after(34, 9) == "truncated records[0].value 35");
    CHECK(path_after(17, 2) == "unsupported_compression attributes 17");
}

TEST_CASE("records: timestamps, offsets and sequences wrap instead of overflowing") {
    auto bytes = from_hex(two_records);
    auto& header = *kwire::overlay_writable<kwire::batch_header>(bytes).value();
    header.base_offset = std::numeric_limits<std::int64_t>::max();
    header.base_timestamp = std::numeric_limits<std::int64_t>::max();
    header.base_sequence = std::numeric_limits<std::int32_t>::max();
    const exact_bytes block(bytes);
    const auto range = kwire::record_range(kwire::batch_at(block.span()).value());
    const auto second = **std::next(range.begin());
    CHECK(second.offset() == std::numeric_limits<std::int64_t>::min());
    CHECK(second.timestamp() == std::numeric_limits<std::int64_t>::min() + 2);
    CHECK(second.sequence() == 0);
}

TEST_CASE("records: with log_append_time all records have the broker's timestamp") {
    auto bytes = from_hex(two_records);
    auto& header = *kwire::overlay_writable<kwire::batch_header>(bytes).value();
    header.attributes = 8;
    header.max_timestamp = 77;
    const exact_bytes block(bytes);
    for (const auto record : kwire::record_range(kwire::batch_at(block.span()).value()))
        CHECK(record->timestamp() == 77);
}

TEST_CASE("records: no cut or edit makes a reader go past the end, and all slices lie inside") {
    for (const auto& sound : {two_records, message_v1}) {
        const auto good = from_hex(sound);
        const auto read = [](std::span<const std::byte> bytes) {
            const exact_bytes block(bytes);
            const auto found = kwire::batch_at(block.span());
            if (!found) return; // not a valid batch: see batch.test.cpp
            const batch_view batch = *found;
            const auto range = kwire::record_range(batch);
            const auto inside = [&](std::span<const std::byte> part) {
                return part.empty() ||
                       (part.data() >= block.begin() && part.data() + part.size() <= block.end());
            };
            std::size_t n = 0;
            bool all_inside = true;
            for (const auto each : range) {
                if (!each) break;
                const auto record = *each;
                ++n;
                if (record.key()) all_inside &= inside(*record.key());
                if (record.value()) all_inside &= inside(*record.value());
                for (auto header : record.headers()) {
                    all_inside &= inside(std::as_bytes(std::span(header.name)));
                    if (header.value) all_inside &= inside(*header.value);
                }
            }
            CHECK(all_inside);
            const auto defect = range.defect();
            if (defect) CHECK(defect->offset <= bytes.size());
            const auto checked = kwire::check_records(batch, kwire::crc_policy::skip);
            if (checked) CHECK((*checked == n && !defect));
        };
        const std::size_t header = good[16] == std::byte{2} ? 61 : 26;
        for (std::size_t cut = header; cut <= good.size(); ++cut) {
            auto bytes = good;
            bytes.resize(cut);
            kwire::wire::store_be(bytes.data() + 8, static_cast<std::int32_t>(cut - 12));
            read(bytes);
        }
        for (std::size_t at = 17; at < good.size(); ++at)
            for (unsigned value = 0; value < 256; ++value) {
                auto bytes = good;
                bytes[at] = static_cast<std::byte>(value);
                read(bytes);
            }
    }
}

TEST_CASE("check_records: the checksum is compared first, as the policy requires") {
    auto bytes = from_hex(two_records);
    bytes.back() = std::byte{3};
    const auto batch = kwire::batch_at(bytes).value();
    const auto strict = kwire::check_records(batch);
    REQUIRE(!strict);
    CHECK(strict.error() == errc::crc_mismatch);
    const auto loose = kwire::check_records(batch, kwire::crc_policy::skip);
    REQUIRE(!loose);
    CHECK(loose.error() == errc::bad_length);
    const auto sound = from_hex(two_records);
    CHECK(kwire::check_records(kwire::batch_at(sound).value()) == 2U);
}

TEST_CASE("records: a defect is the last element of a loop, with the error that defect() has") {
    const auto good = from_hex(two_records);
    const auto batch_with_count = [&](std::int32_t count) {
        auto bytes = good;
        kwire::overlay_writable<kwire::batch_header>(bytes).value()->record_count = count;
        return bytes;
    };
    const std::vector<std::pair<std::int32_t, errc>> cases{
        {1, errc::trailing_bytes}, {0, errc::trailing_bytes}, {3, errc::truncated}, {-1, errc::bad_length}};
    for (const auto& [count, code] : cases) {
        INFO(count);
        const exact_bytes block(batch_with_count(count));
        const auto range = kwire::record_range(kwire::batch_at(block.span()).value());
        std::int32_t records = 0, defects = 0;
        for (auto record : range) {
            CHECK(defects == 0);
            if (record) {
                CHECK(record->offset() == records);
                CHECK(record.value().offset() == records);
                ++records;
                continue;
            }
            ++defects;
            CHECK(record.error() == code);
            CHECK(record.error().offset == range.defect()->offset);
            CHECK(record.error().depth == range.defect()->depth);
        }
        CHECK(records == std::min(std::max(count, 0), 2));
        CHECK(defects == 1);
    }
    const exact_bytes block(batch_with_count(0));
    const auto first = *kwire::record_range(kwire::batch_at(block.span()).value()).begin();
    CHECK(support::aborts([&] { (void)*first; }));
    CHECK(support::aborts([&] { (void)first->key(); }));
}
