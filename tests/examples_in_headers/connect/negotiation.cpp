#include <kwire/connect/negotiation.hpp>
#include <kwire/messages/view/fetch.hpp>
#include <kwire/write/encode.hpp>

void close(const kwire::error& why);
void send(const kwire::expected<kwire::buffer_chain, kwire::error>& answer);
void ask(int version);
void log(const std::string& feature, int from, int to);

void broker(const kwire::request_frame& request, std::span<const kwire::api_range> served) {
    // example 1
}
void client(const kwire::api_versions_response::view& answer, std::int16_t asked) {
    // example 2
}
void proxy(const kwire::api_versions_response::view& answer, std::span<const kwire::api_range> served,
           std::int16_t version, std::int32_t correlation_id) {
    // example 3
}
