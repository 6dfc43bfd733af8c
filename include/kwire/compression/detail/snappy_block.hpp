/// Internal: decompresses one block of snappy.
///
/// A block is its size, then elements: literals, whose bytes follow, and copies of bytes that came out before
/// (google/snappy, format_description.txt).
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kwire::detail {

/// What the first byte of an element says: how many bytes it yields, how many bytes of a number follow, and
/// the upper part of a copy's distance.
struct snappy_tag {
    std::uint8_t size;         ///< 0 for a literal whose size follows, less one
    std::uint8_t number_bytes; ///< of a distance, or of the size of a literal
    std::uint16_t distance;
};

/// The 256 tags. cost: 1 KiB. A branch for each kind of element takes 0.6 times as long where the processor
/// has learned the batch by heart, as in a benchmark with one batch, but 1.1 times as long over 64 batches.
inline constexpr auto snappy_tags = [] {
    std::array<snappy_tag, 256> tags{};
    for (unsigned tag = 0; tag != 256; ++tag) {
        const unsigned upper = tag >> 2;
        const auto size = static_cast<std::uint8_t>(upper + 1);
        switch (tag & 3) {
        case 0: // a literal
            tags[tag] =
                upper < 60 ? snappy_tag{size, 0, 0} : snappy_tag{0, static_cast<std::uint8_t>(upper - 59), 0};
            break;
        case 1:
            tags[tag] = {static_cast<std::uint8_t>(4 + (upper & 7)), 1,
                         static_cast<std::uint16_t>(tag >> 5 << 8)};
            break;
        case 2: tags[tag] = {size, 2, 0}; break;
        default: tags[tag] = {size, 4, 0};
        }
    }
    return tags;
}();

/// For the number after each kind of tag; a literal's is not read this way.
inline constexpr std::array<std::uint32_t, 4> snappy_number_masks{0, 0xff, 0xffff, 0xffffffff};

/// Where reading and writing a block have come to. cost: local variables, because a member would be read
/// again after each byte that is written: a quarter of the time.
struct snappy_place {
    const std::byte* in;
    std::byte* out;
};

/// Copies `size` bytes from `distance` before `to`, which may be so close that they are copied again.
KWIRE_NOINLINE inline void repeat_bytes(std::byte* to, std::size_t distance, std::size_t size) noexcept {
    const std::byte* const from = to - distance;
    if (distance >= size) {
        std::memcpy(to, from, size);
        return;
    }
    for (std::size_t i = 0; i != size; ++i) to[i] = from[i];
}
/// Copies `size` bytes in pieces, of which the last may reach further.
template <std::size_t Piece>
KWIRE_ALWAYS_INLINE void copy_pieces(std::byte* to, const std::byte* from, std::size_t size) noexcept {
    std::memcpy(to, from, Piece);
    for (std::size_t i = Piece; i < size; i += Piece) std::memcpy(to + i, from + i, Piece);
}

/// Writes what an element of any size yields, and moves `at` beyond it; false if it is not valid.
/// Precondition: there is at least a byte of input.
KWIRE_NOINLINE inline bool copy_snappy_element(snappy_place& at, std::span<const std::byte> in,
                                               std::span<std::byte> out) noexcept {
    const auto written = static_cast<std::size_t>(at.out - out.data());
    const std::size_t room = out.size() - written;
    const bool literal = (*at.in & std::byte{3}) == std::byte{0};
    const snappy_tag tag = snappy_tags[std::to_integer<std::size_t>(*at.in++)];
    std::size_t left = in.size() - static_cast<std::size_t>(at.in - in.data());
    if (left < tag.number_bytes) return false;
    std::uint64_t number = 0;
    for (std::size_t i = tag.number_bytes; i-- != 0;)
        number = number << 8 | std::to_integer<std::uint64_t>(at.in[i]);
    at.in += tag.number_bytes;
    left -= tag.number_bytes;
    if (literal) {
        const std::uint64_t size = tag.size == 0 ? number + 1 : tag.size;
        if (size > left || size > room) return false;
        std::memcpy(at.out, at.in, static_cast<std::size_t>(size));
        at.in += size;
        at.out += size;
        return true;
    }
    const std::uint64_t distance = tag.distance + number;
    if (distance == 0 || distance > written || tag.size > room) return false;
    repeat_bytes(at.out, static_cast<std::size_t>(distance), tag.size);
    at.out += tag.size;
    return true;
}

/// The size that a block begins with.
struct snappy_size {
    std::uint32_t value = 0;
    std::size_t bytes = 0; ///< that it takes itself; 0 if they are not valid
};
[[nodiscard]] inline snappy_size snappy_size_of(std::span<const std::byte> block) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i != block.size() && i != 5; ++i) {
        const auto byte = std::to_integer<std::uint64_t>(block[i]);
        value |= (byte & 0x7f) << 7 * i;
        if (byte > 0x7f) continue;
        if (value > 0xffffffff) break;
        return {static_cast<std::uint32_t>(value), i + 1};
    }
    return {};
}

/// Decompresses `in`, a block without its size, into `out`, which has that size; false if an element is not
/// valid, or all of them yield another size.
///
/// cost: libsnappy 1.1.9 takes 1.25 to 1.45 times as long, through each of its interfaces.
[[nodiscard]] KWIRE_NOINLINE inline bool decompress_snappy(std::span<const std::byte> in,
                                                           std::span<std::byte> out) noexcept {
    // With so much left of both, a literal of up to 60 bytes and a copy after it need no look at the ends,
    // although they are copied in pieces that reach further.
    constexpr std::size_t ample_input = 80;   // 61 bytes of a literal, 5 of a copy
    constexpr std::size_t ample_output = 144; // 60 bytes of a literal, 64 in pieces of a copy
    const std::byte* p = in.data();
    std::byte* to = out.data();
    const std::byte* const in_ample = in.size() < ample_input ? p : p + (in.size() - ample_input);
    const std::byte* const out_ample = out.size() < ample_output ? to : to + (out.size() - ample_output);
    while (p < in_ample && to < out_ample) {
        auto first = std::to_integer<std::uint32_t>(*p);
        if ((first & 3) == 0) {
            const std::size_t size = (first >> 2) + 1;
            if (size > 60) {
                snappy_place at{p, to};
                if (!copy_snappy_element(at, in, out)) return false;
                p = at.in, to = at.out;
                continue;
            }
            copy_pieces<16>(to, p + 1, size);
            p += 1 + size, to += size;
            first = std::to_integer<std::uint32_t>(*p);
            if ((first & 3) == 0) continue;
        }
        ++p;
        const snappy_tag tag = snappy_tags[first];
        std::uint32_t number;
        std::memcpy(&number, p, sizeof number);
        if constexpr (std::endian::native == std::endian::big) number = kwire::detail::byteswap(number);
        p += tag.number_bytes;
        const std::uint64_t distance = tag.distance + std::uint64_t{number & snappy_number_masks[first & 3]};
        if (distance - 1 >= static_cast<std::uint64_t>(to - out.data())) return false; // 0 is refused, too
        if (distance >= 16) [[likely]]
            copy_pieces<16>(to, to - distance, tag.size);
        else if (distance >= 8)
            copy_pieces<8>(to, to - distance, tag.size);
        else
            repeat_bytes(to, static_cast<std::size_t>(distance), tag.size);
        to += tag.size;
    }
    snappy_place at{p, to};
    while (at.in != in.data() + in.size())
        if (!copy_snappy_element(at, in, out)) return false;
    return at.out == out.data() + out.size();
}

} // namespace kwire::detail
