/// Internal: what own_expected.hpp throws, and its tag.
#pragma once

#include <kwire/detail/config.hpp>

#include <cstdlib>
#include <exception>
#include <utility>

namespace kwire::detail::own {

/// Tells constructors of an expected that the arguments are its error's.
struct unexpect_t {
    explicit unexpect_t() = default;
};
inline constexpr unexpect_t unexpect{};

template <class E>
class bad_expected_access;

/// The base of what value() throws, whatever the type of the error.
template <>
class bad_expected_access<void> : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override {
        return "bad access to expected without a value";
    }

protected:
    bad_expected_access() noexcept = default;
    bad_expected_access(const bad_expected_access&) noexcept = default;
    bad_expected_access(bad_expected_access&&) noexcept = default;
    bad_expected_access& operator=(const bad_expected_access&) noexcept = default;
    bad_expected_access& operator=(bad_expected_access&&) noexcept = default;
    ~bad_expected_access() override = default;
};

/// What value() throws: the error.
template <class E>
class bad_expected_access : public bad_expected_access<void> {
public:
    explicit bad_expected_access(E error) : error_(std::move(error)) {}
    [[nodiscard]] E& error() & noexcept { return error_; }
    [[nodiscard]] const E& error() const& noexcept { return error_; }
    [[nodiscard]] E&& error() && noexcept { return std::move(error_); }
    [[nodiscard]] const E&& error() const&& noexcept { return std::move(error_); }

private:
    E error_;
};

template <class E>
[[noreturn]] void throw_error(E&& error) {
#if defined(__cpp_exceptions)
    throw bad_expected_access<std::decay_t<E>>(std::forward<E>(error));
#else
    static_cast<void>(error);
    std::abort();
#endif
}

} // namespace kwire::detail::own
