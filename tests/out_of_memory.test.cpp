/// What is promised for the case that memory runs out: each allocation of each operation fails once, by
/// itself. Then the operation has changed nothing, leaves nothing allocated, and succeeds when it is tried
/// again.
///
/// Batches, codecs and frame readers have such tests of their own.
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/negotiation.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/read/index.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/nullable_list.hpp>
#include <kwire/write/scalar_list.hpp>
#include <kwire/write/to_data.hpp>

#include <array>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/fail_allocations.hpp"

using kwire::buffer_chain;
using kwire::shared_buffer;
using kwire::unique_buffer;
using support::fail_each_allocation;
using support::fallible;
using support::kept_promise;

namespace {

/// A chain of `segments` attached buffers, of one byte each.
buffer_chain chain_of(int segments, char c = 'a') {
    buffer_chain chain;
    for (int i = 0; i < segments; ++i) chain.put_bytes(shared_buffer::copy_of(std::string(1, c++)));
    return chain;
}

std::string text(const buffer_chain& chain) {
    std::string all;
    for (const auto& segment : chain)
        all.append(reinterpret_cast<const char*>(segment.data()), segment.size());
    return all.size() == chain.size() ? all : "a size of its own";
}
std::string text(const shared_buffer& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string text(const unique_buffer& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Two values that an operation concerns.
template <class A, class B>
struct two {
    A first;
    B second;
};
template <class A, class B>
two(A, B) -> two<A, B>;

kwire::fetch_response::data fetched() {
    kwire::fetch_response::data data;
    for (int t = 0; t < 3; ++t) {
        auto& topic = data.responses.emplace_back();
        topic.topic_id.bytes[0] = static_cast<std::byte>(t);
        for (std::int32_t p = 0; p < 3; ++p) {
            auto& partition = topic.partitions.emplace_back();
            partition.partition_index = p;
            partition.records = chain_of(p);
            kwire::fetch_response::aborted_transaction::data aborted{.producer_id = 7, .first_offset = p};
            aborted.unknown_tags.push_back({9, shared_buffer::copy_of("of it")});
            partition.aborted_transactions.push_back(std::move(aborted));
            partition.unknown_tags.push_back({9, shared_buffer::copy_of("tag")});
        }
    }
    return data;
}
kwire::metadata_response::data described() {
    kwire::metadata_response::data data{.cluster_id = "a cluster whose name is not short"};
    for (int t = 0; t < 3; ++t) {
        auto& topic = data.topics.emplace_back();
        topic.name = "a topic whose name is not short " + std::to_string(t);
        for (std::int32_t p = 0; p < 3; ++p)
            topic.partitions.push_back(
                {.partition_index = p, .replica_nodes = {1, 2, 3, 4, 5, 6, 7, 8}, .isr_nodes = {1}});
    }
    return data;
}

/// Operations that make a value and change nothing: `make(state)`, which is to be `expected`.
template <class Prepare, class Make, class Expected>
support::promise fail_making(Prepare prepare, Make make, Expected expected) {
    using made = decltype(make(prepare()));
    struct state {
        decltype(prepare()) from;
        std::optional<made> result;
    };
    return fail_each_allocation(fallible{
        .prepare = [&] { return state{prepare(), {}}; },
        .change = [&](state& s) { s.result.emplace(make(std::as_const(s.from))); },
        .unchanged = [&](const state& s) { return !s.result.has_value(); },
        .changed = [&](const state& s) { return expected(*s.result); },
    });
}

constexpr auto nothing = [] { return 0; };

const std::string large(5000, 's');
const std::string name = "a name that is not short";

} // namespace

TEST_CASE("the allocation that is refused is the one that was asked for, in every form of new") {
    if (!support::counts_allocations) return;
    struct alignas(64) aligned {
        char bytes[64];
    };
    const auto all = [](auto& made) {
        made.plain = std::make_unique<int>(1);
        made.array = std::make_unique<int[]>(3);
        made.aligned_one.reset(new aligned);
        made.aligned_array.reset(new aligned[2]);
        made.none_thrown.reset(new (std::nothrow) int(4));
        if (made.none_thrown == nullptr) throw std::bad_alloc();
    };
    struct made {
        std::unique_ptr<int> plain;
        std::unique_ptr<int[]> array;
        std::unique_ptr<aligned> aligned_one;
        std::unique_ptr<aligned[]> aligned_array;
        std::unique_ptr<int> none_thrown;
    };
    CHECK(fail_each_allocation(fallible{
              .prepare = [] { return made{}; },
              .change = all,
              .unchanged = [](const made& m) { return m.none_thrown == nullptr; },
              .changed = [](const made& m) { return m.none_thrown != nullptr; },
          }) == kept_promise(5));
    CHECK(support::allocated_bytes_of([] { std::string("long enough").reserve(299); }) == 300);
}

TEST_CASE("a broken promise is noticed: a change, a leak, a hidden refusal") {
    if (!support::counts_allocations) return;
    const auto outcome = [](auto change) {
        return fail_each_allocation(fallible{
                                        .prepare = [] { return std::vector<int>{1}; },
                                        .change = change,
                                        .unchanged = [](const auto& v) { return v == std::vector{1}; },
                                        .changed = [](const auto& v) { return v == std::vector{1, 2}; },
                                    })
            .broken;
    };
    CHECK(outcome([](auto& v) { v.push_back(2); }) == "");
    CHECK(outcome([](auto& v) { v.push_back(3); }) == "wrong after a failure and a second attempt");
    CHECK(outcome([](auto& v) {
              v.clear();
              v.shrink_to_fit();
              v.assign({1, 2});
          }) == "changed by a failure");
    CHECK(outcome([](auto& v) {
              try {
                  v.push_back(2);
              } catch (const std::bad_alloc&) {}
          }) == "the refusal was hidden");
    static std::list<std::unique_ptr<int>> leaked;
    CHECK(outcome([](auto& v) {
              leaked.push_back(std::make_unique<int>(1));
              v.push_back(2);
          }) == "memory was left allocated");
    leaked.clear();
}

TEST_CASE("chains of any two lengths are joined whole or not at all") {
    // The list has room for one without memory of its own.
    for (int a = 0; a <= 14; ++a)
        for (int b = 0; b <= 14; ++b) {
            const std::string before = text(chain_of(a));
            const std::string added = text(chain_of(b, 'A'));
            CAPTURE(a, b);
            const std::size_t lists = a != 0 && b != 0 ? 1 : 0;
            const auto joined = [&](const auto& s) { return text(s.first) == before + added; };
            const support::promise moved = fail_each_allocation(fallible{
                .prepare = [&] { return two{chain_of(a), chain_of(b, 'A')}; },
                .change = [](auto& s) { s.first.put(std::move(s.second)); },
                .unchanged =
                    [&](const auto& s) {
                        return text(s.first) == before && text(s.second) == added && s.first == chain_of(a) &&
                               s.second == chain_of(b, 'A');
                    },
                .changed = [&](const auto& s) { return joined(s) && s.second.empty(); },
            });
            CHECK(moved.broken == "");
            CHECK(moved.refused <= lists);
            const support::promise copied = fail_each_allocation(fallible{
                .prepare = [&] { return two{chain_of(a), chain_of(b, 'A')}; },
                .change = [](auto& s) { s.first.put(std::as_const(s.second)); },
                .unchanged =
                    [&](const auto& s) { return text(s.first) == before && text(s.second) == added; },
                .changed = [&](const auto& s) { return joined(s) && text(s.second) == added; },
            });
            CHECK(copied.broken == "");
        }
    for (int a = 1; a <= 14; ++a) {
        const std::string before = text(chain_of(a));
        CAPTURE(a);
        CHECK(fail_each_allocation(
                  fallible{
                      .prepare = [&] { return chain_of(a); },
                      .change = [](buffer_chain& chain) { chain.put(chain); },
                      .unchanged = [&](const buffer_chain& chain) { return text(chain) == before; },
                      .changed = [&](const buffer_chain& chain) { return text(chain) == before + before; },
                  })
                  .broken == "");
    }
}

TEST_CASE("every other change of a chain happens whole or not at all") {
    const auto tried = [](int segments, std::string added, auto change) {
        const std::string before = text(chain_of(segments));
        return fail_each_allocation(fallible{
            .prepare = [&] { return chain_of(segments); },
            .change = change,
            .unchanged = [&](const buffer_chain& chain) { return text(chain) == before; },
            .changed = [&](const buffer_chain& chain) { return text(chain) == before + added; },
        });
    };
    for (const int segments : {0, 1, 3, 4, 5, 8, 9, 16}) {
        CAPTURE(segments);
        const std::size_t list =
            segments == 1 || segments == 4 || segments == 8 || segments == 16; // where the list has to grow
        const std::size_t outside = segments > 4 ? list : 0; // where it has no room in the block of scratch
        CHECK(tried(segments, "z", [](buffer_chain& c) { c.put_u8('z'); }) == kept_promise(1 + outside));
        CHECK(tried(segments, "zzzzzzzz", [](buffer_chain& c) { c.put_u64(0x7a7a7a7a7a7a7a7a); }) ==
              kept_promise(1 + outside));
        CHECK(tried(segments, "slice", [](buffer_chain& c) { c.put_slice("slice"); }) ==
              kept_promise(1 + outside));
        CHECK(tried(segments, large, [](buffer_chain& c) { c.put_slice(large); }) == kept_promise(1 + list));
        CHECK(tried(segments, "", [](buffer_chain& c) { c.compact(); }).broken == "");
        CHECK(tried(segments, "", [](buffer_chain& c) { c.reserve_scratch(100); }) == kept_promise(1));
        CHECK(tried(segments, "", [](buffer_chain& c) { c.reserve_segments(40); }) == kept_promise(1));
        CHECK(tried(segments, "ab", [](buffer_chain& c) {
                  buffer_chain scratch;
                  scratch.put_u8('a');
                  scratch.put_u8('b');
                  c.put(std::move(scratch));
              }).broken == "");

        // What was to be put still has its bytes.
        CHECK(fail_each_allocation(fallible{
                  .prepare = [&] { return two{chain_of(segments), shared_buffer::copy_of("bytes")}; },
                  .change = [](auto& s) { s.first.put_bytes(std::move(s.second)); },
                  .unchanged =
                      [&](const auto& s) {
                          return text(s.first) == text(chain_of(segments)) && text(s.second) == "bytes";
                      },
                  .changed = [](const auto& s) { return s.first.size() >= 5 && s.second.empty(); },
              }) == kept_promise(list));
        CHECK(fail_making([&] { return chain_of(segments); }, [](const buffer_chain& chain) { return chain; },
                          [&](const buffer_chain& copy) { return copy == chain_of(segments); }) ==
              kept_promise(0));
        CHECK(fail_making([&] { return chain_of(segments); },
                          [](const buffer_chain& chain) { return chain.to_bytes(); },
                          [&](const shared_buffer& all) { return text(all) == text(chain_of(segments)); }) ==
              kept_promise(segments > 1 ? 1 : 0));
    }
}

TEST_CASE("unique buffers keep their bytes where there is no memory for more") {
    const auto filled = [](std::string_view bytes) {
        unique_buffer buffer;
        buffer.append(std::as_bytes(std::span(bytes)));
        return buffer;
    };
    const auto tried = [&](std::string_view after, auto change) {
        return fail_each_allocation(fallible{
            .prepare = [&] { return filled("abc"); },
            .change = change,
            .unchanged = [](const unique_buffer& b) { return text(b) == "abc"; },
            .changed = [after](const unique_buffer& b) { return text(b) == after; },
        });
    };
    const std::string longer = "abc" + large;
    CHECK(tried(longer, [](unique_buffer& b) { b.append(std::as_bytes(std::span(large))); }) ==
          kept_promise(1));
    CHECK(tried("abc", [](unique_buffer& b) { b.reserve(1000); }) == kept_promise(1));
    CHECK(fail_each_allocation(fallible{
              .prepare = [&] { return two{filled("abc"), filled(large)}; },
              .change = [](auto& s) { s.first.unsplit(std::move(s.second)); },
              .unchanged = [](const auto& s) { return text(s.first) == "abc" && text(s.second) == large; },
              .changed = [&](const auto& s) { return text(s.first) == longer && s.second.empty(); },
          }) == kept_promise(1));
}

TEST_CASE("shared buffers are made whole or not at all, and adopted memory is given back once") {
    const auto is_bytes = [](const shared_buffer& b) { return text(b) == "bytes"; };
    CHECK(fail_making(
              nothing, [](int) { return shared_buffer::copy_of("bytes"); }, is_bytes) == kept_promise(1));
    CHECK(fail_making([] { return shared_buffer::copy_of("bytes"); },
                      [](const shared_buffer& b) { return b.detach(); }, is_bytes) == kept_promise(1));
    CHECK(fail_making(
              nothing, [](int) { return shared_buffer::adopt(std::vector<char>{'b', 'y', 't', 'e', 's'}); },
              is_bytes) == kept_promise(2));
    CHECK(fail_making(
              nothing,
              [](int) {
                  auto* const memory = static_cast<char*>(std::malloc(5));
                  std::memcpy(memory, "bytes", 5);
                  return shared_buffer::adopt(memory, 5, [](char* p) { std::free(p); });
              },
              is_bytes) == kept_promise(1));
    static const std::array<std::byte, 5> lent{std::byte{'b'}, std::byte{'y'}, std::byte{'t'}, std::byte{'e'},
                                               std::byte{'s'}};
    CHECK(fail_making(
              nothing, [](int) { return shared_buffer::adopt(std::make_unique<int>(1), lent); }, is_bytes) ==
          kept_promise(2));
    struct pages {
        std::unique_ptr<std::array<std::byte, 5>> memory;
        shared_buffer shown;
    };
    CHECK(fail_each_allocation(fallible{
              .prepare = [] { return pages{std::make_unique<std::array<std::byte, 5>>(lent), {}}; },
              .change =
                  [](pages& p) {
                      const std::span<std::byte> bytes(*p.memory);
                      p.shown = shared_buffer::adopt_exclusive(std::move(p.memory), bytes);
                  },
              .unchanged = [](const pages& p) { return p.memory != nullptr && p.shown.empty(); },
              .changed = [&](const pages& p) { return is_bytes(p.shown); },
          }) == kept_promise(1));
}

TEST_CASE("lists of data keep their elements") {
    const auto tried = [](auto list, auto change, auto changed) {
        return fail_each_allocation(fallible{
            .prepare = [&] { return list; },
            .change = change,
            .unchanged = [&](const auto& now) { return now == list; },
            .changed = changed,
        });
    };
    using numbers = kwire::scalar_list<std::int32_t>;
    const auto is_size = [](std::size_t n) { return [n](const auto& list) { return list.size() == n; }; };
    for (const numbers& list : {numbers{1, 2, 3, 4, 5}, numbers(20, 7)}) {
        const std::size_t n = list.size();
        static const numbers many(50, 7);
        CAPTURE(n);
        CHECK(tried(
                  list, [](auto& l) { l.insert(l.begin(), many.begin(), many.end()); }, is_size(n + 50))
                  .broken == "");
        CHECK(tried(list, [](auto& l) { l.resize(60); }, is_size(60)) == kept_promise(1));
        CHECK(tried(list, [](auto& l) { l.assign(60, 1); }, is_size(60)) == kept_promise(1));
        CHECK(tried(list, [](auto& l) { l = many; }, is_size(50)) == kept_promise(1));
        CHECK(tried(list, [](auto& l) { l.reserve(l.capacity() + 1); }, is_size(n)) == kept_promise(1));
        CHECK(tried(
                  list,
                  [](auto& l) {
                      l.reserve(100);
                      l.shrink_to_fit();
                  },
                  is_size(n))
                  .broken == "");
    }

    using names = kwire::nullable_list<std::string>;
    for (const names& list : std::array{names(), names(std::nullopt), names({name, name})}) {
        const std::size_t n = list.size();
        CAPTURE(n, list.is_null());
        CHECK(tried(list, [](auto& l) { l.push_back(name); }, is_size(n + 1)).broken == "");
        CHECK(tried(list, [](auto& l) { l.emplace_back(name); }, is_size(n + 1)).broken == "");
        CHECK(tried(list, [](auto& l) { l.resize(9); }, is_size(9)).broken == "");
        CHECK(tried(list, [](auto& l) { l.reserve(9); }, is_size(n)).broken == "");
        CHECK(tried(list, [](auto& l) { l.insert(l.begin(), name); }, is_size(n + 1)).broken == "");
        CHECK(tried(list, [](auto& l) { l = names{name, name, name}; }, is_size(3)).broken == "");
        static const std::vector<std::string> range(4, name);
        CHECK(tried(list, [](auto& l) { l = names(range.begin(), range.end()); }, is_size(4)).broken == "");
        CHECK(tried(list, [](auto& l) { l = names(range); }, is_size(4)).broken == "");
    }
    // What was to be added still has its characters.
    CHECK(fail_each_allocation(fallible{
              .prepare = [] { return two{names{}, name}; },
              .change = [](auto& s) { s.first.push_back(std::move(s.second)); },
              .unchanged = [](const auto& s) { return s.first.empty() && s.second == name; },
              .changed = [](const auto& s) { return s.first.size() == 1 && s.first[0] == name; },
          }) == kept_promise(2));

    const kwire::unknown_tag_list tags{{1, shared_buffer::copy_of("one")}};
    CHECK(tried(kwire::unknown_tag_list{}, [&](auto& l) { l = tags; }, is_size(1)) == kept_promise(2));
    CHECK(tried(tags, [](auto& l) { l.push_back({2, shared_buffer()}); }, is_size(2)) == kept_promise(1));
}

TEST_CASE("payloads are made whole or not at all, and a chain that was to be moved in is still there") {
    CHECK(fail_each_allocation(fallible{
              .prepare = [] { return two{kwire::payload(shared_buffer::copy_of("old")), chain_of(7)}; },
              .change = [](auto& s) { s.first = std::move(s.second); },
              .unchanged = [](const auto& s) { return s.first.size() == 3 && text(s.second) == "abcdefg"; },
              .changed = [](const auto& s) { return s.first.chain() == chain_of(7) && s.second.empty(); },
          }) == kept_promise(1));
    CHECK(fail_making([] { return chain_of(7); },
                      [](const buffer_chain& chain) { return kwire::payload(chain); },
                      [](const kwire::payload& p) { return p.chain() == chain_of(7); }) == kept_promise(1));
    CHECK(fail_making([] { return kwire::payload(chain_of(7)); }, [](const kwire::payload& p) { return p; },
                      [](const kwire::payload& p) { return p.chain() == chain_of(7); }) == kept_promise(1));
    CHECK(fail_making([] { return kwire::payload(chain_of(7)); },
                      [](const kwire::payload& p) { return p.to_bytes(); },
                      [](const shared_buffer& b) { return text(b) == "abcdefg"; }) == kept_promise(1));
}

TEST_CASE("encoding takes one allocation however many payloads there are, and leaves nothing if it fails") {
    const buffer_chain body = kwire::encode(fetched(), 13).value();
    CHECK(fail_making([] { return fetched(); },
                      [](const auto& data) { return kwire::encode(data, 13).value(); },
                      [&](const buffer_chain& out) { return out == body; }) == kept_promise(1));
    const buffer_chain frame = kwire::encode_response(fetched(), 13, 7).value();
    CHECK(fail_making([] { return fetched(); },
                      [](const auto& data) { return kwire::encode_response(data, 13, 7).value(); },
                      [&](const buffer_chain& out) { return out == frame; }) == kept_promise(1));
    const kwire::metadata_request::data request{.topics = {{{.name = "orders"}}}};
    CHECK(fail_making(
              nothing,
              [&](int) {
                  return kwire::encode_request(request, 12, 7, "a client whose name is not short").value();
              },
              [](const buffer_chain& out) { return out.size() > 40; }) == kept_promise(2));
    // 3, 4 and 5 payloads lie in 7, 9 and 11 segments, for which there once were three allocations.
    for (std::size_t payloads = 0; payloads < 12; ++payloads) {
        kwire::fetch_response::data data;
        auto& topic = data.responses.emplace_back();
        for (std::size_t i = 0; i < payloads; ++i)
            topic.partitions.push_back({.records = shared_buffer::copy_of("records")});
        CAPTURE(payloads);
        CHECK(fail_making([&] { return &data; },
                          [](const auto* from) { return kwire::encode(*from, 13).value(); },
                          [](const buffer_chain& out) { return !out.empty(); }) == kept_promise(1));
    }
}

TEST_CASE("data is made of messages and copied whole or not at all") {
    const auto check = [](const auto& message, const auto& data, int version) {
        const buffer_chain body = kwire::encode(data, version).value();
        const auto same = [&](const auto& made) { return kwire::encode(made, version).value() == body; };
        const auto from = [&] { return &message; };
        const support::promise made =
            fail_making(from, [](const auto* m) { return kwire::to_data(*m); }, same);
        CHECK(made.broken == "");
        CHECK(made.refused > (support::counts_allocations ? 5 : 0) - 1);
        CHECK(fail_making(from, [](const auto* m) { return kwire::to_data(*m, {}).value(); }, same) == made);
        CHECK(fail_making(from, [](const auto* m) { return kwire::copy_to_data(**m); }, same).broken == "");
        CHECK(fail_making([&] { return &data; }, [](const auto* d) { return *d; }, same).broken == "");
        // A message that is moved into its data is as it was where they are not made.
        struct state {
            std::remove_cvref_t<decltype(message)> from;
            std::optional<std::remove_cvref_t<decltype(data)>> made{};
        };
        CHECK(fail_each_allocation(fallible{
                  .prepare = [&] { return state{message}; },
                  .change = [](state& s) { s.made.emplace(kwire::to_data(std::move(s.from))); },
                  .unchanged =
                      [&](const state& s) {
                          return !s.made && s.from.bytes().data() == message.bytes().data() &&
                                 !s.from.buffer().is_unique();
                      },
                  .changed = [&](const state& s) { return same(*s.made) && s.from.bytes().empty(); },
              }) == made);
    };
    const auto fetch =
        kwire::parse<kwire::fetch_response>(kwire::encode(fetched(), 17).value().to_bytes(), 17);
    REQUIRE(fetch);
    check(*fetch, fetched(), 17);
    const auto metadata =
        kwire::parse<kwire::metadata_response>(kwire::encode(described(), 12).value().to_bytes(), 12);
    REQUIRE(metadata);
    check(*metadata, described(), 12);
}

TEST_CASE("copies of data may fail, and say so, while moves do not") {
    const auto may_fail = []<class T>(const T&) {
        STATIC_REQUIRE_FALSE(std::is_nothrow_copy_assignable_v<T>);
        STATIC_REQUIRE_FALSE(std::is_nothrow_copy_constructible_v<T>);
        STATIC_REQUIRE(std::is_nothrow_move_assignable_v<T>);
        STATIC_REQUIRE(std::is_nothrow_move_constructible_v<T>);
    };
    may_fail(kwire::fetch_response::partition_data::data{}); // of which no member but lists can fail
    may_fail(kwire::metadata_response::data{});
    may_fail(kwire::unknown_tag_list{});
    may_fail(kwire::nullable_list<std::int32_t>{});
    may_fail(two{buffer_chain(), kwire::payload()});

    const auto assigned = [](const auto& value) {
        return fail_each_allocation(fallible{
            .prepare = [] { return std::remove_cvref_t<decltype(value)>(); },
            .change = [&](auto& target) { target = value; },
            .unchanged = [](const auto&) { return true; }, // a struct may be assigned in part
            .changed = [&](const auto& target) { return target == value; },
        });
    };
    CHECK(assigned(kwire::payload(chain_of(7))) == kept_promise(1));
    CHECK(assigned(chain_of(7)) == kept_promise(0));
    CHECK(assigned(kwire::unknown_tag_list{{1, shared_buffer()}}) == kept_promise(2));
    struct part {
        kwire::payload records;
        kwire::unknown_tag_list tags;
        bool operator==(const part&) const = default;
    };
    CHECK(assigned(part{chain_of(7), {{1, shared_buffer()}}}) == kept_promise(3));
}

TEST_CASE("a message that cannot be copied to be edited is still there") {
    const shared_buffer body = kwire::encode(described(), 12).value().to_bytes();
    struct state {
        kwire::message<kwire::metadata_response> message;
        kwire::result<kwire::editable<kwire::metadata_response>> edited;
    };
    const auto prepare = [&] {
        return state{kwire::parse<kwire::metadata_response>(body, 12).value(),
                     kwire::unexpected(kwire::error{})};
    };
    CHECK(
        fail_each_allocation(fallible{
            .prepare = prepare,
            .change = [](state& s) { s.edited = kwire::edit(std::move(s.message), kwire::if_shared::copy); },
            .unchanged =
                [&](const state& s) {
                    return !s.edited && s.message.buffer().data() == body.data() &&
                           s.message.body() == body && s.message->topics().size() == 3;
                },
            .changed = [](const state& s) { return s.edited && (*s.edited)->topics().size() == 3; },
        }) == kept_promise(1));
    CHECK(fail_each_allocation(fallible{
              .prepare = prepare,
              .change = [](state& s) { s.edited = kwire::edit(std::move(s.message)); },
              .unchanged = [](const state&) { return false; },
              .changed = [&](const state& s) { return !s.edited && s.message.body() == body; },
          }) == kept_promise(0));
}

TEST_CASE("indexes, other versions and clamped offers are made whole or not at all") {
    const auto response =
        kwire::parse<kwire::metadata_response>(kwire::encode(described(), 12).value().to_bytes(), 12);
    REQUIRE(response);
    CHECK(fail_making(
              nothing, [&](int) { return kwire::indexed(response->topics()); },
              [](const auto& index) {
                  return index.size() == 3 && index.find("a topic whose name is not short 2").has_value();
              }) == kept_promise(1));

    const kwire::message_info& info = kwire::message_info_of<kwire::fetch_response>;
    const shared_buffer body = kwire::encode(fetched(), 16).value().to_bytes();
    const buffer_chain as_13 = kwire::transcode(info, body, 16, 13).value();
    const support::promise transcoded = fail_making(
        nothing, [&](int) { return kwire::transcode(info, body, 16, 13).value(); },
        [&](const buffer_chain& out) { return out == as_13; });
    CHECK(transcoded.broken == "");
    CHECK(transcoded.refused >= kept_promise(2).refused);

    kwire::api_versions_response::data offer;
    offer.api_keys.push_back({.api_key = kwire::api_key::fetch, .min_version = 4, .max_version = 17});
    offer.supported_features.push_back({.name = "a feature whose name is not short"});
    const auto answer =
        kwire::parse<kwire::api_versions_response>(kwire::encode(offer, 3).value().to_bytes(), 3);
    REQUIRE(answer);
    const support::promise clamped = fail_making(
        nothing, [&](int) { return kwire::clamp(**answer, kwire::known_apis); },
        [](const auto& out) {
            return out.body.api_keys.size() == 1 && out.body.supported_features.size() == 1;
        });
    CHECK(clamped.broken == "");
    CHECK(clamped.refused == kept_promise(3).refused);
}

TEST_CASE("parsing, holding, dispatching and comparing allocate nothing, so nothing of them can fail") {
    const kwire::payload list = chain_of(9);
    const kwire::payload same = chain_of(9);
    const kwire::payload one = chain_of(9).to_bytes();
    CHECK(fail_making(
              nothing, [&](int) { return list == same && list == one && one == list; },
              [](bool equal) { return equal; }) == kept_promise(0));

    const shared_buffer whole = kwire::encode_response(described(), 12, 7).value().to_bytes();
    const shared_buffer frame = *whole.slice(4, whole.size() - 4);
    const kwire::request_start asked{.api = kwire::api_key::metadata, .api_version = 12, .correlation_id = 7};
    CHECK(fail_making(
              nothing,
              [&](int) {
                  std::size_t topics = 0;
                  auto visitor = kwire::overloaded{
                      [&](const kwire::message<kwire::metadata_response>& r) {
                          for (const auto topic : r->topics()) topics += r.hold(topic) ? 1 : 0;
                      },
                      [](const kwire::response_frame&) {},
                  };
                  return kwire::dispatch(frame, asked, visitor) ? topics : 0;
              },
              [](std::size_t topics) { return topics == 3; }) == kept_promise(0));
}
