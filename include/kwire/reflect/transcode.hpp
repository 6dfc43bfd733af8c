/// A message of one version as bytes of another, without knowing its type: over the tables, once for all
/// messages.
///
///     auto body = kwire::transcode(*kwire::find_message("MetadataResponse"), bytes, 12, 9);
///
/// What the target version lacks may be dropped if it is the default or the schema calls it ignorable; what
/// the source version lacks gets its default.
#pragma once

#include <kwire/reflect/detail/encode_output.hpp>
#include <kwire/reflect/detail/transcode_program.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire {

namespace detail {

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

/// Writes (or measures) structs of any form at one version. `Out` is as for data_encoder; bytes are slices of
/// `owner` if they lie in it.
template <class Out>
class dynamic_encoder {
public:
    dynamic_encoder(Out& out, const message_facts& facts, int version, const shared_buffer& owner,
                    error& failure) noexcept
        : out_(out),
          facts_(facts),
          owner_(owner),
          failure_(failure),
          version_(version),
          flexible_(facts.flexible(version)) {}

    template <class Struct>
    [[nodiscard]] bool put_struct(const struct_info& info, const Struct& from) {
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            if (!field.versions.contains(version_)) {
                if constexpr (Out::checks)
                    if (!field.ignorable.contains(version_) && !has_default(from.field(i)))
                        return refuse(errc::field_not_in_version, field.name);
            } else if (field.tag < 0 && !put_field(field, from.field(i))) {
                return false;
            }
        }
        return put_tags(info, from);
    }

    /// A field that the version has, without the number and size of a tag.
    template <class Value>
    [[nodiscard]] bool put_field(const field_info& field, const Value& value) {
        const bool compact = flexible_ && !field.never_compact;
        const bool nullable = field.nullable.contains(version_);
        if (value.is_null()) {
            if (!nullable) return refuse(errc::null_not_allowed, field.name);
            if (field.kind == field_kind::structure)
                field.tag >= 0 ? out_.varint(0) : out_.number(std::int8_t{-1});
            else
                put_count(field.kind, -1, compact);
            return true;
        }
        switch (field.kind) {
        case field_kind::structure:
            if (nullable) field.tag >= 0 ? out_.varint(1) : out_.number(std::int8_t{1});
            return put_struct(*field.structure, value.structure()) || within(field, -1);
        case field_kind::array: break;
        default: return put_simple(field, value, compact, -1);
        }
        if (value.size() > wire::max_length) return refuse(errc::too_large, field.name);
        put_count(field.kind, static_cast<std::int64_t>(value.size()), compact);
        std::int64_t index = 0;
        if (field.element == field_kind::structure) {
            const auto put_next = [&](const auto& element) {
                return put_struct(*field.structure, element) || within(field, index);
            };
            if constexpr (requires { value.structs(); }) {
                for (const auto& element : value.structs()) {
                    if (!put_next(element)) return false;
                    ++index;
                }
            } else {
                for (const auto element : value.elements()) {
                    if (!put_next(element.structure())) return false;
                    ++index;
                }
            }
            return true;
        }
        for (const auto element : value.elements())
            if (!put_simple(field, element, compact, index++)) return false;
        return true;
    }

    /// An element of an array field.
    template <class Value>
    [[nodiscard]] bool put_element(const field_info& field, const Value& value, std::int64_t index) {
        if (field.element == field_kind::structure)
            return put_struct(*field.structure, value.structure()) || within(field, index);
        return put_simple(field, value, flexible_ && !field.never_compact, index);
    }

private:
    template <class>
    friend class dynamic_encoder;

    bool refuse(errc code, std::string_view field, std::int64_t index = -1) noexcept {
        failure_.code = code;
        failure_.depth = 0;
        failure_.enter({field, index});
        return false;
    }
    bool within(const field_info& field, std::int64_t index) noexcept {
        failure_.enter({field.name, index});
        return false;
    }

    /// The length or count of what the version writes with 16 or 32 bits, or as a varint; -1 for null.
    void put_count(field_kind kind, std::int64_t count, bool compact) {
        if (compact)
            out_.varint(static_cast<std::uint32_t>(count + 1));
        else if (kind == field_kind::string)
            out_.number(static_cast<std::int16_t>(count));
        else
            out_.number(static_cast<std::int32_t>(count));
    }

    template <class Value>
    bool put_simple(const field_info& field, const Value& value, bool compact, std::int64_t index) {
        switch (field.element) {
        case field_kind::string: {
            const std::string_view text = value.text();
            if (text.size() > wire::max_string_length)
                return refuse(errc::string_too_long, field.name, index);
            put_count(field_kind::string, static_cast<std::int64_t>(text.size()), compact);
            out_.text(text);
            return true;
        }
        case field_kind::bytes:
        case field_kind::records: {
            const auto bytes = value.bytes();
            if (bytes.size() > wire::max_length) return refuse(errc::too_large, field.name, index);
            put_count(field.element, static_cast<std::int64_t>(bytes.size()), compact);
            out_.attach(keep(bytes));
            return true;
        }
        case field_kind::uuid: out_.number(value.id()); return true;
        case field_kind::float64: out_.number(value.real()); return true;
        case field_kind::boolean: out_.number(value.number() != 0); return true;
        case field_kind::int8: out_.number(static_cast<std::int8_t>(value.number())); return true;
        case field_kind::int16: out_.number(static_cast<std::int16_t>(value.number())); return true;
        case field_kind::uint16: out_.number(static_cast<std::uint16_t>(value.number())); return true;
        case field_kind::int32: out_.number(static_cast<std::int32_t>(value.number())); return true;
        case field_kind::uint32: out_.number(static_cast<std::uint32_t>(value.number())); return true;
        default: out_.number(value.number()); return true;
        }
    }

    [[nodiscard]] static shared_buffer keep(shared_buffer bytes) noexcept { return bytes; }
    [[nodiscard]] shared_buffer keep(std::span<const std::byte> bytes) const {
        if (bytes.empty()) return {};
        if (auto slice = owner_.slice_of(bytes)) return *std::move(slice);
        return shared_buffer::copy_of(bytes);
    }

    template <class Struct>
    bool put_tags(const struct_info& info, const Struct& from) {
        const std::vector<unknown_tag_view> unknown = tags_in_order(from.unknown_tags());
        if (!flexible_) return unknown.empty() || refuse(errc::field_not_in_version, "unknown_tags");
        const struct_layout& layout =
            info.layouts[static_cast<std::size_t>(version_ - facts_.versions.first)];
        std::uint64_t due = 0; // bit k: tag k; draft.hpp refuses tags above 63
        auto count = static_cast<std::uint32_t>(unknown.size());
        for (unsigned k = 0; k < layout.tag_count; ++k)
            if (layout.tags[k].in_version && !has_default(from.field(layout.tags[k].field))) {
                due |= std::uint64_t{1} << k;
                ++count;
            }
        out_.varint(count);
        if (count == 0) return true;

        auto next = unknown.begin();
        const auto put_unknown_below = [&](std::int64_t number) {
            for (; next != unknown.end() && next->number < number; ++next) {
                out_.varint(next->number);
                out_.varint(static_cast<std::uint32_t>(next->payload.size()));
                out_.attach(keep(next->payload));
            }
        };
        for (unsigned k = 0; k < layout.tag_count; ++k) {
            if (!layout.tags[k].in_version) continue;
            put_unknown_below(k); // which is the tag's number
            if (next != unknown.end() && next->number == k)
                return refuse(errc::duplicate_tag, "unknown_tags"); // this version knows it
            if ((due >> k & 1) == 0) continue;
            if (!put_tag(info.fields[layout.tags[k].field], from.field(layout.tags[k].field))) return false;
        }
        put_unknown_below(std::int64_t{1} << 32);
        return true;
    }

    template <class Value>
    bool put_tag(const field_info& field, const Value& value) {
        measuring_output payload;
        if (!dynamic_encoder<measuring_output>(payload, facts_, version_, owner_, failure_)
                 .put_field(field, value))
            return false;
        if (payload.size() > wire::max_length) return refuse(errc::too_large, field.name);
        out_.varint(static_cast<std::uint32_t>(field.tag));
        out_.varint(static_cast<std::uint32_t>(payload.size()));
        return put_field(field, value);
    }

    Out& out_;
    const message_facts& facts_;
    const shared_buffer& owner_;
    error& failure_;
    int version_;
    bool flexible_;
};

/// Measures, then writes; `From` is the whole message in any form.
template <class From>
std::expected<buffer_chain, error> encode_dynamic(const message_info& message, const From& from, int version,
                                                  const shared_buffer& owner) {
    measuring_output size;
    error failure;
    failure.message = message.facts.name;
    failure.version = static_cast<std::int16_t>(version);
    failure.located = false;
    version = message.facts.canonical(version);
    if (!message.facts.versions.contains(version)) {
        failure.code = errc::unsupported_version;
        return std::unexpected(failure);
    }
    if (!dynamic_encoder<measuring_output>(size, message.facts, version, owner, failure)
             .put_struct(*message.structure, from))
        return std::unexpected(failure);
    if (size.size() > wire::max_length) {
        failure.code = errc::too_large;
        return std::unexpected(failure);
    }
    writing_output out(size);
    static_cast<void>(dynamic_encoder<writing_output>(out, message.facts, version, owner, failure)
                          .put_struct(*message.structure, from));
    return std::move(out).finish();
}

} // namespace detail

/// A message as `version` writes it. Payloads are slices of its buffer, nothing of them is copied; at the
/// message's own version the result is its bytes as they lie, also where another writer would have chosen
/// others (padded varints, tags that carry their default).
///
/// `message` must be the one that it was parsed as. Errors, with the path of the field: unsupported_version;
/// field_not_in_version for a value (or unknown tags) that `version` cannot carry and that may not be
/// dropped; null_not_allowed where `version` has no null; too_large for a body of 2 GiB or more.
[[nodiscard]] inline std::expected<buffer_chain, error> encode(const message_info& message,
                                                               const held<dynamic_view>& from, int version) {
    if (message.facts.canonical(version) == from->version()) {
        buffer_chain whole;
        if (const auto bytes = from->bytes(); !bytes.empty()) whole.put_bytes(from.slice_or_copy(bytes));
        return whole;
    }
    return detail::encode_dynamic(message, *from, version, from.buffer());
}

/// The body of `message` at version `from` as the body of the same message at version `to`.
///
/// Errors: those of parse and of encode.
[[nodiscard]] inline std::expected<buffer_chain, error>
transcode(const message_info& message, shared_buffer body, int from, int to, parse_options options = {}) {
    if (buffer_chain result; detail::transcode_in_one_pass(message, body, from, to, options, result))
        return result;
    const auto view = parse(message, std::move(body), from, options);
    if (!view) return std::unexpected(view.error());
    return encode(message, *view, to);
}

} // namespace kwire
