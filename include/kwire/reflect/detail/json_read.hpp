/// From JSON to a tree of values that an encoder can write. Part of json.hpp.
#pragma once

#include <kwire/reflect/transcode.hpp>
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

namespace kwire::detail {

/// What JSON said of one field, element, struct or message.
struct json_node {
    bool present = false;
    bool null = false;
    std::int64_t number = 0;
    double real = 0;
    uuid id;
    std::string_view text; ///< in the JSON value
    shared_buffer bytes;
    std::vector<json_node> parts; ///< the elements of an array; all fields of a struct, in the schema's order
};

class json_struct;
class json_elements;

/// A json_node in the form of a dynamic_value.
class json_value {
public:
    json_value(const field_info& field, const json_node* node) noexcept
        : field_(&field), node_(node != nullptr && node->present ? node : nullptr) {}

    [[nodiscard]] const field_info& info() const noexcept { return *field_; }
    [[nodiscard]] bool is_null() const noexcept {
        return node_ != nullptr ? node_->null : field_->null_default && !field_->nullable.empty();
    }
    [[nodiscard]] std::int64_t number() const noexcept {
        return node_ != nullptr ? node_->number : field_->default_number;
    }
    [[nodiscard]] double real() const noexcept {
        return node_ != nullptr ? node_->real : static_cast<double>(field_->default_number);
    }
    [[nodiscard]] uuid id() const noexcept { return node_ != nullptr ? node_->id : uuid{}; }
    [[nodiscard]] std::string_view text() const noexcept {
        return node_ != nullptr ? node_->text : field_->default_text;
    }
    [[nodiscard]] shared_buffer bytes() const noexcept {
        return node_ != nullptr ? node_->bytes : shared_buffer{};
    }
    [[nodiscard]] std::size_t size() const noexcept { return node_ != nullptr ? node_->parts.size() : 0; }
    [[nodiscard]] json_elements elements() const noexcept;
    [[nodiscard]] json_struct structure() const noexcept;

private:
    friend class json_elements;
    const field_info* field_;
    const json_node* node_; ///< nullptr: the default
};

/// A json_node in the form of a dynamic_view.
class json_struct {
public:
    json_struct(const struct_info& info, const json_node* node) noexcept : info_(&info), node_(node) {}

    [[nodiscard]] std::size_t field_count() const noexcept { return info_->fields.size(); }
    [[nodiscard]] json_value field(std::size_t i) const noexcept {
        return {info_->fields[i], node_ != nullptr ? &node_->parts[i] : nullptr};
    }
    [[nodiscard]] unknown_tag_range unknown_tags() const noexcept { return {}; } // JSON has no place for them

private:
    const struct_info* info_;
    const json_node* node_;
};

/// The elements of an array.
class json_elements {
public:
    class iterator {
    public:
        [[nodiscard]] json_value operator*() const noexcept { return {*field_, &(*parts_)[at_]}; }
        iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

    private:
        friend class json_elements;
        iterator(const field_info& field, const std::vector<json_node>* parts, std::size_t at) noexcept
            : field_(&field), parts_(parts), at_(at) {}
        const field_info* field_;
        const std::vector<json_node>* parts_;
        std::size_t at_;
    };

    explicit json_elements(const json_value& array) noexcept
        : field_(array.field_), parts_(array.node_ != nullptr ? &array.node_->parts : nullptr) {}
    [[nodiscard]] iterator begin() const noexcept { return {*field_, parts_, 0}; }
    [[nodiscard]] iterator end() const noexcept {
        return {*field_, parts_, parts_ != nullptr ? parts_->size() : 0};
    }

private:
    const field_info* field_;
    const std::vector<json_node>* parts_;
};

inline json_elements json_value::elements() const noexcept { return json_elements(*this); }
inline json_struct json_value::structure() const noexcept { return {*field_->structure, node_}; }

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

    bool read_struct(const struct_info& info, const boost::json::value& json, json_node& node) {
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

    bool read_field(const field_info& field, const boost::json::value& json, json_node& node) {
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

    /// A value or an element that is not null.
    bool read_value(const field_info& field, const boost::json::value& json, json_node& node) {
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
    bool read_integer(const boost::json::value& json, json_node& node) {
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

} // namespace kwire::detail
