/// The walk that reads layouts at run time, to be compiled with a mutant: the linker then takes these
/// functions, which are not templates, instead of those in the rest of a test program.
#include <kwire/reflect/dynamic.hpp>

namespace support {

/// Reads what there is, so that the compiler writes out all that reading needs.
std::size_t read_everything(const kwire::dynamic_view& view) {
    std::size_t sum = view.bytes().size();
    for (const kwire::dynamic_value value : view.fields()) {
        if (value.is_null()) continue;
        sum += value.size();
        if (value.kind() == kwire::field_kind::structure) sum += read_everything(value.structure());
    }
    for (const kwire::unknown_tag_view tag : view.unknown_tags()) sum += tag.number;
    return sum;
}

bool check_anything(const kwire::message_info& message, std::span<const std::byte> body,
                    std::uint32_t* ends) {
    const auto view = kwire::parse_view(message, body, 0);
    if (!view) return false;
    const kwire::detail::struct_layout& layout = message.structure->layouts[0];
    kwire::detail::find_next(layout, body.data(), ends);
    return read_everything(*view) != 0;
}

/// What tables of messages with tags point at, and nothing here.
decltype(&kwire::detail::check_known_tag) check_of_tags() { return &kwire::detail::check_known_tag; }

} // namespace support
