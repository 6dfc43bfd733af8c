#include <kwire/buffer/buffer_chain.hpp>

#include <array>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/count_allocations.hpp"

using kwire::buffer_chain;
using kwire::shared_buffer;

namespace {

/// The bytes of the chain, gathered segment by segment.
std::string text(const buffer_chain& chain) {
    std::string out;
    for (const kwire::chain_segment& segment : chain)
        out.append(reinterpret_cast<const char*>(segment.data()), segment.size());
    return out;
}

std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

template <class F>
std::uint64_t copied_by(F&& f) {
    const auto before = kwire::copied_bytes();
    f();
    return kwire::copied_bytes() - before;
}

/// Checks what holds for every chain.
void check_form(const buffer_chain& chain) {
    std::uint64_t total = 0;
    for (const kwire::chain_segment& segment : chain) {
        REQUIRE(segment.size() != 0);
        total += segment.size();
    }
    REQUIRE(chain.size() == total);
    REQUIRE(chain.empty() == (total == 0));
    REQUIRE(chain.segments().size() == chain.segment_count());
    REQUIRE(static_cast<std::size_t>(std::distance(chain.begin(), chain.end())) == chain.segment_count());
}

shared_buffer payload(std::size_t n, char c = 'p') { return shared_buffer::copy_of(std::string(n, c)); }

/// n segments that cannot be merged, all put by reference.
buffer_chain of_segments(std::size_t n) {
    buffer_chain chain;
    for (std::size_t i = 0; i < n; ++i) chain.put_bytes(payload(i + 1, static_cast<char>('a' + i % 26)));
    return chain;
}

} // namespace

static_assert(std::copyable<buffer_chain>);
static_assert(std::is_nothrow_move_constructible_v<buffer_chain> &&
              std::is_nothrow_move_assignable_v<buffer_chain>);
static_assert(std::bidirectional_iterator<buffer_chain::const_iterator>);
static_assert(std::convertible_to<const kwire::chain_segment&, std::pair<const void*, std::size_t>>);
static_assert(!std::convertible_to<const kwire::chain_segment&, std::string>);

TEST_CASE("neighbours in memory that have different owners stay separate segments") {
    std::array<std::byte, 8> whole{};
    std::size_t freed = 0;
    const auto owned = [&](std::size_t offset) {
        return shared_buffer::adopt(whole.data() + offset, 4, [&freed](std::byte*) { ++freed; });
    };
    {
        buffer_chain chain(owned(0));
        chain.put_bytes(owned(4));
        CHECK(freed == 0); // the chain keeps both owners, not only that of the first part
        CHECK(chain.segment_count() == 2);
        CHECK(chain.pinned_bytes() == 8);
    }
    CHECK(freed == 2);
}

TEST_CASE("integers are written in the byte order of the function's name") {
    buffer_chain chain;
    CHECK(copied_by([&] {
              chain.put_u8(0x01);
              chain.put_u16(0x0203);
              chain.put_u32(0x04050607);
              chain.put_u64(0x08090a0b0c0d0e0f);
              chain.put_u16_le(0x1110);
              chain.put_u32_le(0x15141312);
              chain.put_u64_le(0x1d1c1b1a19181716);
          }) == 0);
    std::string expected;
    for (char c = 1; c <= 0x1d; ++c) expected += c;
    CHECK(text(chain) == expected);
    CHECK(chain.segment_count() == 1);

    buffer_chain negative;
    negative.put_i8(-2);
    negative.put_i16(-2);
    negative.put_i32(-2);
    negative.put_i64(-2);
    negative.put_i16_le(-2);
    negative.put_i32_le(-2);
    negative.put_i64_le(-2);
    using namespace std::string_literals;
    const std::string big1 = "\xfe", big2 = "\xff\xfe", big4 = "\xff\xff\xff\xfe";
    const std::string big8 = "\xff\xff\xff\xff\xff\xff\xff\xfe";
    CHECK(text(negative) == big1 + big2 + big4 + big8 + std::string(big2.rbegin(), big2.rend()) +
                                std::string(big4.rbegin(), big4.rend()) +
                                std::string(big8.rbegin(), big8.rend()));
}

TEST_CASE("an empty chain has no segments and becomes an empty buffer") {
    buffer_chain chain;
    check_form(chain);
    CHECK(chain.begin() == chain.end());
    CHECK(chain.to_bytes().empty());
    chain.put_bytes({});
    chain.put_slice(std::string_view{});
    chain.put(buffer_chain{});
    chain.put(chain);
    chain.compact();
    chain.finish();
    check_form(chain);
    CHECK(chain.segment_count() == 0);
}

TEST_CASE("payloads are attached by reference, between slices of one scratch block") {
    const shared_buffer body = payload(100000);
    buffer_chain chain;
    CHECK(copied_by([&] {
              chain.put_u32(100004);
              chain.put_bytes(body);
              chain.put_u32(7);
          }) == 0);
    REQUIRE(chain.segment_count() == 3);
    CHECK(chain.segments()[1].data() == body.data());
    CHECK(chain.segments()[0].data() + 4 == chain.segments()[2].data()); // one allocation
    CHECK(chain.size() == 100008);
    check_form(chain);
}

TEST_CASE("slices that are adjacent in one allocation become one segment") {
    const shared_buffer b = shared_buffer::copy_of("0123456789");
    buffer_chain chain;
    chain.put_bytes(b.slice(0, 3).value());
    chain.put_bytes(b.slice(3, 4).value());
    CHECK(chain.segment_count() == 1);
    chain.put_bytes(b.slice(8, 2).value()); // a gap
    CHECK(chain.segment_count() == 2);
    chain.put_bytes(b.slice(0, 1).value()); // backwards
    CHECK(chain.segment_count() == 3);
    chain.put_bytes(shared_buffer::copy_of("x"));
    CHECK(chain.segment_count() == 4);
    CHECK(text(chain) == "0123456890x");
    check_form(chain);

    // Static bytes belong to no allocation, so they are not joined even if they happen to be adjacent.
    static constexpr std::array<char, 4> table{'a', 'b', 'c', 'd'};
    buffer_chain fixed;
    fixed.put_bytes(shared_buffer::from_static(std::string_view(table.data(), 2)));
    fixed.put_bytes(shared_buffer::from_static(std::string_view(table.data() + 2, 2)));
    CHECK(text(fixed) == "abcd");
}

TEST_CASE("scratch segments continue where they ended, whatever was called in between") {
    buffer_chain chain;
    chain.put_slice("ab");
    CHECK(text(chain) == "ab"); // iteration needs no finish()
    chain.put_slice("cd");
    CHECK(chain.segment_count() == 1);
    const buffer_chain copy = chain;
    chain.put_slice("ef"); // the copy must not show it
    CHECK(text(copy) == "abcd");
    CHECK(text(chain) == "abcdef");
    CHECK(copy.begin()->data() == chain.begin()->data());
    chain.put_bytes(chain.begin()->buffer()); // the chain's own scratch, as a payload
    chain.put_slice("gh");
    CHECK(text(chain) == "abcdefabcdefgh");
    CHECK(text(copy) == "abcd");
    check_form(chain);
}

TEST_CASE("two copies of a chain do not write into each other's bytes") {
    buffer_chain a;
    a.put_slice("start-");
    buffer_chain b = a;
    buffer_chain c = std::move(a);
    b.put_slice("b");
    c.put_slice("c");
    a.put_slice("a"); // NOLINT(bugprone-use-after-move)
    CHECK(text(b) == "start-b");
    CHECK(text(c) == "start-c");
    CHECK(text(a) == "a");
}

TEST_CASE("scratch grows by blocks, so bytes keep their addresses") {
    buffer_chain chain;
    chain.put_u8('x');
    const std::byte* first = chain.begin()->data();
    std::string expected = "x";
    CHECK(copied_by([&] {
              for (int i = 0; i < 100000; ++i) {
                  chain.put_u16(0x6162);
                  expected += "ab";
              }
          }) == 0);
    CHECK(chain.begin()->data() == first);
    CHECK(text(chain) == expected);
    CHECK(chain.segment_count() < 30);
    check_form(chain);

    buffer_chain reserved;
    reserved.reserve_scratch(200000);
    for (int i = 0; i < 100000; ++i) reserved.put_u16(0x6162);
    CHECK(reserved.segment_count() == 1);
    CHECK(reserved.begin()->buffer().pinned_bytes() == 200000);
}

TEST_CASE("put_slice copies and counts slices of all sizes, also from the chain itself") {
    buffer_chain chain;
    CHECK(copied_by([&] { chain.put_slice("hello"); }) == 5);
    CHECK(copied_by([&] { chain.put_slice(std::string(100000, 'x')); }) == 100000);
    CHECK(copied_by([&] { chain.put_slice("world"); }) == 5);
    CHECK(text(chain) == "hello" + std::string(100000, 'x') + "world");
    CHECK(chain.segment_count() == 3); // the large one did not use up the block
    CHECK(chain.begin()[0].data() + 5 == chain.begin()[2].data());

    buffer_chain self;
    self.put_slice("abc");
    for (int i = 0; i < 10; ++i) self.put_slice(self.begin()->bytes());
    std::string expected = "abc";
    check_form(self);
    const std::string all = text(self);
    for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == "abc"[i % 3]);
}

TEST_CASE("putting a chain attaches its segments by reference") {
    buffer_chain chain;
    chain.put_slice("head ");
    buffer_chain other = of_segments(8);
    const std::byte* address = other.begin()->data();
    const std::string expected = "head " + text(other);

    buffer_chain by_copy = chain;
    CHECK(copied_by([&] { by_copy.put(other); }) == 0);
    CHECK(text(by_copy) == expected);
    CHECK(other.segment_count() == 8);

    CHECK(copied_by([&] { chain.put(std::move(other)); }) == 0);
    CHECK(text(chain) == expected);
    CHECK(chain.begin()[1].data() == address);
    CHECK(other.empty()); // NOLINT(bugprone-use-after-move)
    CHECK(other.segment_count() == 0);
    check_form(chain);
    chain.put_slice(" tail"); // still in the same block
    CHECK(chain.begin()[9].data() == chain.begin()->data() + 5);
}

TEST_CASE("put of a chain into an empty one takes over its list and its scratch") {
    buffer_chain other = of_segments(20);
    other.put_slice("tail");
    const auto* list = other.begin();
    const std::string expected = text(other);
    buffer_chain chain;
    CHECK(copied_by([&] { chain.put(std::move(other)); }) == 0);
    CHECK(chain.begin() == list);
    chain.put_slice("!");
    CHECK(chain.segment_count() == 21);
    CHECK(text(chain) == expected + "!");

    buffer_chain prepared; // the reserved memory is kept
    prepared.reserve_scratch(10000);
    buffer_chain small;
    small.put_slice("x");
    CHECK(copied_by([&] { prepared.put(std::move(small)); }) == 0);
    prepared.put_slice(std::string(9000, 'y'));
    CHECK(prepared.segment_count() == 2);
    CHECK(text(prepared) == "x" + std::string(9000, 'y'));
}

TEST_CASE("a chain of a little scratch is copied into the other's scratch, which is counted") {
    buffer_chain chain;
    chain.put_slice("abc");
    buffer_chain other;
    other.put_u32(0x64656667);
    CHECK(copied_by([&] { chain.put(std::move(other)); }) == 4);
    CHECK(chain.segment_count() == 1);
    CHECK(text(chain) == "abcdefg");
    buffer_chain large;
    large.put_slice(std::string(300, 'x'));
    CHECK(copied_by([&] { chain.put(large); }) == 0);
    CHECK(chain.segment_count() == 2);
    check_form(chain);
}

TEST_CASE("a chain may be put into itself") {
    buffer_chain chain;
    chain.put_slice("ab");
    chain.put_bytes(payload(2));
    chain.put(chain);
    CHECK(text(chain) == "abppabpp");
    buffer_chain& same = chain;
    chain.put(std::move(same));
    CHECK(text(chain) == "abppabpp");
    chain = same;
    CHECK(text(chain) == "abppabpp");
    check_form(chain);
}

TEST_CASE("copy, move and assignment keep content and addresses for every number of segments") {
    for (std::size_t n = 0; n < 20; ++n)
        for (std::size_t m : {0U, 3U, 6U, 7U, 15U}) {
            CAPTURE(n, m);
            buffer_chain a = of_segments(n);
            const std::string content = text(a);
            buffer_chain copy(a);
            CHECK(text(copy) == content);
            if (n != 0) CHECK(copy.begin()->data() == a.begin()->data());
            buffer_chain moved(std::move(a));
            CHECK(text(moved) == content);
            CHECK(a.empty()); // NOLINT(bugprone-use-after-move)
            CHECK(a.begin() == a.end());
            a.put_slice("again");
            CHECK(text(a) == "again");
            buffer_chain target = of_segments(m);
            target = moved;
            CHECK(text(target) == content);
            target = of_segments(m);
            target = std::move(moved);
            CHECK(text(target) == content);
            check_form(target);
            target.clear();
            CHECK(target.segment_count() == 0);
            target.put_bytes(payload(3));
            CHECK(text(target) == "ppp");
        }
}

TEST_CASE("compact merges runs of small neighbours by copying, and leaves large ones where they are") {
    const shared_buffer large = payload(1000);
    buffer_chain chain = of_segments(5); // 15 bytes in 5 pieces
    chain.put_bytes(large);
    chain.put_bytes(payload(5, 'q')); // a small one without small neighbours stays
    chain.put_bytes(large);
    chain.put_slice("xy");
    chain.put_bytes(payload(5, 'r'));
    const std::string content = text(chain);
    buffer_chain untouched = chain;
    CHECK(copied_by([&] { chain.compact(100); }) == 15 + 7);
    CHECK(text(chain) == content);
    REQUIRE(chain.segment_count() == 5);
    CHECK(chain.begin()[1].data() == large.data());
    CHECK(chain.begin()[2].data() == untouched.begin()[6].data());
    CHECK(copied_by([&] { chain.compact(100); }) == 0);
    CHECK(copied_by([&] { chain.compact(0); }) == 0);
    chain.put_slice("more");
    CHECK(text(chain) == content + "more");
    check_form(chain);
    chain.compact(1 << 20);
    CHECK(chain.segment_count() == 1);
    CHECK(text(chain) == content + "more");
    CHECK(text(untouched) == content);
}

TEST_CASE("to_bytes gives the segment itself if there is one, and copies several") {
    const shared_buffer b = payload(100);
    buffer_chain chain = buffer_chain::from_bytes(b);
    CHECK(copied_by([&] {
              const shared_buffer whole = chain.to_bytes();
              CHECK(whole.data() == b.data());
          }) == 0);
    chain.put_slice("tail");
    CHECK(copied_by([&] { CHECK(text(chain.to_bytes()) == std::string(100, 'p') + "tail"); }) == 104);
    CHECK(chain.to_bytes().pinned_bytes() == 104);
}

TEST_CASE("a buffer converts to a chain of one segment") {
    const shared_buffer b = payload(100);
    CHECK(copied_by([&] {
              const buffer_chain chain = b;
              REQUIRE(chain.segment_count() == 1);
              CHECK(chain.begin()->data() == b.data());
              CHECK(buffer_chain(shared_buffer{}).empty());
          }) == 0);
}

TEST_CASE("chains with equal bytes are equal, however they are divided into segments") {
    const shared_buffer whole = shared_buffer::copy_of(std::string_view("one two three"));
    buffer_chain pieces;
    for (const char c : std::string_view("one two three"))
        pieces.put_bytes(shared_buffer::copy_of(std::string_view(&c, 1)));
    buffer_chain halves;
    halves.put_bytes(shared_buffer::copy_of(std::string_view("one tw")));
    halves.put_bytes(shared_buffer::copy_of(std::string_view("o three")));
    REQUIRE(pieces.segment_count() == 13);
    CHECK(pieces == halves);
    CHECK(halves == pieces);
    CHECK(pieces == buffer_chain(whole));
    CHECK(buffer_chain{} == buffer_chain(shared_buffer{}));

    CHECK(pieces != buffer_chain(*whole.slice(0, 12)));
    CHECK(buffer_chain{} != pieces);
    buffer_chain other;
    other.put_bytes(shared_buffer::copy_of(std::string_view("one tw")));
    other.put_bytes(shared_buffer::copy_of(std::string_view("o threE")));
    CHECK(halves != other);
}

TEST_CASE("after finish the last segment can be the only holder of its memory") {
    buffer_chain chain;
    chain.put_slice("abc");
    chain.finish();
    shared_buffer bytes = chain.to_bytes();
    chain = {};
    CHECK(std::move(bytes).try_into_unique().has_value());
    chain.put_slice("works on");
    CHECK(text(chain) == "works on");
}

TEST_CASE("one segment needs no allocation, several one, their copies none, and reserved ones no further") {
    const shared_buffer body = payload(100);
    const auto fill = [&](buffer_chain& chain, int segments) {
        for (int i = 0; i < segments; ++i) chain.put_bytes(body);
    };
    const auto expected = [](std::size_t n) { return support::counts_allocations ? n : 0; };
    buffer_chain one;
    CHECK(support::allocations_of([&] {
              fill(one, 1);
              const buffer_chain copy = one;
              const buffer_chain moved = std::move(one);
          }) == 0);
    buffer_chain chain;
    CHECK(support::allocations_of([&] { fill(chain, 4); }) == expected(1));
    CHECK(support::allocations_of([&] {
              const buffer_chain copy = chain;
              const buffer_chain moved = std::move(chain);
          }) == 0);
    buffer_chain small; // the list lies in the block that the number is in
    CHECK(support::allocations_of([&] {
              small.put_u32(1);
              fill(small, 3);
          }) == expected(1));
    buffer_chain message; // as an encoder: one block for its own fields, and for the list with the payloads
    CHECK(support::allocations_of([&] {
              message.reserve(12, 5);
              message.put_u32(1);
              message.put_bytes(body);
              message.put_u32(2);
              message.put_bytes(body);
              message.put_u32(3);
          }) == expected(1));
    buffer_chain reserved;
    reserved.reserve_segments(100);
    CHECK(support::allocations_of([&] { fill(reserved, 100); }) == 0);
    CHECK(support::allocations_of([&] { fill(reserved, 1); }) == expected(1));
}

TEST_CASE("a chain that changes leaves its copies as they were, and they it") {
    for (int segments : {1, 2, 5}) {
        CAPTURE(segments);
        buffer_chain chain;
        for (int i = 0; i < segments; ++i) {
            chain.put_slice("s");
            chain.put_bytes(payload(1));
        }
        const std::string before = text(chain);
        buffer_chain first = chain;
        buffer_chain second = first;
        first.put_u8('1');
        CHECK(text(chain) == before);
        second.put_bytes(payload(2));
        CHECK(text(second) == before + "pp");
        CHECK(text(first) == before + "1");
        buffer_chain third = second;
        second.clear();
        CHECK(text(third) == before + "pp");
        chain.put(std::move(third));
        CHECK(text(chain) == before + before + "pp");
        CHECK(text(first) == before + "1");
        for (const buffer_chain* each : {&chain, &first, &second}) check_form(*each);
    }
}

TEST_CASE("a prebuilt slab may be sliced into the chain") {
    kwire::unique_buffer slab = kwire::unique_buffer::with_capacity(10);
    slab.append(kwire::bytes_of_text("0123456789"));
    const shared_buffer frozen = std::move(slab).freeze();
    buffer_chain chain;
    chain.reserve_segments(21);
    for (std::size_t i = 0; i < 10; ++i) {
        chain.put_bytes(frozen.slice(i, 1).value());
        chain.put_bytes(payload(1));
    }
    const auto* list = chain.begin();
    chain.put_bytes(payload(1));
    CHECK(chain.begin() == list); // reserved
    CHECK(text(chain) == "0p1p2p3p4p5p6p7p8p9pp");
}

TEST_CASE("random operations agree with a string") {
    std::mt19937 random(7);
    const auto below = [&](std::size_t n) { return std::size_t{random() % n}; };
    const shared_buffer pool = shared_buffer::copy_of([] {
        std::string s;
        for (int i = 0; i < 5000; ++i) s += static_cast<char>('a' + i % 26);
        return s;
    }());
    std::vector<std::pair<buffer_chain, std::string>> chains(4);
    for (int step = 0; step < 30000; ++step) {
        auto& [chain, model] = chains[below(4)];
        auto& [other, other_model] = chains[below(4)];
        const std::size_t n = below(20) == 0 ? below(2000) : below(20);
        const std::size_t at = below(5000 - n);
        switch (below(11)) {
        case 0:
            chain.put_u8('u');
            model += 'u';
            break;
        case 1:
            chain.put_u32_le(0x64636261);
            model += "abcd";
            break;
        case 2:
            chain.put_u64(0x6162636465666768);
            model += "abcdefgh";
            break;
        case 3:
            chain.put_slice(pool.span().subspan(at, n));
            model += text(pool).substr(at, n);
            break;
        case 4:
            chain.put_bytes(pool.slice(at, n).value());
            model += text(pool).substr(at, n);
            break;
        case 5:
            if (model.size() + other_model.size() > 20000) break;
            chain.put(other);
            model += std::string(other_model);
            break;
        case 6:
            if (&chain == &other || model.size() + other_model.size() > 20000) break;
            chain.put(std::move(other));
            model += std::exchange(other_model, {});
            break;
        case 7: chain.compact(below(100)); break;
        case 8: chain.finish(); break;
        case 9:
            other = chain;
            other_model = std::string(model);
            break;
        default:
            if (below(10) != 0) break;
            chain.clear();
            model.clear();
        }
        if (step % 53 == 0)
            for (const auto& [c, m] : chains) {
                check_form(c);
                REQUIRE(text(c) == m);
                REQUIRE(text(c.to_bytes()) == m);
            }
    }
}

TEST_CASE("one thread may send a copy while another puts more into the chain") {
    buffer_chain chain;
    chain.put_slice("start");
    for (int round = 0; round < 100; ++round) {
        const std::string expected = text(chain);
        std::thread sender([copy = chain, &expected] {
            if (text(copy) != expected) std::abort();
        });
        chain.put_u32(0x61626364);
        chain.put_bytes(payload(3));
        sender.join();
        if (chain.size() > 500) chain.clear();
    }
}

TEST_CASE("buffer_chain: pinned_bytes counts the memory of its segments once") {
    const std::vector<std::byte> many(1000);
    const auto frame = kwire::shared_buffer::copy_of(many);
    const auto other = kwire::shared_buffer::copy_of(std::span(many).first(50));
    kwire::buffer_chain chain;
    CHECK(chain.pinned_bytes() == 0);
    chain.put_bytes(*frame.slice(0, 10));
    CHECK(chain.pinned_bytes() == 1000);
    chain.put_bytes(other);
    chain.put_bytes(*frame.slice(500, 10));
    CHECK(chain.pinned_bytes() == 1050);
    chain.put_bytes(kwire::shared_buffer::from_static("static bytes keep nothing alive"));
    CHECK(chain.pinned_bytes() == 1050);
}
