/// Several functions as one, for visitors: `dispatch`, `visit_record`.
///
///     kwire::dispatch(std::move(frame), kwire::overloaded{
///         [&](const kwire::message<kwire::produce_request>& r) { append(r->topic_data()); },
///         [&](const kwire::request_frame& other) { pass_on(other); },
///     });
#pragma once

#include <kwire/detail/config.hpp>

namespace kwire::inline KWIRE_ABI {

/// Several functions as one: overload resolution chooses the function to call.
template <class... Fs>
struct overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

namespace detail {

/// The types of a function's parameters.
template <class... Ps>
struct parameter_list {};

/// The parameters of a function object's operator; none if it has no single one of the usual forms.
template <class Member>
struct parameters_of_member {
    using type = parameter_list<>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...)> {
    using type = parameter_list<Ps...>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...) const> {
    using type = parameter_list<Ps...>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...)&> {
    using type = parameter_list<Ps...>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...) const&> {
    using type = parameter_list<Ps...>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...) noexcept> {
    using type = parameter_list<Ps...>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...) const noexcept> {
    using type = parameter_list<Ps...>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...) & noexcept> {
    using type = parameter_list<Ps...>;
};
template <class R, class C, class... Ps>
struct parameters_of_member<R (C::*)(Ps...) const & noexcept> {
    using type = parameter_list<Ps...>;
};

} // namespace detail

} // namespace kwire::inline KWIRE_ABI
