/// Any message as JSON text, in the form of Kafka's own JSON converters. Part of json.hpp.
#pragma once

#include <kwire/reflect/transcode.hpp>
#include <kwire/wire/detail/utf8.hpp>
#include <kwire/wire/uuid_text.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// Appends JSON to a string.
class json_writer {
public:
    explicit json_writer(std::string& out) noexcept : out_(out) {}

    void put(const dynamic_view& view) {
        out_ += '{';
        bool first = true;
        for (std::size_t i = 0; i < view.field_count(); ++i) {
            const dynamic_value value = view.field(i);
            const field_info& field = value.info();
            if (!field.versions.contains(view.version())) continue;
            if (field.tag >= 0 && has_default(value)) continue; // as in the bytes
            if (!first) out_ += ',';
            first = false;
            put_key(field.name);
            put(value);
        }
        out_ += '}';
    }

private:
    void put(const dynamic_value& value) {
        if (value.is_null()) {
            out_ += "null";
            return;
        }
        switch (value.kind()) {
        case field_kind::boolean: out_ += value.number() != 0 ? "true" : "false"; break;
        case field_kind::float64: put_real(value.real()); break;
        case field_kind::uuid: {
            std::array<char, uuid::text_size> chars;
            out_ += '"';
            out_ += value.id().to_chars(chars);
            out_ += '"';
            break;
        }
        case field_kind::string: put_text(value.text()); break;
        case field_kind::bytes:
        case field_kind::records: put_base64(value.bytes()); break;
        case field_kind::structure: put(value.structure()); break;
        case field_kind::array: {
            out_ += '[';
            bool first = true;
            const auto put_next = [&](const auto& element) {
                if (!first) out_ += ',';
                first = false;
                put(element);
            };
            if (value.info().element == field_kind::structure)
                for (const dynamic_view& element : value.structs()) put_next(element);
            else
                for (const dynamic_value element : value.elements()) put_next(element);
            out_ += ']';
            break;
        }
        default: put_integer(value.number());
        }
    }

    /// The schema's name with its first letter in lower case: `isr_nodes` is `isrNodes`.
    void put_key(std::string_view name) {
        out_ += '"';
        bool upper = false;
        for (const char c : name) {
            if (c == '_') {
                upper = true;
                continue;
            }
            out_ += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            upper = false;
        }
        out_ += "\":";
    }

    void put_integer(std::int64_t value) {
        std::array<char, 24> digits;
        out_.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
    }

    /// As Java prints a double: the shortest digits that name it, a point in any case, an exponent from 10^7
    /// on and below 10^-3.
    void put_real(double value) {
        if (!std::isfinite(value)) {
            out_ += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
            return;
        }
        if (std::signbit(value)) out_ += '-';
        std::array<char, 40> chars;
        char* const begin = chars.data();
        char* const room = begin + chars.size();
        const double size = std::fabs(value);
        char* end = std::to_chars(begin, room, size, std::chars_format::scientific).ptr;
        if (begin[1] != '.') { // one digit is enough, but of all numbers of two digits another may be nearer
            end = std::to_chars(begin, room, size, std::chars_format::scientific, 1).ptr;
        }
        const std::string_view text(begin, static_cast<std::size_t>(end - begin));
        const std::size_t e = text.find('e');
        std::string digits(text.substr(0, 1));
        if (const auto rest = text.substr(2, e - 2); rest != "0") digits += rest;
        int exponent = 0;
        for (const char c : text.substr(e + 2)) exponent = exponent * 10 + (c - '0');
        if (text[e + 1] == '-') exponent = -exponent;

        const bool plain = exponent >= -3 && exponent < 7;
        const int whole = plain ? exponent + 1 : 1; // digits before the point
        if (whole <= 0) digits.insert(0, static_cast<std::size_t>(1 - whole), '0');
        const auto point = static_cast<std::size_t>(whole > 0 ? whole : 1);
        if (digits.size() <= point) digits.append(point + 1 - digits.size(), '0');
        out_ += std::string_view(digits).substr(0, point);
        out_ += '.';
        out_ += std::string_view(digits).substr(point);
        if (plain) return;
        out_ += 'E';
        put_integer(exponent);
    }

public:
    /// Escaped where JSON demands it. What is not UTF-8 becomes U+FFFD, as Kafka reads it: JSON has no other
    /// way.
    void put_text(std::string_view text) {
        constexpr std::string_view hex = "0123456789ABCDEF";
        out_ += '"';
        for (std::size_t i = 0; i < text.size();) {
            const char c = text[i];
            const auto byte = static_cast<unsigned char>(c);
            if (byte >= 0x80) {
                const auto [size, code, sound] = wire::utf8_at(text.substr(i));
                out_ += sound ? text.substr(i, size) : std::string_view("\xEF\xBF\xBD");
                i += size;
                continue;
            }
            ++i;
            switch (c) {
            case '"': out_ += "\\\""; break;
            case '\\': out_ += "\\\\"; break;
            case '\b': out_ += "\\b"; break;
            case '\f': out_ += "\\f"; break;
            case '\n': out_ += "\\n"; break;
            case '\r': out_ += "\\r"; break;
            case '\t': out_ += "\\t"; break;
            default:
                if (byte < 0x20) {
                    out_ += "\\u00";
                    out_ += hex[byte >> 4];
                    out_ += hex[byte & 15];
                } else {
                    out_ += c;
                }
            }
        }
        out_ += '"';
    }

    void put_base64(std::span<const std::byte> bytes) {
        constexpr std::string_view digits =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        out_ += '"';
        for (std::size_t i = 0; i < bytes.size(); i += 3) {
            const std::size_t left = bytes.size() - i;
            std::uint32_t three = 0;
            for (std::size_t j = 0; j < 3; ++j)
                three = three << 8 | (j < left ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
            for (std::size_t j = 0; j < 4; ++j) out_ += j <= left ? digits[three >> (18 - 6 * j) & 63] : '=';
        }
        out_ += '"';
    }

private:
    std::string& out_;
};

} // namespace kwire::inline KWIRE_ABI::detail
