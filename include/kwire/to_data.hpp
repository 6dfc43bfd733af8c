/// From a view to a `data` struct of its own, to be kept or changed and encoded again.
///
///     auto data = kwire::to_data(*request);         // a held view: bytes and records stay where they are
///     data.topics.erase(data.topics.begin());
///     auto out = kwire::encode<kwire::metadata_request>(data, version);
#pragma once

#include <kwire/array.hpp>
#include <kwire/buffer.hpp>
#include <kwire/buffer_chain.hpp>
#include <kwire/held.hpp>
#include <kwire/schema/data.hpp>
#include <kwire/schema/tag_order.hpp>
#include <kwire/schema/view.hpp>
#include <kwire/tags.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

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
            for (const tag_view& tag : tags_in_order(unknown_tags(view)))
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

} // namespace kwire
