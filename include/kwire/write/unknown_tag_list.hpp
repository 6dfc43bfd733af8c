/// Unknown tagged fields to write, in a `data` struct: number and payload (KIP-482).
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/write/detail/boxed_list.hpp>

#include <cstdint>

namespace kwire::inline KWIRE_ABI {

/// An unknown tagged field to write: its number and its payload.
struct unknown_tag {
    /// The number of the tag.
    std::uint32_t number = 0;
    /// Its bytes.
    shared_buffer payload;

    friend bool operator==(const unknown_tag&, const unknown_tag&) = default;
};

/// The unknown tagged fields of one struct, ascending by number. A vector; 8 bytes while it is empty.
class unknown_tag_list : public detail::boxed_list<unknown_tag> {
public:
    using boxed_list::boxed_list;
};

} // namespace kwire::inline KWIRE_ABI
