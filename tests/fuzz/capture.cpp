/// libFuzzer: kwire-dump over bytes that claim to be a capture, and over segments of one connection in any
/// order, cut, lost and twice. Every byte that was delivered is in a frame or counted as in none, no more
/// requests are shown than were counted, and what is printed has no control characters from the wire.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "connection_table.hpp"
#include "details.hpp"
#include "fuzz/insist.hpp"
#include "input.hpp"
#include "lines.hpp"
#include "report.hpp"
#include "stats.hpp"
#include "svg.hpp"

namespace {

using support::insist;

/// Prints each report in every form, and looks at the text.
class every_form final : public dump::printer {
public:
    explicit every_form(const dump::options& chosen) : options_(chosen) {}

    void print(dump::report& one) override {
        ++shown;
        std::string text;
        dump::painter plain(text, false);
        dump::put_line(plain, one);
        const dump::detail_options wanted{.tree = true, .records = true, .hex = true, .preview = 32};
        if (!one.request.frame.empty()) dump::put_details(plain, one.request, wanted, "request");
        if (one.response) dump::put_details(plain, *one.response, wanted, "response");
        insist(std::ranges::all_of(text,
                                   [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\n'; }),
               "text from the wire has no control characters", text);
        dump::svg_printer picture(options_);
        picture.print(one);
        insist(!picture.picture().empty(), "each exchange can be drawn");
        stats_.print(one);
    }

    std::uint64_t shown = 0;

private:
    const dump::options& options_;
    dump::stats_printer stats_;
};

void check(const dump::input_counts& counts, std::uint64_t shown) {
    const dump::connection_counts& kafka = counts.kafka;
    insist(kafka.frames.framed_bytes + kafka.frames.skipped_bytes == kafka.stream.delivered,
           "each byte is in a frame or in none");
    insist(shown == kafka.requests, "each request is shown once");
    insist(kafka.responses <= kafka.requests, "no response is invented");
    insist(kafka.requests + kafka.responses + kafka.tokens + kafka.responses_of_nothing ==
               kafka.frames.frames,
           "each frame is accounted for");
}

/// A program of segments: for each a byte of what it is, its length, how far its number is from the next
/// one's, then its payload.
void run_segments(std::span<const std::uint8_t> program, const dump::options& chosen, every_form& shown) {
    dump::reporter to(chosen, shown);
    dump::input_counts counts;
    dump::connection_context context{to, {}, counts.kafka};
    dump::connection_table connections(context, {});
    std::uint32_t next[2] = {1, 1};
    std::int64_t now = 0;
    while (program.size() >= 2) {
        const std::uint8_t what = program[0], size = program[1];
        program = program.subspan(2);
        const unsigned side = what & 1;
        const auto payload = std::as_bytes(program.first(std::min<std::size_t>(size, program.size())));
        program = program.subspan(payload.size());
        dump::segment one;
        one.source.port = side == 0 ? 1000 : 2000;
        one.target.port = side == 0 ? 2000 : 1000;
        one.ack = (what & 2) == 0;
        one.syn = (what & 0x0e) == 0x0e;
        one.fin = (what & 0x1c) == 0x1c;
        one.rst = (what & 0x3c) == 0x3c;
        const std::uint32_t early = (what & 0x40) != 0 ? static_cast<std::uint32_t>(what >> 2 & 7) * 5 : 0;
        const std::uint32_t twice = (what & 0xc0) == 0x80 ? static_cast<std::uint32_t>(what >> 2 & 7) : 0;
        one.sequence = next[side] + early - twice;
        one.acknowledged = next[1 - side];
        one.payload = payload;
        one.size = static_cast<std::uint32_t>(payload.size()) + ((what & 0xc0) == 0xc0 ? what & 15U : 0U);
        one.time_ns = now += 1'000'000;
        next[side] = one.sequence + one.size + (one.syn ? 1 : 0);
        connections.add(one);
    }
    connections.end();
    check(counts, shown.shown);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::span<const std::uint8_t> rest(data + 1, size - 1);
    dump::options chosen;
    every_form shown(chosen);
    if ((*data & 1) != 0) {
        run_segments(rest, chosen, shown);
        return 0;
    }
    std::vector<std::uint8_t> copy(rest.begin(), rest.end());
    dump::reporter to(chosen, shown);
    dump::input_counts counts;
    chosen.input = dump::input_form::pcap;
    dump::file_handle file(::fmemopen(copy.data(), copy.size(), "rb"));
    insist(file != nullptr, "memory can be opened");
    static_cast<void>(dump::read_stream(std::move(file), chosen, {}, to, counts));
    check(counts, shown.shown);
    return 0;
}
