#include "output.hpp"

#include <cerrno>
#include <cstddef>

#include "byte_source.hpp"
#include <unistd.h>

namespace dump {

namespace {
bool failed = false;
}

bool write_out(std::string_view text) {
    while (!text.empty() && !failed) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            failed = true;
            interrupted = 1; // the reader is gone
            break;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return !failed;
}

bool output_failed() noexcept { return failed; }

} // namespace dump
