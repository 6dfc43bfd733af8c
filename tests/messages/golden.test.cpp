/// Reads bytes that Kafka's own classes wrote, for every message, compares the values, and writes them again.
#include "support/golden.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "catch.hpp"
#include "generated/all.hpp"
#include "messages/digest.hpp"
#include "messages/json_comparison.hpp"
#include "messages/refusal.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"

namespace {

using support::digest;
using support::golden_message;
using support::message_type;

const std::vector<message_type>& types() {
    static const std::vector<message_type> all = support::all_messages();
    return all;
}

const message_type* type_of(const golden_message& line) {
    static const std::map<std::string_view, const message_type*> by_name = [] {
        std::map<std::string_view, const message_type*> found;
        for (const message_type& type : types()) found.emplace(type.facts.name, &type);
        return found;
    }();
    const auto found = by_name.find(line.message);
    if (found == by_name.end()) return nullptr;
    const kwire::message_facts& facts = found->second->facts;
    return facts.versions.contains(facts.canonical(line.version)) ? found->second : nullptr;
}

/// Calls `f(line, type)` for every line of a compiled message, and returns their number.
std::size_t each_line(bool rejected,
                      const std::function<void(const golden_message&, const message_type&)>& f) {
    std::size_t lines = 0;
    for (const golden_message& line : support::golden_messages())
        if (const message_type* type = type_of(line); type != nullptr && line.rejected() == rejected) {
            ++lines;
            f(line, *type);
        }
    return lines;
}

std::string hex_of(const kwire::buffer_chain& chain) {
    const kwire::shared_buffer bytes = chain.to_bytes();
    return kwire::test::to_hex(bytes.span());
}

std::string told(const std::optional<kwire::error>& error) {
    return error ? std::string(kwire::describe(*error)) : std::string("accepted");
}

} // namespace

TEST_CASE("every version of every generated message has golden lines") {
    std::set<std::pair<std::string, int>> there;
    for (const golden_message& line : support::golden_messages())
        if (!line.rejected()) there.emplace(line.message, line.version);
    std::size_t pairs = 0;
    for (const message_type& type : types())
        for (int version = type.facts.versions.first; version <= type.facts.versions.last;
             ++version, ++pairs) {
            CAPTURE(type.facts.name, version);
            CHECK(there.contains({std::string(type.facts.name), version}));
        }
    WARN(types().size() << " messages, " << pairs << " pairs of message and version");
    CHECK(pairs > types().size());
}

TEST_CASE("views show the values of Kafka's JSON, and cover exactly the bytes of the message") {
    std::size_t values = 0;
    const std::size_t lines = each_line(false, [&](const golden_message& line, const message_type& type) {
        const kwire::test::exact_bytes bytes(line.bytes);
        support::json_comparison comparison(line.json, bytes.span());
        const auto error = type.read(bytes.span(), line.version, comparison, {});
        if (!error && comparison.differences.empty() && comparison.unknown_tags == line.unknown_tag_count) {
            values += comparison.values;
            return;
        }
        CAPTURE(line.name(), kwire::test::to_hex(line.bytes), comparison.differences);
        CHECK(told(error) == "accepted");
        CHECK(comparison.differences.empty());
        CHECK(comparison.unknown_tags == line.unknown_tag_count);
    });
    WARN(lines << " lines, " << values << " values compared");
    CHECK(values > lines);
}

TEST_CASE("a view of a version known at compile time shows the same") {
    std::size_t compared = 0;
    each_line(false, [&](const golden_message& line, const message_type& type) {
        const support::fixed_reader read_fixed = type.fixed_reader_of(line.version);
        if (read_fixed == nullptr) return;
        ++compared;
        const kwire::test::exact_bytes bytes(line.bytes);
        support::json_comparison comparison(line.json, bytes.span());
        const auto error = read_fixed(bytes.span(), comparison, {});
        if (!error && comparison.differences.empty() && comparison.unknown_tags == line.unknown_tag_count)
            return;
        CAPTURE(line.name(), kwire::test::to_hex(line.bytes), comparison.differences);
        CHECK(told(error) == "accepted");
        CHECK(comparison.differences.empty());
        CHECK(comparison.unknown_tags == line.unknown_tag_count);
    });
    WARN(compared << " lines compared");
    CHECK(compared > 0);
}

TEST_CASE("reading allocates nothing") {
    if (!support::counts_allocations) return;
    std::size_t walked = 0;
    const auto check = [&](const golden_message& line, const message_type& type) {
        digest first;
        digest second;
        const support::fixed_reader read_fixed = type.fixed_reader_of(line.version);
        const std::size_t allocations = support::allocations_of([&] {
            static_cast<void>(type.read(line.bytes, line.version, first, {}));
            if (read_fixed != nullptr) static_cast<void>(read_fixed(line.bytes, second, {}));
        });
        ++walked;
        if (allocations == 0) return;
        CAPTURE(line.name());
        CHECK(allocations == 0);
    };
    CHECK(each_line(false, check) + each_line(true, check) == walked);
}

TEST_CASE("data made from a view is encoded as the same bytes, of the size that encoded_size returned") {
    const std::size_t lines = each_line(false, [](const golden_message& line, const message_type& type) {
        const auto again = type.rewrite(kwire::shared_buffer::copy_of(line.bytes), line.version, {});
        if (again && again->announced_size == line.bytes.size() && again->body.size() == line.bytes.size() &&
            std::ranges::equal(again->body.to_bytes(), line.bytes))
            return;
        CAPTURE(line.name(), kwire::test::to_hex(line.bytes));
        REQUIRE(again);
        CHECK(again->announced_size == line.bytes.size());
        CHECK(hex_of(again->body) == kwire::test::to_hex(line.bytes));
    });
    CHECK(lines > 0);
}

TEST_CASE("data made from a view uses memory in proportion to the bytes") {
    if (!support::counts_allocations) return;
    static std::size_t largest;
    const support::watch watched{[] { support::largest_allocation = 0; },
                                 [] { largest = support::largest_allocation; }};
    double worst = 0;
    each_line(false, [&](const golden_message& line, const message_type& type) {
        const auto body = kwire::shared_buffer::copy_of(line.bytes);
        REQUIRE(type.rewrite(body, line.version, watched));
        worst = std::max(worst, static_cast<double>(largest) / static_cast<double>(line.bytes.size() + 64));
        if (largest > 64 * line.bytes.size() + 4096) {
            CAPTURE(line.name(), line.bytes.size());
            CHECK(largest <= 64 * line.bytes.size() + 4096);
        }
    });
    WARN("the largest allocation is " << worst << " times the message (plus 64 bytes)");
    CHECK(worst > 0);
}

TEST_CASE("a default data struct is encoded as Kafka encodes one") {
    std::size_t compared = 0;
    each_line(false, [&](const golden_message& line, const message_type& type) {
        if (line.sample != "default") return;
        ++compared;
        const auto bytes = type.encode_default(line.version);
        CAPTURE(line.name());
        REQUIRE(bytes);
        CHECK(hex_of(*bytes) == kwire::test::to_hex(line.bytes));
    });
    CHECK(compared > types().size());
}

TEST_CASE("a byte after the message is refused unless trailing_bytes is set") {
    each_line(false, [](const golden_message& line, const message_type& type) {
        if (line.sample != "full" && line.sample != "default") return;
        std::vector<std::byte> longer(line.bytes);
        longer.push_back(std::byte{0});
        const support::fixed_reader read_fixed = type.fixed_reader_of(line.version);
        for (const bool fixed : {false, true}) {
            if (fixed && read_fixed == nullptr) continue;
            const auto read = [&](std::span<const std::byte> bytes, kwire::parse_options options) {
                digest seen;
                auto error =
                    fixed ? read_fixed(bytes, seen, options) : type.read(bytes, line.version, seen, options);
                return std::pair(std::move(error), seen.value());
            };
            CAPTURE(line.name(), fixed);
            const auto refused = read(longer, {}).first;
            REQUIRE(refused);
            CHECK(refused->code == kwire::errc::trailing_bytes);
            CHECK(refused->offset == line.bytes.size());
            const auto lenient = read(longer, {.trailing_bytes = true});
            CHECK(told(lenient.first) == "accepted");
            CHECK(lenient.second == read(line.bytes, {}).second);
        }
    });
}

TEST_CASE("an empty body may be an empty span with a null pointer") {
    std::size_t empty = 0;
    each_line(false, [&](const golden_message& line, const message_type& type) {
        if (!line.bytes.empty()) return;
        ++empty;
        CAPTURE(line.name());
        digest seen;
        CHECK(told(type.read({}, line.version, seen, {})) == "accepted");
        const support::fixed_reader read_fixed = type.fixed_reader_of(line.version);
        if (read_fixed != nullptr) CHECK(told(read_fixed({}, seen, {})) == "accepted");
        const auto again = type.rewrite({}, line.version, {});
        REQUIRE(again);
        CHECK(again->body.empty());
    });
    CHECK(empty > 0);
}

TEST_CASE("versions outside the range are refused before a byte is read") {
    for (const message_type& type : types())
        for (const int version :
             {-32768, -1, type.facts.versions.first - 1, type.facts.versions.last + 1, 32767}) {
            digest seen;
            const auto error = type.read({}, version, seen, {});
            CAPTURE(type.facts.name, version);
            REQUIRE(error);
            CHECK(error->code == kwire::errc::unsupported_version);
            const auto unwritten = type.encode_default(version);
            REQUIRE(!unwritten);
            CHECK(unwritten.error().code == kwire::errc::unsupported_version);
        }
}

TEST_CASE("bytes that Kafka refuses are refused, with an offset and a field") {
    std::map<std::string, std::size_t> kinds;
    const std::size_t lines = each_line(true, [&](const golden_message& line, const message_type& type) {
        const kwire::test::exact_bytes bytes(line.bytes);
        digest seen;
        const auto error = type.read(bytes.span(), line.version, seen, {});
        const std::string wrong =
            error ? support::fault_of(*error, type, line.version, bytes.span()) : "accepted";
        if (!wrong.empty()) {
            CAPTURE(line.name(), kwire::test::to_hex(line.bytes), told(error));
            CHECK(wrong == "");
        }
        ++kinds[line.sample];
    });
    std::string summary;
    for (const auto& [kind, count] : kinds) summary += " " + kind + " " + std::to_string(count);
    WARN(lines << " lines refused:" << summary);
    CHECK(kinds.size() > 5);
}
