#include "echo_broker/topics/topics.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace echo_broker {

topic* topic_table::find(std::string_view name) const noexcept {
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : found->second.get();
}

topic* topic_table::find(const kwire::uuid& id) const noexcept {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

namespace {

/// The part of a name of metrics that is a topic's, as Kafka makes it; empty if it is the topic's name in any
/// case.
std::string metric_name(std::string_view topic) {
    std::string out;
    if (topic.find_first_of("._") == std::string_view::npos) return out;
    out = topic;
    std::ranges::replace(out, '.', '_');
    return out;
}

/// A random id: a UUID of version 4 (RFC 4122), unique across restarts too.
kwire::uuid random_id() {
    std::random_device random;
    const auto half = [&] { return std::uint64_t{random()} << 32 | random(); };
    return kwire::uuid::from_halves((half() & ~std::uint64_t{0xf000}) | 0x4000,
                                    (half() & ~(std::uint64_t{3} << 62)) | std::uint64_t{1} << 63);
}

} // namespace

const std::string* topic_table::find_collision(std::string_view name) const {
    const std::string metric = metric_name(name);
    const auto [first, last] = by_metric_.equal_range(metric);
    const auto other = std::find_if(first, last, [&](const auto& one) { return one.second->name != name; });
    return other == last ? nullptr : &other->second->name;
}

void topic_table::open(const std::string& data_dir, open_log opens) {
    open_log_ = std::move(opens);
    std::filesystem::create_directories(data_dir);
    auto opened = topic_journal::open(data_dir + "/topics.log");
    if (!opened) throw std::runtime_error(opened.error());
    for (const auto& [id, recorded] : opened->topics) insert(make(id, recorded, false));
    journal_.emplace(std::move(opened->journal));
}

bool topic_table::has_room(std::int64_t partitions, std::int64_t besides) const noexcept {
    constexpr std::int64_t most_partitions = 100'000; // an empty one takes almost 1 kB
    return partitions <= most_partitions - partitions_ - besides;
}

topic* topic_table::create(std::string_view name, std::int32_t partitions, topic_config config) {
    if (!has_room(partitions)) return nullptr;
    const kwire::uuid id = random_id();
    const recorded_topic wanted{std::string(name), partitions, std::move(config)};
    // The files come first: those that no topic has are removed when one of the same name is created.
    std::unique_ptr<topic> made = make(id, wanted, true);
    if (made == nullptr) return nullptr;
    if (journal_ && !journal_->created(id, wanted)) {
        remove_partitions(*made, 0);
        return nullptr;
    }
    return &insert(std::move(made));
}

std::unique_ptr<topic> topic_table::make(const kwire::uuid& id, const recorded_topic& recorded, bool is_new) {
    auto made = std::make_unique<topic>();
    made->name = recorded.name;
    made->id = id;
    made->config = recorded.config;
    return add_partitions(*made, recorded.partitions, is_new) ? std::move(made) : nullptr;
}

topic& topic_table::insert(std::unique_ptr<topic> made) {
    topic& inserted = *made;
    partitions_ += inserted.partition_count();
    ++changes_;
    by_id_.emplace(inserted.id, &inserted);
    if (std::string metric = metric_name(inserted.name); !metric.empty())
        by_metric_.emplace(std::move(metric), &inserted);
    topics_.emplace(inserted.name, std::move(made));
    return inserted;
}

bool topic_table::add_partitions(topic& to, std::int32_t count, bool is_new) {
    const std::int32_t before = to.partition_count();
    try {
        while (to.partition_count() < count) {
            const std::int32_t index = to.partition_count();
            partition_log& log = to.partitions.emplace_back();
            if (open_log_) open_log_(to, index, log, is_new);
        }
        return true;
    } catch (const std::system_error& e) {
        if (!is_new) throw; // at the start
        std::fprintf(stderr, "echo_broker: the files of topic %s: %s\n", to.name.c_str(), e.what());
        remove_partitions(to, before);
        return false;
    }
}

void topic_table::remove_partitions(topic& from, std::int32_t count) {
    while (from.partition_count() > count) {
        from.partitions.back().remove_files();
        from.partitions.pop_back();
    }
}

bool topic_table::grow(topic& grown, std::int32_t count) {
    const std::int32_t before = grown.partition_count();
    if (!has_room(std::int64_t{count} - before) || !add_partitions(grown, count, true)) return false;
    if (journal_ && !journal_->grown(grown.id, before, count)) {
        remove_partitions(grown, before);
        return false;
    }
    partitions_ += count - before;
    ++changes_;
    return true;
}

bool topic_table::configure(topic& changed, topic_config config) {
    if (journal_ && !journal_->configured(changed.name, changed.config, config)) return false;
    changed.config = std::move(config);
    tidy_journal();
    return true;
}

std::unique_ptr<topic> topic_table::remove(topic& removed) {
    if (journal_ && !journal_->removed(removed.id)) return nullptr;
    partitions_ -= removed.partition_count();
    ++changes_;
    by_id_.erase(removed.id);
    const auto [first, last] = by_metric_.equal_range(metric_name(removed.name));
    const auto metric = std::find_if(first, last, [&](const auto& one) { return one.second == &removed; });
    if (metric != last) by_metric_.erase(metric);
    std::unique_ptr<topic> gone = std::move(topics_.extract(topics_.find(removed.name)).mapped());
    tidy_journal();
    return gone;
}

/// Lets the file of the topics have only what holds, when it has become much larger.
void topic_table::tidy_journal() {
    if (!journal_ || !journal_->is_worth_rewriting()) return;
    recorded_topics all;
    for (const auto& [name, one] : topics_)
        all.emplace(one->id, recorded_topic{name, one->partition_count(), one->config});
    journal_->rewrite(all);
}

bool topic_table::valid_name(std::string_view name) noexcept {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
           std::ranges::all_of(name, allowed);
}

} // namespace echo_broker
