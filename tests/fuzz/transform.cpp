/// libFuzzer: records dropped and changed one by one. The result must be the bytes that a writer of its own
/// gives for the changed records, with a checksum computed bit by bit; a checksum that was wrong must stay
/// wrong; compressed batches must hold the same records. Any bytes as a records field must be read or
/// refused.
#include <kwire/records/check_produce.hpp>
#include <kwire/records/read_committed.hpp>
#include <kwire/records/transform.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "fuzz/record_model.hpp"
#include "support/every_codec.hpp"

namespace {

using kwire::record_edit;
using kwire::record_view;
using kwire::shared_buffer;
using support::byte_vector;
using support::choices;
using support::insist;
using support::model_record;

constexpr std::size_t cap = 1 << 20;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

byte_vector bytes_in(const kwire::buffer_chain& chain) {
    byte_vector all;
    for (const kwire::chain_segment& segment : chain)
        all.insert(all.end(), segment.bytes().begin(), segment.bytes().end());
    return all;
}

/// A batch, what it was made of, and whether its checksum is wrong.
struct known_batch {
    kwire::batch_options options;
    std::vector<model_record> records;
    byte_vector bytes;
    bool wrong = false;
};

known_batch random_batch(choices& from) {
    known_batch batch;
    batch.options.base_offset = static_cast<std::int64_t>(from.number(3));
    if (from.flip()) {
        batch.options.producer_id = static_cast<std::int64_t>(from.number(2));
        batch.options.is_transactional = from.flip();
    }
    if (from.once_in(5)) batch.options.append_time = 1'700'000'000'000;
    if (from.once_in(8)) batch.options.is_control = true;
    if (from.once_in(8)) batch.options.delete_horizon = static_cast<std::int64_t>(from.number(5));
    std::int64_t offset = batch.options.base_offset;
    for (std::size_t n = from.below(7); n != 0; --n) {
        batch.records.push_back(support::random_record(from, offset, true));
        offset += from.once_in(4) ? 3 : 1;
    }
    batch.bytes = support::written(batch.options, batch.records);
    batch.wrong = from.once_in(4);
    if (batch.wrong) batch.bytes[17 + from.below(4)] ^= static_cast<std::byte>(1 + from.below(255));
    return batch;
}

std::optional<std::span<const std::byte>> span_of(const std::optional<byte_vector>& bytes) {
    return bytes ? std::optional(std::span<const std::byte>(*bytes)) : std::nullopt;
}

/// Edits a record by some calls, and the model alike. Returns false if the record is dropped.
bool edit_both(choices& from, model_record& model, record_edit& edit) {
    for (std::size_t calls = from.below(4); calls != 0; --calls) {
        switch (from.below(9)) {
        case 0: edit.drop(); return false;
        case 1:
            model.key = support::random_bytes(from);
            edit.set_key(span_of(model.key));
            break;
        case 2:
            model.value = support::random_bytes(from);
            edit.set_value(span_of(model.value));
            break;
        case 3: {
            const std::size_t size = from.once_in(4) ? 500 + from.below(30) : from.below(140);
            model.value = from.bytes(size);
            std::ranges::copy(*model.value, edit.write_value(size).begin());
            if (!from.flip()) break;
            const std::size_t less = from.below(size + 1);
            edit.trim_value(less);
            model.value->resize(less);
            break;
        }
        case 4:
            model.value = from.bytes(500 + from.below(30)); // around the size from which it is attached
            edit.set_value(shared_buffer::copy_of(*model.value));
            break;
        case 5:
            model.key = from.bytes(500 + from.below(30));
            edit.set_key(shared_buffer::copy_of(*model.key));
            break;
        case 6: {
            const byte_vector name = from.bytes(from.below(3));
            const std::string text(reinterpret_cast<const char*>(name.data()), name.size());
            const auto value = support::random_bytes(from);
            edit.add_header(text, span_of(value));
            model.headers.emplace_back(text, value);
            break;
        }
        case 7: {
            const std::string name =
                model.headers.empty() ? "none" : model.headers[from.below(model.headers.size())].first;
            const auto removed =
                std::erase_if(model.headers, [&](const auto& one) { return one.first == name; });
            insist(edit.remove_headers(name) == removed, "removed headers are counted");
            break;
        }
        default: {
            const model_record other = support::random_record(from, 0, true);
            std::vector<kwire::header_view> headers;
            for (const auto& [name, value] : other.headers) headers.push_back({name, span_of(value)});
            edit.set_headers(headers);
            model.headers = other.headers;
        }
        }
    }
    return true;
}

/// The bytes of the batch with other records, by plain stores; its checksum is right if it was.
byte_vector rewritten(const known_batch& batch, const std::vector<model_record>& records) {
    byte_vector out(batch.bytes.begin(), batch.bytes.begin() + 61);
    const auto base_timestamp = static_cast<std::int64_t>(support::get_at(out, 27, 8));
    for (const model_record& record : records) {
        const byte_vector one = support::written(record, batch.options.base_offset, base_timestamp);
        out.insert(out.end(), one.begin(), one.end());
    }
    support::put_at(out, 8, out.size() - 12, 4);
    support::put_at(out, 57, records.size(), 4);
    if (records.empty()) {
        out[22] &= std::byte{8 | 16 | 32};
        support::put_at(out, 27, ~std::uint64_t{0}, 8);
    } else if (records.size() != batch.records.size() && !batch.options.append_time) {
        std::int64_t newest = -1;
        for (const model_record& record : records) newest = std::max(newest, record.timestamp);
        support::put_at(out, 35, static_cast<std::uint64_t>(newest), 8);
    }
    if (!batch.wrong) support::seal(out);
    return out;
}

/// The same but for the value of a checksum that is wrong.
void compare(std::span<const std::byte> seen, const std::vector<std::pair<byte_vector, bool>>& expected) {
    for (const auto& [bytes, wrong] : expected) {
        insist(seen.size() >= bytes.size(), "no batch is missing");
        const auto batch = seen.first(bytes.size());
        insist(std::ranges::equal(batch.first(17), std::span(bytes).first(17)) &&
                   std::ranges::equal(batch.subspan(21), std::span(bytes).subspan(21)),
               "a changed batch has the bytes of its records");
        insist(support::is_sealed(batch) != wrong, "a checksum stays right or wrong");
        seen = seen.subspan(batch.size());
    }
    insist(seen.empty(), "nothing follows");
}

void check_edits(choices& from) {
    std::vector<known_batch> batches;
    kwire::unique_buffer field;
    bool any_wrong = false;
    for (std::size_t n = from.below(4); n != 0; --n) {
        batches.push_back(random_batch(from));
        field.append(batches.back().bytes);
        any_wrong |= batches.back().wrong && !batches.back().options.is_control;
    }
    const shared_buffer set = std::move(field).freeze();
    const byte_vector before(set.begin(), set.end());
    kwire::transform_options options{.emptied = static_cast<kwire::emptied_batch>(from.below(3)),
                                     .expected_bytes = from.below(700)};
    if (any_wrong || from.flip()) options.read.crc = kwire::crc_policy::skip;

    // The edits of each record, made while transform_records asks for them.
    std::size_t at = 0, index = 0;
    std::vector<std::vector<model_record>> after(batches.size());
    std::vector<bool> changed(batches.size());
    const auto skip_unasked = [&] {
        while (at != batches.size() &&
               (batches[at].options.is_control || index == batches[at].records.size())) {
            if (batches[at].options.is_control) after[at] = batches[at].records;
            ++at;
            index = 0;
        }
    };
    const auto made = kwire::transform_records(
        set,
        [&](const record_view& record, record_edit& edit) {
            skip_unasked();
            model_record model = batches[at].records[index++];
            insist(support::same_content(record, model), "a function sees the record");
            if (edit_both(from, model, edit)) after[at].push_back(model);
            if (index == batches[at].records.size()) skip_unasked();
        },
        options);
    insist(made.has_value(), "valid batches are transformed", made ? "" : text_of(made.error()));
    skip_unasked();
    insist(at == batches.size(), "a function is asked for each record");
    std::vector<std::pair<byte_vector, bool>> expected;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        const known_batch& batch = batches[i];
        const bool emptied = after[i].empty() && !batch.records.empty();
        if (emptied &&
            (options.emptied == kwire::emptied_batch::drop ||
             (options.emptied == kwire::emptied_batch::keep_with_producer && batch.options.producer_id < 0)))
            continue;
        const bool same = batch.records.empty() || batch.options.is_control;
        expected.emplace_back(same ? batch.bytes : rewritten(batch, after[i]), batch.wrong);
    }
    compare(bytes_in(made->records), expected);
    insist(std::ranges::equal(set, before), "no shared byte is written to");
}

/// Compressed: the records are those of the same edit of the uncompressed batch.
void check_compressed(choices& from, kwire::test::every_codec& codecs) {
    known_batch batch = random_batch(from);
    if (batch.wrong) batch.bytes = support::written(batch.options, batch.records);
    if (batch.records.empty() || batch.options.is_control) return;
    const std::vector<kwire::codec*> all{&codecs.gzip, &codecs.snappy, &codecs.lz4, &codecs.zstd};
    kwire::codec& codec = *all[from.below(4)];
    kwire::unique_buffer packed;
    packed.append(std::span(batch.bytes).first(61));
    insist(codec.compress_into(packed, std::span(batch.bytes).subspan(61)).has_value(),
           "records are compressed");
    support::put_at(packed.span(), 8, packed.size() - 12, 4);
    packed.data()[22] |= static_cast<std::byte>(codec.type());
    support::seal(packed.span());

    const byte_vector program = [&] {
        const auto rest = from.rest();
        return byte_vector(rest.begin(), rest.end());
    }();
    const auto transformed = [&](const shared_buffer& set) {
        choices again(program);
        auto made =
            kwire::transform_records(set, codecs.set, cap, [&](const record_view&, record_edit& edit) {
                model_record ignored;
                ignored.headers = {{"none", std::nullopt}};
                if (again.once_in(3)) return edit.drop();
                if (again.flip()) edit.set_value(again.take(again.below(50)));
                if (again.flip()) edit.add_header("h", std::nullopt);
            });
        insist(made.has_value(), "a valid batch is transformed", made ? "" : text_of(made.error()));
        return made->records.to_bytes();
    };
    const auto plain = transformed(shared_buffer::copy_of(batch.bytes));
    const auto other = transformed(std::move(packed).freeze());
    const auto first = kwire::batch_at(plain.span()), second = kwire::batch_at(other.span());
    insist(first.has_value() && second.has_value(), "there is a batch");
    const auto left = kwire::records(*first, codecs.set, cap),
               right = kwire::records(*second, codecs.set, cap);
    insist(left.has_value() && right.has_value(), "its records can be read");
    insist(left->count() == right->count() && std::ranges::equal(bytes_of(*left), bytes_of(*right)),
           "compression makes no difference");
    insist(first->max_timestamp() == second->max_timestamp() && first->last_offset() == second->last_offset(),
           "nor for the header");
}

/// Any bytes: read or refused, and what is made is read again.
void check_any(choices& from, kwire::test::every_codec& codecs) {
    const std::size_t pick = from.below(3);
    const auto version = static_cast<std::int16_t>(from.below(14));
    byte_vector bytes(from.left());
    std::ranges::copy(from.rest(), bytes.begin());
    if (pick == 0 && bytes.size() >= 61) { // a header that leads further
        support::put_at(bytes, 8, bytes.size() - 12, 4);
        bytes[16] = std::byte{2};
        support::seal(bytes);
    }
    const shared_buffer set = shared_buffer::copy_of(bytes);
    const kwire::transform_options options{.read = kwire::record_options::as_kafka(kwire::crc_policy::skip),
                                           .legacy = kwire::legacy_messages::pass};
    std::size_t n = 0;
    const auto made = kwire::transform_records(
        set, codecs.set, cap,
        [&](const record_view&, record_edit& edit) {
            if (++n % 3 == 0) edit.drop();
            if (n % 3 == 1) edit.add_header("n", std::nullopt);
        },
        options);
    if (made) {
        const auto again = kwire::transform_records(
            made->records.to_bytes(), codecs.set, 2 * cap, [](const record_view&, record_edit&) {}, options);
        insist(again.has_value(), "what is made is read", again ? "" : text_of(again.error()));
    }
    const auto taken = kwire::check_produce(set.span(), version, codecs.set, cap);
    if (taken && version >= 3)
        insist(kwire::check_batches(bytes_of(taken->batch), codecs.set, cap).has_value(),
               "what a leader takes is valid");
    kwire::read_committed visible(set.span(), std::vector<kwire::aborted_transaction>{{0, 0}, {1, 5}});
    for (const auto batch : visible)
        if (batch) insist(!batch->is_control(), "consumers see no control batch");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static kwire::test::every_codec codecs;
    choices from(std::as_bytes(std::span(data, size)));
    switch (from.below(4)) {
    case 0: check_compressed(from, codecs); break;
    case 1: check_any(from, codecs); break;
    default: check_edits(from);
    }
    return 0;
}
