#include <kwire/records/builder.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/record_range.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_builder;
using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::golden_sets;
using kwire::test::to_hex;

namespace {

using bytes = std::vector<std::byte>;

struct owned_header {
    std::string name;
    std::optional<bytes> value;
};
struct owned_record {
    std::int64_t offset = 0, timestamp = 0;
    std::optional<bytes> key, value;
    std::vector<owned_header> headers;
};

std::optional<std::span<const std::byte>> view(const std::optional<bytes>& b) {
    return b ? std::optional(std::span<const std::byte>(*b)) : std::nullopt;
}
/// So small that compilers inline the first append completely, and once warned of writes to memory that was
/// not allocated yet.
kwire::shared_buffer one_record(const bytes& key, const bytes& value, bool has_key, bool has_value) {
    batch_builder builder({.is_control = true});
    kwire::record_to_write record{.timestamp = 1};
    if (has_key) record.key = key;
    if (has_value) record.value = value;
    if (!builder.append(record)) return {};
    return std::move(builder).finish().to_bytes();
}
bool same(std::optional<std::span<const std::byte>> a, const std::optional<bytes>& b) {
    return a.has_value() == b.has_value() && (!a || std::ranges::equal(*a, *b));
}

} // namespace

TEST_CASE("builder: uncompressed batches of Kafka are reproduced byte for byte") {
    std::size_t rebuilt = 0, compacted = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("batches") || line.as_object().contains("lenient")) return;
        INFO(std::string(line.at("sample").as_string()));
        const bytes set = from_hex(line.at("hex").as_string());
        for (const auto entry : kwire::record_batches(set)) {
            if (!entry) break;
            const auto batch = *entry;
            const auto* header = batch.header();
            if (header == nullptr || batch.compression() != kwire::compression_type::none) continue;
            if (!crc_matches(batch)) continue;
            kwire::batch_options options{.base_offset = batch.base_offset(),
                                         .partition_leader_epoch = batch.partition_leader_epoch(),
                                         .producer_id = batch.producer_id(),
                                         .producer_epoch = batch.producer_epoch(),
                                         .base_sequence = batch.base_sequence(),
                                         .is_transactional = batch.is_transactional(),
                                         .is_control = batch.is_control(),
                                         .delete_horizon = batch.delete_horizon()};
            // With append time the records keep the producer's timestamps, which readers do not show: here
            // they are read with the type create_time, and append time is set afterwards.
            bytes as_created(bytes_of(batch).begin(), bytes_of(batch).end());
            auto& plain = *kwire::overlay_writable<kwire::batch_header>(as_created).value();
            if (batch.timestamp_type() == kwire::timestamp_type::log_append_time) {
                plain.attributes = static_cast<std::int16_t>(plain.attributes & ~8);
                options.append_time = batch.max_timestamp();
            }
            batch_builder builder(options);
            std::int64_t last = batch.base_offset() - 1;
            for (const auto each : kwire::record_range(kwire::batch_at(as_created).value())) {
                if (!each) break;
                const auto record = *each;
                std::vector<kwire::header_view> headers;
                for (auto h : record.headers()) headers.push_back(h);
                REQUIRE(builder.append({.offset = record.offset(),
                                        .timestamp = record.timestamp(),
                                        .key = record.key(),
                                        .value = record.value(),
                                        .headers = headers}));
                last = record.offset();
            }
            const auto size = builder.size();
            const auto chain = std::move(builder).finish();
            CHECK(chain.segment_count() == 1);
            CHECK(chain.size() == size);
            const auto made = chain.to_bytes();
            CHECK(crc_matches(kwire::batch_at(made.span()).value()));
            // A builder cannot reproduce what compaction kept from removed records.
            if (last != batch.last_offset()) {
                ++compacted;
                continue;
            }
            CHECK(to_hex(made.span()) == to_hex(bytes_of(batch)));
            ++rebuilt;
        }
    });
    CHECK(rebuilt == 49);
    CHECK(compacted == 20);
}

TEST_CASE("builder: appended records are read back, with copied and attached values") {
    std::mt19937_64 random(11);
    const auto some_bytes = [&](std::size_t most) {
        bytes out(random() % (most + 1));
        for (auto& b : out) b = static_cast<std::byte>(random() & 0xff);
        return out;
    };
    const auto maybe_bytes = [&](std::size_t most) {
        return random() % 5 == 0 ? std::nullopt : std::optional(some_bytes(most));
    };
    for (int round = 0; round < 300; ++round) {
        kwire::batch_options options{.base_offset = static_cast<std::int64_t>(random() >> 2),
                                     .partition_leader_epoch = static_cast<std::int32_t>(random()),
                                     .producer_id = static_cast<std::int64_t>(random()),
                                     .producer_epoch = static_cast<std::int16_t>(random()),
                                     .base_sequence = static_cast<std::int32_t>(random()),
                                     .is_transactional = (random() & 1) != 0,
                                     .is_control = (random() & 1) != 0,
                                     .expected_bytes = static_cast<std::size_t>(random() % 3 * 100)};
        if (random() % 3 == 0) options.append_time = static_cast<std::int64_t>(random());
        if (random() % 3 == 0) options.delete_horizon = static_cast<std::int64_t>(random());
        batch_builder builder(options);
        std::vector<owned_record> written;
        std::int64_t next = options.base_offset;
        bool attached = false;
        for (std::size_t n = random() % 40; n != 0; --n) {
            owned_record r{.offset = next + static_cast<std::int64_t>(random() % 3),
                           .timestamp = static_cast<std::int64_t>(random() >> (random() % 60)),
                           .key = maybe_bytes(70),
                           .value = maybe_bytes(300),
                           .headers = {}};
            for (std::size_t h = random() % 4; h != 0; --h) {
                const auto name = some_bytes(5);
                r.headers.push_back(
                    {std::string(reinterpret_cast<const char*>(name.data()), name.size()), maybe_bytes(90)});
            }
            std::vector<kwire::header_view> headers;
            for (const auto& h : r.headers) headers.push_back({h.name, view(h.value)});
            kwire::record_to_write record{
                .offset = r.offset, .timestamp = r.timestamp, .key = view(r.key), .headers = headers};
            const auto before = builder.size();
            if (r.value && random() % 2 == 0) {
                REQUIRE(builder.append(record, kwire::shared_buffer::copy_of(*r.value)));
                attached |= !r.value->empty();
            } else {
                record.value = view(r.value);
                REQUIRE(builder.has_room_for(record));
                REQUIRE(builder.append(record));
            }
            CHECK(builder.size() > before);
            next = r.offset + 1;
            written.push_back(std::move(r));
        }
        const auto size = builder.size();
        const auto chain = std::move(builder).finish();
        CHECK((chain.segment_count() == 1) == !attached);
        CHECK(chain.size() == size);
        const auto whole = chain.to_bytes();
        const exact_bytes block(whole.span());
        const auto batch = kwire::batch_at(block.span()).value();
        REQUIRE(kwire::check_records(batch) == written.size());
        CHECK(bytes_of(batch).size() == size);
        CHECK(batch.base_offset() == options.base_offset);
        CHECK(batch.last_offset() == (written.empty() ? options.base_offset : next - 1));
        CHECK(batch.partition_leader_epoch() == options.partition_leader_epoch);
        CHECK(batch.producer_id() == options.producer_id);
        CHECK(batch.producer_epoch() == options.producer_epoch);
        CHECK(batch.base_sequence() == options.base_sequence);
        CHECK(batch.is_transactional() == options.is_transactional);
        CHECK(batch.is_control() == options.is_control);
        CHECK(batch.delete_horizon() == options.delete_horizon);
        std::size_t i = 0;
        for (const auto each : kwire::record_range(batch)) {
            if (!each) break;
            const auto record = *each;
            const auto& r = written[i++];
            CHECK(record.offset() == r.offset);
            CHECK(record.timestamp() == options.append_time.value_or(r.timestamp));
            CHECK(same(record.key(), r.key));
            CHECK(same(record.value(), r.value));
            REQUIRE(record.headers().size() == r.headers.size());
            std::size_t h = 0;
            for (auto header : record.headers()) {
                CHECK(header.name == r.headers[h].name);
                CHECK(same(header.value, r.headers[h++].value));
            }
        }
    }
}

TEST_CASE("builder: the batch never exceeds its bound, and a refused record changes nothing") {
    const bytes value(100, std::byte{7});
    batch_builder builder({.max_bytes = 1000});
    std::size_t n = 0;
    while (builder.has_room_for({.timestamp = 5, .value = value})) {
        REQUIRE(builder.append({.timestamp = 5, .value = value}));
        ++n;
        CHECK(builder.size() <= 1000);
    }
    CHECK(n == (1000 - 61) / 109);
    const auto size = builder.size();
    const auto refused = builder.append({.timestamp = 5, .value = value});
    REQUIRE(!refused);
    CHECK(refused.error() == errc::too_large);
    CHECK(refused.error().needed == 109);
    CHECK(refused.error().left == 1000 - size);
    CHECK(builder.append({}, kwire::shared_buffer::copy_of(value)).error() == errc::too_large);
    CHECK(builder.size() == size);
    CHECK(static_cast<std::size_t>(builder.record_count()) == n);
    REQUIRE(builder.append({.timestamp = 5, .value = std::span(value).first(1000 - size - 8)}));
    CHECK(builder.size() == 1000);
    const auto batch = std::move(builder).finish().to_bytes();
    CHECK(kwire::check_records(kwire::batch_at(batch.span()).value()) == n + 1);
}

TEST_CASE("builder: values too long for any batch are refused without reading them") {
    // A span longer than its memory: only its size may be used.
    static const std::byte one{};
    const std::byte* volatile unknown = &one; // without it the compiler would warn
    const std::span<const std::byte> claimed(unknown, std::numeric_limits<std::int32_t>::max());
    const std::span<const std::byte> huge(
        unknown, std::max(std::numeric_limits<std::size_t>::max() / 4 + 1, std::size_t{1} << 31));
    batch_builder builder({.max_bytes = std::numeric_limits<std::size_t>::max()});
    CHECK(builder.append({.value = claimed}).error() == errc::too_large);
    CHECK(builder.append({.key = claimed}).error() == errc::too_large);
    CHECK(builder.append({.value = huge}).error() == errc::too_large);
    const kwire::header_view header{.name = {}, .value = huge};
    CHECK(builder.append({.headers = {&header, 1}}).error() == errc::too_large);
    CHECK(builder.empty());
}

TEST_CASE("builder: offsets must rise and stay within 2^31 of the first") {
    batch_builder builder({.base_offset = 100});
    const auto at = [&](std::int64_t offset) { return builder.append({.offset = offset}); };
    CHECK(at(99).error() == errc::bad_value);
    REQUIRE(at(100));
    CHECK(at(100).error() == errc::bad_value);
    REQUIRE(at(102));
    CHECK(at(100 + (std::int64_t{1} << 31)).error() == errc::bad_value);
    REQUIRE(at(99 + (std::int64_t{1} << 31)));
    CHECK(builder.append({}).error() == errc::bad_value);
    CHECK(builder.record_count() == 3);
}

TEST_CASE("builder: attached values are neither copied nor moved") {
    const auto value = kwire::shared_buffer::copy_of(bytes(70000, std::byte{3}));
    batch_builder builder;
    REQUIRE(builder.append({.timestamp = 1}, value));
    REQUIRE(builder.append({.timestamp = 2}, value));
    const auto before = kwire::copied_bytes();
    const auto chain = std::move(builder).finish();
    CHECK(kwire::copied_bytes() - before < 100); // the bytes around the values
    REQUIRE(chain.segment_count() == 5);
    CHECK(chain.segments()[1].data() == value.data());
    CHECK(chain.segments()[3].data() == value.data());
    const auto whole = chain.to_bytes();
    CHECK(kwire::check_records(kwire::batch_at(whole.span()).value()) == 2U);
}

TEST_CASE("builder: a batch of the expected size takes one allocation, and can be changed afterwards") {
    const bytes value(100, std::byte{7});
    kwire::unique_buffer batch;
    bool all = true;
    const auto allocations = support::allocations_of([&] {
        batch_builder builder({.expected_bytes = 120000});
        for (int i = 0; i < 1000; ++i) all &= builder.append({.timestamp = i, .value = value}).has_value();
        batch = std::move(builder).finish_writable();
    });
    CHECK(all);
    if (support::counts_allocations) CHECK(allocations == 1);
    const auto writable = kwire::mutable_batch_at(batch.span());
    REQUIRE(writable);
    writable->set_base_offset(7);
    CHECK(kwire::check_records(*writable) == 1000U);
}

TEST_CASE("builder: without records it makes an empty batch") {
    batch_builder builder({.base_offset = 7});
    CHECK(builder.size() == 61);
    const auto batch = std::move(builder).finish().to_bytes();
    const auto found = kwire::batch_at(batch.span());
    REQUIRE(found);
    CHECK(found->next_offset() == 8);
    CHECK(kwire::check_records(*found) == 0U);
}

TEST_CASE("builder: records are written correctly around every size at which a length takes one byte more") {
    const bytes content(8300, std::byte{5});
    // Deltas and headers make the record longer than the smallest one with such a value.
    const kwire::header_view header{.name = "h", .value = std::span(content).first(3)};
    for (const std::size_t low : {std::size_t{0}, std::size_t{8100}})
        for (std::size_t size = low; size < low + 130; ++size)
            for (const std::int64_t step : {std::int64_t{0}, std::int64_t{1000}, std::int64_t{1} << 60}) {
                batch_builder builder;
                const std::span<const std::byte> value = std::span(content).first(size);
                for (std::int64_t i = 0; i < 3; ++i)
                    REQUIRE(builder.append({.offset = i * 70,
                                            .timestamp = i * step,
                                            .key = value.first(size / 3),
                                            .value = value.subspan(size / 3),
                                            .headers = {&header, static_cast<std::size_t>(i % 2)}}));
                const auto batch = std::move(builder).finish().to_bytes();
                const exact_bytes block(batch.span());
                const auto view = kwire::batch_at(block.span()).value();
                REQUIRE(kwire::check_records(view) == 3U);
                std::int64_t i = 0;
                for (const auto each : kwire::record_range(view)) {
                    if (!each) break;
                    const auto record = *each;
                    CHECK(record.timestamp() == i * step);
                    CHECK(record.offset() == i * 70);
                    CHECK(record.key()->size() + record.value()->size() == size);
                    CHECK(record.headers().size() == static_cast<std::size_t>(i % 2));
                    ++i;
                }
            }
}

TEST_CASE("builder: a finished or moved-from builder starts empty") {
    const bytes value(50, std::byte{7});
    batch_builder first({.base_offset = 5});
    REQUIRE(first.append({.timestamp = 9, .value = value}));
    batch_builder second = std::move(first);
    CHECK(second.record_count() == 1);
    REQUIRE(first.append({.timestamp = 3, .value = value})); // NOLINT(bugprone-use-after-move)
    REQUIRE(second.append({.timestamp = 10, .value = value}));
    const auto two = std::move(second).finish().to_bytes();
    CHECK(kwire::check_records(kwire::batch_at(two.span()).value()) == 2U);
    CHECK(second.empty()); // NOLINT(bugprone-use-after-move)
    CHECK(second.size() == 61);
    REQUIRE(second.append({.timestamp = 3, .value = value}));
    const auto one = std::move(first).finish().to_bytes();
    CHECK(one == std::move(second).finish().to_bytes());
    CHECK(kwire::batch_at(one.span())->base_offset() == 5);
    CHECK(kwire::batch_at(one.span())->header()->base_timestamp == 3);
    CHECK(kwire::check_records(kwire::batch_at(one.span()).value()) == 1U);
}

TEST_CASE("builder: key and value are each null, empty or bytes, independently") {
    const bytes key(3, std::byte{'k'}), value(5, std::byte{'v'}), none;
    for (const bool has_key : {false, true})
        for (const bool has_value : {false, true})
            for (const bytes* k : {&none, &key})
                for (const bytes* v : {&none, &value}) {
                    const auto made = one_record(*k, *v, has_key, has_value);
                    const auto records = kwire::record_range(kwire::batch_at(made.span()).value());
                    REQUIRE(records.begin() != records.end());
                    const kwire::record_view record = **records.begin();
                    CHECK(same(record.key(), has_key ? std::optional(*k) : std::nullopt));
                    CHECK(same(record.value(), has_value ? std::optional(*v) : std::nullopt));
                    CHECK(!records.defect());
                }
}

TEST_CASE("builder: headers that just fit are written, and longer ones are refused") {
    // Around the size at which the record fits, but would not with the longest form of all numbers.
    const std::string name(20, 'n');
    const bytes value(30, std::byte{'v'});
    const std::vector<kwire::header_view> headers(
        3, kwire::header_view{.name = name, .value = std::span<const std::byte>(value)});
    for (std::size_t max = 240; max < 340; ++max) {
        batch_builder builder({.max_bytes = max, .expected_bytes = max});
        REQUIRE(builder.append({.timestamp = 1}));
        const std::size_t before = builder.size();
        const std::size_t whole = 2 + 1 + 1 + 1 + 1 + 1 + 1 + 3 * (1 + 20 + 1 + 30);
        const bool fits = before + whole <= max;
        CHECK(builder.append({.timestamp = 2, .headers = headers}).has_value() == fits);
        CHECK(builder.size() == (fits ? before + whole : before));
        const auto made = std::move(builder).finish().to_bytes();
        CHECK(kwire::check_records(kwire::batch_at(made.span()).value()) == (fits ? 2U : 1U));
    }
}
