/// Every golden value of every message without a type for it: as a dynamic view, as JSON, and from JSON to
/// bytes again.
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/json.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string>

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
