#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/read/overloaded.hpp>

template <class Topics>
void append(const Topics& topics);
void pass_on(const kwire::request_frame& frame);

void example(kwire::shared_buffer frame) {
    // example 1
}
