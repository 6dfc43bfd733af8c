/// The common part of the hand-written parsers: reads one value with every check that the protocol requires,
/// without kwire.
///
/// A position is a pointer, and nullptr after a refusal. Callers pass the number of bytes that must follow a
/// value (`then`), so that one comparison covers the value and the fixed-width fields after it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace bench {

/// The result of a contender for a body: the sink's result, or nothing if it refuses the bytes. Two plain
/// members, which compilers return in registers; an optional is returned in memory, which would cost more
/// than a small request.
struct answer {
    bool accepted = false;
    std::uint64_t value = 0;
    friend bool operator==(const answer&, const answer&) = default;
};
inline constexpr answer refused{};

} // namespace bench

namespace bench::by_hand {

#define BENCH_INLINE [[gnu::always_inline]] inline

template <class T>
BENCH_INLINE T load(const std::byte* p) noexcept {
    std::make_unsigned_t<T> bits;
    std::memcpy(&bits, p, sizeof bits);
    if constexpr (std::endian::native == std::endian::little) bits = std::byteswap(bits);
    return static_cast<T>(bits);
}

BENCH_INLINE std::uint64_t left(const std::byte* p, const std::byte* end) noexcept {
    return static_cast<std::uint64_t>(end - p);
}

struct varint {
    const std::byte* next; ///< nullptr if it does not fit 32 bits or the bytes end
    std::uint32_t value;
};

[[gnu::noinline]] inline varint read_long_varint(const std::byte* p, const std::byte* end) noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (p == end) return {nullptr, 0};
        const auto byte = std::to_integer<std::uint32_t>(*p++);
        if (shift == 28 && byte > 0x0f) return {nullptr, 0};
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return {p, value};
    }
    return {nullptr, 0};
}

/// Reads a varint whose first byte is known to exist. One and two bytes are read in line, as in every codec
/// that was written for speed.
BENCH_INLINE varint read_varint(const std::byte* p, const std::byte* end) noexcept {
    const auto first = std::to_integer<std::uint32_t>(*p);
    if (first < 0x80) [[likely]]
        return {p + 1, first};
    if (left(p, end) >= 2 && p[1] < std::byte{0x80})
        return {p + 2, (first & 0x7f) | std::to_integer<std::uint32_t>(p[1]) << 7};
    return read_long_varint(p, end);
}

/// Skips a tag section that is not empty, and checks it as the protocol requires: ascending numbers, sizes
/// within the bytes. `payload(number, at, end_of_payload)` reads known tags and returns whether they are
/// valid.
template <class Payload>
[[gnu::noinline]] const std::byte* read_tags(const std::byte* p, const std::byte* end,
                                             Payload&& payload) noexcept {
    const varint count = read_varint(p, end);
    if (count.next == nullptr) return nullptr;
    p = count.next;
    std::int64_t previous = -1;
    for (std::uint32_t i = 0; i < count.value; ++i) {
        if (p == end) return nullptr;
        const varint number = read_varint(p, end);
        if (number.next == nullptr || number.next == end || number.value <= previous) return nullptr;
        previous = number.value;
        const varint size = read_varint(number.next, end);
        if (size.next == nullptr || size.value > left(size.next, end)) return nullptr;
        p = size.next + size.value;
        if (!payload(number.value, size.next, p)) return nullptr;
    }
    return p;
}

/// The end of a struct without known tags; the first byte of its tag section is known to exist.
BENCH_INLINE const std::byte* end_struct(const std::byte* p, const std::byte* end) noexcept {
    if (*p == std::byte{0}) [[likely]]
        return p + 1;
    return read_tags(p, end, [](std::uint32_t, const std::byte*, const std::byte*) { return true; });
}

/// A compact string, whose first byte is known to exist; `then` bytes must follow it.
template <bool Nullable, class Sink>
BENCH_INLINE const std::byte* read_string(const std::byte* p, const std::byte* end, std::uint64_t then,
                                          Sink& sink) noexcept {
    const auto [next, raw] = read_varint(p, end);
    if (next == nullptr) [[unlikely]]
        return nullptr;
    if (raw == 0) [[unlikely]] {
        if (!Nullable || then > left(next, end)) return nullptr;
        sink.text(std::nullopt);
        return next;
    }
    const std::uint64_t size = raw - 1;
    if (size > 32767 || size + then > left(next, end)) [[unlikely]]
        return nullptr;
    sink.text(std::string_view(reinterpret_cast<const char*>(next), size));
    return next + size;
}

/// Compact bytes, whose first byte is known to exist; `then` bytes must follow them.
template <bool Nullable, class Sink>
BENCH_INLINE const std::byte* read_bytes(const std::byte* p, const std::byte* end, std::uint64_t then,
                                         Sink& sink) noexcept {
    const auto [next, raw] = read_varint(p, end);
    if (next == nullptr) [[unlikely]]
        return nullptr;
    if (raw == 0) [[unlikely]] {
        if (!Nullable || then > left(next, end)) return nullptr;
        sink.bytes(std::nullopt);
        return next;
    }
    const std::uint64_t size = raw - 1;
    if (size > 0x7fffffff || size + then > left(next, end)) [[unlikely]]
        return nullptr;
    sink.bytes(std::span<const std::byte>(next, size));
    return next + size;
}

/// The count of an array that must not be null; nullptr if the bytes left cannot hold that number of elements
/// of `least` bytes.
BENCH_INLINE varint read_count(const std::byte* p, const std::byte* end, std::uint64_t least) noexcept {
    const auto [next, raw] = read_varint(p, end);
    if (next == nullptr || raw == 0 || (raw - 1) * least > left(next, end)) [[unlikely]]
        return {nullptr, 0};
    return {next, raw - 1};
}

/// A compact array of numbers, whose first byte is known to exist; `then` bytes must follow it.
template <class T, class Sink>
BENCH_INLINE const std::byte* read_numbers(const std::byte* p, const std::byte* end, std::uint64_t then,
                                           Sink& sink) noexcept {
    const auto [next, raw] = read_varint(p, end);
    if (next == nullptr || raw == 0) [[unlikely]]
        return nullptr;
    const std::uint64_t size = (raw - std::uint64_t{1}) * sizeof(T);
    if (size + then > left(next, end)) [[unlikely]]
        return nullptr;
    for (p = next; p != next + size; p += sizeof(T)) sink.number(load<T>(p));
    return p;
}

} // namespace bench::by_hand
