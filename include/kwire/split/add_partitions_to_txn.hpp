/// AddPartitionsToTxn requests in parts: `split` and `error_answer` (split/split.hpp) for them.
///
/// From version 4 on a request has many transactions, each with a coordinator: the function that is given to
/// `split` sees the transactional id as `split_topic::around`.
#pragma once

#include <kwire/messages/add_partitions_to_txn.hpp>
#include <kwire/split/split.hpp>

#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// Versions 0 to 3: one transaction.
struct add_partitions_to_one_txn {
    using request = add_partitions_to_txn_request;
    using response = add_partitions_to_txn_response;
    using answered_partition = response::partition_result::data;
    using answered_topic = response::topic_result::data;

    static constexpr auto asked_topics = &request::data::v3_and_below_topics;
    static constexpr auto asked_name = &request::topic::data::name;
    static constexpr auto asked_partitions = &request::topic::data::partitions;

    static constexpr auto answered_topics = &response::data::results_by_topic_v3_and_below;
    static constexpr auto answered_name = &answered_topic::name;
    static constexpr auto answered_partitions = &answered_topic::results_by_partition;
    static constexpr auto answered_index = &answered_partition::partition_index;
    static constexpr auto error = &answered_partition::partition_error_code;

    static void fail(answered_partition&) noexcept {}
};

/// Versions from 4 on: many transactions.
struct add_partitions_to_many_txns {
    using request = add_partitions_to_txn_request;
    using response = add_partitions_to_txn_response;
    using answered_partition = response::partition_result::data;
    using answered_topic = response::topic_result::data;

    static constexpr auto asked_around = &request::data::transactions;
    static constexpr auto asked_around_name = &request::transaction::data::transactional_id;
    static constexpr auto asked_topics = &request::transaction::data::topics;
    static constexpr auto asked_name = &request::topic::data::name;
    static constexpr auto asked_partitions = &request::topic::data::partitions;

    static constexpr auto answered_around = &response::data::results_by_transaction;
    static constexpr auto answered_around_name = &response::result::data::transactional_id;
    static constexpr auto answered_topics = &response::result::data::topic_results;
    static constexpr auto answered_name = &answered_topic::name;
    static constexpr auto answered_partitions = &answered_topic::results_by_partition;
    static constexpr auto answered_index = &answered_partition::partition_index;
    static constexpr auto error = &answered_partition::partition_error_code;
    static constexpr auto top_error = &response::data::error_code;

    static constexpr int error_above_from = 4;
    static constexpr int error_covers_from = 4;

    static void fail(answered_partition&) noexcept {}
};

template <>
struct split_api<add_partitions_to_txn_request> {
    using response = add_partitions_to_txn_response;
    template <class F>
    static decltype(auto) at(int version, F&& f) {
        if (version < 4) return std::forward<F>(f)(add_partitions_to_one_txn{});
        return std::forward<F>(f)(add_partitions_to_many_txns{});
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
