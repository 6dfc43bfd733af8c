/// A file for one test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

namespace support {

/// An open file of this content, without a name; closed at the end.
struct temporary_file {
    int descriptor = -1;

    explicit temporary_file(std::string_view content) {
        std::string path = (std::filesystem::temp_directory_path() / "kwire-XXXXXX").string();
        descriptor = ::mkstemp(path.data());
        if (descriptor < 0) throw std::runtime_error("no temporary file");
        ::unlink(path.c_str());
        if (::write(descriptor, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
            throw std::runtime_error("no room for a temporary file");
    }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file() { ::close(descriptor); }
};

} // namespace support
