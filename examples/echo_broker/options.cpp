#include "options.hpp"

#include <charconv>
#include <functional>
#include <limits>
#include <string_view>

#include "report.hpp"

namespace echo_broker {

const char* const usage =
    "usage: echo_broker [--port N] [--partitions N] [--memory-mib N] [--connections N]\n"
    "                   [--stall-seconds N] [--idle-seconds N]\n"
    "\n"
    "A Kafka broker on 127.0.0.1 that keeps everything in memory.\n"
    "\n"
    "  --port N           the port to listen on; 0, the default, chooses a free port\n"
    "  --partitions N     the number of partitions of each topic; default 1. Topics are\n"
    "                     created when a client asks for them\n"
    "  --memory-mib N     the memory for the records of all partitions; default 1024.\n"
    "                     The oldest batches are dropped first\n"
    "  --connections N    how many clients may be connected; default 10000\n"
    "  --stall-seconds N  disconnects a client that stops in the middle of a request or\n"
    "                     of reading an answer for so long; default 30\n"
    "  --idle-seconds N   disconnects a client without a request for so long; default\n"
    "                     600, and never more than 10 before the first request\n"
    "  -h, --help         prints this text\n"
    "\n"
    "Prints \"listening on 127.0.0.1:PORT\" when ready. SIGINT and SIGTERM stop it;\n"
    "then it prints totals.\n";

namespace {

/// An option with a number: its range, and where the number goes.
struct number_option {
    std::string_view name;
    std::int64_t least, most;
    std::function<void(options&, std::int64_t)> store;
};

const number_option number_options[] = {
    {"--port", 0, 65535, [](options& o, std::int64_t n) { o.port = static_cast<std::uint16_t>(n); }},
    {"--partitions", 1, 10'000,
     [](options& o, std::int64_t n) { o.partitions = static_cast<std::int32_t>(n); }},
    {"--memory-mib", 1, 1 << 20,
     [](options& o, std::int64_t n) { o.memory_mib = static_cast<std::uint64_t>(n); }},
    {"--connections", 1, 1'000'000,
     [](options& o, std::int64_t n) { o.connections = static_cast<std::size_t>(n); }},
    {"--stall-seconds", 1, 86'400,
     [](options& o, std::int64_t n) { o.stall_after = std::chrono::seconds(n); }},
    {"--idle-seconds", 1, 86'400, [](options& o, std::int64_t n) { o.idle_after = std::chrono::seconds(n); }},
};

} // namespace

std::expected<options, std::string> read_options(int count, char** arguments) {
    options out;
    for (int i = 1; i < count; ++i) {
        std::string_view name = arguments[i];
        if (name == "-h" || name == "--help") {
            out.help = true;
            return out;
        }
        const auto equals = name.find('=');
        const bool has_value = equals != name.npos;
        std::string_view value = has_value ? name.substr(equals + 1) : std::string_view{};
        name = name.substr(0, equals);

        const number_option* found = nullptr;
        for (const number_option& option : number_options)
            if (option.name == name) found = &option;
        if (found == nullptr) return std::unexpected("unknown argument " + quoted(arguments[i]));
        if (!has_value) {
            if (++i == count) return std::unexpected(std::string(name) + " needs a number");
            value = arguments[i];
        }
        std::int64_t number = 0;
        const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (failure != std::errc{} || end != value.data() + value.size() || number < found->least ||
            number > found->most)
            return std::unexpected(std::string(name) + ": " + quoted(value) + " is not a number from " +
                                   std::to_string(found->least) + " to " + std::to_string(found->most));
        found->store(out, number);
    }
    return out;
}

} // namespace echo_broker
