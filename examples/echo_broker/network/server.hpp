// The listeners and their connections.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "echo_broker/network/address.hpp"
#include "echo_broker/network/tls.hpp"
#include "echo_broker/options.hpp"

namespace echo_broker {

class broker;

/// Serves a broker on a context of one thread. Outlives the context, as the broker does; the sockets do not.
class server {
public:
    /// Throws std::runtime_error if the options name files that cannot be used.
    explicit server(broker& here);
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server();

    /// Opens the listeners, and serves their clients while `context` runs. Throws std::runtime_error if an
    /// address cannot be used.
    void start(boost::asio::io_context& context);

    /// Where it listens, in the order of the options, with the ports that were chosen.
    [[nodiscard]] std::vector<address> addresses() const;
    /// Where the page with the metrics is.
    [[nodiscard]] std::optional<std::uint16_t> metrics_port() const noexcept { return metrics_port_; }

    /// Takes no clients and no requests any more, lets what was asked be answered, and stops the context when
    /// that is done, after three seconds at the latest.
    void finish();

private:
    using tcp = boost::asio::ip::tcp;

    struct place {
        address bound{};
        std::optional<address> advertised{};
    };

    boost::asio::awaitable<void> accept(tcp::acceptor acceptor, const place& at);
    boost::asio::awaitable<void> serve(tcp::socket socket, const place& at);

    broker& here_;
    std::unique_ptr<tls_server> tls_;
    std::list<place> places_; ///< connections refer to them
    std::optional<std::uint16_t> metrics_port_;
    boost::asio::io_context* context_ = nullptr;
    std::uint64_t next_connection_ = 1;

    // Of coroutines, which remove them at their end.
    std::set<tcp::acceptor*> acceptors_;
    std::set<tcp::socket*> sockets_;
};

} // namespace echo_broker
