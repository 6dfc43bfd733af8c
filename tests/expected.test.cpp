// One body over std::expected and over kwire's own, which stands in where there is none: what it says of the
// former it must say of the latter.
#include <kwire/detail/own_expected.hpp>
#include <kwire/expected.hpp>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

namespace own = kwire::detail::own;

struct kwires {
    template <class T, class E>
    using expected = own::expected<T, E>;
    template <class E>
    using unexpected = own::unexpected<E>;
    template <class E>
    using bad_access = own::bad_expected_access<E>;
    static constexpr auto unexpect = own::unexpect;
    static constexpr bool complete = true;
    template <class E>
    static constexpr auto error_of(E&& error) {
        return own::unexpected(std::forward<E>(error));
    }
};

#if defined(__cpp_lib_expected)
struct standards {
    template <class T, class E>
    using expected = std::expected<T, E>;
    template <class E>
    using unexpected = std::unexpected<E>;
    template <class E>
    using bad_access = std::bad_expected_access<E>;
    static constexpr auto unexpect = std::unexpect;
    // libstdc++ 12 has the first draft, without the functions and with mistakes where a constructor throws.
    static constexpr bool complete = __cpp_lib_expected >= 202211L;
    template <class E>
    static constexpr auto error_of(E&& error) {
        return std::unexpected(std::forward<E>(error));
    }
};
#define EXPECTED_FAMILIES kwires, standards
#else
#define EXPECTED_FAMILIES kwires
#endif

#if KWIRE_OWN_EXPECTED
static_assert(std::is_same_v<kwire::expected<int, char>, own::expected<int, char>>);
#else
static_assert(std::is_same_v<kwire::expected<int, char>, std::expected<int, char>>);
static_assert(std::is_same_v<kwire::unexpected<char>, std::unexpected<char>>);
#endif

/// Counts its objects, and can refuse to be copied or moved.
struct counted {
    static inline int alive = 0;
    static inline bool refuses = false;

    int number = 0;

    explicit counted(int n) : number(n) { begin(); }
    counted(const counted& other) : number(other.number) { begin(); }
    counted(counted&& other) {
        begin();
        number = std::exchange(other.number, -1);
    }
    counted& operator=(const counted&) = default;
    counted& operator=(counted&& other) {
        number = std::exchange(other.number, -1);
        return *this;
    }
    ~counted() { --alive; }
    friend bool operator==(const counted&, const counted&) = default;

private:
    static void begin() {
        if (refuses) throw std::runtime_error("refused");
        ++alive;
    }
};

/// Moves without throwing, counts its objects too.
struct steady {
    static inline int alive = 0;

    std::string text;

    explicit steady(std::string t) : text(std::move(t)) { ++alive; }
    steady(const steady& other) : text(other.text) { ++alive; }
    steady(steady&& other) noexcept : text(std::move(other.text)) { ++alive; }
    steady& operator=(const steady&) = default;
    steady& operator=(steady&&) noexcept = default;
    ~steady() { --alive; }
    friend bool operator==(const steady&, const steady&) = default;
};

struct only_moves {
    std::unique_ptr<int> at;
};

template <class F>
void check_traits() {
    using small = typename F::template expected<std::int32_t, std::uint8_t>;
    using texts = typename F::template expected<std::string, std::uint8_t>;
    using nothing = typename F::template expected<void, std::uint8_t>;
    using nothing_or_text = typename F::template expected<void, std::string>;
    using moved = typename F::template expected<only_moves, std::uint8_t>;
    STATIC_REQUIRE(std::is_trivially_copy_constructible_v<small>);
    STATIC_REQUIRE(std::is_trivially_move_constructible_v<small>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<small>);
    STATIC_REQUIRE(std::is_trivially_copy_constructible_v<nothing>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<nothing>);
    STATIC_REQUIRE(!std::is_trivially_copy_constructible_v<texts>);
    STATIC_REQUIRE(!std::is_trivially_destructible_v<texts>);
    STATIC_REQUIRE(!std::is_trivially_destructible_v<nothing_or_text>);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<texts>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<texts>);
    STATIC_REQUIRE(std::is_nothrow_swappable_v<texts>);
    STATIC_REQUIRE(std::is_nothrow_default_constructible_v<small>);
    STATIC_REQUIRE(!std::is_copy_constructible_v<moved>);
    STATIC_REQUIRE(!std::is_copy_assignable_v<moved>);
    STATIC_REQUIRE(std::is_move_constructible_v<moved>);
    STATIC_REQUIRE(std::is_move_assignable_v<moved>);
    STATIC_REQUIRE(!std::is_default_constructible_v<typename F::template expected<counted, int>>);
    STATIC_REQUIRE(
        !std::is_copy_assignable_v<typename F::template expected<counted, counted>>); // neither moves
    STATIC_REQUIRE(sizeof(small) == 8);
    STATIC_REQUIRE(sizeof(nothing) == 2);

    // What converts, and what only on demand.
    STATIC_REQUIRE(std::is_convertible_v<int, small>);
    STATIC_REQUIRE(std::is_convertible_v<const char*, texts>);
    STATIC_REQUIRE(!std::is_convertible_v<std::string_view, texts>);
    STATIC_REQUIRE(std::is_constructible_v<texts, std::string_view>);
    STATIC_REQUIRE(!std::is_convertible_v<int, nothing>);
    STATIC_REQUIRE(std::is_convertible_v<typename F::template unexpected<int>, small>);
    STATIC_REQUIRE(!std::is_constructible_v<small, typename F::template unexpected<std::string>>);
    STATIC_REQUIRE(std::is_convertible_v<small, typename F::template expected<std::int64_t, int>>);
    STATIC_REQUIRE(!std::is_constructible_v<small, texts>);
    STATIC_REQUIRE(!std::is_constructible_v<small, nothing>);
    STATIC_REQUIRE(!std::is_convertible_v<small, bool>);
    STATIC_REQUIRE(std::is_constructible_v<bool, small>);
    STATIC_REQUIRE(std::is_same_v<typename texts::value_type, std::string>);
    STATIC_REQUIRE(std::is_same_v<typename texts::error_type, std::uint8_t>);
    STATIC_REQUIRE(std::is_same_v<typename texts::template rebind<int>,
                                  typename F::template expected<int, std::uint8_t>>);

    // Values and errors are what the object is: references and rvalues of it.
    STATIC_REQUIRE(std::is_same_v<decltype(*std::declval<texts&>()), std::string&>);
    STATIC_REQUIRE(std::is_same_v<decltype(*std::declval<const texts&>()), const std::string&>);
    STATIC_REQUIRE(std::is_same_v<decltype(*std::declval<texts>()), std::string&&>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<texts>().value()), std::string&&>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<nothing_or_text>().error()), std::string&&>);
    STATIC_REQUIRE(
        std::is_same_v<decltype(std::declval<const nothing_or_text&>().error()), const std::string&>);
    STATIC_REQUIRE(std::is_same_v<decltype(*std::declval<nothing&>()), void>);
}

template <class F>
constexpr bool works_in_constants() {
    using small = typename F::template expected<int, unsigned char>;
    using nothing = typename F::template expected<void, unsigned char>;
    small value(4);
    if (!value || *value != 4) return false;
    value = F::error_of(static_cast<unsigned char>(7));
    if (value || value.error() != 7) return false;
    value = 5;
    small other(F::unexpect, static_cast<unsigned char>(9));
    value.swap(other);
    if (value.has_value() || value.error() != 9 || *other != 5) return false;
    other.emplace(6);
    nothing none;
    none = F::error_of(static_cast<unsigned char>(1));
    if (none || none.error() != 1) return false;
    none.emplace();
    return none.has_value() && *other == 6 && other.value_or(3) == 6 && value.value_or(3) == 3 && other == 6;
}
static_assert(works_in_constants<kwires>());

} // namespace

TEMPLATE_TEST_CASE("an expected is as trivial as what it holds, and converts where that converts", "",
                   EXPECTED_FAMILIES) {
    check_traits<TestType>();
}

TEMPLATE_TEST_CASE("an expected has a value or an error", "", EXPECTED_FAMILIES) {
    using F = TestType;
    using texts = typename F::template expected<std::string, int>;
    texts value("orders");
    REQUIRE(value);
    CHECK(value.has_value());
    CHECK(*value == "orders");
    CHECK(value->size() == 6);
    CHECK(value.value() == "orders");
    CHECK(std::as_const(value).value() == "orders");
    CHECK(value.value_or("none") == "orders");

    texts failed = F::error_of(3);
    REQUIRE(!failed);
    CHECK(failed.error() == 3);
    CHECK(std::as_const(failed).error() == 3);
    CHECK(failed.value_or("none") == "none");
    CHECK(std::move(failed).value_or("none") == "none");

    CHECK(texts().value().empty());
    CHECK(texts(std::in_place, 3u, 'x').value() == "xxx");
    CHECK(texts(std::in_place, {'a', 'b'}).value() == "ab");
    using lists = typename F::template expected<int, std::vector<int>>;
    CHECK(lists(F::unexpect, {1, 2}).error() == std::vector{1, 2});
    CHECK(lists(F::unexpect, 3u, 4).error() == std::vector{4, 4, 4});
    using void_lists = typename F::template expected<void, std::vector<int>>;
    CHECK(void_lists(F::unexpect, {1, 2}).error() == std::vector{1, 2});
    CHECK(void_lists(F::unexpect, 3u, 4).error() == std::vector{4, 4, 4});
    CHECK(void_lists(std::in_place).has_value());

    const std::string moved = *texts("a text that is longer than what strings hold inside");
    CHECK(moved == "a text that is longer than what strings hold inside");
}

TEMPLATE_TEST_CASE("value() throws the error", "", EXPECTED_FAMILIES) {
    using F = TestType;
    using bad = typename F::template bad_access<std::string>;
    using base = typename F::template bad_access<void>;
    const auto error_in = [](auto&& call) -> std::string {
        try {
            call();
        } catch (const bad& e) {
            CHECK(std::string_view(e.what()).size() > 3);
            CHECK(dynamic_cast<const base*>(static_cast<const std::exception*>(&e)) != nullptr);
            return e.error();
        }
        return "nothing thrown";
    };
    typename F::template expected<int, std::string> failed(F::unexpect, "late");
    CHECK(error_in([&] { static_cast<void>(failed.value()); }) == "late");
    CHECK(error_in([&] { static_cast<void>(std::as_const(failed).value()); }) == "late");
    CHECK(error_in([&] { static_cast<void>(std::move(failed).value()); }) == "late");
    CHECK(failed.error().empty()); // moved from
    typename F::template expected<void, std::string> none(F::unexpect, "late");
    CHECK(error_in([&] { none.value(); }) == "late");
    CHECK(error_in([&] { std::move(none).value(); }) == "late");
    CHECK(error_in([] { typename F::template expected<void, std::string>().value(); }) == "nothing thrown");
}

TEMPLATE_TEST_CASE("an expected converts from one of other types", "", EXPECTED_FAMILIES) {
    using F = TestType;
    using from = typename F::template expected<const char*, std::uint8_t>;
    using to = typename F::template expected<std::string, int>;
    const from value("orders"), failed(F::unexpect, std::uint8_t{7});
    CHECK(to(value).value() == "orders");
    CHECK(to(failed).error() == 7);
    CHECK(to(from("orders")).value() == "orders");
    CHECK(to(from(F::unexpect, std::uint8_t{7})).error() == 7);
    using void_from = typename F::template expected<void, std::uint8_t>;
    using void_to = typename F::template expected<void, int>;
    CHECK(void_to(void_from()).has_value());
    CHECK(void_to(void_from(F::unexpect, std::uint8_t{7})).error() == 7);
    const void_from none(F::unexpect, std::uint8_t{8});
    CHECK(void_to(none).error() == 8);

    // A bool is not made of whether there is a value.
    using flag = typename F::template expected<bool, int>;
    const typename F::template expected<int, int> zero(0);
    if constexpr (F::complete) CHECK(flag(zero).value() == false);
}

TEMPLATE_TEST_CASE("copies, moves and assignments keep each object's life", "", EXPECTED_FAMILIES) {
    using F = TestType;
    const int counted_before = counted::alive, steady_before = steady::alive;
    {
        using both = typename F::template expected<counted, steady>;
        const both value(std::in_place, 4), failed(F::unexpect, std::string("late"));
        for (const both& from : {value, failed}) {
            for (const both& to :
                 {value, failed, both(std::in_place, 9), both(F::unexpect, std::string("other"))}) {
                both copy(to);
                CHECK(copy == to);
                copy = from;
                CHECK(copy == from);
                both moved(std::move(copy));
                CHECK(moved == from);
                both target(to);
                target = std::move(moved);
                CHECK(target == from);
                both left(from), right(to);
                left.swap(right);
                CHECK(left == to);
                CHECK(right == from);
                using std::swap;
                swap(left, right);
                CHECK(left == from);
                CHECK(right == to);
            }
        }
        both changed(value);
        changed = F::error_of(steady("first"));
        CHECK(changed.error().text == "first");
        changed = F::error_of(steady("second"));
        CHECK(changed.error().text == "second");
        const auto lasting = F::error_of(steady("third"));
        changed = lasting;
        CHECK(changed.error().text == "third");
        changed = counted(7);
        CHECK(changed->number == 7);
        changed = counted(8);
        CHECK(changed->number == 8);
        changed = lasting;
        CHECK(!changed);
    }
    {
        using none = typename F::template expected<void, steady>;
        const none value, failed(F::unexpect, std::string("late"));
        for (const none& from : {value, failed}) {
            for (const none& to : {value, failed, none(F::unexpect, std::string("other"))}) {
                none copy(to);
                copy = from;
                CHECK(copy == from);
                none target(to);
                target = std::move(copy);
                CHECK(target == from);
                none left(from), right(to);
                left.swap(right);
                CHECK(left == to);
                CHECK(right == from);
            }
        }
        none changed(failed);
        changed.emplace();
        CHECK(changed);
        changed = F::error_of(steady("again"));
        CHECK(changed.error().text == "again");
    }
    CHECK(counted::alive == counted_before);
    CHECK(steady::alive == steady_before);
}

TEMPLATE_TEST_CASE("an assignment or swap that throws leaves what was there", "", EXPECTED_FAMILIES) {
    using F = TestType;
    if constexpr (!F::complete) return;
    const int counted_before = counted::alive, steady_before = steady::alive;
    {
        using both = typename F::template expected<counted, steady>;
        const both value(std::in_place, 4);
        both failed(F::unexpect, std::string("late")), other(std::in_place, 5);
        counted::refuses = true;
        CHECK_THROWS_AS(failed = value, std::runtime_error);
        CHECK_THROWS_AS(failed.swap(other), std::runtime_error);
        CHECK_THROWS_AS(other.swap(failed), std::runtime_error);
        counted::refuses = false;
        REQUIRE(!failed);
        CHECK(failed.error().text == "late");
        REQUIRE(other);
        CHECK(other->number == 5);

        // The same, where the value moves without throwing and the error does not.
        using turned = typename F::template expected<steady, counted>;
        const turned bad(F::unexpect, 4);
        turned fine(std::in_place, "text"), worse(F::unexpect, 5);
        counted::refuses = true;
        CHECK_THROWS_AS(fine = bad, std::runtime_error);
        CHECK_THROWS_AS(fine.swap(worse), std::runtime_error);
        CHECK_THROWS_AS(worse.swap(fine), std::runtime_error);
        counted::refuses = false;
        REQUIRE(fine);
        CHECK(fine->text == "text");
        REQUIRE(!worse);
        CHECK(worse.error().number == 5);
        fine.swap(worse);
        CHECK(fine.error().number == 5);
        CHECK(worse->text == "text");
    }
    counted::refuses = false;
    CHECK(counted::alive == counted_before);
    CHECK(steady::alive == steady_before);
}

TEMPLATE_TEST_CASE("emplace makes a value of either", "", EXPECTED_FAMILIES) {
    using F = TestType;
    using moved = typename F::template expected<only_moves, std::string>;
    moved value(F::unexpect, "a text that is longer than what strings hold inside");
    value.emplace(std::make_unique<int>(4));
    CHECK(*value->at == 4);
    CHECK(*value.emplace(std::make_unique<int>(5)).at == 5);
    moved other = std::move(value);
    CHECK(*other->at == 5);
    CHECK(*std::move(other).value().at == 5);
}

TEMPLATE_TEST_CASE("expecteds, values and errors are equal where what they hold is", "", EXPECTED_FAMILIES) {
    using F = TestType;
    using texts = typename F::template expected<std::string, int>;
    const texts value("orders"), failed(F::unexpect, 3);
    CHECK(value == texts("orders"));
    CHECK(value != texts("other"));
    CHECK(value != failed);
    CHECK(failed == texts(F::unexpect, 3));
    CHECK(failed != texts(F::unexpect, 4));
    CHECK(value == "orders");
    CHECK("orders" == value);
    CHECK(value != "other");
    CHECK(failed != "orders");
    CHECK(failed == F::error_of(3));
    CHECK(failed != F::error_of(4L));
    CHECK(value != F::error_of(3));
    CHECK(value == typename F::template expected<std::string_view, long>("orders"));
    using none = typename F::template expected<void, int>;
    CHECK(none() == none());
    CHECK(none() != none(F::unexpect, 1));
    CHECK(none(F::unexpect, 1) == none(F::unexpect, 1));
    CHECK(none(F::unexpect, 1) != none(F::unexpect, 2));
    CHECK(none(F::unexpect, 1) == F::error_of(1));
    CHECK(none() != F::error_of(0));
}

TEMPLATE_TEST_CASE("an unexpected holds an error", "", EXPECTED_FAMILIES) {
    using F = TestType;
    using text = typename F::template unexpected<std::string>;
    text a("late"), b(std::in_place, 2u, 'x'), c(std::in_place, {'a', 'b'});
    CHECK(a.error() == "late");
    CHECK(b.error() == "xx");
    CHECK(std::as_const(c).error() == "ab");
    a.swap(b);
    CHECK(a.error() == "xx");
    using std::swap;
    swap(a, b);
    CHECK(a == text("late"));
    CHECK_FALSE(a == b);
    const std::string taken =
        text(std::move(a)).error(); // not in CHECK: GCC 12 warns of its copy of the bytes
    CHECK(taken == "late");
    STATIC_REQUIRE(std::is_same_v<decltype(F::error_of(3)), typename F::template unexpected<int>>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<text>().error()), std::string&&>);
}

TEMPLATE_TEST_CASE("functions take the value or the error on", "", EXPECTED_FAMILIES) {
    using F = TestType;
    if constexpr (F::complete) {
        using numbers = typename F::template expected<int, std::string>;
        using none = typename F::template expected<void, std::string>;
        using halves = typename F::template expected<double, std::string>;
        const auto half = [](int n) -> halves { return n / 2.0; };
        const auto refuse = [](int) -> halves { return F::error_of(std::string("odd")); };
        const numbers four(4), failed(F::unexpect, "late");

        CHECK(four.and_then(half).value() == 2.0);
        CHECK(four.and_then(refuse).error() == "odd");
        CHECK(failed.and_then(half).error() == "late");
        CHECK(numbers(4).and_then(half).value() == 2.0);
        CHECK(none().and_then([]() -> numbers { return 3; }).value() == 3);
        CHECK(none(F::unexpect, "late").and_then([]() -> numbers { return 3; }).error() == "late");

        const auto by_length = [](const std::string& e) -> typename F::template expected<int, char> {
            if (e.size() == 4) return 4;
            return F::error_of('?');
        };
        CHECK(failed.or_else(by_length).value() == 4);
        CHECK(numbers(F::unexpect, "x").or_else(by_length).error() == '?');
        CHECK(four.or_else(by_length).value() == 4);
        const auto to_number = [](const std::string&) ->
            typename F::template expected<void, int> { return F::error_of(1); };
        CHECK(none().or_else(to_number).has_value());
        CHECK(none(F::unexpect, "x").or_else(to_number).error() == 1);

        CHECK(four.transform([](int n) { return std::to_string(n); }).value() == "4");
        CHECK(failed.transform([](int n) { return std::to_string(n); }).error() == "late");
        int seen = 0;
        const auto look = four.transform([&](int n) { seen = n; });
        STATIC_REQUIRE(std::is_same_v<decltype(look), const none>);
        CHECK(look);
        CHECK(seen == 4);
        CHECK(none().transform([] { return 5; }).value() == 5);
        CHECK(none().transform([] {}).has_value());
        // What neither copies nor moves is made in place.
        struct fixed {
            int number;
            explicit fixed(int n) : number(n) {}
            fixed(const fixed&) = delete;
        };
        CHECK(four.transform([](int n) { return fixed(n); })->number == 4);
        CHECK(failed.transform_error([](const std::string& e) { return fixed(int(e.size())); })
                  .error()
                  .number == 4);

        CHECK(failed.transform_error(&std::string::size).error() == 4);
        CHECK(four.transform_error(&std::string::size).value() == 4);
        CHECK(none(F::unexpect, "late").transform_error([](std::string e) { return e + "r"; }).error() ==
              "later");
        CHECK(none().transform_error(&std::string::size).has_value());

        struct point {
            int x = 3;
            int twice() const { return 2 * x; }
            halves whole = 1.0;
        };
        const typename F::template expected<point, std::string> at{point{}};
        CHECK(at.transform(&point::twice).value() == 6);
        CHECK(at.and_then(&point::whole).value() == 1.0);
        point elsewhere{.x = 8};
        const typename F::template expected<point*, std::string> pointed(&elsewhere);
        CHECK(pointed.transform(&point::twice).value() == 16);
        CHECK(pointed.and_then(&point::whole).value() == 1.0);

        CHECK(failed.error_or("fine") == "late");
        CHECK(four.error_or("fine") == "fine");
        CHECK(none().error_or("fine") == "fine");
        CHECK(none(F::unexpect, "late").error_or("fine") == "late");

        numbers changed(4);
        changed.transform([](int& n) { n = 6; });
        CHECK(*changed == 6);
        typename F::template expected<only_moves, int> moved(only_moves{std::make_unique<int>(4)});
        CHECK(*std::move(moved).transform([](only_moves m) { return std::move(m.at); }).value() == 4);
    }
}
