// Which of its two system interfaces Asio uses is chosen when a program is compiled, so each is a program.
#pragma once

#include <boost/asio/detail/config.hpp>

#include <string_view>

namespace line_server {

#if defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT)
inline constexpr std::string_view own_backend = "io_uring";
#else
inline constexpr std::string_view own_backend = "epoll";
#endif

/// Becomes the program for the other backend, which lies beside this one, with the same arguments. Returns
/// only if that is not possible.
void become_other_backend(char** arguments);

} // namespace line_server
