// A bound on the memory that clients can take by naming things: groups, members, offsets.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

namespace echo_broker {

/// So many bytes, and no more. Who stores something takes a share of its size first and keeps the share with
/// it; a share that is destroyed gives its bytes back. The budget must outlive its shares.
class memory_budget {
public:
    class share {
    public:
        share() noexcept = default;
        share(share&& other) noexcept
            : from_(std::exchange(other.from_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
        share& operator=(share&& other) noexcept {
            share taken(std::move(other));
            std::swap(from_, taken.from_);
            std::swap(bytes_, taken.bytes_);
            return *this;
        }
        ~share() {
            if (from_ != nullptr) from_->used_ -= bytes_;
        }

    private:
        friend memory_budget;
        share(memory_budget& from, std::size_t bytes) noexcept : from_(&from), bytes_(bytes) {}
        memory_budget* from_ = nullptr;
        std::size_t bytes_ = 0;
    };

    explicit memory_budget(std::size_t most_bytes) noexcept : most_(most_bytes) {}
    memory_budget(const memory_budget&) = delete;
    memory_budget& operator=(const memory_budget&) = delete;

    /// No share if so many bytes are not left.
    [[nodiscard]] std::optional<share> take(std::size_t bytes) noexcept {
        if (bytes > most_ - used_) return std::nullopt;
        used_ += bytes;
        return share(*this, bytes);
    }

private:
    std::size_t most_;
    std::size_t used_ = 0;
};

} // namespace echo_broker
