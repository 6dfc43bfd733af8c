/// gzip for record batches, over libdeflate: link kwire::libdeflate, or libdeflate and zlib (-ldeflate -lz).
///
///     kwire::libdeflate_codec gzip;          // wherever a kwire::gzip_codec can be
///     kwire::codec_set codecs(gzip, snappy); // reads the same batches, in half the time
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/compression/gzip.hpp>
#include <kwire/expected.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <libdeflate.h>

namespace kwire::inline KWIRE_ABI {

/// gzip (RFC 1952), compression type 1, as gzip_codec reads it, with the same errors and leniencies.
///
/// A stream as Kafka's clients write it, one member without optional parts, is decompressed by libdeflate in
/// one call. All others are left to zlib: successive members, and whatever libdeflate refuses, because it
/// cannot tell cut from damaged bytes. For these the time is that of both, half as much again as zlib's
/// alone.
///
/// There is one difference: libdeflate accepts codes that RFC 1951 reserves, in the lengths of a block's
/// tables and as symbols, which it reads as if they were others. No encoder writes them, and checksum and
/// size of the content are compared all the same. But a broker that promises to refuse what Java's consumers
/// cannot read checks batches with gzip_codec.
class libdeflate_codec final : public gzip_codec {
public:
    /// libdeflate's default level.
    static constexpr int default_level = 6;

    libdeflate_codec() noexcept : libdeflate_codec(default_level) {}
    /// `level` as libdeflate has it: 1 (fast) to 12 (small), 0 to store only, -1 for the default. Levels
    /// 1 to 6 take less time than zlib's of the same number (KIP-390); from 9 on more, for smaller output.
    explicit libdeflate_codec(int level) noexcept : level_(level == -1 ? default_level : level) {}

protected:
    expected<void, error> do_decompress(std::span<const std::byte> compressed, capped_output& out,
                                        std::int8_t magic, const decompress_options& options) override {
        if (decompress_at_once(compressed, out)) return {};
        return gzip_codec::do_decompress(compressed, out, magic, options);
    }

    expected<void, error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                      std::int8_t) override {
        constexpr int smallest_output = 12;
        if (level_ < 0 || level_ > smallest_output) return detail::refuse(errc::bad_value, 0);
        if (!compressor_) compressor_.reset(libdeflate_alloc_compressor(level_));
        if (!compressor_) return detail::refuse(errc::out_of_memory, 0);
        out.reserve(libdeflate_gzip_compress_bound(compressor_.get(), plain.size()));
        const auto spare = out.spare();
        const std::byte nothing{};
        const std::byte* const from = plain.empty() ? &nothing : plain.data();
        const std::size_t size =
            libdeflate_gzip_compress(compressor_.get(), from, plain.size(), spare.data(), spare.size());
        detail::require(size != 0); // it fails only if there is no room
        out.commit(size);
        return {};
    }

private:
    /// Whether all of `compressed` was one member and its content has been written; if not, nothing has been.
    ///
    /// The size that the trailer claims is believed as far as the input makes it likely. Beyond that there is
    /// more room only after as much content has come out: four times as much, so that what is done again is
    /// at most a third.
    [[nodiscard]] bool decompress_at_once(std::span<const std::byte> compressed, capped_output& out) {
        if (!is_plain_member(compressed)) return false;
        if (!decompressor_) decompressor_.reset(libdeflate_alloc_decompressor());
        if (!decompressor_) return false;
        const std::size_t claimed = claimed_size(compressed);
        if (claimed > out.left()) return false;
        for (std::size_t wanted = detail::first_room(claimed, compressed.size());;) {
            const auto room = out.room(wanted);
            std::byte nothing{};
            std::byte* const to = room.empty() ? &nothing : room.data();
            std::size_t read = 0, written = 0;
            const auto result = libdeflate_gzip_decompress_ex(
                decompressor_.get(), compressed.data(), compressed.size(), to, room.size(), &read, &written);
            if (result == LIBDEFLATE_SUCCESS && read == compressed.size()) {
                out.commit(written);
                return true;
            }
            if (result != LIBDEFLATE_INSUFFICIENT_SPACE || room.size() >= claimed) return false;
            wanted = room.size() > claimed / 4 ? claimed : room.size() * 4;
        }
    }

    /// Whether a member begins here whose header has neither optional parts nor reserved flags.
    [[nodiscard]] static bool is_plain_member(std::span<const std::byte> bytes) noexcept {
        return bytes.size() >= smallest_member && bytes[0] == std::byte{0x1f} &&
               bytes[1] == std::byte{0x8b} && bytes[2] == std::byte{8} && bytes[3] == std::byte{0};
    }

    struct free_memory {
        void operator()(libdeflate_decompressor* p) const noexcept { libdeflate_free_decompressor(p); }
        void operator()(libdeflate_compressor* p) const noexcept { libdeflate_free_compressor(p); }
    };

    std::unique_ptr<libdeflate_decompressor, free_memory> decompressor_;
    std::unique_ptr<libdeflate_compressor, free_memory> compressor_;
    int level_;
};

} // namespace kwire::inline KWIRE_ABI
