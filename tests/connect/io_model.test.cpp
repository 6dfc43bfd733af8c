#include "support/io_model.hpp"

#include <cstddef>
#include <cstdint>
#include <random>

#include "catch.hpp"
#include "support/sanitized.hpp"

namespace {

/// Chance, with the names of support::choices.
class chance {
public:
    explicit chance(std::uint64_t seed) : state_(seed * 2 + 1) {}

    std::size_t below(std::size_t count) noexcept { return static_cast<std::size_t>(next() % count); }
    bool flip() noexcept { return (next() & 1) != 0; }
    bool once_in(std::size_t n) noexcept { return below(n) == 0; }

private:
    std::uint64_t next() noexcept { // xorshift64*
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1d >> 32;
    }
    std::uint64_t state_;
};

std::uint64_t carried = 0;

/// Returns how many allocations were refused.
std::uint64_t carry(std::uint64_t frames, const support::io_profile& profile, std::uint64_t seed) {
    chance choose(seed);
    const std::size_t live = support::live_allocations;
    std::uint64_t refused = 0;
    {
        support::io_model<chance> model(choose, profile);
        model.run(frames);
        CHECK(model.reader().frames() == frames);
        refused = model.refused();
    }
    CHECK(support::live_allocations == live);
    carried += frames;
    return refused;
}

} // namespace

TEST_CASE("a million frames come and are answered as the model says, and all memory is given back") {
    carry(300'000, {}, 1);
    carry(150'000, {.read_ahead = 0}, 2);
    carry(150'000, {.read_ahead = 65'536, .usual = 12, .chunk = 70'000, .in_flight = 100, .kept = 2000}, 3);
    for (const std::uint32_t ahead : {1U, 7U, 64U, 1000U, 2048U, 9000U, 1'000'000U})
        carry(20'000, {.read_ahead = ahead, .usual = 300, .chunk = 2500}, ahead);
    carry(20'000, {.chunk = 3}, 5);
    // Sizes at which frames change to other memory.
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U})
        carry(10'000, {.usual = 20'000, .largest = 90'000, .chunk = 30'000}, seed);
    carry(2'000, {.usual = 90'000, .largest = 1'500'000, .chunk = 200'000, .kept = 3}, 6);
    carry(200'000, {.in_flight = 1, .kept = 1}, 7);
    CHECK(carried >= 1'000'000);
}

#if !defined(KWIRE_TEST_SANITIZED)
// With those above, in all presets of CI, some 20 million.
TEST_CASE("nine million more do when nothing slows the test down") {
    for (std::uint64_t seed = 100; seed < 109; ++seed)
        carry(1'000'000, {.usual = 60, .chunk = 20'000, .in_flight = 50, .kept = 500}, seed);
}
#endif

TEST_CASE("allocations that fail now and then make no difference") {
    std::uint64_t refused = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        refused += carry(3'000, {.in_flight = 40, .kept = 200, .refuse_once_in = 3}, seed);
        refused += carry(3'000, {.read_ahead = 0, .refuse_once_in = 3}, seed);
        refused +=
            carry(3'000,
                  {.read_ahead = 4000, .usual = 3000, .largest = 300'000, .chunk = 9000, .refuse_once_in = 2},
                  seed);
    }
    if (support::counts_allocations) CHECK(refused > 1000);
}
