#include <kwire/connect/frame.hpp>
#include <kwire/connect/learn_topics.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/registry.hpp>

#include <boost/json/parse.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"
#include "support/gzip_lines.hpp"

namespace {

using kwire::topic_directory;
using kwire::uuid;

/// Whether some struct has the name and the id of a topic at some version.
bool says_pairs(const kwire::struct_info& fields, int version) {
    bool name = false, id = false, inside = false;
    for (const kwire::field_info& field : fields) {
        if (!field.versions.contains(version)) continue;
        name |= field.names == kwire::entity::topic_name && field.kind == kwire::field_kind::string;
        id |= field.names == kwire::entity::topic_id && field.kind == kwire::field_kind::uuid;
        inside |= field.structure != nullptr && says_pairs(*field.structure, version);
    }
    return (name && id) || inside;
}

kwire::response_frame response(const kwire::buffer_chain& sent, kwire::api_key api, int version) {
    return kwire::parse_response_frame(kwire::without_length(sent.to_bytes()).value(), api,
                                       static_cast<std::int16_t>(version))
        .value();
}

} // namespace

TEST_CASE("the responses from which a directory learns are those that say names and ids together") {
    int taught = 0;
    for (int key = -1; key < 200; ++key) {
        const auto api = static_cast<kwire::api_key>(key);
        const kwire::message_info* const message = kwire::find_response(api);
        bool says = false;
        if (message != nullptr)
            for (int v = message->facts.versions.first; v <= message->facts.versions.last; ++v)
                says |= says_pairs(*message->structure, v);
        CAPTURE(key);
        const kwire::message_info* const learned = kwire::response_with_topics(api);
        CHECK((learned != nullptr) == says);
        if (learned != nullptr && message != nullptr) CHECK(learned->facts.name == message->facts.name);
        taught += says ? 1 : 0;
    }
    CHECK(taught == 9);
}

TEST_CASE("a frame teaches what its message says") {
    kwire::metadata_response::data data;
    data.topics.resize(1);
    data.topics[0].name = "orders";
    data.topics[0].topic_id.bytes[3] = std::byte{7};
    topic_directory topics;
    const auto frame = response(kwire::encode_response<kwire::metadata_response>(data, 12, 5).value(),
                                kwire::api_key::metadata, 12);
    CHECK(kwire::learn_topics(topics, frame) == 1U);
    CHECK(topics.id_of("orders") == data.topics[0].topic_id);
    CHECK(kwire::learn_topics(topics, frame) == 0U);
}

TEST_CASE("frames of other APIs and of versions that no one knows teach nothing") {
    topic_directory topics;
    const auto bytes = kwire::shared_buffer::copy_of(kwire::test::from_hex("00000001 00 ffffff"));
    CHECK(kwire::learn_topics(topics,
                              kwire::parse_response_frame(bytes, kwire::api_key::fetch, 12).value()) == 0U);
    CHECK(kwire::learn_topics(topics, kwire::parse_response_frame(bytes, kwire::api_key{4000}, 0).value()) ==
          0U);
    const auto refused =
        kwire::learn_topics(topics, kwire::parse_response_frame(bytes, kwire::api_key::metadata, 12).value());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "MetadataResponse");
    CHECK(
        kwire::learn_topics(topics, kwire::parse_response_frame(bytes, kwire::api_key::metadata, 99).value())
            .error()
            .code == kwire::errc::unsupported_version);
}

TEST_CASE("every truncation and every changed byte of a response is refused or teaches something") {
    kwire::metadata_response::data data;
    data.brokers.resize(1);
    for (std::size_t i = 0; i < 3; ++i) {
        auto& topic = data.topics.emplace_back();
        topic.name = "topic" + std::to_string(i);
        topic.topic_id.bytes[0] = static_cast<std::byte>(i + 1);
        topic.partitions.resize(1);
    }
    const std::vector<std::byte> sent = [&] {
        const auto chain = kwire::encode_response<kwire::metadata_response>(data, 12, 5).value().to_bytes();
        const auto frame = kwire::without_length(chain).value();
        return std::vector<std::byte>(frame.span().begin(), frame.span().end());
    }();
    topic_directory topics({.topics = 4});
    int taught = 0, refused = 0;
    const auto attempt = [&](std::vector<std::byte> bytes) {
        const auto frame =
            kwire::parse_response_frame(kwire::shared_buffer::copy_of(bytes), kwire::api_key::metadata, 12);
        const bool learned = frame && kwire::learn_topics(topics, *frame);
        ++(learned ? taught : refused);
        REQUIRE(topics.size() <= 4);
    };
    for (std::size_t size = 0; size < sent.size(); ++size)
        attempt({sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(size)});
    CHECK(taught == 0);
    for (std::size_t at = 0; at < sent.size(); ++at)
        for (const unsigned value : {0U, 1U, 2U, 0x7fU, 0x80U, 0xffU}) {
            auto changed = sent;
            changed[at] = static_cast<std::byte>(value);
            attempt(std::move(changed));
        }
    CHECK(taught > 100);
    CHECK(refused > 100);
}

TEST_CASE(
    "what real clients and brokers said to each other resolves every id that the brokers called by name") {
    // A mock of librdkafka adds a second tag section to Metadata responses
    // (tests/messages/captures.test.cpp).
    constexpr kwire::parse_options as_sent{.trailing_bytes = true};
    using place = std::pair<std::string, std::int64_t>;
    std::map<place, std::map<std::int32_t, std::pair<kwire::api_key, std::int16_t>>> asked;
    std::map<std::string, topic_directory> captures; // clusters of their own
    std::map<std::string, std::map<std::string, uuid>> said;
    std::size_t by_id = 0, resolved = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/captures/frames.jsonl.gz", [&](std::string_view text) {
        const boost::json::value parsed = boost::json::parse(text);
        const boost::json::object& line = parsed.as_object();
        const auto frame = kwire::shared_buffer::copy_of(kwire::test::from_hex(line.at("hex").as_string()));
        const std::string capture(line.at("capture").as_string());
        auto& open = asked[{capture, line.at("connection").as_int64()}];
        if (line.at("from").as_string() == "client") {
            const auto request = kwire::parse_request_frame(frame).value();
            open[request.correlation_id()] = {request.api(), request.api_version()};
            return;
        }
        const auto [api, version] = open.at(kwire::wire::load_be<std::int32_t>(frame.data()));
        const auto response = kwire::parse_response_frame(frame, api, version).value();
        topic_directory& topics = captures[capture];
        const auto learned = kwire::learn_topics(topics, response, as_sent);
        INFO(capture << " " << static_cast<int>(api) << " v" << version);
        REQUIRE(learned.has_value());
        if (api == kwire::api_key::metadata) {
            const auto metadata = kwire::parse<kwire::metadata_response>(response, as_sent).value();
            for (const auto topic : metadata.view().topics())
                if (topic.name() && topic.topic_id() != uuid{} &&
                    topic.error_code() == kwire::error_code::none) {
                    said[capture][std::string(*topic.name())] = topic.topic_id();
                    REQUIRE(topics.id_of(*topic.name()) == topic.topic_id());
                    REQUIRE(topics.name_of(topic.topic_id()) == *topic.name());
                }
        }
        if (api == kwire::api_key::fetch && version >= 13) {
            const auto fetched = kwire::parse(*kwire::find_response(api), response).value();
            for (const auto topic : fetched.view().field(3).structs()) {
                ++by_id;
                for (const auto field : topic.fields())
                    if (field.info().names == kwire::entity::topic_id)
                        resolved += topics.name_of(field.id()).has_value() ? 1 : 0;
            }
        }
    });
    std::size_t names = 0;
    for (const auto& [capture, ids] : said) names += ids.size();
    CHECK(names == 7);
    CHECK(by_id == 11);
    CHECK(resolved == by_id);
}
