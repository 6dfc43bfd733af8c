/// Internal: how an accessor finds and reads its field.
#pragma once

#include <kwire/schema/detail/default_struct.hpp>
#include <kwire/schema/detail/struct_view.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace kwire::inline KWIRE_ABI::detail {

/// What an array view is made from.
struct raw_array {
    const std::byte* elements = nullptr;   ///< nullptr for null
    std::uint32_t count = 0;               ///< 0 for null
    bool compact = false;                  ///< how elements that are strings are written
    const struct_layout* layout = nullptr; ///< of the elements, if they are structs
};

/// The C++ type of a value of fixed width.
template <field_kind Kind, enumeration Enumerators = enumeration::none>
struct scalar_of;
template <>
struct scalar_of<field_kind::int16, enumeration::error_code> {
    using type = error_code;
};
template <>
struct scalar_of<field_kind::int16, enumeration::api_key> {
    using type = api_key;
};
template <>
struct scalar_of<field_kind::boolean> {
    using type = bool;
};
template <>
struct scalar_of<field_kind::int8> {
    using type = std::int8_t;
};
template <>
struct scalar_of<field_kind::int16> {
    using type = std::int16_t;
};
template <>
struct scalar_of<field_kind::uint16> {
    using type = std::uint16_t;
};
template <>
struct scalar_of<field_kind::int32> {
    using type = std::int32_t;
};
template <>
struct scalar_of<field_kind::uint32> {
    using type = std::uint32_t;
};
template <>
struct scalar_of<field_kind::int64> {
    using type = std::int64_t;
};
template <>
struct scalar_of<field_kind::float64> {
    using type = double;
};
template <>
struct scalar_of<field_kind::uuid> {
    using type = uuid;
};

/// The C++ type of a value of field `I`, or of its elements if it is an array. This is the one place that
/// says it, for views at version `V`.
template <class S, std::size_t I, int V, field_kind Kind = tables_of<S>::fields[I].element>
struct shown_type : scalar_of<Kind, tables_of<S>::fields[I].enumerators> {};
template <class S, std::size_t I, int V>
struct shown_type<S, I, V, field_kind::string> {
    using type = std::string_view;
};
template <class S, std::size_t I, int V>
struct shown_type<S, I, V, field_kind::bytes> {
    using type = std::span<const std::byte>;
};
template <class S, std::size_t I, int V>
struct shown_type<S, I, V, field_kind::records> {
    using type = std::span<const std::byte>;
};
template <class S, std::size_t I, int V>
struct shown_type<S, I, V, field_kind::structure> {
    using type = typename child_of<S, I>::template basic_view<V>;
};

template <class T>
KWIRE_ALWAYS_INLINE T load_scalar(const std::byte* p) noexcept {
    if constexpr (std::is_same_v<T, bool>) {
        return *p != std::byte{0};
    } else if constexpr (std::is_same_v<T, uuid>) {
        uuid value;
        std::memcpy(value.bytes.data(), p, sizeof value.bytes);
        return value;
    } else if constexpr (std::is_enum_v<T>) {
        return static_cast<T>(wire::load_be<std::underlying_type_t<T>>(p));
    } else {
        return wire::load_be<T>(p);
    }
}

/// Whether the lengths of a field are compact: at all versions, at none, or at those that are flexible.
enum class compact_in : std::uint8_t {
    all,
    none,
    flexible
};
template <class S>
consteval compact_in compact_versions(const field_info& field) {
    constexpr message_facts facts = message_of<S>::facts;
    if (field.never_compact || facts.first_flexible > facts.versions.last) return compact_in::none;
    return facts.first_flexible <= facts.versions.first ? compact_in::all : compact_in::flexible;
}

template <compact_in Versions>
KWIRE_SMALL bool is_compact_at(const struct_layout& layout) noexcept {
    return Versions == compact_in::flexible ? layout.flexible : Versions == compact_in::all;
}

/// Field `I` of the struct `S` in views of version `V`: find it with `locate`, then `read` it, or show its
/// `default_value` if the bytes do not hold it.
// cost: the functions take the compiler 3 % longer than one long function would, of a program that parses and
// visits a Metadata response. Everything that is known about the field is decided by `if constexpr`: programs
// have many accessors, and what is left for the optimiser to find out takes it longer.
template <class S, std::size_t I, int V>
struct field_access {
    static constexpr const field_info& field = tables_of<S>::fields[I];
    static constexpr const common_place& place = places_in<S, V>.of[I];
    static constexpr bool tagged = place.anchor == field_place::in_tags;
    static constexpr bool always_held = place.always && !tagged;
    static constexpr bool is_array = field.kind == field_kind::array;
    static constexpr bool nullable = !field.nullable.empty();
    static constexpr bool nullable_always =
        field.nullable.first <= field.versions.first && field.nullable.last >= field.versions.last;

    using view = struct_view<S, V>;
    using shown = typename shown_type<S, I, V>::type;
    using value =
        std::conditional_t<is_array, raw_array, std::conditional_t<nullable, std::optional<shown>, shown>>;

    /// The first byte of the field, of its payload if it is tagged; nullptr if the bytes do not hold it.
    KWIRE_SMALL static const std::byte* locate(const view& from,
                                               [[maybe_unused]] const struct_layout& layout) noexcept {
        if constexpr (tagged) {
            return view_access::find(from, I, true);
        } else if constexpr (place.anchor == field_place::absent) {
            return nullptr;
        } else {
            if constexpr (!place.always)
                if (!field.versions.contains(layout.version)) return nullptr;
            std::size_t anchor = static_cast<std::size_t>(place.anchor);
            std::size_t delta = static_cast<std::size_t>(place.delta);
            if constexpr (place.anchor == common_place::varies) anchor = layout.places[I].anchor;
            if constexpr (place.delta == common_place::varies) delta = layout.places[I].delta;
            if constexpr (place.anchor == 0)
                return view_access::base(from) + delta;
            else
                return view_access::at(from, anchor, delta);
        }
    }

    /// What the accessor shows if the bytes do not hold the field: the schema's default.
    static value default_value([[maybe_unused]] const struct_layout& layout) noexcept {
        if constexpr (nullable && field.null_default)
            return value{};
        else if constexpr (is_array)
            return raw_array{nothing};
        else if constexpr (field.kind == field_kind::structure)
            return structure(default_struct<child_of<S, I>>::bytes[layout.version_index].data(), layout);
        else if constexpr (field.kind == field_kind::string)
            return field.default_text;
        else if constexpr (width_of(field.kind) != 0 && field.kind != field_kind::uuid)
            return static_cast<shown>(field.default_number);
        else
            return shown{};
    }

    /// The field at `p`. Null at a version that does not have null for it was let pass by a lenient parse,
    /// and is empty.
    KWIRE_SMALL static value read([[maybe_unused]] const struct_layout& layout, const std::byte* p) noexcept {
        if constexpr (width_of(field.kind) != 0) {
            return load_scalar<shown>(p);
        } else if constexpr (field.kind == field_kind::structure) {
            if constexpr (nullable)
                if (may_be_null(layout) && skip_null_marker(p, field.tag >= 0)) return value{};
            return structure(p, layout);
        } else {
            // One function reads all lengths if the version is known at run time only, which keeps code
            // small. But arrays of numbers are so many and so short that the call would be felt.
            const bool compact = is_compact_at<compact_versions<S>(field)>(layout);
            constexpr bool is_bytes = field.kind == field_kind::bytes || field.kind == field_kind::records;
            // cost: arrays that may be null are as a rule; without this line they take two calls.
            if constexpr (nullable && is_array)
                if (compact && *p == std::byte{0} && may_be_null(layout)) return value{};
            const trusted_count length = V != any_version && is_bytes
                                             ? read_size_fast(p, compact, classic_form(field.kind))
                                         : V != any_version || width_of(field.element) != 0
                                             ? read_length_fast(p, compact, classic_form(field.kind))
                                             : read_length(p, compact, classic_form(field.kind));
            if constexpr (nullable)
                if (length.is_null() && may_be_null(layout)) return value{};
            if constexpr (is_array && field.element == field_kind::structure)
                return {length.content, length.size, compact,
                        &field.structure->layouts[layout.version_index]};
            else if constexpr (is_array)
                return {length.content, length.size, compact};
            else if constexpr (field.kind == field_kind::string)
                return length.text();
            else
                return shown(length.content, std::size_t{length.size});
        }
    }

private:
    KWIRE_SMALL static bool may_be_null([[maybe_unused]] const struct_layout& layout) noexcept {
        return nullable_always || field.nullable.contains(layout.version);
    }

    static value structure(const std::byte* p, const struct_layout& layout) noexcept {
        return view_access::make<shown>(p, field.structure->layouts[layout.version_index]);
    }
};

} // namespace kwire::inline KWIRE_ABI::detail
