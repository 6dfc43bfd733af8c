#include "byte_source.hpp"

#include <cerrno>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dump {

volatile std::sig_atomic_t interrupted = 0;

namespace {

struct source {
    int descriptor;
    bool waits_for_more;
};

ssize_t read_source(void* cookie, char* to, std::size_t size) {
    const source& from = *static_cast<source*>(cookie);
    for (;;) {
        if (interrupted != 0) return 0;
        const ssize_t got = ::read(from.descriptor, to, size);
        if (got > 0 || (got == 0 && !from.waits_for_more)) return got;
        if (got < 0 && errno != EINTR) return got;
        if (got == 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

int close_source(void* cookie) {
    const std::unique_ptr<source> from(static_cast<source*>(cookie));
    return from->descriptor == STDIN_FILENO ? 0 : ::close(from->descriptor);
}

} // namespace

file_handle open_source(const std::string& path, bool follow) {
    const int descriptor = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return {};
    struct stat about{};
    if (::fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
        errno = EISDIR;
        if (descriptor != STDIN_FILENO) ::close(descriptor);
        errno = EISDIR;
        return {};
    }
    auto cookie = std::make_unique<source>(source{descriptor, follow && S_ISREG(about.st_mode)});
    file_handle out(::fopencookie(
        cookie.get(), "r", {.read = read_source, .write = nullptr, .seek = nullptr, .close = close_source}));
    if (!out) return out;
    static_cast<void>(cookie.release());
    constexpr std::size_t buffered = 1 << 18;
    std::setvbuf(out.get(), nullptr, _IOFBF, buffered);
    return out;
}

} // namespace dump
