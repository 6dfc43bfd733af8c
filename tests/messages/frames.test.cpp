/// All requests and responses as frames, and the captured conversations, through the readers and the
/// correlator.
#include <kwire/connect/correlator.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/write/encode.hpp>

#include <boost/json/parse.hpp>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "catch.hpp"
#include "generated/all.hpp"
#include "support/bytes.hpp"
#include "support/gzip_lines.hpp"

using kwire::shared_buffer;

namespace {

/// The one frame that the reader finds in these bytes.
shared_buffer read(kwire::frame_reader& reader, const shared_buffer& sent) {
    std::size_t at = 0;
    while (at < sent.size()) {
        const auto room = reader.prepare();
        REQUIRE(room.size() <= sent.size() - at);
        REQUIRE_FALSE(room.empty());
        std::memcpy(room.data(), sent.data() + at, room.size());
        reader.commit(room.size());
        at += room.size();
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

TEST_CASE("the readers take every request and every response that kwire writes, the smallest too") {
    int requests = 0, responses = 0;
    std::size_t shortest_response = 100;
    for (const support::message_type& one : support::all_messages()) {
        const auto api = static_cast<kwire::api_key>(one.facts.key);
        const bool is_request = one.facts.name.ends_with("Request");
        if (!kwire::facts_of(api).assigned || (!is_request && !one.facts.name.ends_with("Response")))
            continue;
        for (int version = one.facts.versions.first; version <= one.facts.versions.last; ++version) {
            INFO(one.facts.name << " v" << version);
            auto body = one.encode_default(version);
            REQUIRE(body);
            const auto v = static_cast<std::int16_t>(version);
            if (is_request) {
                const int header_version = kwire::request_header_version(api, v);
                const kwire::request_header::data header{.request_api_key = api, .request_api_version = v};
                const auto sent = framed(kwire::encode<kwire::request_header>(header, header_version).value(),
                                         *std::move(body));
                kwire::request_reader reader;
                const auto frame = read(reader, sent);
                CHECK(frame == kwire::without_length(sent));
                CHECK(kwire::detail::begins_known_request(frame.span(), frame.size()));
                ++requests;
            } else {
                const int header_version = kwire::response_header_version(api, v);
                const auto sent = framed(
                    kwire::encode<kwire::response_header>({.correlation_id = 7}, header_version).value(),
                    *std::move(body));
                kwire::response_reader reader;
                CHECK(read(reader, sent) == kwire::without_length(sent));
                shortest_response = std::min(shortest_response, sent.size() - 4);
                ++responses;
            }
        }
    }
    CHECK(requests == 367);
    CHECK(responses == 367);
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
