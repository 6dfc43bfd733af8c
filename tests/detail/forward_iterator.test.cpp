#include <kwire/detail/forward_iterator.hpp>

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <vector>

#include "catch.hpp"

namespace {

/// Counts down: 3, 2, 1.
class countdown {
public:
    class iterator : public kwire::detail::forward_iterator<iterator, int> {
        friend kwire::detail::forward_iterator<iterator, int>;

    public:
        iterator() noexcept = default;
        explicit iterator(int from) noexcept : left_(from) {}

    private:
        [[nodiscard]] int current() const noexcept { return left_; }
        void advance() noexcept { --left_; }
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return left_ == other.left_; }

        int left_ = 0;
    };

    [[nodiscard]] iterator begin() const noexcept { return iterator(3); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
};

struct named {
    int number;
};

/// Shows elements that outlive it.
class by_reference : public kwire::detail::forward_iterator<by_reference, const named&> {
    friend kwire::detail::forward_iterator<by_reference, const named&>;

public:
    by_reference() noexcept = default;
    explicit by_reference(const named* at) noexcept : at_(at) {}

private:
    [[nodiscard]] const named& current() const noexcept { return *at_; }
    void advance() noexcept { ++at_; }
    [[nodiscard]] bool same_place(const by_reference& other) const noexcept { return at_ == other.at_; }

    const named* at_ = nullptr;
};

static_assert(std::forward_iterator<countdown::iterator> && std::forward_iterator<by_reference>);
static_assert(std::sentinel_for<std::default_sentinel_t, countdown::iterator>);
static_assert(std::is_same_v<std::iter_value_t<countdown::iterator>, int> &&
              std::is_same_v<std::iter_reference_t<countdown::iterator>, int>);
static_assert(std::is_same_v<std::iter_value_t<by_reference>, named> &&
              std::is_same_v<std::iter_reference_t<by_reference>, const named&>);
// C++17's algorithms take a forward iterator only if it gives references.
static_assert(
    std::is_same_v<std::iterator_traits<countdown::iterator>::iterator_category, std::input_iterator_tag>);
static_assert(
    std::is_same_v<std::iterator_traits<by_reference>::iterator_category, std::forward_iterator_tag>);
static_assert(sizeof(countdown::iterator) == sizeof(int) && sizeof(by_reference) == sizeof(const named*));

} // namespace

TEST_CASE("a loop over a forward_iterator sees each element once") {
    std::vector<int> seen;
    for (const int number : countdown{}) seen.push_back(number);
    CHECK(seen == std::vector{3, 2, 1});
}

TEST_CASE("a copy of a forward_iterator keeps its place, and i++ returns one from before the step") {
    auto i = countdown{}.begin();
    const auto first = i;
    const auto before = i++;
    CHECK(before == first);
    CHECK(i != first);
    CHECK(*before == 3);
    CHECK(*i == 2);
    auto& same = ++i;
    CHECK(&same == &i);
    CHECK(i != std::default_sentinel);
    CHECK(++i == std::default_sentinel);
    CHECK(i == countdown::iterator());
}

TEST_CASE("a forward_iterator over elements in memory shows the elements themselves") {
    const named all[] = {{1}, {2}};
    by_reference i(all);
    CHECK(&*i == &all[0]);
    CHECK(i->number == 1);
    ++i;
    CHECK(i->number == 2);
    CHECK(++i == by_reference(all + 2));
}
