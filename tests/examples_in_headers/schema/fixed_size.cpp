#include <kwire/messages/fetch.hpp>
#include <kwire/schema/fixed_size.hpp>

// example 1
