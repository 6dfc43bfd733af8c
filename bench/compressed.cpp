// Reads compressed batches: kwire's records() compared with a direct call of the library into memory of the
// right size, followed by a hand-written walk over the records.
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/records/read.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "bench/harness/allocations.hpp"
#include "bench/records.hpp"
#include <lz4frame.h>

namespace {

using namespace bench::records;

/// The state that a program keeps between batches.
struct codecs_of_kwire {
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    kwire::zstd_codec zstd;
    kwire::codec_set set{gzip, snappy, lz4, zstd};
};
struct libraries {
    z_stream gzip{};
    LZ4F_dctx* lz4 = nullptr;
    ZSTD_DCtx* zstd = ZSTD_createDCtx();
    libraries() {
        if (inflateInit2(&gzip, 31) != Z_OK ||
            LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)) != 0 || zstd == nullptr)
            std::abort();
    }
    libraries(const libraries&) = delete;
    libraries& operator=(const libraries&) = delete;
    ~libraries() {
        inflateEnd(&gzip);
        LZ4F_freeDecompressionContext(lz4);
        ZSTD_freeDCtx(zstd);
    }
};

/// 1000 records with lines of text that compress three to four times.
kwire::shared_buffer make_compressed(kwire::codec& codec) {
    kwire::batch_builder builder({.producer_id = 7, .producer_epoch = 1, .base_sequence = 3});
    std::mt19937 random(5);
    for (std::int64_t i = 0; i < 1000; ++i) {
        const std::string key = "user-" + std::to_string(10000 + random() % 90000);
        std::string value = "{\"order\":" + std::to_string(random() % 100000000) + ",\"item\":\"sku-" +
                            std::to_string(random() % 1000) +
                            "\",\"price\":" + std::to_string(random() % 10000);
        value.resize(80, ' ');
        if (!builder.append({.timestamp = 1700000000000 + i,
                             .key = std::as_bytes(std::span(key)),
                             .value = std::as_bytes(std::span(value))}))
            std::abort();
    }
    return std::move(builder).finish(codec).value();
}

template <class Sink>
bool read_compressed(codecs_of_kwire& codecs, std::span<const std::byte> bytes, Sink& sink) {
    const auto batch = kwire::batch_at(bytes);
    if (!batch) return false;
    const auto records = kwire::records(*batch, codecs.set, std::size_t{1} << 24);
    if (!records) return false;
    for (const auto record : *records) {
        if (!record) return false;
        take_record(sink, *record);
    }
    return true;
}

/// One call of the library for all bytes, or in xerial's framing one per chunk.
bool decompress_barely(libraries& with, int type, std::span<const std::byte> in, std::span<std::byte> out) {
    switch (type) {
    case 1:
        inflateReset(&with.gzip);
        with.gzip.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
        with.gzip.avail_in = static_cast<uInt>(in.size());
        with.gzip.next_out = reinterpret_cast<Bytef*>(out.data());
        with.gzip.avail_out = static_cast<uInt>(out.size());
        return inflate(&with.gzip, Z_FINISH) == Z_STREAM_END && with.gzip.avail_out == 0;
    case 2: {
        std::size_t written = 0;
        for (std::size_t at = 16; at != in.size();) {
            if (in.size() - at < 4) return false;
            const auto chunk = load<std::uint32_t>(in.data() + at);
            at += 4;
            std::size_t size = out.size() - written;
            if (chunk > in.size() - at ||
                snappy_uncompress(reinterpret_cast<const char*>(in.data() + at), chunk,
                                  reinterpret_cast<char*>(out.data() + written), &size) != SNAPPY_OK)
                return false;
            at += chunk;
            written += size;
        }
        return written == out.size();
    }
    case 3: {
        LZ4F_resetDecompressionContext(with.lz4);
        std::size_t written = 0, read = 0;
        for (;;) {
            std::size_t space = out.size() - written, given = in.size() - read;
            const std::size_t left =
                LZ4F_decompress(with.lz4, out.data() + written, &space, in.data() + read, &given, nullptr);
            if (LZ4F_isError(left) != 0) return false;
            written += space;
            read += given;
            if (left == 0) return written == out.size();
            if (space == 0 && given == 0) return false;
        }
    }
    default:
        return ZSTD_decompressDCtx(with.zstd, out.data(), out.size(), in.data(), in.size()) == out.size();
    }
}

template <class Sink>
bool read_barely(libraries& with, std::span<const std::byte> bytes, std::size_t size, Sink& sink) {
    header batch;
    if (!read_header(bytes, batch)) return false;
    const auto plain = std::make_unique_for_overwrite<std::byte[]>(size);
    if (!decompress_barely(with, batch.attributes & 7, {batch.begin, batch.end}, {plain.get(), size}))
        return false;
    return walk_by_hand(batch, plain.get(), plain.get() + size, sink);
}

void read(benchmark::State& state, kwire::compression_type type, bool with_kwire) {
    codecs_of_kwire codecs;
    libraries bare;
    const kwire::shared_buffer batch = make_compressed(*codecs.set.find(type));
    const auto plain_size =
        kwire::decompress(*kwire::batch_at(batch.span()), codecs.set, 1 << 24).value().size();
    ordered a, b;
    if (!read_compressed(codecs, batch.span(), a) || !read_barely(bare, batch.span(), plain_size, b) ||
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
            benchmark::DoNotOptimize(read_barely(bare, bytes, plain_size, sink));
        benchmark::DoNotOptimize(sink.sum);
    }
    state.counters["allocations"] =
        static_cast<double>(bench::allocations - before) / static_cast<double>(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plain_size));
}

const bool registered = [] {
    for (const auto type : {kwire::compression_type::zstd, kwire::compression_type::lz4,
                            kwire::compression_type::snappy, kwire::compression_type::gzip})
        for (const bool with_kwire : {true, false}) {
            const std::string name =
                "compressed/" + std::string(name_of(type)) + (with_kwire ? "/kwire" : "/library");
            benchmark::RegisterBenchmark(name.c_str(),
                                         [=](benchmark::State& state) { read(state, type, with_kwire); });
        }
    return true;
}();

} // namespace
