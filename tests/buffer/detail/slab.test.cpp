#include <kwire/buffer/detail/slab.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/fail_allocations.hpp"

using kwire::shared_buffer;
using kwire::detail::slab;

namespace {

std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

} // namespace

TEST_CASE("a region is exclusively owned although its neighbours are held") {
    slab memory;
    memory.allocate(30);
    std::memset(memory.data(), 'x', 30);
    shared_buffer left = memory.take(0, 10), middle = memory.take(10, 10), right = memory.take(20, 10);
    CHECK(middle.is_unique());
    CHECK(middle.shares_memory_with(left));
    CHECK(middle.pinned_bytes() == 30);
    auto writable = std::move(middle).try_into_unique();
    REQUIRE(writable.has_value());
    CHECK(writable->size() == 10);
    CHECK(writable->capacity() == 10); // nothing of its neighbour
    std::memset(writable->data(), 'y', 10);
    middle = std::move(*writable).freeze();
    CHECK(text(left) + text(middle) + text(right) ==
          std::string(10, 'x') + std::string(10, 'y') + std::string(10, 'x'));
    const shared_buffer copy = right;
    CHECK_FALSE(std::move(right).try_into_unique().has_value());
}

TEST_CASE("regions outlive their slab, and the last of all frees the memory") {
    for (const std::size_t count : {1U, 7U, 8U, 9U, 72U, 73U, 500U}) {
        const std::size_t before = support::live_allocations;
        {
            std::vector<shared_buffer> regions;
            {
                slab memory;
                memory.allocate(count);
                CHECK(memory.sole());
                for (std::size_t i = 0; i < count; ++i) {
                    memory.data()[i] = static_cast<std::byte>(i);
                    regions.push_back(memory.take(i, 1));
                }
                CHECK_FALSE(memory.sole());
            }
            std::mt19937 random(static_cast<unsigned>(count));
            std::shuffle(regions.begin(), regions.end(), random);
            while (regions.size() > 1) regions.pop_back();
            CHECK(regions[0].is_unique());
        }
        CHECK(support::live_allocations == before);
    }
}

TEST_CASE("a slab without live regions is used again, with the counts that it has") {
    slab memory;
    memory.allocate(200);
    for (int round = 0; round < 5; ++round) {
        CAPTURE(round);
        std::vector<shared_buffer> regions;
        regions.reserve(200);
        const std::size_t used = support::allocations_of([&] {
            for (std::size_t i = 0; i < 200; ++i) regions.push_back(memory.take(i, 1));
        });
        if (round != 0) CHECK(used == 0);
        const std::byte* const first = memory.data();
        regions.pop_back();
        CHECK_FALSE(memory.sole());
        regions.clear();
        REQUIRE(memory.sole());
        memory.reuse();
        CHECK(memory.sole());
        CHECK(memory.data() == first);
    }
}

TEST_CASE("slabs are swapped with all that belongs to them") {
    slab full, fresh;
    full.allocate(100);
    std::vector<shared_buffer> regions;
    for (std::size_t i = 0; i < 20; ++i) regions.push_back(full.take(i, 1));
    fresh.allocate(50);
    regions.push_back(fresh.take(0, 1));
    full.swap(fresh);
    CHECK(full.capacity() == 50);
    CHECK(fresh.capacity() == 100);
    // Counts that are in use are not handed out again.
    for (std::size_t i = 1; i < 20; ++i) regions.push_back(full.take(i, 1));
    for (std::size_t i = 20; i < 90; ++i) regions.push_back(fresh.take(i, 1));
    for (const shared_buffer& each : regions) {
        const shared_buffer copy = each; // is counted for this region alone
        CHECK(std::count_if(regions.begin(), regions.end(), [](const auto& b) { return !b.is_unique(); }) ==
              1);
    }
    full.reset();
    CHECK(full.capacity() == 0);
    CHECK(full.data() == nullptr);
    CHECK_FALSE(full.sole());
}

TEST_CASE("if there is no memory for a count or for a slab nothing has changed") {
    struct state {
        slab memory;
        std::vector<shared_buffer> regions;
    };
    const auto prepare = [] {
        auto s = std::make_unique<state>();
        s->memory.allocate(100);
        s->regions.reserve(10);
        for (std::size_t i = 0; i < 8; ++i) s->regions.push_back(s->memory.take(i, 1));
        return s;
    };
    const auto unchanged = [](const auto& s) {
        return s->memory.capacity() == 100 && s->regions.size() == 8;
    };
    CHECK(support::fail_each_allocation(support::fallible{
              .prepare = prepare,
              .change = [](auto& s) { s->regions.push_back(s->memory.take(8, 1)); },
              .unchanged = unchanged,
              .changed =
                  [](const auto& s) {
                      return s->regions.size() == 9 && s->regions[8].is_unique() &&
                             s->regions[8].data() == s->memory.data() + 8;
                  },
          }) == support::kept_promise(1));
    CHECK(support::fail_each_allocation(support::fallible{
              .prepare = prepare,
              .change = [](auto& s) { s->memory.allocate(1000); },
              .unchanged = unchanged,
              .changed = [](const auto& s) { return s->memory.capacity() == 1000 && s->memory.sole(); },
          }) == support::kept_promise(1));
}

TEST_CASE("regions may be written to and released on threads, and the slab sees that they are gone") {
    slab memory;
    memory.allocate(64);
    for (int round = 0; round < 200; ++round) {
        std::vector<shared_buffer> mine, theirs;
        for (std::size_t i = 0; i < 64; ++i) (i % 2 == 0 ? mine : theirs).push_back(memory.take(i, 1));
        const auto work = [round](std::vector<shared_buffer> regions) {
            for (shared_buffer& each : regions) {
                auto writable = std::move(each).try_into_unique();
                if (!writable) std::abort();
                *writable->data() = static_cast<std::byte>(round);
            }
        };
        std::thread other(work, std::move(theirs));
        work(std::move(mine));
        while (!memory.sole()) std::this_thread::yield();
        // What they did happens before this write.
        std::memset(memory.data(), 0, 64);
        memory.reuse();
        other.join();
    }
}
