#include <kwire/connect/frame.hpp>
#include <kwire/connect/sniff.hpp>
#include <kwire/write/encode.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"
#include "support/gzip_lines.hpp"

using kwire::certainty;
using kwire::expected_response;
using kwire::frame_kind;
using kwire::resync;
using kwire::sniff;
using kwire::sniffed;
using kwire::test::exact_bytes;

namespace {

using bytes = std::vector<std::byte>;

/// One frame of the captures, with its length in front.
struct captured {
    std::string connection; ///< and its direction
    bool request = false;
    bytes sent;
    kwire::api_key api{};
    std::int16_t version = 0;
    std::int32_t id = 0;
};

const std::vector<captured>& frames() {
    static const std::vector<captured> all = [] {
        std::vector<captured> read;
        std::map<std::pair<std::string, std::int32_t>, std::pair<kwire::api_key, std::int16_t>> asked;
        kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/captures/frames.jsonl.gz", [&](std::string_view text) {
            const boost::json::value parsed = boost::json::parse(text);
            const boost::json::object& line = parsed.as_object();
            const bytes frame = kwire::test::from_hex(line.at("hex").as_string());
            captured one;
            const std::string connection = std::string(line.at("capture").as_string()) + " " +
                                           std::to_string(line.at("connection").as_int64());
            one.request = line.at("from").as_string() == "client";
            one.connection = connection + (one.request ? " client" : " broker");
            one.sent.resize(4);
            kwire::wire::store_be(one.sent.data(), static_cast<std::uint32_t>(frame.size()));
            one.sent.insert(one.sent.end(), frame.begin(), frame.end());
            if (one.request) {
                const auto start = kwire::peek_request(frame).value();
                one.api = start.api;
                one.version = start.api_version;
                one.id = start.correlation_id;
                asked[{connection, one.id}] = {one.api, one.version};
            } else {
                one.id = kwire::wire::load_be<std::int32_t>(frame.data());
                std::tie(one.api, one.version) = asked.at({connection, one.id});
            }
            read.push_back(std::move(one));
        });
        return read;
    }();
    return all;
}

/// The first bytes of `sent`, in a block of their size.
exact_bytes first(const bytes& sent, std::size_t count) {
    return exact_bytes(std::span(sent).first(std::min(count, sent.size())));
}

/// Both directions of every connection as streams, and where frames begin in them.
struct stream {
    bytes sent;
    std::vector<std::size_t> begins;
    std::map<std::int32_t, expected_response> awaited;
};
std::map<std::string, stream> streams(bool of_requests) {
    std::map<std::string, stream> all;
    for (const captured& one : frames()) {
        if (one.request != of_requests) continue;
        stream& to = all[one.connection];
        to.begins.push_back(to.sent.size());
        to.sent.insert(to.sent.end(), one.sent.begin(), one.sent.end());
        to.awaited[one.id] = {one.id, one.api, one.version};
    }
    return all;
}

struct opening {
    std::string_view protocol;
    std::string_view hex;
};
#include "connect/openings.inc"

/// As many as KWIRE_TEST_RANDOM_INPUTS says; without it a few.
std::size_t random_inputs() {
    const char* const said = std::getenv("KWIRE_TEST_RANDOM_INPUTS");
    return said != nullptr ? std::stoul(said) : 200'000;
}

} // namespace

TEST_CASE("certainties and kinds of frames have names") {
    CHECK(name_of(certainty::none) == "none");
    CHECK(name_of(certainty::possible) == "possible");
    CHECK(name_of(certainty::likely) == "likely");
    CHECK(name_of(certainty::sure) == "sure");
    CHECK(name_of(static_cast<certainty>(4)) == "unknown");
    CHECK(name_of(frame_kind::unknown) == "unknown");
    CHECK(name_of(frame_kind::request) == "request");
    CHECK(name_of(frame_kind::response) == "response");
    CHECK(name_of(static_cast<frame_kind>(3)) == "unknown");
}

TEST_CASE("sniff recognises the requests of real clients from 64 bytes") {
    std::size_t requests = 0, sure = 0, likely = 0, at_16 = 0;
    for (const captured& one : frames()) {
        if (!one.request) continue;
        ++requests;
        const exact_bytes start = first(one.sent, 64);
        const sniffed found = sniff(start.span());
        CAPTURE(one.connection, kwire::test::to_hex(start.span()));
        if (found.certainty >= certainty::likely) {
            ++likely;
            CHECK(found.kind == frame_kind::request);
            CHECK(found.api == one.api);
            CHECK(found.version == one.version);
            CHECK(found.correlation_id == one.id);
            CHECK(found.size == one.sent.size() - 4);
        } else {
            UNSCOPED_INFO("not recognised: " << one.connection << " " << kwire::test::to_hex(start.span()));
        }
        sure += found.certainty == certainty::sure ? 1 : 0;
        at_16 += sniff(first(one.sent, 16).span()).certainty >= certainty::possible ? 1 : 0;
    }
    CAPTURE(requests, likely, sure);
    CHECK(requests > 500);
    CHECK(likely * 1000 >= requests * 999);
    CHECK(at_16 == requests);
}

TEST_CASE("what a quick look at a body says, the whole check says too") {
    using kwire::detail::body_look;
    std::mt19937 random(11);
    std::size_t right = 0, wrong = 0, doubtful = 0;
    for (const captured& one : frames()) {
        const kwire::message_info* const info =
            one.request ? kwire::find_request(one.api) : kwire::find_response(one.api);
        if (info == nullptr || !info->facts.versions.contains(one.version)) continue;
        const auto api = static_cast<std::uint16_t>(one.api),
                   version = static_cast<std::uint16_t>(one.version);
        const kwire::detail::front_step* const steps =
            one.request
                ? kwire::detail::request_fronts.steps_of(*kwire::detail::request_fronts.find(api, version))
                : kwire::detail::response_fronts.steps_of(*kwire::detail::response_fronts.find(api, version));
        const std::size_t header = 4 + (one.request ? 10 : 4);
        if (one.sent.size() <= header) continue;
        // Bodies, and what is none: header fields as a body, and bodies with a wrong byte.
        for (std::size_t from = header; from < std::min(one.sent.size(), header + 24); ++from) {
            bytes body(one.sent.begin() + static_cast<std::ptrdiff_t>(from), one.sent.end());
            const std::size_t size = body.size();
            body.resize(std::min<std::size_t>(size, random() % 60));
            if (from % 2 == 0 && !body.empty())
                body[random() % body.size()] = static_cast<std::byte>(random());
            const auto quick = [&](const bytes& some) {
                return kwire::detail::look_at_front(steps, exact_bytes(some).begin(), some.size(), size);
            };
            const auto closely = [&](const bytes& some) {
                return kwire::detail::look_closely(*info, one.version, exact_bytes(some).begin(), some.size(),
                                                   size);
            };
            CAPTURE(one.connection, from, kwire::test::to_hex(body));
            const body_look look = quick(body);
            if (look == body_look::in_doubt) {
                ++doubtful;
                continue;
            }
            if (look == body_look::wrong) {
                ++wrong;
                if (closely(body) != body_look::wrong) FAIL("only the quick look refuses it");
            }
            if (look != body_look::right) continue;
            ++right;
            // It does not see all. Up to the last byte that makes a difference to it, all is right.
            std::size_t seen = 0;
            const auto differs = [&](std::byte other) {
                bytes changed = body;
                std::fill(changed.begin() + static_cast<std::ptrdiff_t>(seen), changed.end(), other);
                return quick(changed) != body_look::right;
            };
            while (seen != body.size() && (differs(std::byte{0}) || differs(std::byte{0xff}))) ++seen;
            if (closely(bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(seen))) ==
                body_look::wrong)
                FAIL("only the quick look takes it");
        }
    }
    CAPTURE(right, wrong, doubtful);
    CHECK(right > 2000);
    CHECK(wrong > 100);
    CHECK(doubtful > 1000);
}

TEST_CASE("a look at a body never leaves the steps of that body") {
    using kwire::detail::front_form;
    std::size_t arrays = 0;
    const auto check = [&](const auto& tables) {
        for (const kwire::detail::body_front& front : tables.fronts) {
            const kwire::detail::front_step* const steps = tables.steps_of(front);
            std::ptrdiff_t last = 0;
            while (steps[last].form != front_form::end && steps[last].form != front_form::enough &&
                   steps[last].form != front_form::unknown) {
                ++last;
                REQUIRE(steps + last < tables.steps.data() + tables.steps.size());
            }
            for (std::ptrdiff_t i = 0; i < last; ++i) {
                REQUIRE(steps[i].skip >= 1);
                REQUIRE(i + steps[i].skip <= last);
                arrays += steps[i].skip > 1 ? 1 : 0;
            }
        }
    };
    check(kwire::detail::request_fronts);
    check(kwire::detail::response_fronts);
    CHECK(arrays > 100);
}

TEST_CASE("sniff recognises the requests that Kafka writes, of every API and version") {
    std::size_t requests = 0, sure = 0;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected() || !line.message.ends_with("Request")) continue;
        const auto* const message = kwire::find_message(line.message);
        REQUIRE(message != nullptr);
        const auto api = static_cast<kwire::api_key>(message->facts.key);
        const auto version = static_cast<std::int16_t>(line.version);
        if (!kwire::facts_of(api).assigned || kwire::find_request(api) != message) continue;
        // No client asks in this version for no topic, or for 7 acknowledgements.
        if (api == kwire::api_key::produce && version < 3) continue;
        const auto header = kwire::encode<kwire::request_header>({.request_api_key = api,
                                                                  .request_api_version = version,
                                                                  .correlation_id = 7,
                                                                  .client_id = "billing"},
                                                                 kwire::request_header_version(api, version))
                                .value()
                                .to_bytes();
        bytes sent(4);
        kwire::wire::store_be(sent.data(), static_cast<std::uint32_t>(header.size() + line.bytes.size()));
        sent.insert(sent.end(), header.begin(), header.end());
        sent.insert(sent.end(), line.bytes.begin(), line.bytes.end());
        for (const std::size_t size : {8U, 16U, 24U, 40U, 64U, 128U, 320U, 400U}) {
            const sniffed found = sniff(first(sent, size).span());
            CAPTURE(line.name(), size, kwire::test::to_hex(first(sent, size).span()));
            if (found.kind != frame_kind::request || found.api != api || found.version != version ||
                found.size + 4 != sent.size())
                FAIL("not recognised");
        }
        const sniffed found = sniff(first(sent, 64).span());
        CAPTURE(line.name(), kwire::test::to_hex(sent));
        CHECK(found.certainty >=
              (kwire::request_header_version(api, version) == 0 ? certainty::possible : certainty::likely));
        ++requests;
        sure += found.certainty == certainty::sure ? 1 : 0;
    }
    CAPTURE(requests, sure);
    CHECK(requests > 1000);
    CHECK(sure * 100 >= requests * 99);
}

TEST_CASE("more bytes of a request never speak against it") {
    for (const captured& one : frames()) {
        if (!one.request) continue;
        auto before = certainty::none;
        for (std::size_t size = 8; size <= std::min<std::size_t>(one.sent.size(), 330); ++size) {
            const sniffed found = sniff(first(one.sent, size).span());
            CAPTURE(one.connection, size, kwire::test::to_hex(one.sent).substr(0, 2 * size));
            if (found.kind != frame_kind::request || found.certainty < before) FAIL("taken back");
            before = found.certainty;
        }
    }
}

TEST_CASE("sniff says of a response that it is possible, and of one to ApiVersions what it is") {
    std::size_t responses = 0, known = 0, wrong = 0;
    for (const captured& one : frames()) {
        if (one.request) continue;
        ++responses;
        const sniffed found = sniff(first(one.sent, 64).span());
        CAPTURE(one.connection, kwire::test::to_hex(first(one.sent, 64).span()));
        CHECK(found.certainty != certainty::none);
        if (found.kind == frame_kind::request && found.certainty >= certainty::likely) {
            ++wrong;
            UNSCOPED_INFO("taken for a request: " << one.connection << " "
                                                  << kwire::test::to_hex(first(one.sent, 64).span()));
        }
        // librdkafka's mock cluster reports an unsupported version in a body that is of no version.
        const bool refused = one.sent[8] != std::byte{0} || one.sent[9] != std::byte{0};
        if (one.api == kwire::api_key::api_versions && !refused) {
            CHECK(found.api == kwire::api_key::api_versions);
            known += found.certainty == certainty::sure ? 1 : 0;
        }
    }
    CHECK(known > 10);
    CHECK(responses > 500);
    CHECK(wrong == 0);
}

TEST_CASE("a response that is expected is recognised, and one to another request is not") {
    std::size_t responses = 0, sure = 0;
    for (const captured& one : frames()) {
        if (one.request) continue;
        ++responses;
        const exact_bytes start = first(one.sent, 64);
        const sniffed found = kwire::sniff_response(start.span(), {one.id, one.api, one.version});
        CAPTURE(one.connection, static_cast<int>(one.api), one.version, kwire::test::to_hex(start.span()));
        CHECK(found.certainty != certainty::none);
        sure += found.certainty == certainty::sure ? 1 : 0;
        CHECK(kwire::sniff_response(start.span(), {one.id + 1, one.api, one.version}).certainty ==
              certainty::none);
    }
    CAPTURE(responses, sure);
    CHECK(sure * 100 >= responses * 95);
}

TEST_CASE("sniff takes no other protocol for Kafka, with however many of its first bytes") {
    std::map<std::string_view, std::size_t> protocols;
    for (const opening& one : openings) {
        const bytes sent = kwire::test::from_hex(one.hex);
        ++protocols[one.protocol];
        for (std::size_t size = 8; size <= std::min<std::size_t>(sent.size(), 330); ++size) {
            const sniffed found = sniff(first(sent, size).span());
            CAPTURE(one.protocol, one.hex, size, static_cast<int>(found.api), found.version);
            CHECK(found.certainty <= certainty::possible);
        }
        CHECK_FALSE(resync(exact_bytes(sent).span()));
    }
    CHECK(protocols.size() >= 10);
}

TEST_CASE("sniff takes hardly any random bytes for Kafka") {
    std::mt19937_64 random(7);
    std::size_t taken = 0;
    const std::size_t inputs = random_inputs();
    std::byte start[64];
    for (std::size_t i = 0; i < inputs; ++i) {
        for (std::size_t at = 0; at < sizeof start; at += 8)
            kwire::wire::store_be(start + at, static_cast<std::uint64_t>(random()));
        // Half of them with a plausible length, since nearly all random ones are not.
        if (i % 2 == 0) start[0] = start[1] = std::byte{0};
        taken += sniff(start).certainty >= certainty::likely ? 1 : 0;
    }
    CAPTURE(inputs, taken);
    CHECK(taken <= inputs / 1'000'000);
}

TEST_CASE("resync finds the next request in the middle of a stream") {
    std::size_t tried = 0, found_next = 0, found_wrong = 0;
    for (const auto& [connection, all] : streams(true)) {
        const std::size_t step = all.sent.size() / 40 + 1;
        for (std::size_t from = 1; from < all.sent.size(); from += step) {
            const exact_bytes rest(std::span(all.sent).subspan(from));
            const auto next = std::lower_bound(all.begins.begin(), all.begins.end(), from);
            const auto found = resync(rest.span());
            CAPTURE(connection, from);
            ++tried;
            if (found) {
                const bool right =
                    std::binary_search(all.begins.begin(), all.begins.end(), from + found->offset);
                found_wrong += right ? 0 : 1;
                found_next += next != all.begins.end() && *next == from + found->offset ? 1 : 0;
            } else {
                found_next += next == all.begins.end() ? 1 : 0;
            }
        }
    }
    CAPTURE(tried, found_next, found_wrong);
    CHECK(tried > 500);
    CHECK(found_wrong == 0);
    CHECK(found_next * 100 >= tried * 99);
}

TEST_CASE("resync_responses finds the next response to a request that waits") {
    std::size_t tried = 0, found_next = 0, found_wrong = 0;
    for (const auto& [connection, all] : streams(false)) {
        const auto awaited = [&](std::int32_t id) -> std::optional<expected_response> {
            const auto at = all.awaited.find(id);
            if (at == all.awaited.end()) return std::nullopt;
            return at->second;
        };
        const std::size_t step = all.sent.size() / 40 + 1;
        for (std::size_t from = 1; from < all.sent.size(); from += step) {
            const exact_bytes rest(std::span(all.sent).subspan(from));
            const auto next = std::lower_bound(all.begins.begin(), all.begins.end(), from);
            const auto found = kwire::resync_responses(rest.span(), awaited);
            CAPTURE(connection, from);
            ++tried;
            if (found) {
                const bool right =
                    std::binary_search(all.begins.begin(), all.begins.end(), from + found->offset);
                found_wrong += right ? 0 : 1;
                found_next += next != all.begins.end() && *next == from + found->offset ? 1 : 0;
            } else {
                found_next += next == all.begins.end() ? 1 : 0;
            }
        }
    }
    CAPTURE(tried, found_next, found_wrong);
    CHECK(tried > 500);
    CHECK(found_wrong * 1000 <= tried);
    CHECK(found_next * 100 >= tried * 99);
}

TEST_CASE("resync finds no frame in random bytes, zeros and text") {
    std::mt19937_64 random(8);
    bytes noise(100'000);
    for (std::byte& one : noise) one = static_cast<std::byte>(random());
    CHECK_FALSE(resync(noise));
    CHECK_FALSE(resync(bytes(10'000)));
    CHECK_FALSE(resync(bytes(10'000, std::byte{'a'})));
    for (bytes few; few.size() < 20; few.push_back(std::byte{0}))
        CHECK_FALSE(resync(exact_bytes(few).span()));
}
