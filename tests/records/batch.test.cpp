#include <kwire/records/batch.hpp>
#include <kwire/records/crc.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/bytes.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::errc;
using kwire::record_batches;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::golden_count;
using kwire::test::golden_sets;
using kwire::test::path_text;
using kwire::test::to_hex;
using kwire::test::two_messages_v0;
using kwire::test::two_messages_v1;
using kwire::test::two_records;

namespace {

// More bytes that Kafka's own classes wrote.
const std::string commit_marker =
    "00000000000000070000004200000002022f182b2700300000000000000000000003e80000000000"
    "0003e8000000000000002a0003ffffffff000000012000000008000000010c00000000000900";
const std::string empty_batch =
    "00000000000000640000003100000007021655aa80000000000004ffffffffffffffff000000000000"
    "03eb000000000000002a00030000000a00000000";

std::vector<batch_view> all_in(std::span<const std::byte> bytes) {
    std::vector<batch_view> found;
    for (auto batch : record_batches(bytes))
        if (batch) found.push_back(*batch);
    return found;
}

template <class T>
T number(const json::value& object, const char* key) {
    return object.at(key).to_number<T>();
}

/// Compares every header field of the line with the view.
void compare(batch_view batch, const json::value& expected) {
    CHECK(batch.base_offset() == number<std::int64_t>(expected, "base_offset"));
    CHECK(batch.batch_length() == number<std::int32_t>(expected, "batch_length"));
    CHECK(batch.magic() == number<std::int8_t>(expected, "magic"));
    CHECK(batch.crc() == number<std::uint32_t>(expected, "crc"));
    CHECK(crc_matches(batch) == expected.at("crc_valid").as_bool());
    CHECK(batch.attributes() == number<std::int16_t>(expected, "attributes"));
    CHECK(name_of(batch.compression()) == expected.at("compression").as_string());
    CHECK(name_of(batch.timestamp_type()) == expected.at("timestamp_type").as_string());
    CHECK(batch.max_timestamp() == number<std::int64_t>(expected, "max_timestamp"));
    CHECK(bytes_of(batch).size() == static_cast<std::size_t>(batch.batch_length()) + 12);
    CHECK(batch.last_offset() == number<std::int64_t>(expected, "last_offset"));
    if (batch.is_legacy()) {
        CHECK(batch.header() == nullptr);
        CHECK(batch.producer_id() == -1);
        CHECK(batch.partition_leader_epoch() == -1);
        CHECK(records_bytes(batch).empty());
        return;
    }
    CHECK(batch.partition_leader_epoch() == number<std::int32_t>(expected, "partition_leader_epoch"));
    CHECK(batch.is_transactional() == expected.at("is_transactional").as_bool());
    CHECK(batch.is_control() == expected.at("is_control").as_bool());
    if (expected.at("delete_horizon").is_null())
        CHECK(!batch.delete_horizon());
    else
        CHECK(batch.delete_horizon() == number<std::int64_t>(expected, "delete_horizon"));
    CHECK(batch.producer_id() == number<std::int64_t>(expected, "producer_id"));
    CHECK(batch.producer_epoch() == number<std::int16_t>(expected, "producer_epoch"));
    CHECK(batch.base_sequence() == number<std::int32_t>(expected, "base_sequence"));
    CHECK(batch.last_sequence() == number<std::int32_t>(expected, "last_sequence"));

    const auto* header = batch.header();
    REQUIRE(header != nullptr);
    CHECK(header->last_offset_delta == number<std::int32_t>(expected, "last_offset_delta"));
    CHECK(header->base_timestamp == number<std::int64_t>(expected, "base_timestamp"));
    CHECK(header->record_count == number<std::int32_t>(expected, "count"));
    CHECK(records_bytes(batch).size() == bytes_of(batch).size() - 61);
}

} // namespace

TEST_CASE("batches: headers and boundaries are right in every record set that Kafka wrote") {
    std::size_t sets = 0, batches = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (line.as_object().contains("reject") || line.as_object().contains("patch")) return;
        INFO(std::string(line.at("sample").as_string()));
        ++sets;
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        const auto range = record_batches(block.span());
        const auto& expected = line.at("batches").as_array();

        std::size_t at = 0, n = 0;
        for (const auto entry : range) {
            if (!entry) break;
            const auto batch = *entry;
            REQUIRE(n < expected.size());
            CHECK(bytes_of(batch).data() == block.begin() + at);
            compare(batch, expected[n]);
            at += bytes_of(batch).size();
            ++n;
            ++batches;
        }
        CHECK(n == expected.size());
        const auto tail = range.tail();
        CHECK(!tail.defect);
        CHECK(tail.offset == at);
        CHECK(tail.left == number<std::uint64_t>(line, "truncated_tail"));
        CHECK(tail.truncated() == (tail.left != 0));
    });
    CHECK(sets == golden_count("record sets, valid") + golden_count("record sets, lenient"));
    CHECK(batches == 423);
}

TEST_CASE("batches: a loop over a set that Kafka cannot split ends at the defect") {
    std::size_t refused = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("reject") || line.at("stage").as_string() != "batches") return;
        INFO(std::string(line.at("sample").as_string()));
        ++refused;
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        const auto tail = record_batches(block.span()).tail();
        REQUIRE(tail.defect);
        CHECK(tail.defect->code ==
              (line.at("reject").as_string() == "magic" ? errc::unknown_magic : errc::bad_batch_length));
        CHECK(!tail.truncated());
        CHECK(tail.left == block.span().size() - tail.offset);
    });
    CHECK(refused == golden_count("record sets, refused at batches"));
}

TEST_CASE("batches: offset and epoch are set in place, with the same bytes as by Kafka") {
    std::size_t patched = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("patch")) return;
        const auto& patch = line.at("patch").as_object();
        for (const auto& change : patch)
            if (change.key() != "base_offset" && change.key() != "partition_leader_epoch") return;
        INFO(std::string(line.at("sample").as_string()));
        ++patched;
        exact_bytes block(from_hex(line.at("hex").as_string()));
        const auto batch = kwire::mutable_batch_at(block.writable());
        REQUIRE(batch);
        if (const auto* offset = patch.if_contains("base_offset"))
            batch->set_base_offset(offset->to_number<std::int64_t>());
        if (const auto* epoch = patch.if_contains("partition_leader_epoch"))
            batch->set_partition_leader_epoch(epoch->to_number<std::int32_t>());
        CHECK(to_hex(block.span()) == std::string_view(line.at("expect_hex").as_string()));
        CHECK(crc_matches(*batch));
    });
    CHECK(patched == 86);
}

TEST_CASE("batches: the accessors give what Kafka's vector means") {
    const exact_bytes block(from_hex(commit_marker));
    const auto batch = kwire::batch_at(block.span());
    REQUIRE(batch);
    CHECK(batch->base_offset() == 7);
    CHECK(batch->last_offset() == 7);
    CHECK(batch->next_offset() == 8);
    CHECK(batch->partition_leader_epoch() == 2);
    CHECK(batch->is_control());
    CHECK(batch->is_transactional());
    CHECK(batch->producer_id() == 42);
    CHECK(batch->producer_epoch() == 3);
    CHECK(batch->base_sequence() == -1);
    CHECK(batch->last_sequence() == -1);
    CHECK(batch->header()->record_count == 1);
    CHECK(records_bytes(*batch).size() == 17);
    CHECK(crc_matches(*batch));
    CHECK(kwire::as_bytes(*batch->header()).data() == block.begin());
}

TEST_CASE("batches: a batch without records still advances the offset") {
    const exact_bytes block(from_hex(empty_batch));
    const auto batch = kwire::batch_at(block.span());
    REQUIRE(batch);
    CHECK(batch->next_offset() == 105);
    CHECK(batch->header()->record_count == 0);
    CHECK(records_bytes(*batch).empty());
    CHECK(batch->last_sequence() == 14);
}

TEST_CASE("batches: formats may be mixed in one field") {
    const exact_bytes block(from_hex(two_messages_v0 + two_messages_v1 + two_records + empty_batch));
    const auto found = all_in(block.span());
    REQUIRE(found.size() == 6);
    const std::int8_t magics[] = {0, 0, 1, 1, 2, 2};
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].magic() == magics[i]);
        CHECK(crc_matches(found[i]));
    }
    CHECK(found[1].base_offset() == 1);
    CHECK(found[1].max_timestamp() == -1);
    CHECK(found[2].max_timestamp() == 1000);
    CHECK(found[3].last_offset() == 1);
    CHECK(bytes_of(found[5]).data() + bytes_of(found[5]).size() == block.end());
}

TEST_CASE("batches: after a cut at any byte the whole batches are read, and the tail tells what is missing") {
    const auto bytes = from_hex(two_records + two_messages_v1 + commit_marker);
    std::vector<std::size_t> ends{0};
    for (auto batch : record_batches(bytes)) ends.push_back(ends.back() + bytes_of(*batch).size());
    REQUIRE(ends.size() == 5);

    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        const exact_bytes block{std::span(bytes).first(cut)};
        const auto next = std::ranges::upper_bound(ends, cut);
        const std::size_t whole = static_cast<std::size_t>(next - ends.begin()) - 1;
        const auto range = record_batches(block.span());
        CHECK(static_cast<std::size_t>(
                  std::distance(range.begin(), std::ranges::next(range.begin(), range.end()))) == whole);
        const auto tail = range.tail();
        CHECK(!tail.defect);
        CHECK(tail.offset == ends[whole]);
        CHECK(tail.left == cut - ends[whole]);
        const auto refusal = tail.refusal();
        REQUIRE(refusal.has_value() == (tail.left != 0));
        if (refusal) {
            CHECK(*refusal == errc::truncated);
            CHECK(refusal->offset == tail.offset);
            CHECK(refusal->left == tail.left);
            CHECK(refusal->needed == tail.left + tail.missing);
        }
        if (tail.left == 0) {
            CHECK(tail.missing == 0);
        } else if (tail.left < 17) {
            CHECK(tail.missing == 17 - tail.left);
            CHECK(tail.missing <= *next - cut);
        } else {
            CHECK(tail.missing == *next - cut);
        }
        if (whole == 0 && cut != 0) {
            const auto first = kwire::batch_at(block.span());
            REQUIRE(!first);
            CHECK(first.error() == errc::truncated);
            CHECK(first.error().left == cut);
            CHECK(first.error().needed == cut + tail.missing);
        }
    }
}

TEST_CASE("batches: a length that is too small for every format is refused even without the magic byte") {
    // 12 to 16 bytes: offset and length, not yet the magic at 16.
    for (std::size_t size = 12; size < 17; ++size)
        for (const std::int32_t length : {-1, 0, 13, 14, 49}) {
            CAPTURE(size, length);
            exact_bytes block(std::vector<std::byte>(size, std::byte{0}));
            kwire::wire::store_be(block.writable().data() + 8, length);
            const auto batch = kwire::batch_at(block.span());
            REQUIRE(!batch);
            CHECK(batch.error() == (length < 14 ? errc::bad_batch_length : errc::truncated));
            CHECK(kwire::record_batches(block.span()).tail().truncated() == (length >= 14));
        }
}

TEST_CASE("batches: a length that is too small for its format is refused if the entry is whole") {
    for (std::size_t size = 17; size <= 60; ++size) {
        CAPTURE(size);
        exact_bytes block(std::vector<std::byte>(size, std::byte{0}));
        kwire::wire::store_be(block.writable().data() + 8, std::int32_t{30});
        block.writable()[16] = std::byte{2}; // magic 2, which requires a length of 49
        const auto batch = kwire::batch_at(block.span());
        REQUIRE(!batch);
        CHECK(batch.error() == (size < 42 ? errc::truncated : errc::bad_batch_length));
    }
}

TEST_CASE("batches: no length makes a reader go past the end") {
    for (const std::string& sound : {two_records, two_messages_v0, two_messages_v1}) {
        const auto good = from_hex(sound);
        const int least = good[16] == std::byte{2} ? 49 : good[16] == std::byte{1} ? 22 : 14;
        std::vector<std::int32_t> lies;
        for (int bit = 0; bit < 32; ++bit)
            for (int near = -13; near <= 13; ++near)
                lies.push_back(static_cast<std::int32_t>((1u << bit) + static_cast<unsigned>(near)));
        for (int near = 0; near < 200; ++near) lies.push_back(near);
        for (const std::int32_t lie : lies) {
            CAPTURE(lie);
            exact_bytes block(good);
            kwire::wire::store_be(block.writable().data() + 8, lie);
            const auto batch = kwire::batch_at(block.span());
            if (lie < least) {
                REQUIRE(!batch);
                CHECK(batch.error() == errc::bad_batch_length);
                CHECK(batch.error().offset == 8);
                CHECK(path_text(batch.error()) == "batch_length");
            } else if (static_cast<std::uint64_t>(lie) + 12 > good.size()) {
                REQUIRE(!batch);
                CHECK(batch.error() == errc::truncated);
                CHECK(batch.error().needed == static_cast<std::uint64_t>(lie) + 12);
            } else {
                REQUIRE(batch);
                CHECK(bytes_of(*batch).size() == static_cast<std::size_t>(lie) + 12);
                (void)crc_matches(*batch);
                (void)batch->max_timestamp();
                (void)batch->last_sequence();
            }
        }
    }
}

TEST_CASE("batches: any magic but 0, 1 and 2 is refused") {
    const auto good = from_hex(two_records);
    for (unsigned magic = 0; magic < 256; ++magic) {
        exact_bytes block(good);
        block.writable()[16] = static_cast<std::byte>(magic);
        const auto batch = kwire::batch_at(block.span());
        CAPTURE(magic);
        CHECK(batch.has_value() == (magic <= 2));
        if (batch) continue;
        CHECK(batch.error() == errc::unknown_magic);
        CHECK(batch.error().offset == 16);
        const auto range = record_batches(block.span());
        REQUIRE(!range.empty());
        const auto element = *range.begin();
        REQUIRE(!element);
        CHECK(element.error() == errc::unknown_magic);
        CHECK(element.error().offset == 16);
        CHECK(std::next(range.begin()) == range.end());
    }
}

TEST_CASE("batches: a defect is the last element of a loop, and a batch that is cut short is none") {
    auto bytes = from_hex(two_records);
    const auto size = bytes.size();
    bytes.resize(size + 200); // a header of zeros, as a hole in a file leaves it
    const exact_bytes block(bytes);
    std::size_t batches = 0, defects = 0;
    for (auto batch : record_batches(block.span())) {
        CHECK(defects == 0);
        CHECK(batch.offset() == (batches == 0 ? 0 : size));
        if (batch) {
            CHECK(batch->record_count() == 2);
            CHECK(bytes_of(batch.value()).size() == size);
            ++batches;
        } else {
            CHECK(batch.error() == errc::bad_batch_length);
            CHECK(batch.error().offset == size + 8);
            ++defects;
        }
    }
    CHECK(batches == 1);
    CHECK(defects == 1);
    const auto range = record_batches(block.span());
    CHECK(std::ranges::next(range.begin()) != std::ranges::next(range.begin(), range.end()));
    CHECK(range.tail().defect->offset == size + 8);

    for (const std::size_t cut : {size + 1, size + 11, size - 1}) {
        auto whole = from_hex(two_records + two_records);
        const exact_bytes cut_short{std::span(whole).first(cut)};
        for (auto batch : record_batches(cut_short.span())) CHECK(batch);
        CHECK(record_batches(cut_short.span()).tail().truncated());
    }
    const exact_bytes zeros{std::vector<std::byte>(100)};
    const auto none = *record_batches(zeros.span()).begin();
    CHECK(support::aborts([&] { (void)*none; }));
    CHECK(support::aborts([&] { (void)none->magic(); }));
}

TEST_CASE("batches: each of the 65536 values of the attributes is read correctly") {
    exact_bytes block(from_hex(two_records));
    auto& header = *kwire::overlay_writable<kwire::batch_header>(block.writable()).value();
    const auto batch = kwire::batch_at(block.span()).value();
    bool all_right = true;
    for (unsigned bits = 0; bits < 65536; ++bits) {
        header.attributes = static_cast<std::int16_t>(bits);
        all_right &=
            static_cast<std::uint16_t>(batch.attributes()) == bits &&
            static_cast<unsigned>(batch.compression()) == (bits & 7) &&
            (batch.timestamp_type() == kwire::timestamp_type::log_append_time) == ((bits & 8) != 0) &&
            batch.is_transactional() == ((bits & 16) != 0) && batch.is_control() == ((bits & 32) != 0) &&
            batch.delete_horizon().has_value() == ((bits & 64) != 0);
    }
    CHECK(all_right);
    CHECK(name_of(static_cast<kwire::compression_type>(5)) == "unknown");
}

TEST_CASE("batches: offsets and sequences wrap instead of overflowing") {
    exact_bytes block(from_hex(two_records));
    const auto edit = kwire::mutable_batch_at(block.writable()).value();
    const batch_view batch = edit;
    auto& header = *kwire::overlay_writable<kwire::batch_header>(block.writable()).value();

    edit.set_base_offset(std::numeric_limits<std::int64_t>::max());
    CHECK(batch.last_offset() == std::numeric_limits<std::int64_t>::min());
    header.last_offset_delta = std::numeric_limits<std::int32_t>::min();
    CHECK(batch.last_offset() == std::numeric_limits<std::int64_t>::max() - 0x80000000);
    edit.set_base_offset(std::numeric_limits<std::int64_t>::min());
    CHECK(batch.last_offset() == std::numeric_limits<std::int64_t>::max() - 0x7fffffff);

    header.base_sequence = std::numeric_limits<std::int32_t>::max();
    header.last_offset_delta = 0;
    CHECK(batch.last_sequence() == std::numeric_limits<std::int32_t>::max());
    header.last_offset_delta = 1;
    CHECK(batch.last_sequence() == 0);
    header.last_offset_delta = std::numeric_limits<std::int32_t>::max();
    CHECK(batch.last_sequence() == std::numeric_limits<std::int32_t>::max() - 1);
}

TEST_CASE("batches: a new offset in a message of an old format does not change its checksum") {
    exact_bytes block(from_hex(two_messages_v1));
    std::int64_t offset = 500;
    for (const auto entry : kwire::mutable_record_batches(block.writable())) {
        if (!entry) break;
        const auto batch = *entry;
        batch.set_base_offset(offset++);
        batch.set_partition_leader_epoch(7);
    }
    const auto found = all_in(block.span());
    REQUIRE(found.size() == 2);
    for (const auto batch : found) {
        CHECK(crc_matches(batch));
        CHECK(batch.base_offset() >= 500);
        CHECK(batch.partition_leader_epoch() == -1);
    }
    CHECK(found[1].base_offset() == 501);
}

TEST_CASE("batches: null and empty fields hold no batches and are distinguishable") {
    std::optional<std::span<const std::byte>> field;
    const auto null = record_batches(field);
    CHECK(null.is_null());
    CHECK(null.empty());
    CHECK(null.tail().left == 0);
    field.emplace();
    CHECK(!record_batches(field).is_null());
    CHECK(record_batches(field).empty());

    const auto bytes = from_hex(two_records);
    field = bytes;
    std::size_t n = 0;
    for (auto batch : record_batches(field)) n += bytes_of(*batch).size();
    CHECK(n == bytes.size());
}

TEST_CASE("batches: many of the smallest size are read in linear time, without an allocation") {
    const auto one = from_hex(empty_batch);
    std::vector<std::byte> many;
    for (int i = 0; i < 100'000; ++i) many.insert(many.end(), one.begin(), one.end());
    CHECK(std::ranges::distance(record_batches(many)) == 100'000);
}

template <class T>
concept accepts = requires { record_batches(std::declval<T>()); };

TEST_CASE("batches: ranges, views and lifetimes are as documented") {
    STATIC_REQUIRE(std::ranges::forward_range<kwire::record_batch_range>);
    STATIC_REQUIRE(std::ranges::forward_range<kwire::basic_record_batches<std::byte>>);
    STATIC_REQUIRE(std::is_trivially_copyable_v<batch_view>);
    STATIC_REQUIRE(sizeof(batch_view) == sizeof(void*) + 8); // an address, a size of 32 bits, the magic
    STATIC_REQUIRE(std::is_convertible_v<kwire::mutable_batch, batch_view>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<batch_view, const std::byte*, std::uint32_t>);
    STATIC_REQUIRE(accepts<std::vector<std::byte>&>);
    STATIC_REQUIRE(accepts<std::span<std::byte>>);
    STATIC_REQUIRE(accepts<std::optional<std::span<const std::byte>>>);
    STATIC_REQUIRE_FALSE(accepts<std::vector<std::byte>>); // gone before the loop begins
}
