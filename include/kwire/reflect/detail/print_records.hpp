/// Internal: a field of records in a few words, for print.hpp. Only headers of batches are read, no payload
/// and no checksum.
#pragma once

#include <kwire/compression/type.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/batch_defect.hpp>
#include <kwire/reflect/detail/text_sink.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// Writes `<2 batches, offsets 100..103, 4 records, lz4, 1234 bytes>`: of all sound batches up to the first
/// defect, which follows after a semicolon. How many records compressed wrappers of magic 0 and 1 hold is
/// not known, so with them the count is left out.
KWIRE_NOINLINE inline void print_records(text_sink& out, std::span<const std::byte> bytes) {
    constexpr unsigned codecs = 8;
    std::uint64_t count = 0;
    std::uint64_t records = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
    unsigned compressions = 0; // a bit for each that occurs
    unsigned magics = 0;
    bool counted = true;
    bool control = false;
    bool transactional = false;
    std::optional<error> refusal;

    for (std::size_t at = 0; at < bytes.size();) {
        const auto found = batch_at(bytes.subspan(at));
        if (!found) {
            refusal = found.error();
        } else if (const auto defect = find_header_defect(*found)) {
            refusal = error_of(*defect);
        }
        if (refusal) {
            refusal->offset += at;
            break;
        }
        const batch_view batch = *found;
        if (count == 0) first = batch.base_offset();
        ++count;
        last = batch.last_offset();
        records += static_cast<std::uint64_t>(batch.record_count().value_or(1));
        counted = counted && !(batch.is_legacy() && batch.compression() != compression_type::none);
        compressions |= 1U << static_cast<unsigned>(batch.compression());
        magics |= 1U << static_cast<unsigned>(batch.magic());
        control = control || batch.is_control();
        transactional = transactional || batch.is_transactional();
        at += bytes_of(batch).size();
    }

    out.put('<');
    if (count != 0) {
        out.put_count(count, "batch");
        std::string_view before = " of magic ";
        for (unsigned magic = 0; magics != 4 && magic <= 2; ++magic) {
            if ((magics >> magic & 1) == 0) continue;
            out.put(before);
            out.put(magic);
            before = "+";
        }
        out.put(first == last ? ", offset " : ", offsets ");
        out.put(first);
        if (first != last) {
            out.put("..");
            out.put(last);
        }
        if (counted) {
            out.put(", ");
            out.put_count(records, "record");
        }
        before = ", ";
        for (unsigned codec = 0; compressions != 1 && codec < codecs; ++codec) {
            if ((compressions >> codec & 1) == 0) continue;
            out.put(before);
            out.put(name_of(static_cast<compression_type>(codec)));
            before = "+";
        }
        if (transactional) out.put(", transactional");
        if (control) out.put(", control");
        out.put(", ");
    }
    out.put_count(bytes.size(), "byte");
    if (refusal) {
        refusal->enter({"batches", static_cast<std::int64_t>(count)});
        out.put("; ");
        out.put(describe(*refusal));
    }
    out.put('>');
}

} // namespace kwire::inline KWIRE_ABI::detail
