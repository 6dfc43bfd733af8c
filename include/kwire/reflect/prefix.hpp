/// The front of any message at run time, of which the rest is not there: as read/prefix.hpp, and by fields.
///
///     auto seen = kwire::parse_prefix(*info, first_256_bytes, version);
///     for (const kwire::dynamic_prefix_value field : seen->fields())
///         if (field.state() == kwire::seen_state::whole) print(field.info().name, field.value());
#pragma once

#include <kwire/detail/forward_iterator.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/prefix.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

class dynamic_prefix;
class dynamic_prefix_elements;
class dynamic_prefix_fields;

/// A field of a dynamic_prefix, or an element of one that is an array: what of it is there.
///
/// Valid while the bytes of the message are.
class dynamic_prefix_value {
public:
    /// The field, also of an element: then `kind()` is the field's `element`.
    [[nodiscard]] const field_info& info() const noexcept { return layout_->fields[field_]; }
    [[nodiscard]] field_kind kind() const noexcept { return element_ ? info().element : info().kind; }
    /// How much of it is there.
    [[nodiscard]] seen_state state() const noexcept { return found_.seen; }

    /// All of it, as views of whole messages show it. @pre it is whole, or absent: then its default
    [[nodiscard]] dynamic_value value() const noexcept {
        return detail::dynamic_access::value(*layout_, field_, found_.at, element_);
    }
    /// Whether it is null. @pre it is not missing
    [[nodiscard]] bool is_null() const noexcept { return value().is_null(); }

    /// The bytes that a string, bytes or records have as a whole, or the elements of an array: what their
    /// length says; 0 for null. Hostile bytes can claim any number, so allocate nothing from it. @pre it is
    /// not missing
    [[nodiscard]] std::size_t claimed() const noexcept {
        return kind() == field_kind::array ? value().size() : content().claimed;
    }
    /// What is there of a string, bytes or records. @pre it is not missing
    [[nodiscard]] cut_bytes content() const noexcept {
        if (found_.at == nullptr) return {{}, 0, true};
        return detail::bytes_there(found_.at, there_, compact(), kind());
    }
    /// How many elements of an array are all there. @pre it is not missing
    [[nodiscard]] std::size_t whole_elements() const noexcept {
        return found_.seen == seen_state::cut ? found_.part.count : value().size();
    }
    /// The elements of an array that are there: the whole ones, and of structs the one that is cut, if some
    /// of it is there. @pre it is not missing
    [[nodiscard]] dynamic_prefix_elements elements() const noexcept;
    /// A struct: what of it is there. @pre it is neither missing nor null
    [[nodiscard]] dynamic_prefix structure() const noexcept;

    /// The bytes that it takes in the message, its length or null marker included (not the number and size of
    /// a tag), as far as they are there; none if it is missing or absent.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept;

private:
    friend class dynamic_prefix;
    friend class dynamic_prefix_elements;
    dynamic_prefix_value() noexcept = default;
    dynamic_prefix_value(const detail::prefix_front& in, std::size_t field,
                         const detail::seen_field& found) noexcept
        : layout_(in.layout), there_(in.there), tolerated_(in.tolerated), field_(field), found_(found) {}

    [[nodiscard]] bool compact() const noexcept { return layout_->flexible && !info().never_compact; }
    [[nodiscard]] const detail::struct_layout& inner_layout() const noexcept {
        return info().structure->layouts[layout_->version_index];
    }
    using any_struct = detail::prefix_struct<detail::max_struct_steps>;
    [[nodiscard]] any_struct walked() const noexcept;

    const detail::struct_layout* layout_ = nullptr; ///< of the struct that has the field
    const std::byte* there_ = nullptr;
    detail::kept_options tolerated_{};
    std::size_t field_ = 0;
    detail::seen_field found_{};
    bool element_ = false;
};

/// The front of a struct or message at one version: its fields in the schema's order, those that are not
/// there too.
///
/// Made by `parse_prefix` and by dynamic prefix values, so that what it shows was checked. Refers to the
/// message's bytes and to static tables; copies freely.
class dynamic_prefix {
public:
    /// The message's name if this is a whole message, and empty if it is a struct of one.
    [[nodiscard]] std::string_view message() const noexcept { return message_; }
    [[nodiscard]] int version() const noexcept { return seen_.layout->version; }
    [[nodiscard]] std::size_t field_count() const noexcept { return seen_.layout->field_count; }
    /// Field number `i` in the schema's order, counted from 0.
    [[nodiscard]] dynamic_prefix_value field(std::size_t i) const noexcept {
        return {seen_, i, detail::find_seen(seen_, seen_.ends, i)};
    }
    /// All fields, those that are not there too, as a range of dynamic_prefix_value.
    [[nodiscard]] dynamic_prefix_fields fields() const noexcept;

    /// Whether all of the struct is there, its tags included.
    [[nodiscard]] bool is_whole() const noexcept { return seen_.base == nullptr || seen_.next != nullptr; }
    /// Where the struct is cut, as `cut` of a prefix_view; nullopt if nothing is.
    [[nodiscard]] std::optional<error> cut() const noexcept {
        if (is_whole()) return std::nullopt;
        error where = seen_.where_cut();
        where.message = message_;
        return where;
    }
    /// The bytes of the struct that are there; none where the message does not hold it.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return {seen_.base, seen_.next != nullptr ? seen_.next : seen_.there};
    }
    /// Where its tag section begins, counted from its first byte, and whether it has one that is there.
    [[nodiscard]] std::optional<std::size_t> tags_at() const noexcept {
        const detail::struct_layout& layout = *seen_.layout;
        if (seen_.base == nullptr || !layout.flexible || seen_.part.steps < layout.step_count)
            return std::nullopt;
        const std::size_t at = std::size_t{seen_.ends[layout.step_count]} + layout.tail;
        if (at >= static_cast<std::size_t>(seen_.there - seen_.base)) return std::nullopt;
        return at;
    }

private:
    friend class dynamic_prefix_value;
    friend expected<dynamic_prefix, error> parse_prefix(const message_info& message,
                                                        std::span<const std::byte> seen, int version,
                                                        prefix_options options) noexcept;
    dynamic_prefix() noexcept = default; // filled in by parse_prefix
    using any_struct = detail::prefix_struct<detail::max_struct_steps>;
    explicit dynamic_prefix(const any_struct& seen) noexcept : seen_(seen) {}

    any_struct seen_;
    std::string_view message_{};
};

inline dynamic_prefix_value::any_struct dynamic_prefix_value::walked() const noexcept {
    const std::byte* start = found_.at;
    if (start == nullptr) return any_struct::of_nothing(inner_layout());
    if (!element_ && info().nullable.contains(layout_->version))
        detail::skip_null_marker(start, info().tag >= 0);
    return any_struct::of(inner_layout(), start, there_, tolerated_);
}

inline dynamic_prefix dynamic_prefix_value::structure() const noexcept { return dynamic_prefix(walked()); }

/// The elements of an array that are there, in the order of the bytes. Valid while those are.
class dynamic_prefix_elements {
public:
    class iterator : public detail::forward_iterator<iterator, dynamic_prefix_value> {
    public:
        iterator() noexcept = default;

    private:
        friend class dynamic_prefix_elements;
        friend detail::forward_iterator<iterator, dynamic_prefix_value>;
        iterator(const dynamic_prefix_value& first, std::size_t left, bool last_is_cut) noexcept
            : element_(first), left_(left), last_is_cut_(last_is_cut) {
            mark();
        }

        [[nodiscard]] const dynamic_prefix_value& current() const noexcept { return element_; }
        void advance() noexcept {
            if (--left_ == 0) return;
            const std::span<const std::byte> bytes = element_.bytes();
            element_.found_.at = bytes.data() + bytes.size();
            mark();
        }
        void mark() noexcept {
            element_.found_.seen = left_ == 1 && last_is_cut_ ? seen_state::cut : seen_state::whole;
        }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return left_ == other.left_; }
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }

        dynamic_prefix_value element_;
        std::size_t left_ = 0;
        bool last_is_cut_ = false;
    };

    [[nodiscard]] iterator begin() const noexcept { return iterator(first_, size_, last_is_cut_); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    friend class dynamic_prefix_value;
    explicit dynamic_prefix_elements(const dynamic_prefix_value& array) noexcept : first_(array) {
        if (array.found_.at == nullptr) return;
        first_.element_ = true;
        first_.found_.at =
            detail::read_length(array.found_.at, array.compact(), detail::classic_form(field_kind::array))
                .content;
        const std::byte* const cut = array.state() == seen_state::cut ? array.found_.part.at : nullptr;
        last_is_cut_ = cut != nullptr && cut != array.there_ && array.info().element == field_kind::structure;
        size_ = array.whole_elements() + (last_is_cut_ ? 1 : 0);
    }

    dynamic_prefix_value first_;
    std::size_t size_ = 0;
    bool last_is_cut_ = false;
};

inline dynamic_prefix_elements dynamic_prefix_value::elements() const noexcept {
    return dynamic_prefix_elements(*this);
}

inline std::span<const std::byte> dynamic_prefix_value::bytes() const noexcept {
    if (found_.at == nullptr) return {};
    const std::byte* end = there_;
    if (found_.seen == seen_state::whole) {
        switch (kind()) {
        case field_kind::string:
        case field_kind::bytes:
        case field_kind::records: {
            const cut_bytes all = content();
            end = all.there.data() + all.there.size();
            break;
        }
        case field_kind::structure: {
            const std::byte* start = found_.at;
            const bool null = !element_ && info().nullable.contains(layout_->version) &&
                              detail::skip_null_marker(start, info().tag >= 0);
            end = null ? start : walked().next;
            break;
        }
        case field_kind::array: {
            // The step that walked it walks it again, since a view does not say where a tag's value ends.
            detail::error_slot refusal;
            detail::prefix_state state(found_.at, static_cast<std::size_t>(there_ - found_.at),
                                       detail::unknown_size, refusal, tolerated_);
            detail::seen_part part;
            const unsigned step = layout_->places[field_].step;
            end =
                detail::walk_prefix_step(step, *layout_, found_.at - layout_->steps[step].fixed, state, part);
            break;
        }
        default: end = found_.at + width_of(kind());
        }
    }
    return {found_.at, end};
}

/// The fields of a struct in the schema's order. Valid while the message's bytes are, whatever becomes of the
/// view.
class dynamic_prefix_fields {
public:
    class iterator : public detail::forward_iterator<iterator, dynamic_prefix_value> {
    public:
        iterator() noexcept = default;

    private:
        friend class dynamic_prefix_fields;
        friend detail::forward_iterator<iterator, dynamic_prefix_value>;
        iterator(const dynamic_prefix& view, std::size_t i) noexcept : view_(&view), i_(i) {}

        [[nodiscard]] dynamic_prefix_value current() const noexcept { return view_->field(i_); }
        void advance() noexcept { ++i_; }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return i_ == other.i_; }

        const dynamic_prefix* view_ = nullptr;
        std::size_t i_ = 0;
    };

    [[nodiscard]] iterator begin() const& noexcept KWIRE_LIFETIMEBOUND { return iterator(view_, 0); }
    iterator begin() const&& = delete;
    [[nodiscard]] iterator end() const& noexcept KWIRE_LIFETIMEBOUND {
        return iterator(view_, view_.field_count());
    }
    iterator end() const&& = delete;
    [[nodiscard]] std::size_t size() const noexcept { return view_.field_count(); }

private:
    friend class dynamic_prefix;
    explicit dynamic_prefix_fields(const dynamic_prefix& view) noexcept : view_(view) {}
    dynamic_prefix view_;
};

inline dynamic_prefix_fields dynamic_prefix::fields() const noexcept { return dynamic_prefix_fields(*this); }

/// Checks what is there of the body of `message` at `version`, and shows it. As parse_prefix<M>.
[[nodiscard]] inline expected<dynamic_prefix, error> parse_prefix(const message_info& message,
                                                                  std::span<const std::byte> seen,
                                                                  int version,
                                                                  prefix_options options = {}) noexcept {
    expected<dynamic_prefix, error> out{dynamic_prefix()};
    detail::error_slot refusal;
    if (detail::check_prefix(message.facts, message.structure->layouts, seen, version, options, out->seen_,
                             out->seen_.ends, refusal)) [[likely]]
        out->message_ = message.facts.name;
    else
        out = unexpected(*refusal);
    return out;
}

/// Not for temporary owners, whose bytes are gone before the view is looked at.
template <detail::temporary_owner Owner>
expected<dynamic_prefix, error> parse_prefix(const message_info& message, Owner&& seen, int version,
                                             prefix_options options = {}) = delete;

} // namespace kwire::inline KWIRE_ABI
