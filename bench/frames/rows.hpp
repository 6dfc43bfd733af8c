/// The rows of one way from the bytes of a connection to the handlers of its requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/harness/contenders.hpp"
#include "bench/harness/corpus.hpp"

namespace bench {

/// `read(stream)` returns the sum that the corpus names.
template <class Read>
void add_frame_rows(const char* contender, Read read) {
    for (const auto& [name, subject] : corpus::get().all()) {
        if (subject.kind != "frames") continue;
        add(
            name, "read_frames", contender,
            [&subject, read] { return read(std::span(subject.bytes)) == subject.sum; },
            [stream = std::span(subject.bytes), read]() mutable {
                keep(stream);
                return read(stream);
            });
    }
}

} // namespace bench
