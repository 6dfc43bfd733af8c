// The broker inside another program: for tests of clients.
//
//     echo_broker::embedded_broker broker;       // listens on a free port when this returns
//     my_client client(broker.bootstrap());      // "127.0.0.1:40312"
//     client.produce("orders", "hello");         // topics are created when a client asks for them
//
// embed.cpp is a whole test. A CMake project gets it with kwire's sources:
//
//     include(FetchContent)
//     set(KWIRE_ECHO_BROKER ON)
//     FetchContent_Declare(kwire GIT_REPOSITORY <kwire's repository> GIT_TAG <a commit>)
//     FetchContent_MakeAvailable(kwire)          # or add_subdirectory(<path of kwire>)
//     target_link_libraries(my_test PRIVATE kwire::echo_broker)
//
// It needs Boost 1.81, zlib, snappy, lz4 and zstd, and OpenSSL for TLS. It is never installed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "echo_broker/options.hpp"

namespace echo_broker {

/// A broker on a thread of its own, from the constructor to the destructor. Each has its own topics, and any
/// number of them may run at a time. What clients do wrong is written to stderr, as by the program.
class embedded_broker {
public:
    /// Starts it; throws std::runtime_error if an address or a file of the options cannot be used. The
    /// default is one listener on 127.0.0.1, on a free port.
    explicit embedded_broker(const options& chosen = {});
    embedded_broker(const embedded_broker&) = delete;
    embedded_broker& operator=(const embedded_broker&) = delete;
    /// Stops it: requests that it has are answered first, which takes three seconds at most.
    ~embedded_broker();

    /// The port of its first listener.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// Its first listener as HOST:PORT, what clients call bootstrap.servers.
    [[nodiscard]] std::string bootstrap() const;

private:
    struct running;
    std::unique_ptr<running> running_;
};

} // namespace echo_broker
