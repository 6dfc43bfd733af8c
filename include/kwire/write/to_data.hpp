/// From a message to a `data` struct of its own, to be kept or changed and encoded again.
///
///     auto data = kwire::to_data(*request);         // bytes and records stay where they are
///     data.topics.erase(data.topics.begin());
///     auto out = kwire::encode<kwire::metadata_response>(data, version);
///
/// `data` takes more memory than the bytes that it was read from, up to 46 times as much: what strangers send
/// is read through views, or with a limit.
///
///     auto bounded = kwire::to_data(*request, {.memory_limit = 1 << 20});
///     if (!bounded) return refuse(bounded.error()); // MetadataResponse v12 topics: memory_limit_exceeded ...
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/held.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/result.hpp>
#include <kwire/schema/detail/data.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/write/detail/data_memory.hpp>
#include <kwire/write/detail/data_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

template <class M, int V>
class editable; // read/edit.hpp

/// How much memory the forms of `to_data` with a limit may take.
struct data_limits {
    /// Bytes that they may ask operator new for, in all; the struct that they return is not counted, nor what
    /// an allocator adds. Unset: 16 times the bytes of the message, at least 1 MiB.
    std::optional<std::uint64_t> memory_limit{};
};

namespace detail {

/// The `data` of a view, within a limit.
template <class S, int V>
[[nodiscard]] expected<typename S::data, error>
bounded_data(const struct_view<S, V>& view, const shared_buffer& owner, const data_limits& limits) {
    constexpr std::uint64_t least = 1 << 20;
    constexpr std::uint64_t per_byte = 16;
    const std::uint64_t usual = per_byte * bytes_of(view).size();
    const std::uint64_t limit = limits.memory_limit.value_or(usual > least ? usual : least);
    error failure{.message = message_of<S>::facts.name, .version = version_of(view)};
    data_meter meter(limit, owner, view_access::base(view), failure);
    if (!meter.take_struct(view)) return unexpected(failure);
    return read_data(view, owner);
}

template <class>
inline constexpr bool never = false;

} // namespace detail

/// The values of a message, or of a held part of one, as a `data` struct of their own.
///
/// Bytes and records are slices of its buffer and keep that alive: nothing of them is copied. Everything else
/// is owned, and takes up to 46 times the bytes of the message, in memory that is allocated list by list; if
/// it runs out, std::bad_alloc passes and nothing is kept.
template <class View>
[[nodiscard]] auto to_data(const held<View>& message) {
    return detail::read_data(message.view(), message.buffer());
}
/// The same for a message that the program does not need any more: its reference becomes one of the data's,
/// and it is empty afterwards. If memory runs out, it is as it was.
template <class View>
[[nodiscard]] auto to_data(held<View>&& message) {
    // cost: in their places, for a view that is copied as soon as it is written waits for that: 127 ns
    // instead of 88 for a small Fetch response.
    return detail::held_access::consume(message, [](const View& view, shared_buffer&& bytes) {
        return detail::read_data(view, std::move(bytes));
    });
}
/// The same within a limit. What it takes is measured first, by a second walk: where the limit would be
/// exceeded, nothing is allocated.
///
/// Errors: memory_limit_exceeded, with the path and the offset of the field that would not fit, the bytes of
/// memory that it needs, and those left of the limit. Offsets count from the first byte of the view.
template <class View>
[[nodiscard]] auto to_data(const held<View>& message, const data_limits& limits) {
    return detail::bounded_data(message.view(), message.buffer(), limits);
}

/// The same for what `parse` returned. @pre has_value()
template <class T>
[[nodiscard]] auto to_data(const result<T>& message) {
    return to_data(*message);
}
template <class T>
[[nodiscard]] auto to_data(const result<T>& message, const data_limits& limits) {
    return to_data(*message, limits);
}
/// Not for a temporary result, of which the program cannot know yet whether it has a value.
template <class T>
void to_data(const result<T>&& message) = delete;
template <class T>
void to_data(const result<T>&& message, const data_limits& limits) = delete;

/// The same for a message that was written to: its bytes are shared from here on, as freeze() has it.
template <class M, int V>
[[nodiscard]] auto to_data(editable<M, V>&& message) {
    return to_data(std::move(message).freeze());
}
template <class M, int V>
[[nodiscard]] auto to_data(editable<M, V>&& message, const data_limits& limits) {
    return to_data(std::move(message).freeze(), limits);
}
/// Does not compile, and says what to call.
template <class M, int V>
typename M::data to_data(const editable<M, V>&) {
    static_assert(detail::never<M>,
                  "data shares the bytes, and an editable message must be their only holder: give it up with "
                  "to_data(std::move(message)), or freeze() it first");
    kwire::detail::unreachable();
}

/// A view's values as a `data` struct of their own, with copies of bytes and records, which are counted in
/// copied_bytes(). For views of bytes that no shared_buffer holds; `to_data` copies nothing of those.
template <class S, int V>
[[nodiscard]] typename S::data copy_to_data(const struct_view<S, V>& view) {
    const shared_buffer no_owner;
    return detail::read_data(view, no_owner);
}
/// The same within a limit, which counts the copies. Errors: as `to_data`.
template <class S, int V>
[[nodiscard]] expected<typename S::data, error> copy_to_data(const struct_view<S, V>& view,
                                                             const data_limits& limits) {
    const shared_buffer no_owner;
    return detail::bounded_data(view, no_owner, limits);
}

/// Does not compile, and says what to call.
template <class S, int V>
typename S::data to_data(const struct_view<S, V>&) {
    static_assert(detail::never<S>,
                  "a view does not keep its bytes alive, so its data could not refer to them: give to_data "
                  "the message (to_data(message), not to_data(*message)) or message.hold(view), or call "
                  "copy_to_data(view), which copies all payloads");
    kwire::detail::unreachable();
}

} // namespace kwire::inline KWIRE_ABI
