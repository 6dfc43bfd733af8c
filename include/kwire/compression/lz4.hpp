/// lz4 for record batches, over liblz4: link kwire::lz4.
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/compression/detail/xxh32.hpp>
#include <kwire/expected.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include <lz4.h>
#include <lz4hc.h>

namespace kwire::inline KWIRE_ABI {

namespace detail {

[[nodiscard]] inline std::uint32_t load_le32(const std::byte* p) noexcept {
    std::uint32_t value = 0;
    for (int i = 3; i >= 0; --i) value = value << 8 | std::to_integer<std::uint32_t>(p[i]);
    return value;
}
inline void store_le32(std::byte* p, std::uint32_t value) noexcept {
    for (int i = 0; i != 4; ++i, value >>= 8) p[i] = static_cast<std::byte>(value & 0xff);
}

/// The header of an lz4 frame.
struct lz4_frame_header {
    std::size_t size = 0; ///< of the header itself
    std::size_t block_max = 0;
    std::optional<std::uint64_t> content_size{};
    bool independent_blocks = false;
    bool block_checksums = false;
    bool content_checksum = false;
};

inline constexpr std::uint32_t lz4_frame_magic = 0x184d2204;

/// The checksum byte of a header. In messages of magic 0 it is computed with the frame magic included
/// (KAFKA-3160).
[[nodiscard]] constexpr std::byte lz4_header_checksum(std::span<const std::byte> bytes) noexcept {
    return static_cast<std::byte>(xxh32(bytes) >> 8 & 0xff);
}

/// Reads the header of an lz4 frame; in magic 0 either checksum is accepted, or any.
[[nodiscard]] inline expected<lz4_frame_header, error>
read_lz4_header(std::span<const std::byte> frame, std::int8_t magic,
                const decompress_options& options) noexcept {
    constexpr std::size_t smallest = 7;
    if (frame.size() < smallest) return refuse_truncated(0, smallest, frame.size());
    if (load_le32(frame.data()) != lz4_frame_magic) return refuse(errc::bad_compressed_data, 0);
    const auto flags = std::to_integer<unsigned>(frame[4]);
    const auto block = std::to_integer<unsigned>(frame[5]);
    const bool sized = (flags & 0x08) != 0;
    if (flags >> 6 != 1 || (flags & 0x02) != 0) return refuse(errc::bad_compressed_data, 4);
    if ((block & 0x8f) != 0 || block >> 4 < 4) return refuse(errc::bad_compressed_data, 5);
    if ((flags & 0x01) != 0) return refuse(errc::dictionary_needed, 4);

    lz4_frame_header header{.size = sized ? smallest + 8 : smallest,
                            .block_max = std::size_t{1} << (8 + 2 * (block >> 4)),
                            .independent_blocks = (flags & 0x20) != 0,
                            .block_checksums = (flags & 0x10) != 0,
                            .content_checksum = (flags & 0x04) != 0};
    if (frame.size() < header.size) return refuse_truncated(0, header.size, frame.size());
    if (sized)
        header.content_size = std::uint64_t{load_le32(frame.data() + 10)} << 32 | load_le32(frame.data() + 6);
    const std::size_t at = header.size - 1;
    if (frame[at] != lz4_header_checksum(frame.subspan(4, at - 4)) &&
        (magic != 0 ||
         (frame[at] != lz4_header_checksum(frame.first(at)) && !options.any_lz4_header_checksum)))
        return refuse(errc::bad_compressed_data, at);
    return header;
}

/// A block of an lz4 frame, as its length field describes it.
struct lz4_block {
    std::span<const std::byte> bytes; ///< empty at the end mark
    std::size_t at;                   ///< the position of its first byte in the frame
    std::size_t end;                  ///< the position of the next block, after the checksum
    bool stored;
    bool last;

    /// The most bytes it can yield: one byte of a match length yields up to 255 bytes.
    [[nodiscard]] std::size_t bound(std::size_t block_max) const noexcept {
        return stored ? bytes.size() : std::min(block_max, bytes.size() * 255);
    }
};

/// The block at `at` of `frame`, if it is whole and of a size that the header allows.
[[nodiscard]] inline expected<lz4_block, error> lz4_block_at(std::span<const std::byte> frame, std::size_t at,
                                                             const lz4_frame_header& header) noexcept {
    const std::size_t left = frame.size() - at;
    if (left < 4) return refuse_truncated(at, 4, left);
    const std::uint32_t word = load_le32(frame.data() + at);
    const std::size_t size = word & 0x7fffffff;
    if (word == 0) return lz4_block{.bytes = {}, .at = at, .end = at + 4, .stored = false, .last = true};
    if (size > header.block_max) return refuse(errc::bad_compressed_data, at);
    const std::size_t checksum = header.block_checksums ? 4 : 0;
    if (size + checksum > left - 4) return refuse_truncated(at + 4, size + checksum, left - 4);
    return lz4_block{.bytes = frame.subspan(at + 4, size),
                     .at = at + 4,
                     .end = at + 4 + size + checksum,
                     .stored = word >> 31 != 0,
                     .last = false};
}

} // namespace detail

/// lz4 in its frame format, compression type 3.
///
/// Reads one frame, with blocks of all sizes, independent or linked, and verifies all checksums in it unless
/// decompress_options say otherwise. Writes
/// frames as Java does: independent blocks of 64 KiB, no checksums, no content size. In messages of magic 0
/// the header checksum is computed in Kafka's old, wrong way (KAFKA-3160); there both checksums are accepted,
/// in other formats only the correct one.
class lz4_codec final : public codec {
public:
    lz4_codec() noexcept : lz4_codec(1) {}
    /// `level` below 3 selects the fast compressor, 3 to 12 the one for small output (KIP-390).
    explicit lz4_codec(int level) noexcept : level_(level) {}

    /// Of batches that it compresses: lz4.
    [[nodiscard]] compression_type type() const noexcept override { return compression_type::lz4; }

protected:
    expected<void, error> do_decompress(std::span<const std::byte> compressed, capped_output& out,
                                        std::int8_t magic, const decompress_options& options) override {
        const auto header = detail::read_lz4_header(compressed, magic, options);
        if (!header) return unexpected{header.error()};
        const bool claims = header->content_size && !options.unverified_lz4_content;
        const std::uint64_t claimed = header->content_size.value_or(0);
        if (claims && claimed > out.left()) return unexpected{out.too_large(6)};

        // All blocks are measured first, so that one allocation is enough, and a truncated frame fails before
        // any work.
        std::uint64_t bound = 0;
        std::size_t at = header->size;
        for (bool last = false; !last;) {
            const auto block = detail::lz4_block_at(compressed, at, *header);
            if (!block) return unexpected{block.error()};
            bound += block->bound(header->block_max);
            at = block->end;
            last = block->last;
        }
        const std::size_t content_checksum = at;
        if (header->content_checksum) {
            if (compressed.size() - at < 4) return detail::refuse_truncated(at, 4, compressed.size() - at);
            at += 4;
        }
        if (at != compressed.size() && !options.trailing_bytes)
            return detail::refuse(errc::trailing_bytes, at);
        if (claims) {
            if (claimed > bound) return detail::refuse(errc::bad_compressed_data, 6);
            bound = claimed;
        }
        static_cast<void>(out.room(detail::first_room(bound, compressed.size())));

        for (at = header->size;;) {
            const auto block = detail::lz4_block_at(compressed, at, *header);
            if (block->last) break;
            if (const auto done = decompress_block(*block, *header, out); !done) return done;
            if (header->block_checksums &&
                detail::load_le32(compressed.data() + block->end - 4) != detail::xxh32(block->bytes))
                return detail::refuse(errc::bad_compressed_data, block->end - 4);
            at = block->end;
        }
        if (claims && claimed != out.size()) return detail::refuse(errc::bad_compressed_data, 6);
        if (header->content_checksum && !options.unverified_lz4_content &&
            detail::load_le32(compressed.data() + content_checksum) != detail::xxh32(out.written()))
            return detail::refuse(errc::bad_compressed_data, content_checksum);
        return {};
    }

    expected<void, error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                      std::int8_t magic) override {
        if (!make_state()) return detail::refuse(errc::out_of_memory, 0);
        const std::size_t blocks = plain.size() / block_size + (plain.size() % block_size != 0 ? 1 : 0);
        // A block that does not compress is stored, so this is always enough.
        out.reserve(header_size + plain.size() + blocks * 4 + 4);
        std::byte* to = out.spare().data();

        detail::store_le32(to, detail::lz4_frame_magic);
        to[4] = std::byte{0x60}; // version 1, independent blocks
        to[5] = std::byte{0x40}; // of 64 KiB
        to[6] = magic == 0 ? detail::lz4_header_checksum({to, 6}) : detail::lz4_header_checksum({to + 4, 2});
        out.commit(header_size);
        while (!plain.empty()) {
            compress_block(plain.first(std::min(plain.size(), block_size)), out);
            plain = plain.subspan(std::min(plain.size(), block_size));
        }
        detail::store_le32(out.spare().data(), 0);
        out.commit(4);
        return {};
    }

private:
    static constexpr std::size_t header_size = 7;
    static constexpr std::size_t block_size = std::size_t{64} * 1024;
    static constexpr std::size_t history = std::size_t{64} * 1024; ///< how far back a match can refer
    static constexpr std::size_t end_of_block = 16; ///< more than liblz4 treats in a special way

    static expected<void, error> decompress_block(const detail::lz4_block& block,
                                                  const detail::lz4_frame_header& header,
                                                  capped_output& out) {
        const std::size_t bound = block.bound(header.block_max);
        auto room = out.room(bound);
        room = room.first(std::min(room.size(), header.block_max));
        if (block.stored) {
            if (room.size() < bound) return unexpected{out.too_large(block.at)};
            if (bound != 0) std::memcpy(room.data(), block.bytes.data(), bound);
            out.commit(bound);
            return {};
        }
        if (const auto size = decode(block.bytes, room, header, out)) {
            out.commit(*size);
            return {};
        }
        // liblz4 does not distinguish lack of room from damage, and at the end of the room it is stricter
        // about the end of a block. Room that the content cannot fill decides, so that the cap does not.
        const std::size_t roomy = std::min(header.block_max, bound + end_of_block);
        if (room.size() < roomy) {
            unique_buffer chunk = unique_buffer::with_capacity(roomy);
            if (const auto size = decode(block.bytes, chunk.spare().first(roomy), header, out)) {
                if (*size > room.size()) return unexpected{out.too_large(block.at)};
                std::memcpy(room.data(), chunk.data(), *size);
                out.commit(*size);
                return {};
            }
        }
        return detail::refuse(errc::bad_compressed_data, block.at);
    }

    [[nodiscard]] static std::optional<std::size_t> decode(std::span<const std::byte> block,
                                                           std::span<std::byte> to,
                                                           const detail::lz4_frame_header& header,
                                                           const capped_output& out) noexcept {
        std::byte nothing{};
        char* target = reinterpret_cast<char*>(to.empty() ? &nothing : to.data());
        const auto* source = reinterpret_cast<const char*>(block.data());
        const auto source_size = static_cast<int>(block.size()); // 4 MiB at most, and so is the room
        const auto room = static_cast<int>(to.size());
        const auto before = header.independent_blocks ? std::span<const std::byte>() : out.written();
        const auto dictionary = before.last(std::min(before.size(), history));
        const int size = dictionary.empty()
                             ? LZ4_decompress_safe(source, target, source_size, room)
                             : LZ4_decompress_safe_usingDict(source, target, source_size, room,
                                                             reinterpret_cast<const char*>(dictionary.data()),
                                                             static_cast<int>(dictionary.size()));
        if (size < 0) return std::nullopt;
        return static_cast<std::size_t>(size);
    }

    /// Writes a block of at most block_size to the spare part. Precondition: the spare part has room for the
    /// stored form.
    void compress_block(std::span<const std::byte> plain, unique_buffer& out) const noexcept {
        const auto spare = out.spare();
        const auto size = static_cast<int>(plain.size());
        const auto* from = reinterpret_cast<const char*>(plain.data());
        char* to = reinterpret_cast<char*>(spare.data() + 4);
        // Compressed only if that saves at least a byte, as the frame format advises.
        int compressed = level_ < first_hc_level
                             ? LZ4_compress_fast_extState(fast_state_.get(), from, to, size, size - 1, 1)
                             : LZ4_compress_HC_extStateHC(hc_state_.get(), from, to, size, size - 1, level_);
        std::uint32_t word = static_cast<std::uint32_t>(compressed);
        if (compressed <= 0) {
            std::memcpy(to, from, plain.size());
            compressed = size;
            word = static_cast<std::uint32_t>(size) | 0x80000000;
        }
        detail::store_le32(spare.data(), word);
        out.commit(4 + static_cast<std::size_t>(compressed));
    }

    [[nodiscard]] bool make_state() noexcept {
        if (level_ < first_hc_level) {
            if (!fast_state_) fast_state_.reset(LZ4_createStream());
            return fast_state_ != nullptr;
        }
        if (!hc_state_) hc_state_.reset(LZ4_createStreamHC());
        return hc_state_ != nullptr;
    }

    static constexpr int first_hc_level = 3;

    struct free_state {
        void operator()(LZ4_stream_t* state) const noexcept { LZ4_freeStream(state); }
        void operator()(LZ4_streamHC_t* state) const noexcept { LZ4_freeStreamHC(state); }
    };

    std::unique_ptr<LZ4_stream_t, free_state> fast_state_;
    std::unique_ptr<LZ4_streamHC_t, free_state> hc_state_;
    int level_;
};

} // namespace kwire::inline KWIRE_ABI
