/// Every golden value of every message without a type for it: as a dynamic view, as JSON, and from JSON to
/// bytes again.
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/json.hpp>
#include <kwire/reflect/transcode.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "messages/json_comparison.hpp"
#include "messages/show_dynamic.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"

namespace {

using kwire::test::exact_bytes;
using kwire::test::to_hex;
using support::golden_message;

/// Calls `f(line, info, view)` for every golden value.
template <class F>
void each_value(F&& f) {
    std::size_t lines = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        ++lines;
        const kwire::message_info* const info = kwire::find_message(line.message);
        REQUIRE(info != nullptr);
        const exact_bytes bytes(line.bytes);
        const auto view = kwire::parse_view(*info, bytes.span(), line.version);
        REQUIRE(view);
        f(line, *info, *view);
    }
    CHECK(lines > 0);
}

/// Messages that name one thing in old versions and an array of things in new ones. They have no payloads.
bool is_regrouped(std::string_view message) {
    return message == "AddPartitionsToTxnRequest" || message == "OffsetFetchRequest" ||
           message.starts_with("FindCoordinator");
}

} // namespace

TEST_CASE("dynamic views of every message show the values of Kafka's JSON") {
    each_value(
        [](const golden_message& line, const kwire::message_info& info, const kwire::dynamic_view& view) {
            support::json_comparison comparison(line.json, view.bytes());
            support::show(view, *info.structure, comparison);
            if (comparison.differences.empty() && comparison.unknown_tags == line.unknown_tag_count) return;
            CAPTURE(line.name(), to_hex(line.bytes), comparison.differences);
            CHECK(comparison.differences.empty());
            CHECK(comparison.unknown_tags == line.unknown_tag_count);
        });
}

TEST_CASE("the JSON of every message is Kafka's, and is read as the bytes that it was made of") {
    each_value(
        [](const golden_message& line, const kwire::message_info& info, const kwire::dynamic_view& view) {
            const std::string text = kwire::to_json(view);
            const bool same = boost::json::parse(text) == line.json;
            const auto body = kwire::from_json_text(info, boost::json::serialize(line.json), line.version);
            std::string again;
            if (body) {
                const kwire::shared_buffer bytes = body->to_bytes();
                again = to_hex(bytes.span());
            } else {
                again = kwire::describe(body.error());
            }
            // JSON has no place for unknown tags.
            if (same && (line.unknown_tag_count != 0 || again == to_hex(line.bytes))) return;
            CAPTURE(line.name(), text, boost::json::serialize(line.json));
            CHECK(same);
            CHECK(again == to_hex(line.bytes));
        });
}

TEST_CASE("every golden value becomes every other version as the encoder of dynamic values would write it") {
    std::size_t pairs = 0, in_one_pass = 0, refused = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        const kwire::message_info& info = *kwire::find_message(line.message);
        const exact_bytes bytes(line.bytes);
        // Slices of it in the results show that payloads are not copied.
        const kwire::shared_buffer body = kwire::shared_buffer::from_static(bytes.span());
        const auto view = kwire::parse(info, body, line.version);
        REQUIRE(view);
        for (int to = info.facts.versions.first; to <= info.facts.versions.last; ++to) {
            const std::uint64_t copied = kwire::copied_bytes();
            const auto converted = kwire::transcode(info, body, line.version, to);
            const bool copied_nothing = kwire::copied_bytes() == copied;
            const auto expected = kwire::encode(info, *view, to);
            kwire::buffer_chain chain;
            const int source = info.facts.canonical(line.version);
            if (kwire::detail::transcode_program program(info, source, to); program.complete())
                in_one_pass += kwire::detail::transcode_by(program, body, chain) ? 1 : 0;
            ++pairs;
            const auto told = [](const auto& result) {
                if (result) {
                    const kwire::shared_buffer whole = result->to_bytes();
                    return to_hex(whole.span());
                }
                return std::string(kwire::name_of(result.error().code)) + ' ' +
                       std::string(kwire::path_of(result.error()));
            };
            refused += converted ? 0 : 1;
            // Where one thing becomes an array of one, a version between is written, and unknown tags with
            // it.
            const bool may_copy = line.unknown_tag_count != 0 && is_regrouped(line.message);
            if (told(converted) == told(expected) && (!converted || copied_nothing || may_copy)) continue;
            CAPTURE(line.name(), to, to_hex(line.bytes), copied_nothing);
            FAIL_CHECK(told(converted) << " is not " << told(expected));
        }
    }
    CAPTURE(pairs, in_one_pass, refused);
    CHECK(in_one_pass > pairs / 2); // tags, and values that the other version cannot carry, take two
    CHECK(refused > 0);
}
