/// Internal: changes to a shared_buffer, whose bytes others may hold, for patch.hpp and stamp.hpp.
#pragma once

#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/if_shared.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace kwire::detail {

/// Calls `change` with the writable bytes of `buffer`, or of a copy that replaces it if `policy` allows that.
template <class Change>
[[nodiscard]] auto change_in_place(shared_buffer& buffer, if_shared policy, Change change)
    -> decltype(change(std::span<std::byte>())) {
    auto unique = std::move(buffer).try_into_unique();
    if (!unique) {
        buffer = std::move(unique).error();
        if (policy == if_shared::refuse)
            return unexpected{error{.code = buffer_access::refusal(buffer), .located = false}};
        unique_buffer copy = unique_buffer::with_capacity(buffer.size());
        copy.append(buffer);
        auto done = change(copy.span());
        if (done) buffer = std::move(copy).freeze();
        return done;
    }
    auto done = change(unique->span());
    buffer = std::move(*unique).freeze();
    return done;
}

} // namespace kwire::detail
