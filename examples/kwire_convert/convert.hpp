/// One request of kwire-convert and its answer.
#pragma once

#include <string>
#include <string_view>

namespace convert {

/// Appends the answer to one line, without an end of line. Whatever is wrong with the line is an answer too.
void answer(std::string_view line, std::string& out);

} // namespace convert
