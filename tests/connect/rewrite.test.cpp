#include <kwire/connect/rewrite.hpp>
#include <kwire/error_text.hpp>
#include <kwire/messages/consumer_protocol_assignment.hpp>
#include <kwire/messages/consumer_protocol_subscription.hpp>
#include <kwire/messages/create_acls.hpp>
#include <kwire/messages/describe_client_quotas.hpp>
#include <kwire/messages/describe_configs.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/sync_group.hpp>
#include <kwire/reflect/json.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>
#include <kwire/write/versioned.hpp>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"

using kwire::entity;
using kwire::named_field;

namespace {

/// A line of schema/marked_fields.txt: the list of fields with a meaning, which a script makes of the schema.
struct marked_field {
    std::string path;
    int first = 0, last = 0;
    std::string meaning;
};
const std::map<std::string, std::vector<marked_field>>& marked_fields() {
    static const auto all = [] {
        std::map<std::string, std::vector<marked_field>> fields;
        std::ifstream file(KWIRE_GOLDEN_DIR "/../../schema/marked_fields.txt");
        for (std::string line; std::getline(file, line);) {
            if (line.empty() || line.starts_with('#')) continue;
            std::vector<std::string> parts;
            for (std::size_t at = 0; at != std::string::npos;) {
                const std::size_t end = line.find(" | ", at);
                parts.push_back(line.substr(at, end == std::string::npos ? end : end - at));
                at = end == std::string::npos ? end : end + 3;
            }
            const std::size_t dash = parts.at(2).find('-');
            fields[parts[0]].push_back({parts[1], std::stoi(parts[2].substr(0, dash)),
                                        std::stoi(parts[2].substr(dash + 1)), parts.at(3)});
        }
        return fields;
    }();
    return all;
}

/// What the map of this test makes of a text, a number and an id.
std::string other_text(std::string_view text) { return std::string(text) + ", but another"; }
std::int64_t other_number(std::int64_t number) { return number == 7 ? 8 : 7; }
constexpr std::string_view other_id = "AAAAAAAAAAEAAAAAAAAAAg", yet_another_id = "AAAAAAAAAAEAAAAAAAAABA";

void change(boost::json::value& json) {
    if (auto* const text = json.if_string())
        json = other_text({text->data(), text->size()});
    else if (json.is_int64() && json.as_int64() >= 0)
        json = other_number(json.as_int64());
}
void change_id(boost::json::value& json) {
    if (!json.is_string() || json == boost::json::value("AAAAAAAAAAAAAAAAAAAAAA")) return;
    json = json == boost::json::value(other_id) ? yet_another_id : other_id;
}

/// Calls `f` with what the path leads to in the JSON of a message.
template <class F>
void at_json_path(boost::json::value& json, std::string_view path, const F& f) {
    if (path.empty()) {
        if (!json.is_null()) f(json);
        return;
    }
    if (path.starts_with("[]")) {
        if (auto* const elements = json.if_array())
            for (auto& element : *elements) at_json_path(element, path.substr(2), f);
        return;
    }
    if (path.starts_with('.')) path.remove_prefix(1);
    auto* const object = json.if_object();
    if (object == nullptr) return;
    const std::string_view name = path.substr(0, path.find_first_of(".["));
    for (auto& member : *object)
        if (kwire::detail::is_json_key(member.key(), name))
            at_json_path(member.value(), path.substr(name.size()), f);
}

const std::vector<entity>& plain_meanings() {
    static const std::vector<entity> all = [] {
        std::vector<entity> some;
        for (int i = 1; i < 64; ++i) {
            const auto one = static_cast<entity>(i);
            if (!kwire::name_of(one).empty() && kwire::decided_by(one) == entity::none && one != entity::port)
                some.push_back(one);
        }
        return some;
    }();
    return all;
}

kwire::response_frame response_of(const kwire::buffer_chain& sent, kwire::api_key api, std::int16_t version) {
    return kwire::parse_response_frame(kwire::without_length(sent.to_bytes()).value(), api, version).value();
}
kwire::request_frame request_of(const kwire::buffer_chain& sent) {
    return kwire::parse_request_frame(kwire::without_length(sent.to_bytes()).value()).value();
}
template <class M, class Frame>
kwire::message<M> rewritten(const Frame& frame, kwire::entity_set wanted, auto&& map) {
    const auto out = kwire::rewrite(frame, wanted, map).value().to_bytes();
    if constexpr (std::is_same_v<Frame, kwire::request_frame>)
        return kwire::parse<M>(kwire::parse_request_frame(out).value()).value();
    else
        return kwire::parse<M>(kwire::parse_response_frame(out, frame.api(), frame.api_version()).value())
            .value();
}

} // namespace

TEST_CASE("every field with a meaning is rewritten, in every golden message, and no other") {
    std::size_t changed = 0;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        const kwire::message_info& info = *kwire::find_message(line.message);
        const auto buffer = kwire::shared_buffer::copy_of(line.bytes);
        const auto message = kwire::parse(info, buffer, line.version).value();
        const auto marked = marked_fields().find(line.message);
        for (const entity meaning : plain_meanings()) {
            const auto out = kwire::rewrite(message, meaning, [&](named_field& field) {
                if (field.info().names != meaning) return; // decided by another field: tests below
                if (meaning == entity::host && field.port() >= 0)
                    field.set_address(other_text(field.text()),
                                      static_cast<std::int32_t>(other_number(field.port())));
                else if (field.id() != kwire::uuid{})
                    field.set_id(*kwire::uuid::from_text(
                        field.id() == *kwire::uuid::from_text(other_id) ? yet_another_id : other_id));
                else if (field.number() >= 0 && field.text().empty())
                    field.set_number(other_number(field.number()));
                else
                    field.set_text(other_text(field.text()));
            });
            REQUIRE(out.has_value());

            boost::json::value json = line.json;
            bool any = false;
            if (marked != marked_fields().end())
                for (const marked_field& field : marked->second) {
                    const std::string_view name = kwire::name_of(meaning);
                    if (field.meaning != name && !(name == "host" && field.meaning == "port")) continue;
                    const int version = info.facts.canonical(line.version);
                    if (version < field.first || version > field.last) continue;
                    at_json_path(json, field.path, [&](boost::json::value& value) {
                        const auto before = value;
                        meaning == entity::topic_id ? change_id(value) : change(value);
                        any = any || value != before;
                    });
                }
            CAPTURE(line.name(), kwire::name_of(meaning));
            if (!any) {
                const bool same =
                    out->empty() || (out->segment_count() == 1 && out->segments()[0].data() == buffer.data());
                CHECK(same);
                continue;
            }
            ++changed;
            const auto expected = kwire::from_json(info, json, line.version).value();
            if (line.unknown_tag_count == 0 && *out == expected) continue;
            const auto bytes = out->to_bytes(), wanted = expected.to_bytes();
            CHECK(kwire::to_json(*kwire::parse_view(info, bytes.span(), line.version)) ==
                  kwire::to_json(*kwire::parse_view(info, wanted.span(), line.version)));
        }
    }
    CHECK(changed > 5'000);
}

TEST_CASE("a proxy gives each broker an address of its own, in every response that has one") {
    kwire::fetch_response::data fetch{.node_endpoints = {{.node_id = 4, .host = "real", .port = 9092}}};
    const auto frame = response_of(kwire::encode_response(fetch, 16, 5).value(), kwire::api_key::fetch, 16);
    const auto out = rewritten<kwire::fetch_response>(frame, entity::host, [](named_field& field) {
        CHECK(field.meaning() == entity::host);
        CHECK(field.text() == "real");
        CHECK(field.port() == 9092);
        const auto node = static_cast<std::int32_t>(field.number_of(entity::broker_id).value());
        field.set_address("proxy.example", 30'000 + node);
    });
    for (const auto endpoint : out->node_endpoints()) {
        CHECK(endpoint.host() == "proxy.example");
        CHECK(endpoint.port() == 30'004);
    }
    CHECK(out.correlation_id() == 5);
}

TEST_CASE("the client id of a request's header is a field like others") {
    const auto frame = request_of(kwire::encode_request<kwire::metadata_request>({}, 12, 5, "app").value());
    const auto out = rewritten<kwire::metadata_request>(frame, entity::client_id, [](named_field& field) {
        field.set_text("tenant." + std::string(field.text()));
    });
    CHECK(out.client_id() == "tenant.app");
}

TEST_CASE("a field that is dropped takes the element with it, and nothing outside of arrays") {
    const kwire::metadata_response::data metadata{.cluster_id = "c",
                                                  .topics = {{.name = "a"}, {.name = "b"}}};
    const auto frame =
        response_of(kwire::encode_response(metadata, 12, 5).value(), kwire::api_key::metadata, 12);
    const auto out = rewritten<kwire::metadata_response>(frame, {entity::topic_name, entity::cluster_id},
                                                         [](named_field& field) {
                                                             if (field.text() != "b") field.drop();
                                                         });
    CHECK(out->cluster_id() == "c");
    REQUIRE(out->topics().size() == 1);
    CHECK((*out->topics().begin()).name() == "b");
}

TEST_CASE("what a resource or an entity is, its neighbour decides") {
    const kwire::describe_configs_request::data configs{
        .resources = {{.resource_type = 2, .resource_name = "topic"},
                      {.resource_type = 4, .resource_name = "3"},
                      {.resource_type = 32, .resource_name = "group"}}};
    const auto frame = request_of(kwire::encode_request(configs, 4, 5).value());
    std::string seen;
    const auto out = rewritten<kwire::describe_configs_request>(
        frame, {entity::topic_name, entity::broker_id}, [&](named_field& field) {
            seen += std::string(kwire::name_of(field.meaning())) + '=' + std::string(field.text()) + ' ';
            if (field.meaning() == entity::broker_id)
                field.set_number(field.number() + 100);
            else
                field.set_text("t." + std::string(field.text()));
        });
    CHECK(seen == "topic_name=topic broker_id=3 ");
    std::string names;
    for (const auto resource : out->resources()) names += std::string(resource.resource_name()) + ' ';
    CHECK(names == "t.topic 103 group ");

    const kwire::create_acls_request::data acls{.creations = {{.resource_type = 3,
                                                               .resource_name = "g",
                                                               .resource_pattern_type = 4,
                                                               .principal = "User:a",
                                                               .host = "*"}}};
    seen.clear();
    kwire::rewrite(request_of(kwire::encode_request(acls, 3, 5).value()),
                   {entity::group_id, entity::principal},
                   [&](named_field& field) {
                       seen += std::string(kwire::name_of(field.meaning())) + '=' +
                               std::string(field.text()) + '/' +
                               std::to_string(field.number_of(entity::acl_pattern_type).value_or(0)) + ' ';
                   })
        .value();
    CHECK(seen == "group_id=g/4 principal=User:a/4 ");

    const kwire::describe_client_quotas_response::data quotas{
        .entries = {{{.entity = {{.entity_type = "user", .entity_name = "u"},
                                 {.entity_type = "client-id", .entity_name = "c"},
                                 {.entity_type = "client-id", .entity_name = std::nullopt}}}}}};
    seen.clear();
    kwire::rewrite(
        response_of(kwire::encode_response(quotas, 1, 5).value(), kwire::api_key::describe_client_quotas, 1),
        entity::client_id, [&](named_field& field) { seen += std::string(field.text()) + ' '; })
        .value();
    CHECK(seen == "c ");
}

TEST_CASE("the keys of a FindCoordinator response are what its request asked for") {
    const kwire::find_coordinator_response::data response{
        .coordinators = {{.key = "k", .node_id = 1, .host = "h", .port = 1}}};
    const auto frame =
        response_of(kwire::encode_response(response, 4, 5).value(), kwire::api_key::find_coordinator, 4);
    const auto seen = [&](kwire::rewrite_options options) {
        std::string all;
        kwire::rewrite(
            frame, entity::group_id,
            [&](named_field& field) { all += std::string(kwire::name_of(field.meaning())) + ' '; }, options)
            .value();
        return all;
    };
    CHECK(seen({}) == "coordinator_key ");
    CHECK(seen({.coordinator_key_type = std::int8_t{0}}) == "group_id ");
    CHECK(seen({.coordinator_key_type = std::int8_t{1}}) == "");
}

TEST_CASE(
    "topics in subscriptions and assignments of consumers are rewritten, those of other protocols are not") {
    const auto subscription =
        kwire::encode_versioned(kwire::consumer_protocol_subscription::data{.topics = {"a", "b"}}, 1).value();
    for (const std::string_view type : {"consumer", "connect"}) {
        kwire::join_group_request::data join{.group_id = "g",
                                             .protocol_type = std::string(type),
                                             .protocols = {{.name = "range", .metadata = subscription}}};
        const auto out = rewritten<kwire::join_group_request>(
            request_of(kwire::encode_request(join, 9, 5).value()), entity::topic_name,
            [](named_field& field) { field.set_text("t." + std::string(field.text())); });
        const auto protocol = *out->protocols().begin();
        const auto read =
            kwire::parse_versioned_view<kwire::consumer_protocol_subscription>(protocol.metadata()).value();
        std::string topics;
        for (const auto topic : read.topics()) topics += std::string(topic) + ' ';
        CHECK(topics == (type == "consumer" ? "t.a t.b " : "a b "));
    }
    const auto assignment = kwire::encode_versioned(
                                kwire::consumer_protocol_assignment::data{
                                    .assigned_partitions = {{.topic = "a", .partitions = {1}}}},
                                1)
                                .value();
    const kwire::sync_group_response::data sync{.protocol_type = "consumer", .assignment = assignment};
    const auto out = rewritten<kwire::sync_group_response>(
        response_of(kwire::encode_response(sync, 5, 5).value(), kwire::api_key::sync_group, 5),
        entity::topic_name, [](named_field& field) { field.set_text("a topic with a longer name"); });
    const auto read =
        kwire::parse_versioned_view<kwire::consumer_protocol_assignment>(out->assignment()).value();
    CHECK((*read.assigned_partitions().begin()).topic() == "a topic with a longer name");
}

TEST_CASE("what cannot be set is an error, and so are frames that cannot be read") {
    const kwire::metadata_response::data metadata{.brokers = {{.node_id = 1, .host = "h", .port = 1}}};
    const auto frame =
        response_of(kwire::encode_response(metadata, 12, 5).value(), kwire::api_key::metadata, 12);
    const auto failure = [&](kwire::entity_set wanted, auto&& map) {
        const auto out = kwire::rewrite(frame, wanted, map);
        return out ? "none" : std::string(kwire::describe(out.error()));
    };
    CHECK(failure(entity::host, [](named_field& field) { field.set_id({}); }) ==
          "MetadataResponse v12 host: bad_value");
    CHECK(failure(entity::host, [](named_field& field) { field.set_text(std::string(40'000, 'h')); }) ==
          "MetadataResponse v12 host: string_too_long");
    CHECK(failure(entity::broker_id, [](named_field& field) { field.set_number(std::int64_t{1} << 40); }) ==
          "MetadataResponse v12 node_id: bad_value");

    const auto unknown =
        kwire::parse_response_frame(kwire::shared_buffer::copy_of(kwire::test::from_hex("0000000500")),
                                    static_cast<kwire::api_key>(12345), 0);
    REQUIRE(unknown.has_value());
    CHECK(kwire::rewrite(*unknown, entity::host, [](named_field&) {}).error() == kwire::errc::unknown_api);
}

TEST_CASE("structs that are smaller than a note of where they end are rewritten like others") {
    kwire::metadata_request::data asked;
    for (int i = 0; i < 1000; ++i) asked.topics.push_back({.name = std::string(1, 'a')});
    asked.topics.push_back({.name = "orders"});
    const auto out = rewritten<kwire::metadata_request>(
        request_of(kwire::encode_request(asked, 9, 5).value()), entity::topic_name,
        [](named_field& field) { field.set_text("t." + std::string(field.text())); });
    std::size_t changed = 0;
    for (const auto topic : out->topics()) changed += topic.name()->starts_with("t.") ? 1 : 0;
    CHECK(changed == 1001);
}

TEST_CASE("nothing is shown of a frame in which something is wrong after what is wanted") {
    const kwire::metadata_response::data metadata{
        .brokers = {{.node_id = 1, .host = "h", .port = 1}},
        .topics = {{.name = "t", .partitions = {{.partition_index = 0, .replica_nodes = {1}}}}}};
    const auto whole =
        kwire::without_length(kwire::encode_response(metadata, 12, 5).value().to_bytes()).value();
    for (std::size_t size = 5; size < whole.size(); ++size) {
        const auto cut =
            kwire::parse_response_frame(whole.slice(0, size).value(), kwire::api_key::metadata, 12).value();
        int calls = 0;
        const auto out = kwire::rewrite(cut, {entity::host, entity::topic_name, entity::broker_id},
                                        [&](named_field&) { ++calls; });
        REQUIRE(!out);
        CHECK(kwire::to_string(out.error()) ==
              kwire::to_string(kwire::parse<kwire::metadata_response>(cut).error()));
        CHECK(calls == 0);
    }
}
