/// The vocabulary in which a message is described once: field lists in wire order, as compile-time data.
///
///     template <class M = metadata_request> static constexpr field_list<M, 2, topic> fields{{
///         {"topics", array<topic>(), since(0), nullable_since(1)},
///         {"allow_auto_topic_creation", boolean, since(4), defaults_to(true)}}};
///
/// (A template, so that a list is read by the compiler when the message is used and not before.) Checking,
/// offsets, sizes, encoding and conversion are all derived from these lists; no rule of a message is
/// written anywhere else. The constructs are those of Kafka's schema language (KIP-482 for tags).
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/wire/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

/// The version of a view whose version is known at run time only.
inline constexpr int any_version = -1;

namespace detail {

/// The version of views that show only the front of a struct (read/before.hpp) is a number from here on: it
/// says before which field, and the version.
inline constexpr int first_front_version = 0x10000;

/// The version of the struct that a view of this version shows, as a whole or its front.
consteval int whole_version(int version) {
    return version < first_front_version ? version : version % first_front_version - 1;
}

} // namespace detail

/// An inclusive range of versions; empty when `last < first`.
struct version_range {
    /// The first version in it.
    std::int16_t first = 0;
    /// The last version in it.
    std::int16_t last = -1;

    /// Whether a version is in it.
    [[nodiscard]] constexpr bool contains(int version) const noexcept {
        return version >= first && version <= last;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return last < first; }
    friend constexpr bool operator==(const version_range&, const version_range&) = default;
};

/// What a field holds. Everything before `string` has a fixed width.
enum class field_kind : std::uint8_t {
    /// A byte; not zero is true.
    boolean,
    /// 1 byte, signed.
    int8,
    /// 2 bytes, signed.
    int16,
    /// 2 bytes, unsigned.
    uint16,
    /// 4 bytes, signed.
    int32,
    /// 4 bytes, unsigned.
    uint32,
    /// 8 bytes, signed.
    int64,
    /// 8 bytes, IEEE 754.
    float64,
    /// 16 bytes.
    uuid,
    /// Text, after its length.
    string,
    /// Bytes, after their length.
    bytes,
    /// Record batches, after their length in bytes.
    records,
    /// Fields of its own.
    structure,
    /// Elements, after their count.
    array,
};

/// The width in bytes of a fixed-width kind; 0 for the others.
[[nodiscard]] constexpr std::uint8_t width_of(field_kind kind) noexcept {
    switch (kind) {
    case field_kind::boolean:
    case field_kind::int8: return 1;
    case field_kind::int16:
    case field_kind::uint16: return 2;
    case field_kind::int32:
    case field_kind::uint32: return 4;
    case field_kind::int64:
    case field_kind::float64: return 8;
    case field_kind::uuid: return 16;
    default: return 0;
    }
}

/// What a field's value means, for tools that rewrite names, ids and addresses in flight: Kafka's
/// `entityType`, and where Kafka's schemas have none what schema/entities.txt says. Every field of an array
/// of numbers or strings has the meaning of its elements. schema/meaning.hpp has the rules that need a second
/// field.
enum class entity : std::uint8_t {
    /// Nothing that tools rewrite.
    none,
    broker_id, ///< a node, controllers and voters included; negative: no node (-1), or a reader that is none
    /// The name of a topic.
    topic_name,
    topic_id, ///< zero: none
    /// A group of consumers, of share consumers or of streams.
    group_id,
    producer_id, ///< negative: none
    /// What a transactional producer calls itself.
    transactional_id,
    host,           ///< where a broker or controller listens; its port is the `port` of the same struct
    port,           ///< belongs to the `host` of the same struct, which has exactly one, before or after it
    cluster_id,     ///< what a cluster calls itself
    rack,           ///< of a broker or of a client: the names of racks are the same
    client_id,      ///< what a client calls itself
    client_host,    ///< the address of a client, not of a broker: "/10.0.0.1", "10.0.0.1", "*" in ACLs
    client_port,    ///< belongs to the `client_host` of the same struct, as `port` to `host`
    principal,      ///< type and name: "User:alice"; in ACLs "User:*" too
    principal_type, ///< "User": of the `principal_name` that follows in the same struct
    principal_name, ///< "alice"; of type "User" unless the field before it is a `principal_type`
    token_id,       ///< of a delegation token (KIP-48)
    member_id,      ///< of a member of a group; brokers make it from the client id and a random UUID
    instance_id,    ///< of a static member: `group.instance.id` (KIP-345)
    protocol_type,  ///< what the members of a group speak: "consumer", "connect"; of the two below
    subscription,   ///< bytes with a ConsumerProtocolSubscription, if the `protocol_type` is "consumer"
    assignment,     ///< bytes with a ConsumerProtocolAssignment, under the same condition
    topic_pattern,  ///< a regular expression for names of topics
    transaction_pattern,  ///< a regular expression for transactional ids
    client_metrics,       ///< the name of a subscription to metrics of clients (KIP-714)
    share_partition,      ///< group, topic id and partition of share state: "group:topic-id:7" (KIP-932)
    config_name,          ///< the name of a setting
    config_value,         ///< of the setting that the `config_name` of the same struct names
    config_resource,      ///< what settings are for: its kind is in the same struct
    config_resource_type, ///< 2: topic, 4 and 8: broker, 16: client metrics, 32: group
    acl_resource,         ///< what an ACL is for: its kind is in the same struct
    acl_resource_type,    ///< 2: topic, 3: group, 4: cluster, 5: transactional id, 6: token, 7: principal
    acl_pattern_type,     ///< 3: the `acl_resource` is a name (or "*": all), 4: a prefix; filters 1: any, 2:
                          ///< match
    quota_entity,         ///< whom a quota limits: its kind is in the same struct; null: the default or any
    quota_entity_type,    ///< "user", "client-id", "ip"
    coordinator_key,      ///< whose coordinator is looked for; its kind is in the same struct of the request
    coordinator_key_type, ///< 0: group, 1: transactional id, 2: share partition; answers do not repeat it
};

/// Some of the meanings.
class entity_set {
public:
    constexpr entity_set() noexcept = default;
    constexpr entity_set(entity one) noexcept : bits_(bit(one)) {}
    constexpr entity_set(std::initializer_list<entity> some) noexcept {
        for (const entity one : some) bits_ |= bit(one);
    }
    [[nodiscard]] constexpr bool contains(entity one) const noexcept { return (bits_ & bit(one)) != 0; }
    [[nodiscard]] constexpr bool intersects(const entity_set& other) const noexcept {
        return (bits_ & other.bits_) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    constexpr entity_set& operator|=(const entity_set& other) noexcept {
        bits_ |= other.bits_;
        return *this;
    }
    friend constexpr entity_set operator|(entity_set a, const entity_set& b) noexcept { return a |= b; }
    friend constexpr bool operator==(const entity_set&, const entity_set&) = default;

private:
    /// `none` is in no set.
    static constexpr std::uint64_t bit(entity one) noexcept {
        return one == entity::none ? 0 : std::uint64_t{1} << static_cast<unsigned>(one);
    }
    std::uint64_t bits_ = 0;
};

/// Whether a field's value must be kept out of logs (schema/secrets.txt).
enum class secrecy : std::uint8_t {
    /// May be shown.
    none,
    always,  ///< a password, a token, or what one can be made from
    flagged, ///< secret where the field marked `flag`, in its struct or in one around it, is true
    flag,    ///< not secret itself: says whether the `flagged` fields are
};

enum class error_code : std::int16_t; // error_code.hpp
enum class api_key : std::int16_t;    // api.hpp

/// Whose enumerators the numbers of a field are. Views and `data` structs show them as that type; numbers
/// without an enumerator are legal values of it. The wire, dynamic views and JSON have the number alone.
enum class enumeration : std::uint8_t {
    /// A number without names.
    none,
    /// kwire::error_code.
    error_code,
    /// kwire::api_key.
    api_key,
};

struct struct_info;

namespace detail {

/// What is true of a field beside its name, type and versions: the words of a field list are such values.
struct attribute {
    enum what : std::uint8_t {
        nothing,
        nullable,
        ignorable,
        tag,
        default_number,
        default_text,
        default_null,
        map_key,
        key,
        never_compact,
        secret,
    };
    /// First, so that a field list says `{entity::host}`.
    // cost: a word for each meaning takes 1 % of what including one message takes, a function that makes it 3
    // % of all.
    entity names = entity::none;
    what kind = nothing;
    version_range versions{};
    std::int64_t number = 0;
    const char* text = nullptr;
};
inline constexpr attribute no_attribute{};
consteval attribute shows(secrecy what) {
    return {entity::none, attribute::secret, {}, static_cast<std::int64_t>(what)};
}

/// What a field holds, as field lists say it.
struct field_type {
    field_kind kind{};
    field_kind element = kind;
    const struct_info* structure = nullptr;
    enumeration enumerators = enumeration::none;
};

template <class S>
struct tables_of;

} // namespace detail

/// One field: what the schema says about it.
struct field_info {
    constexpr field_info() = default;
    /// A line of a field list: name, type, versions, then what else is true of the field.
    consteval field_info(const char* called, const detail::field_type& type, const version_range& in,
                         const detail::attribute& first = detail::no_attribute,
                         const detail::attribute& second = detail::no_attribute,
                         const detail::attribute& third = detail::no_attribute,
                         const detail::attribute& fourth = detail::no_attribute,
                         const detail::attribute& fifth = detail::no_attribute)
        : name(called),
          kind(type.kind),
          element(type.element),
          versions(in),
          null_default(type.kind == field_kind::records),
          enumerators(type.enumerators),
          structure(type.structure) {
        apply(first);
        apply(second);
        apply(third);
        apply(fourth);
        apply(fifth);
    }

    std::string_view name;           ///< in snake_case, as the accessor is called
    field_kind kind{};               ///< what it holds
    field_kind element{};            ///< what an array's elements hold; otherwise equal to `kind`
    version_range versions;          ///< where it is on the wire
    version_range nullable;          ///< where it may be null; a subset of `versions`
    version_range ignorable;         ///< where a value that the target version lacks may be dropped
    std::int32_t tag = -1;           ///< its tag, or -1 when it has a fixed place
    std::int64_t default_number = 0; ///< the default of numbers and booleans
    std::string_view default_text;   ///< the default of strings that are not null by default
    bool null_default = false;       ///< whether the default is null
    bool map_key =
        false; ///< whether Kafka's schema calls it (part of) the key of the array that holds its struct
    bool key = false; ///< whether `find` looks by it: Kafka's map key, or what schema/keys.txt says
    bool never_compact =
        false; ///< keeps its classic length in flexible versions (request header's client id)
    entity names = entity::none;                 ///< what it names
    secrecy secret = secrecy::none;              ///< whether its value may be shown
    enumeration enumerators = enumeration::none; ///< which type its numbers have in views and `data` structs
    const struct_info* structure = nullptr;      ///< the struct, or the struct of the array's elements

private:
    consteval void apply(const detail::attribute& also) {
        using detail::attribute;
        switch (also.kind) {
        case attribute::nothing:
            if (also.names != entity::none) names = also.names;
            break;
        case attribute::nullable: nullable = also.versions; break;
        case attribute::ignorable: ignorable = also.versions; break;
        case attribute::tag: tag = static_cast<std::int32_t>(also.number); break;
        case attribute::default_number: default_number = also.number; break;
        case attribute::default_text: default_text = also.text; break;
        case attribute::default_null: null_default = true; break;
        case attribute::map_key: map_key = key = true; break;
        case attribute::key: key = true; break;
        case attribute::never_compact: never_compact = true; break;
        case attribute::secret: secret = static_cast<secrecy>(also.number); break;
        }
    }
};

/// The fields of one struct in wire order: its message, the number of fields, and for each field that holds a
/// struct or an array of structs, in order, that struct.
template <class Message, std::size_t Count, class... Children>
struct field_list {
    /// The message that the struct is a part of.
    using message = Message;
    static constexpr std::size_t size = Count;
    /// How many structs its fields have.
    static constexpr std::size_t child_count = sizeof...(Children);
    /// The fields, in wire order.
    field_info fields[Count == 0 ? 1 : Count];
};

/// Text as a template argument.
template <std::size_t N>
struct name_literal {
    consteval name_literal(const char (&text)[N]) noexcept {
        for (std::size_t i = 0; i < N; ++i) chars[i] = text[i];
    }
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {chars, N - 1}; }
    /// The text, with a zero at its end.
    char chars[N]{};
};

/// What is true of a message as a whole.
struct message_facts {
    std::string_view name; ///< the schema's name: "MetadataRequest"
    std::int16_t key = -1; ///< the API key, or the type number in the message's own family; -1 if it has none
    version_range versions; ///< every version that kwire reads and writes
    std::int16_t first_flexible =
        32767;               ///< the first version with compact lengths and tags (KIP-482); 32767: none
    std::int16_t alias = -1; ///< a further number for its only version: Kafka 3 numbered the keys of internal
                             ///< topics' records like their type; -1: none

    /// Whether this version has compact lengths and tags.
    [[nodiscard]] constexpr bool flexible(int version) const noexcept { return version >= first_flexible; }
    /// The version whose layout this number means: the number itself unless it is the alias.
    [[nodiscard]] constexpr int canonical(int version) const noexcept {
        return version == alias && alias >= 0 ? versions.first : version;
    }
};

/// The words of a field list. Messages inherit it privately, so that the words stay out of everybody's way.
class vocabulary {
protected:
    static constexpr detail::field_type boolean{field_kind::boolean};
    static constexpr detail::field_type int8{field_kind::int8};
    static constexpr detail::field_type int16{field_kind::int16};
    static constexpr detail::field_type uint16{field_kind::uint16};
    static constexpr detail::field_type int32{field_kind::int32};
    static constexpr detail::field_type uint32{field_kind::uint32};
    static constexpr detail::field_type int64{field_kind::int64};
    static constexpr detail::field_type float64{field_kind::float64};
    static constexpr detail::field_type id128{field_kind::uuid};
    static constexpr detail::field_type string{field_kind::string};
    static constexpr detail::field_type bytes{field_kind::bytes};
    static constexpr detail::field_type records{field_kind::records};
    static constexpr detail::field_type error_code{field_kind::int16, field_kind::int16, nullptr,
                                                   enumeration::error_code};
    static constexpr detail::field_type api_key{field_kind::int16, field_kind::int16, nullptr,
                                                enumeration::api_key};

    /// A struct of the same message.
    template <class Struct>
    static constexpr detail::field_type structure() {
        return {field_kind::structure, field_kind::structure, &detail::tables_of<Struct>::info};
    }
    /// An array of structs of the same message,
    template <class Struct>
    static constexpr detail::field_type array() {
        return {field_kind::array, field_kind::structure, &detail::tables_of<Struct>::info};
    }
    /// or of one of the types above.
    static consteval detail::field_type array(const detail::field_type& element) {
        return {field_kind::array, element.kind};
    }

    static consteval version_range since(int first) { return {static_cast<std::int16_t>(first), 32767}; }
    static consteval version_range between(int first, int last) {
        return {static_cast<std::int16_t>(first), static_cast<std::int16_t>(last)};
    }
    static consteval version_range only(int version) { return between(version, version); }

    /// Whether a view of version `V` may be asked for a field that these versions have. A view whose version
    /// is known at run time only may: it shows defaults instead.
    template <int V>
    static consteval bool in_version(version_range versions) {
        if constexpr (V < detail::first_front_version)
            return V == any_version || versions.contains(V);
        else
            return in_version<detail::whole_version(V)>(versions);
    }

    static consteval detail::attribute nullable_since(int first) {
        return {entity::none, detail::attribute::nullable, since(first)};
    }
    static consteval detail::attribute nullable_between(int first, int last) {
        return {entity::none, detail::attribute::nullable, between(first, last)};
    }
    static consteval detail::attribute tag(int number) {
        return {entity::none, detail::attribute::tag, {}, number};
    }
    static consteval detail::attribute defaults_to(std::int64_t number) {
        return {entity::none, detail::attribute::default_number, {}, number};
    }
    template <std::size_t N>
    static consteval detail::attribute defaults_to(const char (&text)[N]) {
        return {entity::none, detail::attribute::default_text, {}, 0, text};
    }
    static constexpr detail::attribute defaults_to_null{entity::none, detail::attribute::default_null};
    static constexpr detail::attribute ignorable{entity::none, detail::attribute::ignorable, {0, 32767}};
    static constexpr detail::attribute map_key{entity::none, detail::attribute::map_key};
    static constexpr detail::attribute key{entity::none, detail::attribute::key};
    static constexpr detail::attribute never_compact{entity::none, detail::attribute::never_compact};
    static constexpr detail::attribute secret = detail::shows(secrecy::always);
    static constexpr detail::attribute secret_if_flagged = detail::shows(secrecy::flagged);
    static constexpr detail::attribute secret_flag = detail::shows(secrecy::flag);
};

/// The message that the struct `S` is part of.
template <class S>
using message_of = typename decltype(S::template fields<>)::message;

} // namespace kwire::inline KWIRE_ABI
