/// What every compression of record batches has in common: the codec interface, its output cap, a set of
/// codecs.
///
///     kwire::zstd_codec zstd;                                       // <kwire/compression/zstd.hpp>
///     auto records = zstd.decompress(bytes, 64 << 20);              // never more than 64 MiB
///     if (!records) log(kwire::describe(records.error()));
///
/// kwire brings gzip, snappy, lz4 and zstd, each in an opt-in header over its usual library; anything else
/// that derives from kwire::codec can take their place.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/type.hpp>
#include <kwire/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

/// Where a codec writes what it decompresses: behind the filled part of a buffer, and never past the cap.
///
/// Memory is taken for what the compressed bytes at hand can honestly become, and grows with what has come
/// out of them; sizes that they claim are only hints. Refers to the buffer, which must outlive it.
class capped_output {
public:
    /// At most `cap` bytes behind what `out` holds already.
    capped_output(unique_buffer& out KWIRE_LIFETIMEBOUND, std::size_t cap) noexcept
        : out_(&out), start_(out.size()), cap_(cap) {}

    /// Bytes that were written so far.
    [[nodiscard]] std::size_t size() const noexcept { return out_->size() - start_; }
    /// Bytes that the cap still allows.
    [[nodiscard]] std::size_t left() const noexcept { return cap_ - size(); }
    /// What was written so far; good until the next room().
    [[nodiscard]] std::span<const std::byte> written() const noexcept {
        return std::as_const(*out_).span().subspan(start_);
    }

    /// Uninitialised memory to write to: `wanted` bytes or more, fewer only where the cap ends it.
    ///
    /// Empty once the cap is reached. `wanted` must be bounded by the size of the input, or be a small
    /// constant: it is allocated.
    [[nodiscard]] std::span<std::byte> room(std::size_t wanted) {
        wanted = std::min(wanted, left());
        if (out_->spare().size() < wanted) grow(wanted);
        const auto spare = out_->spare();
        return spare.first(std::min(spare.size(), left()));
    }
    /// Declares the first `n` bytes of the last room() written.
    void commit(std::size_t n) noexcept { out_->commit(n); }

    /// The error for input that goes on at the cap; `offset` is where in the input that was noticed.
    [[nodiscard]] error too_large(std::size_t offset) const noexcept {
        return {.code = errc::decompressed_too_large,
                .offset = offset,
                .needed = detail::saturating_add(cap_, 1),
                .left = cap_};
    }

private:
    /// Doubles as unique_buffer::reserve does, but takes no memory behind the cap.
    void grow(std::size_t wanted) {
        const std::size_t limit = detail::saturating_add(start_, cap_);
        const std::size_t least = out_->size() + wanted; // at most `limit`, so it cannot wrap
        const std::size_t doubled = detail::saturating_add(out_->capacity(), out_->capacity());
        unique_buffer larger = unique_buffer::with_capacity(std::max(least, std::min(doubled, limit)));
        larger.append(std::as_const(*out_).span());
        out_->swap(larger);
    }

    unique_buffer* out_;
    std::size_t start_;
    std::size_t cap_;
};

/// Compresses and decompresses the records of batches in one format.
///
/// Keeps the library's state from call to call, so one thread at a time; the state starts afresh with each
/// call, whatever became of the one before. Neither copied nor moved.
///
/// A codec of your own derives from it and defines type(), do_decompress() and do_compress(). It need not
/// throw: kwire's own codecs throw only std::bad_alloc, from the buffers.
class codec {
public:
    codec(const codec&) = delete;
    codec& operator=(const codec&) = delete;
    virtual ~codec() = default;

    /// Which value of the attributes says that a batch is in this format.
    [[nodiscard]] virtual compression_type type() const noexcept = 0;

    /// What `compressed` holds, if that is no more than `cap` bytes.
    ///
    /// `magic` is that of the batch or message around it: lz4 differs in magic 0. Offsets in errors count
    /// from the first compressed byte.
    ///
    /// decompressed_too_large (having written no more than `cap` bytes), truncated, trailing_bytes,
    /// bad_compressed_data, dictionary_needed, out_of_memory, or what a codec of your own returns. Partial
    /// content is never delivered. The result may pin more memory than its size; detach() copies it out.
    [[nodiscard]] std::expected<shared_buffer, error> decompress(std::span<const std::byte> compressed,
                                                                 std::size_t cap, std::int8_t magic = 2) {
        unique_buffer out;
        if (auto done = decompress_into(out, compressed, cap, magic); !done)
            return std::unexpected{done.error()};
        return std::move(out).freeze();
    }

    /// The same, behind what `out` holds, which allocates nothing if there is room; returns the bytes added.
    ///
    /// After an error or an exception `out` holds what it held before. `compressed` must not lie in `out`.
    [[nodiscard]] std::expected<std::size_t, error> decompress_into(unique_buffer& out,
                                                                    std::span<const std::byte> compressed,
                                                                    std::size_t cap, std::int8_t magic = 2) {
        undo_unless_done undo{out, out.size()};
        capped_output target(out, cap);
        if (auto done = do_decompress(compressed, target, magic); !done) return std::unexpected{done.error()};
        undo.done = true;
        return target.size();
    }

    /// `plain` in this format, for a batch or message of `magic`; an empty input gives a valid stream, too.
    ///
    /// The result may pin more memory than its size, as that of decompress.
    ///
    /// out_of_memory, bad_value for a level that the library does not know, too_large.
    [[nodiscard]] std::expected<shared_buffer, error> compress(std::span<const std::byte> plain,
                                                               std::int8_t magic = 2) {
        unique_buffer out;
        if (auto done = compress_into(out, plain, magic); !done) return std::unexpected{done.error()};
        return std::move(out).freeze();
    }

    /// The same, behind what `out` holds; returns the bytes added. As decompress_into after errors.
    [[nodiscard]] std::expected<std::size_t, error>
    compress_into(unique_buffer& out, std::span<const std::byte> plain, std::int8_t magic = 2) {
        undo_unless_done undo{out, out.size()};
        if (auto done = do_compress(plain, out, magic); !done) return std::unexpected{done.error()};
        undo.done = true;
        return out.size() - undo.size;
    }

protected:
    codec() = default;

    /// Writes to `out` what the whole of `compressed` holds, or returns why not; asks for room as it goes.
    virtual std::expected<void, error> do_decompress(std::span<const std::byte> compressed,
                                                     capped_output& out, std::int8_t magic) = 0;
    /// Appends the compressed form of `plain` to `out`.
    virtual std::expected<void, error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                                   std::int8_t magic) = 0;

private:
    /// By destructor, for the buffers may throw.
    struct undo_unless_done {
        unique_buffer& out;
        std::size_t size;
        bool done = false;
        ~undo_unless_done() {
            if (!done) out.truncate(size);
        }
    };
};

/// The codecs that a reader has, by compression type: for records that may come in any of them.
///
/// Refers to the codecs, which must outlive it; like them for one thread at a time.
class codec_set {
public:
    codec_set() = default;
    /// As if each was added in turn.
    template <class... Codecs>
    explicit codec_set(Codecs&... codecs KWIRE_LIFETIMEBOUND) noexcept
        requires(sizeof...(Codecs) != 0 && (std::is_base_of_v<codec, Codecs> && ...))
    {
        (add(codecs), ...);
    }

    /// Takes `one` for its type, in place of an earlier one. `none` is no compression: ignored.
    void add(codec& one) noexcept {
        const auto at = static_cast<std::size_t>(one.type());
        if (at != 0 && at < by_type_.size()) by_type_[at] = &one;
    }
    /// The codec of that type; null if there is none.
    [[nodiscard]] codec* find(compression_type type) const noexcept {
        const auto at = static_cast<std::size_t>(type);
        return at < by_type_.size() ? by_type_[at] : nullptr;
    }

private:
    std::array<codec*, 8> by_type_{}; // the attributes have three bits for the type
};

namespace detail {

/// How much memory may be taken at once for output whose size is claimed or bounded, but not known yet.
///
/// In proportion to the bytes that the peer has really sent: real records seldom shrink to less than a 32nd,
/// and those that do cost a few doublings.
[[nodiscard]] constexpr std::size_t first_room(std::uint64_t expected, std::size_t input) noexcept {
    const std::size_t allowance =
        saturating_add(input > ~std::size_t{0} / 32 ? ~std::size_t{0} : input * 32, std::size_t{256} * 1024);
    return expected < allowance ? static_cast<std::size_t>(expected) : allowance;
}

/// An error of compressed bytes, at `offset` of them.
[[nodiscard]] constexpr std::unexpected<error> refuse(errc code, std::size_t offset) noexcept {
    return std::unexpected{error{.code = code, .offset = offset}};
}
[[nodiscard]] constexpr std::unexpected<error> refuse_truncated(std::size_t offset, std::uint64_t needed,
                                                                std::size_t left) noexcept {
    return std::unexpected{error{.code = errc::truncated, .offset = offset, .needed = needed, .left = left}};
}

} // namespace detail

} // namespace kwire
