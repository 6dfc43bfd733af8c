#include <kwire/buffer/held.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

using kwire::held;
using kwire::shared_buffer;

namespace sample {

/// A view as the library's own are: points at bytes, knows where they are.
class line_view {
public:
    line_view() = default;
    explicit line_view(std::span<const std::byte> bytes) : bytes_(bytes) {}
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
    }
    [[nodiscard]] line_view word(std::size_t from, std::size_t n) const {
        return line_view(bytes_.subspan(from, n));
    }
    friend std::span<const std::byte> bytes_of(const line_view& v) noexcept { return v.bytes_; }

private:
    std::span<const std::byte> bytes_;
};

/// A view that says nothing about its bytes, and has no default.
struct pair_view {
    pair_view(int f, int s) : first(f), second(s) {}
    int first;
    int second;
};

} // namespace sample

namespace {

held<sample::line_view> hold_line(std::string_view text) {
    shared_buffer bytes = shared_buffer::copy_of(text);
    const sample::line_view view(bytes.span());
    return {view, std::move(bytes)};
}

std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

template <class T>
concept gives_view = requires(T&& t) { std::forward<T>(t).view(); };
template <class T>
concept dereferences = requires(T&& t) { *std::forward<T>(t); };
template <class T>
concept has_arrow = requires(T&& t) { std::forward<T>(t).operator->(); };
template <class V>
concept can_be_held = requires(const held<sample::line_view>& line, V part) { line.hold(part); };
template <class T>
concept gives_bytes = requires(T&& t) { std::forward<T>(t).bytes(); };

} // namespace

using held_line = held<sample::line_view>;
static_assert(gives_view<held_line&> && gives_view<const held_line&>);
static_assert(!gives_view<held_line> && !gives_view<const held_line>);
static_assert(dereferences<held_line&> && !dereferences<held_line> && !dereferences<const held_line>);
static_assert(has_arrow<held_line&> && !has_arrow<held_line> && !has_arrow<const held_line>);
static_assert(gives_bytes<held_line&> && !gives_bytes<held_line>);
static_assert(can_be_held<sample::line_view> && !can_be_held<sample::pair_view>);
static_assert(sizeof(held_line) == sizeof(sample::line_view) + sizeof(shared_buffer));
static_assert(std::is_nothrow_move_constructible_v<held_line> && std::copyable<held_line>);
static_assert(std::default_initializable<held_line> && !std::default_initializable<held<sample::pair_view>>);

TEST_CASE("a held view keeps its bytes alive and shows what the view shows") {
    auto watch = std::make_shared<std::string>("to be or not to be");
    const std::weak_ptr alive = watch;
    const std::span<const std::byte> bytes = kwire::bytes_of_text(*watch);
    held_line line(sample::line_view(bytes), shared_buffer::adopt(std::move(watch), bytes));
    CHECK(line->text() == "to be or not to be");
    CHECK((*line).text() == line.view().text());
    CHECK(line.bytes().data() == bytes.data());
    held_line copy = line;
    line = {};
    CHECK(line->text().empty());
    CHECK_FALSE(alive.expired());
    CHECK(copy->text() == "to be or not to be");
    copy = {};
    CHECK(alive.expired());
}

TEST_CASE("moving a held view takes no reference and empties the source") {
    held_line a = hold_line("abc");
    held_line b = std::move(a);
    CHECK(a->text().empty()); // NOLINT(bugprone-use-after-move)
    CHECK(a.bytes().empty());
    CHECK(b.buffer().is_unique());
    a = std::move(b);
    CHECK(b->text().empty()); // NOLINT(bugprone-use-after-move)
    CHECK(b.bytes().empty());
    held_line& same = a;
    a = std::move(same);
    CHECK(a->text() == "abc");
    CHECK(a.buffer().is_unique());
    shared_buffer buffer = std::move(a).buffer();
    CHECK(a->text().empty()); // NOLINT(bugprone-use-after-move)
    CHECK(std::move(buffer).try_into_unique().has_value());

    held<sample::pair_view> pair({1, 2}, shared_buffer::copy_of("x")); // no default to fall back to
    const held<sample::pair_view> moved = std::move(pair);
    CHECK(moved->second == 2);
    CHECK(pair.bytes().empty()); // NOLINT(bugprone-use-after-move)
}

TEST_CASE("slice makes an owning slice of a string or span in O(1)") {
    held_line line = hold_line("topic-a,topic-b");
    const auto before = kwire::copied_bytes();
    const shared_buffer name = line.slice(line->text().substr(8)).value();
    const shared_buffer bytes = line.slice(line.bytes().first(5)).value();
    CHECK(kwire::copied_bytes() == before);
    CHECK(reinterpret_cast<const char*>(name.data()) == line->text().data() + 8);
    line = {};
    CHECK(text(name) == "topic-b");
    CHECK(text(bytes) == "topic");
}

TEST_CASE("slice refuses bytes that lie elsewhere, such as a schema default") {
    const held_line line = hold_line("abc");
    CHECK_FALSE(line.slice("consumer"));
    CHECK_FALSE(line.slice(kwire::bytes_of_text("consumer")));
    CHECK(line.slice(std::string_view{}).value().empty()); // nothing to keep alive
    CHECK(line.slice(std::span<const std::byte>{}).value().empty());
}

TEST_CASE("slice_or_copy copies bytes that lie elsewhere and counts them") {
    const held_line line = hold_line("abc");
    const auto before = kwire::copied_bytes();
    const shared_buffer copy = line.slice_or_copy("consumer");
    CHECK(kwire::copied_bytes() - before == 8);
    CHECK(text(copy) == "consumer");
    CHECK(copy.pinned_bytes() == 8);
    CHECK(line.slice_or_copy(std::string_view{}).empty());
    CHECK(line.slice_or_copy(std::span<const std::byte>{}).empty());
    const shared_buffer own = line.slice_or_copy(line->text());
    CHECK(own.data() == line.bytes().data());
    CHECK(kwire::copied_bytes() - before == 8);
}

TEST_CASE("hold of a sub-view outlives the view it came from") {
    held_line line = hold_line("one two three");
    held_line word = line.hold(line->word(4, 3)).value();
    line = {};
    CHECK(word->text() == "two");
    held_line nested = word.hold(word->word(1, 2)).value();
    word = {};
    CHECK(nested->text() == "wo");
}

TEST_CASE("hold refuses a sub-view of other bytes, which would dangle") {
    const held_line line = hold_line("abc");
    const held_line other = hold_line("abc");
    CHECK_FALSE(line.hold(other.view()));
    const auto part = line.hold(line->word(1, 2));
    REQUIRE(part);
    CHECK((*part)->text() == "bc");
    CHECK(line.hold(sample::line_view{})); // nothing to keep alive
}

TEST_CASE("held views of one buffer may be used on different threads") {
    held_line line = hold_line("one two three");
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 2; ++i)
        threads.emplace_back([mine = line.hold(line->word(4 * i, 3)).value()] {
            for (int n = 0; n < 1000; ++n) {
                const held_line copy = mine;
                if (copy->text().size() != 3) std::abort();
            }
        });
    line = {};
    for (std::thread& thread : threads) thread.join();
}
