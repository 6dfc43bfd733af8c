#include "details.hpp"

#include <kwire/api.hpp>
#include <kwire/error_code.hpp>
#include <kwire/error_text.hpp>
#include <kwire/wire/uuid_text.hpp>

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string>

#include "records.hpp"

namespace dump {

namespace {

constexpr std::size_t most_elements = 1000, most_records = 1000;

std::string_view enumerator(const kwire::field_info& field, std::int64_t number) {
    if (field.enumerators == kwire::enumeration::error_code) {
        const auto code = static_cast<kwire::error_code>(number);
        return kwire::is_known(code) ? kwire::name_of(code) : std::string_view();
    }
    if (field.enumerators == kwire::enumeration::api_key)
        return kwire::facts_of(static_cast<kwire::api_key>(number)).name;
    if (asks_for_offset(field)) return offset_name(number);
    return {};
}

/// A line for each field, indented as deep as its struct.
class tree_writer {
public:
    tree_writer(painter& out, const detail_options& wanted) : out_(out), wanted_(wanted) {}

    void value(const located_field& at, const kwire::dynamic_value& value) {
        if (!begin(at)) return;
        text() += ' ';
        put_value(out_, at, value, wanted_);
        text() += '\n';
        if (wanted_.records && value.kind() == kwire::field_kind::records && !value.is_null())
            print_records(out_, value.bytes(), std::string(indent_ + 2, ' '), wanted_.preview, most_records);
    }
    void cut(const located_field& at, const kwire::cut_bytes& part) {
        if (!begin(at)) return;
        text() += ' ';
        put_part(out_, at, part, wanted_);
        text() += '\n';
        if (wanted_.records && at.field.kind == kwire::field_kind::records)
            print_records(out_, part.there, std::string(indent_ + 2, ' '), wanted_.preview, most_records);
    }
    void begin_array(const located_field& at, std::size_t claimed, bool null) {
        if (!begin(at)) return;
        if (null)
            text() += " null\n";
        else
            fmt::format_to(std::back_inserter(text()), " [{}]\n", claimed);
        indent_ += 2;
    }
    void end_array(const located_field& at, std::size_t seen, bool whole) {
        if (seen > most_elements) note(fmt::format("… {} more", seen - most_elements));
        if (!whole) note("~ cut here");
        indent_ -= 2;
        static_cast<void>(at);
    }
    bool begin_struct(const located_field& at, bool null) {
        if (!begin(at)) {
            indent_ += 2;
            return false;
        }
        text() += null ? " null\n" : "\n";
        indent_ += 2;
        return true;
    }
    void end_struct(const located_field&, bool) { indent_ -= 2; }
    void unknown_tag(std::uint32_t number, std::span<const std::byte> payload) {
        text().append(indent_, ' ');
        fmt::format_to(std::back_inserter(text()), "tag {} (unknown): {} bytes\n", number, payload.size());
    }
    void missing(const located_field& at) {
        if (!begin(at)) return;
        out_.put(" ~ not in the capture\n", colour::dim);
    }

private:
    std::string& text() { return out_.out(); }
    void note(std::string_view what) {
        text().append(indent_, ' ');
        out_.put(what, colour::dim);
        text() += '\n';
    }
    bool begin(const located_field& at) {
        if (at.element >= static_cast<std::ptrdiff_t>(most_elements)) return false;
        text().append(indent_, ' ');
        if (at.element >= 0)
            out_.put(fmt::format("[{}]", at.element), colour::dim);
        else
            out_.put(fmt::format("{}:", at.field.name), colour::blue);
        return true;
    }

    painter& out_;
    const detail_options& wanted_;
    std::size_t indent_ = 4;
};

/// Only the records of a message.
struct records_writer {
    painter& out;
    const detail_options& wanted;

    void value(const located_field& at, const kwire::dynamic_value& value) {
        if (at.field.kind == kwire::field_kind::records && !value.is_null())
            print_records(out, value.bytes(), "    ", wanted.preview, most_records);
    }
    void cut(const located_field& at, const kwire::cut_bytes& part) {
        if (at.field.kind == kwire::field_kind::records)
            print_records(out, part.there, "    ", wanted.preview, most_records);
    }
    void begin_array(const located_field&, std::size_t, bool) const {}
    void end_array(const located_field&, std::size_t, bool) const {}
    bool begin_struct(const located_field&, bool) const { return true; }
    void end_struct(const located_field&, bool) const {}
    void unknown_tag(std::uint32_t, std::span<const std::byte>) const {}
    void missing(const located_field&) const {}
};

} // namespace

void put_value(painter& out, const located_field& at, const kwire::dynamic_value& value,
               const detail_options& wanted) {
    std::string& text = out.out();
    const auto into = std::back_inserter(text);
    if (value.is_null()) {
        text += "null";
        return;
    }
    if (at.secret && !wanted.secrets) return out.put("<secret>", colour::magenta);
    switch (value.kind()) {
    case kwire::field_kind::boolean: text += value.number() != 0 ? "true" : "false"; break;
    case kwire::field_kind::float64: fmt::format_to(into, "{}", value.real()); break;
    case kwire::field_kind::uuid: {
        std::array<char, kwire::uuid::text_size> chars;
        text += value.id().to_chars(chars);
        break;
    }
    case kwire::field_kind::string: put_quoted(text, value.text()); break;
    case kwire::field_kind::bytes:
        fmt::format_to(into, "{} bytes ", value.bytes().size());
        put_preview(text, value.bytes(), wanted.preview);
        break;
    case kwire::field_kind::records: {
        const record_count count = count_records(value.bytes(), false);
        fmt::format_to(into, "{}, {} bytes", counted(count.records, "record"), count.bytes);
        break;
    }
    default: {
        const std::int64_t number = value.number();
        fmt::format_to(into, "{}", number);
        const std::string_view name = enumerator(at.field, number);
        if (name.empty()) break;
        const bool bad = at.field.enumerators == kwire::enumeration::error_code && number != 0;
        out.put(fmt::format(" {}", name), bad ? colour::red : colour::plain);
        if (bad && wanted.tree)
            out.put(fmt::format(" ({})", kwire::describe(static_cast<kwire::error_code>(number))),
                    colour::dim);
    }
    }
}

void put_part(painter& out, const located_field& at, const kwire::cut_bytes& part,
              const detail_options& wanted) {
    std::string& text = out.out();
    if (at.secret && !wanted.secrets)
        out.put("<secret>", colour::magenta);
    else if (at.field.element == kwire::field_kind::string)
        put_quoted(text, chars_of(part.there));
    else if (at.field.kind == kwire::field_kind::records)
        fmt::format_to(std::back_inserter(text), "{}+ records", count_records(part.there, true).records);
    else
        put_preview(text, part.there, wanted.preview);
    out.put(fmt::format(" ~ {} of {} bytes", part.there.size(), part.claimed), colour::dim);
}

void put_details(painter& out, seen_message& message, const detail_options& wanted, std::string_view title) {
    if (wanted.tree) {
        out.put(fmt::format("  {} ", title), colour::bold);
        fmt::format_to(std::back_inserter(out.out()), "{} v{}, {} bytes{}\n",
                       message.info != nullptr ? message.info->facts.name : std::string_view("?"),
                       message.version, message.frame_size,
                       message.whole() ? "" : fmt::format(", {} in the capture", message.frame.size()));
        tree_writer tree(out, wanted);
        visit_header(message, tree);
        visit_body(message, tree);
        if (message.refusal)
            out.put(fmt::format("    not readable: {}\n", kwire::to_string(*message.refusal)),
                    colour::yellow);
    } else if (wanted.records) {
        visit_body(message, records_writer{out, wanted});
    }
    if (wanted.hex) {
        out.put(fmt::format("  {} ", title), colour::bold);
        fmt::format_to(std::back_inserter(out.out()), "{} bytes\n", message.frame_size);
        put_hex(out, message, wanted);
    }
}

} // namespace dump
