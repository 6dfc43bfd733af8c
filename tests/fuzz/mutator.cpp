/// The mutator of the targets that are about messages: it knows what a message looks like, so that most
/// inputs pass the first length.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"

extern "C" std::size_t LLVMFuzzerMutate(unsigned char* data, std::size_t size, std::size_t max_size);

namespace {

using support::message_input;

std::vector<std::byte> random_bytes(std::minstd_rand& random, std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random() >> 8 & 0xff);
    return bytes;
}

/// A new body for the message and version of `input`.
std::vector<std::byte> fresh_body(const message_input& input, support::manners how,
                                  std::minstd_rand& random) {
    const auto decisions = random_bytes(random, std::size_t{16} << random() % 9);
    support::choices from(decisions);
    const auto message = support::random_message(*input.info, input.version, from);
    const auto more = random_bytes(random, 2048);
    support::choices deviations(more);
    return support::write_message(*input.info, input.version, message, how, deviations);
}

/// A few bytes of `body` replaced, repeated or left out.
void damage(std::vector<std::byte>& body, std::minstd_rand& random) {
    for (std::size_t n = random() % 3 + 1; n != 0 && !body.empty(); --n) {
        const std::size_t at = random() % body.size();
        const auto place = body.begin() + static_cast<std::ptrdiff_t>(at);
        switch (random() % 6) {
        case 0: *place = static_cast<std::byte>(random() & 0xff); break;
        case 1: *place ^= static_cast<std::byte>(1U << random() % 8); break;
        case 2: *place = static_cast<std::byte>(std::to_integer<unsigned>(*place) + 1); break;
        case 3: *place = static_cast<std::byte>(std::to_integer<unsigned>(*place) - 1); break;
        case 4: body.insert(place, static_cast<std::byte>(random() & 0xff)); break;
        default: body.erase(place);
        }
    }
    if (random() % 8 == 0) body.resize(random() % (body.size() + 1));
}

/// Writes `input` to `data` if it fits; returns its size, or 0.
std::size_t store(const message_input& input, unsigned char* data, std::size_t max_size) {
    const auto bytes = support::write_input(input);
    if (bytes.size() > max_size) return 0;
    std::memcpy(data, bytes.data(), bytes.size());
    return bytes.size();
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(unsigned char* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
    std::minstd_rand random(seed);
    for (int warm = 0; warm < 4; ++warm) random();
    const auto input = std::as_bytes(std::span(data, size));
    auto parts = support::read_input(input);
    const std::size_t action = random() % 10;
    if (parts && action < 3) return LLVMFuzzerMutate(data, size, max_size);
    if (parts && action < 5 && max_size > message_input::header_size)
        return message_input::header_size + LLVMFuzzerMutate(data + message_input::header_size,
                                                             size - message_input::header_size,
                                                             max_size - message_input::header_size);
    message_input made = parts.value_or(message_input{});
    if (!parts || action < 8) {
        const auto all = support::fuzzed_messages();
        made.info = &all[(random() >> 4) % all.size()];
        made.version = support::version_at(*made.info, (random() >> 4) % support::versions_of(*made.info));
    }
    if (random() % 2 == 0) made.knob = static_cast<std::uint8_t>(random() >> 8);
    if (random() % 2 == 0) made.second_knob = static_cast<std::uint8_t>(random() >> 8);
    std::vector<std::byte> body;
    if (parts && action == 9) {
        body.assign(parts->body.begin(), parts->body.end());
        damage(body, random);
    } else {
        const auto how = static_cast<support::manners>(random() / 16 % 3);
        body = fresh_body(made, how, random);
        if (random() / 16 % 4 == 0) damage(body, random);
    }
    made.body = body;
    if (const std::size_t stored = store(made, data, max_size)) return stored;
    return LLVMFuzzerMutate(data, size, max_size);
}
