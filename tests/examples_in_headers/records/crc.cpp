#include <kwire/records/crc.hpp>

int corrupt_message();

int check(kwire::batch_view batch) {
    // example 1
    return 0;
}
