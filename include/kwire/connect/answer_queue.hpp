/// Puts the answers of one connection into the order of its requests, whenever each of them is ready.
///
///     const auto ticket = answers.expect();              // for each request, in order of arrival
///     answers.put(ticket, std::move(answer), out);       // in any order; out gets what is due
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/memory.hpp>
#include <kwire/connect/outbox.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// Kafka's clients take the answers of a connection for those of their requests in order (protocol guide,
/// "Network"): so an answer waits here until those before it are there.
///
/// One thread at a time.
class answer_queue {
public:
    /// The place of one request in the queue.
    using ticket = std::uint64_t;

    /// Notes one more request, and returns what its answer is put with.
    [[nodiscard]] ticket expect() {
        if (waiting() != 0) later_.emplace_back();
        return next_++;
    }

    /// Takes the answer to a request, and pushes all answers that are due to `out`. An empty one means that
    /// the request has no response (Produce with acks=0). Aborts if the request has been answered, or was
    /// never expected. If memory runs out, nothing has changed.
    void put(ticket request, buffer_chain&& answer, outbox& out) {
        detail::require(request >= first_ && request < next_);
        if (request != first_) {
            std::optional<buffer_chain>& place =
                later_[gone_ + static_cast<std::size_t>(request - first_ - 1)];
            detail::require(!place);
            place = std::move(answer);
            return;
        }
        std::size_t segments = answer.segment_count();
        for (std::size_t i = gone_; i < later_.size(); ++i) {
            const std::optional<buffer_chain>& next = later_[i];
            if (!next) break;
            segments += next->segment_count();
        }
        out.reserve(segments); // nothing after this fails
        out.push(std::move(answer));
        ++first_;
        while (gone_ != later_.size()) {
            std::optional<buffer_chain>& next = later_[gone_++];
            if (!next) break; // this request is the first one now
            out.push(*std::move(next));
            ++first_;
        }
        if (2 * gone_ >= later_.size()) {
            later_.erase(later_.begin(), later_.begin() + static_cast<std::ptrdiff_t>(gone_));
            gone_ = 0;
        }
    }

    /// How many requests have not been answered, or their answers wait for others.
    [[nodiscard]] std::size_t waiting() const noexcept { return static_cast<std::size_t>(next_ - first_); }

private:
    std::vector<std::optional<buffer_chain>>
        later_; ///< of the requests after the first one, after `gone_` others
    std::size_t gone_ = 0;
    ticket first_ = 0, next_ = 0;
};

} // namespace kwire::inline KWIRE_ABI
