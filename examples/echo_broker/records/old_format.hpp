// Fetch before version 4: the log in the formats that old consumers read.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/error_code.hpp>

#include <cstddef>
#include <cstdint>

#include "echo_broker/log/codecs.hpp"
#include "echo_broker/log/partition_log.hpp"

namespace echo_broker {

/// Records of one partition, or why there are none.
struct old_format_records {
    kwire::buffer_chain records;
    kwire::error_code failure = kwire::error_code::none;
};

/// Reads logs for one Fetch request of version 0 to 3: batches of a newer format than it knows (0 and 1:
/// magic 0; 2 and 3: magic 1) are converted, those of its format or an older one are sent as they are stored.
///
/// Batch by batch, so that the memory is bounded. As much as fits into one request is converted; the client
/// asks again for what follows.
class old_format_reader {
public:
    old_format_reader(std::int16_t version, const codecs& codecs) noexcept
        : version_(version), codecs_(codecs) {}

    /// The records from `offset` on, as many as fit into `limit` bytes. If the first batch does not fit:
    /// version 3 gets it regardless of its size if `at_least_one` (KIP-74); the older ones get its beginning,
    /// by which a consumer notices that it must allow more.
    [[nodiscard]] old_format_records read(const partition_log& log, std::int64_t offset, std::uint64_t limit,
                                          bool at_least_one);

private:
    // Converting decompresses: up to 64 MiB for one batch, however small it is.
    static constexpr std::size_t most_of_partition = 16; ///< compressed batches that are converted
    static constexpr std::size_t most_of_request = 64;

    std::int16_t version_;
    const codecs& codecs_;
    std::size_t left_ = most_of_request;
};

} // namespace echo_broker
