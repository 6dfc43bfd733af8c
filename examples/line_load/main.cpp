// Load for examples/line_server: sends lines for a while on several connections, and checks every answer.
//
//     script.hpp  what is sent and what has to come back
//     client.hpp  one connection
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "script.hpp"
#include <poll.h>

namespace {

using clock_type = std::chrono::steady_clock;

struct options {
    std::uint32_t port = 0;
    std::uint32_t seconds = 60;
    std::uint32_t connections = 4;
    std::uint32_t line = 1024; ///< bytes, on average
    std::string get;           ///< a file that each turn asks for; empty: none
};

constexpr const char* usage =
    "usage: line_load --port N [--seconds N] [--connections N] [--line BYTES] [--get FILE]\n"
    "\n"
    "Sends lines to a line_server on 127.0.0.1, as fast as it answers, and compares each\n"
    "answer. Fails if one is wrong.\n"
    "\n"
    "  --seconds N      how long; default 60\n"
    "  --connections N  default 4\n"
    "  --line BYTES     the average size of a line, 2 to 40000; sizes vary by half of it;\n"
    "                   default 1024\n"
    "  --get FILE       asks for this file, the server's --file, once in about 1 MiB\n";

bool read_number(std::string_view text, std::uint32_t least, std::uint32_t most, std::uint32_t& out) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size() && out >= least && out <= most;
}

bool set(options& out, std::string_view name, std::string_view value) {
    if (name == "--port") return read_number(value, 1, 65'535, out.port);
    if (name == "--seconds") return read_number(value, 1, 86'400, out.seconds);
    if (name == "--connections") return read_number(value, 1, 1000, out.connections);
    if (name == "--line") return read_number(value, 2, 40'000, out.line);
    if (name != "--get" || value.empty()) return false;
    out.get = value;
    return true;
}

line_load::script script_for(const options& chosen) {
    line_load::script out = line_load::lines_of(chosen.line - chosen.line / 2, chosen.line + chosen.line / 2);
    if (chosen.get.empty()) return out;
    std::ifstream file(chosen.get, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + chosen.get);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    line_load::add_get(out, std::filesystem::path(chosen.get).filename().string(), content);
    return out;
}

void run(const options& chosen) {
    using namespace std::chrono_literals;
    const line_load::script script = script_for(chosen);
    std::vector<std::unique_ptr<line_load::client>> clients;
    for (std::uint32_t i = 0; i < chosen.connections; ++i)
        clients.push_back(
            std::make_unique<line_load::client>(static_cast<std::uint16_t>(chosen.port), script));

    const auto start = clock_type::now();
    const auto end = start + std::chrono::seconds(chosen.seconds);
    const auto patience = end + 30s; // for the answers to what was sent
    bool finishing = false;
    std::size_t left = clients.size();
    std::vector<::pollfd> waiting(clients.size());
    while (left != 0) {
        const auto now = clock_type::now();
        if (now > patience) throw std::runtime_error("the server does not answer");
        if (now > end && !finishing) {
            finishing = true;
            for (const auto& each : clients) each->finish();
        }
        for (std::size_t i = 0; i < clients.size(); ++i)
            waiting[i] = {.fd = clients[i]->done() ? -1 : clients[i]->descriptor(),
                          .events = clients[i]->waits_for(),
                          .revents = 0};
        ::poll(waiting.data(), waiting.size(), 100);
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (clients[i]->done()) continue;
            clients[i]->step(waiting[i].revents);
            if (clients[i]->done()) --left;
        }
    }
    const double seconds = std::chrono::duration<double>(clock_type::now() - start).count();

    std::uint64_t lines = 0, bytes = 0;
    for (const auto& each : clients) {
        lines += each->lines();
        bytes += each->bytes();
    }
    std::printf("lines: %ju, bytes: %ju, seconds: %.3f\n", std::uintmax_t{lines}, std::uintmax_t{bytes},
                seconds);
}

} // namespace

int main(int count, char** arguments) {
    options chosen;
    for (int i = 1; i < count; i += 2) {
        if (std::string_view(arguments[i]) == "--help") {
            std::fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (i + 1 == count || !set(chosen, arguments[i], arguments[i + 1])) {
            std::fprintf(stderr, "line_load: cannot use %s\n\n%s", arguments[i], usage);
            return 2;
        }
    }
    if (chosen.port == 0) {
        std::fprintf(stderr, "line_load: --port is missing\n\n%s", usage);
        return 2;
    }
    try {
        run(chosen);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "line_load: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
