/// Internal header, part of <kwire/records/read.hpp>: decompresses the records of a batch of any format.
///
///     kwire::gzip_codec gzip;                                  // <kwire/compression/gzip.hpp>
///     kwire::zstd_codec zstd;                                  // <kwire/compression/zstd.hpp>
///     kwire::codec_set codecs(gzip, zstd);
///     auto plain = kwire::decompress(batch, codecs, 64 << 20);
///
/// For records themselves see <kwire/records/read.hpp>.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/wire/endian.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire {

/// The bytes that the compression type of a batch applies to: the records of magic 2, or the value of a
/// message of magic 0 or 1. Valid while the bytes of the batch are.
///
/// Errors, with offsets from the first byte of the batch: bad_record if key and value do not fill the message
/// exactly, null_not_allowed if the value is null.
[[nodiscard]] inline expected<std::span<const std::byte>, error>
compressible_bytes(const batch_view& batch) noexcept {
    if (batch.magic() == 2) return records_bytes(batch);
    const auto bytes = bytes_of(batch);
    std::size_t at = detail::message_key_offset(batch.magic());
    const auto refused = [&](errc code) { return unexpected{error{.code = code, .offset = at}}; };
    for (const bool is_value : {false, true}) {
        if (bytes.size() - at < 4) return refused(errc::bad_record);
        const auto length = wire::load_be<std::int32_t>(bytes.data() + at);
        if (length < 0) {
            if (is_value) return refused(errc::null_not_allowed);
            at += 4;
            continue;
        }
        const auto size = static_cast<std::size_t>(length);
        const std::size_t left = bytes.size() - at - 4;
        if (size > left || (is_value && size != left)) return refused(errc::bad_record);
        if (is_value) return bytes.subspan(at + 4, size);
        at += 4 + size;
    }
    return refused(errc::bad_record);
}

namespace detail {

/// Where the bytes of a batch that its compression type applies to begin, and what can decompress them.
struct compressed_records {
    std::span<const std::byte> bytes;
    std::size_t start; ///< of `bytes` in the batch
    codec* by;         ///< null if they are not compressed
};

[[nodiscard]] inline expected<compressed_records, error> find_compressed(const batch_view& batch,
                                                                         const codec_set& codecs) noexcept {
    const auto bytes = compressible_bytes(batch);
    if (!bytes) return unexpected{bytes.error()};
    const auto start = bytes_of(batch).size() - bytes->size(); // because they end with the batch
    const auto type = batch.compression();
    if (type == compression_type::none) return compressed_records{*bytes, start, nullptr};
    codec* const found = codecs.find(type);
    if (found == nullptr || (type == compression_type::zstd && batch.is_legacy())) {
        error e{.code = errc::unsupported_compression,
                .offset = batch.is_legacy() ? offsetof(message_prefix, attributes)
                                            : offsetof(batch_header, attributes)};
        e.enter({"attributes"});
        return unexpected{e};
    }
    return compressed_records{*bytes, start, found};
}

/// The error of a codec, with the offset in the batch.
[[nodiscard]] inline unexpected<error> from_codec(error e, const compressed_records& records) noexcept {
    e.offset += records.start;
    return unexpected{e};
}

/// Appends the uncompressed bytes of a compressed batch to `out`; errors as those of decompress.
[[nodiscard]] inline expected<void, error> decompress_into(unique_buffer& out, const batch_view& batch,
                                                           const codec_set& codecs, std::size_t cap) {
    const auto records = find_compressed(batch, codecs);
    if (!records) return unexpected{records.error()};
    require(records->by != nullptr);
    const auto done = records->by->decompress_into(out, records->bytes, cap, batch.magic(), codecs.options());
    if (!done) return from_codec(done.error(), *records);
    return {};
}

} // namespace detail

/// The uncompressed bytes of a batch's records (magic 2) or of the messages in a wrapper (magic 0 and 1), in
/// memory of their own, at most `cap` bytes.
///
/// For an uncompressed batch this is a copy: test batch.compression() first if that matters. Neither checksum
/// nor records are checked.
///
/// Errors, with offsets from the first byte of the batch: unsupported_compression if `codecs` has none for
/// the type, and for zstd in magic 0 and 1 (KIP-110); those of codec::decompress and compressible_bytes.
[[nodiscard]] inline expected<shared_buffer, error> decompress(const batch_view& batch,
                                                               const codec_set& codecs, std::size_t cap) {
    const auto records = detail::find_compressed(batch, codecs);
    if (!records) return unexpected{records.error()};
    if (records->by == nullptr) {
        if (records->bytes.size() > cap)
            return unexpected{error{.code = errc::decompressed_too_large,
                                    .offset = records->start,
                                    .needed = records->bytes.size(),
                                    .left = cap}};
        return shared_buffer::copy_of(records->bytes);
    }
    auto plain = records->by->decompress(records->bytes, cap, batch.magic(), codecs.options());
    if (!plain) return detail::from_codec(plain.error(), *records);
    return plain;
}

} // namespace kwire
