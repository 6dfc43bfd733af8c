#include "echo_broker/transactions/transaction.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace echo_broker {

namespace {

constexpr std::array<std::pair<transaction_state, std::string_view>, 6> names{{
    {transaction_state::empty, "Empty"},
    {transaction_state::ongoing, "Ongoing"},
    {transaction_state::prepare_commit, "PrepareCommit"},
    {transaction_state::prepare_abort, "PrepareAbort"},
    {transaction_state::complete_commit, "CompleteCommit"},
    {transaction_state::complete_abort, "CompleteAbort"},
}};

} // namespace

std::string_view name_of(transaction_state state) noexcept {
    return names[static_cast<std::size_t>(state)].second;
}

std::optional<transaction_state> state_named(std::string_view name) noexcept {
    const auto found = std::ranges::find(names, name, [](const auto& one) { return one.second; });
    if (found == names.end()) return std::nullopt;
    return found->first;
}

} // namespace echo_broker
