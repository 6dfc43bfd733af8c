#include "fuzz/model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>

namespace support {

namespace {

using kwire::field_info;
using kwire::field_kind;
using kwire::struct_info;

/// What the schema says a missing value is.
bool is_default_of(const field_info& field, const model_value& value) {
    const bool null_default = field.null_default && !field.nullable.empty();
    if (value.null || null_default) return value.null && null_default;
    switch (field.kind) {
    case field_kind::string:
        return std::ranges::equal(value.bytes, std::as_bytes(std::span(field.default_text)));
    case field_kind::bytes:
    case field_kind::records: return value.bytes.empty();
    case field_kind::array: return value.parts.empty();
    case field_kind::uuid: return value.id == kwire::uuid{};
    case field_kind::float64:
        return std::bit_cast<double>(value.real) == static_cast<double>(field.default_number);
    case field_kind::structure: {
        if (!value.tags.empty()) return false;
        for (std::size_t i = 0; i < field.structure->fields.size(); ++i)
            if (value.parts[i].present && !is_default_of(field.structure->fields[i], value.parts[i]))
                return false;
        return true;
    }
    default: return value.number == field.default_number;
    }
}

class generator {
public:
    generator(const kwire::message_info& info, int version, choices& from)
        : from_(from), version_(version), flexible_(info.facts.flexible(version)) {}

    model_value structure(const struct_info& info, bool in_tag = false) {
        model_value made;
        made.present = true;
        made.parts.resize(info.fields.size());
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            if (!field.versions.contains(version_)) continue;
            if (field.tag >= 0 && !from_.once_in(in_tag ? 3 : 2)) continue;
            made.parts[i] = field_value(field);
            // A tag at its default is legal, but no correct peer writes it.
            if (field.tag >= 0 && is_default_of(field, made.parts[i])) made.parts[i] = {};
        }
        if (flexible_ && from_.once_in(8)) unknown_tags(info, made);
        return made;
    }

private:
    /// Tags above all that the schema has at any version.
    void unknown_tags(const struct_info& info, model_value& made) {
        std::uint32_t number = 0;
        for (std::size_t i = 0; i < info.fields.size(); ++i)
            number = std::max(number, static_cast<std::uint32_t>(info.fields[i].tag + 1));
        for (std::size_t n = from_.between(1, 3); n != 0; --n) {
            number += static_cast<std::uint32_t>(from_.below(200));
            made.tags.push_back({number++, from_.bytes(from_.below(9))});
        }
        if (from_.once_in(8)) made.tags.push_back({0xffffffffU, {}});
    }

    model_value field_value(const field_info& field) {
        if (field.nullable.contains(version_) && from_.once_in(4)) {
            model_value null;
            null.present = null.null = true;
            return null;
        }
        if (field.kind != field_kind::array) return value(field, field.kind);
        model_value made;
        made.present = true;
        made.parts.resize(count(field));
        for (model_value& element : made.parts) element = value(field, field.element);
        return made;
    }

    /// Few elements; sometimes so many that a varint takes two bytes. All elements together are bounded.
    std::size_t count(const field_info& field) {
        const std::uint8_t choice = from_.byte();
        std::size_t n = choice % 3;
        if (choice >= 192) n = choice % 8;
        if (choice >= 252) n = field.element == field_kind::structure ? 10 : 126 + choice % 4;
        n = std::min(n, room_);
        room_ -= n;
        return n;
    }

    model_value value(const field_info& field, field_kind kind) {
        if (kind == field_kind::structure) return structure(*field.structure, field.tag >= 0);
        model_value made;
        made.present = true;
        switch (kind) {
        case field_kind::boolean: made.number = from_.flip() ? 1 : 0; break;
        case field_kind::float64: made.real = number(8); break;
        case field_kind::uuid:
            for (std::byte& b : made.id.bytes) b = static_cast<std::byte>(from_.byte());
            break;
        case field_kind::string:
        case field_kind::bytes:
        case field_kind::records: made.bytes = content(kind); break;
        default: made.number = integer(kind);
        }
        return made;
    }

    /// Extremes as often as anything else.
    std::uint64_t number(std::size_t width) {
        switch (from_.below(6)) {
        case 0: return from_.byte();
        case 1: return 0;
        case 2: return ~std::uint64_t{0};
        case 3: return std::uint64_t{1} << (8 * width - 1);
        case 4: return (std::uint64_t{1} << (8 * width - 1)) - 1;
        default: return from_.number(width);
        }
    }
    std::int64_t integer(field_kind kind) {
        switch (kind) {
        case field_kind::int8: return static_cast<std::int8_t>(number(1));
        case field_kind::int16: return static_cast<std::int16_t>(number(2));
        case field_kind::uint16: return static_cast<std::uint16_t>(number(2));
        case field_kind::int32: return static_cast<std::int32_t>(number(4));
        case field_kind::uint32: return static_cast<std::uint32_t>(number(4));
        default: return static_cast<std::int64_t>(number(8));
        }
    }

    std::vector<std::byte> content(field_kind kind) {
        const std::uint8_t choice = from_.byte();
        std::size_t size = choice % 12;
        if (choice >= 250) size = choice % 2 == 0 ? 126 + choice % 4 : 16382 + choice % 4;
        if (size > 1000 && room_ < 40) size = 3;
        if (size > 1000) room_ -= 40;
        auto made = from_.bytes(size);
        if (kind == field_kind::string && choice % 2 == 0)
            for (std::byte& b : made) b = static_cast<std::byte>('a' + std::to_integer<unsigned>(b) % 26);
        return made;
    }

    choices& from_;
    int version_;
    bool flexible_;
    std::size_t room_ = 600; ///< elements that are still allowed
};

class writer {
public:
    writer(const kwire::message_info& info, int version, manners how, choices& from)
        : from_(from), version_(version), flexible_(info.facts.flexible(version)), how_(how) {}

    std::vector<std::byte> run(const struct_info& info, const model_value& message) {
        structure(info, message);
        return std::move(out_);
    }

private:
    bool wrong() { return how_ == manners::hostile && from_.once_in(40); }

    void big_endian(std::uint64_t value, std::size_t width) {
        while (width-- != 0) out_.push_back(static_cast<std::byte>(value >> (8 * width) & 0xff));
    }
    void varint(std::uint64_t value) {
        std::size_t padding = 0;
        if (how_ != manners::correct && from_.once_in(30)) padding = from_.between(1, 3);
        std::size_t written = 1;
        for (; value >= 0x80; value >>= 7, ++written)
            out_.push_back(static_cast<std::byte>((value & 0x7f) | 0x80));
        if (padding > 5 - std::min<std::size_t>(written, 5)) padding = 0; // no varint takes six bytes
        out_.push_back(static_cast<std::byte>(value | (padding != 0 ? 0x80 : 0)));
        for (; padding != 0; --padding) out_.push_back(padding == 1 ? std::byte{0} : std::byte{0x80});
    }

    /// The length or count of `field`; -1 for null.
    void length(field_kind kind, bool compact, std::int64_t size) {
        if (wrong()) {
            const std::int64_t far[] = {-1,       -2,         size + 1,
                                        size - 1, 0x7fffffff, std::int64_t{-0x7fffffff} - 1};
            size = far[from_.below(std::size(far))];
        }
        if (compact)
            varint(static_cast<std::uint32_t>(size + 1));
        else
            big_endian(static_cast<std::uint64_t>(size), kind == field_kind::string ? 2 : 4);
    }

    void structure(const struct_info& info, const model_value& value) {
        for (std::size_t i = 0; i < info.fields.size(); ++i)
            if (info.fields[i].versions.contains(version_) && info.fields[i].tag < 0)
                field(info.fields[i], value.parts[i]);
        if (flexible_) tags(info, value);
    }

    void field(const field_info& field, const model_value& value) {
        const bool compact = flexible_ && !field.never_compact;
        if (field.kind == field_kind::structure) {
            if (field.nullable.contains(version_)) {
                // Any negative number means null, any other that the struct follows; in a tag it is a varint.
                if (field.tag >= 0)
                    varint(value.null ? 0 : 1);
                else
                    big_endian(value.null ? 0xff : 1, 1);
            }
            if (!value.null) structure(*field.structure, value);
        } else if (field.kind == field_kind::array) {
            length(field.kind, compact, value.null ? -1 : static_cast<std::int64_t>(value.parts.size()));
            for (const model_value& element : value.parts)
                if (field.element == field_kind::structure)
                    structure(*field.structure, element);
                else
                    simple(field.element, compact, element);
        } else {
            simple(field.kind, compact, value);
        }
    }

    void simple(field_kind kind, bool compact, const model_value& value) {
        switch (kind) {
        case field_kind::string:
        case field_kind::bytes:
        case field_kind::records:
            length(kind, compact, value.null ? -1 : static_cast<std::int64_t>(value.bytes.size()));
            out_.insert(out_.end(), value.bytes.begin(), value.bytes.end());
            break;
        case field_kind::uuid: out_.insert(out_.end(), value.id.bytes.begin(), value.id.bytes.end()); break;
        case field_kind::float64: big_endian(value.real, 8); break;
        default: big_endian(static_cast<std::uint64_t>(value.number), kwire::width_of(kind));
        }
    }

    void tags(const struct_info& info, const model_value& value) {
        std::vector<model_tag> all = value.tags;
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& tagged = info.fields[i];
            if (tagged.tag < 0) continue;
            if (!tagged.versions.contains(version_)) {
                if (wrong()) all.push_back({static_cast<std::uint32_t>(tagged.tag), from_.bytes(3)});
            } else if (value.parts[i].present) {
                std::vector<std::byte> outer = std::exchange(out_, {});
                field(tagged, value.parts[i]);
                if (wrong()) out_.push_back(std::byte{7});
                all.push_back(
                    {static_cast<std::uint32_t>(tagged.tag), std::exchange(out_, std::move(outer))});
            }
        }
        std::ranges::sort(all, {}, &model_tag::number);
        if (all.size() > 1 && wrong()) std::ranges::rotate(all, all.begin() + 1);
        if (!all.empty() && wrong()) all.push_back(all.front());
        varint(all.size() + (wrong() ? 1 : 0));
        for (const model_tag& tag : all) {
            varint(tag.number);
            varint(tag.payload.size() + (wrong() ? 1 : 0));
            out_.insert(out_.end(), tag.payload.begin(), tag.payload.end());
        }
    }

    choices& from_;
    int version_;
    bool flexible_;
    manners how_;
    std::vector<std::byte> out_;
};

class shower {
public:
    shower(int version, sink& out) : out_(out), version_(version) {}

    /// `value` is nullptr for a struct that the bytes do not hold: all its fields show their defaults.
    void structure(const struct_info& info, const model_value* value) {
        out_.begin_struct(info, version_, {});
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            out_.field(field);
            if (value != nullptr && value->parts[i].present)
                shown(field, value->parts[i]);
            else
                default_of(field);
        }
        if (value != nullptr)
            for (const model_tag& tag : value->tags) out_.unknown_tag({tag.number, tag.payload});
        out_.end_struct();
    }

private:
    void shown(const field_info& field, const model_value& value) {
        if (value.null) return out_.null();
        if (field.kind != field_kind::array) return simple(field, field.kind, value);
        out_.begin_array(value.parts.size());
        for (const model_value& element : value.parts) simple(field, field.element, element);
        out_.end_array();
    }

    void simple(const field_info& field, field_kind kind, const model_value& value) {
        switch (kind) {
        case field_kind::structure: return structure(*field.structure, &value);
        case field_kind::boolean: return out_.boolean(value.number != 0);
        case field_kind::float64: return out_.real(std::bit_cast<double>(value.real));
        case field_kind::uuid: return out_.id(value.id);
        case field_kind::string:
            return out_.text({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
        case field_kind::bytes:
        case field_kind::records: return out_.bytes(value.bytes);
        default: return out_.integer(value.number);
        }
    }

    void default_of(const field_info& field) {
        if (field.null_default && !field.nullable.empty()) return out_.null();
        switch (field.kind) {
        case field_kind::structure: return structure(*field.structure, nullptr);
        case field_kind::boolean: return out_.boolean(field.default_number != 0);
        case field_kind::float64: return out_.real(static_cast<double>(field.default_number));
        case field_kind::uuid: return out_.id({});
        case field_kind::string: return out_.text(field.default_text);
        case field_kind::bytes:
        case field_kind::records: return out_.bytes({});
        case field_kind::array: out_.begin_array(0); return out_.end_array();
        default: return out_.integer(field.default_number);
        }
    }

    sink& out_;
    int version_;
};

void show_dynamic_value(const kwire::dynamic_value& value, sink& out) {
    if (value.is_null()) return out.null();
    switch (value.kind()) {
    case field_kind::structure: return show_dynamic(value.structure(), out);
    case field_kind::boolean: return out.boolean(value.number() != 0);
    case field_kind::float64: return out.real(value.real());
    case field_kind::uuid: return out.id(value.id());
    case field_kind::string: return out.text(value.text());
    case field_kind::bytes:
    case field_kind::records: return out.bytes(value.bytes());
    case field_kind::array:
        out.begin_array(value.size());
        for (const kwire::dynamic_value element : value.elements()) show_dynamic_value(element, out);
        return out.end_array();
    default: return out.integer(value.number());
    }
}

} // namespace

model_value random_message(const kwire::message_info& info, int version, choices& from) {
    return generator(info, info.facts.canonical(version), from).structure(*info.structure);
}

std::vector<std::byte> write_message(const kwire::message_info& info, int version, const model_value& message,
                                     manners how, choices& from) {
    return writer(info, info.facts.canonical(version), how, from).run(*info.structure, message);
}

model_value model_of(const kwire::dynamic_view& view) {
    model_value made;
    made.present = !view.bytes().empty();
    for (const kwire::dynamic_value value : view.fields()) made.parts.push_back(model_of(value));
    for (const kwire::unknown_tag_view tag : view.unknown_tags())
        made.tags.push_back({tag.number, {tag.payload.begin(), tag.payload.end()}});
    return made;
}
model_value model_of(const kwire::dynamic_value& value) {
    model_value made;
    if (!value.present()) return made;
    if (value.is_null()) {
        made.present = made.null = true;
        return made;
    }
    switch (value.kind()) {
    case field_kind::structure: made = model_of(value.structure()); break;
    case field_kind::array:
        for (const kwire::dynamic_value element : value.elements()) made.parts.push_back(model_of(element));
        break;
    case field_kind::string: {
        const auto text = std::as_bytes(std::span(value.text()));
        made.bytes.assign(text.begin(), text.end());
        break;
    }
    case field_kind::bytes:
    case field_kind::records: made.bytes.assign(value.bytes().begin(), value.bytes().end()); break;
    case field_kind::uuid: made.id = value.id(); break;
    case field_kind::float64: made.real = std::bit_cast<std::uint64_t>(value.real()); break;
    default: made.number = value.number();
    }
    made.present = true;
    return made;
}

void show_message(const kwire::message_info& info, int version, const model_value& message, sink& out) {
    shower(info.facts.canonical(version), out).structure(*info.structure, &message);
}

void show_dynamic(const kwire::dynamic_view& view, sink& out) {
    static constexpr struct_info unnamed{};
    out.begin_struct(unnamed, view.version(), view.bytes());
    for (const kwire::dynamic_value value : view.fields()) {
        out.field(value.info());
        show_dynamic_value(value, out);
    }
    for (const kwire::unknown_tag_view tag : view.unknown_tags()) out.unknown_tag(tag);
    out.end_struct();
}

} // namespace support
