/// Record sets that several tests of records read, and the path of an error as text.
#pragma once

#include <kwire/error.hpp>

#include <string>

namespace kwire::test {

/// The golden record sets, a JSON object a line: tests/golden/README.md.
inline const std::string golden_sets = KWIRE_GOLDEN_DIR "/records.jsonl.gz";

// Two records as Kafka's own classes wrote them in each format: k=v at 1000 with the headers h=x and h=null,
// then null=null at 1003. Magic 0 and 1 have no headers, magic 0 has no timestamps.
inline const std::string two_records =
    "000000000000000000000048ffffffff02dcdf0d9e00000000000100000000000003e800000000000003eb"
    "ffffffffffffffffffffffffffff0000000210000000026b0276001a00060201010402680278026e01";
inline const std::string two_messages_v0 =
    "0000000000000000000000101fecd70a0000000000016b000000017600000000000000010000000e79"
    "5748e00000ffffffff00000000";
inline const std::string two_messages_v1 =
    "000000000000000000000018e4e321bc010000000000000003e8000000016b000000017600000000000"
    "0000100000016"
    "41c0fd0f010000000000000003ebffffffff00000000";

inline std::string path_text(const error& e) {
    const auto text = path_of(e);
    return std::string(text.view());
}

} // namespace kwire::test
