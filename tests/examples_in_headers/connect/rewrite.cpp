#include <kwire/connect/rewrite.hpp>

#include <optional>

void refuse(const kwire::error& why);
void send(const kwire::buffer_chain& frame);
std::int32_t port_of(std::optional<std::int64_t> node_id);

void proxy(const kwire::result<kwire::response_frame>& frame) {
    // example 1
}
