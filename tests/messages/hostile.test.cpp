/// Invalid bytes for every message: truncated, changed, and with false lengths, counts and tags.
///
/// All inputs are in heap blocks of exactly their size, so that AddressSanitizer detects reads past the end,
/// and each is read in both forms, through the layout tables and, where compiled, through a view of that
/// version.
#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>

#include "catch.hpp"
#include "generated/all.hpp"
#include "messages/digest.hpp"
#include "messages/locator.hpp"
#include "messages/refusal.hpp"
#include "support/bytes.hpp"
#include "support/chosen.hpp"
#include "support/golden.hpp"
#include "support/sanitized.hpp"

namespace {

using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::to_hex;
using support::located;
using support::message_type;
using support::spot;
using support::spot_kind;

/// A valid message to start from.
struct seed {
    const message_type* type = nullptr;
    const support::golden_message* line = nullptr;
};

/// The result of reading some bytes.
struct outcome {
    std::optional<kwire::error> error;
    std::uint64_t content = 0;
};

/// Reads in both forms; the outcomes must agree, and an error must be complete.
outcome read(const seed& from, std::span<const std::byte> bytes) {
    const int version = from.line->version;
    const auto read_with = [&](auto&& reader) {
        outcome result;
        support::digest content;
        result.error = reader(content);
        result.content = content.value();
        return result;
    };
    outcome general = read_with([&](support::sink& out) { return from.type->read(bytes, version, out, {}); });
    std::string fault;
    if (general.error) fault = support::fault_of(*general.error, *from.type, version, bytes);
    if (const support::fixed_reader reader = from.type->fixed_reader_of(version)) {
        const outcome fixed = read_with([&](support::sink& out) { return reader(bytes, out, {}); });
        if (general.error.has_value() != fixed.error.has_value())
            fault = "the two forms of the reader disagree";
        else if (general.error ? general.error->code != fixed.error->code ||
                                     general.error->offset != fixed.error->offset
                               : general.content != fixed.content)
            fault = "the two forms of the reader see different things";
    }
    if (!fault.empty()) {
        CAPTURE(from.line->name(), to_hex(bytes),
                general.error ? std::string(kwire::describe(*general.error)) : "accepted");
        CHECK(fault == "");
    }
    return general;
}

/// Accepted bytes are valid for the second reader too; they can be converted to data, encoded and read again,
/// and show the same.
void write_and_read_again(const seed& from, std::span<const std::byte> bytes, std::uint64_t content) {
    const int version = from.line->version;
    const auto again = from.type->rewrite(kwire::shared_buffer::copy_of(bytes), version, {});
    std::string fault;
    if (!again) {
        fault = std::string(kwire::describe(again.error()));
    } else if (again->announced_size != again->body.size()) {
        fault = "not the size that was announced";
    } else {
        const kwire::shared_buffer written = again->body.to_bytes();
        support::digest seen;
        if (const auto error = from.type->read(written.span(), version, seen, {}))
            fault = std::string(kwire::describe(*error));
        else if (seen.value() != content)
            fault = "other content";
    }
    try {
        static_cast<void>(support::locate(*from.type, version, bytes));
    } catch (const std::runtime_error& e) {
        fault = e.what();
    }
    if (fault.empty()) return;
    CAPTURE(from.line->name(), to_hex(bytes));
    CHECK(fault == "");
}

/// For each version of each message some golden values, small ones first, whose squared sizes stay below
/// `budget`.
std::vector<seed> seeds(std::size_t most, std::uint64_t budget) {
    std::map<std::pair<std::string_view, int>, std::vector<const support::golden_message*>> lines;
    for (const support::golden_message& line : support::golden_messages())
        if (!line.rejected() && support::reads(line.message))
            lines[{line.message, line.version}].push_back(&line);
    static const std::vector<message_type> types = support::all_messages();
    std::vector<seed> chosen;
    for (const message_type& type : types)
        for (int version = type.facts.versions.first; version <= type.facts.versions.last; ++version) {
            auto& candidates = lines[{type.facts.name, version}];
            std::ranges::sort(candidates, {},
                              [](const auto* line) { return std::pair(line->bytes.size(), line); });
            std::uint64_t spent = 0;
            std::size_t taken = 0;
            for (const auto* line : candidates) {
                spent += std::uint64_t{line->bytes.size()} * line->bytes.size();
                if (taken == most || (taken != 0 && spent > budget)) break;
                ++taken;
                chosen.push_back({&type, line});
            }
        }
    return chosen;
}

#ifdef KWIRE_TEST_SANITIZED
constexpr std::uint64_t byte_budget = 1'000'000; // squared bytes per message and version
constexpr std::size_t wide_places = 16;          // where bytes of a long message are replaced
#else
constexpr std::uint64_t byte_budget = 4'000'000;
constexpr std::size_t wide_places = 100;
#endif

} // namespace

TEST_CASE("a truncated message is refused, or is complete at that length") {
    std::size_t tried = 0;
    for (const seed& from : seeds(24, byte_budget)) {
        const std::span<const std::byte> whole = from.line->bytes;
        for (std::size_t n = 0; n < whole.size(); ++n, ++tried) {
            const exact_bytes part(whole.first(n));
            const outcome seen = read(from, part.span());
            if (seen.error) continue;
            CAPTURE(from.line->name(), to_hex(part.span()));
            CHECK(seen.error); // no message of the schema has an optional end
        }
    }
    WARN(tried << " truncations");
    CHECK(tried > 0);
}

TEST_CASE("a message with any byte replaced is refused or can be walked") {
    std::size_t tried = 0, accepted = 0;
    for (const seed& from : seeds(24, byte_budget)) {
        exact_bytes bytes(from.line->bytes);
        for (std::byte& byte : bytes.writable()) {
            const std::byte before = byte;
            for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
                byte = static_cast<std::byte>(value);
                ++tried;
                const outcome seen = read(from, bytes.span());
                if (seen.error) continue;
                if (accepted++ % 8 == 0) write_and_read_again(from, bytes.span(), seen.content);
            }
            byte = before;
        }
    }
    WARN(tried << " replacements, " << accepted << " of them accepted and walked");
    CHECK(accepted > 0);
    CHECK(accepted < tried);
}

TEST_CASE("long arrays that are truncated or have a byte replaced are refused or can be walked") {
    // Structs of long arrays are compared with the previous one instead of being walked; that must not hide
    // the wrong byte.
    std::size_t tried = 0, messages = 0;
    for (seed from :
         seeds(std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::uint64_t>::max())) {
        if (from.line->sample != "wide") continue;
        ++messages;
        exact_bytes bytes(from.line->bytes);
        const std::span<std::byte> all = bytes.writable();
        const std::size_t stride = all.size() / wide_places + 1;
        for (std::size_t at = messages % stride; at < all.size(); at += stride) {
            const std::byte before = all[at];
            for (const int value : {0x00, 0x01, 0x02, 0x7f, 0x80, 0xff}) {
                all[at] = static_cast<std::byte>(value);
                const outcome seen = read(from, bytes.span());
                if (!seen.error) write_and_read_again(from, bytes.span(), seen.content);
                ++tried;
            }
            all[at] = before;
            const exact_bytes part(bytes.span().first(at));
            CHECK(read(from, part.span()).error);
        }
    }
    WARN(messages << " messages, " << tried << " replacements");
    CHECK(messages > 0);
}

namespace {

struct tally {
    std::size_t refused = 0, accepted = 0, seeds = 0;
    std::map<spot_kind, std::size_t> spots;
};

/// Puts false numbers into one seed and checks the outcome.
class liar {
public:
    liar(const seed& from, tally& count) : from_(from), count_(count), body_(from.line->bytes) {
        where_ = support::locate(*from.type, from.line->version, body_);
        const outcome truth = read(from, exact_bytes(body_).span());
        CHECK(!truth.error);
        content_ = truth.content;
    }

    void run() {
        for (const spot& s : where_.spots) {
            ++count_.spots[s.kind];
            switch (s.kind) {
            case spot_kind::string_length:
            case spot_kind::bytes_length:
            case spot_kind::array_count: lie_about_length(s); break;
            case spot_kind::null_marker: lie_about_marker(s); break;
            case spot_kind::tagged_null_marker: lie_about_tagged_marker(s); break;
            case spot_kind::tag_count: lie_about_tag_count(s); break;
            case spot_kind::tag_number: lie_about_tag_number(s); break;
            case spot_kind::tag_size: lie_about_tag_size(s); break;
            }
        }
        for (const support::tag_section& section : where_.sections) forge_tags(section);
    }

private:
    using bytes = std::vector<std::byte>;
    using codes = std::initializer_list<errc>;

    static bytes big_endian(std::int64_t value, std::size_t width) {
        bytes out(width);
        for (std::size_t i = 0; i < width; ++i)
            out[width - 1 - i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
        return out;
    }
    /// A varint of exactly `width` bytes.
    static bytes padded(std::uint64_t value, std::size_t width) {
        bytes out = support::varint(value);
        while (out.size() < width) {
            out.back() |= std::byte{0x80};
            out.push_back(std::byte{0});
        }
        return out;
    }

    support::spliced put(const spot& s, const bytes& lie) const {
        return support::splice(body_, where_, s.enclosing, s.at, s.size, lie);
    }
    outcome read_exactly(const bytes& input) const {
        const exact_bytes exact(input);
        outcome seen = read(from_, exact.span());
        if (!seen.error) write_and_read_again(from_, exact.span(), seen.content);
        return seen;
    }

    void may_be_anything(const spot& s, const bytes& lie) {
        const outcome seen = read_exactly(put(s, lie).bytes);
        ++(seen.error ? count_.refused : count_.accepted);
    }

    void must_mean_the_same(const spot& s, const bytes& lie) {
        const support::spliced input = put(s, lie);
        const outcome seen = read_exactly(input.bytes);
        ++count_.accepted;
        if (!seen.error && seen.content == content_) return;
        CAPTURE(from_.line->name(), s.path, to_hex(lie), to_hex(input.bytes));
        CHECK(!seen.error);
        CHECK(seen.content == content_);
    }

    /// Refused with one of `expected`, at the number or right after it, naming the field (or, if `below`, a
    /// field of the struct).
    void must_be_refused(const support::spliced& input, std::size_t width, const std::string& path,
                         codes expected, bool below = false) {
        const outcome seen = read_exactly(input.bytes);
        ++count_.refused;
        if (seen.error) {
            const auto path_told = kwire::path_of(*seen.error);
            const std::string_view told = path_told;
            if (std::ranges::count(expected, seen.error->code) != 0 && seen.error->offset >= input.at &&
                seen.error->offset <= input.at + width && (below ? told.starts_with(path) : told == path))
                return;
        }
        CAPTURE(from_.line->name(), path, input.at, width, to_hex(input.bytes));
        CHECK((seen.error ? std::string(kwire::describe(*seen.error)) : "accepted") ==
              "refused as it should be");
    }
    void must_be_refused(const spot& s, const bytes& lie, codes expected, bool below = false) {
        must_be_refused(put(s, lie), lie.size(), s.path, expected, below);
    }

    void endless_varints(const spot& s, bool below = false) {
        const std::byte more{0xff};
        must_be_refused(s, bytes{more, more, more, more, std::byte{0x10}}, {errc::bad_varint}, below);
        must_be_refused(s, bytes{more, more, more, more, std::byte{0x7f}}, {errc::bad_varint}, below);
        bytes six(5, std::byte{0x80});
        six.push_back(std::byte{0});
        must_be_refused(s, six, {errc::bad_varint}, below);
        bytes ten(9, more);
        ten.push_back(std::byte{1});
        must_be_refused(s, ten, {errc::bad_varint}, below);
    }

    void lie_about_length(const spot& s) {
        const bool string = s.kind == spot_kind::string_length;
        const auto left = static_cast<std::int64_t>(s.end - (s.at + s.size));
        const errc beyond = s.kind == spot_kind::array_count ? errc::count_exceeds_input
                            : s.enclosing.empty()            ? errc::truncated
                                                             : errc::tag_size_mismatch;
        if (!s.compact) {
            const auto as = [&](std::int64_t value) { return big_endian(value, s.size); };
            const std::int64_t greatest = string ? 0x7fff : 0x7fffffff;
            if (left < greatest) must_be_refused(s, as(greatest), {beyond});
            if (left < greatest) must_be_refused(s, as(left + 1), {beyond});
            for (const std::int64_t negative : {std::int64_t{-2}, -greatest - 1, -greatest})
                must_be_refused(s, as(negative), {errc::bad_length});
            if (!s.nullable) must_be_refused(s, as(-1), {errc::null_not_allowed});
            for (const std::int64_t other :
                 {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, left, left / 2})
                if (other >= 0 || s.nullable) may_be_anything(s, as(std::min(other, greatest)));
            return;
        }
        const auto as = [](std::int64_t value) {
            return support::varint(static_cast<std::uint64_t>(value + 1));
        };
        const errc too_long = string ? errc::string_too_long : beyond;
        must_be_refused(s, as(0x7fffffff), {too_long});
        for (const std::int64_t negative : {0x80000000, 0xfffffffe}) // as an int32
            must_be_refused(s, as(negative), {errc::bad_length, too_long});
        must_be_refused(s, as(left + 1), {left + 1 > 32767 ? too_long : beyond});
        if (string) must_be_refused(s, as(32768), {errc::string_too_long});
        if (!s.nullable) must_be_refused(s, as(-1), {errc::null_not_allowed});
        for (const std::int64_t other : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, left, left / 2})
            if (other >= 0 || s.nullable) may_be_anything(s, as(other));
        endless_varints(s);
        for (std::size_t width = s.size + 1; width <= 5; ++width)
            must_mean_the_same(s, padded(static_cast<std::uint64_t>(s.value), width));
    }

    void lie_about_marker(const spot& s) {
        const bool null = s.value < 0;
        for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff}) {
            const bytes lie{static_cast<std::byte>(value)};
            if ((value >= 0x80) == null)
                must_mean_the_same(s, lie);
            else
                may_be_anything(s, lie);
        }
    }

    void lie_about_tagged_marker(const spot& s) {
        if (s.value != 0) {
            must_mean_the_same(s, support::varint(2));
            must_mean_the_same(s, support::varint(0x7fffffff));
        }
        may_be_anything(s, support::varint(s.value == 0 ? 1 : 0));
        must_be_refused(s, support::varint(0x80000000), {errc::bad_length});
        endless_varints(s);
    }

    void lie_about_tag_count(const spot& s) {
        const std::uint64_t left = s.end - (s.at + s.size);
        for (const std::uint64_t count : {std::uint64_t{0xffffffff}, std::uint64_t{0x80000000},
                                          std::uint64_t{0x7fffffff}, left / 2 + 1, left + 1})
            must_be_refused(s, support::varint(count), {errc::count_exceeds_input});
        const auto value = static_cast<std::uint64_t>(s.value);
        may_be_anything(s, support::varint(value + 1));
        if (value != 0) may_be_anything(s, support::varint(value - 1));
        endless_varints(s);
        must_mean_the_same(s, padded(value, 5));
    }

    void lie_about_tag_number(const spot& s) {
        if (s.previous_tag >= 0)
            must_be_refused(s, support::varint(static_cast<std::uint64_t>(s.previous_tag)),
                            {errc::duplicate_tag}, true);
        if (s.previous_tag > 0)
            must_be_refused(s, support::varint(static_cast<std::uint64_t>(s.previous_tag - 1)),
                            {errc::tag_order}, true);
        for (const std::uint64_t number :
             {std::uint64_t{0}, std::uint64_t{0xffffffff}, std::uint64_t(s.value + 1)})
            may_be_anything(s, support::varint(number));
        endless_varints(s);
        must_mean_the_same(s, padded(static_cast<std::uint64_t>(s.value), 5));
    }

    void lie_about_tag_size(const spot& s) {
        const std::int64_t left = static_cast<std::int64_t>(s.end - (s.at + s.size));
        for (const std::int64_t size : {left + 1, std::int64_t{0x7fffffff}, std::int64_t{0xffffffff}})
            must_be_refused(s, support::varint(static_cast<std::uint64_t>(size)),
                            {errc::truncated, errc::tag_size_mismatch});
        for (const std::int64_t other :
             {s.value - 2, s.value - 1, s.value + 1, s.value + 2, std::int64_t{0}}) {
            if (other < 0 || other == s.value) continue;
            const bytes lie = support::varint(static_cast<std::uint64_t>(other));
            if (!s.known_tag) {
                may_be_anything(s, lie);
                continue;
            }
            // A wrong size is noticed inside the payload or at its end, and the error always names the field.
            const support::spliced input = put(s, lie);
            must_be_refused(input, lie.size() + static_cast<std::size_t>(std::max(other, s.value)), s.path,
                            {errc::tag_size_mismatch, errc::truncated, errc::count_exceeds_input}, true);
        }
        endless_varints(s);
        must_mean_the_same(s, padded(static_cast<std::uint64_t>(s.value), 5));
    }

    void forge_tags(const support::tag_section& section) {
        const auto replaced = [&](const bytes& tags) {
            return support::splice(body_, where_, section.enclosing, section.at, section.size, tags);
        };
        for (const kwire::field_info* field : section.not_in_version) {
            bytes tags = support::varint(1);
            for (const std::byte b : support::varint(static_cast<std::uint64_t>(field->tag)))
                tags.push_back(b);
            tags.push_back(std::byte{0});
            const std::string path =
                section.path + (section.path.empty() ? "" : ".") + std::string(field->name);
            must_be_refused(replaced(tags), tags.size(), path, {errc::tag_not_in_version});
            ++forged_;
        }
        const auto section_at = body_.begin() + static_cast<std::ptrdiff_t>(section.at);
        const auto section_end = section_at + static_cast<std::ptrdiff_t>(section.size);
        if (section.count != 0) { // the last tag once more
            bytes tags = support::varint(section.count + 1);
            tags.insert(tags.end(), section_at + static_cast<std::ptrdiff_t>(section.count_size),
                        section_end);
            tags.insert(tags.end(), body_.begin() + static_cast<std::ptrdiff_t>(section.last_tag_at),
                        section_end);
            must_be_refused(replaced(tags), tags.size(), section.path, {errc::duplicate_tag}, true);
        }
        { // one more, unknown tag
            bytes tags = support::varint(section.count + 1);
            tags.insert(tags.end(), section_at + static_cast<std::ptrdiff_t>(section.count_size),
                        section_end);
            for (const std::byte b : support::varint(0xffffffff)) tags.push_back(b);
            tags.push_back(std::byte{2});
            tags.push_back(std::byte{0xaa});
            tags.push_back(std::byte{0xbb});
            const outcome seen = read_exactly(replaced(tags).bytes);
            ++count_.accepted;
            CAPTURE(from_.line->name(), section.path);
            CHECK(!seen.error);
        }
    }

    const seed& from_;
    tally& count_;
    std::span<const std::byte> body_;
    located where_;
    std::uint64_t content_ = 0;
    std::size_t forged_ = 0;
};

} // namespace

TEST_CASE(
    "false lengths, counts, markers and tags are refused at their position, or change nothing unnoticed") {
    tally count;
    for (const seed& from : seeds(24, byte_budget / 4)) {
        ++count.seeds;
        liar(from, count).run();
    }
    WARN(count.seeds << " messages, " << count.refused << " false numbers refused, " << count.accepted
                     << " accepted and walked; lengths of strings " << count.spots[spot_kind::string_length]
                     << ", of bytes " << count.spots[spot_kind::bytes_length] << ", counts "
                     << count.spots[spot_kind::array_count] << ", null markers "
                     << count.spots[spot_kind::null_marker] << " and in tags "
                     << count.spots[spot_kind::tagged_null_marker] << ", tag counts "
                     << count.spots[spot_kind::tag_count] << ", numbers "
                     << count.spots[spot_kind::tag_number] << ", sizes " << count.spots[spot_kind::tag_size]);
    for (const spot_kind kind :
         {spot_kind::string_length, spot_kind::bytes_length, spot_kind::array_count, spot_kind::null_marker,
          spot_kind::tagged_null_marker, spot_kind::tag_count, spot_kind::tag_number, spot_kind::tag_size})
        CHECK(count.spots[kind] > 0);
}
