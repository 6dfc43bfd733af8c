#include <kwire/messages/alter_configs.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/describe_client_quotas.hpp>
#include <kwire/messages/describe_configs.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/sasl_authenticate.hpp>
#include <kwire/reflect/print.hpp>
#include <kwire/write/encode.hpp>

#include <string>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

template <class M>
std::string printed(const typename M::data& data, int version, const kwire::print_options& options = {}) {
    const kwire::shared_buffer body = kwire::encode<M>(data, version).value().to_bytes();
    return kwire::to_text(kwire::parse_view<M>(body.span(), version).value(), options);
}

std::string printed_name(std::string name) {
    return printed<kwire::metadata_request>({.topics = {{{.name = std::move(name)}}}}, 1);
}

kwire::shared_buffer bytes_of(std::string_view text) {
    return kwire::shared_buffer::copy_of(std::as_bytes(std::span(text)));
}

} // namespace

TEST_CASE("a message is one line: name, version, and every field that the version has") {
    kwire::metadata_request::data request{.topics = {{.name = "orders"}, {.name = std::nullopt}}};
    CHECK(printed<kwire::metadata_request>(request, 12) ==
          "MetadataRequest v12 {topics: [{topic_id: AAAAAAAAAAAAAAAAAAAAAA, name: \"orders\"}, {topic_id: "
          "AAAAAAAAAAAAAAAAAAAAAA, name: null}], allow_auto_topic_creation: true, "
          "include_topic_authorized_operations: false}");
    request.topics.pop_back();
    CHECK(printed<kwire::metadata_request>(request, 0) ==
          "MetadataRequest v0 {topics: [{name: \"orders\"}]}");
    CHECK(printed<kwire::metadata_request>({.topics = nullptr}, 1) == "MetadataRequest v1 {topics: null}");
}

TEST_CASE("a struct of a message is printed without a name, at any kind of view") {
    const kwire::metadata_response::data response{.brokers = {{.node_id = 1, .host = "a", .port = 9092}}};
    const auto body = kwire::encode<kwire::metadata_response>(response, 12).value().to_bytes();
    const auto general = kwire::parse_view<kwire::metadata_response>(body.span(), 12);
    const auto fixed = kwire::parse_view<kwire::metadata_response, 12>(body.span());
    const std::string broker = "{node_id: 1, host: \"a\", port: 9092, rack: null}";
    CHECK(kwire::to_text(*general->brokers().begin()) == broker);
    CHECK(kwire::to_text(*fixed->brokers().begin()) == broker);
    CHECK(kwire::to_text(*general) == kwire::to_text(*fixed));
    CHECK(kwire::to_text(*general).starts_with("MetadataResponse v12 {throttle_time_ms: 0, brokers: [" +
                                               broker));
}

TEST_CASE("tagged fields are printed if the bytes hold them, and unknown tags by number and size") {
    kwire::api_versions_response::data response{};
    CHECK(printed<kwire::api_versions_response>(response, 3) ==
          "ApiVersionsResponse v3 {error_code: 0, api_keys: [], throttle_time_ms: 0}");
    response.finalized_features_epoch = 7;
    response.unknown_tags = {{9, bytes_of("abc")}, {10, bytes_of("x")}};
    CHECK(printed<kwire::api_versions_response>(response, 3) ==
          "ApiVersionsResponse v3 {error_code: 0, api_keys: [], throttle_time_ms: 0, "
          "finalized_features_epoch: 7, "
          "unknown_tags: {9: <3 bytes>, 10: <1 byte>}}");
}

TEST_CASE("floating-point numbers have as many digits as they need") {
    const std::string text = printed<kwire::describe_client_quotas_response>(
        {.entries = {{{.values = {{.key = "rate", .value = 0.1}, {.key = "n", .value = 1e300}}}}}}, 1);
    CHECK(text.find("values: [{key: \"rate\", value: 0.1}, {key: \"n\", value: 1e+300}]") !=
          std::string::npos);
}

TEST_CASE("payloads are told by their size") {
    const kwire::produce_request::data request{
        .acks = -1,
        .topic_data = {{.name = "t",
                        .partition_data = {{.index = 2, .records = bytes_of("password=1")},
                                           {.index = 3, .records = nullptr}}}}};
    CHECK(printed<kwire::produce_request>(request, 9) ==
          "ProduceRequest v9 {transactional_id: null, acks: -1, timeout_ms: 0, topic_data: [{name: \"t\", "
          "partition_data: [{index: 2, records: <10 bytes>}, {index: 3, records: null}]}]}");
}

TEST_CASE("secrets are never printed, whatever the limits") {
    const kwire::print_options all = kwire::print_options::everything();
    CHECK(printed<kwire::sasl_authenticate_request>({.auth_bytes = bytes_of("me\0pass")}, 2, all) ==
          "SaslAuthenticateRequest v2 {auth_bytes: <secret>}");
    CHECK(printed<kwire::sasl_authenticate_request>({}, 2) ==
          "SaslAuthenticateRequest v2 {auth_bytes: <secret>}"); // whether it is empty is secret too
    const kwire::alter_configs_request::data request{
        .resources = {{.resource_type = 4,
                       .resource_name = "1",
                       .configs = {{.name = "ssl.key.password", .value = "hunter2"},
                                   {.name = "a", .value = std::nullopt}}}}};
    CHECK(printed<kwire::alter_configs_request>(request, 2, all) ==
          "AlterConfigsRequest v2 {resources: [{resource_type: 4, resource_name: \"1\", configs: [{name: "
          "\"ssl.key.password\", value: <secret>}, {name: \"a\", value: null}]}], validate_only: false}");
}

TEST_CASE("a flag says whether values beside it and inside the struct are secret") {
    kwire::describe_configs_response::data response{
        .results = {
            {.configs = {
                 {.name = "a",
                  .value = "hunter2",
                  .is_sensitive = true,
                  .synonyms = {{.name = "b", .value = "hunter2"}}},
                 {.name = "c", .value = "shown", .synonyms = {{.name = "d", .value = "shown too"}}}}}}};
    const std::string text = printed<kwire::describe_configs_response>(response, 1);
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(text.find("{name: \"a\", value: <secret>, ") != std::string::npos);
    CHECK(text.find("{name: \"b\", value: <secret>, ") != std::string::npos);
    CHECK(text.find("{name: \"c\", value: \"shown\", ") != std::string::npos);
    CHECK(text.find("{name: \"d\", value: \"shown too\", ") != std::string::npos);

    // A struct by itself: the flag of a synonym is in the struct around it, which is not to be seen from
    // there.
    const auto body = kwire::encode<kwire::describe_configs_response>(response, 1).value().to_bytes();
    const auto view = kwire::parse_view<kwire::describe_configs_response>(body, 1).value();
    for (const auto result : view.results())
        for (const auto config : result.configs()) {
            CHECK(text.find(kwire::to_text(config)) != std::string::npos);
            for (const auto synonym : config.synonyms())
                CHECK(kwire::to_text(synonym).find("value: <secret>") != std::string::npos);
        }
}

TEST_CASE("text that could pass for something else is escaped, other text is not") {
    const auto name = [](std::string text) {
        const std::string all = printed_name(std::move(text));
        const std::string_view before = "MetadataRequest v1 {topics: [{name: ";
        REQUIRE(all.starts_with(before));
        return all.substr(before.size(), all.size() - before.size() - 3);
    };
    CHECK(name("a\"b\\c") == R"("a\"b\\c")");
    CHECK(name("line\nbreak\r\ttab") == R"("line\nbreak\r\ttab")");
    CHECK(name(std::string("\0\x1b[2J\x7f", 6)) == R"("\x00\x1b[2J\x7f")");
    CHECK(name("Bücher 本 🎈") == "\"Bücher 本 🎈\"");
    CHECK(name("\xff\xc0\xaf\xe2\x82") == R"("\xff\xc0\xaf\xe2\x82")"); // no UTF-8: alone, too long, cut off
    CHECK(name("\xed\xa0\x80") == R"("\xed\xa0\x80")");                 // half of a surrogate pair
    CHECK(name("\xc2\x85") == R"("\xc2\x85")");                         // a control character of two bytes
    CHECK(name("a\u202eb\u2028\u200b\ufeff") == R"("a\u{202e}b\u{2028}\u{200b}\u{feff}")");
}

TEST_CASE("long arrays and strings are cut, with what is missing") {
    kwire::scalar_list<std::int32_t> many(20, 7);
    const kwire::metadata_response::data response{
        .topics = {{.name = std::string(200, 'n'), .partitions = {{.replica_nodes = many}}}}};
    const std::string text = printed<kwire::metadata_response>(response, 1);
    CHECK(text.find("replica_nodes: [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, … 4 more]") !=
          std::string::npos);
    CHECK(text.find("name: \"" + std::string(128, 'n') + "…\" (200 bytes)") != std::string::npos);
    CHECK(printed_name(std::string(127, 'n') + "ü").find("n…\" (129 bytes)") != std::string::npos);
    CHECK(printed_name(std::string(128, 'n')).find("…") == std::string::npos);

    const std::string whole =
        printed<kwire::metadata_response>(response, 1, kwire::print_options::everything());
    CHECK(whole.find("…") == std::string::npos);
    CHECK(whole.find(std::string(200, 'n')) != std::string::npos);
    CHECK(printed<kwire::metadata_response>(response, 1, {.max_elements = 0}) ==
          "MetadataResponse v1 {brokers: [], controller_id: -1, topics: [… 1 more]}");
}

TEST_CASE("a line ends soon after its limit, however much there is") {
    kwire::metadata_response::data response;
    for (int i = 0; i < 500; ++i)
        response.topics.push_back({.name = std::string(100, 't'),
                                   .partitions = std::vector<kwire::metadata_response::partition::data>(9)});
    const std::string text = printed<kwire::metadata_response>(response, 12);
    CHECK(text.size() > 4096);
    CHECK(text.size() < 4096 + 1024);
    INFO(text.substr(text.size() - 100));
    CHECK(text.ends_with("…}], …}, … 497 more]}")); // what was open is closed
    CHECK(printed<kwire::metadata_response>(response, 12, {.max_characters = 0}) ==
          "MetadataResponse v12 {…}");
}
