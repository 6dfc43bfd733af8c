/// Any message at run time, without a template for each: fields by number, as the schema's tables tell.
///
///     const kwire::message_info* info = kwire::find_message("FetchRequest");   // messages/registry.hpp
///     auto view = kwire::parse_view(*info, body, version);
///     for (const kwire::dynamic_value field : view->fields()) print(field.info().name, field);
///
/// Slower than the typed views by a look at the tables per field, and the same for every message: tools that
/// print, compare or convert whatever they are given are compiled once.
#pragma once

#include <kwire/detail/forward_iterator.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/detail/tag_order.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/read/versioned.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

/// A message as a value: its facts and its fields. Static storage.
struct message_info {
    /// Its name, key and versions.
    message_facts facts;
    /// Its fields.
    const struct_info* structure = nullptr;
};

/// The message `M` as a value.
template <class M>
inline constexpr message_info message_info_of{M::facts, &info_of<M>};

/// The least bytes that a body of `message` at `version` takes; nullopt for versions that it does not have.
[[nodiscard]] constexpr std::optional<std::uint32_t> minimum_size(const message_info& message,
                                                                  int version) noexcept {
    version = message.facts.canonical(version);
    if (!message.facts.versions.contains(version)) return std::nullopt;
    return message.structure->layouts[version - message.facts.versions.first].min_size;
}

class dynamic_view;
class dynamic_elements;
class dynamic_structs;
class dynamic_fields;

namespace detail {
struct dynamic_access;
} // namespace detail

/// A field of a dynamic_view, or an element of one that is an array.
///
/// Valid while the bytes of the message are. A field that the bytes do not hold, because the version
/// lacks it or its tag is not there, shows the schema's default. Each `kind()` has one function that shows
/// it; none may be called for a value that is null.
class dynamic_value {
public:
    /// The field, also of an element: then `kind()` is the field's `element`.
    [[nodiscard]] const field_info& info() const noexcept { return *field_; }
    [[nodiscard]] field_kind kind() const noexcept { return kind_; }
    /// Whether the bytes hold it, as null or otherwise.
    [[nodiscard]] bool present() const noexcept { return at_ != nullptr; }
    [[nodiscard]] bool is_null() const noexcept {
        if (at_ == nullptr) return field_->null_default && !field_->nullable.empty();
        switch (kind_) {
        case field_kind::string:
        case field_kind::bytes:
        case field_kind::records:
        case field_kind::array: return nullable() && counted().is_null(); // else it passed as empty
        case field_kind::structure: return struct_start() == nullptr;
        default: return false;
        }
    }

    /// Integers of every width, and booleans as 0 and 1.
    [[nodiscard]] std::int64_t number() const noexcept {
        if (at_ == nullptr) return field_->default_number;
        switch (kind_) {
        case field_kind::boolean: return *at_ != std::byte{0} ? 1 : 0;
        case field_kind::int8: return wire::load_be<std::int8_t>(at_);
        case field_kind::int16: return wire::load_be<std::int16_t>(at_);
        case field_kind::uint16: return wire::load_be<std::uint16_t>(at_);
        case field_kind::int32: return wire::load_be<std::int32_t>(at_);
        case field_kind::uint32: return wire::load_be<std::uint32_t>(at_);
        default: return wire::load_be<std::int64_t>(at_);
        }
    }
    /// A float64.
    [[nodiscard]] double real() const noexcept {
        return at_ == nullptr ? static_cast<double>(field_->default_number) : wire::load_be<double>(at_);
    }
    /// A uuid.
    [[nodiscard]] uuid id() const noexcept {
        return at_ == nullptr ? uuid{} : detail::load_scalar<uuid>(at_);
    }
    /// A string, in the message's bytes; not checked to be UTF-8.
    [[nodiscard]] std::string_view text() const noexcept {
        if (at_ == nullptr) return field_->default_text;
        const detail::trusted_count text = counted();
        return {reinterpret_cast<const char*>(text.content), text.size};
    }
    /// Bytes and records, in the message's bytes.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        if (at_ == nullptr) return {};
        const detail::trusted_count bytes = counted();
        return {bytes.content, bytes.size};
    }
    /// How many elements an array has.
    [[nodiscard]] std::size_t size() const noexcept { return at_ == nullptr ? 0 : counted().size; }
    /// The elements of an array, as a range of dynamic_value.
    [[nodiscard]] dynamic_elements elements() const noexcept;
    /// The elements of an array of structs, as a range of dynamic_view: each is walked once, while `elements`
    /// walks it again for its `structure()`.
    [[nodiscard]] dynamic_structs structs() const noexcept;
    /// A struct.
    [[nodiscard]] dynamic_view structure() const noexcept;

private:
    friend class dynamic_view;
    friend class dynamic_elements;
    friend class dynamic_structs;
    friend struct detail::dynamic_access;
    dynamic_value() noexcept = default;
    dynamic_value(const field_info& field, field_kind kind, const detail::struct_layout& around,
                  const std::byte* at, bool element) noexcept
        : field_(&field), around_(&around), at_(at), kind_(kind), element_(element) {}

    [[nodiscard]] bool compact() const noexcept { return around_->flexible && !field_->never_compact; }
    [[nodiscard]] detail::trusted_count counted() const noexcept {
        return detail::read_length(at_, compact(), detail::classic_form(kind_));
    }
    [[nodiscard]] bool nullable() const noexcept {
        return !element_ && field_->nullable.contains(around_->version);
    }
    /// The first byte after the marker of a nullable struct; nullptr if it is null.
    [[nodiscard]] const std::byte* struct_start() const noexcept {
        const std::byte* start = at_;
        return nullable() && detail::skip_null_marker(start, field_->tag >= 0) ? nullptr : start;
    }
    [[nodiscard]] std::size_t struct_size() const noexcept;
    [[nodiscard]] const detail::struct_layout& inner_layout() const noexcept {
        return field_->structure->layouts[around_->version_index];
    }

    const field_info* field_ = nullptr;
    const detail::struct_layout* around_ = nullptr; ///< of the struct that has the field
    const std::byte* at_ = nullptr;                 ///< nullptr: the default
    field_kind kind_{};
    bool element_ = false;
};

/// A struct or a whole message at one version: its fields in the schema's order, those that the version lacks
/// too.
///
/// Made by `parse_view` and by dynamic values, so that all it shows was checked. Refers to the message's
/// bytes and to static tables; copies freely.
class dynamic_view {
public:
    /// The message's name if this is a whole message, and empty if it is a struct of one.
    [[nodiscard]] std::string_view message() const noexcept { return message_; }
    [[nodiscard]] int version() const noexcept { return layout_->version; }
    [[nodiscard]] std::size_t field_count() const noexcept { return layout_->field_count; }
    /// Field number `i` in the schema's order, counted from 0.
    [[nodiscard]] dynamic_value field(std::size_t i) const noexcept {
        const field_info& field = layout_->fields[i];
        return {field, field.kind, *layout_, locate(i), false};
    }
    /// All fields, those that the version lacks too, as a range of dynamic_value.
    [[nodiscard]] dynamic_fields fields() const noexcept;
    /// The tagged fields that the schema does not know.
    [[nodiscard]] unknown_tag_range unknown_tags() const noexcept {
        if (base_ == nullptr || !layout_->flexible) return {};
        return {tags(), layout_};
    }
    /// The struct as it lies in the message, with its tags; nothing where the message does not hold it.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        if (base_ == nullptr) return {};
        return {base_, end()};
    }

private:
    friend class dynamic_value;
    friend class dynamic_structs;
    friend struct detail::dynamic_access;
    friend expected<dynamic_view, error> parse_view(const message_info& message,
                                                    std::span<const std::byte> body, int version,
                                                    parse_options options) noexcept;
    template <class S, int V>
    friend dynamic_view as_dynamic(const struct_view<S, V>& view) noexcept;

    dynamic_view(const detail::struct_layout& layout, const std::byte* base,
                 std::string_view message) noexcept
        : layout_(&layout), base_(base), message_(message) {
        ends_[0] = 0;
        if (base != nullptr) detail::find_ends(layout, base, false, &ends_[1]);
    }
    /// Of a struct that was walked: its steps end at `ends`.
    dynamic_view(const detail::struct_layout& layout, const std::byte* base, std::string_view message,
                 const std::uint32_t* ends) noexcept
        : layout_(&layout), base_(base), message_(message) {
        ends_[0] = 0;
        for (std::size_t i = 0; i < layout.step_count; ++i) ends_[i + 1] = ends[i];
    }

    [[nodiscard]] const std::byte* tags() const noexcept {
        return base_ + ends_[layout_->step_count] + layout_->tail;
    }
    [[nodiscard]] const std::byte* end() const noexcept {
        return layout_->flexible ? detail::skip_tags(*layout_, tags()) : tags();
    }
    [[nodiscard]] const std::byte* locate(std::size_t i) const noexcept {
        const detail::field_place place = layout_->places[i];
        if (base_ == nullptr || place.anchor == detail::field_place::absent) return nullptr;
        if (place.anchor == detail::field_place::in_tags)
            return detail::find_tag(*layout_, tags(), place.delta);
        return base_ + ends_[place.anchor] + place.delta;
    }

    const detail::struct_layout* layout_;
    const std::byte* base_;    ///< nullptr: every field shows its default
    std::string_view message_; ///< the message's name, in static storage; empty if it is a struct of one
    std::array<std::uint32_t, detail::max_struct_steps + 1> ends_;
};

/// The bytes that a dynamic view covers: the same question as to a typed one.
[[nodiscard]] inline std::span<const std::byte> bytes_of(const dynamic_view& view) noexcept {
    return view.bytes();
}
/// The version that a dynamic view was read at.
[[nodiscard]] inline std::int16_t version_of(const dynamic_view& view) noexcept {
    return static_cast<std::int16_t>(view.version());
}

namespace detail {

/// The one door to the inside of dynamic views.
struct dynamic_access {
    /// Where the value begins, with its length or marker; nullptr if the bytes do not hold it.
    static const std::byte* at(const dynamic_value& value) noexcept { return value.at_; }
    static int version(const dynamic_value& value) noexcept { return value.around_->version; }
    static void move_to(dynamic_view& view, const std::byte* base) noexcept { view.base_ = base; }
    /// Field number `i` of a struct of this layout, whose value begins at `at`; an element of it if
    /// `element`.
    static dynamic_value value(const struct_layout& layout, std::size_t i, const std::byte* at,
                               bool element) noexcept {
        const field_info& field = layout.fields[i];
        return {field, element ? field.element : field.kind, layout, at, element};
    }
    static const struct_layout& layout(const dynamic_view& view) noexcept { return *view.layout_; }
    /// The first byte of the struct; nullptr if the bytes do not hold it.
    static const std::byte* base(const dynamic_view& view) noexcept { return view.base_; }
    static const std::uint32_t* ends(const dynamic_view& view) noexcept { return view.ends_.data() + 1; }
};

} // namespace detail

/// Makes `view` a view of the same bytes at another place: `base` is its first byte there.
inline void move_view(dynamic_view& view, const std::byte* base) noexcept {
    detail::dynamic_access::move_to(view, base);
}

/// A typed view as a dynamic one: for what is written once for all messages (transcode.hpp, json.hpp).
template <class S, int V>
[[nodiscard]] dynamic_view as_dynamic(const struct_view<S, V>& view) noexcept {
    std::string_view message;
    if constexpr (std::is_same_v<S, message_of<S>>) message = S::facts.name;
    const detail::struct_layout& layout = detail::view_access::layout(view);
    struct_view<S, V> walked = view;
    return {layout, detail::view_access::base(view), message, detail::view_access::ends(walked)};
}

inline dynamic_view dynamic_value::structure() const noexcept {
    return {inner_layout(), at_ == nullptr ? nullptr : struct_start(), {}};
}

inline std::size_t dynamic_value::struct_size() const noexcept { return structure().bytes().size(); }

/// The elements of an array, in the order of the bytes. Valid while those are.
class dynamic_elements {
public:
    class iterator : public detail::forward_iterator<iterator, dynamic_value> {
    public:
        iterator() noexcept = default;

    private:
        friend class dynamic_elements;
        friend detail::forward_iterator<iterator, dynamic_value>;
        iterator(const dynamic_value& element, std::uint32_t left) noexcept
            : element_(element), left_(left) {}

        [[nodiscard]] dynamic_value current() const noexcept { return element_; }
        void advance() noexcept {
            --left_;
            if (element_.kind_ == field_kind::structure) {
                element_.at_ += element_.struct_size();
            } else if (element_.kind_ == field_kind::string) {
                const detail::trusted_count text = element_.counted();
                element_.at_ = text.content + text.size;
            } else {
                element_.at_ += width_of(element_.kind_);
            }
        }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return left_ == other.left_; }
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }

        dynamic_value element_;
        std::uint32_t left_ = 0;
    };

    [[nodiscard]] iterator begin() const noexcept { return iterator(first_, size_); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    friend class dynamic_value;
    explicit dynamic_elements(const dynamic_value& array) noexcept : first_(array) {
        first_.kind_ = array.field_->element;
        first_.element_ = true;
        if (array.at_ == nullptr) return;
        const detail::trusted_count elements = array.counted();
        first_.at_ = elements.content;
        size_ = elements.size;
    }

    dynamic_value first_;
    std::uint32_t size_ = 0;
};

inline dynamic_elements dynamic_value::elements() const noexcept { return dynamic_elements(*this); }

/// The structs of an array, in the order of the bytes. Valid while those are; the views too.
class dynamic_structs {
public:
    class iterator : public detail::forward_iterator<iterator, dynamic_view> {
    public:
        iterator() noexcept : view_(none, nullptr, {}) {}

    private:
        static constexpr detail::struct_layout none{};

        friend class dynamic_structs;
        friend detail::forward_iterator<iterator, dynamic_view>;
        iterator(const detail::struct_layout& layout, const std::byte* first, std::uint32_t left) noexcept
            : view_(layout, left != 0 ? first : nullptr, {}), left_(left) {}

        [[nodiscard]] const dynamic_view& current() const noexcept { return view_; }
        void advance() noexcept {
            if (--left_ != 0) view_ = dynamic_view(*view_.layout_, view_.end(), {});
        }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return left_ == other.left_; }
        [[nodiscard]] bool done() const noexcept { return left_ == 0; }

        dynamic_view view_;
        std::uint32_t left_ = 0;
    };

    [[nodiscard]] iterator begin() const noexcept { return iterator(*layout_, first_, size_); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    friend class dynamic_value;
    explicit dynamic_structs(const dynamic_value& array) noexcept : layout_(&array.inner_layout()) {
        if (array.at_ == nullptr) return;
        const detail::trusted_count elements = array.counted();
        first_ = elements.content;
        size_ = elements.size;
    }

    const detail::struct_layout* layout_;
    const std::byte* first_ = nullptr;
    std::uint32_t size_ = 0;
};

inline dynamic_structs dynamic_value::structs() const noexcept { return dynamic_structs(*this); }

/// The fields of a struct in the schema's order. Valid while the message's bytes are, whatever becomes of
/// the view.
class dynamic_fields {
public:
    class iterator : public detail::forward_iterator<iterator, dynamic_value> {
    public:
        iterator() noexcept = default;

    private:
        friend class dynamic_fields;
        friend detail::forward_iterator<iterator, dynamic_value>;
        iterator(const dynamic_view& view, std::size_t i) noexcept : view_(&view), i_(i) {}

        [[nodiscard]] dynamic_value current() const noexcept { return view_->field(i_); }
        void advance() noexcept { ++i_; }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept { return i_ == other.i_; }

        const dynamic_view* view_ = nullptr;
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
    friend class dynamic_view;
    explicit dynamic_fields(const dynamic_view& view) noexcept : view_(view) {}
    dynamic_view view_;
};

inline dynamic_fields dynamic_view::fields() const noexcept { return dynamic_fields(*this); }

/// Checks the body of `message` at `version` and shows it, without keeping the bytes alive.
///
/// `body` starts after the header and must outlive the view. Nothing is allocated. Errors: as parse_view<M>.
[[nodiscard]] inline expected<dynamic_view, error> parse_view(const message_info& message,
                                                              std::span<const std::byte> body, int version,
                                                              parse_options options = {}) noexcept {
    const int asked = std::exchange(version, message.facts.canonical(version));
    const std::byte* const start = body.empty() ? detail::nothing : body.data();
    std::array<std::uint32_t, detail::max_struct_steps> ends;
    detail::error_slot refusal;
    if (detail::check_body(message.facts, message.structure->layouts, start, body.size(), version, options,
                           ends.data(), refusal) == detail::body_state::refused) {
        refusal->version = static_cast<std::int16_t>(asked);
        return unexpected(*refusal);
    }
    return dynamic_view(
        message.structure->layouts[static_cast<std::size_t>(version - message.facts.versions.first)], start,
        message.facts.name, ends.data());
}

/// Not for temporary owners, whose bytes are gone before the view is looked at: `parse` keeps them.
template <detail::temporary_owner Owner>
expected<dynamic_view, error> parse_view(const message_info& message, Owner&& body, int version,
                                         parse_options options = {}) = delete;

/// In place of a message: which one it is was known at run time only. `message<dynamic>` is what `parse`
/// makes.
struct dynamic {
    /// The view of a message that is known at run time only.
    template <int V>
    using basic_view = dynamic_view;
    /// The same, under the name that messages have for it.
    using view = dynamic_view;
};

/// The same, and keeps the bytes alive together with the view. Takes a reference on the buffer, copies
/// nothing.
[[nodiscard]] inline result<message<dynamic>> parse(const message_info& info, shared_buffer body, int version,
                                                    parse_options options = {}) noexcept {
    const auto view = parse_view(info, body.span(), version, options);
    if (!view) return unexpected(view.error());
    return detail::message_access::make<dynamic, any_version>(*view, std::move(body));
}

/// The same for the body of a frame whose header is read. Errors: as parse_view, and api_mismatch if the
/// frame is of another API, or a request where `info` is a response, or the other way round.
template <class Header>
[[nodiscard]] result<message<dynamic>> parse(const message_info& info, message<unread<Header>> frame,
                                             parse_options options = {}) noexcept {
    constexpr std::string_view kind = std::is_same_v<Header, request_header> ? "Request" : "Response";
    if (frame.api() != static_cast<api_key>(info.facts.key) || !info.facts.name.ends_with(kind))
        return unexpected(detail::mismatch_of(frame));
    const detail::frame_place place = detail::message_access::place(frame);
    const auto view =
        parse_view(info, detail::body_in(frame.frame().span(), place), frame.api_version(), options);
    if (!view) return unexpected(view.error());
    return detail::message_access::make<dynamic, any_version>(*view, std::move(frame).frame(), place);
}

/// A message with its version in front, as parse_versioned_view<M> reads it.
[[nodiscard]] inline expected<dynamic_view, error> parse_versioned_view(const message_info& message,
                                                                        std::span<const std::byte> bytes,
                                                                        parse_options options = {}) noexcept {
    return detail::parse_after_version(
        message.facts, bytes, options,
        [&message](std::span<const std::byte> body, int version, parse_options of_body) noexcept {
            return parse_view(message, body, version, of_body);
        });
}
/// Not for temporary owners, as parse_view.
template <detail::temporary_owner Owner>
expected<dynamic_view, error> parse_versioned_view(const message_info& message, Owner&& bytes,
                                                   parse_options options = {}) = delete;

[[nodiscard]] bool same_content(const dynamic_view& a, const dynamic_view& b);

/// Whether two values mean the same: not how their varints are padded and not whether a tag at its default is
/// there, but every bit of every number, null or empty, and the unknown tags.
///
/// Both must be values of the same field; their versions may differ.
[[nodiscard]] inline bool same_content(const dynamic_value& a, const dynamic_value& b) {
    if (a.is_null() || b.is_null()) return a.is_null() == b.is_null();
    switch (a.kind()) {
    case field_kind::string: return a.text() == b.text();
    case field_kind::bytes:
    case field_kind::records: return std::ranges::equal(a.bytes(), b.bytes());
    case field_kind::uuid: return a.id() == b.id();
    case field_kind::float64:
        return std::bit_cast<std::uint64_t>(a.real()) == std::bit_cast<std::uint64_t>(b.real());
    case field_kind::structure: return same_content(a.structure(), b.structure());
    case field_kind::array: break;
    default: return a.number() == b.number();
    }
    if (a.size() != b.size()) return false;
    if (a.info().element == field_kind::structure)
        return std::ranges::equal(
            a.structs(), b.structs(),
            [](const dynamic_view& one, const dynamic_view& two) { return same_content(one, two); });
    auto other = b.elements().begin();
    for (const dynamic_value element : a.elements()) {
        if (!same_content(element, *other)) return false;
        ++other;
    }
    return true;
}

/// The same for two structs or messages of one type.
inline bool same_content(const dynamic_view& a, const dynamic_view& b) {
    for (std::size_t i = 0; i < a.field_count(); ++i)
        if (!same_content(a.field(i), b.field(i))) return false;
    return std::ranges::equal(
        detail::tags_in_order(a.unknown_tags()), detail::tags_in_order(b.unknown_tags()),
        [](const unknown_tag_view& one, const unknown_tag_view& other) {
            return one.number == other.number && std::ranges::equal(one.payload, other.payload);
        });
}

} // namespace kwire::inline KWIRE_ABI
