#include <kwire/records/builder.hpp>
#include <kwire/records/skim.hpp>

#include <boost/json.hpp>

#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::golden_sets;

namespace {

/// The first record for which `wanted`, found by reading all records.
template <class Wanted>
std::optional<kwire::record_view> walk_to(batch_view batch, Wanted wanted) {
    for (const auto record : kwire::record_range(batch))
        if (wanted(*record)) return *record;
    return std::nullopt;
}
bool same(const kwire::expected<std::optional<kwire::record_view>, kwire::error>& found,
          const std::optional<kwire::record_view>& expected) {
    if (!found || found->has_value() != expected.has_value()) return false;
    if (!expected) return true;
    const auto where = [](const kwire::record_view& r) { return r.value() ? r.value()->data() : nullptr; };
    return (*found)->offset() == expected->offset() && (*found)->timestamp() == expected->timestamp() &&
           (*found)->sequence() == expected->sequence() && where(**found) == where(*expected) &&
           (*found)->headers().size() == expected->headers().size();
}

/// Compares every look-up in a valid batch with reading all records.
void compare(batch_view batch) {
    std::uint32_t count = 0;
    std::optional<std::int64_t> last;
    std::vector<std::int64_t> offsets, times;
    for (const auto each : kwire::record_range(batch)) {
        if (!each) break;
        const auto record = *each;
        ++count;
        last = record.offset();
        offsets.push_back(record.offset());
        times.push_back(record.timestamp());
    }
    CHECK(kwire::count_records(batch) == count);
    const auto last_found = kwire::last_record_offset(batch);
    REQUIRE(last_found);
    CHECK(*last_found == last);
    if (offsets.size() > 40) offsets.erase(offsets.begin() + 20, offsets.end() - 20);
    if (times.size() > 40) times.erase(times.begin() + 20, times.end() - 20);
    for (const auto offset : offsets)
        for (int near = -1; near <= 1; ++near)
            CHECK(same(kwire::find_offset(batch, offset + near),
                       walk_to(batch, [&](const auto& r) { return r.offset() >= offset + near; })));
    for (const auto time : times)
        for (int near = -1; near <= 1; ++near)
            CHECK(same(kwire::find_timestamp(batch, time + near),
                       walk_to(batch, [&](const auto& r) { return r.timestamp() >= time + near; })));
}

} // namespace

TEST_CASE("skim: every look-up agrees with reading all records, in all sets that Kafka wrote") {
    std::size_t compared = 0, compressed = 0, refused = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (line.as_object().contains("patch")) return;
        INFO(std::string(line.at("sample").as_string()));
        const exact_bytes block(from_hex(line.at("hex").as_string()));
        for (const auto entry : kwire::record_batches(block.span())) {
            if (!entry) break;
            const auto batch = *entry;
            const auto defect = kwire::record_range(batch).defect();
            if (!defect) {
                ++compared;
                compare(batch);
                continue;
            }
            // Valid as far as it was read, or refused with the error of reading all records.
            const auto count = kwire::count_records(batch);
            const auto last = kwire::last_record_offset(batch);
            const auto found = kwire::find_offset(batch, batch.last_offset());
            if (!count) CHECK(count.error().code == defect->code);
            if (!last) CHECK(last.error().offset == defect->offset);
            if (!found) CHECK(found.error().code == defect->code);
            if (batch.compression() != kwire::compression_type::none) {
                ++compressed;
                CHECK((!count && !last && !found));
            }
            ++refused;
        }
    });
    CHECK(compared > 150);
    CHECK(compressed > 100);
    CHECK(refused > compressed);
}

TEST_CASE("skim: no edit or cut makes a look-up read past the end or give a wrong count") {
    std::vector<std::byte> value(9, std::byte{5});
    kwire::batch_builder builder({.base_offset = 40});
    for (int i = 0; i < 6; ++i)
        REQUIRE(builder.append({.offset = 40 + 2 * i, .timestamp = 1000 - i * 70, .value = value}));
    const auto good = std::move(builder).finish().to_bytes();
    compare(kwire::batch_at(good.span()).value());
    const auto ask = [](batch_view batch) {
        const auto defect = kwire::record_range(batch).defect();
        const auto count = kwire::count_records(batch);
        const auto last = kwire::last_record_offset(batch);
        const auto found = kwire::find_offset(batch, 46);
        const auto later = kwire::find_timestamp(batch, 990);
        if (!defect) compare(batch);
        const bool all_known = count && last && found && later;
        CHECK((all_known || defect));
    };
    for (std::size_t cut = 61; cut < good.size(); ++cut) {
        exact_bytes block(good.span().first(cut));
        kwire::wire::store_be(block.writable().data() + 8, static_cast<std::int32_t>(cut - 12));
        const auto batch = kwire::batch_at(block.span()).value();
        CHECK(!kwire::count_records(batch));
        ask(batch);
    }
    for (std::size_t at = 57; at < good.size(); ++at)
        for (const unsigned with : {0U, 1U, 2U, 0x13U, 0x7fU, 0x80U, 0xffU}) {
            exact_bytes block(good.span());
            block.writable()[at] = static_cast<std::byte>(with);
            ask(kwire::batch_at(block.span()).value());
        }
}
