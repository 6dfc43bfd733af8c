/// Unknown tagged fields to write, in a `data` struct: number and payload (KIP-482).
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/write/rare_list.hpp>

#include <cstdint>

namespace kwire {

/// An unknown tagged field to write: its number and its payload.
struct unknown_tag {
    std::uint32_t number = 0;
    shared_buffer payload;

    friend bool operator==(const unknown_tag&, const unknown_tag&) = default;
};

/// Unknown tagged fields, ascending by number.
using unknown_tag_list = rare_list<unknown_tag>;

} // namespace kwire
