/// A digest of everything that a view shows, computed without allocating: equal content, equal digest.
#pragma once

#include <bit>

#include "messages/show.hpp"

namespace support {

/// Reads every byte of every value. The range of bytes that a struct covers is not part of the content.
class digest final : public sink {
public:
    [[nodiscard]] std::uint64_t value() const { return value_; }

    void begin_struct(const kwire::struct_info&, int version, std::span<const std::byte>) override {
        mix(1);
        mix(static_cast<std::uint64_t>(version));
    }
    void field(const kwire::field_info&) override { mix(2); }
    void unknown_tag(const kwire::unknown_tag_view& tag) override {
        mix(tag.number);
        bytes(tag.payload);
    }
    void end_struct() override { mix(3); }
    void null() override { mix(4); }
    void boolean(bool value) override { mix(value ? 5 : 6); }
    void integer(std::int64_t value) override { mix(static_cast<std::uint64_t>(value)); }
    void real(double value) override { mix(std::bit_cast<std::uint64_t>(value)); }
    void id(const kwire::uuid& value) override { bytes(value.bytes); }
    void text(std::string_view value) override {
        mix(value.size());
        for (const char c : value) mix(static_cast<unsigned char>(c));
    }
    void bytes(std::span<const std::byte> value) override {
        mix(value.size());
        for (const std::byte b : value) mix(std::to_integer<std::uint64_t>(b));
    }
    void begin_array(std::size_t size) override { mix(size); }
    void end_array() override { mix(7); }

private:
    void mix(std::uint64_t more) { value_ = (std::rotl(value_, 5) ^ more) * 0x9e3779b97f4a7c15U; }

    std::uint64_t value_ = 0;
};

} // namespace support
