/// From JSON to a tree of values that an encoder can write. Part of json.hpp.
#pragma once

#include <kwire/reflect/detail/value_tree.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/wire/uuid_text.hpp>

#include <boost/json/value.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// Whether `key` is the schema's name of a field in the form of Kafka's JSON: `isrNodes` of `isr_nodes`.
constexpr bool is_json_key(std::string_view key, std::string_view name) noexcept {
    std::size_t at = 0;
    bool upper = false;
    for (const char c : name) {
        if (c == '_') {
            upper = true;
            continue;
        }
        const char expected = upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (at == key.size() || key[at] != expected) return false;
        ++at;
        upper = false;
    }
    return at == key.size();
}

/// Standard base64 with its padding; nothing if it is anything else.
inline std::optional<shared_buffer> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const char c : text.substr(0, text.size() - padding)) {
        const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                          : c >= 'a' && c <= 'z' ? c - 'a' + 26
                          : c >= '0' && c <= '9' ? c - '0' + 52
                          : c == '+'             ? 62
                          : c == '/'             ? 63
                                                 : -1;
        if (digit < 0) return std::nullopt;
        pending = (pending << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<std::byte>(pending >> bits & 0xff));
        }
    }
    if ((pending & ((1U << bits) - 1)) != 0) return std::nullopt;
    return shared_buffer::copy_of(bytes);
}

/// Reads JSON by the schema of a message at one version, and says where something does not fit.
class json_reader {
public:
    json_reader(int version, error& failure) noexcept : failure_(failure), version_(version) {}

    bool read_struct(const struct_info& info, const boost::json::value& json, value_node& node) {
        const boost::json::object* const object = json.if_object();
        if (object == nullptr) return refuse(errc::bad_value);
        node.present = true;
        node.parts.resize(info.fields.size());
        for (const auto& [key, value] : *object) {
            const field_info* found = nullptr;
            std::size_t at = 0;
            for (std::size_t i = 0; i < info.fields.size(); ++i)
                if (info.fields[i].versions.contains(version_) && is_json_key(key, info.fields[i].name)) {
                    found = &info.fields[i];
                    at = i;
                }
            if (found == nullptr) return refuse(errc::field_not_in_version);
            if (!read_field(*found, value, node.parts[at])) return false;
        }
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            if (field.versions.contains(version_) && field.tag < 0 && !node.parts[i].present)
                return refuse(errc::bad_value) || within(field, -1);
        }
        return true;
    }

    [[nodiscard]] bool read_field(const field_info& field, const boost::json::value& json, value_node& node) {
        node.present = true;
        if (json.is_null()) {
            node.null = true;
            return field.nullable.contains(version_) || refuse(errc::null_not_allowed) || within(field, -1);
        }
        if (field.kind != field_kind::array) return read_value(field, json, node) || within(field, -1);
        const boost::json::array* const array = json.if_array();
        if (array == nullptr) return refuse(errc::bad_value) || within(field, -1);
        node.parts.resize(array->size());
        for (std::size_t i = 0; i < array->size(); ++i) {
            node.parts[i].present = true;
            if (!read_value(field, (*array)[i], node.parts[i]))
                return within(field, static_cast<std::int64_t>(i));
        }
        return true;
    }
    [[nodiscard]] bool read_element(const field_info& field, const boost::json::value& json,
                                    value_node& node) {
        node.present = true;
        return read_value(field, json, node) || within(field, -1);
    }

private:
    bool refuse(errc code) noexcept {
        failure_.code = code;
        failure_.depth = 0;
        return false;
    }
    bool within(const field_info& field, std::int64_t index) noexcept {
        failure_.enter({field.name, index});
        return false;
    }

    /// A value or an element that is not null.
    bool read_value(const field_info& field, const boost::json::value& json, value_node& node) {
        const boost::json::string* const text = json.if_string();
        switch (field.element) {
        case field_kind::structure: return read_struct(*field.structure, json, node);
        case field_kind::boolean:
            if (!json.is_bool()) return refuse(errc::bad_value);
            node.number = json.get_bool() ? 1 : 0;
            return true;
        case field_kind::float64: return read_real(json, node.real) || refuse(errc::bad_value);
        case field_kind::string:
            if (text == nullptr) return refuse(errc::bad_value);
            node.text = {text->data(), text->size()};
            return true;
        case field_kind::uuid: {
            if (text == nullptr) return refuse(errc::bad_value);
            const auto id = uuid::from_text({text->data(), text->size()});
            if (!id) return refuse(errc::bad_value);
            node.id = *id;
            return true;
        }
        case field_kind::bytes:
        case field_kind::records: {
            if (text == nullptr) return refuse(errc::bad_value);
            auto bytes = from_base64({text->data(), text->size()});
            if (!bytes) return refuse(errc::bad_value);
            node.bytes = *std::move(bytes);
            return true;
        }
        case field_kind::int8: return read_integer<std::int8_t>(json, node);
        case field_kind::int16: return read_integer<std::int16_t>(json, node);
        case field_kind::uint16: return read_integer<std::uint16_t>(json, node);
        case field_kind::int32: return read_integer<std::int32_t>(json, node);
        case field_kind::uint32: return read_integer<std::uint32_t>(json, node);
        default: return read_integer<std::int64_t>(json, node);
        }
    }

    template <class T>
    bool read_integer(const boost::json::value& json, value_node& node) {
        const std::int64_t* const number = json.if_int64();
        if (number == nullptr || !std::in_range<T>(*number)) return refuse(errc::bad_value);
        node.number = *number;
        return true;
    }

    static bool read_real(const boost::json::value& json, double& real) noexcept {
        if (const auto* number = json.if_double()) {
            real = *number;
        } else if (const auto* whole = json.if_int64()) {
            real = static_cast<double>(*whole);
        } else if (const auto* large = json.if_uint64()) {
            real = static_cast<double>(*large);
        } else if (const auto* text = json.if_string()) { // JSON has no numbers for these
            constexpr double infinity = std::numeric_limits<double>::infinity();
            if (*text == "NaN")
                real = std::numeric_limits<double>::quiet_NaN();
            else if (*text == "Infinity" || *text == "-Infinity")
                real = text->front() == '-' ? -infinity : infinity;
            else
                return false;
        } else {
            return false;
        }
        return true;
    }

    error& failure_;
    int version_;
};

} // namespace kwire::inline KWIRE_ABI::detail
