/// Control records: the markers that brokers and KRaft controllers write between the data (KIP-98, KIP-595,
/// KIP-630).
///
///     auto control = kwire::control_of(record);           // a record of a batch with is_control()
///     if (control && control->type() == kwire::control_type::commit)
///         committed(batch.producer_id(), control->payload<kwire::end_txn_marker>()->coordinator_epoch());
///
/// Clients skip types that they do not need or do not know.
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/versioned.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/endian.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kwire {

/// The type of a control record, a number in its key; other values are valid and unassigned.
enum class control_type : std::int16_t {
    abort = 0,           ///< end_txn_marker: the transaction of the batch's producer is aborted
    commit = 1,          ///< end_txn_marker: it is committed
    leader_change = 2,   ///< leader_change_message
    snapshot_header = 3, ///< snapshot_header_record
    snapshot_footer = 4, ///< snapshot_footer_record
    kraft_version = 5,   ///< k_raft_version_record (KIP-853)
    kraft_voters = 6,    ///< voters_record (KIP-853)
};

/// The name of the enumerator, such as "commit"; "unknown" for unassigned values.
[[nodiscard]] constexpr std::string_view name_of(control_type type) noexcept {
    switch (type) {
    case control_type::abort: return "abort";
    case control_type::commit: return "commit";
    case control_type::leader_change: return "leader_change";
    case control_type::snapshot_header: return "snapshot_header";
    case control_type::snapshot_footer: return "snapshot_footer";
    case control_type::kraft_version: return "kraft_version";
    case control_type::kraft_voters: return "kraft_voters";
    }
    return "unknown";
}

/// A view of a control record; a small value, valid while the record's bytes are.
class control_record {
public:
    /// The type; skip the record if the value is not one of control_type's names.
    [[nodiscard]] control_type type() const noexcept { return type_; }
    /// The version of the key, 0 or higher. Newer versions begin with the fields of version 0.
    [[nodiscard]] std::int16_t key_version() const noexcept { return key_version_; }
    /// The bytes that payload() reads; nullopt for null, which no known type has.
    [[nodiscard]] std::optional<std::span<const std::byte>> value() const noexcept { return value_; }

    /// The value as `M`, the message that control_type names for type(); include its header. The view is
    /// valid while the record's bytes are.
    ///
    /// The value begins with its version. An end_txn_marker of a newer version is read as the newest known
    /// one, because fields are only added at its end; newer versions of other messages are
    /// unsupported_version. Errors, with offsets from the first byte of the value: bad_value if `M` does not
    /// belong to the type; null_not_allowed or truncated for a value without a version; those of parse_view.
    template <class M>
    [[nodiscard]] expected<typename M::view, error> payload(parse_options options = {}) const noexcept {
        // A marker's version is before the message; in the other messages it is the first field.
        constexpr bool is_marker = M::facts.name == std::string_view("EndTxnMarker");
        if (!belongs<M>()) return refused(errc::bad_value, "key");
        if (!value_) return refused(errc::null_not_allowed, "value");
        if (value_->size() < 2) {
            auto e = refused(errc::truncated, "value");
            e.error().needed = 2;
            e.error().left = value_->size();
            return e;
        }
        if constexpr (is_marker) {
            return parse_versioned_view<M>(*value_, options);
        } else {
            return parse_view<M>(*value_, wire::load_be<std::int16_t>(value_->data()), options);
        }
    }

private:
    friend expected<control_record, error> control_of(const record_view&) noexcept;

    control_record() noexcept = default;

    template <class M>
    [[nodiscard]] bool belongs() const noexcept {
        constexpr std::string_view name = M::facts.name;
        if constexpr (name == "EndTxnMarker")
            return type_ == control_type::abort || type_ == control_type::commit;
        else if constexpr (name == "LeaderChangeMessage")
            return type_ == control_type::leader_change;
        else if constexpr (name == "SnapshotHeaderRecord")
            return type_ == control_type::snapshot_header;
        else if constexpr (name == "SnapshotFooterRecord")
            return type_ == control_type::snapshot_footer;
        else if constexpr (name == "KRaftVersionRecord")
            return type_ == control_type::kraft_version;
        else {
            static_assert(name == "VotersRecord", "no control record has this message for a value");
            return type_ == control_type::kraft_voters;
        }
    }
    [[nodiscard]] static unexpected<error> refused(errc code, std::string_view field) noexcept {
        error e{.code = code};
        e.enter({field});
        return unexpected{e};
    }

    std::optional<std::span<const std::byte>> value_;
    control_type type_{};
    std::int16_t key_version_ = 0;
};

/// The control record in a record of a control batch (see batch_view::is_control). Valid while the record's
/// bytes are.
///
/// Only the key is read. Errors, with offsets from its first byte: null_not_allowed, truncated (fewer than
/// four bytes), bad_value (a negative version). Bytes after the type belong to newer versions and are
/// ignored.
[[nodiscard]] inline expected<control_record, error> control_of(const record_view& record) noexcept {
    const auto key = record.key();
    if (!key) return control_record::refused(errc::null_not_allowed, "key");
    if (key->size() < 4) {
        auto e = control_record::refused(errc::truncated, "key");
        e.error().needed = 4;
        e.error().left = key->size();
        return e;
    }
    control_record found;
    found.key_version_ = wire::load_be<std::int16_t>(key->data());
    if (found.key_version_ < 0) return control_record::refused(errc::bad_value, "key");
    found.type_ = static_cast<control_type>(wire::load_be<std::int16_t>(key->data() + 2));
    found.value_ = record.value();
    return found;
}

} // namespace kwire
