#include "echo_broker/records/old_format.hpp"

#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/down_convert.hpp>

#include <algorithm>
#include <utility>

namespace echo_broker {

using kwire::error_code;

namespace {

error_code failure_of(const kwire::error& why) {
    return why.code == kwire::errc::unsupported_compression
               ? error_code::unsupported_compression_type // zstd, which these formats do not have (KIP-110)
               : error_code::unknown_server_error;
}

} // namespace

old_format_records old_format_reader::read(const partition_log& log, std::int64_t offset, std::uint64_t limit,
                                           bool at_least_one) {
    const kwire::down_conversion format{.magic = version_ < 2 ? std::int8_t{0} : std::int8_t{1},
                                        .first_offset = offset,
                                        .cap = codecs::most_bytes};
    const bool may_cut = version_ < 3;
    std::size_t left = std::min(left_, most_of_partition);
    old_format_records found;
    while (found.records.size() < limit || (found.records.empty() && at_least_one && !may_cut)) {
        const kwire::shared_buffer one = log.read(offset, 0, true).to_bytes(); // the next batch
        if (one.empty()) break;
        const auto batch = kwire::batch_at(one.span());
        if (!batch) return {.records = {}, .failure = error_code::unknown_server_error};
        if (batch->magic() > format.magic && batch->compression() != kwire::compression_type::none &&
            !batch->is_control()) {
            if (left == 0) break;
            --left, --left_;
        }
        auto converted = kwire::down_convert(one, format, codecs_.all);
        if (!converted) {
            if (found.records.empty()) found.failure = failure_of(converted.error());
            break; // after the records before it, which the client can read, the next answer says so
        }
        if (found.records.size() + converted->records.size() > limit) {
            if (!found.records.empty()) break;
            if (may_cut)
                converted->records = *converted->records.to_bytes().slice(0, static_cast<std::size_t>(limit));
            else if (!at_least_one)
                break;
        }
        found.records.put(std::move(converted->records));
        offset = batch->next_offset();
    }
    return found;
}

} // namespace echo_broker
