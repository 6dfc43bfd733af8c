/// Internal header, part of <kwire/records/builder.hpp> and legacy_builder.hpp: the record that a builder
/// appends, and how its bytes are written.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/varint.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>

namespace kwire {

/// A record to append to a batch. Its bytes need to be valid during the call only.
struct record_to_write {
    std::optional<std::int64_t>
        offset{}; ///< if not set, the offset after the last record's; a higher one leaves a gap
    std::int64_t timestamp = -1; ///< ms
    std::optional<std::span<const std::byte>> key{};
    std::optional<std::span<const std::byte>> value{};
    std::span<const header_view> headers{};
};

/// A type that compresses a batch: kwire::codec, whose header a program without compression need not include.
template <class T>
concept record_codec = requires(T& codec, unique_buffer& out, std::span<const std::byte> plain) {
    { codec.type() } -> std::same_as<compression_type>;
    { codec.compress_into(out, plain, std::int8_t{2}) } -> std::same_as<std::expected<std::size_t, error>>;
};

namespace detail {

/// Writes a varint; one and two bytes inline, because lengths and deltas are seldom longer.
KWIRE_ALWAYS_INLINE std::byte* put_short_varint(std::byte* p, std::int64_t value) noexcept {
    const std::uint64_t raw = wire::zigzag_encode(value);
    if (raw < 0x80) [[likely]] {
        *p = static_cast<std::byte>(raw);
        return p + 1;
    }
    if (raw < 0x4000) [[likely]] {
        p[0] = static_cast<std::byte>(raw | 0x80);
        p[1] = static_cast<std::byte>(raw >> 7);
        return p + 2;
    }
    return wire::write_uvarint(p, raw);
}

/// A call of its own, because GCC warns at -O3 about this branch where it knows a size of 256 bytes or less.
KWIRE_NOINLINE inline void put_long_bytes(std::byte* p, const std::byte* from, std::size_t size) noexcept {
    std::memcpy(p, from, size);
}

/// memcpy inline for keys and values of a few dozen bytes, for which a call costs more than the copy.
KWIRE_ALWAYS_INLINE std::byte* put_short_bytes(std::byte* p, const std::byte* from,
                                               std::size_t size) noexcept {
    // Pieces of a constant size become one load and one store; the last piece may overlap the one before.
    const auto move = [&]<std::size_t Piece>(std::size_t at) { std::memcpy(p + at, from + at, Piece); };
    if (size >= 16) [[likely]] {
        if (size > 256) [[unlikely]] {
            put_long_bytes(p, from, size);
            return p + size;
        }
        for (std::size_t at = 0; at < size - 16; at += 16) move.template operator()<16>(at);
        move.template operator()<16>(size - 16);
    } else if (size >= 8) {
        move.template operator()<8>(0);
        move.template operator()<8>(size - 8);
    } else if (size >= 4) {
        move.template operator()<4>(0);
        move.template operator()<4>(size - 4);
    } else if (size != 0) {
        p[0] = from[0];
        p[size / 2] = from[size / 2];
        p[size - 1] = from[size - 1];
    }
    return p + size;
}

} // namespace detail

} // namespace kwire
