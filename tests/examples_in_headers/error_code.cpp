#include <kwire/error_code.hpp>
#include <kwire/messages/produce.hpp>

void done();
void again();
void log(std::string_view name, std::string_view description);

void example(kwire::produce_response::partition_produce_response::view partition) {
    // example 1
}
