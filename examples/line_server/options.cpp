#include "options.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace line_server {

const char* const usage =
    "usage: line_server [--port N] [--backend epoll|io_uring] [--copying] [--file FILE]\n"
    "                   [--connections N] [--patience SECONDS]\n"
    "\n"
    "A server on 127.0.0.1 that answers each line with \"ok \" and the line, \"GET <name>\" with\n"
    "a file, and \"QUIT\" by closing the connection. A line has at most 65536 bytes.\n"
    "\n"
    "  --port N            the port to listen on; 0, the default, chooses a free port\n"
    "  --backend NAME      epoll, the default, reads when a socket is ready; io_uring has\n"
    "                      the kernel read\n"
    "  --copying           the same protocol with std::string, and copies\n"
    "  --file FILE         the file that GET answers with, by the last part of its path\n"
    "  --connections N     how many clients may be connected; default 1000\n"
    "  --patience SECONDS  until a client is disconnected that neither sends nor takes a\n"
    "                      byte; default 60\n"
    "  -h, --help          prints this text\n"
    "\n"
    "Prints \"listening on 127.0.0.1:PORT\" when ready. SIGINT and SIGTERM stop it; then it\n"
    "prints totals.\n";

namespace {

bool read_number(std::string_view text, std::uint32_t least, std::uint32_t most, std::uint32_t& out) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size() && out >= least && out <= most;
}

/// Whether `name` is an option that `value` is valid for.
bool set(options& out, std::string_view name, std::string_view value) {
    std::uint32_t number = 0;
    if (name == "--port" && read_number(value, 0, 65'535, number)) {
        out.port = static_cast<std::uint16_t>(number);
    } else if (name == "--backend" && (value == "epoll" || value == "io_uring")) {
        out.backend = value;
    } else if (name == "--file" && !value.empty()) {
        out.file = value;
    } else if (name == "--connections" && read_number(value, 1, 1'000'000, number)) {
        out.rules.connections = number;
    } else if (name == "--patience" && read_number(value, 1, 86'400, number)) {
        out.rules.patience = std::chrono::seconds(number);
    } else {
        return false;
    }
    return true;
}

} // namespace

kwire::expected<options, std::string> read_options(int count, char** arguments) {
    options out;
    for (int i = 1; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--copying") {
            out.copying = true;
        } else if (name == "-h" || name == "--help") {
            out.help = true;
        } else {
            const char* const value = i + 1 < count ? arguments[++i] : "";
            if (!set(out, name, value))
                return kwire::unexpected("cannot use " + std::string(name) + " " + value);
        }
    }
    return out;
}

} // namespace line_server
