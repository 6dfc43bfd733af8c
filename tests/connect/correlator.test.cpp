#include <kwire/connect/correlator.hpp>
#include <kwire/messages/produce.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <random>
#include <string>
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
std::int64_t received(correlator& pending, std::int32_t id, std::string_view* why = nullptr) {
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

TEST_CASE("every response finds its request, in the order of sending") {
    correlator pending;
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

TEST_CASE(
    "responses out of order, repeated, or without a request have different errors, and change nothing") {
    correlator pending;
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

TEST_CASE("a correlation id may be reused once it was answered, and not before") {
    correlator pending;
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
    correlator pending(20);
    for (int id = 0; id < 20; ++id) {
        CHECK_FALSE(pending.full());
        REQUIRE(pending.sent(metadata(id)));
    }
    CHECK(pending.full());
    CHECK(pending.sent(metadata(20)).error() == errc::too_many_in_flight);
    CHECK(received(pending, 0) == 0);
    CHECK(pending.sent(metadata(20)));
    correlator none(0);
    CHECK(none.sent(metadata(1)).error() == errc::too_many_in_flight);
}

TEST_CASE("random traffic gives the same results as a plain queue") {
    std::mt19937 random(4);
    correlator pending(37);
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
        correlator pending(std::size_t{1} << 13);
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
    correlator pending(1000);
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

TEST_CASE("abandon returns the remaining requests of a closed connection, oldest first") {
    correlator pending;
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

        correlator pending;
        REQUIRE(pending.sent(frame));
        CHECK(pending.in_flight() == (*expected ? 1 : 0));
    }
    CHECK(silent >= 14);
    CHECK(answered >= 14);
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

    correlator strict, lenient(correlator::default_most_in_flight, kwire::parse_options::lenient());
    CHECK_FALSE(strict.sent(unsorted));
    CHECK(lenient.sent(unsorted));
    CHECK(lenient.in_flight() == 0);
    CHECK(lenient.sent(negative));
    CHECK(lenient.in_flight() == 1);
}

TEST_CASE("requests without responses leave no trace between others") {
    correlator pending;
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

TEST_CASE("tokens without a header follow SaslHandshake v0, until the caller ends them") {
    correlator pending;
    REQUIRE(pending.sent(from_hex("0011 0000 00000001 0002 6d65 0005 504c41494e")));
    CHECK(pending.sent(metadata(2)).error() == errc::too_many_in_flight);
    CHECK(pending.sent(frame_of(api_key::produce, 9, from_hex("00 0000 00000064 01 00"))).error() ==
          errc::too_many_in_flight);
    CHECK_FALSE(pending.exchanges_tokens());
    REQUIRE(pending.received(from_hex("00000001 0000 00000001 0005 504c41494e")));
    CHECK(pending.exchanges_tokens());

    CHECK(pending.sent(from_hex("00 6d65 00 736563726574"))); // \0me\0secret
    CHECK(pending.sent(std::span<const std::byte>()));
    CHECK(pending.in_flight() == 0);
    for (const std::string_view token : {"", "00", "ffffffffff"}) {
        const auto asked = pending.received(from_hex(token));
        REQUIRE(asked);
        CHECK_FALSE(*asked);
    }
    SECTION("by end_of_tokens") { pending.end_of_tokens(); }
    SECTION("by a request that the caller describes") {
        REQUIRE(pending.sent(metadata(1)));
        CHECK(received(pending, 1) == 1);
    }
    CHECK_FALSE(pending.exchanges_tokens());
    REQUIRE(pending.sent(metadata(2)));
    CHECK(received(pending, 2) == 2);
}

TEST_CASE("a refused SaslHandshake, and one of version 1, are followed by requests with headers") {
    correlator pending;
    REQUIRE(pending.sent(request_start{api_key::sasl_handshake, 0, 1}));
    REQUIRE(pending.received(from_hex("00000001 0021 00000000")));
    CHECK_FALSE(pending.exchanges_tokens());
    REQUIRE(pending.sent(request_start{api_key::sasl_handshake, 1, 2}));
    REQUIRE(pending.sent(request_start{api_key::sasl_authenticate, 0, 3}));
    REQUIRE(pending.received(from_hex("00000002 0000 00000000")));
    CHECK_FALSE(pending.exchanges_tokens());
    CHECK(received(pending, 3) == 3);
}
