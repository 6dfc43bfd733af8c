/// The front of a message of which the rest is not there: for who watches the wire through a window.
///
///     auto seen = kwire::parse_prefix<kwire::metadata_response>(first_256_bytes, version);
///     if (!seen) return reject(seen.error());                  // wrong before it is cut
///     if (auto brokers = seen->get<"brokers">())               // nullopt: after the cut
///         for (auto broker : *brokers)                         // the last one may be cut itself
///             if (auto host = broker.get<"host">()) note(*host);
///
/// What a prefix view shows is what the view of the whole message would show: a field that is not all there
/// is missing, and never at its default. Views of whole messages (parse.hpp) need none of these questions.
#pragma once

#include <kwire/detail/forward_iterator.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/array.hpp>
#include <kwire/schema/detail/unrolled_prefix_walk.hpp>
#include <kwire/schema/info_of.hpp>
#include <kwire/wire/overlay.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// What is known beside the bytes of a message that may be cut.
struct prefix_options {
    /// What passes although it is wrong, as in `parse`.
    parse_options tolerate{};
    /// How many bytes the whole message has, if the length of its frame says it: a length that goes beyond is
    /// wrong then. Bytes after it are not looked at. If it is what is there, nothing is cut.
    std::uint64_t whole_size = detail::unknown_size;
};

template <class S, int V = any_version>
class prefix_view;
template <class E>
class prefix_array;

/// A string, bytes or records of which the end may not be there.
struct cut_bytes {
    std::span<const std::byte> there; ///< its first bytes
    std::uint32_t claimed = 0;        ///< how many bytes it has as a whole, as its length says; 0 for null
    /// Whether the field is null.
    bool null = false;

    /// Whether all of it is there.
    [[nodiscard]] bool whole() const noexcept { return there.size() == claimed; }
};

namespace detail {

struct prefix_access;

/// What `get` of a prefix view at version `V` shows for field `I` of the struct `S`.
template <class S, std::size_t I, int V, class Access = field_access<S, I, V>>
consteval auto seen_value() {
    constexpr const field_info& field = tables_of<S>::fields[I];
    if constexpr (field.kind == field_kind::array) {
        return std::type_identity<prefix_array<typename Access::shown>>{};
    } else if constexpr (field.kind == field_kind::structure) {
        using view = prefix_view<child_of<S, I>, V>;
        return std::type_identity<std::conditional_t<Access::nullable, std::optional<view>, view>>{};
    } else {
        return std::type_identity<typename Access::value>{};
    }
}
template <class S, std::size_t I, int V>
using seen_value_t = typename decltype(seen_value<S, I, V>())::type;

/// The string, bytes or records that begin at `at` with their length, which is there.
KWIRE_APART inline cut_bytes bytes_there(const std::byte* at, const std::byte* end, bool compact,
                                         field_kind kind) noexcept {
    const trusted_count length = read_length(at, compact, classic_form(kind));
    const auto left = static_cast<std::size_t>(end - length.content);
    return {{length.content, length.size < left ? length.size : left}, length.size, length.is_null()};
}

/// What is there of a body, as `options` say it.
inline std::span<const std::byte> body_there(std::span<const std::byte> bytes,
                                             const prefix_options& options) noexcept {
    const std::uint64_t size = bytes.size() < options.whole_size ? bytes.size() : options.whole_size;
    return {bytes.empty() ? nothing : bytes.data(), static_cast<std::size_t>(size)};
}

/// Whether the bytes after the end of a body, at `end`, may be there.
KWIRE_SMALL bool may_end(const prefix_state& state, const std::byte* end,
                         const prefix_options& options) noexcept {
    const std::uint64_t spare = state.left(end) + (options.whole_size != unknown_size ? state.beyond : 0);
    return spare == 0 || options.tolerate.trailing_bytes;
}

/// The front of the body of a message, and the ends of its steps; false if it is refused, and `refusal` says
/// why.
KWIRE_APART inline bool check_prefix(const message_facts& facts, const struct_layout* layouts,
                                     std::span<const std::byte> bytes, int version,
                                     const prefix_options& options, prefix_front& seen, std::uint32_t* ends,
                                     error_slot& refusal) noexcept {
    const std::span<const std::byte> there = body_there(bytes, options);
    const std::byte* const start = there.data();
    const int canonical = facts.canonical(version);
    prefix_state state(start, there.size(), options.whole_size - there.size(), refusal, options.tolerate);
    if (!facts.versions.contains(canonical)) {
        refuse(state, nullptr, errc::unsupported_version, start);
    } else if (there.size() > wire::max_length) {
        refuse(state, nullptr, errc::too_large, start);
    } else {
        seen.layout = &layouts[canonical - facts.versions.first];
        seen.base = start;
        seen.there = start + there.size();
        seen.tolerated = options.tolerate;
        ends[0] = 0;
        seen.next = walk_prefix(*seen.layout, start, state, ends + 1, seen.part);
        if (seen.next == nullptr && state.cut) return true;
        if (seen.next != nullptr) {
            if (may_end(state, seen.next, options)) return true;
            refuse(state, nullptr, errc::trailing_bytes, seen.next);
        }
    }
    refusal->message = facts.name;
    refusal->version = static_cast<std::int16_t>(version);
    return false;
}

/// The same at a version that is a constant.
template <class M, int V>
bool check_prefix_at(std::span<const std::byte> bytes, const prefix_options& options, prefix_front& seen,
                     std::uint32_t* ends, error_slot& refusal) noexcept {
    const std::span<const std::byte> there = body_there(bytes, options);
    const std::byte* const start = there.data();
    if (there.size() <= wire::max_length) [[likely]] {
        prefix_state state(start, there.size(), options.whole_size - there.size(), refusal, options.tolerate);
        ends[0] = 0;
        const std::byte* const next =
            walk_prefix_at<M, V, prefix_notes::all>(start, state, ends + 1, &seen.part);
        if (next != nullptr ? may_end(state, next, options) : state.cut) [[likely]] {
            seen.layout = &layout_at<M, V>;
            seen.base = start;
            seen.there = start + there.size();
            seen.next = next;
            seen.tolerated = options.tolerate;
            return true;
        }
    }
    return check_prefix(M::facts, tables_of<M>::layouts, bytes, V, options, seen, ends, refusal);
}

/// A front of struct `S` at version `V`: the run-time form of the walk fills it in, or the unrolled one.
template <class S, int V>
using seen_front = prefix_struct<steps_of<S, V>()>;

/// Fills in a struct at `at`, of which the rest may not be there.
template <class S, int V>
KWIRE_ALWAYS_INLINE void see_front_at(seen_front<S, V>& made, const struct_layout& layout,
                                      const std::byte* at, const std::byte* there,
                                      kept_options tolerated) noexcept {
    see_front(made, made.ends, layout, at, there, tolerated);
}
/// The same of one that is all there.
template <class S, int V>
KWIRE_ALWAYS_INLINE void see_whole_at(seen_front<S, V>& made, const struct_layout& layout,
                                      const std::byte* at, const std::byte* there,
                                      kept_options tolerated) noexcept {
    if constexpr (V == any_version) {
        see_whole(made, made.ends, layout, at, there, tolerated);
    } else {
        made.base = at;
        made.there = there;
        made.layout = &layout;
        made.tolerated = tolerated;
        made.part = {nullptr, 0, layout_at<S, V>.step_count};
        made.ends[0] = 0;
        made.next = skip_struct_at<S, V, true>(at, made.ends + 1);
    }
}

} // namespace detail

/// The front of a struct or message `S`: what of it is there.
///
/// Made by `parse_prefix` and by other prefix views, so that what it shows was checked. It points at the
/// bytes of the message, never at another view, and is valid while they are. `V` is its version if that is
/// known at compile time.
template <class S, int V>
class prefix_view {
public:
    /// The field called `Name`; nullopt if it is not all there. Arrays are there when their count is, and
    /// structs when their first byte may be: they show what is there of them.
    ///
    /// Numbers, strings and bytes are as the accessors of views show them, with a std::optional of its own
    /// where the schema allows null; an array is a prefix_array, a struct a prefix_view. A field that the
    /// message does not hold, because its version lacks it or its tag is not there, has the schema's default:
    /// a tag is known not to be there when a higher one is, or when no more follow.
    template <name_literal Name>
    [[nodiscard]] std::optional<detail::seen_value_t<S, field_index<S, Name>, V>> get() const noexcept {
        return at<field_index<S, Name>>();
    }
    /// The same for field number `I`.
    template <std::size_t I>
    [[nodiscard]] std::optional<detail::seen_value_t<S, I, V>> at() const noexcept {
        using access = detail::field_access<S, I, V>;
        using value = detail::seen_value_t<S, I, V>;
        constexpr const field_info& field = detail::tables_of<S>::fields[I];
        const detail::struct_layout& layout = this->layout();
        const detail::seen_field found = find<I>();
        if (found.seen == seen_state::missing) return std::nullopt;
        if constexpr (field.kind == field_kind::array) {
            if (found.seen == seen_state::absent) return value(access::default_value(layout));
            return value(access::read(layout, found.at), found, seen_);
        } else if constexpr (field.kind == field_kind::structure) {
            return structure<I, value>(found);
        } else {
            if (found.seen == seen_state::absent) return access::default_value(layout);
            if (found.seen == seen_state::cut) return std::nullopt;
            return access::read(layout, found.at);
        }
    }

    /// What is there of the string, bytes or records called `Name`; nullopt if its length is not all there.
    /// Null, and no bytes, where the message does not hold it.
    template <name_literal Name>
    [[nodiscard]] std::optional<cut_bytes> part() const noexcept {
        constexpr std::size_t i = field_index<S, Name>;
        constexpr const field_info& field = detail::tables_of<S>::fields[i];
        static_assert(field.kind == field_kind::string || field.kind == field_kind::bytes ||
                          field.kind == field_kind::records,
                      "only strings, bytes and records are shown in part");
        const detail::seen_field found = find<i>();
        if (found.seen == seen_state::missing) return std::nullopt;
        if (found.seen == seen_state::absent) return cut_bytes{{}, 0, true};
        return detail::bytes_there(found.at, seen_.there,
                                   detail::is_compact_at<detail::compact_versions<S>(field)>(layout()),
                                   field.kind);
    }

    /// Whether all of the struct is there, its tags included.
    [[nodiscard]] bool is_whole() const noexcept { return seen_.next != nullptr; }

    /// Where the struct is cut, as the error of a `parse` that needs all of it: the offset of the first value
    /// that is not whole, counted from the first byte of this struct, its path, and how many bytes it needs;
    /// nullopt if nothing is cut. Walks the struct again.
    [[nodiscard]] std::optional<error> cut() const noexcept {
        if (is_whole()) return std::nullopt;
        error where = seen_.where_cut();
        if constexpr (std::is_same_v<S, message_of<S>>) where.message = S::facts.name;
        return where;
    }

private:
    friend struct detail::prefix_access;
    using front = detail::seen_front<S, V>;
    prefix_view() noexcept = default; // filled in where it is

    [[nodiscard]] const detail::struct_layout& layout() const noexcept {
        if constexpr (V == any_version)
            return *seen_.layout;
        else
            return detail::layout_at<S, V>;
    }

    template <std::size_t I>
    [[nodiscard]] detail::seen_field find() const noexcept {
        if constexpr (V == any_version) {
            return detail::find_seen(seen_, seen_.ends, I);
        } else {
            constexpr detail::field_place place = detail::layout_at<S, V>.places[I];
            constexpr field_kind kind = detail::tables_of<S>::fields[I].kind;
            if constexpr (place.anchor == detail::field_place::absent)
                return {seen_state::absent, nullptr, {}};
            else if constexpr (place.anchor == detail::field_place::in_tags)
                return detail::find_seen_tag(seen_, seen_.ends, place);
            else
                return detail::find_seen_place(seen_, seen_.ends, place, width_of(kind));
        }
    }

    template <std::size_t I, class Value>
    [[nodiscard]] std::optional<Value> structure(const detail::seen_field& found) const noexcept {
        using child = child_of<S, I>;
        constexpr const field_info& field = detail::tables_of<S>::fields[I];
        const detail::struct_layout& layout = this->layout();
        const detail::struct_layout& inner = field.structure->layouts[layout.version_index];
        prefix_view<child, V> shown;
        if (found.seen == seen_state::absent) {
            if constexpr (!field.nullable.empty())
                if (field.null_default) return Value();
            const auto& bytes = detail::default_struct<child>::bytes[layout.version_index];
            detail::see_front_at<child, V>(shown.seen_, inner, bytes.data(), bytes.data() + bytes.size(), {});
            return shown;
        }
        const std::byte* start = found.at;
        if (field.nullable.contains(layout.version) && detail::skip_null_marker(start, field.tag >= 0)) {
            if constexpr (!field.nullable.empty()) return Value();
        }
        detail::see_front_at<child, V>(shown.seen_, inner, start, seen_.there, seen_.tolerated);
        return shown;
    }
    template <class, int>
    friend class prefix_view;

    front seen_;
};

namespace detail {

struct prefix_access {
    template <class S, int V>
    KWIRE_ALWAYS_INLINE static prefix_view<S, V> make(const seen_front<S, V>& seen) noexcept {
        prefix_view<S, V> view;
        view.seen_.take(seen);
        return view;
    }
    template <class S, int V>
    static const seen_front<S, V>& seen(const prefix_view<S, V>& view) noexcept {
        return view.seen_;
    }
    template <class S, int V>
    static seen_front<S, V>& fill(expected<prefix_view<S, V>, error>& out) noexcept {
        return out->seen_;
    }
    /// A result whose view is filled in where it stays.
    template <class S, int V>
    static expected<prefix_view<S, V>, error> empty() noexcept {
        return prefix_view<S, V>();
    }
};

/// The struct whose views are of the type `View`, and their version.
template <class View>
struct struct_shown {
    template <class S, int V>
    struct found {
        using type = S;
        static constexpr int version = V;
    };
    template <class S, int V>
    static found<S, V> of(const struct_view<S, V>&);
    using facts = decltype(of(std::declval<const View&>()));
};

} // namespace detail

/// The front of an array: the elements that are there, of as many as its count claims.
template <class E>
class prefix_array {
public:
    /// How many elements the array has as a whole, as its count says; 0 for null. Hostile bytes can claim any
    /// number, so allocate nothing from it.
    [[nodiscard]] std::size_t claimed() const noexcept { return claimed_; }
    /// Whether the array is null.
    [[nodiscard]] bool is_null() const noexcept { return null_; }
    /// Whether all claimed elements are there.
    [[nodiscard]] bool is_whole() const noexcept { return whole_.size() == claimed_; }
    /// The elements that are all there, as views of whole messages show them.
    [[nodiscard]] array_of<E> whole() const noexcept { return whole_; }

    /// Arrays of numbers and strings: a range of the whole elements.
    [[nodiscard]] auto begin() const noexcept { return whole_.begin(); }
    [[nodiscard]] auto end() const noexcept { return whole_.end(); }
    /// How many elements the range has.
    [[nodiscard]] std::size_t size() const noexcept { return whole_.size(); }

private:
    template <class, int>
    friend class prefix_view;
    explicit prefix_array(const detail::raw_array& all) noexcept
        : whole_(all), claimed_(all.count), null_(all.elements == nullptr) {}
    prefix_array(const detail::raw_array& all, const detail::seen_field& found,
                 const detail::prefix_front&) noexcept
        : prefix_array(all) {
        if (found.seen != seen_state::cut) return;
        detail::raw_array there = all;
        there.count = found.part.count;
        whole_ = array_of<E>(there);
    }

    array_of<E> whole_;
    std::uint32_t claimed_;
    bool null_;
};

/// The same for arrays of structs: a range of prefix views, of the whole elements and of that which is cut,
/// if some of it is there.
template <class E>
    requires requires(const E& view) { bytes_of(view); }
class prefix_array<E> {
    using element_struct = typename detail::struct_shown<E>::facts::type;
    static constexpr int version = detail::struct_shown<E>::facts::version;
    using view = prefix_view<element_struct, version>;
    using front = detail::seen_front<element_struct, version>;

public:
    class iterator : public detail::forward_iterator<iterator, view> {
    public:
        iterator() noexcept = default;

    private:
        friend class prefix_array;
        friend detail::forward_iterator<iterator, view>;
        explicit iterator(const prefix_array& in) noexcept
            : whole_(in.whole_count_), left_(static_cast<std::uint32_t>(in.size())) {
            if (left_ != 0) see(*in.layout_, in.first_, in.there_, in.tolerated_);
        }
        // An element that is all there needs no bounds.
        KWIRE_ALWAYS_INLINE void see(const detail::struct_layout& layout, const std::byte* at,
                                     const std::byte* there, detail::kept_options tolerated) noexcept {
            if (whole_ != 0) {
                detail::see_whole_at<element_struct, version>(at_, layout, at, there, tolerated);
            } else {
                front cut; // not `at_`, which may so be in registers
                detail::see_front_at<element_struct, version>(cut, layout, at, there, tolerated);
                at_ = cut;
            }
        }

        [[nodiscard]] view current() const noexcept {
            return detail::prefix_access::make<element_struct, version>(at_);
        }
        void advance() noexcept {
            --whole_; // only the last one can be cut
            if (--left_ != 0) see(*at_.layout, at_.next, at_.there, at_.tolerated);
        }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return left_ == other.left_; }
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }

        front at_;
        std::uint32_t whole_ = 0; ///< elements from here on that are all there
        std::uint32_t left_ = 0;
    };

    /// As in the arrays above.
    [[nodiscard]] std::size_t claimed() const noexcept { return claimed_; }
    [[nodiscard]] bool is_null() const noexcept { return null_; }
    [[nodiscard]] bool is_whole() const noexcept { return whole_count_ == claimed_; }
    [[nodiscard]] array_of<E> whole() const noexcept {
        return detail::raw_array{first_, whole_count_, false, layout_};
    }
    /// The element of which only the front is there; nullopt if there is no byte of it.
    [[nodiscard]] std::optional<view> cut() const noexcept {
        if (!has_cut_element()) return std::nullopt;
        front at;
        detail::see_front_at<element_struct, version>(at, *layout_, cut_at_, there_, tolerated_);
        return detail::prefix_access::make<element_struct, version>(at);
    }

    [[nodiscard]] iterator begin() const noexcept { return iterator(*this); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
    /// How many elements the range has: the whole ones and that which is cut.
    [[nodiscard]] std::size_t size() const noexcept {
        return std::size_t{whole_count_} + (has_cut_element() ? 1 : 0);
    }

private:
    template <class, int>
    friend class prefix_view;
    explicit prefix_array(const detail::raw_array& all) noexcept
        : layout_(all.layout),
          first_(all.elements),
          claimed_(all.count),
          whole_count_(all.count),
          null_(all.elements == nullptr) {}
    prefix_array(const detail::raw_array& all, const detail::seen_field& found,
                 const detail::prefix_front& in) noexcept
        : prefix_array(all) {
        there_ = in.there;
        tolerated_ = in.tolerated;
        if (found.seen != seen_state::cut) return;
        whole_count_ = found.part.count;
        cut_at_ = found.part.at;
    }
    [[nodiscard]] bool has_cut_element() const noexcept { return cut_at_ != nullptr && cut_at_ != there_; }

    const detail::struct_layout* layout_;
    const std::byte* first_;
    const std::byte* cut_at_ = nullptr; ///< the first element that is not whole, if there is one
    const std::byte* there_ = nullptr;
    detail::kept_options tolerated_{};
    std::uint32_t claimed_;
    std::uint32_t whole_count_;
    bool null_;
};

/// The version that a prefix view was read at.
template <class S, int V>
[[nodiscard]] std::int16_t version_of(const prefix_view<S, V>& view) noexcept {
    return detail::prefix_access::seen(view).layout->version;
}

/// The bytes of the struct that are there.
template <class S, int V>
[[nodiscard]] std::span<const std::byte> bytes_of(const prefix_view<S, V>& view) noexcept {
    const auto& seen = detail::prefix_access::seen(view);
    return {seen.base, seen.next != nullptr ? seen.next : seen.there};
}

/// Checks what is there of the body of message `M` at `version`, and shows it.
///
/// `seen` starts after the header and ends anywhere, before the end of the body or there; it must
/// outlive the view. Nothing is allocated, and the time is linear in its size, whatever lengths it claims.
/// Bytes that end too early have no error here. Errors: those of `parse_view` in what comes before the cut,
/// and count_exceeds_input and truncated for a length that goes beyond `options.whole_size`.
template <class M>
[[nodiscard]] expected<prefix_view<M>, error> parse_prefix(std::span<const std::byte> seen, int version,
                                                           prefix_options options = {}) noexcept {
    auto out = detail::prefix_access::empty<M, any_version>();
    auto& front = detail::prefix_access::fill(out);
    detail::error_slot refusal;
    if (!detail::check_prefix(M::facts, detail::tables_of<M>::layouts, seen, version, options, front,
                              front.ends, refusal)) [[unlikely]]
        out = unexpected(*refusal);
    return out;
}

/// The same where the version is known at compile time: a faster view of a type of its own.
template <class M, int V>
[[nodiscard]] expected<prefix_view<M, V>, error> parse_prefix(std::span<const std::byte> seen,
                                                              prefix_options options = {}) noexcept {
    auto out = detail::prefix_access::empty<M, V>();
    auto& front = detail::prefix_access::fill(out);
    detail::error_slot refusal;
    if (!detail::check_prefix_at<M, V>(seen, options, front, front.ends, refusal)) [[unlikely]]
        out = unexpected(*refusal);
    return out;
}

/// Not for temporary owners, whose bytes are gone before the view is looked at.
template <class M, detail::temporary_owner Owner>
expected<prefix_view<M>, error> parse_prefix(Owner&& seen, int version, prefix_options options = {}) = delete;
template <class M, int V, detail::temporary_owner Owner>
expected<prefix_view<M, V>, error> parse_prefix(Owner&& seen, prefix_options options = {}) = delete;

} // namespace kwire::inline KWIRE_ABI
