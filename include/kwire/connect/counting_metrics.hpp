/// Counts what connections tell, in fixed memory, for any number of threads.
///
///     kwire::counting_metrics counted; // 23 KiB; one for each listener
///     co_await kwire::async_serve(socket, handler, options, counted, use_awaitable);
///
///     std::string page = kwire::prometheus_text(counted); // connect/prometheus.hpp
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/metrics.hpp>
#include <kwire/error.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kwire::inline KWIRE_ABI {

/// How many values were at most 2^First, 2^(First+1), ... 2^Last, and how many above: each is counted once,
/// in the first bucket that holds it.
template <unsigned First, unsigned Last>
class power_histogram {
    static_assert(First <= Last && Last < 64);

public:
    /// How many values it counts apart: powers of two, and those above.
    static constexpr std::size_t bounds = Last - First + 1;

    /// What was counted so far. While other threads count, `sum` may be of a few values more or less.
    struct values {
        std::array<std::uint64_t, bounds + 1> counts{}; ///< the last one: above all bounds
        /// The sum of all values.
        std::uint64_t sum = 0;

        /// How many values there are.
        [[nodiscard]] constexpr std::uint64_t count() const noexcept {
            std::uint64_t all = 0;
            for (const std::uint64_t each : counts) all += each;
            return all;
        }
    };

    /// The upper bound of bucket `i`, which is below `bounds`; the bound is in the bucket.
    [[nodiscard]] static constexpr std::uint64_t bound(std::size_t i) noexcept {
        return std::uint64_t{1} << (First + i);
    }
    [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
        if (value <= bound(0)) return 0;
        const auto i = static_cast<std::size_t>(std::bit_width(value - 1)) - First;
        return i < bounds ? i : bounds;
    }

    /// Counts `value`, and adds `amount` to the sum: the same value, if need be in a finer unit.
    void add(std::uint64_t value, std::uint64_t amount) noexcept {
        counts_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(amount, std::memory_order_relaxed);
    }
    /// What was counted so far; other threads may go on counting.
    [[nodiscard]] values load() const noexcept {
        values out;
        for (std::size_t i = 0; i < counts_.size(); ++i)
            out.counts[i] = counts_[i].load(std::memory_order_relaxed);
        out.sum = sum_.load(std::memory_order_relaxed);
        return out;
    }

private:
    std::array<std::atomic<std::uint64_t>, bounds + 1> counts_{};
    std::atomic<std::uint64_t> sum_{0};
};

/// A sink that counts. All functions may be called on any thread; numbers are read one by one, so that those
/// read together may be of slightly different moments.
///
/// Peers cannot make it grow: the numbers that Kafka has not assigned to an API are counted as one.
class counting_metrics {
public:
    using size_histogram = power_histogram<4, 30>;    ///< bytes
    using latency_histogram = power_histogram<0, 26>; ///< microseconds, and the sum in nanoseconds

    /// The APIs, and in the last place all that are not assigned.
    static constexpr std::size_t api_count = detail::apis.size() + 1;
    /// Where an API is counted, below api_count.
    [[nodiscard]] static constexpr std::size_t place_of(api_key api) noexcept {
        const auto number = static_cast<std::uint16_t>(api);
        return number < detail::apis.size() ? number : api_count - 1;
    }
    /// How many reasons for refusals there are.
    static constexpr std::size_t reason_count = static_cast<std::size_t>(errc::too_many_in_flight) + 1;
    /// How many kinds of deadlines there are.
    static constexpr std::size_t deadline_count = static_cast<std::size_t>(deadline::write) + 1;

    counting_metrics() = default;
    counting_metrics(const counting_metrics&) = delete;
    counting_metrics& operator=(const counting_metrics&) = delete;
    ~counting_metrics() = default;

    // What metrics_sink asks for.
    void requested(const request_event& request) noexcept {
        request_sizes_.add(request.bytes, request.bytes);
    }
    /// Counts an answer, its size, and the time that it took.
    void answered(const answer_event& answer) noexcept {
        const std::int64_t took = answer.took.count();
        const std::uint64_t ns = took > 0 ? static_cast<std::uint64_t>(took) : 0;
        latencies_[place_of(answer.request.api)].add((ns + 999) / 1000, ns);
        if (answer.bytes != 0) answer_sizes_.add(answer.bytes, answer.bytes);
    }
    /// Counts what a connection read and wrote since the last call.
    void progressed(const traffic_event& traffic) noexcept {
        add(reads_, traffic.reads);
        add(read_bytes_, traffic.read_bytes);
        add(frames_, traffic.frames);
        add(writes_, traffic.writes);
        add(written_bytes_, traffic.written_bytes);
        add(moved_bytes_, traffic.moved_bytes);
        add(allocations_, traffic.allocations);
    }
    /// Counts a refusal.
    void refused(errc why) noexcept {
        const auto i = static_cast<std::size_t>(why);
        if (i < reason_count) add(refused_[i], 1);
    }
    /// Counts a connection that a deadline ended.
    void timed_out(deadline which) noexcept {
        const auto i = static_cast<std::size_t>(which);
        if (i < deadline_count) add(timed_out_[i], 1);
    }

    // The numbers.
    [[nodiscard]] size_histogram::values request_sizes() const noexcept { return request_sizes_.load(); }
    [[nodiscard]] size_histogram::values answer_sizes() const noexcept { return answer_sizes_.load(); }
    /// Of the API in place `i` of api_count.
    [[nodiscard]] latency_histogram::values latency(std::size_t i) const noexcept {
        return latencies_[i].load();
    }
    [[nodiscard]] latency_histogram::values latency(api_key api) const noexcept {
        return latency(place_of(api));
    }
    /// What all connections read and wrote.
    [[nodiscard]] traffic_event traffic() const noexcept {
        return {.reads = load(reads_),
                .read_bytes = load(read_bytes_),
                .frames = load(frames_),
                .writes = load(writes_),
                .written_bytes = load(written_bytes_),
                .moved_bytes = load(moved_bytes_),
                .allocations = load(allocations_)};
    }
    /// How many refusals had this reason.
    [[nodiscard]] std::uint64_t refusals(errc why) const noexcept {
        const auto i = static_cast<std::size_t>(why);
        return i < reason_count ? load(refused_[i]) : 0;
    }
    /// How many connections this deadline ended.
    [[nodiscard]] std::uint64_t timeouts(deadline which) const noexcept {
        const auto i = static_cast<std::size_t>(which);
        return i < deadline_count ? load(timed_out_[i]) : 0;
    }

private:
    using counter = std::atomic<std::uint64_t>;

    static void add(counter& to, std::uint64_t n) noexcept {
        if (n != 0) to.fetch_add(n, std::memory_order_relaxed);
    }
    [[nodiscard]] static std::uint64_t load(const counter& from) noexcept {
        return from.load(std::memory_order_relaxed);
    }

    counter reads_{0}, read_bytes_{0}, frames_{0}, writes_{0}, written_bytes_{0}, moved_bytes_{0},
        allocations_{0};
    size_histogram request_sizes_, answer_sizes_;
    std::array<counter, reason_count> refused_{};
    std::array<counter, deadline_count> timed_out_{};
    std::array<latency_histogram, api_count> latencies_{};
};

static_assert(metrics_sink<counting_metrics>);

} // namespace kwire::inline KWIRE_ABI
