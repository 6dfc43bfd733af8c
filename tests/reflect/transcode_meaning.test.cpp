#include <kwire/messages/add_partitions_to_txn.hpp>
#include <kwire/messages/consumer_group_heartbeat.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/delete_topics.hpp>
#include <kwire/messages/describe_acls.hpp>
#include <kwire/messages/describe_configs.hpp>
#include <kwire/messages/describe_log_dirs.hpp>
#include <kwire/messages/end_txn.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/find_coordinator.hpp>
#include <kwire/messages/join_group.hpp>
#include <kwire/messages/leave_group.hpp>
#include <kwire/messages/list_offsets.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/offset_commit.hpp>
#include <kwire/messages/offset_fetch.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/messages/sasl_handshake.hpp>
#include <kwire/messages/streams_group_heartbeat.hpp>
#include <kwire/messages/update_features.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/write/encode.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"

namespace {

using kwire::errc;
using kwire::test::from_hex;
using kwire::test::to_hex;

/// The bytes of the other version, or why not.
std::string told(const kwire::expected<kwire::buffer_chain, kwire::error>& result) {
    if (result) {
        const kwire::shared_buffer whole = result->to_bytes();
        return to_hex(whole.span());
    }
    std::string text(kwire::name_of(result.error().code));
    if (const auto path = kwire::path_of(result.error()); !std::string_view(path).empty())
        text += ' ' + std::string(std::string_view(path));
    return text;
}

template <class M>
kwire::shared_buffer body_of(const typename M::data& value, int version) {
    return kwire::encode<M>(value, version).value().to_bytes();
}

/// `value` at version `from` becomes `expected` at version `to`.
template <class M>
void becomes(const typename M::data& value, int from, const typename M::data& expected, int to,
             kwire::topic_names topics = {}) {
    const kwire::shared_buffer want = body_of<M>(expected, to);
    CAPTURE(M::facts.name, from, to);
    CHECK(told(kwire::transcode(kwire::message_info_of<M>, body_of<M>(value, from), from, to, {}, topics)) ==
          to_hex(want.span()));
}
/// What `value` at version `from` is at version `to`: the reason for which it is refused.
template <class M>
std::string refusal(const typename M::data& value, int from, int to, kwire::topic_names topics = {}) {
    const auto result =
        kwire::transcode(kwire::message_info_of<M>, body_of<M>(value, from), from, to, {}, topics);
    return result ? "none" : told(result);
}

/// A directory of one topic.
struct one_topic {
    kwire::uuid id{{std::byte{7}, std::byte{9}}};
    std::string name = "orders";

    [[nodiscard]] std::optional<kwire::uuid> id_of(std::string_view asked) const {
        return asked == name ? std::optional(id) : std::nullopt;
    }
    [[nodiscard]] std::optional<std::string_view> name_of(const kwire::uuid& asked) const {
        return asked == id ? std::optional<std::string_view>(name) : std::nullopt;
    }
};

} // namespace

TEST_CASE("other versions are what Kafka's request and response classes make of the same thing") {
    std::size_t count = 0, of_the_request = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/meaning.jsonl.gz", [&](std::string_view text) {
        const boost::json::object line = boost::json::parse(std::string(text)).as_object();
        const auto string = [&](const char* key) { return std::string(line.at(key).as_string()); };
        const std::string message = string("message");
        const auto from = static_cast<int>(line.at("from").as_int64());
        const auto to = static_cast<int>(line.at("to").as_int64());
        const auto body = kwire::shared_buffer::copy_of(from_hex(string("hex")));
        const auto result = kwire::transcode(*kwire::find_message(message), body, from, to);
        ++count;
        CAPTURE(text);
        if (message == "OffsetFetchResponse" && from < 8) {
            CHECK(told(result) == "value_unknown groups");
            ++of_the_request;
        } else {
            CHECK(told(result) == string("expect_hex"));
        }
    });
    CHECK(count == kwire::test::golden_count("meanings"));
    CHECK(of_the_request == 2);
}

TEST_CASE("every topic is asked for with null, or in version 0 with nothing") {
    using request = kwire::metadata_request;
    const request::data all{.topics = std::nullopt}, none{};
    for (int later = 1; later <= 13; ++later) {
        becomes<request>(all, later, none, 0);
        becomes<request>(none, 0, all, later);
        CHECK(refusal<request>(none, later, 0) == "meaning_differs topics");
    }
    becomes<request>(none, 1, none, 13);
    becomes<request>(all, 13, all, 1);
}

TEST_CASE("topics by id are asked for from version 12 of Metadata on") {
    using request = kwire::metadata_request;
    const request::data by_id{.topics = {{{.topic_id = one_topic().id, .name = std::nullopt}}}};
    CHECK(refusal<request>(by_id, 12, 11) == "meaning_differs topics[0].topic_id");
    CHECK(refusal<request>(by_id, 12, 9) == "field_not_in_version topics[0].topic_id");
    becomes<request>(by_id, 12, by_id, 13);
}

TEST_CASE("a topic's name becomes its id, and the other way, if a directory knows it") {
    const one_topic topics;
    using request = kwire::fetch_request;
    const request::data by_name{.topics = {{.topic = "orders", .partitions = {{.partition = 3}}}},
                                .forgotten_topics_data = {{.topic = "orders", .partitions = {4}}}};
    const request::data by_id{.topics = {{.topic_id = topics.id, .partitions = {{.partition = 3}}}},
                              .forgotten_topics_data = {{.topic_id = topics.id, .partitions = {4}}}};
    becomes<request>(by_name, 12, by_id, 13, topics);
    becomes<request>(by_id, 14, by_name, 7, topics);
    CHECK(refusal<request>(by_name, 12, 13) == "value_unknown topics[0].topic_id");
    CHECK(refusal<request>(by_id, 13, 12) == "value_unknown topics[0].topic");
    const one_topic other{.name = "bills"};
    CHECK(refusal<request>(by_name, 12, 13, other) == "value_unknown topics[0].topic_id");

    using produce = kwire::produce_request;
    becomes<produce>({.acks = 1, .topic_data = {{.name = "orders"}}}, 9,
                     {.acks = 1, .topic_data = {{.topic_id = topics.id}}}, 13, topics);
    CHECK(refusal<produce>({.acks = 1, .topic_data = {{.topic_id = topics.id}}}, 13, 12) ==
          "value_unknown topic_data[0].name");
    using commit = kwire::offset_commit_response;
    becomes<commit>({.topics = {{.topic_id = topics.id}}}, 10, {.topics = {{.name = "orders"}}}, 9, topics);

    // From the single group of old versions, straight to the ids of new ones, and back.
    using offsets = kwire::offset_fetch_request;
    offsets::data grouped{.groups = {{.group_id = "g"}}}, single{.group_id = "g"};
    grouped.groups.front().topics.push_back({.topic_id = topics.id, .partition_indexes = {1}});
    single.topics.push_back({.name = "orders", .partition_indexes = {1}});
    becomes<offsets>(single, 7, grouped, 10, topics);
    CHECK(refusal<offsets>(single, 7, 10) == "value_unknown groups[0].topics[0].topic_id");
    becomes<offsets>(grouped, 10, single, 7, topics);
    CHECK(refusal<offsets>(grouped, 10, 7) == "value_unknown groups[0].topics[0].name");
}

TEST_CASE("an array becomes the one thing of old versions only if it is one and says no more") {
    using offsets = kwire::offset_fetch_request;
    CHECK(refusal<offsets>({.groups = {{.group_id = "a", .topics = {{}}}, {.group_id = "b", .topics = {{}}}}},
                           8, 7) == "meaning_differs groups");
    CHECK(refusal<offsets>({.groups = {}}, 8, 7) == "meaning_differs groups");
    CHECK(refusal<offsets>({.groups = {{.group_id = "a", .topics = std::nullopt}}}, 8, 1) ==
          "null_not_allowed topics");
    using leave = kwire::leave_group_request;
    CHECK(refusal<leave>({.members = {{.member_id = "m", .group_instance_id = "i"}}}, 3, 2) ==
          "field_not_in_version members[0].group_instance_id");
    CHECK(refusal<leave>({.members = {{.member_id = "m", .unknown_tags = {{9, {}}}}}}, 4, 2) ==
          "field_not_in_version members[0].unknown_tags");
    CHECK(refusal<kwire::leave_group_response>({.error_code = kwire::error_code::none}, 2, 3) ==
          "value_unknown members");
    using transactions = kwire::add_partitions_to_txn_request;
    CHECK(refusal<transactions>({.transactions = {{.transactional_id = "t", .verify_only = true}}}, 4, 3) ==
          "field_not_in_version transactions[0].verify_only");
    using result = kwire::add_partitions_to_txn_response;
    becomes<result>({.results_by_transaction = {{.transactional_id = "t", .topic_results = {{.name = "a"}}}}},
                    4, {.results_by_topic_v3_and_below = {{.name = "a"}}}, 3);
    CHECK(refusal<result>({.results_by_topic_v3_and_below = {{.name = "a"}}}, 3, 4) ==
          "value_unknown results_by_transaction");
    using found = kwire::find_coordinator_response;
    const found::data one{.coordinators = {{.key = "k",
                                            .node_id = 3,
                                            .host = "h",
                                            .port = 9,
                                            .error_code = kwire::error_code::not_coordinator,
                                            .error_message = "no"}}};
    becomes<found>(one, 4,
                   {.error_code = kwire::error_code::not_coordinator,
                    .error_message = "no",
                    .node_id = 3,
                    .host = "h",
                    .port = 9},
                   3);
    becomes<found>(
        one, 4, {.error_code = kwire::error_code::not_coordinator, .node_id = 3, .host = "h", .port = 9}, 0);
    CHECK(refusal<found>({.host = "h"}, 3, 4) == "value_unknown coordinators");
    using fetched = kwire::offset_fetch_response;
    CHECK(refusal<fetched>({.groups = {{.group_id = "g", .error_code = kwire::error_code::not_coordinator}}},
                           8, 1) == "field_not_in_version error_code");
    using deletion = kwire::delete_topics_request;
    CHECK(refusal<deletion>({.topics = {{.name = "a"}, {.name = std::nullopt}}}, 6, 5) ==
          "null_not_allowed topics[1].name");
    CHECK(refusal<deletion>({.topics = {{.name = "a", .topic_id = one_topic().id}}}, 6, 5) ==
          "field_not_in_version topics[0].topic_id");
}

TEST_CASE("what Kafka calls ignorable but means something is not dropped") {
    using request = kwire::fetch_request;
    CHECK(refusal<request>({.isolation_level = 1}, 4, 3) == "field_not_in_version isolation_level");
    CHECK(refusal<request>({.session_id = 5, .session_epoch = 6}, 7, 6) ==
          "field_not_in_version session_epoch");
    becomes<request>({.max_bytes = 10, .session_epoch = 0}, 7, {.max_bytes = 10}, 6);
    becomes<request>({.max_bytes = 10}, 3, {}, 2); // at most so many bytes, which old versions could not say
    using response = kwire::fetch_response;
    CHECK(refusal<response>({.error_code = kwire::error_code::fetch_session_id_not_found}, 7, 6) ==
          "field_not_in_version error_code");
    const auto aborted = [](kwire::nullable_list<kwire::fetch_response::aborted_transaction::data> list) {
        return response::data{.responses = {{.topic = "t", .partitions = {{.aborted_transactions = list}}}}};
    };
    becomes<response>(aborted(std::nullopt), 11, aborted(std::nullopt), 3);
    CHECK(refusal<response>(aborted({{{.producer_id = 3}}}), 11, 3) ==
          "field_not_in_version responses[0].partitions[0].aborted_transactions");
    CHECK(refusal<kwire::end_txn_response>({.producer_id = 3, .producer_epoch = 1}, 5, 4) ==
          "field_not_in_version producer_id");
    using logs = kwire::describe_log_dirs_response;
    becomes<logs>({.error_code = kwire::error_code::cluster_authorization_failed}, 3, {}, 2);
    CHECK(refusal<logs>({.error_code = kwire::error_code::unknown_server_error}, 3, 2) ==
          "field_not_in_version error_code");
    using acls = kwire::describe_acls_request;
    becomes<acls>({.pattern_type_filter = 1}, 1, {}, 0);
    CHECK(refusal<acls>({.pattern_type_filter = 4}, 1, 0) == "field_not_in_version pattern_type_filter");
}

TEST_CASE("values that exist from some version on, or up to one, are not sent to others") {
    const auto at = [](std::int64_t timestamp) {
        return kwire::list_offsets_request::data{
            .topics = {{.name = "t", .partitions = {{.timestamp = timestamp}}}}};
    };
    const std::map<std::int64_t, int> first{{-3, 7}, {-4, 8}, {-5, 9}, {-6, 11}};
    for (const auto& [timestamp, version] : first) {
        CHECK(refusal<kwire::list_offsets_request>(at(timestamp), 11, version - 1) ==
              "meaning_differs topics[0].partitions[0].timestamp");
        CHECK(refusal<kwire::list_offsets_request>(at(timestamp), 11, version) == "none");
    }
    for (const int from : {0, 1}) {
        CHECK(refusal<kwire::list_offsets_request>(at(1000), from, 1 - from) ==
              "meaning_differs topics[0].partitions[0].timestamp");
        CHECK(refusal<kwire::list_offsets_request>(at(-1), from, 1 - from) == "none");
        CHECK(refusal<kwire::list_offsets_request>(at(-2), from, 1 - from) == "none");
    }
    CHECK(refusal<kwire::find_coordinator_request>({.key_type = 2, .coordinator_keys = {"k"}}, 6, 5) ==
          "meaning_differs key_type");
    using create = kwire::create_topics_request;
    CHECK(refusal<create>({.topics = {{.name = "t", .num_partitions = -1, .replication_factor = 1}}}, 4, 3) ==
          "meaning_differs topics[0].num_partitions");
    CHECK(refusal<create>({.topics = {{.name = "t", .num_partitions = 1, .replication_factor = -1}}}, 4, 3) ==
          "meaning_differs topics[0].replication_factor");
    CHECK(refusal<create>({.topics = {{.name = "t",
                                       .num_partitions = -1,
                                       .replication_factor = -1,
                                       .assignments = {{.partition_index = 0, .broker_ids = {1}}}}}},
                          4, 3) == "none");
    using beat = kwire::consumer_group_heartbeat_request;
    CHECK(refusal<beat>({.group_id = "g"}, 0, 1) == "meaning_differs member_id");
    CHECK(refusal<beat>({.group_id = "g", .member_id = "m"}, 0, 1) == "none");
}

TEST_CASE("requests that look the same and ask for something else are refused") {
    CHECK(refusal<kwire::sasl_handshake_request>({.mechanism = "PLAIN"}, 0, 1) == "meaning_differs");
    CHECK(refusal<kwire::offset_commit_request>({.group_id = "g"}, 1, 0) == "meaning_differs");
    CHECK(refusal<kwire::end_txn_request>({.transactional_id = "t"}, 5, 4) == "meaning_differs");
    CHECK(refusal<kwire::end_txn_request>({.transactional_id = "t"}, 4, 0) == "none");
    CHECK(refusal<kwire::produce_request>({.transactional_id = "t", .acks = -1}, 11, 12) ==
          "meaning_differs transactional_id");
    CHECK(refusal<kwire::produce_request>({.acks = -1}, 11, 12) == "none");
}

TEST_CASE("what another field says is taken from there") {
    using join = kwire::join_group_request;
    becomes<join>({.group_id = "g", .session_timeout_ms = 7}, 0,
                  {.group_id = "g", .session_timeout_ms = 7, .rebalance_timeout_ms = 7}, 2);
    using configs = kwire::describe_configs_response;
    const auto of = [](bool is_default, std::int8_t source) {
        return configs::data{
            .results = {{.configs = {{.name = "n", .is_default = is_default, .config_source = source}}}}};
    };
    becomes<configs>(of(true, -1), 0, of(false, 5), 1);
    becomes<configs>(of(false, -1), 0, of(false, 0), 1);
    becomes<configs>(of(false, 5), 1, of(true, -1), 0);
    becomes<configs>(of(false, 4), 1, of(false, -1), 0);
    using features = kwire::update_features_request;
    const auto update = [](bool allow, std::int8_t type) {
        return features::data{
            .feature_updates = {{.feature = "f", .allow_downgrade = allow, .upgrade_type = type}}};
    };
    becomes<features>(update(true, 1), 0, update(false, 2), 1);
    becomes<features>(update(false, 2), 1, update(true, 1), 0);
    CHECK(refusal<features>(update(false, 3), 1, 0) == "meaning_differs feature_updates[0].allow_downgrade");
    using lag = kwire::streams_group_heartbeat_response;
    becomes<lag>({.acceptable_recovery_lag_legacy = 8}, 0, {.acceptable_recovery_lag = 8}, 1);
    becomes<lag>({.acceptable_recovery_lag = 8}, 1, {.acceptable_recovery_lag_legacy = 8}, 0);
    CHECK(refusal<lag>({.acceptable_recovery_lag = std::int64_t{1} << 31}, 1, 0) ==
          "meaning_differs acceptable_recovery_lag_legacy");
}

TEST_CASE("records of a format that the other version lacks are refused") {
    const auto set = [](int magic) { // an entry of this format without a record
        std::string hex =
            magic == 2 ? "0000000000000000 00000031 00000000 02" : "0000000000000000 00000016 00000000 0";
        if (magic != 2) hex += std::to_string(magic);
        const std::size_t size = magic == 2 ? 61 : 34;
        auto bytes = from_hex(hex);
        bytes.resize(size);
        return kwire::shared_buffer::copy_of(bytes);
    };
    const auto produce = [&](int magic) {
        return kwire::produce_request::data{
            .acks = 1, .topic_data = {{.name = "t", .partition_data = {{.records = set(magic)}}}}};
    };
    CHECK(refusal<kwire::produce_request>(produce(2), 3, 9) == "none");
    CHECK(refusal<kwire::produce_request>(produce(2), 3, 2) ==
          "meaning_differs topic_data[0].partition_data[0].records");
    CHECK(refusal<kwire::produce_request>(produce(1), 2, 3) ==
          "meaning_differs topic_data[0].partition_data[0].records");
    CHECK(refusal<kwire::produce_request>(produce(1), 2, 1) == "none");
    const auto fetch = [&](int magic) {
        return kwire::fetch_response::data{
            .responses = {{.topic = "t", .partitions = {{.records = set(magic)}}}}};
    };
    CHECK(refusal<kwire::fetch_response>(fetch(2), 4, 3) ==
          "meaning_differs responses[0].partitions[0].records");
    CHECK(refusal<kwire::fetch_response>(fetch(1), 4, 2) == "none");
    CHECK(refusal<kwire::fetch_response>(fetch(1), 2, 1) ==
          "meaning_differs responses[0].partitions[0].records");
    CHECK(refusal<kwire::fetch_response>(fetch(0), 4, 0) == "none");
}

TEST_CASE("every rule is about a message and a field that exist, and matters between some of its versions") {
    for (const kwire::detail::meaning_rule& rule : kwire::detail::meaning_table) {
        const kwire::message_info* const info = kwire::find_message(rule.message);
        REQUIRE(info != nullptr);
        bool matters = false;
        for (int from = info->facts.versions.first; from <= info->facts.versions.last; ++from)
            for (int to = info->facts.versions.first; to <= info->facts.versions.last; ++to) {
                const kwire::detail::meaning_change change(*info, from, to);
                matters |=
                    std::ranges::any_of(change.rules(), [&](const auto& r) { return r.rule == &rule; });
            }
        CAPTURE(rule.message, rule.path);
        CHECK(matters);
    }
}

TEST_CASE("the schema's rule alone is there too") {
    const kwire::message_info& info = kwire::message_info_of<kwire::metadata_request>;
    const kwire::metadata_request::data none{};
    const auto body = body_of<kwire::metadata_request>(none, 1);
    CHECK(told(kwire::transcode_by_schema(info, body, 1, 0)) == "00000000");
    CHECK(told(kwire::transcode(info, body, 1, 0)) == "meaning_differs topics");
    CHECK(told(kwire::transcode_by_schema(info, body, 1, 1)) == "00000000");
}
