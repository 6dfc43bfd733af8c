#include "input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>

#include "connection_table.hpp"
#include "frame_files.hpp"
#include "packet.hpp"
#include <pcap/pcap.h>

namespace dump {

namespace {

struct pcap_closer {
    void operator()(pcap_t* capture) const noexcept { pcap_close(capture); }
};

void note(const pcap_pkthdr& header, input_counts& counts) {
    ++counts.packets;
    counts.packet_bytes += header.caplen;
    // pcapng has 64 bits of any unit for a time, and differences of two must fit too.
    constexpr std::int64_t last_second = 4'294'967'295;
    const auto seconds = std::clamp<std::int64_t>(header.ts.tv_sec, 0, last_second);
    counts.last_ns = seconds * 1'000'000'000 + header.ts.tv_usec;
    if (counts.packets == 1) counts.first_ns = counts.last_ns;
}

void read_one(int link, const pcap_pkthdr& header, const u_char* data, connection_table& connections,
              input_counts& counts) {
    note(header, counts);
    segment one;
    one.time_ns = counts.last_ns;
    switch (read_packet(link, std::as_bytes(std::span(data, header.caplen)), header.len, one)) {
    case packet_kind::tcp: break;
    case packet_kind::other: ++counts.other_packets; return;
    case packet_kind::fragment: ++counts.fragments; return;
    case packet_kind::broken: ++counts.broken_packets; return;
    }
    ++counts.segments;
    counts.payload_bytes += one.payload.size();
    connections.add(one);
}

input_result read_pcap(file_handle file, const options& chosen, const wanted_bytes& wanted, sink& to,
                       input_counts& counts) {
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    std::FILE* const stream = file.get();
    const std::unique_ptr<pcap_t, pcap_closer> capture(
        pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why.data()));
    if (!capture) return {wrong_arguments, why.data()};
    static_cast<void>(file.release()); // pcap_close closes it
    const int link = pcap_datalink(capture.get());
    if (!is_known_link(link)) {
        const char* const name = pcap_datalink_val_to_name(link);
        return {wrong_arguments, fmt::format("packets of link type {} ({}) cannot be read", link,
                                             name == nullptr ? "unknown" : name)};
    }
    connection_context context{to, wanted, counts.kafka};
    connection_table connections(context, chosen.ports);
    int state = 1;
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    while (interrupted == 0 && !to.done() && (state = pcap_next_ex(capture.get(), &header, &data)) == 1)
        read_one(link, *header, data, connections, counts);
    connections.end();
    if (state == PCAP_ERROR && interrupted == 0)
        return {capture_is_broken,
                fmt::format("after {} packets: {}", counts.packets, pcap_geterr(capture.get()))};
    return {};
}

/// By the first byte, which is all that a pipe lets one look at.
input_form detect(int first) {
    switch (first) {
    case 0xa1: // pcap, in either order of bytes
    case 0xd4:
    case 0x4d:
    case 0x0a: return input_form::pcap; // pcapng
    case 0x00: return input_form::frames;
    default:
        return std::isxdigit(first) != 0 || std::isspace(first) != 0 ? input_form::hex : input_form::detect;
    }
}

void interrupt(int) { interrupted = 1; }

} // namespace

void end_on_signals() {
    struct sigaction action{};
    action.sa_handler = interrupt; // without SA_RESTART, so that a read ends
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

input_result read_input(const options& chosen, const wanted_bytes& wanted, sink& to, input_counts& counts) {
    file_handle file = open_source(chosen.file, chosen.follow);
    if (!file) return {wrong_arguments, std::strerror(errno)};
    return read_stream(std::move(file), chosen, wanted, to, counts);
}

input_result read_stream(file_handle file, const options& chosen, const wanted_bytes& wanted, sink& to,
                         input_counts& counts) {
    input_form form = chosen.input;
    if (form == input_form::detect) {
        const int first = std::fgetc(file.get());
        if (first == EOF)
            return interrupted != 0 ? input_result{} : input_result{wrong_arguments, "the file is empty"};
        std::ungetc(first, file.get());
        form = detect(first);
        if (first == 0x1f)
            return {wrong_arguments, "this is compressed: unpack it, such as with zcat FILE | kwire-dump -"};
        if (form == input_form::detect)
            return {wrong_arguments,
                    "not a capture (pcap, pcapng), and neither frames nor hexadecimal digits"};
    }
    switch (form) {
    case input_form::frames: return read_frames(file.get(), chosen, to, counts);
    case input_form::hex: return read_hex(file.get(), chosen, to, counts);
    default: return read_pcap(std::move(file), chosen, wanted, to, counts);
    }
}

} // namespace dump
