/// What `parse` returns: a std::expected that does not let go of what it holds unseen.
///
///     auto request = kwire::parse<kwire::fetch_request>(body, version);     // has a name, so it stays
///     if (!request) return reject(request.error());
///     for (auto topic : (*request)->topics()) ...
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>

#include <expected>

namespace kwire {

/// A `T` that keeps alive what it shows, or the reason why there is none. Converts to std::expected.
///
/// Different from it in one thing: `->` of a temporary does not compile. `parse(...)->view()` would not ask
/// whether there is a message, and what it shows would be gone at the end of the line.
template <class T>
class result : public std::expected<T, error> {
public:
    using std::expected<T, error>::expected;

    [[nodiscard]] constexpr T* operator->() & noexcept KWIRE_LIFETIMEBOUND {
        return std::expected<T, error>::operator->();
    }
    [[nodiscard]] constexpr const T* operator->() const& noexcept KWIRE_LIFETIMEBOUND {
        return std::expected<T, error>::operator->();
    }
    const T* operator->() const&& = delete;
};

} // namespace kwire
