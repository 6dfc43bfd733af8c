/// Internal: what the layout of a struct at one version is. draft.hpp computes layouts from field lists,
/// walks follow their steps, views use their places.
///
/// At a known version everything about a struct is known except where its fields of variable length end. So
/// a layout is a list of steps, each "some bytes of fixed width, then one field of variable length". And each
/// field has a place: an anchor, which is the number of variable-length fields before it, and a delta, which
/// is the number of bytes between the end of the last of those and the field.
///
/// An example, the topics of a Metadata response in v9. The list of `metadata_response::topic` says
///
///     error_code int16 | name string | topic_id uuid, since v10 | is_internal boolean |
///     partitions array<partition> | topic_authorized_operations int32
///
/// and v9 is flexible, so lengths are compact and a tag section ends the struct. Its layout has two steps:
///
///     step 0: 2 fixed bytes (error_code),  then a compact_string  (name);       2 bytes must follow it
///     step 1: 1 fixed byte  (is_internal), then compact_structs   (partitions); 5 bytes must follow it
///     tail:   4 fixed bytes (topic_authorized_operations), then the tag section
///
/// "Must follow" (`next_need`) are the fixed bytes of the next step and the least prefix of its field, or the
/// tail and the tag section. One comparison covers them all: the walk makes it once per step.
///
///     places:  error_code {anchor 0, delta 0}    name {0, 2}          topic_id absent
///              is_internal {1, 0}                partitions {1, 1}    topic_authorized_operations {2, 0}
///
/// A view stores where each step ends, with a 0 before them, as `ends`. Then a field is at
/// `base + ends[anchor] + delta`: partitions are at `base + ends[1] + 1`.
///
/// In v10 topic_id comes between name and is_internal: 16 more fixed bytes. Step 0 is the same but for
/// `next_need`, now 18; step 1 has 17 fixed bytes; topic_id is at {1, 0}, is_internal at {1, 16}, partitions
/// at {1, 17}. The smallest topic grows from 10 to 26 bytes (`min_size`). v11 equals v10 and shares its
/// tables; v12, which may have null for the name, shares the places and has steps of its own.
#pragma once

#include <kwire/schema/detail/length.hpp>
#include <kwire/schema/field.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// How a field of variable length, or the payload of a tag, is written.
enum class wire_form : std::uint8_t {
    compact_string,
    compact_bytes,
    compact_scalars,
    compact_strings,
    compact_structs,
    string,
    bytes,
    scalars,
    strings,
    structs,
    fixed,
    structure,
    nullable_structure,
    nullable_tagged_structure,
};

/// What a length counts.
enum class counted : std::uint8_t {
    bytes,     ///< bytes, or a number on its own
    scalars,   ///< elements of a fixed width
    strings,   ///< elements with a length of their own
    structs,   ///< elements with a layout
    structure, ///< no elements: one struct, or null
};

struct wire_form_facts {
    wire_form form;
    length_form length;
    counted content;
};

/// The table of forms, in the order of `wire_form`.
inline constexpr wire_form_facts wire_forms[] = {
    {wire_form::compact_string, length_form::compact, counted::bytes},
    {wire_form::compact_bytes, length_form::compact, counted::bytes},
    {wire_form::compact_scalars, length_form::compact, counted::scalars},
    {wire_form::compact_strings, length_form::compact, counted::strings},
    {wire_form::compact_structs, length_form::compact, counted::structs},
    {wire_form::string, length_form::int16, counted::bytes},
    {wire_form::bytes, length_form::int32, counted::bytes},
    {wire_form::scalars, length_form::int32, counted::scalars},
    {wire_form::strings, length_form::int32, counted::strings},
    {wire_form::structs, length_form::int32, counted::structs},
    {wire_form::fixed, length_form::none, counted::bytes}, // as a step in tag payloads only
    {wire_form::structure, length_form::none, counted::structure},
    {wire_form::nullable_structure, length_form::marker, counted::structure},
    {wire_form::nullable_tagged_structure, length_form::tagged_marker, counted::structure},
};

/// The forms for which something in the table holds. A set of bits, so that a walk need not load from the
/// table.
class wire_form_set {
public:
    consteval explicit wire_form_set(bool (*holds)(const wire_form_facts&)) {
        for (const wire_form_facts& one : wire_forms)
            if (holds(one)) bits_ |= 1U << static_cast<unsigned>(one.form);
        while ((bits_ >> first_absent_ & 1) != 0) ++first_absent_;
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE constexpr bool operator()(wire_form form) const noexcept {
        const auto number = static_cast<unsigned>(form);
        // cost: one comparison if the set holds the first forms only, as most do, in the innermost loop.
        if ((bits_ & (bits_ + 1)) == 0) return number < first_absent_;
        return (bits_ >> number & 1) != 0;
    }

private:
    unsigned bits_ = 0;
    unsigned first_absent_ = 0;
};

inline constexpr wire_form_set has_varint_prefix([](const wire_form_facts& one) {
    return one.length == length_form::compact;
});

/// `length * width` bytes follow the length.
inline constexpr wire_form_set size_follows_from_count([](const wire_form_facts& one) {
    return one.content == counted::bytes || one.content == counted::scalars;
});

/// Both: what most steps of flexible versions are.
inline constexpr wire_form_set size_is_one_varint([](const wire_form_facts& one) {
    return one.length == length_form::compact &&
           (one.content == counted::bytes || one.content == counted::scalars);
});

/// As many bytes as a varint says: a compact string, bytes or records.
inline constexpr wire_form_set is_compact_size([](const wire_form_facts& one) {
    return one.length == length_form::compact && one.content == counted::bytes;
});

/// A compact array of numbers. Its length tends to repeat from one element of an array to the next: the
/// partitions of a topic have the same number of replicas.
inline constexpr wire_form_set is_compact_scalar_array([](const wire_form_facts& one) {
    return one.length == length_form::compact && one.content == counted::scalars;
});

/// A struct that is not the element of an array.
inline constexpr wire_form_set is_single_struct([](const wire_form_facts& one) {
    return one.content == counted::structure;
});

[[nodiscard]] KWIRE_ALWAYS_INLINE constexpr length_form length_form_of(wire_form form) noexcept {
    return wire_forms[static_cast<std::size_t>(form)].length;
}

/// The most steps of any layout, for arrays of a fixed size. Kafka's longest layout has 13.
inline constexpr std::size_t max_struct_steps = 24;

/// The most steps of a layout whose steps are all arrays of numbers, if it is marked as such.
inline constexpr std::size_t max_scalar_array_steps = 6;

/// One step of a walk: `fixed` bytes of fixed-width fields, then one field of variable length.
struct walk_step {
    std::uint16_t fixed = 0; ///< bytes before the field
    std::uint16_t next_need =
        0; ///< bytes that must follow the field: the next step's fixed bytes and length prefix
    wire_form form{};
    std::uint8_t minimum = 0; ///< smallest legal raw compact length: 0 where null is legal, else 1
    std::uint8_t width = 1;   ///< bytes of each counted element; the least for strings, 0 for structs
    std::uint8_t field = 0;   ///< the number of the field in the struct
    const struct_info* child = nullptr; ///< the struct of a struct or of an array's elements

    friend constexpr bool operator==(const walk_step&, const walk_step&) = default;
};

/// Where one field is at one version.
struct field_place {
    static constexpr std::uint8_t absent = 0xff;
    static constexpr std::uint8_t in_tags = 0xfe;

    std::uint8_t anchor = absent; ///< the number of variable-length fields before it, `absent`, or `in_tags`
    std::uint8_t step = 0;        ///< the step that walks it, if it is of variable length or tagged
    std::uint16_t delta = 0;      ///< bytes from the anchor to the field; the tag number if `in_tags`

    friend constexpr bool operator==(const field_place&, const field_place&) = default;
};

/// What the places of a field have in common at several versions: what is known without the layout.
struct common_place {
    static constexpr int varies = -1;

    int anchor =
        field_place::absent; ///< at the versions that have the field: as in `field_place`, or `varies`
    int delta = 0;           ///< likewise
    bool always = true;      ///< every version has the field
};

/// A tag that the schema knows at some version of the message. Its number is its index in the table.
struct known_tag {
    std::uint8_t step = 0;   ///< the step that walks its payload
    std::uint8_t prefix = 0; ///< the least bytes of the payload's length
    std::uint8_t field = 0;  ///< the number of the field in the struct
    bool in_version = false;

    friend constexpr bool operator==(const known_tag&, const known_tag&) = default;
};

struct check_state;
struct struct_layout;

/// Checks what follows a tag that the schema knows (walk.hpp).
inline const std::byte* check_known_tag(const struct_layout& layout, const known_tag& tag,
                                        const std::byte* tag_at, const std::byte* size_at,
                                        check_state& state) noexcept;

/// The layout of one struct at one version.
struct struct_layout {
    const walk_step* steps = nullptr; ///< `step_count` steps of the walk, then those of tag payloads
    const field_place* places = nullptr;
    const known_tag* tags = nullptr;
    const field_info* fields = nullptr;
    /// `check_known_tag`, or nullptr without known tags: called by this pointer, it is compiled only in
    /// programs with such messages.
    decltype(&check_known_tag) check_tag = nullptr;
    std::uint32_t min_size = 0;   ///< the least bytes of a value
    std::uint16_t first_need = 0; ///< bytes that must be there before the first step
    std::uint16_t tail = 0;       ///< bytes of fixed-width fields after the last step
    std::int16_t version = 0;
    std::uint8_t version_index = 0; ///< `version` minus the message's first version
    std::uint8_t step_count = 0;
    std::uint8_t field_count = 0;
    std::uint8_t tag_count = 0;
    bool flexible = false;           ///< a tag section ends the struct
    bool only_scalar_arrays = false; ///< it has steps, and all are compact arrays of numbers
};

} // namespace detail

/// A struct of a message: its fields, and its layout at each version of the message. A range of its fields:
///
///     for (const kwire::field_info& field : kwire::info_of<kwire::fetch_request>) ...
struct struct_info {
    /// The fields, in wire order.
    std::span<const field_info> fields;
    const detail::struct_layout* layouts = nullptr; ///< one for each version, from the message's first on
    entity_set meanings;                            ///< of its fields and of those of the structs in it

    [[nodiscard]] constexpr const field_info* begin() const noexcept { return fields.data(); }
    [[nodiscard]] constexpr const field_info* end() const noexcept { return fields.data() + fields.size(); }
};

} // namespace kwire::inline KWIRE_ABI
