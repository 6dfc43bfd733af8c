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
#include <memory>
#include <utility>

namespace kwire::detail {

/// Kafka's limit for strings, in the classic and in the compact encoding.
inline constexpr std::uint32_t max_string_size = 32767;

/// What stands for bytes that are not there: an empty body, an empty array by default.
inline constexpr std::byte nothing[1]{};

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

/// The least bytes that an element of an array takes.
KWIRE_COLD inline std::uint32_t least_element(const walk_step& step, const struct_layout& layout) noexcept {
    if (step.child != nullptr) return step.child->layouts[layout.version_index].min_size;
    return step.form == wire_form::strings ? 2 : 1;
}

/// One step, number `index` of `layout`. Its fixed bytes and its length prefix are known to be there, and
/// when it returns a position, so are the `next_need` bytes behind it. nullptr means refused; unless
/// `Explain`, nothing is noted about it. `check_child(layout, p)` checks one child struct.
///
/// All refusals leave through one exit: this is the code that every message shares, so it is kept small.
template <bool Explain, class CheckChild>
KWIRE_ALWAYS_INLINE const std::byte* check_step(const walk_step& step, unsigned index,
                                                const struct_layout& layout, const std::byte* p,
                                                check_state& state, CheckChild&& check_child) noexcept {
    p += step.fixed;
    const std::byte* at = p; // what a refusal speaks of
    errc code = errc::truncated;
    std::uint64_t needed = 0;
    std::uint32_t element = no_element;
    std::uint32_t count = 0; // of bytes or elements; stays 0 for null
    std::uint64_t size = 0;  // of what `count` counts, if that is known at once

    if (is_compact(step.form)) {
        std::uint32_t raw = 0;
        p = wire::read_uvarint(p, state.end, raw);
        if (p == nullptr) [[unlikely]]
            goto bad_varint;
        if (raw < step.minimum) [[unlikely]]
            goto null;
        count = raw - (raw != 0 ? 1 : 0);
        if (count > max_string_size) [[unlikely]] {
            if (step.form == wire_form::compact_string) {
                code = errc::string_too_long;
                goto refused;
            }
            if (count > 0x7fffffff) goto bad_length;
        }
    } else {
        switch (step.form) {
        case wire_form::string: {
            const auto length = wire::load_be<std::int16_t>(p);
            p += 2;
            count = static_cast<std::uint32_t>(std::int32_t{length});
            break;
        }
        case wire_form::nullable_structure:
            ++p;
            if (std::to_integer<std::uint8_t>(*at) >= 0x80) goto behind;
            break;
        case wire_form::nullable_tagged_structure:
            p = wire::read_uvarint(p, state.end, count);
            if (p == nullptr) [[unlikely]]
                goto bad_varint;
            if (count > 0x7fffffff) [[unlikely]]
                goto bad_length;
            if (count == 0) goto behind;
            break;
        case wire_form::structure: break;
        case wire_form::fixed: count = 1; break;
        default: count = wire::load_be<std::uint32_t>(p); p += 4;
        }
        if (count > 0x7fffffff) [[unlikely]] { // the sign
            if (count != 0xffffffff) goto bad_length;
            if (step.minimum != 0) goto null;
            count = 0;
        }
    }

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
        if (count > state.left(p)) [[unlikely]]
            goto too_many;
        for (element = 0; element < count; ++element) {
            std::uint32_t raw = 0;
            at = p;
            p = wire::read_uvarint(p, state.end, raw);
            if (p == nullptr) [[unlikely]]
                goto bad_varint;
            if (raw == 0) [[unlikely]]
                goto null;
            if (raw > max_string_size + 1) [[unlikely]] {
                code = errc::string_too_long;
                goto refused;
            }
            size = raw - 1;
            if (size > state.left(p)) [[unlikely]]
                goto cut;
            p += size;
        }
        goto behind;
    case wire_form::strings:
        if (count * std::uint64_t{2} > state.left(p)) [[unlikely]]
            goto too_many;
        for (element = 0; element < count; ++element) {
            at = p;
            needed = 2;
            if (needed > state.left(p)) [[unlikely]]
                goto refused;
            needed = 0;
            const auto length = wire::load_be<std::int16_t>(p);
            if (length == -1) [[unlikely]]
                goto null;
            if (length < 0) [[unlikely]]
                goto bad_length;
            p += 2;
            size = static_cast<std::uint64_t>(length);
            if (size > state.left(p)) [[unlikely]]
                goto cut;
            p += size;
        }
        goto behind;
    case wire_form::structs:
    case wire_form::compact_structs: {
        const struct_layout& inner = step.child->layouts[layout.version_index];
        if (static_cast<std::uint64_t>(count) * inner.min_size > state.left(p)) [[unlikely]]
            goto too_many;
        element = 0;
        if (inner.step_count ==
            0) { // as long as no element has tags, all have the least size, which is there
            if (!inner.flexible) {
                p += static_cast<std::uint64_t>(count) * inner.tail;
                goto behind;
            }
            for (; element < count && p[inner.tail] == std::byte{0}; ++element) p += inner.tail + 1;
        }
        for (; element < count; ++element) {
            p = check_child(inner, p);
            if (p == nullptr) [[unlikely]]
                goto child_refused;
        }
        goto behind;
    }
    case wire_form::structure:
    case wire_form::nullable_structure:
    case wire_form::nullable_tagged_structure:
        p = check_child(step.child->layouts[layout.version_index], p);
        if (p == nullptr) [[unlikely]]
            goto child_refused;
        goto behind;
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
                              element == no_element ? -1 : static_cast<std::int64_t>(element)});
    return nullptr;
bad_varint:
    code = wire::varint_defect(at, state.end);
    goto refused;
null:
    code = errc::null_not_allowed;
    goto refused;
bad_length:
    code = errc::bad_length;
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

/// The payload of one known tag, which must fill the `size` bytes at `p` exactly: a struct of one field.
inline const std::byte* check_payload(const struct_layout& layout, const known_tag& tag, const std::byte* p,
                                      std::uint32_t size, check_state& state) noexcept {
    struct_layout alone = layout;
    alone.steps = &layout.steps[tag.step];
    alone.step_count = 1;
    alone.tail = 0;
    alone.flexible = false;
    alone.first_need = 0;
    const field_info* const field = &layout.fields[tag.field];
    const std::uint16_t prefix = prefix_of(alone.steps->form);
    const std::byte* const payload_end = p + size;
    const std::byte* const outer_end = std::exchange(state.end, payload_end);
    const std::byte* const after = prefix > size ? refuse(state, field, errc::truncated, p, prefix)
                                                 : check_struct(alone, p, state, state.unread);
    state.end = outer_end;
    if (after == payload_end) return after;
    if (after != nullptr) return refuse(state, field, errc::tag_size_mismatch, after);
    if (state.failure->code == errc::truncated)
        state.failure->code = errc::tag_size_mismatch; // the body goes on, only this payload ends here
    return nullptr;
}

/// A tag section whose count is not the single byte 0. Tags must rise, and a known one fill its size exactly.
KWIRE_NOINLINE inline const std::byte* check_tags(const struct_layout& layout, const std::byte* p,
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
        const known_tag* known = nullptr;
        for (unsigned k = 0; k < layout.tag_count; ++k)
            if (layout.tags[k].number == number) known = &layout.tags[k];
        const field_info* const field = known != nullptr ? &layout.fields[known->field] : nullptr;
        if (number <= previous)
            return refuse(state, field, number == previous ? errc::duplicate_tag : errc::tag_order, tag_at);
        previous = number;
        if (known != nullptr && !known->in_version)
            return refuse(state, field, errc::tag_not_in_version, tag_at);

        const std::byte* const size_at = p;
        p = wire::read_uvarint(size_at, state.end, size);
        if (p == nullptr) return refuse(state, field, wire::varint_defect(size_at, state.end), size_at);
        if (size > state.left(p)) return refuse(state, field, errc::truncated, p, size);
        if (known == nullptr) {
            p += size;
        } else {
            p = check_payload(layout, *known, p, size, state);
            if (p == nullptr) return nullptr;
        }
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
    p = wire::read_uvarint_trusted(p, count);
    for (; count != 0; --count) {
        std::uint32_t number = 0, size = 0;
        p = wire::read_uvarint_trusted(p, number);
        p = wire::read_uvarint_trusted(p, size);
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
    p = wire::read_uvarint_trusted(p, count);
    for (; count != 0; --count) {
        std::uint32_t found = 0, size = 0;
        p = wire::read_uvarint_trusted(p, found);
        p = wire::read_uvarint_trusted(p, size);
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
    p = wire::read_uvarint_trusted(p, raw);
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
    const bool compact = is_compact(step.form);
    std::int64_t count = 0;
    if (compact) {
        std::uint32_t raw = 0;
        p = wire::read_uvarint_trusted(p, raw);
        count = raw == 0 ? 0 : std::int64_t{raw} - 1;
    } else {
        switch (step.form) {
        case wire_form::fixed: return p + step.width;
        case wire_form::string:
            count = wire::load_be<std::int16_t>(p);
            p += 2;
            break;
        case wire_form::nullable_structure:
            if (std::to_integer<std::uint8_t>(*p++) >= 0x80) return p;
            return skip_child(step.child->layouts[layout.version_index], p);
        case wire_form::nullable_tagged_structure: {
            std::uint32_t marker = 0;
            p = wire::read_uvarint_trusted(p, marker);
            return marker == 0 ? p : skip_child(step.child->layouts[layout.version_index], p);
        }
        case wire_form::structure: return skip_child(step.child->layouts[layout.version_index], p);
        default: count = wire::load_be<std::int32_t>(p); p += 4;
        }
        if (count < 0) return p;
    }
    if (is_plain(step.form)) return hop(p, static_cast<std::uint64_t>(count), step.width);
    if (step.child == nullptr) {
        for (; count > 0; --count) {
            const auto element = read_string_length(p, compact);
            p = element.content + element.count;
        }
        return p;
    }
    const struct_layout& inner = step.child->layouts[layout.version_index];
    if (inner.step_count == 0) {
        if (!inner.flexible) return p + count * inner.tail;
        for (; count > 0; --count) p = skip_tags(p + inner.tail);
        return p;
    }
    for (; count > 0; --count) p = skip_child(inner, p);
    return p;
}

/// Moves over a struct that was checked before, and stores where each of its steps ends, counted from `p`.
/// `unread` is where nested structs put theirs.
inline const std::byte* skip_struct(const struct_layout& layout, const std::byte* p, std::uint32_t* ends,
                                    std::uint32_t* unread) noexcept {
    const std::byte* const base = p;
    const unsigned steps = layout.step_count;
    for (unsigned i = 0; i < steps; ++i) {
        p = skip_step(layout.steps[i], layout, p,
                      [unread](const struct_layout& inner, const std::byte* child) noexcept {
                          return skip_struct(inner, child, unread, unread);
                      });
        ends[i] = static_cast<std::uint32_t>(p - base);
    }
    p += layout.tail;
    return layout.flexible ? skip_tags(p) : p;
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
        p = skip_step(step, layout, p, [&](const struct_layout&, const std::byte* child) noexcept {
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
