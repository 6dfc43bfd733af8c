/// What the command line says.
#pragma once

#include <kwire/api.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dump {

enum class input_form : std::uint8_t {
    detect,
    pcap, ///< pcap and pcapng: libpcap tells them apart
    frames,
    hex,
};

/// How each exchange is shown.
enum class output_form : std::uint8_t {
    lines,
    json,
    svg,
    stats,
};

/// The frames of the forms `frames` and `hex` are responses to this request.
struct response_of {
    kwire::api_key api{};
    std::int16_t version = 0;
};

struct options {
    std::string file; ///< "-" for standard input
    input_form input = input_form::detect;
    bool follow = false;
    std::optional<response_of> responses;

    output_form output = output_form::lines;
    bool json = false; ///< with stats too
    bool stats = false;
    bool tree = false;
    bool hex = false;
    bool records = false;
    bool secrets = false;
    bool colours = false;
    std::string svg; ///< the file to write
    std::size_t preview = 64;

    std::vector<std::uint16_t> ports;
    std::vector<kwire::api_key> apis;
    std::vector<std::string> topics;
    std::vector<std::string> clients;
    bool errors = false;
    std::int64_t slower_ns = 0;
    std::uint64_t count = 0; ///< 0: all
};

/// The exit codes.
inline constexpr int all_read = 0, capture_is_broken = 1, wrong_arguments = 2;

/// Reads the command line. If there is nothing to do, since it was --help or wrong, the text is written and
/// `exit_code` is set.
[[nodiscard]] std::optional<options> read_options(int argc, char** argv, int& exit_code);

} // namespace dump
