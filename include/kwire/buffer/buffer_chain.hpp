/// Bytes to send, as a list of segments: small values are written into scratch memory, payloads attached by
/// reference.
///
///     kwire::buffer_chain out;
///     out.put_u32(length);                    // written into scratch memory
///     out.put_bytes(payload);                 // a reference, whatever its size
///     boost::asio::write(socket, out);        // one gathering write
#pragma once

#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/text.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire {

/// One segment of a buffer_chain; never empty. Keeps its bytes alive.
class chain_segment {
public:
    chain_segment() = default;
    explicit chain_segment(shared_buffer bytes) noexcept : bytes_(std::move(bytes)) {}

    [[nodiscard]] const std::byte* data() const& noexcept KWIRE_LIFETIMEBOUND { return bytes_.data(); }
    const std::byte* data() const&& = delete;
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] std::span<const std::byte> bytes() const& noexcept KWIRE_LIFETIMEBOUND {
        return bytes_.span();
    }
    std::span<const std::byte> bytes() const&& = delete;
    [[nodiscard]] const shared_buffer& buffer() const& noexcept KWIRE_LIFETIMEBOUND { return bytes_; }
    const shared_buffer& buffer() const&& = delete;

    /// Converts to any type that can be made from a pointer and a size, such as boost::asio::const_buffer.
    template <class Buffer>
        requires(!std::same_as<Buffer, chain_segment> &&
                 std::is_constructible_v<Buffer, const void*, std::size_t>)
    [[nodiscard]] operator Buffer() const& noexcept {
        return Buffer(static_cast<const void*>(bytes_.data()), bytes_.size());
    }

private:
    friend class buffer_chain;
    shared_buffer bytes_;
};

namespace detail {

/// A vector of segments with inline room for a few, so that most messages need no allocation for the list.
class segment_list {
public:
    static constexpr std::size_t inline_capacity = 6;

    segment_list() = default;
    segment_list(const segment_list& other) : heap_(other.heap_), size_(other.size_) {
        if (heap_.empty())
            for (std::size_t i = 0; i < size_; ++i) inline_[i] = other.inline_[i];
    }
    segment_list(segment_list&& other) noexcept
        : heap_(std::move(other.heap_)), size_(std::exchange(other.size_, 0)) {
        if (heap_.empty())
            for (std::size_t i = 0; i < size_; ++i) inline_[i] = std::move(other.inline_[i]);
        other.heap_.clear();
    }
    segment_list& operator=(const segment_list& other) { return *this = segment_list(other); }
    segment_list& operator=(segment_list&& other) noexcept {
        segment_list taken(std::move(other));
        clear();
        heap_.swap(taken.heap_);
        size_ = std::exchange(taken.size_, 0);
        if (heap_.empty())
            for (std::size_t i = 0; i < size_; ++i) inline_[i] = std::move(taken.inline_[i]);
        return *this;
    }
    ~segment_list() = default;

    [[nodiscard]] chain_segment* begin() noexcept { return heap_.empty() ? inline_.data() : heap_.data(); }
    [[nodiscard]] const chain_segment* begin() const noexcept {
        return heap_.empty() ? inline_.data() : heap_.data();
    }
    [[nodiscard]] const chain_segment* end() const noexcept { return begin() + size_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] chain_segment& back() noexcept { return begin()[size_ - 1]; }

    /// If memory for the list runs out, `segment` keeps its bytes.
    void push_back(chain_segment&& segment) {
        if (heap_.empty() && size_ < inline_capacity) {
            inline_[size_] = std::move(segment);
        } else {
            if (heap_.empty()) spill();
            heap_.push_back(std::move(segment));
        }
        ++size_;
    }

    /// Makes room for `n` segments in all; pushing that many allocates nothing.
    void reserve(std::size_t n) {
        if (n > inline_capacity) heap_.reserve(n);
    }

    /// Makes room for `n` more segments; grows geometrically.
    void reserve_more(std::size_t n) {
        const std::size_t needed = size_ + n;
        const std::size_t room = heap_.capacity() > inline_capacity ? heap_.capacity() : inline_capacity;
        if (needed > room) heap_.reserve(needed > 2 * room ? needed : 2 * room);
    }

    void clear() noexcept {
        if (heap_.empty())
            for (std::size_t i = 0; i < size_; ++i) inline_[i] = chain_segment{};
        heap_.clear();
        size_ = 0;
    }

private:
    /// Moves the segments out, to the room that `reserve` has made, if it has.
    void spill() {
        if (heap_.capacity() <= inline_capacity) heap_.reserve(2 * inline_capacity);
        for (chain_segment& segment : inline_) heap_.push_back(std::move(segment));
    }

    std::array<chain_segment, inline_capacity> inline_{};
    std::vector<chain_segment> heap_; ///< all segments, if there are more than fit inline
    std::size_t size_ = 0;
};

} // namespace detail

/// A scatter-gather list of bytes in the order in which they were put.
///
/// Integers and put_slice() write to scratch memory that the chain allocates in blocks; put_bytes() and put()
/// attach memory by reference. Pieces that follow one another in one allocation become one segment. Scratch
/// blocks never move: bytes keep their address until the last segment on them is destroyed. Up to six
/// segments need no allocation for the list.
///
/// It is a ConstBufferSequence of Boost.Asio and of standalone Asio: iteration is over segments and always
/// shows everything that was put. Copies share all bytes at the same addresses, so an operation may keep a
/// copy while more is put into this chain.
///
/// A copy costs one reference per segment; a move is cheap and leaves an empty chain. If an allocation fails,
/// std::bad_alloc passes, and neither the chain nor what was to be put has changed. Threads: as
/// shared_buffer; copies may be used on other threads.
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
    void reserve_segments(std::size_t n) { segments_.reserve(n); }

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
            segments_ = std::move(other.segments_);
            if (scratch_.capacity() < other.scratch_.capacity()) scratch_ = std::move(other.scratch_);
            size_ = other.size_;
            only_scratch_ = other.only_scratch_;
        } else if (other.only_scratch_ && other.size_ <= append_limit) {
            const auto bytes = static_cast<std::size_t>(other.size_);
            segments_.reserve_more(1);
            if (bytes > scratch_.capacity()) new_block();
            for (const chain_segment& segment : other) put_slice(segment.bytes());
        } else {
            segments_.reserve_more(other.segments_.size());
            for (chain_segment& segment : std::span(other.segments_.begin(), other.segments_.size()))
                push(std::move(segment.bytes_));
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
                merged.push_back(chain_segment(all[i++].buffer()));
                continue;
            }
            unique_buffer copy = unique_buffer::with_capacity(bytes);
            for (; i < run; ++i) copy.append(all[i].bytes());
            merged.push_back(chain_segment(std::move(copy).freeze()));
        }
        if (merged.size() != segments_.size()) segments_ = std::move(merged);
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
                return detail::buffer_access::control(earlier.bytes_) ==
                       detail::buffer_access::control(i->bytes_);
            };
            const_iterator earlier = i - begin() > reach ? i - reach : begin();
            while (earlier != i && !same(*earlier)) ++earlier;
            if (earlier == i) sum += i->bytes_.pinned_bytes();
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
    static constexpr std::size_t first_block = 256;
    static constexpr std::size_t largest_block = 16384;
    static constexpr std::size_t append_limit = first_block; ///< bytes of scratch that put() copies at most

    template <std::endian Order, std::unsigned_integral T>
    void put_integer(T value) {
        if (sizeof(T) > scratch_.capacity()) new_block();
        wire::store_be(scratch_.data(), Order == std::endian::big ? value : std::byteswap(value));
        written(sizeof(T));
    }

    /// Adds the `n` bytes just written to the spare scratch memory: the last segment grows if it ends there.
    void written(std::size_t n) {
        if (!segments_.empty() && detail::buffer_access::adjacent_to_spare(segments_.back().bytes_, scratch_))
            detail::buffer_access::extend(segments_.back().bytes_, n);
        else
            segments_.push_back(chain_segment(detail::buffer_access::share(scratch_, n)));
        detail::buffer_access::advance(scratch_, n);
        size_ += n;
    }

    void push(shared_buffer&& bytes) {
        const std::size_t n = bytes.size();
        if (!segments_.empty() && detail::buffer_access::adjacent(segments_.back().bytes_, bytes)) {
            detail::buffer_access::extend(segments_.back().bytes_, n);
            bytes = {};
        } else {
            segments_.reserve_more(1); // may throw, and `bytes` still has them
            segments_.push_back(chain_segment(std::move(bytes)));
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
    std::size_t next_block_ = first_block;
    bool only_scratch_ = true; ///< no segment was attached by reference
};

} // namespace kwire
