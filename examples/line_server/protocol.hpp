// The protocol: one line in, one answer out, in order.
//
//     any line      "ok " and the line
//     GET <name>    "file <size>" in a line, then the bytes of the file
//     QUIT          "bye", then the server closes the connection
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace line_server {

inline constexpr std::size_t longest_line = 65'536; ///< bytes, with the newline

inline constexpr std::string_view ok = "ok ";
inline constexpr std::string_view no_such_file = "err no such file\n";
inline constexpr std::string_view too_long = "err line too long\n"; ///< and the connection is closed
inline constexpr std::string_view bye = "bye\n";

enum class command : std::uint8_t {
    echo,
    get,
    quit
};

/// A line, understood. `name` is a part of the line.
struct request {
    command what = command::echo;
    std::string_view name; ///< of the file, for get
};

/// @pre `line` ends with its newline
[[nodiscard]] constexpr request parse(std::string_view line) noexcept {
    line.remove_suffix(1);
    if (line == "QUIT") return {.what = command::quit, .name = {}};
    if (line.starts_with("GET ")) return {.what = command::get, .name = line.substr(4)};
    return {};
}

} // namespace line_server
