// DescribeTransactions and ListTransactions: what administrators see of transactions (KIP-664).
#include <kwire/messages/describe_transactions.hpp>
#include <kwire/messages/list_transactions.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/groups/topic_pattern.hpp"
#include "echo_broker/transactions/handlers.hpp"

namespace echo_broker {

kwire::describe_transactions_response::data
describe_transactions(broker& here, const kwire::message<kwire::describe_transactions_request>& asked,
                      client&) {
    kwire::describe_transactions_response::data answer;
    std::set<std::string_view> described; // each once: a description may be far larger than an id
    for (const std::string_view id : asked->transactional_ids()) {
        if (!described.insert(id).second) continue;
        auto& out = answer.transaction_states.emplace_back();
        out.transactional_id = id;
        const auto found = here.transactions.all().find(id);
        if (id.empty()) {
            out.error_code = error_code::invalid_request;
        } else if (found == here.transactions.all().end()) {
            out.error_code = error_code::transactional_id_not_found;
        } else {
            const transaction& one = found->second;
            out.transaction_state = name_of(one.state);
            out.transaction_timeout_ms = one.timeout_ms;
            out.transaction_start_time_ms = one.started_at;
            out.producer_id = one.producer.id;
            out.producer_epoch = one.producer.epoch;
            for (const auto& [topic, partitions] : one.partitions) {
                auto& listed = out.topics.emplace_back();
                listed.topic = topic;
                for (const std::int32_t partition : partitions) listed.partitions.push_back(partition);
            }
        }
    }
    return answer;
}

kwire::list_transactions_response::data
list_transactions(broker& here, const kwire::message<kwire::list_transactions_request>& asked, client&) {
    kwire::list_transactions_response::data answer;
    std::set<transaction_state> states;
    for (const std::string_view name : asked->state_filters()) {
        if (const auto state = state_named(name))
            states.insert(*state);
        else
            answer.unknown_state_filters.emplace_back(name);
    }
    // A filter by unknown states only finds nothing.
    if (states.empty() && !asked->state_filters().empty()) return answer;
    const auto producer_ids = asked->producer_id_filters();
    const std::set<std::int64_t> producers(producer_ids.begin(), producer_ids.end());
    std::optional<topic_pattern> pattern;
    std::size_t steps_left = 50'000'000; // of the pattern over all ids
    if (const auto expression = asked->transactional_id_pattern(); expression && !expression->empty()) {
        pattern = topic_pattern::compile(*expression);
        if (!pattern) {
            answer.error_code = error_code::invalid_regular_expression;
            return answer;
        }
    }
    const std::int64_t now = milliseconds_now();
    const std::int64_t duration = asked->duration_filter();
    for (const auto& [id, one] : here.transactions.all()) {
        if (!states.empty() && !states.contains(one.state)) continue;
        if (!producers.empty() && !producers.contains(one.producer.id)) continue;
        if (duration >= 0 && (one.started_at < 0 || now - one.started_at <= duration)) continue;
        if (pattern) {
            const std::size_t cost = pattern->cost(id);
            if (cost > steps_left) { // the other clients wait meanwhile
                answer.transaction_states.clear();
                answer.error_code = error_code::invalid_regular_expression;
                return answer;
            }
            steps_left -= cost;
            if (!pattern->matches(id)) continue;
        }
        answer.transaction_states.push_back({.transactional_id = id,
                                             .producer_id = one.producer.id,
                                             .transaction_state = std::string(name_of(one.state))});
    }
    return answer;
}

} // namespace echo_broker
