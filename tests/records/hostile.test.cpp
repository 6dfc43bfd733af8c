// needs: gzip snappy lz4 zstd
#include <kwire/records/control.hpp>
#include <kwire/records/read.hpp>
#include <kwire/records/skim.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/every_codec.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::crc_policy;
using kwire::errc;
using namespace kwire::test;

namespace {

constexpr std::size_t cap = 64 << 10;
constexpr std::size_t slack = 1 << 10; // for what a buffer needs beside its bytes

/// A codec that stores its input, so that the decompressed bytes can be anything.
class mirror final : public kwire::codec {
public:
    kwire::compression_type type() const noexcept override { return kwire::compression_type::gzip; }

protected:
    kwire::expected<void, kwire::error> do_decompress(std::span<const std::byte> in,
                                                      kwire::capped_output& out, std::int8_t,
                                                      const kwire::decompress_options&) override {
        const auto room = out.room(in.size());
        if (room.size() < in.size()) return kwire::unexpected{out.too_large(0)};
        std::ranges::copy(in, room.begin());
        out.commit(in.size());
        return {};
    }
    kwire::expected<void, kwire::error> do_compress(std::span<const std::byte> in, kwire::unique_buffer& out,
                                                    std::int8_t) override {
        out.append(in);
        return {};
    }
};

/// The results of a reader, for comparison.
struct outcome {
    std::uint64_t records = 0;
    std::uint64_t seen = 0; ///< a digest of everything that was read
    std::optional<kwire::error> defect{};
    std::string wrong{}; ///< the first claim that did not hold
};

void insist(outcome& out, bool truth, const char* claim) {
    if (!truth && out.wrong.empty()) out.wrong = claim;
}

bool inside(std::span<const std::byte> part, std::span<const std::byte> whole) {
    if (part.empty()) return true;
    const std::less_equal<const std::byte*> before;
    return before(whole.data(), part.data()) &&
           before(part.data() + part.size(), whole.data() + whole.size());
}

/// Reads every byte that a record shows.
void touch(outcome& out, const kwire::record_view& record, std::span<const std::byte> where) {
    const auto bytes = [&](std::span<const std::byte> part) {
        insist(out, inside(part, where), "what a record shows lies in its bytes");
        for (const auto b : part) out.seen = out.seen * 31 + std::to_integer<std::uint64_t>(b);
    };
    out.seen = out.seen * 31 + static_cast<std::uint64_t>(record.offset());
    out.seen = out.seen * 31 + static_cast<std::uint64_t>(record.timestamp());
    out.seen = out.seen * 31 + static_cast<std::uint32_t>(record.sequence());
    if (record.key()) bytes(*record.key());
    if (record.value()) bytes(*record.value());
    std::size_t headers = 0;
    for (auto header : record.headers()) {
        ++headers;
        bytes(std::as_bytes(std::span(header.name)));
        if (header.value) bytes(*header.value);
    }
    insist(out, headers == record.headers().size(), "as many headers as there are");
}

void touch_control(outcome& out, const kwire::record_view& record) {
    const auto control = kwire::control_of(record);
    if (!control) return;
    out.seen += static_cast<std::uint64_t>(control->type()) + name_of(control->type()).size();
}

/// Calls everything that takes one batch.
outcome walk(batch_view batch, const kwire::codec_set& codecs) {
    outcome out;
    support::largest_allocation = 0;
    const auto records = kwire::records(batch, codecs, cap, crc_policy::skip);
    insist(out, support::largest_allocation <= cap + slack, "no more memory than the cap");
    if (!records) {
        out.defect = records.error();
        return out;
    }
    const auto where = records->is_decompressed() ? records->buffer().span() : bytes_of(batch);
    auto i = records->begin();
    for (; i != records->end(); ++i) {
        insist(out, !out.defect, "a defect is the last element");
        if (const auto record = *i) {
            ++out.records;
            touch(out, *record, where);
            if (batch.is_control()) touch_control(out, *record);
        } else {
            out.defect = record.error();
        }
    }
    const auto defect = records->defect(i);
    insist(out, defect.has_value() == out.defect.has_value(), "the loop and defect() agree");
    if (defect && out.defect)
        insist(out, defect->code == out.defect->code && defect->offset == out.defect->offset,
               "the loop and defect() have the same reason");
    insist(out, (records->count() == out.records) || out.defect, "a loop that ends early has its reason");
    if (out.defect) insist(out, out.defect->offset <= where.size(), "a defect lies in its bytes");

    const auto count = count_records(*records);
    const auto last = last_record_offset(*records);
    const auto found = find_offset(*records, batch.next_offset());
    const auto later = find_timestamp(*records, batch.max_timestamp());
    insist(out, out.defect || (count && last && found && later), "sound records can be skimmed");
    if (count && !out.defect) insist(out, *count == out.records, "hops count as steps do");
    for (const auto* one : {&found, &later})
        if (*one && **one) touch(out, ***one, where);

    if (batch.compression() == kwire::compression_type::none) {
        const auto range = kwire::record_range(batch);
        std::uint64_t n = 0;
        for (auto record : range) n += record && record->headers().size() != ~std::size_t{0} ? 1 : 0;
        insist(out, n == out.records && range.defect().has_value() == out.defect.has_value(),
               "both readers see the same");
    }
    return out;
}

/// The same for a whole set in a block of its exact size; returns what was wrong.
std::string walk_set(std::span<const std::byte> bytes, const kwire::codec_set& codecs) {
    const exact_bytes block(bytes);
    const auto batches = kwire::record_batches(block.span());
    std::size_t covered = 0;
    auto i = batches.begin();
    for (; i != batches.end(); ++i) {
        if (!*i) continue; // a defect, which is the last element
        covered += bytes_of(**i).size();
        if (auto out = walk(**i, codecs); !out.wrong.empty()) return out.wrong;
    }
    const auto tail = batches.tail(i);
    if (covered + tail.left != bytes.size()) return "batches and tail cover the set";
    if ((tail.left == 0) != (!tail.truncated() && !tail.defect)) return "a tail has its reason";
    return {};
}

std::map<std::string, std::vector<std::byte>> sets_of_kafka(const std::set<std::string>& wanted) {
    std::map<std::string, std::vector<std::byte>> found;
    for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        const std::string sample = line.at("sample").as_string().c_str();
        if (wanted.contains(sample)) found[sample] = from_hex(line.at("hex").as_string());
    });
    REQUIRE(found.size() == wanted.size());
    return found;
}

/// Small sets of every format and compression, with headers, nulls and markers.
const std::map<std::string, std::vector<std::byte>>& sets() {
    static const auto all = sets_of_kafka([] {
        std::set<std::string> names{"set-mixed-magic-0-1-2", "v2-control-commit-7", "v2-control-voters",
                                    "v1-none-create-2", "v0-none-2"};
        for (const std::string codec : {"none", "gzip", "snappy", "lz4", "zstd"})
            for (const char* kind : {"-headers", "-append-transactional-2"})
                names.insert("v2-" + codec + kind);
        for (const std::string codec : {"gzip", "snappy", "lz4"}) {
            names.insert("v1-" + codec + "-append-2");
            names.insert("v0-" + codec + "-2");
        }
        return names;
    }());
    return all;
}

/// The batch with these bytes after its header (in a message, as its value), and its length adjusted.
std::vector<std::byte> around(std::span<const std::byte> batch, std::span<const std::byte> content) {
    const std::size_t before = batch[16] == std::byte{2} ? 61 : batch[16] == std::byte{1} ? 34 : 26;
    std::vector<std::byte> bytes(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(before));
    if (before != 61) kwire::wire::store_be(&bytes[before - 4], static_cast<std::int32_t>(content.size()));
    bytes.insert(bytes.end(), content.begin(), content.end());
    kwire::wire::store_be(&bytes[8], static_cast<std::int32_t>(bytes.size() - 12));
    return bytes;
}

} // namespace

TEST_CASE("hostile records: a cut at any byte is detected, and the rest is read") {
    every_codec codecs;
    std::size_t cuts = 0;
    for (const auto& [sample, bytes] : sets()) {
        INFO(sample);
        REQUIRE(walk_set(bytes, codecs.set).empty());
        for (std::size_t size = 0; size < bytes.size(); ++size, ++cuts) {
            const auto cut = std::span(bytes).first(size);
            const auto wrong = walk_set(cut, codecs.set);
            if (!wrong.empty()) FAIL(wrong << " when cut at " << size);
            const exact_bytes block(cut);
            const auto tail = kwire::record_batches(block.span()).tail();
            if (tail.defect || (tail.left != 0) != tail.truncated() || tail.offset + tail.left != size)
                FAIL("the tail is wrong when cut at " << size);
        }
        // The first batch with a length that agrees with the cut: its content is cut short.
        const auto first = bytes_of(kwire::batch_at(bytes).value());
        const bool old = first[16] != std::byte{2};
        for (std::size_t size = old ? 34 : 61; size < first.size(); ++size, ++cuts) {
            auto cut = std::vector(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(size));
            kwire::wire::store_be(&cut[8], static_cast<std::int32_t>(size - 12));
            const exact_bytes block(cut);
            const auto out = walk(kwire::batch_at(block.span()).value(), codecs.set);
            if (!out.wrong.empty()) FAIL(out.wrong << " when shortened to " << size);
            if (!out.defect) FAIL("nothing was missed when shortened to " << size);
        }
    }
    CHECK(cuts > 5000);
}

TEST_CASE("hostile records: no edit of a byte makes a reader go out of bounds") {
    every_codec codecs;
    std::size_t edits = 0;
    constexpr std::array<unsigned, 12> masks{1, 2, 4, 8, 16, 32, 64, 128, 0xff, 0x7f, 0x81, 0x55};
    for (const auto& [sample, good] : sets()) {
        INFO(sample);
        auto bytes = good;
        for (std::size_t at = 8; at < bytes.size(); ++at)
            for (const unsigned mask : masks) {
                bytes[at] = good[at] ^ static_cast<std::byte>(mask);
                const auto wrong = walk_set(bytes, codecs.set);
                if (!wrong.empty()) FAIL(wrong << " with bits " << mask << " changed at " << at);
                bytes[at] = good[at];
                ++edits;
            }
    }
    CHECK(edits > 50000);
}

TEST_CASE("hostile records: decompressed bytes are checked like bytes from the wire") {
    every_codec codecs;
    mirror same;
    kwire::codec_set mirrors(same);
    // Worse than any single byte: the largest lengths, and varints that do not end.
    const std::array lies{from_hex("feffffff0f"),
                          from_hex("ffffffff0f"),
                          from_hex("ffffffff1f"),
                          from_hex("ffffffffffffffffff01"),
                          from_hex("808080808080808080808000"),
                          from_hex("7fffffff"),
                          from_hex("fffffffe")};
    std::size_t read = 0, refused = 0;
    for (const auto& [sample, set] : sets()) {
        INFO(sample);
        const auto batch = kwire::batch_at(set).value();
        if (batch.compression() == kwire::compression_type::none && batch.is_legacy()) continue;
        const auto plain = kwire::decompress(batch, codecs.set, cap).value();
        const auto attack = [&](std::span<const std::byte> content) {
            auto packed = around(set, content);
            auto& attributes = packed[batch.is_legacy() ? 17 : 22];
            attributes = (attributes & std::byte{0xf8}) | std::byte{1};
            const exact_bytes block(packed);
            const auto out = walk(kwire::batch_at(block.span()).value(), mirrors);
            ++(out.defect ? refused : read);
            if (!out.wrong.empty() || batch.is_legacy()) return out.wrong;
            // The same records, not compressed.
            attributes &= std::byte{0xf8};
            const exact_bytes bare(packed);
            const auto other = walk(kwire::batch_at(bare.span()).value(), mirrors);
            if (!other.wrong.empty()) return other.wrong;
            if (other.records != out.records || other.seen != out.seen ||
                other.defect.has_value() != out.defect.has_value())
                return std::string("compressed or not, records are the same");
            if (out.defect && other.defect &&
                (out.defect->code != other.defect->code || (out.defect->path[0].field == "decompressed" &&
                                                            out.defect->offset + 61 != other.defect->offset)))
                return std::string("compressed or not, defects are the same");
            return std::string();
        };
        std::vector content(plain.begin(), plain.end());
        REQUIRE(attack(content).empty());
        for (std::size_t size = 0; size < content.size(); ++size) {
            const auto wrong = attack(std::span(content).first(size));
            if (!wrong.empty()) FAIL(wrong << " when cut at " << size);
        }
        for (std::size_t at = 0; at < content.size(); ++at) {
            const auto before = content;
            for (unsigned value = 0; value < 256; value += content.size() > 200 ? 5 : 1) {
                content[at] = static_cast<std::byte>(value);
                const auto wrong = attack(content);
                if (!wrong.empty()) FAIL(wrong << " with " << value << " at " << at);
            }
            for (const auto& lie : lies) {
                content = before;
                std::copy_n(lie.begin(), std::min(lie.size(), content.size() - at),
                            content.begin() + static_cast<std::ptrdiff_t>(at));
                const auto wrong = attack(content);
                if (!wrong.empty()) FAIL(wrong << " with " << to_hex(lie) << " at " << at);
            }
            content = before;
        }
    }
    CHECK(read > 10000);
    CHECK(refused > 10000);
}

TEST_CASE("hostile records: a false record count is refused in every compression") {
    every_codec codecs;
    constexpr auto most = std::numeric_limits<std::int32_t>::max(),
                   least = std::numeric_limits<std::int32_t>::min();
    for (const auto& [sample, set] : sets()) {
        const auto batch = kwire::batch_at(set).value();
        if (batch.is_legacy()) continue;
        INFO(sample);
        const std::int32_t right = batch.header()->record_count;
        for (const std::int32_t count : {least, -2, -1, 0, right - 1, right + 1, right + 1000, most}) {
            auto bytes = set;
            kwire::wire::store_be(&bytes[57], count);
            const exact_bytes block(bytes);
            const auto out = walk(kwire::batch_at(block.span()).value(), codecs.set);
            CAPTURE(count);
            CHECK(out.wrong.empty());
            CHECK(out.defect.has_value() == (count != right));
        }
    }
}

TEST_CASE("hostile records: a bomb of any codec stops at the cap") {
    every_codec codecs;
    const std::vector<std::byte> zeros(16 << 20);
    for (kwire::codec* one :
         std::initializer_list<kwire::codec*>{&codecs.gzip, &codecs.snappy, &codecs.lz4, &codecs.zstd})
        for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}, std::int8_t{2}}) {
            if (magic < 2 && one == &codecs.zstd) continue;
            const auto& like = sets().at(magic == 2   ? "v2-none-headers"
                                         : magic == 1 ? "v1-gzip-append-2"
                                                      : "v0-gzip-2");
            const auto packed = one->compress(zeros, magic).value();
            auto bytes = around(like, packed.span());
            auto& attributes = bytes[magic == 2 ? 22 : 17];
            attributes = (attributes & std::byte{0xf8}) | static_cast<std::byte>(one->type());
            const exact_bytes block(bytes);
            const auto out = walk(kwire::batch_at(block.span()).value(), codecs.set);
            CAPTURE(name_of(one->type()), int{magic});
            CHECK(out.wrong.empty());
            REQUIRE(out.defect);
            CHECK(*out.defect == errc::decompressed_too_large);
            CHECK(out.defect->left == cap);
        }
}
