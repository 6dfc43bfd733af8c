// One port of the proxy for each broker.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "connection.hpp"
#include "session.hpp"

namespace proxy {

/// Ports of the proxy, from `first` to `last`.
struct port_range {
    std::uint16_t first = 0, last = 0;
};

/// Opens a port for each broker that is named in a response, and remembers where that broker really is.
class listening_ports : public broker_ports {
public:
    /// Clients begin at `bootstrap`, which stands for `upstream`, whichever broker that is. Broker number n
    /// gets the port n + 1 after it, if that is free, else any; with `range` the port n after its first one,
    /// else any other of the range.
    /// Throws boost::system::system_error if the port cannot be opened.
    listening_ports(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& bootstrap,
                    const addresses& upstream, transport how, std::optional<port_range> range);

    /// Begins to serve clients.
    void serve(surroundings& in);
    /// Where clients begin.
    [[nodiscard]] boost::asio::ip::tcp::endpoint bootstrap() const noexcept { return bootstrap_; }
    [[nodiscard]] std::size_t count() const noexcept { return brokers_.size(); }

    std::int32_t port_of(std::int64_t node, const address& real) override;

private:
    /// A cluster has fewer brokers. An upstream that names more gets the port where clients begin for them.
    static constexpr std::size_t most_brokers = 1000;

    struct broker {
        std::shared_ptr<addresses> real; ///< one
        std::int32_t port;
    };
    boost::asio::ip::tcp::acceptor open(std::int64_t node);

    boost::asio::io_context& context_;
    boost::asio::ip::tcp::acceptor first_;
    boost::asio::ip::tcp::endpoint bootstrap_;
    std::shared_ptr<const addresses> upstream_;
    transport how_;
    std::optional<port_range> range_;
    surroundings* in_ = nullptr;
    std::map<std::int64_t, broker> brokers_;
};

} // namespace proxy
