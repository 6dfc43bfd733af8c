/// Where the structs of a message lie and where their steps end, as views of it say: of every message, at the
/// version that is known at run time and at each version as a constant.
///
/// This is all that a walk finds out. It compiles in half the time of show.hpp, which reads every field too,
/// so that the tests can afford it for all pairs of message and version.
#pragma once

#include <kwire/read/array.hpp>
#include <kwire/read/parse.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace support {

/// A digest of places in a body, computed without allocating: equal places, equal digest.
class places {
public:
    explicit places(std::span<const std::byte> body) : body_(body) {}

    /// A struct, the ends of its steps counted from where it begins, and its tag section. Its structs follow,
    /// in the order of its fields; `false` if it is not in the body but a default, of which nothing is noted.
    bool structure(std::span<const std::byte> bytes, std::span<const std::uint32_t> ends);
    void null() { mix(1); }
    void array(std::size_t count) { mix(count + 2); }

    /// Whether the check for a version known at compile time accepts the bytes by itself: if it does not, the
    /// general one is asked why, and may accept them.
    bool unrolled = true;

    [[nodiscard]] std::uint64_t steps() const { return steps_; }     ///< everything
    [[nodiscard]] std::uint64_t structs() const { return structs_; } ///< all but where steps end

private:
    void mix(std::uint64_t more) {
        const auto mixed = [more](std::uint64_t value) {
            return (std::rotl(value, 5) ^ more) * 0x9e3779b97f4a7c15U;
        };
        steps_ = mixed(steps_);
        structs_ = mixed(structs_);
    }

    std::span<const std::byte> body_;
    std::uint64_t steps_ = 0, structs_ = 0;
};

template <class S, int V>
void walk(kwire::struct_view<S, V> view, places& out) {
    using access = kwire::detail::view_access;
    if (!out.structure(bytes_of(view), {access::ends(view), access::layout(view).step_count})) return;
    [[maybe_unused]] const auto one = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
        constexpr const kwire::field_info& field = kwire::detail::tables_of<S>::fields[I];
        if constexpr (field.structure != nullptr) {
            if (!field.versions.contains(version_of(view))) return;
            using inner = typename kwire::child_of<S, I>::template basic_view<V>;
            const auto value = kwire::get<I>(view);
            if constexpr (field.kind == kwire::field_kind::array) {
                if (value.elements == nullptr) return out.null();
                out.array(value.count);
                for (const inner element : kwire::array_of<inner>(value)) walk(element, out);
            } else if constexpr (requires { value.has_value(); }) {
                if (!value) return out.null();
                walk(*value, out);
            } else {
                walk(value, out);
            }
        }
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (one(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<kwire::detail::field_count<S>>{});
}

using fixed_walk = std::optional<kwire::error> (*)(std::span<const std::byte> body, places& out,
                                                   kwire::parse_options options);

/// A message as a value.
struct walked_message {
    kwire::message_facts facts;
    const kwire::struct_info* info = nullptr;

    /// Parses the body and notes its places; returns the error if that fails.
    std::optional<kwire::error> (*walk)(std::span<const std::byte> body, int version, places& out,
                                        kwire::parse_options options) = nullptr;
    /// The same through the view of a version that is known at compile time: one for each, from the first.
    const fixed_walk* fixed_walks = nullptr;

    [[nodiscard]] fixed_walk fixed_walk_of(int version) const {
        return fixed_walks[facts.canonical(version) - facts.versions.first];
    }
};

template <class M>
std::optional<kwire::error> parse_and_walk(std::span<const std::byte> body, int version, places& out,
                                           kwire::parse_options options) {
    const auto view = kwire::parse_view<M>(body, version, options);
    if (!view) return view.error();
    walk<M>(*view, out);
    return std::nullopt;
}

template <class M, int V>
std::optional<kwire::error> parse_and_walk_at(std::span<const std::byte> body, places& out,
                                              kwire::parse_options options) {
    const auto view = kwire::parse_view<M, V>(body, options);
    if (!view) return view.error();
    kwire::detail::error_slot ignored;
    std::uint32_t ends[kwire::detail::max_struct_steps];
    const std::byte* const start = body.empty() ? kwire::detail::nothing : body.data();
    kwire::detail::check_state state(start, body.size(), ignored);
    out.unrolled = kwire::detail::check_struct_at<M, V, true>(start, state, ends) != nullptr;
    walk<M>(*view, out);
    return std::nullopt;
}

template <class M>
inline constexpr auto fixed_walks = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<fixed_walk, sizeof...(I)>{&parse_and_walk_at<M, M::facts.versions.first + I>...};
}(std::make_integer_sequence<int, M::facts.versions.last - M::facts.versions.first + 1>{});

template <class M>
constexpr walked_message walked() {
    return {M::facts, &kwire::info_of<M>, &parse_and_walk<M>, fixed_walks<M>.data()};
}

} // namespace support
