#include <kwire/buffer/mapped_file.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "catch.hpp"
#include "support/fail_allocations.hpp"
#include "support/temporary_file.hpp"
#include <fcntl.h>
#include <unistd.h>

using kwire::map_file;
using kwire::region_of;
using kwire::shared_buffer;

namespace {

std::string random_text(std::size_t n) {
    std::mt19937 random(3);
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
}
std::string text(const shared_buffer& b) { return {reinterpret_cast<const char*>(b.begin()), b.size()}; }

std::size_t open_descriptors() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++n;
    return n;
}
std::size_t mappings_of_files() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/map_files")) ++n;
    return n;
}

} // namespace

TEST_CASE("any part of a file is mapped, at whatever offset, and knows its place") {
    const std::string content = random_text(30'000);
    const support::temporary_file file(content);
    for (const std::size_t offset : {0U, 1U, 4095U, 4096U, 4097U, 12'345U, 29'999U})
        for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, content.size() - offset}) {
            if (size > content.size() - offset) continue;
            const auto mapped = map_file(file.descriptor, offset, size);
            REQUIRE(mapped.has_value());
            CHECK(text(*mapped) == content.substr(offset, size));
            const auto region = region_of(*mapped);
            REQUIRE(region.has_value());
            CHECK(region->offset == offset);
            CHECK(region->size == size);
            std::string again(size, '\0');
            REQUIRE(::pread(region->descriptor, again.data(), size, static_cast<off_t>(region->offset)) ==
                    static_cast<ssize_t>(size));
            CHECK(again == content.substr(offset, size));
            CHECK(mapped->is_read_only());
            CHECK(mapped->pinned_bytes() == size);
        }
}

TEST_CASE("a slice of a mapped buffer knows its own region, and other buffers have none") {
    const std::string content = random_text(30'000);
    const support::temporary_file file(content);
    const shared_buffer mapped = map_file(file.descriptor, 5000, 20'000).value();
    const shared_buffer slice = mapped.slice(123, 456).value();
    const auto region = region_of(slice);
    REQUIRE(region.has_value());
    CHECK(region->offset == 5123);
    CHECK(region->size == 456);
    CHECK(text(slice) == content.substr(5123, 456));
    CHECK_FALSE(region_of(shared_buffer()));
    CHECK_FALSE(region_of(shared_buffer::from_static("static")));
    CHECK_FALSE(region_of(shared_buffer::copy_of("heap")));
    CHECK_FALSE(region_of(shared_buffer::adopt(std::string("string"))));
    CHECK_FALSE(region_of(mapped.detach()));
    CHECK_FALSE(region_of(mapped.slice(7, 0).value()));
    CHECK_FALSE(std::move(shared_buffer(slice)).try_into_unique().has_value());
}

TEST_CASE("a mapped buffer has a descriptor of its own, and gives all back with its last slice") {
    const std::size_t before = open_descriptors();
    const std::size_t mapped_before =
        std::filesystem::exists("/proc/self/map_files") && ::geteuid() == 0 ? mappings_of_files() : 0;
    shared_buffer slice;
    {
        const support::temporary_file file(random_text(10'000));
        const shared_buffer mapped = map_file(file.descriptor, 0, 10'000).value();
        slice = *mapped.slice(9'000, 1000);
    }
    CHECK(text(slice) == random_text(10'000).substr(9'000));
    CHECK(open_descriptors() == before + 1);
    CHECK((::fcntl(region_of(slice)->descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    slice = {};
    CHECK(open_descriptors() == before);
    if (mapped_before != 0) CHECK(mappings_of_files() == mapped_before);
}

TEST_CASE("what lies beyond the end of a file is not mapped") {
    const support::temporary_file file(random_text(5000));
    const std::size_t before = open_descriptors();
    struct row {
        std::uint64_t offset;
        std::size_t size;
    };
    for (const auto& [offset, size] :
         {row{0, 5001}, row{4999, 2}, row{5000, 1}, row{5001, 1}, row{UINT64_MAX, 1}, row{0, SIZE_MAX},
          row{4096, SIZE_MAX - 10}, row{UINT64_MAX - 4096, 8192}})
        CHECK(map_file(file.descriptor, offset, size).error() == std::errc::invalid_argument);
    CHECK(map_file(file.descriptor, 5000, 0).value().empty());
    CHECK(map_file(-1, 0, 10).error() == std::errc::bad_file_descriptor);
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    CHECK(map_file(pipe[0], 0, 1).error() == std::errc::invalid_argument);
    ::close(pipe[0]);
    ::close(pipe[1]);
    const int writable = ::open(std::filesystem::temp_directory_path().c_str(), O_TMPFILE | O_WRONLY, 0600);
    if (writable >= 0) { // a file that is not open for reading
        REQUIRE(::write(writable, "abc", 3) == 3);
        CHECK(map_file(writable, 0, 3).error() == std::errc::permission_denied);
        ::close(writable);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("if memory runs out for the owner nothing is left open or mapped") {
    const support::temporary_file file(random_text(5000));
    const std::size_t before = open_descriptors();
    struct state {
        int descriptor;
        shared_buffer mapped{};
    };
    CHECK(support::fail_each_allocation(support::fallible{
              .prepare = [&] { return state{file.descriptor}; },
              .change = [](auto& s) { s.mapped = map_file(s.descriptor, 0, 5000).value(); },
              .unchanged = [](const auto& s) { return s.mapped.empty(); },
              .changed = [](const auto& s) { return s.mapped.size() == 5000; },
          }) == support::kept_promise(1));
    CHECK(open_descriptors() == before);
}
