/// Calls the function that accepts the message of a frame; only the messages that a function accepts are
/// compiled.
///
///     auto done = kwire::dispatch(std::move(frame), kwire::overloaded{
///         [&](const kwire::message<kwire::produce_request>& r) { append(r->topic_data()); },
///         [&](const kwire::message<kwire::fetch_request>& r) { read(r->topics(), r.client_id()); },
///         [&](const kwire::request_frame& other) { pass_on(other); },
///     });
///     if (!done) close(done.error());
///
/// A response does not name its request; the correlator finds it:
///
///     auto asked = pending.received(frame.span());
///     kwire::dispatch(std::move(frame), **asked, kwire::overloaded{
///         [&](const kwire::message<kwire::metadata_response>& r) { learn(r->brokers()); },
///         [&](const kwire::response_frame& other) { pass_on(other); },
///     });
///
/// For a visitor whose parameter types cannot be deduced, such as a generic lambda, name the messages:
///
///     kwire::dispatch<kwire::produce_request, kwire::fetch_request>(frame, visitor);
///     kwire::dispatch<kwire::all_requests>(frame, visitor);    // messages/apis.hpp
#pragma once

#include <kwire/connect/frame.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/detail/view.hpp>
#include <kwire/read/overloaded.hpp>
#include <kwire/read/parse.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

template <class... Lists>
struct joined;
template <>
struct joined<> {
    using type = message_list<>;
};
template <class... Ms>
struct joined<message_list<Ms...>> {
    using type = message_list<Ms...>;
};
template <class... As, class... Bs, class... Rest>
struct joined<message_list<As...>, message_list<Bs...>, Rest...>
    : joined<message_list<As..., Bs...>, Rest...> {};

/// A message or a list of them, as a list.
template <class T>
struct as_list {
    using type = message_list<T>;
};
template <class... Ms>
struct as_list<message_list<Ms...>> {
    using type = message_list<Ms...>;
};

/// The message that a parameter of this type accepts, as a list of at most one.
template <class Parameter>
struct taken_by_parameter {
    using type = message_list<>;
};
template <class M>
struct taken_by_parameter<message<M>> {
    using type = message_list<M>;
};
template <class Header>
struct taken_by_parameter<message<unread<Header>>> {
    using type = message_list<>;
};

/// The message that a function of these parameters accepts.
template <class Parameters>
struct taken_by_parameters {
    using type = message_list<>;
};
template <class P>
struct taken_by_parameters<parameter_list<P>> : taken_by_parameter<std::remove_cvref_t<P>> {};

/// The messages that a visitor accepts, as far as its parameter types can be deduced, and whether any can.
template <class Visitor>
struct taken_by {
    using type = message_list<>;
    static constexpr bool seen = false;
};
template <class Visitor>
    requires requires { &Visitor::operator(); }
struct taken_by<Visitor>
    : taken_by_parameters<typename parameters_of_member<decltype(&Visitor::operator())>::type> {
    static constexpr bool seen = true;
};
template <class... Fs>
struct taken_by<overloaded<Fs...>> : joined<typename taken_by<Fs>::type...> {
    static constexpr bool seen = (taken_by<Fs>::seen || ...);
};

/// Whether each function of a visitor is called for some frame: it accepts a message, or the frame.
template <class Frame, class Visitor>
inline constexpr bool each_is_called =
    !std::is_same_v<typename taken_by<Visitor>::type, message_list<>> || std::is_invocable_v<Visitor&, Frame>;
template <class Frame, class... Fs>
inline constexpr bool each_is_called<Frame, overloaded<Fs...>> = (each_is_called<Frame, Fs> && ...);

/// One function for each message of a list, in a table by API key: one look-up, however long the list is.
template <class Frame, class Visitor>
struct dispatcher {
    using result = std::invoke_result_t<Visitor&, Frame>;
    using outcome = expected<result, error>;
    using handler = outcome (*)(Frame&&, Visitor&, parse_options);

    template <class Argument>
    static outcome call(Visitor& visitor, Argument&& argument) {
        using returned = std::invoke_result_t<Visitor&, Argument>;
        constexpr bool agrees =
            std::is_void_v<result> ? std::is_void_v<returned> : std::is_convertible_v<returned, outcome>;
        static_assert(agrees, "the visitor returns different types: for every message it must return what it "
                              "returns for the frame, or what converts to that");
        if constexpr (!agrees) {
            return unexpected(error{});
        } else if constexpr (std::is_void_v<result>) {
            visitor(std::forward<Argument>(argument));
            return {};
        } else {
            return visitor(std::forward<Argument>(argument));
        }
    }

    template <class M>
    static outcome handle(Frame&& frame, Visitor& visitor, parse_options options) {
        require_direction<M>(std::type_identity<Frame>());
        if (!M::facts.versions.contains(frame.api_version())) return call(visitor, std::move(frame));
        const frame_place& place = message_access::place(frame);
        auto read = message_access::unchecked<M>(std::move(frame).frame());
        error_slot refusal;
        if (!check_view<M>(message_access::view(read), body_in(read.bytes(), place), place.api_version,
                           options, refusal)) [[unlikely]]
            return unexpected(*refusal);
        message_access::place(read) = place; // last, when it is in memory: it was written in pieces
        return call(visitor, std::move(read));
    }

    template <class... Ms>
    static constexpr auto table_of(message_list<Ms...>) {
        std::array<handler, static_cast<std::size_t>(std::max({0, Ms::facts.key + 1 ...}))> table{};
        ((table[static_cast<std::size_t>(Ms::facts.key)] = &handle<Ms>), ...);
        return table;
    }

    template <class... Ms>
    static outcome run(message_list<Ms...> list, Frame&& frame, Visitor& visitor, parse_options options) {
        static constexpr auto table = table_of(list);
        const auto key = static_cast<std::size_t>(static_cast<std::int16_t>(frame.api()));
        if (key < table.size() && table[key] != nullptr)
            return table[key](std::move(frame), visitor, options);
        return call(visitor, std::move(frame));
    }
};

template <class... Ms, class Frame, class Visitor>
auto dispatch_frame(Frame&& frame, Visitor& visitor, parse_options options) {
    static_assert(std::is_invocable_v<Visitor&, Frame>,
                  "the visitor must also accept the frame: all other messages arrive as frames");
    using list = typename joined<typename as_list<Ms>::type...>::type;
    using seen = taken_by<std::remove_cv_t<Visitor>>;
    static_assert(sizeof...(Ms) != 0 || seen::seen, "the messages that this visitor accepts cannot be "
                                                    "deduced: name them, dispatch<M...>(frame, visitor)");
    if constexpr (sizeof...(Ms) == 0 && seen::seen)
        static_assert(each_is_called<Frame, std::remove_cv_t<Visitor>>,
                      "a function of this visitor is never called: its parameter must be a message<M> or the "
                      "frame, not a view, and no template unless it accepts the frame");
    using taken = std::conditional_t<sizeof...(Ms) == 0, typename seen::type, list>;
    return dispatcher<Frame, Visitor>::run(taken{}, std::forward<Frame>(frame), visitor, options);
}

} // namespace detail

/// Calls `visitor` with the request in `frame` as a `message<M>`, if `M` is one of the messages `Ms` and
/// kwire knows its version; otherwise with the request_frame, whose body is not read.
///
/// Without `Ms`, the messages are the parameter types of the functions of `overloaded`, or of a function
/// object. A visitor without any function whose parameter can be deduced does not compile then, since it
/// would receive only frames, nor does one with a function that would never be called. `Ms` may also be lists
/// (message_list). The visitor must accept all of them, and request_frame; the type that it returns for the
/// frame is the result type. If the body is invalid, the error of `parse` is returned and the visitor is not
/// called. Nothing is allocated.
template <class... Ms, class Visitor>
[[nodiscard]] auto dispatch(request_frame frame, Visitor&& visitor, parse_options options = {}) {
    return detail::dispatch_frame<Ms...>(std::move(frame), visitor, options);
}

/// The same for the bytes of a frame without its length: reads the header first. Errors in the header have
/// `RequestHeader` as their message, and the visitor is not called.
template <class... Ms, class Visitor>
[[nodiscard]] auto dispatch(shared_buffer frame, Visitor&& visitor, parse_options options = {})
    -> decltype(dispatch<Ms...>(std::declval<request_frame>(), visitor, options)) {
    auto request = parse_request_frame(std::move(frame), options);
    if (!request) return unexpected(request.error());
    return detail::dispatch_frame<Ms...>(*std::move(request), visitor, options);
}

/// The same for responses: a `message<M>`, or the response_frame.
template <class... Ms, class Visitor>
[[nodiscard]] auto dispatch(response_frame frame, Visitor&& visitor, parse_options options = {}) {
    return detail::dispatch_frame<Ms...>(std::move(frame), visitor, options);
}

/// The same for the bytes of a response frame without its length, and the start of the request that it
/// answers.
template <class... Ms, class Visitor>
[[nodiscard]] auto dispatch(shared_buffer frame, const request_start& asked, Visitor&& visitor,
                            parse_options options = {})
    -> decltype(dispatch<Ms...>(std::declval<response_frame>(), visitor, options)) {
    auto response = parse_response_frame(std::move(frame), asked.api, asked.api_version, options);
    if (!response) return unexpected(response.error());
    return detail::dispatch_frame<Ms...>(*std::move(response), visitor, options);
}

} // namespace kwire
