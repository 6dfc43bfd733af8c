/// Both walks over a layout that is known at compile time, unrolled: for views whose version is a constant.
#pragma once

#include <kwire/schema/trusted_walk.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire::detail {

template <class S, int V, bool Keep>
const std::byte* check_struct_at(const std::byte* p, check_state& state, std::uint32_t* ends) noexcept;
template <class S, int V, bool Keep>
const std::byte* skip_struct_at(const std::byte* p, std::uint32_t* ends) noexcept;

/// The elements of an array of structs, or a single one: checked if `State` is a check_state, else skipped.
template <class S, int V, class State>
class element_walker {
public:
    explicit element_walker(State& state) noexcept : state_(state) {}

    KWIRE_ALWAYS_INLINE const std::byte* operator()(const struct_layout&, const std::byte* p) noexcept {
        static constexpr const struct_layout& layout = layout_at<S, V>;
        if constexpr (layout.steady) {
            if (before_ != nullptr && enough(p) && same_shape<checks>(layout, before_, p, ends_)) {
                before_ = p;
                return p + size_;
            }
            const std::byte* const end = walk<true>(p);
            before_ = end != nullptr && end[-1] == std::byte{0} ? p : nullptr;
            if (before_ != nullptr) size_ = static_cast<std::uint32_t>(end - p);
            return end;
        } else {
            return walk<false>(p);
        }
    }

    KWIRE_ALWAYS_INLINE static const std::byte* hop_untagged(const struct_layout& layout, const std::byte* p,
                                                             std::uint32_t count,
                                                             std::uint32_t& done) noexcept {
        return detail::hop_untagged(layout, p, count, done);
    }

private:
    static constexpr bool checks = std::is_same_v<State, check_state>;

    [[nodiscard]] bool enough(const std::byte* p) const noexcept {
        if constexpr (checks)
            return size_ <= state_.left(p);
        else
            return true;
    }
    template <bool Keep>
    KWIRE_ALWAYS_INLINE const std::byte* walk(const std::byte* p) noexcept {
        if constexpr (checks)
            return check_struct_at<S, V, Keep>(p, state_, ends_);
        else
            return skip_struct_at<S, V, Keep>(p, ends_);
    }

    State& state_;
    const std::byte* before_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t ends_[max_steady_steps]{};
};

/// Stands for the state of a walk that checks nothing.
struct no_check {};

/// Stands for the walker of structs that a step has none of.
struct no_child {
    const std::byte* operator()(const struct_layout&, const std::byte* p) const noexcept { return p; }
    static const std::byte* hop_untagged(const struct_layout&, const std::byte* p, std::uint32_t,
                                         std::uint32_t&) noexcept {
        return p;
    }
};

template <class S, int V, class State>
KWIRE_ALWAYS_INLINE auto child_walker(State& state) noexcept {
    if constexpr (std::is_void_v<S>)
        return no_child{};
    else
        return element_walker<S, V, State>(state);
}

/// The unrolled form of `check_struct`. It notes no error: whoever called it asks `check_struct` why.
template <class S, int V, bool Keep>
inline const std::byte* check_struct_at(const std::byte* p, check_state& state,
                                        std::uint32_t* ends) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    const std::byte* const base = p;
    if (layout.first_need > state.left(p)) [[unlikely]]
        return nullptr;
    [[maybe_unused]] const auto one = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) noexcept {
        constexpr walk_step step = layout.steps[I];
        p = check_step<false>(step, I, layout, p, state, child_walker<child_of<S, step.field>, V>(state));
        if (p == nullptr) [[unlikely]]
            return false;
        if constexpr (Keep) ends[I] = static_cast<std::uint32_t>(p - base);
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

/// Moves over a checked struct, and stores the ends of its steps if `Keep`.
template <class S, int V, bool Keep>
inline const std::byte* skip_struct_at(const std::byte* p, std::uint32_t* ends) noexcept {
    static constexpr const struct_layout& layout = layout_at<S, V>;
    const std::byte* const base = p;
    no_check nothing_to_check;
    [[maybe_unused]] const auto one = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) noexcept {
        constexpr walk_step step = layout.steps[I];
        p = skip_step(step, layout, p, child_walker<child_of<S, step.field>, V>(nothing_to_check));
        if constexpr (Keep) ends[I] = static_cast<std::uint32_t>(p - base);
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) noexcept {
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<layout.step_count>{});
    p += layout.tail;
    if constexpr (layout.flexible) return skip_tags(layout, p);
    return p;
}

} // namespace kwire::detail
