/// The interface of the compressions of record batches, the cap on their output, and a set of codecs.
///
///     kwire::zstd_codec zstd;                                       // <kwire/compression/zstd.hpp>
///     auto records = zstd.decompress(bytes, 64 << 20);              // 64 MiB at most
///     if (!records) log(kwire::describe(records.error()));
///
/// kwire has codecs for gzip, snappy, lz4 and zstd, each in a header of its own over the usual library; any
/// other class that derives from kwire::codec can replace them.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/decompress_options.hpp>
#include <kwire/compression/type.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

/// Where a codec writes what it decompresses: after the filled part of a buffer, and never past the cap.
///
/// Allocates in proportion to the compressed bytes and to the output so far; a size that the input claims is
/// only a hint. Refers to the buffer, which must outlive it.
class capped_output {
public:
    /// Appends `cap` bytes at most to `out`.
    capped_output(unique_buffer& out KWIRE_LIFETIMEBOUND, std::size_t cap) noexcept
        : out_(&out), start_(out.size()), cap_(cap) {}

    /// How many bytes were written so far.
    [[nodiscard]] std::size_t size() const noexcept { return out_->size() - start_; }
    /// How many more bytes the cap allows.
    [[nodiscard]] std::size_t left() const noexcept { return cap_ - size(); }
    /// What was written so far; valid until the next room().
    [[nodiscard]] std::span<const std::byte> written() const noexcept {
        return std::as_const(*out_).span().subspan(start_);
    }

    /// Uninitialised memory to write to: at least `wanted` bytes, fewer only because of the cap.
    ///
    /// Empty if the cap is reached. Precondition: `wanted` is bounded by the size of the input or is a small
    /// constant, because it is allocated.
    [[nodiscard]] std::span<std::byte> room(std::size_t wanted) {
        wanted = std::min(wanted, left());
        if (out_->spare().size() < wanted) grow(wanted);
        const auto spare = out_->spare();
        return spare.first(std::min(spare.size(), left()));
    }
    /// Declares the first `n` bytes of the last room() written. Aborts if there are fewer.
    void commit(std::size_t n) noexcept { out_->commit(n); }

    /// The error for output beyond the cap; `offset` is the position in the input.
    [[nodiscard]] error too_large(std::size_t offset) const noexcept {
        return {.code = errc::decompressed_too_large,
                .offset = offset,
                .needed = detail::saturating_add(cap_, 1),
                .left = cap_};
    }

private:
    /// Doubles the capacity as unique_buffer::reserve does, but not beyond the cap.
    void grow(std::size_t wanted) {
        const std::size_t limit = detail::saturating_add(start_, cap_);
        const std::size_t least = out_->size() + wanted; // at most `limit`, so it cannot overflow
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
/// Keeps the library's state for the next call, but resets it first, even after an error. Threads: one at a
/// time. Neither copyable nor movable.
///
/// A codec of your own derives from this class and defines type(), do_decompress() and do_compress(). kwire's
/// codecs throw nothing but std::bad_alloc, from buffers.
class codec {
public:
    codec(const codec&) = delete;
    codec& operator=(const codec&) = delete;
    virtual ~codec() = default;

    /// The compression type, as in the attributes of a batch.
    [[nodiscard]] virtual compression_type type() const noexcept = 0;

    /// The decompressed content of `compressed`, at most `cap` bytes.
    ///
    /// `magic` is that of the batch or message: lz4 differs in magic 0. `options` are leniencies, none by
    /// default. The result may keep more memory alive than its size; detach() makes a copy of its exact size.
    ///
    /// Errors, with offsets from the first compressed byte and without partial content:
    /// decompressed_too_large (no more than `cap` bytes have been written), truncated, trailing_bytes,
    /// bad_length (of a block of snappy in Java's framing), bad_compressed_data, dictionary_needed,
    /// out_of_memory, or what a codec of your own returns.
    [[nodiscard]] expected<shared_buffer, error> decompress(std::span<const std::byte> compressed,
                                                            std::size_t cap, std::int8_t magic = 2,
                                                            const decompress_options& options = {}) {
        unique_buffer out;
        if (auto done = decompress_into(out, compressed, cap, magic, options); !done)
            return unexpected{done.error()};
        return std::move(out).freeze();
    }

    /// The same, appended to `out`, without an allocation if there is room; returns how many bytes were
    /// added.
    ///
    /// After an error or an exception the content of `out` is as before. Precondition: `compressed` does not
    /// lie in `out`.
    [[nodiscard]] expected<std::size_t, error> decompress_into(unique_buffer& out,
                                                               std::span<const std::byte> compressed,
                                                               std::size_t cap, std::int8_t magic = 2,
                                                               const decompress_options& options = {}) {
        undo_unless_done undo{out, out.size()};
        capped_output target(out, cap);
        if (auto done = do_decompress(compressed, target, magic, options); !done)
            return unexpected{done.error()};
        undo.done = true;
        return target.size();
    }

    /// `plain` compressed, for a batch or message of `magic`; an empty input gives a valid stream too.
    ///
    /// The result may keep more memory alive than its size, as that of decompress.
    ///
    /// Errors: out_of_memory, bad_value for a level that the library does not know, too_large.
    [[nodiscard]] expected<shared_buffer, error> compress(std::span<const std::byte> plain,
                                                          std::int8_t magic = 2) {
        unique_buffer out;
        if (auto done = compress_into(out, plain, magic); !done) return unexpected{done.error()};
        return std::move(out).freeze();
    }

    /// The same, appended to `out`; returns how many bytes were added. After an error or an exception the
    /// content of `out` is as before.
    [[nodiscard]] expected<std::size_t, error>
    compress_into(unique_buffer& out, std::span<const std::byte> plain, std::int8_t magic = 2) {
        undo_unless_done undo{out, out.size()};
        if (auto done = do_compress(plain, out, magic); !done) return unexpected{done.error()};
        undo.done = true;
        return out.size() - undo.size;
    }

protected:
    codec() = default;

    /// Writes the content of all of `compressed` to `out`, or returns an error; asks `out` for room on the
    /// way. A codec may ignore `options` that it does not know.
    virtual expected<void, error> do_decompress(std::span<const std::byte> compressed, capped_output& out,
                                                std::int8_t magic, const decompress_options& options) = 0;
    /// Appends the compressed form of `plain` to `out`.
    virtual expected<void, error> do_compress(std::span<const std::byte> plain, unique_buffer& out,
                                              std::int8_t magic) = 0;

private:
    /// A destructor, because buffers may throw.
    struct undo_unless_done {
        unique_buffer& out;
        std::size_t size;
        bool done = false;
        ~undo_unless_done() {
            if (!done) out.truncate(size);
        }
    };
};

/// The codecs of a reader, by compression type, for records in any of them.
///
/// Refers to the codecs, which must outlive it. Threads: one at a time, as for the codecs.
class codec_set {
public:
    codec_set() = default;
    /// A set of these codecs, as if each was added in turn.
    template <class... Codecs>
    explicit codec_set(Codecs&... codecs KWIRE_LIFETIMEBOUND) noexcept
        requires(sizeof...(Codecs) != 0 && (std::is_base_of_v<codec, Codecs> && ...))
    {
        (add(codecs), ...);
    }

    /// Sets the codec for the type of `one`; replaces an earlier one. A codec of type `none` is ignored.
    void add(codec& one) noexcept {
        const auto at = static_cast<std::size_t>(one.type());
        if (at != 0 && at < by_type_.size()) by_type_[at] = &one;
    }
    /// Sets what the codecs accept when records are read with this set; strict by default.
    void read_as(const decompress_options& options) noexcept { options_ = options; }
    [[nodiscard]] const decompress_options& options() const noexcept { return options_; }

    /// The codec for this type; null if there is none.
    [[nodiscard]] codec* find(compression_type type) const noexcept {
        const auto at = static_cast<std::size_t>(type);
        return at < by_type_.size() ? by_type_[at] : nullptr;
    }

private:
    std::array<codec*, 8> by_type_{}; // the type has three bits in the attributes
    decompress_options options_;
};

namespace detail {

/// How much memory to allocate at first for output whose size is claimed or bounded, but not known.
///
/// In proportion to the bytes that the peer has sent: records seldom compress to less than 1/32, and if they
/// do, it costs a few reallocations.
[[nodiscard]] constexpr std::size_t first_room(std::uint64_t expected, std::size_t input) noexcept {
    const std::size_t allowance =
        saturating_add(input > ~std::size_t{0} / 32 ? ~std::size_t{0} : input * 32, std::size_t{256} * 1024);
    return expected < allowance ? static_cast<std::size_t>(expected) : allowance;
}

/// The error `code` at `offset` of the compressed bytes.
[[nodiscard]] constexpr unexpected<error> refuse(errc code, std::size_t offset) noexcept {
    return unexpected{error{.code = code, .offset = offset}};
}
[[nodiscard]] constexpr unexpected<error> refuse_truncated(std::size_t offset, std::uint64_t needed,
                                                           std::size_t left) noexcept {
    return unexpected{error{.code = errc::truncated, .offset = offset, .needed = needed, .left = left}};
}

} // namespace detail

} // namespace kwire
