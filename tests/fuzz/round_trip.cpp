/// libFuzzer: messages written and read again. A message made up from the input must be read with the values
/// that it was made of; bytes that are accepted must keep their meaning through data and views, in one final
/// form that both encoders write.
#include <kwire/reflect/same_content.hpp>
#include <kwire/reflect/transcode.hpp>

#include <algorithm>
#include <string>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"
#include "messages/digest.hpp"
#include "support/bytes.hpp"

namespace {

using support::insist;
using support::message_input;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

/// The form in which `encode` writes what `view` shows.
kwire::shared_buffer canonical(const message_input& in, const kwire::message<kwire::dynamic>& from) {
    const auto written = kwire::detail::encode_dynamic(*in.info, *from, in.version, from.buffer());
    insist(written.has_value(), "what was read can be written", written ? "" : text_of(written.error()));
    return written->to_bytes();
}

/// A message of our own making: kwire must read the very values, and write the very bytes.
void check_model(const message_input& in) {
    support::choices from(in.body);
    const auto message = support::random_message(*in.info, in.version, from);
    const auto how = (in.knob & 2) != 0 ? support::manners::padded : support::manners::correct;
    const auto rest = from.rest();
    support::choices padding(rest.empty() ? in.body : rest);
    const auto bytes = support::write_message(*in.info, in.version, message, how, padding);
    const kwire::test::exact_bytes exact(bytes);
    const auto view = kwire::parse_view(*in.info, exact.span(), in.version);
    insist(view.has_value(), "a valid message is accepted", view ? "" : text_of(view.error()));
    support::note_read(*in.info, in.version);
    support::digest seen, expected;
    support::show_dynamic(*view, seen);
    support::show_message(*in.info, in.version, message, expected);
    insist(seen.value() == expected.value(), "it shows the values that it was made of");

    const auto parsed = kwire::parse(*in.info, kwire::shared_buffer::copy_of(bytes), in.version);
    const auto written = canonical(in, *parsed);
    if (how == support::manners::correct)
        insist(std::ranges::equal(written.span(), bytes), "it is written as it was");
    else
        insist(written.size() <= bytes.size(), "the final form is the shortest");
}

/// What is accepted strictly, through `data`.
void check_data(const message_input& in, const kwire::shared_buffer& final_form) {
    if (!support::is_typed(*in.info)) return;
    const support::message_type& type = support::type_of(*in.info);
    const auto again = type.rewrite(kwire::shared_buffer::copy_of(in.body), in.version, {});
    insist(again.has_value(), "data can be written", again ? "" : text_of(again.error()));
    insist(again->announced_size == again->body.size(), "it has the size that was announced");
    insist(again->body == kwire::buffer_chain(final_form), "both encoders write the same bytes");
    const auto twice = type.rewrite(final_form, in.version, {});
    insist(twice && twice->body == kwire::buffer_chain(final_form), "once written it has its final form");
}

/// What a parse accepts comes back unchanged, and has a form that passes without leniency, except for tags of
/// other versions, which are kept.
void check_bytes(const message_input& in, kwire::parse_options options) {
    const auto parsed = kwire::parse(*in.info, kwire::shared_buffer::copy_of(in.body), in.version, options);
    if (!parsed) return;
    const std::span<const std::byte> covered = (*parsed)->bytes();
    const auto same = kwire::encode(*in.info, *parsed, in.version);
    insist(same && same->size() == covered.size() && std::ranges::equal(same->to_bytes(), covered),
           "at its own version a message is its bytes");
    const kwire::shared_buffer final_form = canonical(in, *parsed);
    const kwire::parse_options as_written{.tags_of_other_versions = options.tags_of_other_versions};
    const auto again = kwire::parse(*in.info, final_form, in.version, as_written);
    insist(again.has_value(), "what was written can be read", again ? "" : text_of(again.error()));
    insist(kwire::same_content(**again, **parsed), "it means the same");
    insist(canonical(in, *again) == final_form, "writing it again changes nothing");

    const auto strict = kwire::parse_view(*in.info, in.body, in.version);
    if (!strict) return;
    support::note_read(*in.info, in.version);
    check_data(in, final_form);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    if ((input->knob & 1) != 0) check_model(*input);
    check_bytes(*input, support::options_of(input->second_knob & 63U));
    return 0;
}
