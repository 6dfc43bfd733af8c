#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/records/batch.hpp>

#include <vector>

void refuse(const kwire::error& why);

void example(std::vector<kwire::shared_buffer>& log,
             const kwire::result<kwire::message<kwire::produce_request>>& request,
             kwire::produce_request::partition_produce_data::view partition) {
    // example 1
}
