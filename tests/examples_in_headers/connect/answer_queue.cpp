#include <kwire/connect/answer_queue.hpp>

void example(kwire::answer_queue& answers, kwire::buffer_chain answer, kwire::outbox& out) {
    // example 1
}
