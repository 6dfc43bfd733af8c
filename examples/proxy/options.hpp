// The program's arguments.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "listening_ports.hpp"
#include "session.hpp"

namespace proxy {

struct options {
    address listen{.host = "127.0.0.1", .port = 0};
    addresses upstream;
    std::optional<port_range> ports;
    std::optional<address> metrics;
    std::string host;             ///< where clients find the proxy; empty: the address that they have reached
    std::string certificate, key; ///< files, of --tls; empty: without TLS
    bool tls_to_brokers = false;
    std::string authorities; ///< a file, or empty: those of this machine
    std::string prefix;
    std::string key_file;                               ///< of --encrypt-values
    std::optional<bool> passes_unknown;                 ///< always there after read_options
    clock::duration patience = std::chrono::minutes(1); ///< with a receiver that takes nothing
    bool verbose = false;
};

extern const char* const usage;

/// nullopt if the arguments are invalid, after a line that says which. Exits after --help.
std::optional<options> read_options(int count, char** arguments);

} // namespace proxy
