/// What a generated header needs: the vocabulary, views, arrays and what `data` structs are made of.
///
/// Each struct of a message has three things in it: `fields` describes it once, `view` reads it where it
/// lies, `data` is a plain aggregate to be filled and encoded. View and data are instances of templates: of
/// the version, and of nothing, so that who only reads need not compile what writers fill in.
#pragma once

#include <kwire/read/array.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/write/unknown_tag_list.hpp>
#include <kwire/write/scalar_list.hpp>
#include <kwire/schema/field.hpp>
#include <kwire/schema/detail/view.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kwire {

/// Messages as a type, for `dispatch`: messages/apis.hpp has those of all requests and all responses.
template <class... Ms>
struct message_list {};

} // namespace kwire
