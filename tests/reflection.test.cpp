/// What generic tools do, over every message and every golden vector: this file knows no message by name.
#include <kwire/messages/registry.hpp>
#include <kwire/print.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"
#include "support/golden.hpp"

namespace {

/// Calls `f(line, info, view)` for each golden line that is not to be refused, and returns how many there
/// were.
template <class F>
std::size_t each_golden_view(F f) {
    std::size_t lines = 0;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        const kwire::message_info* const info = kwire::find_message(line.message);
        REQUIRE(info != nullptr);
        const auto view = kwire::parse_view(*info, line.bytes, line.version);
        REQUIRE(view);
        f(line, *info, *view);
        ++lines;
    }
    return lines;
}

std::size_t secrets_in(const kwire::dynamic_view& view, bool flagged);

std::size_t secrets_in(const kwire::dynamic_value& value, bool flagged) {
    const kwire::secrecy mark = value.info().secret;
    if (value.is_null()) return 0;
    if (mark == kwire::secrecy::always || (mark == kwire::secrecy::flagged && flagged)) return 1;
    if (value.kind() == kwire::field_kind::structure) return secrets_in(value.structure(), flagged);
    std::size_t count = 0;
    if (value.kind() == kwire::field_kind::array)
        for (const kwire::dynamic_value element : value.elements()) count += secrets_in(element, flagged);
    return count;
}

/// How many values in it must not be shown.
std::size_t secrets_in(const kwire::dynamic_view& view, bool flagged) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < view.field_count(); ++i)
        flagged |= view.field(i).info().secret == kwire::secrecy::flag && view.field(i).number() != 0;
    for (std::size_t i = 0; i < view.field_count(); ++i)
        if (view.field(i).present()) count += secrets_in(view.field(i), flagged);
    return count;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

} // namespace

TEST_CASE("every golden message is printed on one line that tells no secret and holds no control character") {
    std::size_t secrets = 0;
    const std::size_t lines = each_golden_view([&](const auto& line, const auto& info, const auto& view) {
        CAPTURE(line.name());
        for (const auto& options : {kwire::print_options{}, kwire::print_options::everything()}) {
            const std::string text = kwire::to_text(view, options);
            const std::string head =
                std::string(info.facts.name) + " v" + std::to_string(view.version()) + " {";
            REQUIRE(text.starts_with(head));
            REQUIRE(text.back() == '}');
            for (const char c : text) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        }
        const std::size_t hidden = secrets_in(view, false);
        secrets += hidden;
        REQUIRE(occurrences(kwire::to_text(view, kwire::print_options::everything()), "<secret>") == hidden);
    });
    WARN(lines << " messages printed, " << secrets << " secrets kept");
    CHECK(secrets > 0);
}
