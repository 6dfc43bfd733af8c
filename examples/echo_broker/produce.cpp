// Produce: check the batches, stamp their offsets in place, and keep them.
#include <kwire/read/edit.hpp>
#include <kwire/records/edit.hpp>

#include <expected>
#include <optional>
#include <utility>
#include <vector>

#include "broker.hpp"
#include "check.hpp"

namespace echo_broker {

/// An accepted batch: it has its offsets, and is added to the log once the request is frozen.
struct broker::taken_batch {
    partition_log* log;
    kwire::batch_view batch;
};

reply broker::produce(kwire::request_frame frame) {
    const std::int16_t version = frame.api_version();
    auto parsed = read<kwire::produce_request>(std::move(frame));
    if (!parsed) return hang_up(parsed.error());
    // This is the only reference to the frame, so nothing is copied; a copy would be counted in the totals.
    auto request = kwire::edit(*std::move(parsed), kwire::if_shared::copy);
    if (!request) return hang_up(request.error());
    const bool acks_are_valid = request->acks() >= -1 && request->acks() <= 1;

    std::string refused; // the last reason
    std::vector<taken_batch> taken;
    kwire::produce_response::data answer;
    for (auto topic_data : request->topic_data()) {
        topic* const topic =
            version >= 13 ? topics_.find(topic_data.topic_id()) : topics_.find(topic_data.name());
        auto& out = answer.responses.emplace_back();
        out.name = topic_data.name();
        out.topic_id = topic_data.topic_id();
        for (auto partition : topic_data.partition_data()) {
            auto& result = out.partition_responses.emplace_back();
            result.index = partition.index();
            result.base_offset = -1;
            const auto refuse = [&](error_code code, std::string why) {
                result.error_code = code;
                if (version >= 8) result.error_message = why;
                refused = std::move(why);
            };
            partition_log* const log = topic != nullptr ? topic->partition(partition.index()) : nullptr;
            if (!acks_are_valid) {
                refuse(error_code::invalid_required_acks, "acks must be -1, 0 or 1");
                continue;
            }
            if (log == nullptr) {
                refuse(version >= 13 && topic == nullptr ? error_code::unknown_topic_id
                                                         : error_code::unknown_topic_or_partition,
                       "no such partition");
                continue;
            }
            const auto accepted = check(partition.records(), version, codecs_);
            if (!accepted) {
                refuse(accepted.error().code, accepted.error().why);
                continue;
            }
            const kwire::batch_view batch = accepted->batch;
            const auto stored_at = producers_.find(*log, batch);
            if (!stored_at) {
                refuse(stored_at.error(), std::string(describe(stored_at.error())));
                continue;
            }
            result.log_start_offset = log->start_offset();
            result.base_offset = stored_at->value_or(log->end_offset());
            if (*stored_at) continue; // a retry of what was stored before: acknowledged, not stored again

            // Neither fails for a batch that check() accepted.
            if (accepted->correction)
                if (auto done = kwire::apply(*request, batch, *accepted->correction); !done)
                    return hang_up(done.error());
            const auto done = kwire::stamp(
                *request, batch, {.base_offset = log->end_offset(), .partition_leader_epoch = leader_epoch});
            if (!done) return hang_up(done.error());
            producers_.add(*log, batch, log->end_offset());
            log->advance(done->next_offset);
            taken.push_back({log, batch});
        }
    }
    const std::int16_t acks = request->acks();

    // From here on the bytes are shared and read-only: the log keeps its batches as slices of the frame.
    const auto shared = std::move(*request).freeze();
    if (!keep(shared, taken)) return std::unexpected("a batch is not part of its request");
    if (acks != 0) return write(answer, version, shared.correlation_id());
    if (!refused.empty()) return std::unexpected("refused records without acknowledgement: " + refused);
    return kwire::buffer_chain{};
}

/// Appends batches of `request` to their logs. A slice of a frame keeps all of it alive: if most of it is not
/// kept (refused records, fields that no one needs), the batches are copied out of it.
bool broker::keep(const kwire::message<kwire::produce_request>& request, std::span<const taken_batch> taken) {
    constexpr std::uint64_t always_tolerable = 4096; // headers, names and the page that is not full
    const std::uint64_t whole = request.frame().pinned_bytes();
    std::uint64_t kept = 0;
    for (const taken_batch& one : taken) kept += bytes_of(one.batch).size();
    const bool copy = whole > 2 * kept + always_tolerable;

    std::uint64_t not_counted = whole; // memory of the frame, which is free when its last batch is dropped
    for (const taken_batch& one : taken) {
        auto bytes = request.slice(bytes_of(one.batch));
        if (!bytes) return false;
        if (copy) {
            totals_.copied_to_free += bytes->size();
            *bytes = bytes->detach();
        }
        ++totals_.batches;
        totals_.bytes_in += bytes->size();
        const bool is_last = &one == &taken.back();
        const std::uint64_t memory = copy ? bytes->pinned_bytes() : is_last ? not_counted : 0;
        one.log->append(records_, stored_batch(one.batch, *std::move(bytes), memory));
    }
    return true;
}

} // namespace echo_broker
