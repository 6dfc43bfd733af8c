/// From a record of one of Kafka's own topics to its messages: `__consumer_offsets`, `__transaction_state`,
/// `__share_group_state`, `__cluster_metadata`, `__remote_log_metadata`.
///
///     auto stored = kwire::stored_message_of<kwire::consumer_offsets>(record);
///     if (!stored) return reject(stored.error());
///     if (stored->is<kwire::offset_commit_key>())
///         committed(stored->key<kwire::offset_commit_key>(), stored->value<kwire::offset_commit_value>());
///
/// visit_record.hpp does this for several messages at once. Which messages a topic has: messages/topics.hpp.
/// Skip batches with is_control() first: their records are markers (records/control.hpp).
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/topics.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/versioned.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace kwire {

/// One of Kafka's own topics, from messages/topics.hpp.
template <class Topic>
concept stored_topic = requires {
    Topic::name;
    Topic::keyed;
    typename Topic::values;
};

namespace detail {

/// The position of `M` in a list of messages; -1 if it is not there.
template <class M, class List>
inline constexpr int position_in = -1;
template <class M, class... Ms>
inline constexpr int position_in<M, message_list<Ms...>> = [] {
    int found = -1;
    int at = 0;
    ((std::is_same_v<M, Ms> ? void(found = at) : void(), ++at), ...);
    return found;
}();

template <class M, class Topic>
consteval bool is_key_in() {
    if constexpr (Topic::keyed)
        return position_in<M, typename Topic::keys> >= 0;
    else
        return false;
}
template <class M, class Topic>
consteval bool is_value_in() {
    return position_in<M, typename Topic::values> >= 0;
}

struct stored_access;

/// An error in the key or the value of a record, before its message begins.
[[nodiscard]] inline unexpected<error> refuse_stored(errc code, std::string_view field,
                                                     std::uint64_t offset = 0, std::uint64_t needed = 0,
                                                     std::uint64_t left = 0) noexcept {
    error e{.code = code, .offset = offset, .needed = needed, .left = left};
    e.enter({field});
    return unexpected(e);
}

/// What is before a message in a log of metadata: three varints, the first of which is 1 (KIP-631).
struct metadata_frame {
    std::uint32_t type = 0;
    std::uint32_t version = 0;
    std::size_t size = 0; ///< of the varints
};

inline constexpr std::uint32_t metadata_frame_version = 1;

[[nodiscard]] inline expected<metadata_frame, error>
read_metadata_frame(std::span<const std::byte> value) noexcept {
    constexpr std::uint32_t largest = std::numeric_limits<std::int16_t>::max();
    metadata_frame frame;
    std::uint32_t frame_version = 0;
    const struct {
        std::string_view field;
        std::uint32_t& number;
    } parts[] = {{"frame_version", frame_version}, {"type", frame.type}, {"version", frame.version}};
    const std::byte* const start = value.empty() ? nothing : value.data();
    const std::byte* const end = start + value.size();
    const std::byte* at = start;
    for (const auto& part : parts) {
        const auto offset = static_cast<std::uint64_t>(at - start);
        const std::byte* const next = wire::read_uvarint(at, end, part.number);
        if (next == nullptr)
            return refuse_stored(wire::varint_defect<std::uint32_t>(at, end), part.field, offset);
        if (&part.number == &frame_version && frame_version != metadata_frame_version)
            return refuse_stored(errc::unsupported_version, part.field, offset);
        if (part.number > largest) return refuse_stored(errc::bad_value, part.field, offset);
        at = next;
    }
    frame.size = static_cast<std::size_t>(at - start);
    return frame;
}

} // namespace detail

/// A record of one of Kafka's own topics: which messages it holds. Only the numbers before them are
/// read.
///
/// A small value, valid while the record's bytes are; so are the views that it returns.
template <stored_topic Topic>
class stored_message {
public:
    /// The number that says which messages these are: before the key, in logs of metadata before
    /// the value. Later releases of Kafka add types: skip those that known() denies.
    [[nodiscard]] std::int16_t type() const noexcept { return type_; }
    /// Whether kwire has the messages of this type.
    [[nodiscard]] bool known() const noexcept { return names_ != nullptr; }
    /// The schema's name of the key's message, such as "OffsetCommitKey": find_message
    /// (messages/registry.hpp) finds it. Empty unless known(), and in topics without keys.
    [[nodiscard]] std::string_view key_message() const noexcept {
        return known() ? names_->key : std::string_view();
    }
    /// The schema's name of the value's message, such as "OffsetCommitValue"; empty unless known().
    [[nodiscard]] std::string_view value_message() const noexcept {
        return known() ? names_->value : std::string_view();
    }
    /// Whether `M` is the message of the key or of the value.
    template <class M>
    [[nodiscard]] bool is() const noexcept {
        static_assert(detail::is_key_in<M, Topic>() || detail::is_value_in<M, Topic>(),
                      "the records of this topic do not hold this message");
        return type_ == M::facts.key;
    }

    /// Whether the value is null: the key and its state are deleted. Never in logs of metadata.
    [[nodiscard]] bool is_tombstone() const noexcept { return !value_; }
    /// The version of the value, as in its bytes: it may be newer than any that kwire knows. nullopt for
    /// tombstones and for a value that is too short to have one.
    [[nodiscard]] std::optional<std::int16_t> value_version() const noexcept {
        if (!value_) return std::nullopt;
        if constexpr (!Topic::keyed) return static_cast<std::int16_t>(frame_.version);
        if (value_->size() < detail::version_size) return std::nullopt;
        return wire::load_be<std::int16_t>(value_->data());
    }
    /// The key after its type, without the check of key(): for messages that kwire does not know.
    [[nodiscard]] std::span<const std::byte> key_bytes() const noexcept { return key_; }
    /// The value after its version; empty for tombstones.
    [[nodiscard]] std::span<const std::byte> value_bytes() const noexcept {
        const std::size_t front = Topic::keyed ? detail::version_size : frame_.size;
        return value_ && value_->size() >= front ? value_->subspan(front) : std::span<const std::byte>();
    }

    /// The key as its message `K`. Errors, with offsets from the first byte of the record's key: bad_value if
    /// the record is of another type; those of parse_view.
    template <class K>
        requires(Topic::keyed)
    [[nodiscard]] expected<typename K::view, error> key(parse_options options = {}) const noexcept {
        static_assert(detail::is_key_in<K, Topic>(), "the keys of this topic are not of this message");
        if (!is<K>()) return detail::refuse_stored(errc::bad_value, "key");
        auto view = parse_view<K>(key_, K::facts.versions.first, options);
        if (!view) view.error().offset += detail::version_size;
        return view;
    }

    /// The value as its message `V`; nullopt for a tombstone.
    ///
    /// Errors, with offsets from the first byte of the record's value: bad_value if the record is of another
    /// type; absent or truncated if there is no version; unsupported_version; those of parse_view. Unlike in
    /// parse_versioned a version newer than known is an error: Kafka's coordinators refuse it too, since it
    /// need not begin with the fields of an older one.
    template <class V>
        requires(Topic::keyed)
    [[nodiscard]] expected<std::optional<typename V::view>, error>
    value(parse_options options = {}) const noexcept {
        static_assert(detail::is_value_in<V, Topic>(), "the values of this topic are not of this message");
        if (!is<V>()) return detail::refuse_stored(errc::bad_value, "value");
        if (!value_) return std::nullopt;
        const auto version = detail::read_version(V::facts, *value_);
        if (!version) return unexpected(version.error());
        auto view = parse_view<V>(value_bytes(), *version, options);
        if (!view) {
            if (V::facts.versions.contains(*version)) view.error().offset += detail::version_size;
            return unexpected(view.error());
        }
        return *view;
    }
    /// The same in logs of metadata, where every record has a value. Errors: bad_value if the record is of
    /// another type; those of parse_view.
    template <class V>
        requires(!Topic::keyed)
    [[nodiscard]] expected<typename V::view, error> value(parse_options options = {}) const noexcept {
        static_assert(detail::is_value_in<V, Topic>(), "the values of this topic are not of this message");
        if (!is<V>()) return detail::refuse_stored(errc::bad_value, "value");
        auto view = parse_view<V>(value_bytes(), static_cast<std::int16_t>(frame_.version), options);
        if (!view) view.error().offset += frame_.size;
        return view;
    }

private:
    friend detail::stored_access;
    stored_message(std::int16_t type, std::span<const std::byte> key,
                   std::optional<std::span<const std::byte>> value,
                   const detail::metadata_frame& frame = {}) noexcept
        : key_(key), value_(value), frame_(frame), type_(type) {
        for (const detail::stored_type& one : Topic::types)
            if (one.number == type) names_ = &one;
    }

    std::span<const std::byte> key_;
    std::optional<std::span<const std::byte>> value_;
    detail::metadata_frame frame_;
    const detail::stored_type* names_ = nullptr;
    std::int16_t type_;
};

namespace detail {

struct stored_access {
    template <class Topic>
    [[nodiscard]] static stored_message<Topic> make(std::int16_t type, std::span<const std::byte> key,
                                                    std::optional<std::span<const std::byte>> value,
                                                    const metadata_frame& frame = {}) noexcept {
        return {type, key, value, frame};
    }
};

} // namespace detail

/// Which messages a record of `Topic` holds: consumer_offsets, transaction_state, share_group_state,
/// cluster_metadata or remote_log_metadata (messages/topics.hpp). `key` and `value` must outlive the result.
///
/// A type that kwire does not know is not an error. Errors: null_not_allowed for no key, or in logs of
/// metadata for no value; truncated for a key of fewer than two bytes; in logs of metadata also bad_varint,
/// bad_value for numbers above 32767, and unsupported_version for a frame that is not of version 1. Offsets
/// count from the first byte of the key or of the value.
template <stored_topic Topic>
[[nodiscard]] expected<stored_message<Topic>, error>
stored_message_of(std::optional<std::span<const std::byte>> key,
                  std::optional<std::span<const std::byte>> value) noexcept {
    if constexpr (Topic::keyed) {
        if (!key) return detail::refuse_stored(errc::null_not_allowed, "key");
        if (key->size() < detail::version_size)
            return detail::refuse_stored(errc::truncated, "key", 0, detail::version_size, key->size());
        return detail::stored_access::make<Topic>(wire::load_be<std::int16_t>(key->data()),
                                                  key->subspan(detail::version_size), value);
    } else {
        if (!value) return detail::refuse_stored(errc::null_not_allowed, "value");
        const auto frame = detail::read_metadata_frame(*value);
        if (!frame) return unexpected(frame.error());
        return detail::stored_access::make<Topic>(static_cast<std::int16_t>(frame->type), {}, value, *frame);
    }
}
/// Not for temporary owners, whose bytes are gone before the result is looked at.
template <stored_topic Topic, class Key, class Value>
    requires(detail::temporary_owner<Key> || detail::temporary_owner<Value>)
expected<stored_message<Topic>, error> stored_message_of(Key&& key, Value&& value) = delete;
/// The same for a record, whose bytes must outlive the result.
template <stored_topic Topic>
[[nodiscard]] expected<stored_message<Topic>, error> stored_message_of(const record_view& record) noexcept {
    return stored_message_of<Topic>(record.key(), record.value());
}

} // namespace kwire
