// Produce: check the batches, stamp their offsets in place, and keep them.
#include <kwire/messages/produce.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/records/edit.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/clock.hpp"
#include "echo_broker/log/check.hpp"
#include "echo_broker/log/message_set.hpp"
#include "echo_broker/records/handlers.hpp"
#include "echo_broker/transactions/produce_in_transaction.hpp"

namespace echo_broker {

namespace {

/// An accepted batch: it has its offsets, and is added to the log once the request is frozen.
struct taken_batch {
    partition_log* log;
    const topic_config* config;
    kwire::batch_view batch;
    std::int64_t first_offset;
    kwire::shared_buffer rebuilt{}; ///< holds the batch if its own bytes could not be kept
};

/// Appends batches of `request` to their logs. A slice of a frame keeps all of it alive: if most of it is not
/// kept (refused records, fields that no one needs), the batches are copied out of it.
void keep(broker& here, const kwire::message<kwire::produce_request>& request,
          std::span<const taken_batch> taken, client& from) {
    constexpr std::uint64_t always_tolerable = 4096; // headers, names and the page that is not full
    std::uint64_t kept = 0;
    for (const taken_batch& one : taken)
        if (one.rebuilt.empty()) kept += bytes_of(one.batch).size();
    const bool copy = request.frame().size() > 2 * kept + always_tolerable;

    for (const taken_batch& one : taken) {
        kwire::shared_buffer bytes = one.rebuilt;
        if (bytes.empty()) {
            auto slice = request.slice(bytes_of(one.batch));
            if (!slice) throw std::logic_error("a batch is not part of its request");
            bytes = *std::move(slice);
            if (copy) try {
                    bytes = bytes.detach();
                    here.done.copied_to_free += bytes.size();
                } catch (const std::bad_alloc&) { // it counts as stored, so it keeps its frame
                }
        }
        ++here.done.batches;
        here.done.bytes_in += bytes.size();
        stored_batch stored(one.batch, std::move(bytes));
        stored.base_offset =
            one.first_offset; // the offset field of an old wrapper is that of its last record
        from.newest_batch = one.log->append(here.records, std::move(stored), from.newest_batch);
        if (const auto most = one.config->retention_bytes; most >= 0)
            one.log->drop_beyond(here.records, static_cast<std::uint64_t>(most));
    }
}

/// One Produce request on its way into the logs.
class production {
public:
    using topic_answer = kwire::produce_response::topic_produce_response::data;
    using partition_answer = kwire::produce_response::partition_produce_response::data;

    production(broker& here, kwire::editable<kwire::produce_request> request)
        : here_(here), request_(std::move(request)), version_(request_.api_version()) {}

    /// Judges all batches, and gives offsets to those that are accepted.
    void take_all() {
        lacks_transactional_id_ = lacks_transactional_id();
        for (auto topic_data : request_->topic_data()) {
            topic* const topic = version_ >= 13 ? here_.topics.find(topic_data.topic_id())
                                                : here_.topics.find(topic_data.name());
            auto& out = answer_.responses.emplace_back();
            out.name = topic_data.name();
            out.topic_id = topic_data.topic_id();
            for (auto partition : topic_data.partition_data()) {
                auto& result = out.partition_responses.emplace_back();
                result.index = partition.index();
                result.base_offset = -1;
                take(topic, partition.records().value_or(std::span<const std::byte>()), result);
            }
        }
        std::erase_if(answer_.responses, [](const auto& topic) { return topic.partition_responses.empty(); });
    }

    /// Stores what was taken.
    void keep_taken(client& from) {
        acks_ = request_->acks();
        // From here on the bytes are shared and read-only: the log keeps its batches as slices of the frame.
        frozen_ = std::move(request_).freeze();
        keep(here_, *frozen_, taken_, from);
    }

    /// Answers.
    void finish(answer_to<kwire::produce_response> to) && {
        if (acks_ != 0) return to.send(answer_);
        if (!refused_.empty()) return to.hang_up("refused records without acknowledgement: " + refused_);
        to.send_nothing();
    }

private:
    /// Whether a batch is part of a transaction and the request does not say which: then Kafka refuses all,
    /// before it looks at anything else.
    [[nodiscard]] bool lacks_transactional_id() const {
        if (request_->transactional_id()) return false;
        for (auto topic_data : request_->topic_data())
            for (auto partition : topic_data.partition_data()) {
                const auto batch =
                    kwire::batch_at(partition.records().value_or(std::span<const std::byte>()));
                if (batch && !batch->is_legacy() && batch->is_transactional()) return true;
            }
        return false;
    }

    void refuse(partition_answer& result, error_code code, std::string why) {
        result.error_code = code;
        if (version_ >= 8) result.error_message = why;
        refused_ = std::move(why);
    }
    void refuse(partition_answer& result, error_code code) {
        refuse(result, code, std::string(describe(code)));
    }

    void take(topic* topic, std::span<const std::byte> records, partition_answer& result) {
        partition_log* const log = topic != nullptr ? topic->partition(result.index) : nullptr;
        if (lacks_transactional_id_) return refuse(result, error_code::transactional_id_authorization_failed);
        if (request_->acks() < -1 || request_->acks() > 1)
            return refuse(result, error_code::invalid_required_acks, "acks must be -1, 0 or 1");
        if (log == nullptr)
            return refuse(result,
                          version_ >= 13 && topic == nullptr ? error_code::unknown_topic_id
                                                             : error_code::unknown_topic_or_partition,
                          "no such partition");
        if (topic->is_internal()) // what is in it would be believed after the next start
            return refuse(result, error_code::invalid_topic_exception,
                          "only the broker itself writes to this topic");
        kwire::append_stamp stamp{.base_offset = log->end_offset(), .partition_leader_epoch = leader_epoch};
        if (topic->config.append_time) stamp.append_time = milliseconds_now();
        if (version_ < 3 && may_be_message_set(records))
            take_messages(*topic, *log, records, stamp, result);
        else
            take_batch(*topic, *log, records, stamp, result);
    }

    /// Messages of magic 0 and 1.
    void take_messages(const topic& topic, partition_log& log, std::span<const std::byte> records,
                       kwire::append_stamp stamp, partition_answer& result) {
        result.log_start_offset = log.start_offset();
        stamp.partition_leader_epoch.reset(); // they have none
        auto placed =
            place_message_set(request_, records, stamp, topic.config.max_message_bytes, here_.codecs);
        if (!placed) return refuse(result, placed.error().code, placed.error().why);
        if (placed->empty()) return; // as Kafka: nothing is stored, and nothing is wrong
        result.base_offset = stamp.base_offset;
        if (stamp.append_time) result.log_append_time_ms = *stamp.append_time;
        make_room(placed->size());
        for (placed_message& one : *placed) {
            log.advance(one.batch.next_offset());
            taken_.push_back({&log, &topic.config, one.batch, one.first_offset, std::move(one.rebuilt)});
        }
    }

    void take_batch(topic& topic, partition_log& log, std::span<const std::byte> records,
                    const kwire::append_stamp& stamp, partition_answer& result) {
        const auto accepted = check(records, version_, topic.config, here_.codecs);
        if (!accepted) {
            refuse(result, accepted.error().code, accepted.error().why);
            if (accepted.error().by_log) result.log_start_offset = log.start_offset();
            if (version_ >= 8)
                for (const std::int32_t index : accepted.error().records)
                    result.record_errors.emplace_back().batch_index = index;
            return;
        }
        const kwire::batch_view batch = accepted->batch;
        const error_code transaction = produce_in_transaction(
            here_, request_->transactional_id().value_or(""), version_, topic, result.index, batch);
        if (transaction != error_code::none) {
            if (!batch.is_transactional()) result.log_start_offset = log.start_offset();
            return refuse(result, transaction);
        }
        result.log_start_offset = log.start_offset();
        const auto stored_at = here_.producers.find(log, batch);
        if (!stored_at) return refuse(result, stored_at.error());
        result.base_offset = stored_at->value_or(stamp.base_offset);
        if (*stored_at) return; // a retry of what was stored before: acknowledged, not stored again

        // Neither fails for a batch that check() accepted.
        if (accepted->correction) must_be_done(kwire::apply(request_, batch, *accepted->correction));
        must_be_done(kwire::stamp(request_, batch, stamp));
        if (stamp.append_time) result.log_append_time_ms = *stamp.append_time;
        // From here on it counts as stored. If memory runs out before, it does not: each step changes all or
        // nothing, and an open transaction without a batch is ended by its coordinator.
        make_room(1);
        if (batch.is_transactional() && batch.producer_id() >= 0)
            log.transactions.write(batch.producer_id(), batch.producer_epoch(), stamp.base_offset);
        here_.producers.add(log, batch, stamp.base_offset);
        log.advance(batch.next_offset());
        taken_.push_back({&log, &topic.config, batch, stamp.base_offset});
    }

    /// For so many batches more in taken_.
    void make_room(std::size_t batches) {
        if (taken_.capacity() - taken_.size() < batches) taken_.reserve(2 * taken_.size() + batches);
    }

    template <class Result>
    static void must_be_done(const Result& done) {
        if (!done)
            throw std::logic_error("an accepted batch cannot be changed: " + kwire::to_string(done.error()));
    }

    broker& here_;
    kwire::editable<kwire::produce_request> request_;
    std::int16_t version_;
    kwire::produce_response::data answer_;
    std::string refused_; ///< the last reason
    std::vector<taken_batch> taken_;
    bool lacks_transactional_id_ = false;
    std::int16_t acks_ = 0;
    std::optional<kwire::message<kwire::produce_request>> frozen_; ///< once its batches are kept
};

} // namespace

void produce(broker& here, kwire::message<kwire::produce_request> received, client& from,
             answer_to<kwire::produce_response> to) {
    // This is the only reference to the frame, so nothing is copied; a copy would be counted in the totals.
    auto request = kwire::edit(std::move(received), kwire::if_shared::copy);
    if (!request) return to.hang_up(kwire::to_string(request.error()));
    production one(here, *std::move(request));
    std::exception_ptr out_of_memory;
    try {
        one.take_all();
    } catch (const std::bad_alloc&) { // those that were taken have their offsets, and are stored
        out_of_memory = std::current_exception();
    }
    one.keep_taken(from);
    if (out_of_memory) std::rethrow_exception(out_of_memory);
    std::move(one).finish(std::move(to));
}

} // namespace echo_broker
