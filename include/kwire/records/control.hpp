/// Control records: the markers that brokers and KRaft write between the data (KIP-98, KIP-595, KIP-630).
///
///     auto control = kwire::control_of(record);           // a record of a batch with is_control()
///     if (control && control->type() == kwire::control_type::commit)
///         committed(batch.producer_id(), control->payload<kwire::end_txn_marker>()->coordinator_epoch());
///
/// Clients skip what they have no use for, types of tomorrow included, and go on behind it.
#pragma once

#include <kwire/error.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/endian.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace kwire {

/// What a control record says, by the number in its key; other numbers are possible and mean nothing yet.
enum class control_type : std::int16_t {
    abort = 0,           ///< end_txn_marker: the transaction of the batch's producer is void
    commit = 1,          ///< end_txn_marker: it is valid
    leader_change = 2,   ///< leader_change_message
    snapshot_header = 3, ///< snapshot_header_record
    snapshot_footer = 4, ///< snapshot_footer_record
    kraft_version = 5,   ///< k_raft_version_record (KIP-853)
    kraft_voters = 6,    ///< voters_record (KIP-853)
};

/// The identifier: "commit"; "unknown" for numbers that nobody assigned.
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

/// A control record taken apart; a small value, good as long as the record's bytes are.
class control_record {
public:
    /// Compare with the names of control_type; any other number is to be skipped.
    [[nodiscard]] control_type type() const noexcept { return type_; }
    /// The version of the key, 0 or more. Newer keys begin as those of version 0 do.
    [[nodiscard]] std::int16_t key_version() const noexcept { return key_version_; }
    /// The bytes that payload() reads; null where a writer of tomorrow left them out.
    [[nodiscard]] std::optional<std::span<const std::byte>> value() const noexcept { return value_; }

    /// The value as `M`, the message that belongs to type() (see there; include its header).
    ///
    /// The version is the one that the value begins with. Newer end_txn_marker are read as the newest version
    /// that is known, for fields are added at their end; newer versions of the others are
    /// unsupported_version. bad_value if `M` does not belong to the type; null_not_allowed or truncated for a
    /// value without a version; else the errors of parse_view. Offsets count from the first byte of the
    /// value.
    template <class M>
    [[nodiscard]] std::expected<typename M::view, error> payload(parse_options options = {}) const noexcept {
        // A marker's version stands in front of the message; the others have it as their first field.
        constexpr bool is_marker = M::facts.name == std::string_view("EndTxnMarker");
        if (!belongs<M>()) return refused(errc::bad_value, "key");
        if (!value_) return refused(errc::null_not_allowed, "value");
        if (value_->size() < 2) {
            auto e = refused(errc::truncated, "value");
            e.error().needed = 2;
            e.error().left = value_->size();
            return e;
        }
        const int version = wire::load_be<std::int16_t>(value_->data());
        if constexpr (is_marker) {
            const int newest = M::facts.versions.last;
            if (version > newest) options.trailing_bytes = true;
            auto marker = parse_view<M>(value_->subspan(2), std::min(version, newest), options);
            if (!marker) marker.error().offset += 2;
            return marker;
        } else {
            return parse_view<M>(*value_, version, options);
        }
    }

private:
    friend std::expected<control_record, error> control_of(const record_view&) noexcept;

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
    [[nodiscard]] static std::unexpected<error> refused(errc code, std::string_view field) noexcept {
        error e{.code = code};
        e.enter({field});
        return std::unexpected{e};
    }

    std::optional<std::span<const std::byte>> value_;
    control_type type_{};
    std::int16_t key_version_ = 0;
};

/// What a record of a control batch says (see batch_view::is_control).
///
/// Only the key is looked at: null_not_allowed, truncated (below four bytes) or bad_value (a negative
/// version), at the byte of the key. Bytes behind the type belong to newer versions and are left alone.
[[nodiscard]] inline std::expected<control_record, error> control_of(const record_view& record) noexcept {
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
