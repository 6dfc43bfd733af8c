/// Passes everything that a view has to a sink: the whole walk of one message in two short templates.
///
/// Tests read messages through sinks, which are not templates: each message is compiled once, not once per
/// test.
#pragma once

#include <kwire/read/unknown_tags.hpp>
#include <kwire/reflect/visit_fields.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace support {

/// Receives the fields of a struct in the schema's order, including those that the version lacks.
class sink {
public:
    virtual ~sink() = default;

    virtual void begin_struct(const kwire::struct_info& info, int version,
                              std::span<const std::byte> bytes) = 0;
    virtual void field(const kwire::field_info& info) = 0; ///< announces the next value
    virtual void unknown_tag(const kwire::unknown_tag_view& tag) = 0;
    virtual void end_struct() = 0;

    virtual void null() = 0;
    virtual void boolean(bool value) = 0;
    virtual void integer(std::int64_t value) = 0;
    virtual void real(double value) = 0;
    virtual void id(const kwire::uuid& value) = 0;
    virtual void text(std::string_view value) = 0;
    virtual void bytes(std::span<const std::byte> value) = 0;
    virtual void begin_array(std::size_t size) = 0;
    virtual void end_array() = 0;
};

template <class T>
concept struct_view_type = requires(const T& view) { kwire::unknown_tags(view); };

template <class S, int V>
void show(const kwire::struct_view<S, V>& view, sink& out);

template <class T>
void show_value(const T& value, sink& out) {
    if constexpr (std::same_as<T, bool>)
        out.boolean(value);
    else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
        out.integer(static_cast<std::int64_t>(value));
    else if constexpr (std::same_as<T, double>)
        out.real(value);
    else if constexpr (std::same_as<T, kwire::uuid>)
        out.id(value);
    else if constexpr (std::same_as<T, std::string_view>)
        out.text(value);
    else if constexpr (std::same_as<T, std::span<const std::byte>>)
        out.bytes(value);
    else if constexpr (struct_view_type<T>)
        show(value, out);
    else
        static_assert(std::is_void_v<T>, "a kind of value that no sink knows");
}

template <class T>
void show_value(const std::optional<T>& value, sink& out) {
    if (value)
        show_value(*value, out);
    else
        out.null();
}

template <class E>
void show_value(const kwire::array_of<E>& values, sink& out) {
    out.begin_array(values.size());
    for (const auto value : values) show_value(value, out);
    out.end_array();
}

template <class E>
void show_value(const kwire::nullable_array_of<E>& values, sink& out) {
    if (values.is_null())
        out.null();
    else
        show_value(static_cast<const kwire::array_of<E>&>(values), out);
}

template <class S, int V>
void show(const kwire::struct_view<S, V>& view, sink& out) {
    out.begin_struct(kwire::info_of<S>, kwire::version_of(view), kwire::bytes_of(view));
    kwire::visit_fields(view, [&out](const kwire::field_info& info, const auto& value) {
        out.field(info);
        show_value(value, out);
    });
    for (const kwire::unknown_tag_view tag : kwire::unknown_tags(view)) out.unknown_tag(tag);
    out.end_struct();
}

} // namespace support
