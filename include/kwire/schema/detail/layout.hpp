/// From a field list to where each field lies: one constexpr table per (struct, version).
///
/// For one struct at one version everything is known in advance but the ends of its variable-length
/// fields. So a layout is a short list of steps, each "so many fixed bytes, then one thing of variable
/// length", and each field has a place: how many variable-length fields stand in front of it, and how
/// many bytes after the end of the last of them it begins. The walks of schema/walk.hpp follow the steps,
/// views use the places. Equal layouts of neighbouring versions share their tables.
#pragma once

#include <kwire/schema/field.hpp>

#include <bit>
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
    std::uint8_t minimum = 0; ///< smallest legal raw compact length: 0 where null is, else 1
    std::uint8_t width = 1;   ///< bytes of each of what is counted; of texts the least, of structs 0
    std::uint8_t field = 0;   ///< which field of the struct it is
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

/// What the places of a field have in common, of all versions of a message or of one: what is known without
/// a look at the layout.
struct common_place {
    static constexpr int varies = -1;

    int anchor = field_place::absent; ///< at the versions that have it: as a `field_place`, or `varies`
    int delta = 0;                    ///< likewise
    bool always = true;               ///< every version has the field
};

/// A tag that the schema knows in some version of the message. Its number is its place among them.
struct known_tag {
    std::uint8_t step = 0;   ///< the step that walks its payload
    std::uint8_t prefix = 0; ///< the bytes that the payload takes at least
    std::uint8_t field = 0;
    bool in_version = false;

    friend constexpr bool operator==(const known_tag&, const known_tag&) = default;
};

struct check_state;
struct struct_layout;

/// Checks what follows a tag that the schema knows (schema/walk.hpp).
inline const std::byte* check_known_tag(const struct_layout& layout, const known_tag& tag,
                                        const std::byte* tag_at, const std::byte* size_at,
                                        check_state& state) noexcept;

/// The layout of one struct at one version.
struct struct_layout {
    const walk_step* steps = nullptr; ///< `step_count` steps of the walk, then those of tag payloads
    const field_place* places = nullptr;
    const known_tag* tags = nullptr;
    const field_info* fields = nullptr;
    /// `check_known_tag` if there are such: called from here, it is compiled for none but messages with tags.
    decltype(&check_known_tag) check_tag = nullptr;
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

template <class S>
inline constexpr std::size_t field_count = decltype(S::template fields<>)::size;

/// The bytes that a variable-length field needs in front of its content.
KWIRE_ALWAYS_INLINE constexpr std::uint16_t prefix_of(wire_form form) noexcept {
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

/// How a field is written where it is not null.
constexpr wire_form form_of(const field_info& field, bool flexible) noexcept {
    const bool compact = flexible && !field.never_compact;
    switch (field.kind) {
    case field_kind::string: return compact ? wire_form::compact_string : wire_form::string;
    case field_kind::bytes:
    case field_kind::records: return compact ? wire_form::compact_bytes : wire_form::bytes;
    case field_kind::structure: return wire_form::structure;
    case field_kind::array:
        if (field.element == field_kind::structure)
            return compact ? wire_form::compact_structs : wire_form::structs;
        if (field.element == field_kind::string)
            return compact ? wire_form::compact_strings : wire_form::strings;
        return compact ? wire_form::compact_scalars : wire_form::scalars;
    default: return wire_form::fixed;
    }
}

/// What of a field's layout is the same at all versions: worked out once, and not for each of them.
struct field_plan {
    int first, last;            ///< the versions in which it has a fixed place: none if it is tagged
    std::uint8_t width;         ///< of a field with a fixed width
    std::uint8_t element_width; ///< as a step has it, but of `wire_form::strings`
    wire_form classic;          ///< how it is written where it is not null,
    wire_form flexible;         ///< and in flexible versions
};

consteval field_plan plan_of(const field_info& field) {
    const std::uint8_t width = width_of(field.kind);
    if (field.tag < 0 && width != 0)
        return {field.versions.first, field.versions.last, width, width, wire_form::fixed, wire_form::fixed};
    std::uint8_t element_width = 0;
    if (field.element != field_kind::structure) {
        element_width = width_of(field.element);
        if (element_width == 0) element_width = 1;
    }
    return {field.tag < 0 ? field.versions.first : 0,
            field.tag < 0 ? field.versions.last : -1,
            width,
            element_width,
            form_of(field, false),
            form_of(field, true)};
}

/// Where the tables of one version begin in those of all versions.
struct table_offsets {
    std::uint16_t steps = 0, places = 0, tags = 0;
};

/// Entries of a table that grows.
template <class T>
struct table_draft {
    T* entries;
    std::uint16_t used = 0;     ///< by all versions so far
    std::uint16_t previous = 0; ///< where those of the version before begin

    /// Keeps the `count` entries behind those in use, or finds the same run in the version before.
    consteval std::uint16_t keep(std::size_t count) {
        if (previous + count <= used) {
            std::size_t differing = count; // from the back: a field that is new moves those behind it
            while (differing != 0 && entries[previous + differing - 1] == entries[used + differing - 1])
                --differing;
            if (differing == 0) return previous;
        }
        return keep_new(count);
    }
    /// Keeps them when they are known to differ.
    consteval std::uint16_t keep_new(std::size_t count) {
        previous = used;
        used = static_cast<std::uint16_t>(used + count);
        return previous;
    }
};

/// What a field list says at a glance.
struct list_summary {
    /// The versions, counted from the message's first, whose layout may differ from that of the version
    /// before, as a set of bits: those at which a field or compact lengths begin or end.
    std::uint64_t changes = 1;
    std::uint64_t moves = 1; ///< those of them at which a field begins or ends, and so places change
    std::size_t stepped = 0; ///< fields that take a step: of variable length, or tagged
    std::size_t tagged = 0;
    // What the walks rely on:
    bool complete = true;   ///< the list has no fewer fields than it says
    bool sound_tags = true; ///< they are numbered from 0 without gaps (KIP-482), in flexible versions only:
                            ///< elsewhere there is no tag section, and who looked for one would read on
    bool elements_of_bytes = true; ///< array elements take a byte at least, or else any count would fit
    bool flat_absent = true; ///< structs that may be absent hold none in turn: its defaults could not be
                             ///< told from bytes of the message (see `bytes_of`)

    consteval list_summary(const field_info* fields, std::size_t count, const message_facts& facts) {
        const int versions = facts.versions.last - facts.versions.first + 1;
        std::uint64_t tags = 0;
        for (const field_info* field = fields; field != fields + count; ++field) {
            if (field->name.empty()) complete = false;
            moves |= bits_of(field->versions, facts.versions);
            if (!field->nullable.empty()) changes |= bits_of(field->nullable, facts.versions);
            if (field->tag >= 0 || width_of(field->kind) == 0) ++stepped;
            if (field->tag >= 0) {
                ++tagged;
                if (field->tag > 63 || !facts.flexible(field->versions.first))
                    sound_tags = false;
                else
                    tags |= std::uint64_t{1} << field->tag;
            }
            if (field->element == field_kind::structure) look_into(*field, facts, versions);
        }
        if (tags != (std::uint64_t{1} << tagged) - 1) sound_tags = false;
        changes |= moves | bits_of({facts.first_flexible, 32767}, facts.versions);
    }

private:
    /// The versions of `all` at which `range` begins and has ended.
    static consteval std::uint64_t bits_of(const version_range& range, const version_range& all) {
        std::uint64_t bits = 0;
        if (range.first > all.first && range.first <= all.last)
            bits = std::uint64_t{1} << (range.first - all.first);
        if (range.last >= all.first && range.last < all.last)
            bits |= std::uint64_t{1} << (range.last + 1 - all.first);
        return bits;
    }

    consteval void look_into(const field_info& field, const message_facts& facts, int versions) {
        const struct_layout* const layouts = field.structure->layouts;
        if (field.kind == field_kind::array) {
            for (int i = 0; i < versions; ++i)
                if (layouts[i].min_size == 0 && field.versions.contains(facts.versions.first + i))
                    elements_of_bytes = false;
            return;
        }
        for (int i = 1; i < versions; ++i)
            if (layouts[i].min_size != layouts[i - 1].min_size) changes |= std::uint64_t{1} << i;
        const bool always =
            field.versions.contains(facts.versions.first) && field.versions.contains(facts.versions.last);
        if (field.null_default || (always && field.tag < 0)) return;
        for (const field_info& inner : *field.structure)
            if (inner.kind == field_kind::structure) flat_absent = false;
    }
};

/// Works out the layouts of one struct at all versions: the same code for all structs, for it is the number
/// of its instances that would take time to compile.
struct layout_drafter {
    const field_info* fields;
    const field_plan* plans;
    std::size_t count; ///< of fields
    std::uint8_t tag_count;
    decltype(&check_known_tag) check_tag;
    table_draft<walk_step> steps;
    table_draft<field_place> places;
    table_draft<known_tag> tags;

    /// The step of a field behind `before` bytes of fixed width.
    consteval walk_step step_of(std::size_t i, int version, bool flexible, std::uint16_t before) const {
        const field_info& field = fields[i];
        wire_form form = flexible ? plans[i].flexible : plans[i].classic;
        const bool nullable = version >= field.nullable.first && version <= field.nullable.last;
        if (nullable && form == wire_form::structure)
            form = field.tag >= 0 ? wire_form::nullable_tagged_structure : wire_form::nullable_structure;
        return {.fixed = before,
                .form = form,
                .minimum = static_cast<std::uint8_t>(nullable ? 0 : 1),
                .width = form == wire_form::strings ? std::uint8_t{2} : plans[i].element_width,
                .field = static_cast<std::uint8_t>(i),
                .child = field.structure};
    }

    /// The layout at one version, without pointers to its tables: where in those they begin comes back.
    consteval table_offsets draft(struct_layout& layout, int version, std::size_t version_index,
                                  bool flexible, bool moves) {
        walk_step* const step = steps.entries + steps.used;
        field_place* const place = places.entries + places.used;
        std::uint8_t step_count = 0;
        std::uint16_t run = 0, first_need = 0;
        std::uint32_t least = flexible ? 1 : 0;
        bool steady = flexible;

        for (std::size_t i = 0; i < count; ++i) {
            const field_plan& plan = plans[i];
            if (version < plan.first || version > plan.last) {
                place[i] = {};
                continue;
            }
            place[i] = {step_count, step_count, run};
            if (plan.width != 0) {
                run = static_cast<std::uint16_t>(run + plan.width);
                continue;
            }
            const walk_step made = step_of(i, version, flexible, run);
            const std::uint16_t need = static_cast<std::uint16_t>(run + prefix_of(made.form));
            least +=
                made.form == wire_form::structure ? run + made.child->layouts[version_index].min_size : need;
            if (!is_steady(made.form)) steady = false;
            if (step_count == 0)
                first_need = need;
            else
                step[step_count - 1].next_need = need;
            step[step_count++] = made;
            run = 0;
        }
        const std::uint16_t need = static_cast<std::uint16_t>(run + (flexible ? 1 : 0));
        if (step_count == 0)
            first_need = need;
        else
            step[step_count - 1].next_need = need;

        const std::uint8_t all_steps =
            tag_count == 0 ? step_count : draft_tags(step, place, step_count, version);
        layout = {.fields = fields,
                  .check_tag = check_tag,
                  .min_size = least + run,
                  .first_need = first_need,
                  .tail = run,
                  .step_count = step_count,
                  .field_count = static_cast<std::uint8_t>(count),
                  .tag_count = tag_count,
                  .flexible = flexible,
                  .steady = steady && step_count != 0 && step_count <= max_steady_steps};
        return {steps.keep(all_steps), moves ? places.keep_new(count) : places.previous,
                tag_count == 0 ? std::uint16_t{0} : tags.keep(tag_count)};
    }

    /// Adds the tags in the order of their numbers, and the steps of their payloads behind those of the walk.
    /// How many steps there are then comes back.
    consteval std::uint8_t draft_tags(walk_step* step, field_place* place, std::uint8_t all_steps,
                                      int version) {
        known_tag* const tag = tags.entries + tags.used;
        for (int number = 0; number < tag_count; ++number)
            for (std::size_t i = 0; i < count; ++i) {
                const field_info& field = fields[i];
                if (field.tag != number) continue;
                known_tag& made = tag[number] = {.field = static_cast<std::uint8_t>(i)};
                if (!field.versions.contains(version)) continue;
                const std::uint8_t at = all_steps++;
                step[at] = step_of(i, version, true, 0);
                place[i] = {field_place::in_tags, at, static_cast<std::uint16_t>(number)};
                made = {at, static_cast<std::uint8_t>(prefix_of(step[at].form)), made.field, true};
            }
        return all_steps;
    }

    /// The layouts at the versions that may differ from those before.
    consteval void draft_all(struct_layout* layout, table_offsets* offsets, const message_facts& facts,
                             const list_summary& summary) {
        for (std::size_t index = 0; summary.changes >> index != 0; ++index) {
            if ((summary.changes >> index & 1) == 0) continue;
            const int version = facts.versions.first + static_cast<int>(index);
            *offsets++ =
                draft(*layout++, version, index, facts.flexible(version), (summary.moves >> index & 1) != 0);
        }
    }
};

/// Everything about one struct at the versions that differ, in arrays of the greatest size that could be
/// needed.
template <std::size_t Layouts, std::size_t Steps, std::size_t Places, std::size_t Tags>
struct layout_draft {
    walk_step steps[Steps + 1];
    field_place places[Places + 1];
    known_tag tags[Tags + 1];
    struct_layout layouts[Layouts];
    table_offsets offsets[Layouts];
    table_offsets used;
};

template <class Draft, std::size_t Count>
consteval Draft drafted(const field_info* fields, const message_facts& facts, const list_summary& summary) {
    Draft draft{};
    field_plan plans[Count + 1]; // one more than are made, for structs without fields
    for (std::size_t i = 0; i < Count; ++i) plans[i] = plan_of(fields[i]);
    // Named in a template, check_known_tag need not be defined where no message is.
    layout_drafter drafter{fields,
                           plans,
                           Count,
                           static_cast<std::uint8_t>(summary.tagged),
                           summary.tagged != 0 ? &check_known_tag : nullptr,
                           {draft.steps},
                           {draft.places},
                           {draft.tags}};
    drafter.draft_all(draft.layouts, draft.offsets, facts, summary);
    draft.used = {drafter.steps.used, drafter.places.used, drafter.tags.used};
    return draft;
}

/// Of a draft's tables as much as turned out to be needed, each with one entry more: none may be empty.
template <std::size_t Steps, std::size_t Places, std::size_t Tags>
struct constant_tables {
    walk_step steps[Steps + 1];
    field_place places[Places + 1];
    known_tag tags[Tags + 1];

    consteval constant_tables(const walk_step* step, const field_place* place, const known_tag* tag) {
        for (std::size_t i = 0; i < Steps; ++i) steps[i] = step[i];
        for (std::size_t i = 0; i < Places; ++i) places[i] = place[i];
        for (std::size_t i = 0; i < Tags; ++i) tags[i] = tag[i];
    }
};

/// What the places of each field have in common.
template <std::size_t Count>
struct common_places {
    common_place of[Count + 1];

    /// From runs of `Count` places, one for each version or those that differ.
    consteval common_places(const field_place* places, std::size_t used) {
        for (std::size_t field = 0; field < Count; ++field) {
            common_place shared;
            for (std::size_t i = field; i < used; i += Count) {
                const field_place place = places[i];
                if (place.anchor == field_place::absent) {
                    shared.always = false;
                } else if (shared.anchor == field_place::absent) {
                    shared.anchor = place.anchor;
                    shared.delta = place.delta;
                } else {
                    if (shared.anchor != place.anchor) shared.anchor = common_place::varies;
                    if (shared.delta != place.delta) shared.delta = common_place::varies;
                }
            }
            of[field] = shared;
        }
    }
};

/// The layouts at all versions: those of a draft, with the pointers to the tables.
template <std::size_t Versions>
struct layout_table {
    struct_layout entries[Versions];

    consteval layout_table(const struct_layout* drafts, const table_offsets* offsets, int first,
                           std::uint64_t changes, const walk_step* steps, const field_place* places,
                           const known_tag* tags) {
        struct_layout layout;
        for (std::size_t i = 0; i < Versions; ++i) {
            if ((changes >> i & 1) != 0) {
                layout = *drafts++;
                layout.steps = steps + offsets->steps;
                layout.places = places + offsets->places;
                layout.tags = tags + offsets->tags;
                ++offsets;
            }
            layout.version = static_cast<std::int16_t>(first + static_cast<int>(i));
            layout.version_index = static_cast<std::uint8_t>(i);
            entries[i] = layout;
        }
    }
};

/// The greatest number of steps at any version.
consteval std::size_t most_steps(const struct_layout* layouts, std::size_t count) {
    std::size_t most = 0;
    for (std::size_t i = 0; i < count; ++i)
        if (layouts[i].step_count > most) most = layouts[i].step_count;
    return most;
}

/// The fields of the message `M`, and behind them one that has but the message's name.
template <class M>
consteval auto named_fields() {
    auto list = M::template fields<>;
    list.fields[field_count<M>].name = M::facts.name;
    return list;
}
template <class M>
inline constexpr auto message_fields = named_fields<M>();

/// The fields of `S`: if it is a message with its name behind them.
template <class S>
consteval const auto& fields_of() {
    if constexpr (std::is_same_v<S, message_of<S>>)
        return message_fields<S>;
    else
        return S::template fields<>;
}

/// The constant tables of `S`: its fields, its layouts, and both as `struct_info`.
template <class S>
struct tables_of {
private:
    static constexpr std::size_t count = field_count<S>;
    static constexpr const message_facts& facts = message_of<S>::facts;
    static constexpr std::size_t versions =
        static_cast<std::size_t>(facts.versions.last - facts.versions.first + 1);
    static_assert(versions <= 64, "list_summary has a bit for each");

    static constexpr const auto& list = fields_of<S>();
    static constexpr list_summary summary{list.fields, count, facts};
    static_assert(summary.complete, "the list has fewer fields than it says");
    static_assert((S::template fields<>).fields[count].name.empty(), "the list has more fields than it says");
    static_assert(summary.sound_tags, "tags are 0, 1, 2... and in flexible versions only");
    static_assert(summary.elements_of_bytes, "an array whose elements take no bytes can have any count");
    static_assert(summary.flat_absent, "bytes_of cannot tell defaults inside of defaults");

    static constexpr std::size_t drafts = static_cast<std::size_t>(std::popcount(summary.changes));
    static constexpr auto draft =
        drafted<layout_draft<drafts, summary.stepped * drafts, count * drafts, summary.tagged * drafts>,
                count>(list.fields, facts, summary);
    static constexpr constant_tables<draft.used.steps, draft.used.places, draft.used.tags> kept{
        draft.steps, draft.places, draft.tags};
    static constexpr layout_table<versions> made{draft.layouts,   draft.offsets, facts.versions.first,
                                                 summary.changes, kept.steps,    kept.places,
                                                 kept.tags};

public:
    static constexpr const auto& fields = list.fields;
    static constexpr const auto& layouts = made.entries;
    static constexpr struct_info info{list.fields, count, made.entries};
    static constexpr bool has_tags = summary.tagged != 0;
    static constexpr common_places<count> common{draft.places, draft.used.places};
    static constexpr std::size_t max_steps = most_steps(draft.layouts, drafts);
    static_assert(max_steps <= max_struct_steps, "raise kwire::detail::max_struct_steps");
};

/// The layout of `S` at a version that is known at compile time.
template <class S, int V>
inline constexpr const struct_layout& layout_at =
    tables_of<S>::layouts[static_cast<std::size_t>(V - message_of<S>::facts.versions.first)];

/// What the places of each field have in common at all versions that `V` stands for.
template <class S, int V>
inline constexpr common_places<field_count<S>> places_in{layout_at<S, V>.places, field_count<S>};
template <class S>
inline constexpr const auto& places_in<S, any_version> = tables_of<S>::common;

} // namespace detail

/// The fields, layouts and sizes of the struct or message `S`, for code that works on any message at run
/// time.
template <class S>
inline constexpr const struct_info& info_of = detail::tables_of<S>::info;

namespace detail {

/// Stands for an address where types are compared: with -fsanitize=undefined, and all else that has GCC doubt
/// whether objects have addresses at all, `==` of two of them is no constant.
template <const struct_info* Info>
struct address;

/// Of the structs that a list names the one with this description.
template <const struct_info* Info, class List>
struct child_at {
    using type = void;
};
template <const struct_info* Info, class Message, std::size_t Count, class First, class... Rest>
struct child_at<Info, const field_list<Message, Count, First, Rest...>>
    : std::conditional_t<std::is_same_v<address<Info>, address<&tables_of<First>::info>>,
                         std::type_identity<First>,
                         child_at<Info, const field_list<Message, Count, Rest...>>> {};

template <class S, name_literal Name>
consteval std::size_t find_field() {
    for (std::size_t i = 0; i < field_count<S>; ++i)
        if (tables_of<S>::fields[i].name == Name.view()) return i;
    return field_count<S>;
}

} // namespace detail

/// The struct that field `I` of the struct `S` holds, alone or as an array's element; void if it holds none.
template <class S, std::size_t I>
using child_of = typename detail::child_at<detail::tables_of<S>::fields[I].structure,
                                           decltype(S::template fields<>)>::type;

/// The number of the field called `Name` of the struct `S`: `field_index<metadata_request::topic, "name">` is
/// 1.
template <class S, name_literal Name>
    requires(detail::find_field<S, Name>() < detail::field_count<S>)
inline constexpr std::size_t field_index = detail::find_field<S, Name>();

} // namespace kwire
