/// How many lines of each kind the golden vectors have: tests/golden/counts.txt.
#pragma once

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>

namespace kwire::test {

/// The number before `kind` in counts.txt. Throws if there is none, so that no test passes without its
/// vectors.
inline std::size_t golden_count(const std::string& kind) {
    std::ifstream counts(KWIRE_GOLDEN_DIR "/counts.txt");
    for (std::string line; std::getline(counts, line);) {
        const std::size_t space = line.find(' ');
        if (!line.starts_with('#') && space != line.npos && line.substr(space + 1) == kind)
            return std::stoul(line);
    }
    throw std::runtime_error("counts.txt has no line for " + kind);
}

} // namespace kwire::test
