/// The walk that checks message bytes: every length, count, varint and tag, in one pass.
///
/// A walk follows the steps of a layout. This one reads the layout at run time and is not a template, since
/// all messages share it; unrolled_walk.hpp has the same for layouts that are known at compile time. What was
/// checked is walked by trusted_walk.hpp.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/schema/detail/tables.hpp>
#include <kwire/schema/parse_options.hpp>
#include <kwire/wire/limits.hpp>
#include <kwire/wire/varint.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace kwire::inline KWIRE_ABI::detail {

/// In place of bytes that do not exist: an empty body, a default array.
inline constexpr std::byte nothing[1]{};

/// A place for the error of a walk: empty until something is refused.
// cost: GCC 12 clears a std::optional<error> before the walk: 30 instructions, 9 % of parsing a small
// request.
class error_slot {
public:
    error_slot() noexcept {}
    error& emplace() noexcept { return *std::construct_at(&error_); }
    [[nodiscard]] error& operator*() noexcept { return error_; }
    [[nodiscard]] error* operator->() noexcept { return &error_; }

private:
    union {
        error error_;
    };
};

/// Selects the state for bytes that were checked before.
struct checked_before {};

/// What a walk needs to know besides its position.
struct check_state {
    /// `refusal` is for the error if there is one.
    check_state(const std::byte* start, std::size_t size, error_slot& refusal,
                parse_options options = {}) noexcept
        : body(start), end(address_of(start) + size), failure(&refusal), tolerated(options) {}

    /// For bytes already checked: no bounds, and every leniency on, so that it accepts whatever the original
    /// check accepted.
    explicit check_state(checked_before) noexcept
        : body(nullptr), end(~std::uintptr_t{0}), failure(nullptr), tolerated(parse_options::lenient()) {}

    const std::byte* body; ///< offsets in errors are counted from here
    std::uintptr_t end;    ///< the end of the body, or of the tag payload that is being read
    error_slot* failure;   ///< the caller's; empty until something is refused
    parse_options tolerated;
    bool irregular_tags = false; ///< a leniency was needed: for the order of tags, or for where one ends
    std::uint32_t refused_before_end = 0; ///< after a refusal in an array: the elements from there on

    [[nodiscard]] KWIRE_SMALL std::uint64_t left(const std::byte* p) const noexcept {
        return end - address_of(p);
    }

    [[nodiscard]] KWIRE_SMALL static std::uintptr_t address_of(const std::byte* p) noexcept {
        return std::bit_cast<std::uintptr_t>(p);
    }
};

/// Skips `count` elements of fixed width. @pre all of them are there.
///
/// A walk is bound by latency: each count must be loaded before the next address is known. Few elements are
/// therefore counted off one by one, and hidden from the compiler, which would multiply: then the branch
/// predictor guesses from the arrays before this one where the walk goes on, and the load of the count only
/// confirms it.
KWIRE_ALWAYS_INLINE const std::byte* hop(const std::byte* p, std::uint64_t count,
                                         std::uint32_t width) noexcept {
    if (count > 4) return p + count * width;
    for (; count != 0; --count) {
        p += width;
        KWIRE_OPAQUE(p);
    }
    return p;
}

/// Moves over structs of fixed width, from number `done` on, while they have no tags. `done` becomes the
/// number of the first that has some. @pre bytes for `count` structs of the least size are there.
KWIRE_ALWAYS_INLINE const std::byte* hop_untagged(const struct_layout& layout, const std::byte* p,
                                                  std::uint32_t count, std::uint32_t& done) noexcept {
    const std::size_t tail = layout.tail;
    if (!layout.flexible) {
        p += std::uint64_t{count - done} * tail;
        done = count;
        return p;
    }
    const std::size_t stride = tail + 1;
    while (done < count && p[tail] == std::byte{0}) {
        if (count - done >= 4 &&
            (p[tail + stride] | p[tail + 2 * stride] | p[tail + 3 * stride]) == std::byte{0}) [[likely]] {
            done += 4;
            p += 4 * stride;
        } else {
            ++done;
            p += stride;
        }
    }
    return p;
}

/// The shape of one element of an array, to be compared with those that follow: where its lengths are, and
/// that each takes one byte. An element with the same lengths at these places, and without tags as well, has
/// the same size, and all its fields are at the same places.
///
/// This makes arrays of structs with arrays in them quick (the partitions of a Metadata response): the
/// replicas of one partition are as many as those of the partition before.
struct element_shape {
    static constexpr std::uint64_t none = ~std::uint64_t{0};

    std::uint64_t size = none;          ///< the bytes that the element takes; `none` if nothing can fit it
    const std::byte* learned = nullptr; ///< the element
    unsigned lengths = 0;               ///< the entry of `at` after them is the place of the tag section
    std::uint32_t at[max_scalar_array_steps + 1]{};

    /// What the struct at `p` looks like: one of `layout`, whose steps end at `ends` and itself at `end`.
    /// Nothing will fit if it has a long length or tags.
    KWIRE_ALWAYS_INLINE void learn(const struct_layout& layout, const std::byte* p, const std::byte* end,
                                   const std::uint32_t* ends) noexcept {
        size = none;
        if (!layout.only_scalar_arrays) return;
        lengths = layout.step_count;
        std::uint32_t step_end = 0;
        unsigned all = 0;
        for (unsigned i = 0; i < lengths; ++i) {
            at[i] = step_end + layout.steps[i].fixed;
            all |= static_cast<unsigned>(p[at[i]]);
            step_end = ends[i];
        }
        at[lengths] = step_end + layout.tail;
        if (all >= 0x80 || p[at[lengths]] != std::byte{0}) return;
        size = static_cast<std::uint64_t>(end - p);
        learned = p;
    }

    /// Whether the struct at `p` has this shape. It must stop at the first length that differs: the struct
    /// may be shorter and the last thing in its memory.
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool fits(const std::byte* p) const noexcept {
        for (unsigned i = 0; i <= lengths; ++i)
            if (p[at[i]] != learned[at[i]]) return false;
        return true;
    }
};

/// Whether the steps of the struct at `next` end where those of the struct at `base` do, at `ends`: both have
/// a layout with only scalar arrays. It stops at the first length that differs, as above.
// cost: without an element_shape, and whatever their tag sections hold. With one, a Metadata response of 1000
// partitions took 27 instructions more for each of them.
KWIRE_ALWAYS_INLINE bool same_shape(const struct_layout& layout, const std::byte* base, const std::byte* next,
                                    const std::uint32_t* ends) noexcept {
    std::size_t begin = 0; // of the step
    for (unsigned i = 0; i < layout.step_count; ++i) {
        const std::size_t length = begin + layout.steps[i].fixed;
        if (base[length] != next[length] || next[length] >= std::byte{0x80}) return false;
        begin = ends[i];
    }
    return true;
}

/// Notes a refusal at `at`, of `field` (nullptr, or one without a name: of none). Always nullptr, so that a
/// walk can return it.
KWIRE_COLD KWIRE_APART inline const std::byte* refuse(check_state& state, const field_info* field, errc code,
                                                      const std::byte* at,
                                                      std::uint64_t needed = 0) noexcept {
    error& e = state.failure->emplace();
    e.code = code;
    e.offset = static_cast<std::uint64_t>(at - state.body);
    e.needed = needed;
    e.left = needed != 0 ? state.left(at) : 0;
    if (field != nullptr && !field->name.empty()) {
        e.path[0].field = field->name;
        e.depth = 1;
    }
    return nullptr;
}

/// Refuses because the bytes end within the fixed-width fields (or the length) that follow `anchor` variable
/// ones.
KWIRE_COLD KWIRE_APART inline const std::byte* refuse_end(check_state& state, const struct_layout& layout,
                                                          unsigned anchor, const std::byte* at) noexcept {
    const std::uint64_t left = state.left(at);
    std::uint32_t begin = 0; // of the field that is cut
    std::uint32_t end = anchor == 0 ? layout.first_need : layout.steps[anchor - 1].next_need;
    if (anchor == layout.step_count) end = layout.tail;
    const field_info* field = nullptr;
    if (left >= end) // only the tag section is missing
        return refuse(state, nullptr, errc::truncated, at + left, 1);
    for (unsigned i = 0; i < layout.field_count; ++i) {
        const field_place& place = layout.places[i];
        if (place.anchor != anchor) continue;
        if (place.delta > left) {
            end = place.delta;
            break;
        }
        field = &layout.fields[i];
        begin = place.delta;
    }
    return refuse(state, field, errc::truncated, at + begin, end - begin);
}

const std::byte* check_struct(const struct_layout& layout, const std::byte* p, check_state& state,
                              std::uint32_t* ends, std::uint32_t count = 1) noexcept;

/// Refuses the varint at `p`.
KWIRE_COLD KWIRE_APART inline const std::byte* refuse_varint(check_state& state, const field_info* field,
                                                             const std::byte* p) noexcept {
    const std::uint64_t left = state.left(p);
    const std::byte* const end = p + (left < wire::max_varint32_size ? left : wire::max_varint32_size);
    return refuse(state, field, wire::varint_defect(p, end), p);
}

/// A varint that may be missing; `next` is nullptr if it was refused, as one of `field`.
KWIRE_APART inline wire::detail::varint_result<std::uint32_t>
check_uvarint(const std::byte* p, check_state& state, const field_info* field) noexcept {
    const auto read =
        wire::detail::read_long_uvarint<std::uint32_t>(p, static_cast<std::size_t>(state.left(p)));
    if (read.next == nullptr) [[unlikely]]
        refuse_varint(state, field, p);
    return read;
}

/// A length or count that was checked: what it counts begins at `content`, which is nullptr if it was
/// refused.
struct checked_count {
    const std::byte* content;
    std::uint32_t count; ///< of bytes or elements; 0 for null
};

/// The length or count of a step. A classic one is known to be there.
KWIRE_APART inline checked_count check_count(const walk_step& step, const struct_layout& layout,
                                             const std::byte* p, check_state& state) noexcept {
    const field_info* const field = &layout.fields[step.field];
    const std::uint64_t left = state.left(p);
    auto [content, count] = decode_length(length_form_of(step.form), p, left);
    if (content == nullptr) [[unlikely]]
        return {refuse_varint(state, field, p), 0};
    if (count > wire::max_length) [[unlikely]] {
        const bool null = count == null_length;
        const bool passes = (null || state.tolerated.negative_as_null) &&
                            (step.minimum == 0 || state.tolerated.null_as_empty);
        if (!passes) return {refuse(state, field, null ? errc::null_not_allowed : errc::bad_length, p), 0};
        count = 0;
    }
    if (step.form == wire_form::compact_string && count > wire::max_string_length) [[unlikely]]
        return {refuse(state, field, errc::string_too_long, p), 0};
    return {content, count};
}

/// The elements of an array of strings are walked as structs of one string each: in the classic form and in
/// the compact one.
inline constexpr field_info text_field{"", {field_kind::string}, {0, 0x7fff}};
inline constexpr walk_step text_steps[2] = {{.form = wire_form::string, .minimum = 1},
                                            {.form = wire_form::compact_string, .minimum = 1}};
inline constexpr field_place text_place{.anchor = 0};
consteval struct_layout text_layout(bool compact) {
    const walk_step* const step = &text_steps[compact ? 1 : 0];
    const std::uint16_t prefix = prefix_size(length_form_of(step->form));
    return {.steps = step,
            .places = &text_place,
            .fields = &text_field,
            .min_size = prefix,
            .first_need = prefix,
            .step_count = 1,
            .field_count = 1};
}
inline constexpr struct_layout text_layouts[2] = {text_layout(false), text_layout(true)};

/// Adds the element of an array, or the struct, in which something was refused.
KWIRE_COLD KWIRE_APART inline const std::byte* refuse_within(check_state& state, const walk_step& step,
                                                             const struct_layout& layout,
                                                             std::uint32_t element) noexcept {
    const bool alone = is_single_struct(step.form);
    (*state.failure)->enter({layout.fields[step.field].name, alone ? -1 : std::int64_t{element}});
    return nullptr;
}

/// The elements of an array of structs or strings, or a single struct as an array of one.
KWIRE_APART inline const std::byte* check_structs(const walk_step& step, const struct_layout& layout,
                                                  const std::byte* p, std::uint32_t count,
                                                  check_state& state) noexcept {
    const struct_layout& inner = step.child != nullptr ? step.child->layouts[layout.version_index]
                                                       : text_layouts[has_varint_prefix(step.form) ? 1 : 0];
    std::uint32_t element = 0;
    if (inner.step_count == 0 && !is_single_struct(step.form)) // bytes for `count` of them are there
        p = hop_untagged(inner, p, count, element);
    std::uint32_t ends[max_struct_steps];
    element_shape shape; // of the last element that was checked step by step
    while (element < count) {
        if (shape.size <= state.left(p) && shape.fits(p)) {
            p += shape.size;
            ++element;
            continue;
        }
        const std::uint32_t run = inner.only_scalar_arrays ? 1 : count - element;
        const std::byte* const end = check_struct(inner, p, state, ends, run);
        element += run;
        if (end == nullptr) [[unlikely]]
            return refuse_within(state, step, layout, element - state.refused_before_end);
        if (element != count) shape.learn(inner, p, end, ends);
        p = end;
    }
    return p;
}

/// Step number `index` of `layout`. Its fixed bytes and its length prefix are known to be there, and when it
/// returns a position, so are the `next_need` bytes after it. nullptr means refused.
KWIRE_APART inline const std::byte* check_any_step(unsigned index, const struct_layout& layout,
                                                   const std::byte* p, check_state& state) noexcept {
    const walk_step& step = layout.steps[index];
    p += step.fixed;
    checked_count counted{nullptr, 0};
    if (has_varint_prefix(step.form)) {
        const decoded_length usual = decode_usual_length(length_form::compact, step.minimum == 0, p);
        counted = {usual.content, usual.value};
    }
    if (counted.content == nullptr) {
        counted = check_count(step, layout, p, state);
        if (counted.content == nullptr) [[unlikely]]
            return nullptr;
    }
    p = counted.content;
    const std::uint32_t count = counted.count;
    std::uint32_t width = step.width;
    if (step.child != nullptr && !is_single_struct(step.form))
        width = step.child->layouts[layout.version_index].min_size;
    if (const std::uint64_t size = std::uint64_t{count} * width; size > state.left(p)) [[unlikely]] {
        const field_info& field = layout.fields[step.field];
        return refuse(state, &field,
                      field.kind == field_kind::array ? errc::count_exceeds_input : errc::truncated, p, size);
    }
    if (size_follows_from_count(step.form))
        p += std::uint64_t{count} * width;
    else if (count != 0)
        p = check_structs(step, layout, p, count, state);
    if (p == nullptr) [[unlikely]]
        return nullptr;
    if (step.next_need <= state.left(p)) [[likely]]
        return p;
    return refuse_end(state, layout, index + 1, p);
}

/// What follows a tag that the schema knows, its size and payload; the tag itself is at `tag_at`. A payload
/// must fill its size exactly, unless `any_tag_size` leaves it to the type where it ends.
inline const std::byte* check_known_tag(const struct_layout& layout, const known_tag& tag,
                                        const std::byte* tag_at, const std::byte* size_at,
                                        check_state& state) noexcept {
    const field_info* const field = &layout.fields[tag.field];
    if (!tag.in_version && !state.tolerated.tags_of_other_versions)
        return refuse(state, field, errc::tag_not_in_version, tag_at);
    const auto [payload, size] = check_uvarint(size_at, state, field);
    if (payload == nullptr) return nullptr;
    const bool any_size = tag.in_version && state.tolerated.any_tag_size;
    if (size > state.left(payload) && !any_size) return refuse(state, field, errc::truncated, payload, size);
    if (!tag.in_version) return payload + size;

    const std::uintptr_t outer_end = state.end;
    if (!any_size) state.end = check_state::address_of(payload) + size;
    const std::byte* const after = tag.prefix > state.left(payload)
                                       ? refuse(state, field, errc::truncated, payload, tag.prefix)
                                       : check_any_step(tag.step, layout, payload, state);
    const std::uint64_t spare = state.left(after);
    state.end = outer_end;
    if (any_size) {
        state.irregular_tags |= after == nullptr || static_cast<std::uint64_t>(after - payload) != size;
        return after;
    }
    if (after != nullptr && spare == 0) return after;
    if (after != nullptr) return refuse(state, field, errc::tag_size_mismatch, after);
    if ((*state.failure)->code == errc::truncated)
        (*state.failure)->code = errc::tag_size_mismatch; // the body goes on, only this payload ends here
    return nullptr;
}

/// The tag of this number, if the schema knows it in any version: they are numbered without gaps.
KWIRE_ALWAYS_INLINE const known_tag* known_tag_of(const struct_layout& layout,
                                                  std::uint32_t number) noexcept {
    return number < layout.tag_count ? &layout.tags[number] : nullptr;
}

/// Whether tag `number` at `p` may follow tag `previous`, which is -1 before the first one.
KWIRE_ALWAYS_INLINE bool check_tag_order(const struct_layout& layout, const known_tag* known,
                                         std::int64_t previous, std::uint32_t number, const std::byte* p,
                                         check_state& state) noexcept {
    if (number <= previous) {
        if (!state.tolerated.any_tag_order)
            return refuse(state, known != nullptr ? &layout.fields[known->field] : nullptr,
                          number == previous ? errc::duplicate_tag : errc::tag_order, p) != nullptr;
        state.irregular_tags = true;
    }
    return true;
}

/// A tag section whose count is not the single byte 0. Tags must rise, and a known one fill its size exactly.
KWIRE_COLD KWIRE_APART inline const std::byte* check_tags(const struct_layout& layout, const std::byte* p,
                                                          check_state& state) noexcept {
    auto [next, count] = check_uvarint(p, state, nullptr);
    if (next == nullptr) return nullptr;
    if (count > state.left(next) / 2) // a tag takes two bytes at least
        return refuse(state, nullptr, errc::count_exceeds_input, next, count * std::uint64_t{2});

    std::int64_t previous = -1;
    for (; count != 0 && next != nullptr; --count) {
        p = next;
        const auto [size_at, number] = check_uvarint(p, state, nullptr);
        if (size_at == nullptr) return nullptr;
        const known_tag* const known = known_tag_of(layout, number);
        if (!check_tag_order(layout, known, previous, number, p, state)) return nullptr;
        previous = number;
        if (known != nullptr) {
            next = layout.check_tag(layout, *known, p, size_at, state);
            continue;
        }
        const auto [payload, size] = check_uvarint(size_at, state, nullptr);
        if (payload == nullptr) return nullptr;
        if (size > state.left(payload)) return refuse(state, nullptr, errc::truncated, payload, size);
        next = payload + size;
    }
    return next;
}

/// A tag section; the byte that it begins with is there.
KWIRE_ALWAYS_INLINE const std::byte* check_tag_section(const struct_layout& layout, const std::byte* p,
                                                       check_state& state) noexcept {
    if (*p == std::byte{0}) [[likely]]
        return p + 1;
    return check_tags(layout, p, state);
}

/// The common cases of a step, to be inlined: a simple one whose length takes up to three bytes, and no
/// elements. nullptr for every other case and for what must be refused: then `check_any_step` decides.
KWIRE_ALWAYS_INLINE const std::byte* check_simple_step(const walk_step& step, const std::byte* p,
                                                       const check_state& state) noexcept {
    p += step.fixed;
    if (!has_varint_prefix(step.form)) return nullptr; // a struct may have no byte here
    auto [content, count] = decode_usual_length(length_form::compact, step.minimum == 0, p);
    if (content == nullptr && is_compact_size(step.form)) {
        const decoded_length size = decode_usual_size(length_form::compact, false, p, state.left(p),
                                                      step.form == wire_form::compact_string);
        content = size.content;
        count = size.value;
    }
    if (!size_is_one_varint(step.form)) {
        const bool none = content != nullptr && count == 0;
        return none && step.next_need <= state.left(content) ? content : nullptr;
    }
    if (content == nullptr || std::uint64_t{count} * step.width + step.next_need > state.left(content))
        [[unlikely]]
        return nullptr;
    return hop(content, count, step.width);
}

/// Checks `count` structs in a row, at least one, whose layout is known at run time; stores where each step
/// of the last one ends, counted from its beginning. Returns the position after it, or nullptr and a
/// filled-in error.
// cost: the loop over the elements of an array is in here, since a call of each would take 40 instructions
// more.
KWIRE_APART inline const std::byte* check_struct(const struct_layout& layout, const std::byte* p,
                                                 check_state& state, std::uint32_t* ends,
                                                 std::uint32_t count) noexcept {
    const unsigned steps = layout.step_count;
    for (; count != 0; --count) {
        const std::byte* const base = p;
        if (layout.first_need > state.left(p)) [[unlikely]] {
            p = refuse_end(state, layout, 0, p);
            break;
        }
        for (unsigned i = 0; i < steps; ++i) {
            const std::byte* next = check_simple_step(layout.steps[i], p, state);
            if (next == nullptr) next = check_any_step(i, layout, p, state);
            if (next == nullptr) [[unlikely]] {
                state.refused_before_end = count;
                return nullptr;
            }
            p = next;
            ends[i] = static_cast<std::uint32_t>(p - base);
        }
        p += layout.tail;
        if (layout.flexible) p = check_tag_section(layout, p, state);
        if (p == nullptr) [[unlikely]]
            break;
    }
    state.refused_before_end = count;
    return p;
}

} // namespace kwire::inline KWIRE_ABI::detail
