#include <kwire/messages/view/metadata.hpp>
#include <kwire/schema/info_of.hpp>

// example 1
