/// Internal: reads and writes of a socket that are tried at once, before anything waits.
#pragma once

#include <kwire/asio/detail/library.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/connect/posix.hpp>
#include <kwire/expected.hpp>

#include <concepts>
#include <cstddef>
#include <system_error>
#include <utility>

namespace kwire::detail {

[[nodiscard]] inline bool would_block(const asio_error& ec) noexcept {
    return ec == net::error::would_block || ec == net::error::try_again;
}

// With io_uring the kernel reads and writes itself, and need not be asked first whether it could.
#if defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT) || defined(ASIO_HAS_IO_URING_AS_DEFAULT)
inline constexpr bool completes = true;
#else
inline constexpr bool completes = false;
#endif

#if defined(KWIRE_HAS_POSIX_IO)
/// A stream whose bytes are those of a descriptor: TCP and Unix sockets. Not ssl::stream, and not a pipe,
/// which cannot be waited for.
template <class Stream>
concept native_stream = !completes && requires(Stream& stream, asio_error& ec) {
    { stream.native_handle() } -> std::convertible_to<int>;
    { stream.native_non_blocking() } -> std::same_as<bool>;
    stream.native_non_blocking(true, ec);
    stream.async_wait(Stream::wait_read, [](asio_error) {});
};

/// One read. Sets eof at the end of the stream, would_block if nothing is there.
template <native_stream Stream, class Memory>
std::size_t read_now(Stream& stream, basic_frame_reader<Memory>& reader, asio_error& ec) {
    ec = {};
    if (!stream.native_non_blocking()) stream.native_non_blocking(true, ec);
    if (ec) return 0;
    const expected<std::size_t, std::errc> n = kwire::read_some(stream.native_handle(), reader);
    if (!n)
        ec = system_error(n.error());
    else if (*n == 0)
        ec = net::error::eof;
    return n.value_or(0);
}

/// Writes until nothing is left or the socket takes no more, which is would_block if nothing was taken.
template <native_stream Stream>
std::uint64_t write_now(Stream& stream, outbox& out, asio_error& ec) {
    ec = {};
    if (!stream.native_non_blocking()) stream.native_non_blocking(true, ec);
    if (ec) return 0;
    const expected<std::uint64_t, std::errc> n = kwire::write_some(stream.native_handle(), out);
    if (!n) ec = system_error(n.error());
    return n.value_or(0);
}
#else
/// Elsewhere all streams are read and written by Asio.
template <class Stream>
concept native_stream = false;
#endif

} // namespace kwire::detail
