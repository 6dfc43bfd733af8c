/// What a parse lets pass although no correct peer sends it: each leniency has a name, and is off by default.
///
///     auto request = kwire::parse<kwire::fetch_request>(body, version, kwire::parse_options::as_kafka());
///     auto strict = kwire::parse<kwire::fetch_request>(body, version);
///     auto chosen = kwire::parse<kwire::fetch_request>(body, version, {.trailing_bytes = true});
#pragma once

#include <kwire/detail/config.hpp>

namespace kwire::inline KWIRE_ABI {

/// What `parse` lets pass; docs/lenient.md says which peers need what, and what becomes of such bytes.
///
/// Whatever passes, the view of it covers the very bytes that came, `to_data` takes their meaning, and
/// `encode` writes that meaning as a correct peer would.
// cost: aligned as a word, it is copied as one. GCC 12 copies seven bytes in two pieces that overlap, and
// what then loads all of them waits until both are stored: 6 ns of 44 ns for a dispatch.
struct alignas(8) parse_options {
    /// Bytes after the body: librdkafka since 2.12 sends some after requests, and Kafka ignores them. They
    /// are not part of the view: `message::bytes()` has them after those of the view.
    bool trailing_bytes = false;
    /// Null where the field has none at this version, strings in arrays too: reads as empty. Azure Event Hubs
    /// sends it for bytes; Kafka refuses it.
    bool null_as_empty = false;
    /// A length or count below -1, in compact form above 2^31: reads as null, as in Kafka. Where the field
    /// has no null it takes `null_as_empty` too.
    bool negative_as_null = false;
    /// Tags that do not rise, or are there twice: the last one of a number counts. Clients written in Python
    /// send tags in the order of a dictionary, and Kafka reads them in any order (KIP-482 wants them sorted).
    bool any_tag_order = false;
    /// A known tag whose size is not that of its value: the value's type tells where it ends, as in Kafka,
    /// which looks at the size of unknown tags only.
    bool any_tag_size = false;
    /// A tag that the schema knows, but not at this version: is kept among the unknown ones. Kafka refuses
    /// it.
    bool tags_of_other_versions = false;
    /// A message with its version in front (`parse_versioned`) that ends before the newer fields of that
    /// version: reads as the newest version that its bytes fill. kafkajs and kafka-go call their
    /// subscriptions version 1 and leave out its field, `owned_partitions`; Kafka refuses it.
    bool missing_newer_fields = false;

    /// What Kafka itself lets pass: for what clients send to brokers and proxies. Strict parsing closes the
    /// connection of clients that Kafka serves: librdkafka since 2.12 sends a spare byte after a Metadata
    /// request.
    [[nodiscard]] static constexpr parse_options as_kafka() noexcept {
        return {
            .trailing_bytes = true, .negative_as_null = true, .any_tag_order = true, .any_tag_size = true};
    }
    /// All of them: for tools that look at whatever was captured.
    [[nodiscard]] static constexpr parse_options lenient() noexcept {
        return {true, true, true, true, true, true, true};
    }
};

} // namespace kwire::inline KWIRE_ABI
