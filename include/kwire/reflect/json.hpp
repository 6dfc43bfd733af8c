/// Messages as JSON and back, in the form of Kafka's own JSON converters. Component kwire::json, over
/// Boost.JSON.
///
///     const auto& info = kwire::message_info_of<kwire::metadata_request>;
///     std::string text = kwire::to_json(*kwire::parse_view(info, body, 12));
///     auto body_again = kwire::from_json_text(info, text, 12);
///
/// Keys are the schema's names, first letter in lower case, in the schema's order; only fields of the
/// version, and tagged fields only where they differ from their default. Bytes and records are base64, uuids
/// what Kafka prints. Unknown tags have no place in it.
///
/// One source file of the program includes <boost/json/src.hpp>, unless it is linked with Boost's json
/// library.
#pragma once

#include <kwire/expected.hpp>
#include <kwire/reflect/detail/json_read.hpp>
#include <kwire/reflect/detail/json_write.hpp>
#include <kwire/reflect/splice.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// A message or struct as JSON text without spaces. Bytes of a string that are not UTF-8 become U+FFFD.
[[nodiscard]] inline std::string to_json(const dynamic_view& view) {
    std::string out;
    detail::json_writer(out).put(view);
    return out;
}

/// Appends text as a JSON string, escaped where JSON demands it. Bytes that are not UTF-8 become U+FFFD.
inline void append_json(std::string_view text, std::string& out) { detail::json_writer(out).put_text(text); }
/// Appends bytes as a JSON string of standard base64 with its padding, as Kafka writes bytes fields.
inline void append_json(std::span<const std::byte> bytes, std::string& out) {
    detail::json_writer(out).put_base64(bytes);
}

/// The body of `message` at `version` from its JSON.
///
/// Every field of the version must be there but tagged ones; there may be no other. Errors, with the field's
/// path: bad_value for a missing field, another kind of value or a number out of range; field_not_in_version
/// for a key that is not a field of the version (the path names the struct); null_not_allowed,
/// string_too_long, unsupported_version.
[[nodiscard]] inline expected<buffer_chain, error> from_json(const message_info& message,
                                                             const boost::json::value& json, int version) {
    error failure;
    failure.message = message.facts.name;
    failure.version = static_cast<std::int16_t>(version);
    failure.located = false; // the text is gone
    const int canonical = message.facts.canonical(version);
    detail::value_node root;
    if (!message.facts.versions.contains(canonical)) {
        failure.code = errc::unsupported_version;
        return unexpected(failure);
    }
    if (!detail::json_reader(canonical, failure).read_struct(*message.structure, json, root))
        return unexpected(failure);
    return detail::encode_dynamic(message, detail::node_struct(*message.structure, &root), version, {});
}

namespace detail {

/// Calls `f` with what JSON says of the field or the element at `where`, or keeps the error.
template <class F>
void with_json(edit_list& list, const field_position& where, const boost::json::value& json, const F& f) {
    const field_info& field = where.info();
    error failure;
    value_node node;
    json_reader reader(where.part.version(), failure);
    if (!(where.element ? reader.read_element(field, json, node) : reader.read_field(field, json, node)))
        return list.refuse(failure);
    f(node_value(field, &node));
}

} // namespace detail

/// Sets the field or the element at `path` from `part` on to what its JSON says (reflect/splice.hpp).
///
/// The JSON is that of from_json, of the field alone. Errors: those of `set`, and of from_json.
inline void set_json(splice& edits, const dynamic_view& part, std::string_view path,
                     const boost::json::value& json) {
    detail::at_position(edits, part, path, [&](detail::edit_list& list, const field_position& where) {
        detail::with_json(list, where, json,
                          [&](const auto& value) { detail::splice_value(list, where, value, {}); });
    });
}
/// Inserts an element before the one at `path`, which may be the end of the array. Errors: the same.
inline void insert_json(splice& edits, const dynamic_view& part, std::string_view path,
                        const boost::json::value& json) {
    detail::at_position(edits, part, path, [&](detail::edit_list& list, const field_position& where) {
        detail::with_json(list, where, json,
                          [&](const auto& value) { detail::insert_value(list, where, value, {}); });
    });
}

namespace detail {

/// Builds a value from the parser's events. Boost.JSON 1.81 rounds some numbers with a fraction to a
/// neighbour of the double that they name; here every number is the nearest.
class exact_json_handler {
public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    using error_code = boost::json::error_code;
    using string_view = boost::json::string_view;

    exact_json_handler() { stack_.reset(); }
    boost::json::value release() { return stack_.release(); }

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) { return true; }
    bool on_object_end(std::size_t size, error_code&) { return stack_.push_object(size), true; }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t size, error_code&) { return stack_.push_array(size), true; }
    bool on_key_part(string_view text, std::size_t, error_code&) { return stack_.push_chars(text), true; }
    bool on_key(string_view text, std::size_t, error_code&) { return stack_.push_key(text), true; }
    bool on_string_part(string_view text, std::size_t, error_code&) { return stack_.push_chars(text), true; }
    bool on_string(string_view text, std::size_t, error_code&) { return stack_.push_string(text), true; }
    bool on_number_part(string_view text, error_code&) {
        number_.append(text.data(), text.size());
        return true;
    }
    bool on_int64(std::int64_t value, string_view, error_code&) {
        number_.clear();
        return stack_.push_int64(value), true;
    }
    bool on_uint64(std::uint64_t value, string_view, error_code&) {
        number_.clear();
        return stack_.push_uint64(value), true;
    }
    bool on_double(double value, string_view text, error_code&) {
        number_.append(text.data(), text.size());
#if defined(__cpp_lib_to_chars)
        double nearest = value;
        if (std::from_chars(number_.data(), number_.data() + number_.size(), nearest).ec == std::errc{})
            value = nearest;
#else // as with libc++ 19; a locale with another decimal point stops strtod, and Boost's number stays
        char* end = nullptr;
        const double nearest = std::strtod(number_.c_str(), &end);
        if (end == number_.c_str() + number_.size()) value = nearest;
#endif
        number_.clear();
        return stack_.push_double(value), true;
    }
    bool on_bool(bool value, error_code&) { return stack_.push_bool(value), true; }
    bool on_null(error_code&) { return stack_.push_null(), true; }
    bool on_comment_part(string_view, error_code&) { return true; }
    bool on_comment(string_view, error_code&) { return true; }

private:
    boost::json::value_stack stack_;
    std::string number_;
};

} // namespace detail

/// JSON text as a value, every number the nearest that there is. bad_value, with the offset, for what is not
/// JSON.
[[nodiscard]] inline expected<boost::json::value, error> parse_json(std::string_view text) {
    boost::json::basic_parser<detail::exact_json_handler> parser{boost::json::parse_options{}};
    boost::json::error_code refused;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), refused);
    if (!refused && used == text.size()) return parser.handler().release();
    error failure;
    failure.code = errc::bad_value;
    failure.offset = used;
    return unexpected(failure);
}

/// The body of `message` at `version` from JSON text. Errors: those of both functions above.
[[nodiscard]] inline expected<buffer_chain, error> from_json_text(const message_info& message,
                                                                  std::string_view json, int version) {
    const auto value = parse_json(json);
    if (!value) return unexpected(value.error());
    return from_json(message, *value, version);
}

} // namespace kwire::inline KWIRE_ABI
