// Record batches: every field of every record with the checksum, by hand and by kwire.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "bench/harness/contenders.hpp"
#include "bench/records.hpp"

namespace {

using namespace bench::records;

template <class Read>
void add_reader(const std::string& name, const std::string& contender, const std::vector<std::byte>& batch,
                bool (*prove)(std::span<const std::byte>, ordered&) noexcept, Read read) {
    bench::add(
        name, "iterate_crc", contender,
        [&batch, prove] {
            ordered a, b;
            return prove(batch, a) && read_by_hand(std::span<const std::byte>(batch), b) && a.sum == b.sum;
        },
        [bytes = std::span<const std::byte>(batch), read]() mutable {
            bench::keep(bytes);
            plain sink;
            const bool fine = read(bytes, sink);
            return fine ? sink.sum : 0;
        });
}

const bench::scenario rows([] {
    static const std::vector<std::byte> plain_batch = make_batch(0), with_headers = make_batch(2);
    for (const auto* batch : {&plain_batch, &with_headers}) {
        const std::string name = batch == &plain_batch ? "records_plain" : "records_2_headers";
        add_reader(name, "kwire", *batch, &read_with_kwire<ordered>, &read_with_kwire<plain>);
        add_reader(name, "by_hand", *batch, &read_by_hand<ordered>, &read_by_hand<plain>);
    }
});

} // namespace
