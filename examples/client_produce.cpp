/// Sends each line of the standard input as a record to partition 0 of a topic, in one batch.
///
///     seq 1000 | client_produce localhost 9092 orders
///
/// The broker must be the leader of the partition, as the only broker of a cluster is.
#include <kwire/kwire.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

#include "client_connection.hpp"

namespace asio = client::asio;

namespace {

kwire::buffer_chain batch_of_lines(std::istream& lines) {
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    kwire::batch_builder builder;
    for (std::string line; std::getline(lines, line);)
        if (auto done = builder.append({.timestamp = now, .value = kwire::bytes_of_text(line)}); !done)
            client::fail(done.error()); // the batch is full: a client that goes on would send it now
    return std::move(builder).finish();
}

asio::awaitable<void> produce(std::string host, std::string port, std::string topic) {
    client::connection broker(co_await asio::this_coro::executor);
    co_await broker.open(host, port);

    // Metadata makes brokers create the topic, if they are set to do so.
    const kwire::metadata_request::data asked{.topics = {{{.name = topic}}}};
    const auto described = co_await broker.ask<kwire::metadata_response>(
        asked, broker.version<kwire::metadata_request>({4, 12}));
    for (auto one : described->topics()) client::refuse(one.error_code());

    const kwire::produce_request::data request{
        .acks = -1,
        .timeout_ms = 30'000,
        .topic_data = {
            {.name = topic, .partition_data = {{.index = 0, .records = batch_of_lines(std::cin)}}}}};
    const auto answer = co_await broker.ask<kwire::produce_response>(
        request, broker.version<kwire::produce_request>({3, 12})); // later versions want topic ids
    for (auto one : answer->responses())
        for (auto partition : one.partition_responses()) {
            client::refuse(partition.error_code());
            std::printf("first offset: %lld\n", static_cast<long long>(partition.base_offset()));
        }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: client_produce HOST PORT TOPIC < lines\n");
        return 2;
    }
    asio::io_context context;
    int status = 0;
    asio::co_spawn(context, produce(argv[1], argv[2], argv[3]), [&](const std::exception_ptr& failure) {
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "client_produce: %s\n", e.what());
            status = 1;
        }
    });
    context.run();
    return status;
}
