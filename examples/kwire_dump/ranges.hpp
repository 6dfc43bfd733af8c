/// The bytes of a frame as a list of ranges, each with the field that lies there: for dumps and pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "details.hpp"
#include "message.hpp"

namespace dump {

/// What a range holds.
enum class range_kind : std::uint8_t {
    header,
    length, ///< of a string, bytes, records; a count of elements; a null marker
    number,
    text,
    bytes,   ///< bytes, keys and values of records
    records, ///< headers of batches
    tags,    ///< counts, numbers and sizes of tagged fields, and unknown tags
    error,   ///< an error code that is not 0
    secret,
    unread, ///< after an error, or of a message that kwire does not know
};

struct byte_range {
    std::size_t at = 0;
    std::size_t size = 0;
    range_kind kind{};
    std::string name;  ///< "topics[0].name"
    std::string value; ///< in a few words; empty if it says nothing
};

/// All bytes of `message` that are there, in order; each is in one range.
[[nodiscard]] std::vector<byte_range> ranges_of(seen_message& message, const detail_options& wanted);

} // namespace dump
