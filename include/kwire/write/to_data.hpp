/// From a message to a `data` struct of its own, to be kept or changed and encoded again.
///
///     auto data = kwire::to_data(*request);         // bytes and records stay where they are
///     data.topics.erase(data.topics.begin());
///     auto out = kwire::encode<kwire::metadata_response>(data, version);
///
/// `data` takes more memory than the bytes that it was read from, up to 46 times as much: what strangers send
/// is read through views, or with a limit.
///
///     auto bounded = kwire::to_data(*request, {.memory_limit = 1 << 20});
///     if (!bounded) return refuse(bounded.error()); // MetadataResponse v12 topics: memory_limit_exceeded ...
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/held.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/read/array.hpp>
#include <kwire/read/detail/tag_order.hpp>
#include <kwire/read/result.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/schema/detail/data.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/write/detail/data_memory.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire {

template <class M, int V>
class editable; // read/edit.hpp

/// How much memory the forms of `to_data` with a limit may take.
struct data_limits {
    /// Bytes that they may ask operator new for, in all; the struct that they return is not counted, nor what
    /// an allocator adds. Unset: 16 times the bytes of the message, at least 1 MiB.
    std::optional<std::uint64_t> memory_limit{};
};

namespace detail {

/// Becomes a `T` whose members have their defaults. `T()` has them too, but clears all its bytes before.
template <class T>
struct unwritten {
    operator T() const {
        T value;
        return value;
    }
};

/// Fills `data` structs that are as they were made: each field that is there has its default until then.
/// Bytes are slices of `owner` if they are in it.
///
/// A reader of every field need not look up the places of any: a struct's view grows while its fields are
/// read, and each field begins where the one before ends.
class data_reader {
public:
    explicit data_reader(const shared_buffer& owner) noexcept : owner_(owner) {}

    /// Fills `data` from the checked struct at `base`; returns the position after it.
    template <class S, int V, class Data>
    const std::byte* read_struct(const std::byte* base, const struct_layout& layout, Data& data) const {
        struct_view<S, V> view;
        view_access::adopt(view, base, layout);
        each_member<S>(data, [&]<std::size_t I>(std::integral_constant<std::size_t, I>, auto& member) {
            if constexpr (tables_of<S>::fields[I].tag < 0) read_field<I>(view, member);
            return true;
        });
        const std::byte* const after_fields = view_access::tags(view);
        if constexpr (!keeps_tags<S>) {
            return after_fields;
        } else {
            if (!view_access::layout(view).flexible) return after_fields;
            if (*after_fields == std::byte{0}) [[likely]]
                return after_fields + 1;
            return read_tags(view, data);
        }
    }

    template <class S, int V>
    [[nodiscard]] typename S::data read(const struct_view<S, V>& view) const {
        typename S::data data;
        read_struct<S, V>(view_access::base(view), view_access::layout(view), data);
        return data;
    }

private:
    [[nodiscard]] shared_buffer keep(std::span<const std::byte> bytes) const {
        if (bytes.empty()) return {};
        if (auto slice = owner_.slice_of(bytes)) return *std::move(slice);
        return shared_buffer::copy_of(bytes);
    }

    template <class S, int V, class Data>
    KWIRE_NOINLINE const std::byte* read_tags(const struct_view<S, V>& view, Data& data) const {
        each_member<S>(data, [&]<std::size_t I>(std::integral_constant<std::size_t, I>, auto& member) {
            if constexpr (tables_of<S>::fields[I].tag >= 0)
                if (view_access::find(view, I, true) != nullptr) read_value<S, I, V>(get<I>(view), member);
            return true;
        });
        const unknown_tag_range section = unknown_tags(view);
        const tag_summary all = summary_of(section);
        data.unknown_tags.reserve(all.count);
        const auto add = [&](const auto& tags) {
            for (const unknown_tag_view& tag : tags)
                data.unknown_tags.push_back({tag.number, keep(tag.payload)});
        };
        all.rising ? add(section) : add(tags_in_order(section));
        return view_access::end(view);
    }

    /// Reads a field that is not tagged, and tells the view where it ends.
    template <std::size_t I, class S, int V, class Member>
    KWIRE_ALWAYS_INLINE void read_field(struct_view<S, V>& view, Member& member) const {
        constexpr const field_info& field = tables_of<S>::fields[I];
        if (!view_access::has(view, field)) return;
        if constexpr (width_of(field.kind) != 0) {
            member = get<I>(view);
        } else {
            const std::byte* end = read_value<S, I, V>(get<I>(view), member);
            const struct_layout& layout = view_access::layout(view);
            const field_place& place = layout.places[I];
            if (end == nullptr)
                end = skip_any_step(place.step, layout, view_access::at(view, place.anchor, 0));
            view_access::ends(view)[place.step] = static_cast<std::uint32_t>(end - view_access::base(view));
        }
    }

    /// Puts what an accessor showed into a member. Returns the position after it; nullptr if it is null.
    template <class S, std::size_t I, int V, class Value, class Member>
    KWIRE_ALWAYS_INLINE const std::byte* read_value(const Value& value, Member& member) const {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        constexpr bool may_be_null = !field.nullable.empty();
        if constexpr (field.kind == field_kind::array) {
            if constexpr (may_be_null) {
                member = nullptr;
                if (value.elements == nullptr) return nullptr;
                typename Member::list_type elements;
                const std::byte* const end = read_elements<S, I, V>(value, elements);
                member = std::move(elements);
                return end;
            } else {
                return read_elements<S, I, V>(value, member);
            }
        } else if constexpr (may_be_null) {
            if (!value) return void(member = std::nullopt), nullptr;
            if constexpr (field.kind == field_kind::records)
                return read_one(*value, member);
            else
                return read_one(*value, owned_by(member));
        } else {
            return read_one(value, member);
        }
    }
    template <class T>
    static T& owned_by(std::optional<T>& member) {
        return member ? *member : member.emplace();
    }

    template <class S, std::size_t I, int V, class Elements>
    const std::byte* read_elements(const raw_array& raw, Elements& elements) const {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        const std::size_t count = raw.count; // checked: so many elements are in the input
        const std::byte* p = raw.elements;
        if constexpr (field.element == field_kind::structure) {
            elements.reserve(count);
            for (std::size_t i = 0; i < count; ++i) {
                elements.emplace_back(unwritten<typename Elements::value_type>());
                p = read_struct<child_of<S, I>, V>(p, *raw.layout, elements.back());
            }
        } else if constexpr (field.element == field_kind::string) {
            elements.reserve(count);
            for (const std::string_view element : array_of<std::string_view>(raw))
                p = read_one(element, elements.emplace_back());
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

    template <class T>
        requires(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, uuid>)
    static const std::byte* read_one(T value, T& member) noexcept {
        member = value;
        return nullptr;
    }
    static const std::byte* read_one(std::string_view value, std::string& member) {
        member = value;
        return reinterpret_cast<const std::byte*>(value.data() + value.size());
    }
    template <class Bytes>
    const std::byte* read_one(std::span<const std::byte> value, Bytes& member) const {
        member = keep(value);
        return value.data() + value.size();
    }
    template <class S, int V, class Data>
    const std::byte* read_one(const struct_view<S, V>& value, Data& member) const {
        return read_struct<S, V>(view_access::base(value), view_access::layout(value), member);
    }

    const shared_buffer& owner_;
};

/// The `data` of a view, within a limit.
template <class S, int V>
[[nodiscard]] std::expected<typename S::data, error>
bounded_data(const struct_view<S, V>& view, const shared_buffer& owner, const data_limits& limits) {
    constexpr std::uint64_t least = 1 << 20;
    constexpr std::uint64_t per_byte = 16;
    const std::uint64_t usual = per_byte * bytes_of(view).size();
    const std::uint64_t limit = limits.memory_limit.value_or(usual > least ? usual : least);
    error failure{.message = message_of<S>::facts.name, .version = version_of(view)};
    data_meter meter(limit, owner, view_access::base(view), failure);
    if (!meter.take_struct(view)) return std::unexpected(failure);
    return data_reader(owner).read(view);
}

template <class>
inline constexpr bool never = false;

} // namespace detail

/// The values of a message, or of a held part of one, as a `data` struct of their own.
///
/// Bytes and records are slices of its buffer and keep that alive: nothing of them is copied. Everything else
/// is owned, and takes up to 46 times the bytes of the message, in memory that is allocated list by list; if
/// it runs out, std::bad_alloc passes and nothing is kept.
template <class View>
[[nodiscard]] auto to_data(const held<View>& message) {
    return detail::data_reader(message.buffer()).read(message.view());
}
/// The same within a limit. What it takes is measured first, by a second walk: where the limit would be
/// exceeded, nothing is allocated.
///
/// Errors: memory_limit_exceeded, with the path and the offset of the field that would not fit, the bytes of
/// memory that it needs, and those left of the limit. Offsets count from the first byte of the view.
template <class View>
[[nodiscard]] auto to_data(const held<View>& message, const data_limits& limits) {
    return detail::bounded_data(message.view(), message.buffer(), limits);
}

/// The same for what `parse` returned. @pre has_value()
template <class T>
[[nodiscard]] auto to_data(const result<T>& message) {
    return to_data(*message);
}
template <class T>
[[nodiscard]] auto to_data(const result<T>& message, const data_limits& limits) {
    return to_data(*message, limits);
}
/// Not for a temporary result, of which the program cannot know yet whether it has a value.
template <class T>
void to_data(const result<T>&& message) = delete;
template <class T>
void to_data(const result<T>&& message, const data_limits& limits) = delete;

/// The same for a message that was written to: its bytes are shared from here on, as freeze() has it.
template <class M, int V>
[[nodiscard]] auto to_data(editable<M, V>&& message) {
    return to_data(std::move(message).freeze());
}
template <class M, int V>
[[nodiscard]] auto to_data(editable<M, V>&& message, const data_limits& limits) {
    return to_data(std::move(message).freeze(), limits);
}
/// Does not compile, and says what to call.
template <class M, int V>
typename M::data to_data(const editable<M, V>&) {
    static_assert(detail::never<M>,
                  "data shares the bytes, and an editable message must be their only holder: give it up with "
                  "to_data(std::move(message)), or freeze() it first");
    std::unreachable();
}

/// A view's values as a `data` struct of their own, with copies of bytes and records, which are counted in
/// copied_bytes(). For views of bytes that no shared_buffer holds; `to_data` copies nothing of those.
template <class S, int V>
[[nodiscard]] typename S::data copy_to_data(const struct_view<S, V>& view) {
    const shared_buffer no_owner;
    return detail::data_reader(no_owner).read(view);
}
/// The same within a limit, which counts the copies. Errors: as `to_data`.
template <class S, int V>
[[nodiscard]] std::expected<typename S::data, error> copy_to_data(const struct_view<S, V>& view,
                                                                  const data_limits& limits) {
    const shared_buffer no_owner;
    return detail::bounded_data(view, no_owner, limits);
}

/// Does not compile, and says what to call.
template <class S, int V>
typename S::data to_data(const struct_view<S, V>&) {
    static_assert(detail::never<S>,
                  "a view does not keep its bytes alive, so its data could not refer to them: give to_data "
                  "the message (to_data(message), not to_data(*message)) or message.hold(view), or call "
                  "copy_to_data(view), which copies all payloads");
    std::unreachable();
}

} // namespace kwire
