// --dump: all frames as a capture file (pcap) that Wireshark and tshark open.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace echo_broker {

/// Writes what the connections carry as if it had been captured on a network: with headers of Ethernet, IP
/// and TCP that are made up but correct, so that a dissector puts the frames together again. The frames of a
/// TLS connection are written as they are inside of it.
///
/// Every frame is in the file when its function returns. If the file cannot be written any more, one line on
/// stderr says so, and the rest is left out.
class frame_dump {
public:
    using endpoint = boost::asio::ip::tcp::endpoint;

    /// Throws std::runtime_error if the file cannot be made.
    explicit frame_dump(const std::string& file);

    /// `connection` is any number that no other open connection has.
    void connected(std::uint64_t connection, const endpoint& client, const endpoint& broker);
    /// A frame of the client, without its length.
    void request(std::uint64_t connection, std::span<const std::byte> frame);
    /// A frame for the client, with its length.
    void answer(std::uint64_t connection, const kwire::buffer_chain& frame);
    void disconnected(std::uint64_t connection);

private:
    /// The two directions of a connection.
    struct flow {
        endpoint ends[2];               ///< the client, the broker
        std::uint32_t sent[2] = {0, 0}; ///< the next sequence number of each
    };
    enum direction : std::uint8_t {
        from_client,
        from_broker
    };
    using pieces = std::vector<std::span<const std::byte>>;

    void stream(flow& of, direction way, pieces content);
    void segment(flow& of, direction way, std::uint8_t flags,
                 std::span<const std::span<const std::byte>> content);
    void write();

    struct closes {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::string name_;
    std::unique_ptr<std::FILE, closes> file_;
    std::unordered_map<std::uint64_t, flow> open_;
    std::vector<std::byte> packet_; ///< with the header of pcap
    std::uint16_t next_ip_id_ = 1;
};

} // namespace echo_broker
