/// Every golden value of every message, cut at every byte: what its front shows is what the whole shows.
#include <kwire/error_text.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/prefix.hpp>

#include <cstddef>
#include <cstdlib>
#include <span>

#include "catch.hpp"
#include "messages/prefix_comparison.hpp"
#include "support/bytes.hpp"
#include "support/chosen.hpp"
#include "support/golden.hpp"

namespace {

using kwire::seen_state;
using kwire::test::exact_bytes;
using kwire::test::to_hex;
using support::golden_message;

/// A run of all cuts takes minutes: the suite takes some, and KWIRE_TEST_EVERY_CUT all.
bool every_cut() { return std::getenv("KWIRE_TEST_EVERY_CUT") != nullptr; }

/// Whether this cut is among those that are tried in every run: all of short messages, of long ones as many.
bool takes(const golden_message& line, std::size_t cut) {
    constexpr std::size_t most = 16;
    const std::size_t step = line.bytes.size() / most + 1;
    return every_cut() || (cut + line.json.is_object() + static_cast<std::size_t>(line.version)) % step == 0;
}

} // namespace

TEST_CASE("the front of every message shows what the whole shows, wherever it is cut") {
    std::size_t cuts = 0, whole_fields = 0, cut_elements = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected() || !support::reads(line.message)) continue;
        const kwire::message_info* const info = kwire::find_message(line.message);
        REQUIRE(info != nullptr);
        const exact_bytes all(line.bytes);
        const auto whole = kwire::parse_prefix(*info, all.span(), line.version);
        REQUIRE(whole);
        REQUIRE(whole->is_whole());
        REQUIRE_FALSE(whole->cut());
        const auto view = kwire::parse_view(*info, all.span(), line.version);
        REQUIRE(view);
        for (std::size_t i = 0; i < view->field_count(); ++i) {
            const auto value = whole->field(i);
            if ((value.state() == seen_state::absent) == view->field(i).present() ||
                !kwire::same_content(value.value(), view->field(i)))
                FAIL(line.name() << ": " << value.info().name);
        }
        for (std::size_t cut = 0; cut < line.bytes.size(); ++cut) {
            if (!takes(line, cut)) continue;
            ++cuts;
            const exact_bytes some(all.span().first(cut));
            const auto seen = kwire::parse_prefix(*info, some.span(), line.version);
            CAPTURE(line.name(), cut);
            if (!seen) FAIL(kwire::to_string(seen.error()));
            if (seen->is_whole()) FAIL("whole");
            const auto where = seen->cut();
            if (!where) FAIL("not cut");
            if (where->code != kwire::errc::truncated || where->offset > cut ||
                where->left != cut - where->offset || where->needed <= where->left)
                FAIL(kwire::to_string(*where));
            support::prefix_comparison both{seen->bytes().data(), all.begin(), cut};
            if (!both.structs(*seen, *whole)) FAIL(both.wrong << " in " << to_hex(line.bytes));
            whole_fields += both.whole_fields;
            cut_elements += both.cut_elements;
        }
    }
    if (support::reads_all()) {
        CHECK(cuts > 50'000);
        CHECK(whole_fields > cuts);
        CHECK(cut_elements > cuts / 10);
    }
}

TEST_CASE("more bytes never show less, strictly or leniently") {
    for (const kwire::parse_options tolerate : {kwire::parse_options(), kwire::parse_options::lenient()}) {
        std::size_t grown = 0;
        for (const golden_message& line : support::golden_messages()) {
            if (line.rejected() || !support::reads(line.message)) continue;
            const kwire::message_info& info = *kwire::find_message(line.message);
            std::size_t most = 0;
            for (std::size_t cut = 0; cut <= line.bytes.size(); ++cut) {
                if (cut != line.bytes.size() && !takes(line, cut)) continue;
                const exact_bytes some(std::span(line.bytes).first(cut));
                const auto seen =
                    kwire::parse_prefix(info, some.span(), line.version, {.tolerate = tolerate});
                CAPTURE(line.name(), cut);
                if (!seen) FAIL(kwire::to_string(seen.error()));
                const std::size_t shown = support::bytes_shown(*seen);
                if (shown < most) FAIL(shown << " bytes instead of " << most);
                grown += shown > most ? 1 : 0;
                most = shown;
            }
        }
        if (support::reads_all()) CHECK(grown > 20'000);
    }
}

TEST_CASE("the size of the whole message tells a cut from bytes that are missing") {
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected() || !support::reads(line.message)) continue;
        const kwire::message_info& info = *kwire::find_message(line.message);
        const std::size_t size = line.bytes.size();
        for (std::size_t cut = 0; cut < size; ++cut) {
            if (!takes(line, cut)) continue;
            const exact_bytes some(std::span(line.bytes).first(cut));
            CAPTURE(line.name(), cut);
            // What follows is known: nothing is wrong.
            if (!kwire::parse_prefix(info, some.span(), line.version, {.whole_size = size})) FAIL("refused");
            // Nothing follows: refused as by parse.
            const auto refused = kwire::parse_prefix(info, some.span(), line.version, {.whole_size = cut});
            const auto parsed = kwire::parse_view(info, some.span(), line.version);
            if (refused.has_value() || parsed.has_value()) FAIL("accepted");
            const auto one = kwire::describe(refused.error()), other = kwire::describe(parsed.error());
            if (one.view() != other.view()) FAIL(one.view() << " instead of " << other.view());
        }
    }
}

TEST_CASE("what parse refuses before the end of the bytes, parse_prefix refuses alike") {
    std::size_t lines = 0, cut_instead = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (!line.rejected()) continue;
        const kwire::message_info& info = *kwire::find_message(line.message);
        const exact_bytes bytes(line.bytes);
        const auto parsed = kwire::parse_view(info, bytes.span(), line.version);
        if (parsed) continue; // refused by Kafka alone
        ++lines;
        const auto seen = kwire::parse_prefix(info, bytes.span(), line.version);
        CAPTURE(line.name());
        const auto code = parsed.error().code;
        if (code == kwire::errc::truncated || code == kwire::errc::count_exceeds_input) {
            cut_instead += seen ? 1 : 0;
            continue;
        }
        REQUIRE_FALSE(seen);
        const auto one = kwire::describe(seen.error()), other = kwire::describe(parsed.error());
        CHECK(one.view() == other.view());
    }
    CHECK(lines > 0);
    CAPTURE(lines, cut_instead);
}
