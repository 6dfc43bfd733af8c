#include "use_headers.hpp"

seen use_headers_again();
seen use_headers_again() { return use_headers(); }
