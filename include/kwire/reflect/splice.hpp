/// Changes fields that are known at run time only, of any message: write/splice.hpp without a template for
/// each.
///
///     kwire::splice edits(*message);                             // of kwire::parse(info, frame), or typed
///     kwire::set(edits, view, "brokers[0].host", "proxy.example");
///     kwire::erase(edits, view, "topics[3]");
///     auto changed = edits.apply();
///
/// `view` is a dynamic view of the message or of a struct in it, from `as_dynamic` if need be. Values are
/// numbers, text, uuids, buffers, null, and values of other messages; reflect/json.hpp takes JSON.
#pragma once

#include <kwire/reflect/detail/encode_output.hpp>
#include <kwire/reflect/detail/value_tree.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/path.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/write/splice.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

template <>
struct root_of<dynamic_view> {
    static message_root of(const dynamic_view& view) noexcept {
        return {&dynamic_access::layout(view), dynamic_access::base(view), view.message()};
    }
};

/// Encodes a value by the rules of `layout` for its struct's fields.
template <class Put>
[[nodiscard]] std::optional<new_bytes> encode_dynamic_value(edit_list& list, const struct_layout& layout,
                                                            const shared_buffer& owner, const Put& put) {
    const auto first = static_cast<std::int16_t>(layout.version - layout.version_index);
    const message_facts facts{.name = {},
                              .versions = {first, layout.version},
                              .first_flexible = layout.flexible ? first : std::int16_t{32767}};
    error failure;
    measuring_output size;
    if (dynamic_encoder<measuring_output> measure(size, facts, layout.version, owner, failure);
        !put(measure)) {
        list.refuse(failure);
        return std::nullopt;
    }
    if (size.size() > wire::max_length) {
        list.refuse(error{.code = errc::too_large});
        return std::nullopt;
    }
    if (size.attached == 0) {
        const auto [at, made] = list.make_bytes(static_cast<std::size_t>(size.own));
        if (at == nullptr) return std::nullopt;
        plain_output out(at);
        dynamic_encoder<plain_output> write(out, facts, layout.version, owner, failure);
        static_cast<void>(put(write));
        return made;
    }
    writing_output out(size);
    dynamic_encoder<writing_output> write(out, facts, layout.version, owner, failure);
    static_cast<void>(put(write));
    return list.keep_chain(std::move(out).finish());
}

/// Whether the bytes hold the struct that has the field; refused if not.
[[nodiscard]] inline bool holds(edit_list& list, const field_position& where) noexcept {
    if (dynamic_access::base(where.part) != nullptr) return true;
    list.refuse(errc::field_absent, where.part.field(where.field).info().name);
    return false;
}
[[nodiscard]] inline struct_place place_of(const dynamic_view& view) noexcept {
    return {&dynamic_access::layout(view), dynamic_access::base(view), dynamic_access::ends(view)};
}

/// Sets or inserts an element: `edit` says which.
template <class Value>
void splice_element_value(edit_list& list, const field_position& where, const Value& value,
                          const shared_buffer& owner, element_edit edit) {
    const struct_layout& layout = dynamic_access::layout(where.part);
    const field_info& field = layout.fields[where.field];
    if (value.is_null()) return list.refuse(errc::null_not_allowed, field.name);
    if (!holds(list, where) || !where.element) return;
    const auto index = static_cast<std::int64_t>(*where.element);
    const auto content = encode_dynamic_value(
        list, layout, owner, [&](auto& encoder) { return encoder.put_element(field, value, index); });
    if (content) (list.*edit)(place_of(where.part), where.field, *where.element, *content);
}
/// Sets a field or an element to a value in the form of a dynamic_value.
template <class Value>
void splice_value(edit_list& list, const field_position& where, const Value& value,
                  const shared_buffer& owner) {
    if (where.element) return splice_element_value(list, where, value, owner, &edit_list::set_element);
    const struct_layout& layout = dynamic_access::layout(where.part);
    const field_info& field = layout.fields[where.field];
    if (!field.versions.contains(layout.version)) {
        if (!field.ignorable.contains(layout.version) && !has_default(value))
            list.refuse(errc::field_not_in_version, field.name);
        return;
    }
    if (!holds(list, where)) return;
    if (field.tag >= 0 && has_default(value)) return list.erase_tag(place_of(where.part), field);
    const auto content = encode_dynamic_value(list, layout, owner,
                                              [&](auto& encoder) { return encoder.put_field(field, value); });
    if (content) list.set_field(place_of(where.part), where.field, *content);
}
template <class Value>
void insert_value(edit_list& list, const field_position& where, const Value& value,
                  const shared_buffer& owner) {
    if (!where.element)
        return list.refuse(errc::bad_value, dynamic_access::layout(where.part).fields[where.field].name);
    splice_element_value(list, where, value, owner, &edit_list::insert);
}

/// Calls `f` with the position, or keeps the error.
template <class F>
void at_position(splice& edits, const dynamic_view& part, std::string_view path, const F& f) {
    edit_list& list = splice_access::list(edits);
    if (const auto where = at_path(part, path))
        f(list, *where);
    else
        list.refuse(where.error());
}

} // namespace detail

/// A value for a field that is known at run time only. Does not own text, and takes a reference on buffers.
class new_value {
public:
    new_value(std::nullptr_t) noexcept : given_(given::null) { node_.null = true; }
    template <std::integral Integer>
    new_value(Integer value) noexcept : given_(given::number) {
        if constexpr (std::is_unsigned_v<Integer> && sizeof(Integer) == sizeof(std::int64_t))
            if (!std::in_range<std::int64_t>(value)) given_ = given::nothing;
        node_.number = static_cast<std::int64_t>(value);
        node_.real = static_cast<double>(value);
    }
    new_value(double value) noexcept : given_(given::real) { node_.real = value; }
    new_value(const uuid& value) noexcept : given_(given::id) { node_.id = value; }
    new_value(std::string_view text) noexcept : given_(given::text) { node_.text = text; }
    new_value(const char* text) noexcept : new_value(std::string_view(text)) {}
    new_value(const std::string& text) noexcept : new_value(std::string_view(text)) {}
    new_value(shared_buffer bytes) noexcept : given_(given::bytes) { node_.bytes = std::move(bytes); }
    /// The value of a field of the same type, in this or another message. `owner` keeps its bytes: payloads
    /// are references on it, and copies without it.
    new_value(const dynamic_value& from, shared_buffer owner = {}) noexcept
        : from_(from), owner_(std::move(owner)), given_(given::from) {}

    /// Whether it can be the value of the field, or of an element of it.
    [[nodiscard]] bool fits(const field_info& field, bool element) const noexcept {
        const field_kind kind = element ? field.element : field.kind;
        const auto within = [this]<class T>(std::type_identity<T>) {
            return given_ == given::number && std::in_range<T>(node_.number);
        };
        // NOLINTBEGIN(bugprone-unchecked-optional-access): given::from says that it is there
        if (given_ == given::from)
            return from_->kind() == kind && from_->info().element == field.element &&
                   from_->info().structure == field.structure;
        // NOLINTEND(bugprone-unchecked-optional-access)
        if (given_ == given::null) return true; // the encoder knows where
        switch (kind) {
        case field_kind::boolean: return given_ == given::number && (node_.number == 0 || node_.number == 1);
        case field_kind::int8: return within(std::type_identity<std::int8_t>{});
        case field_kind::int16: return within(std::type_identity<std::int16_t>{});
        case field_kind::uint16: return within(std::type_identity<std::uint16_t>{});
        case field_kind::int32: return within(std::type_identity<std::int32_t>{});
        case field_kind::uint32: return within(std::type_identity<std::uint32_t>{});
        case field_kind::int64: return given_ == given::number;
        case field_kind::float64: return given_ == given::real || given_ == given::number;
        case field_kind::uuid: return given_ == given::id;
        case field_kind::string: return given_ == given::text;
        case field_kind::bytes:
        case field_kind::records: return given_ == given::bytes;
        default: return false;
        }
    }
    /// Calls `f(value, owner)` with the value in the form of a dynamic_value.
    template <class F>
    void visit(const field_info& field, const F& f) const {
        if (given_ == given::from) {
            f(*from_, owner_); // NOLINT(bugprone-unchecked-optional-access): as above
        } else {
            detail::value_node node = node_;
            node.present = true;
            f(detail::node_value(field, &node), owner_);
        }
    }

private:
    enum class given : std::uint8_t {
        nothing,
        null,
        number,
        real,
        id,
        text,
        bytes,
        from
    };
    detail::value_node node_;
    std::optional<dynamic_value> from_;
    shared_buffer owner_;
    given given_;
};

/// Sets the field or the element at `where`. A tagged field is added if the message does not have it, and
/// dropped if the value is its default. Errors: those of splice::apply, and bad_value for a value that is not
/// of the field's type.
inline void set(splice& edits, const field_position& where, const new_value& value) {
    detail::edit_list& list = detail::splice_access::list(edits);
    const field_info& field = where.info();
    if (!value.fits(field, where.element.has_value())) return list.refuse(errc::bad_value, field.name);
    value.visit(field, [&](const auto& given, const shared_buffer& owner) {
        detail::splice_value(list, where, given, owner);
    });
}
/// The same at a path from `part` on. Errors: also those of at_path.
inline void set(splice& edits, const dynamic_view& part, std::string_view path, const new_value& value) {
    detail::at_position(edits, part, path,
                        [&](detail::edit_list&, const field_position& where) { set(edits, where, value); });
}

/// Inserts an element before the one at `path`, such as `topics[0]`; the position may be the size of the
/// array. Errors: as `set`.
inline void insert(splice& edits, const dynamic_view& part, std::string_view path, const new_value& value) {
    detail::at_position(edits, part, path, [&](detail::edit_list& list, const field_position& where) {
        const field_info& field = where.info();
        if (!value.fits(field, true)) return list.refuse(errc::bad_value, field.name);
        value.visit(field, [&](const auto& given, const shared_buffer& owner) {
            detail::insert_value(list, where, given, owner);
        });
    });
}

/// Removes the element at `path`, such as `topics[3]`. Errors: those of splice::apply and of at_path.
inline void erase(splice& edits, const dynamic_view& part, std::string_view path) {
    detail::at_position(edits, part, path, [](detail::edit_list& list, const field_position& where) {
        if (!where.element) return list.refuse(errc::bad_value, where.part.field(where.field).info().name);
        list.erase(detail::place_of(where.part), where.field, *where.element);
    });
}

/// Puts the elements of the array at `path` into another order: `order` has each position once. Errors: those
/// of splice::apply and of at_path.
inline void reorder(splice& edits, const dynamic_view& part, std::string_view path,
                    std::span<const std::size_t> order) {
    detail::at_position(edits, part, path, [&](detail::edit_list& list, const field_position& where) {
        const field_info& field = where.info();
        if (field.kind != field_kind::array || where.element) return list.refuse(errc::bad_value, field.name);
        if (detail::holds(list, where)) list.reorder(detail::place_of(where.part), where.field, order);
    });
}

/// Drops the tagged fields of `part` that the schema does not know at its version; those of structs in it
/// stay. Errors: those of splice::apply.
inline void erase_unknown_tags(splice& edits, const dynamic_view& part) {
    if (detail::dynamic_access::base(part) != nullptr)
        detail::splice_access::list(edits).erase_unknown_tags(detail::place_of(part));
}

} // namespace kwire::inline KWIRE_ABI
