// Reads compressed batches: kwire's records() compared with a direct call of the library into memory of the
// right size, followed by a hand-written walk over the records. `run` times the same beside other libraries;
// this program counts the allocations.
#include <kwire/compression/type.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/compressed/batches.hpp"
#include "bench/compressed/by_hand.hpp"
#include "bench/compressed/with_kwire.hpp"
#include "bench/harness/allocations.hpp"

namespace {

using namespace bench::records;

void read(benchmark::State& state, kwire::compression_type type, gzip_by by, bool with_kwire) {
    codecs_of_kwire codecs;
    libraries bare;
    const kwire::shared_buffer batch = bench::make_text_batch(codecs.set.find(type));
    if (by == gzip_by::libdeflate) codecs.set.add(codecs.libdeflate);
    const auto plain_size =
        kwire::decompress(*kwire::batch_at(batch.span()), codecs.set, 1 << 24).value().size();
    ordered a, b;
    if (!read_compressed(codecs, batch.span(), a) || !read_barely(bare, by, batch.span(), plain_size, b) ||
        a.sum != b.sum)
        return state.SkipWithError("the readers do not read the same");
    std::span<const std::byte> bytes = batch.span();
    const std::uint64_t before = bench::allocations;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(bytes);
        plain sink;
        if (with_kwire)
            benchmark::DoNotOptimize(read_compressed(codecs, bytes, sink));
        else
            benchmark::DoNotOptimize(read_barely(bare, by, bytes, plain_size, sink));
        benchmark::DoNotOptimize(sink.sum);
    }
    state.counters["allocations"] =
        static_cast<double>(bench::allocations - before) / static_cast<double>(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plain_size));
}

void add(const std::string& name, kwire::compression_type type, gzip_by by) {
    for (const bool with_kwire : {true, false})
        benchmark::RegisterBenchmark(("compressed/" + name + (with_kwire ? "/kwire" : "/library")).c_str(),
                                     [=](benchmark::State& state) { read(state, type, by, with_kwire); });
}

const bool registered = [] {
    using enum kwire::compression_type;
    for (const auto type : {zstd, lz4, snappy, gzip}) add(std::string(name_of(type)), type, gzip_by::zlib);
    add("libdeflate", gzip, gzip_by::libdeflate); // reads the same batch as gzip
    return true;
}();

} // namespace
