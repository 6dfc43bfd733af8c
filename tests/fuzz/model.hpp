/// Random messages as trees of values, with a writer of their own: the reference for what kwire reads.
///
/// It follows the field descriptions alone and shares nothing with the walks and encoders of the library:
/// what it writes must be accepted, and must show the values of the tree.
#pragma once

#include <kwire/reflect/dynamic.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/choices.hpp"
#include "messages/show.hpp"

namespace support {

struct model_tag {
    std::uint32_t number = 0;
    std::vector<std::byte> payload;
};

/// The value of a field, of an element, or of a whole message.
struct model_value {
    bool present = false; ///< whether the bytes hold it; else it shows its default
    bool null = false;
    std::int64_t number = 0;
    std::uint64_t real = 0; ///< the bits of a float64
    kwire::uuid id;
    std::vector<std::byte> bytes; ///< of strings, bytes and records
    std::vector<model_value>
        parts;                   ///< the elements of an array; all fields of a struct, in the schema's order
    std::vector<model_tag> tags; ///< of a struct: those that the schema does not know, rising
};

/// A message of that type and version whose values are valid.
model_value random_message(const kwire::message_info& info, int version, choices& from);

/// How far a writer may go from what a correct peer writes.
enum class manners {
    correct, ///< the only form that `encode` writes: shortest varints, no tags at their default
    padded,  ///< also longer varints, as readers must accept
    hostile, ///< also nulls, lengths, tags and sizes that are wrong, at a few places
};

/// The bytes of the message. `from` decides what is left open.
std::vector<std::byte> write_message(const kwire::message_info& info, int version, const model_value& message,
                                     manners how, choices& from);

/// What a view or a value shows, as a tree. Fields that the bytes do not hold are not present.
model_value model_of(const kwire::dynamic_view& view);
model_value model_of(const kwire::dynamic_value& value);

/// Passes the values of the tree to `out`, as `show` does those of a view.
void show_message(const kwire::message_info& info, int version, const model_value& message, sink& out);

/// Passes what a dynamic view shows to `out`, as `show` does for a typed view.
void show_dynamic(const kwire::dynamic_view& view, sink& out);

} // namespace support
