// --tls and --upstream-tls: what OpenSSL needs to know.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <string>

namespace proxy {

/// For the side of clients, with the proxy's certificate. Throws std::runtime_error if a file cannot be used.
boost::asio::ssl::context tls_for_clients(const std::string& certificate, const std::string& key);

/// For the side of brokers, whose certificates must be signed by one of `authorities`, a PEM file, or by one
/// that this machine trusts if it is empty. Throws std::runtime_error if the file cannot be used.
boost::asio::ssl::context tls_for_brokers(const std::string& authorities);

} // namespace proxy
