#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/record_range.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::errc;
using kwire::detail::parsed_record;
using kwire::test::exact_bytes;
using octets = std::vector<std::byte>;

namespace {

// ---- records that are as strange as the format allows --------------------------------------------------

void add(octets& out, std::int64_t number, std::size_t padding = 0) {
    std::array<std::byte, 10> form{};
    const auto size = static_cast<std::size_t>(kwire::wire::write_varint(form.data(), number) - form.data());
    for (std::size_t i = 0; i != padding; ++i) form[size - 1 + i] |= std::byte{0x80};
    out.insert(out.end(), form.begin(), form.begin() + static_cast<std::ptrdiff_t>(size + padding));
}
void add_sized(octets& out, std::int64_t size, std::size_t padding = 0) {
    add(out, size, padding);
    for (std::int64_t i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(0x31 + i % 91));
}

struct header {
    std::int64_t name, value; ///< sizes
};
struct content {
    std::int64_t time = 1, offset = 1, key = -1, value = -1; ///< the last two are sizes
    std::vector<header> headers{};
    std::size_t padding = 0; ///< bytes that make each varint longer than it has to be
};

octets body_of(const content& of) {
    octets body{std::byte{0}};
    add(body, of.time, of.padding);
    add(body, of.offset, of.padding);
    add_sized(body, of.key, of.padding);
    add_sized(body, of.value, of.padding);
    add(body, static_cast<std::int64_t>(of.headers.size()), of.padding);
    for (const auto& [name, value] : of.headers) {
        add_sized(body, name, of.padding);
        add_sized(body, value, of.padding);
    }
    return body;
}
void add_record(octets& out, const octets& body, std::size_t padding = 0) {
    add(out, static_cast<std::int64_t>(body.size()), padding);
    out.insert(out.end(), body.begin(), body.end());
}

const std::vector<content>& contents() {
    static const std::vector<content> all{
        {},
        {.key = 0, .value = 0},
        {.time = 1000, .offset = 1, .key = 10, .value = 20, .headers = {{8, 16}, {6, 8}}},
        {.time = -100'000, .offset = 70'000, .key = 3, .headers = {{0, -1}, {0, 0}, {1, -1}}},
        {.time = std::int64_t{1} << 40, .offset = -9000, .value = 63},
        {.key = 64, .value = 65, .headers = {{63, 1}}},
        {.headers = {{1, 64}, {2, -1}}},
        {.time = std::numeric_limits<std::int64_t>::min(), .headers = {{64, 2}}},
        {.offset = std::numeric_limits<std::int32_t>::max(), .value = 1},
        {.key = 2, .value = 2, .headers = {{1, 1}}, .padding = 1},
        {.key = 2, .value = 2, .headers = {{1, 1}}, .padding = 3},
        {.value = 9},
    };
    return all;
}

/// All of them, and some usual ones.
octets rich_records() {
    octets all;
    for (const content& one : contents()) add_record(all, body_of(one), one.padding);
    for (int i = 0; i != 5; ++i) add_record(all, body_of({.key = 4, .value = 10}));
    return all;
}
const std::size_t rich_count = contents().size() + 5;

// ---- the two ways to read them -------------------------------------------------------------------------

bool same(const parsed_record& a, const parsed_record& b) {
    return a.timestamp_delta == b.timestamp_delta && a.key == b.key && a.value == b.value &&
           a.headers == b.headers && a.offset_delta == b.offset_delta && a.key_size == b.key_size &&
           a.value_size == b.value_size && a.header_count == b.header_count && a.attributes == b.attributes;
}

struct tally {
    std::size_t near = 0, far = 0, refused = 0; ///< records
};

/// Whether a record is read in the same way by both, at every record up to the first defect, and whether the
/// quick one accepts no more than the careful one.
bool agree(std::span<const std::byte> records, std::size_t count, tally& seen) {
    const std::byte* p = records.data();
    const std::byte* const end = p + records.size();
    for (; count != 0; --count) {
        kwire::detail::silent_refusal silent;
        kwire::detail::described_refusal described{.origin = records.data()};
        parsed_record one, careful, described_one, near;
        const std::byte* const next = read_record(p, end, one, silent);
        const std::byte* const expected = read_record_carefully(p, end, careful, silent);
        if (next != expected || !same(one, careful)) return false;
        if (read_record_carefully(p, end, described_one, described) != expected) return false;
        const std::byte* near_next = nullptr;
        if (read_near_record(p, end, near, near_next)) {
            if (near_next != expected || !same(near, careful)) return false;
            ++seen.near;
        } else {
            ++(expected != nullptr ? seen.far : seen.refused);
        }
        if (expected == nullptr) return true;
        p = expected;
    }
    return true;
}

/// The error that careful reading finds in the records of a batch, as a loop over them must report it.
std::optional<kwire::error> careful_defect(std::span<const std::byte> batch, std::size_t count) {
    const std::byte* p = batch.data() + 61;
    const std::byte* const end = batch.data() + batch.size();
    for (std::size_t i = 0; i != count; ++i) {
        kwire::detail::described_refusal refuse{.origin = batch.data()};
        parsed_record ignored;
        p = read_record_carefully(p, end, ignored, refuse);
        if (p == nullptr) {
            refuse.e.enter({"records", static_cast<std::int64_t>(i)});
            return refuse.e;
        }
    }
    if (p == end) return std::nullopt;
    return kwire::error{.code = errc::trailing_bytes, .offset = static_cast<std::uint64_t>(p - batch.data())};
}

bool same(const kwire::error& a, const kwire::error& b) {
    if (a.code != b.code || a.offset != b.offset || a.needed != b.needed || a.left != b.left ||
        a.depth != b.depth)
        return false;
    return std::equal(a.path.begin(), a.path.begin() + a.depth, b.path.begin(),
                      [](const auto& x, const auto& y) { return x.field == y.field && x.index == y.index; });
}

/// Whether a loop over the batch ends with that error, and delivers what careful reading finds before it.
bool loop_agrees(std::span<const std::byte> batch, std::size_t count) {
    const auto expected = careful_defect(batch, count);
    std::optional<kwire::error> defect;
    const std::byte* p = batch.data() + 61;
    for (const auto record : kwire::record_range(kwire::batch_at(batch).value())) {
        if (!record) {
            defect = record.error();
            break;
        }
        kwire::detail::silent_refusal refuse;
        parsed_record careful;
        p = read_record_carefully(p, batch.data() + batch.size(), careful, refuse);
        if (p == nullptr) return false;
        const std::byte* at = careful.headers;
        for (const auto one : record->headers()) {
            const std::byte *name = nullptr, *value = nullptr;
            std::int32_t name_size = 0, value_size = 0;
            at = kwire::detail::read_sized<false>("", at, p, name, name_size, refuse);
            at = kwire::detail::read_sized<true>("", at, p, value, value_size, refuse);
            if (static_cast<const void*>(one.name.data()) != name ||
                one.name.size() != static_cast<std::size_t>(name_size) ||
                one.value.has_value() != (value_size >= 0))
                return false;
            if (one.value &&
                (one.value->data() != value || one.value->size() != static_cast<std::size_t>(value_size)))
                return false;
        }
        if (at != p || record->headers().size() != static_cast<std::size_t>(careful.header_count))
            return false;
    }
    if (defect.has_value() != expected.has_value()) return false;
    return !defect || same(*defect, *expected);
}

/// A batch with these records, and a right length.
octets batch_of(std::span<const std::byte> records, std::size_t count) {
    octets batch(61 + records.size());
    kwire::wire::store_be(&batch[8], static_cast<std::int32_t>(49 + records.size()));
    batch[16] = std::byte{2};
    kwire::wire::store_be(&batch[57], static_cast<std::int32_t>(count));
    std::ranges::copy(records, batch.begin() + 61);
    return batch;
}

} // namespace

TEST_CASE("read_record: sound records are read alike whether or not bytes follow them") {
    const octets records = rich_records();
    const exact_bytes block(records);
    tally seen;
    REQUIRE(agree(block.span(), rich_count, seen));
    CHECK(seen.refused == 0);
    // Read carefully are a name of 64 bytes, the longest form of a delta, padded counts of headers: four.
    CHECK(seen.near == 13);
    CHECK(seen.far == 4);
}

TEST_CASE("read_record: a cut at any byte is refused with the same error in the same place") {
    const octets records = rich_records();
    tally seen;
    for (std::size_t size = 0; size <= records.size(); ++size) {
        const exact_bytes block(std::span<const std::byte>(records).first(size));
        if (!agree(block.span(), rich_count, seen)) FAIL("when cut at " << size);
        const exact_bytes batch(batch_of(block.span(), rich_count));
        if (size >= 7 * rich_count && !loop_agrees(batch.span(), rich_count))
            FAIL("in a loop, cut at " << size);
    }
    CHECK(seen.refused == records.size());
}

TEST_CASE("read_record: an edit of any byte is accepted or refused alike, with the same error") {
    const octets records = rich_records();
    exact_bytes block(records), batch(batch_of(records, rich_count));
    tally seen;
    for (std::size_t at = 0; at < records.size(); ++at) {
        std::byte &here = block.writable()[at], &there = batch.writable()[61 + at];
        for (unsigned value = 0; value < 256; ++value) {
            here = there = static_cast<std::byte>(value);
            if (!agree(block.span(), rich_count, seen)) FAIL("with " << value << " at " << at);
            if (!loop_agrees(batch.span(), rich_count)) FAIL("in a loop, with " << value << " at " << at);
        }
        here = there = records[at];
    }
    CHECK(seen.near > 100'000);
    CHECK(seen.refused > 10'000);
}

TEST_CASE("read_record: a record that claims more than its length holds is never read past the batch") {
    // What follows the record goes on as hostile bytes do: 7e is the size of a name of 63 bytes, 01 is null.
    constexpr std::array<std::pair<unsigned, unsigned>, 8> tails{
        {{0, 0}, {1, 1}, {2, 1}, {0x7e, 0x80}, {0x7e, 1}, {0x7e, 0}, {0x80, 0x80}, {0xff, 0xff}}};
    tally seen;
    std::vector<content> claims = contents();
    claims.push_back({.key = 0, .value = 0, .headers = {{1, 4}, {1, 4}, {1, 4}}});
    for (const content& one : claims) {
        const octets body = body_of(one);
        for (std::size_t length = 0; length <= body.size(); ++length)
            for (const auto& [first, rest] : tails)
                for (std::size_t after = 0; after <= 70; ++after) {
                    octets record;
                    add_record(record, {body.begin(), body.begin() + static_cast<std::ptrdiff_t>(length)});
                    if (after != 0) record.push_back(static_cast<std::byte>(first));
                    record.resize(record.size() + after - (after != 0), static_cast<std::byte>(rest));
                    const exact_bytes block(record);
                    if (!agree(block.span(), 1, seen))
                        FAIL("of " << body.size() << " bytes " << length << ", then " << after << " of "
                                   << rest);
                }
    }
    CHECK(seen.near > 300);
    CHECK(seen.far > 2000);
    CHECK(seen.refused > 100'000);
}

TEST_CASE("read_record: the longest fields that are read at once never pass the end of the batch") {
    octets body{std::byte{0}};
    add(body, std::int64_t{1} << 61); // 9 bytes
    add(body, 1 << 26);               // 4 bytes
    add_sized(body, 64);              // 2 bytes and the key
    add_sized(body, 5, 2);            // 3 bytes and the value
    add(body, 0);
    tally seen;
    for (std::size_t length = 0; length <= body.size(); ++length) {
        octets record;
        add(record, static_cast<std::int64_t>(length), length < 64 ? 2 : 1); // 3 bytes
        record.insert(record.end(), body.begin(), body.begin() + static_cast<std::ptrdiff_t>(length));
        const exact_bytes block(record);
        if (!agree(block.span(), 1, seen)) FAIL("with a length of " << length);
    }
    CHECK(seen.near == 1);
    CHECK(seen.refused == body.size());
}

TEST_CASE("read_record: sizes that are too long to be read quickly are read") {
    for (const std::int64_t size : {8191, 8192, (1 << 20) - 1, 1 << 20}) {
        octets records;
        add_record(records, body_of({.key = size}));
        add_record(records, body_of({.value = size}));
        add_record(records, body_of({.headers = {{size, 1}}}));
        add_record(records, body_of({.headers = {{1, size}, {2, 2}}}));
        add_record(records,
                   body_of({.headers = std::vector<header>(static_cast<std::size_t>(size / 100), {1, 1})}));
        add_record(records, body_of({.value = 80}));
        const exact_bytes block(records), batch(batch_of(records, 6));
        tally seen;
        CHECK(agree(block.span(), 6, seen));
        CHECK(seen.refused == 0);
        CHECK(loop_agrees(batch.span(), 6));
    }
}

TEST_CASE("read_record: a size of three bytes is not taken for one of two") {
    // The value of the header needs 8192 bytes after its size, and has them only after two bytes of it.
    octets body = body_of({.headers = {{1, 8192}}}), records;
    body.pop_back();
    add_record(records, body);
    const exact_bytes block(records);
    tally seen;
    CHECK(agree(block.span(), 1, seen));
    CHECK(seen.refused == 1);
}

TEST_CASE("read_record: a negative count of headers is not taken for the next smaller one") {
    const exact_bytes block(kwire::test::from_hex("120000000101030000000000000000000000000000000000"));
    tally seen;
    CHECK(agree(block.span(), 1, seen));
    CHECK(seen.refused == 1);
}
