/// kwire-dump: shows Kafka's protocol in captures of network packets. docs/kwire-dump.md.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <new>
#include <string>

#include "input.hpp"
#include "json_lines.hpp"
#include "lines.hpp"
#include "options.hpp"
#include "output.hpp"
#include "report.hpp"
#include "stats.hpp"
#include "svg.hpp"

namespace {

using namespace dump;

/// What a reader of lines should know of the capture, on standard error.
void remark(const input_counts& counts) {
    const connection_counts& kafka = counts.kafka;
    if (kafka.requests + kafka.responses == 0) {
        std::cerr << "kwire-dump: no Kafka request in " << counts.packets << " packets, " << counts.segments
                  << " of them TCP with " << counts.payload_bytes << " bytes of payload"
                  << (counts.payload_bytes != 0 ? " (if it is encrypted, it cannot be read here)" : "")
                  << '\n';
        return;
    }
    const auto note = [](std::uint64_t count, const char* what) {
        if (count != 0) std::cerr << "kwire-dump: " << count << what << '\n';
    };
    note(kafka.stream.lost, " bytes of lost segments are not in the capture");
    note(kafka.stream.cut, " bytes were cut off by the capture's snap length");
    note(kafka.frames.skipped_bytes, " bytes belong to no frame that could be found");
    note(kafka.responses_of_nothing, " responses have no request in the capture");
}

int run(const options& chosen) {
    end_on_signals();
    input_counts counts;
    input_result result;
    wanted_bytes wanted;
    if (chosen.output == output_form::stats) {
        stats_printer stats;
        wanted.requests = !chosen.topics.empty() || chosen.errors;
        wanted.collected = wanted.requests ? std::size_t{64} << 10 : 4096;
        reporter to(chosen, stats, !wanted.requests);
        result = read_input(chosen, wanted, to, counts);
        if (result.exit_code != wrong_arguments) write_out(stats.text(counts, chosen.json, chosen.colours));
    } else if (chosen.output == output_form::svg) {
        options first = chosen;
        first.count = 1;
        svg_printer svg(first);
        reporter to(first, svg);
        result = read_input(first, wanted, to, counts);
        if (result.exit_code == wrong_arguments) {
        } else if (svg.picture().empty()) {
            result = {capture_is_broken, "there is nothing to draw"};
        } else {
            std::ofstream file(chosen.svg, std::ios::binary);
            file << svg.picture();
            file.close();
            if (!file) result = {wrong_arguments, "cannot write " + chosen.svg};
        }
    } else {
        std::unique_ptr<printer> shown;
        if (chosen.output == output_form::json)
            shown = std::make_unique<json_printer>(chosen);
        else
            shown = std::make_unique<line_printer>(chosen);
        reporter to(chosen, *shown);
        result = read_input(chosen, wanted, to, counts);
        shown.reset(); // writes what it has
        if (result.exit_code == all_read && !to.done() && !output_failed()) remark(counts);
    }
    if (!result.message.empty()) std::cerr << "kwire-dump: " << chosen.file << ": " << result.message << '\n';
    return result.exit_code;
}

} // namespace

int main(int argc, char** argv) {
    int exit_code = all_read;
    const auto chosen = read_options(argc, argv, exit_code);
    if (!chosen) return exit_code;
    try {
        return run(*chosen);
    } catch (const std::bad_alloc&) {
        std::cerr << "kwire-dump: not enough memory\n";
        return capture_is_broken;
    }
}
