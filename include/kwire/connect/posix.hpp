/// Frames and answers over a socket or pipe of a POSIX system, without a framework.
///
///     while (auto n = kwire::read_some(fd, reader)) {
///         if (*n == 0) break; // the end of the stream
///         for (;;) {
///             auto frame = reader.next();
///             if (!frame) return close(frame.error());
///             if (!*frame) break;
///             out.push(answer_to(**frame));
///         }
///         if (!kwire::write_some(fd, out)) break;
///     }
#pragma once

#include <kwire/buffer/mapped_file.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/expected.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

#if __has_include(<sys/socket.h>) && __has_include(<sys/uio.h>)
#define KWIRE_HAS_POSIX_IO 1
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#if defined(KWIRE_ON_LINUX)
#include <sys/sendfile.h>
#endif

namespace kwire {

namespace detail {

template <class Call>
[[nodiscard]] expected<std::size_t, std::errc> retried(Call call) noexcept {
    for (;;) {
        const auto n = call();
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) return unexpected(static_cast<std::errc>(errno));
    }
}

/// For calls that have no MSG_NOSIGNAL: blocks SIGPIPE in this thread and takes back what the call raised.
template <class Call>
[[nodiscard]] expected<std::size_t, std::errc> retried_without_signal(Call call) noexcept {
    ::sigset_t only;
    ::sigset_t before;
    ::sigemptyset(&only);
    ::sigaddset(&only, SIGPIPE);
    if (const int failure = ::pthread_sigmask(SIG_BLOCK, &only, &before); failure != 0)
        return unexpected(static_cast<std::errc>(failure));
    const expected<std::size_t, std::errc> n = retried(call);
    if (::sigismember(&before, SIGPIPE) == 1) return n; // as the program wants it
    ::sigset_t raised;
    int number = 0;
    if (!n && n.error() == std::errc::broken_pipe && ::sigpending(&raised) == 0 &&
        ::sigismember(&raised, SIGPIPE) == 1)
        ::sigwait(&only, &number);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return n;
}

/// One sendmsg of all that fits, without a signal if the peer is gone; writev for a pipe or a file.
[[nodiscard]] inline expected<std::size_t, std::errc> send_pieces(int descriptor,
                                                                  std::span<::iovec> pieces) noexcept {
    ::msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(pieces.size());
#if defined(MSG_NOSIGNAL)
    constexpr int flags = MSG_NOSIGNAL;
#else
    constexpr int flags = 0;
#endif
    auto sent = retried([&] { return ::sendmsg(descriptor, &message, flags); });
    if (!sent && sent.error() == std::errc::not_a_socket)
        sent = retried_without_signal(
            [&] { return ::writev(descriptor, pieces.data(), static_cast<int>(pieces.size())); });
    return sent;
}

#if defined(KWIRE_HAS_MAPPED_FILES) && defined(KWIRE_ON_LINUX)
/// An error if the file has become shorter.
[[nodiscard]] inline expected<std::size_t, std::errc> send_file(int descriptor,
                                                                const file_region& region) noexcept {
    constexpr std::uint64_t most = 0x7fff'0000; // of one call, by the system
    const auto sent = retried_without_signal([&] {
        auto at = static_cast<::off_t>(region.offset);
        const std::uint64_t n = region.size < most ? region.size : most;
        return ::sendfile(descriptor, region.descriptor, &at, static_cast<std::size_t>(n));
    });
    if (sent && *sent == 0) return unexpected(std::errc::io_error);
    return sent;
}
inline constexpr bool sends_files = true;
#else
inline constexpr bool sends_files = false;
#endif

} // namespace detail

/// Reads once into `reader` and returns the number of bytes: 0 at the end of the stream, and without a read
/// when next() has a frame or an error.
///
/// Errors: those of read; operation_would_block if nothing is there on a non-blocking descriptor. A signal
/// does not interrupt it. Throws std::bad_alloc.
template <class Memory>
[[nodiscard]] expected<std::size_t, std::errc> read_some(int descriptor, basic_frame_reader<Memory>& reader) {
    const std::span<std::byte> room = reader.prepare();
    if (room.empty()) return std::size_t{0};
    const auto n = detail::retried([&] { return ::read(descriptor, room.data(), room.size()); });
    if (n) reader.commit(*n);
    return n;
}

/// Writes what `out` has until it is empty or the descriptor takes no more, and returns the number of bytes.
///
/// Each write is one sendmsg of up to 1024 buffers, or on Linux one sendfile for a part of a file of 16 KiB
/// and more. Errors: those of the system; operation_would_block if a non-blocking descriptor took nothing;
/// io_error if a streamed payload or a file ended early. If the peer is gone that is an error and no SIGPIPE,
/// for pipes too. Throws what a streamed payload's function throws.
[[nodiscard]] inline expected<std::uint64_t, std::errc> write_some(int descriptor, outbox& out) {
    constexpr std::size_t most_pieces = 1024; // IOV_MAX of Linux
    out.set_uses_files(detail::sends_files);
    std::array<::iovec, most_pieces> pieces;
    std::uint64_t written = 0;
    while (!out.empty()) {
        const std::size_t count = out.gather(pieces);
        if (out.broken()) return unexpected(std::errc::io_error);
        expected<std::size_t, std::errc> n;
#if defined(KWIRE_HAS_MAPPED_FILES) && defined(KWIRE_ON_LINUX)
        const std::optional<file_region> file = count == 0 ? out.file() : std::nullopt;
        if (file)
            n = detail::send_file(descriptor, *file);
        else
#endif
            n = detail::send_pieces(descriptor, std::span(pieces).first(count));
        // Bytes that cannot be read are those of a file that became shorter.
        if (n == std::size_t{0} || (!n && n.error() == std::errc::bad_address))
            n = unexpected(std::errc::io_error);
        if (!n) {
            if (written != 0 && n.error() == std::errc::operation_would_block) break;
            return unexpected(n.error());
        }
        out.sent(*n);
        written += *n;
    }
    return written;
}

} // namespace kwire
#endif
