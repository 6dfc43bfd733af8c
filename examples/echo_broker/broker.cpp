#include "echo_broker/broker.hpp"

#include <kwire/api.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "echo_broker/log/recovery.hpp"
#include "echo_broker/observe/request_line.hpp"

namespace echo_broker {

namespace {

constexpr std::size_t most_apis = 128; // Kafka has assigned 95

/// Bytes of a request without records. A list with millions of elements of a few bytes would be answered with
/// an element of a hundred bytes for each.
constexpr std::size_t longest_question = 16 << 20;

/// The services by API key; null where there is none.
const std::array<const service*, most_apis>& by_key() {
    static const auto table = [] {
        std::array<const service*, most_apis> out{};
        for (const service& one : all_services()) out[static_cast<std::size_t>(one.api)] = &one;
        return out;
    }();
    return table;
}

const service* find_service(kwire::api_key api) {
    const auto index = static_cast<std::size_t>(static_cast<std::uint16_t>(api));
    return index < most_apis ? by_key()[index] : nullptr;
}

/// Names an API or a version that is not served, and the client that wants it. Kafka closes the connection
/// too.
std::string not_served(const kwire::request_frame& request, const service* known) {
    std::string why = request_name(request) + " is not served";
    if (known != nullptr)
        why += ", only v" + std::to_string(known->versions.first) + " to v" +
               std::to_string(known->versions.last);
    return why;
}

/// The memory for batches. If there are files, it has only what has come last.
std::uint64_t bytes_in_memory(const options& given) {
    constexpr std::uint64_t with_files = 16;
    return (given.data_dir.empty() ? given.memory_mib : std::min(given.memory_mib, with_files)) << 20;
}

} // namespace

broker::broker(const options& given)
    : chosen(given), storage(given, timers), records(bytes_in_memory(given)), topics(given.partitions) {
    if (!chosen.dump.empty()) dump = std::make_unique<frame_dump>(chosen.dump);
    if (!storage.on_disk()) return;
    topics.open(chosen.data_dir, [this](const topic& of, std::int32_t index, partition_log& log,
                                        bool is_new) { open_log(*this, of.name, index, log, is_new); });
    restore_own_records(*this);
}

broker::~broker() = default;

void broker::answer(kwire::request_frame request, client& from, kwire::responder to) {
    ++done.requests;
    const service* const known = find_service(request.api());
    // ApiVersions is answered in any version, so that clients come to know which ones there are.
    const bool served = known != nullptr && (known->versions.contains(request.api_version()) ||
                                             request.api() == kwire::api_key::api_versions);
    if (!served) return to.hang_up(not_served(request, known));
    if (request.api() != kwire::api_key::produce && request.frame().size() > longest_question)
        return to.hang_up(std::string(kwire::facts_of(request.api()).name) + " of " +
                          std::to_string(request.frame().size()) + " bytes is too long");
    open_request kept = open(*this, request, from);
    known->handle(*this, std::move(request), from, std::move(to), std::move(kept));
}

open_request open(broker& here, const kwire::request_frame& request, const client& from) {
    open_request out{.api = request.api(),
                     .version = request.api_version(),
                     .correlation_id = request.correlation_id(),
                     .size = request.frame().size(),
                     .address = from.address,
                     .connection = from.connection};
    if (here.chosen.verbose) {
        out.since = std::chrono::steady_clock::now();
        out.client_id = request.client_id().value_or("");
    }
    if (here.dump) here.dump->request(from.connection, request.frame().span());
    return out;
}

void show(broker& here, const open_request& request, const kwire::message_info& response,
          std::int16_t version, const kwire::buffer_chain& answer) {
    if (here.chosen.verbose)
        std::fprintf(stderr, "%s\n", request_line(request, response, version, answer).c_str());
    if (here.dump && !answer.empty()) here.dump->answer(request.connection, answer);
}

void finish(broker& here, open_request request, kwire::responder to, const kwire::message_info& response,
            std::int16_t version, kwire::buffer_chain answer) {
    here.storage.when_acknowledgeable([&here, &response, version, request = std::move(request),
                                       to = std::move(to), answer = std::move(answer)]() mutable {
        show(here, request, response, version, answer);
        if (answer.empty()) return to.send_nothing();
        to.send(std::move(answer));
    });
}

} // namespace echo_broker
