/// The walk that checks message bytes: every length, count, varint and tag, in one pass.
///
/// Walks follow the steps of a layout and share the functions for one step, so that each wire rule stands in
/// one place. This one reads the layout at run time and is no template; unrolled_walk.hpp has the same for
/// layouts that are known at compile time. What was checked is walked by trusted_walk.hpp.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/schema/layout.hpp>
#include <kwire/schema/parse_options.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace kwire::detail {

/// Kafka's limit for strings, in the classic and in the compact encoding.
inline constexpr std::uint32_t max_string_size = 32767;

/// What stands for bytes that are not there: an empty body, an empty array by default.
inline constexpr std::byte nothing[1]{};

/// Room for an error that is only made when there is one.
union error_room {
    error_room() noexcept {}
    error none_until_refused;
};

/// What a checking walk needs to know besides its position.
struct check_state {
    check_state(const std::byte* start, std::size_t size, error_room& room,
                parse_options options = {}) noexcept
        : body(start), end(start + size), failure(&room.none_until_refused), tolerated(options) {}

    const std::byte* body;                  ///< where offsets in errors are counted from
    const std::byte* end;                   ///< the end of the body, or of the tag payload that is being read
    error* failure;                         ///< where whoever refuses makes an error
    parse_options tolerated;                ///< what passes all the same
    std::uint32_t unread[max_struct_steps]; ///< where nested structs put the ends that nobody asks for

    [[nodiscard]] std::uint64_t left(const std::byte* p) const noexcept {
        return static_cast<std::uint64_t>(end - p);
    }
};

/// Moves over so many elements of fixed width; all of them are there.
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

/// Moves over structs of fixed width, from number `done` on, as long as they have no tags; all of the least
/// size are there. `done` says how many it were.
KWIRE_ALWAYS_INLINE const std::byte* hop_untagged(const struct_layout& layout, const std::byte* p,
                                                  std::uint32_t count, std::uint32_t& done) noexcept {
    const std::size_t tail = layout.tail;
    if (!layout.flexible) {
        p += std::uint64_t{count - done} * tail;
        done = count;
        return p;
    }
    const std::size_t stride = tail + 1;
    for (; count - done >= 4; done += 4, p += 4 * stride)
        if ((p[tail] | p[tail + stride] | p[tail + 2 * stride] | p[tail + 3 * stride]) != std::byte{0}) break;
    for (; done < count && p[tail] == std::byte{0}; ++done) p += stride;
    return p;
}

/// The same where the layout is known at run time only. There the checking and the trusting walk both call
/// it, and the loop for many is compiled once; a few are moved over in line.
KWIRE_NOINLINE inline const std::byte* hop_many_untagged(const struct_layout& layout, const std::byte* p,
                                                         std::uint32_t count, std::uint32_t& done) noexcept {
    return hop_untagged(layout, p, count, done);
}
KWIRE_ALWAYS_INLINE const std::byte* hop_few_untagged(const struct_layout& layout, const std::byte* p,
                                                      std::uint32_t count, std::uint32_t& done) noexcept {
    if (count >= 4 || !layout.flexible) return hop_many_untagged(layout, p, count, done);
    for (; done < count && p[layout.tail] == std::byte{0}; ++done) p += layout.tail + 1;
    return p;
}

/// Whether the struct at `p` has lengths of the same single bytes as the one at `before`, whose steps end at
/// `ends`, and like it no tags: then it has the same size, and all its fields lie as they do there.
///
/// This is what makes arrays of structs with arrays in them quick (the partitions of a Metadata response):
/// the replicas of one partition are as many as those of the partition before. Unless as many bytes as the
/// one before takes are known to be at `p` (`AllThere`), it must stop at the first length that differs: a
/// shorter struct may be the last thing in its memory, and where the next length of the longer one was,
/// there is nothing.
template <bool AllThere>
KWIRE_ALWAYS_INLINE bool same_shape(const struct_layout& layout, const std::byte* before, const std::byte* p,
                                    const std::uint32_t* ends) noexcept {
    const walk_step* const steps = layout.steps;
    const unsigned count = layout.step_count;
    std::byte different{0};
    std::uint32_t at = 0;
    for (unsigned i = 0; i < count; ++i) {
        at += steps[i].fixed;
        different |= (p[at] ^ before[at]) | (p[at] & std::byte{0x80});
        if constexpr (!AllThere)
            if (different != std::byte{0}) return false;
        at = ends[i];
    }
    at += layout.tail;
    return (different | p[at] | before[at]) == std::byte{0};
}

/// The shape of one element of an array, to be compared with those that follow: `same_shape` where the layout
/// is known at run time only. Where the lengths are is worked out once.
class element_shape {
public:
    /// What the struct at `p` looks like: one of `layout`, whose steps end at `ends` and itself `size` bytes
    /// further on. Nothing will fit if it has a long length or tags.
    KWIRE_ALWAYS_INLINE void learn(const struct_layout& layout, const std::byte* p, const std::uint32_t* ends,
                                   std::size_t size) noexcept {
        learned_ = nullptr;
        if (!layout.steady) return;
        std::uint32_t at = 0;
        std::byte all{0};
        for (lengths_ = 0; lengths_ < layout.step_count; ++lengths_) {
            at += layout.steps[lengths_].fixed;
            all |= p[at];
            at_[lengths_] = at;
            at = ends[lengths_];
        }
        at += layout.tail;
        at_[lengths_] = at;
        if ((all & std::byte{0x80}) != std::byte{0} || p[at] != std::byte{0}) return;
        learned_ = p;
        size_ = static_cast<std::uint32_t>(size);
    }

    [[nodiscard]] bool is_known() const noexcept { return learned_ != nullptr; }
    /// The bytes that an element of this shape takes.
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

    /// Whether the struct at `p` has this shape. Unless `size()` bytes are known to be there (`AllThere`), it
    /// must stop at the first length that differs: see `same_shape`.
    template <bool AllThere>
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool fits(const std::byte* p) const noexcept {
        std::byte different{0};
        for (unsigned i = 0; i <= lengths_; ++i) {
            different |= p[at_[i]] ^ learned_[at_[i]];
            if constexpr (!AllThere)
                if (different != std::byte{0}) return false;
        }
        return different == std::byte{0};
    }

private:
    const std::byte* learned_ = nullptr;
    std::uint32_t size_ = 0;
    unsigned lengths_ = 0;                   ///< behind them `at_` has the place of the tag section
    std::uint32_t at_[max_steady_steps + 1]; ///< where the lengths are
};

/// In an error: not an element of an array.
inline constexpr std::uint32_t no_element = 0xffffffff;

/// Notes a refusal at `at`, of `field` (nullptr: of none) and its element if that is not negative. Always
/// nullptr, so that a walk can return it.
KWIRE_COLD inline const std::byte* refuse(check_state& state, const field_info* field, errc code,
                                          const std::byte* at, std::uint64_t needed = 0,
                                          std::int64_t element = -1) noexcept {
    error& e = *std::construct_at(state.failure);
    e.code = code;
    e.offset = static_cast<std::uint64_t>(at - state.body);
    e.needed = needed;
    e.left = needed != 0 ? state.left(at) : 0;
    if (field != nullptr)
        e.enter({field->name, element == no_element ? -1 : static_cast<std::int64_t>(element)});
    return nullptr;
}

/// Refuses because the bytes end within the fixed-width fields (or the length) that follow `anchor` variable
/// ones.
KWIRE_COLD inline const std::byte* refuse_end(check_state& state, const struct_layout& layout,
                                              unsigned anchor, const std::byte* at) noexcept {
    const std::uint64_t left = state.left(at);
    for (unsigned i = 0; i < layout.field_count; ++i) {
        const field_place& place = layout.places[i];
        if (place.anchor != anchor) continue;
        const std::uint8_t width = width_of(layout.fields[i].kind);
        const std::uint64_t needed = width != 0 ? width : prefix_of(layout.steps[place.step].form);
        if (place.delta + needed > left) {
            const std::uint64_t skip = place.delta < left ? place.delta : left;
            return refuse(state, &layout.fields[i], errc::truncated, at + skip, needed);
        }
    }
    return refuse(state, nullptr, errc::truncated, state.end,
                  1); // only the tag section is left to be missing
}

const std::byte* check_struct(const struct_layout& layout, const std::byte* p, check_state& state,
                              std::uint32_t* ends) noexcept;

/// Whether a length that was refused with `code` passes as null or, where there is no null, as empty.
KWIRE_COLD inline bool passes_as_null(const parse_options& tolerated, errc code, bool nullable) noexcept {
    return (code == errc::null_not_allowed || tolerated.negative_as_null) &&
           (nullable || tolerated.null_as_empty);
}

/// The least bytes that an element of an array takes.
KWIRE_COLD inline std::uint32_t least_element(const walk_step& step, const struct_layout& layout) noexcept {
    if (step.child != nullptr) return step.child->layouts[layout.version_index].min_size;
    return step.form == wire_form::strings ? 2 : 1;
}

/// One step, number `index` of `layout`. Its fixed bytes and its length prefix are known to be there, and
/// when it returns a position, so are the `next_need` bytes behind it. nullptr means refused; unless
/// `Explain`, nothing is noted about it, and nothing tolerated: whoever does not ask for reasons asks again.
/// `check_child(layout, p)` checks one child struct.
///
/// All refusals leave through one exit: this is the code that every message shares, so it is kept small.
template <bool Explain, class CheckChild>
KWIRE_ALWAYS_INLINE const std::byte* check_step(const walk_step& step, unsigned index,
                                                const struct_layout& layout, const std::byte* p,
                                                check_state& state, CheckChild&& check_child) noexcept {
    p += step.fixed;
    const bool compact = is_compact(step.form);
    const std::byte* at = p; // what a refusal speaks of
    errc code = errc::truncated;
    std::uint64_t needed = 0;
    std::uint32_t element = no_element;
    std::uint32_t raw = 0;
    std::uint32_t count = 0; // of bytes or elements; stays 0 for null
    std::uint64_t size = 0;  // of what `count` counts, if that is known at once

    if (compact) {
        p = wire::read_uvarint(p, state.end, raw);
        if (p == nullptr) [[unlikely]]
            goto bad_varint;
        if (raw < step.minimum) [[unlikely]]
            goto null;
        count = raw - (raw != 0 ? 1 : 0);
        if (count > max_string_size) [[unlikely]] {
            if (count > 0x7fffffff) goto negative;
            if (step.form == wire_form::compact_string) goto too_long;
        }
    } else {
        switch (step.form) {
        case wire_form::string:
            count = static_cast<std::uint32_t>(std::int32_t{wire::load_be<std::int16_t>(p)});
            p += 2;
            break;
        case wire_form::nullable_structure:
            ++p;
            if (std::to_integer<std::uint8_t>(*at) >= 0x80) goto behind;
            count = 1;
            break;
        case wire_form::nullable_tagged_structure:
            p = wire::read_uvarint(p, state.end, count);
            if (p == nullptr) [[unlikely]]
                goto bad_varint;
            if (count > 0x7fffffff) [[unlikely]]
                goto negative;
            if (count == 0) goto behind;
            count = 1;
            break;
        case wire_form::structure:
        case wire_form::fixed: count = 1; break;
        default: count = wire::load_be<std::uint32_t>(p); p += 4;
        }
        if (count > 0x7fffffff) [[unlikely]] { // the sign
            if (count != 0xffffffff) goto negative;
            if (step.minimum != 0) goto null;
            count = 0;
        }
    }

counted:
    if (is_plain(step.form)) {
        size = static_cast<std::uint64_t>(count) * step.width;
        if (size + step.next_need <= state.left(p)) [[likely]]
            return hop(p, count, step.width);
        if (size > state.left(p)) goto cut;
        p += size;
        goto behind;
    }
    switch (step.form) {
    case wire_form::compact_strings:
    case wire_form::strings:
        if (std::uint64_t{count} * (compact ? 1 : 2) > state.left(p)) [[unlikely]]
            goto too_many;
        for (element = 0; element < count; ++element) {
            at = p;
            if (compact) {
                p = wire::read_uvarint(p, state.end, raw);
                if (p == nullptr) [[unlikely]]
                    goto bad_varint;
                size = std::uint64_t{raw} - 1;
                if (size > max_string_size) [[unlikely]] {
                    if (raw == 0) goto null;
                    if (raw > 0x80000000) goto negative;
                    goto too_long;
                }
            } else {
                needed = 2;
                if (needed > state.left(p)) [[unlikely]]
                    goto refused;
                needed = 0;
                raw = wire::load_be<std::uint16_t>(p);
                p += 2;
                if (raw > max_string_size) [[unlikely]] { // the sign
                    if (raw == 0xffff) goto null;
                    goto negative;
                }
                size = raw;
            }
        element_sized:
            if (size > state.left(p)) [[unlikely]]
                goto cut;
            p += size;
        }
        goto behind;
    case wire_form::structs:
    case wire_form::compact_structs:
        if (std::uint64_t{count} * step.child->layouts[layout.version_index].min_size > state.left(p))
            [[unlikely]]
            goto too_many;
        [[fallthrough]];
    case wire_form::structure: // like an array of one
    case wire_form::nullable_structure:
    case wire_form::nullable_tagged_structure: {
        const struct_layout& inner = step.child->layouts[layout.version_index];
        element = 0;
        if (inner.step_count == 0 && step.form < wire_form::structure) // so many of the least size are there
            p = check_child.hop_untagged(inner, p, count, element);
        for (; element < count; ++element) {
            p = check_child(inner, p);
            if (p == nullptr) [[unlikely]]
                goto child_refused;
        }
        goto behind;
    }
    default: break; // the plain ones
    }
behind:
    if (step.next_need <= state.left(p)) [[likely]]
        return p;
    if constexpr (Explain) refuse_end(state, layout, index + 1, p);
    return nullptr;

child_refused:
    if constexpr (Explain)
        state.failure->enter({layout.fields[step.field].name,
                              step.form >= wire_form::structure ? -1 : static_cast<std::int64_t>(element)});
    return nullptr;
bad_varint:
    code = wire::varint_defect(at, state.end);
    goto refused;
too_long:
    code = errc::string_too_long;
    goto refused;
null:
    code = errc::null_not_allowed;
    goto no_length;
negative:
    code = errc::bad_length;
no_length:
    if (Explain && passes_as_null(state.tolerated, code, step.minimum == 0 && element == no_element)) {
        code = errc::truncated;
        size = 0;
        if (element != no_element) goto element_sized;
        count = 0;
        goto counted;
    }
    goto refused;
too_many: // the elements should begin at p
    at = p;
    code = errc::count_exceeds_input;
    needed = std::uint64_t{count} * least_element(step, layout);
    goto refused;
cut: // `size` bytes should be at p
    at = p;
    needed = size;
    if (step.form == wire_form::scalars || step.form == wire_form::compact_scalars)
        code = errc::count_exceeds_input;
refused:
    if constexpr (Explain) refuse(state, &layout.fields[step.field], code, at, needed, element);
    return nullptr;
}

/// The payload of one known tag, a struct of one field. It must fill the `size` bytes at `p` exactly, unless
/// `any_tag_size` leaves it to the type where it ends.
KWIRE_COLD inline const std::byte* check_payload(const struct_layout& layout, const known_tag& tag,
                                                 const std::byte* p, std::uint32_t size,
                                                 check_state& state) noexcept {
    struct_layout alone = layout;
    alone.steps = &layout.steps[tag.step];
    alone.step_count = 1;
    alone.tail = 0;
    alone.flexible = false;
    alone.first_need = 0;
    const bool any_size = state.tolerated.any_tag_size;
    const field_info* const field = &layout.fields[tag.field];
    const std::uint16_t prefix = prefix_of(alone.steps->form);
    const std::byte* const payload_end = any_size ? state.end : p + size;
    const std::byte* const outer_end = std::exchange(state.end, payload_end);
    const std::byte* const after = prefix > state.left(p) ? refuse(state, field, errc::truncated, p, prefix)
                                                          : check_struct(alone, p, state, state.unread);
    state.end = outer_end;
    if (after == payload_end || any_size) return after;
    if (after != nullptr) return refuse(state, field, errc::tag_size_mismatch, after);
    if (state.failure->code == errc::truncated)
        state.failure->code = errc::tag_size_mismatch; // the body goes on, only this payload ends here
    return nullptr;
}

/// The tag of this number, if the schema knows it in any version: they are numbered without gaps.
KWIRE_ALWAYS_INLINE const known_tag* known_tag_of(const struct_layout& layout,
                                                  std::uint32_t number) noexcept {
    return number < layout.tag_count ? &layout.tags[number] : nullptr;
}

/// A tag section whose count is not the single byte 0. Tags must rise, and a known one fill its size exactly.
KWIRE_COLD inline const std::byte* check_tags(const struct_layout& layout, const std::byte* p,
                                              check_state& state) noexcept {
    const std::byte* const section = p;
    std::uint32_t count = 0;
    p = wire::read_uvarint(p, state.end, count);
    if (p == nullptr) return refuse(state, nullptr, wire::varint_defect(section, state.end), section);
    if (count > state.left(p) / 2) // a tag takes two bytes at least
        return refuse(state, nullptr, errc::count_exceeds_input, p, count * std::uint64_t{2});

    std::int64_t previous = -1;
    for (; count != 0; --count) {
        const std::byte* const tag_at = p;
        std::uint32_t number = 0, size = 0;
        p = wire::read_uvarint(tag_at, state.end, number);
        if (p == nullptr) return refuse(state, nullptr, wire::varint_defect(tag_at, state.end), tag_at);
        const known_tag* known = known_tag_of(layout, number);
        const field_info* const field = known != nullptr ? &layout.fields[known->field] : nullptr;
        if (number <= previous && !state.tolerated.any_tag_order)
            return refuse(state, field, number == previous ? errc::duplicate_tag : errc::tag_order, tag_at);
        previous = number;
        if (known != nullptr && !known->in_version) {
            if (!state.tolerated.tags_of_other_versions)
                return refuse(state, field, errc::tag_not_in_version, tag_at);
            known = nullptr;
        }

        const std::byte* const size_at = p;
        p = wire::read_uvarint(size_at, state.end, size);
        if (p == nullptr) return refuse(state, field, wire::varint_defect(size_at, state.end), size_at);
        if (size > state.left(p) && !(known != nullptr && state.tolerated.any_tag_size))
            return refuse(state, field, errc::truncated, p, size);
        if (known == nullptr) {
            p += size;
        } else {
            p = check_payload(layout, *known, p, size, state);
            if (p == nullptr) return nullptr;
        }
    }
    return p;
}

/// The common case of a step, to be inlined: a simple one whose length takes one byte. nullptr for every
/// other case and for what must be refused: then `check_any_step` decides.
KWIRE_ALWAYS_INLINE const std::byte* check_simple_step(const walk_step& step, const std::byte* p,
                                                       const check_state& state) noexcept {
    if (!is_simple(step.form)) return nullptr;
    p += step.fixed;
    const auto raw = std::to_integer<std::uint32_t>(*p++);
    if (raw >= 0x80 || raw < step.minimum) [[unlikely]]
        return nullptr;
    const std::uint32_t count = raw - (raw != 0 ? 1 : 0);
    if (std::uint64_t{count} * step.width + step.next_need > state.left(p)) [[unlikely]]
        return nullptr;
    return hop(p, count, step.width);
}

/// The elements of an array of structs, one after the other.
class element_checker {
public:
    explicit element_checker(check_state& state) noexcept : state_(state) {}

    KWIRE_ALWAYS_INLINE const std::byte* operator()(const struct_layout& layout,
                                                    const std::byte* p) noexcept {
        if (shape_.is_known() && shape_.size() <= state_.left(p) && shape_.fits<true>(p))
            return p + shape_.size();
        // Ends of its own: a known tag of this very struct is read through `unread`.
        std::uint32_t ends[max_struct_steps];
        const std::byte* const end = check_struct(layout, p, state_, ends);
        if (end != nullptr) shape_.learn(layout, p, ends, static_cast<std::size_t>(end - p));
        return end;
    }

    static const std::byte* hop_untagged(const struct_layout& layout, const std::byte* p, std::uint32_t count,
                                         std::uint32_t& done) noexcept {
        return hop_few_untagged(layout, p, count, done);
    }

private:
    check_state& state_;
    element_shape shape_; ///< of the last element that was checked step by step
};

KWIRE_NOINLINE inline const std::byte* check_any_step(unsigned index, const struct_layout& layout,
                                                      const std::byte* p, check_state& state) noexcept {
    return check_step<true>(layout.steps[index], index, layout, p, state, element_checker(state));
}

/// Checks one struct whose layout is known at run time; stores where each of its steps ends, counted from
/// `p`. Returns the position behind the struct, or nullptr and a filled-in error.
KWIRE_NOINLINE inline const std::byte* check_struct(const struct_layout& layout, const std::byte* p,
                                                    check_state& state, std::uint32_t* ends) noexcept {
    const std::byte* const base = p;
    if (layout.first_need > state.left(p)) [[unlikely]]
        return refuse_end(state, layout, 0, p);
    const unsigned steps = layout.step_count;
    for (unsigned i = 0; i < steps; ++i) {
        const std::byte* next = check_simple_step(layout.steps[i], p, state);
        if (next == nullptr) next = check_any_step(i, layout, p, state);
        if (next == nullptr) [[unlikely]]
            return nullptr;
        p = next;
        ends[i] = static_cast<std::uint32_t>(p - base);
    }
    p += layout.tail;
    if (!layout.flexible) return p;
    if (*p == std::byte{0}) [[likely]]
        return p + 1;
    return check_tags(layout, p, state);
}

} // namespace kwire::detail
