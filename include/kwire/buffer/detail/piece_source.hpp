/// Internal: where the bytes of a streamed payload come from.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// A function that gives a payload piece by piece, and how many bytes it still owes.
class piece_source {
public:
    explicit piece_source(std::uint64_t size) noexcept : left_(size) {}
    piece_source(const piece_source&) = delete;
    piece_source& operator=(const piece_source&) = delete;
    virtual ~piece_source() = default;

    [[nodiscard]] std::uint64_t left() const noexcept { return left_; }
    /// The next bytes, of at most `most`; empty if the function gives none or too many.
    [[nodiscard]] shared_buffer next(std::size_t most) {
        const std::size_t wanted = left_ < most ? static_cast<std::size_t>(left_) : most;
        shared_buffer piece = call(wanted);
        if (piece.size() > wanted) return {};
        left_ -= piece.size();
        return piece;
    }

private:
    virtual shared_buffer call(std::size_t most) = 0;
    std::uint64_t left_;
};

template <class Function>
class piece_function final : public piece_source {
public:
    piece_function(std::uint64_t size, Function&& f) : piece_source(size), function_(std::move(f)) {}

private:
    shared_buffer call(std::size_t most) override { return function_(most); }
    Function function_;
};

} // namespace kwire::inline KWIRE_ABI::detail
