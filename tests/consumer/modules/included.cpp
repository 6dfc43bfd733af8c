#include <kwire/compression/codec.hpp>
#include <kwire/wire/text.hpp>

#include <string_view>

bool same_after(kwire::codec& codec, const kwire::shared_buffer& packed, std::string_view text) {
    const auto unpacked = codec.decompress(packed, 1000);
    return unpacked && kwire::text_of(*unpacked) == text;
}
