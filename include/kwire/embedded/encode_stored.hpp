/// The records of Kafka's own topics, written: keys, and the values of logs of metadata.
///
///     auto key = kwire::encode_stored_key<kwire::offset_commit_key>({.group = "g", .topic = "t", .partition = 3});
///     auto value = kwire::encode_versioned<kwire::offset_commit_value>({.offset = 42}, 4);
///
/// stored_message.hpp reads them. Values of topics with keys have their version in front: encode_versioned of
/// write/versioned.hpp writes them.
#pragma once

#include <kwire/embedded/stored_message.hpp>
#include <kwire/expected.hpp>
#include <kwire/write/versioned.hpp>

#include <cstdint>

namespace kwire {

/// A key after its type, for `__consumer_offsets`, `__transaction_state` and `__share_group_state`.
///
/// One allocation. Errors: as `encode`.
template <class K>
[[nodiscard]] expected<shared_buffer, error> encode_stored_key(const typename K::data& key) {
    static_assert(detail::is_key_in<K, consumer_offsets>() || detail::is_key_in<K, transaction_state>() ||
                      detail::is_key_in<K, share_group_state>(),
                  "no topic of Kafka has this message for a key");
    detail::front_bytes front;
    front.number(K::facts.key);
    return detail::encode_after<K>(front.span(), key, K::facts.versions.first);
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] expected<shared_buffer, error> encode_stored_key(const Data& key) {
    return encode_stored_key<typename Data::struct_type>(key);
}

/// A record of a log of metadata: its message after the frame version, its type and its version (KIP-631).
///
/// One allocation. Errors: as `encode`.
template <class V>
[[nodiscard]] expected<shared_buffer, error> encode_metadata_value(const typename V::data& message,
                                                                   int version) {
    static_assert(detail::is_value_in<V, cluster_metadata>() || detail::is_value_in<V, remote_log_metadata>(),
                  "no log of metadata has this message");
    detail::front_bytes front;
    front.varint(detail::metadata_frame_version);
    front.varint(static_cast<std::uint32_t>(V::facts.key));
    front.varint(static_cast<std::uint32_t>(version));
    return detail::encode_after<V>(front.span(), message, version);
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] expected<shared_buffer, error> encode_metadata_value(const Data& message, int version) {
    return encode_metadata_value<typename Data::struct_type>(message, version);
}

} // namespace kwire
