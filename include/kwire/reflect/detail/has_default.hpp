/// Internal: which values may be missing.
#pragma once

#include <kwire/schema/field.hpp>
#include <kwire/wire/uuid.hpp>

#include <cstddef>

namespace kwire::inline KWIRE_ABI::detail {

/// Whether a value has the schema's default, which is what tags leave out and other versions cannot miss.
/// `Value` is a dynamic_value or something of the same form.
template <class Value>
bool has_default(const Value& value) {
    const field_info& field = value.info();
    const bool null_default = field.null_default && !field.nullable.empty();
    if (value.is_null() || null_default) return value.is_null() && null_default;
    switch (field.kind) {
    case field_kind::string: return value.text() == field.default_text;
    case field_kind::bytes:
    case field_kind::records: return value.bytes().empty();
    case field_kind::array: return value.size() == 0;
    case field_kind::uuid: return value.id() == uuid{};
    case field_kind::float64: return value.real() == static_cast<double>(field.default_number);
    case field_kind::structure: {
        const auto inner = value.structure();
        if (!inner.unknown_tags().empty()) return false;
        for (std::size_t i = 0; i < inner.field_count(); ++i)
            if (!has_default(inner.field(i))) return false;
        return true;
    }
    default: return value.number() == field.default_number;
    }
}

/// Whether nothing is lost with a value: it is the default, null or empty.
template <class Value>
bool says_nothing(const Value& value) {
    if (has_default(value) || value.is_null()) return true;
    switch (value.info().kind) {
    case field_kind::string: return value.text().empty();
    case field_kind::array: return value.size() == 0;
    default: return false;
    }
}

} // namespace kwire::inline KWIRE_ABI::detail
