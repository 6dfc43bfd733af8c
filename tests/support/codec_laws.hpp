/// What must hold for every codec, for inputs that each codec's test chooses.
#pragma once

#include <kwire/compression/codec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace kwire::test {

using byte_vector = std::vector<std::byte>;

/// Lines of text as in a log; compresses by a factor of three to ten.
inline byte_vector text_of(std::size_t size) {
    byte_vector text;
    text.reserve(size + 64);
    for (std::uint32_t i = 0; text.size() < size; ++i) {
        const std::string line = "order " + std::to_string(i * 2654435761u) + " was shipped to customer " +
                                 std::to_string(i % 97) + "\n";
        for (const char c : line) text.push_back(static_cast<std::byte>(c));
    }
    text.resize(size);
    return text;
}

/// Bytes that do not compress.
inline byte_vector noise_of(std::size_t size) {
    std::mt19937_64 random(size);
    byte_vector noise(size);
    for (auto& b : noise) b = static_cast<std::byte>(random() & 0xff);
    return noise;
}

/// A copy of the decompressed bytes; fails the test on an error.
inline byte_vector bytes_or_fail(const kwire::expected<shared_buffer, error>& result) {
    if (!result) {
        const auto why = describe(result.error());
        FAIL(why.view());
    }
    const auto span = result->span();
    return {span.begin(), span.end()};
}

inline byte_vector compressed_by(codec& one, std::span<const std::byte> plain, std::int8_t magic = 2) {
    return bytes_or_fail(one.compress(plain, magic));
}

/// The error of a decompression that must fail and must leave the buffer unchanged.
inline errc refusal_of(codec& one, std::span<const std::byte> compressed, std::size_t cap,
                       std::int8_t magic = 2) {
    const exact_bytes exact(compressed);
    unique_buffer out = unique_buffer::with_capacity(4);
    const std::byte before[3]{std::byte{1}, std::byte{2}, std::byte{3}};
    out.append(before);
    const auto result = one.decompress_into(out, exact.span(), cap, magic);
    REQUIRE_FALSE(result);
    REQUIRE(std::ranges::equal(out.span(), before));
    REQUIRE(out.capacity() <= cap + 4);
    return result.error().code;
}

/// The memory that a refused decompression has taken, whatever the cap would allow.
inline std::size_t memory_taken_by_refused(codec& one, std::span<const std::byte> compressed,
                                           std::size_t cap) {
    const exact_bytes exact(compressed);
    unique_buffer out;
    REQUIRE_FALSE(one.decompress_into(out, exact.span(), cap, 2));
    return out.capacity();
}

/// All inputs are restored, also with sizes around each of `borders`, and with a cap of exactly their size.
inline void keeps_what_was_compressed(codec& one, std::initializer_list<std::size_t> borders) {
    std::vector<std::size_t> sizes{0,   1,   2,   3,    15,    16,       17,
                                   100, 255, 256, 1000, 10000, 1u << 20, (3u << 20) + 7};
    for (const std::size_t border : borders)
        for (const std::size_t size : {border - 1, border, border + 1, 2 * border}) sizes.push_back(size);
    for (const std::size_t size : sizes) {
        for (const auto& plain : {text_of(size), noise_of(size), byte_vector(size)}) {
            const auto compressed = compressed_by(one, plain);
            const exact_bytes exact(compressed);
            REQUIRE(bytes_or_fail(one.decompress(exact.span(), size)) == plain);
            if (size != 0) {
                REQUIRE(refusal_of(one, compressed, size - 1) == errc::decompressed_too_large);
                REQUIRE(refusal_of(one, compressed, size / 2) == errc::decompressed_too_large);
                REQUIRE(refusal_of(one, compressed, 0) == errc::decompressed_too_large);
            }
        }
    }
}

/// Every proper prefix of `compressed` is an error; which one depends on the format.
inline void refuses_every_beginning(codec& one, std::span<const std::byte> compressed,
                                    std::initializer_list<errc> allowed) {
    for (std::size_t size = 0; size < compressed.size(); ++size) {
        CAPTURE(size);
        const auto code = refusal_of(one, compressed.first(size), 1 << 20);
        CAPTURE(name_of(code));
        REQUIRE(std::ranges::find(allowed, code) != allowed.end());
    }
}

/// With any bit flipped: an error, or content within the cap; the same content if a checksum protects it.
inline void survives_every_flipped_bit(codec& one, const byte_vector& compressed, const byte_vector& plain,
                                       bool guarded) {
    const std::size_t cap = plain.size() * 2;
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < compressed.size() * 8; ++bit) {
        CAPTURE(bit);
        exact_bytes changed(compressed);
        changed.writable()[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
        const auto result = one.decompress(changed.span(), cap);
        if (!result) {
            ++refused;
            continue;
        }
        REQUIRE(result->size() <= cap);
        if (guarded) REQUIRE(bytes_or_fail(result) == plain);
    }
    REQUIRE(refused > 0);
}

/// Damaged and intact input in turn: the state of one call does not affect the next.
inline void starts_afresh_after_errors(codec& one) {
    const auto plain = text_of(3000);
    const auto good = compressed_by(one, plain);
    std::mt19937 random(7);
    std::size_t refused = 0;
    for (int i = 0; i < 1000; ++i) {
        auto bad = good;
        if (i % 3 == 0) bad.resize(random() % bad.size());
        for (int edits = i % 3; edits > 0; --edits)
            bad[random() % bad.size()] = static_cast<std::byte>(random() & 0xff);
        refused += one.decompress(bad, i % 5 == 0 ? 1000 : 10000) ? 0 : 1;
        REQUIRE(bytes_or_fail(one.decompress(good, 3000)) == plain);
        REQUIRE(compressed_by(one, plain) == good);
    }
    REQUIRE(refused > 300);
}

/// 256 MiB of zeros in a few bytes: stopped at the cap, without allocating more.
inline void stops_bombs(codec& one, const byte_vector& bomb) {
    for (const std::size_t cap : {std::size_t{1}, std::size_t{1000}, std::size_t{100000},
                                  std::size_t{1} << 20, (std::size_t{8} << 20) + 1}) {
        CAPTURE(cap);
        REQUIRE(refusal_of(one, bomb, cap) == errc::decompressed_too_large);
    }
}

} // namespace kwire::test
