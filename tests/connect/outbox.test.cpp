#include <kwire/connect/outbox.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/counted_bytes.hpp"
#include "support/fail_allocations.hpp"
#include "support/temporary_file.hpp"
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

using kwire::buffer_chain;
using kwire::outbox;
using kwire::shared_buffer;
using support::aborts;
using support::counted_bytes;
using namespace std::string_literals;

namespace {

/// The first `most` bytes that gather shows.
std::string shown(outbox& out, std::size_t pieces = 1024, std::size_t most = SIZE_MAX) {
    std::vector<iovec> into(pieces);
    const std::size_t n = out.gather(std::span(into));
    std::string text;
    for (const iovec& each : std::span(into).first(n))
        text.append(static_cast<const char*>(each.iov_base), each.iov_len);
    text.resize(std::min(text.size(), most));
    return text;
}
/// Takes all that gather shows, at most `most` bytes at a time.
std::string drained(outbox& out, std::size_t most, std::size_t pieces = 1024) {
    std::string all;
    while (!out.empty()) {
        const std::string part = shown(out, pieces, most);
        if (part.empty()) return all;
        out.sent(part.size());
        all += part;
    }
    return all;
}

std::string random_text(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

} // namespace

TEST_CASE("an outbox is a member of an aggregate that braces make") {
    struct connection {
        int socket;
        outbox out;
    };
    const connection one{3, {}};
    CHECK(one.socket == 3);
    CHECK(one.out.empty());
    outbox small(kwire::water_marks{.high = 4, .low = 0});
    small.push(shared_buffer::copy_of(std::as_bytes(std::span("four"))));
    CHECK(small.congested());
}

TEST_CASE("what is pushed leaves in order, however little is sent at a time") {
    for (std::size_t most = 1; most <= 40; ++most)
        for (const std::size_t pieces : {1U, 2U, 64U}) {
            outbox out;
            buffer_chain chain;
            chain.put_u32(0x61626364);
            chain.put_bytes(shared_buffer::from_static("efghij"));
            chain.put_u8('k');
            out.push(shared_buffer::from_static("0"));
            out.push(std::move(chain));
            CHECK(chain.empty());
            out.push(shared_buffer());
            out.push(buffer_chain());
            const buffer_chain kept = buffer_chain::from_bytes(shared_buffer::from_static("lmnop"));
            out.push(kept);
            CHECK(kept.size() == 5);
            CHECK(out.segment_count() == 5);
            CHECK(out.size() == 17);
            REQUIRE(drained(out, most, pieces) == "0abcdefghijklmnop");
            CHECK(out.empty());
            CHECK(out.segment_count() == 0);
            CHECK(out.sent_bytes() == 17);
            if (pieces == 64) CHECK(out.writes() == (17 + most - 1) / most);
        }
}

TEST_CASE("nothing is copied, and each segment is released when its last byte was sent") {
    int live = 0;
    const auto copied = kwire::copied_bytes();
    outbox out;
    buffer_chain chain;
    chain.put_bytes(counted_bytes("aaa", live));
    chain.put_bytes(counted_bytes("bb", live));
    out.push(std::move(chain));
    out.push(counted_bytes("cccc", live));
    REQUIRE(live == 3);
    const std::pair<std::size_t, int> steps[] = {{2, 3}, {1, 2}, {1, 2}, {2, 1}, {2, 1}, {1, 0}};
    for (const auto& [sent, left] : steps) {
        out.sent(sent);
        CHECK(live == left);
    }
    CHECK(out.empty());
    CHECK(kwire::copied_bytes() == copied);
}

TEST_CASE("several segments are released by one write, and what follows them is not") {
    int live = 0;
    outbox out;
    for (int i = 0; i < 100; ++i) out.push(counted_bytes(std::string(10, 'x'), live));
    out.sent(505);
    CHECK(live == 50);
    CHECK(out.size() == 495);
    CHECK(out.segment_count() == 50);
    out.clear();
    CHECK(live == 0);
    CHECK(out.empty());
    CHECK(shown(out).empty());
    CHECK(out.sent_bytes() == 505);
    // An offset of the segment that was dropped does not remain.
    out.push(shared_buffer::from_static("all of it"));
    CHECK(shown(out) == "all of it");
}

TEST_CASE("an outbox that is destroyed releases what it has") {
    int live = 0;
    {
        outbox out;
        out.push(counted_bytes("abc", live));
        out.push_pieces(10, [owner = support::counted("x", live)](std::size_t) { return shared_buffer(); });
        CHECK(live == 2);
    }
    CHECK(live == 0);
}

TEST_CASE("64 small answers leave with one write") {
    outbox out;
    std::string all;
    for (int i = 0; i < 64; ++i) {
        buffer_chain answer;
        answer.put_u32(static_cast<std::uint32_t>(i));
        const std::string text = "answer " + std::to_string(i);
        answer.put_bytes(shared_buffer::adopt(text));
        all += "\0\0\0"s + static_cast<char>(i) + text;
        out.push(std::move(answer));
    }
    std::array<iovec, 128> pieces;
    CHECK(out.gather(pieces) == 128);
    CHECK(shown(out) == all);
    out.sent(out.size());
    CHECK(out.writes() == 1);
}

TEST_CASE("an outbox is congested from the high water mark on until the low one is reached") {
    outbox out({.high = 100, .low = 40});
    const auto push = [&](std::size_t n) { out.push(shared_buffer::adopt(std::string(n, 'x'))); };
    push(99);
    CHECK_FALSE(out.congested());
    push(1);
    CHECK(out.congested());
    out.sent(59);
    CHECK(out.size() == 41);
    CHECK(out.congested());
    out.sent(1);
    CHECK_FALSE(out.congested());
    push(59);
    CHECK_FALSE(out.congested());
    out.push_pieces(1, [](std::size_t) { return shared_buffer::from_static("y"); });
    CHECK(out.congested());
    out.clear();
    CHECK_FALSE(out.congested());
}

TEST_CASE("a streamed payload has one piece in memory at a time, and its place in the order") {
    int live = 0, called = 0;
    constexpr std::size_t size = 10'000'000;
    outbox out;
    out.push(shared_buffer::from_static("before"));
    std::size_t given = 0;
    const auto next = [&](std::size_t most) {
        ++called;
        REQUIRE(live == 0); // the one before was released
        const std::size_t n = std::min<std::size_t>(most, 70'001);
        std::string piece(n, '\0');
        for (char& c : piece) c = static_cast<char>(given++ % 251);
        return counted_bytes(std::move(piece), live);
    };
    out.push_pieces(size, next);
    out.push(shared_buffer::from_static("after"));
    CHECK(called == 0); // not before its turn
    CHECK(out.size() == size + 11);
    CHECK(shown(out) == "before");
    CHECK(called == 0);
    const std::string all = drained(out, 33'333);
    REQUIRE(all.size() == size + 11);
    CHECK(all.starts_with("before"));
    CHECK(all.ends_with("after"));
    bool right = true;
    for (std::size_t i = 0; i < size; ++i) right = right && all[i + 6] == static_cast<char>(i % 251);
    CHECK(right);
    CHECK(live == 0);
    CHECK(called == (size + 70'000) / 70'001);
    CHECK_FALSE(out.broken());
}

TEST_CASE("a streamed payload is never asked for more than it owes") {
    outbox out;
    std::vector<std::size_t> asked;
    out.push_pieces(300'000, [&](std::size_t most) {
        asked.push_back(most);
        return shared_buffer::adopt(std::string(std::min<std::size_t>(most, 200'000), 'x'));
    });
    out.push_pieces(0, [](std::size_t) -> shared_buffer { throw std::logic_error("not asked for"); });
    CHECK(out.segment_count() == 1);
    CHECK(drained(out, SIZE_MAX) == std::string(300'000, 'x'));
    CHECK(asked == std::vector<std::size_t>{256 * 1024, 100'000});
}

TEST_CASE("a streamed payload that ends early, or gives too much, breaks the outbox") {
    const std::size_t wrong = GENERATE(0U, 11U, 1'000'000U);
    outbox out;
    int calls = 0;
    out.push_pieces(30, [&](std::size_t) {
        const std::size_t n = ++calls <= 2 ? 10 : wrong;
        return n == 0 ? shared_buffer() : shared_buffer::adopt(std::string(n, 'x'));
    });
    out.push(shared_buffer::from_static("never sent"));
    CHECK(drained(out, 3) == std::string(20, 'x'));
    CHECK(out.broken());
    CHECK(out.size() == 20);
    CHECK(shown(out).empty());
    CHECK(out.broken());
    CHECK(calls == 3); // and is not asked again
    CHECK(aborts([&] { out.sent(1); }));
    out.clear();
    CHECK(out.empty());
}

TEST_CASE("a streamed payload whose function throws can be asked again") {
    outbox out;
    int calls = 0;
    out.push_pieces(5, [&](std::size_t) {
        if (++calls == 1) throw std::runtime_error("later");
        return shared_buffer::from_static("12345");
    });
    CHECK_THROWS_AS(shown(out), std::runtime_error);
    CHECK(out.size() == 5);
    CHECK(drained(out, 1) == "12345");
    CHECK_FALSE(out.broken());
}

TEST_CASE("to send more than waits aborts") {
    outbox out;
    out.sent(0);
    CHECK(out.writes() == 0);
    CHECK(aborts([&] { out.sent(1); }));
    out.push(shared_buffer::from_static("abc"));
    CHECK(aborts([&] { out.sent(4); }));
    out.push_pieces(3, [](std::size_t) { return shared_buffer::from_static("def"); });
    CHECK(aborts([&] { out.sent(4); })); // the piece was not given yet
    out.sent(3);
    CHECK(shown(out) == "def");
    CHECK(aborts([&] { out.sent(4); }));
    out.sent(3);
    CHECK(out.empty());
}

TEST_CASE("if memory runs out nothing has been pushed") {
    struct both {
        outbox out;
        buffer_chain answer;
        int calls = 0;
    };
    const auto prepare = [](std::size_t waiting) {
        return [waiting] {
            auto made = std::make_unique<both>();
            for (std::size_t i = 0; i < waiting; ++i) made->out.push(shared_buffer::from_static("w"));
            for (int i = 0; i < 3; ++i)
                made->answer.put_bytes(shared_buffer::from_static(i == 1 ? "bb" : "a"));
            return made;
        };
    };
    for (const std::size_t waiting : {0U, 14U, 16U}) {
        const auto unchanged = [waiting](const auto& s) {
            return s->out.size() == waiting && s->out.segment_count() == waiting && s->answer.size() == 4 &&
                   !s->out.congested();
        };
        CHECK(support::fail_each_allocation(support::fallible{
                  .prepare = prepare(waiting),
                  .change = [](auto& s) { s->out.push(std::move(s->answer)); },
                  .unchanged = unchanged,
                  .changed =
                      [waiting](const auto& s) { return s->out.size() == waiting + 4 && s->answer.empty(); },
              }) == support::kept_promise(1));
        CHECK(support::fail_each_allocation(support::fallible{
                  .prepare = prepare(waiting),
                  .change =
                      [](auto& s) {
                          for (int i = 0; i < 3; ++i)
                              if (s->calls == i) {
                                  s->out.push(shared_buffer::from_static("x"));
                                  ++s->calls;
                              }
                      },
                  .unchanged =
                      [waiting](const auto& s) {
                          return s->out.size() == waiting + static_cast<std::size_t>(s->calls) &&
                                 s->out.segment_count() == s->out.size();
                      },
                  .changed = [waiting](const auto& s) { return s->out.size() == waiting + 3; },
              }) == support::kept_promise(1));
        CHECK(support::fail_each_allocation(support::fallible{
                  .prepare = prepare(waiting),
                  .change =
                      [](auto& s) {
                          s->out.push_pieces(9'000'000, [](std::size_t) { return shared_buffer(); });
                      },
                  .unchanged = unchanged,
                  .changed =
                      [waiting](const auto& s) {
                          return s->out.size() == waiting + 9'000'000 && s->out.congested();
                      },
              }) == support::kept_promise(waiting == 14 ? 1 : 2));
    }
}

TEST_CASE("room that was reserved is used without an allocation") {
    outbox out;
    out.reserve(1000);
    buffer_chain answer;
    for (int i = 0; i < 1000; ++i) answer.put_bytes(shared_buffer::from_static(i % 2 == 0 ? "a" : "b"));
    REQUIRE(answer.segment_count() == 1000);
    CHECK(support::allocations_of([&] { out.push(std::move(answer)); }) == 0);
}

TEST_CASE("memory of a long queue is given up when it is empty") {
    outbox out;
    const std::size_t before = support::live_allocations;
    for (int i = 0; i < 5000; ++i) out.push(shared_buffer::from_static("x"));
    CHECK(out.segment_count() == 5000);
    out.sent(5000);
    CHECK(support::live_allocations == before);
}

TEST_CASE("any sequence of pushes and partial sends gives the bytes in order") {
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        outbox out({.high = 3000, .low = 500});
        std::string expected, seen;
        bool congested = false;
        for (int i = 0; i < 400; ++i) {
            const std::string text = random_text(1 + random() % 200, static_cast<unsigned>(random()));
            if (random() % 3 == 0) {
                out.push_pieces(text.size(), [text, at = std::size_t{0},
                                              step = 1 + random() % 50](std::size_t most) mutable {
                    const std::size_t n = std::min<std::size_t>(most, step);
                    at += n;
                    return shared_buffer::adopt(text.substr(at - n, n));
                });
                expected += text;
            } else if (random() % 2 == 0) {
                out.push(shared_buffer::adopt(text));
                expected += text;
            }
            congested = congested || out.size() >= 3000;
            while (random() % 3 == 0 && !out.empty()) {
                const std::string part = shown(out, 1 + random() % 4, 1 + random() % 300);
                REQUIRE(!part.empty());
                out.sent(part.size());
                seen += part;
                congested = congested && out.size() > 500;
            }
            REQUIRE(out.size() == expected.size() - seen.size());
            REQUIRE(out.congested() == congested);
        }
        seen += drained(out, 100);
        REQUIRE(seen == expected);
    }
}

TEST_CASE("parts of files of 16 KiB and more are told as regions, and may be sent in any parts") {
    const std::string content = random_text(100'000, 8);
    const support::temporary_file file(content);
    const shared_buffer mapped = kwire::map_file(file.descriptor, 0, content.size()).value();
    outbox out;
    out.push(shared_buffer::from_static("head"));
    out.push(*mapped.slice(1000, 16'384));
    out.push(*mapped.slice(50'000, 16'383)); // too short
    out.push(*mapped.slice(70'000, 30'000));
    CHECK_FALSE(out.file());
    CHECK(shown(out) == "head");
    out.sent(4);
    std::string all;
    std::array<iovec, 4> pieces;
    while (!out.empty()) {
        if (const auto region = out.file()) {
            CHECK(out.gather(pieces) == 0);
            std::string part(std::min<std::uint64_t>(region->size, 5000), '\0');
            REQUIRE(::pread(region->descriptor, part.data(), part.size(),
                            static_cast<off_t>(region->offset)) == static_cast<ssize_t>(part.size()));
            out.sent(part.size());
            all += part;
        } else {
            const std::string part = shown(out, 4, 6000);
            REQUIRE(!part.empty());
            out.sent(part.size());
            all += part;
        }
    }
    CHECK(all == content.substr(1000, 16'384) + content.substr(50'000, 16'383) + content.substr(70'000));
    CHECK(out.writes() == 1 + 4 + 3 + 6);

    out.set_uses_files(false);
    out.push(mapped);
    CHECK_FALSE(out.file());
    CHECK(drained(out, SIZE_MAX) == content);
}
