/// ApiVersions response, version 3 and no other, read and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/hand/read.hpp"
#include "bench/hand/write.hpp"

namespace bench::by_hand {

struct api_versions {
    /// An array of a name and two numbers that fills [p, stop).
    template <class Sink>
    static bool read_features(const std::byte* p, const std::byte* stop, Sink& sink) noexcept {
        if (p == stop) return false;
        const varint features = read_count(p, stop, 6);
        p = features.next;
        if (p == nullptr) return false;
        for (std::uint32_t i = 0; i < features.value; ++i) {
            if (p == stop) return false;
            p = read_string<false>(p, stop, 5, sink);
            if (p == nullptr) return false;
            sink.number(load<std::int16_t>(p));
            sink.number(load<std::int16_t>(p + 2));
            p = end_struct(p + 4, stop);
            if (p == nullptr) return false;
        }
        return p == stop;
    }

    /// One pass: validates the bytes and passes each value to the sink.
    template <class Sink>
    static answer read_by_hand(std::span<const std::byte> body, Sink& result) noexcept {
        const std::byte* p = body.data();
        const std::byte* const end = p + body.size();
        Sink sink = result; // a local copy stays in registers

        if (left(p, end) < 3) return refused;
        sink.number(load<std::int16_t>(p));
        const varint apis = read_count(p + 2, end, 7);
        p = apis.next;
        if (p == nullptr) return refused;
        for (std::uint32_t api = 0; api < apis.value; ++api) {
            if (left(p, end) < 7) return refused;
            sink.number(load<std::int16_t>(p));
            sink.number(load<std::int16_t>(p + 2));
            sink.number(load<std::int16_t>(p + 4));
            p = end_struct(p + 6, end);
            if (p == nullptr) return refused;
        }
        if (left(p, end) < 5) return refused;
        sink.number(load<std::int32_t>(p));
        p += 4;

        std::uint32_t next = 0; // the first tagged field that is not reported yet
        const auto absent = [&](std::uint32_t before) {
            if (next <= 1 && before > 1) sink.number(std::int64_t{-1});
            if (next <= 3 && before > 3) sink.number(std::int8_t{0});
            next = before;
        };
        p = read_tags(p, end, [&](std::uint32_t number, const std::byte* at, const std::byte* stop) {
            if (number > 3) return true;
            absent(number);
            next = number + 1;
            if (number == 1) {
                if (left(at, stop) != 8) return false;
                sink.number(load<std::int64_t>(at));
                return true;
            }
            if (number == 3) {
                if (left(at, stop) != 1) return false;
                sink.number(*at != std::byte{0});
                return true;
            }
            return read_features(at, stop, sink);
        });
        if (p != end) return refused;
        absent(4);
        result = sink;
        return {true, result.result()};
    }

    template <class Features>
    static std::size_t features_size(const Features& features) noexcept {
        std::size_t size = count_size(features.size());
        for (const auto& feature : features) size += text_size(feature.name) + 5;
        return size;
    }

    /// Without the flag of the migration from ZooKeeper.
    template <class Data>
    static std::byte* write_by_hand(const Data& data, std::byte* at) noexcept {
        at = put(at, data.error_code);
        at = put_count(at, data.api_keys.size());
        for (const auto& api : data.api_keys) {
            at = put(at, api.api_key);
            at = put(at, api.min_version);
            at = put(at, api.max_version);
            at = put_no_tags(at);
        }
        at = put(at, data.throttle_time_ms);
        const bool supported = !data.supported_features.empty(), finalized = !data.finalized_features.empty(),
                   epoch = data.finalized_features_epoch != -1;
        at = put_varint(at, static_cast<std::uint32_t>(supported) + static_cast<std::uint32_t>(epoch) +
                                static_cast<std::uint32_t>(finalized));
        if (supported) {
            *at++ = std::byte{0};
            at = put_varint(at, static_cast<std::uint32_t>(features_size(data.supported_features)));
            at = put_count(at, data.supported_features.size());
            for (const auto& feature : data.supported_features) {
                at = put_text(at, feature.name);
                at = put(at, feature.min_version);
                at = put(at, feature.max_version);
                at = put_no_tags(at);
            }
        }
        if (epoch) {
            *at++ = std::byte{1};
            *at++ = std::byte{8};
            at = put(at, data.finalized_features_epoch);
        }
        if (finalized) {
            *at++ = std::byte{2};
            at = put_varint(at, static_cast<std::uint32_t>(features_size(data.finalized_features)));
            at = put_count(at, data.finalized_features.size());
            for (const auto& feature : data.finalized_features) {
                at = put_text(at, feature.name);
                at = put(at, feature.max_version_level);
                at = put(at, feature.min_version_level);
                at = put_no_tags(at);
            }
        }
        return at;
    }

    template <class Data>
    static std::size_t size_by_hand(const Data& data) noexcept {
        std::size_t size = 7 + count_size(data.api_keys.size()) + 7 * data.api_keys.size();
        if (!data.supported_features.empty()) {
            const std::size_t features = features_size(data.supported_features);
            size += 1 + varint_size(features) + features;
        }
        if (data.finalized_features_epoch != -1) size += 10;
        if (!data.finalized_features.empty()) {
            const std::size_t features = features_size(data.finalized_features);
            size += 1 + varint_size(features) + features;
        }
        return size;
    }
};

} // namespace bench::by_hand
