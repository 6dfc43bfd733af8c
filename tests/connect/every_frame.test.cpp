/// All requests and responses as frames, and the captured conversations, through the readers and the
/// correlator.
#include <kwire/connect/correlator.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/write/encode.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"
#include "support/gzip_lines.hpp"

using kwire::shared_buffer;

namespace {

/// The one frame that the reader finds in these bytes.
shared_buffer read(kwire::frame_reader& reader, const shared_buffer& sent) {
    std::size_t at = 0;
    while (at < sent.size()) {
        const auto room = reader.prepare();
        REQUIRE_FALSE(room.empty());
        const std::size_t n = std::min(room.size(), sent.size() - at);
        std::memcpy(room.data(), sent.data() + at, n);
        reader.commit(n);
        at += n;
        if (at == 4 && sent.size() == 4) break;
    }
    auto frame = reader.next();
    REQUIRE(frame);
    REQUIRE(*frame);
    return **std::move(frame);
}

shared_buffer framed(kwire::buffer_chain header, kwire::buffer_chain body) {
    header.put(std::move(body));
    return kwire::with_length(std::move(header))->to_bytes();
}

} // namespace

TEST_CASE("the readers take every request and every response that Kafka writes, the smallest too") {
    std::set<std::pair<kwire::api_key, int>> requests, responses; // an API may have two names
    std::size_t shortest_response = 100;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        const auto* const message = kwire::find_message(line.message);
        REQUIRE(message != nullptr);
        const auto api = static_cast<kwire::api_key>(message->facts.key);
        const bool is_request = line.message.ends_with("Request");
        if (!kwire::facts_of(api).assigned || (!is_request && !line.message.ends_with("Response"))) continue;
        INFO(line.name());
        const auto version = static_cast<std::int16_t>(line.version);
        kwire::buffer_chain body;
        body.put_bytes(shared_buffer::copy_of(line.bytes));
        if (is_request) {
            const kwire::request_header::data header{.request_api_key = api, .request_api_version = version};
            const auto sent = framed(
                kwire::encode<kwire::request_header>(header, kwire::request_header_version(api, version))
                    .value(),
                std::move(body));
            kwire::request_reader reader;
            const auto frame = read(reader, sent);
            CHECK(frame == kwire::without_length(sent));
            CHECK(kwire::detail::begins_known_request(frame.span(), frame.size()));
            CHECK(kwire::detail::begins_any_request(frame.span()));
            if (line.sample == "default") requests.emplace(api, line.version);
        } else {
            const auto sent = framed(kwire::encode<kwire::response_header>(
                                         {.correlation_id = 7}, kwire::response_header_version(api, version))
                                         .value(),
                                     std::move(body));
            kwire::response_reader reader;
            CHECK(read(reader, sent) == kwire::without_length(sent));
            shortest_response = std::min(shortest_response, sent.size() - 4);
            if (line.sample == "default") responses.emplace(api, line.version);
        }
    }
    std::size_t pairs = 0; // of an API and a version
    for (const kwire::api_facts& one : kwire::detail::apis)
        pairs += static_cast<std::size_t>(one.last_version - one.first_version + 1);
    CHECK(requests.size() == pairs);
    CHECK(responses.size() == pairs);
    CHECK(shortest_response == 6);
}

TEST_CASE("the captured conversations pass through the readers and the correlator") {
    struct conversation {
        kwire::correlator<int> pending;
        kwire::request_reader from_client;
        kwire::response_reader from_broker{pending};
        int sent = 0, answered = 0;
    };
    std::map<std::pair<std::string, std::int64_t>, std::unique_ptr<conversation>> open;
    int answers = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/captures/frames.jsonl.gz", [&](std::string_view text) {
        const boost::json::value parsed = boost::json::parse(text);
        const boost::json::object& line = parsed.as_object();
        const std::string capture(line.at("capture").as_string());
        INFO(capture);
        auto& place = open[{capture, line.at("connection").as_int64()}];
        if (!place) place = std::make_unique<conversation>();
        conversation& here = *place;
        kwire::buffer_chain body;
        body.put_bytes(shared_buffer::copy_of(kwire::test::from_hex(line.at("hex").as_string())));
        const auto bytes = kwire::with_length(std::move(body))->to_bytes();
        if (line.at("from").as_string() == "client") {
            const auto frame = read(here.from_client, bytes);
            const auto noted = here.pending.sent(frame.span(), here.sent);
            REQUIRE(noted);
            if (noted->awaits_response) ++here.sent;
        } else {
            const auto frame = read(here.from_broker, bytes);
            const auto asked = here.pending.received(frame.span());
            REQUIRE(asked);
            REQUIRE(*asked);
            CHECK((*asked)->id_matches);
            CHECK((*asked)->value == here.answered++);
            ++answers;
        }
    });
    CHECK(answers > 100);
}
