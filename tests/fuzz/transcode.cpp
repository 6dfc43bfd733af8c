/// libFuzzer: messages from one version to another and back. What is written must be read at the target
/// version with the values that both versions have; without loss the way back leads to where it began;
/// through typed data the result or the refusal is the same.
#include <kwire/reflect/same_content.hpp>
#include <kwire/reflect/transcode.hpp>

#include <algorithm>
#include <string>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"

namespace {

using kwire::dynamic_value;
using kwire::dynamic_view;
using kwire::field_kind;
using support::insist;
using support::message_input;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

/// Whether `before` and `after` show the same in every field that both versions have, and `after` the default
/// in those that the source lacks.
bool agree(const dynamic_view& before, const dynamic_view& after);

bool agree(const dynamic_value& before, const dynamic_value& after) {
    if (before.is_null() || after.is_null()) return before.is_null() == after.is_null();
    if (before.kind() == field_kind::structure) return agree(before.structure(), after.structure());
    if (before.kind() != field_kind::array) return kwire::same_content(before, after);
    if (before.size() != after.size()) return false;
    auto other = after.elements().begin();
    for (const dynamic_value element : before.elements()) {
        if (!agree(element, *other)) return false;
        ++other;
    }
    return true;
}

bool agree(const dynamic_view& before, const dynamic_view& after) {
    for (std::size_t i = 0; i < before.field_count(); ++i) {
        const kwire::field_info& field = before.field(i).info();
        if (!field.versions.contains(after.version())) {
            if (after.field(i).present()) return false;
        } else if (!agree(before.field(i), after.field(i))) {
            return false;
        }
    }
    return std::ranges::equal(kwire::detail::tags_in_order(before.unknown_tags()),
                              kwire::detail::tags_in_order(after.unknown_tags()),
                              [](const kwire::unknown_tag_view& a, const kwire::unknown_tag_view& b) {
                                  return a.number == b.number && std::ranges::equal(a.payload, b.payload);
                              });
}

/// Whether a refusal to write has a reason, a message and a field, and claims no place in any bytes.
bool is_complete(const message_input& in, const kwire::error& e, int to) {
    using enum kwire::errc;
    const bool of_the_message = e == meaning_differs && e.depth == 0;
    return (e == field_not_in_version || e == null_not_allowed || e == duplicate_tag ||
            e == meaning_differs || e == value_unknown) &&
           (e.depth != 0 || of_the_message) && !e.located && e.message == in.info->facts.name &&
           e.version == to;
}

void check_typed(const message_input& in, int to,
                 const kwire::expected<kwire::buffer_chain, kwire::error>& there) {
    if (!support::is_typed(*in.info)) return;
    const auto typed =
        support::type_of(*in.info).convert(kwire::shared_buffer::copy_of(in.body), in.version, to);
    insist(typed.has_value() == there.has_value(), "data and views are written alike, or refused alike",
           typed ? (there ? "" : text_of(there.error())) : text_of(typed.error()));
    if (typed)
        insist(*typed == *there, "data and views are written as the same bytes");
    else
        insist(typed.error().code == there.error().code && text_of(typed.error()) == text_of(there.error()),
               "data and views are refused for the same field",
               text_of(typed.error()) + " / " + text_of(there.error()));
}

/// What the one pass over the bytes makes of them, with any leniencies, is what the encoder of dynamic values
/// makes of what parse finds in them.
void check_one_pass(const message_input& in, const kwire::shared_buffer& body, int to) {
    const kwire::parse_options options = support::options_of(in.second_knob & 63U);
    kwire::buffer_chain written;
    if (!kwire::detail::transcode_in_one_pass(*in.info, body, in.version, to, options, written)) return;
    const auto source = kwire::parse(*in.info, body, in.version, options);
    insist(source.has_value(), "one pass takes what parse takes", source ? "" : text_of(source.error()));
    const auto expected = kwire::encode(*in.info, *source, to);
    insist(expected && *expected == written, "one pass writes what the encoder writes");
    const auto again = kwire::parse(*in.info, written.to_bytes(), to);
    insist(again.has_value(), "what one pass wrote can be read", again ? "" : text_of(again.error()));
}

void check(const message_input& in) {
    const auto body = kwire::shared_buffer::copy_of(in.body);
    for (unsigned i = 0; i < support::versions_of(*in.info); ++i)
        check_one_pass(in, body, support::version_at(*in.info, i));
    const auto source = kwire::parse(*in.info, body, in.version);
    if (!source) return;
    support::note_read(*in.info, in.version);
    const int to = support::version_at(*in.info, in.knob % support::versions_of(*in.info));
    const std::uint64_t copied = kwire::copied_bytes();
    const auto there = kwire::encode(*in.info, *source, to);
    const kwire::detail::meaning_change change(*in.info, (*source)->version(), in.info->facts.canonical(to));
    if (change.way() < 0) // what goes through a version between has no payloads but unknown tags
        insist(kwire::copied_bytes() == copied, "no payload is copied");
    if (!change.empty()) { // what both versions show differs then (schema/meaning.txt)
        check_typed(in, to, kwire::detail::encode_dynamic(*in.info, **source, to, body));
        if (!there) {
            insist(is_complete(in, there.error(), to), "a refusal says where", text_of(there.error()));
            return;
        }
        const auto target = kwire::parse(*in.info, there->to_bytes(), to);
        insist(target.has_value(), "what was written can be read", target ? "" : text_of(target.error()));
        return;
    }
    if (to != in.version) check_typed(in, to, there);
    if (!there) {
        insist(is_complete(in, there.error(), to), "a refusal says where", text_of(there.error()));
        return;
    }
    const auto target = kwire::parse(*in.info, there->to_bytes(), to);
    insist(target.has_value(), "what was written can be read", target ? "" : text_of(target.error()));
    insist(agree(**source, **target), "both versions show the same where both have a field");
    support::note_read(*in.info, to);

    const auto back = kwire::encode(*in.info, *target, in.version);
    const kwire::detail::meaning_change on_the_way_back(*in.info, (*target)->version(),
                                                        in.info->facts.canonical(in.version));
    if (!on_the_way_back.empty()) { // which may change what older versions say (schema/meaning.txt)
        insist(back || is_complete(in, back.error(), in.version), "a refusal says where",
               back ? "" : text_of(back.error()));
        if (back) insist(kwire::parse(*in.info, back->to_bytes(), in.version).has_value(), "it can be read");
        return;
    }
    if (kwire::same_content(**source, **target)) {
        insist(back.has_value(), "without loss there is a way back", back ? "" : text_of(back.error()));
        const auto again = kwire::parse(*in.info, back->to_bytes(), in.version);
        insist(again && kwire::same_content(**again, **source), "the way back leads to where it began");
    } else if (back) {
        const auto again = kwire::transcode(*in.info, back->to_bytes(), in.version, to);
        const auto final_form = kwire::detail::encode_dynamic(*in.info, **target, to, (*target).buffer());
        insist(again && final_form && (*again == *there || *again == *final_form),
               "what was lost once is not lost again");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}
