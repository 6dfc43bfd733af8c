// The file that GET answers with.
#pragma once

#include <kwire/buffer/mapped_file.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/expected.hpp>

#include <filesystem>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace line_server {

/// A file by reference: its bytes stay in the file until sendfile takes them from there.
struct canned_file {
    std::string path;             ///< empty: there is none
    std::string name;             ///< the last part of the path
    kwire::shared_buffer heading; ///< "file <size>" and a newline
    kwire::shared_buffer content;
};

/// The file must not become shorter while the server runs: a GET of it then closes the connection.
[[nodiscard]] inline kwire::expected<canned_file, std::error_code> open_file(const std::string& path) {
    std::error_code failure;
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    if (failure) return kwire::unexpected(failure);
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return kwire::unexpected(std::error_code(errno, std::system_category()));
    auto content = kwire::map_file(descriptor, 0, size); // has a descriptor of its own
    ::close(descriptor);
    if (!content) return kwire::unexpected(std::make_error_code(content.error()));
    return canned_file{.path = path,
                       .name = std::filesystem::path(path).filename().string(),
                       .heading = kwire::shared_buffer::adopt("file " + std::to_string(size) + "\n"),
                       .content = *std::move(content)};
}

} // namespace line_server
