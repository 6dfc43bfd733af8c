// The command line.
#pragma once

#include <kwire/expected.hpp>

#include <cstdint>
#include <string>

#include "backend.hpp"
#include "server.hpp"

namespace line_server {

struct options {
    std::uint16_t port = 0;
    std::string backend{own_backend};
    std::string file; ///< empty: none
    guest_rules rules;
    bool copying = false;
    bool help = false;
};

extern const char* const usage;

/// The options, or what is wrong with which argument.
[[nodiscard]] kwire::expected<options, std::string> read_options(int count, char** arguments);

} // namespace line_server
