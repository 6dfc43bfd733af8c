/// The rows of one way from a batch, compressed or not, to the values of its records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "bench/harness/contenders.hpp"
#include "bench/harness/corpus.hpp"
#include "bench/records.hpp"

namespace bench {

/// Adds a row for each batch; `make(name, bytes)` returns the reader of one, called with bytes and a sink.
template <class Make>
void add_batch_rows(const char* contender, Make make) {
    for (const auto& [name, subject] : corpus::get().all()) {
        if (subject.kind != "RecordBatch") continue;
        const auto read = make(name, std::span<const std::byte>(subject.bytes));
        const auto sum_of = [read](std::span<const std::byte> bytes) {
            records::plain sink;
            return read(bytes, sink) ? sink.sum : 0;
        };
        add(
            name, "records", contender,
            [&subject, sum_of, read] {
                records::ordered sink;
                return sum_of(subject.bytes) == subject.sum && read(subject.bytes, sink) &&
                       sink.sum == subject.hash;
            },
            [bytes = std::span<const std::byte>(subject.bytes), sum_of]() mutable {
                keep(bytes);
                return sum_of(bytes);
            });
    }
}

} // namespace bench
