// What a proxy pays that changes names and addresses: beside the check of the same frame alone, and beside
// decoding it, changing the data and encoding it again. What does not change stays the frame's own bytes.
#include <kwire/connect/rewrite.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/metadata/corpus.hpp"

namespace {

using kwire::entity;

constexpr std::string_view prefix = "tenant-a.";

/// A Metadata response v12 of 3 brokers and 1000 topics with 10 partitions each.
const kwire::response_frame& metadata() {
    static const kwire::response_frame frame = [] {
        const auto body = bench::make_metadata_response(3, 1000, 10).bytes;
        std::vector<std::byte> bytes(5); // correlation id 0, and no tags
        bytes.insert(bytes.end(), body.begin(), body.end());
        return kwire::parse_response_frame(kwire::shared_buffer::copy_of(bytes), kwire::api_key::metadata, 12)
            .value();
    }();
    return frame;
}

/// A Fetch response v12 of one partition with so many bytes of records.
kwire::response_frame fetched(std::size_t size) {
    kwire::unique_buffer records = kwire::unique_buffer::with_capacity(size);
    records.commit(size);
    std::memset(records.data(), 0x5a, size);
    kwire::fetch_response::data answer{
        .responses = {{.topic = "tenant-a.orders",
                       .partitions = {{.partition_index = 0, .records = std::move(records).freeze()}}}}};
    const auto bytes = kwire::encode<kwire::fetch_response>(answer, 12)->to_bytes();
    kwire::buffer_chain frame;
    frame.put_u32(0);
    frame.put_u8(0);
    frame.put_bytes(bytes);
    return kwire::parse_response_frame(frame.to_bytes(), kwire::api_key::fetch, 12).value();
}

// The maps. Those that change nothing look at each field, and change what no frame here has.
void keep_hosts(kwire::named_field& field) {
    if (field.text().empty()) field.set_address("proxy.example", 19092);
}
void change_hosts(kwire::named_field& field) { field.set_address("proxy.example", 19092); }
void keep_names(kwire::named_field& field) {
    if (field.text().starts_with(prefix)) field.set_text(field.text().substr(prefix.size()));
}
void change_names(kwire::named_field& field) {
    field.set_text(field.text().substr(field.text().find('.') + 1));
}

/// The same by decoding: what to expect, and what it costs.
template <class M, class Change>
kwire::buffer_chain by_data(const kwire::response_frame& frame, Change change) {
    auto data = kwire::to_data(*kwire::parse<M>(frame));
    change(data);
    return *kwire::encode_response(data, frame.api_version(), frame.correlation_id());
}
void change_hosts_of(kwire::metadata_response::data& data) {
    for (auto& broker : data.brokers) {
        broker.host = "proxy.example";
        broker.port = 19092;
    }
}
void change_names_of(kwire::metadata_response::data& data) {
    for (auto& topic : data.topics) topic.name = topic.name->substr(topic.name->find('.') + 1);
}
void change_name_of(kwire::fetch_response::data& data) {
    for (auto& topic : data.responses) topic.topic = topic.topic.substr(topic.topic.find('.') + 1);
}

bool same_bytes(const kwire::buffer_chain& frame, const kwire::buffer_chain& with_length) {
    const auto one = frame.to_bytes(), other = with_length.to_bytes();
    return std::ranges::equal(one.span(), other.span().subspan(4));
}
bool is_itself(const kwire::buffer_chain& out, const kwire::response_frame& frame) {
    return out.segment_count() == 1 && out.segments()[0].data() == frame.frame().data();
}

void check_alone(benchmark::State& state) {
    const auto& info = kwire::message_info_of<kwire::metadata_response>;
    for ([[maybe_unused]] auto _ : state) {
        const auto body = kwire::parse(info, metadata());
        benchmark::DoNotOptimize(body.has_value());
    }
}

template <class Map>
void kept(benchmark::State& state, kwire::entity_set wanted, Map map) {
    if (!is_itself(kwire::rewrite(metadata(), wanted, map).value(), metadata()))
        return state.SkipWithError("what changes nothing is not the frame itself");
    for ([[maybe_unused]] auto _ : state) {
        const auto out = kwire::rewrite(metadata(), wanted, map);
        benchmark::DoNotOptimize(out->size());
    }
}
void rewrite_hosts_kept(benchmark::State& state) { kept(state, entity::host, keep_hosts); }
void rewrite_names_kept(benchmark::State& state) { kept(state, entity::topic_name, keep_names); }

/// The rest of the frame must not be copied: only what is new may be, which is what `map` sets.
template <class M, class Map, class Change>
void changed(benchmark::State& state, const kwire::response_frame& frame, kwire::entity_set wanted, Map map,
             Change change) {
    const auto expected = by_data<M>(frame, change);
    const std::uint64_t before = kwire::copied_bytes();
    const auto made = kwire::rewrite(frame, wanted, map);
    if (kwire::copied_bytes() != before) return state.SkipWithError("bytes of the frame are copied");
    if (!same_bytes(made.value(), expected)) return state.SkipWithError("the contenders disagree");
    for ([[maybe_unused]] auto _ : state) {
        const auto out = kwire::rewrite(frame, wanted, map);
        benchmark::DoNotOptimize(out->size());
    }
}
void rewrite_hosts_changed(benchmark::State& state) {
    changed<kwire::metadata_response>(state, metadata(), entity::host, change_hosts, change_hosts_of);
}
void rewrite_names_changed(benchmark::State& state) {
    changed<kwire::metadata_response>(state, metadata(), entity::topic_name, change_names, change_names_of);
}
void rewrite_fetched_name(benchmark::State& state) {
    changed<kwire::fetch_response>(state, fetched(static_cast<std::size_t>(state.range(0))),
                                   entity::topic_name, change_names, change_name_of);
}

template <class M, class Change>
void decoded(benchmark::State& state, const kwire::response_frame& frame, Change change) {
    for ([[maybe_unused]] auto _ : state) {
        const auto out = by_data<M>(frame, change);
        benchmark::DoNotOptimize(out.size());
    }
}
void decode_hosts_changed(benchmark::State& state) {
    decoded<kwire::metadata_response>(state, metadata(), change_hosts_of);
}
void decode_names_changed(benchmark::State& state) {
    decoded<kwire::metadata_response>(state, metadata(), change_names_of);
}
void decode_fetched_name(benchmark::State& state) {
    decoded<kwire::fetch_response>(state, fetched(static_cast<std::size_t>(state.range(0))), change_name_of);
}

} // namespace

BENCHMARK(check_alone);
BENCHMARK(rewrite_hosts_kept);
BENCHMARK(rewrite_hosts_changed);
BENCHMARK(rewrite_names_kept);
BENCHMARK(rewrite_names_changed);
BENCHMARK(rewrite_fetched_name)->Arg(1 << 10)->Arg(1 << 20)->Arg(1 << 24);
BENCHMARK(decode_hosts_changed);
BENCHMARK(decode_names_changed);
BENCHMARK(decode_fetched_name)->Arg(1 << 10)->Arg(1 << 20)->Arg(1 << 24);
