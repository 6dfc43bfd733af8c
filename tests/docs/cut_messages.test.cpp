/// The code of docs/cut-messages.md.
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_prefix.hpp>
#include <kwire/connect/sniff.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/reflect/prefix.hpp>
#include <kwire/write/encode.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

using bytes = std::vector<std::byte>;

bytes flat(const kwire::buffer_chain& chain) {
    const kwire::shared_buffer all = chain.to_bytes();
    return {all.data(), all.data() + all.size()};
}

// The hosts of the brokers, as many as can be seen.
std::vector<std::string> hosts_in(std::span<const std::byte> first_bytes, int version) {
    std::vector<std::string> hosts;
    const auto seen = kwire::parse_prefix<kwire::metadata_response>(first_bytes, version);
    if (!seen) return hosts; // wrong before it is cut
    if (const auto brokers = seen->get<"brokers">())
        for (const auto broker : *brokers)
            if (const auto host = broker.get<"host">()) hosts.emplace_back(*host);
    return hosts;
}

// "orders[3]: 14000 bytes" for the first batch of a Produce request that may be cut anywhere.
std::string first_batch(std::span<const std::byte> body, int version) {
    const auto seen = kwire::parse_prefix<kwire::produce_request>(body, version);
    if (!seen) return {};
    const auto topics = seen->get<"topic_data">();
    if (!topics || topics->size() == 0) return {};
    const auto topic = *topics->begin();
    const auto partitions = topic.get<"partition_data">();
    if (!partitions || partitions->size() == 0) return {};
    const auto partition = *partitions->begin();
    const auto name = topic.get<"name">();
    const auto index = partition.get<"index">();
    const auto records = partition.part<"records">(); // its length is there, and perhaps not all of it
    if (!name || !index || !records) return {};
    return std::string(*name) + "[" + std::to_string(*index) + "]: " + std::to_string(records->claimed) +
           " bytes";
}

// "brokers 3 of 3, cluster_id, controller_id, topics 0 of 50" for any message.
std::string outline(const kwire::dynamic_prefix& message) {
    std::string text;
    for (const kwire::dynamic_prefix_value field : message.fields()) {
        if (field.state() == kwire::seen_state::missing || field.state() == kwire::seen_state::absent)
            continue;
        if (!text.empty()) text += ", ";
        text += field.info().name;
        if (field.kind() == kwire::field_kind::array)
            text += " " + std::to_string(field.whole_elements()) + " of " + std::to_string(field.claimed());
    }
    return text;
}

// "Metadata v9 of billing" for the first bytes of a request frame, after its length.
std::string request_line(std::span<const std::byte> frame, std::uint32_t length) {
    const auto seen = kwire::parse_request_prefix(frame, {.whole_size = length});
    if (!seen || !seen->api || !seen->api_version) return "?";
    std::string line(kwire::name_of(*seen->api));
    line += " v" + std::to_string(*seen->api_version);
    if (seen->client_id && seen->client_id->whole())
        line += " of " + std::string(reinterpret_cast<const char*>(seen->client_id->there.data()),
                                     seen->client_id->there.size());
    return line;
}

// Whether a connection is one to Kafka, by the first bytes that its client has sent.
bool is_kafka(std::span<const std::byte> first_64_bytes) {
    return kwire::sniff(first_64_bytes).certainty >= kwire::certainty::likely;
}

// The part of a stream from its next request on, after bytes were lost.
std::span<const std::byte> after_gap(std::span<const std::byte> stream) {
    const std::optional<kwire::resynced> next = kwire::resync(stream);
    return next ? stream.subspan(next->offset) : std::span<const std::byte>();
}

bytes metadata(std::int32_t topics) {
    kwire::metadata_response::data answer;
    answer.cluster_id = "abc";
    for (std::int32_t id = 0; id < 3; ++id) {
        kwire::metadata_response::broker::data broker;
        broker.node_id = id;
        broker.host = "broker-" + std::to_string(id);
        answer.brokers.push_back(std::move(broker));
    }
    for (std::int32_t i = 0; i < topics; ++i) {
        kwire::metadata_response::topic::data topic;
        topic.name = "topic-" + std::to_string(i);
        answer.topics.push_back(std::move(topic));
    }
    return flat(kwire::encode<kwire::metadata_response>(answer, 12).value());
}

} // namespace

TEST_CASE("the hosts of a Metadata response are found in its first bytes") {
    const bytes all = metadata(50);
    CHECK(hosts_in(std::span(all).first(128), 12) ==
          std::vector<std::string>{"broker-0", "broker-1", "broker-2"});
    CHECK(hosts_in(std::span(all).first(18), 12) == std::vector<std::string>{"broker-0"});
    CHECK(hosts_in(std::span(all).first(4), 12).empty());
}

TEST_CASE("an outline says what of a message is there, and where it is cut") {
    const bytes all = metadata(50);
    const auto seen =
        kwire::parse_prefix(*kwire::find_message("MetadataResponse"), std::span(all).first(100), 12);
    REQUIRE(seen);
    CHECK(outline(*seen) == "throttle_time_ms, brokers 3 of 3, cluster_id, controller_id, topics 0 of 50");
    const auto cut = seen->cut();
    REQUIRE(cut);
    const auto where = kwire::describe(*cut);
    CHECK(where.view() == "MetadataResponse v12 topics[0].topic_authorized_operations: truncated at byte 99, "
                          "needs 4 bytes, 1 left");
}

TEST_CASE("a Produce request shows what it brings before its records end") {
    kwire::produce_request::data request;
    request.topic_data.emplace_back();
    request.topic_data[0].name = "orders";
    request.topic_data[0].partition_data.emplace_back();
    request.topic_data[0].partition_data[0].index = 3;
    request.topic_data[0].partition_data[0].records =
        kwire::buffer_chain(kwire::shared_buffer::copy_of(bytes(14'000)));
    const bytes all = flat(kwire::encode<kwire::produce_request>(request, 9).value());
    CHECK(first_batch(std::span(all).first(128), 9) == "orders[3]: 14000 bytes");
    CHECK(first_batch(std::span(all).first(20), 9).empty());
}

TEST_CASE("a header that is cut shows its first fields") {
    kwire::metadata_request::data request;
    const bytes sent = flat(kwire::encode_request<kwire::metadata_request>(request, 9, 1, "billing").value());
    const auto length = static_cast<std::uint32_t>(sent.size() - 4);
    const auto frame = std::span<const std::byte>(sent).subspan(4);
    CHECK(request_line(frame, length) == "Metadata v9 of billing");
    CHECK(request_line(frame.first(12), length) == "Metadata v9");
    CHECK(request_line(frame.first(3), length) == "?");
    CHECK(is_kafka(sent));
    bytes stream(7 + sent.size(), std::byte{0x55});
    std::ranges::copy(sent, stream.begin() + 7);
    CHECK(after_gap(stream).size() == sent.size());
}
