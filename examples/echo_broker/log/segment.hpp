// One file of a partition: batches one after the other, as they came from the network, and where they are.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/records/batch.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "echo_broker/log/batch_visitor.hpp"
#include "echo_broker/log/storage.hpp"

namespace echo_broker {

struct stored_batch;

/// Where a segment ends that is not whole, and why.
struct torn_segment {
    std::uint64_t at;
    std::string why;
};

/// Batches of a segment, as a region of its file.
struct found_region {
    kwire::shared_buffer bytes;
    bool to_the_end = false; ///< whether no batch of the segment follows
};

/// A segment in Kafka's format: the file is named after the offset of its first record, and its content is
/// what Fetch responses have as records. The index, in memory, has an entry for each 16 KiB.
class segment {
public:
    /// The segment of `directory` that begins at `base_offset`; an existing file is empty until recover().
    segment(storage& files, const std::filesystem::path& directory, std::int64_t base_offset);

    [[nodiscard]] std::int64_t base_offset() const noexcept { return base_offset_; }
    [[nodiscard]] std::int64_t next_offset() const noexcept { return next_offset_; }
    [[nodiscard]] std::int64_t max_timestamp() const noexcept { return max_timestamp_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// Finds the batches in the file and shows each to `seen`. Only their headers are read, unless
    /// `check_bytes`: then checksums are compared. Stops at the first byte that is not part of a valid batch.
    std::optional<torn_segment> recover(bool check_bytes, const batch_visitor& seen);
    /// Removes what follows the last valid batch.
    void cut();

    /// Whether a batch that ends at `next_offset` may be added to this segment.
    [[nodiscard]] bool has_room(std::uint64_t bytes, std::int64_t next_offset) const noexcept;
    /// Writes a batch to the end of the file, from the memory that has it.
    void append(const stored_batch& batch);
    /// Frees what is reserved and not used: no more is appended.
    void close();
    /// Creates the file if it does not exist.
    void create();
    void remove_file() const;

    /// The batches from the one that contains `offset` on, as many as end at or
    /// before the offset `end` and fit into `max_bytes`; the first one regardless of its size if
    /// `at_least_one`. In O(log n). Throws std::system_error if the file cannot be mapped.
    [[nodiscard]] found_region read(std::int64_t offset, std::int64_t end, std::uint64_t max_bytes,
                                    bool at_least_one) const;
    /// Visits the batches from the one that contains `offset` on; returns whether all were visited. Throws
    /// std::system_error.
    bool visit(std::int64_t offset, const batch_visitor& seen) const;

private:
    struct place {
        std::uint32_t offset; ///< after base_offset_, of the first record at this position
        std::uint32_t position;
    };

    void reserve(const open_file& open, std::uint64_t end);
    void add(std::int64_t next_offset, std::int64_t max_timestamp, std::size_t bytes);
    [[nodiscard]] std::uint64_t position_before(std::int64_t offset) const noexcept;
    [[nodiscard]] std::uint64_t position_within(std::uint64_t position, std::int64_t end) const noexcept;
    [[nodiscard]] std::shared_ptr<open_file> file() const;
    template <class Visit>
    std::uint64_t walk(std::uint64_t position, std::uint64_t end, const Visit& visit) const;

    storage* files_;
    std::filesystem::path path_;
    mutable std::weak_ptr<open_file> file_;
    std::int64_t base_offset_;
    std::int64_t next_offset_;
    std::int64_t max_timestamp_ = -1;
    std::uint64_t size_ = 0;
    std::uint64_t reserved_ = 0; ///< bytes of the file that have room on the device; 0: not known
    std::vector<place> index_;
};

} // namespace echo_broker
