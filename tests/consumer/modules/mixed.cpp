/// Compresses by codecs of the module; included.cpp, which has the headers, decompresses.
#include <cstddef>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>

import kwire;

bool same_after(kwire::codec& codec, const kwire::shared_buffer& packed, std::string_view text);

namespace {

template <class Codec>
bool round_trip(std::string_view text) {
    Codec codec;
    const auto packed = codec.compress(std::as_bytes(std::span(text)));
    return packed && same_after(codec, *packed, text);
}

} // namespace

int main() {
    const std::string_view text = "orders orders orders";
    const bool good = round_trip<kwire::gzip_codec>(text) && round_trip<kwire::libdeflate_codec>(text) &&
                      round_trip<kwire::snappy_codec>(text) && round_trip<kwire::lz4_codec>(text) &&
                      round_trip<kwire::zstd_codec>(text);
    std::printf("%s\n", good ? "the same" : "?");
    return 0;
}
