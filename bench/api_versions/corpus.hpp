/// ApiVersions responses as a broker sends them, written byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/corpus/byte_writer.hpp"

namespace bench {

/// A response with so many APIs; with features if the broker has some.
inline input make_api_versions_response(int apis, bool features) {
    byte_writer out;
    out.number(std::int16_t{0});
    out.count(static_cast<std::size_t>(apis));
    for (int api = 0; api < apis; ++api) {
        out.number(static_cast<std::int16_t>(api));
        out.number(static_cast<std::int16_t>(api % 3));
        out.number(static_cast<std::int16_t>(api % 3 + api % 11));
        out.empty_tag_section();
    }
    out.number(std::int32_t{0});
    if (!features) {
        out.missing_number(std::int64_t{-1});
        out.missing_number(std::int8_t{0});
        out.empty_tag_section();
        return std::move(out).finish();
    }
    constexpr std::string_view names[] = {"group.version", "kraft.version", "metadata.version",
                                          "share.version", "transaction.version"};
    std::size_t size = 1;
    for (const auto name : names) size += 1 + name.size() + 5;
    out.varint(3);
    out.varint(0); // supported features
    out.varint(static_cast<std::uint32_t>(size));
    out.count(std::size(names));
    for (const auto name : names) {
        out.text(name);
        out.number(std::int16_t{0});
        out.number(std::int16_t{2});
        out.empty_tag_section();
    }
    out.varint(1); // their epoch
    out.varint(8);
    out.number(std::int64_t{123456});
    out.varint(2); // finalized features
    out.varint(static_cast<std::uint32_t>(size));
    out.count(std::size(names));
    for (const auto name : names) {
        out.text(name);
        out.number(std::int16_t{2});
        out.number(std::int16_t{1});
        out.empty_tag_section();
    }
    out.missing_number(std::int8_t{0}); // ready for migration
    return std::move(out).finish();
}

} // namespace bench
