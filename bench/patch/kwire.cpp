#include <kwire/records/stamp.hpp>

#include "bench/patch/rows.hpp"

namespace {

const bench::scenario rows([] {
    bench::add_patch_rows(
        "kwire", [](std::span<std::byte> bytes, std::int64_t offset, std::int32_t epoch) noexcept {
            const auto done = kwire::stamp(bytes, {.base_offset = offset, .partition_leader_epoch = epoch});
            return done ? done->next_offset : -1;
        });
});

} // namespace
