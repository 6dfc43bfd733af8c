/// Small batches of every format in hexadecimal, for the tests that cut, change and join them.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/records/builder.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

namespace kwire::test {

// Written by Kafka's own classes.
inline const std::string message_v0 = "0000000000000000000000101fecd70a0000000000016b0000000176";
inline const std::string message_v1 =
    "000000000000000000000018e4e321bc010000000000000003e8000000016b0000000176";

/// A batch of `records` records with values of 2000 bytes.
inline std::string batch_of(std::int64_t producer, int records) {
    kwire::batch_builder builder({.producer_id = producer, .producer_epoch = 1, .base_sequence = 0});
    const std::vector<std::byte> value(2000, static_cast<std::byte>(producer));
    for (int i = 0; i < records; ++i) REQUIRE(builder.append({.timestamp = 1000 + i, .value = value}));
    const auto bytes = std::move(builder).finish().to_bytes();
    return to_hex(bytes.span());
}
inline kwire::shared_buffer set_of(const std::string& hex) {
    return kwire::shared_buffer::copy_of(from_hex(hex));
}
inline std::string to_hex(const kwire::buffer_chain& chain) {
    const auto bytes = chain.to_bytes();
    return to_hex(bytes.span());
}
inline bool names(const kwire::error& e, std::string_view path) {
    const auto text = describe(e);
    return text.view().find(path) != std::string_view::npos;
}

} // namespace kwire::test
