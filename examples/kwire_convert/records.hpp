/// Record sets in kwire-convert: shown batch by batch, and patched in place.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace convert {

/// Appends the answer to a line with a member `records`. An invalid line is answered with an error.
void answer_records(const boost::json::object& line, std::string& out);

} // namespace convert
