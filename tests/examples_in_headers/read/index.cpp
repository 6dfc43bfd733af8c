#include <kwire/messages/delete_records.hpp>
#include <kwire/read/index.hpp>

void use(std::string_view name);

void example(const kwire::delete_records_response::view& response) {
    // example 1
}
