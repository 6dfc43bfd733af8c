/// zstd for record batches, over libzstd: link kwire::zstd.
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/expected.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <zstd.h>
#include <zstd_errors.h>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// A zstd frame, measured by its headers and those of its blocks without decoding it.
struct zstd_frame {
    std::size_t size = 0;    ///< of the whole frame
    std::uint64_t bound = 0; ///< the most bytes that its blocks can yield
    std::uint64_t window = 0;
    std::optional<std::uint64_t> content_size{};
    bool skippable = false;
};

/// A little-endian integer of `width` bytes.
[[nodiscard]] inline std::uint64_t load_le(const std::byte* p, std::size_t width) noexcept {
    std::uint64_t value = 0;
    while (width-- != 0) value = value << 8 | std::to_integer<std::uint64_t>(p[width]);
    return value;
}

/// Whether `magic` begins a skippable frame (RFC 8878, 3.1.2).
[[nodiscard]] constexpr bool zstd_skippable(std::uint64_t magic) noexcept {
    return (magic & 0xfffffff0) == 0x184d2a50;
}
inline constexpr std::uint64_t zstd_magic = 0xfd2fb528;

/// Measures the frame at `at` (RFC 8878, 3.1.1) from block to block.
///
/// Errors: truncated if it is not whole; dictionary_needed; bad_compressed_data if it is not a valid frame or
/// a block is larger than its window allows.
[[nodiscard]] inline expected<zstd_frame, error> measure_zstd_frame(std::span<const std::byte> bytes,
                                                                    std::size_t at) noexcept {
    const std::byte* const data = bytes.data();
    std::size_t p = at; // never past the end
    const auto lacks = [&](std::size_t n) noexcept { return n > bytes.size() - p; };
    const auto cut = [&](std::size_t n) noexcept { return refuse_truncated(p, n, bytes.size() - p); };

    if (lacks(4)) return cut(4);
    const std::uint64_t magic = load_le(data + p, 4);
    zstd_frame frame;
    if (zstd_skippable(magic)) {
        if (lacks(8)) return cut(8);
        const auto size = static_cast<std::size_t>(load_le(data + p + 4, 4));
        p += 8;
        if (lacks(size)) return cut(size);
        frame.size = p + size - at;
        frame.skippable = true;
        return frame;
    }
    if (magic != zstd_magic) return refuse(errc::bad_compressed_data, p);
    p += 4;

    if (lacks(1)) return cut(1);
    const auto descriptor = std::to_integer<unsigned>(data[p]);
    const bool single_segment = (descriptor & 0x20) != 0;
    const bool checksum = (descriptor & 0x04) != 0;
    if ((descriptor & 0x08) != 0) return refuse(errc::bad_compressed_data, p);
    ++p;
    constexpr std::array<std::size_t, 4> dictionary_widths{0, 1, 2, 4};
    constexpr std::array<std::size_t, 4> size_widths{0, 2, 4, 8};
    const std::size_t dictionary_width = dictionary_widths[descriptor & 3];
    std::size_t size_width = size_widths[descriptor >> 6];
    if (single_segment && size_width == 0) size_width = 1;
    const std::size_t header = (single_segment ? 0u : 1u) + dictionary_width + size_width;
    if (lacks(header)) return cut(header);
    if (!single_segment) {
        const auto window = std::to_integer<unsigned>(data[p]);
        const std::uint64_t base = std::uint64_t{1} << (10 + (window >> 3));
        frame.window = base + base / 8 * (window & 7);
        ++p;
    }
    if (load_le(data + p, dictionary_width) != 0) return refuse(errc::dictionary_needed, p);
    p += dictionary_width;
    if (size_width != 0) {
        frame.content_size = load_le(data + p, size_width) + (size_width == 2 ? 256u : 0u);
        if (single_segment) frame.window = *frame.content_size;
        p += size_width;
    }

    constexpr std::uint64_t largest_block = std::uint64_t{128} * 1024;
    const std::uint64_t block_max = std::min(frame.window, largest_block);
    for (bool last = false; !last;) {
        if (lacks(3)) return cut(3);
        const auto word = static_cast<std::uint32_t>(load_le(data + p, 3));
        const std::uint32_t size = word >> 3;
        const std::uint32_t type = word >> 1 & 3;
        constexpr std::uint32_t repeated_byte = 1, compressed = 2, reserved = 3;
        if (type == reserved || size > block_max) return refuse(errc::bad_compressed_data, p);
        p += 3;
        const std::size_t present = type == repeated_byte ? 1 : size;
        if (lacks(present)) return cut(present);
        p += present;
        frame.bound += type == compressed ? block_max : size;
        last = (word & 1) != 0;
    }
    if (checksum) {
        if (lacks(4)) return cut(4);
        p += 4;
    }
    frame.size = p - at;
    return frame;
}

} // namespace detail

/// zstd (RFC 8878), compression type 4, for batches of magic 2 (KIP-110).
///
/// Reads any number of frames one after another, with or without their content size and with skippable frames
/// between them, and verifies their checksums. Writes one frame with its content size.
class zstd_codec final : public codec {
public:
    /// libzstd's default level.
    static constexpr int default_level = 3;
    /// The default limit, a window of 128 MiB, which no level exceeds; Java's reader has the same.
    static constexpr int default_max_window_log = 27;

    zstd_codec() noexcept : zstd_codec(default_level) {}
    /// `level` from -131072 (fast) to 22 (small output), 0 for the default (KIP-390); libzstd uses the
    /// nearest of these for other values.
    ///
    /// Frames whose window is larger than 2^`max_window_log` bytes (10 to 31) are refused with too_large. The
    /// limit is for readers that must not accept more than others: no memory is taken for a window. The
    /// memory for a frame is in proportion to what it decompresses to, four times as much at most, and never
    /// above the cap.
    explicit zstd_codec(int level, int max_window_log = default_max_window_log) noexcept
        : level_(level), max_window_log_(std::clamp(max_window_log, 10, 31)) {}

    /// Of batches that it compresses: zstd.
    [[nodiscard]] compression_type type() const noexcept override { return compression_type::zstd; }

protected:
    expected<void, error> do_decompress(std::span<const std::byte> compressed, capped_output& out,
                                        std::int8_t, const decompress_options& options) override {
        if (!decompressor_) decompressor_.reset(ZSTD_createDCtx());
        if (!decompressor_) return detail::refuse(errc::out_of_memory, 0);
        bool any = false;
        for (std::size_t at = 0; at < compressed.size() || !any;) {
            const auto frame = detail::measure_zstd_frame(compressed, at);
            if (!frame) {
                if (options.trailing_bytes && any && frame.error() == errc::truncated) return {};
                const bool trailing =
                    any && frame.error().offset == at; // what follows does not begin a frame
                return trailing ? detail::refuse(errc::trailing_bytes, at) : unexpected{frame.error()};
            }
            if (!frame->skippable) {
                any = true;
                const auto done = decompress_frame(compressed.subspan(at, frame->size), at, *frame, out);
                if (!done) return done;
            }
            at += frame->size;
        }
        return {};
    }

    expected<void, error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                      std::int8_t) override {
        if (!compressor_) compressor_.reset(ZSTD_createCCtx());
        if (!compressor_) return detail::refuse(errc::out_of_memory, 0);
        const std::size_t set = ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_compressionLevel, level_);
        if (ZSTD_isError(set)) return refuse_as(set, 0);
        out.reserve(ZSTD_compressBound(plain.size()));
        const auto spare = out.spare();
        const std::size_t size =
            ZSTD_compress2(compressor_.get(), spare.data(), spare.size(), plain.data(), plain.size());
        if (ZSTD_isError(size)) return refuse_as(size, 0);
        out.commit(size);
        return {};
    }

private:
    /// In one call, into memory of the final size if that is known, because then libzstd needs no window: its
    /// streaming form would allocate one of the size that the frame claims, 128 MiB for a record of a few
    /// bytes. Where the size is unknown or not to be believed, in a few calls with more and more room.
    [[nodiscard]] expected<void, error> decompress_frame(std::span<const std::byte> bytes, std::size_t at,
                                                         const detail::zstd_frame& frame,
                                                         capped_output& out) {
        if (frame.content_size) {
            if (*frame.content_size > out.left()) return unexpected{out.too_large(at)};
            if (*frame.content_size > frame.bound) return detail::refuse(errc::bad_compressed_data, at);
        }
        if (const std::uint64_t most = std::uint64_t{1} << max_window_log_; frame.window > most)
            return unexpected{
                error{.code = errc::too_large, .offset = at, .needed = frame.window, .left = most}};
        const std::uint64_t expected = frame.content_size.value_or(frame.bound);
        for (std::uint64_t wanted = detail::first_room(expected, bytes.size());;) {
            auto room = out.room(static_cast<std::size_t>(wanted));
            room = room.first(std::min(room.size(), static_cast<std::size_t>(wanted)));
            std::byte nothing{};
            std::byte* const to = room.empty() ? &nothing : room.data();
            const std::size_t size =
                ZSTD_decompressDCtx(decompressor_.get(), to, room.size(), bytes.data(), bytes.size());
            if (!ZSTD_isError(size)) {
                out.commit(size);
                return {};
            }
            if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall || wanted >= expected) {
                if (room.size() < wanted && ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall)
                    return unexpected{out.too_large(at)};
                return refuse_as(size, at);
            }
            if (room.size() < wanted || wanted >= out.left()) return unexpected{out.too_large(at)};
            // Four times as much, so that what is done again is at most a third.
            wanted = std::min(wanted * 4, expected);
        }
    }

    [[nodiscard]] static unexpected<error> refuse_as(std::size_t code, std::size_t at) noexcept {
        switch (ZSTD_getErrorCode(code)) {
        case ZSTD_error_memory_allocation: return detail::refuse(errc::out_of_memory, at);
        case ZSTD_error_dictionary_wrong: return detail::refuse(errc::dictionary_needed, at);
        case ZSTD_error_frameParameter_windowTooLarge: return detail::refuse(errc::too_large, at);
        default: return detail::refuse(errc::bad_compressed_data, at);
        }
    }

    struct free_context {
        void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
        void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    };

    std::unique_ptr<ZSTD_DCtx, free_context> decompressor_;
    std::unique_ptr<ZSTD_CCtx, free_context> compressor_;
    int level_;
    int max_window_log_;
};

} // namespace kwire::inline KWIRE_ABI
