/// A message is written, read, held and refused without exceptions and run-time type information.
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#include <span>
#include <string_view>

#include "check.hpp"

using kwire::metadata_request;

int main() {
    metadata_request::data asked;
    asked.topics.push_back({.name = "orders"});
    asked.topics.push_back({.name = "payments"});
    asked.allow_auto_topic_creation = false;

    for (int version = 4; version <= metadata_request::facts.versions.last; ++version) {
        auto written = kwire::encode<metadata_request>(asked, version);
        CHECK(written.has_value());
        if (!written) continue;
        const kwire::shared_buffer body = written->to_bytes();

        auto request = kwire::parse<metadata_request>(body, version);
        CHECK(request.has_value());
        if (!request) continue;
        int topics = 0;
        for (auto topic : request->topics()) {
            CHECK(topic.name() == (topics == 0 ? std::string_view("orders") : std::string_view("payments")));
            ++topics;
        }
        CHECK(topics == 2);
        CHECK(!request->allow_auto_topic_creation());

        const auto cut = kwire::parse_view<metadata_request>(std::span(body).first(body.size() - 1), version);
        CHECK(!cut && cut.error() == kwire::errc::truncated);
    }

    asked.include_cluster_authorized_operations = true;
    const auto refused = kwire::encode<metadata_request>(asked, 12);
    CHECK(!refused && refused.error() == kwire::errc::field_not_in_version);

    // A message of several structs, one of them in another.
    kwire::metadata_response::data answered;
    answered.brokers.push_back({.node_id = 1, .host = "localhost", .port = 9092});
    answered.topics.push_back({.name = "orders", .partitions = {{.partition_index = 3, .leader_id = 1}}});
    const auto answer = kwire::encode<kwire::metadata_response>(answered, 9);
    CHECK(answer.has_value());
    if (!answer) return 1;
    const kwire::shared_buffer bytes = answer->to_bytes();
    const auto response = kwire::parse_view<kwire::metadata_response>(bytes.span(), 9);
    CHECK(response.has_value());
    if (!response) return 1;
    for (auto broker : response->brokers()) CHECK(broker.host() == "localhost");
    for (auto topic : response->topics())
        for (auto partition : topic.partitions()) CHECK(partition.partition_index() == 3);
    return failed_checks != 0;
}
