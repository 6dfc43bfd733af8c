/// The compiled messages with a null length where the version allows none: a lenient parse accepts it, and
/// every view shows it as empty.
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/same_content.hpp>
#include <kwire/schema/parse_options.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "generated/all.hpp"
#include "messages/digest.hpp"
#include "messages/locator.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"

namespace {

using kwire::test::exact_bytes;
using kwire::test::to_hex;
using support::message_type;
using support::spot;
using support::spot_kind;

/// A field at one version of a message: the message's name, the version, the names of the fields on the way.
using place = std::tuple<std::string_view, int, std::string>;

bool has_length(kwire::field_kind kind) {
    return kind != kwire::field_kind::structure && kwire::width_of(kind) == 0;
}

/// Adds the fields that are null in some version of the message, but not in this one.
void add_fields_null_elsewhere(const message_type& type, int version, const kwire::struct_info& info,
                               const std::string& path, std::set<place>& found) {
    for (std::size_t i = 0; i < info.fields.size(); ++i) {
        const kwire::field_info& field = info.fields[i];
        if (!field.versions.contains(version)) continue;
        const std::string here = path + (path.empty() ? "" : ".") + std::string(field.name);
        if (has_length(field.kind) && !field.nullable.empty() && !field.nullable.contains(version))
            found.insert({type.facts.name, version, here});
        if (field.structure != nullptr)
            add_fields_null_elsewhere(type, version, *field.structure, here, found);
    }
}

std::string without_indices(std::string_view path) {
    std::string names;
    bool inside = false;
    for (const char c : path) {
        inside = c == '[' || (inside && c != ']');
        if (!inside && c != ']') names += c;
    }
    return names;
}

/// The number of bytes after the length; nullopt for an array with elements, which is not measured.
std::optional<std::size_t> size_of_content(const spot& s) {
    const auto counted = static_cast<std::size_t>(s.compact ? s.value - 1 : s.value);
    if (s.kind == spot_kind::array_count && counted != 0) return std::nullopt;
    return counted;
}

std::vector<std::byte> null_length(const spot& s) {
    return s.compact ? std::vector{std::byte{0}} : std::vector(s.size, std::byte{0xff});
}
std::vector<std::byte> length_zero(const spot& s) {
    return s.compact ? std::vector{std::byte{1}} : std::vector(s.size, std::byte{0});
}

/// The common digest of all views of these bytes; nullopt if one of them refuses.
std::optional<std::vector<std::uint64_t>> shown(const message_type& type, int version,
                                                std::span<const std::byte> bytes) {
    const auto lenient = kwire::parse_options::lenient();
    std::vector<std::uint64_t> contents;
    support::digest general;
    if (type.read(bytes, version, general, lenient)) return std::nullopt;
    contents.push_back(general.value());
    if (const support::fixed_reader reader = type.fixed_reader_of(version)) {
        support::digest fixed;
        if (reader(bytes, fixed, lenient)) return std::nullopt;
        contents.push_back(fixed.value());
    }
    return contents;
}

bool same_to_dynamic_views(const message_type& type, int version, std::span<const std::byte> one,
                           std::span<const std::byte> other) {
    const kwire::message_info info{type.facts, type.info};
    const auto lenient = kwire::parse_options::lenient();
    const auto first = kwire::parse_view(info, one, version, lenient);
    const auto second = kwire::parse_view(info, other, version, lenient);
    return first && second && kwire::same_content(*first, *second);
}

} // namespace

TEST_CASE(
    "a lenient view shows null as empty in versions that do not allow null, before and after those that do") {
    const std::vector<message_type> types = support::all_messages();
    std::set<place> null_elsewhere;
    for (const message_type& type : types)
        for (int version = type.facts.versions.first; version <= type.facts.versions.last; ++version)
            add_fields_null_elsewhere(type, version, *type.info, "", null_elsewhere);
    // The only field of Kafka that was nullable in old versions and no longer is.
    REQUIRE(null_elsewhere.contains({"ShareFetchResponse", 1, "responses.partitions.records"}));

    std::set<place> tried;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected() || line.sample == "wide") continue;
        const auto type = std::ranges::find(types, line.message, [](const auto& t) { return t.facts.name; });
        if (type == types.end()) continue;
        const support::located where = support::locate(*type, line.version, line.bytes);
        for (const spot& s : where.spots) {
            if (s.kind > spot_kind::array_count || s.nullable) continue;
            const place here{type->facts.name, line.version, without_indices(s.path)};
            const bool element = s.path.ends_with(']');
            // Fields that are never null take the same code path in all samples, so one sample is enough.
            if (tried.contains(here) && !null_elsewhere.contains(here)) continue;
            const std::optional<std::size_t> content = size_of_content(s);
            if (!content) continue;
            const auto spliced = [&](const std::vector<std::byte>& length) {
                return exact_bytes(
                    support::splice(line.bytes, where, s.enclosing, s.at, s.size + *content, length).bytes);
            };
            const exact_bytes empty = spliced(length_zero(s)), null = spliced(null_length(s));
            CAPTURE(line.name(), s.path, to_hex(null.span()));
            const auto as_empty = shown(*type, line.version, empty.span());
            const auto as_null = shown(*type, line.version, null.span());
            REQUIRE(as_empty);
            REQUIRE(as_null);
            CHECK(*as_null == *as_empty);
            CHECK(same_to_dynamic_views(*type, line.version, null.span(), empty.span()));
            if (!element) tried.insert(here);
        }
    }
    for (const place& needed : null_elsewhere) {
        CAPTURE(std::get<0>(needed), std::get<1>(needed), std::get<2>(needed));
        CHECK(tried.contains(needed));
    }
}
