// A test of a client that has a broker of its own: see embedded.hpp. The client is a few lines on kwire, in
// place of yours.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp> // linked with Catch2::Catch2WithMain
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#include <kwire/connect/frame.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/read.hpp>
#include <kwire/wire/text.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "echo_broker/embedded.hpp"

namespace {

/// The client that is tested: one connection, one request at a time.
class small_client {
public:
    explicit small_client(std::uint16_t port) : socket_(context_) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    }

    /// Makes the topic, if there is none.
    void create(const std::string& topic) {
        ask<kwire::metadata_request, kwire::metadata_response>(
            {.topics = {{{.name = topic}}}, .allow_auto_topic_creation = true}, 9);
    }

    /// The offset of the record.
    std::int64_t produce(const std::string& topic, std::string_view value) {
        kwire::batch_builder builder;
        if (!builder.append({.value = kwire::bytes_of_text(value)})) throw std::runtime_error("too long");
        const auto answer = ask<kwire::produce_request, kwire::produce_response>(
            {.acks = -1,
             .timeout_ms = 5000,
             .topic_data = {{.name = topic,
                             .partition_data = {{.index = 0, .records = std::move(builder).finish()}}}}},
            9);
        for (const auto each : answer->responses())
            for (const auto partition : each.partition_responses())
                if (partition.error_code() == kwire::error_code::none) return partition.base_offset();
        throw std::runtime_error("the record was refused");
    }

    /// The records from `offset` on.
    std::vector<std::string> fetch(const std::string& topic, std::int64_t offset) {
        const auto answer = ask<kwire::fetch_request, kwire::fetch_response>(
            {.max_wait_ms = 500,
             .min_bytes = 1,
             .max_bytes = 1 << 20,
             .topics = {{.topic = topic,
                         .partitions =
                             {{.partition = 0, .fetch_offset = offset, .partition_max_bytes = 1 << 20}}}}},
            12);
        std::vector<std::string> out;
        for (const auto each : answer->responses())
            for (const auto partition : each.partitions())
                for (const auto batch : kwire::record_batches(partition.records()))
                    for (const auto record : kwire::records(batch.value(), {}, 1 << 20).value())
                        out.emplace_back(kwire::text_of(record.value().value().value()));
        return out;
    }

private:
    template <class Request, class Response>
    kwire::message<Response> ask(const typename Request::data& request, std::int16_t version) {
        boost::asio::write(socket_, kwire::encode_request<Request>(request, version, 1, "small").value());
        std::array<std::byte, 4> length{};
        boost::asio::read(socket_, boost::asio::buffer(length));
        std::size_t size = 0;
        for (const std::byte one : length) size = size << 8 | static_cast<std::size_t>(one);
        std::vector<std::byte> frame(size);
        boost::asio::read(socket_, boost::asio::buffer(frame));
        const auto api = static_cast<kwire::api_key>(Request::facts.key);
        return kwire::parse<Response>(
                   kwire::parse_response_frame(kwire::shared_buffer::copy_of(frame), api, version).value())
            .value();
    }

    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
};

} // namespace

TEST_CASE("a client gets back what it has produced") {
    const echo_broker::embedded_broker broker;
    small_client client(broker.port());
    client.create("orders");
    CHECK(client.produce("orders", "one") == 0);
    CHECK(client.produce("orders", "two") == 1);
    CHECK(client.fetch("orders", 0) == std::vector<std::string>{"one", "two"});
    CHECK(client.fetch("orders", 1) == std::vector<std::string>{"two"});
}

TEST_CASE("brokers in one program have nothing in common") {
    const echo_broker::embedded_broker one, other;
    CHECK(one.port() != other.port());
    CHECK(one.bootstrap() == "127.0.0.1:" + std::to_string(one.port()));
    small_client first(one.port()), second(other.port());
    first.create("orders");
    second.create("orders");
    first.produce("orders", "of the first");
    CHECK(second.produce("orders", "of the second") == 0);
    CHECK(second.fetch("orders", 0) == std::vector<std::string>{"of the second"});
}

TEST_CASE("a broker that cannot start throws what is wrong") {
    const echo_broker::embedded_broker other;
    echo_broker::options same_port;
    same_port.listeners.push_back({.at = {.host = "127.0.0.1", .port = other.port()}});
    std::string why;
    try {
        const echo_broker::embedded_broker broker(same_port);
    } catch (const std::exception& e) {
        why = e.what();
    }
    CHECK(why == "cannot listen on 127.0.0.1:" + std::to_string(other.port()) + ": Address already in use");
}
