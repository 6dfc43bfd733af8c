/// Passes everything that a dynamic view has to a sink, as show.hpp does with typed ones.
#pragma once

#include <kwire/reflect/dynamic.hpp>

#include "messages/show.hpp"

namespace support {

inline void show(const kwire::dynamic_view& view, const kwire::struct_info& info, sink& out);

inline void show(const kwire::dynamic_value& value, sink& out) {
    if (value.is_null()) return out.null();
    switch (value.kind()) {
    case kwire::field_kind::boolean: return out.boolean(value.number() != 0);
    case kwire::field_kind::float64: return out.real(value.real());
    case kwire::field_kind::uuid: return out.id(value.id());
    case kwire::field_kind::string: return out.text(value.text());
    case kwire::field_kind::bytes:
    case kwire::field_kind::records: return out.bytes(value.bytes());
    case kwire::field_kind::structure: return show(value.structure(), *value.info().structure, out);
    case kwire::field_kind::array:
        out.begin_array(value.size());
        for (const kwire::dynamic_value element : value.elements()) show(element, out);
        return out.end_array();
    default: return out.integer(value.number());
    }
}

inline void show(const kwire::dynamic_view& view, const kwire::struct_info& info, sink& out) {
    out.begin_struct(info, view.version(), view.bytes());
    const kwire::dynamic_fields fields = view.fields();
    for (const kwire::dynamic_value value : fields) {
        out.field(value.info());
        show(value, out);
    }
    for (const kwire::unknown_tag_view tag : view.unknown_tags()) out.unknown_tag(tag);
    out.end_struct();
}

} // namespace support
