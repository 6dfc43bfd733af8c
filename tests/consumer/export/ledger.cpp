#include "ledger.hpp"

#include <kwire/compression/gzip.hpp>
#include <kwire/kwire.hpp>

std::string first_topic(const kwire::metadata_request::data& asked) {
    const auto written = kwire::encode<kwire::metadata_request>(asked, 12);
    if (!written) return {};
    kwire::gzip_codec gzip;
    const auto bytes = written->to_bytes();
    const auto packed = gzip.compress(bytes);
    const auto unpacked = packed ? gzip.decompress(*packed, 1024) : packed;
    if (!unpacked) return {};
    const auto request = kwire::parse<kwire::metadata_request>(*unpacked, 12);
    if (!request) return {};
    for (auto topic : request->topics()) return std::string(topic.name().value_or(""));
    return {};
}
