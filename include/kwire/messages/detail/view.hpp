/// What the headers of messages/view need: the vocabulary of field lists, views and arrays.
///
/// Each struct of a message has three things in it: `fields` describes it once, `view` reads it in place,
/// `data` is a plain aggregate to be filled and encoded. The structs in messages/view declare `data`, which
/// messages/x.hpp defines, so that programs that only read do not compile it.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/read/array.hpp>
#include <kwire/schema/field.hpp>
#include <kwire/schema/detail/view.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// Messages as a type, for `dispatch`: messages/apis.hpp has those of all requests and all responses.
template <class... Ms>
struct message_list {};

} // namespace kwire::inline KWIRE_ABI
