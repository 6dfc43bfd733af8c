/// TCP segments out of the packets of a capture.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace dump {

/// An address and a port. IPv4 addresses are in the form ::ffff:a.b.c.d.
struct endpoint {
    std::array<std::uint8_t, 16> address{};
    std::uint16_t port = 0;
    friend bool operator==(const endpoint&, const endpoint&) = default;
    friend auto operator<=>(const endpoint&, const endpoint&) = default;
};

/// "10.0.0.1:9092" or "[::1]:9092".
[[nodiscard]] std::string to_text(const endpoint& one);

/// One TCP segment. The payload is in the packet's bytes.
struct segment {
    endpoint source;
    endpoint target;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledged = 0;
    std::uint32_t size = 0;             ///< of the payload as it was on the wire
    std::span<const std::byte> payload; ///< what was captured of it: at most `size` bytes
    std::int64_t time_ns = 0;           ///< since 1970
    bool syn = false;
    bool ack = false;
    bool fin = false;
    bool rst = false;
};

/// Why a packet shows no segment.
enum class packet_kind : std::uint8_t {
    tcp,      ///< it does
    other,    ///< not IP, or not TCP
    fragment, ///< a part of a fragmented IP packet: these are not put together
    broken,   ///< the headers are cut or contradict each other
};

/// The link types that segment_of reads, as libpcap numbers them.
[[nodiscard]] bool is_known_link(int link) noexcept;

/// Reads the headers of a packet. `wire_size` is its size before the capture cut it to `packet`.
packet_kind read_packet(int link, std::span<const std::byte> packet, std::uint32_t wire_size,
                        segment& out) noexcept;

} // namespace dump
