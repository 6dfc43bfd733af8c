/// One request of kwire-convert and its answer.
#pragma once

#include <string>
#include <string_view>

namespace convert {

/// Appends the answer to one line, without a newline. An invalid line is answered with an error.
void answer(std::string_view line, std::string& out);

} // namespace convert
