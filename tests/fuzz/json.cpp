/// libFuzzer: messages as JSON and back, and JSON that was damaged. What is written must be read again as the
/// same bytes; what is accepted of damaged JSON must be a valid message whose own JSON leads back to it.
#include <kwire/reflect/json.hpp>
#include <kwire/reflect/same_content.hpp>
#include <kwire/wire/detail/utf8.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"

namespace {

namespace json = boost::json;
using kwire::dynamic_value;
using kwire::dynamic_view;
using kwire::field_kind;
using support::insist;
using support::message_input;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto next = kwire::wire::utf8_at(text.substr(i));
        if (!next.sound) return false;
        i += next.size;
    }
    return true;
}

/// Whether JSON can say all that the message says: it has no place for unknown tags, for strings that are not
/// UTF-8, and for the bits of a NaN.
bool can_be_said(const dynamic_view& view);
bool can_be_said(const dynamic_value& value) {
    if (value.is_null()) return true;
    switch (value.kind()) {
    case field_kind::string: return is_utf8(value.text());
    case field_kind::float64: return !std::isnan(value.real());
    case field_kind::structure: return can_be_said(value.structure());
    case field_kind::array:
        for (const dynamic_value element : value.elements())
            if (!can_be_said(element)) return false;
        return true;
    default: return true;
    }
}
bool can_be_said(const dynamic_view& view) {
    for (const dynamic_value value : view.fields())
        if (!can_be_said(value)) return false;
    return view.unknown_tags().empty();
}

/// The body that `text` describes; nothing else may be wrong with it than what `from_json` says.
kwire::shared_buffer read_back(const message_input& in, const std::string& text) {
    const auto body = kwire::from_json_text(*in.info, text, in.version);
    insist(body.has_value(), "the JSON of a message can be read",
           body ? text : text_of(body.error()) + "\n" + text);
    return body->to_bytes();
}

void check_error(const message_input& in, const kwire::error& e, std::size_t text_size) {
    using enum kwire::errc;
    insist(e == bad_value || e == field_not_in_version || e == null_not_allowed || e == string_too_long,
           "a refusal has one of its reasons", text_of(e));
    if (e.located)
        return insist(e == bad_value && e.offset <= text_size, "text that is not JSON is refused in it");
    insist(e.message == in.info->facts.name && e.version == in.version, "a refusal names the message");
    const kwire::struct_info* place = in.info->structure;
    for (std::size_t i = 0; i < e.depth; ++i) {
        insist(place != nullptr, "a path ends at a field without fields");
        const auto field = std::ranges::find(*place, e.path[i].field, &kwire::field_info::name);
        insist(field != place->end(), "a path has fields of the schema", e.path[i].field);
        place = field->structure;
    }
}

/// JSON of unknown origin.
void check_foreign(const message_input& in, const std::string& text) {
    json::error_code refused;
    const json::value plain = json::parse(text, refused);
    const auto value = kwire::parse_json(text);
    insist(value.has_value() == !refused, "what is JSON does not depend on who reads it", text);
    const auto body = kwire::from_json_text(*in.info, text, in.version);
    if (!body) return check_error(in, body.error(), text.size());
    const auto bytes = body->to_bytes();
    const auto view = kwire::parse_view(*in.info, bytes.span(), in.version);
    insist(view.has_value(), "what JSON describes is a valid message", view ? "" : text_of(view.error()));
    support::note_read(*in.info, in.version);
    const std::string own = kwire::to_json(*view);
    const auto again = read_back(in, own);
    if (can_be_said(*view)) insist(again == bytes, "its own JSON describes the same bytes", own);
    insist(kwire::to_json(*kwire::parse_view(*in.info, again.span(), in.version)) == own,
           "its own JSON is in its final form", own);
}

/// A value that fields of some kind refuse, and others take.
json::value odd_value(support::choices& from) {
    switch (from.below(16)) {
    case 0: return nullptr;
    case 1: return true;
    case 2: return 0;
    case 3: return -1;
    case 4: return static_cast<std::int64_t>(from.number(8));
    case 5: return from.number(8);
    case 6: return 0.5;
    case 7: return "";
    case 8: return "NaN";
    case 9: return "-Infinity";
    case 10: return "AAAAAAAAAAAAAAAAAAAAAA";
    case 11: return "YQ==";
    case 12: return json::string(reinterpret_cast<const char*>(from.bytes(4).data()), 4);
    case 13: return json::array{};
    case 14: return json::object{};
    default: return json::string(from.below(3) == 0 ? 32768 : 32767, 'x');
    }
}

/// Changes the value at a place that `from` chooses.
void damage(json::value& value, support::choices& from) {
    if (json::object* const object = value.if_object();
        object != nullptr && !object->empty() && from.below(8) != 0) {
        const std::size_t at = from.below(object->size());
        auto& member = *std::next(object->begin(), static_cast<std::ptrdiff_t>(at));
        switch (from.below(10)) {
        case 0: object->erase(object->begin() + static_cast<std::ptrdiff_t>(at)); return;
        case 1: (*object)["unknownField"] = odd_value(from); return;
        default: return damage(member.value(), from);
        }
    }
    if (json::array* const array = value.if_array();
        array != nullptr && !array->empty() && from.below(8) != 0) {
        const std::size_t at = from.below(array->size());
        if (from.below(6) == 0) {
            const json::value twice = (*array)[at];
            array->push_back(twice);
            return;
        }
        return damage((*array)[at], from);
    }
    value = odd_value(from);
}

void check(const message_input& in) {
    // As text it is seldom JSON, but not for the parser to fall over.
    if ((in.knob & 3) == 0)
        check_foreign(in, std::string(reinterpret_cast<const char*>(in.body.data()), in.body.size()));

    const auto body = kwire::shared_buffer::copy_of(in.body);
    const auto parsed = kwire::parse(*in.info, body, in.version, support::options_of(in.second_knob & 63U));
    if (!parsed) return;
    if (kwire::parse_view(*in.info, in.body, in.version)) support::note_read(*in.info, in.version);
    const dynamic_view view = (*parsed).view();
    const std::string text = kwire::to_json(view);
    const kwire::shared_buffer again = read_back(in, text);
    if (can_be_said(view)) {
        const auto final_form = kwire::detail::encode_dynamic(*in.info, view, in.version, (*parsed).buffer());
        insist(final_form && final_form->to_bytes() == again,
               "JSON leads back to the bytes that encode writes", text);
    }
    const std::string second = kwire::to_json(*kwire::parse_view(*in.info, again.span(), in.version));
    // A tagged struct of defaults is left out of JSON, but not if it has an unknown tag, which JSON lacks.
    if (can_be_said(view)) insist(second == text, "the JSON of what JSON describes is the same", text);
    const kwire::shared_buffer third = read_back(in, second);
    insist(kwire::to_json(*kwire::parse_view(*in.info, third.span(), in.version)) == second,
           "JSON that was read once is in its final form", second);

    std::vector<std::byte> program(in.body.rbegin(), in.body.rend());
    program.resize(std::max<std::size_t>(program.size(), 16), static_cast<std::byte>(in.knob));
    for (std::byte& b : program) b ^= static_cast<std::byte>(in.knob);
    support::choices from(program);
    json::value value = *kwire::parse_json(text);
    for (std::size_t n = from.between(1, 3); n != 0; --n) damage(value, from);
    check_foreign(in, json::serialize(value));

    std::string torn = text;
    for (std::size_t n = from.between(1, 3); n != 0; --n)
        torn[from.below(torn.size())] = static_cast<char>(from.byte());
    check_foreign(in, torn);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}
