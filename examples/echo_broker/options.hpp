// The command line.
#pragma once

#include <kwire/expected.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "echo_broker/network/address.hpp"

namespace echo_broker {

/// When written records are made safe against a failure of the machine. What was written survives the end of
/// the process in any case.
enum class sync_policy : std::uint8_t {
    always,   ///< before a Produce request is answered
    interval, ///< a second after they were written
    never,    ///< when the system likes
};

/// An address to listen on.
struct listener {
    address at{.host = "127.0.0.1"};     ///< port 0: a free one
    std::optional<address> advertised{}; ///< what clients are told; if unset, the address that they have used
};

/// A certificate and its key, as PEM files.
struct tls_files {
    std::string certificate, key;
};

struct user {
    std::string name, password;
};

struct options {
    std::vector<listener> listeners{}; ///< if empty, the default one
    std::optional<tls_files> tls{};    ///< of all listeners
    std::vector<user> users{};         ///< who may use the broker; if empty, anyone

    std::int32_t partitions = 1;     ///< of each topic
    std::uint64_t memory_mib = 1024; ///< for the records of all partitions
    std::string data_dir{};          ///< where records are kept; empty: in memory
    sync_policy fsync = sync_policy::interval;
    std::uint64_t segment_mib = 64;       ///< the size at which a new file begins
    std::size_t connections = 10'000;     ///< at the same time
    std::chrono::seconds stall_after{30}; ///< for the next bytes of a request or of an answer
    std::chrono::seconds idle_after{600}; ///< between requests; as Kafka's connections.max.idle.ms

    std::chrono::milliseconds group_delay{0};      ///< for more members before the first rebalance of a group
    std::chrono::milliseconds least_session{6000}; ///< as Kafka's group.min.session.timeout.ms
    std::int32_t group_size = 10'000;              ///< the largest number of members
    std::chrono::milliseconds consumer_session{45'000};  ///< of a member of a group of the new protocol
    std::chrono::milliseconds consumer_heartbeat{5'000}; ///< how often it shows that it lives

    bool verbose = false;                        ///< a line for each request
    std::optional<std::uint16_t> metrics_port{}; ///< 0: a free one
    std::string dump{};                          ///< the file; empty for none
    bool help = false;
};

extern const char* const usage;

/// The options, or what is wrong with which argument.
[[nodiscard]] kwire::expected<options, std::string> read_options(int count, char** arguments);

} // namespace echo_broker
