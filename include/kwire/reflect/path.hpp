/// Fields by the text of their path, as errors show it: `topics[3].partitions[0].leader_id`.
///
///     auto name = kwire::at_path(view, "topics[3].name");
///     if (name) print(name->value().text());
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// A field of a struct, or an element of it if it is an array. Valid while the message's bytes are.
struct field_position {
    dynamic_view part;                  ///< the struct that has the field
    std::size_t field = 0;              ///< the number of the field in the schema's order
    std::optional<std::size_t> element; ///< the element that is meant, if it is one

    /// The field or the element, which must exist.
    [[nodiscard]] dynamic_value value() const noexcept {
        const dynamic_value whole = part.field(field);
        if (!element) return whole;
        auto it = whole.elements().begin();
        for (std::size_t i = 0; i < *element; ++i) ++it;
        return *it;
    }
    /// What the schema says of the field.
    [[nodiscard]] const field_info& info() const noexcept { return part.field(field).info(); }
};

/// The field at `path`, from `view` on: names in snake_case as accessors have them, positions of elements in
/// brackets, counted from 0. A last position may be that of the end of its array.
///
/// Errors, with the offset in the text: bad_value for text that is not a path, for names that the struct does
/// not have at any version, and for positions outside of their array; field_absent where the path goes
/// through a struct that is null or not there.
[[nodiscard]] inline expected<field_position, error> at_path(const dynamic_view& view,
                                                             std::string_view path) noexcept {
    const std::string_view whole = path;
    const auto refusal = [&](errc code) {
        return unexpected(error{.code = code,
                                .offset = whole.size() - path.size(),
                                .version = static_cast<std::int16_t>(view.version())});
    };
    field_position at{view, 0, std::nullopt};
    for (;;) {
        const std::string_view name = path.substr(0, path.find_first_of(".["));
        for (at.field = 0; at.field != at.part.field_count(); ++at.field)
            if (at.part.field(at.field).info().name == name) break;
        if (name.empty() || at.field == at.part.field_count()) return refusal(errc::bad_value);
        path.remove_prefix(name.size());
        const dynamic_value value = at.part.field(at.field);
        if (path.starts_with('[')) {
            if (value.kind() != field_kind::array) return refusal(errc::bad_value);
            if (value.is_null()) return refusal(errc::field_absent);
            std::size_t index = 0, digits = 1;
            for (;
                 digits < path.size() && path[digits] >= '0' && path[digits] <= '9' && index <= value.size();
                 ++digits)
                index = index * 10 + static_cast<std::size_t>(path[digits] - '0');
            if (digits == 1 || digits == path.size() || path[digits] != ']' || index > value.size())
                return refusal(errc::bad_value);
            const bool last = digits + 1 == path.size();
            if (index == value.size() && !last) return refusal(errc::bad_value);
            path.remove_prefix(digits + 1);
            at.element = index;
        }
        if (path.empty()) return at;
        if (!path.starts_with('.')) return refusal(errc::bad_value);
        if (value.info().element != field_kind::structure ||
            (value.kind() == field_kind::array) != at.element.has_value())
            return refusal(errc::bad_value);
        const dynamic_value inner = at.value();
        if (inner.is_null() || !inner.present()) return refusal(errc::field_absent);
        path.remove_prefix(1);
        at = {inner.structure(), 0, std::nullopt};
    }
}

} // namespace kwire::inline KWIRE_ABI
