/// Where the answer to a partition is in a response, by topic and number.
#pragma once

#include <kwire/read/index.hpp>
#include <kwire/reflect/detail/position_table.hpp>
#include <kwire/split/detail/shape.hpp>
#include <kwire/wire/detail/keyed_hash.hpp>
#include <kwire/wire/uuid.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// Numbers for what is around topics and for the names of topics: the same for the same ones, in the request
/// and in all answers. Refers to the names.
///
/// A name is compared once where it comes, and its number for each partition: partitions take a few bytes
/// each, and a name up to 32767, so that peers could make comparisons of names take minutes.
class name_numbers {
public:
    [[nodiscard]] std::uint32_t of(const around_key& around) {
        return arounds_.number_of(around, around.producer != -1 ? hash_of(key_, around.producer)
                                                                : hash_of(key_, around.name));
    }
    [[nodiscard]] std::uint32_t of(std::string_view name) {
        return names_.number_of(name, hash_of(key_, name));
    }

private:
    template <class Key>
    struct numbers {
        std::vector<Key> known{};
        position_table positions{};

        [[nodiscard]] std::uint32_t number_of(const Key& key, std::uint64_t hash) {
            const std::uint32_t found =
                positions.find(hash, [&](std::uint32_t at) { return known[at] == key; });
            if (found != position_table::none) return found;
            positions.reserve(known.size() + 1);
            known.push_back(key);
            const auto added = static_cast<std::uint32_t>(known.size() - 1);
            positions.insert(hash, added);
            return added;
        }
    };

    numbers<around_key> arounds_;
    numbers<std::string_view> names_;
    wire::hash_key key_ = wire::process_hash_key();
};

/// Which element of a response is meant: a partition, a topic, or what is around topics (a group, a
/// transaction). A topic is known by its name or by its id: the other one is empty in both, asked and found.
struct answer_key {
    /// In place of a partition's number.
    static constexpr std::int64_t a_topic = std::int64_t{-1} << 40;
    static constexpr std::int64_t around_topics = std::int64_t{-1} << 41;

    std::uint32_t around = 0; ///< its number, see name_numbers
    std::uint32_t name = 0;   ///< the number of a topic's name; 0 where an id is in its place
    uuid id{};
    std::int64_t partition = around_topics;

    friend bool operator==(const answer_key&, const answer_key&) = default;
    friend std::strong_ordering operator<=>(const answer_key&, const answer_key&) = default;
};

/// Positions in a response: in the list around topics, in that of topics, in that of partitions.
struct answer_place {
    std::size_t around = 0, topic = 0, partition = 0;

    friend std::strong_ordering operator<=>(const answer_place&, const answer_place&) = default;
};

/// What a look-up found.
enum class answer_lookup {
    found,
    repeated, ///< it was asked for more often than it was answered
    missing,
};

/// The elements of one response, to be taken in any order, each once.
///
/// Brokers answer in the order of the request, so the next element is tried first. From the first one on that
/// comes out of turn, what is left is sorted: n look-ups take O(n log n) whatever the response.
class answer_index {
public:
    /// Elements are added in the response's order.
    void add(const answer_key& key, const answer_place& place) { entries_.push_back({key, place, 0}); }

    [[nodiscard]] answer_lookup take(const answer_key& key, answer_place& place) {
        if (!sorted_) {
            if (next_ != entries_.size() && entries_[next_].key == key) {
                place = entries_[next_++].place;
                return answer_lookup::found;
            }
            sort();
        }
        const auto run = std::ranges::lower_bound(entries_, key, {}, &entry::key);
        if (run == entries_.end() || run->key != key) return answer_lookup::missing;
        if (static_cast<std::size_t>(entries_.end() - run) <= run->taken) return answer_lookup::repeated;
        const auto next = run + static_cast<std::ptrdiff_t>(run->taken);
        if (next->key != key) return answer_lookup::repeated;
        ++run->taken;
        place = next->place;
        return answer_lookup::found;
    }

private:
    struct entry {
        answer_key key;
        answer_place place;
        std::size_t taken; ///< of the first with its key: how many of them were taken
    };

    void sort() {
        sorted_ = true;
        // Those that were taken in turn stay, so that a second question for one of them is a repeated one.
        for (std::size_t i = 0; i != next_; ++i) entries_[i].taken = 1;
        std::ranges::sort(entries_, [](const entry& a, const entry& b) {
            return a.key != b.key ? a.key < b.key : a.place < b.place; // places rise in the response's order
        });
        for (std::size_t i = 0; i != entries_.size();) {
            std::size_t& taken = entries_[i].taken;
            std::size_t end = i + 1;
            for (; end != entries_.size() && entries_[end].key == entries_[i].key; ++end)
                taken += entries_[end].taken;
            i = end;
        }
    }

    std::vector<entry> entries_;
    std::size_t next_ = 0;
    bool sorted_ = false;
};

} // namespace kwire::inline KWIRE_ABI::detail
