/// Internal: a check that notes where the steps of structs end, for a walk that visits them afterwards.
///
/// Without the notes such a walk goes over all that is in a struct once more to find the next one: over the
/// partitions of each topic, if the names of topics are wanted.
#pragma once

#include <kwire/schema/detail/walk.hpp>
#include <kwire/schema/field.hpp>
#include <kwire/wire/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// The ends of the structs in which something is wanted: array by array, in the order in which both the check
/// and the walk come to them. Those of the message itself, and those in tags, are not among them.
class noted_ends {
public:
    /// The notes take no more memory than `bytes`, which is that of the message: arrays of structs that are
    /// smaller than their notes are not noted.
    explicit noted_ends(std::size_t bytes) noexcept : room_(bytes / sizeof(std::uint32_t)) {}

    /// Adds an array of `count` structs with so many steps each. Returns false if there is no room for them.
    [[nodiscard]] bool add(std::uint32_t count, std::uint8_t steps) {
        const std::uint64_t size = std::uint64_t{count} * steps;
        if (size > room_ - ends_.size()) return false;
        ends_.resize(ends_.size() + static_cast<std::size_t>(size));
        return true;
    }
    [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
    [[nodiscard]] std::uint32_t* at(std::size_t position) noexcept { return ends_.data() + position; }

    /// Goes over an array that `add` was called for; nullptr if it returned false.
    [[nodiscard]] const std::uint32_t* next(std::uint32_t count, std::uint8_t steps) noexcept {
        const std::uint64_t size = std::uint64_t{count} * steps;
        if (size > room_ - next_) return nullptr;
        const std::uint32_t* const first = ends_.data() + next_;
        next_ += static_cast<std::size_t>(size);
        return first;
    }

private:
    std::vector<std::uint32_t> ends_;
    std::size_t room_;
    std::size_t next_ = 0;
};

/// Checks as check_struct does, and notes the ends of structs in which something is wanted. It makes no
/// error: who wants to know why a message is refused calls check_struct.
class noting_check {
public:
    noting_check(entity_set wanted, check_state& state, noted_ends& noted) noexcept
        : wanted_(wanted), state_(state), noted_(noted) {}

    /// Checks a struct and notes what is in it. `ends` gives where to store its own ends: they may move.
    /// Returns the position after it, or nullptr.
    template <class Ends>
    [[nodiscard]] const std::byte* one(const struct_layout& layout, const std::byte* p, const Ends& ends) {
        const std::byte* const base = p;
        if (layout.first_need > state_.left(p)) [[unlikely]]
            return nullptr;
        std::uint32_t* at = ends();
        for (unsigned i = 0; i != layout.step_count; ++i) {
            const walk_step& step = layout.steps[i];
            if (step.child != nullptr && step.child->meanings.intersects(wanted_)) {
                p = structs(step, layout, p);
                at = ends();
            } else {
                const std::byte* const next = check_simple_step(step, p, state_);
                p = next != nullptr ? next : check_any_step(i, layout, p, state_);
            }
            if (p == nullptr) [[unlikely]]
                return nullptr;
            at[i] = static_cast<std::uint32_t>(p - base);
        }
        p += layout.tail;
        return layout.flexible ? check_tag_section(layout, p, state_) : p;
    }

private:
    /// The structs of a step: an array, or one that may be null.
    [[nodiscard]] const std::byte* structs(const walk_step& step, const struct_layout& layout,
                                           const std::byte* p) {
        const struct_layout& inner = step.child->layouts[layout.version_index];
        const checked_count counted = check_count(step, layout, p + step.fixed, state_);
        if (counted.content == nullptr) [[unlikely]]
            return nullptr;
        p = counted.content;
        if (std::uint64_t{counted.count} * inner.min_size > state_.left(p)) [[unlikely]]
            return nullptr;
        const std::size_t at = noted_.size();
        if (counted.count != 0)
            p = noted_.add(counted.count, inner.step_count)
                    ? all(inner, p, counted.count, at)
                    : check_structs(step, layout, p, counted.count, state_);
        return p != nullptr && step.next_need <= state_.left(p) ? p : nullptr;
    }
    /// `count` structs in a row, whose ends are noted from `at` on.
    [[nodiscard]] const std::byte* all(const struct_layout& layout, const std::byte* p, std::uint32_t count,
                                       std::size_t at) {
        element_shape shape; // of the last element that was checked step by step
        for (; count != 0; --count, at += layout.step_count) {
            if (shape.size <= state_.left(p) && shape.fits(p)) {
                std::uint32_t* const ends = noted_.at(at);
                for (unsigned i = 0; i != layout.step_count; ++i) ends[i] = (ends - layout.step_count)[i];
                p += shape.size;
                continue;
            }
            const std::byte* const end = one(layout, p, [this, at] { return noted_.at(at); });
            if (end == nullptr) [[unlikely]]
                return nullptr;
            if (count != 1) shape.learn(layout, p, end, noted_.at(at));
            p = end;
        }
        return p;
    }

    entity_set wanted_;
    check_state& state_;
    noted_ends& noted_;
};

} // namespace kwire::inline KWIRE_ABI::detail
