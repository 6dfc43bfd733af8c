/// What a request asked, in its order, and which part asks it now.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/split/detail/shape.hpp>
#include <kwire/wire/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

inline constexpr std::uint32_t no_part = 0xffffffff;

struct asked_partition {
    std::int32_t number = 0;
    std::uint32_t part = no_part;
    error_code error{}; ///< why it is in no part
};

struct asked_topic {
    std::string name;
    uuid id{};
    std::vector<asked_partition> partitions;
};

/// A group or a transaction, or the message itself.
struct asked_around {
    std::string name{};
    std::int64_t producer = -1;
    bool all_topics = false; ///< its list of topics is null
    error_code error{};      ///< why it is in no part, if it names no partition
    bool names_any = false;  ///< a partition
    std::vector<asked_topic> topics{};
    std::vector<std::uint32_t> parts{}; ///< ascending

    [[nodiscard]] around_key key() const noexcept { return {.name = name, .producer = producer}; }
};

/// What came of a part.
template <class Answer>
struct part_outcome {
    std::optional<Answer> answer;
    error_code failure{}; ///< where there is no answer
    bool settled = false;
};

} // namespace kwire::inline KWIRE_ABI::detail
