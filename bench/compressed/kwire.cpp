#include "bench/compressed/rows.hpp"
#include "bench/compressed/with_kwire.hpp"

namespace {

using namespace bench::records;

const bench::scenario rows([] {
    bench::add_batch_rows("kwire", [](const std::string& name, std::span<const std::byte>) {
        const auto codecs = std::make_shared<codecs_of_kwire>();
        if (name.ends_with("libdeflate")) codecs->set.add(codecs->libdeflate);
        return [codecs](std::span<const std::byte> batch, auto& sink) {
            return read_compressed(*codecs, batch, sink);
        };
    });
});

} // namespace
