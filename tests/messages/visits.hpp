/// What a visitor sees of a message: by check_and_visit, and by the loop over a view that it must equal.
#pragma once

#include <kwire/read/check_and_visit.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "messages/digest.hpp"

namespace support {

/// Everything that was handed over, in its order, with all values and places; nothing is allocated.
struct visits {
    std::uint64_t seen = 0; ///< a digest
    std::size_t structs = 0;
    std::size_t fronts = 0;

    void whole(const digest& content, std::span<const std::byte> bytes) {
        ++structs;
        mix(content.value());
        mix(std::bit_cast<std::uintptr_t>(bytes.data()));
        mix(bytes.size());
    }
    void front(std::size_t field, const digest& content) {
        ++fronts;
        mix(field);
        mix(content.value());
    }

private:
    void mix(std::uint64_t more) { seen = (std::rotl(seen, 5) ^ more) * 0x9e3779b97f4a7c15U; }
};

/// Shows the fields of a view before field number `End`, as far as they are not tagged.
template <std::size_t End, class S, int V>
[[gnu::noinline]] void show_front(const kwire::struct_view<S, V>& view, sink& out) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        [[maybe_unused]] const auto one = [&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
            static constexpr const kwire::field_info& field = kwire::info_of<S>.fields[J];
            if constexpr (field.tag < 0) {
                out.field(field);
                const auto value = kwire::get<J>(view);
                if constexpr (field.kind != kwire::field_kind::array) {
                    show_value(value, out);
                } else {
                    using element =
                        typename kwire::detail::shown_type<S, J, kwire::detail::whole_version(V)>::type;
                    show_value(kwire::nullable_array_of<element>(value), out);
                }
            }
        };
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<End>{});
}

/// Wants all structs, and whatever lies before structs.
struct visitor_of_all {
    visits& out;

    template <class S, int V>
        requires kwire::whole_view<kwire::struct_view<S, V>>
    [[gnu::noinline]] void operator()(const kwire::struct_view<S, V>& view) const {
        digest content;
        show(view, content);
        out.whole(content, kwire::bytes_of(view));
    }
    template <class S, int V>
    [[gnu::noinline]] void operator()(const kwire::struct_view<S, V>& front) const {
        constexpr std::size_t end = kwire::detail::front_end(V);
        digest content;
        show_front<end>(front, content);
        out.front(end, content);
    }
};

/// Wants the structs that have none in them.
struct visitor_of_leaves {
    visits& out;

    template <class S>
    static constexpr bool is_leaf = [] {
        for (const kwire::field_info& field : S::template fields<>.fields)
            if (field.structure != nullptr) return false;
        return true;
    }();

    template <class S, int V>
        requires is_leaf<S>
    [[gnu::noinline]] void operator()(const kwire::struct_view<S, V>& view) const {
        visitor_of_all{out}(view);
    }
};

/// The same from a message that was parsed, by the loop that everyone would write.
template <class Visitor, class S, int V>
[[gnu::noinline]] void visit_parsed(const kwire::struct_view<S, V>& view, const Visitor& visitor) {
    [[maybe_unused]] const auto inside = [&]<std::size_t I>(std::integral_constant<std::size_t, I>,
                                                            bool tagged) {
        static constexpr const kwire::field_info& field = kwire::info_of<S>.fields[I];
        if constexpr (field.structure != nullptr) {
            if ((field.tag >= 0) != tagged || !field.versions.contains(kwire::version_of(view))) return;
            if constexpr (field.tag < 0 && std::is_same_v<Visitor, visitor_of_all>) {
                digest content;
                show_front<I>(view, content);
                visitor.out.front(I, content);
            }
            using inner = typename kwire::child_of<S, I>::template basic_view<V>;
            const auto value = kwire::get<I>(view);
            if constexpr (field.kind == kwire::field_kind::array) {
                for (const inner element : kwire::array_of<inner>(value)) visit_parsed(element, visitor);
            } else if constexpr (requires { value.has_value(); }) {
                if (value && !kwire::bytes_of(*value).empty()) visit_parsed(*value, visitor);
            } else if (!kwire::bytes_of(value).empty()) {
                visit_parsed(value, visitor);
            }
        }
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (inside(std::integral_constant<std::size_t, I>{}, false), ...);
        (inside(std::integral_constant<std::size_t, I>{}, true), ...);
    }(std::make_index_sequence<kwire::detail::field_count<S>>{});
    if constexpr (requires { visitor(view); }) visitor(view);
}

} // namespace support
