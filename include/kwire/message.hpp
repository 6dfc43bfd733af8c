/// What a generated header needs: the vocabulary, views, arrays and unknown tags.
#pragma once

#include <kwire/array.hpp>
#include <kwire/buffer.hpp>
#include <kwire/scalar_list.hpp>
#include <kwire/schema/field.hpp>
#include <kwire/schema/view.hpp>
#include <kwire/tags.hpp>

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
