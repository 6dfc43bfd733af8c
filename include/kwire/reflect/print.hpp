/// Any message as one line for people, with what is secret left out.
///
///     log(kwire::to_text(request));   // a view
///     // MetadataRequest v12 {topics: [{topic_id: AAAA…, name: "orders"}], …}
///
/// fmt.hpp does the same for fmt. The form is for eyes and may change; json.hpp has one for machines.
///
///  * Every field that the version has, under the schema's name; tagged ones only if the bytes hold them.
///  * Error codes and API keys with their names: `3 UNKNOWN_TOPIC_OR_PARTITION`, `3 Metadata`.
///  * Bytes as `<1234 bytes>`, never their content; records as `<2 batches, offsets 100..103, 4 records, lz4,
///    1234 bytes>`, with what is wrong with the first batch that is not sound. Secrets as `<secret>`: fields
///    that are marked so, or marked as secret by a flag that is set, or that could be set around a struct
///    which is printed by itself (schema/secrets.txt). Unknown tags as `unknown_tags: {7: <3 bytes>}`.
///  * Strings in quotes. What could make the line look like something else is escaped: `\n`, `\"`, control
///    characters and bytes that are not UTF-8 as `\x1b`, characters that turn or break lines as `\u{202e}`.
///  * Long arrays end in `… 984 more`, long strings in `"orders-and-…" (1200 bytes)`, and beyond a number
///    of characters everything that is left in `…`: print_options.
///
/// Compiled once for all messages: a typed view only costs a call.
#pragma once

#include <kwire/api.hpp>
#include <kwire/error.hpp>
#include <kwire/error_code.hpp>
#include <kwire/reflect/detail/print_records.hpp>
#include <kwire/reflect/detail/text_sink.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/wire/detail/utf8.hpp>
#include <kwire/wire/uuid_text.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace kwire::inline KWIRE_ABI {

/// How much of a message is printed.
struct print_options {
    std::size_t max_elements = 16;     ///< of each array, and of unknown tags in each struct
    std::size_t max_text_bytes = 128;  ///< of each string
    std::size_t max_characters = 4096; ///< where the line is cut; open brackets are closed after it

    /// No limit at all; secrets and payloads are still left out.
    [[nodiscard]] static constexpr print_options everything() noexcept {
        return {~std::size_t{0}, ~std::size_t{0}, ~std::size_t{0}};
    }
};

namespace detail {

class printer {
public:
    printer(text_sink& out, const print_options& options) noexcept : out_(out), options_(options) {}

    /// With the name and version in front, if it is a whole message.
    void print(const dynamic_view& view) {
        const std::string_view name = view.message();
        const bool whole = !name.empty();
        if (whole) {
            out_.put(name);
            out_.put(" v");
            out_.put(view.version());
            out_.put(' ');
        }
        put(view, !whole && !has_flag(view));
        out_.flush();
    }

private:
    /// Whether the struct says by itself what in it is secret. Of one that does not, and is printed without
    /// what is around it, this is not known: then it is.
    [[nodiscard]] static bool has_flag(const dynamic_view& view) noexcept {
        for (const dynamic_value value : view.fields())
            if (value.info().secret == secrecy::flag) return true;
        return false;
    }

    /// `flagged`: a flag around the struct says that what is marked as `flagged` is secret.
    KWIRE_NOINLINE void put(const dynamic_view& view, bool flagged) {
        for (std::size_t i = 0; i < view.field_count(); ++i)
            if (const dynamic_value value = view.field(i); value.info().secret == secrecy::flag)
                flagged = flagged || value.number() != 0;

        out_.put('{');
        std::string_view gap;
        for (std::size_t i = 0; i < view.field_count(); ++i) {
            const dynamic_value value = view.field(i);
            const field_info& field = value.info();
            if (!field.versions.contains(view.version()) || (field.tag >= 0 && !value.present())) continue;
            out_.put(gap);
            gap = ", ";
            if (full()) {
                out_.put(ellipsis);
                break;
            }
            out_.put(field.name);
            out_.put(": ");
            const bool hidden =
                field.secret == secrecy::always || (field.secret == secrecy::flagged && flagged);
            if (hidden && !value.is_null())
                out_.put("<secret>");
            else
                put(value, flagged);
        }
        if (const unknown_tag_range tags = view.unknown_tags(); !tags.empty()) {
            out_.put(gap);
            put(tags);
        }
        out_.put('}');
    }

    KWIRE_NOINLINE void put(const dynamic_value& value, bool flagged) {
        if (value.is_null()) return out_.put("null");
        switch (value.kind()) {
        case field_kind::boolean: return out_.put(value.number() != 0 ? "true" : "false");
        case field_kind::float64: return out_.put(value.real());
        case field_kind::uuid: {
            std::array<char, uuid::text_size> chars;
            return out_.put(value.id().to_chars(chars));
        }
        case field_kind::string: return put_text(value.text());
        case field_kind::bytes: return put_size(value.bytes().size());
        case field_kind::records:
            // Those of FetchSnapshot are a part of a file, cut anywhere.
            if (value.info().name == "unaligned_records") return put_size(value.bytes().size());
            return print_records(out_, value.bytes());
        case field_kind::structure: return put(value.structure(), flagged);
        case field_kind::array: return put_elements(value, flagged);
        default: return put_number(value);
        }
    }

    [[nodiscard]] static std::string_view known_name(error_code code) noexcept {
        return is_known(code) ? name_of(code) : std::string_view();
    }
    void put_number(const dynamic_value& value) {
        const std::int64_t number = value.number();
        out_.put(number);
        std::string_view name;
        if (value.info().enumerators == enumeration::error_code)
            name = known_name(static_cast<error_code>(number));
        else if (value.info().enumerators == enumeration::api_key)
            name = kwire::facts_of(static_cast<api_key>(number)).name;
        if (name.empty()) return;
        out_.put(' ');
        out_.put(name);
    }

    void put_elements(const dynamic_value& array, bool flagged) {
        out_.put('[');
        std::size_t done = 0;
        for (const dynamic_value element : array.elements()) {
            if (done != 0) out_.put(", ");
            if (done == options_.max_elements || full()) {
                put_rest(array.size() - done);
                break;
            }
            put(element, flagged);
            ++done;
        }
        out_.put(']');
    }

    void put(const unknown_tag_range& tags) {
        out_.put("unknown_tags: {");
        std::size_t done = 0;
        for (const unknown_tag_view tag : tags) {
            if (done != 0) out_.put(", ");
            if (done == options_.max_elements || full()) {
                out_.put(ellipsis);
                break;
            }
            out_.put(tag.number);
            out_.put(": ");
            put_size(tag.payload.size());
            ++done;
        }
        out_.put('}');
    }

    void put_rest(std::size_t count) {
        out_.put(ellipsis);
        out_.put(' ');
        out_.put(count);
        out_.put(" more");
    }

    void put_size(std::size_t size) {
        out_.put('<');
        out_.put_count(size, "byte");
        out_.put('>');
    }

    void put_text(std::string_view text) {
        out_.put('"');
        std::size_t i = 0;
        while (i < text.size()) {
            const wire::utf8_character next = wire::utf8_at(text.substr(i));
            if (next.size > options_.max_text_bytes - i) break;
            put_character(text.substr(i, next.size), next);
            i += next.size;
        }
        if (i == text.size()) return out_.put('"');
        out_.put(ellipsis);
        out_.put("\" (");
        out_.put(text.size());
        out_.put(" bytes)");
    }

    void put_character(std::string_view bytes, const wire::utf8_character& character) {
        const std::uint32_t code = character.code;
        if (!character.sound || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            if (bytes == "\n") return out_.put("\\n");
            if (bytes == "\r") return out_.put("\\r");
            if (bytes == "\t") return out_.put("\\t");
            for (const char c : bytes) {
                out_.put("\\x");
                put_hex(static_cast<unsigned char>(c), 2);
            }
        } else if (turns_or_breaks_lines(code)) {
            out_.put("\\u{");
            put_hex(code, 4);
            out_.put('}');
        } else {
            if (code == '"' || code == '\\') out_.put('\\');
            out_.put(bytes);
        }
    }

    /// Marks of direction, line and paragraph separators: invisible, but they can make a line read as
    /// another.
    static constexpr bool turns_or_breaks_lines(std::uint32_t code) noexcept {
        return code == 0x61c || code == 0xfeff || (code >= 0x200b && code <= 0x200f) ||
               (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    }

    void put_hex(std::uint32_t value, unsigned digits) {
        while (digits-- != 0) out_.put("0123456789abcdef"[value >> (4 * digits) & 15]);
    }

    [[nodiscard]] bool full() const noexcept { return out_.size() >= options_.max_characters; }

    static constexpr std::string_view ellipsis = "\xE2\x80\xA6";

    text_sink& out_;
    const print_options& options_;
};

KWIRE_NOINLINE inline void print(const dynamic_view& view, const print_options& options, void* target,
                                 text_sink::write_function write) {
    text_sink sink(target, write);
    printer(sink, options).print(view);
}

} // namespace detail

/// A message or a struct of one as a line of text, as the head of this file says.
[[nodiscard]] inline std::string to_text(const dynamic_view& view, const print_options& options = {}) {
    std::string out;
    detail::print(view, options, &out,
                  [](void* target, std::string_view text) { *static_cast<std::string*>(target) += text; });
    return out;
}
template <class S, int V>
[[nodiscard]] std::string to_text(const struct_view<S, V>& view, const print_options& options = {}) {
    return to_text(as_dynamic(view), options);
}

} // namespace kwire::inline KWIRE_ABI
