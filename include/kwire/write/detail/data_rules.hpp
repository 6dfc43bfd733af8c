/// Internal: which fields of a `data` struct a version writes, and which values it may leave out.
#pragma once

#include <kwire/schema/detail/data.hpp>
#include <kwire/schema/detail/walk.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/write/unknown_tag_list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// What is known of a version that a field has, or has not, when the program is compiled.
enum class presence : std::uint8_t {
    never,
    always,
    varies
};

/// The version at which message `M` is written: `V`, or a number known at run time if that is `any_version`.
template <class M, int V>
class target_version {
    static constexpr version_range all = M::facts.versions;

public:
    explicit constexpr target_version(int number) noexcept
        : number_(M::facts.canonical(number)), flexible_(M::facts.flexible(number_)) {}

    [[nodiscard]] constexpr bool exists() const noexcept { return all.contains(number()); }
    KWIRE_ALWAYS_INLINE constexpr int number() const noexcept { return V != any_version ? V : number_; }
    KWIRE_ALWAYS_INLINE constexpr bool flexible() const noexcept {
        if constexpr (V != any_version || M::facts.first_flexible <= all.first ||
                      M::facts.first_flexible > all.last) {
            constexpr bool known = M::facts.flexible(V != any_version ? V : all.first);
            return known;
        } else {
            return flexible_;
        }
    }
    /// Whether it is one of `versions`, of which those outside of the message's own do not matter.
    KWIRE_ALWAYS_INLINE constexpr bool in(const version_range& versions) const noexcept {
        const bool from_first = versions.first <= all.first;
        const bool to_last = versions.last >= all.last;
        return (from_first || number() >= versions.first) && (to_last || number() <= versions.last);
    }
    /// The answer of `in`, if it is the same whatever the version is. For debug builds, which would ask at
    /// run time.
    [[nodiscard]] static consteval presence presence_of(const version_range& versions) noexcept {
        if (V != any_version) return target_version(V).in(versions) ? presence::always : presence::never;
        return versions.first <= all.first && versions.last >= all.last ? presence::always : presence::varies;
    }
    /// Whether the field's length takes the compact form.
    KWIRE_ALWAYS_INLINE constexpr bool compact(const field_info& field) const noexcept {
        return flexible() && !field.never_compact;
    }

private:
    int number_;
    bool flexible_;
};

/// The tagged fields of `S` by ascending number, as field positions.
template <class S>
inline constexpr auto tag_order = [] {
    constexpr std::size_t count = [] {
        std::size_t tagged = 0;
        for (const field_info& field : tables_of<S>::fields)
            tagged += field.tag >= 0 && !field.name.empty() ? 1 : 0;
        return tagged;
    }();
    std::array<std::size_t, count> order{};
    for (std::size_t i = 0; i < field_count<S>; ++i)
        if (tables_of<S>::fields[i].tag >= 0)
            order[static_cast<std::size_t>(tables_of<S>::fields[i].tag)] = i;
    return order;
}();

/// Whether a member has the schema's default, which is what tags leave out and other versions cannot miss.
template <class S, std::size_t I, class Member>
bool is_default(const Member& member) noexcept;

template <class S>
bool all_default(const typename S::data& data) noexcept {
    if constexpr (keeps_tags<S>)
        if (!data.unknown_tags.empty()) return false;
    return each_member<S>(data, []<std::size_t I>(std::integral_constant<std::size_t, I>,
                                                  const auto& member) { return is_default<S, I>(member); });
}

template <class S, std::size_t I, class Member>
bool is_default(const Member& member) noexcept {
    static constexpr const field_info& field = tables_of<S>::fields[I];
    const auto value_is_default = [](const auto& value) noexcept {
        if constexpr (field.kind == field_kind::array || field.kind == field_kind::bytes)
            return value.empty();
        else if constexpr (field.kind == field_kind::string)
            return value == field.default_text;
        else if constexpr (field.kind == field_kind::structure)
            return all_default<child_of<S, I>>(value);
        else if constexpr (field.kind == field_kind::uuid)
            return value == uuid{};
        else
            return value == static_cast<std::remove_cvref_t<decltype(value)>>(field.default_number);
    };
    if constexpr (field.kind == field_kind::records)
        return member.empty(); // or null
    else if constexpr (field.nullable.empty())
        return value_is_default(member);
    else if constexpr (field.null_default)
        return member_is_null(member);
    else
        return !member_is_null(member) && value_is_default(member_value(member));
}

/// The tagged fields of `data` that `version` writes: bit k for the one in place k of tag_order.
template <class S, class Version>
[[nodiscard]] std::uint64_t due_tags(const typename S::data& data, const Version& version) noexcept {
    constexpr const auto& order = tag_order<S>;
    std::uint64_t due = 0;
    if constexpr (order.size() == 0) return due;
    [&]<std::size_t... T>(std::index_sequence<T...>) {
        [[maybe_unused]] const auto one = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
            constexpr std::size_t field = order[At];
            if (version.in(tables_of<S>::fields[field].versions) &&
                !is_default<S, field>(member_at<S, field>(data)))
                due |= std::uint64_t{1} << At;
        };
        (one(std::integral_constant<std::size_t, T>{}), ...);
    }(std::make_index_sequence<order.size()>{});
    return due;
}

/// Whether all fields of `S` are of fixed width, at every version.
template <class S>
inline constexpr bool only_fixed_width = [] {
    for (const field_info& field : tables_of<S>::fields)
        if (!field.name.empty() && width_of(field.kind) == 0) return false;
    return true;
}();

/// Whether `data` takes as many bytes as every other plain one: no tags, and no value that the version has
/// no field for. Without a branch, so that a loop over many is one test.
template <class S, class Version>
    requires only_fixed_width<S>
[[nodiscard]] KWIRE_ALWAYS_INLINE bool is_plain(const typename S::data& data,
                                                const Version& version) noexcept {
    bool plain = true;
    each_member<S>(data, [&]<std::size_t I>(std::integral_constant<std::size_t, I>, const auto& member)
                             KWIRE_INLINED {
                                 constexpr const field_info& field = tables_of<S>::fields[I];
                                 const bool in_version = version.in(field.versions);
                                 if (in_version ? field.tag >= 0 : !version.in(field.ignorable))
                                     plain = plain & is_default<S, I>(member);
                                 return true;
                             });
    if constexpr (keeps_tags<S>) plain = plain & data.unknown_tags.empty();
    return plain;
}

/// Calls `f` with each of the tagged fields in `due`, as a std::integral_constant of its place in tag_order,
/// while it returns true.
template <class S, class F>
bool each_due_tag(std::uint64_t due, F&& f) {
    return [&]<std::size_t... T>(std::index_sequence<T...>) {
        return (((due >> T & 1) == 0 || f(std::integral_constant<std::size_t, T>{})) && ...);
    }(std::make_index_sequence<tag_order<S>.size()>{});
}

} // namespace kwire::inline KWIRE_ABI::detail
