#include "records.hpp"

#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/error_text.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/read.hpp>
#include <kwire/wire/overlay.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace dump {

namespace {

/// Of what one batch decompresses to: more than producers make by default, and little enough to be shown.
constexpr std::size_t decompressed_limit = 16 << 20;

const kwire::codec_set& codecs() {
    static kwire::gzip_codec gzip;
    static kwire::snappy_codec snappy;
    static kwire::lz4_codec lz4;
    static kwire::zstd_codec zstd;
    static const kwire::codec_set set{gzip, snappy, lz4, zstd};
    return set;
}

auto records_of(kwire::batch_view batch) {
    return kwire::records(batch, codecs(), decompressed_limit,
                          kwire::record_options::as_kafka(kwire::crc_policy::skip));
}

std::int64_t records_in(kwire::batch_view batch) {
    if (const auto count = batch.record_count()) return std::max<std::int32_t>(*count, 0);
    if (batch.compression() == kwire::compression_type::none) return 1;
    const auto inside = records_of(batch);
    return inside ? static_cast<std::int64_t>(inside->count()) : 1;
}

void put_batch(painter& out, kwire::batch_view batch) {
    std::string& text = out.out();
    fmt::format_to(std::back_inserter(text), "batch at offset {}: {}, magic {}, {}, {} bytes",
                   batch.base_offset(), counted(records_in(batch), "record"), batch.magic(),
                   name_of(batch.compression()), bytes_of(batch).size());
    if (batch.producer_id() >= 0)
        fmt::format_to(std::back_inserter(text), ", producer {} epoch {} sequence {}", batch.producer_id(),
                       batch.producer_epoch(), batch.base_sequence());
    if (batch.is_transactional()) text += ", transactional";
    if (batch.is_control()) text += ", control";
    text += '\n';
}

void put_field(std::string& text, std::string_view name, std::optional<std::span<const std::byte>> value,
               std::size_t preview) {
    text += name;
    if (value)
        put_preview(text, *value, preview);
    else
        text += "null";
}

} // namespace

record_count count_records(std::span<const std::byte> batches, bool cut_off) {
    record_count out{.bytes = batches.size()};
    std::size_t done = 0;
    for (const auto batch : kwire::record_batches(batches)) {
        if (!batch) break;
        out.records += records_in(*batch);
        done += bytes_of(*batch).size();
    }
    out.more = cut_off;
    // Of a batch of which the rest is not there, the header says how many records it has.
    const auto rest = batches.subspan(done);
    if (cut_off && rest.size() >= sizeof(kwire::batch_header)) {
        const auto& header = **kwire::overlay<kwire::batch_header>(rest);
        if (header.magic == 2) out.records += std::max<std::int32_t>(header.record_count, 0);
    }
    return out;
}

void print_records(painter& out, std::span<const std::byte> batches, std::string_view indent,
                   std::size_t preview, std::size_t most) {
    std::string& text = out.out();
    const auto refuse = [&](const kwire::error& what) {
        text += indent;
        out.put(kwire::to_string(what), colour::yellow);
        text += '\n';
    };
    for (const auto batch : kwire::record_batches(batches)) {
        if (!batch) return refuse(batch.error());
        text += indent;
        put_batch(out, *batch);
        const auto inside = records_of(*batch);
        if (!inside) {
            refuse(inside.error());
            continue;
        }
        std::size_t shown = 0;
        for (const auto record : *inside) {
            if (!record) {
                refuse(record.error());
                break;
            }
            if (shown++ == most) {
                fmt::format_to(std::back_inserter(text), "{}  … {} more\n", indent, inside->count() - most);
                break;
            }
            fmt::format_to(std::back_inserter(text), "{}  {}", indent, record->offset());
            if (record->timestamp() >= 0) {
                text += ' ';
                text += time_text(record->timestamp() > std::int64_t{9'000'000'000'000}
                                      ? 0
                                      : record->timestamp() * 1'000'000,
                                  true);
            }
            put_field(text, " key ", record->key(), preview);
            put_field(text, " value ", record->value(), preview);
            for (const kwire::header_view header : record->headers()) {
                text += ' ';
                put_quoted(text, header.name, preview);
                put_field(text, "=", header.value, preview);
            }
            text += '\n';
        }
    }
}

} // namespace dump
