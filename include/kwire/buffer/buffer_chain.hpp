/// Bytes to send, as a list of segments: small values are written into scratch memory, payloads attached by
/// reference.
///
///     kwire::buffer_chain out;
///     out.put_u32(length);                    // written into scratch memory
///     out.put_bytes(payload);                 // a reference, whatever its size
///     boost::asio::write(socket, out);        // one gathering write
#pragma once

#include <kwire/buffer/chain_segment.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/detail/segment_list.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/text.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {
class chain_builder;
} // namespace detail

/// A scatter-gather list of bytes in the order in which they were put.
///
/// Integers and put_slice() write to scratch memory that the chain allocates in blocks; put_bytes() and put()
/// attach memory by reference. Pieces that follow one another in one allocation become one segment. Scratch
/// blocks never move: bytes keep their address until the last segment on them is destroyed. One segment lies
/// in the chain itself; the list of several lies in scratch memory where there is room, else in an allocation
/// of its own.
///
/// It is a ConstBufferSequence of Boost.Asio and of standalone Asio: iteration is over segments and always
/// shows everything that was put. Copies share all bytes at the same addresses, so an operation may keep a
/// copy while more is put into this chain.
///
/// A copy costs one reference however many segments there are, and the first change of a chain that has
/// copies one per segment; a move is cheap and leaves an empty chain. If an allocation fails, std::bad_alloc
/// passes, and neither the chain nor what was to be put has changed. Threads: as shared_buffer; copies may be
/// used on other threads.
class buffer_chain {
public:
    using value_type = chain_segment;
    using const_iterator = const chain_segment*;
    using iterator = const_iterator;

    buffer_chain() = default;
    /// A chain of one segment, by reference. Implicit, because a buffer is the usual payload.
    buffer_chain(shared_buffer bytes) { put_bytes(std::move(bytes)); }
    buffer_chain(const buffer_chain& other)
        : segments_(other.segments_), size_(other.size_), only_scratch_(other.only_scratch_) {}
    buffer_chain(buffer_chain&& other) noexcept
        : segments_(std::move(other.segments_)),
          scratch_(std::move(other.scratch_)),
          size_(std::exchange(other.size_, 0)),
          next_block_(std::exchange(other.next_block_, first_block)),
          only_scratch_(std::exchange(other.only_scratch_, true)) {}
    buffer_chain& operator=(const buffer_chain& other) { return *this = buffer_chain(other); }
    buffer_chain& operator=(buffer_chain&& other) noexcept {
        buffer_chain taken(std::move(other));
        segments_ = std::move(taken.segments_);
        scratch_ = std::move(taken.scratch_);
        size_ = taken.size_;
        next_block_ = taken.next_block_;
        only_scratch_ = taken.only_scratch_;
        return *this;
    }
    ~buffer_chain() = default;

    /// A chain of one segment, by reference.
    [[nodiscard]] static buffer_chain from_bytes(shared_buffer bytes) {
        return buffer_chain(std::move(bytes));
    }

    /// The number of bytes, in O(1).
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t segment_count() const noexcept { return segments_.size(); }
    /// The segments in order; valid until the chain changes.
    [[nodiscard]] std::span<const chain_segment> segments() const& noexcept KWIRE_LIFETIMEBOUND {
        return {segments_.begin(), segments_.size()};
    }
    std::span<const chain_segment> segments() const&& = delete;
    [[nodiscard]] const_iterator begin() const& noexcept KWIRE_LIFETIMEBOUND { return segments_.begin(); }
    const_iterator begin() const&& = delete;
    [[nodiscard]] const_iterator end() const& noexcept KWIRE_LIFETIMEBOUND { return segments_.end(); }
    const_iterator end() const&& = delete;

    /// Makes room for `bytes` of scratch memory in one block: the only allocation of an encoder that knows
    /// its size.
    void reserve_scratch(std::size_t bytes) {
        if (bytes > scratch_.capacity()) scratch_ = unique_buffer::with_capacity(bytes);
    }
    /// Room for `n` segments in all.
    void reserve_segments(std::size_t n) {
        if (n > segments_.size()) segments_.own(n - segments_.size(), scratch_);
    }
    /// Both in one allocation: room for `bytes` of scratch memory, and for `segments` segments in all.
    void reserve(std::size_t bytes, std::size_t segments) {
        const std::size_t list = segments_.has_room(segments) ? 0 : detail::segment_list::bytes_for(segments);
        reserve_scratch(detail::saturating_add(bytes, list));
        if (segments > segments_.size()) segments_.own(segments - segments_.size(), scratch_, bytes);
    }

    /// Numbers, big-endian unless the name ends in `_le`; the type has the width.
    void put_u8(std::uint8_t v) { put_integer<std::endian::big>(v); }
    void put_u16(std::uint16_t v) { put_integer<std::endian::big>(v); }
    void put_u32(std::uint32_t v) { put_integer<std::endian::big>(v); }
    void put_u64(std::uint64_t v) { put_integer<std::endian::big>(v); }
    void put_u16_le(std::uint16_t v) { put_integer<std::endian::little>(v); }
    void put_u32_le(std::uint32_t v) { put_integer<std::endian::little>(v); }
    void put_u64_le(std::uint64_t v) { put_integer<std::endian::little>(v); }
    void put_i8(std::int8_t v) { put_u8(static_cast<std::uint8_t>(v)); }
    void put_i16(std::int16_t v) { put_u16(static_cast<std::uint16_t>(v)); }
    void put_i32(std::int32_t v) { put_u32(static_cast<std::uint32_t>(v)); }
    void put_i64(std::int64_t v) { put_u64(static_cast<std::uint64_t>(v)); }
    void put_i16_le(std::int16_t v) { put_u16_le(static_cast<std::uint16_t>(v)); }
    void put_i32_le(std::int32_t v) { put_u32_le(static_cast<std::uint32_t>(v)); }
    void put_i64_le(std::int64_t v) { put_u64_le(static_cast<std::uint64_t>(v)); }

    /// Copies `bytes` into scratch memory; counted in copied_bytes(). They may lie in this chain.
    void put_slice(std::span<const std::byte> bytes) {
        if (bytes.empty()) return;
        if (bytes.size() > scratch_.capacity()) {
            if (bytes.size() >=
                next_block_) { // a block of its own, so that the spare part of the current one is kept
                push(shared_buffer::copy_of(bytes));
                return;
            }
            new_block();
        }
        detail::copy_bytes(scratch_.data(), bytes.data(), bytes.size());
        written(bytes.size());
    }
    void put_slice(std::string_view text) { put_slice(bytes_of_text(text)); }

    /// Attaches `bytes` by reference. An empty buffer has no effect.
    void put_bytes(shared_buffer&& bytes) {
        if (bytes.empty()) return;
        push(std::move(bytes));
        only_scratch_ = false;
    }
    void put_bytes(const shared_buffer& bytes) { put_bytes(shared_buffer(bytes)); }

    /// Attaches all segments of `other` by reference. If `other` is short and all scratch, it is copied
    /// instead (and counted), which is cheaper than a segment. `other` may be this chain.
    void put(const buffer_chain& other) { put(buffer_chain(other)); }

    /// The same, but takes over the list of segments if this chain is empty. `other` is empty afterwards.
    void put(buffer_chain&& other) {
        if (this == &other || other.empty()) return;
        if (empty()) {
            segments_.swap(other.segments_);
            if (scratch_.capacity() < other.scratch_.capacity()) scratch_ = std::move(other.scratch_);
            size_ = other.size_;
            only_scratch_ = other.only_scratch_;
        } else if (other.only_scratch_ && other.size_ <= append_limit) {
            const auto bytes = static_cast<std::size_t>(other.size_);
            segments_.own(1, scratch_);
            if (bytes > scratch_.capacity()) new_block();
            for (const chain_segment& segment : other) put_slice(segment.bytes());
        } else {
            segments_.own(other.segments_.size(), scratch_);
            for (std::size_t i = 0; i < other.segments_.size(); ++i) push(other.segments_.take(i));
            only_scratch_ = only_scratch_ && other.only_scratch_;
        }
        other.clear();
    }

    /// Merges each run of segments shorter than `threshold` bytes by copying them (counted): below a few
    /// hundred bytes an entry in the list costs the kernel more than the copy.
    void compact(std::size_t threshold = 512) {
        detail::segment_list merged;
        const auto all = segments();
        for (std::size_t i = 0; i < all.size();) {
            std::size_t run = i;
            std::size_t bytes = 0;
            while (run < all.size() && all[run].size() < threshold) bytes += all[run++].size();
            if (run - i < 2) {
                merged.own(1, scratch_);
                merged.push_back(shared_buffer(all[i++].buffer()));
                continue;
            }
            unique_buffer copy = unique_buffer::with_capacity(bytes);
            for (; i < run; ++i) copy.append(all[i].bytes());
            merged.own(1, scratch_);
            merged.push_back(std::move(copy).freeze());
        }
        if (merged.size() != segments_.size()) segments_.swap(merged);
    }

    /// The size in bytes of the memory that the segments keep alive, as shared_buffer::pinned_bytes.
    ///
    /// Memory that several segments share counts once if they are at most 16 segments apart; otherwise it may
    /// count more than once, never less.
    [[nodiscard]] std::uint64_t pinned_bytes() const noexcept {
        constexpr std::ptrdiff_t reach = 16; // so that the time is linear
        std::uint64_t sum = 0;
        for (const_iterator i = begin(); i != end(); ++i) {
            const auto same = [i](const chain_segment& earlier) {
                return earlier.buffer().shares_memory_with(i->buffer());
            };
            const_iterator earlier = i - begin() > reach ? i - reach : begin();
            while (earlier != i && !same(*earlier)) ++earlier;
            if (earlier == i) sum += i->buffer().pinned_bytes();
        }
        return sum;
    }

    /// Releases spare scratch memory: the chain then keeps only its segments alive.
    ///
    /// Not needed before sending. Afterwards the holder of the last segment can be its only holder.
    void finish() noexcept { scratch_ = {}; }

    /// All bytes in one buffer: the segment itself if there is only one, otherwise a copy (counted).
    [[nodiscard]] shared_buffer to_bytes() const {
        if (segments_.size() == 1) return begin()->buffer();
        std::size_t total = 0;
        for (const chain_segment& segment : *this) total = detail::saturating_add(total, segment.size());
        unique_buffer out = unique_buffer::with_capacity(total);
        for (const chain_segment& segment : *this) out.append(segment.bytes());
        return std::move(out).freeze();
    }

    /// Removes all segments and keeps spare scratch memory.
    void clear() noexcept {
        segments_.clear();
        size_ = 0;
        only_scratch_ = true;
    }

    /// Gives all segments away in order, as `sink(shared_buffer&&)`; the chain is empty afterwards.
    template <std::invocable<shared_buffer&&> Sink>
    void take_segments(Sink&& sink) && {
        for (std::size_t i = 0; i < segments_.size(); ++i) sink(segments_.take(i));
        clear();
    }

    /// Compares the content, however it is divided into segments.
    friend bool operator==(const buffer_chain& a, const buffer_chain& b) noexcept {
        if (a.size_ != b.size_) return false;
        std::span<const std::byte> left;
        std::span<const std::byte> right;
        const_iterator next_left = a.begin();
        const_iterator next_right = b.begin();
        for (std::uint64_t todo = a.size_; todo != 0;) {
            if (left.empty()) left = (next_left++)->bytes();
            if (right.empty()) right = (next_right++)->bytes();
            const std::size_t n = left.size() < right.size() ? left.size() : right.size();
            if (std::memcmp(left.data(), right.data(), n) != 0) return false;
            left = left.subspan(n);
            right = right.subspan(n);
            todo -= n;
        }
        return true;
    }

private:
    friend detail::chain_builder;

    static constexpr std::uint32_t first_block = 256;
    static constexpr std::uint32_t largest_block = 16384;
    static constexpr std::size_t append_limit = first_block; ///< bytes of scratch that put() copies at most

    template <std::endian Order, std::unsigned_integral T>
    void put_integer(T value) {
        if (sizeof(T) > scratch_.capacity()) new_block();
        wire::store_be(scratch_.data(), Order == std::endian::big ? value : kwire::detail::byteswap(value));
        written(sizeof(T));
    }

    /// Adds the `n` bytes just written to the spare scratch memory: the last segment grows if it ends there.
    void written(std::size_t n) {
        const bool grows = !segments_.empty() &&
                           detail::buffer_access::adjacent_to_spare(segments_.back().buffer(), scratch_);
        segments_.own(grows ? 0 : 1, scratch_, n);
        if (grows)
            detail::buffer_access::extend(segments_.bytes(segments_.size() - 1), n);
        else
            segments_.push_back(detail::buffer_access::share(scratch_, n));
        detail::buffer_access::advance(scratch_, n);
        size_ += n;
    }

    void push(shared_buffer&& bytes) {
        const std::size_t n = bytes.size();
        if (!segments_.empty() && detail::buffer_access::adjacent(segments_.back().buffer(), bytes)) {
            segments_.own(0, scratch_);
            detail::buffer_access::extend(segments_.bytes(segments_.size() - 1), n);
            bytes = {};
        } else {
            segments_.own(1, scratch_); // may throw, and `bytes` still has them
            segments_.push_back(std::move(bytes));
        }
        size_ += n;
    }

    KWIRE_NOINLINE void new_block() {
        scratch_ = unique_buffer::with_capacity(next_block_);
        if (next_block_ < largest_block) next_block_ *= 2;
    }

    detail::segment_list segments_;
    unique_buffer scratch_; ///< never has filled bytes: what is written belongs to the last segment
    std::uint64_t size_ = 0;
    std::uint32_t next_block_ = first_block;
    bool only_scratch_ = true; ///< no segment was attached by reference
};

} // namespace kwire::inline KWIRE_ABI
