/// Records in the JSON form of the golden vectors.
#pragma once

#include <kwire/records/record.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <span>

#include "support/base64.hpp"

namespace kwire::test {

inline boost::json::value shown(std::optional<std::span<const std::byte>> bytes) {
    return bytes ? boost::json::value(to_base64(*bytes)) : boost::json::value(nullptr);
}

/// The record as in a line of records.jsonl.gz, without `control`.
inline boost::json::object shown(const kwire::record_view& record) {
    boost::json::array headers;
    for (auto header : record.headers()) headers.push_back({header.name, shown(header.value)});
    return {{"offset", record.offset()},  {"timestamp", record.timestamp()}, {"sequence", record.sequence()},
            {"key", shown(record.key())}, {"value", shown(record.value())},  {"headers", headers}};
}

} // namespace kwire::test
