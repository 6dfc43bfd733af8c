#include <kwire/messages/fetch.hpp>
#include <kwire/write/payload.hpp>

void example(kwire::fetch_response::partition_data::data& partition, const kwire::shared_buffer& batch,
             kwire::buffer_chain batches) {
    // example 1
}
