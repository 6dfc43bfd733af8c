#include <kwire/embedded/encode_stored.hpp>
#include <kwire/messages/offset_commit_record.hpp>

void example() {
    // example 1
}
