/// libFuzzer: any bytes as a records field. Batches must be those that their lengths say; their records,
/// compressed or not, those that a slow reader sees, up to the same defect; the strict check must agree with
/// the loop; and what is stamped in place must be shown.
#include <kwire/records/check.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "fuzz/record_model.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"

extern "C" std::size_t LLVMFuzzerMutate(unsigned char* data, std::size_t size, std::size_t max_size);

namespace {

using support::byte_vector;
using support::insist;
using support::model_record;

/// Reads records and messages by the rules alone; nullopt from the first defect on.
class slow_reader {
public:
    explicit slow_reader(std::span<const std::byte> bytes) : left_(bytes) {}

    [[nodiscard]] std::span<const std::byte> left() const { return left_; }

    /// A record of magic 2, whose offset and timestamp are what it says: relative ones.
    std::optional<model_record> record() {
        const auto size = zigzag(32);
        if (!size || *size < 0) return std::nullopt;
        const auto body = take(static_cast<std::size_t>(*size));
        if (!body) return std::nullopt;
        const auto rest = std::exchange(left_, *body);
        model_record out;
        if (!take(1)) return std::nullopt;
        const auto timestamp = zigzag(64), offset = timestamp ? zigzag(32) : std::nullopt;
        if (!offset) return std::nullopt;
        out.timestamp = *timestamp;
        out.offset = *offset;
        if (!nullable(out.key) || !nullable(out.value)) return std::nullopt;
        const auto headers = zigzag(32);
        if (!headers || *headers < 0 || *headers > static_cast<std::int64_t>(left_.size()))
            return std::nullopt;
        for (std::int64_t n = *headers; n != 0; --n) {
            std::optional<byte_vector> name, value;
            if (!nullable(name) || !name || !nullable(value)) return std::nullopt;
            out.headers.emplace_back(std::string(reinterpret_cast<const char*>(name->data()), name->size()),
                                     value);
        }
        if (!left_.empty()) return std::nullopt;
        left_ = rest;
        return out;
    }

    /// A message of magic 0 or 1.
    std::optional<model_record> message() {
        if (left_.size() < 17) return std::nullopt;
        const auto size = static_cast<std::size_t>(support::get_at(left_, 8, 4)) + 12;
        const auto whole = take(size);
        if (!whole) return std::nullopt;
        const auto rest = std::exchange(left_, *whole);
        model_record out;
        out.offset = static_cast<std::int64_t>(support::get_at(*whole, 0, 8));
        const bool timed = (*whole)[16] == std::byte{1};
        if (timed) out.timestamp = static_cast<std::int64_t>(support::get_at(*whole, 18, 8));
        static_cast<void>(take(timed ? 26 : 18));
        for (auto* const part : {&out.key, &out.value}) {
            const auto length = take(4);
            if (!length) return std::nullopt;
            const auto n = static_cast<std::int32_t>(support::get_at(*length, 0, 4));
            if (n < -1) return std::nullopt;
            if (n == -1) continue;
            const auto bytes = take(static_cast<std::size_t>(n));
            if (!bytes) return std::nullopt;
            part->emplace(bytes->begin(), bytes->end());
        }
        if (!left_.empty()) return std::nullopt;
        left_ = rest;
        return out;
    }

private:
    std::optional<std::span<const std::byte>> take(std::size_t n) {
        if (n > left_.size()) return std::nullopt;
        const auto taken = left_.first(n);
        left_ = left_.subspan(n);
        return taken;
    }
    std::optional<std::int64_t> zigzag(unsigned width) {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < width; shift += 7) {
            const auto one = take(1);
            if (!one) return std::nullopt;
            const auto bits = std::to_integer<std::uint64_t>((*one)[0]);
            if (width - shift < 7 && (bits >> (width - shift)) != 0)
                return std::nullopt; // the last byte has few bits
            value |= (bits & 0x7f) << shift;
            if (bits < 0x80)
                return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
        }
        return std::nullopt;
    }
    bool nullable(std::optional<byte_vector>& out) {
        const auto size = zigzag(32);
        if (!size || *size < -1) return false;
        if (*size == -1) return true;
        const auto bytes = take(static_cast<std::size_t>(*size));
        if (bytes) out.emplace(bytes->begin(), bytes->end());
        return bytes.has_value();
    }

    std::span<const std::byte> left_;
};

/// Where the entry at the front ends, by its length alone; nullopt if it is none or not whole.
std::optional<std::size_t> entry_size(std::span<const std::byte> left) {
    if (left.size() < 17) return std::nullopt;
    const auto magic = std::to_integer<unsigned>(left[16]);
    const auto length = static_cast<std::int32_t>(support::get_at(left, 8, 4));
    constexpr std::int32_t least[] = {14, 22, 49};
    if (magic > 2 || length < least[magic]) return std::nullopt;
    const auto size = static_cast<std::size_t>(length) + 12;
    if (size > left.size()) return std::nullopt;
    return size;
}

void check_batches(std::span<const std::byte> input) {
    kwire::test::exact_bytes exact(input);
    const auto batches = kwire::record_batches(exact.span());
    std::span<const std::byte> left = exact.span();
    std::uint32_t count = 0;
    for (const kwire::batch_view& batch : support::values_of(batches)) {
        const auto size = entry_size(left);
        insist(size && bytes_of(batch).data() == left.data() && bytes_of(batch).size() == *size,
               "batches have the length they say");
        left = left.subspan(*size);
        ++count;
        insist(kwire::crc_matches(batch) == support::is_sealed(bytes_of(batch)),
               "checksums are those of a bitwise sum");
        insist(batch.next_offset() ==
                   static_cast<std::int64_t>(static_cast<std::uint64_t>(batch.last_offset()) + 1),
               "the next offset follows the last");
    }
    insist(!entry_size(left), "the loop ends where no whole batch follows");
    const auto tail = batches.tail();
    insist(tail.left == left.size() && tail.offset + tail.left == input.size(),
           "batches and tail cover the bytes");
    insist((tail.left == 0) == (!tail.truncated() && !tail.defect), "a tail has its reason");
    const auto summary = kwire::check_batches(exact.span(), kwire::crc_policy::skip);
    if (summary) insist(tail.left == 0 && summary->batches == count, "the check has seen all batches");
    if (!summary) insist(summary.error().offset <= input.size(), "errors lie within the field");
    const auto verified = kwire::check_batches(exact.span());
    insist(!verified || summary, "what passes with its checksums passes without");

    for (const kwire::mutable_batch& batch :
         support::values_of(kwire::mutable_record_batches(exact.writable()))) {
        const std::int64_t offset = std::numeric_limits<std::int64_t>::max() - count;
        batch.set_base_offset(offset);
        batch.set_partition_leader_epoch(7);
        insist(kwire::batch_view(batch).base_offset() == offset, "stamps stay");
    }
}

/// Every record of a batch, against the slow reader.
void check_records(const kwire::batch_view& batch, const kwire::batch_records& records) {
    slow_reader slow(bytes_of(records));
    std::uint64_t count = 0;
    bool sound = true;
    for (const kwire::record_view& record : support::values_of(records)) {
        ++count;
        const auto expected = batch.is_legacy() ? slow.message() : slow.record();
        insist(expected.has_value(), "no record is shown that is defective");
        insist(support::same_content(record, *expected), "a record shows what it holds");
        if (!batch.is_legacy())
            insist(static_cast<std::uint64_t>(record.offset()) ==
                       static_cast<std::uint64_t>(batch.base_offset()) +
                           static_cast<std::uint64_t>(expected->offset),
                   "a record has its offset");
        if (const auto control = kwire::control_of(record))
            insist(!name_of(control->type()).empty(), "control records have a name");
    }
    if (count < records.count()) {
        sound = false;
        insist(!(batch.is_legacy() ? slow.message() : slow.record()),
               "a loop ends early at a defective record only");
    } else {
        sound = slow.left().empty();
    }
    insist(count <= records.count(), "there are not more records than the batch counts");
    insist(records.defect().has_value() == !sound, "a defect is told, and only then");
    if (sound) {
        insist(kwire::count_records(records) == count, "hops count as steps do");
        insist(kwire::last_record_offset(records).has_value(), "sound records have a last one, or none");
    }
}

void read_records(std::span<const std::byte> input) {
    static kwire::test::every_codec codecs;
    constexpr std::size_t cap = 1 << 16;
    kwire::test::exact_bytes exact(input);
    for (const kwire::batch_view& batch : support::values_of(kwire::record_batches(exact.span()))) {
        const auto records = kwire::records(batch, codecs.set, cap, kwire::crc_policy::skip);
        const auto verified = kwire::records(batch, codecs.set, cap);
        insist(verified.has_value() == (records && kwire::crc_matches(batch)),
               "a checksum alone makes the difference");
        if (!records) continue;
        insist(bytes_of(*records).size() <= std::max(cap, input.size()), "the cap holds");
        check_records(batch, *records);
    }
}

/// Where the entries of a records field begin.
std::vector<std::size_t> entries_of(std::span<const std::byte> field) {
    std::vector<std::size_t> places;
    for (std::size_t at = 0;;) {
        const auto size = entry_size(field.subspan(at));
        if (!size) return places;
        places.push_back(at);
        at += *size;
    }
}

byte_vector random_entry(std::minstd_rand& random) {
    byte_vector decisions(300);
    for (std::byte& b : decisions) b = static_cast<std::byte>(random() >> 8 & 0xff);
    support::choices from(decisions);
    if (const std::size_t magic = from.below(4); magic < 2)
        return support::written_message(static_cast<std::int8_t>(magic),
                                        support::random_record(from, 3, false));
    std::vector<model_record> records;
    for (std::size_t n = from.below(5); n != 0; --n)
        records.push_back(support::random_record(from, static_cast<std::int64_t>(records.size()), true));
    return support::written(kwire::batch_options{}, records);
}

} // namespace

/// Changes the inside of a batch and corrects its length and checksum, or adds a batch.
extern "C" std::size_t LLVMFuzzerCustomMutator(unsigned char* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
    std::minstd_rand random(seed);
    for (int warm = 0; warm < 4; ++warm) random();
    const std::size_t action = random() / 16 % 4;
    const auto places = entries_of(std::as_bytes(std::span(data, size)));
    if (action == 0) {
        const byte_vector more = random_entry(random);
        if (more.size() <= max_size - size) {
            std::memcpy(data + size, more.data(), more.size());
            return size + more.size();
        }
    }
    if (action == 1 || places.empty()) return LLVMFuzzerMutate(data, size, max_size);
    const std::size_t at = places[random() / 16 % places.size()];
    const std::size_t whole = *entry_size(std::as_bytes(std::span(data + at, size - at)));
    const std::size_t front = data[at + 16] == 2 ? 61 : data[at + 16] == 1 ? 26 : 18;
    const byte_vector rest(reinterpret_cast<const std::byte*>(data) + at + whole,
                           reinterpret_cast<const std::byte*>(data) + size);
    const std::size_t most = max_size - rest.size() - at - front;
    if (rest.size() + at + front >= max_size) return LLVMFuzzerMutate(data, size, max_size);
    const std::size_t inside =
        LLVMFuzzerMutate(data + at + front, whole - front, std::min<std::size_t>(most, whole - front + 64));
    const auto entry = std::as_writable_bytes(std::span(data + at, front + inside));
    support::put_at(entry, 8, entry.size() - 12, 4);
    support::seal(entry);
    if (!rest.empty()) std::memcpy(data + at + front + inside, rest.data(), rest.size());
    return at + front + inside + rest.size();
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    check_batches(input);
    read_records(input);
    return 0;
}
