"""What passes on the loopback device while a test runs: the TCP connections between some addresses, with all their bytes."""

import collections
import ipaddress
import re
import shutil
import signal
import struct
import subprocess
import time

ETHERNET, IPV4 = 1, 0x0800
SYN, ACK, RST = 2, 16, 4


class Unavailable(Exception):
    """This machine does not let the test capture."""


class Stream:
    """One direction of a connection."""

    def __init__(self):
        self.next, self.data, self.missing = None, bytearray(), 0

    def add(self, sequence, content):
        if self.next is None:
            self.next = sequence
        ahead = (sequence - self.next + (1 << 31)) % (1 << 32) - (1 << 31)
        if ahead > 0:  # packets that were not captured
            self.missing += ahead
        elif ahead < 0:  # sent again
            content = content[-ahead:]
        if content or ahead > 0:
            self.data += content
            self.next = (max(sequence, self.next if ahead < 0 else sequence) + len(content)) % (1 << 32)


class Connection:
    def __init__(self, client, server):
        self.client, self.server = client, server  # (address, port)
        self.accepted = False
        self.sent, self.received = Stream(), Stream()


def connections(path):
    """Of a file in pcap's format: the connections whose beginning was captured."""
    found, now = [], {}
    with open(path, "rb") as file:
        magic, _, _, _, _, _, link = struct.unpack("<IHHiIII", file.read(24))
        assert magic in (0xa1b2c3d4, 0xa1b23c4d) and link == ETHERNET
        while len(header := file.read(16)) == 16:
            packet = file.read(struct.unpack_from("<II", header, 8)[0])
            if struct.unpack_from(">H", packet, 12)[0] != IPV4:
                continue
            begin = 14 + (packet[14] & 15) * 4
            length, = struct.unpack_from(">H", packet, 16)
            end = 14 + length if length else len(packet)  # 0 in packets above 64 KiB
            source, destination = (str(ipaddress.ip_address(packet[at:at + 4])) for at in (26, 30))
            source_port, port, sequence, _, offset, flags = struct.unpack_from(">HHIIBB", packet, begin)
            one, other = (source, source_port), (destination, port)
            if flags & SYN and not flags & ACK:
                if (one, other) in now and not now[one, other].accepted:
                    continue  # sent again
                now[one, other] = Connection(one, other)
                found.append(now[one, other])
                now[one, other].sent.next = (sequence + 1) % (1 << 32)
            elif (one, other) in now:
                now[one, other].sent.add(sequence, packet[begin + (offset >> 4) * 4:end])
            elif (other, one) in now:
                connection = now[other, one]
                if flags & SYN:
                    connection.accepted = True
                    connection.received.next = (sequence + 1) % (1 << 32)
                elif connection.accepted:
                    connection.received.add(sequence, packet[begin + (offset >> 4) * 4:end])
    return found


class Capture:
    """From the constructor's end to stop()."""

    def __init__(self, path, what):
        if shutil.which("dumpcap") is None:
            raise Unavailable("dumpcap is missing")
        self.path = path
        self.process = subprocess.Popen(["dumpcap", "-q", "-P", "-B", "64", "-i", "lo", "-f", what, "-w", path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 30
        while not (path.exists() and path.stat().st_size >= 24):
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise Unavailable((self.process.communicate()[1].strip().splitlines() or ["dumpcap does not begin"])[-1])
            time.sleep(0.1)

    def stop(self):
        """The connections, and how many packets the system did not deliver."""
        time.sleep(1)
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=60)
        dropped = re.search(r"received/dropped on interface.*: \d+/(\d+)", said)
        return connections(self.path), int(dropped[1]) if dropped else 0


def count_by(connections, key):
    return collections.Counter(key(one) for one in connections)
