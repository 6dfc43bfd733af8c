#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>

#include <string>
#include <type_traits>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"

using kwire::api_key;
using kwire::shared_buffer;
using kwire::test::from_hex;

namespace {

shared_buffer frame_of(std::string_view hex) { return shared_buffer::copy_of(from_hex(hex)); }

/// The frame without its length.
shared_buffer without_length(const kwire::buffer_chain& chain) {
    const shared_buffer all = chain.to_bytes();
    return *all.slice(4, all.size() - 4);
}

template <class M>
shared_buffer request_frame(const typename M::data& data, int version) {
    return without_length(*kwire::encode_request<M>(data, version, 7, "me"));
}
template <class M>
shared_buffer response_frame(const typename M::data& data, int version) {
    return without_length(*kwire::encode_response<M>(data, version, 7));
}

/// ApiVersions v3 of a client named abc, as Kafka writes it.
constexpr std::string_view api_versions_v3 = "0012 0003 00000007 0003 616263 00 066b77697265 023100";

/// Returns a description of its argument.
auto naming(std::string& what) {
    return kwire::overloaded{
        [&](const kwire::message<kwire::produce_request>& r) {
            what = "produce acks " + std::to_string(r->acks());
        },
        [&](const kwire::message<kwire::metadata_request>& r) {
            what = "metadata of " + std::to_string(r->topics().size()) + " topics in v" +
                   std::to_string(r.api_version()) + " for " + std::string(*r.client_id());
        },
        [&](const kwire::request_frame& other) {
            what = "API " + std::to_string(static_cast<int>(other.api())) + " v" +
                   std::to_string(other.api_version()) + " with " + std::to_string(other.body().size()) +
                   " bytes";
        },
    };
}

} // namespace

TEST_CASE("a visitor's functions receive the requests that they name, at every version") {
    std::string what;
    for (const int version : {0, 3, 8, 9, 13}) {
        INFO("version " << version);
        REQUIRE(kwire::dispatch(
            request_frame<kwire::produce_request>({.acks = -1}, version < 13 ? version : 12), naming(what)));
        CHECK(what == "produce acks -1");
        REQUIRE(kwire::dispatch(
            request_frame<kwire::metadata_request>({.topics = {{.name = "a"}, {.name = "b"}}}, version),
            naming(what)));
        CHECK(what == "metadata of 2 topics in v" + std::to_string(version) + " for me");
    }
}

TEST_CASE("requests without a function, and unknown versions and APIs, arrive unread") {
    std::string what;
    const shared_buffer frame = frame_of(api_versions_v3);
    const auto done = kwire::dispatch(
        frame, kwire::overloaded{
                   [](const kwire::message<kwire::produce_request>&) { return shared_buffer{}; },
                   [](const kwire::request_frame& other) { return other.body(); },
               });
    REQUIRE(done);
    CHECK(*done == frame_of("066b77697265 023100"));
    CHECK(done->data() == frame.data() + frame.size() - done->size()); // not copied

    REQUIRE(kwire::dispatch(frame_of("0003 0063 00000001 ffff 00 c0ffee"), naming(what)));
    CHECK(what == "API 3 v99 with 3 bytes");
    REQUIRE(kwire::dispatch(frame_of("0003 ffff 00000001 ffff c0ffee"), naming(what)));
    CHECK(what == "API 3 v-1 with 3 bytes");
    for (const std::string_view key : {"04d2", "7fff", "8000", "ffff", "005f"}) {
        INFO(key);
        REQUIRE(kwire::dispatch(frame_of(std::string(key) + " 0000 00000001 ffff 00 c0ffee"), naming(what)));
        CHECK(what.ends_with("v0 with 3 bytes"));
    }
}

TEST_CASE("dispatch returns the result type of the function for frames") {
    const auto version_of_anything = [](const auto& r) -> long { return r.api_version(); };
    const auto done = kwire::dispatch<kwire::metadata_request, kwire::api_versions_request>(
        frame_of(api_versions_v3), version_of_anything);
    static_assert(std::is_same_v<decltype(done), const kwire::expected<long, kwire::error>>);
    CHECK(done == 3);
}

TEST_CASE("for a visitor whose parameters cannot be deduced, messages are named, in lists too") {
    struct {
        int typed = 0, opaque = 0;
        void operator()(const kwire::message<kwire::api_versions_request>& r) {
            CHECK(r->client_software_name() == "kwire");
            ++typed;
        }
        void operator()(const kwire::request_frame&) { ++opaque; }
    } counting;
    using known = kwire::message_list<kwire::api_versions_request>;
    CHECK(kwire::dispatch<kwire::api_versions_request>(frame_of(api_versions_v3), counting));
    CHECK(kwire::dispatch<known>(frame_of(api_versions_v3), counting));
    CHECK(
        kwire::dispatch<kwire::api_versions_request>(frame_of("0003 0001 00000001 ffff 00000000"), counting));
    CHECK(counting.typed == 2);
    CHECK(counting.opaque == 1);

    // One function whose parameter can be deduced is enough, whatever its qualifiers.
    struct once {
        int operator()(const kwire::message<kwire::api_versions_request>&) const& noexcept { return 1; }
    };
    const auto all = kwire::overloaded{once{}, [](const auto&) { return 2; }};
    CHECK(kwire::dispatch(frame_of(api_versions_v3), all) == 1);
    CHECK(kwire::dispatch(frame_of("0003 0001 00000001 ffff 00000000"), all) == 2);
}

TEST_CASE("an invalid body is an error, and the visitor is not called") {
    const auto uncalled = kwire::overloaded{
        [](const kwire::message<kwire::api_versions_request>&) { FAIL("called"); },
        [](const kwire::request_frame&) { FAIL("called"); },
    };
    const shared_buffer whole = frame_of(api_versions_v3);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto done = kwire::dispatch(*whole.slice(0, size), uncalled);
        REQUIRE_FALSE(done);
        CHECK(done.error().code == kwire::errc::truncated);
        CHECK(done.error().message == (size < 14 ? "RequestHeader" : "ApiVersionsRequest"));
    }
    shared_buffer longer = frame_of(std::string(api_versions_v3) + "00");
    CHECK(kwire::dispatch(longer, uncalled).error() == kwire::errc::trailing_bytes);
    int calls = 0;
    CHECK(kwire::dispatch(
        longer,
        kwire::overloaded{[&](const kwire::message<kwire::api_versions_request>&) { ++calls; },
                          [](const kwire::request_frame&) { FAIL("called"); }},
        {.trailing_bytes = true}));
    CHECK(calls == 1);
}

TEST_CASE("responses are visited with the start of the request that they answer") {
    const kwire::request_start asked{api_key::metadata, 9, 7};
    const auto visitor = kwire::overloaded{
        [](const kwire::message<kwire::metadata_response>& r) { return r->controller_id(); },
        [](const kwire::response_frame& other) { return -static_cast<int>(other.body().size()); },
    };
    const shared_buffer frame = response_frame<kwire::metadata_response>({.controller_id = 3}, 9);
    CHECK(kwire::dispatch(frame, asked, visitor) == 3);
    const shared_buffer other = response_frame<kwire::fetch_response>({}, 4);
    CHECK(kwire::dispatch(other, {api_key::fetch, 4, 7}, visitor) == -static_cast<int>(other.size() - 4));
    CHECK(kwire::dispatch(*frame.slice(0, 3), asked, visitor).error() == kwire::errc::truncated);
}

TEST_CASE("a response to an ApiVersions version that the broker lacks is read as version 0") {
    // error 35 and the range of ApiVersions, as a broker with v0-3 answers v4
    const shared_buffer frame = frame_of("00000007 0023 00000001 0012 0000 0003");
    const auto highest =
        kwire::dispatch(frame, {api_key::api_versions, 4, 7},
                        kwire::overloaded{
                            [](const kwire::message<kwire::api_versions_response>& r) {
                                CHECK(r.api_version() == 0);
                                CHECK(r->error_code() == kwire::error_code::unsupported_version);
                                return int{(*r->api_keys().begin()).max_version()};
                            },
                            [](const kwire::response_frame&) { return -1; },
                        });
    CHECK(highest == 3);
}

TEST_CASE("a typed request keeps its bytes, and releases them for writing") {
    std::optional<kwire::message<kwire::api_versions_request>> kept;
    {
        REQUIRE(
            kwire::dispatch(frame_of(api_versions_v3),
                            kwire::overloaded{
                                [&](kwire::message<kwire::api_versions_request>&& r) { kept = std::move(r); },
                                [](const kwire::request_frame&) {},
                            }));
    }
    CHECK((*kept)->client_software_name() == "kwire");
    CHECK(kept->header().client_id() == "abc");
    CHECK(kept->correlation_id() == 7);
    shared_buffer body = kept->body();
    CHECK(body == frame_of("066b77697265 023100"));
    CHECK(body.data() == kept->frame().data() + 14);
    const shared_buffer bytes = std::move(*kept).frame();
    CHECK(bytes == frame_of(api_versions_v3));
    CHECK_FALSE(bytes.is_unique());
    body = {};
    CHECK(bytes.is_unique());
    CHECK_FALSE(kept->in_frame()); // nothing is left
    CHECK(kept->body().empty());
}

TEST_CASE("dispatch allocates nothing and copies nothing") {
    const shared_buffer frame = request_frame<kwire::metadata_request>({.topics = {{.name = "topic"}}}, 12);
    const std::uint64_t copied = kwire::copied_bytes();
    std::size_t topics = 0;
    const std::size_t allocations = support::allocations_of([&] {
        (void)kwire::dispatch(
            frame, kwire::overloaded{
                       [&](const kwire::message<kwire::metadata_request>& r) { topics = r->topics().size(); },
                       [](const kwire::request_frame&) {},
                   });
    });
    CHECK(topics == 1);
    CHECK(kwire::copied_bytes() == copied);
    CHECK(allocations == 0);
}
