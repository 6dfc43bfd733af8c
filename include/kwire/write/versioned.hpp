/// Messages with their version in front, as one buffer: what goes into a field of bytes, or into a record.
///
///     auto metadata = kwire::encode_versioned<kwire::consumer_protocol_subscription>({.topics = {"orders"}}, 3);
///     if (!metadata) return fail(metadata.error());
///     request.protocols = {{.name = "range", .metadata = *std::move(metadata)}};
///
/// parse_versioned (read/versioned.hpp) reads them.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/write/encode.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace kwire {

namespace detail {

/// The body of a message after the bytes `front`, in one buffer.
template <class M>
[[nodiscard]] expected<shared_buffer, error> encode_after(std::span<const std::byte> front,
                                                          const typename M::data& message, int version) {
    measurement sum;
    error_slot refusal;
    if (!measure<M, any_version>(message, version, sum, refusal)) [[unlikely]]
        return unexpected(*refusal);
    unique_buffer whole = unique_buffer::with_capacity(front.size() + static_cast<std::size_t>(sum.size));
    std::byte* const at = put_short_bytes(whole.data(), front.data(), front.size());
    write_message<M, any_version>(message, version, memory_output{}, at);
    count_copied(sum.attached);
    whole.commit(whole.capacity());
    return std::move(whole).freeze();
}

/// What goes before a message: a few numbers.
class front_bytes {
public:
    template <class T>
    void number(T value) noexcept {
        size_ = static_cast<std::size_t>(put_number(bytes_ + size_, value) - bytes_);
    }
    void varint(std::uint32_t value) noexcept {
        size_ = static_cast<std::size_t>(put_uvarint(bytes_ + size_, value) - bytes_);
    }
    [[nodiscard]] std::span<const std::byte> span() const noexcept { return {bytes_, size_}; }

private:
    std::byte bytes_[3 * wire::max_varint32_size];
    std::size_t size_ = 0;
};

} // namespace detail

/// A message at `version`, after this version as an int16.
///
/// One allocation. Bytes that the message refers to, such as `user_data`, are copied, which counts in
/// copied_bytes(). Errors: as `encode`.
template <class M>
[[nodiscard]] expected<shared_buffer, error> encode_versioned(const typename M::data& message, int version) {
    detail::front_bytes front;
    front.number(static_cast<std::int16_t>(version));
    return detail::encode_after<M>(front.span(), message, version);
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] expected<shared_buffer, error> encode_versioned(const Data& message, int version) {
    return encode_versioned<typename Data::struct_type>(message, version);
}

} // namespace kwire
