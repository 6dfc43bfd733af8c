/// What `parse` returns: a kwire::expected through which `->` reaches the message's fields.
///
///     auto request = kwire::parse<kwire::fetch_request>(body, version);     // named, so it lives on
///     if (!request) return reject(request.error());
///     for (auto topic : request->topics()) ...
#pragma once

#include <kwire/buffer/held.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// A message (or something else that keeps bytes alive), or the reason why there is none. Converts to
/// kwire::expected.
///
/// Different from it in two things. `->` goes through the message to its view, so `request->topics()` needs
/// no second star; `*request` is the message. And `->` of a temporary does not compile:
/// `parse(...)->topics()` would not ask whether there is a message, and what it shows would be gone at the
/// end of the line.
template <class T>
class result : public expected<T, error> {
    using base = expected<T, error>;

public:
    using base::base;

    /// @pre has_value()
    [[nodiscard]] constexpr auto operator->() & noexcept KWIRE_LIFETIMEBOUND {
        return reach(base::operator*());
    }
    [[nodiscard]] constexpr auto operator->() const& noexcept KWIRE_LIFETIMEBOUND {
        return reach(base::operator*());
    }
    const T* operator->() const&& = delete; // name the result, and ask whether it has a value

    /// What the message's own functions of these names return. @pre has_value()
    template <view_of_bytes V>
    [[nodiscard]] std::optional<held<V>> hold(V part) const {
        return base::operator*().hold(part);
    }
    /// The bytes of a part, with a reference of its own; nullopt if they lie elsewhere, or if this is an
    /// error.
    [[nodiscard]] std::optional<shared_buffer> slice(std::span<const std::byte> part) const noexcept
        requires requires(const T& message) { message.slice(part); }
    {
        return base::operator*().slice(part);
    }
    /// The bytes of a part, with a reference of its own; nullopt if they lie elsewhere, or if this is an
    /// error.
    [[nodiscard]] std::optional<shared_buffer> slice(std::string_view part) const noexcept
        requires requires(const T& message) { message.slice(part); }
    {
        return base::operator*().slice(part);
    }

private:
    template <class U>
    static constexpr auto reach(U& value) noexcept {
        if constexpr (requires { value.view(); })
            return value.operator->();
        else
            return &value;
    }
};

} // namespace kwire::inline KWIRE_ABI
