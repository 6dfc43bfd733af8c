// CRC-32C compared with ISA-L's, if that is installed, at sizes from a small record to a large batch.
#include <kwire/wire/crc32c.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <vector>

#if defined(BENCH_ISAL)
#include <isa-l/crc.h>
#endif

namespace {

using crc_function = std::uint32_t (*)(std::span<const std::byte>) noexcept;

std::uint32_t with_kwire(std::span<const std::byte> bytes) noexcept { return kwire::crc32c(bytes); }
#if defined(BENCH_ISAL)
std::uint32_t with_isal(std::span<const std::byte> bytes) noexcept {
    // Its parameter is not const, but it does not write.
    auto* const p = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
    return ~crc32_iscsi(p, static_cast<int>(bytes.size()), ~0U);
}
#endif

void crc(benchmark::State& state, crc_function one, std::size_t size) {
    std::mt19937_64 random(size);
    std::vector<std::byte> bytes(size);
    for (auto& b : bytes) b = static_cast<std::byte>(random() & 0xff);
    std::uint32_t by_tables = ~0U;
    by_tables =
        ~kwire::wire::detail::crc_portable<kwire::wire::castagnoli>(by_tables, bytes.data(), bytes.size());
    if (one(bytes) != by_tables) return state.SkipWithError("another checksum");
    std::span<const std::byte> all(bytes);
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(all);
        benchmark::DoNotOptimize(one(all));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
    state.counters["allocations"] = 0;
}

const bool registered = [] {
    for (const std::size_t size : std::initializer_list<std::size_t>{64, 1024, 16384, 1048576}) {
        const std::string group = "crc32c/" + std::to_string(size);
        const auto add = [&](const char* name, crc_function one) {
            benchmark::RegisterBenchmark((group + '/' + name).c_str(),
                                         [one, size](benchmark::State& state) { crc(state, one, size); });
        };
        add("kwire", with_kwire);
#if defined(BENCH_ISAL)
        add("isal", with_isal);
#endif
    }
    return true;
}();

} // namespace
