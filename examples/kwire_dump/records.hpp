/// The records of Produce and Fetch: how many there are, and what is in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "text.hpp"

namespace dump {

struct record_count {
    std::int64_t records = 0;
    std::uint64_t bytes = 0; ///< of all batches that are there
    bool more = false;       ///< batches that are not there, or not all there, are not counted
};

/// Counts by the headers of the batches; messages of the old formats one by one, which decompresses them.
[[nodiscard]] record_count count_records(std::span<const std::byte> batches, bool cut_off);

/// One line for each batch and each record. Of keys, values and headers at most `preview` bytes, and at most
/// `most` records of each batch.
void print_records(painter& out, std::span<const std::byte> batches, std::string_view indent,
                   std::size_t preview, std::size_t most);

} // namespace dump
