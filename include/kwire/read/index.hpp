/// An array of structs for many look-ups: one allocation, then O(1) by position and by key.
///
///     auto topics = kwire::indexed(response.topics());
///     use(topics[3].name());
///     if (auto topic = topics.find("orders")) ...
///     auto partitions = kwire::indexed(topics[3].partitions());
///     for (const auto& partition : partitions.all(7)) ...   // all with this key
///
/// find.hpp says what keys are. The order of the bytes is kept, and so are elements with equal keys.
#pragma once

#include <kwire/detail/forward_iterator.hpp>
#include <kwire/read/find.hpp>
#include <kwire/wire/detail/keyed_hash.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kwire::inline KWIRE_ABI {

namespace detail {

inline std::uint64_t hash_of(wire::hash_key key, std::span<const std::byte> bytes) noexcept {
    return wire::keyed_hash(key, bytes);
}
inline std::uint64_t hash_of(wire::hash_key key, std::string_view text) noexcept {
    return wire::keyed_hash(key, {reinterpret_cast<const std::byte*>(text.data()), text.size()});
}
inline std::uint64_t hash_of(wire::hash_key key, const uuid& id) noexcept {
    return wire::keyed_hash(key, id.bytes);
}
template <class Integer>
    requires(std::is_integral_v<Integer> || std::is_enum_v<Integer>)
std::uint64_t hash_of(wire::hash_key key, Integer value) noexcept {
    std::byte bytes[sizeof(Integer)];
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
        bytes[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
    return wire::keyed_hash(key, bytes);
}
template <class T>
std::uint64_t hash_of(wire::hash_key key, const std::optional<T>& value) noexcept {
    return value ? hash_of(key, *value) : key.low;
}

} // namespace detail

/// The elements of an array, found by position and by key. Made by `indexed`.
///
/// Owns what it knows of the elements, a few dozen bytes for each, but not their bytes: valid while those
/// are. Peers cannot make it slow: the hash has a key that they do not know, and equal keys are chained.
/// Threads: any number may read.
template <class E>
class indexed_array {
    struct entry {
        E view;
        std::uint32_t next = none;             ///< the next element with the same key
        std::uint32_t heads[2] = {none, none}; ///< two slots of the hash table, which has nothing to do
                                               ///< with the element: so all is in one allocation
    };

public:
    /// A range of elements, by position or of one key.
    class iterator : public detail::forward_iterator<iterator, const E&> {
    public:
        iterator() noexcept = default;

    private:
        friend class indexed_array;
        friend detail::forward_iterator<iterator, const E&>;
        iterator(const entry* entries, std::uint32_t at, bool by_key) noexcept
            : entries_(entries), at_(at), by_key_(by_key) {}

        [[nodiscard]] const E& current() const noexcept { return entries_[at_].view; }
        void advance() noexcept { at_ = by_key_ ? entries_[at_].next : at_ + 1; }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return at_ == other.at_; }

        const entry* entries_ = nullptr;
        std::uint32_t at_ = none;
        bool by_key_ = false;
    };

    /// The elements with one key, in the order of the bytes. Valid while the indexed_array is.
    class matches {
    public:
        [[nodiscard]] iterator begin() const noexcept { return begin_; }
        [[nodiscard]] iterator end() const noexcept { return {}; }
        [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

    private:
        friend class indexed_array;
        explicit matches(iterator begin) noexcept : begin_(begin) {}
        iterator begin_;
    };

    indexed_array() noexcept = default;
    explicit indexed_array(const array_of<E>& array) {
        entries_.reserve(array.size()); // checked: that many elements are in the bytes
        for (const E element : array) entries_.push_back({element});
        if constexpr (detail::key_count<detail::struct_of_view<E>> != 0) {
            // Without a key no two elements are equal, and all would be sought in one place.
            if (entries_.empty() || !detail::has_any_key(entries_.front().view)) return;
            for (std::uint32_t i = static_cast<std::uint32_t>(entries_.size()); i-- > 0;) {
                std::uint32_t& head = slot(place_of(detail::read_key(entries_[i].view)));
                entries_[i].next = head;
                head = i; // in reverse, so that the first is found first
            }
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    /// Element `i`; `i` must be below `size()`.
    [[nodiscard]] const E& operator[](std::size_t i) const noexcept KWIRE_LIFETIMEBOUND {
        return entries_[i].view;
    }
    [[nodiscard]] iterator begin() const& noexcept KWIRE_LIFETIMEBOUND { return {entries_.data(), 0, false}; }
    iterator begin() const&& = delete;
    [[nodiscard]] iterator end() const& noexcept KWIRE_LIFETIMEBOUND {
        return {entries_.data(), static_cast<std::uint32_t>(entries_.size()), false};
    }
    iterator end() const&& = delete;

    /// The first element with this key; nullopt if there is none. Keys as those of kwire::find.
    template <class... Keys>
    [[nodiscard]] std::optional<E> find(const Keys&... keys) const noexcept {
        const std::uint32_t head = head_of(keys...);
        return head == none ? std::nullopt : std::optional<E>(entries_[head].view);
    }
    /// All elements with this key.
    template <class... Keys>
    [[nodiscard]] matches all(const Keys&... keys) const& noexcept KWIRE_LIFETIMEBOUND {
        return matches(iterator(entries_.data(), head_of(keys...), true));
    }
    template <class... Keys>
    matches all(const Keys&... keys) const&& = delete;

private:
    static constexpr std::uint32_t none = 0xffffffff;

    template <class... Keys>
    [[nodiscard]] std::uint32_t head_of(const Keys&... keys) const noexcept {
        const auto key = detail::key_from<E>(keys...);
        if (!key || entries_.empty()) return none;
        const std::size_t place = place_of(*key);
        return entries_[place / 2].heads[place % 2];
    }
    [[nodiscard]] std::uint32_t& slot(std::size_t place) noexcept {
        return entries_[place / 2].heads[place % 2];
    }

    /// The slot of the hash table that leads to the first element with this key, or the free one where that
    /// belongs. Half of the slots at least are free, so there is one, and soon.
    [[nodiscard]] std::size_t place_of(const detail::key_of<E>& key) const noexcept {
        const std::uint64_t slots = 2 * entries_.size();
        std::size_t place = static_cast<std::size_t>((hash_of(key) >> 32) * slots >> 32);
        for (;; place = place + 1 == slots ? 0 : place + 1) {
            const std::uint32_t head = entries_[place / 2].heads[place % 2];
            if (head == none || detail::has_key(entries_[head].view, key)) return place;
        }
    }

    /// Of the fields that this version has.
    [[nodiscard]] std::uint64_t hash_of(const detail::key_of<E>& key) const noexcept {
        return detail::with_keys<E>([&]<class... I>(I...) noexcept {
            return [&]<std::size_t... K>(std::index_sequence<K...>) noexcept {
                wire::hash_key secret = key_;
                ((secret.high ^= detail::has_field<I::value>(entries_.front().view)
                                     ? detail::hash_of(secret, std::get<K>(key))
                                     : 0),
                 ...);
                return secret.high;
            }(std::make_index_sequence<sizeof...(I)>{});
        });
    }

    wire::hash_key key_ = wire::process_hash_key();
    std::vector<entry> entries_;
};

/// Walks the array once and keeps where its elements are. One allocation, of a few dozen bytes per element.
template <class E>
[[nodiscard]] indexed_array<E> indexed(const array_of<E>& array) {
    static_assert(detail::shows_struct<E>, "arrays of numbers are random access; only structs have keys");
    return indexed_array<E>(array);
}

} // namespace kwire::inline KWIRE_ABI
