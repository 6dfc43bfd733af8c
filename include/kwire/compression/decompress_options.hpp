/// What a codec accepts although its format or a checksum in it says otherwise.
///
///     kwire::codec_set codecs(gzip, snappy, lz4, zstd);
///     codecs.read_as(kwire::decompress_options::as_kafka());   // for a consumer: what Java reads, this reads
///
/// Strict is the default: bytes that two readers may read differently are refused, and damage is found. A
/// consumer that is strict where Kafka is not stops at a batch that all others read.
#pragma once

#include <kwire/detail/config.hpp>

namespace kwire::inline KWIRE_ABI {

/// The leniencies of kwire's codecs, each for something that Kafka's Java classes read (4.4.0, executed).
struct decompress_options {
    /// Bytes after the end of a stream are ignored: in gzip what does not begin with the header of another
    /// member, or is too short for one; in lz4 all that follows the frame; in xerial framing up to three
    /// bytes after the last block; in zstd a later frame that is cut short. They are trailing_bytes or
    /// truncated otherwise.
    bool trailing_bytes = false;
    /// The checksum of the content of an lz4 frame is not compared (KAFKA-20528), nor is the size of the
    /// content that its header may give; the checksums of blocks are.
    bool unverified_lz4_content = false;
    /// The checksum of the header of an lz4 frame may be any in messages of magic 0, where Kafka wrote it
    /// wrong (KAFKA-3160). The two that occur, the wrong one and the right one, are accepted always.
    bool any_lz4_header_checksum = false;
    /// The reserved flags in the header of a gzip member may be set.
    bool reserved_gzip_flags = false;

    /// What Kafka's Java clients and brokers accept: all of these.
    [[nodiscard]] static constexpr decompress_options as_kafka() noexcept { return {true, true, true, true}; }
};

} // namespace kwire::inline KWIRE_ABI
