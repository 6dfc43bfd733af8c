/// Compares the front of a message with the whole of it, for the tests and the fuzz target of prefix views.
#pragma once

#include <kwire/reflect/prefix.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace support {

using kwire::dynamic_prefix;
using kwire::dynamic_prefix_value;
using kwire::field_kind;
using kwire::seen_state;

/// The bytes of all fields that are there, those in arrays and structs counted at each level; reads all of
/// them.
inline std::size_t bytes_shown(const dynamic_prefix& seen);
inline std::size_t bytes_shown(const dynamic_prefix_value& seen) {
    if (seen.state() == seen_state::missing || seen.is_null()) return 0;
    std::size_t sum = seen.bytes().size();
    if (seen.kind() == field_kind::structure) return sum + bytes_shown(seen.structure());
    if (seen.kind() == field_kind::array)
        for (const dynamic_prefix_value element : seen.elements()) sum += bytes_shown(element);
    return sum;
}
inline std::size_t bytes_shown(const dynamic_prefix& seen) {
    std::size_t sum = 0;
    for (const dynamic_prefix_value field : seen.fields()) sum += bytes_shown(field);
    return sum;
}

/// Compares what is there of a message of which the first `cut` bytes are there with the whole message, which
/// lies elsewhere.
struct prefix_comparison {
    const std::byte* start;       ///< of the bytes that are there
    const std::byte* whole_start; ///< of the whole message
    std::size_t cut;
    std::string wrong{}; ///< the path of the first difference
    std::size_t whole_fields = 0;
    std::size_t cut_elements = 0;

    bool fail(const dynamic_prefix_value& seen, std::string_view why) {
        if (wrong.empty()) wrong = std::string(seen.info().name) + ": " + std::string(why);
        return false;
    }

    bool same_place(const dynamic_prefix_value& seen, const dynamic_prefix_value& whole) {
        const auto some = seen.bytes(), all = whole.bytes();
        return some.data() - start == all.data() - whole_start &&
               some.size() == std::min(all.size(), cut - static_cast<std::size_t>(some.data() - start));
    }

    bool structs(const dynamic_prefix& seen, const dynamic_prefix& whole) {
        for (std::size_t i = 0; i < whole.field_count(); ++i)
            if (!values(seen.field(i), whole.field(i))) return false;
        return true;
    }

    bool values(const dynamic_prefix_value& seen, const dynamic_prefix_value& whole) {
        const std::span<const std::byte> all = whole.bytes();
        const auto begin = static_cast<std::size_t>(all.data() - whole_start);
        switch (seen.state()) {
        case seen_state::absent:
            return whole.state() == seen_state::absent || fail(seen, "absent, and the whole has it");
        case seen_state::missing: {
            if (whole.state() == seen_state::absent)
                return whole.info().tag >= 0 || fail(seen, "missing, and its version lacks it");
            const bool fixed = kwire::width_of(seen.kind()) != 0;
            const std::size_t least = fixed ? all.size() : std::min<std::size_t>(all.size(), 5);
            return begin + least > cut || fail(seen, "missing, and its bytes are there");
        }
        case seen_state::whole:
            ++whole_fields;
            if (whole.state() != seen_state::whole) return fail(seen, "whole, and the whole lacks it");
            if (begin + all.size() > cut) return fail(seen, "whole, and its bytes are not there");
            if (!same_place(seen, whole)) return fail(seen, "at another place");
            return kwire::same_content(seen.value(), whole.value()) || fail(seen, "another value");
        case seen_state::cut: break;
        }
        if (begin + all.size() <= cut) return fail(seen, "cut, and all of its bytes are there");
        if (!same_place(seen, whole)) return fail(seen, "cut at another place");
        if (seen.kind() == field_kind::structure) return structs(seen.structure(), whole.structure());
        if (seen.is_null() || seen.claimed() != whole.claimed()) return fail(seen, "claims another length");
        if (seen.kind() != field_kind::array) {
            const auto some = seen.content().there, text = whole.content().there;
            return std::ranges::equal(some, text.first(some.size())) || fail(seen, "another beginning");
        }
        std::size_t count = 0;
        auto other = whole.elements().begin();
        for (const dynamic_prefix_value element : seen.elements()) {
            const bool last = ++count > seen.whole_elements();
            if (last != (element.state() == seen_state::cut)) return fail(seen, "a cut element in front");
            cut_elements += last ? 1 : 0;
            if (!values(element, *other)) return false;
            ++other;
        }
        // The next element is not all there.
        return count == seen.claimed() || count > seen.whole_elements() ||
               static_cast<std::size_t>((*other).bytes().data() - whole_start) + (*other).bytes().size() >
                   cut ||
               fail(seen, "fewer elements than are there");
    }
};

} // namespace support
