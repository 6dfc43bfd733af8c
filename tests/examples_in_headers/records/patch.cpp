#include <kwire/records/patch.hpp>

void refuse(const kwire::error& why);

void example(kwire::shared_buffer& batch) {
    // example 1
}
