#include "tls.hpp"

#include <boost/system/error_code.hpp>

#include <stdexcept>

namespace proxy {

namespace asio = boost::asio;

namespace {

asio::ssl::context modern(asio::ssl::context::method method) {
    asio::ssl::context out(method);
    out.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                    asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                    asio::ssl::context::no_tlsv1_1);
    return out;
}

void check(const boost::system::error_code& failure, const char* option, const std::string& file) {
    if (failure)
        throw std::runtime_error(std::string(option) + ": cannot use " + file + ": " + failure.message());
}

} // namespace

asio::ssl::context tls_for_clients(const std::string& certificate, const std::string& key) {
    auto out = modern(asio::ssl::context::tls_server);
    boost::system::error_code failure;
    out.use_certificate_chain_file(certificate, failure);
    check(failure, "--tls", certificate);
    out.use_private_key_file(key, asio::ssl::context::pem, failure);
    check(failure, "--tls", key);
    return out;
}

asio::ssl::context tls_for_brokers(const std::string& authorities) {
    auto out = modern(asio::ssl::context::tls_client);
    boost::system::error_code failure;
    out.set_verify_mode(asio::ssl::verify_peer);
    if (authorities.empty())
        out.set_default_verify_paths(failure);
    else
        out.load_verify_file(authorities, failure);
    check(failure, "--upstream-tls", authorities.empty() ? "the authorities of this machine" : authorities);
    return out;
}

} // namespace proxy
