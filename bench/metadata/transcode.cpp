// A Metadata response of version 12 becomes one of version 4.
#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/transcode.hpp>

#include <algorithm>
#include <string>

#include "bench/harness/message.hpp"
#include "bench/metadata/scenario.hpp"

namespace {

/// From version 12 to 4, which has no topic ids; by way of owned data, and straight from bytes to bytes.
void add_transcode(const std::string& name) {
    const auto shared = kwire::shared_buffer::copy_of(bench::corpus::get().at(name).bytes);
    auto straight = [shared]() mutable {
        bench::keep(shared);
        return kwire::transcode(kwire::message_info_of<metadata_response>, shared, 12, 4);
    };
    bench::add(
        name, "transcode", "kwire",
        [name, straight]() mutable {
            const auto older = straight().value().to_bytes();
            return std::ranges::equal(older.span(), bench::corpus::get().at(name + "_v4").bytes);
        },
        straight);
}

const bench::scenario rows([] {
    for (const char* name : metadata::cases) add_transcode(name);
});

} // namespace
