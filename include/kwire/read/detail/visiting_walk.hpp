/// The walks that check a message and hand its structs to a visitor: for a version that is known at compile
/// time, and at run time.
///
/// They accept what `check_struct` accepts, by the same functions, but make no error: the caller runs
/// `check_struct` to find out why. They are inlined into each other as far as the visitor reaches, so that
/// what it adds up stays in registers.
#pragma once

#include <kwire/read/array.hpp>
#include <kwire/read/before.hpp>
#include <kwire/schema/detail/unrolled_walk.hpp>
#include <kwire/schema/detail/view.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

template <class S, int V>
using view_at = typename S::template basic_view<V>;

/// Whether the visitor `F` has a function for whole structs `S`.
template <class F, class S, int V>
inline constexpr bool wants_whole = std::is_invocable_v<F&, const view_at<S, V>&>;

template <class F, class S, int V>
struct wishes;

/// Whether field `I` holds structs, and the visitor has a function for the fields before it, or for a
/// struct in it.
template <class F, class S, std::size_t I, int V>
consteval bool wants_before() {
    constexpr const field_info& field = tables_of<S>::fields[I];
    if constexpr (field.element != field_kind::structure || field.tag >= 0)
        return false;
    else
        return std::is_invocable_v<F&, const view_at<S, front_version(I, V)>&>;
}
template <class F, class S, std::size_t I, int V>
consteval bool wants_inside() {
    if constexpr (tables_of<S>::fields[I].element != field_kind::structure)
        return false;
    else
        return wishes<F, child_of<S, I>, V>::any;
}

/// What a visitor wants of the struct `S`.
template <class F, class S, int V>
struct wishes {
    template <std::size_t... I>
    static consteval bool find_any(std::index_sequence<I...>) {
        return ((wants_before<F, S, I, V>() || wants_inside<F, S, I, V>()) || ...);
    }
    static constexpr bool whole = wants_whole<F, S, V>;
    static constexpr bool any = whole || find_any(std::make_index_sequence<field_count<S>>{});
};

/// Whether the walk stops at field `I`, which is not a tagged one, to hand something over.
template <class F, class S, std::size_t I, int V>
consteval bool stops_at() {
    return tables_of<S>::fields[I].tag < 0 && (wants_before<F, S, I, V>() || wants_inside<F, S, I, V>());
}
/// Whether a tagged field holds structs that the visitor wants.
template <class F, class S, std::size_t I, int V>
consteval bool wants_tagged() {
    return tables_of<S>::fields[I].tag >= 0 && wants_inside<F, S, I, V>();
}
template <class S, int V, class F>
void visit_checked(const view_at<S, V>& view, F& f);

/// Hands over the structs in field `I` of a struct that was checked.
template <std::size_t I, class S, int V, class F>
void visit_checked_field(const view_at<S, V>& view, F& f) {
    using child = child_of<S, I>;
    if (!view_access::has(view, tables_of<S>::fields[I])) return;
    if constexpr (wants_before<F, S, I, V>()) f(front_access::make<I>(view));
    if constexpr (wants_inside<F, S, I, V>()) {
        const auto value = get<I>(view);
        if constexpr (tables_of<S>::fields[I].kind == field_kind::array) {
            for (const view_at<child, V>& element : array_of<view_at<child, V>>(value))
                visit_checked<child, V>(element, f);
        } else if constexpr (requires { value.has_value(); }) {
            if (value && !bytes_of(*value).empty()) visit_checked<child, V>(*value, f);
        } else {
            if (!bytes_of(value).empty()) visit_checked<child, V>(value, f);
        }
    }
}

/// Hands over what is in the tagged fields of a struct that was checked.
template <class S, int V, class F>
KWIRE_ALWAYS_INLINE void visit_tagged([[maybe_unused]] const view_at<S, V>& view, [[maybe_unused]] F& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) KWIRE_INLINED {
        [[maybe_unused]] const auto one = [&]<std::size_t J>(std::integral_constant<std::size_t, J>)
                                              KWIRE_INLINED {
                                                  if constexpr (wants_tagged<F, S, J, V>())
                                                      visit_checked_field<J, S, V>(view, f);
                                              };
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<field_count<S>>{});
}

/// Hands over a struct that was checked before, and those in it. Only what is in tagged fields is walked
/// twice like that: where a tag ends is known only after it, and the last one of a number counts.
template <class S, int V, class F>
void visit_checked(const view_at<S, V>& view, F& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        [[maybe_unused]] const auto one = [&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
            if constexpr (stops_at<F, S, J, V>()) visit_checked_field<J, S, V>(view, f);
        };
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<field_count<S>>{});
    visit_tagged<S, V>(view, f);
    if constexpr (wishes<F, S, V>::whole) f(view);
}

/// What the lengths of one element of an array were, all of a single byte, and where: as `element_shape`, but
/// the bytes of the next element are known to be there. So all are compared at once, with one branch.
template <unsigned Most>
struct length_pattern {
    std::uint64_t size =
        element_shape::none;      ///< the bytes that the element takes; `none` if nothing can fit it
    std::uint32_t at[Most + 1]{}; ///< places without a length repeat that of the tag section
    std::byte want[Most + 1]{};

    KWIRE_ALWAYS_INLINE void learn(const struct_layout& layout, const std::byte* p, const std::byte* end,
                                   const std::uint32_t* ends) noexcept {
        size = element_shape::none;
        if (!layout.only_scalar_arrays) return;
        const unsigned lengths = layout.step_count;
        const std::uint32_t tags = ends[lengths - 1] + layout.tail;
        std::byte all{0};
        for (unsigned i = 0; i <= Most; ++i) {
            at[i] = tags;
            if (i < lengths) at[i] = (i != 0 ? ends[i - 1] : 0) + layout.steps[i].fixed;
            want[i] = p[at[i]];
            all |= want[i];
        }
        if (all >= std::byte{0x80} || p[tags] != std::byte{0}) return;
        size = static_cast<std::uint64_t>(end - p);
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE bool fits(const std::byte* p) const noexcept {
        std::byte differences{0};
        for (unsigned i = 0; i <= Most; ++i) differences |= p[at[i]] ^ want[i];
        return differences == std::byte{0};
    }
};

/// The walk of structs `S` at version `V`, which is known at compile time or `any_version`.
template <class S, int V, class F>
class visiting_walk {
public:
    using view_type = view_at<S, V>;

    KWIRE_ALWAYS_INLINE visiting_walk(const struct_layout& layout, check_state& state, F& f) noexcept
        : layout_(layout), state_(state), f_(f) {}

    /// Checks one struct at `p` and completes the view of it, which is handed over by the caller. nullptr if
    /// it is refused.
    KWIRE_ALWAYS_INLINE const std::byte* one(const std::byte* p, view_type& view) {
        view_access::adopt(view, p, layout());
        if (layout().first_need > state_.left(p)) [[unlikely]]
            return nullptr;
        if constexpr (V == any_version)
            p = by_table(p, view);
        else
            p = unrolled(p, view);
        if (p == nullptr) [[unlikely]]
            return nullptr;
        p += layout().tail;
        if (!layout().flexible) return p;
        if (*p == std::byte{0}) [[likely]]
            return p + 1;
        p = apart([&](check_state& state) { return check_tags(layout(), p, state); });
        if (p != nullptr) [[likely]]
            visit_tagged<S, V>(view, f_);
        return p;
    }

    /// The same for `count` structs in a row, all of which are handed over. @pre bytes for that many of the
    /// least size are there.
    KWIRE_ALWAYS_INLINE const std::byte* all(const std::byte* p, std::uint32_t count) {
        view_type view;
        if constexpr (may_be_steady()) {
            length_pattern<static_cast<unsigned>(steps_of<S, V>())> shape;
            for (; count != 0; --count) {
                if (shape.size <= state_.left(p) && shape.fits(p)) {
                    view_access::adopt(view, p, layout());
                    hand_over(view);
                    p += shape.size;
                    continue;
                }
                const std::byte* const end = one(p, view);
                if (end == nullptr) [[unlikely]]
                    return nullptr;
                hand_over(view);
                shape.learn(layout(), p, end, view_access::ends(view));
                p = end;
            }
        } else {
            if constexpr (steps_of<S, V>() == 0) p = untagged(p, count, view);
            for (; count != 0; --count) {
                p = one(p, view);
                if (p == nullptr) [[unlikely]]
                    return nullptr;
                hand_over(view);
            }
        }
        return p;
    }

private:
    [[nodiscard]] KWIRE_ALWAYS_INLINE const struct_layout& layout() const noexcept {
        if constexpr (V == any_version)
            return layout_;
        else
            return layout_at<S, V>;
    }
    /// Whether elements can be recognised by their shape.
    static consteval bool may_be_steady() {
        if constexpr (V != any_version) {
            return layout_at<S, V>.only_scalar_arrays;
        } else {
            for (const struct_layout& layout : tables_of<S>::layouts)
                if (layout.only_scalar_arrays) return true;
            return false;
        }
    }

    KWIRE_ALWAYS_INLINE void hand_over(const view_type& view) {
        if constexpr (wishes<F, S, V>::whole) f_(view);
    }

    /// Calls one of the functions that are not inlined, with a copy of the state, and notes what it has
    /// noted.
    // cost: if they were passed the state itself, it would have to be in memory. In a program that only
    // visits, a Metadata response at run time took 193117 instructions with that, 136312 without; a tiny
    // Fetch response the same.
    template <class Call>
    KWIRE_ALWAYS_INLINE auto apart(Call call) noexcept {
        check_state copy = state_;
        const auto result = call(copy);
        state_.irregular_tags |= copy.irregular_tags;
        return result;
    }

    /// Hands over structs of fixed width while they have no tags; `count` becomes the number of the others.
    KWIRE_ALWAYS_INLINE const std::byte* untagged(const std::byte* p, std::uint32_t& count, view_type& view) {
        const std::size_t tail = layout().tail;
        const bool flexible = layout().flexible;
        const std::size_t stride = tail + (flexible ? 1 : 0);
        for (; count != 0 && (!flexible || p[tail] == std::byte{0}); --count) {
            view_access::adopt(view, p, layout());
            hand_over(view);
            p += stride;
        }
        return p;
    }

    /// The field `I`, step number `index`, which holds structs that are wanted, or is announced. `p` is the
    /// end of the step before it.
    template <std::size_t I>
    KWIRE_ALWAYS_INLINE const std::byte* stop(unsigned index, const std::byte* p, const view_type& view) {
        using child = child_of<S, I>;
        const walk_step& step = layout().steps[index];
        const struct_layout& inner = tables_of<child>::layouts[layout().version_index];
        p += step.fixed;
        checked_count counted{nullptr, 0};
        if (has_varint_prefix(step.form)) {
            const decoded_length usual = decode_usual_length(length_form::compact, step.minimum == 0, p);
            counted = {usual.content, usual.value};
        }
        if (counted.content == nullptr)
            counted = apart([&](check_state& state) { return check_count(step, layout(), p, state); });
        if (counted.content == nullptr) [[unlikely]]
            return nullptr;
        p = counted.content;
        if (std::uint64_t{counted.count} * inner.min_size > state_.left(p)) [[unlikely]]
            return nullptr;
        if constexpr (wants_before<F, S, I, V>()) f_(front_access::make<I>(view));
        if constexpr (wants_inside<F, S, I, V>())
            p = visiting_walk<child, V, F>(inner, state_, f_).all(p, counted.count);
        else if (counted.count != 0)
            p = apart(
                [&](check_state& state) { return check_structs(step, layout(), p, counted.count, state); });
        return p != nullptr && step.next_need <= state_.left(p) ? p : nullptr;
    }

    KWIRE_ALWAYS_INLINE const std::byte* unrolled(const std::byte* p, [[maybe_unused]] view_type& view) {
        [[maybe_unused]] const std::byte* const base = p;
        [[maybe_unused]] const auto step =
            [&]<unsigned I>(std::integral_constant<unsigned, I>) KWIRE_INLINED {
                constexpr std::size_t field = layout_at<S, V>.steps[I].field;
                if constexpr (stops_at<F, S, field, V>())
                    p = stop<field>(I, p, view);
                else
                    p = pass<field, I>(I, layout().steps[I], p);
                if (p == nullptr) [[unlikely]]
                    return false;
                view_access::ends(view)[I] = static_cast<std::uint32_t>(p - base);
                return true;
            };
        const bool fine = [&]<unsigned... I>(std::integer_sequence<unsigned, I...>) KWIRE_INLINED {
            return (step(std::integral_constant<unsigned, I>{}) && ...);
        }(std::make_integer_sequence<unsigned, layout_at<S, V>.step_count>{});
        return fine ? p : nullptr;
    }

    /// A field of variable length that nothing stops at. Its usual form is read in line.
    // cost: of classic forms only where that is known at compile time; else they would slow the compact ones.
    template <std::size_t I, unsigned Index = 0>
    KWIRE_ALWAYS_INLINE const std::byte* pass([[maybe_unused]] unsigned index, const walk_step& step,
                                              const std::byte* p) {
        constexpr const field_info& field = tables_of<S>::fields[I];
        constexpr bool is_bytes = field.kind == field_kind::bytes || field.kind == field_kind::records;
        constexpr bool is_array = field.kind == field_kind::array;
        constexpr std::uint8_t width = is_array ? width_of(field.element) : 1;
        const bool compact = is_compact_at<compact_versions<S>(field)>(layout());
        if (field.kind != field_kind::structure && (compact || V != any_version)) {
            const std::byte* const at = p + step.fixed;
            const bool nullable = !field.nullable.empty() && step.minimum == 0;
            const length_form form = compact ? length_form::compact : classic_form(field.kind);
            decoded_length read{};
            if constexpr (is_bytes)
                read = decode_usual_size(form, nullable, at, state_.left(at), false);
            else
                read = decode_usual_length(form, nullable, at);
            if (width == 0 && read.value != 0) read.content = nullptr;
            if (read.content != nullptr &&
                std::uint64_t{read.value} * width + step.next_need <= state_.left(read.content)) [[likely]]
                return is_array ? hop(read.content, read.value, width) : read.content + read.value;
        }
        return apart([&](check_state& state) {
            if constexpr (V != any_version)
                return check_step_at<S, V, Index>(p, state);
            else
                return check_any_step(index, layout(), p, state);
        });
    }

    KWIRE_ALWAYS_INLINE const std::byte* by_table(const std::byte* p, [[maybe_unused]] view_type& view) {
        [[maybe_unused]] const std::byte* const base = p;
        [[maybe_unused]] unsigned index = 0;
        [[maybe_unused]] const auto one_field =
            [&]<std::size_t I>(std::integral_constant<std::size_t, I>) KWIRE_INLINED {
                constexpr const field_info& field = tables_of<S>::fields[I];
                if constexpr (field.tag < 0 && width_of(field.kind) == 0) {
                    if constexpr (!tables_of<S>::common.of[I].always)
                        if (!field.versions.contains(layout().version)) return true;
                    if constexpr (stops_at<F, S, I, V>())
                        p = stop<I>(index, p, view);
                    else
                        p = pass<I>(index, layout().steps[index], p);
                    if (p == nullptr) [[unlikely]]
                        return false;
                    view_access::ends(view)[index] = static_cast<std::uint32_t>(p - base);
                    ++index;
                }
                return true;
            };
        const bool fine = [&]<std::size_t... I>(std::index_sequence<I...>) KWIRE_INLINED {
            return (one_field(std::integral_constant<std::size_t, I>{}) && ...);
        }(std::make_index_sequence<field_count<S>>{});
        return fine ? p : nullptr;
    }

    const struct_layout& layout_;
    check_state& state_;
    F& f_;
};

} // namespace kwire::inline KWIRE_ABI::detail
