/// Writes record sets that kwire built, one JSON line each: the bytes in hexadecimal, and the input under the
/// keys of kwire-convert. In the oracle Kafka reads them.
///
///     build_sets <seed> <count>
///
/// The index of a set decides compression, magic and timestamp type, so that a few dozen successive sets have
/// all combinations; the seed decides everything else.
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/legacy_builder.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct header {
    std::string name;
    std::optional<std::string> value;
};

struct record {
    std::int64_t offset = 0;
    std::int64_t timestamp = 0;
    std::optional<std::string> key, value;
    std::vector<header> headers;
    std::string control; ///< "commit" or "abort" in a control batch
};

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string to_hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const std::byte b : bytes) {
        out += digits[std::to_integer<std::size_t>(b >> 4)];
        out += digits[std::to_integer<std::size_t>(b & std::byte{15})];
    }
    return out;
}

/// Base64 in quotes, or null.
std::string to_json(const std::optional<std::string>& bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!bytes) return "null";
    std::string out = "\"";
    for (std::size_t i = 0; i < bytes->size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t size = std::min<std::size_t>(3, bytes->size() - i);
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (j < size ? static_cast<unsigned char>((*bytes)[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j) out += j <= size ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
    return out + '"';
}

kwire::gzip_codec gzip;
kwire::snappy_codec xerial_snappy, raw_snappy(kwire::snappy_framing::raw);
kwire::lz4_codec lz4;
kwire::zstd_codec zstd;

struct compression {
    std::string_view name;
    kwire::codec* with; ///< nullptr: none
};
const std::array<compression, 6> compressions{{{"none", nullptr},
                                               {"gzip", &gzip},
                                               {"snappy", &xerial_snappy},
                                               {"lz4", &lz4},
                                               {"zstd", &zstd},
                                               {"snappy-raw", &raw_snappy}}};

class set_maker {
public:
    set_maker(std::uint64_t seed, std::size_t place) noexcept
        : random_(seed * 1000003 + place), place_(place) {}

    /// One line.
    std::string make() {
        const compression& with = compressions[place_ % compressions.size()];
        const std::size_t kind = place_ / compressions.size() % 4;
        magic_ = kind == 3 ? 0 : kind == 2 ? 1 : 2;
        if (magic_ < 2 && with.name == "zstd") magic_ = 2; // not in the old formats
        const bool append_time = magic_ > 0 && place_ / (compressions.size() * 4) % 2 == 1;
        offset_ = below(3) == 0 ? 0 : static_cast<std::int64_t>(random_() >> (2 + below(60)));
        std::string bytes, batches;
        for (std::size_t i = 1 + below(3); i-- > 0;) {
            if (magic_ == 2)
                add_batch(with, append_time, bytes, batches);
            else
                add_messages(with, append_time, bytes, batches);
        }
        return "{\"sample\":\"kwire-" + std::to_string(magic_) + "-" + std::string(with.name) +
               (append_time ? "-append" : "-create") + "\",\"hex\":\"" + bytes + "\",\"batches\":[" +
               batches + "],\"truncated_tail\":0}";
    }

private:
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

    std::string noise(std::size_t size) {
        std::string out(size, '\0');
        const bool plain = below(3) > 0; // compressible, or not
        for (char& c : out) c = plain ? static_cast<char>('a' + below(4)) : static_cast<char>(random_());
        return out;
    }
    std::optional<std::string> bytes_or_null(std::size_t largest) {
        const std::size_t kind = below(8);
        if (kind == 0) return std::nullopt;
        return noise(kind == 1 ? 0 : below(largest));
    }

    std::vector<record> records(bool with_headers, bool control) {
        constexpr std::array<std::size_t, 6> counts{1, 1, 2, 3, 17, 200};
        constexpr std::array<std::string_view, 5> names{"", "trace", "trace", "k\u00e9y", "\u4e2d\u6587"};
        std::vector<record> all(control ? 1 : counts[below(counts.size())]);
        const std::int64_t start = below(4) == 0 ? static_cast<std::int64_t>(below(1000)) : 1'700'000'000'000;
        const bool gaps = below(3) == 0, large = below(12) == 0;
        for (record& each : all) {
            if (gaps) offset_ += static_cast<std::int64_t>(below(5));
            each.offset = offset_++;
            each.timestamp =
                magic_ == 0 ? -1 : start + static_cast<std::int64_t>(below(100'000)); // rising and falling
            if (control) {
                const bool commit = below(2) == 0;
                each.control = commit ? "commit" : "abort";
                each.key = std::string("\0\0\0", 3) + static_cast<char>(commit);
                each.value = std::string("\0\0\0\0\0", 5) + static_cast<char>(below(100));
                continue;
            }
            each.key = bytes_or_null(24);
            each.value = bytes_or_null(large && all.size() < 20 ? 70'000 : 120);
            if (!with_headers || below(2) == 0) continue;
            for (std::size_t i = below(4); i-- > 0;)
                each.headers.push_back({std::string(names[below(names.size())]), bytes_or_null(12)});
        }
        return all;
    }

    static kwire::record_to_write to_write(const record& each, std::vector<kwire::header_view>& headers) {
        headers.clear();
        for (const header& one : each.headers) {
            kwire::header_view view{one.name, std::nullopt};
            if (one.value) view.value = bytes_of(*one.value);
            headers.push_back(view);
        }
        kwire::record_to_write out{.offset = each.offset, .timestamp = each.timestamp, .headers = headers};
        if (each.key) out.key = bytes_of(*each.key);
        if (each.value) out.value = bytes_of(*each.value);
        return out;
    }

    void add_batch(const compression& with, bool append_time, std::string& bytes, std::string& batches) {
        kwire::batch_options options{.partition_leader_epoch = static_cast<std::int32_t>(below(100)) - 1,
                                     .max_bytes = 32u << 20};
        const std::size_t producer = below(4);
        options.is_control = producer == 3 && below(2) == 0;
        options.is_transactional = producer == 2 || options.is_control;
        if (producer > 0) {
            options.producer_id = static_cast<std::int64_t>(random_() >> 1);
            options.producer_epoch = static_cast<std::int16_t>(below(32768));
            if (!options.is_control)
                options.base_sequence = 2147483647 - static_cast<std::int32_t>(below(300));
        }
        if (append_time) options.append_time = 1'700'000'123'456;
        if (!options.is_control && below(10) == 0) options.delete_horizon = 1'700'086'400'000;
        const std::vector<record> all = records(true, options.is_control);
        options.base_offset = all.front().offset;

        kwire::batch_builder builder(options);
        std::vector<kwire::header_view> headers;
        std::int64_t latest = -1;
        for (const record& each : all) {
            latest = std::max(latest, each.timestamp);
            kwire::record_to_write writing = to_write(each, headers);
            const bool attached = each.value && each.value->size() > 4096;
            if (!(attached ? builder.append(writing, kwire::shared_buffer::copy_of(bytes_of(*each.value)))
                           : builder.append(writing)))
                std::abort();
        }
        if (with.with == nullptr) {
            const kwire::shared_buffer batch = std::move(builder).finish().to_bytes();
            bytes += to_hex(batch.span());
        } else {
            const auto batch = std::move(builder).finish(*with.with);
            if (!batch) std::abort();
            bytes += to_hex(batch->span());
        }

        const auto flag = [](bool set) { return set ? "true" : "false"; };
        const std::int64_t max_timestamp = append_time ? *options.append_time : latest;
        begin_batch(with, append_time, options.base_offset, batches);
        batches += ",\"partition_leader_epoch\":" + std::to_string(options.partition_leader_epoch) +
                   ",\"is_transactional\":" + flag(options.is_transactional) +
                   ",\"is_control\":" + flag(options.is_control) + ",\"delete_horizon\":" +
                   (options.delete_horizon ? std::to_string(*options.delete_horizon) : "null") +
                   ",\"last_offset\":" + std::to_string(all.back().offset) +
                   ",\"max_timestamp\":" + std::to_string(max_timestamp) +
                   ",\"producer_id\":" + std::to_string(options.producer_id) +
                   ",\"producer_epoch\":" + std::to_string(options.producer_epoch) +
                   ",\"base_sequence\":" + std::to_string(options.base_sequence) +
                   ",\"count\":" + std::to_string(all.size());
        end_batch(all, options.append_time, options.base_sequence, batches);
    }

    void add_messages(const compression& with, bool append_time, std::string& bytes, std::string& batches) {
        const std::vector<record> all = records(false, false);
        kwire::legacy_options options{.magic = static_cast<std::int8_t>(magic_),
                                      .base_offset = all.front().offset,
                                      .max_bytes = 32u << 20};
        if (append_time) options.append_time = 1'700'000'123'456;
        kwire::legacy_builder builder(options);
        std::vector<kwire::header_view> none;
        std::int64_t latest = -1;
        for (const record& each : all) {
            latest = std::max(latest, each.timestamp);
            if (!builder.append(to_write(each, none))) std::abort();
        }
        const auto add = [&](std::span<const record> some, std::int64_t base_offset,
                             std::int64_t max_timestamp) {
            begin_batch(with, append_time, base_offset, batches);
            batches += ",\"first_offset\":" + std::to_string(some.front().offset) +
                       ",\"last_offset\":" + std::to_string(some.back().offset) + ",\"max_timestamp\":" +
                       std::to_string(append_time ? *options.append_time : max_timestamp);
            end_batch(some, options.append_time, -1, batches);
        };
        if (with.with == nullptr) {
            const kwire::shared_buffer set = std::move(builder).finish();
            bytes += to_hex(set.span());
            for (const record& each : all) add({&each, 1}, each.offset, each.timestamp);
        } else {
            const auto wrapper = std::move(builder).finish(*with.with);
            if (!wrapper) std::abort();
            bytes += to_hex(wrapper->span());
            add(all, all.back().offset, latest);
        }
    }

    void begin_batch(const compression& with, bool append_time, std::int64_t base_offset,
                     std::string& batches) const {
        if (!batches.empty()) batches += ',';
        const std::string_view type = magic_ == 0 ? "none" : append_time ? "log_append_time" : "create_time";
        batches += "{\"base_offset\":" + std::to_string(base_offset) +
                   ",\"magic\":" + std::to_string(magic_) + ",\"crc_valid\":true,\"compression\":\"" +
                   std::string(with.name.substr(0, with.name.find('-'))) + "\",\"timestamp_type\":\"" +
                   std::string(type) + "\"";
    }

    void end_batch(std::span<const record> all, std::optional<std::int64_t> append_time,
                   std::int32_t base_sequence, std::string& batches) const {
        batches += ",\"records\":[";
        const std::int64_t first = all.front().offset;
        bool begun = false;
        for (const record& each : all) {
            if (std::exchange(begun, true)) batches += ',';
            // KIP-98: sequence numbers continue at 0 after 2^31 - 1, and gaps in the offsets are gaps in them
            // too.
            const std::int64_t sequence =
                base_sequence < 0 ? -1 : (base_sequence + (each.offset - first)) % (std::int64_t{1} << 31);
            batches += "{\"offset\":" + std::to_string(each.offset) +
                       ",\"timestamp\":" + std::to_string(append_time.value_or(each.timestamp)) +
                       ",\"sequence\":" + std::to_string(sequence) + ",\"key\":" + to_json(each.key) +
                       ",\"value\":" + to_json(each.value) + ",\"headers\":[";
            for (std::size_t i = 0; i < each.headers.size(); ++i)
                batches += (i > 0 ? ",[\"" : "[\"") + each.headers[i].name + "\"," +
                           to_json(each.headers[i].value) + "]";
            batches += ']';
            if (!each.control.empty())
                batches += ",\"control\":{\"type\":\"" + each.control +
                           "\",\"coordinator_epoch\":" + std::to_string(int{each.value->back()}) + "}";
            batches += '}';
        }
        batches += "]}";
    }

    std::mt19937_64 random_;
    std::size_t place_;
    int magic_ = 2;
    std::int64_t offset_ = 0;
};

} // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fputs("build_sets <seed> <count>\n", stderr);
        return 2;
    }
    const std::uint64_t seed = std::strtoull(arguments[1], nullptr, 10);
    const std::size_t sets = std::strtoull(arguments[2], nullptr, 10);
    for (std::size_t i = 0; i < sets; ++i) {
        const std::string line = set_maker(seed, i).make();
        if (std::puts(line.c_str()) < 0) return 1;
    }
    return 0;
}
