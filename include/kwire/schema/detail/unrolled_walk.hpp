/// Both walks over a layout that is known at compile time, unrolled: for views whose version is a constant.
#pragma once

#include <kwire/schema/detail/trusted_walk.hpp>
#include <kwire/schema/info_of.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

template <unsigned I>
using step_index = std::integral_constant<unsigned, I>;

template <class S, int V, bool Keep>
KWIRE_PART const std::byte* check_struct_at(const std::byte* p, check_state& state,
                                            std::uint32_t* ends) noexcept;
template <class S, int V, bool Keep>
KWIRE_PART const std::byte* skip_struct_at(const std::byte* p, std::uint32_t* ends) noexcept;

/// The elements of an array of structs, or a single one: checked if `State` is a check_state, else skipped.
template <class S, int V, class State>
class element_walker {
public:
    explicit element_walker(State& state) noexcept : state_(state) {}

    /// Moves over `count` of them; nullptr if one is refused. @pre bytes for `count` of the least size are
    /// there.
    KWIRE_ALWAYS_INLINE const std::byte* walk(const std::byte* p, std::uint32_t count) noexcept {
        std::uint32_t done = 0;
        if constexpr (layout.step_count == 0) p = hop_untagged(layout, p, count, done);
        for (; done < count; ++done) {
            p = one(p, done + 1 == count);
            if (p == nullptr) [[unlikely]]
                return nullptr;
        }
        return p;
    }

    /// Moves over one of them. After the last one there is no use for its shape.
    KWIRE_ALWAYS_INLINE const std::byte* one(const std::byte* p, bool last) noexcept {
        if constexpr (layout.only_scalar_arrays) {
            if (enough(p) && shape_.fits(p)) return p + shape_.size;
            const std::byte* const end = by_steps<true>(p);
            if (end != nullptr && !last) shape_.learn(layout, p, end, ends_);
            return end;
        } else {
            return by_steps<false>(p);
        }
    }

private:
    static constexpr const struct_layout& layout = layout_at<S, V>;
    static constexpr bool checks = std::is_same_v<State, check_state>;

    [[nodiscard]] bool enough(const std::byte* p) const noexcept {
        if constexpr (checks)
            return shape_.size <= state_.left(p);
        else
            return shape_.size != element_shape::none;
    }
    template <bool Keep>
    KWIRE_ALWAYS_INLINE const std::byte* by_steps(const std::byte* p) noexcept {
        if constexpr (checks)
            return check_struct_at<S, V, Keep>(p, state_, ends_);
        else
            return skip_struct_at<S, V, Keep>(p, ends_);
    }

    State& state_;
    element_shape shape_;
    std::uint32_t ends_[max_scalar_array_steps]{};
};

/// In place of the state, for a walk that checks nothing.
struct no_check {};

/// The length of a step in its usual form.
// cost: strings of more than 126 bytes are left to the call: in line, that would slow those that are shorter.
template <wire_form Form>
KWIRE_ALWAYS_INLINE decoded_length usual_length_of(bool nullable, const std::byte* p,
                                                   [[maybe_unused]] std::uint64_t left) noexcept {
    if constexpr (Form == wire_form::compact_bytes)
        return decode_usual_size(length_form::compact, nullable, p, left, false);
    else
        return decode_usual_length(length_form_of(Form), nullable, p);
}

/// One step of the check.
template <class S, int V, unsigned I>
KWIRE_ALWAYS_INLINE const std::byte* check_step_at(const std::byte* p, check_state& state) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    constexpr walk_step step = layout.steps[I];
    using child = child_of<S, step.field>;
    [[maybe_unused]] const decoded_length usual =
        usual_length_of<step.form>(step.minimum == 0, p + step.fixed, state.left(p + step.fixed));
    if constexpr (size_follows_from_count(step.form)) {
        if (usual.content != nullptr &&
            std::uint64_t{usual.value} * step.width + step.next_need <= state.left(usual.content)) [[likely]]
            return hop(usual.content, usual.value, step.width);
        return check_any_step(I, layout, p, state);
    } else if constexpr (std::is_void_v<child>) {
        return check_any_step(I, layout, p, state);
    } else {
        checked_count counted{usual.content, usual.value};
        if (counted.content == nullptr) [[unlikely]]
            counted = check_count(layout.steps[I], layout, p + step.fixed, state);
        if (counted.content == nullptr || std::uint64_t{counted.count} * layout_at<child, V>.min_size >
                                              state.left(counted.content)) [[unlikely]]
            return nullptr;
        p = element_walker<child, V, check_state>(state).walk(counted.content, counted.count);
        return p != nullptr && step.next_need <= state.left(p) ? p : nullptr;
    }
}

/// One step over bytes that were checked before.
template <class S, int V, unsigned I>
KWIRE_ALWAYS_INLINE const std::byte* skip_step_at(const std::byte* p) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    constexpr walk_step step = layout.steps[I];
    using child = child_of<S, step.field>;
    [[maybe_unused]] const decoded_length usual =
        usual_length_of<step.form>(step.minimum == 0, p + step.fixed, medium_length_size);
    if constexpr (!size_follows_from_count(step.form) && std::is_void_v<child>) {
        return skip_any_step(I, layout, p);
    } else {
        if (usual.content == nullptr) [[unlikely]]
            return skip_any_step(I, layout, p);
        if constexpr (size_follows_from_count(step.form)) {
            return hop(usual.content, usual.value, step.width);
        } else {
            no_check nothing_to_check;
            return element_walker<child, V, no_check>(nothing_to_check).walk(usual.content, usual.value);
        }
    }
}

/// The unrolled form of `check_struct`. It makes no error: the caller runs `check_struct` to
/// find out why.
template <class S, int V, bool Keep>
KWIRE_PART inline const std::byte* check_struct_at(const std::byte* p, check_state& state,
                                                   std::uint32_t* ends) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    const std::byte* const base = p;
    if (layout.first_need > state.left(p)) [[unlikely]]
        return nullptr;
    [[maybe_unused]] const auto one = [&]<unsigned I>(step_index<I>) KWIRE_PART noexcept {
        p = check_step_at<S, V, I>(p, state);
        if (p == nullptr) [[unlikely]]
            return false;
        if constexpr (Keep) ends[I] = static_cast<std::uint32_t>(p - base);
        return true;
    };
    const bool fine = [&]<unsigned... I>(std::integer_sequence<unsigned, I...>) KWIRE_PART noexcept {
        return (one(std::integral_constant<unsigned, I>{}) && ...);
    }(std::make_integer_sequence<unsigned, layout.step_count>{});
    if (!fine) [[unlikely]]
        return nullptr;
    p += layout.tail;
    if constexpr (!layout.flexible) return p;
    return check_tag_section(layout, p, state);
}

/// Moves over a checked struct, and stores the ends of its steps if `Keep`.
template <class S, int V, bool Keep>
KWIRE_PART inline const std::byte* skip_struct_at(const std::byte* p, std::uint32_t* ends) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    const std::byte* const base = p;
    [[maybe_unused]] const auto one = [&]<unsigned I>(step_index<I>) KWIRE_PART noexcept {
        p = skip_step_at<S, V, I>(p);
        if constexpr (Keep) ends[I] = static_cast<std::uint32_t>(p - base);
    };
    [&]<unsigned... I>(std::integer_sequence<unsigned, I...>) KWIRE_PART noexcept {
        (one(std::integral_constant<unsigned, I>{}), ...);
    }(std::make_integer_sequence<unsigned, layout.step_count>{});
    p += layout.tail;
    if constexpr (layout.flexible) return skip_tags(layout, p);
    return p;
}

} // namespace kwire::inline KWIRE_ABI::detail
