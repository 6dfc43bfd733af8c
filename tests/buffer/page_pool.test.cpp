// again: portable
#include <kwire/buffer/detail/growing_memory.hpp>
#include <kwire/buffer/page_pool.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

using kwire::detail::mapped_pages;
using kwire::detail::page_cache;

namespace {

/// Memory of malloc in place of pages, which knows what is in use.
struct watched_system {
    static inline std::map<void*, std::size_t> live;
    static inline bool refuse = false;
    static inline std::size_t largest = 0;

    static void* map(std::size_t n) {
        largest = std::max(largest, n);
        if (refuse || n > (std::size_t{1} << 40)) return nullptr;
        void* const p = std::malloc(n);
        live[p] = n;
        return p;
    }
    static void* remap(void* pages, std::size_t from, std::size_t to) {
        REQUIRE(live.at(pages) == from);
        if (refuse) return nullptr;
        live.erase(pages);
        void* const p = std::realloc(pages, to);
        live[p] = to;
        return p;
    }
    static void unmap(void* pages, std::size_t n) {
        REQUIRE(live.at(pages) == n);
        live.erase(pages);
        std::free(pages);
    }
};
constexpr std::size_t kib = 1024;

std::size_t live_bytes() {
    std::size_t sum = 0;
    for (const auto& [pages, n] : watched_system::live) sum += n;
    return sum;
}

} // namespace

TEST_CASE("released pages are given out again, the smallest that fit") {
    page_cache<watched_system> cache(10'000 * kib);
    const std::size_t sizes[] = {640, 256, 1024, 320};
    std::vector<mapped_pages> all;
    for (const std::size_t n : sizes) all.push_back(cache.map(n * kib, n * kib));
    for (const mapped_pages& each : all) cache.unmap(each);
    CHECK(cache.held() == 2240 * kib);
    CHECK(live_bytes() == 2240 * kib);
    const mapped_pages best = cache.map(300 * kib, 5000 * kib);
    CHECK(best.size == 320 * kib);
    CHECK(best.first == all[3].first);
    CHECK(cache.held() == 1920 * kib);
    // Not larger ones than are allowed: then there are new ones, whole pages.
    const mapped_pages fresh = cache.map(257 * kib, 600 * kib);
    CHECK(fresh.size == 260 * kib);
    CHECK(cache.held() == 1920 * kib);
    for (const std::size_t n : {640U, 1024U, 256U}) {
        const mapped_pages pages = cache.map(n * kib, n * kib);
        CHECK(pages.size == n * kib);
        watched_system::unmap(pages.first, pages.size);
    }
    CHECK(cache.held() == 0);
    cache.unmap(best);
    cache.unmap(fresh);
    cache.set_limit(0);
    CHECK(watched_system::live.empty());
}

TEST_CASE("not more is kept than the limit, which may change") {
    page_cache<watched_system> cache(256 * kib);
    const auto fill = [&](std::size_t count) {
        std::vector<mapped_pages> all;
        for (std::size_t i = 0; i < count; ++i) all.push_back(cache.map(64 * kib, 64 * kib));
        for (const mapped_pages& each : all) cache.unmap(each);
    };
    fill(4);
    CHECK(cache.held() == 256 * kib);
    fill(6);
    CHECK(cache.held() == 256 * kib);
    CHECK(live_bytes() == 256 * kib);
    cache.unmap(cache.map(512 * kib, 512 * kib)); // alone more than the limit
    CHECK(live_bytes() == 256 * kib);
    cache.set_limit(130 * kib);
    CHECK(cache.held() == 128 * kib);
    CHECK(live_bytes() == 128 * kib);
    cache.set_limit(0);
    CHECK(watched_system::live.empty());
    fill(2);
    CHECK(watched_system::live.empty());
    // Of however many: there are places for 64.
    cache.set_limit(SIZE_MAX);
    fill(100);
    CHECK(cache.held() == 64 * 64 * kib);
    CHECK(live_bytes() == cache.held());
    cache.set_limit(0);
    CHECK(watched_system::live.empty());
}

TEST_CASE("if the system refuses there are no pages, and those that should grow are as they were") {
    page_cache<watched_system> cache(0);
    mapped_pages pages = cache.map(64 * kib, 64 * kib);
    std::memset(pages.first, 'x', pages.size);
    const mapped_pages before = pages;
    watched_system::refuse = true;
    CHECK(cache.map(64 * kib, 64 * kib).first == nullptr);
    CHECK(cache.map(64 * kib, 64 * kib).size == 0);
    CHECK_FALSE(cache.grow(pages, 128 * kib));
    CHECK(pages.first == before.first);
    CHECK(pages.size == before.size);
    watched_system::refuse = false;
    CHECK(cache.grow(pages, 65 * kib));
    CHECK(pages.size == 68 * kib);
    CHECK(static_cast<const char*>(pages.first)[64 * kib - 1] == 'x');
    cache.unmap(pages);
    CHECK(watched_system::live.empty());
    watched_system::largest = 0;
    CHECK(cache.map(SIZE_MAX - 5, SIZE_MAX).first == nullptr); // and not a small number by overflow
    CHECK(watched_system::largest == SIZE_MAX - 5);
}

TEST_CASE("any sequence of calls keeps each page with one owner") {
    std::mt19937 random(4);
    page_cache<watched_system> cache(2000 * kib);
    std::vector<mapped_pages> mine;
    for (int i = 0; i < 20'000; ++i) {
        if (random() % 2 == 0) {
            const std::size_t n = (1 + random() % 500) * kib;
            mine.push_back(cache.map(n, n * 2));
            REQUIRE(mine.back().size >= n);
            REQUIRE(mine.back().size <= std::max(n * 2, n + 64 * kib));
        } else if (!mine.empty()) {
            const std::size_t chosen = random() % mine.size();
            if (random() % 4 == 0) REQUIRE(cache.grow(mine[chosen], mine[chosen].size + 1));
            cache.unmap(std::exchange(mine[chosen], mine.back()));
            mine.pop_back();
        }
        if (random() % 1000 == 0) cache.set_limit(random() % 4000 * kib);
        std::size_t in_use = cache.held();
        for (const mapped_pages& each : mine) in_use += each.size;
        REQUIRE(in_use == live_bytes());
    }
    for (const mapped_pages& each : mine) cache.unmap(each);
    cache.set_limit(0);
    CHECK(watched_system::live.empty());
}

TEST_CASE("the pool of the process keeps the pages of large frames, for all threads") {
    using kwire::page_pool;
    page_pool::set_limit(0);
    CHECK(page_pool::held_bytes() == 0);
    page_pool::set_limit(4096 * kib);
    const auto use = [] {
        kwire::detail::growing_memory memory;
        memory.begin(1000 * kib, 1000 * kib);
        std::memset(memory.data(), 'x', 1000 * kib);
        return memory.take(1000 * kib);
    };
    { const auto frame = use(); }
#if defined(KWIRE_KEEPS_PAGES)
    CHECK(page_pool::held_bytes() == 1000 * kib);
    {
        const auto frame = use();
        CHECK(page_pool::held_bytes() == 0);
    }
    std::thread others[2];
    for (std::thread& each : others)
        each = std::thread([&] {
            for (int i = 0; i < 200; ++i) std::ignore = use();
        });
    for (std::thread& each : others) each.join();
    CHECK(page_pool::held_bytes() >= 1000 * kib); // of one thread at a time, or of both at once
    CHECK(page_pool::held_bytes() <= 2048 * kib);
#else
    CHECK(page_pool::held_bytes() == 0);
#endif
    page_pool::set_limit(0);
    CHECK(page_pool::held_bytes() == 0);
    page_pool::set_limit(std::size_t{16} * 1024 * kib);
}
