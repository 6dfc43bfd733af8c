/// Records and batches written and checked by the rules alone, byte by byte and bit by bit: the reference for
/// builders and for changes in place. Layouts: KIP-98, KIP-82, KIP-32.
#pragma once

#include <kwire/records/builder.hpp>
#include <kwire/records/record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fuzz/choices.hpp"

namespace support {

using byte_vector = std::vector<std::byte>;

struct model_record {
    std::int64_t offset = 0;
    std::int64_t timestamp = -1;
    std::optional<byte_vector> key, value;
    std::vector<std::pair<std::string, std::optional<byte_vector>>> headers;
};

/// The reflected checksum of `polynomial`, one bit at a time.
inline std::uint32_t bitwise_crc(std::uint32_t polynomial, std::span<const std::byte> bytes) {
    std::uint32_t sum = ~std::uint32_t{0};
    for (const std::byte b : bytes) {
        sum ^= std::to_integer<std::uint32_t>(b);
        for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
    }
    return ~sum;
}
inline std::uint32_t bitwise_crc32c(std::span<const std::byte> bytes) {
    return bitwise_crc(0x82f63b78, bytes);
}
inline std::uint32_t bitwise_crc32(std::span<const std::byte> bytes) {
    return bitwise_crc(0xedb88320, bytes);
}

/// The batches or records of a range, up to the first defect.
template <class Range>
auto values_of(const Range& range) {
    std::vector<std::remove_cvref_t<decltype(**range.begin())>> values;
    for (const auto result : range) {
        if (!result) break;
        values.push_back(*result);
    }
    return values;
}

/// Overwrites `width` bytes at `at` with `value`, the highest byte first.
inline void put_at(std::span<std::byte> bytes, std::size_t at, std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i)
        bytes[at + i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)) & 0xff);
}
inline std::uint64_t get_at(std::span<const std::byte> bytes, std::size_t at, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i)
        value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
    return value;
}

/// Sets the checksum of the one batch or message in `batch` to what its bytes ask for.
inline void seal(std::span<std::byte> batch) {
    if (std::to_integer<int>(batch[16]) == 2)
        put_at(batch, 17, bitwise_crc32c(batch.subspan(21)), 4);
    else
        put_at(batch, 12, bitwise_crc32(batch.subspan(16)), 4);
}
inline bool is_sealed(std::span<const std::byte> batch) {
    if (std::to_integer<int>(batch[16]) == 2)
        return get_at(batch, 17, 4) == bitwise_crc32c(batch.subspan(21));
    return get_at(batch, 12, 4) == bitwise_crc32(batch.subspan(16));
}

class batch_writer {
public:
    byte_vector out;

    void big_endian(std::uint64_t value, std::size_t width) {
        out.resize(out.size() + width);
        put_at(out, out.size() - width, value, width);
    }
    void zigzag(std::int64_t value) {
        auto raw = static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
        for (; raw >= 0x80; raw >>= 7) out.push_back(static_cast<std::byte>((raw & 0x7f) | 0x80));
        out.push_back(static_cast<std::byte>(raw));
    }
    void bytes(const byte_vector& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
    void nullable(const std::optional<byte_vector>& value) {
        zigzag(value ? static_cast<std::int64_t>(value->size()) : -1);
        if (value) bytes(*value);
    }
};

/// The record of magic 2 with its length, relative to the batch's first offset and timestamp.
inline byte_vector written(const model_record& record, std::int64_t base_offset,
                           std::int64_t base_timestamp) {
    batch_writer body;
    body.big_endian(0, 1);
    body.zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(record.timestamp) -
                                          static_cast<std::uint64_t>(base_timestamp)));
    body.zigzag(record.offset - base_offset);
    body.nullable(record.key);
    body.nullable(record.value);
    body.zigzag(static_cast<std::int64_t>(record.headers.size()));
    for (const auto& [name, value] : record.headers) {
        body.zigzag(static_cast<std::int64_t>(name.size()));
        for (const char c : name) body.out.push_back(static_cast<std::byte>(c));
        body.nullable(value);
    }
    batch_writer whole;
    whole.zigzag(static_cast<std::int64_t>(body.out.size()));
    whole.bytes(body.out);
    return whole.out;
}

/// A whole batch of magic 2, not compressed.
inline byte_vector written(const kwire::batch_options& options, const std::vector<model_record>& records) {
    const std::int64_t base_timestamp =
        options.delete_horizon.value_or(records.empty() ? -1 : records.front().timestamp);
    std::int64_t max_timestamp = -1;
    if (!records.empty()) max_timestamp = std::ranges::max(records, {}, &model_record::timestamp).timestamp;
    batch_writer batch;
    batch.big_endian(static_cast<std::uint64_t>(options.base_offset), 8);
    batch.big_endian(0, 4); // its length, known below
    batch.big_endian(static_cast<std::uint64_t>(options.partition_leader_epoch), 4);
    batch.big_endian(2, 1);
    batch.big_endian(0, 4); // its checksum, known below
    batch.big_endian((options.append_time ? 8U : 0U) | (options.is_transactional ? 16U : 0U) |
                         (options.is_control ? 32U : 0U) | (options.delete_horizon ? 64U : 0U),
                     2);
    batch.big_endian(
        records.empty() ? 0 : static_cast<std::uint64_t>(records.back().offset - options.base_offset), 4);
    batch.big_endian(static_cast<std::uint64_t>(base_timestamp), 8);
    batch.big_endian(static_cast<std::uint64_t>(options.append_time.value_or(max_timestamp)), 8);
    batch.big_endian(static_cast<std::uint64_t>(options.producer_id), 8);
    batch.big_endian(static_cast<std::uint16_t>(options.producer_epoch), 2);
    batch.big_endian(static_cast<std::uint64_t>(options.base_sequence), 4);
    batch.big_endian(records.size(), 4);
    for (const model_record& record : records)
        batch.bytes(written(record, options.base_offset, base_timestamp));
    put_at(batch.out, 8, batch.out.size() - 12, 4);
    seal(batch.out);
    return batch.out;
}

/// A message of magic 0 or 1.
inline byte_vector written_message(std::int8_t magic, const model_record& record,
                                   std::uint8_t attributes = 0) {
    batch_writer message;
    message.big_endian(static_cast<std::uint64_t>(record.offset), 8);
    message.big_endian(0, 4);
    message.big_endian(0, 4);
    message.big_endian(static_cast<std::uint8_t>(magic), 1);
    message.big_endian(attributes, 1);
    if (magic == 1) message.big_endian(static_cast<std::uint64_t>(record.timestamp), 8);
    for (const auto& bytes : {record.key, record.value}) {
        message.big_endian(bytes ? bytes->size() : 0xffffffff, 4);
        if (bytes) message.bytes(*bytes);
    }
    put_at(message.out, 8, message.out.size() - 12, 4);
    seal(message.out);
    return message.out;
}

/// Bytes of a key or a value: null, short, and now and then around the sizes at which a varint grows.
inline std::optional<byte_vector> random_bytes(choices& from) {
    const std::uint8_t choice = from.byte();
    if (choice < 40) return std::nullopt;
    std::size_t size = choice % 20;
    if (choice >= 230) size = 60 + choice % 8;
    if (choice >= 253) size = 8188 + choice % 8;
    return from.bytes(size);
}

/// A record at `offset`; of magic 2 it may have headers.
inline model_record random_record(choices& from, std::int64_t offset, bool headers) {
    model_record made;
    made.offset = offset;
    switch (from.below(6)) {
    case 0: made.timestamp = -1; break;
    case 1: made.timestamp = static_cast<std::int64_t>(from.number(8)); break;
    default: made.timestamp = 1'700'000'000'000 + static_cast<std::int64_t>(from.below(300)) - 100;
    }
    made.key = random_bytes(from);
    made.value = random_bytes(from);
    if (headers && from.once_in(4))
        for (std::size_t n = from.once_in(10) ? 65 : from.between(1, 3); n != 0; --n) {
            const byte_vector name = from.bytes(from.below(9));
            made.headers.emplace_back(std::string(reinterpret_cast<const char*>(name.data()), name.size()),
                                      random_bytes(from));
        }
    return made;
}

/// The record as builders take it, which refers to `record`; `headers` holds what it needs.
inline kwire::record_to_write to_write(const model_record& record, std::vector<kwire::header_view>& headers) {
    const auto span = [](const std::optional<byte_vector>& bytes) {
        return bytes ? std::optional(std::span<const std::byte>(*bytes)) : std::nullopt;
    };
    headers.clear();
    for (const auto& [name, value] : record.headers) headers.push_back({name, span(value)});
    return {.offset = record.offset,
            .timestamp = record.timestamp,
            .key = span(record.key),
            .value = span(record.value),
            .headers = headers};
}

/// Whether a view shows the key, value and headers of the record.
inline bool same_content(const kwire::record_view& seen, const model_record& record) {
    const auto same = [](const std::optional<std::span<const std::byte>>& a,
                         const std::optional<byte_vector>& b) {
        return a.has_value() == b.has_value() && (!a || std::ranges::equal(*a, *b));
    };
    if (!same(seen.key(), record.key) || !same(seen.value(), record.value)) return false;
    std::size_t i = 0;
    for (const kwire::header_view header : seen.headers()) {
        if (i == record.headers.size() || header.name != record.headers[i].first ||
            !same(header.value, record.headers[i].second))
            return false;
        ++i;
    }
    return i == record.headers.size();
}

} // namespace support
