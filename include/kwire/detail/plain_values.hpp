/// Moving numbers and pointers about, in classes that everybody compiles: std::exchange and std::swap first
/// find out which operations could throw, and that takes the compiler longer than the classes themselves.
#pragma once

namespace kwire::detail {

/// The value of `from`, which is zero or null afterwards.
template <class T>
constexpr T take(T& from) noexcept {
    const T value = from;
    from = T{};
    return value;
}

template <class T>
constexpr void swap_values(T& a, T& b) noexcept {
    const T value = a;
    a = b;
    b = value;
}

} // namespace kwire::detail
