#include "echo_broker/log/partition_log.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "echo_broker/log/partition_files.hpp"
#include "echo_broker/log/storage.hpp"

namespace echo_broker {

namespace {

/// From this size on an answer comes from the file, by sendfile; below, memory is cheaper.
constexpr std::uint64_t least_from_file = 16 << 10;

} // namespace

append_waiter::append_waiter(boost::asio::steady_timer& timer, std::vector<partition_log*> logs,
                             bool only_stable)
    : timer_(timer), only_stable_(only_stable), logs_(std::move(logs)) {
    std::ranges::sort(logs_);
    logs_.erase(std::unique(logs_.begin(), logs_.end()), logs_.end());
    for (partition_log* log : logs_) log->waiting_.reserve(log->waiting_.size() + 1);
    for (partition_log* log : logs_) log->waiting_.push_back(this);
}

append_waiter::~append_waiter() {
    for (partition_log* log : logs_) std::erase(log->waiting_, this);
}

void append_waiter::appended(std::uint64_t bytes) noexcept {
    missing -= std::min(missing, bytes);
    if (missing == 0) timer_.cancel();
}

void append_waiter::deleted(partition_log& log) noexcept {
    std::erase(logs_, &log);
    timer_.cancel();
}

partition_log::partition_log() = default;

partition_log::~partition_log() {
    for (append_waiter* waiter : waiting_) waiter->deleted(*this);
}

void partition_log::open(storage& files, const std::filesystem::path& directory, const batch_visitor& seen) {
    files_ = std::make_unique<partition_files>(files, directory, seen);
    start_offset_ = files_->start_offset();
    end_offset_ = files_->end_offset();
    stable_offset_ = last_stable_offset();
}

void partition_log::remove_files() {
    if (files_) files_->remove();
}

std::uint64_t partition_log::bytes() const noexcept { return files_ ? files_->bytes() : bytes_; }

/// Keeps the newest batch in memory. It has its offsets and counts as stored, so this must not fail: if there
/// is no memory for the lists that it is in, older batches go.
std::uint64_t partition_log::keep(record_store& store, stored_batch&& batch, std::uint64_t before) {
    bool listed = false;
    for (;;) try {
            if (!listed) batches_.push_back(nullptr);
            listed = true;
            const std::uint64_t number = store.add(std::move(batch), *this, before);
            batches_.back() = &store.newest();
            bytes_ += store.newest().bytes.size();
            return number;
        } catch (const std::bad_alloc&) {
            if (!store.make_room()) stop_because_storage_failed("a batch", "keep", ENOMEM);
        }
}

std::uint64_t partition_log::append(record_store& store, stored_batch batch, std::uint64_t before) {
    const std::uint64_t size = batch.bytes.size();
    const std::int64_t base_offset = batch.base_offset;
    const std::int64_t next_offset = batch.next_offset;
    std::uint64_t number = before;
    if (files_) files_->append(batch);
    if (files_ && size >= least_from_file) {
        while (!batches_.empty()) release_oldest(store); // a gap would follow them
    } else {
        number = keep(store, std::move(batch), before);
        while (files_ && bytes_ > least_from_file) release_oldest(store);
    }
    const std::int64_t stable_before =
        std::exchange(stable_offset_, std::min(last_stable_offset(), next_offset));
    const bool moved = stable_offset_ > stable_before;
    const bool only_this_batch = stable_before >= base_offset; // not also older ones that had to wait
    for (append_waiter* waiter : waiting_) {
        if (waiter->only_stable_ && !moved) continue;
        waiter->appended(waiter->only_stable_ && !only_this_batch ? waiter->missing : size);
    }
    return number;
}

void partition_log::drop_oldest() noexcept {
    if (!files_) start_offset_ = std::max(start_offset_, batches_.front()->next_offset);
    bytes_ -= batches_.front()->bytes.size();
    batches_.pop_front();
    transactions.forget_before(start_offset_);
}

void partition_log::release_oldest(record_store& store) noexcept {
    const stored_batch& oldest = *batches_.front();
    drop_oldest();
    store.release(oldest);
}

void partition_log::drop_before(record_store& store, std::int64_t offset) {
    offset = std::min(offset, end_offset_);
    if (offset <= start_offset_) return;
    while (!batches_.empty() && batches_.front()->next_offset <= offset) release_oldest(store);
    start_offset_ = offset;
    transactions.forget_before(offset);
    if (files_) files_->drop_before(offset);
}

void partition_log::drop_beyond(record_store& store, std::uint64_t most) {
    if (files_) {
        files_->drop_beyond(most);
        start_offset_ = files_->start_offset();
        transactions.forget_before(start_offset_);
        return;
    }
    while (!batches_.empty() && bytes_ - batches_.front()->bytes.size() >= most) release_oldest(store);
}

void partition_log::roll() {
    if (files_) files_->roll();
}

std::deque<const stored_batch*>::const_iterator
partition_log::containing(std::int64_t offset) const noexcept {
    return std::ranges::upper_bound(batches_, offset, {}, &stored_batch::next_offset);
}

kwire::buffer_chain partition_log::read(std::int64_t offset, std::uint64_t max_bytes, bool at_least_one,
                                        std::int64_t end) const {
    if (offset >= std::min(end, end_offset_)) return {};
    if (files_) {
        const bool from_memory = !batches_.empty() && batches_.front()->base_offset <= offset;
        if (!from_memory) return files_->read(offset, end, max_bytes, at_least_one);
    }
    kwire::buffer_chain found;
    for (auto batch = containing(offset); batch != batches_.end() && (*batch)->next_offset <= end; ++batch) {
        const bool fits = found.size() + (*batch)->bytes.size() <= max_bytes;
        if (!fits && !(at_least_one && found.empty())) break;
        found.put_bytes((*batch)->bytes);
    }
    return found;
}

void partition_log::visit(std::int64_t offset, const batch_visitor& seen, std::int64_t since) const {
    if (files_) return files_->visit(offset, since, seen);
    for (auto batch = containing(offset); batch != batches_.end(); ++batch)
        if ((*batch)->max_timestamp >= since && !seen(*kwire::batch_at((*batch)->bytes.span()))) return;
}

} // namespace echo_broker
