#include <kwire/schema/meaning.hpp>

using namespace kwire;

// example 1
