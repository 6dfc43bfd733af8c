#include <kwire/messages/produce.hpp>
#include <kwire/records/check.hpp>

void corrupt_message(const kwire::error& why);
void invalid_record();

void example(kwire::produce_request::partition_produce_data::view partition) {
    // example 1
}
