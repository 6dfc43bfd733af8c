#include <kwire/connect/frame_reader.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/count_allocations.hpp"

using kwire::errc;
using kwire::shared_buffer;
using support::aborts;
using support::allocations;
using support::largest_allocation;

namespace {

/// Pages from malloc, to record the requests and to refuse them.
struct watched_pages {
    static inline std::size_t live = 0, largest = 0, moves = 0;
    static inline bool refuse_map = false, refuse_remap = false;

    static void reset() {
        live = largest = moves = 0;
        refuse_map = refuse_remap = false;
    }
    static void* map(std::size_t n) {
        if (refuse_map) return nullptr;
        ++live;
        largest = std::max(largest, n);
        return std::malloc(n);
    }
    static void* remap(void* pages, std::size_t, std::size_t to) {
        if (refuse_remap) return nullptr;
        ++moves;
        largest = std::max(largest, to);
        return std::realloc(pages, to);
    }
    static void unmap(void* pages, std::size_t) {
        --live;
        std::free(pages);
    }
};

using portable_reader = kwire::basic_frame_reader<kwire::detail::copying_memory>;
using watched_reader = kwire::basic_frame_reader<kwire::detail::page_memory<watched_pages>>;

std::string frame(std::string_view body) {
    const auto n = static_cast<std::uint32_t>(body.size());
    std::string out;
    for (unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(n >> shift);
    return out += body;
}

std::string body_of(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

/// Gives `stream` to the reader in pieces of at most `step(position)` bytes; stops at the first error.
template <class Reader, class Step>
std::expected<std::vector<std::string>, kwire::error> feed(Reader& reader, std::string_view stream,
                                                           Step step) {
    std::vector<std::string> frames;
    std::size_t at = 0;
    for (;;) {
        auto next = reader.next();
        if (!next) return std::unexpected(next.error());
        if (*next) {
            frames.push_back(text(**next));
            continue;
        }
        if (at == stream.size()) return frames;
        const std::span<std::byte> room = reader.prepare();
        if (room.empty()) std::abort(); // neither a frame nor room for bytes
        const std::size_t n = std::min({room.size(), stream.size() - at, step(at)});
        std::memcpy(room.data(), stream.data() + at, n);
        reader.commit(n);
        at += n;
    }
}

constexpr auto all_at_once = [](std::size_t) { return std::size_t{1} << 30; };

/// Feeds only the length, and returns the reader's verdict.
template <class Reader = kwire::frame_reader>
std::optional<kwire::error> judge(std::uint32_t length, const kwire::frame_limits& limits = {}) {
    Reader reader(limits);
    std::string bytes;
    for (unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(length >> shift);
    const auto result = feed(reader, bytes, all_at_once);
    if (result) return std::nullopt;
    return result.error();
}

} // namespace

TEST_CASE("frame lengths are validated before anything is allocated") {
    struct row {
        std::uint32_t length;
        const char* verdict;         // with the limit for authenticated peers
        const char* verdict_preauth; // with the limit for other peers
    };
    const auto banner = [](const char(&s)[5]) {
        std::uint32_t out = 0;
        for (int i = 0; i < 4; ++i) out = out << 8 | static_cast<unsigned char>(s[i]);
        return out;
    };
    const row rows[] = {
        {0, "bad_frame_length", "bad_frame_length"},
        {1, "bad_frame_length", "bad_frame_length"},
        {4, "bad_frame_length", "bad_frame_length"},
        {7, "bad_frame_length", "bad_frame_length"},
        {8, "", ""},
        {9, "", ""},
        {255, "", ""},
        {256, "", ""},
        {16383, "", ""},
        {16384, "", ""},
        {16385, "", ""},
        {65536, "", ""},
        {524287, "", ""},
        {524288, "", ""},
        {524289, "", "frame_too_large"},
        {1048576, "", "frame_too_large"},
        {104857599, "", "frame_too_large"},
        {104857600, "", "frame_too_large"},
        {104857601, "frame_too_large", "frame_too_large"},
        {0x7ffffffe, "frame_too_large", "frame_too_large"},
        {0x7fffffff, "frame_too_large", "frame_too_large"},
        {0x80000000, "bad_frame_length", "bad_frame_length"},
        {0x80000008, "bad_frame_length", "bad_frame_length"},
        {0xfffffffe, "bad_frame_length", "bad_frame_length"},
        {0xffffffff, "bad_frame_length", "bad_frame_length"},
        {0x16030100, "not_a_kafka_peer", "not_a_kafka_peer"}, // TLS: a ClientHello
        {0x15030300, "not_a_kafka_peer", "not_a_kafka_peer"}, // TLS: an alert
        {0x16040100, "frame_too_large", "frame_too_large"},
        {banner("GET "), "not_a_kafka_peer", "not_a_kafka_peer"},
        {banner("POST"), "not_a_kafka_peer", "not_a_kafka_peer"},
        {banner("SSH-"), "not_a_kafka_peer", "not_a_kafka_peer"},
        {banner("HELO"), "frame_too_large", "frame_too_large"},
    };
    static_assert(std::size(rows) == 32);
    const kwire::frame_limits defaults;
    kwire::frame_limits preauth;
    preauth = kwire::frame_limits::before_authentication();
    for (const row& r : rows) {
        CAPTURE(r.length);
        const std::size_t before = allocations;
        const auto verdict = judge(r.length, defaults);
        const auto verdict_preauth = judge(r.length, preauth);
        const std::size_t used = allocations - before;
        CHECK((verdict ? name_of(verdict->code) : "") == r.verdict);
        CHECK((verdict_preauth ? name_of(verdict_preauth->code) : "") == r.verdict_preauth);
        CHECK(used == 0);
        if (verdict) CHECK(verdict->offset == 0);
    }
    for (const char* other : {"HEAD", "PUT ", "DELE", "OPTI", "CONN", "PRI "}) {
        char bytes[5];
        std::memcpy(bytes, other, 5);
        CHECK(judge(banner(bytes)).value() == errc::not_a_kafka_peer);
    }
    CHECK(judge(104857601).value().needed == 104857601);
    CHECK(judge(104857601).value().left == 104857600);
}

TEST_CASE("the limit is exact: the limit and one less are read, one more is refused") {
    for (std::uint32_t max : {8U, 100U, 16384U, 16385U, 524288U}) {
        CAPTURE(max);
        kwire::frame_limits limits;
        limits.max_frame_bytes = max;
        limits.min_frame_bytes = 0;
        for (std::size_t n : {std::size_t{max} - 1, std::size_t{max}}) {
            kwire::frame_reader reader(limits);
            const std::string body = body_of(n, 1);
            const auto frames = feed(reader, frame(body), all_at_once);
            REQUIRE(frames.has_value());
            REQUIRE(frames->size() == 1);
            CHECK((*frames)[0] == body);
        }
        CHECK(judge(max + 1, limits).value() == errc::frame_too_large);
    }
}

TEST_CASE("a new limit applies from the next length on") {
    kwire::frame_limits limits;
    kwire::frame_reader reader(limits);
    reader.set_max_frame_bytes(kwire::frame_limits::before_authentication().max_frame_bytes);
    const std::string large = body_of(600000, 2);
    REQUIRE(feed(reader, frame("authenticate me"), all_at_once).has_value());
    reader.set_max_frame_bytes(limits.max_frame_bytes);
    CHECK(feed(reader, frame(large), all_at_once).value() == std::vector{large});
    reader.set_max_frame_bytes(kwire::frame_limits::before_authentication().max_frame_bytes);
    CHECK(feed(reader, frame(large), all_at_once).error() == errc::frame_too_large);
}

TEST_CASE("a length of zero is a valid frame if the minimum is zero") {
    kwire::frame_limits limits;
    limits.min_frame_bytes = 0;
    kwire::frame_reader reader(limits);
    CHECK(feed(reader, frame("") + frame("token") + frame(""), all_at_once).value() ==
          std::vector<std::string>{"", "token", ""});
    reader.set_min_frame_bytes(8);
    CHECK(feed(reader, frame(""), all_at_once).error() == errc::bad_frame_length);
}

TEST_CASE("foreign banners are detected only in the first frame, and only in lengths that are too large") {
    kwire::frame_reader reader;
    REQUIRE(feed(reader, frame("a first frame"), all_at_once).has_value());
    CHECK(feed(reader, "GET / HTTP", all_at_once).error() == errc::frame_too_large);
    kwire::frame_limits generous;
    generous.max_frame_bytes = 0x7fffffff;
    CHECK_FALSE(judge(0x16030100, generous).has_value());
}

TEST_CASE("after an error the reader keeps failing and requests no bytes") {
    kwire::frame_reader reader;
    CHECK(feed(reader, std::string("\xff\xff\xff\xff", 4), all_at_once).error() == errc::bad_frame_length);
    CHECK(reader.prepare().empty());
    CHECK(reader.next().error() == errc::bad_frame_length);
    CHECK(reader.next().error() == errc::bad_frame_length);
    CHECK(reader.end_of_stream().value() == errc::bad_frame_length);
    CHECK(reader.capacity() == 0);
    reader.commit(0);
    CHECK(aborts([&] { reader.commit(1); }));
}

TEMPLATE_TEST_CASE("every split of a stream of three frames yields the same frames", "", kwire::frame_reader,
                   portable_reader, watched_reader) {
    const std::vector<std::string> bodies{body_of(8, 3), body_of(120, 4), body_of(60, 5)};
    const std::string stream = frame(bodies[0]) + frame(bodies[1]) + frame(bodies[2]);
    for (std::size_t first = 0; first <= stream.size(); ++first)
        for (std::size_t second = first; second <= stream.size(); ++second) {
            TestType reader;
            const auto step = [&](std::size_t at) {
                return at < first ? first - at : at < second ? second - at : stream.size() - at;
            };
            REQUIRE(feed(reader, stream, step).value() == bodies);
            REQUIRE_FALSE(reader.end_of_stream().has_value());
        }
    TestType reader;
    CHECK(feed(reader, stream, [](std::size_t) { return std::size_t{1}; }).value() == bodies);
}

TEMPLATE_TEST_CASE("frames of all sizes survive random splits", "", kwire::frame_reader, portable_reader,
                   watched_reader) {
    watched_pages::reset();
    std::mt19937 random(6);
    std::vector<std::string> bodies;
    std::string stream;
    for (std::size_t n :
         {8U, 16383U, 16384U, 16385U, 32768U, 32769U, 100000U, 1048576U, 1048577U, 3145728U, 9U}) {
        bodies.push_back(body_of(n, static_cast<unsigned>(n)));
        stream += frame(bodies.back());
    }
    for (int round = 0; round < 5; ++round) {
        TestType reader;
        CHECK(feed(reader, stream, [&](std::size_t) { return std::size_t{1} + random() % 70000; }).value() ==
              bodies);
        CHECK(feed(reader, stream, all_at_once).value() == bodies);
    }
    CHECK(watched_pages::live == 0);
}

TEST_CASE("a peer that claims 100 MiB and sends nothing more costs 16 KiB") {
    watched_pages::reset();
    largest_allocation = 0;
    const auto claim = [](auto& reader) {
        REQUIRE(feed(reader, std::string("\x06\x40\x00\x00", 4), all_at_once).value().empty());
        CHECK(reader.capacity() == 0);
        CHECK(reader.prepare().size() == 16 * 1024);
        CHECK(reader.prepare().size() == 16 * 1024);
        CHECK(reader.capacity() == 16 * 1024);
    };
    kwire::frame_reader reader;
    claim(reader);
    portable_reader portable;
    claim(portable);
    watched_reader watched;
    claim(watched);
    CHECK(watched_pages::largest == 16 * 1024);
    CHECK(largest_allocation < 17 * 1024);
}

TEMPLATE_TEST_CASE("memory grows with the bytes received, never with the length claimed", "",
                   kwire::frame_reader, portable_reader, watched_reader) {
    watched_pages::reset();
    largest_allocation = 0;
    TestType reader;
    REQUIRE(feed(reader, std::string("\x06\x40\x00\x00", 4), all_at_once).value().empty());
    std::size_t received = 0;
    while (received < 12 * 1024 * 1024) {
        const std::size_t n = std::min<std::size_t>(reader.prepare().size(), 7777);
        const std::size_t allowed =
            std::max<std::size_t>(16 * 1024, received + std::min<std::size_t>(received, 1024 * 1024));
        REQUIRE(reader.capacity() <= allowed);
        reader.commit(n);
        received += n;
    }
    CHECK(largest_allocation <= 14 * 1024 * 1024);
    CHECK(watched_pages::largest <= 14 * 1024 * 1024);
    REQUIRE(reader.end_of_stream().value() == errc::truncated);
    CHECK(reader.end_of_stream()->needed == 104857600);
    CHECK(reader.end_of_stream()->left == received);
}

TEST_CASE("the end of the stream is an error inside a frame but not between frames") {
    const std::string stream = frame("12345678");
    for (std::size_t n = 0; n <= stream.size(); ++n) {
        CAPTURE(n);
        kwire::frame_reader reader;
        REQUIRE(feed(reader, stream.substr(0, n), all_at_once).has_value());
        const auto end = reader.end_of_stream();
        REQUIRE(end.has_value() == (n != 0 && n != stream.size()));
        if (!end) continue;
        CHECK(*end == errc::truncated);
        CHECK(end->needed == (n < 4 ? 4 : 8));
        CHECK(end->left == (n < 4 ? n : n - 4));
    }
}

TEST_CASE("a frame has its own memory, keeps nothing else alive and is writable by its last owner") {
    for (std::size_t n : {100U, 20000U, 3U << 20}) {
        kwire::frame_reader reader;
        const std::string body = body_of(n, 8);
        std::optional<shared_buffer> taken;
        const std::string stream = frame(body);
        std::size_t at = 0;
        while (!(taken = reader.next().value())) {
            const auto room = reader.prepare();
            std::memcpy(room.data(), stream.data() + at, room.size());
            at += room.size();
            reader.commit(room.size());
        }
        CHECK(at == stream.size()); // requested this frame and not one byte more
        CHECK(reader.capacity() == 0);
        CHECK(taken->pinned_bytes() == n);
        REQUIRE(taken->is_unique());
        const std::byte* address = taken->data();
        auto unique = std::move(*taken).try_into_unique();
        REQUIRE(unique.has_value());
        unique->data()[n - 1] ^= std::byte{1};
        const shared_buffer again = std::move(*unique).freeze();
        CHECK(again.data() == address);
        CHECK(text(again).substr(0, n - 1) == body.substr(0, n - 1));
    }
}

TEST_CASE("no byte of a frame is copied where pages can be remapped, and elsewhere every copy is counted") {
    const std::string stream = frame(body_of(3 << 20, 9));
    const auto copied_by = [&](auto&& reader) {
        const auto before = kwire::copied_bytes();
        REQUIRE(feed(reader, stream, all_at_once).value().size() == 1);
        return kwire::copied_bytes() - before;
    };
#if defined(MREMAP_MAYMOVE)
    CHECK(copied_by(kwire::frame_reader()) == 0);
#endif
    watched_pages::reset();
    CHECK(copied_by(watched_reader()) == 0);
    CHECK(watched_pages::moves == 8);
    // 16 KiB doubles up to 1 MiB, then grows in steps of 1 MiB; each size but the last was copied once.
    std::uint64_t expected = 0;
    for (std::uint64_t size = 16 * 1024; size < 3 << 20; size += std::min<std::uint64_t>(size, 1 << 20))
        expected += size;
    CHECK(copied_by(portable_reader()) == expected);
    const std::string small = frame(body_of(16 * 1024, 10));
    portable_reader reader;
    const auto before = kwire::copied_bytes();
    CHECK(feed(reader, small, all_at_once).value().size() == 1);
    CHECK(kwire::copied_bytes() == before);
}

TEST_CASE("a frame still arrives if the system refuses pages, at the cost of counted copies") {
    const std::string body = body_of(1 << 20, 11);
    for (const bool at_once : {true, false}) {
        watched_pages::reset();
        watched_pages::refuse_map = at_once;
        watched_pages::refuse_remap = !at_once;
        watched_reader reader;
        const auto before = kwire::copied_bytes();
        CHECK(feed(reader, frame(body) + frame(body), all_at_once).value() == std::vector{body, body});
        CHECK(kwire::copied_bytes() - before == 2 * ((1 << 20) - 16 * 1024));
        CHECK(watched_pages::live == 0);
    }
}

TEST_CASE("a reader destroyed inside a frame frees its memory, and its earlier frames stay valid") {
    watched_pages::reset();
    std::optional<shared_buffer> kept;
    {
        watched_reader reader;
        const std::string stream = frame(body_of(50000, 12)) + frame(body_of(50000, 13)).substr(0, 30000);
        std::size_t at = 0;
        while (at < stream.size()) {
            const auto room = reader.prepare();
            if (room.empty()) {
                kept = reader.next().value();
                continue;
            }
            const std::size_t n = std::min(room.size(), stream.size() - at);
            std::memcpy(room.data(), stream.data() + at, n);
            reader.commit(n);
            at += n;
        }
        CHECK(watched_pages::live == 2);
    }
    CHECK(watched_pages::live == 1);
    CHECK(text(kept.value()) == body_of(50000, 12));
    kept.reset();
    CHECK(watched_pages::live == 0);
}

TEST_CASE("committing more bytes than were prepared aborts") {
    CHECK(aborts([] { kwire::frame_reader().commit(1 << 20); }));
    CHECK(aborts([] { kwire::frame_reader().commit(5); }));
    CHECK(aborts([] {
        kwire::frame_reader reader;
        (void)feed(reader, frame("12345678").substr(0, 4), all_at_once);
        reader.commit(1); // without prepare() there is no memory yet
    }));
    CHECK(aborts([] {
        kwire::frame_reader reader;
        (void)feed(reader, frame("12345678").substr(0, 6), all_at_once);
        reader.commit(7);
    }));
}

TEST_CASE("frames may be released on a thread other than the reader's") {
    kwire::frame_reader reader;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        const std::string stream = frame(body_of(100000, 14));
        std::size_t at = 0;
        std::optional<shared_buffer> taken;
        while (!(taken = reader.next().value())) {
            const auto room = reader.prepare();
            std::memcpy(room.data(), stream.data() + at, room.size());
            at += room.size();
            reader.commit(room.size());
        }
        threads.emplace_back([mine = std::move(*taken)] {
            const shared_buffer part = mine.slice(50000, 100).value();
            if (part.size() != 100 || mine.size() != 100000) std::abort();
        });
    }
    for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a frame is not lost if its reference count cannot be allocated") {
    if (!support::counts_allocations) return; // allocations cannot be refused
    const auto deliver = [](auto& reader, std::size_t size) {
        const std::string stream = frame(body_of(size, 1)) + frame("the next one");
        std::size_t at = 0;
        for (std::span<std::byte> room = reader.prepare(); !room.empty(); room = reader.prepare()) {
            const std::size_t n = std::min(room.size(), stream.size() - at);
            std::memcpy(room.data(), stream.data() + at, n);
            reader.commit(n);
            at += n;
        }
        int refusals = 0;
        for (int i = 0; i < 2; ++i) {
            support::no_memory = true;
            try {
                auto frame = reader.next();
                support::no_memory = false;
                return std::pair(refusals, text(**frame) == body_of(size, 1));
            } catch (const std::bad_alloc&) {
                ++refusals;
            }
            support::no_memory = false;
        }
        return std::pair(refusals, text(**reader.next()) == body_of(size, 1));
    };
    watched_pages::reset();
    {
        watched_reader reader;
        CHECK(deliver(reader, 100'000) == std::pair(2, true)); // pages, and a count that cannot be allocated
        CHECK(watched_pages::live == 0);
    }
    portable_reader on_the_heap;
    CHECK(deliver(on_the_heap, 100'000) == std::pair(0, true)); // the count is allocated with the bytes
}
