/// Boost.JSON, compiled once for all tests.
#include <boost/json/src.hpp>
