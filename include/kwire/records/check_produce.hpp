/// Which records of a Produce request a leader takes, and with which code it refuses the others.
///
///     auto taken = kwire::check_produce(partition.records(), version, codecs, 64 << 20, {.compacted = true});
///     if (!taken) return answer(taken.error().code, taken.error().reason, taken.error().records);
///     append(taken->batch);
///
/// The rules are those of Kafka's leader, in its order: of the request (ProduceRequest.validateRecords), of
/// its log (UnifiedLog.analyzeAndValidateRecords) and of its LogValidator. What depends on the state of a
/// partition is not among them: sequence numbers, transactions, quotas, the size of a segment. Where Kafka's
/// reader is lenient, this is as strict as check_batches with codecs.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/compression/codec.hpp>
#include <kwire/compression/type.hpp>
#include <kwire/error.hpp>
#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/batch_header.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/check_content.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/read.hpp>
#include <kwire/records/record.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire {

/// The settings of a topic that decide which records a leader takes. The defaults are Kafka's, but for the
/// bounds of timestamps, which need a clock.
struct produce_rules {
    std::size_t max_message_bytes = 1048588; ///< max.message.bytes: of a batch with its header
    bool compacted = false;                  ///< cleanup.policy has "compact": each record needs a key
    /// message.timestamp.type: create_time or log_append_time. With the latter no producer may set it itself.
    kwire::timestamp_type timestamp_type = kwire::timestamp_type::create_time;
    /// ms; now minus message.timestamp.before.max.ms. Neither bound applies with log_append_time, nor to -1.
    std::int64_t oldest_timestamp = std::numeric_limits<std::int64_t>::min();
    /// ms; now plus message.timestamp.after.max.ms, which is an hour by default (KIP-937)
    std::int64_t newest_timestamp = std::numeric_limits<std::int64_t>::max();
    /// How many records a refusal names at most, because an answer should not be larger than its request.
    std::size_t most_named = 100;
};

/// Why a leader refuses records.
struct produce_refusal {
    error_code code{};         ///< for the partition's answer
    error why{};               ///< where the defect is, with offsets and paths as from check_batches
    std::string_view reason{}; ///< the rule in a few words for error_message, static; empty if `why` says all
    /// Whether Kafka's log refuses them, not the request: its answer then has the start of the log.
    bool by_log = false;
    /// For record_errors (KIP-467): the indices of the first records that break a rule for each record.
    std::vector<std::int32_t> records{};
};

/// Records that a leader takes.
struct produce_acceptance {
    batch_view batch{}; ///< the first; from version 3 on the only one; shows no batch if there is none
    /// What was found; max_timestamp is the largest of the records, whatever the headers say.
    batches_summary summary{};
    /// What the leader corrects in the header of the one batch of magic 2: a wrong timestamp type or largest
    /// timestamp. Not set with log_append_time, which stamps both.
    std::optional<batch_patch> correction{};
};

namespace detail {

/// A defect of a batch that a leader refuses by a rule, not because it cannot be read.
[[nodiscard]] inline error rule_defect(std::string_view field, std::size_t at) noexcept {
    error e{.code = errc::bad_value, .offset = at};
    e.enter({field});
    return e;
}

/// Looks at the records of a batch by the rules for each record.
class produce_record_rules {
public:
    explicit produce_record_rules(const produce_rules& rules) noexcept : rules_(rules) {}

    void operator()(batch_view batch, const record_view& record, const batch_records& records,
                    const std::byte* at, std::int64_t index) {
        std::string_view field;
        if (rules_.compacted && !record.key())
            field = "key";
        else if (has_wrong_timestamp(batch, record.timestamp()))
            field = "timestamp_delta";
        else
            return;
        any_timestamp_ |= field != "key";
        if (named_.size() < rules_.most_named) named_.push_back(static_cast<std::int32_t>(index));
        if (first_) return;
        const record_run& run = batch_records_access::run(records);
        first_ = rule_defect(field, static_cast<std::size_t>(at - run.bytes.data()));
        first_->enter({"records", index});
        first_ = run.placed(*first_);
    }

    /// The refusal for the records seen so far; its `why` still lacks the batch.
    [[nodiscard]] std::optional<produce_refusal> refusal() {
        if (!first_) return std::nullopt;
        if (any_timestamp_)
            return produce_refusal{
                error_code::invalid_timestamp, *first_,
                "a timestamp is out of range, or set by the producer to the time of appending", true,
                std::move(named_)};
        return produce_refusal{error_code::invalid_record, *first_, "a compacted topic needs keys", true,
                               std::move(named_)};
    }

private:
    [[nodiscard]] bool has_wrong_timestamp(batch_view batch, std::int64_t timestamp) const noexcept {
        if (rules_.timestamp_type == kwire::timestamp_type::create_time && timestamp != -1)
            return timestamp < rules_.oldest_timestamp || timestamp > rules_.newest_timestamp;
        return batch.timestamp_type() == kwire::timestamp_type::log_append_time;
    }

    const produce_rules& rules_;
    std::optional<error> first_;
    std::vector<std::int32_t> named_;
    bool any_timestamp_ = false;
};

class produce_checker {
public:
    produce_checker(std::int16_t version, const produce_rules& rules) noexcept
        : version_(version), rules_(rules) {}

    [[nodiscard]] expected<produce_acceptance, produce_refusal> check(std::span<const std::byte> records,
                                                                      const codec_set& codecs,
                                                                      std::size_t cap,
                                                                      unique_buffer& scratch) {
        if (version_ >= 3) {
            const auto only = only_batch(records);
            if (!only) return unexpected{only.error()};
            records = bytes_of(*only);
        }
        std::uint32_t index = 0;
        for (const auto batch : record_batches(records)) {
            if (!batch) break; // the checks below say why
            if (auto refused = refused_by_log(*batch))
                return unexpected{in_field(*std::move(refused), batch.offset(), index)};
            ++index;
        }
        return check_content(records, codecs, cap, scratch);
    }

private:
    [[nodiscard]] static produce_refusal unreadable(const error& why, bool by_log) noexcept {
        const error_code code = produce_error(why);
        return {code, why, {}, by_log && code != error_code::corrupt_message, {}};
    }
    [[nodiscard]] static produce_refusal invalid(std::string_view field, std::size_t at,
                                                 std::string_view reason, bool by_log) noexcept {
        return {error_code::invalid_record, rule_defect(field, at), reason, by_log, {}};
    }
    [[nodiscard]] static produce_refusal in_field(produce_refusal refused, std::uint64_t before,
                                                  std::uint32_t index) noexcept {
        refused.why.offset += before;
        refused.why.enter({"batches", index});
        return refused;
    }

    /// The one batch of a request from version 3 on. A second one that is cut short does not count, as in
    /// Kafka.
    [[nodiscard]] expected<batch_view, produce_refusal>
    only_batch(std::span<const std::byte> records) const noexcept {
        const auto refuse = [](const error& why, std::string_view reason = {}) {
            return unexpected{produce_refusal{produce_error(why), why, reason, false, {}}};
        };
        const auto first = batch_at(records);
        if (!first) {
            error why = first.error();
            why.enter({"batches", 0});
            return refuse(why, why.code == errc::truncated ? "there must be a batch" : "");
        }
        if (first->is_legacy()) {
            error why = rule_defect("magic", offsetof(batch_header, magic));
            why.enter({"batches", 0});
            return refuse(why, "the magic must be 2");
        }
        if (first->compression() == compression_type::zstd && version_ < 7) { // KIP-110
            error why{.code = errc::unsupported_compression, .offset = offsetof(batch_header, attributes)};
            why.enter({"attributes"});
            why.enter({"batches", 0});
            return refuse(why, "zstd needs version 7 or later");
        }
        const std::size_t size = bytes_of(*first).size();
        const auto second = batch_at(records.subspan(size));
        if (!second && second.error().code == errc::truncated) return *first;
        error why = second ? error{.code = errc::trailing_bytes} : second.error();
        why.offset += size;
        why.enter({"batches", 1});
        return refuse(why, second ? "there must be only one batch" : "");
    }

    /// What the log looks at before it looks at a checksum.
    [[nodiscard]] std::optional<produce_refusal> refused_by_log(batch_view batch) const noexcept {
        if (!batch.is_legacy() && batch.base_offset() != 0)
            return invalid("base_offset", offsetof(batch_header, base_offset), "the base offset must be 0",
                           true);
        const std::size_t size = bytes_of(batch).size();
        if (size <= rules_.max_message_bytes) return std::nullopt;
        error why{.code = errc::too_large,
                  .offset = offsetof(batch_header, batch_length),
                  .needed = size,
                  .left = rules_.max_message_bytes};
        why.enter({"batch_length"});
        return produce_refusal{
            error_code::message_too_large, why, "the batch is larger than max.message.bytes", false, {}};
    }

    /// What the leader's LogValidator looks at before it reads the records. `first` is the first batch.
    [[nodiscard]] static std::optional<produce_refusal>
    refused_by_validator(batch_view batch, batch_view first, bool is_first) noexcept {
        if (!is_first) {
            if (batch.magic() != first.magic())
                return invalid("magic", offsetof(batch_header, magic), "all messages must have one magic",
                               true);
            if (!batch.is_legacy() || first.compression() != compression_type::none)
                return invalid("magic", offsetof(batch_header, magic), "there must be only one batch", true);
        }
        const batch_header* const header = batch.header();
        if (header == nullptr) return std::nullopt;
        if (header->record_count == 0 || std::int64_t{header->last_offset_delta} + 1 != header->record_count)
            return invalid("record_count", offsetof(batch_header, record_count),
                           "the batch must have records without gaps", true);
        if (batch.is_control())
            return invalid("attributes", offsetof(batch_header, attributes),
                           "clients write no control batches", true);
        if (batch.producer_id() >= 0 && batch.base_sequence() < 0)
            return invalid("base_sequence", offsetof(batch_header, base_sequence),
                           "a producer id needs a sequence number", true);
        return std::nullopt;
    }

    [[nodiscard]] expected<produce_acceptance, produce_refusal>
    check_content(std::span<const std::byte> records, const codec_set& codecs, std::size_t cap,
                  unique_buffer& scratch) {
        std::optional<produce_refusal> refused;
        batch_view current, first;
        produce_record_rules rules(rules_);
        const auto look = [&](const record_view& record, const batch_records& all, const std::byte* at,
                              std::int64_t index) { rules(current, record, all, at, index); };
        content_checker checker(codecs, cap, scratch, crc_policy::verify, look);
        bool is_first = true;
        const auto summary =
            check_each_batch(records, crc_policy::verify, [&](batch_view batch) -> std::optional<error> {
                if (is_first) first = batch;
                current = batch;
                refused = refused_by_validator(batch, first, std::exchange(is_first, false));
                if (refused) return refused->why;
                if (auto defect = checker(batch)) return defect;
                refused = rules.refusal();
                if (refused) return refused->why;
                return std::nullopt;
            });
        if (!summary) {
            if (!refused) return unexpected{unreadable(summary.error(), true)};
            refused->why = summary.error(); // which knows the batch
            return unexpected{*std::move(refused)};
        }
        produce_acceptance accepted{.batch = summary->first, .summary = *summary, .correction = {}};
        accepted.summary.max_timestamp = checker.max_timestamp();
        accepted.correction = correction_of(accepted);
        return accepted;
    }

    [[nodiscard]] std::optional<batch_patch>
    correction_of(const produce_acceptance& accepted) const noexcept {
        if (rules_.timestamp_type == kwire::timestamp_type::log_append_time ||
            accepted.summary.batches != 1 || accepted.batch.is_legacy())
            return std::nullopt;
        if (accepted.batch.timestamp_type() == kwire::timestamp_type::create_time &&
            accepted.batch.max_timestamp() == accepted.summary.max_timestamp)
            return std::nullopt;
        return batch_patch{.timestamp_type = kwire::timestamp_type::create_time,
                           .max_timestamp = accepted.summary.max_timestamp};
    }

    std::int16_t version_;
    const produce_rules& rules_;
};

} // namespace detail

/// Checks the `records` of a partition in a Produce request of `version`, as Kafka's leader does before it
/// appends them.
///
/// From version 3 on they must be one batch of magic 2, and a second one that is cut short is ignored, with
/// zstd from version 7 on (KIP-110). Before version 3 they may be any number of messages of magic 0 or 1,
/// all of one magic, or one wrapper or batch; and none. The checksum must match, base offset and sequence
/// make sense, all records be readable, offsets be without gaps, and each record keep to the `rules`. One of
/// `codecs` decompresses a compressed batch to at most `cap` bytes, into `scratch`, whose memory is used
/// again. The acceptance is valid while `records` are.
[[nodiscard]] inline expected<produce_acceptance, produce_refusal>
check_produce(std::span<const std::byte> records, std::int16_t version, const codec_set& codecs,
              std::size_t cap, unique_buffer& scratch, const produce_rules& rules = {}) {
    return detail::produce_checker(version, rules).check(records, codecs, cap, scratch);
}
/// The same; what it allocates for compressed batches is released at the end of the call.
[[nodiscard]] inline expected<produce_acceptance, produce_refusal>
check_produce(std::span<const std::byte> records, std::int16_t version, const codec_set& codecs,
              std::size_t cap, const produce_rules& rules = {}) {
    unique_buffer scratch;
    return check_produce(records, version, codecs, cap, scratch, rules);
}
/// The same for a records field that may be null: null holds no batches.
template <class Records>
    requires std::is_same_v<Records, std::optional<std::span<const std::byte>>>
[[nodiscard]] expected<produce_acceptance, produce_refusal>
check_produce(const Records& records, std::int16_t version, const codec_set& codecs, std::size_t cap,
              unique_buffer& scratch, const produce_rules& rules = {}) {
    return check_produce(records.value_or(std::span<const std::byte>()), version, codecs, cap, scratch,
                         rules);
}
template <class Records>
    requires std::is_same_v<Records, std::optional<std::span<const std::byte>>>
[[nodiscard]] expected<produce_acceptance, produce_refusal>
check_produce(const Records& records, std::int16_t version, const codec_set& codecs, std::size_t cap,
              const produce_rules& rules = {}) {
    return check_produce(records.value_or(std::span<const std::byte>()), version, codecs, cap, rules);
}
/// Deleted for temporary owners of bytes, to which the acceptance would refer.
template <detail::temporary_owner Owner>
expected<produce_acceptance, produce_refusal>
check_produce(Owner&& records, std::int16_t version, const codec_set& codecs, std::size_t cap,
              unique_buffer& scratch, const produce_rules& rules = {}) = delete;
template <detail::temporary_owner Owner>
expected<produce_acceptance, produce_refusal> check_produce(Owner&& records, std::int16_t version,
                                                            const codec_set& codecs, std::size_t cap,
                                                            const produce_rules& rules = {}) = delete;

} // namespace kwire
