/// How many values there were of which size, to 3 %: in fixed memory, for any number of values.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace dump {

class histogram {
public:
    void add(std::uint64_t value) noexcept {
        ++counts_[bucket_of(value)];
        ++all_;
        if (value > largest_) largest_ = value;
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return all_; }
    [[nodiscard]] std::uint64_t largest() const noexcept { return largest_; }

    /// A value that this part of all values does not exceed, by at most 3 % too large: 0.5 for the median.
    [[nodiscard]] std::uint64_t quantile(double part) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(all_) + 0.999999);
        std::uint64_t before = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            before += counts_[i];
            if (before >= wanted && before != 0) return last_of(i) < largest_ ? last_of(i) : largest_;
        }
        return largest_;
    }

private:
    static constexpr unsigned bits = 5; ///< 32 buckets for each power of two
    static constexpr std::size_t first = std::size_t{1} << bits;

    [[nodiscard]] static std::size_t bucket_of(std::uint64_t value) noexcept {
        if (value < first) return static_cast<std::size_t>(value);
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - bits - 1;
        return (std::size_t{shift} << bits) + static_cast<std::size_t>(value >> shift);
    }
    /// The largest value of a bucket.
    [[nodiscard]] static std::uint64_t last_of(std::size_t bucket) noexcept {
        if (bucket < 2 * first) return bucket;
        const std::size_t shift = (bucket >> bits) - 1;
        return ((first + (bucket & (first - 1)) + 1) << shift) - 1;
    }

    std::array<std::uint64_t, (64 - bits + 1) << bits> counts_{};
    std::uint64_t all_ = 0;
    std::uint64_t largest_ = 0;
};

} // namespace dump
