/// Fixed-width structs laid over bytes in place: no copy, at any address.
///
///     struct entry { kwire::big_int64 offset; kwire::big_int32 size; };
///     if (auto at = kwire::overlay<entry>(bytes)) use((*at)->offset);
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/wire/endian.hpp>

#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <type_traits>

namespace kwire {

namespace detail {

/// A temporary that owns the bytes it would be read from, such as a vector that a function returns: what
/// points into it dangles at once. A temporary span does not; a moved-from variable is taken for one too.
template <class T>
concept temporary_owner =
    !std::is_lvalue_reference_v<T> && !std::ranges::enable_borrowed_range<std::remove_cv_t<T>> &&
    std::is_convertible_v<T, std::span<const std::byte>>;

} // namespace detail

/// A type that may be laid over bytes: its alignment is 1, it has no padding, and copying its bytes copies
/// it.
///
/// Build such structs of big<T>, uuid, std::byte, (u)int8 and arrays of these. No bool: most bytes are none.
template <class T>
concept overlayable =
    std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T> &&
    alignof(T) == 1 && std::has_unique_object_representations_v<T> && !std::is_empty_v<T> &&
    !std::is_same_v<std::remove_cv_t<T>, bool> && std::is_same_v<T, std::remove_cv_t<T>>;

/// The `T` at `p`, for bytes that are known to hold one; valid while they are.
///
/// Here is the only cast from bytes to a type in kwire. It is sound because `T` is an implicit-lifetime type:
/// the array of std::byte that holds the bytes has created a T there, which has its value from the bytes put
/// in since ([intro.object]), and std::launder gives the pointer to it. No address is misaligned for
/// alignment 1, no byte is padding, and all members are bytes underneath, so that access through them aliases
/// whatever it may meet.
template <overlayable T>
[[nodiscard]] inline const T& overlay_trusted(const std::byte* p) noexcept {
    // NOLINTNEXTLINE(bugprone-casting-through-void): see above
    return *std::launder(static_cast<const T*>(static_cast<const void*>(p)));
}
/// The same for bytes that may be written to.
template <overlayable T>
[[nodiscard]] inline T& overlay_trusted(std::byte* p) noexcept {
    return const_cast<T&>(overlay_trusted<T>(static_cast<const std::byte*>(p)));
}

/// The `T` at the beginning of `bytes`, which may be longer; valid while they are.
///
/// errc::truncated, with the bytes needed and left, if there are fewer than sizeof(T).
template <overlayable T>
[[nodiscard]] inline expected<const T*, error> overlay(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(T))
        return unexpected{error{.code = errc::truncated, .needed = sizeof(T), .left = bytes.size()}};
    return &overlay_trusted<T>(bytes.data());
}
template <overlayable T, detail::temporary_owner Owner>
expected<const T*, error> overlay(Owner&& bytes) = delete;

/// As overlay, for bytes that may be written to: assigning to a member changes them.
template <overlayable T>
[[nodiscard]] inline expected<T*, error> overlay_writable(std::span<std::byte> bytes) noexcept {
    if (bytes.size() < sizeof(T))
        return unexpected{error{.code = errc::truncated, .needed = sizeof(T), .left = bytes.size()}};
    return &overlay_trusted<T>(bytes.data());
}

/// The bytes of `value` itself, as they go on the wire; valid while `value` is.
template <overlayable T>
[[nodiscard]] inline std::span<const std::byte, sizeof(T)> as_bytes(const T& value) noexcept {
    return std::as_bytes(std::span<const T, 1>(&value, 1));
}
template <overlayable T>
void as_bytes(const T&& value) = delete;

/// The bytes of `value`, to be written to: every pattern is a value.
template <overlayable T>
[[nodiscard]] inline std::span<std::byte, sizeof(T)> as_writable_bytes(T& value) noexcept {
    return std::as_writable_bytes(std::span<T, 1>(&value, 1));
}

/// Whether a `T` takes the same number of bytes on the wire whatever its value, and how many.
///
/// Known for numbers, bool, uuid and everything overlayable; for the structs of messages it depends on the
/// version `V` and is given where they are described. nullopt means that it depends on the value. It is an
/// optional because a message without fields has a fixed size too: 0 bytes.
///
///     static_assert(kwire::fixed_wire_size<std::int32_t> == 4);
template <class T, int V = -1>
inline constexpr std::optional<std::size_t> fixed_wire_size =
    wire::number<T> || std::is_same_v<T, bool> || overlayable<T> ? std::optional(sizeof(T)) : std::nullopt;

} // namespace kwire
