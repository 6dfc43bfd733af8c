#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <array>
#include <atomic>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/sanitized.hpp"

using kwire::shared_buffer;
using kwire::unique_buffer;
using support::aborts;

namespace {

constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();

std::string text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Also for temporaries, whose span() is deleted.
std::string text(const shared_buffer& b) { return text(b.span()); }
std::string text(const unique_buffer& b) { return text(b.span()); }

std::span<const std::byte> bytes_of(std::string_view s) {
    return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}

/// How much copied_bytes() rises while `f` runs.
template <class F>
std::uint64_t copied_by(F&& f) {
    const auto before = kwire::copied_bytes();
    f();
    return kwire::copied_bytes() - before;
}

unique_buffer filled(std::string_view content, std::size_t capacity) {
    unique_buffer b = unique_buffer::with_capacity(capacity);
    b.append(bytes_of(content));
    return b;
}

template <class T>
concept has_span_on_temporary = requires(T t) { std::move(t).span(); };
template <class T>
concept has_data_on_temporary = requires(T t) { std::move(t).data(); };

template <class T>
concept passes_as_span = requires(T t, void (*f)(std::span<const std::byte>)) { f(std::forward<T>(t)); };

} // namespace

static_assert(sizeof(shared_buffer) == 3 * sizeof(void*));
static_assert(sizeof(unique_buffer) == 4 * sizeof(void*));
static_assert(std::is_nothrow_move_constructible_v<shared_buffer> &&
              std::is_nothrow_move_assignable_v<shared_buffer>);
static_assert(std::is_nothrow_copy_constructible_v<shared_buffer>);
static_assert(std::is_nothrow_move_constructible_v<unique_buffer> &&
              std::is_nothrow_move_assignable_v<unique_buffer>);
static_assert(!std::copyable<unique_buffer>);
static_assert(!has_span_on_temporary<shared_buffer> && !has_data_on_temporary<shared_buffer>);
static_assert(!has_span_on_temporary<unique_buffer>);
static_assert(passes_as_span<shared_buffer&> && passes_as_span<const shared_buffer&>);
static_assert(!passes_as_span<shared_buffer> && !passes_as_span<const shared_buffer>);

TEST_CASE("a default shared_buffer is empty and keeps no memory alive") {
    const shared_buffer b;
    CHECK(b.empty());
    CHECK(b.size() == 0);
    CHECK(b.span().empty());
    CHECK(b.begin() == b.end());
    CHECK_FALSE(b.is_unique());
    CHECK(b.pinned_bytes() == 0);
    CHECK(b == shared_buffer::copy_of(""));
    CHECK(b.slice(0, 0).has_value());
    CHECK_FALSE(b.slice(0, 1).has_value());
    CHECK_FALSE(b.slice(1, 0).has_value());
}

TEST_CASE("copies and slices share the bytes of one allocation and keep them alive") {
    shared_buffer all = shared_buffer::copy_of("hello, kafka");
    CHECK(all.is_unique());
    CHECK(all.pinned_bytes() == 12);
    const std::byte* address = all.data();
    shared_buffer copy = all;
    CHECK(copy.data() == address);
    CHECK_FALSE(all.is_unique());
    shared_buffer part = all.slice(7, 5).value();
    CHECK(part.data() == address + 7);
    all = {};
    copy = {};
    CHECK(part.is_unique());
    CHECK(text(part) == "kafka");
    CHECK(part.pinned_bytes() == 12);
    CHECK(shared_buffer::copy_of("kafka") == part);
    CHECK_FALSE(shared_buffer::copy_of("kafkb") == part);
}

TEST_CASE("a moved-from buffer is empty, and assigning a buffer to itself keeps it") {
    shared_buffer a = shared_buffer::copy_of("abc");
    shared_buffer b = std::move(a);
    CHECK(a.empty()); // NOLINT(bugprone-use-after-move)
    CHECK(a.data() == nullptr);
    CHECK_FALSE(a.is_unique());
    shared_buffer& same = b;
    b = same;
    CHECK(text(b) == "abc");
    b = std::move(same);
    CHECK(text(b) == "abc");
    CHECK(b.is_unique());

    unique_buffer u = filled("abc", 8);
    unique_buffer v = std::move(u);
    CHECK(u.size() == 0); // NOLINT(bugprone-use-after-move)
    CHECK(u.capacity() == 0);
    unique_buffer& w = v;
    v = std::move(w);
    CHECK(text(v) == "abc");
}

TEST_CASE("slice refuses every range outside the buffer, even if offset plus length overflows") {
    const shared_buffer b = shared_buffer::copy_of("0123456789");
    const std::array<std::size_t, 12> grid{
        0, 1, 9, 10, 11, huge / 2, huge / 2 + 1, huge - 11, huge - 10, huge - 9, huge - 1, huge};
    for (std::size_t offset : grid)
        for (std::size_t length : grid) {
            const bool inside = offset <= 10 && length <= 10 && offset + length <= 10;
            CAPTURE(offset, length);
            const auto slice = b.slice(offset, length);
            REQUIRE(slice.has_value() == inside);
            if (inside) CHECK(text(slice->span()) == std::string("0123456789").substr(offset, length));
        }
}

TEST_CASE("slice_of makes an owning slice of a part of the buffer and refuses other bytes") {
    const shared_buffer whole = shared_buffer::copy_of("0123456789");
    const shared_buffer b = whole.slice(2, 6).value(); // 234567
    for (std::size_t from = 0; from <= 6; ++from)
        for (std::size_t n = 0; n <= 6 - from; ++n) {
            const auto part = b.slice_of(b.span().subspan(from, n));
            REQUIRE(part.has_value());
            CHECK(part->size() == n);
            if (n != 0) CHECK(part->data() == b.data() + from);
        }
    CHECK_FALSE(b.slice_of(whole.span().subspan(1, 2)).has_value()); // begins before
    CHECK_FALSE(b.slice_of(whole.span().subspan(7, 2)).has_value()); // ends after
    CHECK_FALSE(b.slice_of(whole.span().subspan(8, 1)).has_value()); // begins at the end
    CHECK_FALSE(b.slice_of(whole.span()).has_value());
    const shared_buffer other = shared_buffer::copy_of("0123456789");
    CHECK_FALSE(b.slice_of(other.span()).has_value());
    CHECK_FALSE(shared_buffer{}.slice_of(other.span()).has_value());
    CHECK(b.slice_of(other.span().first(0)).value().empty());
    CHECK(b.slice_of(std::string_view{}).value().empty());
    CHECK(b.slice_of(std::string_view(reinterpret_cast<const char*>(b.data()), 3)).value().size() == 3);
}

TEST_CASE("split_to, split_off and truncate divide a buffer, and do not change it for too large a size") {
    shared_buffer b = shared_buffer::copy_of("headbodytail");
    CHECK_FALSE(b.split_to(13).has_value());
    CHECK_FALSE(b.split_off(huge).has_value());
    CHECK(b.size() == 12);
    shared_buffer head = b.split_to(4).value();
    shared_buffer tail = b.split_off(4).value();
    CHECK(text(head) == "head");
    CHECK(text(b) == "body");
    CHECK(text(tail) == "tail");
    b.truncate(9);
    CHECK(b.size() == 4);
    b.truncate(2);
    CHECK(text(b) == "bo");
    CHECK(b.split_to(2).value().size() == 2);
    CHECK(b.empty());
    CHECK(b.pinned_bytes() == 0); // an empty rest keeps no memory alive
}

TEST_CASE("static bytes are not copied") {
    static constexpr std::array<std::byte, 3> table{std::byte{1}, std::byte{2}, std::byte{3}};
    const shared_buffer b = shared_buffer::from_static(table);
    CHECK(b.data() == table.data());
    CHECK_FALSE(b.is_unique());
    CHECK(b.pinned_bytes() == 0);
    CHECK(copied_by([&] { CHECK(b.slice(1, 2)->size() == 2); }) == 0);
    auto back = shared_buffer::from_static("literal").try_into_unique();
    REQUIRE_FALSE(back.has_value());
    CHECK(text(back.error()) == "literal");
}

TEST_CASE("adopt keeps its owner alive until the last slice is destroyed, and does not copy") {
    auto owner = std::make_shared<std::vector<std::byte>>(100, std::byte{7});
    std::weak_ptr watch = owner;
    const std::byte* address = owner->data();
    shared_buffer slice;
    CHECK(copied_by([&] {
              const std::span<const std::byte> bytes = *owner;
              shared_buffer b = shared_buffer::adopt(std::move(owner), bytes);
              CHECK(b.data() == address);
              CHECK(b.pinned_bytes() == 100);
              slice = b.slice(50, 10).value();
          }) == 0);
    CHECK_FALSE(watch.expired());
    CHECK(slice.data() == address + 50);
    CHECK(slice.is_unique());
    auto back = std::move(slice).try_into_unique();
    REQUIRE_FALSE(back.has_value()); // read-only, whatever the count
    CHECK(back.error().size() == 10);
    back = kwire::unexpected(shared_buffer{});
    CHECK(watch.expired());
}

TEST_CASE("adopt takes over strings and vectors, short strings included") {
    const shared_buffer small = shared_buffer::adopt(std::string("short"));
    CHECK(text(small) == "short");
    std::string big(1000, 'x');
    const char* address = big.data();
    const shared_buffer large = shared_buffer::adopt(std::move(big));
    CHECK(reinterpret_cast<const char*>(large.data()) == address);
    const shared_buffer vector = shared_buffer::adopt(std::vector<std::uint8_t>{1, 2, 3});
    CHECK(vector.size() == 3);
    CHECK(vector.data()[2] == std::byte{3});
}

TEST_CASE("an adopted container can be written to again by its last holder, in place") {
    std::vector<std::uint8_t> bytes{1, 2, 3, 4};
    bytes.reserve(100);
    const auto* const address = reinterpret_cast<const std::byte*>(bytes.data());
    shared_buffer b = shared_buffer::adopt(std::move(bytes));
    CHECK_FALSE(b.is_read_only());
    shared_buffer tail = b.slice(2, 2).value();
    auto refused = std::move(b).try_into_unique();
    REQUIRE_FALSE(refused.has_value()); // shared
    refused = kwire::unexpected(shared_buffer{});
    auto unique = std::move(tail).try_into_unique();
    REQUIRE(unique.has_value());
    CHECK(unique->data() == address + 2);
    CHECK(unique->capacity() == 2); // the vector's capacity beyond its size is not used

    shared_buffer text_buffer = shared_buffer::adopt(std::string("short")); // whose characters moved with it
    unique = std::move(text_buffer).try_into_unique();
    REQUIRE(unique.has_value());
    CHECK(unique->capacity() == 5);
    unique->data()[0] = std::byte{'S'};
    CHECK(text(std::move(*unique).freeze()) == "Short");

    shared_buffer vector = shared_buffer::adopt(std::vector<std::byte>(3, std::byte{7}));
    unique = std::move(vector).try_into_unique();
    REQUIRE(unique.has_value());
    unique->append(std::vector<std::byte>(100)); // leaves the vector, which is destroyed
    CHECK(unique->size() == 103);
    CHECK(shared_buffer::adopt(std::vector<std::byte>{}).try_into_unique().has_value());
}

TEST_CASE("adopting a non-owning container yields a read-only buffer") {
    std::array<std::byte, 3> mine{};
    shared_buffer span =
        shared_buffer::adopt(std::span<std::byte>(mine)); // a const span has mutable elements too
    CHECK(span.is_read_only());
    CHECK_FALSE(std::move(span).try_into_unique().has_value());
    CHECK(shared_buffer::adopt(std::string_view("abc")).is_read_only());
    CHECK(shared_buffer::adopt(new char[3], 3, [](const char* p) { delete[] p; }).is_read_only());
    CHECK(shared_buffer::from_static("abc").is_read_only());
    CHECK_FALSE(shared_buffer::copy_of("abc").is_read_only());
    CHECK_FALSE(shared_buffer{}.is_read_only());

    struct handle { // shares its bytes: even a const handle gives write access
        std::shared_ptr<std::byte[]> bytes = std::make_shared<std::byte[]>(3);
        [[nodiscard]] std::byte* data() const { return bytes.get(); }
        [[nodiscard]] std::size_t size() const { return 3; }
    };
    CHECK(shared_buffer::adopt(handle()).is_read_only());
}

TEST_CASE("adopt of a pointer calls its deleter exactly once, with or without the size") {
    int calls = 0;
    {
        shared_buffer b = shared_buffer::adopt(new char[4], 4, [&calls](char* p) {
            ++calls;
            delete[] p;
        });
        const shared_buffer copy = b;
        b = {};
        CHECK(calls == 0);
    }
    CHECK(calls == 1);
    std::size_t size = 0;
    {
        std::byte storage[16];
        const shared_buffer b =
            shared_buffer::adopt(&storage[0], 16, [&size](std::byte*, std::size_t n) { size = n; });
    }
    CHECK(size == 16);
}

TEST_CASE("try_into_unique works for the last holder only") {
    shared_buffer a = shared_buffer::copy_of("0123456789");
    const std::byte* address = a.data();
    shared_buffer b = a.slice(3, 4).value();
    auto refused = std::move(a).try_into_unique();
    REQUIRE_FALSE(refused.has_value());
    CHECK(text(refused.error()) == "0123456789");
    refused.error() = {};
    auto granted = std::move(b).try_into_unique();
    REQUIRE(granted.has_value());
    CHECK(b.empty()); // NOLINT(bugprone-use-after-move)
    CHECK(granted->data() == address + 3);
    CHECK(granted->size() == 4);
    CHECK(granted->capacity() == 7); // up to the end of the allocation
    granted->data()[0] = std::byte{'!'};
    CHECK(copied_by([&] {
              const shared_buffer frozen = std::move(*granted).freeze();
              CHECK(text(frozen) == "!456");
              CHECK(frozen.data() == address + 3);
          }) == 0);
    CHECK(shared_buffer{}.try_into_unique().value().capacity() == 0);
}

TEST_CASE("memory adopted with adopt_exclusive can be written to again") {
    auto storage = std::make_unique<std::array<std::byte, 8>>();
    const std::span<std::byte> bytes = *storage;
    shared_buffer b = shared_buffer::adopt_exclusive(std::move(storage), bytes);
    auto back = std::move(b).try_into_unique();
    REQUIRE(back.has_value());
    CHECK(back->data() == bytes.data());
    back->append(bytes_of("grows")); // leaves the adopted memory, which is released
    CHECK(back->size() == 13);
}

TEST_CASE("a split unique_buffer holds the memory, so the other part's frozen bytes are not unique") {
    unique_buffer in = filled("frame", 64);
    shared_buffer frame = in.split().freeze();
    CHECK_FALSE(frame.is_unique());
    auto refused = std::move(frame).try_into_unique();
    REQUIRE_FALSE(refused.has_value());
    in = {};
    CHECK(refused.error().is_unique());
}

TEST_CASE("split returns the filled part without copying and keeps the rest of the capacity") {
    unique_buffer b = filled("first", 16);
    const std::byte* address = b.data();
    CHECK(copied_by([&] {
              unique_buffer first = b.split();
              CHECK(first.data() == address);
              CHECK(first.capacity() == 5);
              CHECK(b.empty());
              CHECK(b.capacity() == 11);
              CHECK(b.spare().data() == address + 5);
              b.spare()[0] = std::byte{'x'};
              b.commit(1);
              CHECK(text(first) == "first");
              CHECK(b.split_to(2) == std::nullopt);
              CHECK(text(b.split_to(1).value()) == "x");
          }) == 0);
    CHECK(b.capacity() == 10);
    CHECK(unique_buffer{}.split().capacity() == 0);
    unique_buffer full = filled("abcd", 4);
    CHECK(std::move(full.split()).freeze().is_unique()); // no spare part keeps the memory
}

TEST_CASE("unsplit joins adjacent parts in place and appends others") {
    unique_buffer b = filled("headtail", 32);
    unique_buffer head = b.split_to(4).value();
    CHECK(copied_by([&] { head.unsplit(std::move(b)); }) == 0);
    CHECK(text(head) == "headtail");
    CHECK(head.capacity() == 32);

    CHECK(copied_by([&] { head.unsplit(filled("x", 1)); }) == 2); // once into the part, once after the rest
    CHECK(text(head) == "headtailx");

    unique_buffer spare = head.split(); // spare capacity comes back too
    const std::size_t left = head.capacity();
    spare.unsplit(std::move(head));
    CHECK(spare.capacity() == spare.size() + left);

    unique_buffer first = spare.split_to(4).value();
    unique_buffer second = spare.split_to(4).value();
    CHECK(copied_by([&] { second.unsplit(std::move(first)); }) == 8); // wrong order, and no room
    CHECK(text(second) == "tailhead");

    unique_buffer empty = unique_buffer::with_capacity(4);
    CHECK(copied_by([&] { empty.unsplit(std::move(second)); }) == 0);
    CHECK(text(empty) == "tailhead");
}

TEST_CASE("unsplit does not join a part that begins after unfilled capacity") {
    unique_buffer b = filled("abcdef", 6);
    unique_buffer head = b.split_to(3).value();
    head.truncate(2); // "ab", then a hole, then "def"
    head.unsplit(std::move(b));
    CHECK(text(head) == "abdef");
}

TEST_CASE("reserve grows geometrically, keeps the content and counts the bytes that it moves") {
    unique_buffer b;
    CHECK(copied_by([&] { b.reserve(10); }) == 0);
    CHECK(b.capacity() >= 10);
    b.append(bytes_of("0123456789"));
    const std::size_t before = b.capacity();
    CHECK(copied_by([&] { b.reserve(before - b.size()); }) == 0);
    CHECK(b.capacity() == before);
    CHECK(copied_by([&] { b.reserve(before); }) == 10);
    CHECK(b.capacity() >= 2 * before);
    CHECK(text(b) == "0123456789");

    unique_buffer many;
    const std::uint64_t copied = copied_by([&] {
        for (int i = 0; i < 100000; ++i) many.append(bytes_of("x"));
    });
    CHECK(copied < 3 * 100000);
}

#ifndef KWIRE_TEST_SANITIZED // whose operator new aborts instead
TEST_CASE("an impossible size throws bad_alloc and changes nothing") {
    unique_buffer b = filled("abc", 3);
    CHECK_THROWS_AS(b.reserve(huge), std::bad_alloc);
    CHECK_THROWS_AS(b.reserve(huge - b.size()), std::bad_alloc);
    CHECK_THROWS_AS(unique_buffer::with_capacity(huge), std::bad_alloc);
    CHECK_THROWS_AS(unique_buffer::with_capacity(huge - 8), std::bad_alloc);
    CHECK(text(b) == "abc");
    CHECK(b.capacity() == 3);
}
#endif

TEST_CASE("truncate shortens a unique_buffer, and shows no byte that was not written") {
    unique_buffer b = filled("abc", 8);
    b.truncate(5);
    CHECK(b.size() == 3);
    b.truncate(2);
    CHECK(text(b.span()) == "ab");
    b.truncate(3);
    CHECK(b.size() == 2);
}

TEST_CASE("a sum of sizes that does not fit is the largest size, which no allocation can have") {
    CHECK(kwire::detail::saturating_add(huge - 8, 8) == huge);
    CHECK(kwire::detail::saturating_add(huge - 8, 9) == huge);
    CHECK(kwire::detail::saturating_add(32, huge) == huge);
}

TEST_CASE("append accepts bytes of the buffer itself, even if it has to grow") {
    unique_buffer b = filled("abc", 3);
    for (int i = 0; i < 8; ++i) b.append(std::as_const(b).span());
    CHECK(b.size() == 3 * 256);
    for (std::size_t i = 0; i < b.size(); ++i) REQUIRE(b.data()[i] == std::byte("abc"[i % 3]));
}

TEST_CASE("every copy that a buffer makes is counted exactly, and nothing else is") {
    const shared_buffer b = shared_buffer::copy_of(std::string(1000, 'b'));
    CHECK(copied_by([&] { (void)shared_buffer::copy_of(b.span()); }) == 1000);
    CHECK(copied_by([&] { (void)b.slice(10, 100).value().detach(); }) == 100);
    unique_buffer u = unique_buffer::with_capacity(1500);
    CHECK(copied_by([&] { u.append(b.span().first(300)); }) == 300);
    CHECK(copied_by([&] { u.append(b); }) == 1000);
    CHECK(copied_by([&] { u.reserve(300); }) == 1300);
    CHECK(copied_by([&] { u.append(b); }) == 1000);
    REQUIRE(u.capacity() == 3000);
    CHECK(copied_by([&] { u.append(b); }) == 2300 + 1000); // the existing bytes move too
    CHECK(copied_by([&] { unique_buffer(filled("ab", 2)).unsplit(filled("cd", 2)); }) == 2 + 2 + (2 + 2));
    CHECK(copied_by([&] {
              shared_buffer copy = b;
              shared_buffer moved = std::move(copy);
              (void)moved.slice(1, 2);
              (void)moved.slice_of(moved.span());
              (void)moved.split_to(5);
              (void)moved.split_off(5);
              moved.truncate(1);
              (void)shared_buffer::from_static("x");
              (void)shared_buffer::adopt(std::string("x"));
              unique_buffer fresh = unique_buffer::with_capacity(100);
              fresh.commit(50);
              (void)std::move(fresh).freeze().try_into_unique();
          }) == 0);
}

TEST_CASE("detach copies a small part of a large buffer, which is then not kept alive") {
    shared_buffer large = shared_buffer::copy_of(std::string(1 << 20, 'x'));
    shared_buffer small = large.slice(5, 20).value();
    CHECK(small.pinned_bytes() == 1 << 20);
    small = small.detach();
    CHECK(small.pinned_bytes() == 20);
    CHECK(large.is_unique());
    CHECK(text(small) == std::string(20, 'x'));
}

TEST_CASE("a commit beyond the capacity aborts") {
    CHECK_FALSE(aborts([] { unique_buffer::with_capacity(8).commit(8); }));
    CHECK(aborts([] { unique_buffer::with_capacity(8).commit(9); }));
    CHECK(aborts([] { filled("abc", 8).commit(huge - 1); }));
}

TEST_CASE("a reference count aborts before it can overflow") {
    CHECK(aborts([] {
        shared_buffer b = shared_buffer::copy_of("x");
        kwire::detail::buffer_access::control(b)->references.store(huge / 2 + 1);
        shared_buffer copy = b;
    }));
    CHECK_FALSE(aborts([] {
        shared_buffer b = shared_buffer::copy_of("x");
        kwire::detail::buffer_access::control(b)->references.store(huge / 2);
        shared_buffer copy = b;
    }));
}

TEST_CASE("random operations on slices agree with a model that copies") {
    std::mt19937 random(20240607);
    const auto below = [&](std::size_t n) { return n == 0 ? 0 : std::size_t{random() % n}; };
    std::vector<std::pair<shared_buffer, std::string>> live;
    for (int step = 0; step < 20000; ++step) {
        if (live.empty() || below(10) == 0) {
            std::string content(below(64), '\0');
            for (char& c : content) c = static_cast<char>('a' + below(26));
            live.emplace_back(shared_buffer::copy_of(content), content);
        }
        const std::size_t which = below(live.size());
        auto& [b, model] = live[which];
        const std::size_t n = below(model.size() + 1);
        switch (below(7)) {
        case 0: {
            auto head = b.split_to(n).value();
            std::string head_model = model.substr(0, n);
            model.erase(0, n);
            live.emplace_back(std::move(head), std::move(head_model));
            break;
        }
        case 1: {
            auto tail = b.split_off(n).value();
            std::string tail_model = model.substr(n);
            model.resize(n);
            live.emplace_back(std::move(tail), std::move(tail_model));
            break;
        }
        case 2:
            b.truncate(n);
            model.resize(n);
            break;
        case 3: {
            const std::size_t length = below(model.size() - n + 1);
            auto slice = b.slice_of(b.span().subspan(n, length)).value();
            live.emplace_back(std::move(slice), model.substr(n, length));
            break;
        }
        case 4: { // write to it if that is allowed; no one else may see that
            auto unique = std::move(b).try_into_unique();
            if (!unique) {
                b = std::move(unique).error();
                break;
            }
            for (char& c : model) c = static_cast<char>('A' + (c & 15));
            for (std::size_t i = 0; i < model.size(); ++i) unique->data()[i] = std::byte(model[i]);
            for (std::byte& spare : unique->spare()) spare = std::byte{'#'};
            b = std::move(*unique).freeze();
            break;
        }
        default: live[which] = std::move(live.back()); live.pop_back();
        }
        if (step % 97 == 0)
            for (const auto& [buffer, expected] : live) REQUIRE(text(buffer) == expected);
    }
}

TEST_CASE("threads may copy, slice and destroy buffers on one memory, and the last holder may write") {
    std::atomic<int> writers = 0;
    for (int round = 0; round < 200; ++round) {
        shared_buffer b = shared_buffer::copy_of(std::string(64, 'x'));
        std::atomic<int> granted = 0;
        const auto work = [&granted](shared_buffer mine) {
            for (std::size_t i = 0; i < 20; ++i) {
                shared_buffer copy = mine;
                shared_buffer part = copy.slice(i, 8).value();
                (void)part.is_unique();
                copy = part;
            }
            if (text(mine) != std::string(64, 'x')) std::abort();
            if (auto unique = std::move(mine).try_into_unique()) {
                for (std::byte& byte : unique->span()) byte = std::byte{'y'};
                ++granted;
            }
        };
        std::thread one(work, b);
        std::thread two(work, std::move(b));
        one.join();
        two.join();
        CHECK(granted <= 1);
        writers += granted;
    }
    INFO(writers << " of 200 rounds ended with a writer");
    CHECK(writers <= 200);
}

TEST_CASE("after is_unique returns true, all that other holders did is visible") {
    for (int round = 0; round < 200; ++round) {
        auto storage = std::make_unique<std::array<std::byte, 64>>();
        const std::span<std::byte> bytes = *storage;
        shared_buffer mine = shared_buffer::adopt_exclusive(std::move(storage), bytes);
        std::thread reader([theirs = mine]() mutable {
            unsigned sum = 0;
            for (std::byte byte : theirs) sum += std::to_integer<unsigned>(byte);
            if (sum != 0) std::abort();
            theirs = {};
        });
        while (!mine.is_unique()) std::this_thread::yield();
        auto unique = std::move(mine).try_into_unique();
        REQUIRE(unique.has_value());
        for (std::byte& byte : unique->span()) byte = std::byte{1}; // a data race without the acquire
        reader.join();
    }
}

TEST_CASE("parts of one allocation may be written by different threads") {
    unique_buffer first = unique_buffer::with_capacity(2000);
    first.commit(2000);
    unique_buffer second = first.split_to(1000).value();
    const auto fill = [](unique_buffer& b, char c) {
        for (std::byte& byte : b.span()) byte = std::byte(c);
    };
    std::thread other([&] { fill(second, 'b'); });
    fill(first, 'a');
    other.join();
    second.unsplit(std::move(first));
    CHECK(text(second) == std::string(1000, 'b') + std::string(1000, 'a'));
}

TEST_CASE("what threads copy is counted to the byte, also after they have ended") {
    constexpr std::size_t threads = 70; // more than there are counters
    const std::string bytes(100, 'x');
    const auto before = kwire::copied_bytes();
    std::vector<std::thread> all;
    for (std::size_t i = 0; i < threads; ++i)
        all.emplace_back([&, i] {
            for (std::size_t n = 0; n < 100; ++n) static_cast<void>(shared_buffer::copy_of(bytes.substr(i)));
        });
    for (std::thread& one : all) one.join();
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < threads; ++i) expected += 100 * (bytes.size() - i);
    CHECK(kwire::copied_bytes() - before == expected);
}
