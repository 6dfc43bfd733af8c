/// Any message as one line for people, with what is secret left out.
///
///     log(kwire::to_text(request));   // a view
///     // MetadataRequest v12 {topics: [{topic_id: AAAA…, name: "orders"}], …}
///
/// fmt.hpp does the same for fmt. The form is for eyes and may change; json.hpp has one for machines.
///
///  * Every field that the version has, under the schema's name; tagged ones only if the bytes hold them.
///  * Bytes and records as `<1234 bytes>`, never their content. Secrets as `<secret>`: fields that are marked
///    so, or marked as secret by a flag that is set, or that could be set around a struct which is printed
///    by itself (schema/secrets.txt). Unknown tags as `unknown_tags: {7: <3 bytes>}`.
///  * Strings in quotes. What could make the line look like something else is escaped: `\n`, `\"`, control
///    characters and bytes that are not UTF-8 as `\x1b`, characters that turn or break lines as `\u{202e}`.
///  * Long arrays end in `… 984 more`, long strings in `"orders-and-…" (1200 bytes)`, and beyond a number
///    of characters everything that is left in `…`: print_options.
///
/// Compiled once for all messages: a typed view only costs a call.
#pragma once

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

namespace kwire {

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

/// Where printed text goes, a few hundred characters at a time.
class text_sink {
public:
    using write_function = void (*)(void* target, std::string_view text);

    text_sink(void* target, write_function write) noexcept : target_(target), write_(write) {}
    text_sink(const text_sink&) = delete;
    text_sink& operator=(const text_sink&) = delete;

    void put(char c) {
        if (used_ == chars_.size()) flush();
        chars_[used_++] = c;
    }
    KWIRE_NOINLINE void put(std::string_view text) {
        for (const char c : text) put(c);
    }
    template <class Number>
        requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, char>)
    KWIRE_NOINLINE void put(Number value) {
        std::array<char, 32> digits;
        const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
    }
    void flush() {
        write_(target_, std::string_view(chars_.data(), used_));
        written_ += used_;
        used_ = 0;
    }
    [[nodiscard]] std::size_t size() const noexcept { return written_ + used_; }

private:
    void* target_;
    write_function write_;
    std::size_t written_ = 0;
    std::size_t used_ = 0;
    std::array<char, 256> chars_;
};

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
        case field_kind::bytes:
        case field_kind::records: return put_size(value.bytes().size());
        case field_kind::structure: return put(value.structure(), flagged);
        case field_kind::array: return put_elements(value, flagged);
        default: return out_.put(value.number());
        }
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
        out_.put(size);
        out_.put(size == 1 ? " byte>" : " bytes>");
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

} // namespace kwire
