// needs: gzip snappy lz4 zstd
#include <kwire/records/builder.hpp>
#include <kwire/records/check_produce.hpp>
#include <kwire/records/legacy_builder.hpp>

#include <boost/json.hpp>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "support/batches.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_header;
using kwire::bytes_of_text;
using kwire::check_produce;
using kwire::errc;
using kwire::error_code;
using kwire::produce_rules;
using kwire::test::every_codec;
using kwire::test::from_hex;
using kwire::test::message_v0;
using kwire::test::message_v1;
using kwire::test::path_text;
using kwire::test::to_hex;
using kwire::test::two_records;

namespace {

constexpr std::size_t cap = 64 << 20;

struct record_in {
    std::int64_t timestamp = 1000;
    std::optional<std::string> key = "k";
};

/// A batch of these records, with a changed header and the checksum that matches it.
std::vector<std::byte> batch_of(
    const std::vector<record_in>& records,
    const std::function<void(batch_header&)>& edit = [](batch_header&) {}, kwire::codec* codec = nullptr) {
    kwire::batch_builder builder({.max_bytes = 4 << 20});
    for (const record_in& record : records) {
        const auto key = record.key ? std::optional(bytes_of_text(*record.key)) : std::nullopt;
        REQUIRE(builder.append({.timestamp = record.timestamp, .key = key, .value = bytes_of_text("v")}));
    }
    const auto built =
        codec == nullptr ? std::move(builder).finish().to_bytes() : std::move(builder).finish(*codec).value();
    std::vector<std::byte> bytes(built.begin(), built.end());
    auto& header = *kwire::overlay_writable<batch_header>(bytes).value();
    edit(header);
    header.crc = kwire::crc32c(std::span<const std::byte>(bytes).subspan(21));
    return bytes;
}
std::vector<std::byte> joined(std::vector<std::byte> a, std::span<const std::byte> b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

struct outcome {
    error_code code = error_code::none;
    std::string path{};
    std::uint64_t offset = 0;
    bool by_log = false;
    std::vector<std::int32_t> records{};

    friend bool operator==(const outcome&, const outcome&) = default;
    friend std::ostream& operator<<(std::ostream& out, const outcome& o) {
        out << static_cast<int>(o.code) << ' ' << o.path << " at " << o.offset << (o.by_log ? " by log" : "");
        for (const auto i : o.records) out << ' ' << i;
        return out;
    }
};
outcome judged(std::span<const std::byte> records, std::int16_t version = 9,
               const produce_rules& rules = {}) {
    every_codec codecs;
    const kwire::test::exact_bytes block(records);
    const auto accepted = check_produce(block.span(), version, codecs.set, cap, rules);
    if (accepted) return {};
    const auto& refused = accepted.error();
    CHECK(refused.code != error_code::none);
    return {refused.code, path_text(refused.why), refused.why.offset, refused.by_log, refused.records};
}

} // namespace

TEST_CASE("check_produce: from version 3 on there is one batch of magic 2, with zstd from version 7 on") {
    every_codec codecs;
    const auto good = batch_of({{}, {}});
    const auto zstd = batch_of({{}, {}}, [](batch_header&) {}, &codecs.zstd);
    for (const auto version : std::initializer_list<std::int16_t>{3, 6, 7, 9, 13}) {
        CAPTURE(version);
        CHECK(judged(good, version) == outcome{});
        CHECK(judged({}, version) == outcome{error_code::invalid_record, "batches[0]"});
        CHECK(judged(std::span(good).first(good.size() - 1), version) ==
              outcome{error_code::invalid_record, "batches[0]"});
        CHECK(judged(joined(good, good), version) ==
              outcome{error_code::invalid_record, "batches[1]", good.size()});
        // What is cut short does not count, other bytes do.
        CHECK(judged(joined(good, std::span(good).first(20)), version) == outcome{});
        auto other = joined(good, good);
        other[good.size() + 16] = std::byte{7};
        CHECK(judged(other, version) ==
              outcome{error_code::corrupt_message, "batches[1].magic", good.size() + 16});
        for (const auto& message : {message_v0, message_v1})
            CHECK(judged(from_hex(message), version) ==
                  outcome{error_code::invalid_record, "batches[0].magic", 16});
        const outcome refused{error_code::unsupported_compression_type, "batches[0].attributes", 21};
        CHECK(judged(zstd, version) == (version < 7 ? refused : outcome{}));
    }
    const std::optional<std::span<const std::byte>> null;
    CHECK(check_produce(null, 9, codecs.set, cap).error().code == error_code::invalid_record);
}

TEST_CASE("check_produce: what the log looks at comes before the checksum, the rest after it") {
    const auto bad_sum = [](std::vector<std::byte> bytes) {
        bytes[17] ^= std::byte{1};
        return bytes;
    };
    const outcome corrupt{error_code::corrupt_message, "batches[0].crc", 17};
    CHECK(judged(bad_sum(batch_of({{}}))) == corrupt);

    const auto moved = batch_of({{}}, [](batch_header& header) { header.base_offset = 5; });
    const outcome not_at_0{error_code::invalid_record, "batches[0].base_offset", 0, true};
    CHECK(judged(moved) == not_at_0);
    CHECK(judged(bad_sum(moved)) == not_at_0);

    const auto good = batch_of({{}});
    const outcome too_large{error_code::message_too_large, "batches[0].batch_length", 8};
    CHECK(judged(good, 9, {.max_message_bytes = good.size()}) == outcome{});
    CHECK(judged(good, 9, {.max_message_bytes = good.size() - 1}) == too_large);
    CHECK(judged(bad_sum(good), 9, {.max_message_bytes = good.size() - 1}) == too_large);
    CHECK(judged(moved, 9, {.max_message_bytes = good.size() - 1}) == not_at_0);

    const auto control = batch_of({{}}, [](batch_header& header) { header.attributes = 1 << 5; });
    CHECK(judged(control) == outcome{error_code::invalid_record, "batches[0].attributes", 21, true});
    CHECK(judged(bad_sum(control)) == corrupt);
}

TEST_CASE("check_produce: counts and offsets without gaps, and sequence numbers of producers") {
    const outcome count{error_code::invalid_record, "batches[0].record_count", 57, true};
    CHECK(judged(batch_of({{}, {}}, [](batch_header& header) { header.last_offset_delta = 2; })) == count);
    CHECK(judged(batch_of({{}, {}}, [](batch_header& header) { header.last_offset_delta = 0; })) == count);
    CHECK(judged(batch_of({})) == count);
    CHECK(judged(batch_of({{}}, [](batch_header& header) {
              header.record_count = -1;
              header.last_offset_delta = 0;
          })) == outcome{error_code::invalid_record, "batches[0].record_count", 57, true});
    CHECK(judged(batch_of({{}}, [](batch_header& header) { header.last_offset_delta = -1; })) ==
          outcome{error_code::invalid_record, "batches[0].last_offset_delta", 23, true});
    const auto producer = [](std::int64_t id, std::int32_t sequence) {
        return batch_of({{}}, [=](batch_header& header) {
            header.producer_id = id;
            header.producer_epoch = 0;
            header.base_sequence = sequence;
        });
    };
    CHECK(judged(producer(3, 0)) == outcome{});
    CHECK(judged(producer(3, -1)) ==
          outcome{error_code::invalid_record, "batches[0].base_sequence", 53, true});
    CHECK(judged(producer(-1, -1)) == outcome{});
}

TEST_CASE("check_produce: records that cannot be read, with their place") {
    auto bytes = batch_of({{}, {}});
    bytes[61] = std::byte{2}; // the first record has a byte
    kwire::overlay_writable<batch_header>(bytes).value()->crc =
        kwire::crc32c(std::span<const std::byte>(bytes).subspan(21));
    const auto refused = judged(bytes);
    CHECK(refused.code == error_code::invalid_record);
    CHECK(refused.path == "batches[0].records[0].timestamp_delta");
    CHECK(refused.by_log);
    const auto codec = batch_of({{}}, [](batch_header& header) { header.attributes = 5; });
    CHECK(judged(codec) ==
          outcome{error_code::unsupported_compression_type, "batches[0].attributes", 21, true});
    const auto none = batch_of({{}}, [](batch_header& header) { header.attributes = 2; });
    CHECK(judged(none).code == error_code::invalid_record);
}

TEST_CASE("check_produce: a compacted topic needs keys") {
    every_codec codecs;
    const std::vector<record_in> records{{}, {1000, std::nullopt}, {}, {1000, std::nullopt}};
    for (kwire::codec* codec :
         {static_cast<kwire::codec*>(nullptr), static_cast<kwire::codec*>(&codecs.lz4)}) {
        const auto bytes = batch_of(records, [](batch_header&) {}, codec);
        CHECK(judged(bytes) == outcome{});
        const std::uint64_t second = codec == nullptr ? 61 + 9 : 9;
        const std::string path =
            codec == nullptr ? "batches[0].records[1].key" : "batches[0].decompressed.records[1].key";
        CHECK(judged(bytes, 9, {.compacted = true}) ==
              outcome{error_code::invalid_record, path, second, true, {1, 3}});
        CHECK(judged(bytes, 9, {.compacted = true, .most_named = 1}) ==
              outcome{error_code::invalid_record, path, second, true, {1}});
    }
}

TEST_CASE("check_produce: timestamps within their bounds, and none by a producer that says it appends") {
    const produce_rules rules{.oldest_timestamp = 900, .newest_timestamp = 1100};
    const auto at = [](std::vector<std::int64_t> timestamps) {
        std::vector<record_in> records;
        for (const auto timestamp : timestamps) records.push_back({timestamp});
        return records;
    };
    CHECK(judged(batch_of(at({900, 1100, -1})), 9, rules) == outcome{});
    const std::string path = "batches[0].records[1].timestamp_delta";
    CHECK(judged(batch_of(at({1000, 899, 1000, 1101})), 9, rules) ==
          outcome{error_code::invalid_timestamp, path, 61 + 9, true, {1, 3}});
    // A key that is missing does not hide a timestamp elsewhere, which decides the code.
    auto keyless = at({1000, 1000, 5000});
    keyless[1].key = std::nullopt;
    CHECK(judged(batch_of(keyless), 9, {.compacted = true, .newest_timestamp = 1100}) ==
          outcome{error_code::invalid_timestamp, "batches[0].records[1].key", 61 + 9, true, {1, 2}});

    // By the broker's clock: bounds do not apply.
    const produce_rules by_broker{.timestamp_type = kwire::timestamp_type::log_append_time,
                                  .newest_timestamp = 10};
    CHECK(judged(batch_of(at({5000})), 9, by_broker) == outcome{});
    const auto set_append_time = [](batch_header& header) { header.attributes = 1 << 3; };
    CHECK(judged(batch_of(at({1000, 1000}), set_append_time), 9, by_broker) ==
          outcome{error_code::invalid_timestamp, "batches[0].records[0].timestamp_delta", 61, true, {0, 1}});
    CHECK(judged(batch_of(at({1000, 1000}), set_append_time), 9, rules) == outcome{});
    CHECK(judged(batch_of(at({-1}), set_append_time), 9, rules) ==
          outcome{error_code::invalid_timestamp, "batches[0].records[0].timestamp_delta", 61, true, {0}});
}

TEST_CASE("check_produce: what a leader corrects in the header") {
    every_codec codecs;
    const auto correction = [&](const std::vector<std::byte>& bytes, const produce_rules& rules = {}) {
        const auto accepted = check_produce(bytes, 9, codecs.set, cap, rules);
        REQUIRE(accepted);
        CHECK(bytes_of(accepted->batch).data() == bytes.data());
        CHECK(accepted->summary.records == 2);
        CHECK(accepted->summary.max_timestamp == 2000);
        return accepted->correction;
    };
    const std::vector<record_in> records{{2000}, {1000}};
    CHECK_FALSE(correction(batch_of(records)));
    const auto wrong = batch_of(records, [](batch_header& header) { header.max_timestamp = 1000; });
    const auto corrected = correction(wrong);
    REQUIRE(corrected);
    CHECK(corrected->max_timestamp == 2000);
    CHECK(corrected->timestamp_type == kwire::timestamp_type::create_time);
    CHECK_FALSE(correction(wrong, {.timestamp_type = kwire::timestamp_type::log_append_time}));
    const auto by_broker = batch_of(records, [](batch_header& header) { header.attributes = 1 << 3; });
    CHECK(correction(by_broker)->timestamp_type == kwire::timestamp_type::create_time);
}

TEST_CASE("check_produce: before version 3, messages of one magic, or one wrapper or batch") {
    every_codec codecs;
    const auto v0 = from_hex(message_v0), v1 = from_hex(message_v1), v2 = batch_of({{}});
    for (const auto version : std::initializer_list<std::int16_t>{0, 2}) {
        CHECK(judged({}, version) == outcome{});
        CHECK(judged(v0, version) == outcome{});
        CHECK(judged(joined(v1, v1), version) == outcome{});
        CHECK(judged(v2, version) == outcome{});
        CHECK(judged(joined(v0, v1), version) ==
              outcome{error_code::invalid_record, "batches[1].magic", v0.size() + 16, true});
        CHECK(judged(joined(v2, v2), version) ==
              outcome{error_code::invalid_record, "batches[1].magic", v2.size() + 16, true});
        CHECK(judged(v1, version, {.newest_timestamp = 999}) ==
              outcome{error_code::invalid_timestamp, "batches[0].records[0].timestamp_delta", 0, true, {0}});
        CHECK(judged(joined(v1, v1), version, {.max_message_bytes = v1.size() - 1}).code ==
              error_code::message_too_large);
        auto damaged = v1;
        damaged.back() ^= std::byte{1};
        CHECK(judged(damaged, version) == outcome{error_code::corrupt_message, "batches[0].crc", 12});
    }
}

TEST_CASE("check_produce: of Kafka's record sets it takes the single batches that check_batches takes") {
    every_codec codecs;
    std::size_t taken = 0, refused = 0;
    kwire::test::for_each_line(kwire::test::golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (line.as_object().contains("patch")) return;
        INFO(line.at("sample").as_string().c_str());
        auto bytes = from_hex(line.at("hex").as_string());
        // As a producer sends it, which leaves the offset to the leader.
        if (bytes.size() >= 61) std::fill_n(bytes.begin(), 8, std::byte{});
        const auto accepted = check_produce(bytes, 9, codecs.set, cap, {.max_message_bytes = cap});
        const auto summary = kwire::check_batches(bytes, codecs.set, cap);
        const bool fits = summary && summary->batches == 1 && summary->lowest_magic == 2 &&
                          !summary->any_control && !summary->any_gap && summary->records != 0 &&
                          (summary->first.timestamp_type() == kwire::timestamp_type::create_time ||
                           summary->max_timestamp != -1) &&
                          (summary->first.producer_id() < 0 || summary->first.base_sequence() >= 0);
        if (summary) CHECK(accepted.has_value() == fits);
        ++(accepted ? taken : refused);
    });
    CHECK(taken > 100);
    CHECK(refused > 100);
}

TEST_CASE("check_produce: every truncation and every changed byte is read within bounds") {
    every_codec codecs;
    for (kwire::codec* codec :
         {static_cast<kwire::codec*>(nullptr), static_cast<kwire::codec*>(&codecs.gzip)}) {
        const auto good = batch_of({{}, {}, {}}, [](batch_header&) {}, codec);
        for (std::size_t size = 0; size < good.size(); ++size)
            CHECK(judged(std::span(good).first(size)).code != error_code::none);
        for (std::size_t at = 0; at < good.size(); ++at) {
            auto bytes = good;
            bytes[at] ^= std::byte{0x41};
            const bool outside = at >= 12 && at < 16; // the leader epoch, which no producer knows
            CHECK((judged(bytes).code == error_code::none) == outside);
        }
    }
}
