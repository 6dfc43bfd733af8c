#include <kwire/version.hpp>

#include <cstdio>

void example() {
    // example 1
}
