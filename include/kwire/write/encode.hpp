/// From a `data` struct to bytes: the exact size first, then one allocation or none; payloads go out by
/// reference.
///
///     auto body = kwire::encode<kwire::metadata_request>({.topics = {{.name = "orders"}}}, 12);
///     if (!body) return fail(body.error());
///     asio::write(socket, *body);
///
/// Into memory that is used again and again:
///
///     kwire::unique_buffer out = kwire::unique_buffer::with_capacity(4096);
///     out.clear();
///     if (auto size = kwire::encode_into(out, answer, 12); !size) return fail(size.error());
///
/// Frames with their length prefix and header are made by frame.hpp.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/schema/detail/data.hpp>
#include <kwire/write/detail/measure.hpp>
#include <kwire/write/detail/write_data.hpp>
#include <kwire/write/payload.hpp>
#include <kwire/write/unknown_tag_list.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// Where a version is a constant, the message must have it.
template <class M, int V>
consteval void require_version() {
    constexpr version_range all = M::facts.versions;
    static_cast<void>(layout_number<M, M::facts.canonical(V), all.first, all.last>());
}

template <class M, int V>
[[nodiscard]] expected<std::uint64_t, error> size_at(const typename M::data& message, int version) {
    measurement sum;
    error_slot refusal;
    if (!measure<M, V>(message, version, sum, refusal)) [[unlikely]]
        return unexpected(*refusal);
    return sum.size;
}

template <class M, int V>
[[nodiscard]] expected<std::size_t, error> encode_at(std::span<std::byte> memory,
                                                     const typename M::data& message, int version) {
    measurement sum;
    error_slot refusal;
    if (!measure<M, V>(message, version, sum, refusal)) [[unlikely]]
        return unexpected(*refusal);
    if (sum.size > memory.size()) [[unlikely]]
        return unexpected(error{.code = errc::too_large,
                                .needed = sum.size,
                                .left = memory.size(),
                                .message = M::facts.name,
                                .version = static_cast<std::int16_t>(version),
                                .located = false});
    write_message<M, V>(message, version, memory_output{}, memory.data());
    count_copied(sum.attached);
    return static_cast<std::size_t>(sum.size);
}

template <class M, int V>
[[nodiscard]] expected<std::size_t, error> encode_at(unique_buffer& memory, const typename M::data& message,
                                                     int version) {
    measurement sum;
    error_slot refusal;
    if (!measure<M, V>(message, version, sum, refusal)) [[unlikely]]
        return unexpected(*refusal);
    const auto size = static_cast<std::size_t>(sum.size);
    memory.reserve(size);
    write_message<M, V>(message, version, memory_output{}, memory.spare().data());
    count_copied(sum.attached);
    memory.commit(size);
    return size;
}

template <class M, int V>
[[nodiscard]] expected<std::size_t, error> encode_at(buffer_chain& chain, const typename M::data& message,
                                                     int version, bool complete = false) {
    measurement sum;
    error_slot refusal;
    if (!measure<M, V>(message, version, sum, refusal)) [[unlikely]]
        return unexpected(*refusal);
    chain_builder out(chain, sum.own(), sum.segments);
    out.finish(write_message<M, V>(message, version, built_chain{&out}, out.begin()), complete);
    return static_cast<std::size_t>(sum.size);
}

template <class M, int V>
[[nodiscard]] expected<buffer_chain, error> encode_at(const typename M::data& message, int version) {
    expected<buffer_chain, error> result;
    if (const auto done = encode_at<M, V>(*result, message, version, true); !done) [[unlikely]]
        result = unexpected(done.error());
    return result;
}

} // namespace detail

/// The exact size in bytes of a message's body at `version`, payloads included.
///
/// Errors: unsupported_version; field_not_in_version for a value that is not the default, not ignorable and
/// not part of that version; null_not_allowed; string_too_long; too_large for a value that no length field
/// can hold, and without a path for a body of 2 GiB or more; tag_order and duplicate_tag in unknown tags.
template <class M>
[[nodiscard]] expected<std::uint64_t, error> encoded_size(const typename M::data& message, int version) {
    return detail::size_at<M, any_version>(message, version);
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] expected<std::uint64_t, error> encoded_size(const Data& message, int version) {
    return detail::size_at<typename Data::struct_type, any_version>(message, version);
}
/// The same where the version is known at compile time.
template <class M, int V>
[[nodiscard]] expected<std::uint64_t, error> encoded_size(const typename M::data& message) {
    detail::require_version<M, V>();
    return detail::size_at<M, V>(message, V);
}

/// The body of a message at `version`, without frame and header.
///
/// One allocation for everything that is not a payload; bytes and records are attached by reference and stay
/// valid while the chain exists. Errors: as `encoded_size`.
template <class M>
[[nodiscard]] expected<buffer_chain, error> encode(const typename M::data& message, int version) {
    return detail::encode_at<M, any_version>(message, version);
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] expected<buffer_chain, error> encode(const Data& message, int version) {
    return detail::encode_at<typename Data::struct_type, any_version>(message, version);
}
/// The same where the version is known at compile time, which is faster.
template <class M, int V>
[[nodiscard]] expected<buffer_chain, error> encode(const typename M::data& message) {
    detail::require_version<M, V>();
    return detail::encode_at<M, V>(message, V);
}

/// Writes the body of a message at `version` into memory of the caller's, and returns its size in bytes.
///
/// `out` is one of three. A `std::span<std::byte>` is written from its beginning; too_large, with the bytes
/// `needed` and `left`, if it is too short (a vector is a span here: it does not grow). A `unique_buffer&` is
/// appended to, and grows if it must. Both take copies of payloads, which count in copied_bytes(). A
/// `buffer_chain&` is appended to as well; payloads are attached by reference, all else goes into its scratch
/// memory. Nothing is allocated if there is room.
///
/// Errors: as `encoded_size`. If there is one, or memory runs out, `out` has not changed.
template <class M>
[[nodiscard]] expected<std::size_t, error> encode_into(std::span<std::byte> out,
                                                       const typename M::data& message, int version) {
    return detail::encode_at<M, any_version>(out, message, version);
}
template <class M>
[[nodiscard]] expected<std::size_t, error> encode_into(unique_buffer& out, const typename M::data& message,
                                                       int version) {
    return detail::encode_at<M, any_version>(out, message, version);
}
template <class M>
[[nodiscard]] expected<std::size_t, error> encode_into(buffer_chain& out, const typename M::data& message,
                                                       int version) {
    return detail::encode_at<M, any_version>(out, message, version);
}
/// The same for a struct that has a name: its type says which message it is.
template <class Out, detail::message_data Data>
    requires(std::is_lvalue_reference_v<Out> || std::is_convertible_v<Out, std::span<std::byte>>)
[[nodiscard]] expected<std::size_t, error> encode_into(Out&& out, const Data& message, int version) {
    return encode_into<typename Data::struct_type>(out, message, version);
}
/// The same where the version is known at compile time, which is faster.
template <class M, int V>
[[nodiscard]] expected<std::size_t, error> encode_into(std::span<std::byte> out,
                                                       const typename M::data& message) {
    detail::require_version<M, V>();
    return detail::encode_at<M, V>(out, message, V);
}
template <class M, int V>
[[nodiscard]] expected<std::size_t, error> encode_into(unique_buffer& out, const typename M::data& message) {
    detail::require_version<M, V>();
    return detail::encode_at<M, V>(out, message, V);
}
template <class M, int V>
[[nodiscard]] expected<std::size_t, error> encode_into(buffer_chain& out, const typename M::data& message) {
    detail::require_version<M, V>();
    return detail::encode_at<M, V>(out, message, V);
}

} // namespace kwire::inline KWIRE_ABI
