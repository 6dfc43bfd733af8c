#include "packet.hpp"

#include <kwire/wire/endian.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <arpa/inet.h>
#include <pcap/dlt.h>

namespace dump {

namespace {

using packet_bytes = std::span<const std::byte>;

constexpr std::uint16_t ipv4_type = 0x0800, ipv6_type = 0x86dd;
constexpr std::uint8_t tcp_protocol = 6;

std::uint16_t u16(packet_bytes from, std::size_t at) noexcept {
    return kwire::wire::load_be<std::uint16_t>(from.data() + at);
}
std::uint32_t u32(packet_bytes from, std::size_t at) noexcept {
    return kwire::wire::load_be<std::uint32_t>(from.data() + at);
}
std::uint8_t u8(packet_bytes from, std::size_t at) noexcept {
    return std::to_integer<std::uint8_t>(from[at]);
}

/// What is left of a packet, as captured and as it was on the wire.
struct rest {
    packet_bytes captured;
    std::uint64_t size;

    /// Skips `n` bytes; false if they were not captured.
    bool skip(std::size_t n) noexcept {
        if (n > captured.size() || n > size) return false;
        captured = captured.subspan(n);
        size -= n;
        return true;
    }
    /// The packet ends after `n` bytes; what follows is padding of the link.
    void end_after(std::uint64_t n) noexcept {
        size = std::min(size, n);
        captured = captured.first(static_cast<std::size_t>(std::min<std::uint64_t>(captured.size(), size)));
    }
};

void put_ipv4(endpoint& to, packet_bytes address) noexcept {
    to.address[10] = to.address[11] = 0xff;
    for (std::size_t i = 0; i < 4; ++i) to.address[12 + i] = u8(address, i);
}
void put_ipv6(endpoint& to, packet_bytes address) noexcept {
    for (std::size_t i = 0; i < 16; ++i) to.address[i] = u8(address, i);
}

packet_kind read_tcp(rest packet, segment& out) noexcept {
    constexpr std::size_t least = 20;
    const packet_bytes header = packet.captured;
    if (header.size() < least) return packet_kind::broken;
    out.source.port = u16(header, 0);
    out.target.port = u16(header, 2);
    out.sequence = u32(header, 4);
    out.acknowledged = u32(header, 8);
    const std::size_t size = static_cast<std::size_t>(u8(header, 12) >> 4) * 4;
    const std::uint8_t flags = u8(header, 13);
    if (size < least || size > packet.size) return packet_kind::broken;
    out.fin = (flags & 0x01) != 0;
    out.syn = (flags & 0x02) != 0;
    out.rst = (flags & 0x04) != 0;
    out.ack = (flags & 0x10) != 0;
    out.size = static_cast<std::uint32_t>(packet.size - size);
    out.payload = header.size() > size ? header.subspan(size) : packet_bytes();
    return packet_kind::tcp;
}

packet_kind read_ipv4(rest packet, segment& out) noexcept {
    constexpr std::size_t least = 20;
    const packet_bytes header = packet.captured;
    if (header.size() < least) return packet_kind::broken;
    const std::size_t size = static_cast<std::size_t>(u8(header, 0) & 15) * 4;
    const std::uint16_t total = u16(header, 2), fragment = u16(header, 6);
    if (u8(header, 0) >> 4 != 4 || size < least) return packet_kind::broken;
    if (u8(header, 9) != tcp_protocol) return packet_kind::other;
    if ((fragment & 0x3fff) != 0) return packet_kind::fragment;
    if (total != 0) packet.end_after(total); // 0: the network card was to split it
    put_ipv4(out.source, header.subspan(12));
    put_ipv4(out.target, header.subspan(16));
    return packet.skip(size) ? read_tcp(packet, out) : packet_kind::broken;
}

packet_kind read_ipv6(rest packet, segment& out) noexcept {
    constexpr std::size_t fixed = 40;
    constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, authentication = 51, options = 60;
    const packet_bytes header = packet.captured;
    if (header.size() < fixed || u8(header, 0) >> 4 != 6) return packet_kind::broken;
    const std::uint16_t length = u16(header, 4);
    std::uint8_t next = u8(header, 6);
    if (length != 0) packet.end_after(std::uint64_t{fixed} + length);
    put_ipv6(out.source, header.subspan(8));
    put_ipv6(out.target, header.subspan(24));
    if (!packet.skip(fixed)) return packet_kind::broken;
    while (next != tcp_protocol) { // each header skips at least 8 bytes
        if (next == fragment) return packet_kind::fragment;
        if (next != hop_by_hop && next != routing && next != options && next != authentication)
            return packet_kind::other;
        if (packet.captured.size() < 8) return packet_kind::broken;
        const std::size_t units = u8(packet.captured, 1);
        const std::size_t size = next == authentication ? (units + 2) * 4 : (units + 1) * 8;
        next = u8(packet.captured, 0);
        if (!packet.skip(size)) return packet_kind::broken;
    }
    return read_tcp(packet, out);
}

packet_kind read_ip(rest packet, segment& out) noexcept {
    if (packet.captured.empty()) return packet_kind::broken;
    return u8(packet.captured, 0) >> 4 == 6 ? read_ipv6(packet, out) : read_ipv4(packet, out);
}

/// What follows a field with the number of a protocol, as in Ethernet.
packet_kind read_type(std::uint16_t type, rest packet, segment& out) noexcept {
    constexpr std::uint16_t vlan = 0x8100, provider_vlan = 0x88a8, old_provider_vlan = 0x9100;
    while (type == vlan || type == provider_vlan || type == old_provider_vlan) { // 4 bytes each
        if (packet.captured.size() < 4) return packet_kind::broken;
        type = u16(packet.captured, 2);
        if (!packet.skip(4)) return packet_kind::broken;
    }
    if (type == ipv4_type) return read_ipv4(packet, out);
    if (type == ipv6_type) return read_ipv6(packet, out);
    return packet_kind::other;
}

} // namespace

bool is_known_link(int link) noexcept {
    switch (link) {
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2: return true;
    default: return false;
    }
}

packet_kind read_packet(int link, packet_bytes captured, std::uint32_t wire_size, segment& out) noexcept {
    rest packet{captured, std::max<std::uint64_t>(wire_size, captured.size())};
    const auto after = [&](std::size_t header, std::size_t type) {
        if (captured.size() < header) return packet_kind::broken;
        const std::uint16_t number = u16(captured, type);
        return packet.skip(header) ? read_type(number, packet, out) : packet_kind::broken;
    };
    switch (link) {
    case DLT_NULL: // a number of the address family that differs between systems: the IP version tells
    case DLT_LOOP: return packet.skip(4) ? read_ip(packet, out) : packet_kind::broken;
    case DLT_EN10MB: return after(14, 12);
    case DLT_LINUX_SLL: return after(16, 14);
    case DLT_LINUX_SLL2: return after(20, 0);
    default: return read_ip(packet, out);
    }
}

std::string to_text(const endpoint& one) {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const auto& a = one.address;
    if (std::equal(mapped.begin(), mapped.end(), a.begin()))
        return fmt::format("{}.{}.{}.{}:{}", a[12], a[13], a[14], a[15], one.port);
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, a.data(), text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), one.port);
}

} // namespace dump
