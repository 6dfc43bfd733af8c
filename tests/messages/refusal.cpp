#include "messages/refusal.hpp"

namespace support {

namespace {

bool is_of_reading(kwire::errc code) {
    using enum kwire::errc;
    switch (code) {
    case truncated:
    case bad_length:
    case null_not_allowed:
    case string_too_long:
    case count_exceeds_input:
    case bad_varint:
    case tag_order:
    case duplicate_tag:
    case tag_size_mismatch:
    case tag_not_in_version:
    case trailing_bytes: return true;
    default: return false;
    }
}

/// Whether an error may have no field: it is about a tag section, or about bytes after the message.
bool may_have_no_field(kwire::errc code, bool flexible) {
    using enum kwire::errc;
    if (code == trailing_bytes) return true;
    return flexible && (code == truncated || code == count_exceeds_input || code == bad_varint ||
                        code == tag_order || code == duplicate_tag);
}

std::string path_fault(const kwire::error& error, const kwire::struct_info& root) {
    const kwire::struct_info* place = &root;
    for (std::size_t i = 0; i < error.depth; ++i) {
        const kwire::path_step& step = error.path[i];
        if (place == nullptr) return "a path that continues inside a field without fields";
        const kwire::field_info* field = nullptr;
        for (std::size_t f = 0; f < place->fields.size(); ++f)
            if (place->fields[f].name == step.field) field = &place->fields[f];
        if (field == nullptr) return "a path with the unknown field `" + std::string(step.field) + "`";
        if (step.index >= 0 && field->kind != kwire::field_kind::array) return "an index into no array";
        if (i + 1 < error.depth && step.index < 0 && field->kind == kwire::field_kind::array)
            return "a path through an array without an index";
        place = field->structure;
    }
    return {};
}

} // namespace

std::string fault_of(const kwire::error& error, const message_type& type, int version,
                     std::span<const std::byte> body) {
    if (!is_of_reading(error.code)) return "a code that readers do not return";
    if (error.message != type.facts.name || error.version != version) return "another message or version";
    if (error.offset > body.size()) return "an offset after the end of the bytes";
    if (error.needed != 0) {
        if (error.left > body.size() - error.offset) return "more bytes left than exist";
        if (error.needed <= error.left) return "enough bytes left for what is needed";
    }
    if (error.depth == 0 && !may_have_no_field(error.code, type.facts.flexible(version))) return "no field";
    return path_fault(error, *type.info);
}

} // namespace support
