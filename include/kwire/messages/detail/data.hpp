/// What the members of `data` structs are made of.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/write/nullable_list.hpp>
#include <kwire/write/scalar_list.hpp>
#include <kwire/write/unknown_tag_list.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>
