#include "connection_table.hpp"

#include <algorithm>
#include <tuple>

namespace dump {

bool connection_table::is_listed(std::uint16_t port) const noexcept {
    return std::ranges::find(ports_, port) != ports_.end();
}

bool connection_table::is_wanted(const segment& one) const noexcept {
    return ports_.empty() || is_listed(one.source.port) || is_listed(one.target.port);
}

connection& connection_table::find(const segment& one) {
    const bool in_order = one.source < one.target;
    const auto same = [&](const key& ends) {
        return in_order ? ends.first == one.source && ends.second == one.target
                        : ends.first == one.target && ends.second == one.source;
    };
    if (!used_.empty() && same(used_.front().first) && !used_.front().second.is_over(one))
        return used_.front().second; // as a rule

    const key ends = in_order ? key(one.source, one.target) : key(one.target, one.source);
    if (const auto known = by_ends_.find(ends); known != by_ends_.end()) {
        used_.splice(used_.begin(), used_, known->second);
        if (!used_.front().second.is_over(one)) return used_.front().second;
        used_.front().second.end(context_);
        used_.pop_front();
        by_ends_.erase(known);
    } else if (used_.size() == most_connections) {
        used_.back().second.end(context_);
        by_ends_.erase(used_.back().first);
        used_.pop_back();
    }
    used_.emplace_front(std::piecewise_construct, std::forward_as_tuple(ends),
                        std::forward_as_tuple(ends.first, ends.second, ++numbers_));
    if (!ports_.empty()) used_.front().second.expect_broker(is_listed(ends.first.port) ? 0 : 1);
    by_ends_.emplace(ends, used_.begin());
    return used_.front().second;
}

void connection_table::add(const segment& one) {
    if (is_wanted(one)) find(one).add(one, context_);
}

void connection_table::end() {
    // In the order of their beginning, so that two runs show the same.
    used_.sort([](const auto& a, const auto& b) { return a.second.number() < b.second.number(); });
    for (auto& [ends, one] : used_) one.end(context_);
    by_ends_.clear();
    used_.clear();
}

} // namespace dump
