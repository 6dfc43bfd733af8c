/// Internal: Boost.Asio, or standalone Asio if KWIRE_STANDALONE_ASIO is defined, under one name.
#pragma once

#include <kwire/error.hpp>

#if defined(KWIRE_STANDALONE_ASIO)
#include <system_error>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/compose.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#else
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_category.hpp>
#endif

#include <string>
#include <system_error>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

namespace detail {

#if defined(KWIRE_STANDALONE_ASIO)
namespace net = ::asio;
using asio_error = std::error_code;
using asio_category = std::error_category;
[[nodiscard]] inline const asio_category& system_errors() noexcept {
    return net::error::get_system_category();
}
#else
namespace net = ::boost::asio;
using asio_error = boost::system::error_code;
using asio_category = boost::system::error_category;
[[nodiscard]] inline const asio_category& system_errors() noexcept {
    return boost::system::system_category();
}
#endif

/// Values are one more than those of errc, since 0 must mean success.
class errc_category final : public asio_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "kwire"; }
    [[nodiscard]] std::string message(int value) const override {
        return std::string(name_of(static_cast<errc>(value - 1)));
    }
};

/// Whether a composed operation was cancelled, perhaps while nothing of it was in progress that could end.
template <class Self>
[[nodiscard]] bool was_cancelled(const Self& self) noexcept {
    return self.get_cancellation_state().cancelled() != net::cancellation_type::none;
}

[[nodiscard]] inline asio_error system_error(std::errc code) noexcept {
    return {static_cast<int>(code), system_errors()};
}

} // namespace detail

/// The category of Asio's error codes for kwire's own errors.
[[nodiscard]] inline const detail::asio_category& error_category() noexcept {
    static const detail::errc_category category;
    return category;
}

/// Makes `ec == kwire::errc::frame_too_large` compile. For the details ask the object that refused the bytes.
[[nodiscard]] inline detail::asio_error make_error_code(errc code) noexcept {
    return {static_cast<int>(code) + 1, error_category()};
}

} // namespace kwire::inline KWIRE_ABI

#if defined(KWIRE_STANDALONE_ASIO)
template <>
struct std::is_error_code_enum<kwire::errc> : std::true_type {};
#else
template <>
struct boost::system::is_error_code_enum<kwire::errc> : std::true_type {};
#endif
