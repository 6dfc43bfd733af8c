/// Unknown tagged fields in the order in which they are written: rising, each number once (KIP-482).
#pragma once

#include <kwire/read/unknown_tags.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// Sorts tags of one section, and keeps the last of each number, as readers do with known tags.
///
/// By a heap, whose code is small: only what a lenient parse has let pass needs it. A later tag of
/// the section has a higher address, so that equal numbers keep their order.
KWIRE_COLD inline void put_in_order(std::vector<unknown_tag_view>& tags) {
    const auto before = [](const unknown_tag_view& a, const unknown_tag_view& b) {
        return a.number != b.number ? a.number < b.number : a.payload.data() < b.payload.data();
    };
    std::make_heap(tags.begin(), tags.end(), before);
    std::sort_heap(tags.begin(), tags.end(), before);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < tags.size(); ++i)
        if (i + 1 == tags.size() || tags[i + 1].number != tags[i].number) tags[kept++] = tags[i];
    tags.resize(kept);
}

/// How many tags a section has, and whether they are in the order in which they are to be written.
struct tag_summary {
    std::size_t count = 0;
    bool rising = true;
};
inline tag_summary summary_of(const unknown_tag_range& section) noexcept {
    tag_summary found;
    std::uint32_t last = 0;
    for (const unknown_tag_view tag : section) {
        found.rising = found.rising && (found.count == 0 || last < tag.number);
        last = tag.number;
        ++found.count;
    }
    return found;
}

/// The tags of a section as they are to be written. One allocation if there are any.
inline std::vector<unknown_tag_view> tags_in_order(const unknown_tag_range& section) {
    std::vector<unknown_tag_view> tags;
    const tag_summary all = summary_of(section);
    tags.reserve(all.count);
    for (const unknown_tag_view tag : section) tags.push_back(tag);
    if (!all.rising) put_in_order(tags);
    return tags;
}

} // namespace kwire::inline KWIRE_ABI::detail
