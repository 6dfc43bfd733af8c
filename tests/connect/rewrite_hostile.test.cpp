/// Every truncation, and five edits of each byte, of a rich value of each message through `rewrite`, with a
/// map that changes every field. Inputs are in heap blocks of exactly their size. With KWIRE_TEST_EVERY_CUT
/// each byte gets every other value, which takes 50 times as long.
#include <kwire/connect/rewrite.hpp>
#include <kwire/messages/registry.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/framed.hpp"
#include "support/golden.hpp"
#include "support/sanitized.hpp"

using kwire::entity;
using kwire::named_field;
using support::golden_message;

namespace {

constexpr kwire::parse_options every_leniency{.trailing_bytes = true,
                                              .null_as_empty = true,
                                              .negative_as_null = true,
                                              .any_tag_order = true,
                                              .any_tag_size = true,
                                              .tags_of_other_versions = true};

kwire::entity_set every_meaning() {
    kwire::entity_set all;
    for (int i = 1; i < 64; ++i)
        if (!kwire::name_of(static_cast<entity>(i)).empty()) all |= static_cast<entity>(i);
    return all;
}

/// Changes what it can, and drops a field now and then.
void change(named_field& field) {
    const kwire::field_kind kind =
        field.info().kind == kwire::field_kind::array ? field.info().element : field.info().kind;
    if (kind == kwire::field_kind::uuid) {
        kwire::uuid id = field.id();
        id.bytes[0] ^= std::byte{1};
        field.set_id(id);
    } else if (kind != kwire::field_kind::string) {
        field.set_number(field.number() % 100 + 1);
    } else if (field.text().size() % 7 == 6) {
        field.drop();
    } else if (field.meaning() == entity::host) {
        field.set_address("another.example", static_cast<std::int32_t>(field.port() % 1000 + 2));
    } else {
        field.set_text(field.text().size() % 5 == 4 ? std::string() : "x." + std::string(field.text()));
    }
}

struct outcomes {
    std::size_t changed = 0, refused = 0, broken = 0;
    std::size_t in_frames = 0; ///< as often, a frame was rewritten as well

    void add(const kwire::message_info& info, int version, std::span<const std::byte> bytes,
             const kwire::rewrite_options& options) {
        const auto owner = std::make_shared<kwire::test::exact_bytes>(bytes);
        const auto buffer = kwire::shared_buffer::adopt(owner, owner->span());
        static const kwire::entity_set wanted = every_meaning();
        const auto parsed = kwire::parse(info, buffer, version, options.parse);
        // A frame is checked and rewritten in one go; a message was checked before.
        std::size_t calls = 0;
        const auto framed = support::rewrite_framed(
            info, bytes, version, wanted, [&](named_field& field) { ++calls, change(field); }, options);
        if (framed) ++in_frames;
        if (!parsed) {
            if (framed && (*framed || calls != 0 || framed->error().code != parsed.error().code)) ++broken;
            ++refused;
            return;
        }
        const auto made = kwire::rewrite(*parsed, wanted, change, options);
        if (!made) { // the map sets what each field can hold
            ++broken;
            return;
        }
        const auto out = made->to_bytes();
        if (framed && (!*framed || !std::ranges::equal(**framed, out.span()))) ++broken;
        const kwire::test::exact_bytes again(out.span());
        kwire::parse_view(info, again.span(), version, options.parse) ? ++changed : ++broken;
    }
};

/// What a byte is replaced by.
std::vector<std::byte> others(std::byte before, bool all) {
    std::vector<std::byte> values{std::byte{0}, std::byte{0xff}, std::byte{0x7f}, before ^ std::byte{1},
                                  before ^ std::byte{0x80}};
    if (all) {
        values.resize(256);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::byte>(i);
    }
    std::erase(values, before);
    return values;
}

void damage(const golden_message& line, const kwire::rewrite_options& options, bool all, outcomes& seen) {
    const kwire::message_info& info = *kwire::find_message(line.message);
    for (std::size_t size = 0; size <= line.bytes.size(); ++size)
        seen.add(info, line.version, std::span(line.bytes).first(size), options);
    std::vector<std::byte> bytes = line.bytes;
    for (std::byte& at : bytes) {
        const std::byte before = at;
        for (const std::byte other : others(before, all)) {
            at = other;
            seen.add(info, line.version, bytes, options);
        }
        at = before;
    }
}

/// The largest value of each message at its newest version; at all versions if KWIRE_EVERY_VERSION is set.
std::vector<const golden_message*> rich_values() {
    std::map<std::pair<std::string, int>, const golden_message*> largest;
    const bool all = std::getenv("KWIRE_EVERY_VERSION") != nullptr;
    for (const golden_message& line : support::golden_messages()) {
        constexpr std::size_t most = 1500; // bytes: others have long arrays of the same
        if (line.rejected() || line.bytes.size() > most) continue;
        const bool newest = line.version == kwire::find_message(line.message)->facts.versions.last;
        if (!all && !newest) continue;
        const golden_message*& best = largest[{line.message, line.version}];
        if (best == nullptr || line.bytes.size() > best->bytes.size()) best = &line;
    }
    std::vector<const golden_message*> values;
    for (const auto& [key, line] : largest) values.push_back(line);
    return values;
}

} // namespace

TEST_CASE("whatever byte is missing or another one, a rewritten message is refused or can be read") {
    const bool all = std::getenv("KWIRE_TEST_EVERY_CUT") != nullptr;
    outcomes strict, lenient;
    std::size_t n = 0;
    for (const golden_message* line : rich_values()) {
        INFO(line->name());
        const std::size_t broken = strict.broken + lenient.broken;
        damage(*line, {}, all, strict);
#if !defined(KWIRE_TEST_SANITIZED)
        if (n++ % 4 == 0)
#endif
            damage(*line, {.parse = every_leniency}, false, lenient);
        CHECK(strict.broken + lenient.broken == broken);
    }
    static_cast<void>(n);
    CHECK(strict.changed > (all ? 2'500'000 : 50'000));
    CHECK(strict.refused > 50'000);
    CHECK(lenient.changed > 10'000);
    CHECK(strict.in_frames > 50'000);
}
