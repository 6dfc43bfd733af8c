/// What every generated view inherits: a few words that say where a struct's bytes are and how they lie.
///
/// A view is a small value that points at bytes, never at another view. It is made by `parse` and by other
/// views only, so everything it shows was checked. It is good as long as the bytes are; `held` keeps them.
#pragma once

#include <kwire/schema/detail/unrolled_walk.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

struct view_access;

/// The layout of a view: a pointer if the version is known at run time only, else nothing.
template <class S, int V>
struct layout_ref {};
template <class S>
struct layout_ref<S, any_version> {
    const struct_layout* pointer;
};

/// Where the steps end, behind a leading 0 so that the anchor of a field is an index.
template <std::size_t Steps>
struct step_ends {
    std::uint32_t at[Steps + 1];
};
template <>
struct step_ends<0> {};

template <class S, int V>
consteval std::size_t steps_of() {
    if constexpr (V == any_version)
        return tables_of<S>::max_steps;
    else
        return layout_at<S, V>.step_count;
}

} // namespace detail

/// The base of every view of the struct `S`. `V` is its version, or `any_version` if that is known at run
/// time.
template <class S, int V>
class struct_view {
    friend struct detail::view_access;
    template <std::size_t I, class T, int W>
    friend auto get(const struct_view<T, W>& view) noexcept;

public:
    /// Shows nothing yet: good only for being assigned to. Not constexpr, or else GCC clears the room for an
    /// error beside a view (see `parse`) each time.
    struct_view() noexcept : base_(nullptr), layout_(), ends_() {}

private:
    const std::byte* base_;
    [[no_unique_address]] detail::layout_ref<S, V> layout_;
    [[no_unique_address]] detail::step_ends<detail::steps_of<S, V>()> ends_;
};

namespace detail {

/// The door to the inside of views for all but `get`.
struct view_access {
    template <class View>
    static View make(const std::byte* base, const struct_layout& layout) noexcept {
        View view;
        place(view, base, layout);
        return view;
    }

    /// The root of a message is made around its check: first the place where that stores the ends,
    template <class S, int V>
    static std::uint32_t* ends(struct_view<S, V>& view) noexcept {
        if constexpr (steps_of<S, V>() != 0)
            return view.ends_.at + 1;
        else
            return nullptr;
    }
    /// then the rest.
    template <class S, int V>
    static void adopt(struct_view<S, V>& view, const std::byte* base, const struct_layout& layout) noexcept {
        view.base_ = base;
        if constexpr (V == any_version) view.layout_.pointer = &layout;
    }

    template <class S, int V>
    static void place(struct_view<S, V>& view, const std::byte* base, const struct_layout& layout) noexcept {
        view.base_ = base;
        if constexpr (V == any_version) view.layout_.pointer = &layout;
        if constexpr (steps_of<S, V>() == 0)
            return;
        else if constexpr (V == any_version)
            find_ends(layout, base, false, view.ends_.at + 1);
        else
            skip_struct_at<S, V, true>(base, view.ends_.at + 1);
    }

    /// The same bytes as a view of another way to know the version; nothing is walked again.
    template <class To, class S, int V>
    static To convert(const struct_view<S, V>& from) noexcept {
        To view;
        const struct_layout& at = layout(from);
        adopt(view, from.base_, at);
        if constexpr (steps_of<S, V>() != 0 && !std::is_empty_v<decltype(view.ends_)>)
            for (std::size_t i = 0; i < at.step_count; ++i) view.ends_.at[i + 1] = from.ends_.at[i + 1];
        return view;
    }

    /// Moves a view of an array's element on to the next element, which must exist.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static void advance(struct_view<S, V>& view) noexcept {
        if constexpr (V == any_version && steps_of<S, V>() != 0) {
            view.base_ = find_next(*view.layout_.pointer, view.base_, view.ends_.at + 1);
        } else {
            const std::byte* const next = end(view);
            [[maybe_unused]] const std::byte* const before = std::exchange(view.base_, next);
            if constexpr (steps_of<S, V>() != 0)
                if (!layout_at<S, V>.steady ||
                    !same_shape<false>(layout_at<S, V>, before, next, view.ends_.at + 1))
                    skip_struct_at<S, V, true>(next, view.ends_.at + 1);
        }
    }

    template <class S, int V>
    static const std::byte* base(const struct_view<S, V>& view) noexcept {
        return view.base_;
    }
    template <class S, int V>
    static const struct_layout& layout(const struct_view<S, V>& view) noexcept {
        if constexpr (V == any_version)
            return *view.layout_.pointer;
        else
            return layout_at<S, V>;
    }
    template <class S, int V>
    static const std::byte* tags(const struct_view<S, V>& view) noexcept {
        const struct_layout& at = layout(view);
        if constexpr (steps_of<S, V>() == 0)
            return view.base_ + at.tail;
        else
            return view.base_ + view.ends_.at[at.step_count] + at.tail;
    }
    template <class S, int V>
    static const std::byte* end(const struct_view<S, V>& view) noexcept {
        const std::byte* const p = tags(view);
        const struct_layout& at = layout(view);
        return at.flexible ? skip_tags(at, p) : p;
    }

    /// Makes a view of the same bytes elsewhere.
    template <class S, int V>
    static void move_to(struct_view<S, V>& view, const std::byte* base) noexcept {
        view.base_ = base;
    }

    /// Whether the view's version has the field.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static bool has(const struct_view<S, V>& view, const field_info& field) noexcept {
        return field.versions.contains(layout(view).version);
    }

    /// The byte that lies `delta` behind `anchor` variable-length fields: a field's first, by its place.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static const std::byte* at(const struct_view<S, V>& view, std::size_t anchor,
                                                   std::size_t delta) noexcept {
        const std::byte* p = view.base_ + delta;
        if constexpr (steps_of<S, V>() != 0) p += view.ends_.at[anchor];
        return p;
    }

    /// The first byte of a field wherever it lies, of a tagged one its payload; nullptr where the bytes do
    /// not hold it.
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static const std::byte* find(const struct_view<S, V>& view, std::size_t field,
                                                     [[maybe_unused]] bool tagged) noexcept {
        const field_place& place = layout(view).places[field];
        if (place.anchor == field_place::absent) return nullptr;
        if constexpr (tables_of<S>::has_tags)
            if (tagged) {
                const std::byte* const section = tags(view);
                return *section == std::byte{0} ? nullptr : find_tag(layout(view), section, place.delta);
            }
        return at(view, place.anchor, place.delta);
    }
};

/// A location that an array view is made from.
struct raw_array {
    const std::byte* elements = nullptr;   ///< nullptr for null
    std::uint32_t count = 0;               ///< 0 for null
    bool compact = false;                  ///< how elements that are strings are written
    const struct_layout* layout = nullptr; ///< of the elements, if they are structs
};

template <field_kind Kind, enumeration Enumerators = enumeration::none>
struct scalar_of;
template <>
struct scalar_of<field_kind::int16, enumeration::error_code> {
    using type = error_code;
};
template <>
struct scalar_of<field_kind::int16, enumeration::api_key> {
    using type = api_key;
};
template <>
struct scalar_of<field_kind::boolean> {
    using type = bool;
};
template <>
struct scalar_of<field_kind::int8> {
    using type = std::int8_t;
};
template <>
struct scalar_of<field_kind::int16> {
    using type = std::int16_t;
};
template <>
struct scalar_of<field_kind::uint16> {
    using type = std::uint16_t;
};
template <>
struct scalar_of<field_kind::int32> {
    using type = std::int32_t;
};
template <>
struct scalar_of<field_kind::uint32> {
    using type = std::uint32_t;
};
template <>
struct scalar_of<field_kind::int64> {
    using type = std::int64_t;
};
template <>
struct scalar_of<field_kind::float64> {
    using type = double;
};
template <>
struct scalar_of<field_kind::uuid> {
    using type = uuid;
};

template <class T>
KWIRE_ALWAYS_INLINE T load_scalar(const std::byte* p) noexcept {
    if constexpr (std::is_same_v<T, bool>) {
        return *p != std::byte{0};
    } else if constexpr (std::is_same_v<T, uuid>) {
        uuid value;
        std::memcpy(value.bytes.data(), p, sizeof value.bytes);
        return value;
    } else if constexpr (std::is_enum_v<T>) {
        return static_cast<T>(wire::load_be<std::underlying_type_t<T>>(p));
    } else {
        return wire::load_be<T>(p);
    }
}

/// The bytes of a struct whose every field has its default, at each version: what an absent struct field
/// shows.
template <class S>
struct default_struct {
    static constexpr std::size_t versions = std::size(tables_of<S>::layouts);

    template <class Out>
    static constexpr void write(std::size_t index, Out& out) {
        const struct_layout& layout = tables_of<S>::layouts[index];
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (write_field<I>(layout, index, out), ...);
        }(std::make_index_sequence<field_count<S>>{});
        if (layout.flexible) out.put(0, 1);
    }

    template <std::size_t I, class Out>
    static constexpr void write_field(const struct_layout& layout, std::size_t index, Out& out) {
        const field_place place = layout.places[I];
        const field_info& field = tables_of<S>::fields[I];
        if (place.anchor >= field_place::in_tags) return;
        if (const std::uint8_t width = width_of(field.kind); width != 0) {
            out.put(static_cast<std::uint64_t>(field.default_number), width);
            return;
        }
        const bool null = field.null_default && field.nullable.contains(layout.version);
        switch (const wire_form form = layout.steps[place.step].form; form) {
        case wire_form::structure:
        case wire_form::nullable_structure:
            if (form == wire_form::nullable_structure) out.put(null ? 0xff : 1, 1);
            if constexpr (!std::is_void_v<child_of<S, I>>)
                if (!null) default_struct<child_of<S, I>>::write(index, out);
            break;
        default:
            if (is_compact(form))
                out.put(null ? 0 : field.default_text.size() + 1, 1);
            else
                out.put(null ? ~std::uint64_t{0} : field.default_text.size(), prefix_of(form));
            for (const char c : field.default_text) out.put(static_cast<std::uint8_t>(c), 1);
        }
    }

    struct counter {
        std::size_t size = 0;
        constexpr void put(std::uint64_t, std::size_t width) { size += width; }
    };
    static constexpr std::size_t most = [] {
        std::size_t greatest = 1;
        for (std::size_t i = 0; i < versions; ++i) {
            counter one;
            write(i, one);
            greatest = one.size > greatest ? one.size : greatest;
        }
        return greatest;
    }();

    struct writer {
        std::array<std::byte, most> bytes{};
        std::size_t size = 0;
        constexpr void put(std::uint64_t value, std::size_t width) {
            for (std::size_t i = width; i-- > 0;)
                bytes[size++] = i < 8 ? static_cast<std::byte>((value >> (8 * i)) & 0xff) : std::byte{0};
        }
    };
    static constexpr std::array<std::array<std::byte, most>, versions> bytes = [] {
        std::array<std::array<std::byte, most>, versions> all{};
        for (std::size_t i = 0; i < versions; ++i) {
            writer one;
            write(i, one);
            all[i] = one.bytes;
        }
        return all;
    }();
};

} // namespace detail

namespace detail {

/// In which versions the lengths in a field are compact: all, none, or those that are flexible.
enum class compact_in : std::uint8_t {
    all,
    none,
    flexible
};
template <class S>
consteval compact_in compact_versions(const field_info& field) {
    constexpr message_facts facts = message_of<S>::facts;
    if (field.never_compact || facts.first_flexible > facts.versions.last) return compact_in::none;
    return facts.first_flexible <= facts.versions.first ? compact_in::all : compact_in::flexible;
}

} // namespace detail

/// Field `I` of a view. Generated accessors are one call of it.
///
/// Numbers and booleans come by value; strings and bytes refer to the message's bytes, in an optional where
/// the schema allows null in any version; arrays as something that `array_of` and `nullable_array_of` are
/// made from; structs as views. A field that the bytes do not hold has the schema's default.
template <std::size_t I, class S, int V>
[[nodiscard]] inline auto get(const struct_view<S, V>& view) noexcept {
    // Whatever is known about the field is settled by `if constexpr`, before the optimiser sees it: programs
    // have many accessors.
    constexpr const field_info& field = detail::tables_of<S>::fields[I];
    constexpr const detail::common_place& place = detail::places_in<S, V>.of[I];
    constexpr bool may_be_null = !field.nullable.empty();

    const detail::struct_layout* layout;
    if constexpr (V == any_version)
        layout = view.layout_.pointer;
    else
        layout = &detail::layout_at<S, V>;

    const std::byte* p = nullptr;
    // What it shows if the bytes do not hold it.
    if constexpr (!place.always || place.anchor == detail::field_place::in_tags) {
        bool absent = true;
        if constexpr (place.anchor == detail::field_place::in_tags) {
            p = detail::view_access::find(view, I, true);
            absent = p == nullptr;
        } else if constexpr (place.anchor != detail::field_place::absent) {
            absent = layout->version < field.versions.first;
            if constexpr (field.versions.last < message_of<S>::facts.versions.last)
                absent = absent || layout->version > field.versions.last;
        }
        if (absent) {
            if constexpr (field.kind == field_kind::uuid) {
                return uuid{};
            } else if constexpr (width_of(field.kind) != 0) {
                using value = typename detail::scalar_of<field.kind, field.enumerators>::type;
                return static_cast<value>(field.default_number);
            } else if constexpr (field.kind == field_kind::structure) {
                using child_view = typename child_of<S, I>::template basic_view<V>;
                if constexpr (may_be_null && field.null_default) {
                    return std::optional<child_view>{};
                } else {
                    const detail::struct_layout& inner = field.structure->layouts[layout->version_index];
                    return std::conditional_t<may_be_null, std::optional<child_view>, child_view>(
                        detail::view_access::make<child_view>(
                            detail::default_struct<child_of<S, I>>::bytes[inner.version_index].data(),
                            inner));
                }
            } else if constexpr (field.kind == field_kind::array) {
                return detail::raw_array{may_be_null && field.null_default ? nullptr : detail::nothing};
            } else if constexpr (field.kind == field_kind::string) {
                using value =
                    std::conditional_t<may_be_null, std::optional<std::string_view>, std::string_view>;
                if constexpr (may_be_null && field.null_default)
                    return value{};
                else
                    return value(field.default_text);
            } else {
                using span = std::span<const std::byte>;
                using value = std::conditional_t<may_be_null, std::optional<span>, span>;
                if constexpr (may_be_null && field.null_default)
                    return value{};
                else
                    return value(span{});
            }
        }
    }

    // Where it lies.
    if constexpr (place.anchor < detail::field_place::in_tags) {
        if constexpr (place.delta == detail::common_place::varies)
            p = view.base_ + layout->places[I].delta;
        else
            p = view.base_ + place.delta;
        if constexpr (place.anchor == detail::common_place::varies)
            p += view.ends_.at[layout->places[I].anchor];
        else if constexpr (place.anchor != 0)
            p += view.ends_.at[place.anchor];
    }

    // What it says.
    if constexpr (place.anchor == detail::field_place::absent) {
        std::unreachable();
    } else if constexpr (width_of(field.kind) != 0) {
        return detail::load_scalar<typename detail::scalar_of<field.kind, field.enumerators>::type>(p);
    } else if constexpr (field.kind == field_kind::structure) {
        using child_view = typename child_of<S, I>::template basic_view<V>;
        const detail::struct_layout& inner = field.structure->layouts[layout->version_index];
        if constexpr (may_be_null) {
            if (field.nullable.contains(inner.version) && detail::skip_null_marker(p, field.tag >= 0))
                return std::optional<child_view>{};
            return std::optional<child_view>(detail::view_access::make<child_view>(p, inner));
        } else {
            return detail::view_access::make<child_view>(p, inner);
        }
    } else {
        constexpr detail::compact_in versions = detail::compact_versions<S>(field);
        bool compact;
        if constexpr (versions == detail::compact_in::flexible)
            compact = layout->flexible;
        else
            compact = versions == detail::compact_in::all;
        detail::trusted_count counted;
        // Where the version is known at run time only, one function reads all lengths, which keeps its users'
        // code small; arrays of numbers alone are so short and so many that a call would be felt.
        if constexpr (V != any_version || width_of(field.element) != 0)
            counted = detail::read_length_fast(p, compact,
                                               field.kind == field_kind::string ? detail::counted::text
                                                                                : detail::counted::others);
        else
            counted = detail::read_length(p, compact,
                                          field.kind == field_kind::string ? detail::counted::text
                                                                           : detail::counted::others);
        bool null = false; // where it may not be null, a lenient parse has let that pass, and it is empty
        if constexpr (may_be_null) {
            null = counted.is_null;
            if constexpr (field.nullable.first > field.versions.first)
                null = null && layout->version >= field.nullable.first;
            if constexpr (field.nullable.last < field.versions.last)
                null = null && layout->version <= field.nullable.last;
        }
        if constexpr (field.kind == field_kind::array) {
            if constexpr (may_be_null)
                if (null) counted.content = nullptr;
            const detail::struct_layout* inner = nullptr;
            if constexpr (field.element == field_kind::structure)
                inner = &field.structure->layouts[layout->version_index];
            return detail::raw_array{counted.content, counted.size, compact, inner};
        } else if constexpr (field.kind == field_kind::string) {
            const std::string_view text(reinterpret_cast<const char*>(counted.content),
                                        std::size_t{counted.size});
            using value = std::conditional_t<may_be_null, std::optional<std::string_view>, std::string_view>;
            if constexpr (may_be_null)
                if (null) return value{};
            return value(text);
        } else {
            const std::span<const std::byte> bytes(counted.content, std::size_t{counted.size});
            using value = std::conditional_t<may_be_null, std::optional<std::span<const std::byte>>,
                                             std::span<const std::byte>>;
            if constexpr (may_be_null)
                if (null) return value{};
            return value(bytes);
        }
    }
}

/// The version that a view was read at.
template <class S, int V>
[[nodiscard]] std::int16_t version_of(const struct_view<S, V>& view) noexcept {
    return detail::view_access::layout(view).version;
}

/// The bytes that a view covers, its tag section included; good as long as the view's own bytes are.
///
/// None for a struct that the message does not hold, such as an absent tagged one: it shows defaults.
template <class S, int V>
[[nodiscard]] std::span<const std::byte> bytes_of(const struct_view<S, V>& view) noexcept {
    const std::byte* const base = detail::view_access::base(view);
    if constexpr (!std::is_same_v<S, message_of<S>>) {
        const std::size_t index = detail::view_access::layout(view).version_index;
        if (base == detail::default_struct<S>::bytes[index].data()) return {};
    }
    return {base, detail::view_access::end(view)};
}

} // namespace kwire
