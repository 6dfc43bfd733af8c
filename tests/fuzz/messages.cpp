/// libFuzzer: any bytes as any message. Both forms of the reader must agree, in bounds, and what they accept
/// must survive being written and read again.
#include <kwire/reflect/transcode.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "fuzz/choice.hpp"
#include "messages/digest.hpp"
#include "support/bytes.hpp"

namespace {

struct outcome {
    std::optional<kwire::error> error;
    std::uint64_t content = 0;
};

template <class Reader>
outcome read_with(Reader&& reader) {
    support::digest content;
    std::optional<kwire::error> error = reader(content);
    return {error, content.value()};
}

void insist(bool truth, const char* claim) {
    if (truth) return;
    std::fprintf(stderr, "not true: %s\n", claim);
    std::abort();
}

void check(const support::chosen_message& chosen, kwire::parse_options options) {
    const auto& [type, version, body] = chosen;
    const kwire::test::exact_bytes exact(body);
    const outcome general =
        read_with([&](support::sink& out) { return type->read(exact.span(), version, out, options); });
    if (general.error) insist(general.error->offset <= body.size(), "errors lie within the body");
    if (const support::fixed_reader reader = type->fixed_reader_of(version)) {
        const outcome fixed =
            read_with([&](support::sink& out) { return reader(exact.span(), out, options); });
        insist(general.error.has_value() == fixed.error.has_value(), "both forms accept, or both refuse");
        if (general.error)
            insist(general.error->code == fixed.error->code && general.error->offset == fixed.error->offset,
                   "both forms refuse for the same reason");
        else
            insist(general.content == fixed.content, "both forms show the same");
    }
    if (general.error || options.trailing_bytes) return;

    const auto again = type->rewrite(kwire::shared_buffer::copy_of(body), version, {});
    insist(again.has_value(), "what was read can be written");
    insist(again->announced_size == again->body.size(), "it has the size that was announced");
    const kwire::shared_buffer written = again->body.to_bytes();
    const outcome reread =
        read_with([&](support::sink& out) { return type->read(written.span(), version, out, {}); });
    insist(!reread.error, "what was written can be read");
    insist(reread.content == general.content, "it shows the same again");
    const auto twice = type->rewrite(written, version, {});
    insist(twice && twice->body.to_bytes() == written, "once written it has its final form");
}

/// What a lenient parse accepts comes back unchanged, and has a form that passes without leniency, except for
/// tags of other versions, which are kept.
void check_canonical_form(const support::chosen_message& chosen) {
    const auto& [type, version, body] = chosen;
    const kwire::message_info info{type->facts, type->info};
    const auto lenient =
        kwire::parse(info, kwire::shared_buffer::copy_of(body), version, kwire::parse_options::lenient());
    if (!lenient) return;
    const std::span<const std::byte> covered = lenient->bytes();
    insist(std::ranges::equal(covered, body.first(covered.size())), "its bytes are those that came");
    const auto written = kwire::detail::encode_dynamic(info, **lenient, version, (*lenient).buffer());
    insist(written.has_value(), "what was let pass can be written");
    const kwire::shared_buffer canonical = written->to_bytes();
    const auto again = kwire::parse_view(info, canonical.span(), version, {.tags_of_other_versions = true});
    insist(again.has_value(), "what was written can be read");
    insist(kwire::same_content(*again, **lenient), "it means the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 3) return -1;
    const auto chosen = support::choose(std::as_bytes(std::span(data, size)));
    check(chosen, {});
    check(chosen, kwire::parse_options::lenient());
    check_canonical_form(chosen);
    return 0;
}
