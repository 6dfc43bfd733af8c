// The files of one partition: its segments, from the oldest to the newest.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>

#include <cstdint>
#include <deque>
#include <filesystem>

#include "echo_broker/log/batch_visitor.hpp"
#include "echo_broker/log/segment.hpp"
#include "echo_broker/log/storage.hpp"

namespace echo_broker {

/// A directory with segments in Kafka's layout, and a file with the start offset if DeleteRecords has moved
/// it. The directory is created with the first record.
class partition_files {
public:
    /// Takes over what is in `directory` and shows every batch to `seen`. What a crash has left half written
    /// is cut off, with a line on stderr. Throws std::system_error.
    partition_files(storage& files, std::filesystem::path directory, const batch_visitor& seen);

    [[nodiscard]] std::int64_t start_offset() const noexcept { return start_offset_; }
    [[nodiscard]] std::int64_t end_offset() const noexcept { return end_offset_; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

    /// Writes the batch at end_offset().
    void append(const stored_batch& batch);
    /// Begins a new segment, if the newest one is not empty.
    void roll();
    /// As partition_log's functions of these names.
    [[nodiscard]] kwire::buffer_chain read(std::int64_t offset, std::int64_t end, std::uint64_t max_bytes,
                                           bool at_least_one) const;
    void visit(std::int64_t offset, std::int64_t since, const batch_visitor& seen) const;
    void drop_before(std::int64_t offset);
    void drop_beyond(std::uint64_t most);
    /// Removes the directory with all files.
    void remove();

private:
    void recover(const batch_visitor& seen);
    void begin_segment();
    void drop_oldest_segment();
    [[nodiscard]] std::int64_t recorded_start() const;
    void record_start() const;
    [[nodiscard]] std::deque<segment>::const_iterator containing(std::int64_t offset) const noexcept;

    storage* files_;
    std::filesystem::path directory_;
    std::deque<segment> segments_;
    std::int64_t start_offset_ = 0;
    std::int64_t end_offset_ = 0;
    std::uint64_t bytes_ = 0;
};

} // namespace echo_broker
