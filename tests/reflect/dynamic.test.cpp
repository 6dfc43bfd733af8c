#include <kwire/connect/frame.hpp>
#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/transcode.hpp>

#include <iterator>
#include <string>
#include <vector>

#include "catch.hpp"
#include "messages/show_dynamic.hpp"
#include "support/bytes.hpp"
#include "support/changing.hpp"

namespace {

/// Fields as no message of Kafka has them (yet): a string with a default of its own, and records that are
/// never null, both from version 1 on.
struct later_fields : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"LaterFields", -1, {0, 1}, 0};
    template <class M = later_fields>
    static constexpr kwire::field_list<M, 3> fields{{{"id", int8, since(0)},
                                                     {"protocol", string, since(1), defaults_to("consumer")},
                                                     {"batches", records, since(1)}}};
    template <int V>
    struct basic_view : kwire::struct_view<later_fields, V> {
        [[nodiscard]] std::string_view protocol() const noexcept { return kwire::get<1>(*this); }
    };
    using view = basic_view<kwire::any_version>;
};

const kwire::message_info& metadata = kwire::message_info_of<kwire::metadata_request>;

kwire::shared_buffer body_of(const kwire::metadata_request::data& request, int version) {
    return kwire::encode<kwire::metadata_request>(request, version).value().to_bytes();
}

kwire::metadata_request::data two_topics() {
    return {.topics = {{{.name = "orders"}, {.name = "bills"}}}, .allow_auto_topic_creation = false};
}

/// Whether there is a sound body like `start`, which is zeros, but for lengths where null is not allowed and
/// up to `structs` markers of structs that are null.
bool can_be_mended(const kwire::message_info& message, int version, const std::vector<std::byte>& start,
                   int structs) {
    for (std::vector<std::byte> body = start;;) {
        const auto view = kwire::parse_view(message, body, version);
        if (view) return true;
        if (view.error() != kwire::errc::null_not_allowed) break;
        body.at(view.error().offset) = std::byte{1};
    }
    for (std::size_t at = start.size(); structs != 0 && at-- > 0;) {
        if (start[at] != std::byte{0}) continue;
        auto with_null = start;
        with_null[at] = std::byte{0xff};
        if (can_be_mended(message, version, with_null, structs - 1)) return true;
    }
    return false;
}

static_assert(std::forward_iterator<kwire::dynamic_elements::iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, kwire::dynamic_elements::iterator>);
static_assert(std::forward_iterator<kwire::dynamic_fields::iterator>);

} // namespace

TEST_CASE("a field that the version lacks has the default of its schema, whatever that is") {
    const std::vector<std::byte> body{std::byte{7}, std::byte{0}};
    const auto view = kwire::parse_view(kwire::message_info_of<later_fields>, body, 0);
    REQUIRE(view);
    CHECK(view->field(0).number() == 7);
    CHECK_FALSE(view->field(1).present());
    CHECK_FALSE(view->field(1).is_null());
    CHECK(view->field(1).text() == "consumer");
    CHECK_FALSE(view->field(2).is_null());
    CHECK(view->field(2).bytes().empty());
    const auto typed = kwire::parse_view<later_fields>(body, 0);
    REQUIRE(typed);
    CHECK(typed->protocol() == "consumer");
}

TEST_CASE("a dynamic view shows each version's fields, nulls and defaults as typed views do") {
    const kwire::message_info& info = kwire::message_info_of<support::changing>;
    for (const support::changing_body& body : support::changing_bodies) {
        const kwire::test::exact_bytes bytes(kwire::test::from_hex(body.hex));
        CAPTURE(body.version, body.hex);
        const auto view =
            kwire::parse_view(info, bytes.span(), body.version, {.null_as_empty = body.lenient});
        REQUIRE(view);
        CHECK(view->bytes().size() == bytes.span().size());
        support::line line;
        support::show(*view, *info.structure, line);
        CHECK(line.written() == body.shown);
    }
}

TEST_CASE("each message has a body of its minimum size, and none that is shorter") {
    for (const kwire::message_info& message : kwire::all_messages())
        for (int version = message.facts.versions.first; version <= message.facts.versions.last; ++version) {
            INFO(message.facts.name << " v" << version);
            const std::uint32_t size = kwire::minimum_size(message, version).value();
            CHECK(can_be_mended(message, version, std::vector<std::byte>(size), 2));
            if (size != 0) CHECK_FALSE(can_be_mended(message, version, std::vector<std::byte>(size - 1), 1));
        }
    static_assert(kwire::minimum_size(kwire::message_info_of<kwire::metadata_response>, 0) == 8);
    CHECK_FALSE(kwire::minimum_size(metadata, 14).has_value());
    CHECK_FALSE(kwire::minimum_size(metadata, -1).has_value());
}

TEST_CASE("a dynamic view shows each field in the schema's order, and defaults where the version has none") {
    const auto body = body_of(two_topics(), 12);
    const auto view = kwire::parse_view(metadata, body.span(), 12);
    REQUIRE(view);
    REQUIRE(view->field_count() == 4);
    CHECK(view->version() == 12);
    CHECK(view->bytes().size() == body.size());

    const kwire::dynamic_value topics = view->field(0);
    CHECK(topics.info().name == "topics");
    CHECK(topics.present());
    REQUIRE(topics.size() == 2);
    std::string names;
    for (const kwire::dynamic_value topic : topics.elements()) {
        CHECK(topic.kind() == kwire::field_kind::structure);
        CHECK(topic.structure().field(0).id().is_zero());
        names += topic.structure().field(1).text();
    }
    CHECK(names == "ordersbills");
    CHECK(view->field(1).number() == 0);
    CHECK_FALSE(view->field(2).present()); // v8 to v10
    CHECK(view->field(2).number() == 0);
    CHECK(view->unknown_tags().empty());
}

TEST_CASE(
    "structs() shows the structs of an array as the structures of its elements, tags between them included") {
    kwire::metadata_request::data request = two_topics();
    request.topics[0].unknown_tags.push_back({7, kwire::shared_buffer::copy_of("seven")});
    for (const int version : {4, 9, 12}) {
        const auto body = body_of(version < 9 ? two_topics() : request, version);
        const auto view = kwire::parse_view(metadata, body.span(), version).value();
        const auto topics = view.field(0);
        REQUIRE(topics.structs().size() == 2);
        auto element = topics.elements().begin();
        std::size_t seen = 0;
        for (const kwire::dynamic_view& topic : topics.structs()) {
            const kwire::dynamic_view same = (*element).structure();
            CHECK(topic.bytes().data() == same.bytes().data());
            CHECK(topic.bytes().size() == same.bytes().size());
            CHECK(kwire::same_content(topic, same));
            ++element;
            ++seen;
        }
        CHECK(seen == 2);
    }
    const auto none = body_of({.topics = nullptr}, 12);
    const auto view = kwire::parse_view(metadata, none.span(), 12).value();
    CHECK(view.field(0).structs().begin() == view.field(0).structs().end());
}

TEST_CASE("null and empty are told apart") {
    const auto null = body_of({.topics = std::nullopt}, 12), empty = body_of({}, 12);
    const auto null_view = kwire::parse_view(metadata, null.span(), 12);
    const auto empty_view = kwire::parse_view(metadata, empty.span(), 12);
    REQUIRE(null_view);
    REQUIRE(empty_view);
    CHECK(null_view->field(0).is_null());
    CHECK_FALSE(empty_view->field(0).is_null());
    CHECK(empty_view->field(0).size() == 0);
    CHECK_FALSE(kwire::same_content(*null_view, *empty_view));
}

TEST_CASE("content is the same whatever the version, and differs in one name or one unknown tag") {
    auto request = two_topics();
    const auto at_9 = body_of(request, 9), at_12 = body_of(request, 12);
    const auto view = kwire::parse_view(metadata, at_12.span(), 12);
    CHECK(kwire::same_content(*kwire::parse_view(metadata, at_9.span(), 9), *view));

    request.topics.back().name = "bill5";
    const auto renamed = body_of(request, 12);
    CHECK_FALSE(kwire::same_content(*kwire::parse_view(metadata, renamed.span(), 12), *view));

    request = two_topics();
    request.topics.back().unknown_tags.push_back({7, {}});
    const auto tagged = body_of(request, 12);
    CHECK_FALSE(kwire::same_content(*kwire::parse_view(metadata, tagged.span(), 12), *view));
}

TEST_CASE("a typed view becomes a dynamic one, also where its version is known at compile time") {
    const auto body = body_of(two_topics(), 12);
    const auto general = kwire::parse_view<kwire::metadata_request>(body.span(), 12);
    const auto fixed = kwire::parse_view<kwire::metadata_request, 12>(body.span());
    CHECK(kwire::same_content(kwire::as_dynamic(*general), kwire::as_dynamic(*fixed)));
    CHECK(kwire::as_dynamic(*fixed).field(0).size() == 2);
}

TEST_CASE("what a typed view refuses a dynamic one refuses at the same place") {
    const auto body = body_of(two_topics(), 12);
    for (std::size_t n = 0; n < body.size(); ++n) {
        const auto part = body.span().first(n);
        const auto typed = kwire::parse_view<kwire::metadata_request>(part, 12);
        const auto dynamic = kwire::parse_view(metadata, part, 12);
        REQUIRE_FALSE(typed);
        REQUIRE_FALSE(dynamic);
        CHECK(std::string(kwire::describe(dynamic.error())) == std::string(kwire::describe(typed.error())));
    }
    CHECK(kwire::parse_view(metadata, body.span(), 14).error() == kwire::errc::unsupported_version);
}

TEST_CASE("a number that Kafka 3 gave to the only version means that version") {
    const kwire::offset_commit_key::data key{.group = "g", .topic = "t", .partition = 3};
    const auto at_0 = kwire::encode<kwire::offset_commit_key>(key, 0).value().to_bytes();
    CHECK(kwire::encode<kwire::offset_commit_key>(key, 1).value() == kwire::buffer_chain(at_0));
    CHECK(kwire::parse_view<kwire::offset_commit_key>(at_0.span(), 1)->partition() == 3);
    const auto& info = kwire::message_info_of<kwire::offset_commit_key>;
    CHECK(kwire::parse_view(info, at_0.span(), 1)->field(2).number() == 3);
    CHECK(kwire::transcode(info, at_0, 1, 0).value() == kwire::buffer_chain(at_0));
    CHECK(kwire::parse_view<kwire::offset_commit_key>(at_0.span(), 2).error() ==
          kwire::errc::unsupported_version);
    const auto cut = kwire::parse_view(info, at_0.span().first(1), 1);
    REQUIRE_FALSE(cut);
    CHECK(cut.error() == kwire::errc::truncated);
    CHECK(cut.error().version == 1); // as it was asked for
}

TEST_CASE("a view knows its message's name after the message_info that it was parsed with is gone") {
    const kwire::shared_buffer body = body_of(two_topics(), 4);
    const auto view = [&] {
        const kwire::message_info copy = metadata;
        return kwire::parse_view(copy, body.span(), 4).value();
    }();
    CHECK(view.message() == "MetadataRequest");
}

TEST_CASE("the body of a frame is read as the message of its API and direction only") {
    const auto frame_of = [](const kwire::buffer_chain& sent) {
        return kwire::without_length(sent.to_bytes()).value();
    };
    const auto request =
        kwire::parse_request_frame(frame_of(kwire::encode_request(two_topics(), 4, 7).value())).value();
    const auto read = kwire::parse(metadata, request);
    REQUIRE(read);
    CHECK((*read).correlation_id() == 7);
    CHECK((*read).frame() == request.frame());
    CHECK(read->message() == "MetadataRequest");
    const auto& response = kwire::message_info_of<kwire::metadata_response>;
    CHECK(kwire::parse(response, request).error() == kwire::errc::api_mismatch);
    CHECK(kwire::parse(kwire::message_info_of<kwire::fetch_request>, request).error() ==
          kwire::errc::api_mismatch);
}
