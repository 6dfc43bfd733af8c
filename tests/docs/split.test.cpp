/// The code of docs/split.md.
#include <kwire/expected.hpp>
#include <kwire/kwire.hpp>
#include <kwire/split/all.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

kwire::expected<std::string, kwire::error_code> leader_of(std::string_view topic, std::int32_t partition) {
    if (topic == "gone") return kwire::unexpected(kwire::error_code::unknown_topic_or_partition);
    return "broker-" + std::to_string(partition);
}

kwire::expected<kwire::buffer_chain, kwire::error> refuse(const kwire::message<kwire::fetch_request>& request,
                                                          std::int16_t version) {
    return kwire::encode<kwire::fetch_response>(
        kwire::error_answer(kwire::to_data(request), version,
                            kwire::error_code::cluster_authorization_failed),
        version);
}

} // namespace

TEST_CASE("docs/split.md: a request goes to two leaders, and one of them is gone") {
    constexpr std::int16_t version = 9;
    const kwire::produce_request::data asked{
        .acks = 1,
        .topic_data = {{.name = "orders", .partition_data = {{.index = 0}, {.index = 1}}},
                       {.name = "gone", .partition_data = {{.index = 0}}}}};
    const auto bytes = kwire::encode<kwire::produce_request>(asked, version);
    REQUIRE(bytes);
    const auto request = kwire::parse<kwire::produce_request>(bytes->to_bytes(), version);
    REQUIRE(request);
    const kwire::produce_response::data told{
        .responses = {{.name = "orders", .partition_responses = {{.index = 0, .base_offset = 7}}}}};
    const auto told_bytes = kwire::encode<kwire::produce_response>(told, version);
    REQUIRE(told_bytes);
    const auto response = kwire::parse<kwire::produce_response>(told_bytes->to_bytes(), version);
    REQUIRE(response);

    std::vector<std::string> sent;
    const auto send = [&](const std::string& leader, std::size_t, kwire::buffer_chain) {
        sent.push_back(leader);
    };
    kwire::expected<kwire::buffer_chain, kwire::error> answer;
    const auto reply = [&](auto encoded) { answer = std::move(encoded); };

    auto split = kwire::split(*request, [&](const kwire::split_topic& topic, std::int32_t partition) {
        return leader_of(topic.name, partition); // kwire::expected<std::string, kwire::error_code>
    });
    for (std::size_t i = 0; i != split.parts().size(); ++i) {
        auto& part = split.parts()[i];
        auto body = kwire::encode<kwire::produce_request>(part.request, version);
        if (body)
            send(part.key, i, *std::move(body));
        else
            split.fail(i, kwire::error_code::unknown_server_error);
    }
    split.answer(0, kwire::to_data(*response));
    split.fail(1, kwire::error_code::not_leader_or_follower); // the connection to that upstream broke
    if (split.done()) reply(kwire::encode<kwire::produce_response>(std::move(split).merge(), version));

    CHECK(sent == std::vector<std::string>{"broker-0", "broker-1"});
    REQUIRE(answer);
    const auto seen = kwire::parse<kwire::produce_response>(answer->to_bytes(), version);
    REQUIRE(seen);
    const auto data = kwire::to_data(*seen);
    REQUIRE(data.responses.size() == 2);
    CHECK(data.responses[0].partition_responses[0].base_offset == 7);
    CHECK(data.responses[0].partition_responses[1].error_code == kwire::error_code::not_leader_or_follower);
    CHECK(data.responses[1].partition_responses[0].error_code ==
          kwire::error_code::unknown_topic_or_partition);
}

TEST_CASE("docs/split.md: a whole request is refused") {
    const auto bytes = kwire::encode<kwire::fetch_request>(kwire::fetch_request::data{}, 12);
    REQUIRE(bytes);
    const auto request = kwire::parse<kwire::fetch_request>(bytes->to_bytes(), 12);
    REQUIRE(request);
    const auto refused = refuse(*request, 12);
    REQUIRE(refused);
    const auto seen = kwire::parse<kwire::fetch_response>(refused->to_bytes(), 12);
    REQUIRE(seen);
    CHECK((*seen)->error_code() == kwire::error_code::cluster_authorization_failed);
}
