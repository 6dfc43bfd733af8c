// The data directory: where partitions keep their files, and when these are written through to the device.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "echo_broker/options.hpp"

namespace echo_broker {

class timers;

/// A file that is open for reading and writing; closed by the last holder.
class open_file {
public:
    /// Opens the file, and creates it if it does not exist. Throws std::system_error.
    explicit open_file(std::filesystem::path path);
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file();

    const std::filesystem::path path;
    const int descriptor;
    bool unsynced = false; ///< whether storage::wrote has noted it
};

/// Prints which file could not be written, and ends the process: Kafka stops too when its only log directory
/// fails. What was acknowledged is in the files.
[[noreturn]] void stop_because_storage_failed(const std::filesystem::path& file, std::string_view what,
                                              int error_number);

/// Makes the entries of a directory durable: files that were created, renamed or removed in it.
void sync_directory(const std::filesystem::path& directory);

/// What all partitions share about their files. One broker at a time uses a data directory.
class storage {
public:
    /// Creates the data directory if there is none, and locks it. Throws std::system_error, and
    /// std::runtime_error if another process uses it.
    storage(const options& chosen, timers& later);
    storage(const storage&) = delete;
    storage& operator=(const storage&) = delete;
    /// Makes durable what is not yet, unless the policy is `never`.
    ~storage();

    /// Whether there is a data directory; otherwise records are kept in memory.
    [[nodiscard]] bool on_disk() const noexcept { return !directory_.empty(); }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    /// The directory of a partition, named as Kafka's: `topic-0`.
    [[nodiscard]] std::filesystem::path directory_of(std::string_view topic, std::int32_t partition) const;
    [[nodiscard]] std::uint64_t segment_bytes() const noexcept { return segment_bytes_; }
    [[nodiscard]] sync_policy policy() const noexcept { return policy_; }

    /// Opens a file, and keeps it open while it is one of the last 256.
    [[nodiscard]] std::shared_ptr<open_file> open(const std::filesystem::path& path);
    /// Notes that a file must be synced.
    void wrote(const std::shared_ptr<open_file>& file);
    /// Makes durable what was written now, unless the policy is `never`.
    void sync_all();
    /// With `always`, syncs on this executor from now on, until it is gone; before, what is written waits.
    void sync_on(boost::asio::any_io_executor executor);
    /// Calls `function` as soon as the policy allows to acknowledge what was written: at once, or with
    /// `always` after everything that is ready to be done on the executor now, so that requests of many
    /// clients share a sync.
    template <class Function>
    void when_acknowledgeable(Function function) {
        if (!group_) return function();
        group_->push_back(std::move(function));
    }

private:
    using files = std::vector<std::shared_ptr<open_file>>;
    /// What is done after the next sync.
    using sync_group = std::vector<std::move_only_function<void()>>;

    void begin_group();

    void sync_soon();
    void run_syncs();

    static constexpr std::size_t most_open = 256;

    std::filesystem::path directory_;
    std::uint64_t segment_bytes_;
    sync_policy policy_;
    timers& later_;
    std::unique_ptr<open_file> lock_;
    std::deque<std::shared_ptr<open_file>> open_; ///< the newest last
    files unsynced_;
    std::shared_ptr<sync_group> group_;       ///< with `always`, while something is not synced
    boost::asio::any_io_executor executor_{}; ///< of the groups; may be none

    // A sync may take seconds on a busy disk, so that `interval` does it on a thread of its own: the only
    // state that it shares with the broker's thread.
    std::mutex mutex_;
    std::condition_variable change_;
    files to_sync_;
    bool stop_ = false;
    std::thread syncer_;
};

} // namespace echo_broker
