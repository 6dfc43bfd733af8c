#include <kwire/buffer/page_pool.hpp>

void example() {
    // example 1
}
