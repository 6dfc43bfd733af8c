/// What a request and its response are about: topics, partitions, records, errors.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/reflect/topic_directory.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "message.hpp"

namespace dump {

struct partition_facts {
    std::int64_t number = 0;
    std::int64_t at = -1;     ///< the offset that was committed, listed, or given to what was produced
    std::int64_t offset = -1; ///< from which a Fetch reads; -1: not said
    std::optional<std::int64_t> asked{}; ///< of ListOffsets: the time, or the number in its place
    std::int64_t records = -1;           ///< -1: there is no field of records
    std::uint64_t record_bytes = 0;
    bool records_cut = false; ///< there are more than counted
    kwire::error_code error{};
};

struct topic_facts {
    std::string name; ///< or the text of its id
    bool named = true;
    kwire::error_code error{};
    std::vector<partition_facts> partitions;
    std::map<std::int64_t, std::size_t> places; ///< of partitions, by their numbers
};

/// Of one exchange.
struct summary {
    std::vector<topic_facts> topics;
    std::map<std::string, std::size_t, std::less<>> places; ///< of topics, by their names
    std::vector<kwire::error_code> errors;                  ///< that are of no topic
    std::int64_t records = -1;
    bool records_cut = false;
    std::optional<bool> commits; ///< of EndTxn: whether it commits the transaction, or aborts it

    [[nodiscard]] bool has_error() const noexcept;
};

/// Adds what a message says. An error of reading is kept in `message`.
void summarize(seen_message& message, const kwire::topic_directory& topics, summary& to);

} // namespace dump
