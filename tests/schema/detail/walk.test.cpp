/// Structs that no message of the library has side by side: what the walks remember of one element must not
/// be believed of the next.
#include <kwire/messages/detail/view.hpp>
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
