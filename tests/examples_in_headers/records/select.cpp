#include <kwire/records/select.hpp>

std::int64_t map(std::int64_t producer_id);

void example(const kwire::shared_buffer& fetched, const kwire::shared_buffer& produced,
             std::int64_t position) {
    // example 1
}
