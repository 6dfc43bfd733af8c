/// Generic tools, applied to every message and every golden vector. docs/reflection.md shows some of them.
#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/print.hpp>
#include <kwire/reflect/set.hpp>
#include <kwire/write/encode.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "support/golden.hpp"

namespace {

// The paths of all fields that name `what`, in a struct and in all structs nested in it.
void list(const kwire::struct_info& fields, kwire::entity what, const std::string& path,
          std::vector<std::string>& found) {
    for (const kwire::field_info& field : fields) {
        const std::string name = path + "." + std::string(field.name);
        if (field.names == what) found.push_back(name);
        if (field.structure != nullptr) list(*field.structure, what, name, found);
    }
}

// Counts how often a message names each topic.
void count_topics(const kwire::dynamic_value& value, std::map<std::string, int>& counts) {
    if (value.is_null()) return;
    if (value.kind() == kwire::field_kind::array)
        for (const auto element : value.elements()) count_topics(element, counts);
    else if (value.kind() == kwire::field_kind::structure)
        for (const auto field : value.structure().fields()) count_topics(field, counts);
    else if (value.info().names == kwire::entity::topic_name && value.present())
        ++counts[std::string(value.text())];
}

// Adds `by` to the id of each broker in any message, in place.
bool shift_brokers(kwire::editable<kwire::dynamic>& message, const kwire::dynamic_value& value, int by) {
    bool done = true;
    if (value.is_null() || !value.present()) return done;
    if (value.kind() == kwire::field_kind::array)
        for (const auto element : value.elements()) done = shift_brokers(message, element, by) && done;
    else if (value.kind() == kwire::field_kind::structure)
        for (const auto field : value.structure().fields()) done = shift_brokers(message, field, by) && done;
    else if (value.info().names == kwire::entity::broker_id && value.number() >= 0) // negative: not a broker
        done = kwire::set(message, value, value.number() + by).has_value();
    return done;
}

// The same tables can be read at compile time.
consteval int secrets_of(const kwire::struct_info& fields) {
    int count = 0;
    for (const kwire::field_info& field : fields)
        count +=
            (field.secret == kwire::secrecy::always) + (field.structure ? secrets_of(*field.structure) : 0);
    return count;
}
static_assert(secrets_of(kwire::info_of<kwire::alter_user_scram_credentials_request>) == 2);

// And one field by name: its facts, and its type.
constexpr std::size_t name = kwire::field_index<kwire::metadata_request::topic, "name">;
constexpr const kwire::field_info& facts = kwire::info_of<kwire::metadata_request::topic>.fields[name];
static_assert(facts.kind == kwire::field_kind::string && facts.nullable.first == 10);
static_assert(std::is_same_v<kwire::child_of<kwire::metadata_request, 0>, kwire::metadata_request::topic>);

/// Calls `f(line, info, view)` for each golden line of a valid message, and returns their number.
template <class F>
std::size_t each_golden_view(F f) {
    std::size_t lines = 0;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        const kwire::message_info* const info = kwire::find_message(line.message);
        REQUIRE(info != nullptr);
        const auto view = kwire::parse_view(*info, line.bytes, line.version);
        REQUIRE(view);
        f(line, *info, *view);
        ++lines;
    }
    return lines;
}

std::size_t secrets_in(const kwire::dynamic_view& view, bool flagged);

std::size_t secrets_in(const kwire::dynamic_value& value, bool flagged) {
    const kwire::secrecy mark = value.info().secret;
    if (value.is_null()) return 0;
    if (mark == kwire::secrecy::always || (mark == kwire::secrecy::flagged && flagged)) return 1;
    if (value.kind() == kwire::field_kind::structure) return secrets_in(value.structure(), flagged);
    std::size_t count = 0;
    if (value.kind() == kwire::field_kind::array)
        for (const kwire::dynamic_value element : value.elements()) count += secrets_in(element, flagged);
    return count;
}

/// The number of values in it that must not be shown.
std::size_t secrets_in(const kwire::dynamic_view& view, bool flagged) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < view.field_count(); ++i)
        flagged |= view.field(i).info().secret == kwire::secrecy::flag && view.field(i).number() != 0;
    for (std::size_t i = 0; i < view.field_count(); ++i)
        if (view.field(i).present()) count += secrets_in(view.field(i), flagged);
    return count;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

} // namespace

TEST_CASE("every golden message is printed on one line without secrets and control characters") {
    std::size_t secrets = 0;
    const std::size_t lines = each_golden_view([&](const auto& line, const auto& info, const auto& view) {
        CAPTURE(line.name());
        for (const auto& options : {kwire::print_options{}, kwire::print_options::everything()}) {
            const std::string text = kwire::to_text(view, options);
            const std::string head =
                std::string(info.facts.name) + " v" + std::to_string(view.version()) + " {";
            REQUIRE(text.starts_with(head));
            REQUIRE(text.back() == '}');
            for (const char c : text) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        }
        const std::size_t hidden = secrets_in(view, false);
        secrets += hidden;
        REQUIRE(occurrences(kwire::to_text(view, kwire::print_options::everything()), "<secret>") == hidden);
    });
    WARN(lines << " messages printed, " << secrets << " secrets kept");
    CHECK(secrets > 0);
}

TEST_CASE("the tables list the fields that name topics, in every message") {
    std::vector<std::string> found;
    for (const kwire::message_info& message : kwire::all_messages())
        list(*message.structure, kwire::entity::topic_name, std::string(message.facts.name), found);
    const std::set<std::string> all(found.begin(), found.end());
    CHECK(all.size() == found.size());
    CHECK(all.size() > 110);
    for (const char* expected :
         {"MetadataRequest.topics.name", "ProduceRequest.topic_data.name", "TopicRecord.name",
          "FetchRequest.topics.topic", "ConsumerProtocolSubscription.topics",
          "ConsumerProtocolSubscription.owned_partitions.topic",
          "ConsumerProtocolAssignment.assigned_partitions.topic", "OffsetCommitKey.topic",
          "TransactionLogValue.transaction_partitions.topic",
          "StreamsGroupTopologyValue.subtopologies.source_topics",
          "StreamsGroupTopologyValue.subtopologies.state_changelog_topics.name",
          "RemoteLogSegmentMetadataRecord.remote_log_segment_id.topic_id_partition.name"}) {
        INFO(expected);
        CHECK(all.contains(expected));
    }
}

TEST_CASE("the tables list the fields that name other entities, topic ids included") {
    const auto names = [](std::string_view message, kwire::entity what) {
        std::vector<std::string> found;
        list(*kwire::find_message(message)->structure, what, "", found);
        return found;
    };
    using paths = std::vector<std::string>;
    CHECK(names("FetchRequest", kwire::entity::topic_id) ==
          paths{".topics.topic_id", ".forgotten_topics_data.topic_id"});
    CHECK(names("OffsetCommitValue", kwire::entity::topic_id) == paths{".topic_id"});
    CHECK(names("OffsetCommitKey", kwire::entity::group_id) == paths{".group"});
    CHECK(names("TransactionLogKey", kwire::entity::transactional_id) == paths{".transactional_id"});
    CHECK(names("TransactionLogValue", kwire::entity::producer_id) ==
          paths{".producer_id", ".previous_producer_id", ".next_producer_id"});
    CHECK(names("QuorumStateData", kwire::entity::broker_id) ==
          paths{".leader_id", ".voted_id", ".current_voters.voter_id"});
}

TEST_CASE("the messages of an API are found by its key") {
    int found = 0;
    for (int key = -32768; key <= 32767; ++key) {
        const auto api = static_cast<kwire::api_key>(key);
        const kwire::api_facts known = kwire::facts_of(api);
        const kwire::message_info* request = kwire::find_request(api);
        const kwire::message_info* response = kwire::find_response(api);
        REQUIRE((request != nullptr) == known.assigned);
        REQUIRE((response != nullptr) == known.assigned);
        if (request == nullptr) continue;
        CHECK(request == kwire::find_message(std::string(known.name) + "Request"));
        CHECK(response == kwire::find_message(std::string(known.name) + "Response"));
        CHECK((request->facts.key == key && response->facts.key == key));
        ++found;
    }
    CHECK(found == 95);
}

TEST_CASE("values are found by the entity that they name, in any message") {
    const kwire::metadata_response::data cluster{
        .brokers = {{.node_id = 1}, {.node_id = 2}},
        .topics = {
            {.name = "orders",
             .partitions = {{.leader_id = -1, .replica_nodes = {1, 2}}, {.leader_id = 2, .isr_nodes = {2}}}},
            {.name = "orders"},
            {.name = std::nullopt}}};
    const auto encode = [](const kwire::metadata_response::data& data) {
        return kwire::encode<kwire::metadata_response>(data, 12).value().to_bytes();
    };
    const kwire::message_info& info = *kwire::find_message("MetadataResponse");
    auto message = kwire::edit(kwire::parse(info, encode(cluster), 12).value()).value();
    std::map<std::string, int> counts;
    bool done = true;
    for (const auto field : message->fields()) {
        count_topics(field, counts);
        done = shift_brokers(message, field, 1000) && done;
    }
    CHECK(counts == std::map<std::string, int>{{"orders", 2}});
    CHECK(done);

    // The elements of an array of strings have the name of the array.
    const auto subscription =
        kwire::encode<kwire::consumer_protocol_subscription>(
            {.topics = {"orders", "bills"}, .owned_partitions = {{.topic = "orders", .partitions = {3}}}}, 1)
            .value()
            .to_bytes();
    const auto member =
        kwire::parse(*kwire::find_message("ConsumerProtocolSubscription"), subscription, 1).value();
    for (const auto field : member->fields()) count_topics(field, counts);
    CHECK(counts == std::map<std::string, int>{{"bills", 1}, {"orders", 4}});

    kwire::metadata_response::data expected = cluster;
    for (auto& broker : expected.brokers) broker.node_id += 1000;
    auto& partitions = expected.topics[0].partitions;
    partitions[0].replica_nodes = {1001, 1002};
    partitions[1].leader_id = 1002;
    partitions[1].isr_nodes = {1002};
    CHECK(std::move(message).freeze().buffer() == encode(expected));
}

namespace {

bool may_mean(kwire::field_kind kind, kwire::entity what) {
    switch (what) {
    case kwire::entity::broker_id: return kind == kwire::field_kind::int32;
    case kwire::entity::producer_id: return kind == kwire::field_kind::int64;
    case kwire::entity::topic_id: return kind == kwire::field_kind::uuid;
    case kwire::entity::port:
    case kwire::entity::client_port:
        return kind == kwire::field_kind::int32 || kind == kwire::field_kind::uint16;
    case kwire::entity::subscription:
    case kwire::entity::assignment: return kind == kwire::field_kind::bytes;
    case kwire::entity::config_resource_type:
    case kwire::entity::acl_resource_type:
    case kwire::entity::acl_pattern_type:
    case kwire::entity::coordinator_key_type: return kind == kwire::field_kind::int8;
    default: return kind == kwire::field_kind::string;
    }
}

} // namespace

TEST_CASE("the facts of each field are consistent") {
    const auto look = [](const auto& self, const kwire::message_info& message,
                         const kwire::struct_info& fields) -> void {
        for (const kwire::field_info& field : fields) {
            CAPTURE(message.facts.name, field.name);
            CHECK_FALSE(field.name.empty());
            CHECK(field.versions.first <= message.facts.versions.last);
            CHECK((field.nullable.empty() || field.nullable.last >= field.nullable.first));
            CHECK((field.structure != nullptr) == (field.element == kwire::field_kind::structure));
            if (field.tag >= 0) CHECK(message.facts.flexible(field.versions.first));
            if (field.names != kwire::entity::none) CHECK(may_mean(field.element, field.names));
            if (field.secret == kwire::secrecy::flag) CHECK(field.kind == kwire::field_kind::boolean);
            if (field.map_key)
                CHECK((field.kind != kwire::field_kind::array && field.kind != kwire::field_kind::structure));
            if (field.structure != nullptr) self(self, message, *field.structure);
        }
    };
    for (const kwire::message_info& message : kwire::all_messages()) look(look, message, *message.structure);
}
