#include <kwire/connect/correlator.hpp>
#include <kwire/connect/frame_reader.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::shared_buffer;
using support::aborts;
using support::allocations;
using support::largest_allocation;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

/// Pages from malloc, to record the requests and to refuse them.
struct watched_pages {
    static inline std::size_t live = 0, largest = 0, moves = 0;
    static inline bool refuse_map = false, refuse_remap = false;

    static void reset() {
        live = largest = moves = 0;
        refuse_map = refuse_remap = false;
    }
    static kwire::detail::mapped_pages map(std::size_t n, std::size_t) {
        if (refuse_map) return {};
        ++live;
        largest = std::max(largest, n);
        return {std::malloc(n), n};
    }
    static bool grow(kwire::detail::mapped_pages& pages, std::size_t to) {
        if (refuse_remap) return false;
        ++moves;
        largest = std::max(largest, to);
        pages = {std::realloc(pages.first, to), to};
        return true;
    }
    static void unmap(kwire::detail::mapped_pages pages) {
        --live;
        std::free(pages.first);
    }
};

using portable_reader = kwire::basic_request_reader<kwire::detail::copying_memory>;
using watched_reader = kwire::basic_request_reader<kwire::detail::page_memory<watched_pages>>;

/// Four bytes of length, then the frame.
constexpr kwire::frame_limits exactly{.read_ahead_bytes = 0};

std::string frame(std::string_view body) {
    const auto n = static_cast<std::uint32_t>(body.size());
    std::string out;
    for (unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(n >> shift);
    return out += body;
}

std::string body_of(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

/// Gives `stream` to the reader in pieces of at most `step(position)` bytes; stops at the first error.
template <class Reader, class Step>
kwire::expected<std::vector<std::string>, kwire::error> feed(Reader& reader, std::string_view stream,
                                                             Step step) {
    std::vector<std::string> frames;
    std::size_t at = 0;
    for (;;) {
        auto next = reader.next();
        if (!next) return kwire::unexpected(next.error());
        if (*next) {
            frames.push_back(text(**next));
            continue;
        }
        if (at == stream.size()) return frames;
        const std::span<std::byte> room = reader.prepare();
        if (room.empty()) std::abort(); // neither a frame nor room for bytes
        const std::size_t n = std::min({room.size(), stream.size() - at, step(at)});
        std::memcpy(room.data(), stream.data() + at, n);
        reader.commit(n);
        at += n;
    }
}

constexpr auto all_at_once = [](std::size_t) { return std::size_t{1} << 30; };

/// Feeds only the length, and returns the reader's verdict.
template <class Reader = kwire::request_reader>
std::optional<kwire::error> judge(std::uint32_t length, const kwire::frame_limits& limits = {}) {
    Reader reader(limits);
    std::string bytes;
    for (unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(length >> shift);
    const auto result = feed(reader, bytes, all_at_once);
    if (result) return std::nullopt;
    return result.error();
}

} // namespace

TEST_CASE("frame lengths are validated before anything is allocated") {
    struct row {
        std::uint32_t length;
        const char* verdict;         // with the limit for authenticated peers
        const char* verdict_preauth; // with the limit for other peers
    };
    const auto banner = [](const char(&s)[5]) {
        std::uint32_t out = 0;
        for (int i = 0; i < 4; ++i) out = out << 8 | static_cast<unsigned char>(s[i]);
        return out;
    };
    const row rows[] = {
        {0, "bad_frame_length", "bad_frame_length"},
        {1, "bad_frame_length", "bad_frame_length"},
        {4, "bad_frame_length", "bad_frame_length"},
        {7, "bad_frame_length", "bad_frame_length"},
        {8, "", ""},
        {9, "", ""},
        {255, "", ""},
        {256, "", ""},
        {16383, "", ""},
        {16384, "", ""},
        {16385, "", ""},
        {65536, "", ""},
        {524287, "", ""},
        {524288, "", ""},
        {524289, "", "frame_too_large"},
        {1048576, "", "frame_too_large"},
        {104857599, "", "frame_too_large"},
        {104857600, "", "frame_too_large"},
        {104857601, "frame_too_large", "frame_too_large"},
        {0x7ffffffe, "frame_too_large", "frame_too_large"},
        {0x7fffffff, "frame_too_large", "frame_too_large"},
        {0x80000000, "bad_frame_length", "bad_frame_length"},
        {0x80000008, "bad_frame_length", "bad_frame_length"},
        {0xfffffffe, "bad_frame_length", "bad_frame_length"},
        {0xffffffff, "bad_frame_length", "bad_frame_length"},
        {0x16030100, "not_a_kafka_peer", "not_a_kafka_peer"}, // TLS: a ClientHello
        {0x15030300, "not_a_kafka_peer", "not_a_kafka_peer"}, // TLS: an alert
        {0x16040100, "frame_too_large", "frame_too_large"},
        {banner("GET "), "not_a_kafka_peer", "not_a_kafka_peer"},
        {banner("POST"), "not_a_kafka_peer", "not_a_kafka_peer"},
        {banner("SSH-"), "not_a_kafka_peer", "not_a_kafka_peer"},
        {banner("HELO"), "frame_too_large", "frame_too_large"},
    };
    static_assert(std::size(rows) == 32);
    const kwire::frame_limits defaults = exactly;
    kwire::frame_limits preauth = kwire::frame_limits::before_authentication();
    preauth.read_ahead_bytes = 0;
    for (const row& r : rows) {
        CAPTURE(r.length);
        const std::size_t before = allocations;
        const auto verdict = judge(r.length, defaults);
        const auto verdict_preauth = judge(r.length, preauth);
        const std::size_t used = allocations - before;
        CHECK((verdict ? name_of(verdict->code) : "") == r.verdict);
        CHECK((verdict_preauth ? name_of(verdict_preauth->code) : "") == r.verdict_preauth);
        CHECK(used == 0);
        if (verdict) CHECK(verdict->offset == 0);
    }
    for (const char* other : {"HEAD", "PUT ", "DELE", "OPTI", "CONN", "PRI "}) {
        char bytes[5];
        std::memcpy(bytes, other, 5);
        CHECK(judge(banner(bytes)).value() == errc::not_a_kafka_peer);
    }
    CHECK(judge(104857601).value().needed == 104857601);
    CHECK(judge(104857601).value().left == 104857600);
}

TEST_CASE("the limit is exact: the limit and one less are read, one more is refused") {
    for (std::uint32_t max : {8U, 100U, 16384U, 16385U, 524288U}) {
        CAPTURE(max);
        kwire::frame_limits limits;
        limits.max_frame_bytes = max;
        for (std::size_t n : {std::size_t{max} - 1, std::size_t{max}}) {
            kwire::request_reader reader(limits);
            reader.set_min_frame_bytes(0);
            const std::string body = body_of(n, 1);
            const auto frames = feed(reader, frame(body), all_at_once);
            REQUIRE(frames.has_value());
            REQUIRE(frames->size() == 1);
            CHECK((*frames)[0] == body);
        }
        CHECK(judge(max + 1, limits).value() == errc::frame_too_large);
    }
}

TEST_CASE("a new limit applies from the next length on") {
    kwire::frame_limits limits;
    kwire::request_reader reader(limits);
    reader.set_max_frame_bytes(kwire::frame_limits::before_authentication().max_frame_bytes);
    const std::string large = body_of(600000, 2);
    REQUIRE(feed(reader, frame("authenticate me"), all_at_once).has_value());
    reader.set_max_frame_bytes(limits.max_frame_bytes);
    CHECK(feed(reader, frame(large), all_at_once).value() == std::vector{large});
    reader.set_max_frame_bytes(kwire::frame_limits::before_authentication().max_frame_bytes);
    CHECK(feed(reader, frame(large), all_at_once).error() == errc::frame_too_large);
}

TEST_CASE("a reader has a direction, and does not outlive a temporary correlator") {
    static_assert(!std::is_default_constructible_v<kwire::frame_reader>);
    static_assert(!std::is_destructible_v<kwire::frame_reader>); // to delete it would be undefined
    static_assert(std::is_default_constructible_v<kwire::request_reader>);
    static_assert(std::is_constructible_v<kwire::response_reader, kwire::correlator<int>&>);
    static_assert(!std::is_constructible_v<kwire::response_reader, kwire::correlator<int>>);
    static_assert(!std::is_move_constructible_v<kwire::request_reader>);
    const auto passed_on = [](kwire::frame_reader& either) { return either.prepare().size(); };
    kwire::request_reader requests(exactly);
    kwire::response_reader responses(exactly);
    CHECK(passed_on(requests) == 4);
    CHECK(passed_on(responses) == 4);
}

TEST_CASE("requests have 8 bytes at least, responses 4") {
    kwire::response_reader responses;
    CHECK(feed(responses, frame("1234") + frame("123456"), all_at_once).value() ==
          std::vector<std::string>{"1234", "123456"});
    const auto refused = feed(responses, frame("123"), all_at_once).error();
    CHECK(refused == errc::bad_frame_length);
    CHECK(refused.needed == 4);
    CHECK(refused.left == 3);
    kwire::request_reader requests;
    CHECK(feed(requests, frame("12345678"), all_at_once).value() == std::vector<std::string>{"12345678"});
    CHECK(feed(requests, frame("1234567"), all_at_once).error().needed == 8);
    // What encode_response writes for Heartbeat v0.
    kwire::response_reader reader;
    CHECK(feed(reader, std::string("\0\0\0\6\0\0\0\7\0\0", 10), all_at_once).value().size() == 1);
}

TEST_CASE("a length of zero is a valid frame if the minimum is zero") {
    kwire::request_reader reader;
    reader.set_min_frame_bytes(0);
    CHECK(feed(reader, frame("") + frame("token") + frame(""), all_at_once).value() ==
          std::vector<std::string>{"", "token", ""});
    reader.set_min_frame_bytes(8);
    CHECK(feed(reader, frame(""), all_at_once).error() == errc::bad_frame_length);
}

namespace {

const std::string api_versions_request = "\0\x12\0\3\0\0\0\2\0\2me\0\6kwire\2"
                                         "1\0"s;
const std::string raw_handshake = "\0\x11\0\0\0\0\0\1\0\2me\0\5PLAIN"s;

} // namespace

TEST_CASE("tokens of any length follow SaslHandshake v0 in both directions, until the next request") {
    kwire::correlator<> pending;
    kwire::request_reader from_client;
    kwire::response_reader from_broker{pending};
    const auto one = [](auto& reader, std::string_view bytes) {
        const auto frames = feed(reader, frame(bytes), all_at_once);
        if (!frames) return std::string(name_of(frames.error().code));
        CHECK(frames->size() == 1);
        return frames->front();
    };
    const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
    const auto pass = [&](std::string_view request) {
        CHECK(one(from_client, request) == request);
        REQUIRE(pending.sent(bytes(request)));
    };
    const auto answer = [&](std::string_view response) {
        CHECK(one(from_broker, response) == response);
        REQUIRE(pending.received(bytes(response)));
    };
    pass(api_versions_request);
    answer("\0\0\0\2\0\0\0\0\0\0"s);
    pass(raw_handshake);
    answer("\0\0\0\1\0\0\0\0\0\1\0\5PLAIN"s);
    for (const std::string_view token : {"\0me\0secret"sv, ""sv, "\x01"sv, "1234567"sv}) {
        pass(token);
        answer(token);
        answer("");
    }
    SECTION("with the floor of each direction") {
        pass(api_versions_request);
        answer("\0\0\0\2\0\0\0\0\0\0"s);
    }
    SECTION("which a client may send before the last token has come") {
        pass("\0me\0secret"s);
        pass(api_versions_request);
        answer("");
        answer("\0\0\0\2\0\0\0\0\0\0"s);
    }
    CHECK(one(from_client, "1234567") == "bad_frame_length");
    CHECK(one(from_broker, "123") == "bad_frame_length");
}

TEST_CASE("a handshake of version 1, and none at all, leave the floor of requests where it is") {
    kwire::request_reader reader;
    std::string wrapped = raw_handshake;
    wrapped[3] = 1;
    REQUIRE(feed(reader, frame(api_versions_request) + frame(wrapped), all_at_once).value().size() == 2);
    CHECK(feed(reader, frame(""), all_at_once).error() == errc::bad_frame_length);
}

namespace {

/// Another protocol's first bytes, and what they look like.
struct banner {
    std::string bytes;
    const char* name;
};

const std::vector<banner>& banners() {
    static const std::vector<banner> all{
        // A ClientHello of OpenSSL, filled up to 512 bytes: as a request it would be Fetch v1.
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s + body_of(506, 77), "TLS handshake"},
        {"\x16\x03\x01\x00\xf5\x01\x00\x00\xf1\x03\x03"s + body_of(239, 78), "TLS handshake"},
        {"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"s + body_of(116, 79), "TLS handshake"},
        {"\x15\x03\x03\x00\x02\x02\x28"s, "TLS alert"},
        {"\x15\x03\x01\x00\x02\x02\x46"s, "TLS alert"},
        {"\x15\x03\x03\x00\x02\x01\x00"s, "TLS alert"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP request"},
        {"POST /topics/a HTTP/1.1\r\n", "HTTP request"},
        {"HEAD / HTTP/1.0\r\n\r\n", "HTTP request"},
        {"PUT /connectors HTTP/1.1\r\n", "HTTP request"},
        {"DELETE /x HTTP/1.1\r\n", "HTTP request"},
        {"OPTIONS * HTTP/1.1\r\n", "HTTP request"},
        {"CONNECT a:9092 HTTP/1.1\r\n", "HTTP request"},
        {"PATCH /x HTTP/1.1\r\n", "HTTP request"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 request"},
        {"HTTP/1.1 400 Bad Request\r\n", "HTTP response"},
        {"HTTP/1.0 200 OK\r\n", "HTTP response"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "SSH"},
        {"PROXY TCP4 10.0.0.1 10.0.0.2 5 9092\r\n", "PROXY protocol, version 1"},
        {"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"s + body_of(12, 5), "PROXY protocol, version 2"},
        {"*1\r\n$4\r\nPING\r\n\r\n", "Redis request"},
        {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n", "Redis request"},
        {"-ERR unknown command 'a'\r\n", "Redis response"},
        {"\x60\x82\x02\x67\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00"s, "GSSAPI token"},
        {"\x60\x81\x83\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x79\x30"s, "GSSAPI token"},
        {"\x60\x33\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x01"s, "GSSAPI token"},
    };
    return all;
}

/// What a reader with this limit says of a stream of these bytes, given in pieces, that then ends.
template <class Reader>
std::string verdict_on(std::string_view stream, std::uint32_t limit, std::size_t step) {
    Reader reader({.max_frame_bytes = limit});
    const auto frames = feed(reader, stream, [&](std::size_t) { return step; });
    const auto failure = frames ? reader.end_of_stream() : frames.error();
    return failure ? std::string(std::string_view(describe(*failure))) : "";
}

} // namespace

TEST_CASE("a peer that speaks another protocol is named, whatever the limit and the direction") {
    for (const banner& other : banners()) {
        const std::string expected = std::string(other.name) + ": not_a_kafka_peer at byte 0";
        INFO(expected);
        for (const std::uint32_t limit : {524'288U, 104'857'600U, 1'000'000'000U, 0x7fff'ffffU})
            for (const std::size_t step : {1U, 5U, 100'000U}) {
                CHECK(verdict_on<kwire::request_reader>(other.bytes, limit, step) == expected);
                CHECK(verdict_on<kwire::response_reader>(other.bytes, limit, step) == expected);
            }
    }
}

TEST_CASE("a foreign peer that stays silent is refused without its end, once it has said enough") {
    for (const banner& other : banners()) {
        INFO(other.name);
        kwire::response_reader client({.max_frame_bytes = 0x7fff'ffff});
        CHECK(feed(client, other.bytes, all_at_once).error() == errc::not_a_kafka_peer);
        CHECK(client.prepare().empty());
        CHECK(client.capacity() == 0);
        CHECK(client.next().error().message == other.name);
        if (other.bytes.size() < 12) continue; // an alert, which clients do not begin with
        kwire::request_reader broker({.max_frame_bytes = 0x7fff'ffff});
        CHECK(feed(broker, other.bytes, all_at_once).error() == errc::not_a_kafka_peer);
    }
    CHECK(verdict_on<kwire::request_reader>("\x80\x2e\x01\x03\x01"s, 104'857'600, 9) ==
          "TLS handshake: not_a_kafka_peer at byte 0");
}

TEST_CASE("SOCKS clients are named by a limit below their length, and when they give up") {
    const banner clients[] = {{"\x05\x01\x00"s, "SOCKS 5 request"},
                              {"\x05\x02\x00\x02"s, "SOCKS 5 request"},
                              {"\x05\x03\x00\x01\x02"s, "SOCKS 5 request"},
                              {"\x04\x01\x23\x84\x0a\x00\x00\x01\x00"s, "SOCKS 4 request"}};
    for (const banner& other : clients)
        for (const std::uint32_t limit : {524'288U, 104'857'600U, 0x7fff'ffffU}) {
            INFO(other.name << " " << limit);
            CHECK(verdict_on<kwire::request_reader>(other.bytes, limit, 100) ==
                  std::string(other.name) + ": not_a_kafka_peer at byte 0");
        }
    CHECK(verdict_on<kwire::response_reader>("\x05\x02\x00\x02"s, 104'857'600, 9).starts_with("truncated"));
    CHECK(verdict_on<kwire::request_reader>("\x05\x06\x00"s, 104'857'600, 9).starts_with("truncated"));
}

TEST_CASE("a SASL token without a handshake is named") {
    const banner tokens[] = {
        {"\x60\x82\x02\x67\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00\x6e\x82"s, "GSSAPI token"},
        {"\x60\x33\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x01"s, "GSSAPI token"},
        {"\0me\0secret"s, "SASL/PLAIN token"},
        {"me\0me\0secret"s, "SASL/PLAIN token"},
        {"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", "SASL token"},
        {"n,,\x01"
         "auth=Bearer abc\x01\x01"s,
         "SASL token"},
    };
    for (const banner& other : tokens) {
        INFO(other.name);
        CHECK(verdict_on<kwire::request_reader>(frame(other.bytes), 524'288, 100) ==
              std::string(other.name) + ": not_a_kafka_peer at byte 0");
        kwire::request_reader reader; // after a handshake it is what it should be
        CHECK(feed(reader, frame(raw_handshake) + frame(other.bytes), all_at_once).value().size() == 2);
    }
    // Requests of every API, and of one that is not assigned, are none of these.
    for (int api = 0; api < 130; ++api) {
        const std::string request = "\0"s + static_cast<char>(api) + "\0\0\0\0\0\1\0\2me\0\0\0\0"s;
        CHECK(verdict_on<kwire::request_reader>(frame(request), 524'288, 100).empty());
    }
}

TEST_CASE("a Kafka frame whose length reads like another protocol is a Kafka frame") {
    const kwire::frame_limits generous{.max_frame_bytes = 0x7fff'ffff};
    // Only the start of each: it has to be large, and its later bytes do not matter.
    const auto passes = [&]<class Reader>(std::type_identity<Reader>, std::string_view length,
                                          std::string_view start) {
        for (const std::size_t step : {1U, 300U, 1000U}) {
            Reader reader(generous);
            const std::string stream = std::string(length) + std::string(start);
            REQUIRE(feed(reader, stream, [&](std::size_t) { return step; }));
            REQUIRE_FALSE(reader.prepare().empty());
        }
    };
    constexpr std::type_identity<kwire::request_reader> a_request;
    constexpr std::type_identity<kwire::response_reader> a_response;
    const std::string tail(400, '\0');
    for (const banner& other : banners()) {
        INFO(other.name);
        const std::string length = other.bytes.substr(0, 4);
        for (const kwire::api_facts& one : kwire::detail::apis) {
            const auto api = static_cast<char>(&one - kwire::detail::apis.data());
            for (std::int16_t version = one.first_version; version <= one.last_version; ++version)
                for (const std::string_view client : {"\xff\xff"sv, "\0\0"sv, "\0\6my-app"sv}) {
                    const std::string request = "\0"s + api + "\0"s + static_cast<char>(version) +
                                                "\0\0\0\1"s + std::string(client) + tail;
                    passes(a_request, length, request);
                }
        }
        // Requests whose other bytes are those of a ClientHello too.
        passes(a_request, length, "\x00\x01\x00\x01\xfc\x03\x03\x01\x00\x06my-app"s + tail);
        for (const int id : {0, 1, 2, 255, 0x101, 0x20228, 0x7fff'fff8, -1}) {
            std::string response;
            for (const unsigned shift : {24U, 16U, 8U, 0U})
                response += static_cast<char>(static_cast<unsigned>(id) >> shift);
            passes(a_response, length, response + tail);
        }
    }
}

TEST_CASE("another protocol is recognised in the first frame only") {
    kwire::request_reader reader;
    REQUIRE(feed(reader, frame("a first frame"), all_at_once).has_value());
    CHECK(feed(reader, "GET / HTTP", all_at_once).error() == errc::frame_too_large);
}

TEST_CASE("the memory of a frame that is read exactly never exceeds it") {
    for (const std::size_t size : {100U, 16'385U, 40'000U, 1'100'000U}) {
        watched_reader paged(exactly);
        portable_reader portable(exactly);
        const auto check = [&](auto& reader) {
            const std::string stream = frame(body_of(size, 15));
            REQUIRE(feed(reader, stream.substr(0, stream.size() - 1), all_at_once).value().empty());
            CHECK(reader.prepare().size() == 1);
            CHECK(reader.capacity() <= size);
            CHECK(feed(reader, stream.substr(stream.size() - 1), all_at_once).value().size() == 1);
        };
        watched_pages::reset();
        check(paged);
        check(portable);
    }
}

TEST_CASE("after an error the reader keeps failing and requests no bytes") {
    kwire::request_reader reader;
    CHECK(feed(reader, std::string("\xff\xff\xff\xff", 4), all_at_once).error() == errc::bad_frame_length);
    CHECK(reader.prepare().empty());
    CHECK(reader.next().error() == errc::bad_frame_length);
    CHECK(reader.next().error() == errc::bad_frame_length);
    CHECK(reader.end_of_stream().value() == errc::bad_frame_length);
    CHECK(reader.capacity() == 0);
    reader.commit(0);
    CHECK(aborts([&] { reader.commit(1); }));
}

TEMPLATE_TEST_CASE("every split of a stream of three frames yields the same frames", "",
                   kwire::request_reader, portable_reader, watched_reader) {
    const std::vector<std::string> bodies{body_of(8, 3), body_of(120, 4), body_of(60, 5)};
    const std::string stream = frame(bodies[0]) + frame(bodies[1]) + frame(bodies[2]);
    for (const std::uint32_t ahead : {0U, 1U, 100U, 65'536U}) {
        const kwire::frame_limits limits{.read_ahead_bytes = ahead};
        for (std::size_t first = 0; first <= stream.size(); ++first)
            for (std::size_t second = first; second <= stream.size(); ++second) {
                TestType reader(limits);
                const auto step = [&](std::size_t at) {
                    return at < first ? first - at : at < second ? second - at : stream.size() - at;
                };
                REQUIRE(feed(reader, stream, step).value() == bodies);
                REQUIRE_FALSE(reader.end_of_stream().has_value());
            }
        TestType reader(limits);
        CHECK(feed(reader, stream, [](std::size_t) { return std::size_t{1}; }).value() == bodies);
    }
}

TEMPLATE_TEST_CASE("frames of all sizes survive random splits", "", kwire::request_reader, portable_reader,
                   watched_reader) {
    watched_pages::reset();
    std::mt19937 random(6);
    std::vector<std::string> bodies;
    std::string stream;
    for (std::size_t n :
         {8U, 16383U, 16384U, 16385U, 32768U, 32769U, 100000U, 1048576U, 1048577U, 3145728U, 9U}) {
        bodies.push_back(body_of(n, static_cast<unsigned>(n)));
        stream += frame(bodies.back());
    }
    for (const std::uint32_t ahead : {0U, 1000U, 65'536U, 10'000'000U})
        for (int round = 0; round < 3; ++round) {
            TestType reader({.read_ahead_bytes = ahead});
            CHECK(feed(reader, stream, [&](std::size_t) {
                      return std::size_t{1} + random() % 70000;
                  }).value() == bodies);
            CHECK(feed(reader, stream, all_at_once).value() == bodies);
        }
    CHECK(watched_pages::live == 0);
}

TEST_CASE("a peer that claims 100 MiB and sends nothing more costs 64 KiB of addresses") {
    watched_pages::reset();
    largest_allocation = 0;
    const auto claim = [](auto& reader) {
        REQUIRE(feed(reader, std::string("\x06\x40\x00\x00", 4), all_at_once).value().empty());
        CHECK(reader.capacity() <= 2048);
        CHECK(reader.prepare().size() == 64 * 1024);
        CHECK(reader.prepare().size() == 64 * 1024);
        CHECK(reader.capacity() <= 66 * 1024);
    };
    for (const std::uint32_t ahead : {0U, 65'536U}) {
        kwire::request_reader reader({.read_ahead_bytes = ahead});
        claim(reader);
        portable_reader portable({.read_ahead_bytes = ahead});
        claim(portable);
        watched_reader watched({.read_ahead_bytes = ahead});
        claim(watched);
    }
    CHECK(watched_pages::largest == 64 * 1024);
    if (support::counts_allocations) CHECK(largest_allocation < 65 * 1024);
}

TEMPLATE_TEST_CASE("memory grows with the bytes received, never with the length claimed", "",
                   kwire::request_reader, portable_reader, watched_reader) {
    constexpr std::size_t mib = 1024 * 1024;
    for (const std::uint32_t ahead : {0U, 65'536U}) {
        watched_pages::reset();
        kwire::page_pool::set_limit(0); // what was kept would be taken whole
        largest_allocation = 0;
        TestType reader({.read_ahead_bytes = ahead});
        REQUIRE(feed(reader, std::string("\x06\x40\x00\x00", 4), all_at_once).value().empty());
        std::size_t received = 0;
        while (received < 12 * mib) {
            const std::size_t n = std::min<std::size_t>(reader.prepare().size(), 7777);
            const std::size_t allowed = std::max<std::size_t>(
                std::clamp<std::size_t>(512 * received, 64 * 1024, mib), received + std::min(received, mib));
            REQUIRE(reader.capacity() <= allowed + ahead);
            reader.commit(n);
            received += n;
        }
        CHECK(largest_allocation <= 14 * mib);
        CHECK(watched_pages::largest <= 14 * mib);
        REQUIRE(reader.end_of_stream().value() == errc::truncated);
        CHECK(reader.end_of_stream()->needed == 104857600);
        CHECK(reader.end_of_stream()->left == received);
    }
    kwire::page_pool::set_limit(std::size_t{16} * mib);
}

TEST_CASE("the end of the stream is an error inside a frame but not between frames") {
    const std::string stream = frame("12345678");
    for (std::size_t n = 0; n <= stream.size(); ++n) {
        CAPTURE(n);
        kwire::request_reader reader;
        REQUIRE(feed(reader, stream.substr(0, n), all_at_once).has_value());
        const auto end = reader.end_of_stream();
        REQUIRE(end.has_value() == (n != 0 && n != stream.size()));
        if (!end) continue;
        CHECK(*end == errc::truncated);
        CHECK(end->needed == (n < 4 ? 4 : 8));
        CHECK(end->left == (n < 4 ? n : n - 4));
    }
}

TEST_CASE("the end of the stream after a complete frame that was not taken yet is not an error") {
    const std::string stream = frame("12345678");
    for (const std::uint32_t ahead : {0U, 65'536U}) {
        kwire::request_reader reader({.read_ahead_bytes = ahead});
        for (std::size_t n = 0; n < stream.size();) {
            const auto room = reader.prepare();
            const std::size_t some = std::min(room.size(), stream.size() - n);
            std::memcpy(room.data(), stream.data() + n, some);
            reader.commit(some);
            n += some;
        }
        CHECK_FALSE(reader.end_of_stream());
        CHECK(reader.next().value().value().size() == 8);
        CHECK_FALSE(reader.end_of_stream());
    }
}

TEST_CASE("the end of the stream names a second frame that is cut short before next() has seen it") {
    kwire::request_reader reader;
    const std::string stream = frame("12345678") + frame("87654321").substr(0, 9);
    const auto room = reader.prepare();
    std::memcpy(room.data(), stream.data(), stream.size());
    reader.commit(stream.size());
    CHECK(reader.next().value().has_value());
    REQUIRE(reader.end_of_stream());
    CHECK(reader.end_of_stream()->needed == 8);
    CHECK(reader.end_of_stream()->left == 5);
}

TEST_CASE("a frame that is read exactly has its own memory, and is writable by its last owner") {
    for (std::size_t n : {100U, 20000U, 3U << 20}) {
        kwire::request_reader reader(exactly);
        const std::string body = body_of(n, 8);
        std::optional<shared_buffer> taken;
        const std::string stream = frame(body);
        std::size_t at = 0;
        while (!(taken = reader.next().value())) {
            const auto room = reader.prepare();
            std::memcpy(room.data(), stream.data() + at, room.size());
            at += room.size();
            reader.commit(room.size());
        }
        CHECK(at == stream.size()); // requested this frame and not one byte more
        CHECK(reader.capacity() == 0);
        CHECK(taken->pinned_bytes() >= n);
        CHECK(taken->pinned_bytes() < n + 64 * 1024);
        REQUIRE(taken->is_unique());
        const std::byte* address = taken->data();
        auto unique = std::move(*taken).try_into_unique();
        REQUIRE(unique.has_value());
        unique->data()[n - 1] ^= std::byte{1};
        const shared_buffer again = std::move(*unique).freeze();
        CHECK(again.data() == address);
        CHECK(text(again).substr(0, n - 1) == body.substr(0, n - 1));
    }
}

namespace {

/// Gives the reader all of `stream`, as far as it has room, and takes all frames out.
template <class Reader>
std::vector<shared_buffer> frames_of(Reader& reader, std::string_view stream) {
    std::vector<shared_buffer> out;
    for (;;) {
        while (auto frame = reader.next().value()) out.push_back(*std::move(frame));
        if (stream.empty()) return out;
        const auto room = reader.prepare();
        const std::size_t n = std::min(room.size(), stream.size());
        std::memcpy(room.data(), stream.data(), n);
        reader.commit(n);
        stream.remove_prefix(n);
    }
}

std::string many_frames(std::size_t count, std::size_t size) {
    std::string stream;
    for (std::size_t i = 0; i < count; ++i) stream += frame(body_of(size, static_cast<unsigned>(i)));
    return stream;
}

} // namespace

TEST_CASE("frames that arrived together are each writable by their last owner, in any order") {
    kwire::request_reader reader;
    const std::size_t count = 300; // so that the counts take more than their first two blocks
    std::vector<shared_buffer> frames = frames_of(reader, many_frames(count, 40));
    REQUIRE(frames.size() == count);
    std::mt19937 random(3);
    std::vector<std::size_t> order(count);
    for (std::size_t i = 0; i < count; ++i) order[i] = i;
    std::ranges::shuffle(order, random);
    for (const std::size_t i : order) {
        shared_buffer second = frames[i];
        CHECK_FALSE(frames[i].is_unique());
        CHECK_FALSE(shared_buffer(second).try_into_unique());
        frames[i] = {};
        auto own = std::move(second).try_into_unique();
        REQUIRE(own);
        CHECK(own->capacity() == 40); // the bytes after it belong to its neighbour
        for (std::byte& each : own->span()) each ^= std::byte{0xff};
        frames[i] = std::move(*own).freeze();
    }
    for (std::size_t i = 0; i < count; ++i) {
        std::string expected = body_of(40, static_cast<unsigned>(i));
        for (char& c : expected) c = static_cast<char>(~c);
        CHECK(text(frames[i]) == expected);
    }
}

TEST_CASE("frames outlive their reader, and the last of them frees what they share") {
    std::vector<shared_buffer> frames;
    {
        kwire::request_reader reader;
        frames = frames_of(reader, many_frames(100, 40));
    }
    CHECK(text(frames.back()) == body_of(40, 99));
    CHECK(frames[98].shares_memory_with(frames[97]));
    const shared_buffer last = frames[50];
    frames = {};
    CHECK(text(last) == body_of(40, 50));
}

TEST_CASE("a peer that sends ahead has its frames read many at a time") {
    kwire::request_reader reader;
    const std::size_t count = 10'000;
    std::size_t seen = 0;
    const std::string stream = many_frames(count, 100);
    for (std::string_view rest = stream; !rest.empty();) {
        const auto room = reader.prepare();
        const std::size_t n = std::min(room.size(), rest.size());
        std::memcpy(room.data(), rest.data(), n);
        rest.remove_prefix(n);
        reader.commit(n);
        while (auto frame = reader.next().value()) ++seen;
    }
    CHECK(seen == count);
    CHECK(reader.frames() == count);
    CHECK(reader.reads() <= count / 20);
    CHECK(reader.moved_bytes() < stream.size() / 100);
}

TEST_CASE("a frame that is waited for alone keeps little more than itself alive") {
    kwire::request_reader reader;
    for (const std::size_t size : {60U, 500U, 3'000U, 10'000U, 17'000U, 70'000U, 300'000U}) {
        const std::vector<shared_buffer> frames = frames_of(reader, frame(body_of(size, 1)));
        REQUIRE(frames.size() == 1);
        INFO(size);
        CHECK(frames[0].pinned_bytes() <= size + 4096 + (size > 256 * 1024 ? 65'536 : 0));
    }
}

TEST_CASE("what a small frame keeps alive is bounded by the read-ahead") {
    kwire::request_reader reader;
    for (int i = 0; i < 20; ++i)
        for (const shared_buffer& frame : frames_of(reader, many_frames(1000, 100)))
            REQUIRE(frame.pinned_bytes() <= 80 * 1024);
    const shared_buffer small = frames_of(reader, many_frames(1, 100)).front();
    const auto before = kwire::copied_bytes();
    CHECK(small.detach().pinned_bytes() == 100);
    CHECK(kwire::copied_bytes() == before + 100);
}

TEST_CASE("frames that just fit into what was read ahead do not make it grow") {
    kwire::request_reader reader;
    (void)frames_of(reader, many_frames(10'000, 100)); // as far ahead as it goes
    const std::size_t most = reader.capacity();
    REQUIRE(most <= 80 * 1024);
    for (int i = 0; i < 20; ++i) {
        CAPTURE(i);
        const std::string stream = frame(body_of(reader.capacity() - 4, 1));
        const auto moved = reader.moved_bytes();
        const auto frames = feed(reader, stream, [](std::size_t) { return std::size_t{1000}; });
        REQUIRE(frames.value() == std::vector{stream.substr(4)});
        CHECK(reader.capacity() <= most);
        CHECK(reader.moved_bytes() - moved <= 16 * 1024);
        for (const shared_buffer& small : frames_of(reader, many_frames(10'000, 100)))
            REQUIRE(small.pinned_bytes() <= 80 * 1024);
    }
}

TEST_CASE("a large frame takes two reads, and the bytes that are moved for it are bounded and no copies") {
    for (const std::size_t size : {20'000U, 100'000U, 1'000'000U}) {
        kwire::request_reader reader;
        const auto before = kwire::copied_bytes();
        const std::size_t count = 20;
        CHECK(frames_of(reader, many_frames(count, size)).size() == count);
        CHECK(reader.reads() <= 2 * count);
        CHECK(reader.moved_bytes() <= 12 * 1024 * count);
        CHECK(kwire::copied_bytes() == before);
    }
}

TEST_CASE("memory whose frames are gone is used again, and a quiet reader can give it back") {
    kwire::request_reader reader;
    const std::size_t before = allocations;
    const void* first = nullptr;
    for (int i = 0; i < 100; ++i) {
        const auto frames = frames_of(reader, frame(body_of(100, 1)));
        if (i == 0) first = frames[0].data();
        CHECK(frames[0].data() == first);
    }
    if (support::counts_allocations) CHECK(allocations - before < 200 + 100 * 4); // strings and vectors
    CHECK(reader.capacity() == 2048);
    reader.release_memory();
    CHECK(reader.capacity() == 0);
    CHECK(text(frames_of(reader, frame(body_of(9, 2)))[0]) == body_of(9, 2));
    // Not while bytes wait.
    CHECK(frames_of(reader, "12").empty());
    reader.release_memory();
    CHECK(reader.capacity() != 0);
}

TEST_CASE("a reader that was far ahead comes back when its peer does not send ahead any more") {
    kwire::request_reader reader;
    (void)frames_of(reader, many_frames(10'000, 100));
    CHECK(reader.capacity() >= 32'768);
    std::vector<shared_buffer> kept;
    for (int i = 0; i < 2000; ++i) kept.push_back(frames_of(reader, frame(body_of(100, 1))).front());
    CHECK(reader.capacity() == 2048);
    CHECK(kept.back().pinned_bytes() == 2048);
}

TEST_CASE("no byte of a frame is copied where pages can be remapped, and elsewhere every copy is counted") {
    const std::string stream = frame(body_of(3 << 20, 9));
    const auto copied_by = [&](auto&& reader) {
        const auto before = kwire::copied_bytes();
        REQUIRE(feed(reader, stream, all_at_once).value().size() == 1);
        return kwire::copied_bytes() - before;
    };
#if defined(KWIRE_KEEPS_PAGES)
    CHECK(copied_by(kwire::request_reader()) == 0);
    CHECK(copied_by(kwire::request_reader(exactly)) == 0);
#endif
    watched_pages::reset();
    CHECK(copied_by(watched_reader(exactly)) == 0);
    CHECK(watched_pages::moves == 6);
    // 64 KiB doubles up to 1 MiB, then grows in steps of 1 MiB; each size but the last was copied once.
    std::uint64_t expected = 0;
    for (std::uint64_t size = 64 * 1024; size < 3 << 20; size += std::min<std::uint64_t>(size, 1 << 20))
        expected += size;
    CHECK(copied_by(portable_reader(exactly)) == expected);
    const std::string small = frame(body_of(64 * 1024, 10));
    portable_reader reader(exactly);
    const auto before = kwire::copied_bytes();
    CHECK(feed(reader, small, all_at_once).value().size() == 1);
    CHECK(kwire::copied_bytes() == before);
}

TEST_CASE("a frame still arrives if the system refuses pages, at the cost of counted copies") {
    const std::string body = body_of(1 << 20, 11);
    for (const bool at_once : {true, false}) {
        watched_pages::reset();
        watched_pages::refuse_map = at_once;
        watched_pages::refuse_remap = !at_once;
        watched_reader reader(exactly);
        const auto before = kwire::copied_bytes();
        CHECK(feed(reader, frame(body) + frame(body), all_at_once).value() == std::vector{body, body});
        CHECK(kwire::copied_bytes() - before == 2 * ((1 << 20) - 64 * 1024));
        CHECK(watched_pages::live == 0);
    }
}

TEST_CASE("a reader destroyed inside a frame frees its memory, and its earlier frames stay valid") {
    watched_pages::reset();
    std::optional<shared_buffer> kept;
    {
        watched_reader reader(exactly);
        const std::string stream = frame(body_of(500000, 12)) + frame(body_of(500000, 13)).substr(0, 30000);
        std::size_t at = 0;
        while (at < stream.size()) {
            const auto room = reader.prepare();
            if (room.empty()) {
                kept = reader.next().value();
                continue;
            }
            const std::size_t n = std::min(room.size(), stream.size() - at);
            std::memcpy(room.data(), stream.data() + at, n);
            reader.commit(n);
            at += n;
        }
        CHECK(watched_pages::live == 2);
    }
    CHECK(watched_pages::live == 1);
    CHECK(text(kept.value()) == body_of(500000, 12));
    kept.reset();
    CHECK(watched_pages::live == 0);
}

TEST_CASE("committing more bytes than were prepared aborts") {
    CHECK(aborts([] { kwire::request_reader().commit(1 << 20); }));
    CHECK(aborts([] { kwire::request_reader().commit(1); }));
    CHECK(aborts([] { kwire::request_reader(exactly).commit(5); }));
    CHECK(aborts([] {
        kwire::request_reader reader;
        reader.commit(reader.prepare().size() + 1);
    }));
    CHECK(aborts([] {
        kwire::request_reader reader;
        reader.commit(reader.prepare().size());
        reader.commit(1);
    }));
    CHECK(aborts([] {
        kwire::request_reader reader(exactly);
        (void)feed(reader, frame("12345678").substr(0, 4), all_at_once);
        reader.commit(1); // without prepare() there is no memory yet
    }));
    CHECK(aborts([] {
        kwire::request_reader reader(exactly);
        (void)feed(reader, frame("12345678").substr(0, 6), all_at_once);
        reader.commit(7);
    }));
    CHECK(aborts([] {
        kwire::request_reader reader(exactly);
        (void)feed(reader, frame("12345678"), all_at_once);
        reader.commit(5); // more than the length of the second frame
    }));
    for (const std::string& refused : {
             "\x16\x03\x01\0\xc8\1\0\0\xc4\3\3abcdefgh"s, // a TLS hello within the limit
             frame("\0me\0secret"sv),                     // a token without a handshake
         }) {
        kwire::request_reader reader({.max_frame_bytes = 0x7fffffff});
        REQUIRE_FALSE(feed(reader, refused, all_at_once));
        CHECK(aborts([&] { reader.commit(1); }));
    }
}

TEST_CASE("frames may be released on a thread other than the reader's") {
    for (const std::size_t size : {100U, 100'000U}) {
        kwire::request_reader reader;
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i) {
            std::vector<shared_buffer> taken = frames_of(reader, many_frames(50, size));
            threads.emplace_back([size, mine = std::move(taken)] {
                for (const shared_buffer& each : mine) {
                    const shared_buffer part = each.slice(size / 2, 10).value();
                    if (part.size() != 10 || each.size() != size) std::abort();
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(frames_of(reader, many_frames(10, size)).size() == 10);
    }
}

TEST_CASE("a frame is not lost if its reference count cannot be allocated") {
    if (!support::counts_allocations) return; // allocations cannot be refused
    const auto deliver = [](auto& reader, std::size_t size) {
        const std::string stream = frame(body_of(size, 1)) + frame("the next one");
        std::size_t at = 0;
        for (std::span<std::byte> room = reader.prepare(); !room.empty() && at < stream.size();
             room = reader.prepare()) {
            const std::size_t n = std::min(room.size(), stream.size() - at);
            std::memcpy(room.data(), stream.data() + at, n);
            reader.commit(n);
            at += n;
        }
        int refusals = 0;
        for (int i = 0; i < 2; ++i) {
            support::no_memory = true;
            try {
                auto frame = reader.next();
                support::no_memory = false;
                return std::pair(refusals, text(**frame) == body_of(size, 1));
            } catch (const std::bad_alloc&) {
                ++refusals;
            }
            support::no_memory = false;
        }
        return std::pair(refusals, text(**reader.next()) == body_of(size, 1));
    };
    watched_pages::reset();
    {
        watched_reader reader(exactly);
        CHECK(deliver(reader, 100'000) == std::pair(2, true)); // pages, and a count that cannot be allocated
        CHECK(watched_pages::live == 0);
    }
    portable_reader on_the_heap(exactly);
    CHECK(deliver(on_the_heap, 100'000) == std::pair(0, true)); // the count is allocated with the bytes

    kwire::request_reader ahead;
    std::vector<shared_buffer> kept =
        frames_of(ahead, many_frames(8, 100)); // as many counts as a slab begins with
    CHECK(deliver(ahead, 100) == std::pair(2, true));
}

namespace {

/// Gives bytes to the reader, `step` at a time.
void give(kwire::request_reader& reader, std::string_view bytes, std::size_t step = SIZE_MAX) {
    while (!bytes.empty()) {
        const auto room = reader.prepare();
        REQUIRE_FALSE(room.empty());
        const std::size_t n = std::min({room.size(), bytes.size(), step});
        std::memcpy(room.data(), bytes.data(), n);
        reader.commit(n);
        bytes.remove_prefix(n);
    }
}

} // namespace

TEST_CASE("a frame in pieces is ready when next_piece() has one, and its end is missed, wherever it is cut") {
    const std::string start = std::string("\0\0\0\x09\0\0\0\7\0\2me\0", 13);
    const std::string bytes = frame(start + body_of(2100, 1));
    for (std::size_t cut = 0; cut < bytes.size(); cut += cut < 40 ? 1 : 97) {
        CAPTURE(cut);
        kwire::request_reader reader;
        std::size_t taken = 0;
        for (std::size_t at = 0; at < cut;) {
            const std::size_t n = std::min<std::size_t>(cut - at, at < 40 ? 1 : 500);
            give(reader, bytes.substr(at, n));
            at += n;
            for (;;) {
                static_cast<void>(reader.has_frame_or_failed());
                auto piece = reader.next_piece(1000);
                REQUIRE(piece);
                if (!*piece) break;
                CHECK(piece->value().offset == taken);
                taken += piece->value().bytes.size();
            }
            REQUIRE_FALSE(reader.has_frame_or_failed()); // else who waits for it waits no more
        }
        const auto missed = reader.end_of_stream();
        REQUIRE(missed.has_value() == (cut != 0));
        if (cut == 0) continue;
        CHECK(*missed == errc::truncated);
        CHECK(missed->needed == (cut < 4 ? 4 : bytes.size() - 4));
        CHECK(missed->left == (cut < 4 ? cut : cut - 4));
        if (cut >= 14) CHECK(taken == cut - 4);
    }
}

TEST_CASE("a first frame in pieces that may be of another protocol is not ready before that is decided") {
    kwire::request_reader reader;
    give(reader, std::string("\5\1\0\0", 4)); // a length, or the hello of SOCKS 5
    CHECK_FALSE(reader.next_piece(1000).value());
    give(reader, std::string("\0\0\0\x09", 4));
    CHECK_FALSE(reader.next_piece(1000).value());
    CHECK_FALSE(reader.has_frame_or_failed());
    give(reader, std::string(3000, '\1'));
    CHECK(reader.has_frame_or_failed());
    CHECK(reader.next_piece(1000).value()->is_first());
    while (reader.next_piece(1000).value()) {}
    CHECK(reader.end_of_stream() == errc::truncated); // its start is gone, and nothing else is taken for it
}

TEST_CASE("a request in pieces ends the exchange of raw tokens, however small its first piece is") {
    kwire::request_reader reader;
    const std::string client = std::string("\0\0\0\1\0\2me", 8);
    give(reader, frame(std::string("\0\x11\0\0", 4) + client + std::string("\0\5PLAIN", 7)));
    REQUIRE(reader.next_piece(1000).value());
    const std::string large = frame(std::string("\0\0\0\7", 4) + client + body_of(4000, 1));
    std::size_t taken = 0;
    for (const char c : large) {
        give(reader, std::string(1, c));
        while (auto piece = reader.next_piece(1000).value()) taken += piece->bytes.size();
    }
    CHECK(taken == large.size() - 4);
    give(reader, std::string("\0\0\0\3", 4)); // no token any more
    const auto refused = reader.next_piece(1000);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::bad_frame_length);
}

TEST_CASE("the bytes of a frame that arrives byte by byte move once at most") {
    for (const std::size_t size : {1500UL, 2000UL, 2044UL, 2100UL, 8000UL, 16'000UL}) {
        CAPTURE(size);
        kwire::request_reader reader;
        give(reader, frame(body_of(100, 1)));
        const auto kept = reader.next().value();
        give(reader, frame(body_of(size, 2)), 1);
        CHECK(reader.moved_bytes() <= size);
        CHECK(text(reader.next().value().value()) == body_of(size, 2));
    }
}
