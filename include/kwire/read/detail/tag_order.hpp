/// Unknown tagged fields in the order in which they are written: rising, each number once (KIP-482).
#pragma once

#include <kwire/read/unknown_tags.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace kwire::detail {

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

/// The tags of a section as they are to be written. Allocates if there are any.
inline std::vector<unknown_tag_view> tags_in_order(const unknown_tag_range& section) {
    std::vector<unknown_tag_view> tags;
    bool rising = true;
    for (const unknown_tag_view tag : section) {
        rising = rising && (tags.empty() || tags.back().number < tag.number);
        tags.push_back(tag);
    }
    if (!rising) put_in_order(tags);
    return tags;
}

} // namespace kwire::detail
