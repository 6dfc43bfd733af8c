#include <kwire/records/list_offsets.hpp>

void answer(std::int64_t offset, std::int64_t timestamp, std::int32_t leader_epoch);

void example(std::span<const std::byte> records, std::int64_t asked, kwire::codec_set& codecs) {
    // example 1
}
