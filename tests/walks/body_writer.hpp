/// Writes bodies of any message whose arrays of structs are made to deceive a walk, and says where everything
/// is.
///
/// Written from the field descriptions alone, so that it shares nothing with the layouts and walks in
/// schema/detail. A walk takes the shape of one element for that of the next where their lengths are the
/// same: so the elements have lengths that are equal in their first byte only, and payloads that look like
/// the lengths of their neighbour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "walks/places.hpp"

namespace support {

/// How one element of the array is written.
struct element_pattern {
    /// Of the fields of variable length, in turn: elements of arrays of numbers, bytes of others. -1 is null
    /// where the field may be null, else 0.
    int lengths[3];
    unsigned padding = 0; ///< bytes by which varints are longer than they need to be, as far as there is room
    int unknown_tag = -1; ///< the bytes in the payload of an unknown tag; none if -1
    bool known_tags = false; ///< whether the tagged fields that the schema knows are there
};

/// The way to an array of structs: the number of the field in the message, then of a field in its struct, and
/// so on.
using array_path = std::vector<std::size_t>;

/// Every array of structs in the message at this version.
std::vector<array_path> arrays_of_structs(const walked_message& message, int version);

struct written_body {
    std::vector<std::byte> bytes;
    std::size_t last_element = 0; ///< where the last element of the array begins

    /// What a walk must find.
    void note(places& out) const;

    struct event {
        enum kind : std::uint8_t {
            structure,
            absent,
            null,
            array
        };
        kind what{};
        std::size_t at = 0; ///< of an array, its number of elements
        std::size_t size = 0;
        std::vector<std::uint32_t> ends;
    };
    std::vector<event> events;
};

/// A body in which the array has these elements, and everything else is as short as it can be. Values are all
/// zeros, which look like the end of a struct, or rise from byte to byte.
written_body write_body(const walked_message& message, int version, const array_path& path,
                        std::span<const element_pattern> elements, bool zeros);

} // namespace support
