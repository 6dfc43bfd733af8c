/// Internal: one edit of a message: the bytes it is about, and what becomes of them; and where the fields of
/// a struct are, from which edits are made.
#pragma once

#include <kwire/schema/detail/trusted_walk.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire::inline KWIRE_ABI::detail {

/// Bytes of the message, counted from its first.
struct byte_range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

/// Bytes that are not the message's: in a block of the list's memory, or a chain.
struct new_bytes {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    std::uint32_t number = 0; ///< of the block or chain
    bool is_chain = false;
};

enum class edit_kind : std::uint8_t {
    replace,            ///< other bytes in their place
    tag_around,         ///< a tag from its size on; what lies in it has edits
    set_tag,            ///< a tag of the section: its payload
    erase_tag,          ///< a tag of the section, if it is there
    erase_unknown_tags, ///< those of the section that the schema does not know
    insert_element,     ///< of the array, before element `number`
    set_element,        ///< of the array
    erase_element,      ///< of the array
    order_elements,     ///< of the array; `number` is where its order is in the list of orders
};

struct message_edit {
    byte_range where{};
    std::uint32_t call = 0;   ///< edits in the order in which they were asked for
    std::uint32_t number = 0; ///< of the tag or element
    new_bytes content{};
    const struct_layout* layout = nullptr; ///< of the struct that has the array or the tag section
    const field_info* array = nullptr;
    edit_kind kind{};

    [[nodiscard]] bool of_section() const noexcept {
        return kind == edit_kind::set_tag || kind == edit_kind::erase_tag ||
               kind == edit_kind::erase_unknown_tags;
    }
    [[nodiscard]] bool of_array() const noexcept {
        return kind == edit_kind::insert_element || kind == edit_kind::set_element ||
               kind == edit_kind::erase_element || kind == edit_kind::order_elements;
    }
    /// The order of writing. What replaces a field comes before the edits in it, which are lost, and a later
    /// call before an earlier one.
    friend bool operator<(const message_edit& a, const message_edit& b) noexcept {
        if (a.where.begin != b.where.begin) return a.where.begin < b.where.begin;
        if (a.where.end != b.where.end) return a.where.end > b.where.end;
        if ((a.kind == edit_kind::replace) != (b.kind == edit_kind::replace))
            return a.kind == edit_kind::replace;
        if (a.kind == edit_kind::replace) return a.call > b.call;
        return a.call < b.call;
    }
};

/// Where the fields of a struct are: its layout, its first byte, and where its steps end.
struct struct_place {
    const struct_layout* layout;
    const std::byte* base;
    const std::uint32_t* ends;

    [[nodiscard]] const std::byte* step_begin(std::size_t step) const noexcept {
        return base + (step != 0 ? ends[step - 1] : 0) + layout->steps[step].fixed;
    }
    [[nodiscard]] const std::byte* tags() const noexcept {
        return base + (layout->step_count != 0 ? ends[layout->step_count - 1U] : 0) + layout->tail;
    }
    [[nodiscard]] const std::byte* end() const noexcept {
        return layout->flexible ? skip_tags(*layout, tags()) : tags();
    }
    /// The first byte of a field, of its payload if it is tagged; nullptr if the bytes do not hold it.
    [[nodiscard]] const std::byte* find(std::size_t index) const noexcept {
        const field_place& place = layout->places[index];
        if (place.anchor == field_place::absent) return nullptr;
        if (place.anchor == field_place::in_tags) return find_tag(*layout, tags(), place.delta);
        return base + (place.anchor != 0 ? ends[place.anchor - 1U] : 0) + place.delta;
    }
    /// The bytes of a field with its length or marker, of the payload if it is tagged; nothing if the bytes
    /// do not hold it.
    [[nodiscard]] std::span<const std::byte> field(std::size_t index) const noexcept {
        const std::byte* const begin = find(index);
        if (begin == nullptr) return {};
        const field_place& place = layout->places[index];
        if (place.anchor == field_place::in_tags) return {begin, skip_any_step(place.step, *layout, begin)};
        const std::size_t width = width_of(layout->fields[index].kind);
        return {begin, width != 0 ? begin + width : base + ends[place.step]};
    }
};

/// The length or count at `p` of a field of this kind, or of an element of it.
[[nodiscard]] inline trusted_count length_at(const struct_layout& layout, const field_info& field,
                                             field_kind kind, const std::byte* p) noexcept {
    return read_length(p, layout.flexible && !field.never_compact, classic_form(kind));
}
/// Where the element of an array ends that begins at `p`; `layout` is that of the struct that has the array.
[[nodiscard]] inline const std::byte* end_of_element(const struct_layout& layout, const field_info& array,
                                                     const std::byte* p) noexcept {
    if (array.element == field_kind::structure) {
        const struct_layout& inner = array.structure->layouts[layout.version_index];
        std::uint32_t ends[max_struct_steps];
        static_cast<void>(find_ends(inner, p, false, ends));
        return struct_place{&inner, p, ends}.end();
    }
    if (const std::uint32_t width = width_of(array.element); width != 0) return p + width;
    const trusted_count text = length_at(layout, array, array.element, p);
    return text.content + text.size;
}

/// The forms of which a part can be edited: structs and arrays.
inline constexpr wire_form_set has_parts([](const wire_form_facts& one) {
    return one.content != counted::bytes;
});

/// Whether the edit of a part can lie in a tag, somewhere in a struct of this layout.
[[nodiscard]] inline bool has_parts_in_tags(const struct_layout& layout) noexcept {
    const auto child_has = [&](const walk_step& step) {
        return step.child != nullptr && has_parts_in_tags(step.child->layouts[layout.version_index]);
    };
    for (unsigned i = 0; i < layout.tag_count; ++i)
        if (layout.tags[i].in_version && has_parts(layout.steps[layout.tags[i].step].form)) return true;
    for (unsigned i = 0; i < layout.step_count; ++i)
        if (child_has(layout.steps[i])) return true;
    return false;
}

} // namespace kwire::inline KWIRE_ABI::detail
