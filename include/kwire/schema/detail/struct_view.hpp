/// Internal: what every generated view inherits: where the bytes of a struct are, and where its fields end.
#pragma once

#include <kwire/schema/detail/unrolled_walk.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

struct view_access;

/// The layout of a view: a pointer if the version is known at run time only, else empty.
template <class S, int V>
struct layout_ref {};
template <class S>
struct layout_ref<S, any_version> {
    const struct_layout* pointer;
};

/// Where the steps end, after a leading 0, so that the anchor of a field is an index.
template <std::size_t Steps>
struct step_ends {
    std::uint32_t at[Steps + 1];
};
template <>
struct step_ends<0> {};

/// Whether the check has seen that tags rise and end where their sizes say, as correct peers write them: then
/// one is found without a walk over the values of those before it.
template <bool HasTags>
struct tag_knowledge {};
template <>
struct tag_knowledge<true> {
    bool regular = false;
};

template <class S, int V>
consteval std::size_t steps_of() {
    if constexpr (V == any_version)
        return tables_of<S>::max_steps;
    else
        return layout_at<S, V>.step_count;
}

} // namespace detail

/// The base of every view of the struct `S`. `V` is its version, or `any_version` if that is known at run
/// time.
template <class S, int V>
class struct_view {
    friend struct detail::view_access;

public:
    /// An empty view; assign to it before use.
    // cost: if it were constexpr, GCC 12 would clear all of the view first: 25 instructions, 7 % of parsing a
    // small request.
    struct_view() noexcept : base_(nullptr), layout_(), ends_(), tags_() {}

private:
    const std::byte* base_;
    KWIRE_NO_UNIQUE_ADDRESS detail::layout_ref<S, V> layout_;
    KWIRE_NO_UNIQUE_ADDRESS detail::step_ends<detail::steps_of<S, V>()> ends_;
    KWIRE_NO_UNIQUE_ADDRESS detail::tag_knowledge<detail::tables_of<S>::has_tags> tags_;
};

namespace detail {

/// What the library does with the inside of views.
struct view_access {
    template <class View>
    static View make(const std::byte* base, const struct_layout& layout) noexcept {
        View view;
        place(view, base, layout);
        return view;
    }

    /// Where the check of a message stores the ends of the steps of its view. `adopt` completes the view.
    template <class S, int V>
    KWIRE_SMALL static std::uint32_t* ends(struct_view<S, V>& view) noexcept {
        if constexpr (steps_of<S, V>() != 0)
            return view.ends_.at + 1;
        else
            return nullptr;
    }
    template <class S, int V>
    KWIRE_SMALL static void adopt(struct_view<S, V>& view, const std::byte* base,
                                  const struct_layout& layout) noexcept {
        view.base_ = base;
        if constexpr (V == any_version) view.layout_.pointer = &layout;
    }

    template <class S, int V>
    static void place(struct_view<S, V>& view, const std::byte* base, const struct_layout& layout) noexcept {
        view.base_ = base;
        if constexpr (V == any_version) view.layout_.pointer = &layout;
        if constexpr (steps_of<S, V>() == 0)
            return;
        else if constexpr (V == any_version)
            find_ends(layout, base, false, view.ends_.at + 1);
        else
            skip_struct_at<S, V, true>(base, view.ends_.at + 1);
    }

    /// The same bytes as a view with the version as a constant, or without. Nothing is walked again.
    template <class To, class S, int V>
    static To convert(const struct_view<S, V>& from) noexcept {
        To view;
        view.tags_ = from.tags_;
        const struct_layout& at = layout(from);
        adopt(view, from.base_, at);
        if constexpr (steps_of<S, V>() != 0 && !std::is_empty_v<decltype(view.ends_)>)
            for (std::size_t i = 0; i < at.step_count; ++i) view.ends_.at[i + 1] = from.ends_.at[i + 1];
        return view;
    }

    /// Notes that a strict check accepts the tag section of the view.
    template <class S, int V>
    static void trust_tags([[maybe_unused]] struct_view<S, V>& view) noexcept {
        if constexpr (tables_of<S>::has_tags) view.tags_.regular = true;
    }

    /// Moves a view of an array's element to the next element, which must exist.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static void advance(struct_view<S, V>& view) noexcept {
        if constexpr (V == any_version && steps_of<S, V>() != 0) {
            view.base_ = find_next(*view.layout_.pointer, view.base_, view.ends_.at + 1);
        } else {
            const std::byte* const next = end(view);
            [[maybe_unused]] const std::byte* const before = std::exchange(view.base_, next);
            if constexpr (steps_of<S, V>() != 0)
                if (!layout_at<S, V>.only_scalar_arrays ||
                    !same_shape(layout_at<S, V>, before, next, view.ends_.at + 1))
                    skip_struct_at<S, V, true>(next, view.ends_.at + 1);
        }
    }

    template <class S, int V>
    KWIRE_SMALL static const std::byte* base(const struct_view<S, V>& view) noexcept {
        return view.base_;
    }
    template <class S, int V>
    KWIRE_SMALL static const struct_layout& layout(const struct_view<S, V>& view) noexcept {
        if constexpr (V == any_version)
            return *view.layout_.pointer;
        else
            return layout_at<S, V>;
    }
    template <class S, int V>
    KWIRE_SMALL static const std::byte* tags(const struct_view<S, V>& view) noexcept {
        const struct_layout& at = layout(view);
        if constexpr (steps_of<S, V>() == 0)
            return view.base_ + at.tail;
        else
            return view.base_ + view.ends_.at[at.step_count] + at.tail;
    }
    template <class S, int V>
    KWIRE_SMALL static const std::byte* end(const struct_view<S, V>& view) noexcept {
        const std::byte* const p = tags(view);
        const struct_layout& at = layout(view);
        return at.flexible ? skip_tags(at, p) : p;
    }

    /// Moves the view to a copy of its bytes at `base`.
    template <class S, int V>
    static void move_to(struct_view<S, V>& view, const std::byte* base) noexcept {
        view.base_ = base;
    }

    /// Whether the view's version has the field.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static bool has(const struct_view<S, V>& view, const field_info& field) noexcept {
        return field.versions.contains(layout(view).version);
    }

    /// The byte `delta` bytes after the end of the last of `anchor` variable-length fields.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static const std::byte* at(const struct_view<S, V>& view, std::size_t anchor,
                                                   std::size_t delta) noexcept {
        const std::byte* p = view.base_ + delta;
        if constexpr (steps_of<S, V>() != 0) p += view.ends_.at[anchor];
        return p;
    }

    /// The first byte of a field, or of its payload if it is tagged; nullptr if the bytes do not hold it.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static const std::byte* find(const struct_view<S, V>& view, std::size_t field,
                                                     [[maybe_unused]] bool tagged) noexcept {
        const field_place& place = layout(view).places[field];
        if (place.anchor == field_place::absent) return nullptr;
        if constexpr (tables_of<S>::has_tags)
            if (tagged) {
                const std::byte* const section = tags(view);
                if (*section == std::byte{0}) return nullptr;
                return view.tags_.regular ? find_regular_tag(section, place.delta)
                                          : find_tag(layout(view), section, place.delta);
            }
        return at(view, place.anchor, place.delta);
    }
};

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
