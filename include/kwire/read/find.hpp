/// Elements of arrays by their keys, without allocation.
///
///     auto topic = kwire::find(response.topics(), "orders");      // nullopt if there is none
///     if (topic) use(kwire::find(topic->partitions(), 3));
///     auto fetch = kwire::find(response.api_keys(), kwire::api_key::fetch);
///     auto orders = kwire::find(request.resources(), 2, "orders"); // a key of two fields, in the schema's order
///
/// The documentation of accessors says which fields are keys: "map key" where Kafka's schema says so, "key"
/// where kwire does (schema/keys.txt). Each call walks the array: for many
/// look-ups in one array see indexed.hpp.
#pragma once

#include <kwire/read/array.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

template <class S, int V>
std::type_identity<S> struct_of_view_test(const struct_view<S, V>&);

/// The struct that the view `E` shows.
template <class E>
using struct_of_view = typename decltype(struct_of_view_test(std::declval<const E&>()))::type;

template <class E>
inline constexpr bool shows_struct = requires(const E& view) { bytes_of(view); };

template <class S>
inline constexpr std::size_t key_count = [] {
    std::size_t count = 0;
    for (const field_info& field : tables_of<S>::fields) count += field.key ? 1 : 0;
    return count;
}();

/// Which fields of `S` make up its key, in the schema's order.
template <class S>
inline constexpr auto key_fields = [] {
    std::array<std::size_t, key_count<S>> found{};
    std::size_t used = 0;
    for (std::size_t i = 0; i < field_count<S>; ++i)
        if (tables_of<S>::fields[i].key) found[used++] = i;
    return found;
}();

/// Calls `f` with the number of each key field of `E`, as integral constants.
template <class E, class F>
constexpr decltype(auto) with_keys(F&& f) {
    using S = struct_of_view<E>;
    return [&]<std::size_t... K>(std::index_sequence<K...>) -> decltype(auto) {
        return f(std::integral_constant<std::size_t, key_fields<S>[K]> {}...);
    }(std::make_index_sequence<key_count<S>>{});
}

/// What the accessors of the key fields of `E` show, side by side.
template <class E, class Numbers>
struct key_tuple;
template <class E, std::size_t... K>
struct key_tuple<E, std::index_sequence<K...>> {
    using type = std::tuple<decltype(get<key_fields<struct_of_view<E>>[K]>(std::declval<const E&>()))...>;
};
template <class E>
using key_of = typename key_tuple<E, std::make_index_sequence<key_count<struct_of_view<E>>>>::type;

template <class E>
key_of<E> read_key(const E& view) noexcept {
    return with_keys<E>([&]<class... I>(I...) noexcept { return key_of<E>(get<I::value>(view)...); });
}

/// Whether the version has the field: others are not part of the key there.
template <std::size_t I, class S, int V>
bool has_field(const struct_view<S, V>& view) noexcept {
    return view_access::has(view, tables_of<S>::fields[I]);
}

/// Whether the version of `view` has a field of the key.
template <class E>
bool has_any_key(const E& view) noexcept {
    return with_keys<E>([&]<class... I>(I...) noexcept { return (has_field<I::value>(view) || ...); });
}

/// Whether the key of `view` is `key`, as far as the version has key fields, of which there must be one.
template <class E>
bool has_key(const E& view, const key_of<E>& key) noexcept {
    return with_keys<E>([&]<class... I>(I...) noexcept {
        return [&]<std::size_t... K>(std::index_sequence<K...>) noexcept {
            return has_any_key(view) &&
                   ((!has_field<I::value>(view) || get<I::value>(view) == std::get<K>(key)) && ...);
        }(std::make_index_sequence<sizeof...(I)>{});
    });
}

template <class Key>
inline constexpr bool counts = (std::is_integral_v<Key> || std::is_enum_v<Key>) && !std::is_same_v<Key, bool>;

template <class Key, class Value>
inline constexpr bool is_key_for =
    std::is_integral_v<Value> || std::is_enum_v<Value> ? counts<Key>
                                                       : std::is_convertible_v<const Key&, Value>;

/// `key` as a value of a field; false if no such field can hold it.
template <class Value, class Key>
constexpr bool take_key(const Key& key, Value& value) noexcept {
    if constexpr (std::is_enum_v<Key>) {
        return take_key(static_cast<std::underlying_type_t<Key>>(key), value);
    } else if constexpr (std::is_enum_v<Value>) {
        using number = std::underlying_type_t<Value>;
        value = static_cast<Value>(key);
        return std::in_range<number>(key);
    } else if constexpr (std::is_integral_v<Value>) {
        value = static_cast<Value>(key);
        return std::in_range<Value>(key);
    } else {
        value = key;
        return true;
    }
}

/// The keys of a look-up as those of `E`; nullopt if no element can have them. Says what is wrong with a call
/// that does not compile.
template <class E, class... Keys>
constexpr std::optional<key_of<E>> key_from(const Keys&... keys) noexcept {
    using S = struct_of_view<E>;
    static_assert(key_count<S> != 0, "these elements have no key: compare in a loop");
    static_assert(key_count<S> == 0 || key_count<S> == sizeof...(Keys),
                  "give one value for each field that is documented as a key, in their order");
    std::optional<key_of<E>> found;
    if constexpr (key_count<S> != 0 && key_count<S> == sizeof...(Keys)) {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            static_assert((is_key_for<Keys, std::tuple_element_t<K, key_of<E>>> && ...),
                          "a key is an integer or enumerator, a string, or a uuid, as its field is");
            auto& values = found.emplace();
            if (!(take_key(keys, std::get<K>(values)) && ...)) found.reset();
        }(std::make_index_sequence<sizeof...(Keys)>{});
    }
    return found;
}

} // namespace detail

/// The first element with this key; nullopt if there is none. The array may be null.
///
/// One value for each field of the key, in the schema's order: integers, enumerators, strings or uuids,
/// nullopt for null. A number that the field cannot hold is found nowhere. Fields that the array's version
/// lacks are not compared: of produce_request's topics `find(topics, name, id)` goes by the name up to v12
/// and by the id from v13 on.
template <class E, class... Keys>
[[nodiscard]] std::optional<E> find(const array_of<E>& array, const Keys&... keys) noexcept {
    static_assert(detail::shows_struct<E>,
                  "only structs have keys: std::ranges::find looks for plain values");
    if constexpr (detail::shows_struct<E>) {
        if (const auto key = detail::key_from<E>(keys...))
            for (const E element : array)
                if (detail::has_key(element, *key)) return element;
    }
    return std::nullopt;
}

} // namespace kwire::inline KWIRE_ABI
