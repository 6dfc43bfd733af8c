/// libFuzzer: batches built record by record, with values copied and attached, compressed and not, in every
/// format. The bytes must be those of a writer of its own, whatever was refused on the way; read again, the
/// records must be those that were appended, also after a conversion to an older format; and the searches
/// must find what a loop finds.
#include <kwire/records/builder.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/down_convert.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "fuzz/record_model.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"

namespace {

using kwire::compression_type;
using kwire::errc;
using support::byte_vector;
using support::choices;
using support::insist;
using support::model_record;

constexpr std::size_t cap = 4 << 20;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }
kwire::test::every_codec& codecs() {
    static kwire::test::every_codec all;
    return all;
}

kwire::batch_options random_options(choices& from) {
    kwire::batch_options options;
    if (from.flip()) options.base_offset = static_cast<std::int64_t>(from.number(5));
    if (from.flip()) options.partition_leader_epoch = static_cast<std::int32_t>(from.number(2));
    if (from.flip()) {
        options.producer_id = static_cast<std::int64_t>(from.number(4));
        options.producer_epoch = static_cast<std::int16_t>(from.number(1));
        options.base_sequence = from.flip() ? 0x7ffffffe : static_cast<std::int32_t>(from.number(2));
        options.is_transactional = from.flip();
    }
    if (from.once_in(6)) options.append_time = static_cast<std::int64_t>(from.number(6));
    if (from.once_in(6)) options.delete_horizon = static_cast<std::int64_t>(from.number(6));
    options.max_bytes = from.once_in(3) ? from.below(3'000) : 1'000'000;
    options.expected_bytes = from.below(400);
    return options;
}

/// What `records` must show: the records in their order, with the times that readers see.
void check_records(const kwire::batch_records& records, const std::vector<model_record>& expected,
                   const std::optional<std::int64_t>& append_time, bool timestamps) {
    std::size_t n = 0;
    const auto time_of = [&](const model_record& record) {
        return timestamps ? append_time.value_or(record.timestamp) : std::int64_t{-1};
    };
    for (const kwire::record_view& record : support::values_of(records)) {
        insist(n < expected.size() && support::same_content(record, expected[n]),
               "a record is read as it was written");
        insist(record.offset() == expected[n].offset, "a record has its offset");
        insist(record.timestamp() == time_of(expected[n]), "a record has its timestamp");
        ++n;
    }
    const auto defect = records.defect();
    insist(!defect && n == expected.size() && records.count() == n, "all records are read",
           defect ? text_of(*defect) : "");
    insist(kwire::count_records(records) == n, "hops count as steps do");
    if (expected.empty()) return;
    insist(*kwire::last_record_offset(records) == expected.back().offset, "the last record is the last one");
    const model_record& middle = expected[n / 2];
    const auto at_offset = kwire::find_offset(records, middle.offset);
    insist(at_offset && *at_offset && (*at_offset)->offset() == middle.offset,
           "a record is found by its offset");
    const auto later =
        std::ranges::find_if(expected, [&](const model_record& r) { return time_of(r) >= time_of(middle); });
    const auto at_time = kwire::find_timestamp(records, time_of(middle));
    insist(at_time && *at_time && (*at_time)->offset() == later->offset,
           "the first record of a time is found");
}

/// One batch, as its readers see it.
void check_batch(const kwire::shared_buffer& bytes, const kwire::batch_options& options,
                 const std::vector<model_record>& expected) {
    const kwire::test::exact_bytes exact(bytes.span());
    insist(support::is_sealed(exact.span()), "the checksum is right");
    const auto summary = kwire::check_batches(exact.span());
    insist(summary && summary->batches == 1 && summary->records == expected.size(),
           "the batch passes the strict check", summary ? "" : text_of(summary.error()));
    for (const kwire::batch_view& batch : support::values_of(kwire::record_batches(exact.span()))) {
        insist(batch.base_offset() == options.base_offset && batch.producer_id() == options.producer_id &&
                   batch.base_sequence() == options.base_sequence &&
                   batch.is_transactional() == options.is_transactional,
               "the header has what it was given");
        const auto records = kwire::records(batch, codecs().set, cap);
        insist(records.has_value(), "the records can be read", records ? "" : text_of(records.error()));
        check_records(*records, expected, options.append_time, true);
        std::int32_t sequence = options.base_sequence;
        std::int64_t before = options.base_offset;
        for (const kwire::record_view& record : support::values_of(*records)) {
            for (; before < record.offset() && sequence >= 0 && record.offset() - before < 100'000; ++before)
                sequence = sequence == 0x7fffffff ? 0 : sequence + 1;
            if (before == record.offset())
                insist(record.sequence() == sequence, "a record has its sequence number");
        }
    }
}

/// The batches converted to `magic`, against what was in them.
void check_down_conversion(const kwire::shared_buffer& bytes, const kwire::batch_options& options,
                           const std::vector<model_record>& written, choices& from) {
    kwire::down_conversion to;
    to.magic = static_cast<std::int8_t>(from.below(2));
    if (from.flip() && !written.empty()) to.first_offset = written[from.below(written.size())].offset;
    if (from.flip()) to.instead_of_zstd = compression_type::gzip;
    const compression_type type =
        support::values_of(kwire::record_batches(bytes.span())).front().compression();
    const auto converted = kwire::down_convert(bytes, to, codecs().set);
    if (!converted) {
        const kwire::error& e = converted.error();
        const bool zstd =
            type == compression_type::zstd && !to.instead_of_zstd && e == errc::unsupported_compression;
        // The last offset of all has no offset after it, and a wrapper of magic 1 has none below 0.
        return insist(zstd || e == errc::bad_value, "a conversion fails for a reason", text_of(e));
    }
    std::vector<model_record> expected;
    for (const model_record& record : written)
        if (!options.is_control && (type != compression_type::none || record.offset >= to.first_offset))
            expected.push_back(record);
    const auto lost =
        std::ranges::count_if(expected, [](const model_record& r) { return !r.headers.empty(); });
    insist(converted->records_with_headers == static_cast<std::uint64_t>(lost), "lost headers are counted");
    const auto old = converted->records.to_bytes();
    std::size_t n = 0;
    for (const kwire::batch_view& batch : support::values_of(kwire::record_batches(old.span()))) {
        insist(batch.magic() == to.magic && kwire::crc_matches(batch), "the batches are of the older format");
        const auto records = kwire::records(batch, codecs().set, cap);
        insist(records.has_value(), "they can be read", records ? "" : text_of(records.error()));
        for (const kwire::record_view& record : support::values_of(*records)) {
            insist(n < expected.size(), "no record comes from nowhere");
            model_record bare = expected[n++];
            bare.headers.clear();
            insist(support::same_content(record, bare) && record.offset() == bare.offset,
                   "key, value and offset stay");
            if (to.magic == 1)
                insist(record.timestamp() == options.append_time.value_or(bare.timestamp),
                       "the timestamp stays");
        }
    }
    insist(n == expected.size(), "no record is lost");
}

void check_builder(choices& from) {
    const kwire::batch_options options = random_options(from);
    kwire::batch_builder builder(options);
    std::vector<model_record> written;
    std::int64_t next = options.base_offset;
    std::vector<kwire::header_view> headers;
    for (std::size_t steps = from.below(40); steps != 0 && !from.empty(); --steps) {
        std::int64_t offset = next;
        if (from.once_in(5)) offset += static_cast<std::int64_t>(from.below(1000));
        if (from.once_in(12)) offset = static_cast<std::int64_t>(from.number(8));
        const model_record record = support::random_record(from, offset, true);
        kwire::record_to_write out = support::to_write(record, headers);
        const bool rises = offset >= next && static_cast<std::uint64_t>(offset) -
                                                     static_cast<std::uint64_t>(options.base_offset) <=
                                                 0x7fffffff;
        if (from.flip() && offset == next) out.offset.reset();
        const bool attached = record.value && from.once_in(3);
        const std::size_t before = builder.size();
        const bool room = builder.has_room_for(out);
        auto done = attached ? builder.append(out, kwire::shared_buffer::copy_of(*record.value))
                             : builder.append(out);
        insist(done.has_value() == room, "a record is taken if there is room for it",
               done ? "" : text_of(done.error()));
        if (!done) {
            insist(builder.size() == before &&
                       builder.record_count() == static_cast<std::int32_t>(written.size()),
                   "a record that is refused changes nothing");
            insist(done.error() == (rises ? errc::too_large : errc::bad_value),
                   "it is refused for its reason", text_of(done.error()));
            continue;
        }
        insist(rises, "only offsets that rise are taken");
        written.push_back(record);
        next = offset == std::numeric_limits<std::int64_t>::max() ? offset : offset + 1;
    }
    insist(builder.record_count() == static_cast<std::int32_t>(written.size()) &&
               builder.empty() == written.empty(),
           "the builder counts what it has");
    const byte_vector expected = support::written(options, written);
    insist(builder.size() == expected.size(), "the builder knows the size of the batch");
    insist(written.empty() || expected.size() <= options.max_bytes, "the batch is not larger than allowed");

    const auto finished = [&](kwire::shared_buffer bytes, bool same) {
        if (same)
            insist(std::ranges::equal(bytes.span(), expected), "the batch has the bytes of its records");
        insist(builder.empty() && builder.size() == 61, "the builder is reset");
        check_batch(bytes, options, written);
        check_down_conversion(bytes, options, written, from);
    };
    switch (from.below(4)) {
    case 0: return finished(std::move(builder).finish().to_bytes(), true);
    case 1: return finished(std::move(builder).finish_writable().freeze(), true);
    default: {
        kwire::codec& codec = *codecs().set.find(static_cast<compression_type>(from.between(1, 4)));
        auto compressed = std::move(builder).finish(codec);
        if (compressed) return finished(*std::move(compressed), written.empty());
        insist(compressed.error() == errc::too_large && builder.size() == expected.size(),
               "a batch that compression makes too large stays as it was", text_of(compressed.error()));
        return finished(std::move(builder).finish().to_bytes(), true);
    }
    }
}

void check_legacy_builder(choices& from) {
    kwire::legacy_options options;
    options.magic = static_cast<std::int8_t>(from.below(2));
    if (from.flip()) options.base_offset = static_cast<std::int64_t>(from.number(4));
    if (from.once_in(4)) options.append_time = static_cast<std::int64_t>(from.number(6));
    options.max_bytes = from.once_in(3) ? from.below(2'000) : 1'000'000;
    options.expected_bytes = from.below(200);
    kwire::legacy_builder builder(options);
    std::vector<model_record> written;
    byte_vector expected;
    std::int64_t next = options.base_offset;
    std::vector<kwire::header_view> headers;
    for (std::size_t steps = from.below(30); steps != 0 && !from.empty(); --steps) {
        std::int64_t offset = next;
        if (from.once_in(5)) offset += static_cast<std::int64_t>(from.below(1000));
        if (from.once_in(12)) offset = static_cast<std::int64_t>(from.number(8));
        model_record record = support::random_record(from, offset, from.once_in(8));
        model_record stored = record;
        if (options.append_time) stored.timestamp = *options.append_time;
        const bool marked = options.append_time.has_value() && options.magic == 1;
        const byte_vector message =
            support::written_message(options.magic, stored, marked ? std::uint8_t{8} : std::uint8_t{0});
        const auto done = builder.append(support::to_write(record, headers));
        if (done) {
            expected.insert(expected.end(), message.begin(), message.end());
            written.push_back(stored);
            next = offset + 1;
        } else {
            const bool rises = offset >= next && offset != std::numeric_limits<std::int64_t>::max();
            const errc why = !record.headers.empty() ? errc::field_not_in_version
                             : !rises                ? errc::bad_value
                                                     : errc::too_large;
            insist(done.error() == why, "a message is refused for its reason", text_of(done.error()));
            insist(why != errc::too_large || expected.size() + message.size() > options.max_bytes,
                   "what fits is not too large");
        }
        insist(builder.size() == expected.size() && builder.record_count() == written.size(),
               "the builder holds what it has taken");
    }
    const auto check = [&](const kwire::shared_buffer& bytes) {
        std::size_t n = 0;
        const kwire::test::exact_bytes exact(bytes.span());
        insist(kwire::check_batches(exact.span()).has_value(), "the set passes the strict check");
        for (const kwire::batch_view& batch : support::values_of(kwire::record_batches(exact.span()))) {
            const auto records = kwire::records(batch, codecs().set, cap);
            insist(records.has_value(), "the messages can be read", records ? "" : text_of(records.error()));
            const std::size_t count = static_cast<std::size_t>(records->count());
            insist(count <= written.size() - n, "no message comes from nowhere");
            check_records(*records,
                          {written.begin() + static_cast<std::ptrdiff_t>(n),
                           written.begin() + static_cast<std::ptrdiff_t>(n + count)},
                          options.append_time, options.magic == 1);
            n += count;
        }
        insist(n == written.size(), "no message is lost");
    };
    if (from.flip()) {
        kwire::codec& codec = *codecs().set.find(static_cast<compression_type>(from.between(1, 4)));
        const auto compressed = std::move(builder).finish(codec);
        if (compressed) return check(*compressed);
        using enum errc;
        insist(compressed.error() == too_large || (compressed.error() == bad_value && options.magic == 1) ||
                   (compressed.error() == unsupported_compression && codec.type() == compression_type::zstd),
               "a wrapper is refused for a reason", text_of(compressed.error()));
    }
    const auto bytes = std::move(builder).finish();
    insist(std::ranges::equal(bytes.span(), expected), "the set has the bytes of its messages");
    check(bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    choices from(std::as_bytes(std::span(data, size)));
    if (from.below(3) != 0)
        check_builder(from);
    else
        check_legacy_builder(from);
    return 0;
}
