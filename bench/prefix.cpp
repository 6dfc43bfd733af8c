// What who watches the wire asks of each packet: the hosts of brokers in a Metadata response of which the
// first 256 bytes are there, and whether the first 64 bytes of a stream are Kafka's. Beside the same by hand,
// which checks less.
#include <kwire/connect/frame.hpp>
#include <kwire/connect/sniff.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/prefix.hpp>
#include <kwire/write/encode.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using bytes = std::vector<std::byte>;

bytes flat(const kwire::buffer_chain& chain) {
    const kwire::shared_buffer all = chain.to_bytes();
    return {all.data(), all.data() + all.size()};
}

/// A Metadata response v12 of three brokers and topics of six partitions: its first 256 bytes.
bytes metadata_start() {
    kwire::metadata_response::data answer;
    answer.cluster_id = "5L6g3nShT-eMCtK--X86sw";
    answer.controller_id = 1;
    for (std::int32_t id = 1; id <= 3; ++id) {
        kwire::metadata_response::broker::data broker;
        broker.node_id = id;
        broker.host = "broker-" + std::to_string(id) + ".example.com";
        broker.port = 9092;
        broker.rack = "eu-1" + std::string(1, static_cast<char>('a' + id));
        answer.brokers.push_back(std::move(broker));
    }
    for (int number = 0; number < 4; ++number) {
        kwire::metadata_response::topic::data topic;
        topic.name = "orders." + std::to_string(number);
        topic.topic_id.bytes[0] = static_cast<std::byte>(number + 1);
        for (std::int32_t id = 0; id < 6; ++id) {
            kwire::metadata_response::partition::data partition;
            partition.partition_index = id;
            partition.leader_id = id % 3 + 1;
            partition.leader_epoch = 4;
            partition.replica_nodes = {1, 2, 3};
            partition.isr_nodes = {1, 2, 3};
            topic.partitions.push_back(std::move(partition));
        }
        answer.topics.push_back(std::move(topic));
    }
    bytes all = flat(*kwire::encode<kwire::metadata_response>(answer, 12));
    all.resize(256);
    return all;
}

std::size_t hosts_by_kwire(std::span<const std::byte> seen) {
    std::size_t sum = 0;
    const auto view = kwire::parse_prefix<kwire::metadata_response>(seen, 12);
    if (!view) return 0;
    if (const auto brokers = view->get<"brokers">())
        for (const auto broker : *brokers)
            if (const auto host = broker.get<"host">())
                sum = sum * 31 + host->size() + std::size_t(host->back());
    return sum;
}

/// The same with the version as a constant.
std::size_t hosts_by_kwire_static(std::span<const std::byte> seen) {
    std::size_t sum = 0;
    const auto view = kwire::parse_prefix<kwire::metadata_response, 12>(seen);
    if (!view) return 0;
    if (const auto brokers = view->get<"brokers">())
        for (const auto broker : *brokers)
            if (const auto host = broker.get<"host">())
                sum = sum * 31 + host->size() + std::size_t(host->back());
    return sum;
}

/// The same, of whole brokers as ordinary views.
std::size_t whole_hosts_by_kwire(std::span<const std::byte> seen) {
    std::size_t sum = 0;
    const auto view = kwire::parse_prefix<kwire::metadata_response>(seen, 12);
    if (!view) return 0;
    if (const auto brokers = view->get<"brokers">())
        for (const auto broker : brokers->whole())
            sum = sum * 31 + broker.host().size() + std::size_t(broker.host().back());
    return sum;
}

/// What a program does that knows this version alone, and that lengths take one byte: nothing after it is
/// checked.
std::size_t hosts_by_hand(std::span<const std::byte> seen) {
    std::size_t sum = 0, at = 4;
    const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(seen[i]); };
    if (seen.size() < 5) return 0;
    for (std::size_t left = byte(at++) - 1; left != 0; --left) {
        if (seen.size() - at < 5) break;
        const std::size_t host = byte(at + 4) - 1;
        if (seen.size() - at < 5 + host + 5) break;
        sum = sum * 31 + host + byte(at + 5 + host - 1);
        at += 5 + host + 4;
        const std::size_t rack = byte(at) == 0 ? 0 : byte(at) - 1;
        if (seen.size() - at < 1 + rack + 1 || byte(at + 1 + rack) != 0) break;
        at += 1 + rack + 1;
    }
    return sum;
}

template <class Ask>
void hosts(benchmark::State& state, Ask ask) {
    const bytes seen = metadata_start();
    if (ask(seen) == 0 || ask(seen) != hosts_by_hand(seen))
        return state.SkipWithError("the hosts are not those that are found by hand");
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(ask(seen));
    state.SetItemsProcessed(state.iterations());
}
void prefix_hosts(benchmark::State& state) { hosts(state, hosts_by_kwire); }
void prefix_hosts_static(benchmark::State& state) { hosts(state, hosts_by_kwire_static); }
void prefix_whole_hosts(benchmark::State& state) { hosts(state, whole_hosts_by_kwire); }
void by_hand(benchmark::State& state) { hosts(state, hosts_by_hand); }

/// The first 64 bytes of requests as a client sends them, and of other things.
std::vector<bytes> starts(bool of_kafka) {
    std::vector<bytes> all;
    std::mt19937_64 random(42);
    for (int i = 0; i < 64; ++i) {
        bytes one;
        if (of_kafka) {
            kwire::metadata_request::data request;
            for (int topic = 0; topic < 12; ++topic) {
                kwire::metadata_request::topic::data asked;
                asked.name = "orders." + std::to_string(topic);
                request.topics.push_back(std::move(asked));
            }
            one = flat(*kwire::encode_request<kwire::metadata_request>(request, i % 13, i, "rdkafka"));
        } else {
            for (int k = 0; k < 64; ++k) one.push_back(static_cast<std::byte>(random()));
        }
        one.resize(64);
        all.push_back(std::move(one));
    }
    return all;
}

void sniff(benchmark::State& state, bool of_kafka) {
    const std::vector<bytes> seen = starts(of_kafka);
    for (const bytes& one : seen)
        if ((kwire::sniff(one).certainty >= kwire::certainty::likely) != of_kafka)
            return state.SkipWithError("sniff is wrong");
    std::size_t at = 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(kwire::sniff(seen[at]));
        if (++at == seen.size()) at = 0;
    }
    state.SetItemsProcessed(state.iterations());
}
void sniff_request(benchmark::State& state) { sniff(state, true); }
void sniff_noise(benchmark::State& state) { sniff(state, false); }

} // namespace

BENCHMARK(prefix_hosts);
BENCHMARK(prefix_hosts_static);
BENCHMARK(prefix_whole_hosts);
BENCHMARK(by_hand);
BENCHMARK(sniff_request);
BENCHMARK(sniff_noise);
