/// Internal: the bytes of a struct with every field at its default, encoded at compile time.
#pragma once

#include <kwire/schema/info_of.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// The bytes of the struct `S` with every field at its default, at each version. A view of a struct that the
/// message does not hold shows them.
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
            const std::int64_t number = field.default_number;
            out.put(field.kind == field_kind::float64
                        ? std::bit_cast<std::uint64_t>(static_cast<double>(number))
                        : static_cast<std::uint64_t>(number),
                    width);
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
            if (has_varint_prefix(form))
                out.put(null ? 0 : field.default_text.size() + 1, 1);
            else
                out.put(null ? ~std::uint64_t{0} : field.default_text.size(),
                        prefix_size(length_form_of(form)));
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

} // namespace kwire::inline KWIRE_ABI::detail
