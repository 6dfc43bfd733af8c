/// Internal: computes the layouts of tables.hpp from a field list, at compile time.
///
/// Messages have up to 20 versions, and most versions equal the version before. The work is therefore done
/// in this order, once per struct:
///
///  1. `list_summary` looks at the list once. It finds the versions at which anything can change (a field
///     begins, ends, or becomes nullable, lengths become compact), counts what needs room, and notes what
///     would make a walk unsafe; `tables_of` refuses such lists with a static_assert.
///  2. `plan_of` reduces each field to what is the same at all versions.
///  3. `layout_drafter` computes the layout at each version where something can change: it goes through the
///     fields in order, adds up fixed widths, and begins a new step after each field of variable length.
///     Steps, places and tags are appended to tables that all versions share; a table that turns out equal to
///     that of the version before is not appended (`table_draft::keep`).
///  4. The result, a `layout_draft`, has arrays of the greatest size that could be needed. `constant_tables`
///     is a copy of the entries in use: this and `layout_table`, which has one layout per version and the
///     pointers into it, are all that ends up in a program.
///
/// The compiler interprets this code for every struct that a program uses. That is why the drafter is not a
/// template, so that it is instantiated once, and why it takes pointers instead of ranges.
// cost: tables written out by the generator take 63 M more instructions of the compiler to include, and save
// 23 M (syntax only) to 28 M (-O2) in use, of 433 M and 1535 M for a program that visits Metadata.
#pragma once

#include <kwire/schema/detail/tables.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace kwire::inline KWIRE_ABI::detail {

template <class S>
inline constexpr std::size_t field_count = decltype(S::template fields<>)::size;

/// The form of a field where it is not nullable.
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

/// What is the same at all versions about the layout of a field.
struct field_plan {
    int first, last;            ///< the versions that have the field outside of the tag section
    std::uint8_t width;         ///< of a field of fixed width, else 0
    std::uint8_t element_width; ///< `walk_step::width` for all forms but `wire_form::strings`
    wire_form classic;          ///< where it is not nullable, before the first flexible version
    wire_form flexible;         ///< and from that version on
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

/// Where the entries of one version begin in the tables of all versions.
struct table_offsets {
    std::uint16_t steps = 0, places = 0, tags = 0;
};

/// A table that grows. New entries are written after those in use, then kept or dropped.
template <class T>
struct table_draft {
    T* entries;
    std::uint16_t used = 0;     ///< entries of all versions so far
    std::uint16_t previous = 0; ///< where the entries of the latest version begin

    /// Keeps the `count` entries after those in use, unless they equal those of the version before. Returns
    /// where the entries of this version begin.
    consteval std::uint16_t keep(std::size_t count) {
        if (previous + count <= used) {
            std::size_t differing = count; // from the end: a new field changes the entries after it
            while (differing != 0 && entries[previous + differing - 1] == entries[used + differing - 1])
                --differing;
            if (differing == 0) return previous;
        }
        return keep_new(count);
    }
    /// The same for entries that are known to differ.
    consteval std::uint16_t keep_new(std::size_t count) {
        previous = used;
        used = static_cast<std::uint16_t>(used + count);
        return previous;
    }
};

/// What one look at a field list tells.
struct list_summary {
    /// The versions whose layout may differ from that of the version before. Bit 0 is the message's first.
    std::uint64_t changes = 1;
    std::uint64_t place_changes = 1; ///< those of `changes` at which a field begins or ends
    std::size_t stepped = 0;         ///< fields with a step: of variable length, or tagged
    std::size_t tagged = 0;
    entity_set meanings; ///< of the fields, and of those of structs in them

    // What the walks rely on. `tables_of` asserts all of it.
    bool complete = true;       ///< the list has as many fields as it says
    std::size_t children = 0;   ///< the fields that hold a struct or an array of structs
    bool sound_tags = true;     ///< tags are numbered from 0 without gaps (KIP-482), and are in flexible
                                ///< versions only: others have no tag section
    bool counts_bounded = true; ///< array elements take at least a byte, so the bytes left bound the count
    bool defaults_flat = true;  ///< structs that may be absent hold no structs: `bytes_of` could not tell the
                                ///< defaults of the inner one from bytes of the message

    consteval list_summary(const field_info* fields, std::size_t count, const message_facts& facts) {
        const int versions = facts.versions.last - facts.versions.first + 1;
        std::uint64_t tags = 0;
        for (const field_info* field = fields; field != fields + count; ++field) {
            if (field->name.empty()) complete = false;
            meanings |= field->names;
            place_changes |= bits_of(field->versions, facts.versions);
            if (!field->nullable.empty()) changes |= bits_of(field->nullable, facts.versions);
            if (field->tag >= 0 || width_of(field->kind) == 0) ++stepped;
            if (field->tag >= 0) {
                ++tagged;
                if (field->tag > 63 || !facts.flexible(field->versions.first))
                    sound_tags = false;
                else
                    tags |= std::uint64_t{1} << field->tag;
            }
            if (field->element == field_kind::structure) {
                ++children;
                look_into(*field, facts, versions);
            }
        }
        if (tags != (std::uint64_t{1} << tagged) - 1) sound_tags = false;
        changes |= place_changes | bits_of({facts.first_flexible, 32767}, facts.versions);
    }

private:
    /// The versions of `all` at which `range` begins, and the one after its last.
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
        meanings |= field.structure->meanings;
        if (field.kind == field_kind::array) {
            for (int i = 0; i < versions; ++i)
                if (layouts[i].min_size == 0 && field.versions.contains(facts.versions.first + i))
                    counts_bounded = false;
            return;
        }
        for (int i = 1; i < versions; ++i)
            if (layouts[i].min_size != layouts[i - 1].min_size) changes |= std::uint64_t{1} << i;
        const bool always =
            field.versions.contains(facts.versions.first) && field.versions.contains(facts.versions.last);
        if (field.null_default || (always && field.tag < 0)) return;
        for (const field_info& inner : *field.structure)
            if (inner.kind == field_kind::structure) defaults_flat = false;
    }
};

/// Computes the layouts of one struct at all versions.
struct layout_drafter {
    const field_info* fields;
    const field_plan* plans;
    std::size_t count; ///< the number of fields
    std::uint8_t tag_count;
    decltype(&check_known_tag) check_tag;
    table_draft<walk_step> steps;
    table_draft<field_place> places;
    table_draft<known_tag> tags;

    /// The step of field `i`, after `before` bytes of fixed width.
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

    /// Computes the layout at one version, without its pointers. Returns where its table entries begin.
    consteval table_offsets draft(struct_layout& layout, int version, std::size_t version_index,
                                  bool flexible, bool places_change) {
        walk_step* const step = steps.entries + steps.used;
        field_place* const place = places.entries + places.used;
        std::uint8_t step_count = 0;
        std::uint16_t run = 0, first_need = 0;
        std::uint32_t least = flexible ? 1 : 0;
        bool only_scalar_arrays = flexible;

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
            const std::uint16_t need =
                static_cast<std::uint16_t>(run + prefix_size(length_form_of(made.form)));
            least +=
                made.form == wire_form::structure ? run + made.child->layouts[version_index].min_size : need;
            if (!is_compact_scalar_array(made.form)) only_scalar_arrays = false;
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
                  .only_scalar_arrays =
                      only_scalar_arrays && step_count != 0 && step_count <= max_scalar_array_steps};
        return {steps.keep(all_steps), places_change ? places.keep_new(count) : places.previous,
                tag_count == 0 ? std::uint16_t{0} : tags.keep(tag_count)};
    }

    /// Adds the tags in the order of their numbers, and the steps of their payloads after those of the walk.
    /// Returns the number of all steps.
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
                made = {at, prefix_size(length_form_of(step[at].form)), made.field, true};
            }
        return all_steps;
    }

    /// Computes the layouts at the versions in `summary.changes`.
    consteval void draft_all(struct_layout* layout, table_offsets* offsets, const message_facts& facts,
                             const list_summary& summary) {
        for (std::size_t index = 0; summary.changes >> index != 0; ++index) {
            if ((summary.changes >> index & 1) == 0) continue;
            const int version = facts.versions.first + static_cast<int>(index);
            *offsets++ = draft(*layout++, version, index, facts.flexible(version),
                               (summary.place_changes >> index & 1) != 0);
        }
    }
};

/// The layouts at the versions that differ, and their tables, in arrays of the greatest size that could be
/// needed. They have one entry more, since no array may be empty.
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
    field_plan plans[Count + 1]; // not empty for structs without fields
    for (std::size_t i = 0; i < Count; ++i) plans[i] = plan_of(fields[i]);
    // check_known_tag is named in this template only: it need not be defined in a program without messages.
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

/// The entries of a draft that are in use, and one more in each table, since no array may be empty.
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

    /// From the places of several versions, `Count` for each; `used` is the number of all of them.
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

/// The layouts at all versions, with pointers to their tables.
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

/// The constants of `S`: its fields, its layouts, and both as `struct_info`.
template <class S>
struct tables_of {
private:
    static constexpr std::size_t count = field_count<S>;
    static constexpr const message_facts& facts = message_of<S>::facts;
    static constexpr std::size_t versions =
        static_cast<std::size_t>(facts.versions.last - facts.versions.first + 1);
    static_assert(versions <= 64, "list_summary has one bit per version");

    static constexpr const auto& list = S::template fields<>;
    static constexpr list_summary summary{list.fields, count, facts};
    static_assert(summary.complete, "the list has fewer fields than it says");
    static_assert(summary.children == list.child_count,
                  "the list names one struct for each field that holds one");
    static_assert(summary.sound_tags, "tags are 0, 1, 2... and in flexible versions only");
    static_assert(summary.counts_bounded, "an array whose elements take no bytes can have any count");
    static_assert(summary.defaults_flat, "bytes_of cannot tell defaults inside of defaults");

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
    static constexpr struct_info info{{list.fields, count}, made.entries, summary.meanings};
    static constexpr bool has_tags = summary.tagged != 0;
    static constexpr common_places<count> common{draft.places, draft.used.places};
    static constexpr std::size_t max_steps = most_steps(draft.layouts, drafts);
    static_assert(max_steps <= max_struct_steps, "raise kwire::detail::max_struct_steps");
};

/// The place of `version` among the layouts of a message. The range is a parameter so that the compiler's
/// message shows it.
template <class Message, int version, int oldest, int newest>
consteval std::size_t layout_number() {
    static_assert(version >= oldest && version <= newest, "the message has no such version");
    return version >= oldest && version <= newest ? static_cast<std::size_t>(version - oldest) : 0;
}

/// The layout of `S` at a version that is known at compile time.
template <class S, int V>
inline constexpr const struct_layout& layout_at =
    tables_of<S>::layouts[layout_number<message_of<S>, V, message_of<S>::facts.versions.first,
                                        message_of<S>::facts.versions.last>()];

/// What the places of each field have in common at version `V`, or at all versions for `any_version`.
template <class S, int V>
inline constexpr common_places<field_count<S>> places_in{layout_at<S, V>.places, field_count<S>};
template <class S>
inline constexpr const auto& places_in<S, any_version> = tables_of<S>::common;

} // namespace kwire::inline KWIRE_ABI::detail
