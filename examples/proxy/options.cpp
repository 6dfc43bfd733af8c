#include "options.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace proxy {

const char* const usage =
    "usage: proxy --upstream HOST:PORT [--listen [ADDRESS:]PORT] [option...]\n"
    "\n"
    "A proxy between Kafka clients and a cluster. Clients find each broker at a port of the\n"
    "proxy: broker 0 at the one after --listen, and so on, or at any that is free. They may\n"
    "use the versions that both the brokers and kwire know. All else, SASL included, passes\n"
    "unchanged.\n"
    "\n"
    "  --upstream HOST:PORT  where the cluster is found; also [IPV6]:PORT; given again, the next one is\n"
    "                        tried where one does not accept\n"
    "  --listen [ADDRESS:]PORT\n"
    "                        where clients begin; port 0, the default, chooses a free one, and\n"
    "                        the default address is 127.0.0.1\n"
    "  --ports FIRST-LAST    the ports for brokers: broker 0 at FIRST, and so on, or at any other one of\n"
    "                        these\n"
    "  --host NAME           the host of all brokers in answers: with --tls a name of the certificate;\n"
    "                        default: the address at which a client has reached the proxy\n"
    "  --tls CERT KEY        clients speak TLS; PEM files of the proxy's certificate and key\n"
    "  --upstream-tls [CA]   brokers speak TLS, with certificates that are signed by one of the PEM file\n"
    "                        CA; without CA by one that this machine trusts\n"
    "  --metrics [ADDRESS:]PORT\n"
    "                        http://ADDRESS:PORT/metrics for Prometheus\n"
    "  --topic-prefix TEXT   clients see only topics, groups and transactions whose names begin\n"
    "                        with TEXT, and see them without it\n"
    "  --encrypt-values FILE values are stored encrypted with AES-256-GCM; FILE has the key, 64\n"
    "                        hexadecimal digits\n"
    "  --unknown pass|refuse what becomes of requests of APIs and versions that kwire does not know: they\n"
    "                        and their answers pass as they are, or the connection ends. Default: pass;\n"
    "                        with the two options above it is refuse, and pass is not possible\n"
    "  --patience SECONDS    until a client or broker that takes no bytes is disconnected;\n"
    "                        default 60\n"
    "  --verbose             prints a line for each request\n"
    "  --help, -h            prints this text\n"
    "\n"
    "Prints \"listening on ADDRESS:PORT\" when ready. SIGINT and SIGTERM stop it; then it\n"
    "prints totals.\n";

namespace {

bool read_number(std::string_view text, std::uint16_t& out) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    return failure == std::errc{} && end == text.data() + text.size();
}

/// HOST:PORT or [IPV6]:PORT.
bool read_address(std::string_view text, address& out) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return false;
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::uint16_t number = 0;
    if (host.empty() || !read_number(text.substr(colon + 1), number)) return false;
    out = {std::string(host), number};
    return true;
}
bool read_listen(std::string_view text, address& out) {
    if (std::uint16_t port = 0; read_number(text, port)) {
        out.port = port;
        return true;
    }
    return read_address(text, out);
}

/// FIRST-LAST.
bool read_range(std::string_view text, port_range& out) {
    const std::size_t dash = text.find('-');
    return dash != text.npos && read_number(text.substr(0, dash), out.first) &&
           read_number(text.substr(dash + 1), out.last) && out.first != 0 && out.first <= out.last;
}

bool read_option(std::string_view name, std::string_view value, options& out) {
    if (name == "--listen") return read_listen(value, out.listen);
    if (name == "--upstream")
        return read_address(value, out.upstream.emplace_back()) && out.upstream.back().port != 0;
    if (name == "--ports") return read_range(value, out.ports.emplace());
    if (name == "--metrics") {
        out.metrics = address{.host = "127.0.0.1", .port = 0};
        return read_listen(value, *out.metrics);
    }
    if (name == "--host") {
        out.host = value;
        return !value.empty();
    }
    if (name == "--unknown") {
        out.passes_unknown = value == "pass";
        return value == "pass" || value == "refuse";
    }
    if (name == "--topic-prefix") {
        out.prefix = value;
        return !value.empty();
    }
    if (name == "--encrypt-values") {
        out.key_file = value;
        return !value.empty();
    }
    std::uint16_t seconds = 0;
    if (name != "--patience" || !read_number(value, seconds) || seconds == 0) return false;
    out.patience = std::chrono::seconds(seconds);
    return true;
}

/// The values of an option that is not one of those with a single value: how many were used, or -1.
int read_special(std::string_view name, int left, char** values, options& out) {
    const auto is_value = [&](int i) { return i < left && !std::string_view(values[i]).starts_with("--"); };
    if (name == "--verbose") {
        out.verbose = true;
        return 0;
    }
    if (name == "--upstream-tls") {
        out.tls_to_brokers = true;
        if (!is_value(0)) return 0;
        out.authorities = values[0];
        return 1;
    }
    if (name == "--tls" && is_value(0) && is_value(1)) {
        out.certificate = values[0];
        out.key = values[1];
        return 2;
    }
    return -1;
}

/// Why the options do not go together, or nullptr.
const char* contradiction(options& out) {
    // What the proxy cannot read may have names of other tenants, or values as they were sent.
    const bool reads_all = !out.prefix.empty() || !out.key_file.empty();
    if (out.upstream.empty()) return "--upstream is missing";
    if (reads_all && out.passes_unknown.value_or(false))
        return "--unknown pass is not possible with --topic-prefix or --encrypt-values";
    if (!out.passes_unknown) out.passes_unknown = !reads_all;
    return nullptr;
}

} // namespace

std::optional<options> read_options(int count, char** arguments) {
    options out;
    for (int i = 1; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--help" || name == "-h") {
            std::fputs(usage, stdout);
            std::exit(EXIT_SUCCESS);
        }
        if (const int used = read_special(name, count - i - 1, arguments + i + 1, out); used >= 0) {
            i += used;
            continue;
        }
        const char* const value = i + 1 < count ? arguments[++i] : "";
        if (!read_option(name, value, out)) {
            std::fprintf(stderr, "proxy: cannot use %s %s\n", name.data(), value);
            return std::nullopt;
        }
    }
    const char* const why = contradiction(out);
    if (why == nullptr) return out;
    std::fprintf(stderr, "proxy: %s\n", why);
    return std::nullopt;
}

} // namespace proxy
