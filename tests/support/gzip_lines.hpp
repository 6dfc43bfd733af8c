/// Reads the golden vectors: gzipped text, a line at a time. Where there is no zlib, tests/golden/plain.py
/// has unpacked them.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#if defined(KWIRE_PLAIN_GOLDEN_DIR)
#include <cstdio>
#else
#include <zlib.h>
#endif

namespace kwire::test {

#if defined(KWIRE_PLAIN_GOLDEN_DIR)
/// The unpacked file, read in pieces.
class golden_file {
public:
    explicit golden_file(const std::string& path) {
        constexpr std::string_view root = KWIRE_GOLDEN_DIR, ending = ".gz";
        const std::string plain =
            KWIRE_PLAIN_GOLDEN_DIR + path.substr(root.size(), path.size() - root.size() - ending.size());
        file_.reset(std::fopen(plain.c_str(), "rb"));
        if (!file_) throw std::runtime_error("cannot open " + plain);
    }
    std::size_t read(char* to, std::size_t size) {
        const std::size_t n = std::fread(to, 1, size, file_.get());
        if (n == 0 && std::ferror(file_.get()) != 0) throw std::runtime_error("damaged golden file");
        return n;
    }
    void finish() {}

private:
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, std::fclose};
};
#else
/// The file, read in pieces.
class golden_file {
public:
    explicit golden_file(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb"), gzclose) {
        if (!file_) throw std::runtime_error("cannot open " + path);
        gzbuffer(file_.get(), 1 << 17);
    }
    std::size_t read(char* to, std::size_t size) {
        const int n = gzread(file_.get(), to, static_cast<unsigned>(size));
        if (n < 0) throw std::runtime_error("damaged: " + path_);
        return static_cast<std::size_t>(n);
    }
    void finish() {
        int status = 0;
        gzerror(file_.get(), &status);
        if (status != Z_OK) throw std::runtime_error("cut short: " + path_);
    }

private:
    std::string path_;
    std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};
#endif

/// Calls `f(std::string_view)` with each line of the gzipped file at `path`, without its line feed.
///
/// Throws if the file is missing or damaged, so that a test without its vectors cannot pass.
template <class F>
void for_each_line(const std::string& path, F&& f) {
    golden_file file(path);
    std::string line;
    char chunk[1 << 16];
    for (;;) {
        const std::size_t size = file.read(chunk, sizeof chunk);
        if (size == 0) break;
        std::string_view rest(chunk, size);
        for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
            line.append(rest.substr(0, end));
            f(std::string_view(line));
            line.clear();
        }
        line.append(rest);
    }
    file.finish();
    if (!line.empty()) f(std::string_view(line));
}

} // namespace kwire::test
