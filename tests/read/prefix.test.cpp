#include <kwire/error_text.hpp>
#include <kwire/messages/view/api_versions.hpp>
#include <kwire/messages/view/describe_topic_partitions.hpp>
#include <kwire/messages/view/fetch.hpp>
#include <kwire/messages/view/metadata.hpp>
#include <kwire/messages/view/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/prefix.hpp>

#include <cstddef>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"

namespace {

using kwire::parse_options;
using kwire::parse_prefix;
using kwire::prefix_options;
using kwire::test::exact_bytes;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

/// Whether two fronts of one struct show the same: one of a version that is known at run time, the other at
/// compile time. Both are of the same bytes.
struct comparison {
    std::size_t missing = 0;
    std::size_t cut_elements = 0;

    template <class S, int V>
    bool same(const kwire::prefix_view<S>& a, const kwire::prefix_view<S, V>& b) {
        if (a.is_whole() != b.is_whole() || version_of(a) != version_of(b)) return false;
        if (bytes_of(a).data() != bytes_of(b).data() || bytes_of(a).size() != bytes_of(b).size())
            return false;
        const auto cut = a.cut(), other = b.cut();
        if (cut.has_value() != other.has_value()) return false;
        if (cut && text_of(*cut) != text_of(*other)) return false;
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return (maybe(a.template at<I>(), b.template at<I>()) && ...);
        }(std::make_index_sequence<kwire::detail::field_count<S>>{});
    }

    template <class A, class B>
    bool maybe(const std::optional<A>& a, const std::optional<B>& b) {
        if (!a) ++missing;
        return a.has_value() == b.has_value() && (!a || value(*a, *b));
    }
    template <class S, int V>
    bool value(const kwire::prefix_view<S>& a, const kwire::prefix_view<S, V>& b) {
        return same(a, b);
    }
    template <class A, class B>
    bool value(const std::optional<A>& a, const std::optional<B>& b) {
        return a.has_value() == b.has_value() && (!a || value(*a, *b));
    }
    template <class A, class B>
    bool value(const kwire::prefix_array<A>& a, const kwire::prefix_array<B>& b) {
        if (a.claimed() != b.claimed() || a.is_null() != b.is_null() || a.is_whole() != b.is_whole() ||
            a.size() != b.size() || a.whole().size() != b.whole().size())
            return false;
        if constexpr (requires { a.cut(); }) {
            const auto cut = a.cut();
            cut_elements += cut ? 1 : 0;
            const auto other = b.cut();
            if (cut.has_value() != other.has_value() || (cut && !same(*cut, *other))) return false;
            for (auto whole = a.whole().begin(); const auto one : b.whole())
                if (bytes_of(*whole++).size() != bytes_of(one).size()) return false;
        }
        auto at = b.begin();
        for (const auto one : a) {
            if (at == b.end() || !value(one, *at)) return false;
            ++at;
        }
        return at == b.end();
    }
    template <class A, class B>
    bool value(const A& a, const B& b) {
        if constexpr (std::is_same_v<A, std::span<const std::byte>>)
            return a.data() == b.data() && a.size() == b.size();
        else
            return a == b || (a != a && b != b);
    }
};

struct tally {
    std::size_t cuts = 0;
    std::size_t refused = 0;
    comparison both;
};

template <class M, int V>
void compare(std::span<const std::byte> some, const prefix_options& options, tally& sum) {
    const auto at_run_time = parse_prefix<M>(some, V, options);
    const auto at_compile_time = parse_prefix<M, V>(some, options);
    ++sum.cuts;
    if (at_run_time.has_value() != at_compile_time.has_value())
        FAIL("one takes it, the other does not: " << kwire::test::to_hex(some));
    if (!at_run_time) {
        ++sum.refused;
        if (text_of(at_run_time.error()) != text_of(at_compile_time.error()))
            FAIL(text_of(at_compile_time.error()) << " instead of " << text_of(at_run_time.error()));
        return;
    }
    if (!sum.both.same(*at_run_time, *at_compile_time))
        FAIL("they show different things: " << kwire::test::to_hex(some));
}

/// All cuts of the golden messages of one kind, as they are and with wrong bytes in them.
template <class M, int V>
tally compare_all() {
    tally sum;
    std::mt19937 random(static_cast<unsigned>(V));
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.message != M::facts.name || line.version != V) continue;
        CAPTURE(line.name());
        const std::size_t size = line.bytes.size(), step = size / 48 + 1;
        for (std::size_t cut = 0; cut <= size; cut += step) {
            CAPTURE(cut);
            exact_bytes some(std::span(line.bytes).first(cut));
            compare<M, V>(some.span(), {}, sum);
            compare<M, V>(some.span(), {.whole_size = size}, sum);
            compare<M, V>(some.span(), {.whole_size = cut}, sum);
            compare<M, V>(some.span(), {.whole_size = cut + 7}, sum);
            if (cut == 0) continue;
            auto wrong = std::span(line.bytes).first(cut);
            std::vector<std::byte> changed(wrong.begin(), wrong.end());
            changed[random() % cut] = static_cast<std::byte>(random());
            const exact_bytes bytes(changed);
            compare<M, V>(bytes.span(), {}, sum);
            compare<M, V>(bytes.span(), {.whole_size = size}, sum);
            compare<M, V>(bytes.span(), {.tolerate = parse_options::as_kafka()}, sum);
            compare<M, V>(bytes.span(), {.tolerate = parse_options::lenient(), .whole_size = size}, sum);
        }
    }
    CHECK(sum.cuts > 500);
    CHECK(sum.refused > 50);
    CHECK(sum.both.missing > 500);
    return sum;
}

} // namespace

TEST_CASE("a prefix view with the version as a constant shows what one without shows, and refuses the same") {
    const tally metadata = compare_all<kwire::metadata_response, 12>();
    CHECK(metadata.both.cut_elements > 100);
    compare_all<kwire::metadata_response, 1>();
    compare_all<kwire::metadata_response, 9>();
    compare_all<kwire::produce_request, 3>();
    compare_all<kwire::produce_request, 9>();
    compare_all<kwire::fetch_request, 12>();
    compare_all<kwire::fetch_request, 15>();
    compare_all<kwire::fetch_response, 4>();
    compare_all<kwire::fetch_response, 16>();
    compare_all<kwire::api_versions_response, 3>();
    compare_all<kwire::describe_topic_partitions_response, 0>();
}

TEST_CASE("a prefix view with the version as a constant shows the partitions of a topic that is cut") {
    using message = kwire::metadata_response;
    std::string hex = "00000000"
                      "02"
                      "00000007"
                      "0268"
                      "00002384"
                      "00"
                      "00"
                      "00"
                      "00000007" // a broker h:9092
                      "02"
                      "0000"
                      "0274"
                      "000102030405060708090a0b0c0d0e0f"
                      "00"  // a topic t
                      "05"; // four partitions
    for (int i = 0; i < 4; ++i)
        hex += "0000"
               "0000000" +
               std::to_string(i) +
               "00000007"
               "00000001"
               "0200000007"
               "0200000007"
               "01"
               "00";
    const auto bytes = kwire::test::from_hex(hex);
    const std::size_t partition = 2 + 4 + 4 + 4 + 5 + 5 + 1 + 1;
    for (std::size_t spare = 0; spare < partition; ++spare) {
        const std::span<const std::byte> all(bytes);
        const exact_bytes some(all.first(all.size() - 1 - spare));
        const auto view = parse_prefix<message, 12>(some.span());
        REQUIRE(view);
        const auto topics = view->get<"topics">();
        REQUIRE(topics);
        CHECK(topics->claimed() == 1);
        CHECK(topics->whole().empty());
        REQUIRE(topics->size() == 1);
        const auto topic = *topics->begin();
        CHECK(topic.get<"name">() == std::optional<std::string_view>("t"));
        const auto partitions = topic.get<"partitions">();
        REQUIRE(partitions);
        CHECK(partitions->claimed() == 4);
        CHECK(partitions->whole().size() == 3);
        CHECK(partitions->cut().has_value() == (spare + 1 < partition));
        std::int32_t expected = 0;
        for (const auto one : *partitions) {
            const auto index = one.get<"partition_index">();
            if (expected < 3) CHECK(index.has_value());
            if (index) CHECK(*index == expected);
            ++expected;
        }
        CHECK_FALSE(topic.get<"topic_authorized_operations">());
    }
}

TEST_CASE("a prefix with a count that the whole message cannot hold is refused as the message is") {
    // 100 topics in 16 bytes.
    const exact_bytes whole(kwire::test::from_hex("00000064"
                                                  "00000000000000000000000000000000"));
    const auto refused = kwire::parse_view<kwire::metadata_request>(whole.span(), 1);
    REQUIRE_FALSE(refused.has_value());
    REQUIRE(refused.error().code == kwire::errc::count_exceeds_input);
    for (std::size_t cut = 4; cut <= whole.span().size(); ++cut) {
        CAPTURE(cut);
        const exact_bytes some(whole.span().first(cut));
        const auto front =
            parse_prefix<kwire::metadata_request>(some.span(), 1, {.whole_size = whole.span().size()});
        REQUIRE_FALSE(front.has_value());
        CHECK(text_of(front.error()) == text_of(refused.error()));
    }
    // Who does not know how much follows cannot say that it is too much.
    CHECK(parse_prefix<kwire::metadata_request>(whole.span().first(4), 1).has_value());
}
