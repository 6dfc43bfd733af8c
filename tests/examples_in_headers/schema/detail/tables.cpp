#include <kwire/messages/view/fetch.hpp>
#include <kwire/schema/detail/tables.hpp>
#include <kwire/schema/info_of.hpp>

// example 1 is not code
// example 2 is not code
// example 3 is not code
void ranges() {
    // example 4
}
