/// Internal: makes the chains of select.hpp, renumber.hpp and transform.hpp.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace kwire::detail {

/// Collects parts of one buffer in a chain; adjacent parts become one slice.
class batch_picker {
public:
    explicit batch_picker(const shared_buffer& all) noexcept : all_(all) {}

    /// Adds the bytes of `batch`, which lies in the buffer, from `skipped` on.
    void keep(const batch_view& batch, std::size_t skipped = 0) {
        const auto bytes = bytes_of(batch).subspan(skipped);
        const auto from = static_cast<std::size_t>(bytes.data() - all_.data());
        if (from != to_) {
            flush();
            from_ = from;
        }
        to_ = from + bytes.size();
    }
    /// Adds `batch` with a copy of its header that `change` edits, or by reference if that changes nothing.
    template <class Change>
    void keep_changed(const batch_view& batch, Change change) {
        std::array<std::byte, sizeof(batch_header)> front;
        const std::size_t size = batch.is_legacy() ? sizeof(message_prefix) : sizeof(batch_header);
        std::memcpy(front.data(), bytes_of(batch).data(), size);
        change(front.data());
        if (std::memcmp(front.data(), bytes_of(batch).data(), size) == 0) return keep(batch);
        flush();
        chain_.put_slice({front.data(), size});
        keep(batch, size);
    }
    /// Adds other bytes, by reference.
    void put(shared_buffer&& bytes) {
        flush();
        chain_.put_bytes(std::move(bytes));
    }
    [[nodiscard]] buffer_chain take() && {
        flush();
        return std::move(chain_);
    }

private:
    void flush() {
        if (to_ != from_) chain_.put_bytes(buffer_access::slice(all_, from_, to_ - from_));
        from_ = to_;
    }

    const shared_buffer& all_;
    buffer_chain chain_;
    std::size_t from_ = 0, to_ = 0; ///< of the part that is not in the chain yet
};

/// The error `e` of batch number `index`.
[[nodiscard]] inline unexpected<error> in_batch(error e, std::uint32_t index) noexcept {
    e.enter({"batches", index});
    return unexpected{e};
}

} // namespace kwire::detail
