#include "echo_broker/embedded.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <cstdio>
#include <exception>
#include <thread>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/network/server.hpp"

namespace echo_broker {

/// What runs. The members are destroyed in the opposite order: the thread first, the broker last.
struct embedded_broker::running {
    explicit running(const options& chosen) : state(chosen), network(state) {
        network.start(context);
        places = network.addresses();
        thread = std::jthread([this] {
            try {
                context.run();
            } catch (const std::exception& e) { // the clients see their connections end
                std::fprintf(stderr, "embedded echo_broker: %s\n", e.what());
            }
        });
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() {
        boost::asio::post(context, [this] { network.finish(); });
    }

    broker state;
    server network;
    boost::asio::io_context context{1};
    std::vector<address> places;
    std::jthread thread;
};

embedded_broker::embedded_broker(const options& chosen) : running_(std::make_unique<running>(chosen)) {}
embedded_broker::~embedded_broker() = default;

std::uint16_t embedded_broker::port() const noexcept { return running_->places.front().port; }
std::string embedded_broker::bootstrap() const { return to_string(running_->places.front()); }

} // namespace echo_broker
