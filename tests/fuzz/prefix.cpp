/// libFuzzer: any bytes as any message, cut anywhere. What the front shows is what the whole shows, if that
/// is sound; what is refused stays refused with more bytes; and with the size of the whole given, a front is
/// refused or taken as by parse.
#include <kwire/reflect/prefix.hpp>

#include <algorithm>
#include <string>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "messages/prefix_comparison.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::test::exact_bytes;
using support::insist;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

void check(const support::message_input& in) {
    const auto options = support::options_of(in.knob & 63U);
    const std::size_t size = in.body.size();
    const std::size_t cut = size == 0 ? 0 : (std::size_t{in.second_knob} * 257 + in.knob) % (size + 1);
    const exact_bytes all(in.body), some(in.body.first(cut));
    const auto sound = kwire::parse_view(*in.info, all.span(), in.version);
    const auto whole = kwire::parse_prefix(*in.info, all.span(), in.version);
    const auto seen = kwire::parse_prefix(*in.info, some.span(), in.version);
    insist(!sound || (whole && whole->is_whole()), "what parse takes is whole");
    insist(!sound || seen.has_value(), "the front of what parse takes is taken");
    if (!seen) {
        insist(!whole && whole.error().code == seen.error().code, "what is wrong stays wrong",
               text_of(seen.error()));
    } else {
        support::bytes_shown(*seen);
        if (whole) {
            support::prefix_comparison both{seen->bytes().data(), whole->bytes().data(), cut};
            if (sound)
                insist(both.structs(*seen, *whole), "the front shows what the whole shows", both.wrong);
        }
        if (const auto where = seen->cut())
            insist(where->code == kwire::errc::truncated && where->offset <= cut &&
                       where->needed > where->left,
                   "a cut says where it is", text_of(*where));
    }
    const auto closed = kwire::parse_prefix(*in.info, some.span(), in.version, {.whole_size = cut});
    const auto parsed = kwire::parse_view(*in.info, some.span(), in.version);
    insist(closed.has_value() == parsed.has_value(), "a whole size of what is there makes a parse of it");
    if (!closed)
        insist(text_of(closed.error()) == text_of(parsed.error()), "and its errors", text_of(closed.error()));

    const auto lenient = kwire::parse_prefix(*in.info, some.span(), in.version, {.tolerate = options});
    if (lenient) support::bytes_shown(*lenient);
    insist(lenient || !kwire::parse_view(*in.info, all.span(), in.version, options),
           "the front of what a lenient parse takes is taken");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}
