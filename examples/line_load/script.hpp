// What a client sends, and what it has to get for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace line_load {

/// Requests and their answers, as bytes. A client repeats them without an end.
struct script {
    std::string sent;
    std::string expected;
    std::uint64_t lines = 0;
};

/// Lines of `least` to `most` bytes, with their newlines, about 1 MiB of them; the same ones each time.
[[nodiscard]] inline script lines_of(std::size_t least, std::size_t most) {
    constexpr std::size_t enough = std::size_t{1} << 20;
    script out;
    std::mt19937_64 random(18);
    std::uniform_int_distribution<std::size_t> size(least, most);
    std::uniform_int_distribution<int> letter('a', 'z');
    while (out.sent.size() < enough) {
        std::string line;
        for (std::size_t left = size(random); left > 1; --left) line += static_cast<char>(letter(random));
        line += '\n';
        out.sent += line;
        out.expected += "ok " + line;
        ++out.lines;
    }
    return out;
}

/// Adds a request for a file whose bytes are `content`.
inline void add_get(script& to, std::string_view name, std::string_view content) {
    to.sent += "GET " + std::string(name) + "\n";
    to.expected += "file " + std::to_string(content.size()) + "\n";
    to.expected += content;
    ++to.lines;
}

} // namespace line_load
