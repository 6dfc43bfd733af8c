/// Names, ids and addresses by a table: kwire::rewrite.
#include <kwire/connect/rewrite.hpp>
#include <kwire/reflect/json.hpp>

#include <boost/json/array.hpp>

#include <array>

#include "edits.hpp"
#include "text.hpp"

namespace edits {

namespace {

using kwire::entity;
using kwire::error;

kwire::entity_set entities_in(const boost::json::array& names) {
    constexpr int most = 64;
    kwire::entity_set all;
    for (const boost::json::value& name : names)
        for (int i = 1; i < most; ++i)
            if (kwire::name_of(static_cast<entity>(i)) == text_of(name)) all |= static_cast<entity>(i);
    return all;
}

/// A value as the table has it.
std::string old_value(const kwire::named_field& field) {
    const kwire::field_info& info = field.info();
    const kwire::field_kind kind = info.kind == kwire::field_kind::array ? info.element : info.kind;
    if (kind == kwire::field_kind::string) return std::string(field.text());
    if (kind != kwire::field_kind::uuid) return std::to_string(field.number());
    std::array<char, kwire::uuid::text_size> text{};
    return std::string(field.id().to_chars(text));
}

void change(kwire::named_field& field, const boost::json::value& to) {
    if (to.is_null()) return field.drop();
    if (to.is_int64()) return field.set_number(to.get_int64());
    if (const auto* const address = to.if_object())
        return field.set_address(text_of(address->at("host")),
                                 static_cast<std::int32_t>(address->at("port").as_int64()));
    if (!to.is_string()) return; // it stays
    if (field.id() == kwire::uuid{}) return field.set_text(text_of(to));
    if (const auto id = kwire::uuid::from_text(text_of(to))) field.set_id(*id);
}

} // namespace

kwire::expected<void, error> answer_rewrite(const boost::json::object& line, std::string& out) {
    const auto of = subject_of(line);
    if (!of) return kwire::unexpected(of.error());
    const boost::json::object& how = line.at("rewrite").as_object();
    const boost::json::object& table = how.at("table").as_object();
    kwire::rewrite_options options;
    if (const auto& type = how.at("coordinator_key_type"); type.is_int64())
        options.coordinator_key_type = static_cast<std::int8_t>(type.get_int64());
    std::string_view unknown; // the meaning of a value that is not in the table
    const auto changed = kwire::rewrite(
        of->message, entities_in(how.at("wanted").as_array()),
        [&](kwire::named_field& field) {
            const boost::json::value* const values = table.if_contains(kwire::name_of(field.meaning()));
            const std::string old = old_value(field);
            const boost::json::value* const to =
                values != nullptr ? values->as_object().if_contains(old) : nullptr;
            if (to != nullptr)
                change(field, *to);
            else
                unknown = kwire::name_of(field.meaning());
        },
        options);
    if (!changed) return kwire::unexpected(changed.error());
    if (!unknown.empty()) return kwire::unexpected(convert::wrong(unknown));
    out += '{';
    put_hex("hex", *changed, out);
    out += '}';
    return {};
}

} // namespace edits
