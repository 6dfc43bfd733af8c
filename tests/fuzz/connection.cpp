/// libFuzzer: a connection, by support/io_model.hpp: frames in pieces, kept or changed, answered in any
/// order; the input decides.
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "support/io_model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    support::choices from(std::as_bytes(std::span(data, size)));
    support::io_profile profile;
    switch (from.below(4)) {
    case 0: profile.read_ahead = 0; break;
    case 1: profile.read_ahead = static_cast<std::uint32_t>(1 + from.below(5000)); break;
    default: break;
    }
    if (from.once_in(4)) profile.largest = 100'000;
    if (from.flip()) profile.chunk = 1 + from.below(3000);
    profile.in_flight = 1 + from.below(30);
    profile.kept = 1 + from.below(40);
    profile.refuse_once_in = from.below(5);
    const std::size_t live = support::live_allocations;
    {
        support::io_model model(from, profile);
        model.run(from.below(200));
    }
    support::insist(support::live_allocations == live, "no memory is left allocated");
    return 0;
}
