#include <kwire/wire/uuid.hpp>
#include <kwire/write/scalar_list.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <list>
#include <new>
#include <optional>
#include <random>
#include <ranges>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/count_allocations.hpp"

using kwire::scalar_list;

namespace {

using numbers = scalar_list<std::int32_t>;

static_assert(sizeof(numbers) == 24 && alignof(numbers) == 8);
static_assert(sizeof(scalar_list<std::int8_t>) == 24 && sizeof(scalar_list<kwire::uuid>) == 24);
static_assert(numbers::inline_capacity == 5);
static_assert(scalar_list<bool>::inline_capacity == 20);
static_assert(scalar_list<std::int16_t>::inline_capacity == 10);
static_assert(scalar_list<std::int64_t>::inline_capacity == 2);
static_assert(scalar_list<double>::inline_capacity == 2);
static_assert(scalar_list<kwire::uuid>::inline_capacity == 1);
static_assert(std::ranges::contiguous_range<numbers> && std::ranges::sized_range<numbers>);
static_assert(std::is_nothrow_default_constructible_v<numbers> && std::is_nothrow_destructible_v<numbers>);
static_assert(std::is_nothrow_move_constructible_v<numbers> && std::is_nothrow_move_assignable_v<numbers>);
static_assert(std::is_nothrow_swappable_v<numbers>);
static_assert(std::is_convertible_v<const numbers&, std::span<const std::int32_t>>);
static_assert(std::is_convertible_v<numbers&, std::span<std::int32_t>>);
static_assert(!std::is_convertible_v<std::vector<std::int32_t>, numbers>, "as copying is explicit for std");
static_assert(std::is_constructible_v<numbers, const std::vector<std::int32_t>&>);
static_assert(!std::is_constructible_v<numbers, const std::vector<std::int64_t>&>);

constinit numbers nothing_yet; // needs no code to run

template <class T>
T value_of(std::uint32_t number) {
    if constexpr (std::is_same_v<T, kwire::uuid>)
        return kwire::uuid::from_halves(number, ~std::uint64_t{number});
    else
        return static_cast<T>(number);
}

template <class T>
std::vector<T> as_vector(const scalar_list<T>& list) {
    return {list.begin(), list.end()};
}

template <class T>
using model_of = std::list<T>; // and no vector, which has bits for booleans

template <class T>
bool same(const scalar_list<T>& list, const model_of<T>& model) {
    return list.size() == model.size() && list.empty() == model.empty() &&
           std::equal(list.begin(), list.end(), model.begin(), model.end()) &&
           list.capacity() >= list.size() && list.capacity() >= scalar_list<T>::inline_capacity;
}

} // namespace

TEMPLATE_TEST_CASE("a list does what a standard container does, whatever is done to it", "", bool,
                   std::int8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t,
                   double, kwire::uuid) {
    using list_type = scalar_list<TestType>;
    std::mt19937 random(std::random_device{}());
    const auto seed = random();
    CAPTURE(seed);
    random.seed(seed);
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
    list_type list, other;
    model_of<TestType> model, other_model;
    bool good = true;
    for (int step = 0; step < 4000 && good; ++step) {
        CAPTURE(step);
        const auto value = value_of<TestType>(static_cast<std::uint32_t>(random()));
        const auto at = below(list.size() + 1), count = below(4);
        const auto place = std::next(model.begin(), static_cast<std::ptrdiff_t>(at));
        const auto where = list.begin() + at;
        if (list.size() > 40) {
            list.erase(list.begin() + 1, list.begin() + 39);
            model.erase(std::next(model.begin()), std::next(model.begin(), 39));
            continue;
        }
        switch (below(19)) {
        case 0:
        case 1:
            list.push_back(value);
            model.push_back(value);
            break;
        case 2:
            good = *list.insert(where, value) == value;
            model.insert(place, value);
            break;
        case 3: {
            const auto found = list.insert(where, count, value) - list.begin();
            good = found == static_cast<std::ptrdiff_t>(at);
            model.insert(place, count, value);
            break;
        }
        case 4:
            list.insert(where, other_model.begin(), other_model.end());
            model.insert(place, other_model.begin(), other_model.end());
            break;
        case 5:
            if (at == list.size()) break;
            good = list.erase(where) == list.begin() + at;
            model.erase(place);
            break;
        case 6:
            list.resize(at);
            model.resize(at);
            break;
        case 7:
            list.resize(at + count, value);
            model.resize(at + count, value);
            break;
        case 8:
            other = list;
            other_model = model;
            break;
        case 9:
            list = std::move(other);
            model = std::exchange(other_model, {});
            good = other.empty();
            break;
        case 10:
            swap(list, other);
            model.swap(other_model);
            break;
        case 11:
            list.reserve(at + 8);
            good = list.capacity() >= at + 8;
            break;
        case 12: list.shrink_to_fit(); break;
        case 13: {
            const list_type copy(list);
            good = copy == list && copy.capacity() == std::max(copy.size(), list_type::inline_capacity);
            break;
        }
        case 14: {
            list_type moved(std::move(list));
            good = list.empty() && same(moved, model);
            list = std::move(moved);
            break;
        }
        case 15:
            list.assign(count, value);
            model.assign(count, value);
            break;
        case 16:
            other.assign(list.begin() + at, list.end());
            other_model.assign(place, model.end());
            break;
        case 17:
            if (list.empty()) break;
            list.pop_back();
            model.pop_back();
            break;
        default:
            good = erase(list, value) == model.remove(value);
            list.push_back(value);
            model.push_back(value);
            good = good && list.back() == value && list[list.size() - 1] == value;
        }
        good = good && same(list, model) && same(other, other_model);
        good = good && (list == other) == (model == other_model);
        REQUIRE(good);
    }
}

TEST_CASE("a list takes no memory for as many elements as it holds in itself") {
    numbers copy, moved;
    CHECK(support::allocations_of([&] {
              numbers few{1, 2, 3, 4, 5};
              copy = few;
              moved = std::move(few);
              moved.insert(moved.erase(moved.begin(), moved.begin() + 2), {7, 8});
          }) == 0);
    CHECK(as_vector(copy) == std::vector{1, 2, 3, 4, 5});
    CHECK(as_vector(moved) == std::vector{7, 8, 3, 4, 5});
}

TEST_CASE("a list of more elements has one block of the very size, and a copy has too") {
    std::vector<std::int32_t> many(100, 3);
    numbers list, copy;
    const std::size_t blocks = support::allocations_of([&] {
        list = numbers(many);
        copy = list;
    });
    if (support::counts_allocations) CHECK(blocks == 2);
    CHECK(list.capacity() == 100);
    CHECK(copy.capacity() == 100);
    const std::int32_t* const elements = list.data();
    const numbers moved = std::move(list);
    CHECK(moved.data() == elements);
    CHECK(list.empty()); // NOLINT(bugprone-use-after-move): that is what is checked
    CHECK(moved == copy);
}

TEST_CASE("appending takes new memory ever more rarely") {
    numbers list;
    const std::size_t blocks = support::allocations_of([&] {
        for (std::int32_t i = 0; i < 5000; ++i) list.push_back(i);
    });
    if (support::counts_allocations) CHECK((blocks > 0 && blocks <= 10));
    CHECK(list[4999] == 4999);
}

TEST_CASE("lists are made of what vectors are made of") {
    const std::vector<std::int32_t> three{1, 2, 3};
    std::istringstream text("1 2 3");
    const std::list<int> linked{1, 2, 3};
    for (const numbers& list : {
             numbers{1, 2, 3},
             numbers(three),
             numbers(std::span<const std::int32_t>(three)),
             numbers(std::array{1, 2, 3}),
             numbers(three.begin(), three.end()),
             numbers(linked.begin(), linked.end()),
             numbers(std::istream_iterator<int>(text), std::istream_iterator<int>()),
         })
        CHECK(list == three);
    CHECK(numbers(3) == numbers{0, 0, 0});
    CHECK(numbers(2, 7) == numbers{7, 7});
    CHECK(numbers().empty());
    CHECK(nothing_yet.empty());
    numbers assigned;
    assigned = {1, 2, 3};
    CHECK(assigned == three);
    assigned.assign(std::span(three).subspan(1));
    CHECK(assigned == numbers{2, 3});
    CHECK(assigned.emplace_back(4) == 4);
    CHECK(std::ranges::equal(std::views::reverse(assigned), std::vector{4, 3, 2}));
    CHECK(std::equal(assigned.rbegin(), assigned.rend(), std::vector{4, 3, 2}.begin()));
}

TEST_CASE("a member of a struct begins and is named like a vector") {
    struct owner {
        numbers nodes;
        std::optional<numbers> more;
    };
    const owner one{.nodes = {1, 2, 3}, .more = {{4, 5}}};
    CHECK(one.nodes.back() == 3);
    CHECK(one.more.value() == numbers{4, 5});
    const owner two{.nodes = {}, .more = {}};
    CHECK(two.nodes.empty());
    CHECK_FALSE(two.more.has_value());
}

TEST_CASE("elements of a list may be given to itself") {
    numbers list{1, 2, 3, 4, 5};
    list.push_back(list.front()); // into new memory
    list.insert(list.begin(), list.back());
    CHECK(list == numbers{1, 1, 2, 3, 4, 5, 1});
    list.assign(std::span(list).subspan(2, 3));
    CHECK(list == numbers{2, 3, 4});
    const numbers& same = list;
    list = same;
    CHECK(list == numbers{2, 3, 4});
    list.resize(20, list[1]);
    CHECK(list[19] == 3);
    swap(list, list);
    CHECK(list.size() == 20);
}

TEST_CASE("lists are ordered by their elements") {
    CHECK(numbers{1, 2} < numbers{1, 3});
    CHECK(numbers{1, 2} < numbers{1, 2, 0});
    CHECK(numbers{2} > numbers{1, 9, 9});
    CHECK((numbers{} <=> numbers{}) == std::strong_ordering::equal);
    const double not_a_number = std::numeric_limits<double>::quiet_NaN();
    const scalar_list<double> odd{not_a_number};
    CHECK_FALSE(odd == odd);
    CHECK((odd <=> odd) == std::partial_ordering::unordered);
    CHECK(scalar_list<double>{0.0} == scalar_list<double>{-0.0});
}

TEST_CASE("elements that a condition selects are removed in place") {
    numbers list{1, 2, 3, 4, 5, 6, 7};
    CHECK(erase_if(list, [](std::int32_t n) { return n % 2 == 0; }) == 3);
    CHECK(list == numbers{1, 3, 5, 7});
    CHECK(erase(list, 5) == 1);
    CHECK(erase(list, 5) == 0);
    CHECK(list == numbers{1, 3, 7});
}

TEST_CASE("elements are written in place, without being cleared before") {
    numbers list{1, 2};
    list.resize_and_overwrite(4, [](std::int32_t* elements, std::size_t count) {
        CHECK(elements[1] == 2);
        for (std::size_t i = 2; i < count; ++i) elements[i] = 9;
        return count - 1;
    });
    CHECK(list == numbers{1, 2, 9});
    list.resize_and_overwrite(100, [](std::int32_t* elements, std::size_t count) {
        CHECK(elements[2] == 9);
        std::fill_n(elements, count, 4);
        return count;
    });
    CHECK(list == numbers(100, 4));
    CHECK(list.capacity() == 100);
    list.resize_and_overwrite(0, [](std::int32_t*, std::size_t count) { return count; });
    CHECK(list.empty());
}

TEST_CASE("what is out of range or too long is refused like a vector does, and changes nothing") {
    numbers list{1, 2, 3};
    CHECK(list.at(2) == 3);
    CHECK_THROWS_AS(list.at(3), std::out_of_range);
    CHECK_THROWS_AS(std::as_const(list).at(std::numeric_limits<std::size_t>::max()), std::out_of_range);
    const std::size_t most = numbers::max_size();
    CHECK(most == (sizeof(std::size_t) > 4 ? 0x7fffffff : 0x1fffffff)); // those of 4 bytes that fit
    CHECK_THROWS_AS(list.reserve(most + 1), std::length_error);
    CHECK_THROWS_AS(list.resize(std::numeric_limits<std::size_t>::max(), 7), std::length_error);
    if (constexpr std::uint64_t beyond_32_bits = std::uint64_t{1} << 32; sizeof(std::size_t) > 4) {
        const auto wraps = static_cast<std::size_t>(beyond_32_bits);
        CHECK_THROWS_AS(list.resize(wraps), std::length_error); // not 0 elements
        CHECK_THROWS_AS(numbers(wraps + 1), std::length_error);
        CHECK_THROWS_AS(list.assign(std::numeric_limits<std::size_t>::max() / 4, 7), std::length_error);
    }
    CHECK(list == numbers{1, 2, 3});
    CHECK(list.capacity() == numbers::inline_capacity);
}

TEST_CASE("where there is no memory, lists stay as they are") {
    if (!support::counts_allocations) return;
    const numbers many(50, 7);
    numbers list{1, 2, 3, 4, 5};
    const auto refused = [](auto&& change) {
        support::no_memory = true;
        bool thrown = false;
        try {
            change();
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        support::no_memory = false;
        return thrown;
    };
    CHECK(refused([&] { list.push_back(6); }));
    CHECK(refused([&] { list.insert(list.begin(), 6); }));
    CHECK(refused([&] { list.insert(list.begin(), many.begin(), many.end()); }));
    CHECK(refused([&] { list.resize(6); }));
    CHECK(refused([&] { list.reserve(6); }));
    CHECK(refused([&] { list = many; }));
    CHECK(refused([&] { list.assign(many); }));
    CHECK(refused([&] { list.assign(6, 6); }));
    CHECK(refused([&] { const numbers copy(many); }));
    CHECK(list == numbers{1, 2, 3, 4, 5});
    CHECK(list.capacity() == numbers::inline_capacity);
}
