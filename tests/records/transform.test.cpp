// needs: gzip snappy lz4 zstd
#include <kwire/error_text.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/check_content.hpp>
#include <kwire/records/transform.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/batches.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/every_codec.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_json.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::bytes_of_text;
using kwire::errc;
using kwire::header_view;
using kwire::record_edit;
using kwire::record_view;
using kwire::shared_buffer;
using kwire::transform_options;
using kwire::transform_records;
using kwire::test::every_codec;
using kwire::test::from_hex;
using kwire::test::message_v0;
using kwire::test::message_v1;
using kwire::test::names;
using kwire::test::set_of;
using kwire::test::to_hex;
using kwire::test::two_records;

namespace {

constexpr std::size_t cap = 64 << 20;
using bytes_or_null = std::optional<std::vector<std::byte>>;

bytes_or_null owned(std::optional<std::span<const std::byte>> bytes) {
    if (!bytes) return std::nullopt;
    return std::vector<std::byte>(bytes->begin(), bytes->end());
}
bytes_or_null text(std::string_view characters) { return owned(bytes_of_text(characters)); }

/// A record by value, as it was read.
struct plain_record {
    std::int64_t offset, timestamp;
    std::int32_t sequence;
    std::int8_t attributes;
    bytes_or_null key, value;
    std::vector<std::pair<std::string, bytes_or_null>> headers;

    friend bool operator==(const plain_record&, const plain_record&) = default;
};
plain_record plain(const record_view& record) {
    plain_record out{record.offset(),
                     record.timestamp(),
                     record.sequence(),
                     record.attributes(),
                     owned(record.key()),
                     owned(record.value()),
                     {}};
    for (const header_view header : record.headers())
        out.headers.emplace_back(header.name, owned(header.value));
    return out;
}

/// The fields of a batch that a transformation may not change, its records, and what it may.
struct plain_batch {
    std::vector<std::int64_t> fixed;
    std::int64_t max_timestamp;
    std::vector<plain_record> records;

    friend bool operator==(const plain_batch&, const plain_batch&) = default;
};
plain_batch plain(batch_view batch, const kwire::codec_set& codecs) {
    plain_batch out{{batch.base_offset(), batch.last_offset(), batch.partition_leader_epoch(), batch.magic(),
                     batch.attributes(), batch.producer_id(), batch.producer_epoch(), batch.base_sequence(),
                     batch.last_sequence()},
                    batch.max_timestamp(),
                    {}};
    const auto records = kwire::records(batch, codecs, cap);
    REQUIRE(records);
    for (const auto record : *records) {
        REQUIRE(record);
        out.records.push_back(plain(*record));
    }
    if (batch.record_count()) CHECK(out.records.size() == static_cast<std::size_t>(*batch.record_count()));
    return out;
}
std::vector<plain_batch> plain(std::span<const std::byte> set, const kwire::codec_set& codecs) {
    std::vector<plain_batch> out;
    for (const auto batch : kwire::record_batches(set)) {
        REQUIRE(batch);
        out.push_back(plain(*batch, codecs));
    }
    return out;
}

/// What a test does to a record, once by record_edit and once by hand.
struct edit_case {
    const char* name;
    std::function<void(const record_view&, record_edit&)> edit;
    std::function<bool(plain_record&)> by_hand; ///< false drops it
};
const std::vector<edit_case>& edit_cases() {
    static const std::string long_text(3000, 'x');
    static const std::vector<edit_case> cases{
        {"nothing", [](const record_view&, record_edit&) {}, [](plain_record&) { return true; }},
        {"drop all", [](const record_view&, record_edit& edit) { edit.drop(); },
         [](plain_record&) { return false; }},
        {"drop odd offsets",
         [](const record_view& record, record_edit& edit) {
             if (record.offset() % 2 != 0) edit.drop();
         },
         [](plain_record& record) { return record.offset % 2 == 0; }},
        {"drop tombstones",
         [](const record_view& record, record_edit& edit) {
             if (!record.value()) edit.drop();
         },
         [](plain_record& record) { return record.value.has_value(); }},
        {"value of the same size",
         [](const record_view& record, record_edit& edit) {
             if (!record.value()) return;
             const auto to = edit.write_value(record.value()->size());
             std::ranges::fill(to, std::byte{'*'});
         },
         [](plain_record& record) {
             if (record.value) std::ranges::fill(*record.value, std::byte{'*'});
             return true;
         }},
        {"longer value, now and then",
         [](const record_view& record, record_edit& edit) {
             if (record.offset() % 3 == 0) edit.set_value(bytes_of_text(long_text));
         },
         [](plain_record& record) {
             if (record.offset % 3 == 0) record.value = text(long_text);
             return true;
         }},
        {"buffers, attached or not, and null",
         [](const record_view& record, record_edit& edit) {
             edit.set_value(
                 shared_buffer::copy_of(long_text.substr(0, record.offset() % 2 == 0 ? 3000 : 30)));
             edit.set_key(std::nullopt);
         },
         [](plain_record& record) {
             record.value = text(long_text.substr(0, record.offset % 2 == 0 ? 3000 : 30));
             record.key = std::nullopt;
             return true;
         }},
        {"a header more",
         [](const record_view&, record_edit& edit) {
             edit.add_header("added", bytes_of_text("1"));
             edit.add_header("", std::nullopt);
         },
         [](plain_record& record) {
             record.headers.emplace_back("added", text("1"));
             record.headers.emplace_back("", std::nullopt);
             return true;
         }},
        {"headers a removed, value written before the key is set",
         [](const record_view&, record_edit& edit) {
             edit.add_header("a", std::nullopt);
             edit.add_header("b", std::nullopt);
             std::ranges::fill(edit.write_value(200), std::byte{'v'});
             edit.remove_headers("a");
             edit.set_key(bytes_of_text(std::string_view(long_text).substr(0, 100)));
             edit.trim_value(60);
         },
         [](plain_record& record) {
             record.headers.emplace_back("b", std::nullopt);
             std::erase_if(record.headers, [](const auto& header) { return header.first == "a"; });
             record.key = text(long_text.substr(0, 100));
             record.value = text(std::string(60, 'v'));
             return true;
         }},
        {"other headers, tombstones",
         [](const record_view& record, record_edit& edit) {
             if (record.offset() % 5 == 4) return edit.drop();
             const std::vector<header_view> headers{{"n", bytes_of_text(long_text)}, {"m", std::nullopt}};
             edit.set_headers(headers);
             edit.set_value(std::nullopt);
         },
         [](plain_record& record) {
             if (record.offset % 5 == 4) return false;
             record.headers = {{"n", text(long_text)}, {"m", std::nullopt}};
             record.value = std::nullopt;
             return true;
         }},
    };
    return cases;
}

/// `before`, edited by hand.
std::vector<plain_batch> edited(std::vector<plain_batch> before, const std::vector<bool>& control,
                                const edit_case& with) {
    for (std::size_t i = 0; i < before.size(); ++i) {
        plain_batch& batch = before[i];
        if (control[i]) continue;
        const std::size_t count = batch.records.size();
        std::erase_if(batch.records, [&](plain_record& record) { return !with.by_hand(record); });
        if (batch.records.size() == count) continue;
        if (batch.records.empty()) {
            batch.fixed[4] &= 8 | 16 | 32; // not compressed, no delete horizon
        } else if ((batch.fixed[4] & 8) == 0) {
            batch.max_timestamp = -1;
            for (const plain_record& record : batch.records)
                batch.max_timestamp = std::max(batch.max_timestamp, record.timestamp);
        }
    }
    return before;
}

bool lies_in(const shared_buffer& whole, const kwire::chain_segment& part) {
    return whole.slice_of(part.bytes()).has_value();
}

/// Calls `f` with each valid golden set without batches of magic 0 and 1.
template <class F>
std::size_t for_each_set(F f) {
    std::size_t sets = 0;
    kwire::test::for_each_line(kwire::test::golden_sets, [&](std::string_view line_text) {
        const json::value line = json::parse({line_text.data(), line_text.size()});
        const json::object& object = line.as_object();
        if (object.contains("patch") || object.contains("reject") || object.contains("lenient")) return;
        for (const json::value& batch : object.at("batches").as_array())
            if (batch.at("magic").as_int64() < 2 || !batch.at("crc_valid").as_bool()) return;
        INFO(object.at("sample").as_string().c_str());
        ++sets;
        f(set_of(object.at("hex").as_string().c_str()));
    });
    return sets;
}

/// A batch of `count` records with keys, values of `size` bytes that differ, and no headers.
kwire::batch_builder builder_of(std::size_t count, std::size_t size) {
    kwire::batch_builder builder({.max_bytes = 64 << 20});
    std::mt19937 random(7);
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<std::byte> value(size);
        for (std::byte& byte : value) byte = static_cast<std::byte>(random());
        REQUIRE(builder.append({.timestamp = 1000, .key = bytes_of_text("key"), .value = value}));
    }
    return builder;
}
shared_buffer many(std::size_t count, std::size_t size) {
    return builder_of(count, size).finish().to_bytes();
}

} // namespace

TEST_CASE("transform: every edit of every golden set gives what the edit by hand gives") {
    every_codec codecs;
    const std::size_t sets = for_each_set([&](const shared_buffer& set) {
        const auto before = plain(set.span(), codecs.set);
        std::vector<bool> control;
        for (const auto batch : kwire::record_batches(set.span())) control.push_back(batch->is_control());
        for (const edit_case& with : edit_cases()) {
            INFO(with.name);
            const auto made = transform_records(set, codecs.set, cap, with.edit);
            REQUIRE(made);
            const auto bytes = made->records.to_bytes();
            REQUIRE(kwire::check_batches(bytes.span(), codecs.set, cap));
            CHECK(plain(bytes.span(), codecs.set) == edited(before, control, with));
            // A checksum that was not looked at is put together, not read off the result.
            const auto skipped = transform_records(set, codecs.set, cap, with.edit,
                                                   {.read = {.crc = kwire::crc_policy::skip}});
            REQUIRE(skipped);
            CHECK(skipped->records.to_bytes() == bytes);
        }
    });
    CHECK(sets > 100);
}

TEST_CASE("transform: dropped records leave what Kafka's compaction leaves") {
    every_codec codecs;
    std::map<std::string, std::string> sets;
    kwire::test::for_each_line(kwire::test::golden_sets, [&](std::string_view line_text) {
        const json::value line = json::parse({line_text.data(), line_text.size()});
        if (!line.as_object().contains("patch") && !line.as_object().contains("reject"))
            sets.emplace(line.at("sample").as_string(), line.at("hex").as_string());
    });
    std::size_t lines = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/filtered.jsonl.gz", [&](std::string_view line_text) {
        const json::value line = json::parse({line_text.data(), line_text.size()});
        const std::string sample = line.at("sample").as_string().c_str(),
                          keep = line.at("keep").as_string().c_str();
        const bool empty_stays = line.at("empty_stays").as_bool();
        INFO(sample << ", keep " << keep << ", " << (empty_stays ? "empty stays" : "empty goes"));
        ++lines;
        const auto made = transform_records(
            set_of(sets.at(sample)), codecs.set, cap,
            [&](const record_view& record, record_edit& edit) {
                if (keep == "even-offsets" ? record.offset() % 2 != 0 : keep == "none" || !record.value())
                    edit.drop();
            },
            {.emptied = empty_stays ? kwire::emptied_batch::keep : kwire::emptied_batch::drop});
        REQUIRE(made);
        const auto bytes = made->records.to_bytes();
        REQUIRE(kwire::check_batches(bytes.span(), codecs.set, cap));
        const json::array& expected = line.at("expect").as_array();
        std::size_t n = 0;
        for (const auto found : kwire::record_batches(bytes.span())) {
            REQUIRE(n < expected.size());
            const batch_view batch = *found;
            const json::value& kafka = expected[n++];
            const auto number = [&](const char* name) { return kafka.at(name).as_int64(); };
            CHECK(batch.base_offset() == number("base_offset"));
            CHECK(batch.last_offset() == number("last_offset"));
            CHECK(batch.partition_leader_epoch() == number("partition_leader_epoch"));
            // Kafka sets a delete horizon, bit 6, where tombstones are left.
            CHECK((batch.attributes() & ~64) == (number("attributes") & ~64));
            CHECK(batch.max_timestamp() == number("max_timestamp"));
            CHECK(batch.producer_id() == number("producer_id"));
            CHECK(batch.producer_epoch() == number("producer_epoch"));
            CHECK(batch.base_sequence() == number("base_sequence"));
            CHECK(batch.record_count() == number("count"));
            const auto records = kwire::records(batch, codecs.set, cap);
            REQUIRE(records);
            json::array seen;
            for (const auto record : *records) seen.push_back(kwire::test::shown(*record));
            json::array theirs = kafka.at("records").as_array();
            for (json::value& record : theirs) record.as_object().erase("control");
            CHECK(seen == theirs);
        }
        CHECK(n == expected.size());
    });
    CHECK(lines == kwire::test::golden_count("record sets, filtered"));
}

TEST_CASE("transform: what does not change is one slice of the original") {
    every_codec codecs;
    for_each_set([&](const shared_buffer& set) {
        const auto made = transform_records(set, codecs.set, cap, [](const record_view&, record_edit&) {});
        REQUIRE(made);
        CHECK(made->changed_batches == 0);
        std::size_t whole = 0;
        for (const auto batch : kwire::record_batches(set.span())) whole += bytes_of(*batch).size();
        REQUIRE(made->records.segment_count() == (whole == 0 ? 0 : 1));
        CHECK(made->records.size() == whole);
        if (whole != 0) CHECK(lies_in(set, made->records.segments()[0]));
    });
}

TEST_CASE("transform: in a changed batch only the header and the changed record are new bytes") {
    const auto first = many(10, 600), second = many(4, 600), third = many(5, 600);
    kwire::unique_buffer all;
    for (const auto& one : {first, second, third}) all.append(one);
    const shared_buffer set = std::move(all).freeze();
    int calls = 0;
    const auto before = kwire::copied_bytes();
    const auto made = transform_records(set, [&](const record_view&, record_edit& edit) {
        if (++calls == 12) edit.set_value(bytes_of_text("short"));
    });
    REQUIRE(made);
    CHECK(kwire::copied_bytes() - before < 20);
    CHECK(made->changed_batches == 1);
    CHECK(made->changed_records == 1);
    CHECK(made->dropped_records == 0);
    // The first batch, a header, a record, a record, two records and the third batch.
    const auto segments = made->records.segments();
    REQUIRE(segments.size() == 5);
    for (const std::size_t i : {0u, 2u, 4u}) CHECK(lies_in(set, segments[i]));
    CHECK(segments[0].size() == first.size());
    CHECK(segments[1].size() == 61);
    CHECK_FALSE(lies_in(set, segments[3]));
    CHECK(segments[3].size() < 30);
    const auto whole = made->records.to_bytes();
    CHECK(kwire::check_batches(whole.span()).has_value());
}

TEST_CASE("transform: an old value that is long stays where it is when its record changes") {
    const auto set = many(3, 5000);
    const auto before = kwire::copied_bytes();
    const auto made = transform_records(set, [](const record_view& record, record_edit& edit) {
        if (record.offset() == 1) edit.add_header("origin", bytes_of_text("here"));
    });
    REQUIRE(made);
    CHECK(kwire::copied_bytes() - before < 100);
    const auto bytes = made->records.to_bytes();
    REQUIRE(kwire::check_batches(bytes.span()));
    const auto slices = std::ranges::count_if(made->records.segments(),
                                              [&](const auto& segment) { return lies_in(set, segment); });
    CHECK(slices == 3); // the record before, the value, the record after
}

TEST_CASE("transform: a value that is written to the result is not copied, and all of it is one segment") {
    const auto set = many(50, 1024);
    transform_options options{.expected_bytes = 2 * set.size()};
    const auto before = kwire::copied_bytes();
    const std::size_t allocations = support::allocations_of([&] {
        const auto made = transform_records(
            set,
            [](const record_view& record, record_edit& edit) {
                const auto value = *record.value();
                const auto to = edit.write_value(value.size() + 28);
                std::ranges::copy(value, to.begin() + 12);
                std::ranges::fill(to.first(12), std::byte{1});
                std::ranges::fill(to.last(16), std::byte{2});
            },
            options);
        REQUIRE(made);
        CHECK(made->records.segment_count() == 1);
        CHECK(made->changed_records == 50);
        const auto& bytes = made->records.segments()[0].buffer();
        CHECK(kwire::check_batches(bytes.span()).has_value());
    });
    CHECK(kwire::copied_bytes() - before == 50 * 3); // the keys
    if (support::counts_allocations) CHECK(allocations <= 8);
}

TEST_CASE("transform: values of compressed batches are compressed from where they are written") {
    every_codec codecs;
    for (kwire::codec* const by :
         std::initializer_list<kwire::codec*>{&codecs.gzip, &codecs.snappy, &codecs.lz4, &codecs.zstd}) {
        INFO(int(by->type()));
        kwire::unique_buffer both; // two batches
        for (int i = 0; i < 2; ++i) both.append(builder_of(50, 1024).finish(*by).value());
        const shared_buffer set = std::move(both).freeze();
        const auto before = kwire::copied_bytes();
        const auto made = transform_records(set, codecs.set, cap,
                                            [](const record_view& record, record_edit& edit) {
                                                const auto value = *record.value();
                                                const auto to = edit.write_value(value.size() + 28);
                                                std::ranges::fill(to.first(28), std::byte{1});
                                                std::ranges::copy(value, to.begin() + 28);
                                            },
                                            {.expected_bytes = set.size()});
        REQUIRE(made);
        CHECK(kwire::copied_bytes() - before < 600); // keys, and headers of batches and codecs
        CHECK(made->changed_records == 100);
        const auto bytes = made->records.to_bytes();
        CHECK(kwire::check_batches(bytes.span()).has_value());
    }
}

TEST_CASE("transform: a result does not keep the memory in which compressed batches were changed") {
    every_codec codecs;
    kwire::unique_buffer set;
    const std::vector<std::byte> large(4 << 20);
    for (int i = 0; i < 20; ++i) {
        kwire::batch_builder builder({.max_bytes = 64 << 20});
        REQUIRE(builder.append({.timestamp = 1000, .value = large}));
        set.append(std::move(builder).finish(codecs.zstd).value());
        set.append(many(1, 100));
    }
    const shared_buffer all = std::move(set).freeze();
    for (const std::size_t longest : {std::size_t{1000}, large.size()}) { // changed: the small ones, all
        const auto made =
            transform_records(all, codecs.set, cap, [&](const record_view& record, record_edit& edit) {
                const std::span<const std::byte> value = *record.value();
                if (value.size() <= longest) edit.set_value(value.first(value.size() - 1));
            });
        REQUIRE(made);
        CHECK(made->changed_records == (longest == large.size() ? 40 : 20));
        CHECK(made->records.pinned_bytes() < 200'000);
    }
}

TEST_CASE("transform: a wrong checksum is refused, or stays wrong if it is not looked at") {
    every_codec codecs;
    std::mt19937 random(3);
    for_each_set([&](const shared_buffer& set) {
        const auto first = kwire::batch_at(set.span());
        if (!first || first->is_control() || *first->record_count() == 0) return;
        std::vector<std::byte> damaged(bytes_of(*first).begin(), bytes_of(*first).end());
        damaged[17 + random() % 4] ^= static_cast<std::byte>(1 + random() % 255);
        const auto bad = shared_buffer::copy_of(damaged);
        for (const edit_case& with : edit_cases()) {
            INFO(with.name);
            const auto refused = transform_records(bad, codecs.set, cap, with.edit);
            REQUIRE(!refused);
            CHECK(refused.error() == errc::crc_mismatch);
            CHECK(names(refused.error(), "batches[0].crc"));
            const auto made = transform_records(bad, codecs.set, cap, with.edit,
                                                {.read = {.crc = kwire::crc_policy::skip}});
            REQUIRE(made);
            const auto bytes = made->records.to_bytes();
            CHECK_FALSE(kwire::crc_matches(*kwire::batch_at(bytes.span())));
        }
    });
}

TEST_CASE("transform: checksums are put together right for random edits of many records") {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        const auto set = many(1 + random() % 40, random() % 300);
        const auto often = 1 + random() % 6;
        const auto kind = random() % 3;
        const auto made = transform_records(
            set,
            [&](const record_view& record, record_edit& edit) {
                if (random() % often != 0) return;
                if (kind == 0 && random() % 2 == 0) return edit.drop();
                const std::size_t size = kind == 1 ? record.value()->size() : random() % 700;
                for (std::byte& byte : edit.write_value(size)) byte = static_cast<std::byte>(random());
            },
            {.read = {.crc = round % 2 == 0 ? kwire::crc_policy::skip : kwire::crc_policy::verify}});
        REQUIRE(made);
        const auto bytes = made->records.to_bytes();
        const auto checked = kwire::check_batches(bytes.span());
        if (!checked) FAIL(kwire::to_string(checked.error()));
    }
}

TEST_CASE("transform: an emptied batch is kept, or dropped, as the options say") {
    const std::string with_producer = kwire::test::batch_of(7, 2);
    const auto set = set_of(with_producer + two_records);
    const auto drop = [](const record_view&, record_edit& edit) { edit.drop(); };
    const auto kept = transform_records(set, drop);
    REQUIRE(kept);
    CHECK(kept->records.size() == 2 * 61);
    CHECK(kept->dropped_records == 4);
    CHECK(kept->changed_batches == 2);
    CHECK(kept->dropped_batches == 0);
    const auto bytes = kept->records.to_bytes();
    const auto summary = kwire::check_batches(bytes.span());
    REQUIRE(summary);
    CHECK(summary->batches == 2);
    CHECK(summary->records == 0);
    CHECK(summary->first.last_offset() == 1);
    CHECK(summary->first.last_sequence() == 1);
    CHECK(summary->first.max_timestamp() == 1001);

    const auto some = transform_records(set, drop, {.emptied = kwire::emptied_batch::keep_with_producer});
    REQUIRE(some);
    CHECK(some->records.size() == 61);
    CHECK(some->dropped_batches == 1);
    const auto left = some->records.to_bytes();
    const auto of_producer = kwire::check_batches(left.span());
    REQUIRE(of_producer);
    CHECK(of_producer->first.producer_id() == 7);
    const auto none = transform_records(set, drop, {.emptied = kwire::emptied_batch::drop});
    CHECK(none->records.empty());
    CHECK(none->dropped_batches == 2);
}

TEST_CASE("transform: the append time of a batch stays, whatever it is, when records are dropped") {
    kwire::batch_builder builder({.append_time = -5}); // no time at all, but it is what all records have
    for (const std::int64_t timestamp : {1000, 1001}) REQUIRE(builder.append({.timestamp = timestamp}));
    const auto set = std::move(builder).finish().to_bytes();
    const auto drop_first = [](const record_view& record, record_edit& edit) {
        if (record.offset() == 0) edit.drop();
    };
    const auto made = transform_records(set, drop_first);
    REQUIRE(made);
    const auto bytes = made->records.to_bytes();
    const auto summary = kwire::check_batches(bytes.span());
    REQUIRE(summary);
    CHECK(summary->records == 1);
    CHECK(summary->first.timestamp_type() == kwire::timestamp_type::log_append_time);
    CHECK(summary->first.max_timestamp() == -5);
}

TEST_CASE("transform: an empty batch of Kafka's compaction, and a last batch that is cut short") {
    const std::string empty = "00000000000000640000003100000007021655aa80000000000004ffffffffffffffff"
                              "00000000000003eb000000000000002a00030000000a00000000";
    const auto drop = [](const record_view&, record_edit& edit) { edit.drop(); };
    const auto made = transform_records(set_of(empty + two_records.substr(0, 140)), drop,
                                        {.emptied = kwire::emptied_batch::drop});
    REQUIRE(made);
    CHECK(to_hex(made->records) == empty);
}

TEST_CASE("transform: messages of magic 0 and 1 are refused, or passed on as they are") {
    const auto drop = [](const record_view&, record_edit& edit) { edit.drop(); };
    for (const std::string& message : {message_v0, message_v1}) {
        const auto set = set_of(two_records + message);
        const auto refused = transform_records(set, drop);
        REQUIRE(!refused);
        CHECK(refused.error() == errc::unknown_magic);
        CHECK(names(refused.error(), "batches[1].magic"));
        CHECK(refused.error().offset == two_records.size() / 2 + 16);
        const auto passed = transform_records(
            set, drop, {.emptied = kwire::emptied_batch::drop, .legacy = kwire::legacy_messages::pass});
        REQUIRE(passed);
        CHECK(to_hex(passed->records) == message);
    }
}

TEST_CASE("transform: an error of the function names the record, and nothing is made") {
    const auto set = set_of(two_records + two_records);
    const auto made = transform_records(
        set, [](const record_view& record, record_edit&) -> kwire::expected<void, kwire::error> {
            if (record.key()) return {};
            kwire::error e{.code = errc::bad_value, .located = false};
            e.enter({"key"});
            return kwire::unexpected(e);
        });
    REQUIRE(!made);
    CHECK(made.error() == errc::bad_value);
    CHECK(kwire::test::path_text(made.error()) == "batches[0].records[1].key");
    CHECK(made.error().offset == 61 + 9);
}

TEST_CASE(
    "transform: an error in a later batch is placed in the records, or in what the batch decompresses to") {
    every_codec codecs;
    const std::string first = kwire::test::batch_of(7, 2);
    const auto second = [](kwire::codec* by) {
        kwire::batch_builder builder;
        const std::vector<std::byte> zeros(1000);
        for (int i = 0; i < 2; ++i)
            REQUIRE(builder.append({.timestamp = 5, .key = bytes_of_text("k"), .value = zeros}));
        const auto bytes =
            by != nullptr ? std::move(builder).finish(*by).value() : std::move(builder).finish().to_bytes();
        return to_hex(bytes.span());
    };
    const auto fail = [](const record_view& record, record_edit&) -> kwire::expected<void, kwire::error> {
        if (!record.key() || record.offset() != 1) return {};
        return kwire::unexpected(kwire::error{.code = errc::bad_value, .located = false});
    };
    constexpr std::uint64_t record_size = 1010;
    const auto in_place = transform_records(set_of(first + second(nullptr)), codecs.set, cap, fail);
    REQUIRE(!in_place);
    CHECK(kwire::test::path_text(in_place.error()) == "batches[1].records[1]");
    CHECK(in_place.error().offset == first.size() / 2 + 61 + record_size);

    const auto decompressed = transform_records(set_of(first + second(&codecs.lz4)), codecs.set, cap, fail);
    REQUIRE(!decompressed);
    CHECK(kwire::test::path_text(decompressed.error()) == "batches[1].decompressed.records[1]");
    CHECK(decompressed.error().offset == record_size);
}

TEST_CASE("transform: a record that is too large for its length is refused at its place") {
    const auto set = set_of(two_records);
    // The bytes are never read: only their number counts.
    static const std::byte one{};
    const auto huge = std::span(&one, std::size_t{1} << 31);
    const auto made = transform_records(set, [&](const record_view&, record_edit& edit) {
        edit.set_value(shared_buffer::from_static(huge));
    });
    REQUIRE(!made);
    CHECK(made.error() == errc::too_large);
    CHECK(kwire::test::path_text(made.error()) == "batches[0].records[0]");
    CHECK(made.error().offset == 61);
    const auto both = transform_records(set, [&](const record_view&, record_edit& edit) {
        edit.set_value(shared_buffer::from_static(huge.first((std::size_t{1} << 31) - 200)));
    });
    REQUIRE(!both);
    CHECK(both.error() == errc::too_large);
    CHECK(kwire::test::path_text(both.error()) == "batches[0]");
}

TEST_CASE("transform: compressed batches need a codec, keep to the cap, and may change their compression") {
    every_codec codecs;
    const auto keep_first = [](const record_view& record, record_edit& edit) {
        if (record.offset() != 0) edit.drop();
    };
    kwire::batch_builder builder;
    const std::vector<std::byte> zeros(10000);
    for (int i = 0; i < 3; ++i) REQUIRE(builder.append({.timestamp = 100 - i, .value = zeros}));
    const shared_buffer set = std::move(builder).finish(codecs.lz4).value();

    const auto none = transform_records(set, keep_first);
    REQUIRE(!none);
    CHECK(none.error() == errc::unsupported_compression);
    CHECK(names(none.error(), "batches[0].attributes"));
    const auto capped = transform_records(set, codecs.set, 30000, keep_first);
    REQUIRE(!capped);
    CHECK(capped.error() == errc::decompressed_too_large);

    for (kwire::codec* to : {static_cast<kwire::codec*>(nullptr), static_cast<kwire::codec*>(&codecs.zstd)}) {
        const auto made = transform_records(set, codecs.set, cap, keep_first, {.compress_with = to});
        REQUIRE(made);
        const auto bytes = made->records.to_bytes();
        const auto batch = kwire::batch_at(bytes.span());
        REQUIRE(batch);
        CHECK(batch->compression() == (to == nullptr ? kwire::compression_type::lz4 : to->type()));
        CHECK(batch->max_timestamp() == 100);
        CHECK(batch->last_offset() == 2);
        REQUIRE(kwire::check_batches(bytes.span(), codecs.set, cap));
        CHECK(plain(bytes.span(), codecs.set)[0].records.size() == 1);
    }
}

TEST_CASE("transform: every truncation and every changed byte is read within bounds") {
    every_codec codecs;
    kwire::batch_builder builder;
    const header_view header{"h", bytes_of_text("x")};
    for (int i = 0; i < 3; ++i)
        REQUIRE(builder.append({.timestamp = 5,
                                .key = bytes_of_text("k"),
                                .value = bytes_of_text("value"),
                                .headers = {&header, 1}}));
    const auto batch = std::move(builder).finish().to_bytes();
    const std::string hex = to_hex(batch.span()) + two_records;
    const auto valid = from_hex(hex);
    const transform_options options{.read = {.crc = kwire::crc_policy::skip}};
    const auto try_all = [&](std::span<const std::byte> bytes) {
        const kwire::test::exact_bytes block(bytes);
        for (const edit_case& with : edit_cases()) {
            const auto made = transform_records(shared_buffer::from_static(block.span()), codecs.set, 1 << 16,
                                                with.edit, options);
            if (!made) {
                CHECK((made.error().depth != 0 && made.error().path[0].field == "batches"));
                continue;
            }
            // Whatever was read as records is written as records.
            const auto out = made->records.to_bytes();
            const auto again =
                transform_records(out, codecs.set, 1 << 20, [](const record_view&, record_edit&) {}, options);
            if (!again) FAIL(with.name << ": " << kwire::to_string(again.error()));
            CHECK(again->records.to_bytes() == out);
        }
    };
    for (std::size_t size = 0; size <= valid.size(); ++size) try_all(std::span(valid).first(size));
    for (std::size_t at = 0; at < valid.size(); ++at)
        for (const int change : {1, 0x80, 0xff}) {
            auto bytes = valid;
            bytes[at] ^= static_cast<std::byte>(change);
            try_all(bytes);
        }
}
