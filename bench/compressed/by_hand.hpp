/// Compressed batches read by hand: one call of the library into memory of the right size, which is known
/// from elsewhere, then a walk over the records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "bench/records.hpp"
#include <libdeflate.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

namespace bench::records {

enum class gzip_by : bool {
    zlib,
    libdeflate
};

/// The state that a program keeps between batches.
struct libraries {
    z_stream gzip{};
    LZ4F_dctx* lz4 = nullptr;
    ZSTD_DCtx* zstd = ZSTD_createDCtx();
    libdeflate_decompressor* libdeflate = libdeflate_alloc_decompressor();
    libraries() {
        if (inflateInit2(&gzip, 31) != Z_OK ||
            LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)) != 0 || zstd == nullptr ||
            libdeflate == nullptr)
            std::abort();
    }
    libraries(const libraries&) = delete;
    libraries& operator=(const libraries&) = delete;
    ~libraries() {
        inflateEnd(&gzip);
        LZ4F_freeDecompressionContext(lz4);
        ZSTD_freeDCtx(zstd);
        libdeflate_free_decompressor(libdeflate);
    }
};

/// One call of the library for all bytes, or in xerial's framing one per chunk.
inline bool decompress_barely(libraries& with, int type, gzip_by by, std::span<const std::byte> in,
                              std::span<std::byte> out) {
    switch (type) {
    case 1:
        if (by == gzip_by::libdeflate)
            return libdeflate_gzip_decompress(with.libdeflate, in.data(), in.size(), out.data(), out.size(),
                                              nullptr) == LIBDEFLATE_SUCCESS;
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
bool read_barely(libraries& with, gzip_by by, std::span<const std::byte> bytes, std::size_t size,
                 Sink& sink) {
    header batch;
    if (!read_header(bytes, batch)) return false;
    const auto plain = std::make_unique_for_overwrite<std::byte[]>(size);
    if (!decompress_barely(with, batch.attributes & 7, by, {batch.begin, batch.end}, {plain.get(), size}))
        return false;
    return walk_by_hand(batch, plain.get(), plain.get() + size, sink);
}

} // namespace bench::records
