/// Internal: what is wrong with the header of a batch.
#pragma once

#include <kwire/compression/type.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/batch_header.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// The smallest record of magic 2: its length, attributes, two deltas, two lengths and the count of headers,
/// a byte each.
inline constexpr std::uint64_t least_record_size = 7;

struct batch_defect {
    errc code;
    std::string_view field;
    std::size_t offset; ///< of that field in the batch
    std::uint64_t needed = 0;
    std::uint64_t left = 0;
};

[[nodiscard]] inline error error_of(const batch_defect& defect) noexcept {
    error e{.code = defect.code, .offset = defect.offset, .needed = defect.needed, .left = defect.left};
    e.enter({defect.field});
    return e;
}

/// The defect of a batch of magic 2 that is too short for the records it counts; nullopt for a compressed
/// batch, whose size does not tell.
[[nodiscard]] inline std::optional<batch_defect> find_count_defect(batch_view batch) noexcept {
    const std::int32_t count = batch.header()->record_count;
    if (count < 0)
        return batch_defect{errc::bad_length, "record_count", offsetof(batch_header, record_count)};
    const std::uint64_t needed = static_cast<std::uint64_t>(count) * least_record_size;
    const std::uint64_t left = records_bytes(batch).size();
    if (batch.compression() == compression_type::none && needed > left)
        return batch_defect{errc::count_exceeds_input, "record_count", offsetof(batch_header, record_count),
                            needed, left};
    return std::nullopt;
}
/// The defect of a batch whose compression type is unassigned or newer than its format.
[[nodiscard]] inline std::optional<batch_defect> find_compression_defect(batch_view batch) noexcept {
    const bool legacy = batch.is_legacy();
    if (batch.compression() <= (legacy ? compression_type::lz4 : compression_type::zstd)) return std::nullopt;
    return batch_defect{errc::unsupported_compression, "attributes",
                        legacy ? offsetof(message_prefix, attributes) : offsetof(batch_header, attributes)};
}

/// The first defect of the header of a batch of the right length. The checksum is not compared.
[[nodiscard]] inline std::optional<batch_defect> find_header_defect(batch_view batch) noexcept {
    if (const auto defect = find_compression_defect(batch)) return defect;
    const batch_header* const header = batch.header();
    if (header == nullptr) return std::nullopt;

    if (header->last_offset_delta < 0 ||
        header->base_offset > std::numeric_limits<std::int64_t>::max() - header->last_offset_delta)
        return batch_defect{errc::bad_value, "last_offset_delta", offsetof(batch_header, last_offset_delta)};
    return find_count_defect(batch);
}

} // namespace kwire::inline KWIRE_ABI::detail
