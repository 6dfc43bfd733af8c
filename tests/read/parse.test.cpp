#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/group_metadata_record.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/request_header.hpp>
#include <kwire/read/parse.hpp>

#include <string>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::shared_buffer;
using kwire::test::exact_bytes;
using kwire::test::from_hex;

namespace {

shared_buffer buffer_of(std::string_view hex) { return shared_buffer::copy_of(from_hex(hex)); }

// Produce request v3: no transactional id, acks -1, 1500 ms, topic "t", partition 5 with three bytes of
// records.
constexpr std::string_view produce_v3 =
    "ffff ffff 000005dc 00000001 0001 74 00000001 00000005 00000003 aabbcc";

} // namespace

TEST_CASE("a held message keeps its bytes, and hands out parts of them without a copy") {
    shared_buffer body = buffer_of(produce_v3);
    const std::byte* const first = body.data();
    const auto request = kwire::parse<kwire::produce_request>(std::move(body), 3);
    REQUIRE(request);
    CHECK((*request).buffer().data() == first);
    CHECK_FALSE(request->transactional_id());
    CHECK(request->acks() == -1);
    CHECK(request->timeout_ms() == 1500);
    shared_buffer records;
    for (const auto topic : request->topic_data()) {
        CHECK(topic.name() == "t");
        for (const auto partition : topic.partition_data()) {
            CHECK(partition.index() == 5);
            REQUIRE(partition.records());
            records = request.slice(*partition.records()).value();
        }
    }
    CHECK(records.data() == first + 27);
    CHECK(records.size() == 3);
}

TEST_CASE("parsing takes a reference and allocates nothing") {
    if (!support::counts_allocations) return;
    const shared_buffer body = buffer_of(produce_v3);
    CHECK(support::allocations_of([&] {
              const auto request = kwire::parse<kwire::produce_request>(body, 3);
              if (!request) std::abort();
          }) == 0);
}

TEST_CASE("a version that is known at compile time gives a view of its own") {
    const exact_bytes bytes(from_hex(produce_v3));
    const auto view = kwire::parse_view<kwire::produce_request, 3>(bytes.span());
    REQUIRE(view);
    static_assert(std::is_same_v<decltype(view)::value_type, kwire::produce_request::basic_view<3>>);
    CHECK(kwire::version_of(*view) == 3);
    CHECK(view->timeout_ms() == 1500);
    const auto held = kwire::parse<kwire::produce_request, 3>(buffer_of(produce_v3));
    REQUIRE(held);
    CHECK(held->topic_data().size() == 1);
}

TEST_CASE("both forms refuse alike, with code, offset, sizes and path") {
    std::vector<std::byte> bytes = from_hex(produce_v3);
    bytes[26] = std::byte{4}; // records are said to be one byte longer
    const auto general = kwire::parse_view<kwire::produce_request>(bytes, 3);
    const auto fixed = kwire::parse_view<kwire::produce_request, 3>(bytes);
    REQUIRE(!general);
    REQUIRE(!fixed);
    for (const kwire::error& e : {general.error(), fixed.error()}) {
        CHECK(e.code == errc::truncated);
        CHECK(e.offset == 27);
        CHECK(e.needed == 4);
        CHECK(e.left == 3);
        const auto text = kwire::describe(e);
        CHECK(text.view() ==
              "ProduceRequest v3 topic_data[0].partition_data[0].records: truncated at byte 27, "
              "needs 4 bytes, 3 left");
    }
}

TEST_CASE("visit_version gives the view of a listed version, and the general one for all others") {
    const shared_buffer body = buffer_of(produce_v3);
    const auto request = kwire::parse<kwire::produce_request>(body, 3);
    REQUIRE(request);
    const auto kind = []<class S, int V>(const kwire::struct_view<S, V>& view) {
        CHECK(kwire::version_of(view) == 3);
        CHECK(kwire::bytes_of(view).size() == 30);
        return V;
    };
    CHECK(kwire::visit_version<3, 9>(**request, kind) == 3);
    CHECK(kwire::visit_version<9, 10>(**request, kind) == kwire::any_version);
    CHECK(kwire::visit_version<>(**request, kind) == kwire::any_version);
    int calls = 0;
    kwire::visit_version<3, 9>(**request, [&](const auto& view) { // nothing returned
        calls += static_cast<int>(view.topic_data().size());
    });
    kwire::visit_version<9>(**request,
                            [&](const auto& view) { calls += static_cast<int>(view.topic_data().size()); });
    CHECK(calls == 2);
    CHECK(kwire::visit_version<0, 2>(**request, kind) == kwire::any_version); // though it is a later one
}

TEST_CASE("a message of no bytes is a message") {
    const auto view = kwire::parse_view<kwire::api_versions_request>({}, 0);
    REQUIRE(view);
    CHECK(view->client_software_name().empty());
    CHECK(kwire::bytes_of(*view).empty());
    const auto held = kwire::parse<kwire::api_versions_request>(shared_buffer(), 0);
    REQUIRE(held);
    const auto again = held.hold(**held);
    REQUIRE(again);
    CHECK(again->bytes().empty());
    const auto missing = kwire::parse_view<kwire::api_versions_request>({}, 3);
    REQUIRE(!missing);
    CHECK(missing.error().code == errc::truncated);
    CHECK(missing.error().offset == 0);
}

TEST_CASE("a version that the message does not have is refused, and the error tells which it was") {
    const std::vector<std::byte> zeros(64);
    for (const int version : {-32768, -1, 14, 15, 32767}) {
        const auto view = kwire::parse_view<kwire::metadata_request>(zeros, version);
        CAPTURE(version);
        REQUIRE(!view);
        CHECK(view.error().code == errc::unsupported_version);
        CHECK(view.error().version == version);
        CHECK(view.error().offset == 0);
    }
}

TEST_CASE("a version with two numbers is refused under the number that it was read by") {
    // The key of a group's metadata in __consumer_offsets is of type 2, which Kafka 3 called version 2 too.
    using key = kwire::group_metadata_key;
    const exact_bytes name(from_hex("0001 67"));
    for (const int version : {0, 2}) {
        CAPTURE(version);
        const auto view = kwire::parse_view<key>(name.span(), version);
        REQUIRE(view);
        CHECK(view->group() == "g");
        const auto cut = kwire::parse_view<key>(name.span().first(2), version);
        REQUIRE(!cut);
        CHECK(cut.error().code == errc::truncated);
        CHECK(cut.error().version == version);
    }
    CHECK(kwire::parse_view<key>(name.span(), 1).error().code == errc::unsupported_version);
}

TEST_CASE("bytes after the message are refused, or accepted on request") {
    const std::vector<std::byte> bytes = from_hex("00000000 00 ee");
    const auto strict = kwire::parse_view<kwire::metadata_request>(bytes, 4);
    REQUIRE(!strict);
    CHECK(strict.error().code == errc::trailing_bytes);
    CHECK(strict.error().offset == 5);
    const auto fixed = kwire::parse_view<kwire::metadata_request, 4>(bytes);
    REQUIRE(!fixed);
    CHECK(fixed.error().code == errc::trailing_bytes);
    CHECK(fixed.error().offset == 5);
    const auto lenient = kwire::parse_view<kwire::metadata_request>(bytes, 4, {.trailing_bytes = true});
    REQUIRE(lenient);
    CHECK(kwire::bytes_of(*lenient).size() == 5);
    CHECK(kwire::parse_view<kwire::metadata_request, 4>(bytes, {.trailing_bytes = true}));
}

TEST_CASE("the client id of a flexible request header keeps its classic length") {
    const std::vector<std::byte> bytes = from_hex("0012 0003 00000007 0003 616263 00");
    const auto view = kwire::parse_view<kwire::request_header>(bytes, 2);
    REQUIRE(view);
    CHECK(view->correlation_id() == 7);
    CHECK(view->client_id() == "abc");
    const std::vector<std::byte> without = from_hex("0012 0003 00000007 ffff 00");
    const auto null = kwire::parse_view<kwire::request_header>(without, 2);
    REQUIRE(null);
    CHECK_FALSE(null->client_id());
}

TEST_CASE("only -1 is null, and only where the version allows it") {
    const auto code = [](std::string_view hex, int version) {
        const std::vector<std::byte> body = from_hex(hex);
        const auto view = kwire::parse_view<kwire::metadata_request>(body, version);
        REQUIRE(!view);
        const auto path = kwire::path_of(view.error());
        CHECK(path.view() == "topics");
        return view.error().code;
    };
    CHECK(code("ffffffff", 0) == errc::null_not_allowed);
    CHECK(code("fffffffe", 0) == errc::bad_length);
    CHECK(code("fffffffe", 1) == errc::bad_length);
    CHECK(code("80000000", 1) == errc::bad_length);
    CHECK(code("7fffffff", 1) == errc::count_exceeds_input);
    const std::vector<std::byte> null = from_hex("ffffffff");
    CHECK(kwire::parse_view<kwire::metadata_request>(null, 1));
}
