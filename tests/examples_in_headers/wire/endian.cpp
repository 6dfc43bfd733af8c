#include <kwire/wire/endian.hpp>

// The lines of one example: the struct, and what a function does with it.
void example() {
    struct {
        kwire::big_int64 offset;
    } e;
    // example 1
    static_assert(sizeof(entry) == 12 && alignof(entry) == 1);
}
