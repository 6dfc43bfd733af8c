/// Record sets in kwire-convert: shown batch by batch, and patched where they lie.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace convert {

/// Appends the answer to a line with a member `records`. Whatever is wrong with it is an answer too.
void answer_records(const boost::json::object& line, std::string& out);

} // namespace convert
