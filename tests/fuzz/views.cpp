/// libFuzzer: any bytes as any message. Every reader must agree: the views of a version known at run time,
/// those of one known at compile time, and dynamic views, in what they show and in every member of an error;
/// a slow reader of its own must take what they take; and what is let pass must grow with the leniencies.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"
#include "messages/digest.hpp"
#include "messages/locator.hpp"
#include "messages/refusal.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::parse_options;
using support::insist;

/// What one reader saw.
struct outcome {
    std::optional<kwire::error> error;
    std::uint64_t content = 0;
};

bool same_path(const kwire::error& a, const kwire::error& b) {
    if (a.depth != b.depth) return false;
    for (std::size_t i = 0; i < a.depth; ++i)
        if (a.path[i].field != b.path[i].field || a.path[i].index != b.path[i].index) return false;
    return true;
}
bool same_error(const kwire::error& a, const kwire::error& b) {
    return a.code == b.code && a.offset == b.offset && a.needed == b.needed && a.left == b.left &&
           a.message == b.message && a.version == b.version && a.located == b.located && same_path(a, b);
}

/// `b` must be what `a` is.
void compare(const outcome& a, const outcome& b, const char* claim) {
    const auto text = [](const outcome& one) {
        return one.error ? std::string(kwire::describe(*one.error)) : std::string("accepted");
    };
    const bool same = a.error.has_value() == b.error.has_value() &&
                      (a.error ? same_error(*a.error, *b.error) : a.content == b.content);
    if (!same) insist(false, claim, text(a) + " / " + text(b));
}

template <class Reader>
outcome read_with(Reader&& reader) {
    support::digest content;
    std::optional<kwire::error> error = reader(content);
    return {error, content.value()};
}

/// The dynamic reader's outcome, with which all others agree; `covered` becomes the size of the view.
outcome read(const support::message_input& in, std::span<const std::byte> body, parse_options options,
             std::size_t* covered = nullptr) {
    const kwire::test::exact_bytes exact(body);
    const outcome seen = read_with([&](support::sink& out) -> std::optional<kwire::error> {
        const auto view = kwire::parse_view(*in.info, exact.span(), in.version, options);
        if (!view) return view.error();
        insist(view->bytes().size() <= body.size(), "a view lies in its bytes");
        insist(options.trailing_bytes || view->bytes().size() == body.size(), "a view covers its bytes");
        if (covered != nullptr) *covered = view->bytes().size();
        support::show_dynamic(*view, out);
        return std::nullopt;
    });
    const support::message_type& type = support::type_of(*in.info);
    if (seen.error) {
        const std::string fault = support::fault_of(*seen.error, type, in.version, body);
        insist(fault.empty(), "an error is complete", fault);
    }
    if (!support::is_typed(*in.info)) return seen;
    compare(seen,
            read_with([&](support::sink& out) { return type.read(exact.span(), in.version, out, options); }),
            "typed views agree with dynamic ones");
    if (in.version != in.info->facts.canonical(in.version)) return seen; // an alias is known at run time only
    if (const support::fixed_reader reader = type.fixed_reader_of(in.version))
        compare(seen, read_with([&](support::sink& out) { return reader(exact.span(), out, options); }),
                "views of a version known at compile time agree with the others");
    return seen;
}

void check(const support::message_input& in) {
    const unsigned bits = in.knob & 63U;
    const outcome strict = read(in, in.body, {});
    std::size_t covered = 0;
    const outcome some = read(in, in.body, support::options_of(bits), &covered);
    const outcome more = read(in, in.body, support::options_of(bits | in.second_knob));
    const outcome lenient = read(in, in.body, parse_options::lenient());
    const auto grows = [](const outcome& narrow, const outcome& wide) {
        insist(narrow.error || (!wide.error && wide.content == narrow.content),
               "what passes with a leniency passes with more of them, and shows the same",
               wide.error ? std::string(kwire::describe(*wide.error)) : std::string());
    };
    grows(strict, some);
    grows(some, more);
    grows(more, lenient);
    if (!some.error && covered != in.body.size())
        compare(some, read(in, in.body.first(covered), support::options_of(bits)),
                "trailing bytes make no difference");
    if (strict.error) return;

    support::note_read(*in.info, in.version);
    std::string defect;
    try {
        static_cast<void>(
            support::locate(support::type_of(*in.info), in.info->facts.canonical(in.version), in.body));
    } catch (const std::runtime_error& e) {
        defect = e.what();
    }
    insist(defect.empty(), "the slow reader takes what passes", defect);
    std::vector<std::byte> longer(in.body.begin(), in.body.end());
    longer.push_back(static_cast<std::byte>(in.second_knob));
    const outcome with_tail = read(in, longer, {.trailing_bytes = true}, &covered);
    compare(strict, with_tail, "a byte after the body changes nothing");
    insist(covered == in.body.size(), "it is not part of the view");
    const outcome refused = read(in, longer, {});
    insist(refused.error && *refused.error == kwire::errc::trailing_bytes &&
               refused.error->offset == in.body.size(),
           "without leniency it is refused at its place");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}
