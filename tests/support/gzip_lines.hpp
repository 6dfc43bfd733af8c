/// Reads the golden vectors: gzipped text, a line at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <zlib.h>

namespace kwire::test {

/// Calls `f(std::string_view)` with each line of the gzipped file at `path`, without its line feed.
///
/// Throws if the file is missing or damaged, so that a test without its vectors cannot pass.
template <class F>
void for_each_line(const std::string& path, F&& f) {
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
    if (!file) throw std::runtime_error("cannot open " + path);
    gzbuffer(file.get(), 1 << 17);

    std::string line;
    char chunk[1 << 16];
    for (;;) {
        const int size = gzread(file.get(), chunk, sizeof chunk);
        if (size < 0) throw std::runtime_error("damaged: " + path);
        if (size == 0) break;
        std::string_view rest(chunk, static_cast<std::size_t>(size));
        for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
            line.append(rest.substr(0, end));
            f(std::string_view(line));
            line.clear();
        }
        line.append(rest);
    }
    int status = 0;
    gzerror(file.get(), &status);
    if (status != Z_OK) throw std::runtime_error("cut short: " + path);
    if (!line.empty()) f(std::string_view(line));
}

} // namespace kwire::test
