#include <kwire/messages/alter_configs.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/describe_client_quotas.hpp>
#include <kwire/messages/describe_configs.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/fetch_snapshot.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/sasl_authenticate.hpp>
#include <kwire/messages/sync_group.hpp>
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

kwire::shared_buffer buffer_of_hex(std::string_view hex) {
    return kwire::shared_buffer::adopt(kwire::test::from_hex(hex));
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
          "ApiVersionsResponse v3 {error_code: 0 NONE, api_keys: [], throttle_time_ms: 0}");
    response.finalized_features_epoch = 7;
    response.unknown_tags = {{9, bytes_of("abc")}, {10, bytes_of("x")}};
    CHECK(printed<kwire::api_versions_response>(response, 3) ==
          "ApiVersionsResponse v3 {error_code: 0 NONE, api_keys: [], throttle_time_ms: 0, "
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
          "partition_data: [{index: 2, records: <10 bytes; batches[0]: truncated at byte 0, needs 17 bytes, "
          "10 left>}, "
          "{index: 3, records: null}]}]}");
    CHECK(printed<kwire::sync_group_response>({.assignment = bytes_of("secret plan")}, 0) ==
          "SyncGroupResponse v0 {error_code: 0 NONE, assignment: <11 bytes>}");
    CHECK(printed<kwire::fetch_snapshot_response>(
              {.topics = {{.name = "t", .partitions = {{.unaligned_records = bytes_of("any part")}}}}}, 0)
              .find("unaligned_records: <8 bytes>") != std::string::npos);
}

TEST_CASE("error codes and API keys have their names") {
    const std::string text = printed<kwire::api_versions_response>(
        {.error_code = kwire::error_code::unsupported_version,
         .api_keys = {{.api_key = kwire::api_key::metadata, .max_version = 13},
                      {.api_key = static_cast<kwire::api_key>(999)}}},
        0);
    CHECK(text ==
          "ApiVersionsResponse v0 {error_code: 35 UNSUPPORTED_VERSION, api_keys: [{api_key: 3 Metadata, "
          "min_version: 0, max_version: 13}, {api_key: 999, min_version: 0, max_version: 0}]}");
    CHECK(printed<kwire::sync_group_response>({.error_code = static_cast<kwire::error_code>(-1)}, 0)
              .find("error_code: -1 UNKNOWN_SERVER_ERROR,") != std::string::npos);
    CHECK(printed<kwire::sync_group_response>({.error_code = static_cast<kwire::error_code>(12345)}, 0)
              .find("error_code: 12345,") != std::string::npos);
}

TEST_CASE("records are told in a few words") {
    // Made by Kafka: two records at offset 499 with the broker's time; a commit marker at offset 7.
    const std::string data =
        "00000000000001f3000000480000004d0273e538ff00080000000100000000000003e800000000000007d0"
        "ffffffffffffffffffffffffffff0000000210000000026b0276001a00060201010402680278026e01";
    const std::string marker =
        "00000000000000070000004200000002022f182b2700300000000000000000000003e800000000000003"
        "e8000000000000002a0003ffffffff000000012000000008000000010c00000000000900";
    // Made by hand, of magic 0 and 1 and without checksums: one message each, the second compressed.
    const std::string magic_0 = "0000000000000005 0000000f 00000000 00 00 ffffffff 00000001 61";
    const std::string magic_1 =
        "0000000000000009 00000017 00000000 01 01 0000000000000000 ffffffff 00000001 61";
    const auto told = [](const std::string& hex) {
        const std::string text = printed<kwire::fetch_response>(
            {.responses = {{.partitions = {{.records = buffer_of_hex(hex)}}}}}, 12);
        const auto at = text.rfind("records: ");
        return text.substr(at, text.rfind("}]}]}") - at);
    };
    CHECK(told("") == "records: <0 bytes>");
    CHECK(told(data) == "records: <1 batch, offsets 499..500, 2 records, 84 bytes>");
    CHECK(told(marker) == "records: <1 batch, offset 7, 1 record, transactional, control, 78 bytes>");
    CHECK(told(marker + data) ==
          "records: <2 batches, offsets 7..500, 3 records, transactional, control, 162 bytes>");
    CHECK(told(magic_0) == "records: <1 batch of magic 0, offset 5, 1 record, 27 bytes>");
    CHECK(told(magic_1) == "records: <1 batch of magic 1, offset 9, gzip, 35 bytes>");
    CHECK(told(magic_0 + magic_1 + data) ==
          "records: <3 batches of magic 0+1+2, offsets 5..500, none+gzip, 146 bytes>");

    // What is wrong is said in place, with where it is.
    CHECK(told(data + "0000") ==
          "records: <1 batch, offsets 499..500, 2 records, 86 bytes; batches[1]: truncated "
          "at byte 84, needs 17 bytes, 2 left>");
    CHECK(
        told(marker + data.substr(0, 160)) ==
        "records: <1 batch, offset 7, 1 record, transactional, control, 158 bytes; batches[1]: truncated at "
        "byte 78, needs 84 bytes, 80 left>");
    CHECK(told(data.substr(0, 32) + "09" + data.substr(34)) ==
          "records: <84 bytes; batches[0].magic: unknown_magic at byte 16>");
    CHECK(told(data + std::string(160, '0')) == "records: <1 batch, offsets 499..500, 2 records, 164 bytes; "
                                                "batches[1].batch_length: bad_batch_length at byte 92>");
    CHECK(told(data.substr(0, 114) + "7fffffff" + data.substr(122))
              .starts_with("records: <84 bytes; batches[0].record_count: count_exceeds_input at byte 57, "));
    CHECK(told(data.substr(0, 42) + "000f" + data.substr(46)) ==
          "records: <84 bytes; batches[0].attributes: unsupported_compression at byte 21>");
    for (std::size_t size = 0; size <= marker.size() + data.size(); size += 2)
        CHECK(told((marker + data).substr(0, size)).ends_with(">"));
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
    CHECK(text.ends_with("…}, … 1 more], …}, … 497 more]}")); // what was open is closed
    CHECK(printed<kwire::metadata_response>(response, 12, {.max_characters = 0}) ==
          "MetadataResponse v12 {…}");
}
