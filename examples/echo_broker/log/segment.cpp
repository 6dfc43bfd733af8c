#include "echo_broker/log/segment.hpp"

#include <kwire/buffer/mapped_file.hpp>
#include <kwire/error_text.hpp>
#include <kwire/records/crc.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <system_error>
#include <utility>

#include "echo_broker/log/partition_log.hpp"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace echo_broker {

namespace {

constexpr std::uint64_t index_interval = 16 << 10;

std::filesystem::path name_of(std::int64_t base_offset) {
    char name[32];
    std::snprintf(name, sizeof name, "%020jd.log", std::intmax_t{base_offset});
    return name;
}

kwire::shared_buffer map(const open_file& file, std::uint64_t from, std::uint64_t size) {
    auto bytes = kwire::map_file(file.descriptor, from, static_cast<std::size_t>(size));
    if (!bytes)
        throw std::system_error(std::make_error_code(bytes.error()), "cannot map " + file.path.string());
    return *std::move(bytes);
}

} // namespace

segment::segment(storage& files, const std::filesystem::path& directory, std::int64_t base_offset)
    : files_(&files),
      path_(directory / name_of(base_offset)),
      base_offset_(base_offset),
      next_offset_(base_offset) {}

std::shared_ptr<open_file> segment::file() const {
    std::shared_ptr<open_file> open = file_.lock();
    if (!open) file_ = open = files_->open(path_);
    return open;
}

void segment::create() { static_cast<void>(file()); }

void segment::remove_file() const {
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) stop_because_storage_failed(path_, "remove", errno);
}

void segment::add(std::int64_t next_offset, std::int64_t max_timestamp, std::size_t bytes) {
    if (index_.empty() || size_ - index_.back().position >= index_interval)
        index_.push_back(
            {static_cast<std::uint32_t>(next_offset_ - base_offset_), static_cast<std::uint32_t>(size_)});
    next_offset_ = next_offset;
    max_timestamp_ = std::max(max_timestamp_, max_timestamp);
    size_ += bytes;
}

/// Visits the whole batches in the bytes from `position` to `end`; returns where it stopped.
///
/// The file is mapped piece by piece, so that a large one does not become resident.
template <class Visit>
std::uint64_t segment::walk(std::uint64_t position, std::uint64_t end, const Visit& visit) const {
    constexpr std::uint64_t usual_piece = 8 << 20;
    const std::shared_ptr<open_file> open = file();
    std::uint64_t piece = usual_piece;
    while (position < end) {
        const std::uint64_t mapped = std::min(piece, end - position);
        const kwire::shared_buffer bytes = map(*open, position, mapped);
        std::size_t at = 0;
        while (at < mapped) {
            const auto batch = kwire::batch_at(bytes.span().subspan(at));
            if (!batch && batch.error().code != kwire::errc::truncated) return position + at;
            if (!batch) break;
            if (!visit(*batch)) return position + at;
            at += bytes_of(*batch).size();
        }
        if (at == 0) { // a batch that is larger than a piece, or the file ends within it
            if (mapped == end - position) return position;
            piece *= 2;
        } else {
            piece = usual_piece;
        }
        position += at;
    }
    return position;
}

std::optional<torn_segment> segment::recover(bool check_bytes, const batch_visitor& seen) {
    struct ::stat facts{};
    if (::fstat(file()->descriptor, &facts) != 0)
        throw std::system_error(errno, std::generic_category(), path_.string());
    const auto on_disk = static_cast<std::uint64_t>(facts.st_size);
    std::string why = "a batch that is not whole";
    const std::uint64_t valid = walk(0, on_disk, [&](const kwire::batch_view& batch) {
        const bool in_order = batch.base_offset() >= next_offset_ &&
                              batch.next_offset() > batch.base_offset() &&
                              batch.next_offset() - base_offset_ <= std::numeric_limits<std::int32_t>::max();
        if (!in_order)
            why = "a batch whose offsets are not in order";
        else if (check_bytes && !crc_matches(batch))
            why = "a batch with a wrong checksum";
        else if (size_ + bytes_of(batch).size() <= std::numeric_limits<std::uint32_t>::max()) {
            add(batch.next_offset(), batch.max_timestamp(), bytes_of(batch).size());
            seen(batch);
            return true;
        }
        return false;
    });
    index_.shrink_to_fit();
    if (valid == on_disk) return std::nullopt;
    return torn_segment{valid, std::to_string(on_disk - valid) + " bytes: " + why};
}

void segment::cut() {
    const std::shared_ptr<open_file> open = file();
    if (::ftruncate(open->descriptor, static_cast<::off_t>(size_)) != 0 || ::fsync(open->descriptor) != 0)
        stop_because_storage_failed(path_, "cut", errno);
}

bool segment::has_room(std::uint64_t bytes, std::int64_t next_offset) const noexcept {
    return size_ == 0 || (size_ + bytes <= files_->segment_bytes() &&
                          next_offset - base_offset_ <= std::numeric_limits<std::int32_t>::max());
}

/// Reserves room on the device for the bytes before `end`, and some more. A batch is written faster into room
/// that is there already. A small segment reserves nothing, so that many small partitions take no more than
/// they have.
void segment::reserve([[maybe_unused]] const open_file& open, [[maybe_unused]] std::uint64_t end) {
#if defined(FALLOC_FL_KEEP_SIZE)
    constexpr std::uint64_t least = 1 << 20, most = 16 << 20;
    if (end <= reserved_ || size_ < least) return;
    const std::uint64_t more = std::min(size_, most);
    const std::uint64_t until = std::min(end + more, std::max(end, files_->segment_bytes()));
    // If it fails the system reserves as it writes, and tells what is wrong then.
    static_cast<void>(::fallocate(open.descriptor, FALLOC_FL_KEEP_SIZE, static_cast<::off_t>(size_),
                                  static_cast<::off_t>(until - size_)));
    reserved_ = until;
#endif
}

void segment::close() {
    if (reserved_ <= size_) return;
    const std::shared_ptr<open_file> open = file();
    static_cast<void>(::ftruncate(open->descriptor, static_cast<::off_t>(size_))); // at worst it takes room
    reserved_ = 0;
}

void segment::append(const stored_batch& batch) {
    std::shared_ptr<open_file> open;
    try {
        open = file();
    } catch (const std::system_error& e) { // the batch would be missing, but its producer counts it as stored
        stop_because_storage_failed(path_, "open", e.code().value());
    }
    std::span<const std::byte> rest = batch.bytes.span();
    reserve(*open, size_ + rest.size());
    for (std::uint64_t at = size_; !rest.empty();) {
        const auto n = ::pwrite(open->descriptor, rest.data(), rest.size(), static_cast<::off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) stop_because_storage_failed(path_, "write", errno);
        at += static_cast<std::uint64_t>(n);
        rest = rest.subspan(static_cast<std::size_t>(n));
    }
    add(batch.next_offset, batch.max_timestamp, batch.bytes.size());
    files_->wrote(open);
}

/// The position of an entry of the index at or before `offset`.
std::uint64_t segment::position_before(std::int64_t offset) const noexcept {
    const auto first_of = [this](const place& one) { return base_offset_ + one.offset; };
    const auto after = std::ranges::upper_bound(index_, offset, {}, first_of);
    return after == index_.begin() ? 0 : std::prev(after)->position;
}

/// The last position in the index that is not after `position`, and before which all records are before the
/// offset `end`.
std::uint64_t segment::position_within(std::uint64_t position, std::int64_t end) const noexcept {
    const auto after = std::ranges::upper_bound(index_, position, {}, &place::position);
    const std::uint64_t at = after == index_.begin() ? 0 : std::prev(after)->position;
    return std::min(at, position_before(end));
}

found_region segment::read(std::int64_t offset, std::int64_t end, std::uint64_t max_bytes,
                           bool at_least_one) const {
    const std::uint64_t from = position_before(offset);
    if (from >= size_) return {.bytes = {}, .to_the_end = true};
    // An area of addresses; only the pages with the headers that the loops look at become resident.
    const kwire::shared_buffer mapped = map(*file(), from, size_ - from);
    const auto batch_after = [&mapped](std::size_t at) { return kwire::batch_at(mapped.span().subspan(at)); };

    std::size_t first = 0;
    auto batch = batch_after(first);
    for (; batch && batch->next_offset() <= offset; batch = batch_after(first))
        first += bytes_of(*batch).size();
    std::size_t last = first;
    const std::uint64_t limit = std::min(max_bytes, size_);
    if (const std::uint64_t near = position_within(from + first + limit, end); near > from + first) {
        last = static_cast<std::size_t>(near - from);
        batch = batch_after(last);
    }
    for (; batch && batch->next_offset() <= end; batch = batch_after(last)) {
        const std::size_t size = bytes_of(*batch).size();
        if (last - first + size > limit && !(at_least_one && last == first)) break;
        last += size;
    }
    return {.bytes = *mapped.slice(first, last - first), .to_the_end = from + last == size_};
}

bool segment::visit(std::int64_t offset, const batch_visitor& seen) const {
    return walk(position_before(offset), size_, [&](const kwire::batch_view& batch) {
               return batch.next_offset() <= offset || seen(batch);
           }) == size_;
}

} // namespace echo_broker
