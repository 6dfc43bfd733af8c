/// Boost.JSON, compiled here instead of linked.
#include <boost/json/src.hpp>
