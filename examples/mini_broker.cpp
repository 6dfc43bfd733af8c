/// A broker of one node in memory, with topics of one partition, made when they are asked for: enough for
/// kcat.
///     mini_broker [PORT]
#include <kwire/asio.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/list_offsets.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <memory>

#include "listener.hpp"

using namespace listener; // asio, tcp
using namespace std::chrono_literals;
using reply = kwire::expected<kwire::buffer_chain, kwire::error>;
namespace {
constexpr kwire::api_range served[] = {{kwire::api_key::produce, {3, 12}},
                                       {kwire::api_key::fetch, {4, 12}},
                                       {kwire::api_key::list_offsets, {1, 6}},
                                       {kwire::api_key::metadata, {4, 9}},
                                       {kwire::api_key::api_versions, {0, 3}}};

struct partition_log {
    std::deque<kwire::held<kwire::batch_view>> batches; // slices of the requests that brought them
    std::int64_t end = 0;
};
std::map<std::string, partition_log, std::less<>> topics;
std::uint16_t port = 0;
constexpr auto none = kwire::error_code::none, unknown = kwire::error_code::unknown_topic_or_partition;

partition_log* find(std::string_view topic, std::int32_t partition) {
    const auto found = topics.find(topic);
    return found != topics.end() && partition == 0 ? &found->second : nullptr;
}

constexpr auto metadata = [](const kwire::message<kwire::metadata_request>& asked) -> reply {
    kwire::metadata_response::data answer{.brokers = {{.node_id = 1, .host = "127.0.0.1", .port = port}},
                                          .controller_id = 1};
    for (auto topic : asked->topics()) topics[std::string(*topic.name())];
    for (const auto& [name, log] : topics)
        answer.topics.push_back(
            {.name = name, .partitions = {{.leader_id = 1, .replica_nodes = {1}, .isr_nodes = {1}}}});
    return kwire::encode_response(answer, asked.api_version(), asked.correlation_id());
};

constexpr auto produce = [](kwire::message<kwire::produce_request> asked) -> reply {
    auto request = kwire::edit(std::move(asked)).value(); // the last holder of the bytes may write to them
    kwire::produce_response::data answer;
    std::vector<std::pair<partition_log*, kwire::batch_view>> stamped;
    for (auto topic : request->topic_data()) {
        auto& told = answer.responses.emplace_back();
        told.name = topic.name();
        for (auto partition : topic.partition_data()) {
            auto& result = told.partition_responses.emplace_back();
            result.index = partition.index();
            partition_log* const log = find(topic.name(), partition.index());
            const auto sound = kwire::check_batches(partition.records());
            const bool takes = sound && sound->batches == 1;
            result.error_code = !log ? unknown : takes ? none : kwire::error_code::corrupt_message;
            if (result.error_code != none) continue;
            const auto done = kwire::stamp(request, sound->first, {.base_offset = log->end});
            result.base_offset = std::exchange(log->end, done.value().next_offset);
            stamped.emplace_back(log, sound->first);
        }
    }
    const auto shared = std::move(request).freeze(); // read only from here on
    for (auto& [log, batch] : stamped) log->batches.push_back(shared.hold(batch).value());
    if (shared->acks() == 0) return kwire::buffer_chain{};
    return kwire::encode_response(answer, shared.api_version(), shared.correlation_id());
};

constexpr auto fetch = [](const kwire::message<kwire::fetch_request>& asked) -> reply {
    kwire::fetch_response::data answer;
    for (auto topic : asked->topics()) {
        auto& told = answer.responses.emplace_back();
        told.topic = topic.topic();
        for (auto partition : topic.partitions()) {
            auto& result = told.partitions.emplace_back();
            result.partition_index = partition.partition();
            const partition_log* const log = find(topic.topic(), partition.partition());
            result.error_code = log != nullptr ? none : unknown;
            if (log == nullptr) continue;
            result.high_watermark = result.last_stable_offset = log->end;
            kwire::buffer_chain records;
            for (const auto& batch : log->batches)
                if (batch->next_offset() > partition.fetch_offset())
                    records.put_bytes(batch.slice_or_copy(bytes_of(*batch)));
            result.records = std::move(records);
        }
    }
    return kwire::encode_response(answer, asked.api_version(), asked.correlation_id());
};

constexpr auto list_offsets = [](const kwire::message<kwire::list_offsets_request>& asked) -> reply {
    kwire::list_offsets_response::data answer;
    for (auto topic : asked->topics()) {
        auto& told = answer.topics.emplace_back();
        told.name = topic.name();
        for (auto partition : topic.partitions()) {
            const partition_log* const log = find(topic.name(), partition.partition_index());
            const bool end = log != nullptr && partition.timestamp() == -1; // and not the beginning
            told.partitions.push_back({.partition_index = partition.partition_index(),
                                       .error_code = log != nullptr ? none : unknown,
                                       .offset = end ? log->end : 0});
        }
    }
    return kwire::encode_response(answer, asked.api_version(), asked.correlation_id());
};

constexpr auto versions = [](const kwire::request_frame& asked) -> reply { // what no other one takes
    const auto answer = kwire::answer_api_versions(asked, served);
    if (!answer) return kwire::unexpected(answer.error());
    return kwire::encode_response(answer->body, answer->version, asked.correlation_id());
};

reply answer_to(kwire::request_frame frame) {
    const bool known = kwire::versions_in(served, frame.api()).contains(frame.api_version());
    if (!known && frame.api() != kwire::api_key::api_versions)
        return kwire::unexpected(kwire::error{.code = kwire::errc::unsupported_version, .located = false});
    const kwire::overloaded handlers{metadata, produce, fetch, list_offsets, versions};
    auto done = kwire::dispatch(std::move(frame), handlers, kwire::parse_options::as_kafka());
    return done ? *std::move(done) : kwire::unexpected(done.error());
}

asio::awaitable<void> serve(tcp::socket socket) {
    port = socket.local_endpoint().port();
    const auto handler = [&](kwire::request_frame request, kwire::responder answer) {
        const bool fetches = request.api() == kwire::api_key::fetch;
        auto bytes = answer_to(std::move(request));
        if (!bytes) return answer.hang_up(kwire::to_string(bytes.error()));
        if (!fetches || bytes->segment_count() > 1) return answer.send(*std::move(bytes));
        // No records: an answer at once would make the client ask at once again.
        auto pause = std::make_shared<asio::steady_timer>(socket.get_executor(), 50ms);
        pause->async_wait([pause, answer = std::move(answer), bytes = *std::move(bytes)](auto) mutable {
            answer.send(std::move(bytes));
        });
    };
    const auto end = co_await kwire::async_serve(socket, handler, {}, asio::use_awaitable);
    if (!end.reason.empty()) std::fprintf(stderr, "a connection ended: %s\n", end.reason.c_str());
}

} // namespace

int main(int argc, char** argv) { run(local(argc > 1 ? argv[1] : "9092"), serve); }
