#include <kwire/error.hpp>
#include <kwire/expected.hpp>

#include <iostream>

void example() {
    // example 1
}
