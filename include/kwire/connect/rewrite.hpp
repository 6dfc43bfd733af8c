/// Changes names, ids and addresses in whatever message it is, by what its fields mean.
///
///     // A proxy shows its own address for each broker, and hides a prefix of topics and groups.
///     auto out = kwire::rewrite(*frame, {kwire::entity::host, kwire::entity::topic_name},
///                               [&](kwire::named_field& field) {
///         if (field.meaning() == kwire::entity::host) {
///             if (!field.text().empty())                         // else no coordinator was found
///                 field.set_address("proxy.example", port_of(field.number_of(kwire::entity::broker_id)));
///         } else if (field.text().starts_with("tenant-a.")) {
///             field.set_text(field.text().substr(9));
///         } else {
///             field.drop();                                      // of another tenant: not in the list
///         }
///     });
///     if (!out) return refuse(out.error());
///     send(*kwire::with_length(*std::move(out)));
///
/// The schema says what fields mean (schema/meaning.hpp), in requests and responses, headers, tags, and in
/// the subscriptions and assignments that consumers send as bytes: a field that a later version adds is
/// covered like the others. Bytes that do not change are the original bytes, by reference (write/splice.hpp);
/// if nothing changes, the result is the frame itself.
#pragma once

#include <kwire/connect/detail/noted_ends.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/splice.hpp>
#include <kwire/schema/meaning.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// A struct of the message, and the array element that it is.
struct rewritten_struct {
    const struct_place* place;
    const rewritten_struct* around = nullptr; ///< nullptr: the message
    std::size_t field = 0;                    ///< of the struct around, which holds this one
    std::optional<std::size_t> element;       ///< if that field is an array
};

class rewriter;

} // namespace detail

/// A field that means something, in a message that is rewritten: what it says now, and what it is to say.
///
/// Valid during the call that receives it. What is not set stays. Errors of the setters come back from
/// `rewrite`: bad_value for a field of another type; string_too_long.
class named_field {
public:
    named_field(const named_field&) = delete;
    named_field& operator=(const named_field&) = delete;

    /// What it names. Where another field decides what it is, such as the type of a resource, the decided
    /// meaning: topic_name, and not config_resource.
    [[nodiscard]] entity meaning() const noexcept { return meaning_; }
    /// The field in the schema; of an array of names, the array.
    [[nodiscard]] const field_info& info() const noexcept { return value_.info(); }
    /// The text of a field that is a string; empty for others.
    [[nodiscard]] std::string_view text() const noexcept {
        return value_.kind() == field_kind::string ? value_.text() : std::string_view{};
    }
    /// The number of a field that is one, or that is one in decimal digits, as brokers are among resources;
    /// -1 for text that is not a number.
    [[nodiscard]] std::int64_t number() const noexcept;
    /// The id of a field that is a uuid; zero for others.
    [[nodiscard]] uuid id() const noexcept {
        return value_.kind() == field_kind::uuid ? value_.id() : uuid{};
    }
    /// The port that belongs to a host or client_host; -1 if there is none.
    [[nodiscard]] std::int64_t port() const noexcept {
        return number_of(meaning_ == entity::client_host ? entity::client_port : entity::port).value_or(-1);
    }
    /// A number with another meaning in the same struct: of a host, the broker_id that listens there. The
    /// default if the version lacks the field, nullopt if the struct has no such field.
    [[nodiscard]] std::optional<std::int64_t> number_of(entity neighbour) const noexcept;
    /// A text with another meaning in the same struct; nullopt also for null.
    [[nodiscard]] std::optional<std::string_view> text_of(entity neighbour) const noexcept;
    /// An id with another meaning in the same struct: of a topic_name, its topic_id.
    [[nodiscard]] std::optional<uuid> id_of(entity neighbour) const noexcept;

    /// Text is copied; up to 32767 bytes.
    void set_text(std::string_view text);
    /// Of a text that is a number, its digits.
    void set_number(std::int64_t number);
    void set_id(const uuid& id);
    /// Sets a host, and its port if the struct has one.
    void set_address(std::string_view host, std::int32_t port);
    /// Removes the element of the innermost array that the field is, or is in: the topic whose name this is.
    /// Outside of arrays it has no effect.
    void drop();

private:
    friend class detail::rewriter;
    named_field(detail::edit_list& list, const detail::rewritten_struct& in, std::size_t field,
                const dynamic_value& value, entity meaning) noexcept
        : list_(&list), in_(&in), field_(field), value_(value), meaning_(meaning) {}

    [[nodiscard]] std::optional<dynamic_value> neighbour(entity meaning) const noexcept;
    void set_value(std::size_t field, const new_value& value);

    detail::edit_list* list_;
    const detail::rewritten_struct* in_;
    std::size_t field_;
    dynamic_value value_;
    entity meaning_;
    std::optional<std::size_t> element_;     ///< if the field is an array of names
    const std::byte* element_end_ = nullptr; ///< of that element
};

/// What a message does not say itself.
struct rewrite_options {
    /// How strict the body is read, however its header was parsed, and the bytes inside of it.
    parse_options parse{};
    /// What the keys of a FindCoordinator response are, as its request said: 0: groups, 1: transactional ids.
    /// Without it such keys mean coordinator_key, and are given to those who want one of both.
    std::optional<std::int8_t> coordinator_key_type{};
};

namespace detail {

/// A function for fields, whatever its type.
struct rewrite_function {
    void* object;
    void (*call)(void*, named_field&);

    template <class F>
    static rewrite_function of(F& f) noexcept {
        using object_type = std::remove_reference_t<F>;
        return {const_cast<void*>(static_cast<const void*>(std::addressof(f))),
                [](void* f_of, named_field& field) { (*static_cast<object_type*>(f_of))(field); }};
    }
};

/// The field of a struct that has this meaning at any version; the number of fields if there is none.
[[nodiscard]] inline std::size_t field_meaning(const struct_layout& layout, entity meaning) noexcept {
    std::size_t i = 0;
    while (i != layout.field_count && layout.fields[i].names != meaning) ++i;
    return i;
}
[[nodiscard]] inline std::optional<dynamic_value> value_meaning(const struct_place& place,
                                                                entity meaning) noexcept {
    const std::size_t i = field_meaning(*place.layout, meaning);
    if (i == place.layout->field_count || place.layout->fields[i].kind == field_kind::array)
        return std::nullopt;
    return dynamic_access::value(*place.layout, i, place.find(i), false);
}

/// Walks over the structs of one message that can hold what is wanted.
class rewriter {
public:
    rewriter(edit_list& list, entity_set wanted, rewrite_function map,
             const rewrite_options& options) noexcept
        : list_(&list), map_(map), options_(&options), asked_(wanted), wanted_(with_undecided(wanted)) {}

    /// The struct at `place` and all in it that means something. `noted` are the ends of structs in it, if
    /// the check has noted them.
    void visit(const struct_place& place, noted_ends* noted = nullptr) const {
        const visited_fields fields(*place.layout, *this);
        visit_struct({&place, nullptr, 0, std::nullopt}, fields, noted);
    }
    /// The meanings of the fields that are visited.
    [[nodiscard]] entity_set visited() const noexcept { return wanted_; }

private:
    /// With the meanings of fields that can turn out to be a wanted one.
    [[nodiscard]] static entity_set with_undecided(entity_set wanted) noexcept {
        entity_set all = wanted;
        using enum entity;
        if (wanted.contains(port)) all |= host;
        if (wanted.intersects({topic_name, broker_id, client_metrics, group_id})) all |= config_resource;
        if (wanted.intersects({topic_name, group_id, transactional_id, token_id, principal}))
            all |= acl_resource;
        if (wanted.intersects({principal_name, client_id, client_host})) all |= quota_entity;
        if (wanted.intersects({group_id, transactional_id, share_partition})) all |= coordinator_key;
        if (wanted.intersects(info_of<consumer_protocol_subscription>.meanings)) all |= subscription;
        if (wanted.intersects(info_of<consumer_protocol_assignment>.meanings)) all |= assignment;
        return all;
    }

    /// The fields of a struct that are visited: found once for all structs of an array.
    class visited_fields {
    public:
        struct one {
            std::uint8_t index;
            bool plain; ///< one value, with a meaning of its own that is asked for
        };
        visited_fields(const struct_layout& layout, const rewriter& by) noexcept {
            for (std::uint8_t i = 0; i != layout.field_count; ++i) {
                const field_info& field = layout.fields[i];
                if (layout.places[i].anchor == field_place::absent) continue;
                if (field.structure != nullptr ? field.structure->meanings.intersects(by.wanted_)
                                               : by.wanted_.contains(field.names) && !comes_with_host(field))
                    all_[count_++] = {i, is_plain(field) && by.is_asked(field.names)};
            }
        }
        [[nodiscard]] const one* begin() const noexcept { return all_; }
        [[nodiscard]] const one* end() const noexcept { return all_ + count_; }

    private:
        static bool comes_with_host(const field_info& field) noexcept { return field.names == entity::port; }
        static bool is_plain(const field_info& field) noexcept {
            return field.structure == nullptr && field.kind != field_kind::array &&
                   field.kind != field_kind::bytes && decided_by(field.names) == entity::none;
        }

        one all_[255]; // as many as a layout can have
        std::uint8_t count_ = 0;
    };

    void visit_struct(const rewritten_struct& in, const visited_fields& fields, noted_ends* noted) const {
        for (const auto [i, plain] : fields) {
            const std::byte* const at = in.place->find(i);
            if (at == nullptr) continue;
            const field_info& field = in.place->layout->fields[i];
            if (plain)
                visit_value(in, i, field.names, at);
            else if (field.structure != nullptr)
                visit_structs(in, i, at, noted);
            else
                visit_field(in, i, at);
        }
    }

    /// The field `index`, at `p`: an array of structs, or one struct.
    void visit_structs(const rewritten_struct& around, std::size_t index, const std::byte* p,
                       noted_ends* noted) const {
        const struct_layout& layout = *around.place->layout;
        const field_info& field = layout.fields[index];
        const struct_layout& inner = field.structure->layouts[layout.version_index];
        const bool is_array = field.kind == field_kind::array;
        std::uint32_t count = 1;
        if (is_array) {
            const trusted_count elements = length_at(layout, field, field_kind::array, p);
            p = elements.content;
            count = elements.size;
        } else if (field.nullable.contains(layout.version) && skip_null_marker(p, field.tag >= 0)) {
            return;
        }
        if (count == 0) return;
        if (field.tag >= 0) noted = nullptr; // there the check notes nothing
        const std::uint32_t* ends = noted != nullptr ? noted->next(count, inner.step_count) : nullptr;
        if (ends == nullptr) noted = nullptr;
        std::uint32_t found[max_struct_steps];
        const visited_fields fields(inner, *this);
        struct_place place{&inner, p, ends};
        rewritten_struct in{&place, &around, index, std::nullopt};
        for (std::uint32_t i = 0; i != count; ++i) {
            if (noted == nullptr) {
                static_cast<void>(find_ends(inner, place.base, false, found));
                place.ends = found;
            }
            if (is_array) in.element = i;
            visit_struct(in, fields, noted);
            place.base = place.end();
            if (noted != nullptr) place.ends += inner.step_count;
        }
    }

    /// A field that is one value, and means what is asked for.
    void visit_value(const rewritten_struct& in, std::size_t index, entity meaning,
                     const std::byte* at) const {
        const struct_layout& layout = *in.place->layout;
        if (is_null(layout, layout.fields[index], at)) return;
        named_field named(*list_, in, index, dynamic_access::value(layout, index, at, false), meaning);
        if (!means_nothing(named)) map_.call(map_.object, named);
    }
    /// Any other field but structs.
    void visit_field(const rewritten_struct& in, std::size_t index, const std::byte* at) const {
        const struct_layout& layout = *in.place->layout;
        const field_info& field = layout.fields[index];
        const entity meaning = decided(in, field.names);
        if (field.kind == field_kind::bytes) return visit_blob(in, index, meaning, at);
        if (!is_asked(meaning)) return;
        if (field.kind != field_kind::array) return visit_value(in, index, meaning, at);
        if (is_null(layout, field, at)) return;
        const trusted_count elements = length_at(layout, field, field_kind::array, at);
        const std::byte* p = elements.content;
        for (std::size_t i = 0; i != elements.size; ++i) {
            const std::byte* const end = end_of_element(layout, field, p);
            named_field named(*list_, in, index, dynamic_access::value(layout, index, p, true), meaning);
            named.element_ = i;
            named.element_end_ = end;
            if (!means_nothing(named)) map_.call(map_.object, named);
            p = end;
        }
    }
    /// Whether the value at `at`, which is not a struct, is null.
    [[nodiscard]] static bool is_null(const struct_layout& layout, const field_info& field,
                                      const std::byte* at) noexcept {
        return field.nullable.contains(layout.version) && // else a null passed as empty
               read_length_fast(at, layout.flexible && !field.never_compact, classic_form(field.kind))
                   .is_null();
    }

    [[nodiscard]] bool is_asked(entity meaning) const noexcept {
        if (meaning == entity::host) return asked_.intersects({entity::host, entity::port});
        if (meaning == entity::coordinator_key)
            return asked_.intersects({entity::coordinator_key, entity::group_id, entity::transactional_id});
        return asked_.contains(meaning);
    }
    /// Numbers below zero and the id 0 stand for no broker, no producer and no topic.
    [[nodiscard]] static bool means_nothing(const named_field& named) noexcept {
        if (named.value_.kind() == field_kind::string) return false;
        if (named.value_.kind() == field_kind::uuid) return named.id() == uuid{};
        return width_of(named.value_.kind()) != 0 && named.number() < 0;
    }

    /// The meaning of a field after the one that decides it was asked.
    [[nodiscard]] entity decided(const rewritten_struct& in, entity meaning) const noexcept {
        const entity decider = decided_by(meaning);
        if (decider == entity::none) return meaning;
        for (const rewritten_struct* one = &in; one != nullptr; one = one->around) {
            if (const auto value = value_meaning(*one->place, decider)) {
                if (value->kind() == field_kind::string)
                    return meaning_of(meaning, value->is_null() ? std::string_view{} : value->text());
                return meaning_of(meaning, value->number());
            }
            if (decider != entity::protocol_type) break;
        }
        if (decider == entity::protocol_type) return meaning;
        if (decider == entity::coordinator_key_type && options_->coordinator_key_type)
            return meaning_of(meaning, std::int64_t{*options_->coordinator_key_type});
        return meaning;
    }

    /// Bytes in which a message of the consumer protocol can be.
    void visit_blob(const rewritten_struct& in, std::size_t index, entity meaning,
                    const std::byte* at) const {
        const message_info* const message =
            meaning == entity::subscription ? &message_info_of<consumer_protocol_subscription>
            : meaning == entity::assignment ? &message_info_of<consumer_protocol_assignment>
                                            : nullptr;
        if (message == nullptr) return;
        const dynamic_value value = dynamic_access::value(*in.place->layout, index, at, false);
        if (value.is_null()) return;
        const auto slice = list_->bytes().slice_of(value.bytes());
        if (!slice) return;
        // Bytes that are not such a message are those of another protocol, and none of ours to change.
        const auto view = parse_versioned_view(*message, slice->span(),
                                               {.trailing_bytes = true, .missing_newer_fields = true});
        if (!view) return;
        edit_list inner(*slice, dynamic_access::layout(*view), dynamic_access::base(*view),
                        message->facts.name);
        rewriter(inner, asked_, map_, *options_).visit(place_of(*view));
        if (inner.unchanged()) return;
        const auto changed = inner.apply();
        if (!changed) return list_->refuse(changed.error());
        const new_value bytes(changed->to_bytes());
        set_value(*list_, *in.place, index, bytes);
    }

public:
    static void set_value(edit_list& list, const struct_place& place, std::size_t index,
                          const new_value& value) {
        const field_info& field = place.layout->fields[index];
        if (!value.fits(field, false)) return list.refuse(errc::bad_value, field.name);
        value.visit(field, [&](const auto& given, const shared_buffer& owner) {
            const auto content = encode_dynamic_value(
                list, *place.layout, owner, [&](auto& encoder) { return encoder.put_field(field, given); });
            if (content) list.set_field(place, index, *content);
        });
    }

private:
    edit_list* list_;
    rewrite_function map_;
    const rewrite_options* options_;
    entity_set asked_;
    entity_set wanted_; ///< with those that must be decided
};

/// Walks over `body`, and the header before it if there is one.
template <class Header>
[[nodiscard]] expected<buffer_chain, error> rewrite_frame(const message<unread<Header>>& frame,
                                                          entity_set wanted, rewrite_function map,
                                                          const rewrite_options& options) {
    constexpr bool is_request = std::is_same_v<Header, request_header>;
    const message_info* const info = is_request ? find_request(frame.api()) : find_response(frame.api());
    if (info == nullptr)
        return unexpected(error{.code = errc::unknown_api, .version = frame.api_version(), .located = false});
    const std::span<const std::byte> body = body_in(frame.frame().span(), message_access::place(frame));
    const std::byte* const start = body.empty() ? nothing : body.data();
    const int version = info->facts.canonical(frame.api_version());
    if (!info->facts.versions.contains(version) || body.size() > wire::max_length)
        return unexpected(parse(*info, frame, options.parse).error());
    const struct_layout& layout =
        info->structure->layouts[static_cast<std::size_t>(version - info->facts.versions.first)];
    edit_list list(frame.frame(), layout, start, info->facts.name);
    const rewriter walk(list, wanted, map, options);

    std::uint32_t ends[max_struct_steps];
    error_slot refusal;
    check_state state(start, body.size(), refusal, options.parse);
    noted_ends noted(body.size());
    const std::byte* const end =
        noting_check(walk.visited(), state, noted).one(layout, start, [&] { return ends; });
    if (end == nullptr || (state.left(end) != 0 && !options.parse.trailing_bytes)) [[unlikely]]
        return unexpected(parse(*info, frame, options.parse).error());
    if (info_of<Header>.meanings.intersects(wanted)) {
        const dynamic_view header = as_dynamic(frame.header());
        walk.visit(place_of(header));
    }
    walk.visit({&layout, start, ends}, &noted);
    return list.apply();
}

} // namespace detail

/// Calls `map(named_field&)` for every field of the frame that has one of the wanted meanings, and returns
/// the frame as `map` has changed it.
///
/// The body is checked first; where its structs end is noted on the way, in memory in proportion to the body.
/// `map` is called for values that are there: not for null, nor for numbers and ids that stand for none (-1,
/// zero). A port comes with its host; a field whose meaning another field decides, if it is decided for a
/// wanted one. The order is that of the schema. The result has no length (as frame() has none; with_length),
/// and is one segment, the frame's own buffer, if nothing was changed.
/// Errors: those of `parse`; unknown_api; what a setter of named_field was refused.
template <class Header, std::invocable<named_field&> Map>
[[nodiscard]] expected<buffer_chain, error> rewrite(const message<unread<Header>>& frame, entity_set wanted,
                                                    Map&& map, const rewrite_options& options = {}) {
    const auto call = [&map](named_field& field) { map(field); }; // `map` may be a function
    return detail::rewrite_frame(frame, wanted, detail::rewrite_function::of(call), options);
}

/// Adds to `edits` what `map` changes in a message that was parsed before, typed or dynamic: for programs
/// that edit other fields of it as well. Of the body's fields alone; otherwise as above. Errors come with
/// those of the edits (splice::apply).
template <class M, int V, std::invocable<named_field&> Map>
void rewrite(splice& edits, const message<M, V>& whole, entity_set wanted, Map&& map,
             const rewrite_options& options = {}) {
    const dynamic_view view = [&] {
        if constexpr (std::is_same_v<M, dynamic>)
            return whole.view();
        else
            return as_dynamic(whole.view());
    }();
    const auto call = [&map](named_field& field) { map(field); }; // `map` may be a function
    detail::rewriter(detail::splice_access::list(edits), wanted, detail::rewrite_function::of(call), options)
        .visit(detail::place_of(view));
}
/// The message, in its frame if it came in one, as `map` has changed it; otherwise the same.
template <class M, int V, std::invocable<named_field&> Map>
[[nodiscard]] expected<buffer_chain, error> rewrite(const message<M, V>& whole, entity_set wanted, Map&& map,
                                                    const rewrite_options& options = {}) {
    splice edits(whole);
    rewrite(edits, whole, wanted, map, options);
    return edits.apply();
}

inline std::optional<dynamic_value> named_field::neighbour(entity meaning) const noexcept {
    return detail::value_meaning(*in_->place, meaning);
}
inline std::optional<std::int64_t> named_field::number_of(entity meaning) const noexcept {
    const auto value = neighbour(meaning);
    if (!value || width_of(value->kind()) == 0 || width_of(value->kind()) > 8) return std::nullopt;
    return value->number();
}
inline std::optional<std::string_view> named_field::text_of(entity meaning) const noexcept {
    const auto value = neighbour(meaning);
    if (!value || value->kind() != field_kind::string || value->is_null()) return std::nullopt;
    return value->text();
}
inline std::optional<uuid> named_field::id_of(entity meaning) const noexcept {
    const auto value = neighbour(meaning);
    if (!value || value->kind() != field_kind::uuid) return std::nullopt;
    return value->id();
}

inline std::int64_t named_field::number() const noexcept {
    if (value_.kind() == field_kind::string) {
        const std::string_view digits = value_.text();
        std::int64_t number = 0;
        constexpr std::size_t most_digits = 18;
        if (digits.empty() || digits.size() > most_digits) return -1;
        for (const char digit : digits) {
            if (digit < '0' || digit > '9') return -1;
            number = number * 10 + (digit - '0');
        }
        return number;
    }
    return width_of(value_.kind()) != 0 && value_.kind() != field_kind::uuid ? value_.number() : -1;
}

inline void named_field::set_value(std::size_t field, const new_value& value) {
    if (!element_ || field != field_) return detail::rewriter::set_value(*list_, *in_->place, field, value);
    const detail::struct_layout& layout = *in_->place->layout;
    const field_info& info = layout.fields[field];
    if (!value.fits(info, true)) return list_->refuse(errc::bad_value, info.name);
    value.visit(info, [&](const auto& given, const shared_buffer& owner) {
        const auto content = detail::encode_dynamic_value(*list_, layout, owner, [&](auto& encoder) {
            return encoder.put_element(info, given, static_cast<std::int64_t>(*element_));
        });
        if (content) list_->replace({detail::dynamic_access::at(value_), element_end_}, *content, info.name);
    });
}
inline void named_field::set_text(std::string_view text) { set_value(field_, text); }
inline void named_field::set_number(std::int64_t number) {
    if (value_.kind() != field_kind::string) return set_value(field_, number);
    error_text digits;
    digits.add(number);
    set_value(field_, digits.view());
}
inline void named_field::set_id(const uuid& id) { set_value(field_, id); }
inline void named_field::set_address(std::string_view host, std::int32_t port) {
    set_text(host);
    const detail::struct_layout& layout = *in_->place->layout;
    const std::size_t i =
        detail::field_meaning(layout, meaning_ == entity::client_host ? entity::client_port : entity::port);
    if (i != layout.field_count && in_->place->find(i) != nullptr) set_value(i, port);
}
inline void named_field::drop() {
    if (element_) return list_->erase(*in_->place, field_, *element_);
    for (const detail::rewritten_struct* one = in_; one->around != nullptr; one = one->around)
        if (one->element) return list_->erase(*one->around->place, one->field, *one->element);
}

} // namespace kwire::inline KWIRE_ABI
