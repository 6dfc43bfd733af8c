#include "convert.hpp"

#include <kwire/expected.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/json.hpp>
#include <kwire/reflect/transcode.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "records.hpp"
#include "text.hpp"
#include "typed_tables.hpp"

namespace convert {

namespace {

using kwire::buffer_chain;
using kwire::error;

void put_hex(std::string_view key, const buffer_chain& bytes, std::string& out) {
    out += '"';
    out += key;
    out += "\":\"";
    for (const kwire::chain_segment& segment : bytes) convert::put_hex(segment.bytes(), out);
    out += '"';
}

const typed_message* typed_message_of(std::string_view name) {
    static const std::map<std::string_view, const typed_message*> all = [] {
        std::map<std::string_view, const typed_message*> found;
        for (const auto table : typed_tables)
            for (const typed_message& row : table()) found.emplace(row.name, &row);
        return found;
    }();
    const auto found = all.find(name);
    return found == all.end() ? nullptr : found->second;
}

/// The value of a member that must be a 16-bit number.
kwire::expected<int, error> version_in(const boost::json::object& line, std::string_view member) {
    const boost::json::value* const value = line.if_contains(member);
    const std::int64_t* const number = value != nullptr ? value->if_int64() : nullptr;
    if (number == nullptr || !std::in_range<std::int16_t>(*number)) return kwire::unexpected(wrong(member));
    return static_cast<int>(*number);
}

kwire::expected<void, error> encode_json(const kwire::message_info& message, int version,
                                         const boost::json::value& json, std::string& out) {
    const auto body = kwire::from_json(message, json, version);
    if (!body) return kwire::unexpected(body.error());
    out += '{';
    put_hex("hex", *body, out);
    out += ",\"size\":" + std::to_string(body->size()) + '}';
    return {};
}

kwire::expected<void, error> show_bytes(const kwire::message_info& message, int version,
                                        const kwire::shared_buffer& body, kwire::parse_options options,
                                        std::string& out) {
    const auto view = kwire::parse(message, body, version, options);
    if (!view) return kwire::unexpected(view.error());
    auto again = kwire::encode(message, *view, version);
    if (!again) return kwire::unexpected(again.error());
    if (const auto spare = body.span().subspan(again->size()); !spare.empty())
        again->put_bytes((*view).slice_or_copy(spare));
    const typed_message* const typed = typed_message_of(message.facts.name);
    const auto from_data =
        typed != nullptr ? typed->rewrite(body, version, options) : kwire::unexpected(wrong("message"));
    if (!from_data) return kwire::unexpected(from_data.error());
    out += "{\"json\":" + kwire::to_json(**view) + ',';
    put_hex("hex", *again, out);
    out += ',';
    put_hex("data_hex", *from_data, out);
    out += ",\"size\":" + std::to_string(again->size()) + '}';
    return {};
}

kwire::expected<void, error> answer_object(const boost::json::object& line, std::string& out) {
    const boost::json::value* const name = line.if_contains("message");
    if (name == nullptr || !name->is_string()) return kwire::unexpected(wrong("message"));
    const kwire::message_info* const message =
        kwire::find_message({name->get_string().data(), name->get_string().size()});
    if (message == nullptr) return kwire::unexpected(wrong("message"));
    const auto version = version_in(line, "version");
    if (!version) return kwire::unexpected(version.error());
    if (const boost::json::value* const json = line.if_contains("json"))
        return encode_json(*message, *version, *json, out);

    const boost::json::value* const hex = line.if_contains("hex");
    if (hex == nullptr || !hex->is_string()) return kwire::unexpected(wrong("hex"));
    const auto bytes = from_hex("hex", {hex->get_string().data(), hex->get_string().size()});
    if (!bytes) return kwire::unexpected(bytes.error());
    auto body = kwire::shared_buffer::copy_of(*bytes);
    kwire::parse_options options;
    if (const boost::json::value* const lenient = line.if_contains("lenient"))
        if (lenient->is_bool() && lenient->get_bool()) options = kwire::parse_options::lenient();
    if (!line.contains("to")) return show_bytes(*message, *version, body, options, out);

    const auto to = version_in(line, "to");
    if (!to) return kwire::unexpected(to.error());
    const boost::json::value* const by_schema = line.if_contains("by_schema");
    const auto other = by_schema != nullptr && by_schema->is_bool() && by_schema->get_bool()
                           ? kwire::transcode_by_schema(*message, std::move(body), *version, *to, options)
                           : kwire::transcode(*message, std::move(body), *version, *to, options);
    if (!other) return kwire::unexpected(other.error());
    out += '{';
    put_hex("hex", *other, out);
    out += '}';
    return {};
}

} // namespace

void answer(std::string_view line, std::string& out) {
    const auto value = kwire::parse_json(line);
    if (!value) return put_error(value.error(), value.error().offset, out);
    const boost::json::object* const object = value->if_object();
    if (object == nullptr) return put_error(wrong("message"), 0, out);
    if (object->contains("records")) return answer_records(*object, out);
    if (const auto done = answer_object(*object, out); !done)
        put_error(done.error(), done.error().offset, out);
}

} // namespace convert
