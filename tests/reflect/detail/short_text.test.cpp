#include <kwire/reflect/detail/short_text.hpp>

#include <string>
#include <utility>

#include "catch.hpp"
#include "support/count_allocations.hpp"

using kwire::detail::short_text;

TEST_CASE("a text of every length is kept, copied, moved and replaced") {
    CHECK(short_text().view().empty());
    for (std::size_t size = 0; size < 100; ++size) {
        CAPTURE(size);
        std::string text(size, 'x');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
        short_text kept(text);
        CHECK(kept.view() == text);
        const short_text copy = kept;
        CHECK(copy.view() == text);
        CHECK((size == 0 || copy.view().data() != kept.view().data()));
        const short_text moved = std::move(kept);
        CHECK(moved.view() == text);
        CHECK(kept.view().empty()); // NOLINT(bugprone-use-after-move)
        for (const char* other : {"", "short", "one that is too long to be kept in the object itself"}) {
            short_text replaced{std::string_view(other)};
            replaced = moved;
            CHECK(replaced.view() == text);
            replaced = short_text{std::string_view(other)};
            CHECK(replaced.view() == other);
            replaced = std::as_const(replaced);
            CHECK(replaced.view() == other);
        }
    }
}

TEST_CASE("texts that fit allocate nothing, others as much as they have") {
    if constexpr (support::counts_allocations) {
        const std::string fits(short_text::most_inside, 'x'), longer(short_text::most_inside + 1, 'x');
        CHECK(support::allocations_of([&] { const short_text kept(fits); }) == 0);
        CHECK(support::allocated_bytes_of([&] { const short_text kept(longer); }) == longer.size());
        const std::size_t before = support::live_allocations;
        {
            short_text a(longer), b(fits);
            a = b;
            b = short_text(longer);
        }
        CHECK(support::live_allocations == before);
    }
    STATIC_REQUIRE(sizeof(short_text) == 40);
}
