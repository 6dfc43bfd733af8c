/// Internal: a rule of schema/meaning.txt, which explains the kinds.
#pragma once

#include <kwire/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// What happens to a field, or to a message, between versions that do not mean the same by it.
enum class meaning : std::uint8_t {
    needed,        ///< may be lost only if it says nothing
    needed_since,  ///< the same between versions that have it, from a version on
    lost,          ///< may be lost whatever it says
    unknown,       ///< a version that lacks it does not say what the other one must
    implied,       ///< where it is lacking, an array has certain elements
    like,          ///< where it is lacking, it is as another field
    since,         ///< some values exist from a version on
    until,         ///< some values exist below a version
    translated,    ///< some values are other ones below a version
    raised,        ///< some values of old versions are other ones from a version on
    same_around,   ///< only some values mean the same below and from a version on
    empty_is_null, ///< below a version empty means what null means later
    null_is_empty, ///< below a version null is written as empty
    topic,         ///< a topic's name, whose id is another field
    becomes,       ///< another field says the same from some version on
    omit,          ///< elements that old versions cannot have are left out
    records,       ///< which formats of record batches the versions have
    codecs,        ///< which compressions of record batches old versions have
    gathers,       ///< an array of one, whose fields lie around it in old versions
    each,          ///< an array of structs that was an array of strings
    error_of,      ///< an array whose one element's error was the error of the struct around it
    holds,         ///< an array that has the one number of another field
    differs,       ///< of a message: it asks for something else from a version on
};

/// Every number that has no pair of its own.
inline constexpr std::int64_t any_number = std::numeric_limits<std::int64_t>::min();

struct meaning_rule {
    std::string_view message;
    std::string_view path;  ///< from the message to the field: "topics.name"; empty for the message
    std::string_view other; ///< the field or, for `gathers` and `each`, the pairs of fields that it speaks of
    meaning kind{};
    std::uint8_t value_count = 0;
    std::int16_t version = -1; ///< the first of the later versions
    std::array<std::array<std::int64_t, 2>, 4> values{};

    [[nodiscard]] constexpr bool lists(std::int64_t number) const noexcept {
        for (std::size_t i = 0; i < value_count; ++i)
            if (values[i][0] == number) return true;
        return false;
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
