/// Walks over message bytes: the one that checks every length, and the one that trusts what was checked.
///
/// Both follow the steps of a layout and share the functions for one step, so that each wire rule stands
/// in one place. Each comes in two forms: `check_struct`/`skip_struct` read the layout at run time and are no
/// templates, `check_struct_at`/`skip_struct_at` unroll a layout that is known at compile time.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/schema/layout.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace kwire::detail {

/// Kafka's limit for strings, in the classic and in the compact encoding.
inline constexpr std::uint32_t max_string_size = 32767;

/// No struct of the schema has as many fields, and the generator refuses one that would.
inline constexpr std::size_t max_struct_steps = 64;

/// What a checking walk needs to know besides its position.
struct check_state {
    const std::byte* body = nullptr;        ///< where offsets in errors are counted from
    const std::byte* end = nullptr;         ///< the end of the body, or of the tag payload that is being read
    error* failure = nullptr;               ///< filled in by whoever refuses
    std::uint32_t unread[max_struct_steps]; ///< where nested structs put the ends that nobody asks for

    [[nodiscard]] std::uint64_t left(const std::byte* p) const noexcept {
        return static_cast<std::uint64_t>(end - p);
    }
};

/// Notes a refusal; always nullptr, so that a walk can return it.
KWIRE_COLD inline const std::byte* refuse(check_state& state, errc code, const std::byte* at,
                                          std::uint64_t needed, path_step where) noexcept {
    error& e = *state.failure;
    e.code = code;
    e.offset = static_cast<std::uint64_t>(at - state.body);
    e.needed = needed;
    e.left = needed != 0 ? state.left(at) : 0;
    e.depth = 0;
    if (!where.field.empty()) e.enter(where);
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
            return refuse(state, errc::truncated, at + skip, needed, {layout.fields[i].name});
        }
    }
    return refuse(state, errc::truncated, state.end, 1,
                  {}); // only the tag section is left that could be missing
}

/// The raw number of a compact length or count; the first of its bytes is known to be there.
KWIRE_ALWAYS_INLINE const std::byte* read_raw(const std::byte* p, const std::byte* end,
                                              std::uint32_t& raw) noexcept {
    raw = std::to_integer<std::uint32_t>(*p);
    if (raw < 0x80) [[likely]]
        return p + 1;
    return wire::read_uvarint(p, end, raw);
}

/// The same over bytes that were checked before.
KWIRE_ALWAYS_INLINE const std::byte* read_raw_trusted(const std::byte* p, std::uint32_t& raw) noexcept {
    raw = std::to_integer<std::uint32_t>(*p);
    if (raw < 0x80) [[likely]]
        return p + 1;
    return wire::read_uvarint_trusted(p, raw);
}

constexpr bool is_compact(wire_form form) noexcept {
    return form == wire_form::compact_string || form == wire_form::compact_bytes ||
           form == wire_form::compact_scalars || form == wire_form::compact_strings ||
           form == wire_form::compact_structs;
}

const std::byte* check_struct(const struct_layout& layout, const std::byte* p, check_state& state,
                              std::uint32_t* ends) noexcept;

/// One step, number `index` of `layout`. Its fixed bytes and its length prefix are known to be there, and
/// when it returns a position, so are the `next_need` bytes behind it. nullptr means refused; unless
/// `Explain`, nothing is noted about it. `check_child(layout, p)` checks one child struct.
template <bool Explain, class CheckChild>
KWIRE_ALWAYS_INLINE const std::byte* check_step(const walk_step& step, unsigned index,
                                                const struct_layout& layout, const std::byte* p,
                                                check_state& state, CheckChild&& check_child) noexcept {
    const auto no = [&](errc code, const std::byte* at, std::uint64_t needed, std::int64_t element = -1) {
        if constexpr (Explain) refuse(state, code, at, needed, {layout.fields[step.field].name, element});
        return static_cast<const std::byte*>(nullptr);
    };
    const auto inside = [&](std::int64_t element) {
        if constexpr (Explain) state.failure->enter({layout.fields[step.field].name, element});
        return static_cast<const std::byte*>(nullptr);
    };
    const auto finish = [&](const std::byte* at) {
        if (step.next_need > state.left(at)) [[unlikely]] {
            if constexpr (Explain) refuse_end(state, layout, index + 1, at);
            return static_cast<const std::byte*>(nullptr);
        }
        return at;
    };

    p += step.fixed;
    const std::byte* const start = p;
    std::uint32_t count = 0; // of bytes or elements; stays 0 for null
    switch (step.form) {
    case wire_form::compact_string:
    case wire_form::compact_bytes:
    case wire_form::compact_scalars:
    case wire_form::compact_strings:
    case wire_form::compact_structs: {
        std::uint32_t raw = 0;
        p = read_raw(p, state.end, raw);
        if (p == nullptr) [[unlikely]]
            return no(wire::varint_defect(start, state.end), start, 0);
        if (raw < step.minimum) [[unlikely]]
            return no(errc::null_not_allowed, start, 0);
        count = raw - (raw != 0 ? 1 : 0);
        if (count > 0x7fffffff) [[unlikely]]
            return no(errc::bad_length, start, 0);
        break;
    }
    case wire_form::string: {
        const auto length = wire::load_be<std::int16_t>(p);
        p += 2;
        if (length < 0) [[unlikely]] {
            if (length != -1) return no(errc::bad_length, start, 0);
            if (step.minimum != 0) return no(errc::null_not_allowed, start, 0);
        } else {
            count = static_cast<std::uint32_t>(length);
        }
        break;
    }
    case wire_form::bytes:
    case wire_form::scalars:
    case wire_form::strings:
    case wire_form::structs: {
        const auto length = wire::load_be<std::int32_t>(p);
        p += 4;
        if (length < 0) [[unlikely]] {
            if (length != -1) return no(errc::bad_length, start, 0);
            if (step.minimum != 0) return no(errc::null_not_allowed, start, 0);
        } else {
            count = static_cast<std::uint32_t>(length);
        }
        break;
    }
    case wire_form::nullable_structure:
        ++p;
        if (std::to_integer<std::uint8_t>(*start) >= 0x80) return finish(p);
        break;
    case wire_form::nullable_tagged_structure: {
        std::uint32_t marker = 0;
        p = read_raw(p, state.end, marker);
        if (p == nullptr) [[unlikely]]
            return no(wire::varint_defect(start, state.end), start, 0);
        if (marker > 0x7fffffff) [[unlikely]]
            return no(errc::bad_length, start, 0);
        if (marker == 0) return finish(p);
        break;
    }
    case wire_form::fixed:
    case wire_form::structure: break;
    }

    switch (step.form) {
    case wire_form::fixed: count = 1; [[fallthrough]];
    case wire_form::compact_scalars:
    case wire_form::scalars: {
        const std::uint64_t size = static_cast<std::uint64_t>(count) * step.width;
        if (size + step.next_need > state.left(p)) [[unlikely]] {
            if (size <= state.left(p)) return finish(p + size);
            return no(step.form == wire_form::fixed ? errc::truncated : errc::count_exceeds_input, p, size);
        }
        return p + size;
    }
    case wire_form::compact_string:
        if (count > max_string_size) [[unlikely]]
            return no(errc::string_too_long, start, 0);
        [[fallthrough]];
    case wire_form::string:
    case wire_form::compact_bytes:
    case wire_form::bytes: {
        const std::uint64_t size = count;
        if (size + step.next_need > state.left(p)) [[unlikely]] {
            if (size <= state.left(p)) return finish(p + size);
            return no(errc::truncated, p, size);
        }
        return p + size;
    }
    case wire_form::strings:
        if (count * std::uint64_t{2} > state.left(p)) [[unlikely]]
            return no(errc::count_exceeds_input, start, count * std::uint64_t{2});
        for (std::uint32_t i = 0; i < count; ++i) {
            if (2 > state.left(p)) [[unlikely]]
                return no(errc::truncated, p, 2, i);
            const auto length = wire::load_be<std::int16_t>(p);
            if (length < 0) [[unlikely]]
                return no(length == -1 ? errc::null_not_allowed : errc::bad_length, p, 0, i);
            p += 2;
            if (static_cast<std::uint64_t>(length) > state.left(p)) [[unlikely]]
                return no(errc::truncated, p, static_cast<std::uint64_t>(length), i);
            p += length;
        }
        return finish(p);
    case wire_form::compact_strings:
        if (count > state.left(p)) [[unlikely]]
            return no(errc::count_exceeds_input, start, count);
        for (std::uint32_t i = 0; i < count; ++i) {
            if (state.left(p) == 0) [[unlikely]]
                return no(errc::truncated, p, 1, i);
            const std::byte* const at = p;
            std::uint32_t raw = 0;
            p = read_raw(p, state.end, raw);
            if (p == nullptr) [[unlikely]]
                return no(wire::varint_defect(at, state.end), at, 0, i);
            if (raw == 0) [[unlikely]]
                return no(errc::null_not_allowed, at, 0, i);
            if (raw > max_string_size + 1) [[unlikely]]
                return no(errc::string_too_long, at, 0, i);
            if (raw - 1 > state.left(p)) [[unlikely]]
                return no(errc::truncated, p, raw - 1, i);
            p += raw - 1;
        }
        return finish(p);
    case wire_form::structs:
    case wire_form::compact_structs: {
        const struct_layout& inner = step.child->layouts[layout.version_index];
        if (static_cast<std::uint64_t>(count) * inner.min_size > state.left(p)) [[unlikely]]
            return no(errc::count_exceeds_input, start, static_cast<std::uint64_t>(count) * inner.min_size);
        std::uint32_t i = 0;
        if (inner.step_count ==
            0) { // as long as no element has tags, all are of the least size, which is there
            if (!inner.flexible) {
                p += static_cast<std::uint64_t>(count) * inner.tail;
                i = count;
            } else {
                for (; i < count && p[inner.tail] == std::byte{0}; ++i) p += inner.tail + 1;
            }
        }
        for (; i < count; ++i) {
            p = check_child(inner, p);
            if (p == nullptr) [[unlikely]]
                return inside(i);
        }
        return finish(p);
    }
    case wire_form::structure:
    case wire_form::nullable_structure:
    case wire_form::nullable_tagged_structure:
        p = check_child(step.child->layouts[layout.version_index], p);
        if (p == nullptr) [[unlikely]]
            return inside(-1);
        return finish(p);
    }
    return nullptr;
}

/// A tag section whose count is not the single byte 0. Tags must rise, and a known one fill its size exactly.
KWIRE_NOINLINE inline const std::byte* check_tags(const struct_layout& layout, const std::byte* p,
                                                  check_state& state) noexcept {
    const std::byte* at = p;
    std::uint32_t count = 0;
    if (state.left(p) == 0) return refuse(state, errc::truncated, p, 1, {});
    p = read_raw(p, state.end, count);
    if (p == nullptr) return refuse(state, wire::varint_defect(at, state.end), at, 0, {});
    if (count > state.left(p) / 2) // a tag takes two bytes at least
        return refuse(state, errc::count_exceeds_input, at, count * std::uint64_t{2}, {});

    std::int64_t previous = -1;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::uint32_t number = 0, size = 0;
        const std::byte* const tag_at = at = p;
        p = state.left(p) != 0 ? read_raw(p, state.end, number) : nullptr;
        if (p == nullptr) return refuse(state, wire::varint_defect(at, state.end), at, 0, {});
        at = p;
        p = state.left(p) != 0 ? read_raw(p, state.end, size) : nullptr;
        if (p == nullptr) return refuse(state, wire::varint_defect(at, state.end), at, 0, {});

        const known_tag* known = nullptr;
        for (unsigned k = 0; k < layout.tag_count; ++k)
            if (layout.tags[k].number == number) known = &layout.tags[k];
        const path_step where{known != nullptr ? layout.fields[known->field].name : std::string_view{}};

        if (number == previous) return refuse(state, errc::duplicate_tag, tag_at, 0, where);
        if (number < previous) return refuse(state, errc::tag_order, tag_at, 0, where);
        previous = number;
        if (size > state.left(p)) return refuse(state, errc::truncated, p, size, where);
        if (known == nullptr) {
            p += size;
            continue;
        }
        if (!known->in_version) return refuse(state, errc::tag_not_in_version, tag_at, 0, where);

        const walk_step& step = layout.steps[known->step];
        const std::byte* const payload_end = p + size;
        const std::byte* const outer_end = std::exchange(state.end, payload_end);
        const std::byte* after = nullptr;
        if (prefix_of(step.form) > size) {
            refuse(state, errc::tag_size_mismatch, p, prefix_of(step.form), where);
        } else {
            after = check_step<true>(step, known->step, layout, p, state,
                                     [&](const struct_layout& inner, const std::byte* child) {
                                         return check_struct(inner, child, state, state.unread);
                                     });
            if (after == nullptr && state.failure->code == errc::truncated)
                state.failure->code =
                    errc::tag_size_mismatch; // the body goes on, only this payload ends here
        }
        state.end = outer_end;
        if (after == nullptr) return nullptr;
        if (after != payload_end) return refuse(state, errc::tag_size_mismatch, after, 0, where);
        p = payload_end;
    }
    return p;
}

/// Checks one struct whose layout is known at run time; stores where each of its steps ends, counted from
/// `p`. Returns the position behind the struct, or nullptr and a filled-in error.
inline const std::byte* check_struct(const struct_layout& layout, const std::byte* p, check_state& state,
                                     std::uint32_t* ends) noexcept {
    const std::byte* const base = p;
    if (layout.first_need > state.left(p)) [[unlikely]]
        return refuse_end(state, layout, 0, p);
    const auto check_child = [&state](const struct_layout& inner, const std::byte* child) noexcept {
        return check_struct(inner, child, state, state.unread);
    };
    const unsigned steps = layout.step_count;
    for (unsigned i = 0; i < steps; ++i) {
        p = check_step<true>(layout.steps[i], i, layout, p, state, check_child);
        if (p == nullptr) [[unlikely]]
            return nullptr;
        ends[i] = static_cast<std::uint32_t>(p - base);
    }
    p += layout.tail;
    if (!layout.flexible) return p;
    if (*p == std::byte{0}) [[likely]]
        return p + 1;
    return check_tags(layout, p, state);
}

/// Moves over a tag section that was checked before.
KWIRE_NOINLINE inline const std::byte* skip_tag_list(const std::byte* p) noexcept {
    std::uint32_t count = 0;
    p = read_raw_trusted(p, count);
    for (; count != 0; --count) {
        std::uint32_t number = 0, size = 0;
        p = read_raw_trusted(p, number);
        p = read_raw_trusted(p, size);
        p += size;
    }
    return p;
}

KWIRE_ALWAYS_INLINE const std::byte* skip_tags(const std::byte* p) noexcept {
    if (*p == std::byte{0}) [[likely]]
        return p + 1;
    return skip_tag_list(p);
}

/// The payload of tag `number` in a section that was checked before; nullptr if it is not there.
KWIRE_NOINLINE inline const std::byte* find_tag(const std::byte* p, std::uint32_t number) noexcept {
    std::uint32_t count = 0;
    p = read_raw_trusted(p, count);
    for (; count != 0; --count) {
        std::uint32_t found = 0, size = 0;
        p = read_raw_trusted(p, found);
        p = read_raw_trusted(p, size);
        if (found == number) return p;
        p += size;
    }
    return nullptr;
}

/// A length or count that was checked before: the bytes or elements, or -1 for null.
struct trusted_count {
    const std::byte* content;
    std::int64_t count;
};
KWIRE_ALWAYS_INLINE trusted_count read_compact_count(const std::byte* p) noexcept {
    std::uint32_t raw = 0;
    p = read_raw_trusted(p, raw);
    return {p, static_cast<std::int64_t>(raw) - 1};
}
KWIRE_ALWAYS_INLINE trusted_count read_string_length(const std::byte* p, bool compact) noexcept {
    if (compact) return read_compact_count(p);
    return {p + 2, wire::load_be<std::int16_t>(p)};
}
KWIRE_ALWAYS_INLINE trusted_count read_count(const std::byte* p, bool compact) noexcept {
    if (compact) return read_compact_count(p);
    return {p + 4, wire::load_be<std::int32_t>(p)};
}

/// Moves over one step of bytes that were checked before.
template <class SkipChild>
KWIRE_ALWAYS_INLINE const std::byte* skip_step(const walk_step& step, const struct_layout& layout,
                                               const std::byte* p, SkipChild&& skip_child) noexcept {
    p += step.fixed;
    switch (step.form) {
    case wire_form::fixed: return p + step.width;
    case wire_form::string:
    case wire_form::compact_string: {
        const auto [content, count] = read_string_length(p, is_compact(step.form));
        return content + (count < 0 ? 0 : count);
    }
    case wire_form::bytes:
    case wire_form::compact_bytes: {
        const auto [content, count] = read_count(p, is_compact(step.form));
        return content + (count < 0 ? 0 : count);
    }
    case wire_form::scalars:
    case wire_form::compact_scalars: {
        const auto [content, count] = read_count(p, is_compact(step.form));
        return content + (count < 0 ? 0 : count) * step.width;
    }
    case wire_form::strings:
    case wire_form::compact_strings: {
        const bool compact = is_compact(step.form);
        auto [content, count] = read_count(p, compact);
        for (; count > 0; --count) {
            const auto element = read_string_length(content, compact);
            content = element.content + element.count;
        }
        return content;
    }
    case wire_form::structs:
    case wire_form::compact_structs: {
        auto [content, count] = read_count(p, is_compact(step.form));
        const struct_layout& inner = step.child->layouts[layout.version_index];
        if (inner.step_count == 0) {
            if (!inner.flexible) return content + (count < 0 ? 0 : count) * inner.tail;
            for (; count > 0; --count) content = skip_tags(content + inner.tail);
            return content;
        }
        for (; count > 0; --count) content = skip_child(inner, content);
        return content;
    }
    case wire_form::structure: return skip_child(step.child->layouts[layout.version_index], p);
    case wire_form::nullable_structure:
        if (std::to_integer<std::uint8_t>(*p) >= 0x80) return p + 1;
        return skip_child(step.child->layouts[layout.version_index], p + 1);
    case wire_form::nullable_tagged_structure: {
        std::uint32_t marker = 0;
        p = read_raw_trusted(p, marker);
        return marker == 0 ? p : skip_child(step.child->layouts[layout.version_index], p);
    }
    }
    return p;
}

/// Moves over a struct that was checked before; its layout is known at run time.
inline const std::byte* skip_struct(const struct_layout& layout, const std::byte* p) noexcept {
    for (unsigned i = 0; i < layout.step_count; ++i)
        p = skip_step(layout.steps[i], layout, p, [](const struct_layout& inner, const std::byte* child) {
            return skip_struct(inner, child);
        });
    p += layout.tail;
    return layout.flexible ? skip_tags(p) : p;
}

/// Stores where each step of a checked struct ends, counted from `base`.
inline void find_ends(const struct_layout& layout, const std::byte* base, std::uint32_t* ends) noexcept {
    const std::byte* p = base;
    for (unsigned i = 0; i < layout.step_count; ++i) {
        p = skip_step(layout.steps[i], layout, p, [](const struct_layout& inner, const std::byte* child) {
            return skip_struct(inner, child);
        });
        ends[i] = static_cast<std::uint32_t>(p - base);
    }
}

// The same walks over a layout that is known at compile time.

template <class S, int V>
const std::byte* check_struct_at(const std::byte* p, check_state& state, std::uint32_t* ends) noexcept;

/// The unrolled form of `check_struct`. It notes no error: whoever called it asks `check_struct` why.
template <class S, int V>
inline const std::byte* check_struct_at(const std::byte* p, check_state& state,
                                        std::uint32_t* ends) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    const std::byte* const base = p;
    if (layout.first_need > state.left(p)) [[unlikely]]
        return nullptr;
    [[maybe_unused]] const auto one = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) noexcept {
        constexpr walk_step step = layout.steps[I];
        p = check_step<false>(
            step, I, layout, p, state, [&](const struct_layout&, const std::byte* child) noexcept {
                if constexpr (step.child != nullptr)
                    return check_struct_at<child_of<S, step.field>, V>(child, state, nullptr);
                else
                    return child;
            });
        if (p == nullptr) [[unlikely]]
            return false;
        if (ends != nullptr) ends[I] = static_cast<std::uint32_t>(p - base);
        return true;
    };
    const bool fine = [&]<std::size_t... I>(std::index_sequence<I...>) noexcept {
        return (one(std::integral_constant<std::size_t, I>{}) && ...);
    }(std::make_index_sequence<layout.step_count>{});
    if (!fine) [[unlikely]]
        return nullptr;
    p += layout.tail;
    if constexpr (!layout.flexible) return p;
    if (*p == std::byte{0}) [[likely]]
        return p + 1;
    return check_tags(layout, p, state);
}

/// Moves over a checked struct, and stores the ends of its steps unless `ends` is nullptr.
template <class S, int V>
inline const std::byte* skip_struct_at(const std::byte* p, std::uint32_t* ends) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    const std::byte* const base = p;
    [[maybe_unused]] const auto one = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) noexcept {
        constexpr walk_step step = layout.steps[I];
        p = skip_step(step, layout, p, [](const struct_layout&, const std::byte* child) noexcept {
            if constexpr (step.child != nullptr)
                return skip_struct_at<child_of<S, step.field>, V>(child, nullptr);
            else
                return child;
        });
        if (ends != nullptr) ends[I] = static_cast<std::uint32_t>(p - base);
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) noexcept {
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<layout.step_count>{});
    p += layout.tail;
    if constexpr (layout.flexible) return skip_tags(p);
    return p;
}

} // namespace kwire::detail
