// Record batches: every field of every record with the checksum, by hand and by kwire.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "bench/harness/contenders.hpp"
#include "bench/records.hpp"

namespace {

using namespace bench::records;

using prover = bool (*)(std::span<const std::byte>, ordered&) noexcept;

/// A row for the reader `read`; `prove` is the same one, and `expected` is one by hand.
template <class Read>
void add_reader(const std::string& name, const std::string& operation, const std::string& contender,
                const std::vector<std::byte>& bytes, prover prove, prover expected, Read read) {
    bench::add(
        name, operation, contender,
        [&bytes, prove, expected] {
            ordered a, b;
            return prove(bytes, a) && expected(bytes, b) && a.sum == b.sum;
        },
        [all = std::span<const std::byte>(bytes), read]() mutable {
            bench::keep(all);
            plain sink;
            const bool fine = read(all, sink);
            return fine ? sink.sum : 0;
        });
}

const bench::scenario rows([] {
    static const std::vector<std::byte> plain_batch = make_batch(0), with_headers = make_batch(2);
    for (const auto* batch : {&plain_batch, &with_headers}) {
        const std::string name = batch == &plain_batch ? "records_plain" : "records_2_headers";
        const auto add = [&](const char* contender, prover prove, auto read) {
            add_reader(name, "iterate_crc", contender, *batch, prove, &read_by_hand<ordered>, read);
        };
        add("kwire", &read_with_kwire<ordered>, &read_with_kwire<plain>);
        add("by_hand", &read_by_hand<ordered>, &read_by_hand<plain>);
    }
    const auto add = [&](const char* contender, prover prove, auto read) {
        add_reader("records_plain", "header", contender, plain_batch, prove, &read_headers_by_hand<ordered>,
                   read);
    };
    // In line, so that the sum is in a register: a store to it may change a header, for all that compilers
    // know.
    add("kwire", &read_headers_with_kwire<ordered>,
        [](std::span<const std::byte> bytes, plain& sink) { return read_headers_with_kwire(bytes, sink); });
    add("by_hand", &read_headers_by_hand<ordered>,
        [](std::span<const std::byte> bytes, plain& sink) { return read_headers_by_hand(bytes, sink); });
});

} // namespace
