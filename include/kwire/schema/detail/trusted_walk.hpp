/// The walk over message bytes that were checked: without bounds, and by the most lenient rules.
///
/// A lenient check (parse_options) accepts what a strict one refuses, and this walk does not know which of
/// them it was. It needs only one set of rules: a negative length is null, a known tag ends where its value
/// ends, and the last of several tags with one number counts. Bytes that a strict check accepted mean the
/// same by these rules.
#pragma once

#include <kwire/schema/detail/walk.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// A length or count that was checked before.
struct trusted_count {
    const std::byte* content;
    std::uint32_t size; ///< bytes or elements; 0 for null
    std::uint32_t null; ///< 1 for null, else 0. A bool would leave padding, which GCC merges bit by bit.

    /// Means empty where the field has no null.
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool is_null() const noexcept { return null != 0; }

    // cost: `size` is converted first. From a pointer and a 32-bit number the compiler would check whether
    // they are an iterator and its end.
    [[nodiscard]] KWIRE_ALWAYS_INLINE std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(content), std::size_t{size}};
    }
};

/// A length or count, compact or in its `classic` form. Any negative number means null: the check may have
/// let it pass as such.
KWIRE_APART inline trusted_count read_any_length(const std::byte* p, bool compact,
                                                 length_form classic) noexcept {
    const auto [content, value] =
        decode_length(compact ? length_form::compact : classic, p, wire::max_varint32_size);
    if (value > wire::max_length) return {content, 0, 1};
    return {content, value, 0};
}
/// The same with the usual case inline.
KWIRE_ALWAYS_INLINE trusted_count read_length_fast(const std::byte* p, bool compact,
                                                   length_form classic) noexcept {
    const auto [content, value] = decode_usual_length(length_form::compact, false, p);
    if (compact && content != nullptr) [[likely]]
        return {content, value, 0};
    return read_any_length(p, compact, classic);
}
/// The same for a field whose length often takes two or three bytes.
KWIRE_ALWAYS_INLINE trusted_count read_size_fast(const std::byte* p, bool compact,
                                                 length_form classic) noexcept {
    if (compact) { // else there may be two bytes only, of a string
        const auto [content, value] =
            decode_usual_size(length_form::compact, false, p, medium_length_size, false);
        if (content != nullptr) [[likely]]
            return {content, value, 0};
    }
    return read_any_length(p, compact, classic);
}
/// The same by a call, which takes less code.
KWIRE_APART inline trusted_count read_length(const std::byte* p, bool compact, length_form classic) noexcept {
    return read_size_fast(p, compact, classic);
}

/// How the length of a field of this kind is written if it is not compact.
KWIRE_ALWAYS_INLINE constexpr length_form classic_form(field_kind kind) noexcept {
    return kind == field_kind::string ? length_form::int16 : length_form::int32;
}

/// Whether the marker of a nullable struct at `p` says null. Moves `p` to the first byte after it.
KWIRE_ALWAYS_INLINE bool skip_null_marker(const std::byte*& p, bool tagged) noexcept {
    const trusted_count marker =
        read_length(p, false, tagged ? length_form::tagged_marker : length_form::marker);
    p = marker.content;
    return marker.is_null();
}

/// Moves over step number `index` of bytes that were checked before, if it is not one of the simple ones.
KWIRE_APART inline const std::byte* skip_any_step(unsigned index, const struct_layout& layout,
                                                  const std::byte* p) noexcept {
    check_state no_end(checked_before{});
    return check_any_step(index, layout, p, no_end);
}

/// Moves over a tag section.
KWIRE_COLD KWIRE_APART inline const std::byte* skip_tag_list(const struct_layout& layout,
                                                             const std::byte* p) noexcept {
    check_state no_end(checked_before{});
    return check_tags(layout, p, no_end);
}
KWIRE_ALWAYS_INLINE const std::byte* skip_tags(const struct_layout& layout, const std::byte* p) noexcept {
    if (*p == std::byte{0}) [[likely]]
        return p + 1;
    return skip_tag_list(layout, p);
}

/// Stores where each step of a checked struct ends, counted from where it begins, and returns that: at `p`,
/// or, if `tags`, after the tag section at `p` of the struct before it.
KWIRE_APART inline const std::byte* find_ends(const struct_layout& layout, const std::byte* p, bool tags,
                                              std::uint32_t* ends) noexcept {
    check_state no_end(checked_before{});
    if (tags && layout.flexible) p = check_tag_section(layout, p, no_end);
    check_struct(layout, p, no_end, ends);
    return p;
}

/// The struct after the checked one at `base`, in the same array. Updates `ends` for it.
KWIRE_APART inline const std::byte* find_next(const struct_layout& layout, const std::byte* base,
                                              std::uint32_t* ends) noexcept {
    const unsigned steps = layout.step_count;
    const std::byte* const tags = base + (steps != 0 ? ends[steps - 1] : 0) + layout.tail;
    // Steady layouts are flexible ones.
    if (layout.only_scalar_arrays && *tags == std::byte{0} && same_shape(layout, base, tags + 1, ends))
        [[likely]]
        return tags + 1;
    return find_ends(layout, tags, true, ends); // by a call, so that here no registers need be saved
}

/// One tagged field of a section that was checked before.
struct trusted_tag {
    std::uint32_t number;
    bool known;               ///< to the schema, at this version
    const std::byte* payload; ///< of a known one, its value
    const std::byte* end;     ///< where the next one begins
};

/// The tag at `p`. An unknown one ends where its size says, a known one where its value does.
KWIRE_COLD KWIRE_APART inline trusted_tag read_tag(const struct_layout& layout, const std::byte* p) noexcept {
    trusted_tag tag{};
    std::uint32_t size = 0;
    p = wire::read_uvarint_trusted(p, tag.number);
    tag.payload = wire::read_uvarint_trusted(p, size);
    const known_tag* const known = known_tag_of(layout, tag.number);
    tag.known = known != nullptr && known->in_version;
    tag.end = tag.known ? skip_any_step(known->step, layout, tag.payload) : tag.payload + size;
    return tag;
}

/// The payload of the known tag `number` in a tag section, the last if there are several; nullptr if it is
/// not there.
KWIRE_COLD KWIRE_APART inline const std::byte* find_tag(const struct_layout& layout, const std::byte* p,
                                                        std::uint32_t number) noexcept {
    const std::byte* found = nullptr;
    std::uint32_t count = 0;
    p = wire::read_uvarint_trusted(p, count);
    for (; count != 0; --count) {
        const trusted_tag tag = read_tag(layout, p);
        if (tag.number == number) found = tag.payload;
        p = tag.end;
    }
    return found;
}

/// The same in a section that a strict check accepts: numbers rise, and sizes say where tags end.
KWIRE_APART inline const std::byte* find_regular_tag(const std::byte* p, std::uint32_t wanted) noexcept {
    std::uint32_t count = 0, number = 0, size = 0;
    for (p = wire::read_uvarint_trusted(p, count); count != 0; --count) {
        p = wire::read_uvarint_trusted(p, number);
        p = wire::read_uvarint_trusted(p, size);
        if (number >= wanted) return number == wanted ? p : nullptr;
        p += size;
    }
    return nullptr;
}

} // namespace kwire::inline KWIRE_ABI::detail
