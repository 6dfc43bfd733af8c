/// Compiles Boost.JSON here instead of linking to it.
#include <boost/json/src.hpp>
