/// How much memory the `data` of a view will take, known before any of it is taken.
#pragma once

#include <kwire/error.hpp>
#include <kwire/read/array.hpp>
#include <kwire/read/detail/tag_order.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/schema/detail/data.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/write/detail/boxed_list.hpp>
#include <kwire/write/unknown_tag_list.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// Adds up what `data_reader` will ask operator new for, up to a limit: the one walks views as the other
/// does, and a test compares them for every message. Where a library may take more for a string than its
/// characters, this is the most.
class data_meter {
public:
    /// Bytes in `owner` are referred to, others copied. Offsets in `failure` count from `start`.
    data_meter(std::uint64_t limit, const shared_buffer& owner, const std::byte* start,
               error& failure) noexcept
        : left_(limit), owner_(owner), start_(start), failure_(failure) {}

    /// Whether there is enough for everything in a struct, its own members aside. If not, the error says
    /// where the limit was reached.
    template <class S, int V>
    [[nodiscard]] bool take_struct(const struct_view<S, V>& view) noexcept {
        const bool fields = [&]<std::size_t... I>(std::index_sequence<I...>) noexcept {
            return (take_untagged<S, I>(view) && ...);
        }(std::make_index_sequence<field_count<S>>{});
        if constexpr (keeps_tags<S>)
            return fields && take_known_tags(view) && take_unknown_tags(view);
        else
            return fields;
    }

private:
    [[nodiscard]] bool take(std::uint64_t bytes, const std::byte* at, std::string_view field,
                            std::int64_t index = -1) noexcept {
        if (bytes <= left_) [[likely]] {
            left_ -= bytes;
            return true;
        }
        failure_.code = errc::memory_limit_exceeded;
        failure_.offset = distance_from(start_, at);
        failure_.needed = bytes;
        failure_.left = left_;
        failure_.enter({field, index});
        return false;
    }

    /// What a string of `size` characters takes beside itself, with its end, and rounded up as libraries do;
    /// at least what it has when it first outgrows itself.
    static std::uint64_t of_text(std::size_t size) noexcept {
        const std::size_t inside = std::string().capacity();
        if (size <= inside) return 0;
        return ((size < 2 * inside ? 2 * inside : size) + 16) & ~std::uint64_t{15};
    }
    [[nodiscard]] std::uint64_t of_bytes(std::span<const std::byte> bytes) const noexcept {
        return bytes.empty() || owner_.slice_of(bytes) ? 0 : sizeof(memory_control) + bytes.size();
    }

    template <class S, std::size_t I, int V>
    [[nodiscard]] bool take_untagged(const struct_view<S, V>& view) noexcept {
        constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (field.tag < 0 && width_of(field.kind) == 0)
            return take_field<S, I, V>(get<I>(view));
        else
            return true;
    }
    /// Each tag that the version knows, those included of which a later one takes the place.
    template <class S, int V>
    [[nodiscard]] bool take_known_tags(const struct_view<S, V>& view) noexcept {
        if constexpr (tables_of<S>::has_tags) {
            const struct_layout& layout = view_access::layout(view);
            if (!layout.flexible) return true;
            std::uint32_t left = 0;
            const std::byte* p = wire::read_uvarint_trusted(view_access::tags(view), left);
            for (; left != 0; --left) {
                const trusted_tag tag = read_tag(layout, p);
                p = tag.end;
                if (tag.known && !take_tag<S, V>(layout, tag, std::make_index_sequence<field_count<S>>{}))
                    return false;
            }
        }
        return true;
    }
    template <class S, int V, std::size_t... I>
    [[nodiscard]] bool take_tag(const struct_layout& layout, const trusted_tag& tag,
                                std::index_sequence<I...>) noexcept {
        const auto fits = [&]<std::size_t Field>(std::integral_constant<std::size_t, Field>) noexcept {
            constexpr const field_info& field = tables_of<S>::fields[Field];
            if constexpr (field.tag >= 0 && width_of(field.kind) == 0)
                return tag.number != static_cast<std::uint32_t>(field.tag) ||
                       take_field<S, Field, V>(field_access<S, Field, V>::read(layout, tag.payload));
            else
                return true;
        };
        return (fits(std::integral_constant<std::size_t, I>{}) && ...);
    }

    template <class S, std::size_t I, int V, class Value>
    [[nodiscard]] bool take_field(const Value& value) noexcept {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (field.kind == field_kind::array) {
            constexpr bool boxed = !field.nullable.empty();
            return value.count == 0 || take_elements<S, I, V>(value, boxed);
        } else if constexpr (!field.nullable.empty()) {
            return !value || take_value<S, I>(*value);
        } else {
            return take_value<S, I>(value);
        }
    }

    template <class S, std::size_t I, class Value>
    [[nodiscard]] bool take_value(const Value& value) noexcept {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (field.kind == field_kind::string) {
            // The member has its default first.
            return take(of_text(value.size()) + of_text(field.default_text.size()),
                        reinterpret_cast<const std::byte*>(value.data()), field.name);
        } else if constexpr (field.kind == field_kind::structure) {
            if (take_struct(value)) return true;
            failure_.enter({field.name, -1});
            return false;
        } else {
            return take(of_bytes(value), value.data(), field.name);
        }
    }

    template <class S, std::size_t I, int V>
    [[nodiscard]] bool take_elements(const raw_array& raw, bool boxed) noexcept {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        std::int64_t index = 0;
        if constexpr (field.element == field_kind::structure) {
            using element = typename child_of<S, I>::data;
            if (!take_list<std::vector<element>>(raw, sizeof(element), boxed, field.name)) return false;
            for (const auto view : array_of<typename child_of<S, I>::template basic_view<V>>(raw)) {
                if (!take_struct(view)) {
                    failure_.enter({field.name, index});
                    return false;
                }
                ++index;
            }
            return true;
        } else if constexpr (field.element == field_kind::string) {
            if (!take_list<std::vector<std::string>>(raw, sizeof(std::string), boxed, field.name))
                return false;
            for (const std::string_view text : array_of<std::string_view>(raw)) {
                if (!take(of_text(text.size()), reinterpret_cast<const std::byte*>(text.data()), field.name,
                          index))
                    return false;
                ++index;
            }
            return true;
        } else {
            using element = typename scalar_of<field.element, field.enumerators>::type;
            using list = scalar_list<element>;
            return take_list<list>(raw, raw.count > list::inline_capacity ? sizeof(element) : 0, boxed,
                                   field.name);
        }
    }
    template <class List>
    [[nodiscard]] bool take_list(const raw_array& raw, std::size_t each, bool boxed,
                                 std::string_view field) noexcept {
        return take(std::uint64_t{raw.count} * each + (boxed ? sizeof(List) : 0), raw.elements, field);
    }

    template <class S, int V>
    [[nodiscard]] bool take_unknown_tags(const struct_view<S, V>& view) noexcept {
        constexpr std::string_view name = "unknown_tags";
        const unknown_tag_range section = unknown_tags(view);
        const tag_summary all = summary_of(section);
        if (all.count == 0) return true;
        const std::uint64_t sorted = all.rising ? 0 : sizeof(unknown_tag_view);
        if (!take(sizeof(std::vector<unknown_tag>) + all.count * (sizeof(unknown_tag) + sorted),
                  view_access::tags(view), name))
            return false;
        std::int64_t index = 0;
        for (const unknown_tag_view tag : section)
            if (!take(of_bytes(tag.payload), tag.payload.data(), name, index++)) return false;
        return true;
    }

    std::uint64_t left_;
    const shared_buffer& owner_;
    const std::byte* start_;
    error& failure_;
};

} // namespace kwire::inline KWIRE_ABI::detail
