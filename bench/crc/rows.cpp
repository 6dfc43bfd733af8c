// CRC-32C from a small record to a large batch; ISA-L's, if that is installed (libisal-dev), beside it.
#include <kwire/wire/crc32c.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/harness/contenders.hpp"
#include "bench/harness/corpus.hpp"

#if defined(BENCH_ISAL)
#include <isa-l/crc.h>
#endif

namespace {

template <class Checksum>
void add(const std::string& name, const bench::input& subject, const char* contender, Checksum checksum) {
    bench::add(
        name, "crc", contender,
        [&subject, checksum] { return checksum(std::span(subject.bytes)) == subject.sum; },
        [bytes = std::span<const std::byte>(subject.bytes), checksum]() mutable {
            bench::keep(bytes);
            return checksum(bytes);
        });
}

const bench::scenario rows([] {
    for (const auto& [name, subject] : bench::corpus::get().all()) {
        if (subject.kind != "bytes") continue;
        add(name, subject, "kwire",
            [](std::span<const std::byte> bytes) noexcept { return kwire::crc32c(bytes); });
#if defined(BENCH_ISAL)
        add(name, subject, "isal", [](std::span<const std::byte> bytes) noexcept {
            // Its parameter is not const, but it does not write.
            auto* const p = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
            return ~crc32_iscsi(p, static_cast<int>(bytes.size()), ~0U);
        });
#endif
    }
});

} // namespace
