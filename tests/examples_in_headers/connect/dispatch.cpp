#include <kwire/connect/correlator.hpp>
#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/apis.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>

template <class Topics>
void append(const Topics& topics);
template <class Topics>
void read(const Topics& topics, std::optional<std::string_view> client_id);
template <class Brokers>
void learn(const Brokers& brokers);
void pass_on(const kwire::request_frame& frame);
void pass_on(const kwire::response_frame& frame);
void close(const kwire::error& why);

void requests(kwire::shared_buffer frame) {
    // example 1
}
void responses(kwire::shared_buffer frame, kwire::correlator<>& pending) {
    // example 2
}
void generic(const kwire::shared_buffer& frame) {
    const auto visitor = [](const auto&) {};
    // example 3
}
