/// Internal: what kwire::expected is where the standard library has no std::expected.
///
/// The interface and the rules are those of std::expected in C++23, so that programs and kwire's headers are
/// the same in C++20: trivial where `T` and `E` are, and constexpr. One test runs over this and over
/// std::expected. value() throws bad_expected_access; without exceptions it aborts.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/detail/own_expected_access.hpp>

#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

// Conversions and comparisons of a caller's types happen here, of which compilers warn in no standard header.
KWIRE_SYSTEM_HEADER

namespace kwire::detail::own {

template <class T, class E>
class expected;

/// An error on its way into an expected.
template <class E>
class unexpected {
public:
    constexpr unexpected(const unexpected&) = default;
    constexpr unexpected(unexpected&&) = default;
    template <class G = E>
        requires(!std::is_same_v<std::remove_cvref_t<G>, unexpected> &&
                 !std::is_same_v<std::remove_cvref_t<G>, std::in_place_t> && std::is_constructible_v<E, G>)
    constexpr explicit unexpected(G&& error) noexcept(std::is_nothrow_constructible_v<E, G>)
        : error_(std::forward<G>(error)) {}
    template <class... Args>
        requires std::is_constructible_v<E, Args...>
    constexpr explicit unexpected(std::in_place_t,
                                  Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>)
        : error_(std::forward<Args>(args)...) {}
    template <class U, class... Args>
        requires std::is_constructible_v<E, std::initializer_list<U>&, Args...>
    constexpr explicit unexpected(std::in_place_t, std::initializer_list<U> list, Args&&... args)
        : error_(list, std::forward<Args>(args)...) {}
    constexpr unexpected& operator=(const unexpected&) = default;
    constexpr unexpected& operator=(unexpected&&) = default;

    [[nodiscard]] constexpr const E& error() const& noexcept { return error_; }
    [[nodiscard]] constexpr E& error() & noexcept { return error_; }
    [[nodiscard]] constexpr const E&& error() const&& noexcept { return std::move(error_); }
    [[nodiscard]] constexpr E&& error() && noexcept { return std::move(error_); }

    constexpr void swap(unexpected& other) noexcept(std::is_nothrow_swappable_v<E>)
        requires std::is_swappable_v<E>
    {
        using std::swap;
        swap(error_, other.error_);
    }
    friend constexpr void swap(unexpected& a, unexpected& b) noexcept(noexcept(a.swap(b)))
        requires std::is_swappable_v<E>
    {
        a.swap(b);
    }
    template <class G>
    [[nodiscard]] friend constexpr bool operator==(const unexpected& a, const unexpected<G>& b) {
        return a.error() == b.error();
    }

private:
    E error_;
};
template <class E>
unexpected(E) -> unexpected<E>;

template <class T>
inline constexpr bool is_expected = false;
template <class T, class E>
inline constexpr bool is_expected<expected<T, E>> = true;
template <class T>
inline constexpr bool is_unexpected = false;
template <class E>
inline constexpr bool is_unexpected<unexpected<E>> = true;

/// Whether an `Other` can become a `T` as a whole, so that it is a value and not an expected to convert.
template <class T, class Other>
inline constexpr bool takes_whole =
    std::is_constructible_v<T, Other&> || std::is_constructible_v<T, Other> ||
    std::is_constructible_v<T, const Other&> || std::is_constructible_v<T, const Other> ||
    std::is_convertible_v<Other&, T> || std::is_convertible_v<Other, T> ||
    std::is_convertible_v<const Other&, T> || std::is_convertible_v<const Other, T>;
template <class E, class Other>
inline constexpr bool is_error =
    std::is_constructible_v<unexpected<E>, Other&> || std::is_constructible_v<unexpected<E>, Other> ||
    std::is_constructible_v<unexpected<E>, const Other&> ||
    std::is_constructible_v<unexpected<E>, const Other>;

/// Ends the life of `from` and begins that of `to` in the same place. Where the constructor throws, `from` is
/// there again: the standard's rule, for which one of the two types must move without throwing.
template <class To, class From, class... Args>
constexpr void change(To* to, From* from,
                      Args&&... args) noexcept(std::is_nothrow_constructible_v<To, Args...>) {
    if constexpr (std::is_nothrow_constructible_v<To, Args...>) {
        std::destroy_at(from);
        std::construct_at(to, std::forward<Args>(args)...);
    } else if constexpr (std::is_nothrow_move_constructible_v<To>) {
        To made(std::forward<Args>(args)...);
        std::destroy_at(from);
        std::construct_at(to, std::move(made));
    } else {
        struct restorer {
            From kept;
            From* back;
            constexpr restorer(From* at) : kept(std::move(*at)), back(at) { std::destroy_at(at); }
            constexpr ~restorer() {
                if (back != nullptr) std::construct_at(back, std::move(kept));
            }
        } restore(from);
        std::construct_at(to, std::forward<Args>(args)...);
        restore.back = nullptr;
    }
}

/// As std::invoke, which would bring <functional>.
template <class F, class... Value>
constexpr std::invoke_result_t<F, Value...> call(F&& f, Value&&... value) {
    if constexpr (std::is_member_object_pointer_v<std::remove_cvref_t<F>>) {
        return [&](auto&& of) -> std::invoke_result_t<F, Value...> {
            using of_type = decltype(of);
            if constexpr (requires { static_cast<of_type>(of).*f; })
                return static_cast<of_type>(of).*f;
            else if constexpr (requires { of.get().*f; })
                return of.get().*f;
            else
                return (*static_cast<of_type>(of)).*f;
        }(std::forward<Value>(value)...);
    } else if constexpr (std::is_member_function_pointer_v<std::remove_cvref_t<F>>) {
        return [&](auto&& of) -> std::invoke_result_t<F, Value...> {
            using of_type = decltype(of);
            if constexpr (requires { (static_cast<of_type>(of).*f)(); })
                return (static_cast<of_type>(of).*f)();
            else if constexpr (requires { (of.get().*f)(); })
                return (of.get().*f)();
            else
                return ((*static_cast<of_type>(of)).*f)();
        }(std::forward<Value>(value)...);
    } else {
        return std::forward<F>(f)(std::forward<Value>(value)...);
    }
}

/// For constructors: the value, or the error, is what the function returns.
struct value_of_t {};
struct error_of_t {};

template <class F, class Self>
struct result_with_value : std::invoke_result<F, decltype(*std::declval<Self>())> {};
template <class F, class Self>
    requires std::is_void_v<typename std::remove_cvref_t<Self>::value_type>
struct result_with_value<F, Self> : std::invoke_result<F> {};

template <class Self, class F>
constexpr auto and_then(Self&& self, F&& f) {
    using result = std::remove_cvref_t<typename result_with_value<F, Self>::type>;
    using self_type = std::remove_cvref_t<Self>;
    static_assert(is_expected<result>, "and_then takes a function that returns an expected");
    static_assert(std::is_same_v<typename result::error_type, typename self_type::error_type>,
                  "and_then takes a function that returns an expected with the same type of errors");
    if (!self.has_value()) return result(unexpect, std::forward<Self>(self).error());
    if constexpr (std::is_void_v<typename self_type::value_type>)
        return result(call(std::forward<F>(f)));
    else
        return result(call(std::forward<F>(f), *std::forward<Self>(self)));
}

template <class Self, class F>
constexpr auto or_else(Self&& self, F&& f) {
    using result = std::remove_cvref_t<std::invoke_result_t<F, decltype(std::declval<Self>().error())>>;
    using self_type = std::remove_cvref_t<Self>;
    static_assert(is_expected<result>, "or_else takes a function that returns an expected");
    static_assert(std::is_same_v<typename result::value_type, typename self_type::value_type>,
                  "or_else takes a function that returns an expected with the same type of values");
    if (!self.has_value()) return result(call(std::forward<F>(f), std::forward<Self>(self).error()));
    if constexpr (std::is_void_v<typename self_type::value_type>)
        return result();
    else
        return result(std::in_place, *std::forward<Self>(self));
}

template <class Self, class F>
constexpr auto transform(Self&& self, F&& f) {
    using self_type = std::remove_cvref_t<Self>;
    using value = std::remove_cv_t<typename result_with_value<F, Self>::type>;
    using result = expected<value, typename self_type::error_type>;
    if (!self.has_value()) return result(unexpect, std::forward<Self>(self).error());
    const auto made = [&]() -> value {
        if constexpr (std::is_void_v<typename self_type::value_type>)
            return call(std::forward<F>(f));
        else
            return call(std::forward<F>(f), *std::forward<Self>(self));
    };
    if constexpr (std::is_void_v<value>) {
        made();
        return result();
    } else {
        return result(value_of_t{}, made);
    }
}

template <class Self, class F>
constexpr auto transform_error(Self&& self, F&& f) {
    using self_type = std::remove_cvref_t<Self>;
    using error = std::remove_cv_t<std::invoke_result_t<F, decltype(std::declval<Self>().error())>>;
    using result = expected<typename self_type::value_type, error>;
    if (!self.has_value())
        return result(error_of_t{},
                      [&]() -> error { return call(std::forward<F>(f), std::forward<Self>(self).error()); });
    if constexpr (std::is_void_v<typename self_type::value_type>)
        return result();
    else
        return result(std::in_place, *std::forward<Self>(self));
}

template <class T, class E>
class expected {
    static_assert(std::is_object_v<T> && !std::is_array_v<T> && !is_unexpected<std::remove_cv_t<T>> &&
                      !std::is_same_v<std::remove_cv_t<T>, std::in_place_t> &&
                      !std::is_same_v<std::remove_cv_t<T>, unexpect_t>,
                  "an expected has a value of an object type or void");

    static constexpr bool trivial_copy =
        std::is_trivially_copy_constructible_v<T> && std::is_trivially_copy_constructible_v<E>;
    static constexpr bool trivial_move =
        std::is_trivially_move_constructible_v<T> && std::is_trivially_move_constructible_v<E>;
    static constexpr bool trivial_end =
        std::is_trivially_destructible_v<T> && std::is_trivially_destructible_v<E>;
    static constexpr bool nothrow_move =
        std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_constructible_v<E>;
    static constexpr bool one_moves =
        std::is_nothrow_move_constructible_v<T> || std::is_nothrow_move_constructible_v<E>;
    template <class U, class G, class FromU, class FromG>
    static constexpr bool converts =
        std::is_constructible_v<T, FromU> && std::is_constructible_v<E, FromG> &&
        (std::is_same_v<std::remove_cv_t<T>, bool> || !takes_whole<T, expected<U, G>>) &&
        !is_error<E, expected<U, G>>;
    template <class U>
    static constexpr bool is_value =
        !std::is_same_v<std::remove_cvref_t<U>, expected> && !is_unexpected<std::remove_cvref_t<U>>;

public:
    using value_type = T;
    using error_type = E;
    using unexpected_type = unexpected<E>;
    template <class U>
    using rebind = expected<U, E>;

    constexpr expected() noexcept(std::is_nothrow_default_constructible_v<T>)
        requires std::is_default_constructible_v<T>
        : value_(), has_value_(true) {}

    constexpr expected(const expected&)
        requires trivial_copy
    = default;
    constexpr expected(const expected& other)
        requires(!trivial_copy && std::is_copy_constructible_v<T> && std::is_copy_constructible_v<E>)
        : nothing_(), has_value_(other.has_value_) {
        begin(other);
    }
    constexpr expected(expected&&)
        requires trivial_move
    = default;
    constexpr expected(expected&& other) noexcept(nothrow_move)
        requires(!trivial_move && std::is_move_constructible_v<T> && std::is_move_constructible_v<E>)
        : nothing_(), has_value_(other.has_value_) {
        begin(std::move(other));
    }

    template <class U, class G>
        requires converts<U, G, const U&, const G&>
    constexpr explicit(!std::is_convertible_v<const U&, T> || !std::is_convertible_v<const G&, E>)
        expected(const expected<U, G>& other)
        : nothing_(), has_value_(other.has_value()) {
        begin(other);
    }
    template <class U, class G>
        requires converts<U, G, U, G>
    constexpr explicit(!std::is_convertible_v<U, T> || !std::is_convertible_v<G, E>)
        expected(expected<U, G>&& other)
        : nothing_(), has_value_(other.has_value()) {
        begin(std::move(other));
    }
    template <class U = T>
        requires(is_value<U> && !std::is_same_v<std::remove_cvref_t<U>, std::in_place_t> &&
                 std::is_constructible_v<T, U> &&
                 !(std::is_same_v<std::remove_cv_t<T>, bool> && is_expected<std::remove_cvref_t<U>>))
    constexpr explicit(!std::is_convertible_v<U, T>)
        expected(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>)
        : value_(std::forward<U>(value)), has_value_(true) {}
    template <class G>
        requires std::is_constructible_v<E, const G&>
    constexpr explicit(!std::is_convertible_v<const G&, E>)
        expected(const unexpected<G>& error) noexcept(std::is_nothrow_constructible_v<E, const G&>)
        : error_(error.error()), has_value_(false) {}
    template <class G>
        requires std::is_constructible_v<E, G>
    constexpr explicit(!std::is_convertible_v<G, E>)
        expected(unexpected<G>&& error) noexcept(std::is_nothrow_constructible_v<E, G>)
        : error_(std::move(error).error()), has_value_(false) {}
    template <class... Args>
        requires std::is_constructible_v<T, Args...>
    constexpr explicit expected(std::in_place_t,
                                Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>)
        : value_(std::forward<Args>(args)...), has_value_(true) {}
    template <class U, class... Args>
        requires std::is_constructible_v<T, std::initializer_list<U>&, Args...>
    constexpr explicit expected(std::in_place_t, std::initializer_list<U> list, Args&&... args)
        : value_(list, std::forward<Args>(args)...), has_value_(true) {}
    template <class... Args>
        requires std::is_constructible_v<E, Args...>
    constexpr explicit expected(unexpect_t,
                                Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>)
        : error_(std::forward<Args>(args)...), has_value_(false) {}
    template <class U, class... Args>
        requires std::is_constructible_v<E, std::initializer_list<U>&, Args...>
    constexpr explicit expected(unexpect_t, std::initializer_list<U> list, Args&&... args)
        : error_(list, std::forward<Args>(args)...), has_value_(false) {}
    /// For transform and transform_error, whose results are made in place.
    template <class F>
    constexpr expected(value_of_t, F&& f) : value_(f()), has_value_(true) {}
    template <class F>
    constexpr expected(error_of_t, F&& f) : error_(f()), has_value_(false) {}

    constexpr ~expected()
        requires trivial_end
    = default;
    constexpr ~expected()
        requires(!trivial_end)
    {
        end();
    }

    constexpr expected& operator=(const expected& other)
        requires(std::is_copy_assignable_v<T> && std::is_copy_constructible_v<T> &&
                 std::is_copy_assignable_v<E> && std::is_copy_constructible_v<E> && one_moves)
    {
        assign(other);
        return *this;
    }
    constexpr expected& operator=(expected&& other) noexcept(nothrow_move &&
                                                             std::is_nothrow_move_assignable_v<T> &&
                                                             std::is_nothrow_move_assignable_v<E>)
        requires(std::is_move_assignable_v<T> && std::is_move_constructible_v<T> &&
                 std::is_move_assignable_v<E> && std::is_move_constructible_v<E> && one_moves)
    {
        assign(std::move(other));
        return *this;
    }
    template <class U = T>
        requires(is_value<U> && std::is_constructible_v<T, U> && std::is_assignable_v<T&, U> &&
                 (std::is_nothrow_constructible_v<T, U> || one_moves))
    constexpr expected& operator=(U&& value) {
        if (has_value_) {
            value_ = std::forward<U>(value);
        } else {
            change(std::addressof(value_), std::addressof(error_), std::forward<U>(value));
            has_value_ = true;
        }
        return *this;
    }
    template <class G>
        requires(std::is_constructible_v<E, const G&> && std::is_assignable_v<E&, const G&> &&
                 (std::is_nothrow_constructible_v<E, const G&> || one_moves))
    constexpr expected& operator=(const unexpected<G>& error) {
        assign_error(error.error());
        return *this;
    }
    template <class G>
        requires(std::is_constructible_v<E, G> && std::is_assignable_v<E&, G> &&
                 (std::is_nothrow_constructible_v<E, G> || one_moves))
    constexpr expected& operator=(unexpected<G>&& error) {
        assign_error(std::move(error).error());
        return *this;
    }
    template <class... Args>
        requires std::is_nothrow_constructible_v<T, Args...>
    constexpr T& emplace(Args&&... args) noexcept {
        end();
        has_value_ = true;
        return *std::construct_at(std::addressof(value_), std::forward<Args>(args)...);
    }
    template <class U, class... Args>
        requires std::is_nothrow_constructible_v<T, std::initializer_list<U>&, Args...>
    constexpr T& emplace(std::initializer_list<U> list, Args&&... args) noexcept {
        end();
        has_value_ = true;
        return *std::construct_at(std::addressof(value_), list, std::forward<Args>(args)...);
    }

    constexpr void swap(expected& other) noexcept(nothrow_move && std::is_nothrow_swappable_v<T> &&
                                                  std::is_nothrow_swappable_v<E>)
        requires(std::is_swappable_v<T> && std::is_swappable_v<E> && std::is_move_constructible_v<T> &&
                 std::is_move_constructible_v<E> && one_moves)
    {
        using std::swap;
        if (has_value_ && other.has_value_)
            swap(value_, other.value_);
        else if (has_value_)
            swap_with_error(other);
        else if (other.has_value_)
            other.swap_with_error(*this);
        else
            swap(error_, other.error_);
    }
    friend constexpr void swap(expected& a, expected& b) noexcept(noexcept(a.swap(b)))
        requires requires { a.swap(b); }
    {
        a.swap(b);
    }

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value_; }
    [[nodiscard]] constexpr bool has_value() const noexcept { return has_value_; }
    [[nodiscard]] constexpr const T* operator->() const noexcept { return std::addressof(value_); }
    [[nodiscard]] constexpr T* operator->() noexcept { return std::addressof(value_); }
    [[nodiscard]] constexpr const T& operator*() const& noexcept { return value_; }
    [[nodiscard]] constexpr T& operator*() & noexcept { return value_; }
    [[nodiscard]] constexpr const T&& operator*() const&& noexcept { return std::move(value_); }
    [[nodiscard]] constexpr T&& operator*() && noexcept { return std::move(value_); }
    constexpr const T& value() const& {
        if (!has_value_) throw_error(error_);
        return value_;
    }
    constexpr T& value() & {
        if (!has_value_) throw_error(std::as_const(error_));
        return value_;
    }
    constexpr const T&& value() const&& {
        if (!has_value_) throw_error(std::move(error_));
        return std::move(value_);
    }
    constexpr T&& value() && {
        if (!has_value_) throw_error(std::move(error_));
        return std::move(value_);
    }
    [[nodiscard]] constexpr const E& error() const& noexcept { return error_; }
    [[nodiscard]] constexpr E& error() & noexcept { return error_; }
    [[nodiscard]] constexpr const E&& error() const&& noexcept { return std::move(error_); }
    [[nodiscard]] constexpr E&& error() && noexcept { return std::move(error_); }

    template <class U>
    [[nodiscard]] constexpr T value_or(U&& other) const& {
        return has_value_ ? value_ : static_cast<T>(std::forward<U>(other));
    }
    template <class U>
    [[nodiscard]] constexpr T value_or(U&& other) && {
        return has_value_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
    }
    template <class G = E>
    [[nodiscard]] constexpr E error_or(G&& other) const& {
        if (has_value_) return std::forward<G>(other);
        return error_;
    }
    template <class G = E>
    [[nodiscard]] constexpr E error_or(G&& other) && {
        if (has_value_) return std::forward<G>(other);
        return std::move(error_);
    }

    template <class F>
        requires std::is_constructible_v<E, E&>
    constexpr auto and_then(F&& f) & {
        return own::and_then(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E&>
    constexpr auto and_then(F&& f) const& {
        return own::and_then(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, E>
    constexpr auto and_then(F&& f) && {
        return own::and_then(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E>
    constexpr auto and_then(F&& f) const&& {
        return own::and_then(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, T&>
    constexpr auto or_else(F&& f) & {
        return own::or_else(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, const T&>
    constexpr auto or_else(F&& f) const& {
        return own::or_else(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, T>
    constexpr auto or_else(F&& f) && {
        return own::or_else(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, const T>
    constexpr auto or_else(F&& f) const&& {
        return own::or_else(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, E&>
    constexpr auto transform(F&& f) & {
        return own::transform(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E&>
    constexpr auto transform(F&& f) const& {
        return own::transform(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, E>
    constexpr auto transform(F&& f) && {
        return own::transform(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E>
    constexpr auto transform(F&& f) const&& {
        return own::transform(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, T&>
    constexpr auto transform_error(F&& f) & {
        return own::transform_error(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, const T&>
    constexpr auto transform_error(F&& f) const& {
        return own::transform_error(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, T>
    constexpr auto transform_error(F&& f) && {
        return own::transform_error(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<T, const T>
    constexpr auto transform_error(F&& f) const&& {
        return own::transform_error(std::move(*this), std::forward<F>(f));
    }

    template <class T2, class E2>
        requires(!std::is_void_v<T2>)
    [[nodiscard]] friend constexpr bool operator==(const expected& a, const expected<T2, E2>& b) {
        if (a.has_value() != b.has_value()) return false;
        return a.has_value() ? bool(*a == *b) : bool(a.error() == b.error());
    }
    template <class T2>
        requires(!is_expected<T2> && !is_unexpected<T2>)
    [[nodiscard]] friend constexpr bool operator==(const expected& a, const T2& value) {
        return a.has_value() && bool(*a == value);
    }
    template <class E2>
    [[nodiscard]] friend constexpr bool operator==(const expected& a, const unexpected<E2>& error) {
        return !a.has_value() && bool(a.error() == error.error());
    }

private:
    struct nothing {};

    // For constructors, after has_value_ was set and while neither lives.
    template <class Other>
    constexpr void begin(Other&& other) {
        if (has_value_)
            std::construct_at(std::addressof(value_), *std::forward<Other>(other));
        else
            std::construct_at(std::addressof(error_), std::forward<Other>(other).error());
    }
    constexpr void end() noexcept {
        if (has_value_)
            std::destroy_at(std::addressof(value_));
        else
            std::destroy_at(std::addressof(error_));
    }
    template <class Other>
    constexpr void assign(Other&& other) {
        if (!other.has_value()) {
            assign_error(std::forward<Other>(other).error());
        } else if (has_value_) {
            value_ = *std::forward<Other>(other);
        } else {
            change(std::addressof(value_), std::addressof(error_), *std::forward<Other>(other));
            has_value_ = true;
        }
    }
    template <class G>
    constexpr void assign_error(G&& error) {
        if (has_value_) {
            change(std::addressof(error_), std::addressof(value_), std::forward<G>(error));
            has_value_ = false;
        } else {
            error_ = std::forward<G>(error);
        }
    }
    constexpr void swap_with_error(expected& other) {
        if constexpr (std::is_nothrow_move_constructible_v<E>) {
            E kept(std::move(other.error_));
            struct restorer {
                E& kept;
                E* back;
                constexpr ~restorer() {
                    if (back != nullptr) std::construct_at(back, std::move(kept));
                }
            } restore{kept, std::addressof(other.error_)};
            std::destroy_at(std::addressof(other.error_));
            std::construct_at(std::addressof(other.value_), std::move(value_));
            restore.back = nullptr;
            std::destroy_at(std::addressof(value_));
            std::construct_at(std::addressof(error_), std::move(kept));
        } else {
            T kept(std::move(value_));
            struct restorer {
                T& kept;
                T* back;
                constexpr ~restorer() {
                    if (back != nullptr) std::construct_at(back, std::move(kept));
                }
            } restore{kept, std::addressof(value_)};
            std::destroy_at(std::addressof(value_));
            std::construct_at(std::addressof(error_), std::move(other.error_));
            restore.back = nullptr;
            std::destroy_at(std::addressof(other.error_));
            std::construct_at(std::addressof(other.value_), std::move(kept));
        }
        has_value_ = false;
        other.has_value_ = true;
    }

    union {
        nothing nothing_;
        T value_;
        E error_;
    };
    bool has_value_;
};

template <class T, class E>
    requires std::is_void_v<T>
class expected<T, E> {
    static constexpr bool nothrow_move = std::is_nothrow_move_constructible_v<E>;
    template <class U, class G, class FromG>
    static constexpr bool converts =
        std::is_void_v<U> && std::is_constructible_v<E, FromG> && !is_error<E, expected<U, G>>;

public:
    using value_type = T;
    using error_type = E;
    using unexpected_type = unexpected<E>;
    template <class U>
    using rebind = expected<U, E>;

    constexpr expected() noexcept : nothing_(), has_value_(true) {}

    constexpr expected(const expected&)
        requires std::is_trivially_copy_constructible_v<E>
    = default;
    constexpr expected(const expected& other)
        requires(!std::is_trivially_copy_constructible_v<E> && std::is_copy_constructible_v<E>)
        : nothing_(), has_value_(other.has_value_) {
        begin(other);
    }
    constexpr expected(expected&&)
        requires std::is_trivially_move_constructible_v<E>
    = default;
    constexpr expected(expected&& other) noexcept(nothrow_move)
        requires(!std::is_trivially_move_constructible_v<E> && std::is_move_constructible_v<E>)
        : nothing_(), has_value_(other.has_value_) {
        begin(std::move(other));
    }

    template <class U, class G>
        requires converts<U, G, const G&>
    constexpr explicit(!std::is_convertible_v<const G&, E>) expected(const expected<U, G>& other)
        : nothing_(), has_value_(other.has_value()) {
        begin(other);
    }
    template <class U, class G>
        requires converts<U, G, G>
    constexpr explicit(!std::is_convertible_v<G, E>) expected(expected<U, G>&& other)
        : nothing_(), has_value_(other.has_value()) {
        begin(std::move(other));
    }
    template <class G>
        requires std::is_constructible_v<E, const G&>
    constexpr explicit(!std::is_convertible_v<const G&, E>)
        expected(const unexpected<G>& error) noexcept(std::is_nothrow_constructible_v<E, const G&>)
        : error_(error.error()), has_value_(false) {}
    template <class G>
        requires std::is_constructible_v<E, G>
    constexpr explicit(!std::is_convertible_v<G, E>)
        expected(unexpected<G>&& error) noexcept(std::is_nothrow_constructible_v<E, G>)
        : error_(std::move(error).error()), has_value_(false) {}
    constexpr explicit expected(std::in_place_t) noexcept : expected() {}
    template <class... Args>
        requires std::is_constructible_v<E, Args...>
    constexpr explicit expected(unexpect_t,
                                Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>)
        : error_(std::forward<Args>(args)...), has_value_(false) {}
    template <class U, class... Args>
        requires std::is_constructible_v<E, std::initializer_list<U>&, Args...>
    constexpr explicit expected(unexpect_t, std::initializer_list<U> list, Args&&... args)
        : error_(list, std::forward<Args>(args)...), has_value_(false) {}
    /// For transform_error, whose result is made in place.
    template <class F>
    constexpr expected(error_of_t, F&& f) : error_(f()), has_value_(false) {}

    constexpr ~expected()
        requires std::is_trivially_destructible_v<E>
    = default;
    constexpr ~expected()
        requires(!std::is_trivially_destructible_v<E>)
    {
        end();
    }

    constexpr expected& operator=(const expected& other)
        requires(std::is_copy_assignable_v<E> && std::is_copy_constructible_v<E>)
    {
        assign(other);
        return *this;
    }
    constexpr expected& operator=(expected&& other) noexcept(nothrow_move &&
                                                             std::is_nothrow_move_assignable_v<E>)
        requires(std::is_move_assignable_v<E> && std::is_move_constructible_v<E>)
    {
        assign(std::move(other));
        return *this;
    }
    template <class G>
        requires(std::is_constructible_v<E, const G&> && std::is_assignable_v<E&, const G&>)
    constexpr expected& operator=(const unexpected<G>& error) {
        assign_error(error.error());
        return *this;
    }
    template <class G>
        requires(std::is_constructible_v<E, G> && std::is_assignable_v<E&, G>)
    constexpr expected& operator=(unexpected<G>&& error) {
        assign_error(std::move(error).error());
        return *this;
    }
    constexpr void emplace() noexcept {
        end();
        has_value_ = true;
    }

    constexpr void swap(expected& other) noexcept(nothrow_move && std::is_nothrow_swappable_v<E>)
        requires(std::is_swappable_v<E> && std::is_move_constructible_v<E>)
    {
        using std::swap;
        if (!has_value_ && !other.has_value_)
            swap(error_, other.error_);
        else if (!has_value_)
            give_error(other);
        else if (!other.has_value_)
            other.give_error(*this);
    }
    friend constexpr void swap(expected& a, expected& b) noexcept(noexcept(a.swap(b)))
        requires requires { a.swap(b); }
    {
        a.swap(b);
    }

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value_; }
    [[nodiscard]] constexpr bool has_value() const noexcept { return has_value_; }
    constexpr void operator*() const noexcept {}
    constexpr void value() const& {
        if (!has_value_) throw_error(error_);
    }
    constexpr void value() && {
        if (!has_value_) throw_error(std::move(error_));
    }
    [[nodiscard]] constexpr const E& error() const& noexcept { return error_; }
    [[nodiscard]] constexpr E& error() & noexcept { return error_; }
    [[nodiscard]] constexpr const E&& error() const&& noexcept { return std::move(error_); }
    [[nodiscard]] constexpr E&& error() && noexcept { return std::move(error_); }
    template <class G = E>
    [[nodiscard]] constexpr E error_or(G&& other) const& {
        if (has_value_) return std::forward<G>(other);
        return error_;
    }
    template <class G = E>
    [[nodiscard]] constexpr E error_or(G&& other) && {
        if (has_value_) return std::forward<G>(other);
        return std::move(error_);
    }

    template <class F>
        requires std::is_constructible_v<E, E&>
    constexpr auto and_then(F&& f) & {
        return own::and_then(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E&>
    constexpr auto and_then(F&& f) const& {
        return own::and_then(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, E>
    constexpr auto and_then(F&& f) && {
        return own::and_then(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E>
    constexpr auto and_then(F&& f) const&& {
        return own::and_then(std::move(*this), std::forward<F>(f));
    }
    template <class F>
    constexpr auto or_else(F&& f) & {
        return own::or_else(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto or_else(F&& f) const& {
        return own::or_else(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto or_else(F&& f) && {
        return own::or_else(std::move(*this), std::forward<F>(f));
    }
    template <class F>
    constexpr auto or_else(F&& f) const&& {
        return own::or_else(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, E&>
    constexpr auto transform(F&& f) & {
        return own::transform(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E&>
    constexpr auto transform(F&& f) const& {
        return own::transform(*this, std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, E>
    constexpr auto transform(F&& f) && {
        return own::transform(std::move(*this), std::forward<F>(f));
    }
    template <class F>
        requires std::is_constructible_v<E, const E>
    constexpr auto transform(F&& f) const&& {
        return own::transform(std::move(*this), std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform_error(F&& f) & {
        return own::transform_error(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform_error(F&& f) const& {
        return own::transform_error(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform_error(F&& f) && {
        return own::transform_error(std::move(*this), std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform_error(F&& f) const&& {
        return own::transform_error(std::move(*this), std::forward<F>(f));
    }

    template <class T2, class E2>
        requires std::is_void_v<T2>
    [[nodiscard]] friend constexpr bool operator==(const expected& a, const expected<T2, E2>& b) {
        if (a.has_value() != b.has_value()) return false;
        return a.has_value() || bool(a.error() == b.error());
    }
    template <class E2>
    [[nodiscard]] friend constexpr bool operator==(const expected& a, const unexpected<E2>& error) {
        return !a.has_value() && bool(a.error() == error.error());
    }

private:
    struct nothing {};

    template <class Other>
    constexpr void begin(Other&& other) {
        if (!has_value_) std::construct_at(std::addressof(error_), std::forward<Other>(other).error());
    }
    constexpr void end() noexcept {
        if (!has_value_) std::destroy_at(std::addressof(error_));
    }
    template <class Other>
    constexpr void assign(Other&& other) {
        if (other.has_value())
            emplace();
        else
            assign_error(std::forward<Other>(other).error());
    }
    template <class G>
    constexpr void assign_error(G&& error) {
        if (has_value_) {
            std::construct_at(std::addressof(error_), std::forward<G>(error));
            has_value_ = false;
        } else {
            error_ = std::forward<G>(error);
        }
    }
    constexpr void give_error(expected& other) {
        std::construct_at(std::addressof(other.error_), std::move(error_));
        other.has_value_ = false;
        emplace();
    }

    union {
        nothing nothing_;
        E error_;
    };
    bool has_value_;
};

} // namespace kwire::detail::own
