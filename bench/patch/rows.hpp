/// The rows of one way to stamp the batches of a records field. Its input is stamped in place again and
/// again: what is there before does not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/hand/read.hpp"
#include "bench/harness/contenders.hpp"
#include "bench/harness/corpus.hpp"

namespace bench {

/// `stamp(bytes, offset, epoch)` returns the next offset.
template <class Stamp>
void add_patch_rows(const char* contender, Stamp stamp) {
    for (const auto& [name, subject] : corpus::get().all()) {
        if (subject.kind != "batches") continue;
        const input& done = corpus::get().at(name + "_stamped");
        const auto offset = by_hand::load<std::int64_t>(done.bytes.data());
        const auto epoch = by_hand::load<std::int32_t>(done.bytes.data() + 12);
        const auto memory = std::make_shared<std::vector<std::byte>>(subject.bytes);
        add(
            name, "patch", contender,
            [&subject, &done, stamp, offset, epoch] {
                std::vector<std::byte> bytes = subject.bytes;
                return stamp(std::span(bytes), offset, epoch) == static_cast<std::int64_t>(done.sum) &&
                       bytes == done.bytes;
            },
            [memory, bytes = std::span(*memory), stamp, offset, epoch]() mutable {
                keep(bytes);
                keep(*bytes.data());
                return stamp(bytes, offset, epoch);
            });
    }
}

} // namespace bench
