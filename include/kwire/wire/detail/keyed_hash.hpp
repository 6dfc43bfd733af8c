/// Internal: a hash whose collisions peers cannot predict, SipHash-1-3 with a random key per process.
///
/// Peers choose the names in hash tables. With a known hash they could choose names that all collide, which
/// would make linear algorithms quadratic (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>
#include <kwire/wire/endian.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>

#if defined(_WIN32)
#include <random>
#elif __has_include(<sys/random.h>)
#include <sys/random.h>
#endif

namespace kwire::inline KWIRE_ABI::wire {

/// The key of the hash: 128 bits, which should be secret.
struct hash_key {
    /// One half of the key.
    std::uint64_t low = 0;
    /// The other half.
    std::uint64_t high = 0;
};

namespace detail {

class sip_state {
public:
    explicit constexpr sip_state(hash_key key) noexcept
        : v0_(key.low ^ 0x736f6d6570736575),
          v1_(key.high ^ 0x646f72616e646f6d),
          v2_(key.low ^ 0x6c7967656e657261),
          v3_(key.high ^ 0x7465646279746573) {}

    constexpr void absorb(std::uint64_t word) noexcept {
        v3_ ^= word;
        round();
        v0_ ^= word;
    }
    [[nodiscard]] constexpr std::uint64_t finish() noexcept {
        v2_ ^= 0xff;
        for (int i = 0; i < 3; ++i) round();
        return v0_ ^ v1_ ^ v2_ ^ v3_;
    }

private:
    constexpr void round() noexcept {
        v0_ += v1_;
        v1_ = std::rotl(v1_, 13) ^ v0_;
        v0_ = std::rotl(v0_, 32);
        v2_ += v3_;
        v3_ = std::rotl(v3_, 16) ^ v2_;
        v0_ += v3_;
        v3_ = std::rotl(v3_, 21) ^ v0_;
        v2_ += v1_;
        v1_ = std::rotl(v1_, 17) ^ v2_;
        v2_ = std::rotl(v2_, 32);
    }

    std::uint64_t v0_, v1_, v2_, v3_;
};

/// A little-endian number of eight bytes.
[[nodiscard]] constexpr std::uint64_t whole_word(const std::byte* at) noexcept {
    return kwire::detail::byteswap(
        load_be<std::uint64_t>(at)); // cost: byte by byte takes five instructions for each
}

/// A little-endian number of up to eight bytes.
[[nodiscard]] constexpr std::uint64_t word_of(std::span<const std::byte> bytes) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) word = word << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return word;
}

/// Fills `random` with what the system has for secrets; false if it has nothing.
[[nodiscard]] inline bool draw_random([[maybe_unused]] std::span<std::byte, 16> random) noexcept {
#if defined(KWIRE_ON_LINUX) && __has_include(<sys/random.h>)
    return ::getrandom(random.data(), random.size(), 0) == static_cast<long>(random.size());
#elif defined(KWIRE_PORTABLE)
    return false;
#elif defined(_WIN32)
    std::random_device device;
    for (std::byte& byte : random) byte = static_cast<std::byte>(device() & 0xff);
    return true;
#elif __has_include(<sys/random.h>)
    return ::getentropy(random.data(), random.size()) == 0;
#else
    return false;
#endif
}

/// A key without the system's help, from the clock, the time that the process has had, the address of the
/// stack and how often this was called: a little randomness at least.
inline hash_key guess_hash_key() noexcept {
    static constinit std::atomic<std::uint64_t> calls{0};
    const std::time_t now = std::time(nullptr);
    sip_state mixed({static_cast<std::uint64_t>(std::clock()), static_cast<std::uint64_t>(now)});
    mixed.absorb(std::bit_cast<std::uintptr_t>(&now));
    mixed.absorb(calls.fetch_add(1, std::memory_order_relaxed));
    const std::uint64_t low = mixed.finish();
    return {low, mixed.finish()};
}

inline hash_key draw_hash_key() noexcept {
    std::array<std::byte, 16> random{};
    if (!draw_random(random)) return guess_hash_key();
    return {word_of(std::span(random).first<8>()), word_of(std::span(random).last<8>())};
}

} // namespace detail

/// SipHash-1-3 of `bytes`.
[[nodiscard]] constexpr std::uint64_t keyed_hash(hash_key key, std::span<const std::byte> bytes) noexcept {
    detail::sip_state state(key);
    const std::uint64_t size = bytes.size();
    const std::size_t rest = bytes.size() % 8;
    std::uint64_t last = 0; // the bytes after the last whole word
    if (bytes.size() < 8)
        last = detail::word_of(bytes);
    else if (rest != 0) // they are the upper ones of the last eight bytes
        last = detail::whole_word(bytes.last(8).data()) >> (8 * (8 - rest));
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) state.absorb(detail::whole_word(bytes.data()));
    state.absorb(size << 56 | last);
    return state.finish();
}

/// The key of this process, from the system's random number generator at the first call. Threads: any.
[[nodiscard]] inline hash_key process_hash_key() noexcept {
    static const hash_key key = detail::draw_hash_key();
    return key;
}

} // namespace kwire::inline KWIRE_ABI::wire
