/// The walk over the first bytes of a struct (prefix_walk.hpp), unrolled for a layout that is known at
/// compile time.
///
/// It has the usual cases in line: what is all there, with a length in its usual form. For a field that is
/// cut, and for everything else, it calls the run-time form. It makes no error: the caller runs that form to
/// find out why.
#pragma once

#include <kwire/schema/detail/prefix_walk.hpp>
#include <kwire/schema/detail/unrolled_walk.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kwire::inline KWIRE_ABI::detail {

/// What of a walk is kept.
enum class prefix_notes : std::uint8_t {
    none, ///< of a struct in the message
    ends, ///< of an array's element, to be compared with those after it
    all,  ///< of the message, whose view needs them: how far it is there, too
};

template <class S, int V, prefix_notes Notes>
KWIRE_PART const std::byte* walk_prefix_at(const std::byte* p, prefix_state& state, std::uint32_t* ends,
                                           seen_part* part) noexcept;

/// The elements of an array of structs, or a single one: `count`, of which not all may be there. Notes in
/// `part`, if it is not nullptr, which is the first that is not.
template <class S, int V>
KWIRE_ALWAYS_INLINE const std::byte* walk_prefix_elements_at(const std::byte* p, std::uint32_t count,
                                                             prefix_state& state, seen_part* part) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    std::uint32_t element = 0;
    if constexpr (layout.step_count == 0 && layout.min_size != 0) {
        const std::uint64_t there = state.left(p) / layout.min_size;
        p = hop_untagged(layout, p, there < count ? static_cast<std::uint32_t>(there) : count, element);
    }
    element_shape shape; // of the last element that was walked step by step
    [[maybe_unused]] std::uint32_t ends[max_scalar_array_steps]{};
    for (; element < count; ++element) {
        const std::byte* end = nullptr;
        if constexpr (layout.only_scalar_arrays) {
            if (shape.size <= state.left(p) && shape.fits(p)) {
                p += shape.size;
                continue;
            }
            end = walk_prefix_at<S, V, prefix_notes::ends>(p, state, ends, nullptr);
            if (end != nullptr && element + 1 != count) shape.learn(layout, p, end, ends);
        } else {
            end = walk_prefix_at<S, V, prefix_notes::none>(p, state, nullptr, nullptr);
        }
        if (end == nullptr) [[unlikely]] {
            if (part != nullptr) *part = {p, element, 0};
            return nullptr;
        }
        p = end;
    }
    return p;
}

/// Step number `I`, which was left to the run-time form.
template <class S, int V, unsigned I>
KWIRE_COLD KWIRE_NOINLINE inline const std::byte*
walk_rare_prefix_step(const std::byte* p, prefix_state& state, seen_part* part) noexcept {
    seen_part unused;
    return walk_prefix_step(I, layout_at<S, V>, p, state, part != nullptr ? *part : unused);
}

/// One step. Its fixed bytes and the least bytes of its length are there, and if it `all_there`, so is what
/// must follow it.
template <class S, int V, unsigned I>
KWIRE_ALWAYS_INLINE const std::byte* walk_prefix_step_at(const std::byte* p, prefix_state& state,
                                                         seen_part* part, bool& all_there) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    constexpr walk_step step = layout.steps[I];
    using child = child_of<S, step.field>;
    if constexpr (size_follows_from_count(step.form)) {
        const decoded_length usual =
            usual_length_of<step.form>(step.minimum == 0, p + step.fixed, state.left(p + step.fixed));
        const std::uint64_t size = std::uint64_t{usual.value} * step.width + step.next_need;
        all_there = usual.content != nullptr && state.address_of(usual.content) + size <= state.end;
        if (all_there) [[likely]]
            return hop(usual.content, usual.value, step.width);
    } else if constexpr (!std::is_void_v<child>) {
        constexpr std::uint32_t width = is_single_struct(step.form) ? 0 : layout_at<child, V>.min_size;
        const decoded_length usual =
            usual_length_of<step.form>(step.minimum == 0, p + step.fixed, state.left(p + step.fixed));
        if (usual.content != nullptr &&
            std::uint64_t{usual.value} * width <= state.left(usual.content) + state.beyond) [[likely]]
            return walk_prefix_elements_at<child, V>(usual.content, usual.value, state, part);
    }
    return walk_rare_prefix_step<S, V, I>(p, state, part);
}

/// The steps from number `I` on, at `p`, and the tags, of a struct that begins at `base`. If it is `there`,
/// the bytes are that must be before the next length.
template <class S, int V, prefix_notes Notes, unsigned I>
KWIRE_ALWAYS_INLINE const std::byte* walk_prefix_from_at(const std::byte* base, const std::byte* p,
                                                         prefix_state& state, std::uint32_t* ends,
                                                         seen_part* part, bool there) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    constexpr std::uint16_t need = I == 0 ? layout.first_need : layout.steps[I - 1].next_need;
    if (!there && need > state.left(p)) [[unlikely]] {
        if constexpr (Notes == prefix_notes::all) *part = {nullptr, 0, I};
        return stop_prefix_end(state, layout, I, p, need);
    }
    if constexpr (I == layout.step_count) {
        if constexpr (Notes == prefix_notes::all) *part = {nullptr, 0, I};
        p += layout.tail;
        if constexpr (!layout.flexible) return p;
        return *p == std::byte{0} ? p + 1 : walk_prefix_tags(layout, p, state);
    } else {
        bool all_there = false;
        const std::byte* const next = walk_prefix_step_at<S, V, I>(p, state, part, all_there);
        if (!all_there && next == nullptr) [[unlikely]] {
            if constexpr (Notes == prefix_notes::all) part->steps = I;
            return nullptr;
        }
        if constexpr (Notes != prefix_notes::none) ends[I] = static_cast<std::uint32_t>(next - base);
        return walk_prefix_from_at<S, V, Notes, I + 1>(base, next, state, ends, part, all_there);
    }
}

/// The unrolled form of `walk_prefix`. nullptr with `state.cut` is a cut; without it, a refusal or something
/// that the run-time form must decide.
template <class S, int V, prefix_notes Notes>
KWIRE_PART inline const std::byte* walk_prefix_at(const std::byte* p, prefix_state& state,
                                                  std::uint32_t* ends, seen_part* part) noexcept {
    return walk_prefix_from_at<S, V, Notes, 0>(p, p, state, ends, part, false);
}

} // namespace kwire::inline KWIRE_ABI::detail
