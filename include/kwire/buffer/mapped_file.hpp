/// A part of a file as a buffer: no byte of it is read until someone looks at it, and an outbox sends it
/// from the file.
///
///     auto segment = kwire::map_file(fd, 0, size);     // once for each file of a log
///     partition.records = segment->slice(from, bytes); // any bytes field of an answer takes a slice of it
///
/// For POSIX systems; there is nothing in this header elsewhere.
#pragma once

#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/expected.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#if __has_include(<sys/mman.h>) && __has_include(<unistd.h>)
#define KWIRE_HAS_MAPPED_FILES 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kwire::inline KWIRE_ABI {

/// A region of an open file.
struct file_region {
    int descriptor = -1;      ///< valid while the buffer that the region was found for lives
    std::uint64_t offset = 0; ///< of the first byte, in the file
    std::uint64_t size = 0;   ///< bytes
};

namespace detail {

/// Pages of a file, and a descriptor of it.
class file_mapping {
public:
    file_mapping(int descriptor, std::uint64_t offset, void* pages, std::size_t size) noexcept
        : descriptor_(descriptor), offset_(offset), pages_(pages), size_(size) {}
    file_mapping(file_mapping&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)),
          offset_(other.offset_),
          pages_(std::exchange(other.pages_, nullptr)),
          size_(other.size_) {}
    file_mapping& operator=(file_mapping&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        std::swap(offset_, other.offset_);
        std::swap(pages_, other.pages_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~file_mapping() {
        if (pages_ != nullptr) ::munmap(pages_, size_);
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    /// Where the bytes at `first` lie in the file.
    [[nodiscard]] file_region region(const std::byte* first, std::size_t n) const noexcept {
        return {descriptor_, offset_ + distance_from(static_cast<const std::byte*>(pages_), first), n};
    }

private:
    int descriptor_;
    std::uint64_t offset_; ///< of the first page, in the file
    void* pages_;
    std::size_t size_;
};

} // namespace detail

/// The `size` bytes from `offset` of the file that `descriptor` has open for reading, as a read-only buffer.
///
/// The file is not read: its pages are mapped and come from the system's cache when something looks at them.
/// The descriptor is duplicated and may be closed. @pre The file is not truncated, and this part of it is not
/// written to, while the buffer or a slice of it lives: a look at a byte that is gone is a SIGBUS.
/// Errors: those of fstat, mmap and fcntl, and invalid_argument if the
/// file ends before the part does. For many small parts map a file once and slice the buffer: a mapping costs
/// some microseconds and a descriptor. Throws std::bad_alloc.
[[nodiscard]] inline expected<shared_buffer, std::errc> map_file(int descriptor, std::uint64_t offset,
                                                                 std::size_t size) {
    const auto failed = [] { return unexpected(static_cast<std::errc>(errno)); };
    if (size == 0) return shared_buffer();
    struct ::stat file;
    if (::fstat(descriptor, &file) != 0) return failed();
    const auto end = static_cast<std::uint64_t>(file.st_size);
    if (offset > end || size > end - offset) return unexpected(std::errc::invalid_argument);
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto before = static_cast<std::size_t>(offset % page); // mappings begin at pages
    if (size > SIZE_MAX - before) return unexpected(std::errc::not_enough_memory);
    const int own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return failed();
    void* const pages =
        ::mmap(nullptr, size + before, PROT_READ, MAP_SHARED, own, static_cast<::off_t>(offset - before));
    if (pages == MAP_FAILED) {
        const auto why = failed();
        ::close(own);
        return why;
    }
    detail::file_mapping mapping(own, offset - before, pages, size + before);
    const auto* const first = static_cast<const std::byte*>(pages) + before;
    return shared_buffer::adopt(std::move(mapping), std::span<const std::byte>(first, size));
}

/// Where the bytes of `buffer` lie in a file, if map_file made it or the buffer that it is a slice of.
[[nodiscard]] inline std::optional<file_region> region_of(const shared_buffer& buffer) noexcept {
    using control = detail::owner_control<detail::file_mapping>;
    auto* const memory = detail::buffer_access::control(buffer);
    if (memory == nullptr || memory->destroy != &control::destroy_this) return std::nullopt;
    return static_cast<const control*>(memory)->owner.region(buffer.data(), buffer.size());
}

} // namespace kwire::inline KWIRE_ABI
#endif
