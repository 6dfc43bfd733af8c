/// What `data` structs are made of, and how a view becomes one.
///
/// A `data` struct is a plain aggregate with one member per field, in the schema's order, each initialised to
/// the schema's default; the last member of a message with flexible versions is `unknown_tags`. Strings and
/// arrays are owned, null is an empty optional. Bytes are a `shared_buffer`; records are a `buffer_chain`, so
/// that the batches of one answer may lie in many places and still go out by reference.
#pragma once

#include <kwire/array.hpp>
#include <kwire/buffer_chain.hpp>
#include <kwire/held.hpp>
#include <kwire/schema/members.hpp>
#include <kwire/tags.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kwire {

/// An unknown tagged field to write: its number and its payload.
struct raw_tag {
    std::uint32_t number = 0;
    shared_buffer payload;

    friend bool operator==(const raw_tag&, const raw_tag&) = default;
};

/// Unknown tagged fields, ascending by number.
using raw_tags = std::vector<raw_tag>;

namespace detail {

/// Whether the `data` of `S` ends in `unknown_tags`.
template <class S>
inline constexpr bool keeps_tags = message_of<S>::facts.first_flexible <= message_of<S>::facts.versions.last;

template <class S>
inline constexpr std::size_t member_count = field_count<S> + (keeps_tags<S> ? 1 : 0);

/// Calls `f(index, member)` for every field's member of `object`, in order, as long as `f` returns true.
template <class S, class Data, class F>
constexpr bool each_member(Data& object, F&& f) {
    if constexpr (member_count<S> == 0)
        return true;
    else
        return with_members<member_count<S>>(object, [&]<class... Members>(Members&... members) {
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                [[maybe_unused]] const auto one =
                    [&]<std::size_t At>(std::integral_constant<std::size_t, At> index, auto& member) {
                        if constexpr (At < field_count<S>)
                            return f(index, member);
                        else
                            return true; // unknown_tags
                    };
                return (one(std::integral_constant<std::size_t, I>{}, members) && ...);
            }(std::make_index_sequence<sizeof...(Members)>{});
        });
}

/// Puts what an accessor showed into a member. Bytes are slices of `owner` where they lie in it.
class data_reader {
public:
    explicit data_reader(const shared_buffer& owner) noexcept : owner_(owner) {}

    template <class S, int V, class Data>
    void read(const struct_view<S, V>& view, Data& data) const {
        each_member<S>(data, [&]<std::size_t I>(std::integral_constant<std::size_t, I>, auto& member) {
            read_field<S, I, V>(get<I>(view), member);
            return true;
        });
        if constexpr (keeps_tags<S>) {
            data.unknown_tags.clear();
            for (const tag_view tag : unknown_tags(view))
                data.unknown_tags.push_back({tag.number, keep(tag.payload)});
        }
    }

private:
    [[nodiscard]] shared_buffer keep(std::span<const std::byte> bytes) const {
        if (bytes.empty()) return {};
        if (auto slice = owner_.slice_of(bytes)) return *std::move(slice);
        return shared_buffer::copy_of(bytes);
    }

    template <class S, std::size_t I, int V, class Value, class Member>
    void read_field(const Value& value, Member& member) const {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        constexpr bool may_be_null = !field.nullable.empty();
        if constexpr (field.kind == field_kind::array) {
            if constexpr (may_be_null) {
                if (value.count < 0) return member.reset();
                read_array<S, I, V>(value, member.emplace());
            } else {
                member.clear();
                read_array<S, I, V>(value, member);
            }
        } else if constexpr (may_be_null) {
            if (!value) return member.reset();
            read_value(*value, member.emplace());
        } else {
            read_value(value, member);
        }
    }

    template <class S, std::size_t I, int V, class Elements>
    void read_array(const raw_array& raw, Elements& elements) const {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        elements.reserve(static_cast<std::size_t>(raw.count)); // checked: that many elements are in the input
        if constexpr (field.element == field_kind::structure) {
            using view = typename child_of<S, I>::template basic_view<V>;
            for (const view& element : array_of<view>(raw)) read(element, elements.emplace_back());
        } else if constexpr (field.element == field_kind::string) {
            for (const std::string_view element : array_of<std::string_view>(raw))
                elements.emplace_back(element);
        } else {
            for (const auto element : array_of<typename scalar_of<field.element>::type>(raw))
                elements.push_back(element);
        }
    }

    template <class T>
        requires(std::is_arithmetic_v<T> || std::is_same_v<T, uuid>)
    void read_value(T value, T& member) const {
        member = value;
    }
    void read_value(std::string_view value, std::string& member) const { member = value; }
    void read_value(std::span<const std::byte> value, shared_buffer& member) const { member = keep(value); }
    void read_value(std::span<const std::byte> value, buffer_chain& member) const { member = keep(value); }
    template <class S, int V, class Data>
    void read_value(const struct_view<S, V>& value, Data& member) const {
        read(value, member);
    }

    const shared_buffer& owner_;
};

} // namespace detail

/// A view's values as a `data` struct of their own. Bytes and records are copied, and counted.
template <class S, int V>
[[nodiscard]] typename S::data to_data(const struct_view<S, V>& view) {
    const shared_buffer nobody;
    typename S::data data;
    detail::data_reader(nobody).read(view, data);
    return data;
}

/// The same for a held view: bytes and records are slices of its buffer, nothing of them is copied.
template <class View>
[[nodiscard]] auto to_data(const held<View>& message) {
    return [&]<class S, int V>(const struct_view<S, V>& view) {
        typename S::data data;
        detail::data_reader(message.buffer()).read(view, data);
        return data;
    }(message.view());
}

/// Calls `f(info, value)` for every field of a view in the schema's order: `info` is the constexpr
/// description, `value` what the accessor shows, arrays as `array_of` and `nullable_array_of`.
template <class S, int V, class F>
constexpr void visit_fields(const struct_view<S, V>& view, F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        [[maybe_unused]] const auto one = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
            static constexpr const field_info& field = detail::tables_of<S>::fields[At];
            if constexpr (field.kind == field_kind::array) {
                const auto pass = [&]<class E>(std::type_identity<E>) {
                    if constexpr (field.nullable.empty())
                        f(field, array_of<E>(get<At>(view)));
                    else
                        f(field, nullable_array_of<E>(get<At>(view)));
                };
                if constexpr (field.element == field_kind::structure)
                    pass(std::type_identity<typename child_of<S, At>::template basic_view<V>>{});
                else if constexpr (field.element == field_kind::string)
                    pass(std::type_identity<std::string_view>{});
                else
                    pass(std::type_identity<typename detail::scalar_of<field.element>::type>{});
            } else {
                f(field, get<At>(view));
            }
        };
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<detail::field_count<S>>{});
}

} // namespace kwire
