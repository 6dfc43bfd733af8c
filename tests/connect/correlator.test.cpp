#include <kwire/connect/correlator.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/messages/produce.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/golden.hpp"

using kwire::api_key;
using kwire::correlator;
using kwire::errc;
using kwire::request_start;
using kwire::test::from_hex;

namespace {

request_start metadata(std::int32_t id) { return {api_key::metadata, 9, id}; }

std::vector<std::byte> response(std::int32_t id, std::string_view rest = "00") {
    std::vector<std::byte> out = from_hex(rest);
    const auto number = static_cast<std::uint32_t>(id);
    for (unsigned shift : {0U, 8U, 16U, 24U})
        out.insert(out.begin(), static_cast<std::byte>(number >> shift));
    return out;
}

/// The correlation id that was returned, or -1 and the error's name in `why`.
std::int64_t received(correlator<>& pending, std::int32_t id, std::string_view* why = nullptr) {
    const auto asked = pending.received(response(id));
    if (asked) return (*asked)->correlation_id;
    if (why != nullptr) *why = name_of(asked.error().code);
    return -1;
}

/// A whole request frame: the header of its API and version, and `body`.
std::vector<std::byte> frame_of(api_key api, std::int16_t version, std::span<const std::byte> body) {
    std::vector<std::byte> out;
    const auto put = [&](std::uint32_t value, unsigned bytes) {
        for (; bytes != 0; --bytes) out.push_back(static_cast<std::byte>(value >> (8 * (bytes - 1))));
    };
    put(static_cast<std::uint32_t>(api), 2);
    put(static_cast<std::uint32_t>(version), 2);
    put(7, 4);
    const int header = kwire::request_header_version(api, version);
    if (header >= 1) put(0x0002'6d65, 4);   // "me"
    if (header >= 2) put(0x01'05'01'ff, 4); // one unknown tag
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

} // namespace

TEST_CASE("a request that waits is found by its id, the oldest one of those that have it") {
    correlator<> pending;
    CHECK_FALSE(pending.waiting(5));
    REQUIRE(pending.sent(metadata(5)));
    REQUIRE(pending.sent({api_key::fetch, 12, 3}));
    REQUIRE(pending.sent({api_key::heartbeat, 1, 5}));
    const auto oldest = pending.waiting(5);
    REQUIRE(oldest);
    CHECK((oldest->api == api_key::metadata && oldest->api_version == 9 && oldest->correlation_id == 5));
    CHECK((pending.waiting(3) && pending.waiting(3)->api == api_key::fetch));
    CHECK_FALSE(pending.waiting(4));
    CHECK(pending.in_flight() == 3);

    REQUIRE(pending.received(response(5)));
    CHECK((pending.waiting(5) && pending.waiting(5)->api == api_key::heartbeat));
    REQUIRE(pending.abandon());
    CHECK_FALSE(pending.waiting(3));
}

TEST_CASE("every response finds its request, in the order of sending") {
    correlator<> pending;
    REQUIRE(pending.sent(metadata(5)));
    REQUIRE(pending.sent({api_key::fetch, 12, 3}));
    REQUIRE(pending.sent(frame_of(static_cast<api_key>(1234), 9, {}))); // number 7
    CHECK(pending.in_flight() == 3);

    const auto first = pending.received(response(5));
    REQUIRE(first);
    CHECK((*first)->api == api_key::metadata);
    CHECK((*first)->api_version == 9);
    CHECK((*pending.received(response(3)))->api == api_key::fetch);
    const auto unknown = pending.received(response(7));
    CHECK((*unknown)->api == static_cast<api_key>(1234));
    CHECK(kwire::response_header_version((*unknown)->api, (*unknown)->api_version) == 1);
    CHECK(pending.in_flight() == 0);
}

TEST_CASE("with strict ids responses out of order, repeated, or without a request are refused, and change "
          "nothing") {
    correlator<> pending({.strict_ids = true});
    std::string_view why;
    CHECK(received(pending, 1, &why) == -1);
    CHECK(why == "unknown_correlation_id");
    REQUIRE(pending.sent(metadata(1)));
    REQUIRE(pending.sent(metadata(2)));
    CHECK(received(pending, 2, &why) == -1);
    CHECK(why == "response_out_of_order");
    CHECK(received(pending, 3, &why) == -1);
    CHECK(why == "unknown_correlation_id");
    CHECK(pending.in_flight() == 2);
    CHECK(received(pending, 1) == 1);
    CHECK(received(pending, 1, &why) == -1);
    CHECK(why == "unknown_correlation_id");
    CHECK(received(pending, 2) == 2);
    const auto cut = pending.received(from_hex("000000"));
    REQUIRE_FALSE(cut);
    CHECK(cut.error() == errc::truncated);
}

TEST_CASE("with strict ids a correlation id may be reused once it was answered, and not before") {
    correlator<> pending({.strict_ids = true});
    for (const std::int32_t id :
         {3, 9, std::numeric_limits<std::int32_t>::max(), 0, -1, std::numeric_limits<std::int32_t>::min()}) {
        INFO(id);
        REQUIRE(pending.sent(metadata(id)));
        const auto again = pending.sent(metadata(id));
        REQUIRE_FALSE(again);
        CHECK(again.error() == errc::duplicate_correlation_id);
    }
    CHECK(pending.sent(metadata(9)).error() == errc::duplicate_correlation_id);
    CHECK(received(pending, 3) == 3);
    CHECK(pending.sent(metadata(3)));
    CHECK(pending.in_flight() == 6);
}

TEST_CASE("the number of requests in flight never exceeds its maximum") {
    correlator<> pending({.most_in_flight = 20});
    for (int id = 0; id < 20; ++id) {
        CHECK_FALSE(pending.full());
        REQUIRE(pending.sent(metadata(id)));
    }
    CHECK(pending.full());
    CHECK(pending.sent(metadata(20)).error() == errc::too_many_in_flight);
    CHECK(received(pending, 0) == 0);
    CHECK(pending.sent(metadata(20)));
    correlator<> none({.most_in_flight = 0});
    CHECK(none.sent(metadata(1)).error() == errc::too_many_in_flight);
}

TEST_CASE("random traffic gives the same results as a plain queue") {
    std::mt19937 random(4);
    correlator<> pending({.most_in_flight = 37, .strict_ids = true});
    std::deque<std::int32_t> queue;
    for (int step = 0; step < 100'000; ++step) {
        const auto id = static_cast<std::int32_t>(random() % 64);
        if (random() % 2 == 0) {
            const bool used = std::find(queue.begin(), queue.end(), id) != queue.end();
            const auto noted = pending.sent(metadata(id));
            REQUIRE(noted.has_value() == (!used && queue.size() < 37));
            if (noted) queue.push_back(id);
        } else {
            const auto asked = pending.received(response(id));
            const bool mine = !queue.empty() && queue.front() == id;
            REQUIRE(asked.has_value() == mine);
            if (mine) {
                queue.pop_front();
            } else {
                const bool later = std::find(queue.begin(), queue.end(), id) != queue.end();
                REQUIRE(asked.error() ==
                        (later ? errc::response_out_of_order : errc::unknown_correlation_id));
            }
        }
        REQUIRE(pending.in_flight() == queue.size());
    }
}

TEST_CASE("after a wrap-around ids are searched for only while an earlier one is waiting") {
    const auto time_of = [](std::int32_t first) {
        correlator<> pending({.most_in_flight = std::size_t{1} << 13, .strict_ids = true});
        auto next = static_cast<std::uint32_t>(first);
        auto oldest = next;
        while (!pending.full()) REQUIRE(pending.sent(metadata(static_cast<std::int32_t>(next++))));
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 50'000; ++i) {
            REQUIRE(pending.received(response(static_cast<std::int32_t>(oldest++))));
            REQUIRE(pending.sent(metadata(static_cast<std::int32_t>(next++))));
        }
        CHECK(pending.sent(metadata(static_cast<std::int32_t>(oldest))).error() == errc::too_many_in_flight);
        REQUIRE(pending.received(response(static_cast<std::int32_t>(oldest++))));
        CHECK(pending.sent(metadata(static_cast<std::int32_t>(oldest))).error() ==
              errc::duplicate_correlation_id);
        return std::chrono::steady_clock::now() - start;
    };
    CHECK(time_of(std::numeric_limits<std::int32_t>::max() - 10) < 5 * time_of(1));
}

TEST_CASE("memory is allocated while the number in flight grows, and never again") {
    correlator<> pending({.most_in_flight = 1000});
    std::vector<std::vector<std::byte>> answers;
    for (int id = 0; id < 1000; ++id) answers.push_back(response(id));
    const auto burst = [&] {
        for (int id = 0; id < 1000; ++id) (void)pending.sent(metadata(id));
        for (const auto& answer : answers) (void)pending.received(answer);
    };
    const std::size_t growing = support::allocations_of(burst);
    CHECK(pending.in_flight() == 0);
    CHECK(support::allocations_of(burst) == 0);
    if (support::counts_allocations) CHECK(growing == 8); // 8, 16 ... 512, 1000
}

TEST_CASE("a correlator has memory for the largest number in flight, and for no more") {
    support::largest_allocation = 0;
    correlator<> pending({.most_in_flight = 1000});
    for (int id = 0; id < 1000; ++id) REQUIRE(pending.sent(metadata(id)));
    CHECK(support::largest_allocation <= 1000 * sizeof(kwire::sent_request<>));
}

TEST_CASE("abandon returns the remaining requests of a closed connection, oldest first") {
    correlator<> pending;
    REQUIRE(pending.sent(metadata(1)));
    REQUIRE(pending.sent(metadata(2)));
    CHECK(pending.abandon()->correlation_id == 1);
    CHECK(pending.abandon()->correlation_id == 2);
    CHECK_FALSE(pending.abandon());
}

TEST_CASE("expects_response reads acks of a Produce request as Kafka writes it, in every version") {
    int silent = 0, answered = 0;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.message != "ProduceRequest" || line.rejected()) continue;
        INFO(line.name());
        const auto version = static_cast<std::int16_t>(line.version);
        const auto view = kwire::parse_view<kwire::produce_request>(line.bytes, version);
        REQUIRE(view);
        const std::vector<std::byte> frame = frame_of(api_key::produce, version, line.bytes);
        const auto expected = kwire::expects_response(frame);
        REQUIRE(expected);
        CHECK(*expected == (view->acks() != 0));
        ++(*expected ? answered : silent);

        // Every byte up to acks is needed, and none after it.
        std::size_t enough = 0;
        while (!kwire::expects_response(std::span(frame).first(enough))) ++enough;
        for (std::size_t size = enough; size <= frame.size(); size += 1 + frame.size() / 50)
            CHECK(kwire::expects_response(std::span(frame).first(size)) == *expected);
        CHECK(enough <= frame.size());
        const auto cut = kwire::expects_response(std::span(frame).first(enough - 1));
        CHECK(cut.error() == errc::truncated);

        correlator<> pending;
        REQUIRE(pending.sent(frame));
        CHECK(pending.in_flight() == (*expected ? 1 : 0));
    }
    CHECK(silent >= 14);
    CHECK(answered >= 14);
}

TEST_CASE("a response to SaslHandshake v0 that ends before its error code begins no exchange of tokens") {
    for (const char* cut : {"00000001", "00000001 00"}) {
        const kwire::test::exact_bytes frame(from_hex(cut));
        correlator<> pending;
        REQUIRE(pending.sent(request_start{api_key::sasl_handshake, 0, 1}));
        REQUIRE(pending.received(frame.span()));
        CHECK_FALSE(pending.exchanges_tokens());
        CHECK(pending.in_flight() == 0);
    }
}

TEST_CASE("a client id of a length below null begins no known request, but a broker may read it as null") {
    const auto null_id = from_hex("0003 0009 00000007 ffff 00"),
               below_null = from_hex("0003 0009 00000007 fffe 00");
    CHECK(kwire::detail::begins_known_request(null_id, null_id.size()));
    CHECK_FALSE(kwire::detail::begins_known_request(below_null, below_null.size()));
    CHECK(kwire::detail::begins_any_request(null_id));
    CHECK(kwire::detail::begins_any_request(below_null));
}

TEST_CASE("expects_response needs both bytes of acks") {
    const auto cut = kwire::expects_response(from_hex("0000 0002 00000007 ffff 00"));
    REQUIRE_FALSE(cut);
    CHECK(cut.error() == errc::truncated);
    CHECK(cut.error().offset == 10);
    CHECK(cut.error().needed == 2);
    CHECK(cut.error().left == 1);
}

TEST_CASE("expects_response refuses a header as parse_request_frame does, whatever is wrong with it") {
    for (const char* hex : {"0000 0002 00000007 0003 616263 0001", "0000 0009 00000007 ffff 00 00 0001",
                            "0000 0009 00000007 0002 6d65 02 00 01 aa 05 00 00 0001"}) {
        auto bytes = from_hex(hex);
        int refused = 0;
        const auto check = [&](std::span<const std::byte> frame) {
            const auto read = kwire::parse_request_frame(kwire::shared_buffer::copy_of(frame));
            const auto start = kwire::peek_request(frame);
            const kwire::test::exact_bytes exact(frame);
            const auto expected = kwire::expects_response(exact.span());
            if (start && start->api != api_key::produce) {
                CHECK(expected.value());
                return;
            }
            if (read) {
                CHECK((expected || expected.error().message == "ProduceRequest"));
                return;
            }
            REQUIRE_FALSE(expected);
            CHECK(std::string(describe(expected.error())) == std::string(describe(read.error())));
            ++refused;
        };
        for (std::size_t size = 0; size < bytes.size(); ++size) check(std::span(bytes).first(size));
        for (std::byte& at : bytes) {
            const std::byte was = at;
            for (int value = 0; value < 256; ++value) {
                at = static_cast<std::byte>(value);
                check(bytes);
            }
            at = was;
        }
        CHECK(refused >= 100);
    }
}

TEST_CASE("expects_response follows the parse options of the request") {
    // Tags in the wrong order in the header; and a transactional id of a negative length, which counts as
    // null.
    const auto unsorted = from_hex("0000 0009 00000007 ffff 02 0501ff 0101ff  00 0000 00000064 01 00");
    CHECK(kwire::expects_response(unsorted).error() == errc::tag_order);
    CHECK(kwire::expects_response(unsorted, {.any_tag_order = true}).value() == false);
    const auto negative = from_hex("0000 0009 00000007 ffff 00  ffffffff0f ffff 00000064 01 00");
    CHECK(kwire::expects_response(negative).error() == errc::truncated);
    CHECK(kwire::expects_response(negative, {.negative_as_null = true}).value());
    const auto body = std::span(negative).subspan(11);
    CHECK(kwire::parse_view<kwire::produce_request>(body, 9, {.negative_as_null = true})->acks() == -1);

    correlator<> strict, lenient({.parse = kwire::parse_options::lenient()});
    CHECK_FALSE(strict.sent(unsorted));
    CHECK(lenient.sent(unsorted));
    CHECK(lenient.in_flight() == 0);
    CHECK(lenient.sent(negative));
    CHECK(lenient.in_flight() == 1);
}

TEST_CASE("requests without responses leave no trace between others") {
    correlator<> pending;
    // transactional id null, acks 0, timeout, no topics; number 7
    const auto silent = frame_of(api_key::produce, 9, from_hex("00 0000 00000064 01 00"));
    REQUIRE(pending.sent(metadata(7)));
    REQUIRE(pending.sent(silent)); // the same id: it is never answered
    REQUIRE(pending.sent(metadata(8)));
    CHECK(received(pending, 7) == 7);
    CHECK(received(pending, 8) == 8);
    CHECK(pending.sent(from_hex("0000 0009 00000001 ffff 00 ffffffffff")).error() == errc::bad_varint);
    CHECK(pending.in_flight() == 0);
}

namespace {

/// A request with a header, as a client sends it after authentication: ApiVersions v3, number 2.
std::vector<std::byte> first_request() {
    return from_hex("0012 0003 00000002 0002 6d65 00 066b77697265 023100");
}
/// Begins the exchange of tokens: SaslHandshake v0 and its response.
template <class T>
void shake_hands(correlator<T>& pending) {
    REQUIRE(pending.sent(request_start{api_key::sasl_handshake, 0, 1}));
    REQUIRE(pending.received(from_hex("00000001 0000 00000001 0005 504c41494e")));
    REQUIRE(pending.exchanges_tokens());
}

} // namespace

TEST_CASE("tokens without a header follow SaslHandshake v0, until the client's next request") {
    correlator<> pending;
    REQUIRE(pending.sent(from_hex("0011 0000 00000001 0002 6d65 0005 504c41494e")));
    CHECK(pending.full());
    CHECK(pending.sent(metadata(2)).error() == errc::too_many_in_flight);
    CHECK(pending.sent(frame_of(api_key::produce, 9, from_hex("00 0000 00000064 01 00"))).error() ==
          errc::too_many_in_flight);
    CHECK_FALSE(pending.exchanges_tokens());
    CHECK_FALSE(pending.is_token(from_hex("00 6d65 00 736563726574")));
    REQUIRE(pending.received(from_hex("00000001 0000 00000001 0005 504c41494e")));
    CHECK(pending.exchanges_tokens());
    CHECK_FALSE(pending.full());

    const auto plain = from_hex("00 6d65 00 736563726574"); // \0me\0secret
    CHECK(pending.is_token(plain));
    CHECK(pending.sent(plain)->is_token);
    CHECK_FALSE(pending.sent(plain)->awaits_response);
    CHECK(pending.sent(std::span<const std::byte>())->is_token);
    CHECK(pending.in_flight() == 0);
    for (const std::string_view token : {"", "00", "ffffffffff"}) {
        const auto asked = pending.received(from_hex(token));
        REQUIRE(asked);
        CHECK_FALSE(*asked);
    }
    SECTION("that is recognised") {
        CHECK_FALSE(pending.is_token(first_request()));
        CHECK(pending.sent(first_request())->awaits_response);
        CHECK(received(pending, 2) == 2);
    }
    SECTION("that the caller describes") {
        REQUIRE(pending.sent(metadata(1)));
        CHECK(received(pending, 1) == 1);
    }
    SECTION("of an API that kwire does not know, which the caller announces") {
        const auto unknown = from_hex("04d2 0000 00000007 ffff 00"); // no broker has as many
        CHECK(pending.is_token(unknown));
        pending.end_of_tokens();
        CHECK(pending.sent(unknown)->awaits_response);
        CHECK(received(pending, 7) == 7);
    }
    CHECK_FALSE(pending.exchanges_tokens());
    CHECK_FALSE(pending.token_may_arrive());
    REQUIRE(pending.sent(metadata(2)));
    CHECK(received(pending, 2) == 2);
}

TEST_CASE("no token of Kafka's mechanisms is taken for a request") {
    using namespace std::string_literals;
    std::vector<std::string> tokens{
        "",
        "\x01",
        "\0",
        "n,,\x01"
        "auth=Bearer abc\x01\x01"s,
        "n,a=B,\x01"
        "auth=Bearer abc\x01\x01"s,
        "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "y,,n=user,r=1",
        "p=tls-unique,,n=user,r=1",
        "username=\"chris\",realm=\"a\",nonce=\"b\"",
        "{\"version\":\"2020_10_22\",\"host\":\"b-1.kafka.amazonaws.com\"}",
        // GSSAPI: RFC 2743 initial, Kerberos v5 wrap and MIC tokens of RFC 4121
        "\x60\x82\x02\x67\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00\x6e"s,
        "\x60\x33\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x01\x00\x00\xff"s,
        "\x05\x04\x05\xff\x00\x0c\x00\x00\x00\x00\x00\x00\x2a\xca\x57\x3f\x01\x01\x00\x00"s,
        "\x04\x04\x05\xff\xff\xff\xff\xff\x00\x00\x00\x00\x2a\xca\x57\x3f"s,
    };
    // PLAIN with every printable first and second character, with and without an identity.
    for (char user = 0x20; user < 0x7f; ++user) {
        tokens.push_back("\0"s + user + "\0"s + "pw"s);
        tokens.push_back("\0"s + user + "\0"s + " a password with many characters in it"s);
        tokens.push_back("\0"s + user + "b\0"s + "a password with many characters in it"s);
        tokens.push_back(user + "\0"s + "me\0"s + "a password with many characters in it"s);
        tokens.push_back(""s + user + user + "\0"s + "me\0secret"s);
        for (char first = 0x20; first < 0x7f; ++first)
            tokens.push_back("\0"s + user + "\0"s + first + "assword"s);
    }
    correlator<> pending;
    shake_hands(pending);
    for (const std::string& token : tokens) {
        INFO(token);
        const kwire::test::exact_bytes bytes(std::as_bytes(std::span(token)));
        REQUIRE(pending.is_token(bytes.span()));
        REQUIRE(pending.sent(bytes.span())->is_token);
    }
    CHECK(pending.exchanges_tokens());
    // What the comparison rests on: text is above every version.
    for (const kwire::api_facts& one : kwire::detail::apis) CHECK(one.last_version < 0x20);
}

TEST_CASE("the first request of every API and version ends the tokens") {
    for (std::size_t key = 0; key < kwire::detail::apis.size(); ++key)
        for (std::int16_t version = kwire::detail::apis[key].first_version;
             version <= kwire::detail::apis[key].last_version; ++version) {
            INFO(key << " v" << version);
            correlator<> pending;
            shake_hands(pending);
            // A body that serves for Produce: transactional id null, acks -1
            const auto body = from_hex(version >= 9   ? "00 ffff 00000064 01 00"
                                       : version >= 3 ? "ffff ffff"
                                                      : "ffff");
            const auto frame = frame_of(static_cast<api_key>(key), version, body);
            REQUIRE_FALSE(pending.is_token(frame));
            REQUIRE(pending.sent(frame)->awaits_response);
            REQUIRE_FALSE(pending.exchanges_tokens());
        }
    correlator<> pending;
    shake_hands(pending);
    CHECK_FALSE(pending.is_token(from_hex("0012 0063 00000002 ffff 00 c0ffee"))); // ApiVersions v99
    CHECK(pending.is_token(from_hex("0012 0003 00000002 0009 6d65 00 00"))); // a client id beyond the end
    CHECK(pending.is_token(from_hex("0012 0003 00000002 ffff")));            // without tags
}

TEST_CASE("nothing that a broker could read as a request passes for a token") {
    for (const std::string_view request : {
             "0003 000c 00000007 fffe 00 00 00 00 00", // the client id is null, of length -2
             "0003 000c 00000007 8000 00 00 00 00 00", // and of the least length
             "0003 000e 00000007 ffff 00 00",          // a version of Metadata that kwire does not know
             "0003 001f 00000007 0002 6d65 00 00",     // and a later one
             "005f 0000 00000007 ffff 00",             // an API that kwire does not know
             "00ff 001f 00000007 0002 6d65 00",        // and a later one
             "0012 7fff 00000007 ffff 00",             // ApiVersions
         }) {
        INFO(request);
        correlator<> pending;
        shake_hands(pending);
        const auto frame = from_hex(request);
        CHECK_FALSE(pending.is_token(frame));
        const auto noted = pending.sent(frame);
        REQUIRE(noted);
        CHECK(noted->awaits_response);
        CHECK_FALSE(pending.exchanges_tokens());
    }
    correlator<> pending;
    shake_hands(pending);
    for (const std::string_view no_request : {
             "0003 0020 00000007 ffff 00 00", // a space as the version
             "0003 ffff 00000007 ffff 00 00", // below zero
             "0100 0000 00000007 ffff 00",    // an API key above all
             "8003 000c 00000007 ffff 00",
         }) {
        INFO(no_request);
        CHECK(pending.is_token(from_hex(no_request)));
    }
}

TEST_CASE("a token that comes after the client's first request is not taken for its response") {
    correlator<> pending;
    shake_hands(pending);
    REQUIRE(pending.sent(from_hex("00 6d65 00 736563726574")));
    REQUIRE(pending.sent(first_request())->awaits_response); // without waiting for the answer to the token
    CHECK_FALSE(pending.exchanges_tokens());
    CHECK(pending.token_may_arrive());
    SECTION("if the mechanism sends one") {
        const auto token = pending.received({});
        REQUIRE(token);
        CHECK_FALSE(*token);
        CHECK_FALSE(pending.token_may_arrive()); // there is no second one
    }
    SECTION("if it sends none") {}
    CHECK(received(pending, 2) == 2);
    CHECK_FALSE(pending.token_may_arrive());
    CHECK(pending.received({}).error() == errc::truncated);
}

TEST_CASE("a refused SaslHandshake, and one of version 1, are followed by requests with headers") {
    correlator<> pending;
    REQUIRE(pending.sent(request_start{api_key::sasl_handshake, 0, 1}));
    REQUIRE(pending.received(from_hex("00000001 0021 00000000")));
    CHECK_FALSE(pending.exchanges_tokens());
    REQUIRE(pending.sent(request_start{api_key::sasl_handshake, 1, 2}));
    REQUIRE(pending.sent(request_start{api_key::sasl_authenticate, 0, 3}));
    REQUIRE(pending.received(from_hex("00000002 0000 00000000")));
    CHECK_FALSE(pending.exchanges_tokens());
    CHECK(received(pending, 3) == 3);
}

TEST_CASE("the order decides where ids repeat or are the broker's own, and both are reported") {
    correlator<> pending;
    // kafka-php gives every request its API key as id.
    for (int i = 0; i < 3; ++i) {
        const auto noted = pending.sent({api_key::fetch, static_cast<std::int16_t>(i), 1});
        REQUIRE(noted);
        CHECK(noted->awaits_response);
        CHECK(noted->repeats_id == (i != 0));
    }
    for (int i = 0; i < 3; ++i) {
        const auto asked = pending.received(response(1));
        REQUIRE(asked);
        CHECK((*asked)->api_version == i);
        CHECK((*asked)->id_matches);
    }
    REQUIRE(pending.sent(metadata(5)));
    REQUIRE(pending.sent(metadata(6)));
    for (const std::int32_t own : {6, 77}) {
        const auto asked = pending.received(response(own));
        REQUIRE(asked);
        CHECK((*asked)->correlation_id == (own == 6 ? 5 : 6));
        CHECK_FALSE((*asked)->id_matches);
    }
    CHECK(pending.received(response(6)).error() == errc::unknown_correlation_id);
}

TEST_CASE("refusals name the API and version of the request") {
    correlator<> pending({.most_in_flight = 1, .strict_ids = true});
    REQUIRE(pending.sent({api_key::fetch, 12, 5}));
    const auto text = [](const kwire::error& e) { return std::string(std::string_view(describe(e))); };
    CHECK(text(pending.sent(metadata(6)).error()) == "Metadata v9: too_many_in_flight");
    CHECK(text(pending.received(response(6)).error()) == "Fetch v12: unknown_correlation_id");
    correlator<> two({.strict_ids = true});
    REQUIRE(two.sent({api_key::fetch, 12, 5}));
    REQUIRE(two.sent(metadata(6)));
    CHECK(text(two.received(response(6)).error()) == "Fetch v12: response_out_of_order");
    CHECK(text(two.sent({api_key::produce, 9, 5}).error()) == "Produce v9: duplicate_correlation_id");
    CHECK(text(correlator<>().received(response(6)).error()) == "ResponseHeader: unknown_correlation_id");
}

namespace {

/// A value that can only be moved, and that counts how many of its kind exist.
class ticket {
public:
    explicit ticket(int number) : number_(std::make_unique<int>(number)) { ++alive; }
    ticket(ticket&& other) noexcept : number_(std::move(other.number_)) { ++alive; }
    ~ticket() { --alive; }

    [[nodiscard]] int number() const { return number_ ? *number_ : -1; }

    static inline int alive = 0;

private:
    std::unique_ptr<int> number_;
};

} // namespace

TEST_CASE("each request carries a value, which its response or the end of the connection gives back") {
    static_assert(!std::is_default_constructible_v<ticket> && !std::is_copy_constructible_v<ticket>);
    {
        correlator<ticket> pending({.most_in_flight = 100});
        for (int round = 0; round < 3; ++round) { // the ring wraps around while it grows
            for (int id = 0; id < 90; ++id) REQUIRE(pending.sent(metadata(id), ticket(id)));
            for (int id = 0; id < 70; ++id) {
                const auto asked = pending.received(response(id));
                REQUIRE(asked);
                CHECK((*asked)->value.number() == id);
                CHECK((*asked)->api == api_key::metadata);
            }
            for (int id = 70; id < 90; ++id) CHECK(pending.abandon()->value.number() == id);
            CHECK_FALSE(pending.abandon());
        }
        REQUIRE(pending.sent(metadata(1), 41)); // made in place
        REQUIRE(pending.sent(metadata(2), ticket(42)));
        CHECK(ticket::alive == 2);
        CHECK((*pending.received(response(1)))->value.number() == 41);
    }
    CHECK(ticket::alive == 0);
}

TEST_CASE("values and whole connections are made in braces") {
    struct asked {
        int by = 0;
        std::unique_ptr<int> more;
    };
    struct connection {
        correlator<asked> pending;
        kwire::response_reader from_broker{pending};
        kwire::request_reader from_client;
        int number = 0;
    };
    connection one{};
    REQUIRE(one.pending.sent(metadata(1), {.by = 7, .more = std::make_unique<int>(8)}));
    REQUIRE(one.pending.sent({.api = api_key::fetch, .api_version = 12, .correlation_id = 2},
                             {.by = 9, .more = {}}));
    CHECK((*one.pending.received(response(1)))->value.by == 7);
    CHECK((*one.pending.received(response(2)))->value.by == 9);
}

TEST_CASE("a value is not taken where no response will come, nor by a refusal") {
    correlator<ticket> pending({.most_in_flight = 1});
    ticket mine(7);
    // transactional id null, acks 0, timeout, no topics
    const auto silent = frame_of(api_key::produce, 9, from_hex("00 0000 00000064 01 00"));
    const auto noted = pending.sent(silent, std::move(mine));
    REQUIRE(noted);
    CHECK_FALSE(noted->awaits_response);
    CHECK_FALSE(noted->is_token);
    CHECK(mine.number() == 7);
    CHECK_FALSE(pending.sent(from_hex("0000"), std::move(mine)));
    CHECK(mine.number() == 7);
    CHECK(pending.in_flight() == 0);
}

TEST_CASE("a value that cannot be kept for lack of memory is as it was, and so is the correlator") {
    if (!support::counts_allocations) return; // allocations cannot be refused
    correlator<ticket> pending;
    int refusals = 0;
    for (int id = 0; id < 200; ++id) {
        ticket mine(id);
        const std::size_t before = pending.in_flight();
        support::no_memory = true;
        try {
            static_cast<void>(pending.sent(metadata(id), std::move(mine)));
            support::no_memory = false;
        } catch (const std::bad_alloc&) {
            support::no_memory = false;
            ++refusals;
            CHECK(mine.number() == id);
            CHECK(pending.in_flight() == before);
            REQUIRE(pending.sent(metadata(id), std::move(mine)));
        }
        CHECK(mine.number() == -1);
    }
    CHECK(refusals == 6); // 8, 16 ... 256
    for (int id = 0; id < 200; ++id) CHECK((*pending.received(response(id)))->value.number() == id);
}

TEST_CASE("a value whose construction fails leaves the correlator as it was") {
    struct fails {
        explicit fails(bool now) {
            if (now) throw 1;
        }
    };
    correlator<fails> pending;
    for (int id = 0; id < 20; ++id) {
        CHECK_THROWS_AS(pending.sent(metadata(id), true), int);
        CHECK(pending.in_flight() == static_cast<std::size_t>(id));
        REQUIRE(pending.sent(metadata(id), false));
    }
    for (int id = 0; id < 20; ++id) CHECK((*pending.received(response(id)))->correlation_id == id);
}
