/// Structs that no message of the library has side by side: what the walks remember of one element must not
/// be believed of the next.
#include <kwire/messages/detail/view.hpp>
#include <kwire/messages/view/delete_topics.hpp>
#include <kwire/messages/view/fetch.hpp>
#include <kwire/messages/view/metadata.hpp>
#include <kwire/messages/view/produce.hpp>
#include <kwire/messages/view/sasl_authenticate.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/schema/detail/walk.hpp>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;

/// An array of structs whose only lengths are those of arrays of numbers, with a tag that the schema knows.
struct tagged_items : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"TaggedItems", -1, {0, 0}, 0};
    struct item {
        template <class M = tagged_items>
        static constexpr kwire::field_list<M, 3> fields{{{"id", id128, since(0)},
                                                         {"numbers", array(int32), since(0)},
                                                         {"epochs", array(int32), since(0), tag(0)}}};
        template <int V>
        struct basic_view : kwire::struct_view<item, V> {
            [[nodiscard]] kwire::array_of<std::int32_t> numbers() const noexcept {
                return kwire::get<1>(*this);
            }
            [[nodiscard]] kwire::array_of<std::int32_t> epochs() const noexcept {
                return kwire::get<2>(*this);
            }
        };
        using view = basic_view<kwire::any_version>;
    };
    template <class M = tagged_items>
    static constexpr kwire::field_list<M, 1, item> fields{{{"items", array<item>(), since(0)}}};
    template <int V>
    struct basic_view : kwire::struct_view<tagged_items, V> {
        [[nodiscard]] kwire::array_of<item::basic_view<V>> items() const noexcept {
            return kwire::get<0>(*this);
        }
    };
    using view = basic_view<kwire::any_version>;
};

constexpr auto id = "00000000000000000000000000000000";

template <class View>
std::vector<std::size_t> epochs_of(const View& view) {
    std::vector<std::size_t> counts;
    for (const auto item : view.items()) counts.push_back(item.epochs().size() + 10 * item.numbers().size());
    return counts;
}

/// An array of structs with more arrays of numbers than a walk compares at once.
struct many_arrays : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"ManyArrays", -1, {0, 0}, 0};
    struct item {
        template <class M = many_arrays>
        static constexpr kwire::field_list<M, 7> fields{{{"a", array(int8), since(0)},
                                                         {"b", array(int8), since(0)},
                                                         {"c", array(int8), since(0)},
                                                         {"d", array(int8), since(0)},
                                                         {"e", array(int8), since(0)},
                                                         {"f", array(int8), since(0)},
                                                         {"g", array(int8), since(0)}}};
        template <int V>
        struct basic_view : kwire::struct_view<item, V> {
            [[nodiscard]] kwire::array_of<std::int8_t> last() const noexcept { return kwire::get<6>(*this); }
        };
        using view = basic_view<kwire::any_version>;
    };
    template <class M = many_arrays>
    static constexpr kwire::field_list<M, 1, item> fields{{{"items", array<item>(), since(0)}}};
    template <int V>
    struct basic_view : kwire::struct_view<many_arrays, V> {
        [[nodiscard]] kwire::array_of<item::basic_view<V>> items() const noexcept {
            return kwire::get<0>(*this);
        }
    };
    using view = basic_view<kwire::any_version>;
};

/// A struct that is nullable in some versions only, with the marker that tags have.
struct sometimes_null : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"SometimesNull", -1, {0, 1}, 0};
    struct inner {
        template <class M = sometimes_null>
        static constexpr kwire::field_list<M, 1> fields{{{"number", int32, since(0)}}};
        template <int V>
        struct basic_view : kwire::struct_view<inner, V> {
            [[nodiscard]] std::int32_t number() const noexcept { return kwire::get<0>(*this); }
        };
        using view = basic_view<kwire::any_version>;
    };
    template <class M = sometimes_null>
    static constexpr kwire::field_list<M, 2, inner, inner> fields{
        {{"tagged", structure<inner>(), since(0), tag(0), nullable_since(1)},
         {"plain", structure<inner>(), since(0), nullable_since(1)}}};
    template <int V>
    struct basic_view : kwire::struct_view<sometimes_null, V> {
        [[nodiscard]] std::optional<inner::basic_view<V>> tagged() const noexcept {
            return kwire::get<0>(*this);
        }
        [[nodiscard]] std::optional<inner::basic_view<V>> plain() const noexcept {
            return kwire::get<1>(*this);
        }
    };
    using view = basic_view<kwire::any_version>;
};

} // namespace

TEST_CASE("a struct after one with known tags is checked although its lengths are the same") {
    const std::string first = std::string(id) + "01 01 00 05 02 00000001"; // one tag of five bytes
    for (const char* tags : {"01 00 7f 02 00000001",                       // whose size lies
                             "7f 00 05 02 00000001",                       // more tags than bytes
                             "01 00 05 7f 00000001",                       // more numbers than bytes
                             "01 00 05 00 00000001"}) {                    // null
        const exact_bytes body(from_hex("03" + first + id + "01" + tags + "00"));
        CAPTURE(tags);
        CHECK_FALSE(kwire::parse_view<tagged_items>(body.span(), 0).has_value());
        CHECK_FALSE(kwire::parse_view<tagged_items, 0>(body.span()).has_value());
    }
    const exact_bytes body(from_hex("05" + first + id + "01 00" + first + id + "02 00000007 00" + "00"));
    const auto general = kwire::parse_view<tagged_items>(body.span(), 0);
    const auto fixed = kwire::parse_view<tagged_items, 0>(body.span());
    REQUIRE(general);
    REQUIRE(fixed);
    CHECK(epochs_of(*general) == std::vector<std::size_t>{1, 0, 1, 10});
    CHECK(epochs_of(*fixed) == epochs_of(*general));
}

TEST_CASE("elements with more arrays of numbers than a walk compares at once are walked all the same") {
    const std::string shortest = "01 01 01 01 01 01 01 00", other = "01 01 01 01 01 01 03 0102 00";
    const exact_bytes body(from_hex("06" + shortest + shortest + other + other + shortest + "00"));
    const auto sizes = [](const auto& view) {
        std::vector<std::size_t> found;
        for (const auto item : view->items()) found.push_back(item.last().size());
        return found;
    };
    const std::vector<std::size_t> expected{0, 0, 2, 2, 0};
    CHECK(sizes(kwire::parse_view<many_arrays>(body.span(), 0)) == expected);
    CHECK(sizes(kwire::parse_view<many_arrays, 0>(body.span())) == expected);
}

TEST_CASE("a body that ends early is refused at the field that is cut, or where its tags are missing") {
    // Topics to delete, v4: their names, 4 bytes of a timeout, tags.
    const auto refusal = [](std::string_view hex) {
        const exact_bytes body(from_hex(hex));
        const auto view = kwire::parse_view<kwire::delete_topics_request>(body.span(), 4);
        REQUIRE_FALSE(view);
        CHECK(view.error().code == errc::truncated);
        return std::string(kwire::describe(view.error()));
    };
    const std::string begin = "DeleteTopicsRequest v4";
    CHECK(refusal("") == begin + " topic_names: truncated at byte 0, needs 1 byte, 0 left");
    CHECK(refusal("01") == begin + " timeout_ms: truncated at byte 1, needs 4 bytes, 0 left");
    CHECK(refusal("01 000000") == begin + " timeout_ms: truncated at byte 1, needs 4 bytes, 3 left");
    CHECK(refusal("01 00000000") == begin + ": truncated at byte 5, needs 1 byte, 0 left");
}

TEST_CASE("an array of strings is refused by its count if not even that many lengths are left") {
    // Names to delete, v1, and the timeout after them: 8 bytes are left after the count, which four lengths
    // of two bytes would take.
    const exact_bytes sound(from_hex("00000002 0000 0000 00000007"));
    CHECK(kwire::parse_view<kwire::delete_topics_request>(sound.span(), 1));
    const exact_bytes false_count(from_hex("00000005 0000 0000 00000007"));
    const auto refused = kwire::parse_view<kwire::delete_topics_request>(false_count.span(), 1);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::count_exceeds_input);
    CHECK(refused.error().needed == 10);
    CHECK(refused.error().left == 8);
}

TEST_CASE("a count in the last byte of a body is refused as a count, whatever it says") {
    for (const unsigned count : {1U, 2U, 125U, 126U}) {
        const std::vector<std::byte> last{static_cast<std::byte>(count + 1)};
        const exact_bytes body(last);
        CAPTURE(count);
        const auto general = kwire::parse_view<kwire::delete_topics_request>(body.span(), 4);
        const auto fixed = kwire::parse_view<kwire::delete_topics_request, 4>(body.span());
        REQUIRE_FALSE(general);
        REQUIRE_FALSE(fixed);
        for (const kwire::error& e : {general.error(), fixed.error()}) {
            CHECK(e.code == errc::count_exceeds_input);
            CHECK(e.needed == count);
            CHECK(e.left == 0);
        }
    }
}

TEST_CASE("a struct whose length differs from that before it in the second byte has its own fields") {
    // Two partitions of a Metadata response v12, with 129 and 257 replicas: 82 01 and 82 02. Where the first
    // has the lengths of its other arrays, the second has replicas that look like them.
    const auto partition = [](std::string_view count, const std::vector<std::int32_t>& replicas,
                              std::string_view isr) {
        auto bytes = from_hex("0000 00000001 00000002 00000003 " + std::string(count));
        for (const std::int32_t replica : replicas)
            for (int shift = 24; shift >= 0; shift -= 8)
                bytes.push_back(static_cast<std::byte>(replica >> shift & 0xff));
        for (const std::byte b : from_hex(std::string(isr) + " 01 00")) bytes.push_back(b);
        return bytes;
    };
    std::vector<std::int32_t> many(257);
    many[129] = 0x02000000;
    many[130] = 0x00010000;
    const auto first = partition("8201", std::vector<std::int32_t>(129), "02 00000000");
    const auto second = partition("8202", many, "02 00000007");
    auto body = from_hex("00000000 01 00 00000001 02 0000 02 74" + std::string(id) + "00 03");
    body.insert(body.end(), first.begin(), first.end());
    body.insert(body.end(), second.begin(), second.end());
    for (const std::byte b : from_hex("00000000 00 00")) body.push_back(b);

    const exact_bytes exact(body);
    const auto nodes = [](const auto& view) {
        std::vector<std::int32_t> found;
        for (const auto topic : view.topics())
            for (const auto one : topic.partitions()) {
                found.push_back(static_cast<std::int32_t>(one.replica_nodes().size()));
                for (const std::int32_t node : one.isr_nodes()) found.push_back(node);
            }
        return found;
    };
    const auto general = kwire::parse_view<kwire::metadata_response>(exact.span(), 12);
    const auto fixed = kwire::parse_view<kwire::metadata_response, 12>(exact.span());
    REQUIRE(general);
    REQUIRE(fixed);
    CHECK(nodes(*general) == std::vector<std::int32_t>{129, 0, 257, 7});
    CHECK(nodes(*fixed) == nodes(*general));
}

TEST_CASE("a tag of another version ends within the bytes, whatever a lenient parse lets pass") {
    // A Fetch response v12 with the tag of node_endpoints, which v16 brought, and a size beyond the end.
    const exact_bytes body(from_hex("00000000 0000 00000000 01 01 00 7f"));
    constexpr auto lenient = kwire::parse_options::lenient();
    const auto general = kwire::parse_view<kwire::fetch_response>(body.span(), 12, lenient);
    const auto fixed = kwire::parse_view<kwire::fetch_response, 12>(body.span(), lenient);
    REQUIRE_FALSE(general);
    REQUIRE_FALSE(fixed);
    CHECK(general.error().code == errc::truncated);
    CHECK(general.error().needed == 127);
    CHECK(fixed.error().code == errc::truncated);
}

TEST_CASE("a varint that the bytes end in is truncated, and one that goes on for too long is bad") {
    const auto code = [](std::string_view hex) {
        const exact_bytes body(from_hex(hex));
        return kwire::parse_view<kwire::metadata_request>(body.span(), 12).error().code;
    };
    CHECK(code("80") == errc::truncated);
    CHECK(code("80808080") == errc::truncated);
    CHECK(code("8080808010") == errc::bad_varint);
    CHECK(code("808080808000000000") == errc::bad_varint);
}

TEST_CASE("a compact string has up to 32767 bytes, other compact fields may have more") {
    for (const std::size_t size : {std::size_t{32766}, std::size_t{32767}, std::size_t{32768}}) {
        // A request for the metadata of one topic, v12, whose name this is.
        auto body = from_hex("02" + std::string(id));
        for (std::size_t rest = size + 1;; rest >>= 7) {
            body.push_back(static_cast<std::byte>((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0)));
            if (rest < 0x80) break;
        }
        body.resize(body.size() + size);
        for (const std::byte b : from_hex("00 00 00 00")) body.push_back(b);
        const exact_bytes exact(body);
        const auto general = kwire::parse_view<kwire::metadata_request>(exact.span(), 12);
        const auto fixed = kwire::parse_view<kwire::metadata_request, 12>(exact.span());
        CAPTURE(size);
        REQUIRE(general.has_value() == (size <= 32767));
        REQUIRE(fixed.has_value() == (size <= 32767));
        if (general)
            CHECK((*general->topics().begin()).name()->size() == size);
        else
            CHECK(general.error().code == errc::string_too_long);
    }
    auto body = from_hex("c1b802"); // 40000 bytes
    body.resize(body.size() + 40000 + 1);
    const exact_bytes exact(body);
    const auto general = kwire::parse_view<kwire::sasl_authenticate_request>(exact.span(), 2);
    REQUIRE(general);
    CHECK(general->auth_bytes().size() == 40000);
    CHECK(kwire::parse_view<kwire::sasl_authenticate_request, 2>(exact.span()).has_value());
}

/// A SaslAuthenticate request v2 whose auth bytes have this length prefix and so many zeros.
std::vector<std::byte> auth_body(std::string_view prefix, std::size_t size) {
    auto body = from_hex(prefix);
    body.resize(body.size() + size + 1); // and no tags
    return body;
}

TEST_CASE("a length of two, three or four bytes is read at any end of the input, padded or not") {
    struct length {
        const char* prefix;
        std::size_t size;
    };
    for (const auto& [prefix, size] :
         {length{"80 01", 127}, length{"ff 01", 254}, length{"80 02", 255}, length{"ff 7f", 16382},
          length{"80 80 01", 16383}, length{"81 80 01", 16384}, length{"80 81 01", 16511},
          length{"ff ff 02", 49150}, length{"81 80 00", 0}, length{"81 00", 0}, length{"82 00", 1},
          length{"83 80 00", 2}, length{"ff 80 00", 126}, length{"82 80 80 00", 1}}) {
        const auto body = auth_body(prefix, size);
        CAPTURE(prefix, size);
        for (std::size_t cut = 0; cut <= body.size(); cut += cut < 8 || cut + 8 > body.size() ? 1 : 61) {
            const exact_bytes exact(std::span<const std::byte>(body).first(cut));
            const auto general = kwire::parse_view<kwire::sasl_authenticate_request>(exact.span(), 2);
            const auto fixed = kwire::parse_view<kwire::sasl_authenticate_request, 2>(exact.span());
            CAPTURE(cut);
            REQUIRE(general.has_value() == (cut == body.size()));
            REQUIRE(fixed.has_value() == (cut == body.size()));
            if (general) {
                CHECK(general->auth_bytes().size() == size);
                CHECK(fixed->auth_bytes().size() == size);
                CHECK(fixed->auth_bytes().data() == exact.span().data() + body.size() - 1 - size);
            } else {
                CHECK(general.error().code == errc::truncated);
                CHECK(fixed.error().code == errc::truncated);
                CHECK(fixed.error().offset == general.error().offset);
            }
        }
    }
}

TEST_CASE("null written with padding is null, and refused where null is not allowed") {
    for (const char* const null : {"00", "80 00", "80 80 00", "80 80 80 00"}) {
        CAPTURE(null);
        const exact_bytes exact(auth_body(null, 0));
        const auto general = kwire::parse_view<kwire::sasl_authenticate_request>(exact.span(), 2);
        const auto fixed = kwire::parse_view<kwire::sasl_authenticate_request, 2>(exact.span());
        REQUIRE_FALSE(general);
        REQUIRE_FALSE(fixed);
        CHECK(general.error().code == errc::null_not_allowed);
        CHECK(fixed.error().code == errc::null_not_allowed);
        // The topics of a Metadata request v12, which may be null.
        const exact_bytes topics(from_hex(std::string(null) + " 00 00 00"));
        const auto any_topics = kwire::parse_view<kwire::metadata_request>(topics.span(), 12);
        const auto same_topics = kwire::parse_view<kwire::metadata_request, 12>(topics.span());
        REQUIRE(any_topics);
        REQUIRE(same_topics);
        CHECK(any_topics->topics().is_null());
        CHECK(same_topics->topics().is_null());
        // The records of a Produce request v12, which may be null, between two other fields.
        const exact_bytes produce(
            from_hex("00 0001 00000000 02 02 61 02 00000005" + std::string(null) + " 00 00 00"));
        const auto any_records = kwire::parse_view<kwire::produce_request>(produce.span(), 12);
        const auto same_records = kwire::parse_view<kwire::produce_request, 12>(produce.span());
        REQUIRE(any_records);
        REQUIRE(same_records);
        const auto records = [](const auto& view) {
            return (*(*view.topic_data().begin()).partition_data().begin()).records();
        };
        CHECK_FALSE(records(*any_records).has_value());
        CHECK_FALSE(records(*same_records).has_value());
    }
}

TEST_CASE("a struct has a marker in the versions where it may be null, tagged or not") {
    const auto numbers = [](const auto& view) {
        return std::pair(view->tagged()->number(), view->plain()->number());
    };
    const exact_bytes without(from_hex("00000005 00   01 00 05 00000007 00"));
    const exact_bytes with(from_hex("01 00000005 00   01 00 06 01 00000007 00"));
    const auto expected = std::pair(7, 5);
    CHECK(numbers(kwire::parse_view<sometimes_null>(without.span(), 0)) == expected);
    CHECK(numbers(kwire::parse_view<sometimes_null, 0>(without.span())) == expected);
    CHECK(numbers(kwire::parse_view<sometimes_null>(with.span(), 1)) == expected);
    CHECK(numbers(kwire::parse_view<sometimes_null, 1>(with.span())) == expected);
}
