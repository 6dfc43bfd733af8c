#include "echo_broker/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "echo_broker/report.hpp"

namespace echo_broker {

const char* const usage = "usage: echo_broker [options]\n"
                          "\n"
                          "A Kafka broker of one node that keeps everything in memory, or in a directory.\n"
                          "\n"
                          "  --port N               listens on 127.0.0.1:N; 0, the default, is a free port\n"
                          "  --listen HOST:PORT     listens there; may be given several times\n"
                          "  --advertise HOST:PORT  what clients of the --listen before it are told to use;\n"
                          "                         else the address that they have used\n"
                          "  --tls CERT KEY         TLS on all listeners, with these PEM files\n"
                          "  --user NAME:PASSWORD   only for clients that authenticate so (SASL, PLAIN);\n"
                          "                         may be given several times\n"
                          "  --partitions N         partitions of a new topic; default 1\n"
                          "  --memory-mib N         memory for all records; default 1024. The oldest\n"
                          "                         batches are dropped first\n"
                          "  --data-dir DIR         keeps records in files in this directory\n"
                          "  --fsync WHEN           when files are synced to the disk: always (before the\n"
                          "                         answer), interval (after a second, default) or never\n"
                          "  --segment-mib N        the size at which a new file begins; default 64\n"
                          "  --connections N        how many clients may be connected; default 10000\n"
                          "  --stall-seconds N      disconnects a client that stops for so long in the\n"
                          "                         middle of a request or of an answer; default 30\n"
                          "  --idle-seconds N       disconnects a client without a request for so long;\n"
                          "                         default 600, never more than 10 before the first one\n"
                          "  --group-delay-ms N     how long a new group waits for members; default 0\n"
                          "  --group-session-ms N   the shortest session time-out of a member; default 6000\n"
                          "  --group-size N         the most members of a group; default 10000\n"
                          "  --consumer-session-ms N, --consumer-heartbeat-ms N\n"
                          "                         of members under KIP-848; default 45000 and 5000\n"
                          "  --verbose              a line on stderr for each request\n"
                          "  --metrics PORT         http://127.0.0.1:PORT/metrics for Prometheus; 0: a free\n"
                          "                         port\n"
                          "  --dump FILE            writes all frames to FILE, a pcap for Wireshark\n"
                          "  -h, --help             prints this text\n"
                          "\n"
                          "Prints \"listening on HOST:PORT\" when ready. SIGINT and SIGTERM let it answer\n"
                          "what was asked, print totals and end; a second one ends it at once.\n";

namespace {

/// What is wrong with the values of an option; nothing if they were stored.
using complaint = std::optional<std::string>;
using values = std::span<const std::string_view>;

struct option {
    std::string_view name;
    std::size_t count; ///< of values
    std::string_view needs;
    std::function<complaint(options&, values)> store;
};

/// An option with a number in a range.
option number(std::string_view name, std::int64_t least, std::int64_t most,
              std::function<void(options&, std::int64_t)> store) {
    return {name, 1, "a number",
            [least, most, keep = std::move(store)](options& out, values given) -> complaint {
                const std::string_view text = given[0];
                std::int64_t n = 0;
                const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
                if (failure != std::errc{} || end != text.data() + text.size() || n < least || n > most)
                    return in_quotes(text) + " is not a number from " + std::to_string(least) + " to " +
                           std::to_string(most);
                keep(out, n);
                return {};
            }};
}

/// An option with one text; `store` may refuse it.
option text(std::string_view name, std::string_view needs,
            std::function<complaint(options&, std::string_view)> store) {
    return {name, 1, needs,
            [keep = std::move(store)](options& out, values given) { return keep(out, given[0]); }};
}

option flag(std::string_view name, bool options::* where) {
    return {name, 0, "", [where](options& out, values) -> complaint {
                out.*where = true;
                return {};
            }};
}

complaint add_listener(options& out, std::string_view given) {
    auto where = parse_address(given);
    if (!where) return in_quotes(given) + " is not HOST:PORT";
    out.listeners.push_back({.at = *std::move(where)});
    return {};
}

complaint advertise(options& out, std::string_view given) {
    auto where = parse_address(given);
    if (!where) return in_quotes(given) + " is not HOST:PORT";
    if (out.listeners.empty()) return in_quotes(given) + " does not come after the --listen that it is for";
    auto& advertised = out.listeners.back().advertised;
    if (advertised)
        return in_quotes(given) + " is a second one for the listener " + to_string(out.listeners.back().at);
    advertised = std::move(where);
    return {};
}

complaint add_user(options& out, std::string_view given) {
    const auto colon = given.find(':');
    // The password is not shown in the message.
    if (colon == given.npos || colon == 0 || colon + 1 == given.size()) return "it is not NAME:PASSWORD";
    const std::string_view name = given.substr(0, colon);
    if (std::ranges::find(out.users, name, &user::name) != out.users.end())
        return in_quotes(name) + " has two passwords";
    out.users.push_back({.name = std::string(name), .password = std::string(given.substr(colon + 1))});
    return {};
}

complaint set_tls(options& out, values given) {
    out.tls = {.certificate = std::string(given[0]), .key = std::string(given[1])};
    return {};
}

complaint set_data_dir(options& out, std::string_view given) {
    if (given.empty()) return in_quotes(given) + " is not the path of a directory";
    out.data_dir = given;
    return {};
}

complaint set_sync_policy(options& out, std::string_view given) {
    if (given == "always")
        out.fsync = sync_policy::always;
    else if (given == "interval")
        out.fsync = sync_policy::interval;
    else if (given == "never")
        out.fsync = sync_policy::never;
    else
        return in_quotes(given) + " is not always, interval or never";
    return {};
}

complaint set_dump(options& out, std::string_view given) {
    if (given.empty()) return "the name is empty";
    out.dump = given;
    return {};
}

const std::array all_options{
    number("--port", 0, 65535,
           [](options& o, std::int64_t n) {
               o.listeners.emplace_back().at.port = static_cast<std::uint16_t>(n);
           }),
    text("--listen", "HOST:PORT", add_listener),
    text("--advertise", "HOST:PORT", advertise),
    option{"--tls", 2, "CERT KEY", set_tls},
    text("--user", "NAME:PASSWORD", add_user),
    number("--partitions", 1, 10'000,
           [](options& o, std::int64_t n) { o.partitions = static_cast<std::int32_t>(n); }),
    number("--memory-mib", 1, 1 << 20,
           [](options& o, std::int64_t n) { o.memory_mib = static_cast<std::uint64_t>(n); }),
    text("--data-dir", "DIR", set_data_dir),
    text("--fsync", "always, interval or never", set_sync_policy),
    number("--segment-mib", 1, 2047,
           [](options& o, std::int64_t n) { o.segment_mib = static_cast<std::uint64_t>(n); }),
    number("--connections", 1, 1'000'000,
           [](options& o, std::int64_t n) { o.connections = static_cast<std::size_t>(n); }),
    number("--stall-seconds", 1, 86'400,
           [](options& o, std::int64_t n) { o.stall_after = std::chrono::seconds(n); }),
    number("--idle-seconds", 1, 86'400,
           [](options& o, std::int64_t n) { o.idle_after = std::chrono::seconds(n); }),
    number("--group-delay-ms", 0, 3'600'000,
           [](options& o, std::int64_t n) { o.group_delay = std::chrono::milliseconds(n); }),
    number("--group-session-ms", 1, 1'800'000,
           [](options& o, std::int64_t n) { o.least_session = std::chrono::milliseconds(n); }),
    number("--group-size", 1, 1'000'000,
           [](options& o, std::int64_t n) { o.group_size = static_cast<std::int32_t>(n); }),
    number("--consumer-session-ms", 100, 3'600'000,
           [](options& o, std::int64_t n) { o.consumer_session = std::chrono::milliseconds(n); }),
    number("--consumer-heartbeat-ms", 10, 3'600'000,
           [](options& o, std::int64_t n) { o.consumer_heartbeat = std::chrono::milliseconds(n); }),
    flag("--verbose", &options::verbose),
    number("--metrics", 0, 65535,
           [](options& o, std::int64_t n) { o.metrics_port = static_cast<std::uint16_t>(n); }),
    text("--dump", "FILE", set_dump),
};

} // namespace

kwire::expected<options, std::string> read_options(int count, char** arguments) {
    options out;
    for (int i = 1; i < count; ++i) {
        std::string_view name = arguments[i];
        if (name == "-h" || name == "--help") {
            out.help = true;
            return out;
        }
        std::vector<std::string_view> given;
        if (const auto equals = name.find('='); equals != name.npos) {
            given.push_back(name.substr(equals + 1));
            name = name.substr(0, equals);
        }
        const auto found = std::ranges::find(all_options, name, &option::name);
        if (found == all_options.end())
            return kwire::unexpected("unknown argument " + in_quotes(arguments[i]));
        if (given.size() > found->count) return kwire::unexpected(std::string(name) + " takes no value");
        while (given.size() < found->count) {
            if (++i == count)
                return kwire::unexpected(std::string(name) + " needs " + std::string(found->needs));
            given.push_back(arguments[i]);
        }
        if (const complaint wrong = found->store(out, given))
            return kwire::unexpected(std::string(name) + ": " + *wrong);
    }
    return out;
}

} // namespace echo_broker
