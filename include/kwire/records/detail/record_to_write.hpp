/// Internal header, part of <kwire/records/builder.hpp> and legacy_builder.hpp: the record that a builder
/// appends, and how its bytes are written.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/detail/put_short.hpp>
#include <kwire/wire/varint.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace kwire::inline KWIRE_ABI {

/// A record to append to a batch. Its bytes need to be valid during the call only.
struct record_to_write {
    std::optional<std::int64_t>
        offset{}; ///< if not set, the offset after the last record's; a higher one leaves a gap
    std::int64_t timestamp = -1; ///< ms
    /// Null if it is not set; so is the value.
    std::optional<std::span<const std::byte>> key{};
    std::optional<std::span<const std::byte>> value{};
    /// In the order in which they are written.
    std::span<const header_view> headers{};
};

/// A type that compresses a batch: kwire::codec, whose header a program without compression need not include.
template <class T>
concept record_codec = requires(T& codec, unique_buffer& out, std::span<const std::byte> plain) {
    { codec.type() } -> std::same_as<compression_type>;
    { codec.compress_into(out, plain, std::int8_t{2}) } -> std::same_as<expected<std::size_t, error>>;
};

namespace detail {

KWIRE_ALWAYS_INLINE std::byte* put_short_varint(std::byte* p, std::int64_t value) noexcept {
    return put_uvarint(p, wire::zigzag_encode(value));
}

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
