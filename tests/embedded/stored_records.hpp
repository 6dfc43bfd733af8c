/// Records of Kafka's own topics, as the serdes of Kafka 4.4 write them.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "support/bytes.hpp"

namespace kwire::test {

/// A key and a value; "-" is null. In memory of their exact size.
struct stored_record {
    stored_record(std::string_view key_hex, std::string_view value_hex)
        : key_bytes(from_hex(key_hex == "-" ? "" : key_hex)),
          value_bytes(from_hex(value_hex == "-" ? "" : value_hex)) {
        if (key_hex != "-") key = key_bytes.span();
        if (value_hex != "-") value = value_bytes.span();
    }
    exact_bytes key_bytes;
    exact_bytes value_bytes;
    std::optional<std::span<const std::byte>> key;
    std::optional<std::span<const std::byte>> value;
};

// __consumer_offsets
inline constexpr std::string_view offset_key = "0001 0001 67 0006 6f7264657273 00000003";
inline constexpr std::string_view offset_value = "0003 000000000000002a 00000007 0001 6d 0000018bcfe56800";
inline constexpr std::string_view group_key = "0002 0001 67";
/// Its member m1 subscribes to orders and has partitions 0 and 1.
inline constexpr std::string_view group_value = "000409636f6e73756d6572000000050672616e6765036d31000000000000"
                                                "000102036d31000263032f6800000001000000022f0003"
                                                "0000000100066f7264657273ffffffff0000000100066f72646572730000"
                                                "00010000000100000005000272311f0003000000010006"
                                                "6f7264657273000000020000000000000001ffffffff0000";
inline constexpr std::string_view consumer_group_key = "0003 0001 67";
inline constexpr std::string_view consumer_group_value = "0000 00000009 00";
inline constexpr std::string_view streams_key = "0017 0001 67";
// __share_group_state
inline constexpr std::string_view snapshot_key = "0000 0001 67 00000000000000000000000000000001 00000002";
inline constexpr std::string_view snapshot_value =
    "0000 00000001 00000002 00000003 0000000000000004 0000000000000000 0000000000000000 01 00";
inline constexpr std::string_view update_key = "0001 0001 67 00000000000000000000000000000001 00000002";
inline constexpr std::string_view update_value = "0000 00000001 00000003 0000000000000004 01 00";
// __transaction_state
inline constexpr std::string_view transaction_key = "0000 0002 7478";
inline constexpr std::string_view transaction_value = "0001000000000000000b00010000ea600102076f72646572730300"
                                                      "00000000000002000000000000000000000000000000000000";
// __cluster_metadata
inline constexpr std::string_view topic_record =
    "01 02 00 07 6f7264657273 00000000000000000000000000000001 00";
inline constexpr std::string_view partition_record = "0103010000000300000000000000000000000000000001030000000"
                                                     "1000000020200000001010100000001ffffffffffffffff0100";
inline constexpr std::string_view feature_record = "01 0c 00 11 6d657461646174612e76657273696f6e 0019 00";
inline constexpr std::string_view no_op_record = "01 14 00 00";

} // namespace kwire::test
