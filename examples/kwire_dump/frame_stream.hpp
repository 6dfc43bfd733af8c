/// Kafka's frames in one direction of a connection, out of a stream of bytes with gaps.
#pragma once

#include <kwire/wire/endian.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace dump {

/// A frame without its length: its first bytes, or all.
struct seen_frame {
    std::span<const std::byte> bytes;
    std::uint32_t size = 0;         ///< of all of it, as its length says
    std::int64_t first_ns = 0;      ///< when its first byte passed
    std::int64_t last_ns = 0;       ///< and its last
    bool lost = false;              ///< not all of it is in the capture
    std::uint64_t stream_bytes = 0; ///< how many of its bytes passed here, those of its length included

    [[nodiscard]] bool whole() const noexcept { return bytes.size() == size; }
};

/// What has become of the bytes of a direction.
struct frame_counts {
    std::uint64_t frames = 0;
    std::uint64_t cut_frames = 0;    ///< frames of which bytes are missing from the capture
    std::uint64_t framed_bytes = 0;  ///< bytes in the capture that belong to a frame, its length included
    std::uint64_t skipped_bytes = 0; ///< bytes that belong to no frame that was found
    std::uint64_t resyncs = 0;       ///< how often the beginning of a frame had to be looked for again
};

/// Splits the stream. A frame that lies in one segment is not copied; of others the first
/// `limit` bytes are collected.
///
/// `Owner` has `find_start(span, starts_segment)`, which returns where in these bytes a frame begins, or
/// `npos`; `may_begin(span)`, whether a frame may begin with these bytes, of which there are four or more;
/// and `frame(seen_frame)`, which returns whether the stream is to be believed from there on.
class frame_stream {
public:
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);
    static constexpr std::size_t length_size = 4;

    [[nodiscard]] bool in_step() const noexcept { return in_step_; }
    /// Bytes of memory for the frame that has begun, if that is not little.
    [[nodiscard]] std::size_t collected() const noexcept {
        return part_.capacity() > little ? part_.capacity() : 0;
    }
    /// Frames begin with the next byte.
    void begin() noexcept {
        drop_part();
        in_step_ = true;
    }

    template <class Owner>
    void bytes(std::span<const std::byte> chunk, bool starts_segment, std::int64_t time_ns, std::size_t limit,
               frame_counts& counts, Owner&& owner) {
        while (!chunk.empty()) {
            if (!in_step_ && !look_for_start(chunk, starts_segment, counts, owner)) return;
            if (passed_ != 0)
                continue_frame(chunk, time_ns, limit, counts, owner);
            else
                begin_frame(chunk, time_ns, limit, counts, owner);
            starts_segment = false;
        }
    }

    /// `count` bytes are missing here.
    template <class Owner>
    void missing(std::uint64_t count, frame_counts& counts, Owner&& owner) {
        if (!in_step_) return;
        if (passed_ >= length_size) {
            const std::uint64_t left = frame_end() - passed_;
            cut_ = true;
            if (count <= left) {
                passed_ += count;
                if (count == left) finish(last_ns_, counts, owner);
                return;
            }
            finish(last_ns_, counts, owner);
        }
        lose_step(counts);
    }

    /// The stream ends: what has come of the last frame is given on.
    template <class Owner>
    void end(frame_counts& counts, Owner&& owner) {
        if (in_step_ && passed_ >= length_size) {
            cut_ = true;
            finish(last_ns_, counts, owner);
        } else {
            counts.skipped_bytes += part_.size();
        }
        drop_part();
        in_step_ = false;
    }

private:
    static constexpr std::size_t little = 1 << 12; ///< bytes of memory from one frame to the next

    [[nodiscard]] std::uint64_t frame_end() const noexcept { return std::uint64_t{size_} + length_size; }

    void drop_part() noexcept {
        if (part_.capacity() > little)
            std::vector<std::byte>().swap(part_);
        else
            part_.clear();
        passed_ = 0;
        here_ = 0;
        cut_ = false;
    }
    void lose_step(frame_counts& counts) {
        counts.skipped_bytes += part_.size();
        drop_part();
        in_step_ = false;
        ++counts.resyncs;
    }

    template <class Owner>
    bool look_for_start(std::span<const std::byte>& chunk, bool starts_segment, frame_counts& counts,
                        Owner&& owner) {
        const std::size_t at = owner.find_start(chunk, starts_segment);
        const std::size_t skipped = std::min(at, chunk.size());
        counts.skipped_bytes += skipped;
        chunk = chunk.subspan(skipped);
        in_step_ = at != npos;
        return in_step_;
    }

    template <class Owner>
    void begin_frame(std::span<const std::byte>& chunk, std::int64_t time_ns, std::size_t limit,
                     frame_counts& counts, Owner&& owner) {
        first_ns_ = last_ns_ = time_ns;
        if (chunk.size() >= length_size) {
            if (!owner.may_begin(chunk)) return refuse(chunk, counts);
            size_ = kwire::wire::load_be<std::uint32_t>(chunk.data());
            if (chunk.size() - length_size >= size_) {
                const auto frame = chunk.subspan(length_size, size_);
                chunk = chunk.subspan(length_size + size_);
                give({frame, size_, time_ns, time_ns, false, std::uint64_t{size_} + length_size}, counts,
                     owner);
                return;
            }
        }
        collect(chunk, chunk.size(), limit);
        chunk = {};
    }

    template <class Owner>
    void continue_frame(std::span<const std::byte>& chunk, std::int64_t time_ns, std::size_t limit,
                        frame_counts& counts, Owner&& owner) {
        last_ns_ = time_ns;
        if (passed_ < length_size) { // here all bytes are in part_
            const std::size_t taken = std::min(chunk.size(), std::size_t{length_size - passed_});
            collect(chunk, taken, limit);
            chunk = chunk.subspan(taken);
            if (passed_ < length_size) return;
            if (!owner.may_begin(part_)) {
                in_step_ = false;
                ++counts.resyncs;
                counts.skipped_bytes += part_.size();
                drop_part();
                return;
            }
            size_ = kwire::wire::load_be<std::uint32_t>(part_.data());
        }
        const auto taken =
            static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), frame_end() - passed_));
        collect(chunk, taken, limit);
        chunk = chunk.subspan(taken);
        if (passed_ == frame_end()) finish(time_ns, counts, owner);
    }

    /// Counts `n` bytes of the frame as passed, and keeps as many of them as are wanted.
    void collect(std::span<const std::byte> chunk, std::size_t n, std::size_t limit) {
        passed_ += n;
        here_ += n;
        if (cut_) return;
        const std::size_t most = limit + length_size;
        const std::size_t kept = part_.size() < most ? std::min(n, most - part_.size()) : 0;
        part_.insert(part_.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(kept));
        if (kept < n) cut_ = true; // what follows would not be next to what is there
    }

    template <class Owner>
    void finish(std::int64_t time_ns, frame_counts& counts, Owner&& owner) {
        std::vector<std::byte> part = std::move(part_);
        part_.clear();
        const seen_frame seen{std::span<const std::byte>(part).subspan(length_size),
                              size_,
                              first_ns_,
                              time_ns,
                              here_ != frame_end(),
                              here_};
        passed_ = here_ = 0;
        cut_ = false;
        give(seen, counts, owner);
    }

    template <class Owner>
    void give(const seen_frame& frame, frame_counts& counts, Owner&& owner) {
        ++counts.frames;
        counts.cut_frames += frame.lost ? 1 : 0;
        counts.framed_bytes += frame.stream_bytes;
        if (owner.frame(frame)) return;
        --counts.frames;
        counts.cut_frames -= frame.lost ? 1 : 0;
        counts.framed_bytes -= frame.stream_bytes;
        counts.skipped_bytes += frame.stream_bytes;
        ++counts.resyncs;
        in_step_ = false;
    }

    /// No frame begins with this chunk: its first byte is skipped.
    void refuse(std::span<const std::byte>& chunk, frame_counts& counts) {
        in_step_ = false;
        ++counts.resyncs;
        ++counts.skipped_bytes;
        chunk = chunk.subspan(1);
    }

    std::vector<std::byte> part_; ///< the length, and the first bytes of the frame
    std::uint64_t passed_ = 0;    ///< how far the stream is in the frame, missing bytes included
    std::uint64_t here_ = 0;      ///< and without them
    std::int64_t first_ns_ = 0;
    std::int64_t last_ns_ = 0;
    std::uint32_t size_ = 0;
    bool in_step_ = false;
    bool cut_ = false; ///< later bytes of this frame are not collected
};

} // namespace dump
