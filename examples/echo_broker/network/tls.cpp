#include "echo_broker/network/tls.hpp"

#include <stdexcept>

#if defined(ECHO_BROKER_WITHOUT_TLS)

namespace echo_broker {

struct tls_server::context {};

tls_server::tls_server(const tls_files&) {
    throw std::runtime_error("--tls: this program was built without OpenSSL (libssl-dev)");
}
tls_server::~tls_server() = default;
boost::asio::awaitable<void> tls_server::serve(boost::asio::ip::tcp::socket&, broker&, client&) { co_return; }

} // namespace echo_broker

#else

#include <boost/asio/compose.hpp>
#include <boost/asio/ssl.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "echo_broker/network/session.hpp"

namespace echo_broker {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

struct tls_server::context {
    asio::ssl::context ssl{asio::ssl::context::tls_server};
};

namespace {

/// A TLS stream whose end is an end, whether the peer says goodbye or not: most clients only close the
/// connection, and a frame that is cut short is noticed by its length.
class tls_stream {
public:
    using executor_type = tcp::socket::executor_type;

    tls_stream(tcp::socket& socket, asio::ssl::context& context) : ssl_(socket, context) {}

    [[nodiscard]] executor_type get_executor() { return ssl_.get_executor(); }
    [[nodiscard]] asio::ssl::stream<tcp::socket&>& ssl() noexcept { return ssl_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
            [this, into, begun = false](auto& self, boost::system::error_code failure = {},
                                        std::size_t n = 0) mutable {
                if (!std::exchange(begun, true)) return ssl_.async_read_some(into, std::move(self));
                if (failure == asio::ssl::error::stream_truncated) failure = asio::error::eof;
                self.complete(failure, n);
            },
            token, ssl_);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        return ssl_.async_write_some(from, std::forward<Token>(token));
    }

private:
    asio::ssl::stream<tcp::socket&> ssl_;
};

[[noreturn]] void cannot_use(const std::string& file, const boost::system::error_code& why) {
    throw std::runtime_error("--tls: cannot use " + file + ": " + why.message());
}

/// What the first bytes of a client are if they are not TLS, in words; empty if they are.
std::string other_protocol(std::span<const std::byte> first) {
    constexpr auto handshake = std::byte{0x16}; // the type of the first record
    if (first.empty() || first[0] == handshake) return {};
    kwire::request_reader reader; // knows how other protocols begin
    const auto room = reader.prepare();
    std::ranges::copy(first.first(std::min(first.size(), room.size())), room.begin());
    reader.commit(std::min(first.size(), room.size()));
    const auto refused = reader.end_of_stream();
    if (refused && refused->code == kwire::errc::not_a_kafka_peer)
        return kwire::to_string(*refused) + "; this broker expects TLS (--tls)";
    return first[0] == std::byte{0}
               ? "not TLS, which this broker expects (--tls), but perhaps a Kafka request"
               : "not TLS, which this broker expects (--tls)";
}

/// Waits for the first bytes, and looks at them without taking them.
asio::awaitable<std::string> look_at_first_bytes(tcp::socket& socket) {
    boost::system::error_code failure;
    std::tie(failure) = co_await socket.async_wait(tcp::socket::wait_read, detail::quiet);
    std::array<std::byte, 16> first{};
    std::size_t n = 0;
    if (!failure) n = socket.receive(asio::buffer(first), tcp::socket::message_peek, failure);
    co_return other_protocol(std::span(first).first(failure ? 0 : n));
}

} // namespace

tls_server::tls_server(const tls_files& files) : context_(std::make_unique<context>()) {
    asio::ssl::context& ssl = context_->ssl;
    ssl.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                    asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                    asio::ssl::context::no_tlsv1_1);
    boost::system::error_code failure;
    ssl.use_certificate_chain_file(files.certificate, failure);
    if (failure) cannot_use(files.certificate, failure);
    ssl.use_private_key_file(files.key, asio::ssl::context::pem, failure);
    if (failure) cannot_use(files.key, failure);
}
tls_server::~tls_server() = default;

asio::awaitable<void> tls_server::serve(tcp::socket& socket, broker& here, client& from) {
    tls_stream stream(socket, context_->ssl);
    {
        const std::chrono::seconds patience = detail::first_patience(here.chosen);
        const deadline bound(here.timers, socket, patience);
        const std::string other = co_await look_at_first_bytes(socket);
        boost::system::error_code failure;
        if (other.empty() && !bound.passed())
            std::tie(failure) =
                co_await stream.ssl().async_handshake(asio::ssl::stream_base::server, detail::quiet);
        if (bound.passed())
            report(from.address,
                   "closed: no TLS handshake within " + std::to_string(patience.count()) + " s");
        else if (!other.empty())
            report(from.address, other);
        else if (failure && failure != asio::error::eof && failure != asio::error::connection_reset &&
                 failure != asio::ssl::error::stream_truncated)
            report(from.address, "TLS handshake: " + failure.message());
        if (failure || bound.passed() || !other.empty()) co_return;
    }
    co_await serve_session(stream, socket, here, from);
    const deadline bound(here.timers, socket, 1s);
    co_await stream.ssl().async_shutdown(detail::quiet);
}

} // namespace echo_broker

#endif
