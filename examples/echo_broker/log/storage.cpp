#include "echo_broker/log/storage.hpp"

#include <boost/asio/post.hpp>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>

#include "echo_broker/report.hpp"
#include "echo_broker/timers.hpp"
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace echo_broker {

namespace {

int open_or_create(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), path.string());
    return descriptor;
}

void sync(const open_file& file) {
    if (::fdatasync(file.descriptor) != 0) stop_because_storage_failed(file.path, "sync", errno);
}

} // namespace

open_file::open_file(std::filesystem::path name) : path(std::move(name)), descriptor(open_or_create(path)) {}

open_file::~open_file() { ::close(descriptor); }

void stop_because_storage_failed(const std::filesystem::path& file, std::string_view what, int error_number) {
    std::fprintf(stderr, "echo_broker: cannot %.*s %s: %s; it stops\n", static_cast<int>(what.size()),
                 what.data(), file.c_str(), std::strerror(error_number));
    std::fflush(stderr);
    std::_Exit(EXIT_FAILURE);
}

void sync_directory(const std::filesystem::path& directory) {
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
    const int why = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (!done) stop_because_storage_failed(directory, "sync", why);
}

storage::storage(const options& chosen, timers& later)
    : directory_(chosen.data_dir),
      segment_bytes_(chosen.segment_mib << 20),
      policy_(chosen.fsync),
      later_(later) {
    if (!on_disk()) return;
    std::filesystem::create_directories(directory_);
    lock_ = std::make_unique<open_file>(directory_ / ".lock");
    // The lock of a process that was killed is free when the system has taken that apart.
    for (int tries = 100; ::flock(lock_->descriptor, LOCK_EX | LOCK_NB) != 0; --tries) {
        if (tries == 0) throw std::runtime_error("another process uses " + directory_.string());
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
        if (entry.path().extension() == ".deleted")
            std::filesystem::remove_all(entry.path()); // see partition_files
    if (policy_ == sync_policy::interval) syncer_ = std::thread([this] { run_syncs(); });
}

storage::~storage() {
    if (syncer_.joinable()) {
        {
            const std::lock_guard guard(mutex_);
            stop_ = true;
        }
        change_.notify_one();
        syncer_.join();
    }
    for (const auto& file : unsynced_) sync(*file);
}

std::filesystem::path storage::directory_of(std::string_view topic, std::int32_t partition) const {
    return directory_ / (std::string(topic) + "-" + std::to_string(partition));
}

std::shared_ptr<open_file> storage::open(const std::filesystem::path& path) {
    if (open_.size() >= most_open) open_.pop_front();
    return open_.emplace_back(std::make_shared<open_file>(path));
}

void storage::wrote(const std::shared_ptr<open_file>& file) {
    if (policy_ == sync_policy::never || file->unsynced) return;
    file->unsynced = true;
    unsynced_.push_back(file);
    if (policy_ == sync_policy::always) {
        if (unsynced_.size() > most_open) sync_all();
        try {
            begin_group();
        } catch (const std::bad_alloc&) {
            sync_all();
        }
    } else if (unsynced_.size() > most_open) {
        sync_soon();
    } else if (unsynced_.size() == 1) {
        later_.after(std::chrono::seconds(1), [this] { sync_soon(); });
    }
}

void storage::sync_on(boost::asio::any_io_executor executor) {
    executor_ = std::move(executor);
    if (policy_ == sync_policy::always) sync_all();
}

void storage::begin_group() {
    if (group_ || !executor_) return;
    const auto group = std::make_shared<sync_group>();
    boost::asio::post(executor_, [this, group] {
        group_.reset();
        sync_all();
        for (auto& one : *group) try {
                one();
            } catch (const std::exception& e) {
                report_failure("what follows a sync", e);
            }
    });
    group_ = group;
}

void storage::sync_all() {
    for (const auto& file : unsynced_) {
        sync(*file);
        file->unsynced = false;
    }
    unsynced_.clear();
}

/// Gives the files to the thread that syncs.
void storage::sync_soon() {
    if (unsynced_.empty()) return;
    for (const auto& file : unsynced_) file->unsynced = false;
    {
        const std::lock_guard guard(mutex_);
        to_sync_.insert(to_sync_.end(), unsynced_.begin(), unsynced_.end());
    }
    unsynced_.clear();
    change_.notify_one();
}

void storage::run_syncs() {
    std::unique_lock guard(mutex_);
    for (;;) {
        change_.wait(guard, [this] { return stop_ || !to_sync_.empty(); });
        if (to_sync_.empty()) return;
        files now = std::exchange(to_sync_, {});
        guard.unlock();
        for (const auto& file : now) sync(*file);
        now.clear();
        guard.lock();
    }
}

} // namespace echo_broker
