#include "convert.hpp"

#include <kwire/json.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/transcode.hpp>

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "typed_tables.hpp"

namespace convert {

namespace {

using kwire::buffer_chain;
using kwire::errc;
using kwire::error;

/// A refusal that is not about bytes: of the line itself, of one of its members.
error wrong(std::string_view member, errc code = errc::bad_value) {
    error failure;
    failure.code = code;
    failure.enter({member, -1});
    return failure;
}

void put_hex(std::string_view key, const buffer_chain& bytes, std::string& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    out += key;
    out += "\":\"";
    for (const kwire::chain_segment& segment : bytes)
        for (const std::byte b : segment.bytes()) {
            out += digits[std::to_integer<std::size_t>(b >> 4)];
            out += digits[std::to_integer<std::size_t>(b & std::byte{15})];
        }
    out += '"';
}

std::expected<kwire::shared_buffer, error> from_hex(std::string_view text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) break;
        bytes.push_back(static_cast<std::byte>(high << 4 | low));
    }
    if (bytes.size() * 2 != text.size()) return std::unexpected(wrong("hex"));
    return kwire::shared_buffer::copy_of(bytes);
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

/// A member that is a number of 16 bits.
std::expected<int, error> version_in(const boost::json::object& line, std::string_view member) {
    const boost::json::value* const value = line.if_contains(member);
    const std::int64_t* const number = value != nullptr ? value->if_int64() : nullptr;
    if (number == nullptr || !std::in_range<std::int16_t>(*number)) return std::unexpected(wrong(member));
    return static_cast<int>(*number);
}

std::expected<void, error> encode_json(const kwire::message_info& message, int version,
                                       const boost::json::value& json, std::string& out) {
    const auto body = kwire::from_json(message, json, version);
    if (!body) return std::unexpected(body.error());
    out += '{';
    put_hex("hex", *body, out);
    out += ",\"size\":" + std::to_string(body->size()) + '}';
    return {};
}

std::expected<void, error> show_bytes(const kwire::message_info& message, int version,
                                      const kwire::shared_buffer& body, kwire::parse_options options,
                                      std::string& out) {
    const auto view = kwire::parse(message, body, version, options);
    if (!view) return std::unexpected(view.error());
    auto again = kwire::encode(message, *view, version);
    if (!again) return std::unexpected(again.error());
    if (const auto spare = body.span().subspan(again->size()); !spare.empty())
        again->put_bytes(view->hold(spare));
    const typed_message* const typed = typed_message_of(message.facts.name);
    const auto from_data =
        typed != nullptr ? typed->rewrite(body, version, options) : std::unexpected(wrong("message"));
    if (!from_data) return std::unexpected(from_data.error());
    out += "{\"json\":" + kwire::to_json(**view) + ',';
    put_hex("hex", *again, out);
    out += ',';
    put_hex("data_hex", *from_data, out);
    out += ",\"size\":" + std::to_string(again->size()) + '}';
    return {};
}

std::expected<void, error> answer_object(const boost::json::object& line, std::string& out) {
    const boost::json::value* const name = line.if_contains("message");
    if (name == nullptr || !name->is_string()) return std::unexpected(wrong("message"));
    const kwire::message_info* const message =
        kwire::find_message({name->get_string().data(), name->get_string().size()});
    if (message == nullptr) return std::unexpected(wrong("message"));
    const auto version = version_in(line, "version");
    if (!version) return std::unexpected(version.error());
    if (const boost::json::value* const json = line.if_contains("json"))
        return encode_json(*message, *version, *json, out);

    const boost::json::value* const hex = line.if_contains("hex");
    if (hex == nullptr || !hex->is_string()) return std::unexpected(wrong("hex"));
    auto body = from_hex({hex->get_string().data(), hex->get_string().size()});
    if (!body) return std::unexpected(body.error());
    kwire::parse_options options;
    if (const boost::json::value* const lenient = line.if_contains("lenient"))
        options.trailing_bytes = lenient->is_bool() && lenient->get_bool();
    if (!line.contains("to")) return show_bytes(*message, *version, *body, options, out);

    const auto to = version_in(line, "to");
    if (!to) return std::unexpected(to.error());
    const auto other = kwire::transcode(*message, *std::move(body), *version, *to, options);
    if (!other) return std::unexpected(other.error());
    out += '{';
    put_hex("hex", *other, out);
    out += '}';
    return {};
}

void put_error(const error& failure, std::string& out) {
    const kwire::error_text path = kwire::path_of(failure), text = kwire::describe(failure);
    out += boost::json::serialize(boost::json::value{{"error",
                                                      {{"code", kwire::name_of(failure.code)},
                                                       {"offset", failure.offset},
                                                       {"path", path.view()},
                                                       {"text", text.view()}}}});
}

} // namespace

void answer(std::string_view line, std::string& out) {
    const auto value = kwire::parse_json(line);
    if (!value) return put_error(value.error(), out);
    const boost::json::object* const object = value->if_object();
    if (object == nullptr) return put_error(wrong("message"), out);
    if (const auto done = answer_object(*object, out); !done) put_error(done.error(), out);
}

} // namespace convert
