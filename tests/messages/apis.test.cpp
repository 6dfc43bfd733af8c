#include <kwire/api.hpp>
#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/apis.hpp>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "support/golden.hpp"

using support::golden_message;

namespace {

template <class... Ms>
std::vector<kwire::message_facts> facts_in(kwire::message_list<Ms...>) {
    return {Ms::facts...};
}

/// Header and body, without the length: correlation id 7, and the other fields of the header's version.
kwire::shared_buffer frame_of(const golden_message& line, std::int16_t key, bool request) {
    std::vector<std::byte> out;
    const auto put = [&](std::uint32_t value, unsigned bytes) {
        for (; bytes != 0; --bytes) out.push_back(static_cast<std::byte>(value >> (8 * (bytes - 1))));
    };
    const auto version = static_cast<std::int16_t>(line.version);
    const auto api = static_cast<kwire::api_key>(key);
    if (request) {
        put(static_cast<std::uint32_t>(key), 2);
        put(static_cast<std::uint32_t>(version), 2);
        put(7, 4);
        const int header = kwire::request_header_version(api, version);
        if (header >= 1) put(0x0001'6d, 3);
        if (header >= 2) put(0, 1);
    } else {
        put(7, 4);
        if (kwire::response_header_version(api, version) >= 1) put(0, 1);
    }
    out.insert(out.end(), line.bytes.begin(), line.bytes.end());
    return kwire::shared_buffer::adopt(std::move(out));
}

/// What arrived. Compiled for each message, so it does very little.
struct arrival {
    std::string_view message; ///< empty for an unread frame
    int version;
    std::size_t size;

    friend bool operator==(const arrival&, const arrival&) = default;
};
constexpr auto look = kwire::overloaded{
    []<class M>(const kwire::message<M>& typed) {
        return arrival{M::facts.name, version_of(typed.view()), bytes_of(typed.view()).size()};
    },
    [](const kwire::request_frame&) { return arrival{}; },
    [](const kwire::response_frame&) { return arrival{}; },
};

/// What should arrive.
arrival whole(const golden_message& line) { return {line.message, line.version, line.bytes.size()}; }

} // namespace

TEST_CASE("the lists have one request and one response for each API that Kafka has assigned") {
    const auto requests = facts_in(kwire::all_requests{}), responses = facts_in(kwire::all_responses{});
    REQUIRE(requests.size() == responses.size());
    std::set<std::int16_t> keys;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        INFO(requests[i].name);
        const auto facts = kwire::facts_of(static_cast<kwire::api_key>(requests[i].key));
        CHECK(facts.assigned);
        CHECK(requests[i].name == std::string(facts.name) + "Request");
        CHECK(responses[i].name == std::string(facts.name) + "Response");
        CHECK(requests[i].key == responses[i].key);
        CHECK(requests[i].versions == kwire::version_range{facts.first_version, facts.last_version});
        keys.insert(requests[i].key);
    }
    CHECK(keys.size() == requests.size());
    std::size_t assigned = 0;
    for (int key = 0; key < 1000; ++key)
        assigned += kwire::facts_of(static_cast<kwire::api_key>(key)).assigned ? 1 : 0;
    CHECK(keys.size() == assigned);
}

TEST_CASE("every request that Kafka wrote, at every version, arrives as its type") {
    const auto requests = facts_in(kwire::all_requests{});
    std::size_t pairs = 0;
    std::string before;
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        for (const kwire::message_facts& facts : requests) {
            if (facts.name != line.message) continue;
            const auto what = kwire::dispatch<kwire::all_requests>(frame_of(line, facts.key, true), look);
            INFO(line.name());
            REQUIRE(what);
            REQUIRE(*what == whole(line));
            const std::string pair = line.message + std::to_string(line.version);
            pairs += pair != before ? 1 : 0;
            before = pair;
        }
    }
    std::size_t versions = 0;
    for (const kwire::message_facts& facts : requests)
        versions += static_cast<std::size_t>(facts.versions.last - facts.versions.first + 1);
    CHECK(pairs == versions);
}

TEST_CASE("every response that Kafka wrote, at every version, arrives as its type") {
    const auto responses = facts_in(kwire::all_responses{});
    std::size_t checked = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        for (const kwire::message_facts& facts : responses) {
            if (facts.name != line.message) continue;
            const kwire::request_start asked{static_cast<kwire::api_key>(facts.key),
                                             static_cast<std::int16_t>(line.version), 7};
            const auto what =
                kwire::dispatch<kwire::all_responses>(frame_of(line, facts.key, false), asked, look);
            INFO(line.name());
            REQUIRE(what);
            REQUIRE(*what == whole(line));
            ++checked;
        }
    }
    CHECK(checked > 4000);
}
