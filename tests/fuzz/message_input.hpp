/// The inputs of the targets that are about messages: which message at which version, two bytes of knobs that
/// each target uses in its own way, and the body.
#pragma once

#include <kwire/reflect/dynamic.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "messages/message_type.hpp"

namespace support {

/// An input taken apart. The first two bytes choose the message, the third the version.
struct message_input {
    static constexpr std::size_t header_size = 5;

    const kwire::message_info* info = nullptr;
    int version = 0;
    std::uint8_t knob = 0;
    std::uint8_t second_knob = 0;
    std::span<const std::byte> body;
};

/// Every message that kwire knows, by name; an input's first bytes are an index into it.
std::span<const kwire::message_info> fuzzed_messages();

/// How many version numbers the message has, the alias of its only version included.
inline std::size_t versions_of(const kwire::message_info& info) {
    return static_cast<std::size_t>(info.facts.versions.last - info.facts.versions.first +
                                    (info.facts.alias >= 0 ? 2 : 1));
}
/// Number `i` of them; the alias is the last one.
inline int version_at(const kwire::message_info& info, std::size_t i) {
    const bool alias = info.facts.alias >= 0 && i + 1 == versions_of(info);
    return alias ? info.facts.alias : info.facts.versions.first + static_cast<int>(i);
}

/// What the input says; nullopt if it has fewer than five bytes. Every value of those chooses something.
std::optional<message_input> read_input(std::span<const std::byte> input);

/// The other way round.
std::vector<std::byte> write_input(const message_input& input);

/// The message as the tests of typed views know it: with readers only if it is in tests/generated, with facts
/// and fields in any case.
const message_type& type_of(const kwire::message_info& info);
/// Whether typed views and data of the message are compiled.
bool is_typed(const kwire::message_info& info);

/// The leniencies whose bits are set in `bits`; all six are 63.
constexpr kwire::parse_options options_of(unsigned bits) {
    return {.trailing_bytes = (bits & 1) != 0,
            .null_as_empty = (bits & 2) != 0,
            .negative_as_null = (bits & 4) != 0,
            .any_tag_order = (bits & 8) != 0,
            .any_tag_size = (bits & 16) != 0,
            .tags_of_other_versions = (bits & 32) != 0};
}

/// Counts a pair of message and version as read. At the end of the program the pairs are appended to the file
/// that the environment names in KWIRE_FUZZ_PAIRS, a line each.
void note_read(const kwire::message_info& info, int version);

} // namespace support
