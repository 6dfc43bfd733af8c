#include "echo_broker/log/partition_files.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "echo_broker/log/partition_log.hpp"

namespace echo_broker {

namespace {

constexpr const char* start_name = "log-start-offset";

/// The offset in the name of a segment: 20 digits and ".log".
std::optional<std::int64_t> offset_in(const std::string& name) {
    constexpr std::size_t digits = 20;
    if (name.size() != digits + 4 || !name.ends_with(".log")) return std::nullopt;
    std::int64_t offset = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + digits, offset);
    if (failure != std::errc{} || end != name.data() + digits || offset < 0) return std::nullopt;
    return offset;
}

void report_cut(const std::filesystem::path& file, std::string_view what) {
    std::fprintf(stderr, "echo_broker: %s: %.*s\n", file.c_str(), static_cast<int>(what.size()), what.data());
}

} // namespace

partition_files::partition_files(storage& files, std::filesystem::path directory, const batch_visitor& seen)
    : files_(&files), directory_(std::move(directory)) {
    if (std::filesystem::exists(directory_)) recover(seen);
}

/// Checksums are compared in the newest segment, where writing was in progress; elsewhere only headers are
/// read.
void partition_files::recover(const batch_visitor& seen) {
    std::vector<std::int64_t> bases;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
        if (const auto base = offset_in(entry.path().filename().string())) bases.push_back(*base);
    std::ranges::sort(bases);
    bool whole = true;
    for (const std::int64_t base : bases) {
        segment& found = segments_.emplace_back(*files_, directory_, base);
        if (!whole || base < end_offset_) { // what follows a gap does not belong to the log
            report_cut(found.path(), "removed, because the log ends before it");
            found.remove_file();
            segments_.pop_back();
            continue;
        }
        if (const auto torn = found.recover(base == bases.back(), seen)) {
            report_cut(found.path(),
                       "cut at byte " + std::to_string(torn->at) + ", after which there were " + torn->why);
            found.cut();
            whole = false;
        }
        end_offset_ = found.next_offset();
        bytes_ += found.size();
    }
    start_offset_ = segments_.empty() ? 0 : segments_.front().base_offset();
    start_offset_ = std::max(start_offset_, recorded_start());
    if (start_offset_ > end_offset_) { // the records before it were deleted, and are torn now
        end_offset_ = start_offset_;
        begin_segment();
        drop_before(start_offset_);
    }
}

void partition_files::begin_segment() {
    const bool is_first = segments_.empty();
    if (!is_first) segments_.back().close();
    std::error_code failure;
    if (is_first) std::filesystem::create_directories(directory_, failure);
    if (failure) stop_because_storage_failed(directory_, "create", failure.value());
    segment& made = segments_.emplace_back(*files_, directory_, end_offset_);
    try {
        made.create();
    } catch (const std::system_error& e) {
        stop_because_storage_failed(made.path(), "create", e.code().value());
    }
    if (files_->policy() == sync_policy::never) return;
    sync_directory(directory_);
    if (is_first) sync_directory(files_->directory());
}

void partition_files::append(const stored_batch& batch) {
    if (segments_.empty() || !segments_.back().has_room(batch.bytes.size(), batch.next_offset))
        begin_segment();
    segments_.back().append(batch);
    bytes_ += batch.bytes.size();
    end_offset_ = batch.next_offset;
}

void partition_files::roll() {
    if (!segments_.empty() && segments_.back().size() != 0) begin_segment();
}

std::deque<segment>::const_iterator partition_files::containing(std::int64_t offset) const noexcept {
    return std::ranges::upper_bound(segments_, offset, {}, &segment::next_offset);
}

kwire::buffer_chain partition_files::read(std::int64_t offset, std::int64_t end, std::uint64_t max_bytes,
                                          bool at_least_one) const {
    kwire::buffer_chain found;
    for (auto one = containing(offset); one != segments_.end(); ++one) {
        const std::uint64_t room = max_bytes - std::min(max_bytes, found.size());
        found_region region = one->read(offset, end, room, at_least_one && found.empty());
        found.put_bytes(std::move(region.bytes));
        if (!region.to_the_end) break;
    }
    return found;
}

void partition_files::visit(std::int64_t offset, std::int64_t since, const batch_visitor& seen) const {
    const auto filtered = [&](const kwire::batch_view& batch) {
        return batch.max_timestamp() < since || seen(batch);
    };
    for (auto one = containing(offset); one != segments_.end(); ++one)
        if (one->max_timestamp() >= since && !one->visit(offset, filtered)) return;
}

void partition_files::drop_oldest_segment() {
    segments_.front().remove_file();
    bytes_ -= segments_.front().size();
    segments_.pop_front();
    start_offset_ = std::max(start_offset_, segments_.front().base_offset());
}

void partition_files::drop_before(std::int64_t offset) {
    start_offset_ = offset;
    record_start(); // before files vanish, so that a crash in between leaves no gap
    while (segments_.size() > 1 && segments_.front().next_offset() <= offset) drop_oldest_segment();
}

void partition_files::drop_beyond(std::uint64_t most) {
    while (segments_.size() > 1 && bytes_ - segments_.front().size() >= most) drop_oldest_segment();
}

std::int64_t partition_files::recorded_start() const {
    std::ifstream file(directory_ / start_name);
    std::int64_t offset = 0;
    return file >> offset ? offset : 0;
}

/// Replaces the file as a whole.
void partition_files::record_start() const {
    if (segments_.empty()) return;
    std::filesystem::path next = directory_ / start_name;
    next += ".new";
    std::ofstream file(next);
    file << start_offset_ << '\n';
    file.close();
    std::error_code failure;
    if (file) std::filesystem::rename(next, directory_ / start_name, failure);
    if (!file || failure) stop_because_storage_failed(next, "write", failure ? failure.value() : errno);
    if (files_->policy() != sync_policy::never) sync_directory(directory_);
}

void partition_files::remove() {
    std::error_code failure;
    // Under another name first: a directory that is half removed must not be taken for a partition.
    std::filesystem::path doomed = directory_;
    doomed += ".deleted";
    std::filesystem::remove_all(doomed, failure);
    std::filesystem::rename(directory_, doomed, failure);
    if (failure == std::errc::no_such_file_or_directory) return;
    if (!failure) std::filesystem::remove_all(doomed, failure);
    if (failure) stop_because_storage_failed(directory_, "remove", failure.value());
    segments_.clear();
    bytes_ = 0;
}

} // namespace echo_broker
