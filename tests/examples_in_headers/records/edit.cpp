#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/records/edit.hpp>

struct log_type {
    std::int64_t end() const;
};
void refuse(const kwire::error& why);

void example(kwire::result<kwire::message<kwire::produce_request>> produce, const log_type& log) {
    // example 1
}
