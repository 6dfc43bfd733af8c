/// Runs contenders on one input: each must prove that it reads the same values before it is timed.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/allocations.hpp"
#include "bench/byte_writer.hpp"
#include "bench/sinks.hpp"

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

/// Calls `f` with every truncation of `bytes` and every copy with one byte replaced by 00, 01, 7f, 80 or ff.
template <class F>
void each_damage(const std::vector<std::byte>& bytes, F&& f) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
        f(std::vector<std::byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0x80U, 0xffU}) {
            std::vector<std::byte> damaged = bytes;
            damaged[at] = static_cast<std::byte>(value);
            f(std::move(damaged));
        }
}

/// Whether two contenders accept the same damaged inputs and read the same values from them, so that neither
/// can omit a check.
template <class A, class B>
bool agree_on_damage(const input& small, A&& a, B&& b) {
    bool same = true;
    each_damage(small.bytes, [&](const std::vector<std::byte>& bytes) {
        ordered_hash of_a, of_b;
        const std::span<const std::byte> body(bytes);
        same = same && a(body, of_a) == b(body, of_b);
    });
    return same;
}

/// Times `contender(body, sink)` after the proof: correct values for `subject`, and the same verdicts as
/// `judge` on damaged copies of `small`.
template <class Contender, class Judge>
void contest(benchmark::State& state, const input& subject, const input& small, Contender contender,
             Judge judge) {
    ordered_hash hash;
    if (contender(std::span<const std::byte>(subject.bytes), hash) != answer{true, subject.hash})
        return state.SkipWithError("reads other values than were written");
    plain_sum sum;
    if (contender(std::span<const std::byte>(subject.bytes), sum) != answer{true, subject.sum})
        return state.SkipWithError("adds up to something else");
    if (!agree_on_damage(small, contender, judge))
        return state.SkipWithError("judges damaged bytes differently");

    std::span<const std::byte> body(subject.bytes);
    const std::uint64_t allocations_before = allocations;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(body);
        plain_sum sink;
        benchmark::DoNotOptimize(contender(body, sink));
    }
    const std::uint64_t allocated = allocations - allocations_before;
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(body.size()));
    state.counters["allocations"] = static_cast<double>(allocated) / static_cast<double>(state.iterations());
}

} // namespace bench
