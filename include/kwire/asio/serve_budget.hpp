/// What the requests of many connections may have in memory together.
///
///     const auto budget = std::make_shared<kwire::serve_budget>(10'000, 1ULL << 30); // requests, bytes
///     options.budget = budget;                                                       // of each connection
#pragma once

#include <kwire/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// A connection that waits for room.
struct budget_waiter {
    budget_waiter() = default;
    budget_waiter(const budget_waiter&) = delete;
    budget_waiter& operator=(const budget_waiter&) = delete;

    /// Called on any thread, without the budget's lock.
    virtual void room_is_there() = 0;

protected:
    ~budget_waiter() = default;
};

} // namespace detail

/// Bounds the requests that wait for answers, and their bytes, over all connections that are given it.
///
/// A connection takes no further request while there is no room; those that wait are served in order. One
/// request more than the bytes allow is taken, so that one of any size passes. All functions may be called on
/// any thread.
class serve_budget {
public:
    serve_budget(std::size_t requests, std::uint64_t bytes) noexcept
        : most_requests_(requests), most_bytes_(bytes) {}
    serve_budget(const serve_budget&) = delete;
    serve_budget& operator=(const serve_budget&) = delete;
    ~serve_budget() = default;

    /// What is in flight now.
    [[nodiscard]] std::size_t requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    /// How many bytes of requests its connections hold now.
    [[nodiscard]] std::uint64_t bytes() const {
        const std::lock_guard lock(mutex_);
        return bytes_;
    }

    /// For servers: takes one request if there is room; otherwise `who` is told when there is.
    [[nodiscard]] bool begin(const std::weak_ptr<detail::budget_waiter>& who) {
        const std::lock_guard lock(mutex_);
        if (!has_room()) {
            waiting_.push_back(who);
            return false;
        }
        ++requests_;
        return true;
    }
    /// Its bytes, once they are known.
    void add(std::uint64_t bytes) {
        const std::lock_guard lock(mutex_);
        bytes_ += bytes;
    }
    /// The end of `requests` requests of `bytes` bytes in all.
    void end(std::size_t requests, std::uint64_t bytes) {
        std::unique_lock lock(mutex_);
        requests_ -= requests;
        bytes_ -= bytes;
        while (has_room() && !waiting_.empty()) {
            const std::shared_ptr<detail::budget_waiter> next = waiting_.front().lock();
            waiting_.pop_front();
            if (!next) continue;
            lock.unlock();
            next->room_is_there();
            return; // which takes it, and wakes the next one if there is more
        }
    }
    /// For a connection that was told of room, and took what it needs of it: the next one may have the rest.
    void pass_on() { end(0, 0); }

private:
    [[nodiscard]] bool has_room() const noexcept {
        return requests_ < most_requests_ && (requests_ == 0 || bytes_ < most_bytes_);
    }

    mutable std::mutex mutex_;
    std::deque<std::weak_ptr<detail::budget_waiter>> waiting_;
    std::size_t most_requests_, requests_ = 0;
    std::uint64_t most_bytes_, bytes_ = 0;
};

} // namespace kwire::inline KWIRE_ABI
