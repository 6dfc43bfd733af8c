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
                                 const address& upstream, clock::duration patience)
    : context_(context),
      first_(context, bootstrap),
      bootstrap_(first_.local_endpoint()),
      upstream_(std::make_shared<address>(upstream)),
      patience_(patience) {}

void listening_ports::serve(surroundings& in) {
    in_ = &in;
    asio::co_spawn(context_, accept(std::move(first_), upstream_, in, patience_), asio::detached);
}

/// A port for a broker: the same one after each start of the proxy if possible, since clients keep them.
tcp::acceptor listening_ports::open(std::int64_t node) {
    constexpr std::int64_t last_port = 65'535;
    if (const std::int64_t port = bootstrap_.port() + 1 + node; port <= last_port) {
        tcp::acceptor acceptor(context_, bootstrap_.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        boost::system::error_code taken;
        acceptor.bind({bootstrap_.address(), static_cast<std::uint16_t>(port)}, taken);
        if (!taken) acceptor.listen(asio::socket_base::max_listen_connections, taken);
        if (!taken) return acceptor;
    }
    return {context_, tcp::endpoint(bootstrap_.address(), 0)};
}

std::int32_t listening_ports::port_of(std::int64_t node, const address& real) {
    if (const auto known = brokers_.find(node); known != brokers_.end()) {
        if (*known->second.real != real) *known->second.real = real; // it has moved
        return known->second.port;
    }
    if (node < 0 || brokers_.size() >= most_brokers) return bootstrap_.port();
    try {
        tcp::acceptor acceptor = open(node);
        const broker added{std::make_shared<address>(real), acceptor.local_endpoint().port()};
        brokers_.emplace(node, added);
        asio::co_spawn(context_, accept(std::move(acceptor), added.real, *in_, patience_), asio::detached);
        return added.port;
    } catch (const boost::system::system_error& failure) { // no descriptor is left
        std::fprintf(stderr, "broker %lld: no port: %s\n", static_cast<long long>(node), failure.what());
        return bootstrap_.port();
    }
}

} // namespace proxy
