/// Bytes for tests: from hexadecimal, and in heap blocks of their exact size, so that AddressSanitizer
/// detects reads past the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kwire::test {

/// The bytes of a hexadecimal text, in which spaces may separate bytes. Throws if it is not valid.
inline std::vector<std::byte> from_hex(std::string_view hex) {
    const auto digit = [](char c) -> unsigned {
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
        if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
        throw std::invalid_argument("no hex digit: " + std::string(1, c));
    };
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        while (i < hex.size() && hex[i] == ' ') ++i;
        if (i == hex.size()) break;
        if (i + 1 == hex.size()) throw std::invalid_argument("half a byte");
        bytes.push_back(static_cast<std::byte>(digit(hex[i]) << 4 | digit(hex[i + 1])));
    }
    return bytes;
}

/// `bytes` as lower-case hexadecimal text.
inline std::string to_hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        text += "0123456789abcdef"[std::to_integer<std::size_t>(b >> 4)];
        text += "0123456789abcdef"[std::to_integer<std::size_t>(b & std::byte{15})];
    }
    return text;
}

/// A copy in a heap block of exactly this size.
class exact_bytes {
public:
    explicit exact_bytes(std::span<const std::byte> bytes)
        : size_(bytes.size()), data_(new std::byte[size_]) {
        if (size_ != 0) std::memcpy(data_.get(), bytes.data(), size_);
    }
    [[nodiscard]] const std::byte* begin() const { return data_.get(); }
    [[nodiscard]] const std::byte* end() const { return data_.get() + size_; }
    [[nodiscard]] std::span<const std::byte> span() const { return {data_.get(), size_}; }
    [[nodiscard]] std::span<std::byte> writable() { return {data_.get(), size_}; }

private:
    std::size_t size_;
    std::unique_ptr<std::byte[]> data_;
};

} // namespace kwire::test
