#include <kwire/records/check_content.hpp>

void refuse(kwire::error_code code, std::string_view why);

void example(std::span<const std::byte> records, kwire::codec_set& codecs) {
    // example 1
}
