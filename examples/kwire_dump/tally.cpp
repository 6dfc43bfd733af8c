#include "tally.hpp"

#include <kwire/reflect/dynamic.hpp>

#include <algorithm>

#include "records.hpp"

namespace dump {

const tally::fields& tally::fields_of(const kwire::struct_info& structure) {
    std::unique_ptr<fields>& known = known_[&structure];
    if (known) return *known;
    auto made = std::make_unique<fields>();
    for (std::size_t i = 0; i < structure.fields.size(); ++i) {
        const kwire::field_info& field = structure.fields[i];
        const fields* inner = field.structure != nullptr ? &fields_of(*field.structure) : nullptr;
        if (inner != nullptr ? !inner->all.empty()
                             : field.kind == kwire::field_kind::records ||
                                   field.enumerators == kwire::enumeration::error_code)
            made->all.push_back({i, inner});
    }
    known = std::move(made);
    return *known;
}

void tally::walk(const kwire::dynamic_view& in, const fields& chosen, summary& to) {
    const auto note = [&](const kwire::dynamic_value& error) {
        const auto code = static_cast<kwire::error_code>(error.number());
        if (code != kwire::error_code::none && to.errors.empty()) to.errors.push_back(code);
    };
    for (const auto [number, inner] : chosen.all) {
        const kwire::dynamic_value value = in.field(number);
        if (!value.present()) continue;
        switch (value.kind()) {
        case kwire::field_kind::array:
            if (inner != nullptr)
                for (const kwire::dynamic_view one : value.structs()) walk(one, *inner, to);
            else
                for (const kwire::dynamic_value one : value.elements()) note(one);
            break;
        case kwire::field_kind::structure:
            if (!value.is_null()) walk(value.structure(), *inner, to);
            break;
        case kwire::field_kind::records:
            if (!value.is_null())
                to.records =
                    std::max<std::int64_t>(to.records, 0) + count_records(value.bytes(), false).records;
            break;
        default: note(value);
        }
    }
}

void tally::add(seen_message& message, summary& to) {
    if (message.info == nullptr || message.header_size == 0) return;
    const auto view =
        kwire::parse_view(*message.info, message.body(), message.version, kwire::parse_options::lenient());
    if (view)
        walk(*view, fields_of(*message.info->structure), to);
    else
        message.refusal = view.error();
}

} // namespace dump
