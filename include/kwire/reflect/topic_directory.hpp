/// Names of topics for their ids and ids for their names, learned from the messages that pass by.
///
///     kwire::topic_directory topics;
///     topics.learn(metadata.view());                         // and whatever else a broker says
///     if (auto name = topics.name_of(fetch_topic.topic_id())) count(*name);
///     if (auto id = topics.id_of("orders")) ask_for(*id);
///
/// From Fetch v13, Produce v13 and OffsetCommit v10 on, messages name topics by their ids alone (KIP-516).
/// What shows or changes such a message by name needs the directory.
#pragma once

#include <kwire/read/index.hpp>
#include <kwire/reflect/detail/position_table.hpp>
#include <kwire/reflect/detail/short_text.hpp>
#include <kwire/reflect/detail/topic_fields.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/wire/detail/keyed_hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// What a topic_directory keeps at most.
struct topic_directory_limits {
    /// Topics. 100 000; at most 2^30. One more takes the place of the one that was not heard of for the
    /// longest time. Each takes 96 to 192 bytes, and its name if that has more than 36.
    std::uint32_t topics = 100'000;
    /// Bytes of a name. 249, as in Kafka. Longer ones are not kept.
    std::uint32_t name_bytes = 249;
};

/// What has become of the topics of a topic_directory since it was made.
struct topic_directory_counts {
    std::uint64_t added = 0;     ///< names that it did not have
    std::uint64_t changed = 0;   ///< names that got another id: topics that were deleted and created again
    std::uint64_t forgotten = 0; ///< topics that are gone, as a broker or the program said
    std::uint64_t evicted = 0;   ///< topics that had to make place for others
    std::uint64_t refused = 0;   ///< pairs with a name that is too long
    friend bool operator==(const topic_directory_counts&, const topic_directory_counts&) = default;
};

/// Names of topics and their ids, one for each.
///
/// **The last word counts.** A name that comes with another id belongs to a topic that was deleted and
/// created again: the old id resolves to nothing from then on. An answer that is older than what is known, as
/// from a broker that lags or from a log that is read again, brings the old id back until the next one:
/// Kafka's clients do the same, and nothing in an answer says which of two ids is the newer. An id that comes
/// with another name takes it away from the name that had it; Kafka does not rename topics.
///
/// **Hostile peers.** What a request says is never learned, for any client can claim anything. What responses
/// say takes bounded memory (topic_directory_limits), and the hashes have a key that peers do not know.
///
/// Threads: as a std::map, any number may read while none changes it. Copies share nothing.
class topic_directory {
public:
    topic_directory() = default;
    explicit topic_directory(topic_directory_limits limits) noexcept : limits_(limits) {
        limits_.topics = std::min(limits.topics, std::uint32_t{1} << 30);
    }

    topic_directory(const topic_directory&) = default;
    /// Leaves `from` empty, with its limits and without its counts.
    topic_directory(topic_directory&& from) noexcept : limits_(from.limits_) { swap(from); }
    topic_directory& operator=(topic_directory from) noexcept {
        swap(from);
        return *this;
    }
    ~topic_directory() = default;

    /// Learns from every struct of a message that has both a name and an id of a topic, wherever it is:
    /// responses of Metadata, CreateTopics, DescribeTopicPartitions and to questions about groups of the
    /// newer kinds, records of Kafka's own topics. Returns how many topics were added, changed and forgotten.
    ///
    /// A struct with an error teaches nothing, but its topic is forgotten if the error is UNKNOWN_TOPIC_ID or
    /// UNKNOWN_TOPIC_OR_PARTITION. So is a topic that DeleteTopics has deleted, and that of a
    /// RemoveTopicRecord: by its id where there is one, so that the late answer to a deletion does not take
    /// away the topic that was created after it under the same name.
    ///
    /// A request teaches nothing, nor does a message without such structs, which costs a look at its schema.
    /// Takes time in proportion to the message, and allocates what it keeps. If that throws std::bad_alloc,
    /// what was learned before stays.
    ///
    /// Two things the message does not say, and the program may know: the answer to a CreateTopics request
    /// with `validate_only` has ids that no topic will have, and should not be learned; in the answer to a
    /// Metadata request for all topics, those that are missing are gone: `clear` before it is learned.
    std::size_t learn(const dynamic_view& message) {
        if (message.message().ends_with("Request")) return 0;
        const std::uint64_t before = happened();
        const bool deletes =
            message.message() == "DeleteTopicsResponse" || message.message() == "RemoveTopicRecord";
        learn(message, detail::topic_fields(message, deletes));
        return static_cast<std::size_t>(happened() - before);
    }
    /// The same for a typed view of a message.
    template <class M, int V>
    std::size_t learn(const struct_view<M, V>& message) {
        return learn(as_dynamic(message));
    }

    /// Learns one pair. Returns false for an empty or too long name and for the id zero, which are not kept.
    ///
    /// Throws std::bad_alloc, and then nothing has changed.
    bool learn(std::string_view name, const uuid& id) {
        if (name.empty() || id == uuid{}) return false;
        if (name.size() > limits_.name_bytes || limits_.topics == 0) {
            ++counts_.refused;
            return false;
        }
        const std::uint64_t name_hash = hash(name), id_hash = hash(id);
        const std::uint32_t named = position_of(name, name_hash);
        const std::uint32_t identified = position_of(id, id_hash);
        if (named == none) {
            add(name, name_hash, id, id_hash, identified);
            return true;
        }
        if (named != identified) {
            if (identified != none) remove(identified);
            by_id_.erase(hash(entries_[named].id), named);
            by_id_.insert(id_hash, named);
            entries_[named].id = id;
            ++counts_.changed;
        }
        unlink(named);
        link_newest(named);
        return true;
    }

    /// Forgets a topic. Returns whether it was known.
    bool forget(std::string_view name) noexcept { return forget_at(position_of(name, hash(name))); }
    /// The same, by its id.
    bool forget(const uuid& id) noexcept { return forget_at(position_of(id, hash(id))); }
    /// Forgets all topics, but not what it has counted.
    void clear() noexcept {
        while (oldest_ != none) forget_at(oldest_);
    }

    /// The name of the topic with this id, or nullopt if it is not known.
    ///
    /// The text is the directory's: valid until the next call of `learn`, `forget` or `clear`, and until the
    /// directory is assigned to, moved from or destroyed.
    [[nodiscard]] std::optional<std::string_view> name_of(const uuid& id) const noexcept KWIRE_LIFETIMEBOUND {
        const std::uint32_t at = position_of(id, hash(id));
        if (at == none) return std::nullopt;
        return entries_[at].name.view();
    }
    /// The id of the topic with this name, or nullopt if it is not known.
    [[nodiscard]] std::optional<uuid> id_of(std::string_view name) const noexcept {
        const std::uint32_t at = position_of(name, hash(name));
        if (at == none) return std::nullopt;
        return entries_[at].id;
    }

    /// How many topics it knows.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// What has become of them.
    [[nodiscard]] const topic_directory_counts& counts() const noexcept KWIRE_LIFETIMEBOUND {
        return counts_;
    }

private:
    static constexpr std::uint32_t none = detail::position_table::none;

    /// One topic, or the place of one. Those in use are linked from the oldest to the newest, the others by
    /// `newer`.
    // cost: in a line of the cache for itself, with its name; with a std::string, id_of takes half as long
    // again among 100 000 topics.
    struct alignas(64) entry {
        uuid id;
        std::uint32_t older = none;
        std::uint32_t newer = none;
        detail::short_text name;
    };

    [[nodiscard]] std::uint64_t hash(std::string_view name) const noexcept {
        return detail::hash_of(key_, name);
    }
    [[nodiscard]] std::uint64_t hash(const uuid& id) const noexcept { return detail::hash_of(key_, id); }
    [[nodiscard]] std::uint32_t position_of(std::string_view name, std::uint64_t hashed) const noexcept {
        return by_name_.find(hashed, [&](std::uint32_t at) { return entries_[at].name.view() == name; });
    }
    [[nodiscard]] std::uint32_t position_of(const uuid& id, std::uint64_t hashed) const noexcept {
        return by_id_.find(hashed, [&](std::uint32_t at) { return entries_[at].id == id; });
    }
    [[nodiscard]] std::uint64_t happened() const noexcept {
        return counts_.added + counts_.changed + counts_.forgotten;
    }

    void learn(const dynamic_view& view, const detail::topic_fields& fields) {
        if (fields.tells()) learn_struct(view, fields);
        if (!fields.inside) return;
        for (std::size_t i = 0; i < view.field_count(); ++i) {
            const dynamic_value value = view.field(i);
            const struct_info* const structure = value.info().structure;
            if (structure == nullptr || !value.present() || value.is_null()) continue;
            const detail::topic_fields inner(*structure, view.version(), fields.deletes);
            if (!inner.tells() && !inner.inside) continue;
            if (value.kind() == field_kind::structure)
                learn(value.structure(), inner);
            else
                for (const dynamic_view& element : value.structs()) learn(element, inner);
        }
    }
    void learn_struct(const dynamic_view& view, const detail::topic_fields& fields) {
        const std::string_view name = fields.name_in(view);
        const uuid id = fields.id_in(view);
        const error_code failure = fields.error_in(view);
        const bool unknown =
            failure == error_code::unknown_topic_id || failure == error_code::unknown_topic_or_partition;
        if (unknown || (fields.deletes && failure == error_code::none))
            static_cast<void>(id == uuid{} ? forget(name) : forget(id));
        else if (failure == error_code::none)
            learn(name, id);
    }

    /// Adds a topic whose name is not there, in place of the one at `replaced` if that is not none.
    void add(std::string_view name, std::uint64_t name_hash, const uuid& id, std::uint64_t id_hash,
             std::uint32_t replaced) {
        detail::short_text own(name);
        if (replaced != none) {
            remove(replaced);
        } else if (size_ == limits_.topics) {
            remove(oldest_);
            ++counts_.evicted;
        } else if (free_ == none) {
            by_name_.reserve(size_ + std::size_t{1});
            by_id_.reserve(size_ + std::size_t{1});
            entries_.emplace_back();
            free_ = static_cast<std::uint32_t>(entries_.size() - 1);
        }
        const std::uint32_t at = std::exchange(free_, entries_[free_].newer);
        entries_[at].name = std::move(own);
        entries_[at].id = id;
        by_name_.insert(name_hash, at);
        by_id_.insert(id_hash, at);
        link_newest(at);
        ++size_;
        ++counts_.added;
    }
    bool forget_at(std::uint32_t at) noexcept {
        if (at == none) return false;
        remove(at);
        ++counts_.forgotten;
        return true;
    }
    void remove(std::uint32_t at) noexcept {
        entry& gone = entries_[at];
        by_name_.erase(hash(gone.name.view()), at);
        by_id_.erase(hash(gone.id), at);
        unlink(at);
        gone.name = {}; // and its memory
        gone.newer = std::exchange(free_, at);
        --size_;
    }

    void swap(topic_directory& other) noexcept {
        std::swap(limits_, other.limits_);
        std::swap(counts_, other.counts_);
        entries_.swap(other.entries_);
        std::swap(by_name_, other.by_name_);
        std::swap(by_id_, other.by_id_);
        std::swap(oldest_, other.oldest_);
        std::swap(newest_, other.newest_);
        std::swap(free_, other.free_);
        std::swap(size_, other.size_);
    }
    void unlink(std::uint32_t at) noexcept {
        const entry& taken = entries_[at];
        (taken.older == none ? oldest_ : entries_[taken.older].newer) = taken.newer;
        (taken.newer == none ? newest_ : entries_[taken.newer].older) = taken.older;
    }
    void link_newest(std::uint32_t at) noexcept {
        entries_[at].older = newest_;
        entries_[at].newer = none;
        (newest_ == none ? oldest_ : entries_[newest_].newer) = at;
        newest_ = at;
    }

    topic_directory_limits limits_;
    topic_directory_counts counts_;
    std::vector<entry> entries_;
    detail::position_table by_name_;
    detail::position_table by_id_;
    wire::hash_key key_ = wire::process_hash_key();
    std::uint32_t oldest_ = none;
    std::uint32_t newest_ = none;
    std::uint32_t free_ = none;
    std::uint32_t size_ = 0;
};

} // namespace kwire::inline KWIRE_ABI
