/// snappy for record batches: compressed by libsnappy, decompressed here; link kwire::snappy.
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/compression/detail/snappy_block.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/endian.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <snappy-c.h>

namespace kwire::inline KWIRE_ABI {

/// The form in which a snappy_codec writes; it reads both.
enum class snappy_framing : std::uint8_t {
    xerial, ///< a header of 16 bytes, then blocks of 32 KiB, as Java clients and brokers write
    raw,    ///< one block without framing, as librdkafka, franz-go and sarama write
};

/// snappy, compression type 2, in both forms that Kafka clients write.
///
/// Bytes that begin with the xerial magic are read as xerial: no raw block can begin with it, because its
/// first element would copy bytes from before the start. The two versions in the xerial header are ignored,
/// because Redpanda has written them in the other byte order. Another header between blocks is skipped, as in
/// snappy-java, which reads concatenated streams.
class snappy_codec final : public codec {
public:
    snappy_codec() noexcept : snappy_codec(snappy_framing::xerial) {}
    explicit snappy_codec(snappy_framing framing) noexcept : framing_(framing) {}

    /// Of batches that it compresses: snappy.
    [[nodiscard]] compression_type type() const noexcept override { return compression_type::snappy; }

protected:
    expected<void, error> do_decompress(std::span<const std::byte> compressed, capped_output& out,
                                        std::int8_t, const decompress_options& options) override {
        if (!begins_xerial(compressed)) return decompress_block(compressed, 0, out);

        // All blocks are measured first, so that one allocation is enough for all of them.
        std::size_t total = 0;
        std::size_t at = 0;
        while (at < compressed.size()) {
            if (options.trailing_bytes && at != 0 && compressed.size() - at < 4) {
                compressed = compressed.first(at);
                break;
            }
            const auto chunk = chunk_at(compressed, at);
            if (!chunk) return unexpected{chunk.error()};
            if (!chunk->bytes.empty()) {
                const auto parts = parts_of(chunk->bytes, at);
                if (!parts) return unexpected{parts.error()};
                if (parts->plain_size > out.left() - total) return unexpected{out.too_large(at)};
                total += parts->plain_size;
            }
            at = chunk->end;
        }
        static_cast<void>(out.room(total));
        for (at = 0; at < compressed.size();) {
            const auto chunk = chunk_at(compressed, at);
            if (!chunk->bytes.empty()) {
                const auto done = decompress_block(chunk->bytes, chunk->end - chunk->bytes.size(), out);
                if (!done) return done;
            }
            at = chunk->end;
        }
        return {};
    }

    expected<void, error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                      std::int8_t) override {
        if (framing_ == snappy_framing::raw) {
            // The size before a block has 32 bits.
            if (plain.size() > 0xffffffff) return detail::refuse(errc::too_large, 0);
            out.reserve(snappy_max_compressed_length(plain.size()));
            compress_block(plain, out);
            return {};
        }
        out.reserve(16 + (plain.size() / xerial_block + 1) * 4 + snappy_max_compressed_length(plain.size()));
        out.append(xerial_header);
        while (!plain.empty()) {
            const auto block = plain.first(std::min(plain.size(), xerial_block));
            const std::size_t length_at = out.size();
            out.reserve(4 + snappy_max_compressed_length(block.size()));
            out.commit(4);
            const std::size_t size = compress_block(block, out);
            wire::store_be(out.data() + length_at, static_cast<std::uint32_t>(size));
            plain = plain.subspan(block.size());
        }
        return {};
    }

private:
    static constexpr std::size_t xerial_block = std::size_t{32} * 1024;
    static constexpr std::size_t largest_chunk = 512u << 20; ///< snappy-java's limit
    /// The magic, then the version and the lowest compatible version, both 1.
    static constexpr std::array<std::byte, 16> xerial_header{
        std::byte{0x82}, std::byte{0x53}, std::byte{0x4e}, std::byte{0x41}, std::byte{0x50}, std::byte{0x50},
        std::byte{0x59}, std::byte{0},    std::byte{0},    std::byte{0},    std::byte{0},    std::byte{1},
        std::byte{0},    std::byte{0},    std::byte{0},    std::byte{1}};

    /// A part of xerial framing: a header (no bytes) or a block.
    struct chunk_extent {
        std::span<const std::byte> bytes; ///< the block without its length; empty for a header
        std::size_t end;
    };

    [[nodiscard]] static bool begins_xerial(std::span<const std::byte> bytes) noexcept {
        return bytes.size() >= 8 && std::equal(bytes.begin(), bytes.begin() + 8, xerial_header.begin());
    }

    /// The chunk at `at`. Precondition: `at` is before the end.
    [[nodiscard]] static expected<chunk_extent, error> chunk_at(std::span<const std::byte> compressed,
                                                                std::size_t at) noexcept {
        const auto rest = compressed.subspan(at);
        if (begins_xerial(rest)) {
            if (rest.size() < 16) return detail::refuse_truncated(at, 16, rest.size());
            return chunk_extent{.bytes = {}, .end = at + 16};
        }
        if (rest.size() < 4) return detail::refuse_truncated(at, 4, rest.size());
        const auto size = wire::load_be<std::uint32_t>(rest.data());
        // As an unsigned number a negative length exceeds the limit too. A block has at least one byte, its
        // size.
        if (size == 0 || size > largest_chunk) return detail::refuse(errc::bad_length, at);
        if (size > rest.size() - 4) return detail::refuse_truncated(at + 4, size, rest.size() - 4);
        return chunk_extent{.bytes = rest.subspan(4, size), .end = at + 4 + size};
    }

    /// A block by its parts.
    struct block_extent {
        std::size_t plain_size; ///< what it claims for its content
        std::span<const std::byte> elements;
    };

    /// The parts of a block, if it is long enough for the size that it claims.
    ///
    /// The densest element has 3 bytes and yields 64.
    [[nodiscard]] static expected<block_extent, error> parts_of(std::span<const std::byte> block,
                                                                std::size_t offset) noexcept {
        if (block.empty()) return detail::refuse_truncated(offset, 1, 0);
        const auto size = detail::snappy_size_of(block);
        if (size.bytes == 0) return detail::refuse(errc::bad_compressed_data, offset);
        if (size.value / 64 > block.size() / 3) return detail::refuse(errc::bad_compressed_data, offset);
        return block_extent{.plain_size = size.value, .elements = block.subspan(size.bytes)};
    }

    [[nodiscard]] static expected<void, error> decompress_block(std::span<const std::byte> block,
                                                                std::size_t offset, capped_output& out) {
        const auto parts = parts_of(block, offset);
        if (!parts) return unexpected{parts.error()};
        if (parts->plain_size > out.left()) return unexpected{out.too_large(offset)};
        const auto room = out.room(parts->plain_size).first(parts->plain_size);
        if (!detail::decompress_snappy(parts->elements, room))
            return detail::refuse(errc::bad_compressed_data, offset);
        out.commit(parts->plain_size);
        return {};
    }

    /// Writes one block to the spare part of `out` and returns its size. Precondition: the spare part has
    /// room. libsnappy is C++ and throws std::bad_alloc if there is no memory for its table.
    static std::size_t compress_block(std::span<const std::byte> plain, unique_buffer& out) {
        std::size_t size = out.spare().size();
        const std::byte nothing{};
        const std::byte* from = plain.empty() ? &nothing : plain.data();
        const auto status = snappy_compress(reinterpret_cast<const char*>(from), plain.size(),
                                            reinterpret_cast<char*>(out.spare().data()), &size);
        detail::require(status == SNAPPY_OK); // it fails only if there is no room
        out.commit(size);
        return size;
    }

    snappy_framing framing_;
};

} // namespace kwire::inline KWIRE_ABI
