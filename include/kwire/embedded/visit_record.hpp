/// Calls the function that accepts the messages of a record of one of Kafka's own topics.
///
///     for (auto record : *records) {
///         if (!record) return complain(record.error());
///         auto done = kwire::visit_record<kwire::consumer_offsets>(*record, kwire::overloaded{
///             [&](kwire::offset_commit_key::view key, std::optional<kwire::offset_commit_value::view> value) {
///                 if (value) commit(key.group(), key.topic(), key.partition(), value->offset());
///                 else forget(key.group(), key.topic(), key.partition());
///             },
///             [&](kwire::stored_message<kwire::consumer_offsets> other) { skip(other.type()); },
///         });
///         if (!done) complain(done.error());
///     }
///
/// In the logs of metadata there are no keys:
///
///     kwire::visit_record<kwire::cluster_metadata>(record, kwire::overloaded{
///         [&](kwire::topic_record::view topic) { learn(topic.topic_id(), topic.name()); },
///         [&](kwire::stored_message<kwire::cluster_metadata> other) { skip(other.type()); },
///     });
#pragma once

#include <kwire/embedded/stored_message.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/find.hpp>
#include <kwire/read/overloaded.hpp>

#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

template <class P>
concept is_view = requires { typename struct_of_view<std::remove_cvref_t<P>>; };
/// The message that a view is of.
template <is_view P>
using message_of_view = struct_of_view<std::remove_cvref_t<P>>;

/// The messages of one type of record that a visitor accepts.
template <class Topic, class Key, class Value>
struct stored_pair {
    static_assert(is_key_in<Key, Topic>(), "the first parameter is not a key of this topic");
    static_assert(is_value_in<Value, Topic>() &&
                      position_in<Key, typename Topic::keys> == position_in<Value, typename Topic::values>,
                  "the second parameter is not the value of this key: std::optional<..._value::view>");
    static bool accepts(const stored_message<Topic>& stored) noexcept {
        if (!stored.template is<Key>()) return false;
        const auto version = stored.value_version();
        return !version || *version <= Value::facts.versions.last;
    }
    template <class Call>
    static auto read(const stored_message<Topic>& stored, parse_options options, const Call& call)
        -> decltype(call(std::declval<typename Key::view>(),
                         std::declval<std::optional<typename Value::view>>())) {
        const auto key = stored.template key<Key>(options);
        if (!key) return unexpected(key.error());
        const auto value = stored.template value<Value>(options);
        if (!value) return unexpected(value.error());
        return call(*key, *value);
    }
};

/// The same in a log of metadata.
template <class Topic, class Value>
struct stored_value {
    static_assert(is_value_in<Value, Topic>(), "the records of this topic do not hold this message");
    static bool accepts(const stored_message<Topic>& stored) noexcept {
        return stored.template is<Value>() && *stored.value_version() <= Value::facts.versions.last;
    }
    template <class Call>
    static auto read(const stored_message<Topic>& stored, parse_options options, const Call& call)
        -> decltype(call(std::declval<typename Value::view>())) {
        const auto value = stored.template value<Value>(options);
        if (!value) return unexpected(value.error());
        return call(*value);
    }
};

template <class... Ts>
struct type_list {};

/// What functions of these parameters accept.
template <class Topic, class Parameters>
struct stored_of_parameters {
    using type = type_list<>; // of the rest, or a template
};
template <class Topic, is_view P>
struct stored_of_parameters<Topic, parameter_list<P>> {
    static_assert(!Topic::keyed, "a function of this topic has two parameters, a key and a value: "
                                 "(..._key::view, std::optional<..._value::view>)");
    using type = type_list<stored_value<Topic, message_of_view<P>>>;
};
template <class Topic, is_view Key, class Value>
struct stored_of_parameters<Topic, parameter_list<Key, Value>> {
    static_assert(Topic::keyed, "a function of this topic has one parameter: its records have no keys");
    static_assert(
        requires { typename std::remove_cvref_t<Value>::value_type; },
        "the value may be a tombstone: its parameter is std::optional<..._value::view>");
    using type = type_list<stored_pair<Topic, message_of_view<Key>,
                                       message_of_view<typename std::remove_cvref_t<Value>::value_type>>>;
};

template <class... Lists>
struct joined_types;
template <>
struct joined_types<> {
    using type = type_list<>;
};
template <class... As>
struct joined_types<type_list<As...>> {
    using type = type_list<As...>;
};
template <class... As, class... Bs, class... Rest>
struct joined_types<type_list<As...>, type_list<Bs...>, Rest...>
    : joined_types<type_list<As..., Bs...>, Rest...> {};

/// What a visitor accepts, as far as its parameter types can be deduced, and whether any can.
template <class Topic, class Visitor>
struct stored_taken_by {
    using type = type_list<>;
    static constexpr bool seen = false;
};
template <class Topic, class Visitor>
    requires requires { &Visitor::operator(); }
struct stored_taken_by<Topic, Visitor>
    : stored_of_parameters<Topic, typename parameters_of_member<decltype(&Visitor::operator())>::type> {
    static constexpr bool seen = true;
};
template <class Topic, class... Fs>
struct stored_taken_by<Topic, overloaded<Fs...>>
    : joined_types<typename stored_taken_by<Topic, Fs>::type...> {
    static constexpr bool seen = (stored_taken_by<Topic, Fs>::seen || ...);
};

/// Whether each function of a visitor is called for some record.
template <class Topic, class Visitor>
inline constexpr bool each_is_called_in =
    !std::is_same_v<typename stored_taken_by<Topic, Visitor>::type, type_list<>> ||
    std::is_invocable_v<Visitor&, stored_message<Topic>>;
template <class Topic, class... Fs>
inline constexpr bool each_is_called_in<Topic, overloaded<Fs...>> = (each_is_called_in<Topic, Fs> && ...);

template <class Topic, class Visitor>
struct record_visitor {
    using result = std::invoke_result_t<Visitor&, stored_message<Topic>>;
    using outcome = expected<result, error>;
    using handler = outcome (*)(const stored_message<Topic>&, Visitor&, parse_options);

    template <class... Arguments>
    static outcome call(Visitor& visitor, const Arguments&... arguments) {
        using returned = std::invoke_result_t<Visitor&, const Arguments&...>;
        constexpr bool agrees =
            std::is_void_v<result> ? std::is_void_v<returned> : std::is_convertible_v<returned, outcome>;
        static_assert(agrees, "the visitor returns different types: for every message it must return what it "
                              "returns for the stored_message, or what converts to that");
        if constexpr (std::is_void_v<result>) {
            visitor(arguments...);
            return {};
        } else {
            return visitor(arguments...);
        }
    }
    template <class Taken>
    static outcome handle(const stored_message<Topic>& stored, Visitor& visitor, parse_options options) {
        return Taken::read(stored, options,
                           [&](const auto&... messages) -> outcome { return call(visitor, messages...); });
    }
    static outcome pass(const stored_message<Topic>& stored, Visitor& visitor, parse_options) {
        return call(visitor, stored);
    }
    template <class... Taken>
    static outcome run(type_list<Taken...>, const stored_message<Topic>& stored, Visitor& visitor,
                       parse_options options) {
        handler chosen = &pass;
        ((Taken::accepts(stored) ? void(chosen = &handle<Taken>) : void()), ...);
        return chosen(stored, visitor, options);
    }
};

} // namespace detail

/// Calls the function of `visitor` that accepts the messages of a record of `Topic`, with their views; the
/// one that accepts a stored_message<Topic> for all other records.
///
/// A function for a record with a key has the parameters (K::view, std::optional<V::view>): nullopt for a
/// tombstone. In logs of metadata it has one, V::view. The others are records of types that no function
/// accepts or kwire does not know, and those with a value newer than kwire knows. What the visitor returns
/// for a stored_message is the result type. A visitor with a function that would never be called does not
/// compile. If the record is not sound, its error is returned and the visitor
/// is not called: those of stored_message_of, key() and value(). Nothing is allocated; views are valid while
/// the record's bytes are.
template <stored_topic Topic, class Visitor>
[[nodiscard]] auto visit_record(std::optional<std::span<const std::byte>> key,
                                std::optional<std::span<const std::byte>> value, Visitor&& visitor,
                                parse_options options = {}) {
    using plain = std::remove_cvref_t<Visitor>;
    static_assert(std::is_invocable_v<plain&, stored_message<Topic>>,
                  "the visitor must also accept stored_message<Topic>: all other records arrive as that");
    using taken = detail::stored_taken_by<Topic, plain>;
    static_assert(taken::seen,
                  "the messages that this visitor accepts cannot be deduced: use overloaded, and "
                  "functions whose parameters have types");
    if constexpr (taken::seen)
        static_assert(
            detail::each_is_called_in<Topic, plain>,
            "a function of this visitor is never called: its parameters must be views of messages of "
            "this topic, or stored_message<Topic>");
    using run = detail::record_visitor<Topic, std::remove_reference_t<Visitor>>;
    const auto stored = stored_message_of<Topic>(key, value);
    if (!stored) return typename run::outcome(unexpected(stored.error()));
    return run::run(typename taken::type{}, *stored, visitor, options);
}
/// The same for a record.
template <stored_topic Topic, class Visitor>
[[nodiscard]] auto visit_record(const record_view& record, Visitor&& visitor, parse_options options = {}) {
    return visit_record<Topic>(record.key(), record.value(), visitor, options);
}

} // namespace kwire
