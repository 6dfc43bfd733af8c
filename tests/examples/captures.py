"""Captures as lists of packets: read, changed and written again, and the Kafka frames in them, found without the program under test."""

import gzip
import struct

LINKS = {"ethernet": 1, "raw": 101, "null": 0, "linux cooked": 113}


class Packet:
    """A TCP segment over IPv4. `cut` is the most bytes that a capture keeps of it."""

    def __init__(self, time, source, target, sequence, acknowledged, flags, payload):
        self.time, self.source, self.target = time, source, target
        self.sequence, self.acknowledged, self.flags, self.payload = sequence, acknowledged, flags, payload
        self.cut = 1 << 18

    def bytes(self, link, six=False):
        tcp = struct.pack(">HHIIBBHHH", self.source[1], self.target[1], self.sequence, self.acknowledged, 5 << 4, self.flags,
                          65535, 0, 0) + self.payload
        if six:
            addresses = b"".join(b"\xfe\x80" + b"\0" * 10 + end[0] for end in (self.source, self.target))
            ip = struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + addresses + tcp
        else:
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + self.source[0] + self.target[0] + tcp
        kind = struct.pack(">H", 0x86dd if six else 0x0800)
        front = {"ethernet": b"\0" * 12 + kind, "raw": b"", "null": struct.pack("<I", 10 if six else 2),
                 "linux cooked": b"\0" * 14 + kind}[link]
        return front + ip


def read(path):
    """The TCP segments of a pcap file with Ethernet and IPv4."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    assert struct.unpack_from("<I", data)[0] == 0xa1b2c3d4 and struct.unpack_from("<I", data, 20)[0] == 1
    packets, at = [], 24
    while at < len(data):
        second, micro, captured, size = struct.unpack_from("<IIII", data, at)
        assert captured == size
        packet = data[at + 16:at + 16 + captured]
        at += 16 + captured
        assert packet[12:14] == b"\x08\0" and packet[14] == 0x45 and packet[23] == 6
        ip = packet[14:14 + struct.unpack_from(">H", packet, 16)[0]]
        ports = struct.unpack_from(">HH", ip, 20)
        sequence, acknowledged, offset, flags = struct.unpack_from(">IIBB", ip, 24)
        packets.append(Packet((second, micro), (ip[12:16], ports[0]), (ip[16:20], ports[1]), sequence, acknowledged, flags,
                              ip[20 + (offset >> 4 << 2):]))
    return packets


def write(path, packets, link="ethernet", six=False, pcapng=False):
    with path.open("wb") as out:
        if pcapng:
            out.write(struct.pack("<IIIHHqI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28))
            out.write(struct.pack("<IIHHII", 1, 20, LINKS[link], 0, 1 << 18, 20))
        else:
            out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, LINKS[link]))
        for packet in packets:
            whole = packet.bytes(link, six)
            kept = whole[:packet.cut]
            if pcapng:
                time = packet.time[0] * 1_000_000 + packet.time[1]
                padded = kept + b"\0" * (-len(kept) % 4)
                size = 32 + len(padded)
                out.write(struct.pack("<IIIIIII", 6, size, 0, time >> 32, time & 0xffffffff, len(kept), len(whole)))
                out.write(padded + struct.pack("<I", size))
            else:
                out.write(struct.pack("<IIII", *packet.time, len(kept), len(whole)) + kept)


def streams(packets):
    """What passed in each direction: {(source, target): bytes}. The segments must be in order and complete."""
    out, following = {}, {}
    for packet in packets:
        way = packet.source, packet.target
        if packet.flags & 2:
            following[way] = packet.sequence + 1 & 0xffffffff
            out.setdefault(way, b"")
            continue
        if not packet.payload:
            continue
        assert following[way] == packet.sequence
        following[way] = packet.sequence + len(packet.payload) & 0xffffffff
        out[way] += packet.payload
    return out


def frames(stream):
    """The frames of a stream without their lengths. It ends after one."""
    out = []
    while stream:
        size, = struct.unpack_from(">I", stream)
        assert len(stream) >= 4 + size
        out.append(stream[4:4 + size])
        stream = stream[4 + size:]
    return out


def requests(packets):
    """(client port, API, version, correlation id, size, size of the response or None) of every request."""
    out = []
    ways = streams(packets)
    clients = [way for way in ways if any(p.flags & 0x12 == 2 and (p.source, p.target) == way for p in packets)]
    for way in clients:
        answers = frames(ways[way[::-1]])
        for i, frame in enumerate(frames(ways[way])):
            api, version, number = struct.unpack_from(">hhi", frame)
            answer = answers[i] if i < len(answers) else None
            assert answer is None or struct.unpack_from(">i", answer)[0] == number
            out.append((way[0][1], api, version, number, len(frame), None if answer is None else len(answer)))
    return sorted(out, key=lambda one: [-1 if field is None else field for field in one])
