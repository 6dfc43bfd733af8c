/// Internal: the walk that fills `data` structs from checked bytes: one pass, in the order of the wire, whose
/// position is a value.
#pragma once

#include <kwire/buffer/detail/slice_supply.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/detail/cxx23.hpp>
#include <kwire/read/detail/tag_order.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/schema/detail/data.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/wire/detail/put_short.hpp>
#include <kwire/write/detail/data_rules.hpp>
#include <kwire/write/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// Becomes a `T` whose members have their defaults. `T()` has them too, but clears all its bytes before.
template <class T>
struct unwritten {
    operator T() const {
        T value;
        return value;
    }
};

/// Reads structs of the message `M` at one version into `data` structs that are as they were made: each field
/// has its default until then, and keeps it at versions that do not have the field. Bytes are slices of
/// `owner` if they are in it.
template <class M, int V>
class data_reader {
public:
    data_reader(int version, const shared_buffer& owner) noexcept : version_(version), slices_(owner) {}

    /// Fills `data` from the checked struct at `p`; returns the position after it.
    template <class S>
    KWIRE_PART const std::byte* read_struct(const std::byte* p, typename S::data& data) {
        if constexpr (member_count<S> != 0)
            with_members<member_count<S>>(data, [&](auto&... member) KWIRE_INLINED {
                p = this->template read_members<S>(p, std::make_index_sequence<member_count<S>>{}, member...);
            });
        if constexpr (!keeps_tags<S>) {
            return p;
        } else {
            if (!version_.flexible()) return p;
            if (*p == std::byte{0}) [[likely]]
                return p + 1;
            return read_tags<S>(p, data);
        }
    }

    /// Of what was read, one slice takes over the reference of `owner`, which is to get another value then.
    void give(shared_buffer&& owner) noexcept { slices_.settle_with(std::move(owner)); }

private:
    template <class S, std::size_t... I, class... Members>
    KWIRE_ALWAYS_INLINE const std::byte* read_members(const std::byte* p, std::index_sequence<I...>,
                                                      Members&... members) {
        ((p = read_member<S, I>(p, members)), ...);
        return p;
    }
    template <class S, std::size_t I, class Member>
    KWIRE_ALWAYS_INLINE const std::byte* read_member(const std::byte* p, [[maybe_unused]] Member& member) {
        if constexpr (I != field_count<S>) // unknown_tags
            if constexpr (tables_of<S>::fields[I].tag < 0)
                if (version_.in(tables_of<S>::fields[I].versions)) return read_field<S, I>(p, member);
        return p;
    }

    /// A field that the version has, or the payload of a tag. Null where the version has none was let pass by
    /// a lenient parse, and is empty.
    template <class S, std::size_t I, class Member>
    KWIRE_ALWAYS_INLINE const std::byte* read_field(const std::byte* p, Member& member) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        constexpr bool nullable = !field.nullable.empty();
        if constexpr (width_of(field.kind) != 0) {
            member = load_scalar<typename scalar_of<field.kind, field.enumerators>::type>(p);
            return p + width_of(field.kind);
        } else if constexpr (field.kind == field_kind::structure) {
            if constexpr (nullable) {
                if (version_.in(field.nullable) && skip_null_marker(p, field.tag >= 0)) {
                    member = std::nullopt;
                    return p;
                }
                return read_struct<child_of<S, I>>(p, member ? *member : member.emplace());
            } else {
                return read_struct<child_of<S, I>>(p, member);
            }
        } else {
            constexpr bool is_bytes = field.kind == field_kind::bytes || field.kind == field_kind::records;
            const bool compact = version_.compact(field);
            if constexpr (nullable) // the usual null, in line
                if (compact && *p == std::byte{0} && version_.in(field.nullable)) {
                    member = std::nullopt;
                    return p + 1;
                }
            const trusted_count length = is_bytes ? read_size_fast(p, compact, classic_form(field.kind))
                                                  : read_length_fast(p, compact, classic_form(field.kind));
            if constexpr (nullable)
                if (length.is_null() && version_.in(field.nullable)) {
                    member = std::nullopt;
                    return length.content;
                }
            if constexpr (field.kind == field_kind::array && nullable) {
                typename Member::list_type elements;
                // Before elements are destroyed, if they are: here, or by `member`, which takes them by value
                // and may have no memory for its list.
                const slice_supply::settled_first guard(slices_);
                p = read_elements<S, I>(length, elements);
                slices_.settle();
                member = std::move(elements);
                return p;
            } else if constexpr (field.kind == field_kind::array) {
                return read_elements<S, I>(length, member);
            } else if constexpr (field.kind == field_kind::string) {
                if constexpr (nullable)
                    read_text(length.text(), member ? *member : member.emplace());
                else
                    read_text(length.text(), member);
                return length.content + length.size;
            } else {
                const std::span bytes(length.content, std::size_t{length.size});
                if constexpr (requires { member.emplace(); })
                    member.emplace(keep(bytes));
                else if (!bytes.empty()) // else it is empty already
                    fill(member, bytes);
                return bytes.data() + bytes.size();
            }
        }
    }

    template <class S, std::size_t I, class Elements>
    KWIRE_PART const std::byte* read_elements(const trusted_count& array, Elements& elements) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        const std::size_t count = array.size; // checked: so many elements are in the input
        const std::byte* p = array.content;
        if constexpr (field.element == field_kind::structure) {
            elements.reserve(count);
            for (std::size_t i = 0; i < count; ++i) {
                elements.emplace_back(unwritten<typename Elements::value_type>());
                p = read_struct<child_of<S, I>>(p, elements.back());
            }
        } else if constexpr (field.element == field_kind::string) {
            elements.reserve(count);
            for (std::size_t i = 0; i < count; ++i) {
                const trusted_count text = read_length_fast(p, version_.compact(field), length_form::int16);
                read_text(text.text(), elements.emplace_back());
                p = text.content + text.size;
            }
        } else {
            using element = typename scalar_of<field.element, field.enumerators>::type;
            elements.resize_and_overwrite(count, [p](element* to, std::size_t n) noexcept {
                for (std::size_t i = 0; i < n; ++i) to[i] = load_scalar<element>(p + i * sizeof(element));
                return n;
            });
            p += count * sizeof(element);
        }
        return p;
    }

    // cost: an assignment calls two functions for a short text: 236 k instructions instead of 199 k for an
    // OffsetCommit request of 1000 partitions. For a long one it calls five.
    KWIRE_ALWAYS_INLINE static void read_text(std::string_view text, std::string& member) {
        if (text.size() > std::string().capacity()) {
            std::string fresh(text);
            std::destroy_at(&member);
            std::construct_at(&member, std::move(fresh));
        } else {
            resize_and_overwrite(member, text.size(), [&](char* to, std::size_t size) noexcept {
                put_short_bytes(reinterpret_cast<std::byte*>(to),
                                reinterpret_cast<const std::byte*>(text.data()), size);
                return size;
            });
        }
    }

    [[nodiscard]] shared_buffer keep(std::span<const std::byte> bytes) {
        return bytes.empty() ? shared_buffer() : slice(bytes);
    }
    // cost: an assignment would release what the member had, which is nothing: 387 k instructions instead of
    // 325 k for a Fetch response of 1000 partitions.
    KWIRE_ALWAYS_INLINE void fill(shared_buffer& empty, std::span<const std::byte> bytes) {
        std::construct_at(&empty, slice(bytes));
    }
    KWIRE_ALWAYS_INLINE void fill(payload& empty, std::span<const std::byte> bytes) {
        if (slices_.has(bytes)) [[likely]]
            payload_access::fill(empty, slices_.slice(bytes));
        else
            payload_access::fill(empty, shared_buffer::copy_of(bytes));
    }
    /// @pre !bytes.empty()
    [[nodiscard]] KWIRE_ALWAYS_INLINE shared_buffer slice(std::span<const std::byte> bytes) {
        if (slices_.has(bytes)) [[likely]]
            return slices_.slice(bytes);
        return shared_buffer::copy_of(bytes);
    }

    /// A tag section that is not empty. Of several tags with one number, which a lenient parse lets pass, the
    /// last counts.
    template <class S>
    KWIRE_NOINLINE const std::byte* read_tags(const std::byte* const section, typename S::data& data) {
        bool any_unknown = false;
        std::uint64_t read = 0; // a bit for each number below 64
        std::uint32_t left = 0;
        const std::byte* p = wire::read_uvarint_trusted(section, left);
        for (; left != 0; --left) {
            std::uint32_t number = 0, size = 0;
            p = wire::read_uvarint_trusted(p, number);
            p = wire::read_uvarint_trusted(p, size);
            const std::byte* after = nullptr;
            if (number < tag_order<S>.size()) {
                with_members<member_count<S>>(data, [&](auto&... member) KWIRE_INLINED {
                    after =
                        this->template read_known<S>(number, p, (read >> number & 1) != 0,
                                                     std::make_index_sequence<field_count<S>>{}, member...);
                });
                read |= std::uint64_t{1} << number;
            }
            any_unknown |= after == nullptr;
            p = after != nullptr ? after : p + size;
        }
        if (any_unknown) read_unknown_tags<S>(section, data.unknown_tags);
        return p;
    }
    /// The tag of this number, at its payload; nullptr if the version does not have it.
    template <class S, std::size_t... I, class... Members>
    KWIRE_ALWAYS_INLINE const std::byte*
    read_known([[maybe_unused]] std::uint32_t number, [[maybe_unused]] const std::byte* p,
               [[maybe_unused]] bool again, std::index_sequence<I...>, Members&... members) {
        const std::byte* after = nullptr;
        const std::tuple<Members&...> all(members...);
        static_cast<void>(
            ((after = read_known_one<S, I>(number, p, again, std::get<I>(all)), after != nullptr) || ...));
        return after;
    }
    template <class S, std::size_t I, class Member>
    KWIRE_ALWAYS_INLINE const std::byte*
    read_known_one([[maybe_unused]] std::uint32_t number, [[maybe_unused]] const std::byte* p,
                   [[maybe_unused]] bool again, [[maybe_unused]] Member& member) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (field.tag >= 0)
            if (number == static_cast<std::uint32_t>(field.tag) && version_.in(field.versions)) {
                if (again) [[unlikely]] {
                    slices_.settle();
                    member = Member{};
                }
                return read_field<S, I>(p, member);
            }
        return nullptr;
    }
    template <class S>
    KWIRE_COLD void read_unknown_tags(const std::byte* section, unknown_tag_list& tags) {
        const struct_layout& layout =
            info_of<S>.layouts[static_cast<std::size_t>(version_.number() - M::facts.versions.first)];
        const unknown_tag_range all(section, &layout);
        const tag_summary summary = summary_of(all);
        tags.reserve(summary.count);
        const auto add = [&](const auto& some) {
            for (const unknown_tag_view& tag : some) tags.push_back({tag.number, keep(tag.payload)});
        };
        summary.rising ? add(all) : add(tags_in_order(all));
    }

    target_version<M, V> version_;
    slice_supply slices_;
};

/// The `data` of a view, whose bytes are in `owner` or will be copied. If `owner` is moved, one of its slices
/// takes over its reference.
// cost: as a part of what calls it, it takes the room for inlining that the rest of a source has: beside it,
// check_and_visit of a Produce request of 1000 partitions took 79 k instructions instead of 60 k.
template <class S, int V, class Owner>
[[nodiscard]] KWIRE_NOINLINE typename S::data read_data(const struct_view<S, V>& view, Owner&& owner) {
    typename S::data data; // outlives the reader, which counts the references of its slices
    data_reader<message_of<S>, V> reader(version_of(view), owner);
    reader.template read_struct<S>(view_access::base(view), data);
    if constexpr (!std::is_lvalue_reference_v<Owner>) reader.give(std::forward<Owner>(owner));
    return data;
}

} // namespace kwire::inline KWIRE_ABI::detail
