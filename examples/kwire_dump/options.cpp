#include "options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include <CLI/CLI.hpp>
#include <unistd.h>

namespace dump {

namespace {

constexpr const char* about = "kwire-dump shows Kafka's protocol in a capture of network packets: each "
                              "request with its response in one\n"
                              "line. It finds Kafka's connections by itself, on any port.\n";

constexpr const char* more =
    R"(A line is: time (UTC), client, client id, API and version, topics with [partitions], records, errors, and the
time from the request to its response. "from" is the offset that a consumer asks for, "at" one that a broker names.
ListOffsets asks where the earliest or latest record is, or the first since a time; EndTxn says commit or abort.
"!" marks errors, "~" what is not all in the capture.

Examples:
  kwire-dump capture.pcap                          one line for each request
  kwire-dump capture.pcap --errors                 only those that a broker refused, in part or in whole
  kwire-dump capture.pcap --errors --tree          with every field: offsets, epochs, messages of errors
  kwire-dump capture.pcap --api fetch --topic orders --records
  kwire-dump capture.pcap --stats                  how many of what, how large, how slow
  tcpdump -i lo -U -w - tcp port 9092 | kwire-dump -f -   live
  kwire-dump capture.pcap --api produce -c 1 --hex which bytes are which field
  kwire-dump capture.pcap --api produce -c 1 --svg picture.svg

To find out why a client fails or gets nothing: --errors first. --errors --tree adds what each error means, and all
that was sent and said; the same without --errors shows what the client did next. If there are none, look at one
request of the client with --tree: what it asks for, and what the broker says of it.

Exit codes: 0 all was read; 1 the capture is broken or ends within a packet (what was read is shown); 2 the
arguments are wrong or the file cannot be opened.)";

std::string lower(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c != '_' && c != '-') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

/// By name in any spelling, or by number.
kwire::api_key api_of(const std::string& text) {
    int number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc() && end == text.data() + text.size() && number >= 0 && number < 0x8000)
        return static_cast<kwire::api_key>(number);
    std::string similar;
    constexpr std::int16_t last_key = 1000;
    for (std::int16_t key = 0; key < last_key; ++key) {
        const kwire::api_facts facts = kwire::facts_of(static_cast<kwire::api_key>(key));
        if (!facts.assigned) continue;
        const std::string name = lower(facts.name);
        if (name == lower(text)) return static_cast<kwire::api_key>(key);
        if (name.find(lower(text)) != std::string::npos) similar += fmt::format(" {}", facts.name);
    }
    throw CLI::ValidationError(similar.empty()
                                   ? fmt::format("--api: there is no API \"{}\"", text)
                                   : fmt::format("--api: there is no API \"{}\", but:{}", text, similar));
}

/// "Fetch:12".
response_of response_of_text(const std::string& text) {
    const std::size_t colon = text.find(':');
    response_of out;
    const std::string number = colon == std::string::npos ? "" : text.substr(colon + 1);
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), out.version);
    if (number.empty() || failure != std::errc() || end != number.data() + number.size())
        throw CLI::ValidationError("--response-to: API and version are missing, such as Fetch:12");
    out.api = api_of(text.substr(0, colon));
    return out;
}

bool wants_colours(const std::string& when) {
    if (when == "always") return true;
    if (when == "never") return false;
    const char* const none = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) == 1 && (none == nullptr || *none == '\0');
}

} // namespace

std::optional<options> read_options(int argc, char** argv, int& exit_code) {
    options out;
    CLI::App app(about, "kwire-dump");
    app.footer(more);
    app.get_formatter()->column_width(34);
    std::string form = "auto", colour = "auto", responses;
    std::vector<std::string> apis;
    double slower_ms = 0;

    app.add_option("file", out.file, "A capture (pcap, pcapng), or - for standard input")->required();
    app.add_option("-i,--input", form,
                   "What is in the file: auto (default), pcap, pcapng, frames (each with its length of 4\n"
                   "bytes), hex (frames as hexadecimal digits)")
        ->check(CLI::IsMember({"auto", "pcap", "pcapng", "frames", "hex"}));
    app.add_option("--response-to", responses,
                   "With frames and hex: they are responses to this, such as Fetch:12; else requests");
    app.add_flag("-f,--follow", out.follow,
                 "Shows each line at once, and waits for more at the end of a file");

    const char* const filters = "What is shown";
    app.add_option("-a,--api", apis, "Only these APIs, by name or number")->delimiter(',')->group(filters);
    app.add_option("-t,--topic", out.topics, "Only what names these topics")->delimiter(',')->group(filters);
    app.add_option("--client", out.clients, "Only clients with this text in their id or address")
        ->delimiter(',')
        ->group(filters);
    app.add_option("-p,--port", out.ports, "Only connections to brokers on these ports")
        ->delimiter(',')
        ->group(filters);
    app.add_flag("-e,--errors", out.errors,
                 "Only what has an error, was ended by the broker, or cannot be read")
        ->group(filters);
    app.add_option("--slower", slower_ms, "Only what took longer than this, in milliseconds")->group(filters);
    app.add_option("-c,--count", out.count, "Ends after so many")->group(filters);

    const char* const forms = "How it is shown";
    app.add_flag("-T,--tree", out.tree, "Every field")->group(forms);
    app.add_flag("-r,--records", out.records, "Records, with the first bytes of keys and values")
        ->group(forms);
    app.add_flag("-x,--hex", out.hex, "All bytes, with the names of their fields")->group(forms);
    app.add_flag("-j,--json", out.json, "A JSON object for each line")->group(forms);
    app.add_flag("-s,--stats", out.stats, "Sums and times for each API instead of lines")->group(forms);
    app.add_option("--svg", out.svg, "Draws the bytes of the first exchange that is shown into this file")
        ->group(forms);
    app.add_option("--preview", out.preview, "Bytes of keys, values and other payloads (64)")->group(forms);
    app.add_flag("--secrets", out.secrets, "Passwords and tokens too, which are hidden by default")
        ->group(forms);
    app.add_option("--color", colour, "auto (default: on a terminal), always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->group(forms);

    try {
        app.parse(argc, argv);
        for (const std::string& api : apis) out.apis.push_back(api_of(api));
        if (!responses.empty()) out.responses = response_of_text(responses);
    } catch (const CLI::Success& success) {
        exit_code = app.exit(success);
        return std::nullopt;
    } catch (const CLI::Error& error) {
        std::cerr << "kwire-dump: " << error.what() << "\nTry kwire-dump --help\n";
        exit_code = wrong_arguments;
        return std::nullopt;
    }
    const int ways =
        (out.stats ? 1 : 0) + (out.svg.empty() ? 0 : 1) + (out.tree || out.hex || out.records ? 1 : 0);
    if (ways > 1 || (out.json && (out.tree || out.hex || out.records || !out.svg.empty()))) {
        std::cerr
            << "kwire-dump: --stats, --svg, --json and --tree with --hex and --records exclude each other "
               "(but --stats --json)\n";
        exit_code = wrong_arguments;
        return std::nullopt;
    }
    out.output = out.stats          ? output_form::stats
                 : !out.svg.empty() ? output_form::svg
                 : out.json         ? output_form::json
                                    : output_form::lines;
    out.input = form == "frames" ? input_form::frames
                : form == "hex"  ? input_form::hex
                : form == "auto" ? input_form::detect
                                 : input_form::pcap;
    out.slower_ns = static_cast<std::int64_t>(slower_ms * 1e6);
    out.colours = wants_colours(colour);
    return out;
}

} // namespace dump
