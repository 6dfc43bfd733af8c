#include <kwire/read/overloaded.hpp>

#include <type_traits>

#include "catch.hpp"

using kwire::detail::parameter_list;
using kwire::detail::parameters_of_member;

namespace {

template <class F>
using parameters = typename parameters_of_member<decltype(&F::operator())>::type;

} // namespace

TEST_CASE("overloaded calls the function that fits best") {
    int others = 0;
    auto visitor = kwire::overloaded{
        [](int) { return 1; },
        [&](auto&&...) { return --others; },
    };
    CHECK(visitor(7) == 1);
    int seven = 7;
    CHECK(visitor(seven) == 1);
    CHECK(visitor("seven") == -1);
    CHECK(visitor(7, 7) == -2);
}

TEST_CASE("the parameters of a function object are known in every usual form") {
    const auto plain = [](int, const long&) {};
    const auto changing = [i = 0](int) mutable { return ++i; };
    const auto silent = []() noexcept {};
    struct on_lvalues {
        void operator()(char) & {}
    };
    struct on_const_lvalues {
        void operator()(char) const& noexcept {}
    };
    struct on_rvalues {
        void operator()(char) && {}
    };
    static_assert(
        std::is_same_v<parameters<std::remove_const_t<decltype(plain)>>, parameter_list<int, const long&>>);
    static_assert(std::is_same_v<parameters<std::remove_const_t<decltype(changing)>>, parameter_list<int>>);
    static_assert(std::is_same_v<parameters<std::remove_const_t<decltype(silent)>>, parameter_list<>>);
    static_assert(std::is_same_v<parameters<on_lvalues>, parameter_list<char>>);
    static_assert(std::is_same_v<parameters<on_const_lvalues>, parameter_list<char>>);
    static_assert(std::is_same_v<parameters<on_rvalues>, parameter_list<>>); // a visitor is never one
    SUCCEED();
}
