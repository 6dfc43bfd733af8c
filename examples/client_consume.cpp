/// Prints the records of partition 0 of a topic, from its first offset to its end.
///
///     client_consume localhost 9092 orders
///
/// It reads every compression, and shows what was committed only. The broker must be the leader of the
/// partition.
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/list_offsets.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "client_connection.hpp"

namespace asio = client::asio;

namespace {

constexpr std::int64_t earliest = -2;
constexpr std::int8_t committed_only = 1;    // isolation_level
constexpr std::size_t most_bytes = 64 << 20; // that one batch may decompress to

asio::awaitable<std::int64_t> first_offset(client::connection& broker, std::string topic) {
    const kwire::list_offsets_request::data request{
        .replica_id = -1,
        .topics = {{.name = topic, .partitions = {{.partition_index = 0, .timestamp = earliest}}}}};
    const auto answer = co_await broker.ask<kwire::list_offsets_response>(
        request, broker.version<kwire::list_offsets_request>({1, 10}));
    for (auto one : answer->topics())
        for (auto partition : one.partitions()) {
            client::refuse(partition.error_code());
            co_return partition.offset();
        }
    throw std::runtime_error("the answer has no partition");
}

/// Prints the records of a partition from `next` on; returns the offset after the last one.
std::int64_t print(const kwire::fetch_response::partition_data::view& partition, std::int64_t next,
                   const kwire::codec_set& codecs) {
    kwire::read_committed visible(partition.records(), partition.aborted_transactions());
    for (auto batch : visible) {
        if (!batch) client::fail(batch.error());
        auto records = kwire::records(*batch, codecs, most_bytes);
        if (!records) client::fail(records.error());
        for (auto record : *records) {
            if (!record) client::fail(record.error());
            if (record->offset() < next || !record->value()) continue; // a batch may begin before `next`
            const auto text = kwire::text_of(*record->value());
            std::printf("%lld %.*s\n", static_cast<long long>(record->offset()),
                        static_cast<int>(text.size()), text.data());
        }
    }
    return visible.next_offset().value_or(next);
}

asio::awaitable<void> consume(std::string host, std::string port, std::string topic) {
    client::connection broker(co_await asio::this_coro::executor);
    co_await broker.open(host, port);
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    kwire::zstd_codec zstd;
    const kwire::codec_set codecs(gzip, snappy, lz4, zstd);

    std::int64_t next = co_await first_offset(broker, topic);
    for (std::int64_t end = next + 1; next < end;) {
        const kwire::fetch_request::data request{
            .max_wait_ms = 500,
            .min_bytes = 1,
            .isolation_level = committed_only,
            .topics = {
                {.topic = topic,
                 .partitions = {{.partition = 0, .fetch_offset = next, .partition_max_bytes = 1 << 20}}}}};
        const auto answer = co_await broker.ask<kwire::fetch_response>(
            request, broker.version<kwire::fetch_request>({4, 12})); // later versions want topic ids
        client::refuse(answer->error_code());
        for (auto one : answer->responses())
            for (auto partition : one.partitions()) {
                client::refuse(partition.error_code());
                next = print(partition, next, codecs);
                end = partition.last_stable_offset();
            }
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: client_consume HOST PORT TOPIC\n");
        return 2;
    }
    asio::io_context context;
    int status = 0;
    asio::co_spawn(context, consume(argv[1], argv[2], argv[3]), [&](const std::exception_ptr& failure) {
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "client_consume: %s\n", e.what());
            status = 1;
        }
    });
    context.run();
    return status;
}
