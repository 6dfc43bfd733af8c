/// Internal: a walk over the structs of a message and their tag sections, for what must be found in those.
#pragma once

#include <kwire/schema/detail/trusted_walk.hpp>
#include <kwire/wire/varint.hpp>
#include <kwire/write/detail/message_edit.hpp>

#include <cstddef>
#include <cstdint>

namespace kwire::inline KWIRE_ABI::detail {

/// Walks over the struct at `p` and those in it, and returns its end. `visit` says which structs of a field
/// it wants (`wants(layout, begin, end)`) and which tag sections with tags (`wants_section(begin, end)`); of
/// those it is told each tag (`tag(layout, begin, tag)`) and at their end whether one was unknown
/// (`end_section(place, has_unknown)`).
template <class Visit>
const std::byte* walk_tags(const struct_layout& layout, const std::byte* p, Visit& visit);

/// The same for the structs of one field, whose bytes are from `p` to `end`.
template <class Visit>
void walk_tags_of_field(const walk_step& step, const struct_layout& layout, const std::byte* p,
                        const std::byte* end, Visit& visit) {
    if (step.child == nullptr) return;
    const struct_layout& inner = step.child->layouts[layout.version_index];
    if (!visit.wants(inner, p, end)) return;
    if (is_single_struct(step.form)) {
        if (step.form == wire_form::structure ||
            !skip_null_marker(p, step.form == wire_form::nullable_tagged_structure))
            static_cast<void>(walk_tags(inner, p, visit));
        return;
    }
    trusted_count structs = read_length(p, has_varint_prefix(step.form), length_form::int32);
    p = structs.content;
    for (; structs.size != 0 && visit.wants(inner, p, end); --structs.size) p = walk_tags(inner, p, visit);
}

template <class Visit>
const std::byte* walk_tags(const struct_layout& layout, const std::byte* p, Visit& visit) {
    std::uint32_t ends[max_struct_steps];
    static_cast<void>(find_ends(layout, p, false, ends));
    const struct_place place{&layout, p, ends};
    for (unsigned i = 0; i < layout.step_count; ++i)
        walk_tags_of_field(layout.steps[i], layout, place.step_begin(i), p + ends[i], visit);
    const std::byte* const tags = place.tags();
    if (!layout.flexible) return tags;
    const std::byte* const end = skip_tags(layout, tags);
    if (*tags == std::byte{0} || !visit.wants_section(tags + 1, end)) return end;
    std::uint32_t count = 0;
    bool has_unknown = false;
    for (const std::byte* next = wire::read_uvarint_trusted(tags, count); count != 0; --count) {
        const trusted_tag tag = read_tag(layout, next);
        has_unknown = has_unknown || !tag.known;
        visit.tag(layout, next, tag);
        if (tag.known)
            walk_tags_of_field(layout.steps[layout.tags[tag.number].step], layout, tag.payload, tag.end,
                               visit);
        next = tag.end;
    }
    visit.end_section(place, has_unknown);
    return end;
}

} // namespace kwire::inline KWIRE_ABI::detail
