// needs: asio
// links: OpenSSL::SSL OpenSSL::Crypto
// The operations over a stream without a descriptor: TLS, whose bytes cannot leave by sendfile.
#include <kwire/asio.hpp>
#include <kwire/buffer/mapped_file.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "catch.hpp"
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

/// A key and a certificate for it that it signed itself.
asio::ssl::context server_context() {
    asio::ssl::context out(asio::ssl::context::tls_server);
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
    REQUIRE((key && certificate));
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
    REQUIRE(SSL_CTX_use_certificate(out.native_handle(), certificate.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(out.native_handle(), key.get()) == 1);
    return out;
}

using tls_stream = asio::ssl::stream<tcp::socket>;
static_assert(!kwire::detail::native_stream<tls_stream>);

std::string text(const kwire::shared_buffer& b) {
    return {reinterpret_cast<const char*>(b.data()), b.size()};
}

} // namespace

TEST_CASE("a connection over TLS is served, and files are read for it") {
    std::FILE* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    std::string content(1'000'000, ' ');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
    REQUIRE(std::fwrite(content.data(), 1, content.size(), file) == content.size());
    std::fflush(file);
    const auto segment = kwire::map_file(::fileno(file), 0, content.size()).value();
    std::fclose(file);

    asio::io_context context(1);
    asio::ssl::context server = server_context(), client(asio::ssl::context::tls_client);
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    kwire::serve_report end;
    const auto serve = [&]() -> asio::awaitable<void> {
        tls_stream stream(co_await acceptor.async_accept(use_awaitable), server);
        co_await stream.async_handshake(asio::ssl::stream_base::server, use_awaitable);
        end = co_await kwire::async_serve(
            stream,
            [&](const kwire::request_frame& request, kwire::responder answer) {
                kwire::fetch_response::data out;
                auto& topic = out.responses.emplace_back();
                topic.topic = "orders";
                topic.partitions.push_back({.records = segment});
                answer.send(kwire::encode_response(out, 12, request.correlation_id()).value());
            },
            kwire::serve_options{}, use_awaitable);
    };
    int answered = 0;
    const auto ask = [&]() -> asio::awaitable<void> {
        tls_stream stream(context, client);
        co_await stream.lowest_layer().async_connect(acceptor.local_endpoint(), use_awaitable);
        co_await stream.async_handshake(asio::ssl::stream_base::client, use_awaitable);
        kwire::outbox out;
        for (std::int32_t id = 0; id < 3; ++id)
            out.push(kwire::encode_request<kwire::fetch_request>(kwire::fetch_request::data{}, 12, id, "me")
                         .value());
        co_await kwire::async_flush(stream, out, use_awaitable);
        kwire::response_reader reader;
        for (std::int32_t id = 0; id < 3; ++id) {
            auto frame = kwire::parse_response_frame(
                co_await kwire::async_read_frame(stream, reader, use_awaitable), kwire::api_key::fetch, 12);
            REQUIRE(frame);
            CHECK(frame->correlation_id() == id);
            const auto response = kwire::parse<kwire::fetch_response>(*std::move(frame)).value();
            for (auto topic : response->responses())
                for (auto partition : topic.partitions()) {
                    const bool same = text(response.slice(partition.records().value()).value()) == content;
                    CHECK(same);
                    ++answered;
                }
        }
        boost::system::error_code ignored;
        stream.lowest_layer().shutdown(tcp::socket::shutdown_send,
                                       ignored); // without a farewell, as clients do
    };
    const auto rethrow = [](std::exception_ptr failure) { CHECK_FALSE(failure); };
    asio::co_spawn(context, serve(), rethrow);
    asio::co_spawn(context, ask(), rethrow);
    context.run();
    CHECK(answered == 3);
    CHECK(end.requests == 3);
    CHECK(end.answers == 3);
}
