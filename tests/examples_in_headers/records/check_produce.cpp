#include <kwire/records/check_produce.hpp>

void answer(kwire::error_code code, std::string_view why, const std::vector<std::int32_t>& records);
void append(kwire::batch_view batch);

struct partition_of_request {
    std::optional<std::span<const std::byte>> records() const;
};

void example(const partition_of_request& partition, std::int16_t version, const kwire::codec_set& codecs) {
    // example 1
}
