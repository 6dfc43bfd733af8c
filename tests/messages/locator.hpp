/// Finds every length, count, marker and tag in the bytes of a message by walking its schema.
///
/// A second reader, slow and written from the field descriptions alone: it shares nothing with the walks in
/// schema/detail, and tests use it to put false numbers exactly where they matter.
#pragma once

#include <string>
#include <vector>

#include "messages/message_type.hpp"

namespace support {

enum class spot_kind {
    string_length,
    bytes_length,
    array_count,
    null_marker,        ///< one byte before an untagged nullable struct
    tagged_null_marker, ///< a varint before a tagged nullable struct
    tag_count,
    tag_number,
    tag_size,
};

/// A number in the bytes that determines how the following bytes are read.
struct spot {
    spot_kind kind{};
    std::size_t at = 0;   ///< its position
    std::size_t size = 0; ///< its bytes
    bool compact = false; ///< a varint; else big-endian of its size, or the byte of a marker
    bool nullable = false;
    std::int64_t value = 0; ///< as encoded: compact lengths are one more than what they count
    std::size_t end = 0;    ///< the end of the bytes that it may cover: of the message or of a tag's payload
    std::string path;       ///< the field it belongs to, or the struct of a tag section
    bool known_tag = false; ///< for tag sizes and numbers
    std::int64_t previous_tag = -1;
    std::vector<std::size_t> enclosing; ///< indices of the tag sizes around it, outermost first
};

/// A tag section, and the position of its last tag.
struct tag_section {
    std::size_t at = 0;
    std::size_t size = 0;
    std::uint32_t count = 0;
    std::size_t count_size = 0;
    std::size_t last_tag_at = 0; ///< meaningless if `count` is 0
    std::string path;            ///< of the struct, empty for the message
    std::vector<std::size_t> enclosing;
    std::vector<const kwire::field_info*> not_in_version; ///< tagged fields that other versions have
};

struct located {
    std::vector<spot> spots;
    std::vector<tag_section> sections;
};

/// `body` must be a valid message of the type; throws std::runtime_error if it is not, even in the last byte.
located locate(const message_type& type, int version, std::span<const std::byte> body);

/// `value` as a varint in its shortest form.
std::vector<std::byte> varint(std::uint64_t value);

/// `body` with `size` bytes at `at` replaced, and the sizes of the tags around them corrected.
struct spliced {
    std::vector<std::byte> bytes;
    std::size_t at = 0; ///< where the replacement begins now
};
spliced splice(std::span<const std::byte> body, const located& where,
               const std::vector<std::size_t>& enclosing, std::size_t at, std::size_t size,
               std::span<const std::byte> replacement);

} // namespace support
