/// Every field of a message, or of the front of one that is cut, with the bytes in which it lies: printers
/// are visitors.
///
///     struct visitor {
///         void value(const located_field& at, const kwire::dynamic_value& value);
///         void cut(const located_field& at, const kwire::cut_bytes& part);
///         void begin_array(const located_field& at, std::size_t claimed, bool null);
///         void end_array(const located_field& at, std::size_t seen, bool whole);
///         bool begin_struct(const located_field& at, bool null); // false: its fields are left out
///         void end_struct(const located_field& at, bool whole);
///         void unknown_tag(std::uint32_t number, std::span<const std::byte> payload);
///         void missing(const located_field& at);
///     };
#pragma once

#include <kwire/expected.hpp>
#include <kwire/reflect/prefix.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dump {

/// A field, or an element of one that is an array, and its place.
struct located_field {
    const kwire::field_info& field;
    std::ptrdiff_t element = -1; ///< its number; -1 for the field itself
    /// A value: its bytes with their length. Arrays: their count. Structs: the marker of those that may be
    /// null, else nothing. So no byte is shown twice, and all but those of tags' counts, numbers and sizes
    /// are shown.
    std::span<const std::byte> bytes;
    std::size_t prefix = 0; ///< how many of the bytes are a length, a count or a marker
    /// Whether it must be hidden (schema/secrets.txt). Where the flag that says so is missing, it is
    /// taken for secret.
    bool secret = false;
};

template <class Visitor>
class field_walk {
public:
    explicit field_walk(Visitor& visitor) noexcept : visitor_(visitor) {}

    /// `whole` shows the unknown tags, if the struct is not cut.
    void fields(const kwire::dynamic_prefix& in, const std::optional<kwire::dynamic_view>& whole,
                bool flagged) {
        for (std::size_t i = 0; i < in.field_count(); ++i)
            if (const auto value = in.field(i); value.info().secret == kwire::secrecy::flag)
                flagged = flagged || may_be_set(value);
        for (std::size_t i = 0; i < in.field_count(); ++i) {
            const kwire::dynamic_prefix_value value = in.field(i);
            const kwire::field_info& field = value.info();
            if (!field.versions.contains(in.version()) || value.state() == kwire::seen_state::absent)
                continue;
            const bool secret = field.secret == kwire::secrecy::always ||
                                (field.secret == kwire::secrecy::flagged && flagged);
            located_field at{field, -1, {}, 0, secret};
            if (value.state() == kwire::seen_state::missing) {
                visitor_.missing(at);
                if (field.tag < 0) return; // nothing is there of the fields after it
            } else {
                one(at, value, flagged);
                if (value.state() == kwire::seen_state::cut && field.tag < 0) return;
            }
        }
        if (!whole) return;
        for (const kwire::unknown_tag_view tag : whole->unknown_tags())
            visitor_.unknown_tag(tag.number, tag.payload);
    }

private:
    [[nodiscard]] static bool may_be_set(const kwire::dynamic_prefix_value& flag) noexcept {
        const bool known =
            flag.state() == kwire::seen_state::whole || flag.state() == kwire::seen_state::absent;
        return !known || flag.value().number() != 0;
    }

    void one(located_field& at, const kwire::dynamic_prefix_value& value, bool flagged) {
        switch (value.kind()) {
        case kwire::field_kind::structure: return structure(at, value, flagged);
        case kwire::field_kind::array: return array(at, value, flagged);
        case kwire::field_kind::string:
        case kwire::field_kind::bytes:
        case kwire::field_kind::records: {
            const kwire::cut_bytes content = value.content();
            at.bytes = value.bytes();
            at.prefix = at.bytes.size() - content.there.size();
            if (!content.whole()) return visitor_.cut(at, content);
            break;
        }
        default: at.bytes = value.bytes();
        }
        visitor_.value(at, value.value());
    }

    void structure(located_field& at, const kwire::dynamic_prefix_value& value, bool flagged) {
        const bool null = value.is_null();
        const auto bytes = value.bytes();
        if (null) {
            at.bytes = bytes;
            at.prefix = bytes.size();
            static_cast<void>(visitor_.begin_struct(at, true));
            return visitor_.end_struct(at, true);
        }
        const kwire::dynamic_prefix inner = value.structure();
        at.prefix = bytes.size() - std::min(bytes.size(), inner.bytes().size());
        at.bytes = bytes.first(at.prefix);
        if (visitor_.begin_struct(at, false)) {
            std::optional<kwire::dynamic_view> whole;
            if (inner.is_whole()) whole = value.value().structure();
            fields(inner, whole, flagged);
        }
        visitor_.end_struct(at, inner.is_whole());
    }

    void array(located_field& at, const kwire::dynamic_prefix_value& value, bool flagged) {
        const auto bytes = value.bytes();
        const auto elements = value.elements();
        at.prefix = bytes.size();
        if (elements.size() != 0)
            at.prefix = static_cast<std::size_t>((*elements.begin()).bytes().data() - bytes.data());
        else if (value.state() == kwire::seen_state::cut)
            at.prefix = std::min<std::size_t>(bytes.size(), 4);
        at.bytes = bytes.first(at.prefix);
        visitor_.begin_array(at, value.claimed(), value.is_null());
        std::ptrdiff_t number = 0;
        for (const kwire::dynamic_prefix_value element : elements) {
            located_field place{at.field, number++, {}, 0, at.secret};
            one(place, element, flagged);
        }
        visitor_.end_array(at, value.whole_elements(), value.state() == kwire::seen_state::whole);
    }

    Visitor& visitor_;
};

/// Calls `visitor` for every field of `message` at `version`, in the schema's order, as far as its bytes are
/// in `seen`. Where they end, `cut` shows a string, bytes or records in part, and `missing` the first field
/// of which nothing is there. Errors: as kwire::parse_prefix, before the visitor is called.
template <class Visitor>
kwire::expected<void, kwire::error> visit_fields_of(const kwire::message_info& message,
                                                    std::span<const std::byte> seen, int version,
                                                    kwire::prefix_options options, Visitor&& visitor) {
    const auto view = kwire::parse_prefix(message, seen, version, options);
    if (!view) return kwire::unexpected(view.error());
    std::optional<kwire::dynamic_view> whole;
    if (view->is_whole())
        if (const auto all = kwire::parse_view(message, seen, version, options.tolerate)) whole = *all;
    field_walk walk(visitor);
    walk.fields(*view, whole, false);
    return {};
}

} // namespace dump
