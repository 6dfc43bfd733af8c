/// Unknown tagged fields to write, in a `data` struct: number and payload (KIP-482).
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/write/rare_list.hpp>

#include <cstdint>

namespace kwire {

/// An unknown tagged field to write: its number and its payload.
struct raw_tag {
    std::uint32_t number = 0;
    shared_buffer payload;

    friend bool operator==(const raw_tag&, const raw_tag&) = default;
};

/// Unknown tagged fields, ascending by number.
using raw_tags = rare_list<raw_tag>;

} // namespace kwire
