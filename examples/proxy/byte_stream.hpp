// A socket with or without TLS.
#pragma once

#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace proxy {

/// Reads and writes go through TLS from `secure` on. A TLS connection whose peer does not say goodbye ends
/// like any other: most clients only close it, and a frame that is cut short is noticed by its length.
class byte_stream {
public:
    using tcp = boost::asio::ip::tcp;
    using executor_type = tcp::socket::executor_type;
    using tls_stream = boost::asio::ssl::stream<tcp::socket&>;

    explicit byte_stream(tcp::socket socket) : socket_(std::move(socket)) {}
    byte_stream(const byte_stream&) = delete;
    byte_stream& operator=(const byte_stream&) = delete;
    ~byte_stream() = default;

    [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
    [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }
    [[nodiscard]] bool is_secure() const noexcept { return tls_.has_value(); }
    /// The TLS stream, whose handshake is the caller's.
    tls_stream& secure(boost::asio::ssl::context& context) { return tls_.emplace(socket_, context); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
            [this, into, begun = false](auto& self, boost::system::error_code failure = {},
                                        std::size_t n = 0) mutable {
                if (!std::exchange(begun, true)) {
                    if (tls_) return tls_->async_read_some(into, std::move(self));
                    return socket_.async_read_some(into, std::move(self));
                }
                if (failure == boost::asio::ssl::error::stream_truncated) failure = boost::asio::error::eof;
                self.complete(failure, n);
            },
            token, socket_);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        if (tls_) return tls_->async_write_some(from, std::forward<Token>(token));
        return socket_.async_write_some(from, std::forward<Token>(token));
    }

private:
    tcp::socket socket_;
    std::optional<tls_stream> tls_;
};

} // namespace proxy
