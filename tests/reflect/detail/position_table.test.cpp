#include <kwire/reflect/detail/position_table.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "catch.hpp"

using kwire::detail::position_table;

namespace {

constexpr auto any = [](std::uint32_t) { return true; };

} // namespace

TEST_CASE("a table without memory has nothing") {
    const position_table table;
    CHECK(table.find(7, any) == position_table::none);
}

TEST_CASE("positions are found by hash and by what is asked of them") {
    position_table table;
    table.reserve(3);
    table.insert(7, 100);
    table.insert(7, 101);
    table.insert(23, 102); // the same slot of sixteen
    CHECK(table.find(7, [](std::uint32_t at) { return at == 100; }) == 100);
    CHECK(table.find(7, [](std::uint32_t at) { return at == 101; }) == 101);
    CHECK(table.find(23, any) == 102);
    CHECK(table.find(39, any) == position_table::none);
    CHECK(table.find(7, [](std::uint32_t) { return false; }) == position_table::none);
    table.erase(7, 100);
    CHECK(table.find(7, any) == 101);
    CHECK(table.find(23, any) == 102);
}

TEST_CASE("a table finds what a map finds, whatever collides, however often things come and go") {
    // Few different hashes make long runs, which go around the end of the table.
    for (const std::uint64_t hashes : {1U, 3U, 40U, 0xffff'ffffU}) {
        CAPTURE(hashes);
        std::mt19937 random(11);
        position_table table;
        std::map<std::uint32_t, std::uint64_t> known; // the hash of each position
        const auto hash = [&] { return 0xffff'fff0 + random() % hashes; };
        for (int i = 0; i < 4000; ++i) {
            const auto position = static_cast<std::uint32_t>(random() % 60);
            if (const auto old = known.find(position); old != known.end()) {
                table.erase(old->second, position);
                known.erase(old);
            } else {
                const std::uint64_t chosen = hash();
                table.reserve(known.size() + 1);
                table.insert(chosen, position);
                known.emplace(position, chosen);
            }
            for (std::uint32_t at = 0; at < 60; ++at) {
                const auto is = [at](std::uint32_t found) { return found == at; };
                const auto there = known.find(at);
                if (there != known.end())
                    REQUIRE(table.find(there->second, is) == at);
                else
                    REQUIRE(table.find(hash(), is) == position_table::none);
            }
        }
    }
}
