/// libFuzzer: record batches changed in place and in copies: patches, stamps, renumbering, batches dropped.
/// The result must be the bytes that plain stores and a checksum computed bit by bit give, and a checksum
/// that was wrong must stay wrong.
#include <kwire/expected.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/renumber.hpp>
#include <kwire/records/select.hpp>
#include <kwire/records/stamp.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "fuzz/record_model.hpp"

namespace {

using kwire::batch_patch;
using kwire::errc;
using support::byte_vector;
using support::choices;
using support::insist;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }
int magic_of(std::span<const std::byte> batch) { return std::to_integer<int>(batch[16]); }

/// A batch of any format, sometimes with a header that makes no sense, sometimes with a wrong checksum.
byte_vector random_batch(choices& from) {
    byte_vector batch;
    if (const std::size_t magic = from.below(5); magic < 2) {
        const auto record = support::random_record(from, static_cast<std::int64_t>(from.number(3)), false);
        batch = support::written_message(static_cast<std::int8_t>(magic), record,
                                         static_cast<std::uint8_t>(from.byte() & 8));
        if (from.once_in(8)) batch[17] |= std::byte{1}; // says that it is a wrapper
    } else {
        kwire::batch_options options{.base_offset = static_cast<std::int64_t>(from.number(3))};
        if (from.flip()) options.producer_id = static_cast<std::int64_t>(from.number(3));
        std::vector<support::model_record> records;
        for (std::size_t n = from.below(4); n != 0; --n)
            records.push_back(support::random_record(
                from, options.base_offset + static_cast<std::int64_t>(records.size()), true));
        batch = support::written(options, records);
        if (from.once_in(6)) batch[21 + from.below(40)] = static_cast<std::byte>(from.byte());
    }
    support::seal(batch);
    if (from.once_in(5)) batch[magic_of(batch) == 2 ? 17 : 12] ^= std::byte{1};
    return batch;
}

batch_patch random_patch(choices& from) {
    batch_patch patch;
    const auto maybe = [&]<class T>(std::optional<T>& field) {
        if (from.once_in(3)) field = static_cast<T>(from.number(sizeof(T)));
    };
    maybe(patch.base_offset);
    if (from.once_in(3))
        patch.timestamp_type =
            from.flip() ? kwire::timestamp_type::log_append_time : kwire::timestamp_type::create_time;
    if (from.once_in(30)) patch.timestamp_type = kwire::timestamp_type::none;
    maybe(patch.max_timestamp);
    if (from.once_in(3)) return patch; // what old formats have too
    maybe(patch.partition_leader_epoch);
    if (from.once_in(3)) patch.is_transactional = from.flip();
    if (from.once_in(3)) patch.is_control = from.flip();
    if (from.once_in(3)) patch.has_delete_horizon = from.flip();
    maybe(patch.last_offset_delta);
    maybe(patch.base_timestamp);
    maybe(patch.producer_id);
    maybe(patch.producer_epoch);
    maybe(patch.base_sequence);
    return patch;
}

byte_vector bytes_in(const kwire::buffer_chain& chain) {
    byte_vector all;
    for (const kwire::chain_segment& segment : chain)
        all.insert(all.end(), segment.bytes().begin(), segment.bytes().end());
    return all;
}

/// Stores of the fields, and the checksum computed again if it was right before. Of a wrong one only that it
/// stays wrong is known: `wrong` is set.
struct patched {
    byte_vector bytes;
    bool wrong = false;
};

template <class Change>
patched changed(const byte_vector& batch, Change change) {
    patched out{batch, !support::is_sealed(batch)};
    change(out.bytes);
    if (!out.wrong) support::seal(out.bytes);
    return out;
}

void store_bit(byte_vector& batch, std::size_t at, unsigned bit, const std::optional<bool>& value) {
    if (!value) return;
    const auto mask = static_cast<std::byte>(1U << bit);
    batch[at] = *value ? batch[at] | mask : batch[at] & ~mask;
}

void store(byte_vector& batch, const batch_patch& patch) {
    const auto put = [&](std::size_t at, const auto& value) {
        if (value) support::put_at(batch, at, static_cast<std::uint64_t>(*value), sizeof *value);
    };
    put(0, patch.base_offset);
    const bool two = magic_of(batch) == 2;
    const std::size_t attributes = two ? 22 : 17;
    std::optional<bool> append_time;
    if (patch.timestamp_type) append_time = patch.timestamp_type == kwire::timestamp_type::log_append_time;
    store_bit(batch, attributes, 3, append_time);
    if (!two) return put(18, patch.max_timestamp);
    store_bit(batch, attributes, 4, patch.is_transactional);
    store_bit(batch, attributes, 5, patch.is_control);
    store_bit(batch, attributes, 6, patch.has_delete_horizon);
    put(12, patch.partition_leader_epoch);
    put(23, patch.last_offset_delta);
    put(27, patch.base_timestamp);
    put(35, patch.max_timestamp);
    put(43, patch.producer_id);
    put(51, patch.producer_epoch);
    put(53, patch.base_sequence);
}

/// Whether the format has all fields of the patch.
bool fits(const batch_patch& patch, int magic) {
    if (patch.timestamp_type == kwire::timestamp_type::none) return false;
    if (magic == 2) return true;
    if (patch.partition_leader_epoch || patch.is_transactional || patch.is_control ||
        patch.has_delete_horizon || patch.last_offset_delta || patch.base_timestamp || patch.producer_id ||
        patch.producer_epoch || patch.base_sequence)
        return false;
    return magic == 1 || (!patch.timestamp_type && !patch.max_timestamp);
}

/// `seen` must be `expected`, except for the value of a checksum that was wrong.
void compare(std::span<const std::byte> seen, const std::vector<patched>& expected, const char* claim) {
    for (const patched& one : expected) {
        insist(seen.size() >= one.bytes.size(), claim);
        const auto batch = seen.first(one.bytes.size());
        const std::size_t crc = magic_of(one.bytes) == 2 ? 17 : 12;
        insist(std::ranges::equal(batch.first(crc), std::span(one.bytes).first(crc)) &&
                   std::ranges::equal(batch.subspan(crc + 4), std::span(one.bytes).subspan(crc + 4)),
               claim);
        insist(support::is_sealed(batch) != one.wrong, "a checksum stays right or wrong");
        seen = seen.subspan(batch.size());
    }
    insist(seen.empty(), claim);
}

std::vector<patched> unchanged(const std::vector<byte_vector>& batches) {
    std::vector<patched> out;
    for (const byte_vector& batch : batches) out.push_back({batch, !support::is_sealed(batch)});
    return out;
}

void check_patch(const std::vector<byte_vector>& batches, const byte_vector& field, choices& from) {
    const batch_patch patch = random_patch(from);
    byte_vector bytes = field;
    std::vector<patched> expected;
    std::size_t n = 0;
    for (const kwire::mutable_batch batch : support::values_of(kwire::mutable_record_batches(bytes))) {
        const auto done = kwire::apply(patch, batch);
        const bool possible = fits(patch, magic_of(batches[n]));
        insist(done.has_value() == possible, "a patch is refused where the format lacks a field",
               done ? "" : text_of(done.error()));
        expected.push_back(changed(batches[n++], [&](byte_vector& one) {
            if (possible) store(one, patch);
        }));
    }
    insist(n == batches.size(), "all batches are there");
    compare(bytes, expected, "a patch stores its fields and nothing else");

    // The same on bytes that others hold, some batches dropped.
    const auto shared = kwire::shared_buffer::copy_of(field);
    const std::size_t mask = from.byte();
    std::vector<patched> kept;
    std::optional<std::size_t> refused;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        if ((mask >> (i % 8) & 1) == 0) continue;
        if (!refused && !fits(patch, magic_of(batches[i]))) refused = i;
        kept.push_back(changed(batches[i], [&](byte_vector& one) { store(one, patch); }));
    }
    std::size_t at = 0;
    const auto rewritten = kwire::rewrite_batches(shared, [&](kwire::batch_view) {
        const std::size_t i = at++;
        return (mask >> (i % 8) & 1) != 0 ? std::optional(patch) : std::nullopt;
    });
    insist(rewritten.has_value() == !refused, "copies are refused where a change in place is");
    if (rewritten)
        compare(bytes_in(*rewritten), kept, "copies of headers have the same changes");
    else
        insist(rewritten.error().depth > 1 &&
                   rewritten.error().path[0].index == static_cast<std::int64_t>(*refused),
               "a refusal names the batch", text_of(rewritten.error()));
    insist(std::ranges::equal(shared.span(), field), "shared bytes stay as they were");
}

void check_stamp(const std::vector<byte_vector>& batches, const byte_vector& field, choices& from) {
    kwire::append_stamp with{.base_offset = static_cast<std::int64_t>(from.number(8))};
    if (from.flip()) with.partition_leader_epoch = static_cast<std::int32_t>(from.number(4));
    if (from.flip()) with.append_time = static_cast<std::int64_t>(from.number(8));
    const std::size_t mask = from.flip() ? 255 : from.byte();

    // What the rule says, batch by batch; stops at one that has no offsets to give.
    auto next = static_cast<std::uint64_t>(with.base_offset);
    std::vector<patched> stamped, kept;
    std::optional<std::size_t> refused;
    std::uint32_t count = 0;
    const auto run = [&](std::size_t chosen) {
        next = static_cast<std::uint64_t>(with.base_offset);
        stamped.clear();
        kept.clear();
        refused.reset();
        count = 0;
        for (std::size_t i = 0; i < batches.size(); ++i) {
            const byte_vector& batch = batches[i];
            const bool two = magic_of(batch) == 2;
            const auto delta = two ? static_cast<std::int32_t>(support::get_at(batch, 23, 4)) : 0;
            const bool wrapper = !two && (batch[17] & std::byte{7}) != std::byte{0};
            const bool skipped = (chosen >> (i % 8) & 1) == 0;
            if (!skipped && !refused && (delta < 0 || wrapper)) refused = i;
            if (skipped || refused) {
                stamped.push_back(changed(batch, [](byte_vector&) {}));
                continue;
            }
            batch_patch patch{.base_offset = static_cast<std::int64_t>(next)};
            if (two) patch.partition_leader_epoch = with.partition_leader_epoch;
            if (with.append_time && magic_of(batch) != 0) {
                patch.timestamp_type = kwire::timestamp_type::log_append_time;
                patch.max_timestamp = with.append_time;
            }
            stamped.push_back(changed(batch, [&](byte_vector& one) { store(one, patch); }));
            kept.push_back(stamped.back());
            next += static_cast<std::uint64_t>(std::int64_t{delta}) + 1;
            ++count;
        }
    };
    const auto agrees = [&](const kwire::expected<kwire::stamp_result, kwire::error>& done) {
        if (!done)
            return insist(refused && done.error() == errc::bad_value &&
                              done.error().path[0].index == static_cast<std::int64_t>(*refused),
                          "a stamp is refused at the batch without offsets", text_of(done.error()));
        insist(!refused && done->batches == count && done->next_offset == static_cast<std::int64_t>(next),
               "a stamp says where the log ends");
    };

    run(255);
    byte_vector bytes = field;
    agrees(kwire::stamp(bytes, with));
    compare(bytes, stamped, "a stamp sets offsets, epoch and time, and nothing else");
    auto owned = kwire::shared_buffer::copy_of(field);
    const bool shared = from.flip();
    const auto other = shared ? owned : kwire::shared_buffer();
    if (shared && !field.empty()) {
        const auto done = kwire::stamp(owned, with);
        insist(!done && done.error() == errc::buffer_shared, "shared bytes are not stamped");
    }
    agrees(kwire::stamp(owned, with, kwire::if_shared::copy));
    if (!refused || !shared) compare(owned.span(), stamped, "a copy is stamped alike");
    if (shared) insist(std::ranges::equal(other.span(), field), "other holders see what they saw");

    run(mask);
    const auto bytes_of_all = kwire::shared_buffer::copy_of(field);
    std::size_t at = 0;
    const auto numbered =
        kwire::renumber(bytes_of_all, with, [&](kwire::batch_view) { return (mask >> (at++ % 8) & 1) != 0; });
    agrees(numbered ? kwire::expected<kwire::stamp_result, kwire::error>(numbered->done)
                    : kwire::unexpected(numbered.error()));
    if (numbered) compare(bytes_in(numbered->records), kept, "renumbering is stamping what is kept");
    insist(std::ranges::equal(bytes_of_all.span(), field), "renumbering writes to no shared byte");
}

void check_select(const std::vector<byte_vector>& batches, const byte_vector& field, choices& from) {
    const std::size_t mask = from.byte();
    std::size_t at = 0;
    const auto shared = kwire::shared_buffer::copy_of(field);
    const std::uint64_t copied = kwire::copied_bytes();
    const auto selected =
        kwire::select_batches(shared, [&](kwire::batch_view) { return (mask >> (at++ % 8) & 1) != 0; });
    insist(selected.has_value() && kwire::copied_bytes() == copied, "batches are selected without a copy");
    std::vector<byte_vector> kept;
    for (std::size_t i = 0; i < batches.size(); ++i)
        if ((mask >> (i % 8) & 1) != 0) kept.push_back(batches[i]);
    compare(bytes_in(*selected), unchanged(kept), "selected batches are as they were");
}

/// A last batch that is cut short: a broker must notice, a reader leaves it out.
void check_tail(const std::vector<byte_vector>& batches, const byte_vector& field, choices& from) {
    if (batches.empty()) return;
    const std::size_t missing = from.between(1, batches.back().size() - 1);
    const auto cut = kwire::shared_buffer::copy_of(std::span(field).first(field.size() - missing));
    const std::vector<byte_vector> whole(batches.begin(), batches.end() - 1);
    const auto selected = kwire::select_batches(cut, [](kwire::batch_view) { return true; });
    insist(selected.has_value(), "a reader takes a field whose last batch is cut short");
    compare(bytes_in(*selected), unchanged(whole), "it is left out");
    byte_vector bytes(cut.span().begin(), cut.span().end());
    const auto stamped = kwire::stamp(bytes, {});
    insist(!stamped && (stamped.error() == errc::truncated || stamped.error() == errc::bad_value),
           "a broker refuses it");
    const auto checked = kwire::check_batches(cut.span(), kwire::crc_policy::skip);
    insist(!checked, "so does the strict check");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    choices from(std::as_bytes(std::span(data, size)));
    std::vector<byte_vector> batches;
    byte_vector field;
    for (std::size_t n = from.below(5); n != 0; --n) {
        batches.push_back(random_batch(from));
        field.insert(field.end(), batches.back().begin(), batches.back().end());
    }
    check_patch(batches, field, from);
    check_stamp(batches, field, from);
    check_select(batches, field, from);
    check_tail(batches, field, from);
    return 0;
}
