/// libFuzzer: messages as lines of text. A line must be one: valid UTF-8 without control characters, brackets
/// closed, not longer than asked for. And it must not depend on a single byte of a secret or of a bytes
/// field.
#include <kwire/reflect/print.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::dynamic_value;
using kwire::dynamic_view;
using kwire::field_kind;
using kwire::secrecy;
using support::insist;

void check_line(std::string_view line) {
    for (std::size_t i = 0; i < line.size();) {
        const auto next = kwire::wire::utf8_at(line.substr(i));
        insist(next.sound, "a line is UTF-8", line);
        const std::uint32_t code = next.code;
        insist(code >= 0x20 && (code < 0x7f || code >= 0xa0), "a line has no control characters", line);
        insist(!(code >= 0x200b && code <= 0x200f) && !(code >= 0x2028 && code <= 0x202e) &&
                   !(code >= 0x2066 && code <= 0x2069) && code != 0xfeff && code != 0x61c,
               "a line has no characters that turn or break it", line);
        i += next.size;
    }
    std::string open;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            open += c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            insist(!open.empty() && open.back() == c, "brackets close what they opened", line);
            open.pop_back();
        }
    }
    insist(open.empty() && !quoted, "all brackets and quotes are closed", line);
}

bool has_flag(const dynamic_view& view, bool& set) {
    bool any = false;
    for (const dynamic_value value : view.fields())
        if (value.info().secret == secrecy::flag) {
            any = true;
            set = set || value.number() != 0;
        }
    return any;
}

/// The bytes of strings that are secret, of all bytes fields and of unknown tags. (Of records a line tells
/// what their headers say.)
class unseen_bytes {
public:
    std::vector<std::span<const std::byte>> found;

    void visit(const dynamic_view& view, bool flagged) {
        has_flag(view, flagged);
        for (const dynamic_value value : view.fields()) {
            const secrecy secret = value.info().secret;
            visit(value, flagged, secret == secrecy::always || (secret == secrecy::flagged && flagged));
        }
        for (const kwire::unknown_tag_view tag : view.unknown_tags()) found.push_back(tag.payload);
    }

private:
    void visit(const dynamic_value& value, bool flagged, bool secret) {
        if (value.is_null() || !value.present()) return;
        switch (value.kind()) {
        case field_kind::string:
            if (secret) found.push_back(std::as_bytes(std::span(value.text())));
            return;
        case field_kind::bytes: found.push_back(value.bytes()); return;
        case field_kind::structure: return visit(value.structure(), flagged);
        case field_kind::array:
            for (const dynamic_value element : value.elements()) visit(element, flagged, secret);
            return;
        default: return;
        }
    }
};

/// All structs in `view`, each printed by itself.
template <class F>
void each_struct(const dynamic_view& view, F&& f) {
    for (const dynamic_value value : view.fields()) {
        if (value.is_null() || !value.present()) continue;
        if (value.kind() == field_kind::structure) {
            f(value.structure());
            each_struct(value.structure(), f);
        } else if (value.kind() == field_kind::array && value.info().element == field_kind::structure) {
            for (const dynamic_value element : value.elements()) {
                f(element.structure());
                each_struct(element.structure(), f);
            }
        }
    }
}

/// What must not be seen is exchanged: the line stays. `bytes` hold the view.
void check_unseen(const dynamic_view& view, bool flagged, std::span<std::byte> bytes) {
    const std::string before = kwire::to_text(view, kwire::print_options::everything());
    check_line(before);
    unseen_bytes unseen;
    unseen.visit(view, flagged);
    const auto flip = [&] {
        for (const auto part : unseen.found)
            for (std::byte& b :
                 bytes.subspan(static_cast<std::size_t>(part.data() - bytes.data()), part.size()))
                b ^= std::byte{0x15};
    };
    std::erase_if(unseen.found, [](const auto part) { return part.empty(); });
    flip();
    const std::string after = kwire::to_text(view, kwire::print_options::everything());
    flip();
    insist(before == after, "a line shows nothing of secrets and bytes", before + "\n" + after);
}

void check(const support::message_input& in) {
    kwire::test::exact_bytes exact(in.body);
    const auto view =
        kwire::parse_view(*in.info, exact.span(), in.version, support::options_of(in.second_knob & 63U));
    if (!view) return;
    if (kwire::parse_view(*in.info, in.body, in.version)) support::note_read(*in.info, in.version);

    const kwire::print_options small{.max_elements = in.knob % 4U,
                                     .max_text_bytes = std::size_t{in.knob} * 2,
                                     .max_characters = std::size_t{in.second_knob} * 4};
    for (const kwire::print_options& options : {small, kwire::print_options{}}) {
        const std::string line = kwire::to_text(*view, options);
        check_line(line);
        const std::string start =
            std::string(in.info->facts.name) + " v" + std::to_string(view->version()) + " {";
        insist(line.starts_with(start) && line.ends_with('}'), "a line begins with the message", line);
        // One value, with its name and every character escaped, may come after the limit was reached.
        const std::size_t beyond = 400 + options.max_text_bytes * 8;
        insist(line.size() <= options.max_characters + beyond, "a line is not longer than asked for", line);
    }

    check_unseen(*view, false, exact.writable());
    std::size_t structs = 0;
    each_struct(*view, [&](const dynamic_view& part) {
        if (++structs > 8) return;
        // Without its flag it is not known whether a struct is secret.
        bool set = false;
        const bool knows = has_flag(part, set);
        check_unseen(part, !knows, exact.writable());
    });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}
