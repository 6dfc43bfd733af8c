/// Invalid bytes for every version of every message: truncated at each byte, and with each byte replaced.
///
/// All pairs of message and version are here, each read in three forms: through the tables, as the view of a
/// version known at run time, and as that of a constant. tests/messages/hostile.test.cpp damages some of them
/// in more ways, and reads every field of theirs through typed views too. Inputs are in heap blocks of
/// exactly their size, so that AddressSanitizer detects reads past the end, and every accessor of dynamic
/// views is called on accepted input.
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/transcode.hpp>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "generated/walks.hpp"
#include "support/bytes.hpp"
#include "support/chosen.hpp"
#include "support/count_allocations.hpp"
#include "support/golden.hpp"
#include "support/golden_count.hpp"

using kwire::parse_options;
using kwire::test::exact_bytes;
using kwire::test::to_hex;
using support::golden_message;

namespace {

/// A digest of everything that a view shows, computed without allocating.
class digest {
public:
    void add(const kwire::dynamic_view& view) {
        mix(view.bytes().size());
        for (std::size_t i = 0; i < view.field_count(); ++i) {
            const kwire::dynamic_value value = view.field(i);
            mix(value.present() ? 1 : 2);
            add(value);
        }
        for (const kwire::unknown_tag_view tag : view.unknown_tags()) {
            mix(tag.number);
            add(tag.payload);
        }
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }

private:
    void mix(std::uint64_t more) { value_ = (std::rotl(value_, 5) ^ more) * 0x9e3779b97f4a7c15U; }
    void add(std::span<const std::byte> bytes) {
        mix(bytes.size());
        for (const std::byte b : bytes) mix(std::to_integer<std::uint64_t>(b));
    }
    void add(const kwire::dynamic_value& value) {
        if (value.is_null()) return mix(3);
        switch (value.kind()) {
        case kwire::field_kind::string: return add(std::as_bytes(std::span(value.text())));
        case kwire::field_kind::bytes:
        case kwire::field_kind::records: return add(value.bytes());
        case kwire::field_kind::uuid: return add(value.id().bytes);
        case kwire::field_kind::float64: return mix(std::bit_cast<std::uint64_t>(value.real()));
        case kwire::field_kind::structure: return add(value.structure());
        case kwire::field_kind::array:
            mix(value.size());
            for (const kwire::dynamic_value element : value.elements()) add(element);
            return;
        default: mix(static_cast<std::uint64_t>(value.number()));
        }
    }

    std::uint64_t value_ = 0;
};

const kwire::message_info& info_of(const golden_message& line) {
    const kwire::message_info* const info = kwire::find_message(line.message);
    if (info == nullptr) throw std::runtime_error("no message " + line.message);
    return *info;
}

const support::walked_message& walks_of(const golden_message& line) {
    static const auto all = [] {
        std::map<std::string_view, support::walked_message> by_name;
        for (const auto& one : support::all_walked_messages()) by_name.emplace(one.facts.name, one);
        return by_name;
    }();
    return all.at(line.message);
}

/// The result of reading some bytes: a digest, or nothing if they were refused.
struct outcome {
    std::optional<kwire::error> refused;
    std::uint64_t content = 0;
    std::size_t covered = 0;
};

outcome read(const kwire::message_info& info, std::span<const std::byte> bytes, int version,
             parse_options options) {
    outcome seen;
    const auto view = kwire::parse_view(info, bytes, version, options);
    if (!view) {
        seen.refused = view.error();
        return seen;
    }
    digest content;
    content.add(*view);
    seen.content = content.value();
    seen.covered = view->bytes().size();
    return seen;
}

/// The defect in the conversion of lenient bytes to canonical ones; empty if there is none.
std::string fault_of_canonical(const kwire::message_info& info, std::span<const std::byte> bytes,
                               int version) {
    const auto held =
        kwire::parse(info, kwire::shared_buffer::copy_of(bytes), version, parse_options::lenient());
    if (!held) return "not accepted twice";
    const auto same = kwire::encode(info, *held, version);
    if (!same || !std::ranges::equal(same->to_bytes(), bytes.first((*held)->bytes().size())))
        return "its bytes are not those that came";
    const auto written = kwire::detail::encode_dynamic(info, **held, version, (*held).buffer());
    if (!written) return std::string(kwire::describe(written.error()));
    const kwire::shared_buffer canonical = written->to_bytes();
    // The one exception in docs/lenient.md.
    const auto again = kwire::parse_view(info, canonical.span(), version, {.tags_of_other_versions = true});
    if (!again) return std::string(kwire::describe(again.error()));
    return kwire::same_content(*again, **held) ? "" : "other content";
}

bool same_refusal(const std::optional<kwire::error>& a, const std::optional<kwire::error>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->code == b->code && a->offset == b->offset && a->needed == b->needed && a->left == b->left;
}

/// Reads as typed views do, which must find what a dynamic one has found: the version known at run time, then
/// as a constant. Returns the defect, empty if there is none.
std::string fault_of_typed(const support::walked_message& message, std::span<const std::byte> bytes,
                           int version, parse_options options, const outcome& dynamic) {
    support::places general(bytes), fixed(bytes);
    if (!same_refusal(message.walk(bytes, version, general, options), dynamic.refused))
        return "the view of a version known at run time disagrees";
    if (!same_refusal(message.fixed_walk_of(version)(bytes, fixed, options), dynamic.refused))
        return "the view of a version known at compile time disagrees";
    if (!dynamic.refused && !options.trailing_bytes && !fixed.unrolled) // strictly
        return "the unrolled check refuses by itself what the general one accepts";
    return general.steps() == fixed.steps() ? "" : "the two views see different places";
}

class judge {
public:
    judge(const golden_message& line) : line_(line), info_(info_of(line)), walks_(walks_of(line)) {}

    /// Reads strictly and leniently. Strictly valid bytes must be accepted leniently too, and show the same.
    outcome operator()(std::span<const std::byte> bytes) {
        ++tried;
        outcome strict, lenient;
        const std::size_t allocations = support::allocations_of([&] {
            strict = read(info_, bytes, line_.version, {});
            lenient = read(info_, bytes, line_.version, parse_options::lenient());
        });
        std::string fault = fault_of_typed(walks_, bytes, line_.version, {}, strict);
        if (fault.empty())
            fault = fault_of_typed(walks_, bytes, line_.version, parse_options::lenient(), lenient);
        if (allocations != 0) fault = "reading allocates";
        for (const outcome& one : {strict, lenient})
            if (one.refused && (one.refused->offset > bytes.size() || one.refused->message != line_.message ||
                                one.refused->left > bytes.size()))
                fault = "an incomplete error";
        if (!strict.refused) {
            ++accepted;
            if (lenient.refused)
                fault = "accepted strictly and refused leniently";
            else if (strict.content != lenient.content)
                fault = "it is seen in two ways";
            else if (strict.covered != bytes.size())
                fault = "it does not cover its bytes";
        }
        if (fault.empty() && !lenient.refused && (strict.refused || accepted % 8 == 0)) {
            tolerated += strict.refused ? 1 : 0;
            fault = fault_of_canonical(info_, bytes, line_.version);
        }
        if (!fault.empty()) {
            CAPTURE(line_.name(), to_hex(bytes));
            CHECK(fault == "");
        }
        return strict;
    }

    static inline std::size_t tried = 0, accepted = 0, tolerated = 0;

private:
    const golden_message& line_;
    const kwire::message_info& info_;
    const support::walked_message& walks_;
};

/// The value with the most content for each version of each message, and one with unknown tags if there is
/// one.
const std::vector<const golden_message*>& seeds() {
    static const std::vector<const golden_message*> all = [] {
        std::map<std::pair<std::string, int>, std::pair<const golden_message*, const golden_message*>> best;
        for (const golden_message& line : support::golden_messages()) {
            if (line.rejected() || !support::reads(line.message)) continue;
            auto& [rich, tagged] = best[{line.message, line.version}];
            if (rich == nullptr || line.sample == "full") rich = &line;
            if (line.unknown_tag_count != 0 &&
                (tagged == nullptr || line.bytes.size() < tagged->bytes.size()))
                tagged = &line;
        }
        std::vector<const golden_message*> chosen;
        for (const auto& [pair, lines] : best) {
            chosen.push_back(lines.first);
            if (lines.second != nullptr && lines.second->bytes.size() < 4000) chosen.push_back(lines.second);
        }
        return chosen;
    }();
    return all;
}

void start_counting() { judge::tried = judge::accepted = judge::tolerated = 0; }

} // namespace

TEST_CASE("every pair of message and version has seeds") {
    std::set<std::pair<std::string_view, int>> pairs;
    for (const golden_message* line : seeds()) pairs.emplace(line->message, line->version);
    std::size_t of_schema = 0;
    for (const kwire::message_info& info : kwire::detail::registry) {
        const kwire::message_facts& facts = info.facts;
        of_schema += static_cast<std::size_t>(facts.versions.last - facts.versions.first + 1);
        if (facts.alias >= 0) ++of_schema; // a second version number for the same bytes
    }
    CHECK(pairs.size() == of_schema);
}

TEST_CASE("every golden value is read without allocating, strictly and leniently alike, to its last byte") {
    std::size_t lines = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        ++lines;
        const kwire::message_info& info = info_of(line);
        const exact_bytes bytes(line.bytes);
        outcome strict, lenient;
        const std::size_t allocations = support::allocations_of([&] {
            strict = read(info, bytes.span(), line.version, {});
            lenient = read(info, bytes.span(), line.version, parse_options::lenient());
        });
        if (allocations == 0 && !strict.refused && !lenient.refused && strict.content == lenient.content &&
            strict.covered == line.bytes.size())
            continue;
        CAPTURE(line.name(), to_hex(line.bytes));
        CHECK(allocations == 0);
        CHECK_FALSE(strict.refused);
        CHECK_FALSE(lenient.refused);
        CHECK(strict.content == lenient.content);
        CHECK(strict.covered == line.bytes.size());
    }
    CHECK(lines == kwire::test::golden_count("messages, values"));
}

TEST_CASE("what Kafka refuses is refused, even leniently unless a leniency allows it") {
    std::map<std::string, std::size_t> passed;
    std::size_t lines = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (!line.rejected()) continue;
        ++lines;
        judge read_it(line);
        const exact_bytes bytes(line.bytes);
        CAPTURE(line.name(), to_hex(line.bytes));
        REQUIRE(read_it(bytes.span()).refused);
        if (!read(info_of(line), bytes.span(), line.version, parse_options::lenient()).refused)
            ++passed[line.sample];
    }
    CHECK(lines == kwire::test::golden_count("messages, refused"));
    for (const auto& [sample, count] : passed) {
        CAPTURE(sample, count);
        // Nulls, and tags of other versions: the two leniencies that Kafka does not have. Shifted bytes can
        // look like either.
        CHECK((sample.starts_with("reject-null") || sample.starts_with("reject-tag") ||
               sample.starts_with("reject-negative")));
    }
}

TEST_CASE("every truncated message is refused, or can be walked if a leniency accepts it") {
    start_counting();
    for (const golden_message* line : seeds()) {
        judge read_it(*line);
        const std::span<const std::byte> whole = line->bytes;
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const exact_bytes part(whole.first(n));
            if (read_it(part.span()).refused) continue;
            CAPTURE(line->name(), to_hex(part.span()));
            CHECK(false); // no message of the schema has an optional end
        }
    }
    WARN(judge::tried << " truncations, " << judge::tolerated << " of them tolerated");
    CHECK(judge::accepted == 0);
    CHECK((judge::tried > 100'000 || !support::reads_all()));
}

TEST_CASE("every message with any byte replaced is refused or can be walked") {
    start_counting();
    for (const golden_message* line : seeds()) {
        judge read_it(*line);
        exact_bytes bytes(line->bytes);
        for (std::byte& byte : bytes.writable()) {
            const std::byte before = byte;
            for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff, std::to_integer<int>(before) + 1}) {
                byte = static_cast<std::byte>(value & 0xff);
                read_it(bytes.span());
            }
            byte = before;
        }
    }
    WARN(judge::tried << " replacements, " << judge::accepted << " accepted, " << judge::tolerated
                      << " tolerated");
    CHECK(judge::accepted > 0);
    CHECK(judge::accepted < judge::tried);
    CHECK(judge::tolerated > 0);
}

TEST_CASE("every message with a negative number anywhere is refused or can be walked") {
    start_counting();
    const std::vector<std::vector<std::byte>> lies{
        kwire::test::from_hex("ffff"),      kwire::test::from_hex("8000"),
        kwire::test::from_hex("ffffffff"),  kwire::test::from_hex("80000000"),
        kwire::test::from_hex("fffffffe"),  kwire::test::from_hex("ffffffff0f"),
        kwire::test::from_hex("8080808008")};
    for (const golden_message* line : seeds()) {
        if (line->unknown_tag_count != 0) continue;
        judge read_it(*line);
        for (std::size_t at = 0; at < line->bytes.size(); ++at)
            for (const auto& lie : lies) {
                // Replaces the same number of bytes, and, as a varint, one byte.
                for (const std::size_t gone : {lie.size(), lie.size() == 5 ? std::size_t{1} : lie.size()}) {
                    if (gone > line->bytes.size() - at) continue;
                    std::vector<std::byte> input(line->bytes.begin(),
                                                 line->bytes.begin() + static_cast<std::ptrdiff_t>(at));
                    input.insert(input.end(), lie.begin(), lie.end());
                    input.insert(input.end(), line->bytes.begin() + static_cast<std::ptrdiff_t>(at + gone),
                                 line->bytes.end());
                    const exact_bytes exact(input);
                    read_it(exact.span());
                    if (gone == 1) break;
                }
            }
    }
    WARN(judge::tried << " false numbers, " << judge::accepted << " accepted, " << judge::tolerated
                      << " tolerated");
    CHECK(judge::tolerated > 0);
}
