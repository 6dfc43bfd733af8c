/// Files of frames without packets around them: as bytes, each after its length, or as hexadecimal digits.
#pragma once

#include <cstdio>

#include "input.hpp"

namespace dump {

[[nodiscard]] input_result read_frames(std::FILE* from, const options& chosen, sink& to,
                                       input_counts& counts);
[[nodiscard]] input_result read_hex(std::FILE* from, const options& chosen, sink& to, input_counts& counts);

} // namespace dump
