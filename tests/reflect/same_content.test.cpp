#include <kwire/messages/alter_client_quotas.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/consumer_group_heartbeat.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/same_content.hpp>
#include <kwire/write/to_data.hpp>

#include <limits>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"

using kwire::same_content;
using kwire::shared_buffer;
using kwire::test::from_hex;

namespace {

/// Whether golden values mean the same as data and as views exactly if they are the same value, at one
/// version.
template <class M>
int compare_golden_values(std::string_view name) {
    struct one {
        const support::golden_message* line;
        kwire::held<typename M::view> view;
        typename M::data data;
    };
    std::vector<one> all;
    for (const support::golden_message& line : support::golden_messages())
        if (line.message == name && !line.rejected()) {
            auto view = kwire::parse<M>(shared_buffer::copy_of(line.bytes), line.version).value();
            auto data = kwire::to_data(view);
            all.push_back({&line, std::move(view), std::move(data)});
        }
    int same = 0;
    for (const one& a : all)
        for (const one& b : all) {
            const bool by_data = same_content<M>(a.data, b.data);
            INFO(a.line->name() << " and " << b.line->name());
            REQUIRE(by_data == same_content(*a.view, *b.view));
            if (a.line->version == b.line->version)
                REQUIRE(by_data == (kwire::encode<M>(a.data, a.line->version).value() ==
                                    kwire::encode<M>(b.data, b.line->version).value()));
            same += by_data ? 1 : 0;
        }
    CHECK(all.size() > 10);
    return same - static_cast<int>(all.size());
}

} // namespace

TEST_CASE("data structs and views of Kafka's values agree on which are the same") {
    CHECK(compare_golden_values<kwire::metadata_response>("MetadataResponse") >
          0); // defaults of all versions
    CHECK(compare_golden_values<kwire::api_versions_response>("ApiVersionsResponse") > 0);
    CHECK(compare_golden_values<kwire::consumer_group_heartbeat_response>("ConsumerGroupHeartbeatResponse") >
          0);
    CHECK(compare_golden_values<kwire::fetch_response>("FetchResponse") > 0);
}

TEST_CASE("null is not empty, and each field and element counts") {
    using request = kwire::metadata_request;
    const request::data some{.topics = {{.name = "a"}, {.name = "b"}}};
    request::data other = some;
    CHECK(same_content<request>(some, other));
    std::swap(other.topics.front(), other.topics.back());
    CHECK_FALSE(same_content<request>(some, other));
    other = some;
    other.topics.back().name = std::nullopt;
    CHECK_FALSE(same_content<request>(some, other));
    other.topics.back().name = "";
    CHECK_FALSE(same_content<request>({.topics = nullptr}, {}));
    CHECK_FALSE(same_content<request>({.include_topic_authorized_operations = true}, {}));
    CHECK(same_content<request::topic>(some.topics.front(), some.topics.front()));
}

TEST_CASE("numbers are the same bit by bit") {
    using op = kwire::alter_client_quotas_request::op_data;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(same_content<op>({.value = nan}, {.value = nan}));
    CHECK_FALSE(same_content<op>({.value = 0.0}, {.value = -0.0}));
    // As views too: one entry for no entity, with one operation "k".
    const auto same_views = [](std::string_view one, std::string_view other) {
        const auto body = [](std::string_view value) {
            return from_hex("02 01 02 02 6b" + std::string(value) + "00 00 00 00 00");
        };
        const auto first = body(one), second = body(other);
        const auto a = kwire::parse_view<kwire::alter_client_quotas_request>(first, 1),
                   b = kwire::parse_view<kwire::alter_client_quotas_request>(second, 1);
        REQUIRE(a);
        REQUIRE(b);
        return same_content(*a, *b);
    };
    constexpr std::string_view quiet = "7ff8000000000000", other_quiet = "7ff8000000000001";
    CHECK(same_views(quiet, quiet));
    CHECK_FALSE(same_views(quiet, other_quiet));
    CHECK_FALSE(same_views("0000000000000000", "8000000000000000"));
}

TEST_CASE("unknown tags count, and their order does not") {
    const auto tag = [](std::uint32_t number, std::string_view payload) {
        return kwire::unknown_tag{number, shared_buffer::copy_of(payload)};
    };
    using request = kwire::metadata_request;
    const request::data both{.unknown_tags = {tag(3, "x"), tag(7, "y")}};
    CHECK(same_content<request>(both, {.unknown_tags = {tag(7, "y"), tag(3, "x")}}));
    CHECK_FALSE(same_content<request>(both, {.unknown_tags = {tag(7, "x"), tag(3, "y")}}));
    CHECK_FALSE(same_content<request>(both, {.unknown_tags = {tag(3, "x")}}));
    // As views too, where a lenient parse has let them pass in that order.
    const auto sorted = from_hex("01 01 00 00 02 03 0178 07 0179"),
               turned = from_hex("01 01 00 00 02 07 0179 03 0178");
    const auto a = kwire::parse_view<request>(sorted, 9),
               b = kwire::parse_view<request>(turned, 9, {.any_tag_order = true});
    CHECK(same_content(*a, *b));
    for (const std::string_view different : {"01 01 00 00 02 03 0178 08 0179",   // another number
                                             "01 01 00 00 02 03 0178 07 017a",   // another byte
                                             "01 01 00 00 02 03 0178 07 027900", // a byte more
                                             "01 01 00 00 01 03 0178"}) {        // one tag less
        const auto bytes = from_hex(different);
        const auto c = kwire::parse_view<request>(bytes, 9);
        CAPTURE(different);
        REQUIRE(c);
        CHECK_FALSE(same_content(*a, *c));
        CHECK_FALSE(same_content(*c, *a));
    }
}
