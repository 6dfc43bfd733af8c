/// What a connection still has to send: answers in order, by reference, for few large writes. Does no I/O.
///
///     kwire::outbox out;
///     out.push(std::move(answer));                         // a buffer_chain; nothing is copied
///     while (!out.empty()) {
///         std::array<iovec, 64> pieces;
///         const std::size_t count = out.gather(pieces);
///         out.sent(socket.write_some(std::span(pieces).first(count))); // a part of it is enough
///     }
///
/// connect/posix.hpp writes it to a socket, with sendfile for parts of files; asio.hpp does so
/// asynchronously.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/piece_source.hpp>
#include <kwire/buffer/mapped_file.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/streamed_bytes.hpp>
#include <kwire/connect/detail/segment_queue.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// When an outbox asks its connection to stop and to go on, in queued bytes.
struct water_marks {
    std::uint64_t high = 1'048'576; ///< congested() from here on
    std::uint64_t low = 262'144;    ///< and no longer at this or below
};

/// The queue of one connection. What was pushed is kept alive until it was sent, segment by segment, and
/// nothing else is.
///
/// Not copyable or movable, since a write may be in progress. One thread at a time; what it holds may be
/// shared with other threads, as a shared_buffer.
class outbox {
public:
    outbox() noexcept = default;
    explicit outbox(water_marks marks) noexcept : marks_(marks) {}
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;
    ~outbox() = default;

    /// Appends all bytes of `answer`, by reference. std::bad_alloc, without a change, if there is no memory
    /// for the list.
    void push(buffer_chain&& answer) {
        reserve(answer.segment_count());
        grow(answer.size());
        std::move(answer).take_segments([this](shared_buffer&& segment) { queue(std::move(segment)); });
    }
    void push(const buffer_chain& answer) { push(buffer_chain(answer)); }
    void push(shared_buffer bytes) {
        if (bytes.empty()) return;
        queue_.reserve(1);
        grow(bytes.size());
        queue(std::move(bytes));
    }

    /// Room for `segments` more buffers, which push() then takes without an allocation. std::bad_alloc,
    /// without a change, if there is no memory for it.
    void reserve(std::size_t segments) { queue_.reserve(segments); }

    /// Appends `size` bytes that `next` gives piece by piece when it is their turn: `next(most)` returns a
    /// shared_buffer of 1 to `most` bytes. An empty one says that there are no more: the outbox is then
    /// broken(), since what was announced cannot be sent. Only one piece is in memory at a time.
    template <class Function>
        requires std::is_invocable_r_v<shared_buffer, Function&, std::size_t>
    void push_pieces(std::uint64_t size, Function next) {
        if (size == 0) return;
        auto source = std::make_unique<detail::piece_function<Function>>(size, std::move(next));
        queue_.reserve(1);
        grow(size);
        queue_.push_back({{}, std::move(source)});
    }

    /// How many bytes wait, those of streamed payloads included.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// How many buffers they lie in.
    [[nodiscard]] std::size_t segment_count() const noexcept { return queue_.size(); }
    /// Whether the peer should send no more requests: since the high water mark was reached, until the low
    /// one is.
    [[nodiscard]] bool congested() const noexcept { return congested_; }
    /// Whether a streamed payload ended early: the connection has to be closed.
    [[nodiscard]] bool broken() const noexcept { return broken_; }

    /// Fills `into` with the next bytes to send, in order, and returns how many elements it filled.
    ///
    /// `Buffer` is an iovec, or made from a pointer and a size. The bytes are valid until sent() or clear().
    /// Stops at a region of a file that file() is for, at a piece of a streamed payload, and when `into` is
    /// full; returns 0 if the outbox is empty, broken, or begins with such a region.
    template <class Buffer>
    [[nodiscard]] std::size_t gather(std::span<Buffer> into) {
        if (broken_) return 0;
        std::size_t n = 0;
        std::size_t skipped = offset_;
        for (std::size_t i = 0; i < queue_.size() && n < into.size(); ++i) {
            if (queue_[i].source != nullptr && (i != 0 || !fetch_piece())) break;
            const shared_buffer& bytes = queue_[i].bytes;
            if (leaves_by_file(bytes)) break;
            into[n++] = buffer_of<Buffer>(bytes.data() + skipped, bytes.size() - skipped);
            skipped = 0;
            if (queue_[i].source != nullptr) break;
        }
        return n;
    }
    template <class Buffer, std::size_t N>
    [[nodiscard]] std::size_t gather(std::array<Buffer, N>& into) {
        return gather(std::span<Buffer>(into));
    }

#if defined(KWIRE_HAS_MAPPED_FILES)
    /// The region of a file that is next, if it is one: to be sent by sendfile, or read and sent. Regions
    /// below 16 KiB come from gather().
    [[nodiscard]] std::optional<file_region> file() const noexcept {
        if (queue_.empty() || !leaves_by_file(queue_[0].bytes)) return std::nullopt;
        std::optional<file_region> region = region_of(queue_[0].bytes);
        if (!region) return std::nullopt;
        region->offset += offset_;
        region->size -= offset_;
        return region;
    }
#endif
    /// Whether parts of files come from file(), or from gather() as all bytes do: false for a connection that
    /// is encrypted, whose bytes have to be read.
    void set_uses_files(bool uses) noexcept { uses_files_ = uses; }

    /// Declares the first `n` bytes sent, and releases the buffers that were sent whole. Aborts if fewer wait
    /// in memory.
    void sent(std::uint64_t n) noexcept {
        if (n == 0) return;
        ++writes_;
        sent_ += n;
        while (n != 0) {
            detail::require(!queue_.empty());
            queued_segment& front = queue_[0];
            const std::size_t left = front.bytes.size() - offset_;
            if (n < left) {
                offset_ += static_cast<std::size_t>(n);
                size_ -= n;
                break;
            }
            detail::require(left != 0); // of a streamed payload nothing was given yet
            n -= left;
            size_ -= left;
            offset_ = 0;
            if (front.source != nullptr && front.source->left() != 0)
                front.bytes = {};
            else
                queue_.pop_front();
        }
        if (size_ <= marks_.low) congested_ = false;
    }

    /// Drops all that waits, for a connection that is closed.
    void clear() noexcept {
        queue_.clear();
        size_ = 0;
        offset_ = 0;
        congested_ = false;
    }

    /// How often bytes were sent, and how many in all.
    [[nodiscard]] std::uint64_t writes() const noexcept { return writes_; }
    [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_; }

private:
    using queued_segment = detail::queued_segment;

    static constexpr std::size_t piece_size = std::size_t{256} * 1024;
    static constexpr std::size_t least_from_file = std::size_t{16} * 1024;

    /// Precondition: there is room in the queue.
    void queue(shared_buffer&& bytes) noexcept {
#if defined(KWIRE_HAS_MAPPED_FILES)
        bool is_promise = false;
        auto source = detail::source_of(bytes, is_promise);
        if (is_promise) {
            if (!source) broken_ = true; // a part, or for the second time
            bytes = {};
        }
        queue_.push_back({std::move(bytes), std::move(source)});
#else
        queue_.push_back({std::move(bytes), nullptr});
#endif
    }
    void grow(std::uint64_t n) noexcept {
        size_ += n;
        if (size_ >= marks_.high) congested_ = true;
    }
    /// Whether the front has bytes, of its source if it must.
    [[nodiscard]] bool fetch_piece() {
        queued_segment& front = queue_[0];
        if (front.bytes.empty() && !broken_) front.bytes = front.source->next(piece_size);
        if (front.bytes.empty()) broken_ = true;
        return !broken_;
    }
    /// Asked of the whole buffer, so that the rest of a file that became shorter is not looked at.
    [[nodiscard]] bool leaves_by_file([[maybe_unused]] const shared_buffer& bytes) const noexcept {
#if defined(KWIRE_HAS_MAPPED_FILES)
        return uses_files_ && bytes.size() >= least_from_file && region_of(bytes).has_value();
#else
        return false;
#endif
    }
    template <class Buffer>
    [[nodiscard]] static Buffer buffer_of(const std::byte* first, std::size_t n) noexcept {
        if constexpr (std::is_constructible_v<Buffer, const void*, std::size_t>)
            return Buffer(static_cast<const void*>(first), n);
        else
            return Buffer{const_cast<std::byte*>(first), n}; // an iovec, whose bytes are not written to
    }

    detail::segment_queue queue_;
    std::size_t offset_ = 0; ///< bytes of the front that were sent
    std::uint64_t size_ = 0;
    std::uint64_t writes_ = 0, sent_ = 0;
    water_marks marks_;
    bool congested_ = false;
    bool broken_ = false;
    bool uses_files_ = true;
};

} // namespace kwire::inline KWIRE_ABI
