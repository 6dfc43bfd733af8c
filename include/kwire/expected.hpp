/// A value or the error for which there is none: std::expected, also where the standard library lacks it.
///
///     kwire::expected<int, kwire::error> port = kwire::unexpected(kwire::error{.code = kwire::errc::bad_value});
///     if (!port) std::cerr << kwire::describe(port.error()) << '\n';
///
/// With C++23 these are the names of <expected> themselves. With C++20, or a library without <expected>, they
/// are kwire's own with the same interface, so the same source works with both; objects of one are not
/// objects of the other. KWIRE_OWN_EXPECTED, defined before kwire's first header, takes kwire's own in any
/// case.
#pragma once

#include <kwire/detail/config.hpp>

#if KWIRE_OWN_EXPECTED
#include <kwire/detail/own_expected.hpp>
#else
#include <expected>
#endif

namespace kwire {

#if KWIRE_OWN_EXPECTED
using detail::own::bad_expected_access;
using detail::own::expected;
using detail::own::unexpect;
using detail::own::unexpect_t;
using detail::own::unexpected;
#else
using std::bad_expected_access;
using std::expected;
using std::unexpect;
using std::unexpect_t;
using std::unexpected;
#endif

} // namespace kwire
