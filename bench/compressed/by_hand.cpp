#include "bench/compressed/by_hand.hpp"

#include "bench/compressed/rows.hpp"
#include "bench/compressed/with_kwire.hpp"

namespace {

using namespace bench::records;

/// How many bytes the records take without compression: the memory by hand is just as large.
std::size_t plain_size_of(std::span<const std::byte> bytes) {
    codecs_of_kwire codecs;
    return kwire::decompress(*kwire::batch_at(bytes), codecs.set, 1 << 24).value().size();
}

const bench::scenario rows([] {
    bench::add_batch_rows("by_hand", [](const std::string& name, std::span<const std::byte> bytes) {
        const auto by = name.ends_with("libdeflate") ? gzip_by::libdeflate : gzip_by::zlib;
        return [with = std::make_shared<libraries>(), by,
                size = plain_size_of(bytes)](std::span<const std::byte> batch, auto& sink) {
            return load<std::int16_t>(batch.data() + 21) == 0 ? read_by_hand(batch, sink)
                                                              : read_barely(*with, by, batch, size, sink);
        };
    });
});

} // namespace
