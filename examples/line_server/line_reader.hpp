// Bytes in, lines out: each line is a slice of the block that the socket wrote to.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "buffer_pool.hpp"
#include "limits.hpp"

namespace line_server {

class line_reader {
public:
    explicit line_reader(buffer_pool& pool) noexcept : pool_(pool) {}

    /// Where the next bytes go. Only the beginning of a line that is not complete is ever moved, here
    /// and by rest().
    [[nodiscard]] std::span<std::byte> room() {
        if (block_.capacity() - block_.size() < read_at_once) {
            kwire::unique_buffer fresh = pool_.take();
            fresh.append(std::as_const(block_).span());
            block_ = std::move(fresh);
        }
        return block_.spare().first(read_at_once);
    }
    /// Declares the first `n` bytes of room() filled. @pre next() has returned all lines
    void commit(std::size_t n) {
        const std::size_t before = block_.size();
        block_.commit(n);
        const std::span<const std::byte> bytes = std::as_const(block_).span();
        if (const void* const last = ::memrchr(bytes.data() + before, '\n', n)) {
            const auto end = static_cast<std::size_t>(static_cast<const std::byte*>(last) - bytes.data()) + 1;
            complete_ = block_.split_to(end).value().freeze(); // the room after it stays ours
            taken_ = 0;
        }
    }

    /// The next complete line, with its newline; it may be longer than allowed.
    [[nodiscard]] std::optional<kwire::shared_buffer> next() noexcept {
        const std::span<const std::byte> left = complete_.span().subspan(taken_);
        if (left.empty()) return std::nullopt;
        const void* const newline = std::memchr(left.data(), '\n', left.size());
        const auto size = static_cast<std::size_t>(static_cast<const std::byte*>(newline) - left.data()) + 1;
        std::optional<kwire::shared_buffer> line = complete_.slice(taken_, size);
        taken_ += size;
        if (taken_ == complete_.size()) complete_ = {};
        return line;
    }
    [[nodiscard]] bool has_line() const noexcept { return !complete_.empty(); }

    /// Whether the line that is not complete is longer than allowed already.
    [[nodiscard]] bool overflows() const noexcept { return block_.size() >= longest_line; }

    /// Gives the block back, and keeps the beginning of a line in memory of its own size: a connection that
    /// waits costs what it has sent, and a quiet one nothing.
    void rest() {
        if (block_.size() == block_.capacity()) return;
        kwire::unique_buffer kept = kwire::unique_buffer::with_capacity(block_.size());
        kept.append(std::as_const(block_).span());
        block_ = std::move(kept);
    }

private:
    buffer_pool& pool_;
    kwire::unique_buffer block_;    ///< the beginning of a line, and room
    kwire::shared_buffer complete_; ///< lines, until next() has returned the last of them
    std::size_t taken_ = 0;         ///< bytes of them that next() has returned
};

} // namespace line_server
