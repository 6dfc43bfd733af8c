/// A proxy before one broker: clients see its address in place of the broker's, and each topic under another
/// name.
///
///     mini_proxy LISTEN UPSTREAM PREFIX      mini_proxy 19092 9092 tenant.
///
/// What the client calls `orders` is `tenant.orders` at the broker. Other topics are not shown.
/// examples/proxy is a whole proxy.
#include <kwire/asio.hpp>
#include <kwire/connect/rewrite.hpp>
#include <kwire/kwire.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <stdexcept>
#include <string>

#include "listener.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto of_clients = kwire::parse_options::as_kafka(); // what Kafka accepts of them

// Versions of these in which topics have names; all other APIs in all their versions, but for those that
// kwire does not know.
constexpr auto spoken = [] {
    auto apis = kwire::known_apis;
    for (auto& one : apis)
        if (one.api == kwire::api_key::produce || one.api == kwire::api_key::fetch) one.versions.last = 12;
    return apis;
}();

struct settings {
    tcp::endpoint upstream{};
    std::string prefix{};
};

[[noreturn]] void fail(const kwire::error& why) { throw std::runtime_error(kwire::to_string(why)); }

class session {
public:
    session(tcp::socket client, const settings& chosen)
        : client_(std::move(client)), broker_(client_.get_executor()), chosen_(chosen) {}

    asio::awaitable<void> run() {
        using namespace asio::experimental::awaitable_operators;
        try {
            co_await broker_.async_connect(chosen_.upstream, asio::use_awaitable);
            co_await (requests() || responses()); // until one side ends
        } catch (const std::exception& e) {
            std::fprintf(stderr, "a connection ended: %s\n", e.what());
        }
    }

private:
    asio::awaitable<void> requests() {
        for (;;) {
            auto bytes = co_await kwire::async_read_frame(client_, requests_, asio::use_awaitable);
            const auto noted = pending_.sent(bytes.span());
            if (!noted) fail(noted.error());
            to_broker_.push(noted->is_token ? kwire::with_length(std::move(bytes)).value()
                                            : sent(std::move(bytes)));
            co_await kwire::async_flush(broker_, to_broker_, asio::use_awaitable);
        }
    }

    asio::awaitable<void> responses() {
        for (;;) {
            auto bytes = co_await kwire::async_read_frame(broker_, responses_, asio::use_awaitable);
            const auto asked = pending_.received(bytes.span());
            if (!asked) fail(asked.error());
            to_client_.push(*asked ? shown(std::move(bytes), **asked)
                                   : kwire::with_length(std::move(bytes)).value());
            co_await kwire::async_flush(client_, to_client_, asio::use_awaitable);
        }
    }

    // A request as the broker is to see it, with its length.
    kwire::buffer_chain sent(kwire::shared_buffer bytes) {
        auto frame = kwire::parse_request_frame(std::move(bytes), of_clients);
        if (!frame) fail(frame.error());
        auto changed = kwire::rewrite(
            *frame, {kwire::entity::topic_name},
            [&](kwire::named_field& topic) { topic.set_text(chosen_.prefix + std::string(topic.text())); },
            {.parse = of_clients});
        if (!changed) fail(changed.error());
        return kwire::with_length(*std::move(changed)).value();
    }

    // A response as the client is to see it, with its length.
    kwire::buffer_chain shown(kwire::shared_buffer bytes, const kwire::request_start& asked) {
        auto frame = kwire::parse_response_frame(std::move(bytes), asked.api, asked.api_version);
        if (!frame) fail(frame.error());
        if (frame->api() == kwire::api_key::api_versions) { // only what this proxy can read
            const auto offered = kwire::parse<kwire::api_versions_response>(*frame);
            if (!offered) fail(offered.error());
            return kwire::encode_response(kwire::clamp(**offered, spoken).body, frame->api_version(),
                                          frame->correlation_id())
                .value();
        }
        const auto change = [&](kwire::named_field& field) {
            if (field.meaning() == kwire::entity::host) {
                if (!field.text().empty()) // else no coordinator was found
                    field.set_address("127.0.0.1", client_.local_endpoint().port());
            } else if (field.text().starts_with(chosen_.prefix)) {
                field.set_text(field.text().substr(chosen_.prefix.size()));
            } else {
                field.drop(); // a topic of others
            }
        };
        auto changed = kwire::rewrite(*frame, {kwire::entity::host, kwire::entity::topic_name}, change);
        if (!changed) fail(changed.error());
        return kwire::with_length(*std::move(changed)).value();
    }

    tcp::socket client_, broker_;
    const settings& chosen_;
    kwire::correlator<> pending_{{.parse = of_clients}};
    kwire::request_reader requests_;
    kwire::response_reader responses_{pending_};
    kwire::outbox to_broker_, to_client_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return std::fprintf(stderr, "usage: mini_proxy LISTEN UPSTREAM PREFIX\n"), 2;
    const settings chosen{listener::local(argv[2]), argv[3]};
    listener::run(listener::local(argv[1]), [&](tcp::socket socket) -> asio::awaitable<void> {
        session one(std::move(socket), chosen);
        co_await one.run();
    });
}
