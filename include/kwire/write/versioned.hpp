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
#include <kwire/write/encode.hpp>

#include <cstdint>
#include <expected>
#include <utility>

namespace kwire {

namespace detail {

/// The body of a message after what `put` writes, in one buffer. `put` is called twice: with an output that
/// measures, and with one that writes.
template <class M, class Put>
[[nodiscard]] std::expected<shared_buffer, error> encode_after(const Put& put,
                                                               const typename M::data& message, int version) {
    measuring_output size;
    error failure;
    put(size);
    if (!measure<M>(message, version, size, failure)) return std::unexpected(failure);
    writing_output out(size);
    put(out);
    write<M>(message, version, out);
    return std::move(out).finish().to_bytes();
}

} // namespace detail

/// A message at `version`, after this version as an int16.
///
/// One allocation. If the message refers to bytes, such as `user_data`, there is another one, for a copy of
/// everything in one piece, which is counted in copied_bytes(). Errors: as `encode`.
template <class M>
[[nodiscard]] std::expected<shared_buffer, error> encode_versioned(const typename M::data& message,
                                                                   int version) {
    return detail::encode_after<M>([version](auto& out) { out.number(static_cast<std::int16_t>(version)); },
                                   message, version);
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] std::expected<shared_buffer, error> encode_versioned(const Data& message, int version) {
    return encode_versioned<typename Data::struct_type>(message, version);
}

} // namespace kwire
