#include "echo_broker/observe/frame_dump.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace echo_broker {

namespace {

constexpr std::uint8_t fin = 0x01, syn = 0x02, psh = 0x08, ack = 0x10; // flags of TCP
constexpr std::size_t tcp_header = 20, pcap_header = 16, ethernet_header = 14;
constexpr std::size_t most_in_segment = 65'000; // with its headers a packet stays below the 64 KiB of IP

void put(std::vector<std::byte>& out, std::uint64_t value, unsigned bytes) { // in the order of the network
    while (bytes-- != 0) out.push_back(static_cast<std::byte>(value >> 8 * bytes));
}
void put_little(std::vector<std::byte>& out, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> 8 * i));
}
void put_at(std::vector<std::byte>& out, std::size_t at, std::uint16_t value) {
    out[at] = static_cast<std::byte>(value >> 8);
    out[at + 1] = static_cast<std::byte>(value);
}
void put_address(std::vector<std::byte>& out, const boost::asio::ip::address& address) {
    const auto append = [&](const auto& bytes) {
        for (const unsigned char byte : bytes) out.push_back(static_cast<std::byte>(byte));
    };
    if (address.is_v4())
        append(address.to_v4().to_bytes());
    else
        append(address.to_v6().to_bytes());
}

/// The sum of the checksums of IP and TCP: 16 bits at a time, not folded.
std::uint64_t sum(std::span<const std::byte> bytes) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
        out += static_cast<std::uint64_t>(bytes[i]) << 8 | static_cast<std::uint64_t>(bytes[i + 1]);
    if (bytes.size() % 2 != 0) out += static_cast<std::uint64_t>(bytes.back()) << 8;
    return out;
}
std::uint16_t checksum(std::uint64_t of) {
    while (of >> 16 != 0) of = (of & 0xffff) + (of >> 16);
    return static_cast<std::uint16_t>(~of);
}

std::string reason() { return std::generic_category().message(errno); }

} // namespace

frame_dump::frame_dump(const std::string& file) : name_(file), file_(std::fopen(file.c_str(), "wb")) {
    if (!file_) throw std::runtime_error("--dump: cannot write " + file + ": " + reason());
    put_little(packet_, 0xa1b2c3d4, 4); // times in microseconds
    put_little(packet_, 2, 2);          // version 2.4
    put_little(packet_, 4, 2);
    put_little(packet_, 0, 8);
    put_little(packet_, 262'144, 4); // longer than any packet here
    put_little(packet_, 1, 4);       // Ethernet
    write();
    if (!file_) throw std::runtime_error("--dump: cannot write " + file);
}

void frame_dump::connected(std::uint64_t connection, const endpoint& client, const endpoint& broker) {
    flow& made = open_[connection];
    made = {.ends = {client, broker}};
    segment(made, from_client, syn, {});
    segment(made, from_broker, syn | ack, {});
    segment(made, from_client, ack, {});
}

void frame_dump::disconnected(std::uint64_t connection) {
    const auto ended = open_.extract(connection);
    if (ended.empty()) return;
    segment(ended.mapped(), from_broker, fin | ack, {});
    segment(ended.mapped(), from_client, fin | ack, {});
    segment(ended.mapped(), from_broker, ack, {});
}

void frame_dump::request(std::uint64_t connection, std::span<const std::byte> frame) {
    const auto found = open_.find(connection);
    if (found == open_.end()) return;
    std::vector<std::byte> length;
    put(length, frame.size(), 4);
    stream(found->second, from_client, {length, frame});
}

void frame_dump::answer(std::uint64_t connection, const kwire::buffer_chain& frame) {
    const auto found = open_.find(connection);
    if (found == open_.end()) return; // an answer after the end of its connection is sent nowhere
    pieces content;
    for (const kwire::chain_segment& each : frame) content.push_back(each.bytes());
    stream(found->second, from_broker, std::move(content));
}

/// Writes bytes in as many segments as they take.
void frame_dump::stream(flow& of, direction way, pieces content) {
    pieces next;
    std::size_t size = 0;
    for (std::size_t i = 0; i < content.size();) {
        const std::size_t n = std::min(content[i].size(), most_in_segment - size);
        next.push_back(content[i].first(n));
        size += n;
        content[i] = content[i].subspan(n);
        if (content[i].empty()) ++i;
        if (size < most_in_segment && i < content.size()) continue;
        segment(of, way, i == content.size() ? ack | psh : ack, next);
        next.clear();
        size = 0;
    }
}

void frame_dump::segment(flow& of, direction way, std::uint8_t flags,
                         std::span<const std::span<const std::byte>> content) {
    if (!file_) return;
    const endpoint& from = of.ends[way];
    const endpoint& to = of.ends[1 - way];
    std::size_t size = 0;
    for (const auto each : content) size += each.size();
    const std::size_t ip_header = from.address().is_v4() ? 20 : 40;
    const auto captured = ethernet_header + ip_header + tcp_header + size;

    packet_.clear();
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    put_little(packet_, static_cast<std::uint64_t>(now / 1'000'000), 4);
    put_little(packet_, static_cast<std::uint64_t>(now % 1'000'000), 4);
    put_little(packet_, captured, 4);
    put_little(packet_, captured, 4);

    put(packet_, 0x02'00'00'00'00'00 + (1U - way), 6); // addresses that no hardware has
    put(packet_, 0x02'00'00'00'00'00 + way, 6);
    const std::size_t ip = pcap_header + ethernet_header, tcp = ip + ip_header;
    if (from.address().is_v4()) {
        put(packet_, 0x0800, 2);
        put(packet_, 0x4500, 2);
        put(packet_, ip_header + tcp_header + size, 2);
        put(packet_, next_ip_id_++, 2);
        put(packet_, 0x4000, 2); // not to be fragmented
        put(packet_, 64, 1);
        put(packet_, 6, 1); // TCP
        put(packet_, 0, 2);
    } else {
        put(packet_, 0x86dd, 2);
        put(packet_, 0x6000'0000, 4);
        put(packet_, tcp_header + size, 2);
        put(packet_, 6, 1); // TCP
        put(packet_, 64, 1);
    }
    put_address(packet_, from.address());
    put_address(packet_, to.address());
    const std::span<const std::byte> addresses =
        std::span(packet_).subspan(from.address().is_v4() ? ip + 12 : ip + 8);
    const std::uint64_t of_addresses = sum(addresses);
    if (from.address().is_v4()) put_at(packet_, ip + 10, checksum(sum(std::span(packet_).subspan(ip))));

    put(packet_, from.port(), 2);
    put(packet_, to.port(), 2);
    put(packet_, of.sent[way], 4);
    put(packet_, flags & ack ? of.sent[1 - way] : 0, 4);
    put(packet_, tcp_header / 4 << 4, 1);
    put(packet_, flags, 1);
    put(packet_, 65'535, 2); // window
    put(packet_, 0, 4);      // checksum, urgent
    for (const auto each : content) packet_.insert(packet_.end(), each.begin(), each.end());
    put_at(packet_, tcp + 16,
           checksum(of_addresses + 6 + tcp_header + size + sum(std::span(packet_).subspan(tcp))));

    of.sent[way] += static_cast<std::uint32_t>(size) + ((flags & (syn | fin)) != 0 ? 1 : 0);
    write();
}

void frame_dump::write() {
    if (!file_) return;
    const bool written = std::fwrite(packet_.data(), 1, packet_.size(), file_.get()) == packet_.size() &&
                         std::fflush(file_.get()) == 0;
    if (written) return;
    std::fprintf(stderr, "--dump: cannot write %s: %s; the rest is left out\n", name_.c_str(),
                 reason().c_str());
    file_.reset();
}

} // namespace echo_broker
