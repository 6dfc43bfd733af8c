/// Every array of structs of every message, at every version, with neighbours that look alike: where a walk
/// compares an element with the one before it, it must not be deceived by long lengths, tags, or payloads.
///
/// What must be found is known, because body_writer.hpp has put it there. The bytes are in heap blocks of
/// exactly their size, and the form with the array's last element cut must be refused.
#include <kwire/reflect/dynamic.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "generated/walks.hpp"
#include "support/bytes.hpp"
#include "support/chosen.hpp"
#include "walks/body_writer.hpp"

namespace {

using kwire::test::exact_bytes;
using kwire::test::to_hex;
using support::array_path;
using support::element_pattern;
using support::places;
using support::walked_message;

/// The places that a dynamic view shows; it does not show where steps end.
void walk(const kwire::dynamic_view& view, places& out) {
    if (!out.structure(view.bytes(), {})) return;
    for (std::size_t i = 0; i < view.field_count(); ++i) {
        const kwire::dynamic_value value = view.field(i);
        const kwire::field_info& field = value.info();
        if (field.structure == nullptr || !field.versions.contains(view.version())) continue;
        if (value.is_null()) {
            out.null();
        } else if (field.kind == kwire::field_kind::array) {
            out.array(value.size());
            for (const kwire::dynamic_value element : value.elements()) walk(element.structure(), out);
        } else {
            walk(value.structure(), out);
        }
    }
}

constexpr element_pattern patterns[] = {
    {{0, 0, 0}},
    {{1, 1, 1}},
    {{1, 1, 2}},
    {{2, 1, 3}},
    {{1, 126, 0}},
    {{127, 1, 0}}, // the shortest that takes two bytes
    {{129, 0, 0}}, // these and the next differ in the second byte of a length only
    {{257, 0, 0}},
    {{0, 129, 1}},
    {{0, 257, 1}},
    {{129, 257, 0}},
    {{-1, -1, -1}},
    {{-1, 1, -1}},
    {{1, 1, 1}, 1},
    {{0, 0, 0}, 4},
    {{1, 1, 1}, 0, 20},
    {{0, 0, 0}, 0, 0},
    {{100, 0, 1}, 0, 20},
    {{2, 1, 3}, 0, 200},
    {{1, 1, 1}, 0, -1, true},
    {{2, 1, 3}, 0, 20, true},
    {{-1, 0, 129}, 1, 3, true},
};

struct tally {
    std::size_t arrays = 0, bodies = 0;
};

/// The defect in what the walks find, or empty.
std::string fault_of(const walked_message& message, int version, const support::written_body& body,
                     kwire::parse_options options) {
    places expected(body.bytes);
    body.note(expected);
    const exact_bytes exact(body.bytes);
    places general(exact.span()), fixed(exact.span()), dynamic(exact.span());
    if (message.walk(exact.span(), version, general, options)) return "refused at run time";
    if (general.steps() != expected.steps()) return "other places at run time";
    if (message.fixed_walk_of(version)(exact.span(), fixed, options)) return "refused at compile time";
    if (fixed.steps() != expected.steps()) return "other places at compile time";
    if (!fixed.unrolled) return "refused by the unrolled check, and accepted by the general one";
    const kwire::message_info info{message.facts, message.info};
    const auto view = kwire::parse_view(info, exact.span(), version, options);
    if (!view) return "refused by a dynamic view";
    walk(*view, dynamic);
    return dynamic.structs() == expected.structs() ? "" : "other places in a dynamic view";
}

/// The defect in what becomes of the first `size` bytes, which must be refused by all and for the same
/// reason; or empty.
std::string fault_of_cut(const walked_message& message, int version, std::span<const std::byte> body) {
    const exact_bytes exact(body);
    places ignored(exact.span());
    const auto general = message.walk(exact.span(), version, ignored, {});
    const auto fixed = message.fixed_walk_of(version)(exact.span(), ignored, {});
    if (!general || !fixed) return "accepted although its end is missing";
    if (general->code != fixed->code || general->offset != fixed->offset || general->needed != fixed->needed)
        return "refused in two ways";
    return "";
}

void try_body(const walked_message& message, int version, const array_path& path,
              std::span<const element_pattern> elements, bool zeros, tally& count) {
    const std::size_t number = count.bodies++;
    const support::written_body body = support::write_body(message, version, path, elements, zeros);
    std::string fault = fault_of(message, version, body, {});
    if (fault.empty() && number % 4 == 0)
        fault = fault_of(message, version, body, kwire::parse_options::lenient());
    const std::size_t cut = number % 2 == 0 ? body.bytes.size() - 1 : body.last_element;
    if (fault.empty()) fault = fault_of_cut(message, version, std::span(body.bytes).first(cut));
    if (fault.empty()) return;
    CAPTURE(message.facts.name, version, path, to_hex(body.bytes));
    CHECK(fault == "");
}

void try_array(const walked_message& message, int version, const array_path& path, tally& count) {
    ++count.arrays;
    std::size_t pairs = 0;
    for (const element_pattern& one : patterns)
        for (const element_pattern& other : patterns) {
            const std::array two{one, other};
            try_body(message, version, path, two, false, count);
            try_body(message, version, path, two, true, count);
            if (++pairs % 5 != 0 && &one != &other) continue;
            const std::array run{one, one, one, other, one, other, other};
            try_body(message, version, path, run, pairs % 2 == 0, count);
        }
}

/// Counts of elements whose size in bytes is small if it is computed in 32 bits, whatever one element takes.
void try_false_counts(const walked_message& message, int version, const array_path& path, tally& count) {
    constexpr std::array shortest{element_pattern{{0, 0, 0}}};
    constexpr std::uint64_t largest_element = 64;
    const support::written_body body = support::write_body(message, version, path, shortest, true);
    const auto first = body.bytes.begin() + static_cast<std::ptrdiff_t>(body.last_element);
    const bool compact = first[-1] == std::byte{2}; // one element; in the other form 00 00 00 01
    for (std::uint64_t size = 2; size <= largest_element; ++size) {
        const std::uint64_t number = ((std::uint64_t{1} << 32) + size - 1) / size;
        if (number > 0x7fffffff) continue;
        std::vector<std::byte> lie(body.bytes.begin(), first - (compact ? 1 : 4));
        std::uint64_t left = compact ? number + 1 : number;
        if (compact) {
            for (; left >= 0x80; left >>= 7) lie.push_back(static_cast<std::byte>((left & 0x7f) | 0x80));
            lie.push_back(static_cast<std::byte>(left));
        } else {
            for (int shift = 24; shift >= 0; shift -= 8)
                lie.push_back(static_cast<std::byte>(left >> shift & 0xff));
        }
        lie.insert(lie.end(), first, body.bytes.end());
        ++count.bodies;
        const std::string fault = fault_of_cut(message, version, lie);
        if (fault.empty()) continue;
        CAPTURE(message.facts.name, version, path, number, to_hex(lie));
        CHECK(fault == "");
    }
}

/// The cases below share the messages out, so that they can run side by side.
void try_messages(std::size_t part, std::size_t parts) {
    tally count;
    std::size_t number = 0;
    for (const walked_message& message : support::all_walked_messages()) {
        if (!support::reads(message.facts.name) || number++ % parts != part) continue;
        for (int version = message.facts.versions.first; version <= message.facts.versions.last; ++version)
            for (const array_path& path : support::arrays_of_structs(message, version)) {
                try_array(message, version, path, count);
                try_false_counts(message, version, path, count);
            }
    }
    WARN(count.arrays << " arrays, " << count.bodies << " bodies");
    CHECK(count.arrays > 0);
}

} // namespace

TEST_CASE(
    "neighbours in arrays of structs are told apart whatever they look like, first part of the messages") {
    try_messages(0, 4);
}
TEST_CASE(
    "neighbours in arrays of structs are told apart whatever they look like, second part of the messages") {
    try_messages(1, 4);
}
TEST_CASE(
    "neighbours in arrays of structs are told apart whatever they look like, third part of the messages") {
    try_messages(2, 4);
}
TEST_CASE(
    "neighbours in arrays of structs are told apart whatever they look like, last part of the messages") {
    try_messages(3, 4);
}
