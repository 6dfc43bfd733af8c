#include <kwire/connect/frame.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden_count.hpp"

using kwire::api_key;
using kwire::shared_buffer;
using kwire::test::from_hex;

namespace {

shared_buffer frame_of(std::string_view hex) { return shared_buffer::copy_of(from_hex(hex)); }

/// The frame without its length, which is checked first.
shared_buffer without_length(const kwire::buffer_chain& chain) {
    const shared_buffer all = chain.to_bytes();
    REQUIRE(all.size() >= 4);
    CHECK(kwire::wire::load_be<std::int32_t>(all.data()) == static_cast<std::int32_t>(all.size() - 4));
    return *all.slice(4, all.size() - 4);
}

} // namespace

TEST_CASE("header versions are Kafka's, for every API and version") {
    std::ifstream table(std::string(KWIRE_GOLDEN_DIR) + "/header-versions.txt");
    std::string line;
    std::size_t checked = 0;
    while (std::getline(table, line)) {
        std::istringstream columns(line);
        int key = 0, version = 0, request = 0, response = 0;
        std::string name;
        if (!(columns >> key >> version >> name >> request >> response)) continue; // the header line
        INFO(line);
        const auto api = static_cast<api_key>(key);
        CHECK(kwire::request_header_version(api, static_cast<std::int16_t>(version)) == request);
        CHECK(kwire::response_header_version(api, static_cast<std::int16_t>(version)) == response);
        CHECK(kwire::facts_of(api).assigned);
        CHECK(version >= kwire::facts_of(api).first_version);
        CHECK(version <= kwire::facts_of(api).last_version);
        ++checked;
    }
    CHECK(checked == kwire::test::golden_count("header versions"));
}

TEST_CASE("unknown versions and APIs have header versions too") {
    CHECK(kwire::request_header_version(api_key::api_versions, 99) == 2);
    CHECK(kwire::request_header_version(api_key::api_versions, -1) == 1);
    CHECK(kwire::response_header_version(api_key::api_versions, 99) == 0);
    CHECK(kwire::request_header_version(api_key::produce, 99) == 2);
    CHECK(kwire::request_header_version(static_cast<api_key>(1234), 0) == 2);
    CHECK(kwire::response_header_version(static_cast<api_key>(-5), 0) == 1);
    CHECK_FALSE(kwire::facts_of(static_cast<api_key>(std::numeric_limits<std::int16_t>::min())).assigned);
}

TEST_CASE("a request frame is read up to its body, as Kafka writes it") {
    const auto request =
        kwire::parse_request_frame(frame_of("0012 0003 00000007 0003 616263 00 066b77697265 023100"));
    REQUIRE(request);
    CHECK(request->api() == api_key::api_versions);
    CHECK(request->api_version() == 3);
    CHECK(request->correlation_id() == 7);
    CHECK(request->client_id() == "abc");
    const auto body = kwire::parse<kwire::api_versions_request>(request->body(), 3);
    REQUIRE(body);
    CHECK(body->client_software_name() == "kwire");

    const auto without_client =
        kwire::parse_request_frame(frame_of("0012 0003 00000007 ffff 00 066b77697265 023100"));
    REQUIRE(without_client);
    CHECK_FALSE(without_client->client_id());
}

TEST_CASE("requests of unknown APIs arrive with their body unread") {
    const auto request = kwire::parse_request_frame(frame_of("04d2 0000 00000001 0000 00 c0ffee"));
    REQUIRE(request);
    CHECK(request->api() == static_cast<api_key>(1234));
    CHECK(request->body() == frame_of("c0ffee"));
}

TEST_CASE("a header may be parsed leniently, and the body still starts right after it") {
    const auto frame = frame_of("0012 0003 00000007 ffff 02 09 00 05 01 aa c0ffee");
    CHECK(kwire::parse_request_frame(frame).error() == kwire::errc::tag_order);
    const auto request = kwire::parse_request_frame(frame, {.any_tag_order = true});
    REQUIRE(request);
    CHECK(request->body().size() == 3);
    const auto answer = frame_of("00000007 02 09 00 05 01 aa c0ffee");
    CHECK(kwire::parse_response_frame(answer, api_key::metadata, 12).error() == kwire::errc::tag_order);
    const auto response =
        kwire::parse_response_frame(answer, api_key::metadata, 12, kwire::parse_options::lenient());
    REQUIRE(response);
    CHECK(response->body().size() == 3);
}

TEST_CASE("a frame that ends in its header is refused with the offset in the frame") {
    const shared_buffer whole = frame_of("0012 0003 00000007 0003 616263 00");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto request = kwire::parse_request_frame(*whole.slice(0, size));
        REQUIRE_FALSE(request);
        CHECK(request.error() == kwire::errc::truncated);
        CHECK(request.error().offset <= size);
        CHECK(request.error().message == "RequestHeader");
    }
    CHECK(kwire::parse_request_frame(whole));
}

namespace {

void check_same_error(const kwire::error& is, const kwire::error& expected) {
    CHECK(is.code == expected.code);
    CHECK(is.offset == expected.offset);
    CHECK(is.needed == expected.needed);
    CHECK(is.left == expected.left);
    CHECK(is.message == expected.message);
    CHECK(is.version == expected.version);
    CHECK(is.located == expected.located);
    CHECK(std::string(path_of(is)) == std::string(path_of(expected)));
}

/// Whether the frame was read as the walk over the fields of its header reads it.
template <class Frame>
bool check_as_walked(const Frame& read, const kwire::expected<std::size_t, kwire::error>& walked,
                     std::span<const std::byte> bytes) {
    REQUIRE(read.has_value() == walked.has_value());
    if (!read) {
        check_same_error(read.error(), walked.error());
        return false;
    }
    CHECK(bytes_of(read->header()).size() == *walked);
    CHECK(std::ranges::equal(read->body(), bytes.subspan(*walked)));
    CHECK(read->correlation_id() == read->header().correlation_id());
    return true;
}

bool check_request_as_walked(std::span<const std::byte> bytes, kwire::parse_options options) {
    const auto request = kwire::parse_request_frame(shared_buffer::copy_of(bytes), options);
    const auto start = kwire::peek_request(bytes);
    if (!start) {
        REQUIRE_FALSE(request);
        check_same_error(request.error(), start.error());
        return false;
    }
    const kwire::test::exact_bytes exact(bytes);
    const auto walked = kwire::detail::walk_header<kwire::request_header>(
        exact.span(), kwire::request_header_version(start->api, start->api_version), options,
        kwire::header_limits{});
    if (!check_as_walked(request, walked, bytes)) return false;
    CHECK(request->api() == request->header().request_api_key());
    CHECK(request->api_version() == request->header().request_api_version());
    return true;
}

bool check_response_as_walked(std::span<const std::byte> bytes, api_key api, std::int16_t version,
                              kwire::parse_options options) {
    const auto response = kwire::parse_response_frame(shared_buffer::copy_of(bytes), api, version, options);
    const kwire::test::exact_bytes exact(bytes);
    const auto walked = kwire::detail::walk_header<kwire::response_header>(
        exact.span(), kwire::response_header_version(api, version), options, kwire::header_limits{});
    return check_as_walked(response, walked, bytes);
}

/// Calls `check(bytes)` for `whole`, for each beginning of it, and for each with another byte at one place.
/// Returns how many were accepted and how many refused.
template <class Check>
std::pair<int, int> for_each_defect(std::vector<std::byte> whole, Check check) {
    std::pair<int, int> seen;
    const auto count = [&](std::span<const std::byte> bytes) { ++(check(bytes) ? seen.first : seen.second); };
    count(whole);
    for (std::size_t size = 0; size < whole.size(); ++size) count(std::span(whole).first(size));
    for (std::byte& at : whole) {
        const std::byte was = at;
        for (int value = 0; value < 256; ++value) {
            at = static_cast<std::byte>(value);
            if (at != was) count(whole);
        }
        at = was;
    }
    return seen;
}

} // namespace

TEST_CASE("a request header is read without a walk as the walk reads it, whatever its bytes are") {
    for (const char* hex : {
             "0007 0000 00000007 0000 c0ffee",                       // version 0: no client id
             "0003 0008 00000007 0003 616263 00000001 0001 74",      // version 1
             "0003 0008 00000007 ffff 00000000",                     // with null for the client id
             "0012 0003 00000007 0003 616263 00 066b77697265023100", // version 2
             "0012 0003 00000007 ffff 00 066b77697265023100",        //
             "0001 000c 80000000 0000 00",                           // and no body
             "0001 000c 80000000 0002 6d65 02 00 01 aa 05 00 c0ff",  // with tags
             "0001 000c 80000000 0002 6d65 8000 c0ff",               // with a long zero for their number
             "04d2 0000 00000001 0001 61 00 c0ffee",                 // an API that Kafka has not assigned
         })
        for (const auto& options : {kwire::parse_options{}, kwire::parse_options::lenient()}) {
            INFO(hex);
            const auto [accepted, refused] =
                for_each_defect(from_hex(hex), [&](std::span<const std::byte> bytes) {
                    return check_request_as_walked(bytes, options);
                });
            CHECK(accepted >= 100);
            CHECK(refused >= 8);
        }
}

TEST_CASE("a response header is read without a walk as the walk reads it, whatever its bytes are") {
    for (const char* hex : {"00000007 00 c0ffee", "80000000 02 00 01 aa 05 00 c0ff", "00000007 8000 c0ff"})
        for (const auto& [api, version] :
             {std::pair(api_key::metadata, std::int16_t{8}), std::pair(api_key::metadata, std::int16_t{12}),
              std::pair(api_key::api_versions, std::int16_t{3}),
              std::pair(api_key::controlled_shutdown, std::int16_t{0}),
              std::pair(static_cast<api_key>(1234), std::int16_t{0})})
            for (const auto& options : {kwire::parse_options{}, kwire::parse_options::lenient()}) {
                INFO(hex << " of " << kwire::name_of(api));
                const auto [accepted, refused] =
                    for_each_defect(from_hex(hex), [&](std::span<const std::byte> bytes) {
                        return check_response_as_walked(bytes, api, version, options);
                    });
                CHECK(accepted >= 100);
                CHECK(refused >= 4);
            }
}

TEST_CASE("peek_request reads what routing needs, and nothing else") {
    const auto bytes = from_hex("0003 fffe 80000000");
    const auto start = kwire::peek_request(bytes);
    REQUIRE(start);
    CHECK(start->api == api_key::metadata);
    CHECK(start->api_version == -2);
    CHECK(start->correlation_id == std::numeric_limits<std::int32_t>::min());
    CHECK_FALSE(kwire::peek_request(std::span(bytes).first(7)));
}

TEST_CASE("requests and responses are written with the header of their version and read back") {
    for (const int version : {0, 8, 9, 12}) {
        INFO("version " << version);
        const auto sent = kwire::encode_request<kwire::metadata_request>({}, version, 11, "me");
        REQUIRE(sent);
        const auto request = kwire::parse_request_frame(without_length(*sent));
        REQUIRE(request);
        CHECK(request->correlation_id() == 11);
        CHECK(request->client_id() == "me");
        CHECK(kwire::parse<kwire::metadata_request>(request->body(), version));

        const auto answer =
            kwire::encode_response<kwire::metadata_response>({.controller_id = 3}, version, 11);
        REQUIRE(answer);
        const auto response = kwire::parse_response_frame(without_length(*answer), api_key::metadata,
                                                          static_cast<std::int16_t>(version));
        REQUIRE(response);
        CHECK(response->correlation_id() == 11);
        const auto body = kwire::parse<kwire::metadata_response>(response->body(), version);
        REQUIRE(body);
        CHECK(body->controller_id() == (version == 0 ? -1 : 3));
    }
}

TEST_CASE("the response to ApiVersions has a header without tags at every version") {
    const auto answer = kwire::encode_response<kwire::api_versions_response>({}, 3, 7);
    REQUIRE(answer);
    CHECK(answer->to_bytes() == frame_of("0000000c 00000007 0000 01 00000000 00"));
}

TEST_CASE("a frame is written with one slab, payloads by reference") {
    const shared_buffer records = frame_of("00112233");
    const std::uint64_t copied = kwire::copied_bytes();
    const auto sent = kwire::encode_request<kwire::produce_request>(
        {.topic_data = {{.name = "t", .partition_data = {{.index = 0, .records = records}}}}}, 9, 1);
    REQUIRE(sent);
    CHECK(kwire::copied_bytes() == copied);
    REQUIRE(sent->segment_count() == 3);
    CHECK(sent->segments()[1].data() == records.data());
}

TEST_CASE("a value that the version cannot carry is refused before anything is written") {
    const auto sent = kwire::encode_request<kwire::metadata_request>({.topics = std::nullopt}, 0, 1);
    REQUIRE_FALSE(sent);
    CHECK(sent.error() == kwire::errc::null_not_allowed);
    CHECK(kwire::encode_request<kwire::metadata_request>({}, 14, 1).error() ==
          kwire::errc::unsupported_version);
}

namespace {

/// A request header v2 of ApiVersions v3, with `tags` of `payload` bytes each, followed by a body of one
/// byte.
std::string header_with_tags(std::size_t tags, std::size_t payload) {
    const auto put = [](std::string& out, std::size_t n) {
        for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
        out += static_cast<char>(n);
    };
    std::string out("\0\x12\0\3\0\0\0\7\xff\xff", 10);
    put(out, tags);
    for (std::size_t number = 0; number < tags; ++number) {
        put(out, number);
        put(out, payload);
        out.append(payload, 'x');
    }
    return out + '!';
}

std::optional<kwire::error> refusal_of(const std::string& frame) {
    const auto request = kwire::parse_request_frame(shared_buffer::from_static(frame));
    if (!request) return request.error();
    CHECK(request->body() == shared_buffer::copy_of(std::string_view("!")));
    return std::nullopt;
}

} // namespace

TEST_CASE("a header may have up to 64 tags") {
    CHECK_FALSE(refusal_of(header_with_tags(64, 3)));
    const auto refusal = refusal_of(header_with_tags(65, 3));
    REQUIRE(refusal);
    CHECK(refusal->code == kwire::errc::too_large);
    CHECK(refusal->offset == 10);
    CHECK(refusal->message == "RequestHeader");
}

TEST_CASE("the tags of a header may have up to 64 KiB") {
    const std::size_t around = 1 + 1 + 3; // count, number and size
    CHECK_FALSE(refusal_of(header_with_tags(1, 65'536 - around)));
    CHECK(refusal_of(header_with_tags(1, 65'536 - around + 1))->code == kwire::errc::too_large);
    CHECK(refusal_of(header_with_tags(1, 1'000'000))->code == kwire::errc::too_large);
}

TEST_CASE("a frame with millions of header tags is refused after reading only its beginning") {
    const std::string frame = header_with_tags(10'000'000, 0);
    const auto refusal = refusal_of(frame);
    REQUIRE(refusal);
    CHECK(refusal->code == kwire::errc::too_large);
    CHECK(refusal->offset < 110'000);
    // A claimed count without the bytes fails as count_exceeds_input.
    CHECK(refusal_of(std::string("\0\x12\0\3\0\0\0\7\xff\xff\xff\xff\xff\xff\x0f", 15))->code ==
          kwire::errc::count_exceeds_input);
}

TEST_CASE("the headers of responses have the same limits") {
    std::string tags = header_with_tags(65, 0).substr(10);
    const shared_buffer frame = shared_buffer::copy_of(std::string("\0\0\0\7", 4) + tags);
    CHECK(kwire::parse_response_frame(frame, api_key::metadata, 12).error() == kwire::errc::too_large);
}

TEST_CASE("a client id of the largest length does not reduce the room for tags") {
    std::string frame = header_with_tags(64, 1000);
    frame.replace(8, 2, std::string("\x7f\xff", 2) + std::string(0x7fff, 'c'));
    frame.pop_back();
    CHECK_FALSE(refusal_of(frame + '!'));
}

TEST_CASE("a request's body is writable once its frame has released it") {
    auto request =
        kwire::parse_request_frame(frame_of("0012 0003 00000007 0003 616263 00 066b77697265 023100"));
    REQUIRE(request);
    auto owned = std::move(*request).body().try_into_unique();
    REQUIRE(owned);
    CHECK(owned->size() == 9);
    CHECK(request->correlation_id() == 7);

    auto response = kwire::parse_response_frame(frame_of("00000007 00 c0ffee"), api_key::metadata, 12);
    REQUIRE(response);
    CHECK(std::move(*response).body().try_into_unique());
    CHECK(response->correlation_id() == 7);
    CHECK(response->api() == api_key::metadata);
    CHECK(response->api_version() == 12);
}

TEST_CASE("a response to ApiVersions with UNSUPPORTED_VERSION has a body of version 0") {
    for (const int version : {0, 1, 2, 3, 4, 5, 99}) {
        const auto read_as = [&](std::string_view hex) {
            return kwire::parse_response_frame(frame_of(hex), api_key::api_versions,
                                               static_cast<std::int16_t>(version))
                .value()
                .api_version();
        };
        CHECK(read_as("00000007 0023 00000001 0012 0000 0004") == 0);
        CHECK(read_as("00000007 0023 00000000") == 0); // before Kafka 2.4
        // Bodies of other versions with that code: v1, v3, and v3 as librdkafka's mock broker writes it.
        CHECK(read_as("00000007 0023 00000001 0012 0000 0004 00000000") == version);
        CHECK(read_as("00000007 0023 02 0012 0000 0004 00 00000000 00") == version);
        CHECK(read_as("00000007 0023 01 0012 0000 0002 00000000") == version);
        CHECK(read_as("00000007 0000 01 00000000 00") == version);
        CHECK(read_as("00000007 002a 01 00000000 00") == version);
        CHECK(read_as("00000007 00") == version);
        CHECK(read_as("00000007 002a 00000000") == version); // another error does not change the version
    }
    for (const char* other_api : {"00000007 00 0023", "00000007 00 0023 00000000"})
        CHECK(kwire::parse_response_frame(frame_of(other_api), api_key::metadata, 12).value().api_version() ==
              12);
}

TEST_CASE("a frame as it is sent loses its length without a copy, and only if the length is right") {
    const shared_buffer sent =
        kwire::encode_request<kwire::api_versions_request>({}, 0, 7, "me").value().to_bytes();
    const auto frame = kwire::without_length(sent);
    REQUIRE(frame);
    CHECK(frame->data() == sent.data() + 4);
    CHECK(kwire::parse_request_frame(*frame).value().correlation_id() == 7);
    CHECK_FALSE(kwire::without_length(*frame));
    CHECK_FALSE(kwire::without_length(sent.slice(0, sent.size() - 1).value()));
    CHECK_FALSE(kwire::without_length(sent.slice(0, 3).value()));
    CHECK_FALSE(kwire::without_length(frame_of("00000000 00")));
    CHECK(kwire::without_length(frame_of("00000000")).value().empty());
}

TEST_CASE("an ApiVersions response of five bytes is not looked at beyond its end") {
    const kwire::test::exact_bytes five(from_hex("0023 000000"));
    CHECK_FALSE(kwire::detail::is_version_fallback(five.span()));
    for (std::size_t size = 0; size < 6; ++size) {
        const kwire::test::exact_bytes cut(from_hex("0023 00000000")); // the whole is the shortest fallback
        CHECK(kwire::detail::is_version_fallback(cut.span()));
        const kwire::test::exact_bytes short_body(cut.span().first(size));
        CHECK_FALSE(kwire::detail::is_version_fallback(short_body.span()));
    }
}
