#include "listening_ports.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <cstdio>
#include <utility>

#include "connection.hpp"

namespace proxy {

namespace asio = boost::asio;
using asio::ip::tcp;

listening_ports::listening_ports(asio::io_context& context, const tcp::endpoint& bootstrap,
                                 const addresses& upstream, transport how, std::optional<port_range> range)
    : context_(context),
      first_(context, bootstrap),
      bootstrap_(first_.local_endpoint()),
      upstream_(std::make_shared<addresses>(upstream)),
      how_(how),
      range_(range) {}

void listening_ports::serve(surroundings& in) {
    in_ = &in;
    asio::co_spawn(context_, accept(std::move(first_), upstream_, in, how_), asio::detached);
}

/// A port for a broker: the same one after each start of the proxy if possible, since clients keep them.
tcp::acceptor listening_ports::open(std::int64_t node) {
    constexpr std::int64_t last_port = 65'535;
    const std::int64_t first = range_ ? range_->first : bootstrap_.port() + 1;
    const std::int64_t last = range_ ? range_->last : last_port;
    boost::system::error_code taken = asio::error::address_in_use;
    const auto try_port = [&](std::int64_t port) {
        tcp::acceptor acceptor(context_, bootstrap_.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        taken.clear();
        acceptor.bind({bootstrap_.address(), static_cast<std::uint16_t>(port)}, taken);
        if (!taken) acceptor.listen(asio::socket_base::max_listen_connections, taken);
        return acceptor;
    };
    if (node <= last - first)
        if (tcp::acceptor own = try_port(first + node); !taken) return own;
    if (!range_) return {context_, tcp::endpoint(bootstrap_.address(), 0)};
    for (std::int64_t port = first; port <= last; ++port)
        if (tcp::acceptor other = try_port(port); !taken) return other;
    throw boost::system::system_error(taken, "no port of the range is free");
}

std::int32_t listening_ports::port_of(std::int64_t node, const address& real) {
    if (const auto known = brokers_.find(node); known != brokers_.end()) {
        if (known->second.real->front() != real) known->second.real->front() = real; // it has moved
        return known->second.port;
    }
    if (node < 0 || brokers_.size() >= most_brokers) return bootstrap_.port();
    try {
        tcp::acceptor acceptor = open(node);
        const broker added{std::make_shared<addresses>(1, real), acceptor.local_endpoint().port()};
        brokers_.emplace(node, added);
        asio::co_spawn(context_, accept(std::move(acceptor), added.real, *in_, how_), asio::detached);
        return added.port;
    } catch (const boost::system::system_error& failure) { // no descriptor is left, or no port of the range
        std::fprintf(stderr, "broker %lld: no port: %s\n", static_cast<long long>(node), failure.what());
        return bootstrap_.port();
    }
}

} // namespace proxy
