// --tls: connections over TLS, with OpenSSL.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>

#include "echo_broker/options.hpp"

namespace echo_broker {

class broker;
struct client;

/// The certificate of the broker, and how its clients are served.
class tls_server {
public:
    /// Throws std::runtime_error if a file cannot be used, or if the program was built without OpenSSL.
    explicit tls_server(const tls_files& files);
    tls_server(const tls_server&) = delete;
    tls_server& operator=(const tls_server&) = delete;
    ~tls_server();

    /// Serves a client that has connected, until one side ends it.
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket& socket, broker& here, client& from);

private:
    struct context;
    std::unique_ptr<context> context_;
};

} // namespace echo_broker
