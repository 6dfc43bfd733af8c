/// The walk over the first bytes of a struct of which the rest is not there: it checks what `check_struct`
/// checks, and where the bytes end it stops without an error.
///
/// Who sees a message through a window of some hundred bytes has its front only. A length or a count may then
/// reach beyond what is there; it is wrong only if it reaches beyond what the message can have.
#pragma once

#include <kwire/schema/detail/trusted_walk.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// How much of a field is there.
enum class seen_state : std::uint8_t {
    absent,  ///< the message does not hold it: its version lacks it, or it has no such tag
    missing, ///< it comes after the cut, or its length is not all there
    cut,     ///< its length is there, and its content not all
    /// All of it is there.
    whole,
};

} // namespace kwire::inline KWIRE_ABI

namespace kwire::inline KWIRE_ABI::detail {

/// How many bytes follow those that are there if the caller has not said it: more than any length counts.
inline constexpr std::uint64_t unknown_size = std::uint64_t{1} << 40;

/// What the walk needs to know besides its position. `check_state::end` is where the bytes end that are
/// there.
struct prefix_state : check_state {
    prefix_state(const std::byte* start, std::size_t size, std::uint64_t more, error_slot& refusal,
                 parse_options options) noexcept
        : check_state(start, size, refusal, options), beyond(more) {}

    std::uint64_t beyond;       ///< bytes of the message, or of the tag's payload, that may follow the end
    bool cut = false;           ///< the walk has stopped since the bytes ended
    bool notes_the_cut = false; ///< and says in `failure` where
};

/// How far a struct is there.
struct seen_part {
    /// Where the content of the field begins at which the struct is cut, after its length or marker; of an
    /// array of structs or strings, the first element that is not whole. nullptr if the struct is whole, or
    /// cut before such a place.
    const std::byte* at;
    std::uint32_t count; ///< of the array that is cut: its whole elements
    std::uint8_t steps;  ///< the whole steps
};

/// Stops because `needed` bytes must be at `at`, and fewer are. Always nullptr, so that a walk can return it.
KWIRE_COLD KWIRE_APART inline const std::byte* stop_prefix(prefix_state& state, const field_info* field,
                                                           errc code, const std::byte* at,
                                                           std::uint64_t needed) noexcept {
    const bool wrong = needed - state.left(at) > state.beyond;
    state.cut = !wrong;
    if (!wrong && !state.notes_the_cut) return nullptr;
    refuse(state, field, wrong ? code : errc::truncated, at, needed);
    if (wrong) (*state.failure)->left += state.beyond;
    return nullptr;
}

/// The same for the bytes of fixed width, and the length, that follow `anchor` variable fields.
KWIRE_COLD KWIRE_APART inline const std::byte* stop_prefix_end(prefix_state& state,
                                                               const struct_layout& layout, unsigned anchor,
                                                               const std::byte* at,
                                                               std::uint64_t needed) noexcept {
    const bool wrong = needed - state.left(at) > state.beyond;
    state.cut = !wrong;
    if (!wrong && !state.notes_the_cut) return nullptr;
    refuse_end(state, layout, anchor, at);
    if (wrong) (*state.failure)->left += state.beyond;
    return nullptr;
}

/// A varint that may be missing, cut or wrong; `next` is nullptr then.
KWIRE_APART inline wire::detail::varint_result<std::uint32_t>
read_prefix_uvarint(const std::byte* p, prefix_state& state, const field_info* field) noexcept {
    const std::uint64_t left = state.left(p);
    const auto read = wire::detail::read_long_uvarint<std::uint32_t>(p, static_cast<std::size_t>(left));
    if (read.next != nullptr) return read;
    if (left < wire::max_varint32_size && state.beyond != 0)
        stop_prefix(state, field, errc::truncated, p, left + 1);
    else
        refuse_varint(state, field, p);
    return read;
}

const std::byte* walk_prefix(const struct_layout& layout, const std::byte* p, prefix_state& state,
                             std::uint32_t* ends, seen_part& part) noexcept;

/// The elements of an array of structs or strings, or a single struct as an array of one.
KWIRE_APART inline const std::byte* walk_prefix_elements(const walk_step& step, const struct_layout& layout,
                                                         const std::byte* p, std::uint32_t count,
                                                         prefix_state& state, seen_part& part) noexcept {
    const struct_layout& inner = step.child != nullptr ? step.child->layouts[layout.version_index]
                                                       : text_layouts[has_varint_prefix(step.form) ? 1 : 0];
    std::uint32_t element = 0;
    if (inner.step_count == 0 && inner.min_size != 0) {
        const std::uint64_t there = state.left(p) / inner.min_size;
        p = hop_untagged(inner, p, there < count ? static_cast<std::uint32_t>(there) : count, element);
    }
    std::uint32_t ends[max_struct_steps];
    element_shape shape; // of the last element that was walked step by step
    for (; element < count; ++element) {
        if (shape.size <= state.left(p) && shape.fits(p)) {
            p += shape.size;
            continue;
        }
        seen_part of_element;
        const std::byte* const end = walk_prefix(inner, p, state, ends, of_element);
        if (end == nullptr) {
            part.at = p;
            part.count = element;
            return !state.cut || state.notes_the_cut ? refuse_within(state, step, layout, element) : nullptr;
        }
        if (element + 1 != count) shape.learn(inner, p, end, ends);
        p = end;
    }
    return p;
}

/// Step number `index` of `layout`. Its fixed bytes and the least bytes of its length are there. nullptr if
/// it is cut or refused.
KWIRE_APART inline const std::byte* walk_prefix_step(unsigned index, const struct_layout& layout,
                                                     const std::byte* p, prefix_state& state,
                                                     seen_part& part) noexcept {
    const walk_step& step = layout.steps[index];
    const field_info& field = layout.fields[step.field];
    part.at = nullptr;
    p += step.fixed;
    const std::uint64_t left = state.left(p);
    if (left < wire::max_varint32_size && state.beyond != 0 &&
        decode_length(length_form_of(step.form), p, left).content == nullptr)
        return stop_prefix(state, &field, errc::truncated, p, left + 1); // within a varint
    const checked_count counted = check_count(step, layout, p, state);
    if (counted.content == nullptr) return nullptr;
    p = counted.content;
    part.at = p;
    part.count = 0;
    const bool flat = size_follows_from_count(step.form);
    std::uint32_t width = step.width;
    if (step.child != nullptr && !is_single_struct(step.form))
        width = step.child->layouts[layout.version_index].min_size;
    const std::uint64_t size = std::uint64_t{counted.count} * width;
    if (size <= state.left(p)) {
        if (flat) return p + size;
        return counted.count != 0 ? walk_prefix_elements(step, layout, p, counted.count, state, part) : p;
    }
    const bool array = field.kind == field_kind::array;
    if (size - state.left(p) > state.beyond)
        return stop_prefix(state, &field, array ? errc::count_exceeds_input : errc::truncated, p, size);
    if (!flat) return walk_prefix_elements(step, layout, p, counted.count, state, part);
    part.count = static_cast<std::uint32_t>(state.left(p) / width);
    if (!array) return stop_prefix(state, &field, errc::truncated, p, size);
    stop_prefix(state, nullptr, errc::truncated, p + std::uint64_t{part.count} * width, width);
    return state.notes_the_cut ? refuse_within(state, step, layout, part.count) : nullptr;
}

/// What follows the number of a tag of this version: a payload that is not all there, or of which the value
/// says where it ends.
KWIRE_COLD KWIRE_APART inline const std::byte* walk_prefix_tag(const struct_layout& layout,
                                                               const known_tag& tag, const std::byte* payload,
                                                               std::uint32_t size,
                                                               prefix_state& state) noexcept {
    const field_info* const field = &layout.fields[tag.field];
    const std::uint64_t left = state.left(payload);
    const std::uint64_t beyond = state.beyond;
    const bool sized = !state.tolerated.any_tag_size;
    if (sized) {
        if (size - left > beyond) return stop_prefix(state, field, errc::truncated, payload, size);
        state.beyond = size - left;
    }
    seen_part part;
    const std::byte* const after = tag.prefix > left
                                       ? stop_prefix(state, field, errc::truncated, payload, tag.prefix)
                                       : walk_prefix_step(tag.step, layout, payload, state, part);
    state.beyond = beyond;
    if (!sized) return after;
    if (after != nullptr) return refuse(state, field, errc::tag_size_mismatch, after);
    if (!state.cut && (*state.failure)->code == errc::truncated)
        (*state.failure)->code = errc::tag_size_mismatch;
    return nullptr;
}

/// A tag section whose count is not the single byte 0.
KWIRE_COLD KWIRE_APART inline const std::byte*
walk_prefix_tags(const struct_layout& layout, const std::byte* p, prefix_state& state) noexcept {
    auto [next, count] = read_prefix_uvarint(p, state, nullptr);
    if (next == nullptr) return nullptr;
    if (count > (state.left(next) + state.beyond) / 2) {
        refuse(state, nullptr, errc::count_exceeds_input, next, count * std::uint64_t{2});
        (*state.failure)->left += state.beyond;
        return nullptr;
    }
    std::int64_t previous = -1;
    for (; count != 0 && next != nullptr; --count) {
        p = next;
        const auto [size_at, number] = read_prefix_uvarint(p, state, nullptr);
        if (size_at == nullptr) return nullptr;
        const known_tag* const known = known_tag_of(layout, number);
        if (!check_tag_order(layout, known, previous, number, p, state)) return nullptr;
        previous = number;
        const field_info* const field = known != nullptr ? &layout.fields[known->field] : nullptr;
        const bool in_version = known != nullptr && known->in_version;
        if (known != nullptr && !in_version && !state.tolerated.tags_of_other_versions)
            return refuse(state, field, errc::tag_not_in_version, p);
        const auto [payload, size] = read_prefix_uvarint(size_at, state, field);
        if (payload == nullptr) return nullptr;
        const bool there = size <= state.left(payload);
        if (in_version && (!there || state.tolerated.any_tag_size))
            next = walk_prefix_tag(layout, *known, payload, size, state);
        else if (!there)
            return stop_prefix(state, field, errc::truncated, payload, size);
        else
            next = in_version ? layout.check_tag(layout, *known, p, size_at, state) : payload + size;
    }
    return next;
}

/// Walks one struct as far as it is there. Stores where each of its whole steps ends, counted from `p`, and
/// in `part` how far it is there. Returns the position after the struct; nullptr if it is cut or refused.
///
/// Takes time linear in the bytes that are there, whatever the counts say.
KWIRE_APART inline const std::byte* walk_prefix(const struct_layout& layout, const std::byte* p,
                                                prefix_state& state, std::uint32_t* ends,
                                                seen_part& part) noexcept {
    const std::byte* const base = p;
    const unsigned steps = layout.step_count;
    std::uint64_t need = layout.first_need;
    for (unsigned i = 0; i < steps; ++i) {
        if (need > state.left(p)) {
            part = {nullptr, 0, static_cast<std::uint8_t>(i)};
            return stop_prefix_end(state, layout, i, p, need);
        }
        const std::byte* next = check_simple_step(layout.steps[i], p, state);
        if (next == nullptr) {
            next = walk_prefix_step(i, layout, p, state, part);
            if (next == nullptr) [[unlikely]] {
                part.steps = static_cast<std::uint8_t>(i);
                return nullptr;
            }
        }
        p = next;
        ends[i] = static_cast<std::uint32_t>(p - base);
        need = layout.steps[i].next_need;
    }
    part = {nullptr, 0, static_cast<std::uint8_t>(steps)};
    if (need > state.left(p)) return stop_prefix_end(state, layout, steps, p, need);
    p += layout.tail;
    if (!layout.flexible) return p;
    return *p == std::byte{0} ? p + 1 : walk_prefix_tags(layout, p, state);
}

/// The leniencies of a parse, as a view of a front keeps them.
// cost: in a byte of their own type they are copied as one number. GCC 12 stores parse_options in two pieces
// that overlap, which keeps all of a view out of registers: 190 ns instead of 100 ns for three views.
class kept_options {
public:
    constexpr kept_options() noexcept = default;
    constexpr kept_options(const parse_options& o) noexcept
        : bits_(static_cast<std::uint8_t>(bit(o.trailing_bytes, 0) | bit(o.null_as_empty, 1) |
                                          bit(o.negative_as_null, 2) | bit(o.any_tag_order, 3) |
                                          bit(o.any_tag_size, 4) | bit(o.tags_of_other_versions, 5) |
                                          bit(o.missing_newer_fields, 6))) {}
    constexpr operator parse_options() const noexcept {
        return {has(0), has(1), has(2), has(3), has(4), has(5), has(6)};
    }

private:
    static constexpr unsigned bit(bool set, unsigned number) noexcept { return unsigned{set} << number; }
    [[nodiscard]] constexpr bool has(unsigned number) const noexcept { return (bits_ >> number & 1) != 0; }
    static_assert(sizeof(parse_options) == 7 + 1, "each has a bit");

    std::uint8_t bits_ = 0;
};

/// The first bytes of a struct: how far they reach. Beside it are the ends of its whole steps, after a 0.
struct prefix_front {
    const std::byte* base;  ///< nullptr: a struct that the message does not hold
    const std::byte* there; ///< the end of the bytes that are there
    const std::byte* next;  ///< the end of the struct; nullptr if it is cut
    const struct_layout* layout;
    seen_part part;
    kept_options tolerated;

    /// The error that says where the struct is cut: offset and path are counted from the struct. @pre it is.
    [[nodiscard]] KWIRE_COLD error where_cut() const noexcept {
        error_slot found;
        prefix_state state(base, static_cast<std::size_t>(there - base), unknown_size, found, tolerated);
        state.notes_the_cut = true;
        std::uint32_t unused_ends[max_struct_steps];
        seen_part unused;
        walk_prefix(*layout, base, state, unused_ends, unused);
        found->version = layout->version;
        return *found;
    }
};

/// Fills in a struct at `at`, whose bytes were walked before, and the ends of its steps.
KWIRE_APART inline void see_front(prefix_front& made, std::uint32_t* ends, const struct_layout& layout,
                                  const std::byte* at, const std::byte* there,
                                  kept_options tolerated) noexcept {
    error_slot refusal;
    prefix_state state(at, static_cast<std::size_t>(there - at), unknown_size, refusal, tolerated);
    ends[0] = 0;
    made.base = at;
    made.there = there;
    made.layout = &layout;
    made.tolerated = tolerated;
    made.next = walk_prefix(layout, at, state, ends + 1, made.part);
}

/// The same of a struct that is all there: without bounds, as views of whole messages find their fields.
KWIRE_APART inline void see_whole(prefix_front& made, std::uint32_t* ends, const struct_layout& layout,
                                  const std::byte* at, const std::byte* there,
                                  kept_options tolerated) noexcept {
    check_state no_end(checked_before{});
    ends[0] = 0;
    made.base = at;
    made.there = there;
    made.layout = &layout;
    made.tolerated = tolerated;
    made.part = {nullptr, 0, layout.step_count};
    made.next = check_struct(layout, at, no_end, ends + 1);
}

/// What prefix views are made of: of a struct that has at most so many steps.
// cost: an array is a loop over such values, and room for the steps of any struct made each 170 bytes.
template <std::size_t Steps>
struct prefix_struct : prefix_front {
    std::uint32_t ends[Steps + 1];

    /// Copies `from` number by number.
    // cost: what was just written by fours GCC 12 copies by sixteens, and waits until it is in memory; which
    // was half of the time of three views.
    KWIRE_ALWAYS_INLINE void take(const prefix_struct& from) noexcept {
        base = from.base;
        there = from.there;
        next = from.next;
        layout = from.layout;
        part.at = from.part.at;
        part.count = from.part.count;
        part.steps = from.part.steps;
        tolerated = from.tolerated;
        [&]<std::size_t... I>(std::index_sequence<I...>)
            KWIRE_INLINED { ((ends[I] = from.ends[I]), ...); }(std::make_index_sequence<Steps + 1>{});
    }

    /// Of a struct at `at`, whose bytes were walked before.
    static prefix_struct of(const struct_layout& layout, const std::byte* at, const std::byte* there,
                            kept_options tolerated) noexcept {
        prefix_struct made;
        see_front(made, made.ends, layout, at, there, tolerated);
        return made;
    }
    /// In place of a struct that the message does not hold.
    static prefix_struct of_nothing(const struct_layout& layout) noexcept {
        prefix_struct made;
        made.base = made.there = made.next = nullptr;
        made.layout = &layout;
        made.tolerated = {};
        made.part = {};
        made.ends[0] = 0;
        return made;
    }
};

/// A field of a struct of which the front is there.
struct seen_field {
    seen_state seen;
    const std::byte* at; ///< the field, of a tag its payload; nullptr if it is absent or missing
    seen_part part;      ///< if it is cut: `part.at` and `part.count`
};

/// Looks for the payload of a tag of this version in a section that may be cut.
KWIRE_COLD KWIRE_APART inline seen_field find_prefix_tag(const prefix_front& in, const std::uint32_t* ends,
                                                         const field_place& place) noexcept {
    const struct_layout& layout = *in.layout;
    const std::byte* p = in.base + ends[layout.step_count] + layout.tail;
    error_slot refusal;
    prefix_state state(p, static_cast<std::size_t>(in.there - p), unknown_size, refusal, in.tolerated);
    const parse_options tolerated = in.tolerated;
    const std::uint32_t wanted = place.delta;
    seen_field found{seen_state::absent, nullptr, {}};
    auto [next, count] = read_prefix_uvarint(p, state, nullptr);
    if (next == nullptr) return {seen_state::missing, nullptr, {}};
    for (; count != 0; --count) {
        const auto [size_at, number] = read_prefix_uvarint(next, state, nullptr);
        if (size_at == nullptr) break;
        if (number > wanted && !tolerated.any_tag_order) return found;
        const auto [payload, size] = read_prefix_uvarint(size_at, state, nullptr);
        if (payload == nullptr) break;
        const known_tag* const known = known_tag_of(layout, number);
        const bool in_version = known != nullptr && known->in_version;
        next = size <= state.left(payload) ? payload + size : nullptr;
        if (number == wanted || (in_version && tolerated.any_tag_size)) {
            seen_part part{};
            const std::byte* const after = known->prefix > state.left(payload)
                                               ? nullptr
                                               : walk_prefix_step(known->step, layout, payload, state, part);
            if (tolerated.any_tag_size) next = after;
            if (number == wanted) {
                if (after != nullptr)
                    found = {seen_state::whole, payload, {}};
                else if (part.at != nullptr && width_of(layout.fields[known->field].kind) == 0)
                    found = {seen_state::cut, payload, part};
            }
        }
        if (next == nullptr) break;
    }
    // Where the last of several counts, it may be among those that are not there.
    const bool may_come_again = tolerated.any_tag_order && (count > 1 || found.seen != seen_state::cut);
    if (count != 0 && (found.at == nullptr || may_come_again)) return {seen_state::missing, nullptr, {}};
    return found;
}

/// A field of a tag section, if all before it is there.
KWIRE_SMALL seen_field find_seen_tag(const prefix_front& in, const std::uint32_t* ends,
                                     const field_place& place) noexcept {
    const struct_layout& layout = *in.layout;
    const unsigned steps = layout.step_count;
    if (in.part.steps < steps) return {seen_state::missing, nullptr, {}};
    const std::size_t before_tags = std::size_t{ends[steps]} + layout.tail;
    const auto left = static_cast<std::size_t>(in.there - in.base);
    if (before_tags >= left) return {seen_state::missing, nullptr, {}};
    if (in.base[before_tags] == std::byte{0}) return {seen_state::absent, nullptr, {}};
    return find_prefix_tag(in, ends, place);
}

/// A field outside of it. `width` is its own, or 0 if that varies.
KWIRE_ALWAYS_INLINE seen_field find_seen_place(const prefix_front& in, const std::uint32_t* ends,
                                               const field_place& place, std::uint8_t width) noexcept {
    if (place.anchor > in.part.steps) return {seen_state::missing, nullptr, {}};
    const std::size_t before = std::size_t{ends[place.anchor]} + place.delta;
    if (width != 0) {
        if (before + width > static_cast<std::size_t>(in.there - in.base))
            return {seen_state::missing, nullptr, {}};
        return {seen_state::whole, in.base + before, {}};
    }
    if (place.anchor < in.part.steps) return {seen_state::whole, in.base + before, {}};
    if (in.part.at == nullptr) return {seen_state::missing, nullptr, {}};
    return {seen_state::cut, in.base + before, in.part};
}

/// Field number `i` of a struct whose steps end at `ends`.
KWIRE_SMALL seen_field find_seen(const prefix_front& in, const std::uint32_t* ends, std::size_t i) noexcept {
    const field_place& place = in.layout->places[i];
    if (in.base == nullptr || place.anchor == field_place::absent) return {seen_state::absent, nullptr, {}};
    if (place.anchor == field_place::in_tags) return find_seen_tag(in, ends, place);
    return find_seen_place(in, ends, place, width_of(in.layout->fields[i].kind));
}

} // namespace kwire::inline KWIRE_ABI::detail
