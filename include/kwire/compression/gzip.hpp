/// gzip for record batches, over zlib: link kwire::gzip.
#pragma once

#include <kwire/compression/codec.hpp>
#include <kwire/expected.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <zlib.h>

namespace kwire::inline KWIRE_ABI {

/// gzip (RFC 1952), compression type 1.
///
/// Reads any number of members one after another, as Java's reader does; any other bytes after them are an
/// error unless decompress_options say otherwise, and so is zlib's own format. Writes one member. What is
/// decompressed takes 4 KiB of memory or more, because the size is known at the end only: detach() a small
/// result that is kept. libdeflate_codec (<kwire/compression/libdeflate.hpp>) is the same, but faster.
class gzip_codec : public codec {
public:
    gzip_codec() noexcept : gzip_codec(Z_DEFAULT_COMPRESSION) {}
    /// `level` as in zlib: 1 (fast) to 9 (small), 0 to store only, -1 for zlib's default (KIP-390).
    explicit gzip_codec(int level) noexcept : level_(level) {}
    ~gzip_codec() override {
        if (inflate_ready_) inflateEnd(&inflate_);
        if (deflate_ready_) deflateEnd(&deflate_);
    }

    /// Of batches that it compresses: gzip.
    [[nodiscard]] compression_type type() const noexcept final { return compression_type::gzip; }

protected:
    static constexpr std::size_t smallest_member = 18; ///< header and trailer, without a block
    /// The size modulo 2^32 that the last member ends with. Precondition: at least four bytes.
    [[nodiscard]] static std::uint32_t claimed_size(std::span<const std::byte> member) noexcept {
        const auto tail = member.last(4);
        return std::to_integer<std::uint32_t>(tail[0]) | std::to_integer<std::uint32_t>(tail[1]) << 8 |
               std::to_integer<std::uint32_t>(tail[2]) << 16 | std::to_integer<std::uint32_t>(tail[3]) << 24;
    }

    expected<void, error> do_decompress(std::span<const std::byte> compressed, capped_output& out,
                                        std::int8_t, const decompress_options& options) override {
        if (!start_inflate()) return detail::refuse(errc::out_of_memory, 0);
        std::size_t at = 0;     // the position in `compressed` up to which zlib has read
        std::size_t member = 0; // where the current member begins
        if (compressed.size() < smallest_member)
            return detail::refuse_truncated(0, smallest_member, compressed.size());
        std::size_t wanted =
            std::max(detail::first_room(claimed_size(compressed), compressed.size()), smallest_room);
        for (;;) {
            std::byte beyond{}; // receives the first byte past the cap, if there is one
            auto room = out.room(wanted);
            const bool full = room.empty();
            if (full) room = {&beyond, 1};

            auto source = compressed.subspan(at);
            std::array<std::byte, reserved_flags_end> front;
            if (at == member && options.reserved_gzip_flags && source.size() >= front.size()) {
                std::copy_n(source.begin(), front.size(), front.begin());
                front.back() &= std::byte{0x1f};
                source = front;
            }
            const uInt given = piece(source.size());
            const uInt space = piece(room.size());
            inflate_.next_in = input(source);
            inflate_.avail_in = given;
            inflate_.next_out = reinterpret_cast<Bytef*>(room.data());
            inflate_.avail_out = space;
            const int status = inflate(&inflate_, Z_NO_FLUSH);
            at += given - inflate_.avail_in;
            const std::size_t produced = space - inflate_.avail_out;
            if (full && produced != 0) return unexpected{out.too_large(at)};
            if (!full) out.commit(produced);

            switch (status) {
            case Z_OK: break;
            case Z_STREAM_END:
                if (at == compressed.size()) return {};
                if (options.trailing_bytes && !has_whole_header(compressed.subspan(at), options)) return {};
                if (!begins_member(compressed.subspan(at))) return detail::refuse(errc::trailing_bytes, at);
                member = at;
                inflateReset(&inflate_);
                continue;
            case Z_BUF_ERROR: break; // no progress: no room or no input, distinguished below
            case Z_MEM_ERROR: return detail::refuse(errc::out_of_memory, at);
            default: return detail::refuse(errc::bad_compressed_data, at);
            }
            if (at == compressed.size() && inflate_.avail_out != 0) return detail::refuse_truncated(at, 1, 0);
            wanted = smallest_room; // room() doubles
        }
    }

    expected<void, error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                      std::int8_t) override {
        if (const int status = start_deflate(); status != Z_OK)
            return detail::refuse(status == Z_MEM_ERROR ? errc::out_of_memory : errc::bad_value, 0);
        out.reserve(deflateBound(&deflate_, static_cast<uLong>(plain.size())));
        std::size_t at = 0;
        for (;;) {
            out.reserve(1);
            const uInt given = piece(plain.size() - at);
            const uInt space = piece(out.spare().size());
            deflate_.next_in = input(plain.subspan(at));
            deflate_.avail_in = given;
            deflate_.next_out = reinterpret_cast<Bytef*>(out.spare().data());
            deflate_.avail_out = space;
            const int status = deflate(&deflate_, at + given == plain.size() ? Z_FINISH : Z_NO_FLUSH);
            at += given - deflate_.avail_in;
            out.commit(space - deflate_.avail_out);
            if (status == Z_STREAM_END) return {};
            if (status != Z_OK && status != Z_BUF_ERROR) return detail::refuse(errc::bad_value, at);
        }
    }

private:
    static constexpr int gzip_window = 15 + 16; ///< in zlib's terms: the largest window, and gzip only
    static constexpr std::size_t smallest_room = 4096;
    static constexpr std::size_t reserved_flags_end = 4; ///< the flags are the last byte before it
    static constexpr std::size_t largest_piece = std::size_t{1} << 30; ///< zlib counts in 32 bits

    [[nodiscard]] static uInt piece(std::size_t size) noexcept {
        return static_cast<uInt>(std::min(size, largest_piece));
    }
    /// zlib reads through a pointer to non-const unless ZLIB_CONST was defined before its header.
    [[nodiscard]] static Bytef* input(std::span<const std::byte> bytes) noexcept {
        return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    }
    /// Whether another member begins here; it may be cut short.
    [[nodiscard]] static bool begins_member(std::span<const std::byte> rest) noexcept {
        return rest[0] == std::byte{0x1f} && (rest.size() == 1 || rest[1] == std::byte{0x8b});
    }

    /// Whether bytes after a member begin with the whole, valid header of another one, and with more than a
    /// header and a trailer: what Java takes for another member (RFC 1952, 2.3).
    [[nodiscard]] static bool has_whole_header(std::span<const std::byte> rest,
                                               const decompress_options& options) noexcept {
        if (rest.size() <= smallest_member || !begins_member(rest) || rest[2] != std::byte{8}) return false;
        const auto flags = std::to_integer<unsigned>(rest[3]);
        if ((flags & 0xe0) != 0 && !options.reserved_gzip_flags) return false;
        constexpr unsigned has_checksum = 2, has_extra = 4, has_name = 8, has_comment = 16;
        std::size_t at = 10;
        if ((flags & has_extra) != 0)
            at += 2u + std::to_integer<std::size_t>(rest[at]) +
                  256 * std::to_integer<std::size_t>(rest[at + 1]);
        for (const unsigned text : {has_name, has_comment}) {
            if ((flags & text) == 0) continue;
            while (at < rest.size() && rest[at] != std::byte{0}) ++at;
            ++at;
        }
        if ((flags & has_checksum) == 0) return at <= rest.size();
        if (at > rest.size() || rest.size() - at < 2) return false;
        const auto crc = crc32(0, input(rest), piece(at));
        return (crc & 0xff) == std::to_integer<uLong>(rest[at]) &&
               (crc >> 8 & 0xff) == std::to_integer<uLong>(rest[at + 1]);
    }

    [[nodiscard]] bool start_inflate() noexcept {
        if (inflate_ready_) return inflateReset(&inflate_) == Z_OK;
        inflate_ready_ = inflateInit2(&inflate_, gzip_window) == Z_OK;
        return inflate_ready_;
    }
    [[nodiscard]] int start_deflate() noexcept {
        if (deflate_ready_) return deflateReset(&deflate_);
        constexpr int usual_memory = 8;
        const int status =
            deflateInit2(&deflate_, level_, Z_DEFLATED, gzip_window, usual_memory, Z_DEFAULT_STRATEGY);
        deflate_ready_ = status == Z_OK;
        return status;
    }

    z_stream inflate_{};
    z_stream deflate_{};
    int level_;
    bool inflate_ready_ = false;
    bool deflate_ready_ = false;
};

} // namespace kwire::inline KWIRE_ABI
