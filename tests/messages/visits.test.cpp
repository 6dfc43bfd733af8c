/// check_and_visit beside parse and a loop, for every message at every version: the same values in the same
/// order, and of broken bytes the same errors.
#include "messages/visits.hpp"

#include <kwire/read/check_and_visit.hpp>

#include <functional>
#include <map>
#include <string>

#include "catch.hpp"
#include "generated/all.hpp"
#include "support/bytes.hpp"
#include "support/chosen.hpp"
#include "support/count_allocations.hpp"
#include "support/golden.hpp"
#include "support/sanitized.hpp"

namespace {

using kwire::test::exact_bytes;
using support::golden_message;
using support::message_type;
using support::visited_twice;

/// Calls `f(line, type)` for every golden line of a compiled message.
void each_line(const std::function<void(const golden_message&, const message_type&)>& f) {
    static const std::vector<message_type> types = support::all_messages();
    std::map<std::string_view, const message_type*> by_name;
    for (const message_type& type : types) by_name.emplace(type.facts.name, &type);
    for (const golden_message& line : support::golden_messages()) {
        const auto found = by_name.find(line.message);
        if (found == by_name.end()) continue;
        const kwire::message_facts& facts = found->second->facts;
        if (facts.versions.contains(facts.canonical(line.version))) f(line, *found->second);
    }
}

std::string told(const std::optional<kwire::error>& error) {
    if (!error) return "accepted";
    return std::string(kwire::describe(*error)) + ", code " + std::to_string(static_cast<int>(error->code)) +
           ", at " + std::to_string(error->offset);
}

/// What differs between check_and_visit and parse; empty if nothing does.
std::string difference(const visited_twice& both) {
    const std::string at_once = told(both.at_once.error);
    const std::string parsed = told(both.parsed.error);
    if (at_once != parsed) return at_once + " instead of " + parsed;
    if (both.parsed.error) return {};
    const auto& a = both.at_once.seen;
    const auto& b = both.parsed.seen;
    if (a.structs != b.structs) return "another number of structs";
    if (a.fronts != b.fronts) return "another number of fronts";
    return a.seen == b.seen ? "" : "other values";
}

std::size_t compared = 0;
std::size_t refused = 0;

/// Reads the bytes in all ways.
void compare(const golden_message& line, const message_type& type, std::span<const std::byte> bytes,
             kwire::parse_options options) {
    const exact_bytes exact(bytes);
    for (const support::visiting_reader visit :
         {type.visit, type.visit_leaves, type.fixed_visitor_of(line.version)}) {
        if (visit == nullptr) continue;
        const visited_twice both = visit(exact.span(), line.version, options);
        ++compared;
        if (both.parsed.error) ++refused;
        const std::string wrong = difference(both);
        if (wrong.empty()) continue;
        CAPTURE(line.name(), kwire::test::to_hex(bytes), visit == type.visit, visit == type.visit_leaves);
        CHECK(wrong == "");
    }
}

} // namespace

TEST_CASE("check_and_visit hands over what a loop over the parsed message sees, in the same order") {
    compared = refused = 0;
    std::size_t structs = 0, fronts = 0;
    each_line([&](const golden_message& line, const message_type& type) {
        compare(line, type, line.bytes, {});
        const visited_twice both = type.visit(line.bytes, line.version, {});
        structs += both.at_once.seen.structs;
        fronts += both.at_once.seen.fronts;
    });
    WARN(compared << " readings compared, " << structs << " structs, " << fronts << " fronts");
    CHECK(compared > refused);
    CHECK(refused > 0);
    CHECK(structs > compared);
    CHECK(fronts > 0);
}

TEST_CASE("check_and_visit refuses every truncation as parse does") {
    compared = refused = 0;
    each_line([&](const golden_message& line, const message_type& type) {
        if (line.rejected()) return;
        const std::size_t step = line.bytes.size() < 400 ? 1 : line.bytes.size() / 200;
        for (std::size_t size = 0; size < line.bytes.size(); size += step)
            compare(line, type, std::span(line.bytes).first(size), {});
    });
    WARN(compared << " readings compared");
    CHECK(refused == compared);
    CHECK(compared > 0);
}

TEST_CASE("check_and_visit takes changed bytes as parse does, whatever the options let pass") {
    compared = refused = 0;
    each_line([&](const golden_message& line, const message_type& type) {
        for (const kwire::parse_options options :
             {kwire::parse_options{}, kwire::parse_options::as_kafka(), kwire::parse_options::lenient()}) {
            if (line.rejected()) {
                compare(line, type, line.bytes, options);
                continue;
            }
            if (line.sample != "full") continue;
            std::vector<std::byte> changed(line.bytes);
            const std::size_t step = 1 + changed.size() / 100;
            for (std::size_t at = line.bytes.size() % step; at < changed.size(); at += step) {
                for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0x80U, 0xffU}) {
                    changed[at] = static_cast<std::byte>(value);
                    compare(line, type, changed, options);
                }
                changed[at] = line.bytes[at];
            }
            changed.push_back(std::byte{0});
            compare(line, type, changed, options);
        }
    });
    WARN(compared << " readings compared, " << refused << " refused");
    CHECK(compared > refused);
    CHECK(refused > 0);
}

TEST_CASE("check_and_visit allocates nothing") {
    if (!support::counts_allocations) return;
    std::size_t allocations = 0;
    each_line([&](const golden_message& line, const message_type& type) {
        allocations += support::allocations_of([&] {
            static_cast<void>(type.visit(line.bytes, line.version, {}));
            if (const auto fixed = type.fixed_visitor_of(line.version))
                static_cast<void>(fixed(line.bytes, line.version, {}));
        });
    });
    CHECK(allocations == 0);
}
