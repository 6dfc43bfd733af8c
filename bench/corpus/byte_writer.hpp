/// Builds the benchmarks' inputs byte by byte, without kwire, and hashes every value that it writes.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "bench/harness/corpus.hpp"
#include "bench/harness/sinks.hpp"

namespace bench {

/// Appends values in Kafka's flexible encoding. `count` and `tag_section` are not values: they are not
/// hashed, since the contenders do not report them either.
class byte_writer {
public:
    template <std::integral T>
    void number(T value) {
        sum_.number(value);
        hash_.number(value);
        raw(value);
    }
    void id(const std::array<std::byte, 16>& value) {
        sum_.id(value.data());
        hash_.id(value.data());
        bytes_.insert(bytes_.end(), value.begin(), value.end());
    }
    void text(std::optional<std::string_view> value) {
        sum_.text(value);
        hash_.text(value);
        if (!value) return varint(0);
        varint(static_cast<std::uint32_t>(value->size()) + 1);
        for (const char c : *value) bytes_.push_back(static_cast<std::byte>(c));
    }
    /// A tagged string that is absent, and so null.
    void missing_text() {
        sum_.text(std::nullopt);
        hash_.text(std::nullopt);
    }
    void bytes(std::optional<std::span<const std::byte>> value) {
        sum_.bytes(value);
        hash_.bytes(value);
        if (!value) return varint(0);
        varint(static_cast<std::uint32_t>(value->size()) + 1);
        append(*value);
    }
    /// A number that no byte carries: the default of a tagged field that is absent.
    template <std::integral T>
    void missing_number(T value) {
        sum_.number(value);
        hash_.number(value);
    }
    void count(std::size_t elements) { varint(static_cast<std::uint32_t>(elements) + 1); }
    void empty_tag_section() { varint(0); }
    void varint(std::uint32_t value) {
        for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::byte>(value | 0x80));
        bytes_.push_back(static_cast<std::byte>(value));
    }
    void append(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

    [[nodiscard]] input finish() && {
        return {.bytes = std::move(bytes_), .sum = sum_.result(), .hash = hash_.result()};
    }

private:
    template <std::integral T>
    void raw(T value) {
        const auto bits = static_cast<std::uint64_t>(value);
        for (std::size_t i = sizeof(T); i-- > 0;)
            bytes_.push_back(static_cast<std::byte>(bits >> (8 * i) & 0xff));
    }

    std::vector<std::byte> bytes_;
    plain_sum sum_;
    ordered_hash hash_;
};

} // namespace bench
