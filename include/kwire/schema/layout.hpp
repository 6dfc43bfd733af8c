/// From a field list to where each field lies: one constexpr table per (struct, version).
///
/// For one struct at one version everything is known in advance but the ends of its variable-length
/// fields. So a layout is a short list of steps, each "so many fixed bytes, then one thing of variable
/// length", and each field has a place: how many variable-length fields stand in front of it, and how
/// many bytes after the end of the last of them it begins. The walks of schema/walk.hpp follow the steps,
/// views use the places. Equal layouts of neighbouring versions share their tables.
#pragma once

#include <kwire/schema/field.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

/// How a field of variable length, or the payload of a tag, is written.
enum class wire_form : std::uint8_t {
    compact_string,            ///< varint length + 1
    compact_bytes,             ///< varint length + 1
    compact_scalars,           ///< varint count + 1, elements of fixed width
    compact_strings,           ///< varint count + 1, elements as `compact_string`
    compact_structs,           ///< varint count + 1, elements that are structs
    string,                    ///< int16 length
    bytes,                     ///< int32 length
    scalars,                   ///< int32 count, elements of fixed width
    fixed,                     ///< no prefix; as a step only in tag payloads
    strings,                   ///< int32 count, elements as `string`
    structs,                   ///< int32 count, elements that are structs
    structure,                 ///< a struct, no marker
    nullable_structure,        ///< int8 marker, negative for null, then the struct
    nullable_tagged_structure, ///< varint marker, 0 for null, then the struct
};

/// Whether a varint stands in front, one more than the length or count, 0 for null.
constexpr bool is_compact(wire_form form) noexcept { return form <= wire_form::compact_structs; }

/// Whether one varint tells the size of a field: what most steps of flexible versions are.
constexpr bool is_simple(wire_form form) noexcept { return form <= wire_form::compact_scalars; }

/// Whether it is an array of numbers: what often has the same length in one struct as in the struct before.
constexpr bool is_steady(wire_form form) noexcept { return form == wire_form::compact_scalars; }

/// The most steps of any layout, for arrays of a fixed size; Kafka's longest has 13.
inline constexpr std::size_t max_struct_steps = 24;

/// The most steps of a layout that can be steady.
inline constexpr std::size_t max_steady_steps = 6;

/// Whether the length or count tells the size: so many times `width` bytes follow.
constexpr bool is_plain(wire_form form) noexcept {
    return form <= wire_form::compact_scalars || (form >= wire_form::string && form <= wire_form::fixed);
}

/// One step of a walk: `fixed` bytes of fixed-width fields, then one field of variable length.
struct walk_step {
    std::uint16_t fixed = 0; ///< bytes in front of the field
    std::uint16_t next_need =
        0; ///< bytes that must follow the field: the next step's fixed bytes and length prefix
    wire_form form{};
    std::uint8_t minimum = 0;           ///< smallest legal raw compact length: 0 where null is, else 1
    std::uint8_t width = 1;             ///< bytes of each of what the length or count counts
    std::uint8_t field = 0;             ///< which field of the struct it is
    const struct_info* child = nullptr; ///< the struct of a struct or of an array's elements

    friend constexpr bool operator==(const walk_step&, const walk_step&) = default;
};

/// Where one field lies at one version.
struct field_place {
    static constexpr std::uint8_t absent = 0xff;
    static constexpr std::uint8_t in_tags = 0xfe;

    std::uint8_t anchor =
        absent;              ///< how many variable-length fields stand in front; or `absent`, or `in_tags`
    std::uint8_t step = 0;   ///< the step that walks it, if it is of variable length or tagged
    std::uint16_t delta = 0; ///< bytes from the anchor to the field; the tag number if `in_tags`

    friend constexpr bool operator==(const field_place&, const field_place&) = default;
};

/// A tag that the schema knows in some version of the message.
struct known_tag {
    std::uint16_t number = 0;
    std::uint8_t step = 0; ///< the step that walks its payload
    std::uint8_t field = 0;
    bool in_version = false;

    friend constexpr bool operator==(const known_tag&, const known_tag&) = default;
};

/// The layout of one struct at one version.
struct struct_layout {
    const walk_step* steps = nullptr; ///< `step_count` steps of the walk, then those of tag payloads
    const field_place* places = nullptr;
    const known_tag* tags = nullptr;
    const field_info* fields = nullptr;
    std::uint32_t min_size = 0;   ///< the least bytes that a value can take
    std::uint16_t first_need = 0; ///< bytes that must be there before the first step is taken
    std::uint16_t tail = 0;       ///< bytes of fixed-width fields after the last step
    std::int16_t version = 0;
    std::uint8_t version_index = 0; ///< `version` minus the message's first version
    std::uint8_t step_count = 0;
    std::uint8_t field_count = 0;
    std::uint8_t tag_count = 0;
    bool flexible = false; ///< whether a tag section ends the struct
    bool steady = false;   ///< whether all its steps are steady, and it has some
};

} // namespace detail

/// A struct of a message: its fields, and its layout at each version of the message. A range of its fields:
///
///     for (const kwire::field_info& field : kwire::info_of<kwire::fetch_request>) ...
struct struct_info {
    const field_info* fields = nullptr;
    std::size_t field_count = 0;
    const detail::struct_layout* layouts = nullptr; ///< one for each version, from the message's first on

    [[nodiscard]] constexpr const field_info* begin() const noexcept { return fields; }
    [[nodiscard]] constexpr const field_info* end() const noexcept { return fields + field_count; }
};

namespace detail {

/// The constant tables of `S`: its fields, its layouts, and both as `struct_info`.
template <class S>
struct tables_of;

template <class S>
consteval const struct_info* child_info() {
    if constexpr (std::is_void_v<S>)
        return nullptr;
    else
        return &tables_of<S>::info;
}

template <class List>
struct list_traits;
template <class Message, class... Fields>
struct list_traits<field_list<Message, Fields...>> {
    static constexpr std::size_t size = sizeof...(Fields);
    /// One entry more than there are fields: it has the message's name, if the struct is the whole message.
    static consteval auto describe(std::string_view whole) {
        field_info behind{};
        behind.name = whole;
        return std::array<field_info, sizeof...(Fields) + 1>{
            Fields::describe(child_info<typename struct_of<typename Fields::type>::type>())..., behind};
    }
};

template <class S>
inline constexpr std::size_t field_count = list_traits<typename S::fields>::size;

/// The bytes that a variable-length field needs in front of its content.
constexpr std::uint16_t prefix_of(wire_form form) noexcept {
    switch (form) {
    case wire_form::fixed:
    case wire_form::structure: return 0;
    case wire_form::string: return 2;
    case wire_form::bytes:
    case wire_form::scalars:
    case wire_form::strings:
    case wire_form::structs: return 4;
    default: return 1;
    }
}

constexpr wire_form form_of(const field_info& field, int version, bool flexible) noexcept {
    const bool compact = flexible && !field.never_compact;
    switch (field.kind) {
    case field_kind::string: return compact ? wire_form::compact_string : wire_form::string;
    case field_kind::bytes:
    case field_kind::records: return compact ? wire_form::compact_bytes : wire_form::bytes;
    case field_kind::structure:
        if (!field.nullable.contains(version)) return wire_form::structure;
        return field.tag >= 0 ? wire_form::nullable_tagged_structure : wire_form::nullable_structure;
    case field_kind::array:
        if (field.element == field_kind::structure)
            return compact ? wire_form::compact_structs : wire_form::structs;
        if (field.element == field_kind::string)
            return compact ? wire_form::compact_strings : wire_form::strings;
        return compact ? wire_form::compact_scalars : wire_form::scalars;
    default: return wire_form::fixed;
    }
}

/// Where the tables of one version begin in those of all versions, and the rest of its layout.
struct layout_head {
    std::size_t steps_at = 0, places_at = 0, tags_at = 0;
    std::uint32_t min_size = 0;
    std::uint16_t first_need = 0, tail = 0;
    std::uint8_t step_count = 0, tag_count = 0;
};

/// Entries of a table that grows.
template <class T>
struct table_draft {
    T* entries;
    std::size_t used = 0;     ///< by all versions so far
    std::size_t previous = 0; ///< where those of the version before begin

    /// Keeps the `count` entries behind those in use, or finds the same run in the version before.
    consteval std::size_t keep(std::size_t count) {
        if (previous + count <= used) {
            bool same = true;
            for (std::size_t i = 0; i < count && same; ++i) same = entries[previous + i] == entries[used + i];
            if (same) return previous;
        }
        previous = used;
        used += count;
        return previous;
    }
};

/// Works out the layouts of one struct at all versions: the same code for all structs, for it is the number
/// of its instances that would take time to compile.
struct layout_drafter {
    const field_info* fields;
    std::size_t count; ///< of fields
    table_draft<walk_step> steps;
    table_draft<field_place> places;
    table_draft<known_tag> tags;

    consteval walk_step step_of(std::size_t i, int version, bool flexible, std::uint16_t before) const {
        const field_info& field = fields[i];
        walk_step step{};
        step.fixed = before;
        step.form = form_of(field, version, flexible);
        step.minimum = field.nullable.contains(version) ? 0 : 1;
        if (const std::uint8_t width = width_of(field.element); width != 0) step.width = width;
        step.field = static_cast<std::uint8_t>(i);
        step.child = field.structure;
        return step;
    }

    consteval layout_head draft(int version, std::size_t version_index, bool flexible) {
        walk_step* const step = steps.entries + steps.used;
        field_place* const place = places.entries + places.used;
        known_tag* const tag = tags.entries + tags.used;
        layout_head head{};
        std::size_t step_count = 0, highest_tag = 0, tag_count = 0;
        std::uint16_t run = 0;
        std::uint32_t least = flexible ? 1 : 0;

        for (std::size_t i = 0; i < count; ++i) {
            const field_info& field = fields[i];
            place[i] = {};
            if (field.tag >= 0)
                highest_tag = highest_tag > static_cast<std::size_t>(field.tag) + 1
                                  ? highest_tag
                                  : static_cast<std::size_t>(field.tag) + 1;
            if (field.tag >= 0 || !field.versions.contains(version)) continue;
            place[i] = {static_cast<std::uint8_t>(step_count), static_cast<std::uint8_t>(step_count), run};
            if (const std::uint8_t width = width_of(field.kind); width != 0) {
                run = static_cast<std::uint16_t>(run + width);
                least += width;
            } else {
                step[step_count] = step_of(i, version, flexible, run);
                const wire_form form = step[step_count].form;
                least += form == wire_form::structure ? field.structure->layouts[version_index].min_size
                                                      : prefix_of(form);
                ++step_count;
                run = 0;
            }
        }
        const std::uint16_t end_need = static_cast<std::uint16_t>(run + (flexible ? 1 : 0));
        for (std::size_t i = 0; i < step_count; ++i)
            step[i].next_need =
                i + 1 < step_count
                    ? static_cast<std::uint16_t>(step[i + 1].fixed + prefix_of(step[i + 1].form))
                    : end_need;

        std::size_t all_steps = step_count;
        for (std::size_t number = 0; number < highest_tag; ++number)
            for (std::size_t i = 0; i < count; ++i) {
                const field_info& field = fields[i];
                if (field.tag != static_cast<std::int32_t>(number)) continue;
                known_tag& known = tag[tag_count++];
                known = {};
                known.number = static_cast<std::uint16_t>(number);
                known.field = static_cast<std::uint8_t>(i);
                known.in_version = field.versions.contains(version);
                if (known.in_version) {
                    known.step = static_cast<std::uint8_t>(all_steps);
                    step[all_steps++] = step_of(i, version, flexible, 0);
                    place[i] = {field_place::in_tags, known.step, known.number};
                }
            }

        head.first_need =
            step_count != 0 ? static_cast<std::uint16_t>(step[0].fixed + prefix_of(step[0].form)) : end_need;
        head.steps_at = steps.keep(all_steps);
        head.places_at = places.keep(count);
        head.tags_at = tags.keep(tag_count);
        head.min_size = least;
        head.tail = run;
        head.step_count = static_cast<std::uint8_t>(step_count);
        head.tag_count = static_cast<std::uint8_t>(tag_count);
        return head;
    }
};

/// Everything about one struct at all versions, in arrays of the greatest size that could be needed.
template <std::size_t Fields, std::size_t Versions>
struct layout_draft {
    std::array<walk_step, Fields * Versions + 1> steps{};
    std::array<field_place, Fields * Versions + 1> places{};
    std::array<known_tag, Fields * Versions + 1> tags{};
    std::size_t steps_used = 0, places_used = 0, tags_used = 0, max_steps = 0;
    std::array<layout_head, Versions> heads{};
    std::array<field_place, Fields + 1> always{}; ///< the place of a field that has one at all versions
};

template <std::size_t Fields, std::size_t Versions>
consteval layout_draft<Fields, Versions> draft_layouts(const field_info* fields, const message_facts& facts) {
    layout_draft<Fields, Versions> draft;
    layout_drafter drafter{fields, Fields, {draft.steps.data()}, {draft.places.data()}, {draft.tags.data()}};
    for (std::size_t index = 0; index < Versions; ++index) {
        const int version = facts.versions.first + static_cast<int>(index);
        draft.heads[index] = drafter.draft(version, index, facts.flexible(version));
        if (draft.heads[index].step_count > draft.max_steps) draft.max_steps = draft.heads[index].step_count;
        if (index != 0 && draft.heads[index].places_at == draft.heads[index - 1].places_at) continue;
        for (std::size_t i = 0; i < Fields; ++i) {
            const field_place& place = draft.places[draft.heads[index].places_at + i];
            if (index == 0)
                draft.always[i] = place;
            else if (place != draft.always[i])
                draft.always[i] = {};
        }
    }
    draft.steps_used = drafter.steps.used;
    draft.places_used = drafter.places.used;
    draft.tags_used = drafter.tags.used;
    return draft;
}

template <class T, std::size_t N, std::size_t M>
consteval std::array<T, N> first_of(const std::array<T, M>& all) {
    std::array<T, N> some{};
    constexpr std::size_t both = N < M ? N : M;
    for (std::size_t i = 0; i < both; ++i) some[i] = all[i];
    return some;
}

/// Whether tags are numbered from 0 without gaps (KIP-482) and stand in flexible versions only: elsewhere
/// there is no tag section, and who looked for one would read on behind the struct.
template <class S>
consteval bool tags_are_sound() {
    int count = 0, highest = -1;
    for (const field_info& field : tables_of<S>::fields) {
        if (field.tag < 0) continue;
        if (!message_of<S>::facts.flexible(field.versions.first)) return false;
        for (const field_info& other : tables_of<S>::fields)
            if (&other != &field && other.tag == field.tag) return false;
        ++count;
        if (field.tag > highest) highest = field.tag;
    }
    return highest == count - 1;
}

/// Whether each element of an array takes a byte at least: else no count would be too large for its bytes.
template <class S>
consteval bool elements_take_bytes() {
    for (const struct_layout& layout : tables_of<S>::layouts)
        for (unsigned i = 0; i < layout.field_count; ++i) {
            const field_info& field = layout.fields[i];
            if (field.kind == field_kind::array && field.element == field_kind::structure &&
                field.versions.contains(layout.version) &&
                field.structure->layouts[layout.version_index].min_size == 0)
                return false;
        }
    return true;
}

/// Whether structs that may be absent hold no struct in turn, which would show defaults that nobody could
/// tell from bytes of the message (see `bytes_of`).
template <class S>
consteval bool absent_structs_are_flat() {
    constexpr version_range all = message_of<S>::facts.versions;
    for (const field_info& field : tables_of<S>::fields) {
        const bool always = field.versions.contains(all.first) && field.versions.contains(all.last);
        if (field.kind != field_kind::structure || field.null_default || (always && field.tag < 0)) continue;
        for (std::size_t i = 0; i < field.structure->field_count; ++i)
            if (field.structure->fields[i].kind == field_kind::structure) return false;
    }
    return true;
}

template <class S>
struct tables_of {
    static constexpr auto fields = list_traits<typename S::fields>::describe(
        std::is_same_v<S, message_of<S>> ? message_of<S>::facts.name : std::string_view());
    static constexpr std::size_t versions = static_cast<std::size_t>(message_of<S>::facts.versions.last -
                                                                     message_of<S>::facts.versions.first + 1);
    static constexpr auto draft =
        draft_layouts<field_count<S>, versions>(fields.data(), message_of<S>::facts);
    static constexpr auto steps = first_of<walk_step, draft.steps_used + 1>(draft.steps);
    static constexpr auto places = first_of<field_place, draft.places_used + 1>(draft.places);
    static constexpr auto tags = first_of<known_tag, draft.tags_used + 1>(draft.tags);

    static consteval auto make_layouts() {
        constexpr message_facts facts = message_of<S>::facts;
        std::array<struct_layout, draft.heads.size()> made{};
        for (std::size_t i = 0; i < made.size(); ++i) {
            const auto& head = draft.heads[i];
            const int version = facts.versions.first + static_cast<int>(i);
            made[i].steps = &steps[head.steps_at];
            made[i].places = &places[head.places_at];
            made[i].tags = &tags[head.tags_at];
            made[i].fields = fields.data();
            made[i].min_size = head.min_size;
            made[i].first_need = head.first_need;
            made[i].tail = head.tail;
            made[i].version = static_cast<std::int16_t>(version);
            made[i].version_index = static_cast<std::uint8_t>(i);
            made[i].step_count = head.step_count;
            made[i].field_count = static_cast<std::uint8_t>(field_count<S>);
            made[i].tag_count = head.tag_count;
            made[i].flexible = facts.flexible(version);
            made[i].steady = made[i].flexible && head.step_count != 0 && head.step_count <= max_steady_steps;
            for (std::size_t k = 0; k < head.step_count; ++k)
                made[i].steady = made[i].steady && is_steady(steps[head.steps_at + k].form);
        }
        return made;
    }
    static constexpr auto layouts = make_layouts();
    static constexpr struct_info info{fields.data(), field_count<S>, layouts.data()};

    /// The greatest number of steps at any version.
    static constexpr std::size_t max_steps = draft.max_steps;
    static_assert(max_steps <= max_struct_steps, "raise kwire::detail::max_struct_steps");
    static_assert(tags_are_sound<S>(), "tags are 0, 1, 2... and in flexible versions only");
    static_assert(elements_take_bytes<S>(), "an array whose elements take no bytes can have any count");
    static_assert(absent_structs_are_flat<S>(), "bytes_of cannot tell defaults inside of defaults");
};

/// The layout of `S` at a version that is known at compile time.
template <class S, int V>
inline constexpr const struct_layout& layout_at =
    tables_of<S>::layouts[static_cast<std::size_t>(V - message_of<S>::facts.versions.first)];

} // namespace detail

/// The fields, layouts and sizes of the struct or message `S`, for code that works on any message at run
/// time.
template <class S>
inline constexpr const struct_info& info_of = detail::tables_of<S>::info;

namespace detail {

template <class S, name_literal Name>
consteval std::size_t find_field() {
    for (std::size_t i = 0; i < field_count<S>; ++i)
        if (tables_of<S>::fields[i].name == Name.view()) return i;
    return field_count<S>;
}

} // namespace detail

/// The number of the field called `Name` of the struct `S`: `field_index<metadata_request::topic, "name">` is
/// 1.
template <class S, name_literal Name>
    requires(detail::find_field<S, Name>() < detail::field_count<S>)
inline constexpr std::size_t field_index = detail::find_field<S, Name>();

} // namespace kwire
