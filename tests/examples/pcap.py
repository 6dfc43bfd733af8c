"""Reads capture files (pcap, Ethernet, IP, TCP) strictly, without other programs: for the test of --dump."""

import struct


class Conversation:
    def __init__(self, client, broker):
        self.client, self.broker = client, broker
        self.sent, self.received = b"", b""
        self.ended = False


def checksum_is_right(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total == 0xffff


def ip(packet):
    """(source, destination, the bytes that TCP's checksum covers besides its own, TCP)."""
    kind, = struct.unpack_from(">H", packet, 12)
    header = packet[14:]
    if kind == 0x0800:
        version, total, protocol = header[0], *struct.unpack_from(">H", header, 2), header[9]
        assert (version, total, protocol) == (0x45, len(header), 6)
        assert checksum_is_right(header[:20])
        source, destination, content = header[12:16], header[16:20], header[20:]
    else:
        assert kind == 0x86dd
        flow, length, protocol = struct.unpack_from(">IHB", header)
        assert (flow >> 28, length, protocol) == (6, len(header) - 40, 6)
        source, destination, content = header[8:24], header[24:40], header[40:]
    return source, destination, source + destination + struct.pack(">II", len(content), 6), content


def conversations(path):
    """The TCP connections in the order of their beginning. Every packet must be the next one of its direction."""
    data = path.read_bytes()
    magic, major, minor, zone, accuracy, longest, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, major, minor, zone, accuracy, link) == (0xa1b2c3d4, 2, 4, 0, 0, 1)
    all_found, open_now = [], {}
    at, before = 24, 0
    while at < len(data):
        second, micro, captured, length = struct.unpack_from("<IIII", data, at)
        assert captured == length <= longest and micro < 1_000_000 and second + micro / 1e6 >= before
        before = second + micro / 1e6
        packet = data[at + 16:at + 16 + captured]
        assert len(packet) == captured
        at += 16 + captured

        source, destination, covered, tcp = ip(packet)
        assert checksum_is_right(covered + tcp)
        source_port, port, sequence, acknowledged, offset, flags = struct.unpack_from(">HHIIBB", tcp)
        content = tcp[offset >> 4 << 2:]
        from_client = (source, source_port), (destination, port)
        if flags == 2:  # SYN
            assert not content and from_client not in open_now
            all_found.append(Conversation(*from_client))
            open_now[from_client] = [all_found[-1], {0: sequence + 1, 1: None}, 0]
            continue
        way = 0 if from_client in open_now else 1
        one, following, ends = state = open_now[from_client if way == 0 else from_client[::-1]]
        if flags == 0x12:  # SYN and ACK
            assert (way, acknowledged) == (1, following[0])
            following[1] = sequence + 1
            continue
        assert flags & 0x10 and sequence == following[way] and acknowledged == following[1 - way], (flags, sequence)
        following[way] = (sequence + len(content) + (flags & 1)) & 0xffffffff
        if way == 0:
            one.sent += content
        else:
            one.received += content
        state[2] = ends + (flags & 1)
        if state[2] == 2 and not flags & 1:  # both have ended, and the last end was acknowledged
            one.ended = True
            del open_now[one.client, one.broker]
    return all_found
