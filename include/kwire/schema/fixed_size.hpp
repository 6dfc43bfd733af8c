/// Whether a struct of a message always takes the same number of bytes, known at compile time.
///
///     static_assert(kwire::fixed_wire_size<kwire::fetch_request::partition, 0> == 16);
#pragma once

#include <kwire/schema/detail/draft.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <optional>

namespace kwire::inline KWIRE_ABI {

/// The size of a message or struct at version `V` if every value has it, else nullopt. Structs of flexible
/// versions have none, since any peer may add tags to them (KIP-482).
template <class S, int V>
    requires requires { S::template fields<>; }
inline constexpr std::optional<std::size_t> fixed_wire_size<S, V> = [] {
    static_assert(message_of<S>::facts.versions.contains(V), "say which version: the size depends on it");
    constexpr const detail::struct_layout& layout = detail::layout_at<S, V>;
    return layout.step_count == 0 && !layout.flexible ? std::optional<std::size_t>(layout.tail)
                                                      : std::nullopt;
}();

} // namespace kwire::inline KWIRE_ABI
