#include <kwire/messages/view/fetch.hpp>
#include <kwire/schema/detail/layout.hpp>

void example() {
    // example 1
}
