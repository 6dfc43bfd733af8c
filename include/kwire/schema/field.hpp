/// The vocabulary in which a message is described once: field lists in wire order, as compile-time data.
///
///     using fields = field_list<metadata_request,
///                               field<"topics", array<topic>, since(0), nullable_since(1)>,
///                               field<"allow_auto_topic_creation", boolean, since(4), defaults_to(true)>>;
///
/// Checking, offsets, sizes, encoding and conversion are all derived from these lists; no rule of a
/// message stands anywhere else. The constructs are those of Kafka's schema language (KIP-482 for tags).
#pragma once

#include <kwire/wire/uuid.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace kwire {

/// Changes when generated headers and library no longer fit together; every generated header checks it.
inline constexpr int codegen_abi = 1;

/// The version of a view whose version is known at run time only.
inline constexpr int any_version = -1;

/// An inclusive range of versions; empty when `last < first`.
struct version_range {
    std::int16_t first = 0;
    std::int16_t last = -1;

    [[nodiscard]] constexpr bool contains(int version) const noexcept {
        return version >= first && version <= last;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return last < first; }
    friend constexpr bool operator==(const version_range&, const version_range&) = default;
};

/// What a field holds. Everything in front of `string` has a fixed width.
enum class field_kind : std::uint8_t {
    boolean,
    int8,
    int16,
    uint16,
    int32,
    uint32,
    int64,
    float64,
    uuid,
    string,
    bytes,
    records,
    structure,
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

/// What kind of thing a field names, for tools that rewrite names and ids in flight: Kafka's `entityType`,
/// and where Kafka's schemas have none, as for most records and all ids of topics, what schema/entities.txt
/// says.
enum class entity : std::uint8_t {
    none,
    broker_id,
    topic_name,
    topic_id,
    group_id,
    producer_id,
    transactional_id,
};

/// Whether a field's value must be kept out of logs (schema/secrets.txt).
enum class secrecy : std::uint8_t {
    none,
    always,  ///< a password, a token, or what one can be made from
    flagged, ///< secret where the field marked `flag`, in its struct or in one around it, is true
    flag,    ///< not secret itself: says whether the `flagged` fields are
};

struct struct_info;

/// One field as a value: what the schema says about it, for code that walks fields at run time.
struct field_info {
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
    bool map_key = false;            ///< whether it is (part of) the key of the array that holds its struct
    bool never_compact =
        false; ///< keeps its classic length in flexible versions (request header's client id)
    entity names = entity::none;            ///< what it names
    secrecy secret = secrecy::none;         ///< whether its value may be shown
    const struct_info* structure = nullptr; ///< the struct, or the struct of the array's elements
};

/// Text as a template argument.
template <std::size_t N>
struct name_literal {
    consteval name_literal(const char (&text)[N]) noexcept {
        for (std::size_t i = 0; i < N; ++i) chars[i] = text[i];
    }
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {chars, N - 1}; }
    char chars[N]{};
};

namespace detail {

struct nullable_in {
    version_range versions;
};
struct ignorable_in {
    version_range versions;
};
struct tag_number {
    std::int32_t number;
};
struct default_number {
    std::int64_t number;
};
template <std::size_t N>
struct default_text {
    name_literal<N> text;
};
struct null_default {};
struct map_key_mark {};
struct never_compact_mark {};

consteval void apply(field_info& info, nullable_in attribute) { info.nullable = attribute.versions; }
consteval void apply(field_info& info, ignorable_in attribute) { info.ignorable = attribute.versions; }
consteval void apply(field_info& info, tag_number attribute) { info.tag = attribute.number; }
consteval void apply(field_info& info, default_number attribute) { info.default_number = attribute.number; }
consteval void apply(field_info& info, null_default) { info.null_default = true; }
consteval void apply(field_info& info, map_key_mark) { info.map_key = true; }
consteval void apply(field_info& info, never_compact_mark) { info.never_compact = true; }
consteval void apply(field_info& info, entity attribute) { info.names = attribute; }
consteval void apply(field_info& info, secrecy attribute) { info.secret = attribute; }
template <std::size_t N>
consteval void apply(field_info& info, const default_text<N>& attribute) {
    info.default_text = attribute.text.view();
}

} // namespace detail

/// One field: its name in snake_case, its type, its versions, then what else is true of it.
template <name_literal Name, class Type, version_range Versions, auto... Attributes>
struct field {
    using type = Type;
    static constexpr auto name = Name;
    static constexpr version_range versions = Versions;

    static consteval field_info describe(const struct_info* structure) {
        field_info info{};
        info.name = name.view();
        info.kind = Type::kind;
        info.element = Type::element;
        info.versions = Versions;
        info.structure = structure;
        info.null_default = Type::null_by_default;
        (detail::apply(info, Attributes), ...);
        return info;
    }
};

/// The fields of one struct in wire order, and the message that the struct is part of.
template <class Message, class... Fields>
struct field_list {
    using message = Message;
    static constexpr std::size_t size = sizeof...(Fields);
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

    [[nodiscard]] constexpr bool flexible(int version) const noexcept { return version >= first_flexible; }
    /// The version whose layout this number means: the number itself unless it is the alias.
    [[nodiscard]] constexpr int canonical(int version) const noexcept {
        return version == alias && alias >= 0 ? versions.first : version;
    }
};

namespace detail {

// What the members of `data` structs begin with. Initialisers such as `{}` and `= ""` would say the same, but
// in a template GCC 12 stops at them with an internal error (nothrow_spec_p): it asks whether a constructor
// or the destructor of a library type may throw before it has found that out. These conversions have the one
// answer written down, and make it find the other.

template <class T>
concept owned = std::is_nothrow_destructible_v<T>;

/// No text, no elements; of a struct, every field at its default.
struct empty_default {
    template <owned T>
    constexpr operator T() const {
        return T();
    }
};
/// Present, and empty as above.
struct not_null_default {
    template <class T>
        requires owned<std::optional<T>>
    constexpr operator std::optional<T>() const {
        return std::optional<T>(std::in_place);
    }
};
struct text_default {
    const char* characters;
    template <owned T>
    constexpr operator T() const {
        return T(characters);
    }
};
struct not_null_text_default {
    const char* characters;
    template <class T>
        requires owned<std::optional<T>>
    constexpr operator std::optional<T>() const {
        return std::optional<T>(std::in_place, characters);
    }
};

template <field_kind Kind>
struct simple_type {
    static constexpr field_kind kind = Kind;
    static constexpr field_kind element = Kind;
    static constexpr bool null_by_default = Kind == field_kind::records;
};

template <class T>
inline constexpr field_kind kind_of = field_kind::structure;
template <field_kind Kind>
inline constexpr field_kind kind_of<simple_type<Kind>> = Kind;

} // namespace detail

/// The words of a field list. Messages inherit it privately, so that the words stay out of everybody's way.
class vocabulary {
protected:
    using boolean = detail::simple_type<field_kind::boolean>;
    using int8 = detail::simple_type<field_kind::int8>;
    using int16 = detail::simple_type<field_kind::int16>;
    using uint16 = detail::simple_type<field_kind::uint16>;
    using int32 = detail::simple_type<field_kind::int32>;
    using uint32 = detail::simple_type<field_kind::uint32>;
    using int64 = detail::simple_type<field_kind::int64>;
    using float64 = detail::simple_type<field_kind::float64>;
    using id128 = detail::simple_type<field_kind::uuid>;
    using string = detail::simple_type<field_kind::string>;
    using bytes = detail::simple_type<field_kind::bytes>;
    using records = detail::simple_type<field_kind::records>;

    /// A struct of the same message.
    template <class Struct>
    struct structure {
        using struct_type = Struct;
        static constexpr field_kind kind = field_kind::structure;
        static constexpr field_kind element = field_kind::structure;
        static constexpr bool null_by_default = false;
    };

    /// An array of one of the types above, or of a struct of the same message.
    template <class Element>
    struct array {
        using struct_type = Element;
        static constexpr field_kind kind = field_kind::array;
        static constexpr field_kind element = detail::kind_of<Element>;
        static constexpr bool null_by_default = false;
    };

    static consteval version_range since(int first) { return {static_cast<std::int16_t>(first), 32767}; }
    static consteval version_range between(int first, int last) {
        return {static_cast<std::int16_t>(first), static_cast<std::int16_t>(last)};
    }
    static consteval version_range only(int version) { return between(version, version); }

    static consteval auto nullable_since(int first) { return detail::nullable_in{since(first)}; }
    static consteval auto nullable_between(int first, int last) {
        return detail::nullable_in{between(first, last)};
    }
    static consteval auto tag(int number) { return detail::tag_number{number}; }
    static consteval auto defaults_to(std::int64_t number) { return detail::default_number{number}; }
    template <std::size_t N>
    static consteval auto defaults_to(const char (&text)[N]) {
        return detail::default_text<N>{text};
    }
    static constexpr detail::null_default defaults_to_null{};
    static constexpr detail::ignorable_in ignorable{{0, 32767}};
    static consteval auto ignorable_between(int first, int last) {
        return detail::ignorable_in{between(first, last)};
    }
    static constexpr detail::map_key_mark map_key{};
    static constexpr detail::never_compact_mark never_compact{};
    static constexpr entity names_broker = entity::broker_id;
    static constexpr entity names_topic = entity::topic_name;
    static constexpr entity names_topic_id = entity::topic_id;
    static constexpr entity names_group = entity::group_id;
    static constexpr entity names_producer = entity::producer_id;
    static constexpr entity names_transaction = entity::transactional_id;

    static constexpr detail::empty_default empty{};
    static constexpr detail::not_null_default not_null{};
    static consteval detail::text_default text(const char* characters) { return {characters}; }
    static consteval detail::not_null_text_default not_null_text(const char* characters) {
        return {characters};
    }
    static constexpr secrecy secret = secrecy::always;
    static constexpr secrecy secret_if_flagged = secrecy::flagged;
    static constexpr secrecy secret_flag = secrecy::flag;
};

namespace detail {

/// The struct that a field's type holds, alone or as an array's element; void if it holds none.
template <class Type>
struct struct_of {
    using type = void;
};
template <class Type>
    requires(Type::element == field_kind::structure)
struct struct_of<Type> {
    using type = typename Type::struct_type;
};

template <std::size_t I, class List>
struct field_at;
template <std::size_t I, class Message, class First, class... Rest>
struct field_at<I, field_list<Message, First, Rest...>> : field_at<I - 1, field_list<Message, Rest...>> {};
template <class Message, class First, class... Rest>
struct field_at<0, field_list<Message, First, Rest...>> {
    using type = First;
};

} // namespace detail

/// The field in position `I` of the struct `S`, as a type.
template <class S, std::size_t I>
using field_of = typename detail::field_at<I, typename S::fields>::type;

/// The struct that field `I` of the struct `S` holds, alone or as an array's element.
template <class S, std::size_t I>
using child_of = typename detail::struct_of<typename field_of<S, I>::type>::type;

/// The message that the struct `S` is part of.
template <class List>
struct message_of_list;
template <class Message, class... Fields>
struct message_of_list<field_list<Message, Fields...>> {
    using type = Message;
};
template <class S>
using message_of = typename message_of_list<typename S::fields>::type;

} // namespace kwire
