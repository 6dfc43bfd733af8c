/// Changes any field of a message on its way: new bytes for what changes, references for all the rest.
///
///     auto response = kwire::parse<kwire::metadata_response>(*std::move(frame));
///     if (!response) return refuse(response.error());
///     kwire::splice edits(*response);
///     for (auto broker : response->brokers()) {
///         kwire::set<"host">(edits, broker, "proxy.example");
///         kwire::set<"port">(edits, broker, 9092 + broker.node_id());
///     }
///     auto changed = edits.apply();                              // the frame, as a buffer_chain
///     if (!changed) return refuse(changed.error());
///     send(*kwire::with_length(*std::move(changed)));
///
/// Every byte that is not edited is the original byte, by reference, also where another encoder would write
/// others (padded varints, tags with their default, unknown tags). Lengths, counts and the sizes of tags
/// around an edit follow. n edits cost one walk over the message, and no walk where no edit lies in a tag.
///
/// write/set.hpp sets fields of a fixed width in place, in bytes that have one owner. reflect/splice.hpp
/// edits fields that are known at run time only.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/message.hpp>
#include <kwire/schema/detail/view.hpp>
#include <kwire/write/detail/edit_list.hpp>
#include <kwire/write/detail/measure.hpp>
#include <kwire/write/detail/write_data.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// Where a whole message is that a view shows.
struct message_root {
    const struct_layout* layout;
    const std::byte* base;
    std::string_view name;
};
/// The root of a view; `View` may be dynamic (reflect/splice.hpp).
template <class View>
struct root_of;
template <class View>
    requires requires(const View& view) { view_access::base(view); }
struct root_of<View> {
    template <class M, int V>
    static message_root of(const struct_view<M, V>& view) noexcept {
        static_assert(std::is_same_v<M, message_of<M>>, "a splice is of a whole message");
        return {&view_access::layout(view), view_access::base(view), M::facts.name};
    }
};

struct splice_access;

} // namespace detail

/// The edits of one message. `set`, `insert`, `erase` and the others add to it, apply() makes the new bytes.
///
/// Edits speak of the message as it was parsed: positions in arrays are those of the original, whatever was
/// inserted or erased before. Where two edits set the same field the later one counts; edits inside of a
/// field, an element or a tag that another edit replaces or erases have no effect.
///
/// What cannot be done is kept as the first error, and apply() returns it, so that not every edit need be
/// looked at. Keeps a reference on the bytes of the message; views that are handed to the edits must be of
/// the same bytes. If an allocation fails, std::bad_alloc passes, out of apply() with all edits lost.
/// Threads: as a std::vector.
class splice {
public:
    /// Edits of `whole`, and of its frame if it came in one: apply() then gives the whole frame.
    template <class M, int V>
    explicit splice(const message<M, V>& whole)
        : splice(detail::root_of<typename message<M, V>::view_type>::of(whole.view()), whole.buffer()) {}
    /// Edits of a message of which `whole` is the view and `owner` keeps the bytes: apply() gives its body.
    /// Aborts if `whole` is not a view of bytes of `owner`.
    template <class View>
        requires requires(const View& view) { detail::root_of<View>::of(view); }
    splice(const View& whole, const shared_buffer& owner)
        : splice(detail::root_of<View>::of(whole), slice_of(owner, bytes_of(whole))) {}

    /// Whether there are no edits. Those that were refused do not count.
    [[nodiscard]] bool empty() const noexcept { return edits_.empty(); }
    /// Drops all tagged fields of the body that the schema does not know at its version, at any depth. Walks
    /// over the message.
    void erase_unknown_tags() { edits_.erase_unknown_tags(); }

    /// The message with its edits. Without edits it is one segment, the original buffer.
    ///
    /// A frame comes without its length, as message::frame() is (with_length). Segments are slices of the
    /// original, payloads that were set, and memory with the new bytes. Afterwards there are no edits.
    /// Errors, with the field's name: field_not_in_version, null_not_allowed, string_too_long and too_large
    /// as for `encode`; field_absent for a field of which the message holds no byte, such as one in an absent
    /// struct or an element of a null array (not of a null that a lenient parse took for an empty array), and
    /// for views of other bytes; bad_value for positions outside of an array and for an order that is not
    /// one.
    [[nodiscard]] expected<buffer_chain, error> apply() { return edits_.apply(); }

private:
    friend detail::splice_access;
    splice(const detail::message_root& root, shared_buffer bytes)
        : edits_(std::move(bytes), *root.layout, root.base, root.name) {}
    static shared_buffer slice_of(const shared_buffer& owner, std::span<const std::byte> bytes) {
        auto slice = owner.slice_of(bytes);
        detail::require(slice.has_value());
        return *std::move(slice); // NOLINT(bugprone-unchecked-optional-access): required above
    }

    detail::edit_list edits_;
};

namespace detail {

struct splice_access {
    static edit_list& list(splice& edits) noexcept { return edits.edits_; }
};

/// What an edit takes for field `I`: numbers and text as accessors show them, everything else as the member
/// of the `data` struct, for which the program includes <kwire/messages/x.hpp>.
template <class S, std::size_t I>
consteval auto spliced() {
    constexpr const field_info& field = tables_of<S>::fields[I];
    if constexpr (width_of(field.kind) != 0)
        return std::type_identity<typename scalar_of<field.kind, field.enumerators>::type>{};
    else if constexpr (field.kind == field_kind::string && field.nullable.empty())
        return std::type_identity<std::string_view>{};
    else if constexpr (field.kind == field_kind::string)
        return std::type_identity<std::optional<std::string_view>>{};
    else
        return std::type_identity<
            const std::remove_cvref_t<decltype(member_at<S, I>(std::declval<const typename S::data&>()))>&>{};
}
/// The same for an element of an array.
template <class S, std::size_t I>
consteval auto spliced_element() {
    constexpr const field_info& field = tables_of<S>::fields[I];
    if constexpr (width_of(field.element) != 0)
        return std::type_identity<typename scalar_of<field.element, field.enumerators>::type>{};
    else if constexpr (field.element == field_kind::string)
        return std::type_identity<std::string_view>{};
    else
        return std::type_identity<const typename child_of<S, I>::data&>{};
}
template <class S, name_literal Name>
inline constexpr std::size_t array_index = [] {
    constexpr std::size_t index = field_index<S, Name>;
    static_assert(tables_of<S>::fields[index].kind == field_kind::array, "the field is not an array");
    return index;
}();

template <class S, name_literal Name>
using spliced_t = typename decltype(spliced<S, field_index<S, Name>>())::type;
template <class S, name_literal Name>
using spliced_element_t = typename decltype(spliced_element<S, array_index<S, Name>>())::type;

/// The view that is meant where a message stands for its own fields.
template <class S, int V>
[[nodiscard]] const struct_view<S, V>& part_of(const struct_view<S, V>& view) noexcept {
    return view; // NOLINT(bugprone-return-const-ref-from-parameter): for one expression of the caller
}
template <class M, int V>
[[nodiscard]] const auto& part_of(const message<M, V>& whole) noexcept {
    return part_of(whole.view());
}
template <class S, int V>
S struct_shown_by(const struct_view<S, V>&);
/// The struct of which `Part`, a view or a message, shows the fields.
template <class Part>
using struct_in = decltype(struct_shown_by(part_of(std::declval<const Part&>())));

/// A view, and where its fields are.
template <class S, int V>
class place_of_view {
public:
    explicit place_of_view(const struct_view<S, V>& view) noexcept : view_(view) {}
    [[nodiscard]] operator struct_place() noexcept {
        return {&view_access::layout(view_), view_access::base(view_), view_access::ends(view_)};
    }

private:
    struct_view<S, V> view_;
};

/// Encodes something of the message `M` into memory of the list: `size` measures it, `write` writes it.
template <class M, class Size, class Write>
[[nodiscard]] std::optional<new_bytes> encode_new(edit_list& list, int version, Size&& size, Write&& write) {
    const target_version<M, any_version> target(version);
    error_slot refusal;
    measurer<M, any_version> measured(target, refusal);
    const std::uint64_t bytes = size(measured);
    if (bytes > wire::max_length) {
        if (bytes != measurer<M, any_version>::refused) refusal.emplace().code = errc::too_large;
        list.refuse(*refusal);
        return std::nullopt;
    }
    if (measured.attached == 0) {
        const auto [at, made] = list.make_bytes(static_cast<std::size_t>(bytes));
        if (at == nullptr) return std::nullopt;
        write(data_writer<M, any_version, memory_output>(target, {}), at);
        return made;
    }
    buffer_chain chain;
    chain_builder out(chain, static_cast<std::size_t>(bytes - measured.attached), measured.segments);
    out.finish(write(data_writer<M, any_version, built_chain>(target, {&out}), out.begin()), true);
    return list.keep_chain(std::move(chain));
}

template <class S, std::size_t I, class Value>
void splice_field(edit_list& list, const struct_place& place, const Value& value) {
    using M = message_of<S>;
    static constexpr const field_info& field = tables_of<S>::fields[I];
    const int version = place.layout->version;
    const target_version<M, any_version> target(version);
    if (!target.in(field.versions)) {
        if (!target.in(field.ignorable) && !is_default<S, I>(value))
            list.refuse(errc::field_not_in_version, field.name);
        return;
    }
    if (field.tag >= 0 && is_default<S, I>(value)) return list.erase_tag(place, field);
    const auto content = encode_new<M>(
        list, version, [&](auto& measure) { return measure.template size_of_field<S, I>(value); },
        [&](auto writer, std::byte* at) {
            return decltype(writer)::template put_field<S, I>(writer, at, value);
        });
    if (content) list.set_field(place, I, *content);
}

/// What becomes of a new element: edit_list::set_element or edit_list::insert.
using element_edit = void (edit_list::*)(const struct_place&, std::size_t, std::size_t, const new_bytes&);

template <class S, std::size_t I, class Element>
void splice_element(edit_list& list, const struct_place& place, std::size_t index, const Element& element,
                    element_edit edit) {
    const auto content = encode_new<message_of<S>>(
        list, place.layout->version,
        [&](auto& measure) {
            return measure.template size_of_element<S, I>(element, static_cast<std::int64_t>(index));
        },
        [&](auto writer, std::byte* at) {
            return decltype(writer)::template put_element<S, I>(writer, at, element);
        });
    if (content) (list.*edit)(place, I, index, *content);
}

} // namespace detail

/// Sets the field called `Name` of `part`: the message itself, a struct of it, or the header of its frame.
///
/// Numbers, enumerators and uuids by value, strings as std::string_view (std::nullopt is null where the
/// field may be null), everything else as the member of the `data` struct: bytes as a shared_buffer, records
/// as a payload, both by reference; arrays as vectors and lists; structs as their `data`. Text and structs
/// are copied at once. A tagged field is added if the message does not have it, and dropped if it is set to
/// its default. Errors: see splice::apply.
template <name_literal Name, class Part>
void set(splice& edits, const Part& part, detail::spliced_t<detail::struct_in<Part>, Name> value) {
    using S = detail::struct_in<Part>;
    detail::splice_field<S, field_index<S, Name>>(detail::splice_access::list(edits),
                                                  detail::place_of_view(detail::part_of(part)), value);
}

/// Sets element `i` of an array: a number, a string or a struct. Errors: see splice::apply.
template <name_literal Name, class Part>
void set_element(splice& edits, const Part& part, std::size_t i,
                 detail::spliced_element_t<detail::struct_in<Part>, Name> value) {
    using S = detail::struct_in<Part>;
    detail::splice_element<S, field_index<S, Name>>(detail::splice_access::list(edits),
                                                    detail::place_of_view(detail::part_of(part)), i, value,
                                                    &detail::edit_list::set_element);
}

/// Inserts an element before element `i`, or at the end if that is the size of the array. Elements inserted
/// at one position are in the order of the calls. Errors: see splice::apply.
template <name_literal Name, class Part>
void insert(splice& edits, const Part& part, std::size_t i,
            detail::spliced_element_t<detail::struct_in<Part>, Name> value) {
    using S = detail::struct_in<Part>;
    detail::splice_element<S, field_index<S, Name>>(detail::splice_access::list(edits),
                                                    detail::place_of_view(detail::part_of(part)), i, value,
                                                    &detail::edit_list::insert);
}

/// Removes element `i` of an array. Errors: see splice::apply.
template <name_literal Name, class Part>
void erase(splice& edits, const Part& part, std::size_t i) {
    constexpr std::size_t field = detail::array_index<detail::struct_in<Part>, Name>;
    detail::splice_access::list(edits).erase(detail::place_of_view(detail::part_of(part)), field, i);
}

/// Puts the elements of an array into another order: `order` has each position of the array once. What is
/// inserted stays before the element at whose position it was inserted. Errors: see splice::apply.
template <name_literal Name, class Part>
void reorder(splice& edits, const Part& part, std::span<const std::size_t> order) {
    constexpr std::size_t field = detail::array_index<detail::struct_in<Part>, Name>;
    detail::splice_access::list(edits).reorder(detail::place_of_view(detail::part_of(part)), field, order);
}

/// Drops the tagged fields of `part` that the schema does not know at its version; those of structs in it
/// stay. Errors: see splice::apply.
template <class Part>
void erase_unknown_tags(splice& edits, const Part& part) {
    detail::splice_access::list(edits).erase_unknown_tags(detail::place_of_view(detail::part_of(part)));
}

} // namespace kwire::inline KWIRE_ABI
