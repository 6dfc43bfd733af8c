/// Batches of 1000 records with lines of text that compress three to four times, for contenders in all
/// languages.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/records/builder.hpp>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <utility>

namespace bench {

/// `codec` is null for a batch that is not compressed.
inline kwire::shared_buffer make_text_batch(kwire::codec* codec) {
    kwire::batch_builder builder({.producer_id = 7, .producer_epoch = 1, .base_sequence = 3});
    std::mt19937 random(5);
    for (std::int64_t i = 0; i < 1000; ++i) {
        const std::string key = "user-" + std::to_string(10000 + random() % 90000);
        std::string value = "{\"order\":" + std::to_string(random() % 100000000) + ",\"item\":\"sku-" +
                            std::to_string(random() % 1000) +
                            "\",\"price\":" + std::to_string(random() % 10000);
        value.resize(80, ' ');
        if (!builder.append({.timestamp = 1700000000000 + i,
                             .key = std::as_bytes(std::span(key)),
                             .value = std::as_bytes(std::span(value))}))
            std::abort();
    }
    if (codec == nullptr) return std::move(builder).finish().to_bytes();
    return std::move(builder).finish(*codec).value();
}

} // namespace bench
