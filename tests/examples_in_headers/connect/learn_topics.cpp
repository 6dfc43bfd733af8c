#include <kwire/connect/frame.hpp>
#include <kwire/connect/learn_topics.hpp>

void report(const kwire::error& why);

void example(kwire::topic_directory& topics, const kwire::shared_buffer& frame, kwire::request_start asked) {
    // example 1
}
