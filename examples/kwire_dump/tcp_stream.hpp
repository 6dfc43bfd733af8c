/// One direction of a TCP connection as a stream of bytes: segments in order, each byte once, and gaps where
/// bytes are missing from the capture.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dump {

/// What has become of the payload of a direction, in bytes.
struct stream_counts {
    std::uint64_t segments = 0;
    std::uint64_t delivered = 0;     ///< bytes given on
    std::uint64_t retransmitted = 0; ///< bytes that were there before
    std::uint64_t cut = 0;           ///< bytes that the capture's snap length has cut off
    std::uint64_t lost = 0;          ///< bytes of segments that are not in the capture
};

/// Puts segments in order. `Target` has two functions: `bytes(span, starts_segment, time_ns)` for bytes
/// that follow those before, and `missing(count)`.
///
/// Segments that come early wait for those before them: until these come, or it is clear that they
/// will not. Waiting segments are copied, others are not.
class tcp_stream {
public:
    /// What may wait in one direction.
    static constexpr std::size_t most_waiting = 256;
    static constexpr std::size_t most_waiting_bytes = 1 << 20;
    static constexpr std::int64_t longest_wait_ns = 1'000'000'000;

    /// The stream begins after this number. What waited from an earlier connection is given on first.
    template <class Target>
    void begin(std::uint32_t sequence, Target&& target) {
        give_up(target);
        next_ = sequence + 1;
        known_ = true;
    }

    template <class Target>
    void add(std::uint32_t sequence, std::span<const std::byte> payload, std::uint32_t size,
             std::int64_t time_ns, stream_counts& counts, Target&& target) {
        ++counts.segments;
        if (!known_) {
            next_ = sequence;
            known_ = true;
        }
        const auto ahead = static_cast<std::int32_t>(sequence - next_);
        if (ahead > 0) {
            constexpr std::int32_t another_stream = 1 << 28;
            if (ahead >= another_stream) {
                give_up(target, counts);
                skip_to(sequence, counts, target);
            } else {
                wait(sequence, payload, size, time_ns);
                if (must_give_up(time_ns)) give_up(target, counts);
                return;
            }
        }
        deliver(sequence, payload, size, time_ns, counts, target);
        if (!waiting_.empty()) drain(counts, target);
    }

    /// Whether segments wait for one that is not there.
    [[nodiscard]] bool waits() const noexcept { return !waiting_.empty(); }
    /// Whether the peer, which has acknowledged all before `sequence`, has seen what is awaited here.
    [[nodiscard]] bool was_received(std::uint32_t sequence) const noexcept {
        return !waiting_.empty() && static_cast<std::int32_t>(sequence - waiting_.front().sequence) > 0;
    }
    [[nodiscard]] std::size_t waiting_bytes() const noexcept { return waiting_bytes_; }

    /// What is awaited will not come: gives on all that waits, with the gaps.
    template <class Target>
    void give_up(Target&& target, stream_counts& counts) {
        while (!waiting_.empty()) {
            skip_to(waiting_.front().sequence, counts, target);
            drain(counts, target);
        }
    }

private:
    struct early_segment {
        std::uint32_t sequence;
        std::uint32_t size;
        std::int64_t time_ns;
        std::vector<std::byte> payload;
    };

    template <class Target>
    void give_up(Target&& target) {
        stream_counts ignored;
        give_up(target, ignored);
    }

    void wait(std::uint32_t sequence, std::span<const std::byte> payload, std::uint32_t size,
              std::int64_t time_ns) {
        const auto at = std::ranges::find_if(waiting_, [&](const early_segment& one) {
            return static_cast<std::int32_t>(one.sequence - sequence) >= 0;
        });
        if (at != waiting_.end() && at->sequence == sequence && at->size >= size) return; // sent twice
        if (waiting_.empty()) since_ns_ = time_ns;
        waiting_bytes_ += payload.size();
        waiting_.insert(at, {sequence, size, time_ns, {payload.begin(), payload.end()}});
    }
    [[nodiscard]] bool must_give_up(std::int64_t now_ns) const noexcept {
        return waiting_.size() > most_waiting || waiting_bytes_ > most_waiting_bytes ||
               now_ns - since_ns_ > longest_wait_ns;
    }

    template <class Target>
    void skip_to(std::uint32_t sequence, stream_counts& counts, Target&& target) {
        const std::uint32_t gap = sequence - next_;
        if (gap == 0 || gap >> 31 != 0) return;
        counts.lost += gap;
        target.missing(gap);
        next_ = sequence;
    }

    /// A segment that begins at `next_` or before it.
    template <class Target>
    void deliver(std::uint32_t sequence, std::span<const std::byte> payload, std::uint32_t size,
                 std::int64_t time_ns, stream_counts& counts, Target&& target) {
        const std::uint32_t old = next_ - sequence;
        const auto cut_off = [&](std::size_t captured) {
            return size - static_cast<std::uint32_t>(captured);
        };
        if (old >= size) {
            counts.retransmitted += payload.size();
            return;
        }
        if (old != 0) {
            const std::size_t known = std::min<std::size_t>(old, payload.size());
            counts.retransmitted += known;
            payload = payload.subspan(known);
            size -= old;
        }
        next_ += size;
        counts.delivered += payload.size();
        if (!payload.empty()) target.bytes(payload, old == 0, time_ns);
        if (const std::uint32_t missing = cut_off(payload.size()); missing != 0) {
            counts.cut += missing;
            target.missing(missing);
        }
    }

    template <class Target>
    void drain(stream_counts& counts, Target&& target) {
        std::size_t done = 0;
        while (done < waiting_.size() && static_cast<std::int32_t>(waiting_[done].sequence - next_) <= 0) {
            const early_segment one = std::move(waiting_[done++]);
            waiting_bytes_ -= one.payload.size();
            deliver(one.sequence, one.payload, one.size, one.time_ns, counts, target);
        }
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
        if (!waiting_.empty()) since_ns_ = waiting_.front().time_ns;
    }

    std::vector<early_segment> waiting_; ///< in the order of their numbers
    std::size_t waiting_bytes_ = 0;
    std::int64_t since_ns_ = 0;
    std::uint32_t next_ = 0;
    bool known_ = false;
};

} // namespace dump
