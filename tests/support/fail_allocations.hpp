/// Refuses each allocation of an operation in turn: what kwire promises for the case that memory runs out.
///
///     CHECK(support::fail_each_allocation(support::fallible{
///               .prepare = [] { return std::vector{1}; },
///               .change = [](auto& list) { list.push_back(2); },
///               .unchanged = [](const auto& list) { return list == std::vector{1}; },
///               .changed = [](const auto& list) { return list == std::vector{1, 2}; },
///           }) == support::kept_promise(1)); // one allocation was refused
///
/// Include it in one source file of a program. The lambdas return whether all is as it should be; they make
/// no assertions, because these allocate.
#pragma once

#include <cstddef>
#include <new>
#include <ostream>
#include <string_view>

#include "support/count_allocations.hpp"

namespace support {

template <class Prepare, class Change, class Unchanged, class Changed>
struct fallible {
    Prepare prepare;     ///< the state before, made again for each attempt
    Change change;       ///< what is tried
    Unchanged unchanged; ///< whether the state is as it was
    Changed changed;     ///< whether the state is as it should be
};
template <class Prepare, class Change, class Unchanged, class Changed>
fallible(Prepare, Change, Unchanged, Changed) -> fallible<Prepare, Change, Unchanged, Changed>;

/// The result of `fail_each_allocation`.
struct promise {
    std::size_t refused = 0;   ///< so many allocations were refused, one at a time
    std::string_view broken{}; ///< empty, or what went wrong when the last of them was refused

    friend bool operator==(const promise&, const promise&) = default;
    friend std::ostream& operator<<(std::ostream& out, const promise& of) {
        return out << of.refused << " refused" << (of.broken.empty() ? "" : ": ") << of.broken;
    }
};
/// Nothing is wrong, and so many allocations were refused. (Where none can be, there were none.)
[[nodiscard]] constexpr promise kept_promise(std::size_t refused) noexcept {
    return {counts_allocations ? refused : 0, {}};
}

/// Tries an operation again and again, with its first allocation refused, its second, ... until there are no
/// more. After each refusal the state must be unchanged; the operation must succeed on it then; and nothing
/// may be left allocated when the state is gone.
template <class Prepare, class Change, class Unchanged, class Changed>
[[nodiscard]] promise fail_each_allocation(const fallible<Prepare, Change, Unchanged, Changed>& tried) {
    for (promise result;; ++result.refused) {
        const std::size_t live = live_allocations;
        bool refused = false;
        {
            auto state = tried.prepare();
            refused_allocation = result.refused + 1;
            try {
                tried.change(state);
            } catch (const std::bad_alloc&) {
                refused = true;
            }
            if (!counts_allocations || refused_allocation != 0) { // there are not so many
                refused_allocation = 0;
                if (refused)
                    result.broken = "bad_alloc without a refused allocation";
                else if (!tried.changed(state))
                    result.broken = "wrong after success";
            } else if (!refused) {
                result.broken = "the refusal was hidden";
            } else if (!tried.unchanged(state)) {
                result.broken = "changed by a failure";
            } else {
                tried.change(state);
                if (!tried.changed(state)) result.broken = "wrong after a failure and a second attempt";
            }
        }
        if (result.broken.empty() && live_allocations != live) result.broken = "memory was left allocated";
        if (!refused || !result.broken.empty()) return result;
    }
}

} // namespace support
