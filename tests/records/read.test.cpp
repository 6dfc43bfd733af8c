// needs: gzip snappy lz4 zstd
#include <kwire/records/read.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/every_codec.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_json.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::crc_policy;
using kwire::errc;
using namespace kwire::test;

static_assert(std::forward_iterator<kwire::batch_records::iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, kwire::batch_records::iterator>);

namespace {

constexpr std::size_t cap = 64 << 20;

template <class F>
void for_each_set(const char* member, F&& f) {
    for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains(member)) return;
        const std::string sample = line.at("sample").as_string().c_str();
        INFO(sample);
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        f(line, sample, block);
    });
}

kwire::batch_records records_of(batch_view batch, crc_policy policy = crc_policy::verify) {
    static every_codec codecs;
    auto records = kwire::records(batch, codecs.set, cap, policy);
    if (!records) {
        const auto why = describe(records.error());
        FAIL(why.view());
    }
    return *std::move(records);
}

std::string text_of(const kwire::error& e) {
    const auto text = path_of(e);
    return std::string(text.view());
}

// --- Messages of magic 0 and 1, made by hand --------------------------------------------------------------

struct message {
    int magic = 1;
    std::int64_t offset = 0;
    std::int64_t time = 0;
    int attributes = 0;
    std::vector<std::byte> value = from_hex("76");
};

std::vector<std::byte> written(const message& m) {
    std::vector<std::byte> bytes(m.magic == 0 ? 18 : 26);
    bytes[16] = static_cast<std::byte>(m.magic);
    bytes[17] = static_cast<std::byte>(m.attributes);
    kwire::wire::store_be(&bytes[0], m.offset);
    if (m.magic == 1) kwire::wire::store_be(&bytes[18], m.time);
    for (const auto b : from_hex("ffffffff")) bytes.push_back(b);
    std::byte size[4];
    kwire::wire::store_be(&size[0], static_cast<std::int32_t>(m.value.size()));
    bytes.insert(bytes.end(), size, size + 4);
    bytes.insert(bytes.end(), m.value.begin(), m.value.end());
    kwire::wire::store_be(&bytes[8], static_cast<std::int32_t>(bytes.size() - 12));
    kwire::wire::store_be(&bytes[12], kwire::wire::crc32_ieee(std::span(bytes).subspan(16)));
    return bytes;
}

std::vector<std::byte> in_a_row(const std::vector<message>& messages) {
    std::vector<std::byte> all;
    for (const auto& m : messages)
        for (const auto b : written(m)) all.push_back(b);
    return all;
}

/// `m` as a gzip wrapper around these bytes.
std::vector<std::byte> wrapper(message m, std::span<const std::byte> inside) {
    kwire::gzip_codec gzip;
    const auto packed = gzip.compress(inside, static_cast<std::int8_t>(m.magic)).value();
    m.value.assign(packed.begin(), packed.end());
    m.attributes |= 1;
    return written(m);
}

std::vector<std::int64_t> offsets_of(const std::vector<std::byte>& bytes) {
    std::vector<std::int64_t> found;
    const auto records = records_of(kwire::batch_at(bytes).value());
    for (const auto record : records) found.push_back(record->offset());
    REQUIRE(!records.defect());
    REQUIRE(records.count() == found.size());
    return found;
}
std::vector<std::int64_t> times_of(const std::vector<std::byte>& bytes) {
    std::vector<std::int64_t> found;
    const auto records = records_of(kwire::batch_at(bytes).value());
    for (const auto record : records) found.push_back(record->timestamp());
    return found;
}

/// The error of reading all records of one batch.
std::optional<kwire::error> defect_of(const std::vector<std::byte>& bytes,
                                      crc_policy policy = crc_policy::verify) {
    return records_of(kwire::batch_at(bytes).value(), policy).defect();
}
kwire::error refusal_of(std::span<const std::byte> bytes, crc_policy policy = crc_policy::verify) {
    every_codec codecs;
    const exact_bytes block(bytes);
    const auto records = kwire::records(kwire::batch_at(block.span()).value(), codecs.set, cap, policy);
    REQUIRE(!records);
    return records.error();
}

/// A batch of magic 2 with these records, compressed by `one` unless it is null.
std::vector<std::byte> batch_of(std::string_view records, int count, kwire::codec* one) {
    auto bytes = from_hex("0000000000000064 00000000 ffffffff 02 00000000 0000 00000063"
                          "0000000000002710 0000000000002710 ffffffffffffffff ffff ffffffff 00000000");
    REQUIRE(bytes.size() == 61);
    auto plain = from_hex(records);
    if (one != nullptr) {
        const auto packed = one->compress(plain).value();
        plain.assign(packed.begin(), packed.end());
        bytes[22] = static_cast<std::byte>(one->type());
    }
    bytes.insert(bytes.end(), plain.begin(), plain.end());
    kwire::wire::store_be(&bytes[8], static_cast<std::int32_t>(bytes.size() - 12));
    kwire::wire::store_be(&bytes[57], count);
    kwire::wire::store_be(&bytes[17], kwire::crc32c(std::span(bytes).subspan(21)));
    return bytes;
}

const std::string k_v = "10000000026b027600";     // a record: key k, value v
const std::string null_null = "0c00130a010100";   // offset delta 5, timestamp delta -10, no key, no value
const std::string bad_key = "10000000146b027600"; // a key length of ten, too long

} // namespace

TEST_CASE("read: every record that Kafka wrote is read correctly, in all formats and compressions") {
    std::map<std::string, int> batches;
    std::map<std::string, int> samples;
    for_each_set("batches", [&](const json::value& line, const std::string& sample,
                                const exact_bytes& block) {
        if (line.as_object().contains("lenient") && sample.find("wrapper-around") == sample.npos) return;
        ++samples[sample];
        std::size_t n = 0;
        for (const auto entry : kwire::record_batches(block.span())) {
            if (!entry) break;
            const auto batch = *entry;
            const auto& expected = line.at("batches").at(n++);
            ++batches[std::string(name_of(batch.compression())) + std::to_string(batch.magic())];
            const auto records =
                records_of(batch, expected.at("crc_valid").as_bool() ? crc_policy::verify : crc_policy::skip);
            const auto& all = expected.at("records").as_array();
            CHECK(records.count() == all.size());
            std::size_t i = 0;
            for (const auto each : records) {
                if (!each) break;
                const auto record = *each;
                REQUIRE(i < all.size());
                json::object known = all[i++].as_object();
                known.erase("control");
                CHECK(json::serialize(shown(record)) == json::serialize(known));
            }
            CHECK(i == all.size());
            CHECK(!records.defect());
        }
    });
    for (const char* kind : {"none0", "gzip0", "snappy0", "lz40", "none1", "gzip1", "snappy1", "lz41",
                             "none2", "gzip2", "snappy2", "lz42", "zstd2"}) {
        CAPTURE(kind);
        CHECK(batches[kind] > 3);
    }
    // There are sets for each kind of easy mistake, in each compression.
    for (const std::string codec : {"none", "gzip", "snappy", "lz4", "zstd"})
        for (const char* subtlety :
             {"delete-horizon", "sequence-wraps", "compacted-to-nothing", "offset-gaps",
              "time-runs-backwards", "no-timestamps", "last-offset-kept"}) {
            CAPTURE(codec, subtlety);
            CHECK(samples["v2-" + codec + "-" + subtlety] == 1);
        }
}

TEST_CASE("read: batches of three clients are read to the messages that were sent, in all compressions") {
    every_codec codecs;
    int captures = 0;
    for_each_line(KWIRE_GOLDEN_DIR "/compressed.jsonl.gz", [&](std::string_view line) {
        const auto capture = json::parse({line.data(), line.size()});
        INFO(std::string(capture.at("producer").as_string())
             << " " << std::string(capture.at("compression").as_string()));
        ++captures;
        const exact_bytes block(from_hex(capture.at("hex").as_string()));
        const std::string key = capture.at("key").as_string().c_str(),
                          value = capture.at("value").as_string().c_str();
        const auto first = capture.at("first").to_number<std::int64_t>();
        auto number = first;
        for (const auto entry : kwire::record_batches(block.span())) {
            if (!entry) break;
            const auto batch = *entry;
            const auto records = kwire::records(batch, codecs.set, cap);
            REQUIRE(records);
            auto i = records->begin();
            for (; i != records->end(); ++i, ++number) {
                const auto record = **i;
                const auto text = [](std::span<const std::byte> bytes) {
                    std::string out;
                    for (const auto b : bytes) out += static_cast<char>(b);
                    return out;
                };
                REQUIRE(text(record.key().value()) == key + std::to_string(number));
                REQUIRE(text(record.value().value()) == value + std::to_string(number));
                REQUIRE(record.headers().size() == capture.at("headers").as_array().size());
            }
            CHECK(!records->defect(i));
        }
        CHECK(number == first + capture.at("count").to_number<std::int64_t>());
    });
    CHECK(captures == 10);
}

TEST_CASE("read: defects that Kafka refuses are refused, and those that only Kafka accepts") {
    every_codec codecs;
    std::size_t refused = 0, crc = 0, lenient = 0;
    const auto look = [&](const json::value& line, const std::string& sample, const exact_bytes& block) {
        const bool taken = line.as_object().contains("lenient");
        const bool mixed = sample.find("wrapper-around") != sample.npos;
        if (!taken && line.at("stage").as_string() == "batches") return;
        bool any = false, any_crc = false;
        for (const auto entry : kwire::record_batches(block.span())) {
            if (!entry) break;
            const auto batch = *entry;
            const auto records = kwire::records(batch, codecs.set, cap);
            if (!records) {
                any = true;
                any_crc |= records.error() == errc::crc_mismatch;
                const auto& e = records.error();
                if (text_of(e).starts_with("decompressed")) continue;
                CHECK(e.offset <= bytes_of(batch).size());
                continue;
            }
            const auto defect = records->defect();
            any |= defect.has_value();
            for (const auto record : *records) {
                if (record)
                    (void)shown(*record);
                else
                    CHECK(record.error().code == defect->code);
            }
            if (defect) CHECK(text_of(*defect).starts_with("decompressed") == records->is_decompressed());
        }
        if (mixed) {
            CHECK(!any);
            return;
        }
        if (sample == "length-48") return; // not a valid batch: batch.test.cpp
        CHECK(any);
        if (taken) ++lenient;
        if (!taken && line.at("stage").as_string() == "crc") crc += any_crc ? 1 : 0;
        if (!taken && line.at("stage").as_string() == "records") ++refused;
    };
    for_each_set("reject", look);
    for_each_set("lenient", look);
    CHECK(refused == golden_count("record sets, refused at records"));
    CHECK(crc + 1 == golden_count("record sets, refused at crc")); // length-48
    CHECK(lenient == 6);
}

TEST_CASE("read: the checksum is compared when records are read, unless the policy is skip") {
    every_codec codecs;
    for (kwire::codec* one :
         {static_cast<kwire::codec*>(nullptr), static_cast<kwire::codec*>(&codecs.zstd)}) {
        auto bytes = batch_of(k_v, 1, one);
        const auto batch = kwire::batch_at(bytes).value();
        const auto touch = [&](crc_policy policy) { return kwire::records(batch, codecs.set, cap, policy); };
        const auto plain_touch = [&](crc_policy policy) { return kwire::records(batch, policy).has_value(); };
        for (const auto policy : {crc_policy::verify, crc_policy::on_first_touch, crc_policy::skip}) {
            CHECK(touch(policy));
            CHECK(plain_touch(policy));
            CHECK(kwire::check_batches(bytes, policy));
        }
        bytes[30] ^= std::byte{1}; // in the base timestamp
        for (const auto policy : {crc_policy::verify, crc_policy::on_first_touch}) {
            REQUIRE(!touch(policy));
            CHECK(touch(policy).error() == errc::crc_mismatch);
            CHECK(touch(policy).error().offset == 17);
            CHECK(!plain_touch(policy));
            if (one == nullptr) CHECK(kwire::check_records(batch, policy).error() == errc::crc_mismatch);
        }
        CHECK(touch(crc_policy::skip));
        CHECK(plain_touch(crc_policy::skip));
        CHECK(!kwire::check_batches(bytes, crc_policy::verify));
        CHECK(kwire::check_batches(bytes, crc_policy::on_first_touch));
        CHECK(kwire::check_batches(bytes, crc_policy::skip));
    }
    auto old = written({.offset = 4});
    old.back() ^= std::byte{1};
    CHECK(refusal_of(old) == errc::crc_mismatch);
    CHECK(refusal_of(old).offset == 12);
}

TEST_CASE("read: an uncompressed batch is read in place, without an allocation") {
    every_codec codecs;
    for (const auto& bytes : {batch_of(k_v + null_null, 2, nullptr), written({.offset = 7})}) {
        const exact_bytes block(bytes);
        const auto batch = kwire::batch_at(block.span()).value();
        std::size_t inside = 0;
        const auto allocations = support::allocations_of([&] {
            const auto records = kwire::records(batch, codecs.set, 0); // the cap is for what is decompressed
            for (const auto record : *records)
                if (record->value() && record->value()->data() >= block.begin() &&
                    record->value()->data() < block.end())
                    ++inside;
        });
        CHECK(inside == 1);
        if (support::counts_allocations) CHECK(allocations == 0);
        const auto records = kwire::records(batch, codecs.set, 0);
        CHECK(!records->is_decompressed());
        CHECK(records->buffer().empty());
    }
}

TEST_CASE("read: decompressed records are valid while anyone holds their memory") {
    every_codec codecs;
    kwire::shared_buffer value;
    std::optional<kwire::batch_records> copy;
    {
        auto bytes = batch_of(k_v + null_null, 2, &codecs.lz4);
        const auto records = records_of(kwire::batch_at(bytes).value());
        CHECK(records.is_decompressed());
        CHECK(to_hex(bytes_of(records)) == k_v + null_null);
        const auto first = **records.begin();
        value = records.buffer().slice_of(*first.value()).value();
        copy = records;
        std::ranges::fill(bytes, std::byte{0xee});
    }
    std::size_t n = 0;
    for (const auto record : *copy)
        n += record->headers().size() + (record->key() ? record->key()->size() : 0);
    CHECK(n == 1);
    copy.reset();
    CHECK(to_hex(value.span()) == "76");
}

TEST_CASE("read: a loop over the records of a temporary keeps them") {
    every_codec codecs;
    for (kwire::codec* one :
         {static_cast<kwire::codec*>(nullptr), static_cast<kwire::codec*>(&codecs.zstd)}) {
        const auto bytes = batch_of(k_v + null_null, 2, one);
        const batch_view batch = kwire::batch_at(bytes).value();
        std::size_t n = 0;
        for (const auto record : *kwire::records(batch, codecs.set, cap)) n += record->key() ? 10 : 1;
        for (const auto record : kwire::records(batch, codecs.set, cap).value()) n += record->key() ? 10 : 1;
        CHECK(n == 22);
        auto named = kwire::records(batch, codecs.set, cap);
        static_assert(std::is_same_v<decltype(*named), kwire::batch_records&>);
        static_assert(std::is_same_v<decltype(*std::as_const(named)), const kwire::batch_records&>);
        static_assert(std::is_same_v<decltype(*std::move(named)), kwire::batch_records>);
        const kwire::expected<kwire::batch_records, kwire::error> plain = std::move(named);
        CHECK(plain->count() == 2);
        if (one != nullptr) continue;
        n = 0;
        for (const auto record : *kwire::records(batch, kwire::crc_policy::verify))
            n += record->key() ? 10 : 1;
        CHECK(n == 11);
    }
}

TEST_CASE("read: records of a held batch keep their bytes alive") {
    every_codec codecs;
    for (kwire::codec* one :
         {static_cast<kwire::codec*>(nullptr), static_cast<kwire::codec*>(&codecs.gzip)}) {
        std::optional<kwire::batch_records> records;
        {
            const auto buffer = kwire::shared_buffer::copy_of(batch_of(k_v, 1, one));
            const kwire::held<batch_view> batch(kwire::batch_at(buffer.span()).value(), buffer);
            records = kwire::records(batch, codecs.set, cap).value();
        }
        const auto value = records->buffer().slice_of(*(*records->begin())->value());
        REQUIRE(value);
        CHECK(to_hex(value->span()) == "76");
    }
}

TEST_CASE("read: decompression stops at the cap") {
    every_codec codecs;
    for (kwire::codec* one :
         std::initializer_list<kwire::codec*>{&codecs.gzip, &codecs.snappy, &codecs.lz4, &codecs.zstd}) {
        const auto bytes = batch_of(k_v + null_null, 2, one);
        const auto batch = kwire::batch_at(bytes).value();
        const std::size_t size = (k_v + null_null).size() / 2;
        CHECK(kwire::records(batch, codecs.set, size));
        const auto refused = kwire::records(batch, codecs.set, size - 1);
        REQUIRE(!refused);
        CHECK(refused.error() == errc::decompressed_too_large);
    }
    const auto inside = in_a_row({{.offset = 0}, {.offset = 1}});
    const auto bytes = wrapper({.offset = 9}, inside);
    CHECK(kwire::records(kwire::batch_at(bytes).value(), codecs.set, inside.size()));
    CHECK(!kwire::records(kwire::batch_at(bytes).value(), codecs.set, inside.size() - 1));
}

TEST_CASE("read: a batch without records needs no codec, and its count must agree") {
    const kwire::codec_set none;
    every_codec codecs;
    auto bytes = batch_of("", 0, nullptr);
    bytes[22] = std::byte{4};
    const auto records = kwire::records(kwire::batch_at(bytes).value(), none, 0, crc_policy::skip);
    REQUIRE(records);
    CHECK(records->begin() == records->end());
    CHECK(!records->defect());

    const auto trailing = defect_of(batch_of(k_v, 0, &codecs.zstd));
    REQUIRE(trailing);
    CHECK(*trailing == errc::trailing_bytes);
    CHECK(trailing->offset == 0);
    CHECK(defect_of(batch_of(k_v, 0, nullptr)).value().offset == 61);
    const auto negative = refusal_of(batch_of(k_v, -1, &codecs.zstd));
    CHECK(negative == errc::bad_length);
    CHECK(negative.offset == 57);
    const auto many = refusal_of(batch_of(k_v, 2, &codecs.zstd));
    CHECK(many == errc::count_exceeds_input);
    CHECK(text_of(many) == "record_count");
    CHECK(many.offset == 57);
    CHECK((many.needed == 14 && many.left == 9));
    CHECK(refusal_of(batch_of("", 1, &codecs.snappy)) == errc::count_exceeds_input);
    CHECK(refusal_of(batch_of("", 1, nullptr)) == errc::count_exceeds_input);
}

TEST_CASE(
    "read: the offset of a defect counts in the batch or in the decompressed bytes, as its path tells") {
    every_codec codecs;
    const auto plain = batch_of(k_v + bad_key, 2, nullptr);
    const auto in_batch = records_of(kwire::batch_at(plain).value()).defect();
    REQUIRE(in_batch);
    CHECK(*in_batch == errc::truncated);
    CHECK(text_of(*in_batch) == "records[1].key");
    CHECK(in_batch->offset == 61 + 9 + 5);

    const auto packed = batch_of(k_v + bad_key, 2, &codecs.snappy);
    const auto records = records_of(kwire::batch_at(packed).value());
    std::size_t n = 0;
    auto i = records.begin();
    for (; i != records.end(); ++i) n += (*i).has_value() ? 1 : 0;
    CHECK(n == 1);
    const auto inside = records.defect(i);
    REQUIRE(inside);
    CHECK(text_of(*inside) == "decompressed.records[1].key");
    CHECK(inside->offset == 9 + 5);

    auto message = written({.offset = 1});
    kwire::wire::store_be(&message[30], std::int32_t{5}); // the value's length
    const auto in_message = records_of(kwire::batch_at(message).value(), crc_policy::skip).defect();
    REQUIRE(in_message);
    CHECK(text_of(*in_message) == "records[0].value");
    const auto in_wrapper = defect_of(wrapper({.offset = 1}, message));
    REQUIRE(in_wrapper);
    CHECK(text_of(*in_wrapper) == "decompressed.records[0].value");
    CHECK(in_wrapper->offset == in_message->offset);
}

TEST_CASE("read: offsets inside a wrapper are relative in magic 1 and absolute in magic 0") {
    using list = std::vector<std::int64_t>;
    // The last message has the wrapper's offset; gaps come from compaction.
    CHECK(offsets_of(wrapper({.offset = 42}, in_a_row({{.offset = 0}, {.offset = 1}, {.offset = 2}}))) ==
          list{40, 41, 42});
    CHECK(offsets_of(wrapper({.offset = 90}, in_a_row({{.offset = 0}, {.offset = 37}, {.offset = 50}}))) ==
          list{40, 77, 90});
    CHECK(offsets_of(wrapper({.magic = 0, .offset = 42},
                             in_a_row({{.magic = 0, .offset = 40}, {.magic = 0, .offset = 42}}))) ==
          list{40, 42});
    // Absolute offsets in magic 1 are accepted too; a wrapper with offset 0 does not shift them.
    CHECK(offsets_of(wrapper({.offset = 42}, in_a_row({{.offset = 40}, {.offset = 42}}))) == list{40, 42});
    CHECK(offsets_of(wrapper({.offset = 0}, in_a_row({{.offset = 0}, {.offset = 1}}))) == list{0, 1});
    // No arithmetic overflows.
    constexpr auto most = std::numeric_limits<std::int64_t>::max(),
                   least = std::numeric_limits<std::int64_t>::min();
    CHECK(offsets_of(wrapper({.offset = most}, in_a_row({{.offset = 0}, {.offset = 1}}))) ==
          list{most - 1, most});
    CHECK(offsets_of(wrapper({.offset = most}, in_a_row({{.offset = least}}))).size() == 1);
    // Kafka refuses this: the wrapper's offset is below the last one inside.
    for (const auto offset : {std::int64_t{41}, std::int64_t{-1}, least}) {
        const auto refused =
            refusal_of(wrapper({.offset = offset}, in_a_row({{.offset = 40}, {.offset = 42}})));
        CHECK(refused == errc::bad_value);
        CHECK(text_of(refused) == "base_offset");
    }
}

TEST_CASE("read: messages inside have the wrapper's timestamp only with log_append_time") {
    using list = std::vector<std::int64_t>;
    const auto inside = in_a_row({{.offset = 0, .time = 7}, {.offset = 1, .time = 5, .attributes = 8}});
    CHECK(times_of(wrapper({.offset = 1, .time = 99}, inside)) == list{7, 5});
    CHECK(times_of(wrapper({.offset = 1, .time = 99, .attributes = 8}, inside)) == list{99, 99});
    CHECK(times_of(wrapper({.magic = 0, .offset = 1}, inside)) == list{7, 5});
    const auto without = in_a_row({{.magic = 0, .offset = 0}, {.offset = 1, .time = 5}});
    CHECK(times_of(wrapper({.offset = 1, .time = 99}, without)) == list{-1, 5});
    CHECK(times_of(wrapper({.offset = 1, .time = 99, .attributes = 8}, without)) == list{-1, 99});
    CHECK(times_of(written({.offset = 1, .time = 99, .attributes = 8})) == list{99});
    CHECK(times_of(written({.magic = 0, .offset = 1})) == list{-1});
}

TEST_CASE("read: wrappers hold messages of the old formats, at least a whole one, and no wrappers") {
    for (const int magic : {0, 1}) {
        CAPTURE(magic);
        const message around{.magic = magic, .offset = 9};
        const auto empty = refusal_of(wrapper(around, {}));
        CHECK(empty == errc::truncated);
        CHECK(text_of(empty) == "decompressed.records[0]");
        CHECK(empty.offset == 0);

        const auto nested = refusal_of(wrapper(around, wrapper(around, written(around))));
        CHECK(nested == errc::unsupported_compression);
        CHECK(text_of(nested) == "decompressed.records[0].attributes");
        CHECK(nested.offset == 17);

        auto two = in_a_row({{.magic = magic, .offset = 0}, {.magic = magic, .offset = 1}});
        const std::size_t one = two.size() / 2;
        for (std::size_t cut = 1; cut < two.size(); ++cut) {
            if (cut == one) continue;
            const auto bytes = wrapper(around, std::span(two).first(cut));
            if (cut > one) { // what is whole can be read
                const auto records = records_of(kwire::batch_at(bytes).value());
                CHECK(records.count() == 1);
                CHECK(records.cut_bytes() == cut - one);
                CHECK(!records.defect());
                CHECK((*records.begin())->offset() == (magic == 0 ? 0 : 9));
                continue;
            }
            const auto e = refusal_of(bytes);
            CHECK(e == errc::truncated);
            CHECK(text_of(e) == "decompressed.records[0]");
            CHECK(e.offset == 0);
        }
        const auto new_inside = refusal_of(wrapper(around, batch_of(k_v, 1, nullptr)));
        CHECK(new_inside == errc::unknown_magic);
        CHECK(text_of(new_inside) == "decompressed.records[0].magic");
        two[one + 11] = std::byte{3};
        CHECK(text_of(refusal_of(wrapper(around, two))) == "decompressed.records[1].batch_length");

        auto zstd = written(around);
        zstd[17] = std::byte{4};
        CHECK(refusal_of(zstd, crc_policy::skip) == errc::unsupported_compression);
        CHECK(refusal_of(zstd, crc_policy::skip).offset == 17);
    }
}

TEST_CASE("read: every look-up agrees with reading all records, in all sets that Kafka wrote") {
    std::size_t compared = 0;
    for_each_set("batches", [&](const json::value&, const std::string&, const exact_bytes& block) {
        for (const auto entry : kwire::record_batches(block.span())) {
            if (!entry) break;
            const auto batch = *entry;
            const auto records = records_of(batch, crc_policy::skip);
            if (records.defect()) continue;
            ++compared;
            std::vector<kwire::record_view> all;
            for (const auto record : records) all.push_back(*record);
            CHECK(count_records(records) == all.size());
            const auto last = last_record_offset(records);
            REQUIRE(last);
            CHECK(*last == (all.empty() ? std::nullopt : std::optional(all.back().offset())));
            const auto same = [&](const auto& found, auto wanted) {
                REQUIRE(found);
                const auto i = std::ranges::find_if(all, wanted);
                REQUIRE(found->has_value() == (i != all.end()));
                if (*found) CHECK(json::serialize(shown(**found)) == json::serialize(shown(*i)));
            };
            for (std::size_t n = 0; n < all.size(); n += 1 + all.size() / 10)
                for (int near = -1; near <= 1; ++near) {
                    const auto offset = all[n].offset() + near, time = all[n].timestamp() + near;
                    same(find_offset(records, offset), [&](auto& r) { return r.offset() >= offset; });
                    same(find_timestamp(records, time), [&](auto& r) { return r.timestamp() >= time; });
                }
        }
    });
    CHECK(compared > 400);
}

TEST_CASE("read: a look-up in defective records has the error of reading them all") {
    every_codec codecs;
    const auto bytes = batch_of(k_v + "7e00", 2, &codecs.gzip);
    REQUIRE(kwire::batch_at(bytes));
    auto long_enough = batch_of(k_v + "7e000000000000", 2, &codecs.gzip);
    const auto records = records_of(kwire::batch_at(long_enough).value());
    REQUIRE(records.defect());
    CHECK(count_records(records).error().offset == records.defect()->offset);
    CHECK(last_record_offset(records).error().offset == 10);
    CHECK(find_offset(records, 100).value().has_value());
    CHECK(text_of(find_offset(records, 101).error()) == "decompressed.records[1]");
    CHECK(find_timestamp(records, 99999).error() == errc::truncated);

    auto message = written({.offset = 1});
    kwire::wire::store_be(&message[30], std::int32_t{5});
    const auto old = records_of(kwire::batch_at(message).value(), crc_policy::skip);
    CHECK(find_offset(old, 1).error() == errc::truncated);
    CHECK(!find_offset(old, 2).value());
}

TEST_CASE("read: a wrapper whose last message is cut short gives the whole ones, as Kafka does") {
    // Two messages and the first 32 bytes of a third.
    const auto bytes = from_hex("0000000000000001000000556c4776c5010100000000000003e8ffffffff0000003f"
                                "1f8b080000000000020363608003f1aed497b98c500ef38bff400064302642454032e2"
                                "c2393bae632a49828a308194a4647738a22b01005165f73066000000");
    const auto records = records_of(kwire::batch_at(bytes).value());
    CHECK(records.count() == 2);
    CHECK(records.cut_bytes() == 32);
    CHECK(count_records(records) == 2);
    std::vector<std::int64_t> offsets;
    for (const auto record : records) offsets.push_back(record.value().offset());
    CHECK(offsets ==
          std::vector<std::int64_t>{0, 1}); // the offset of the wrapper is that of the last whole one
}

TEST_CASE(
    "read: with record_options as Kafka, the sets that only Kafka accepts are read as Kafka reads them") {
    every_codec codecs;
    std::size_t sets = 0;
    for_each_set("lenient", [&](const json::value& line, const std::string&, const exact_bytes& block) {
        ++sets;
        std::size_t n = 0;
        for (const auto entry : kwire::record_batches(block.span())) {
            const auto& expected = line.at("batches").at(n++).at("records").as_array();
            const auto records =
                kwire::records(*entry, codecs.set, cap, kwire::record_options::as_kafka(crc_policy::skip));
            REQUIRE(records);
            std::size_t i = 0;
            for (const auto record : *records) {
                REQUIRE(record);
                CHECK(json::serialize(shown(*record)) == json::serialize(expected.at(i++)));
            }
            CHECK(i == expected.size());
            CHECK(!records->defect());
            CHECK(count_records(*records));
            CHECK(find_offset(*records, 0));
        }
    });
    CHECK(sets == golden_count("record sets, lenient"));
}

TEST_CASE("read: record_options accept bytes after a message, and what they do not name stays a defect") {
    every_codec codecs;
    const message around{.magic = 1, .offset = 9};
    auto bytes = written(around);
    bytes.push_back(std::byte{7});
    kwire::wire::store_be(&bytes[8], static_cast<std::int32_t>(bytes.size() - 12));
    const auto batch = kwire::batch_at(bytes).value();
    const auto strict = kwire::records(batch, codecs.set, cap, crc_policy::skip);
    CHECK(strict.value().defect() == errc::bad_record);
    const auto records =
        kwire::records(batch, codecs.set, cap, {.crc = crc_policy::skip, .trailing_bytes = true});
    REQUIRE(records);
    CHECK(!records->defect());
    CHECK(to_hex((*records->begin())->value().value()) == "76");

    const auto damaged = batch_of(k_v + bad_key, 2, nullptr);
    CHECK(kwire::records(kwire::batch_at(damaged).value(), codecs.set, cap, kwire::record_options::as_kafka())
              .value()
              .defect() == errc::truncated);
}
