/// A file or standard input as a FILE for libpcap: it can wait for a file that grows.
#pragma once

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

namespace dump {

/// Set by signals: reading ends.
extern volatile std::sig_atomic_t interrupted;

struct file_closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using file_handle = std::unique_ptr<std::FILE, file_closer>;

/// Opens `path`, or standard input for "-". With `follow` the end of a file is where more is waited for. On
/// failure the handle is empty and `errno` says why.
[[nodiscard]] file_handle open_source(const std::string& path, bool follow);

} // namespace dump
